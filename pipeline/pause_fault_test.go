package pipeline

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// awaitLive waits until a child says that it is.
func (c *child) awaitLive(t *testing.T) {
	t.Helper()
	select {
	case <-c.live:
	case <-c.exited:
		t.Fatalf("child ended: %v: %s", c.err, c.tail())
	case <-time.After(patience):
		t.Fatalf("child is not live: %s", c.tail())
	}
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// running fails the test if the child has ended by itself.
func (c *child) running(t *testing.T) {
	t.Helper()
	if err := c.ended(); err != nil {
		t.Fatal(err)
	}
}

// TestStandstill: the process is stopped for several times wal_sender_timeout, goes
// on, and ends in order when it is told to.
func TestStandstill(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_sender_timeout": "1s"}})
	w := bankOn(t, srv, srv)
	c := w.child(childOptions{})
	c.awaitLive(t)
	a := w.startAuditor()
	ws := w.startWriters(seed(t), 1, slowTransfer)
	var r recoveries
	for range 2 {
		c.signal(t, syscall.SIGSTOP)
		time.Sleep(5 * time.Second)
		c.signal(t, syscall.SIGCONT)
		w.recovers(&r, "stopped for 5 x wal_sender_timeout", time.Now())
		c.running(t)
	}
	ws.end()
	w.wait()
	c.signal(t, syscall.SIGTERM)
	select {
	case <-c.exited:
		if c.err != nil {
			t.Errorf("SIGTERM: %v: %s", c.err, c.tail())
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	for _, v := range w.views {
		w.compare(v.Name)
	}
	a.end()
	r.log(t)
}

// TestWokenInstance: an instance stands still, its sessions are ended, another one
// takes over, and the first wakes up. From then on exactly one writes, whichever of
// them is left.
func TestWokenInstance(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_sender_timeout": "1s"}})
	w := bankOn(t, srv, srv)
	first := w.child(childOptions{})
	first.awaitLive(t)
	a := w.startAuditor()
	ws := w.startWriters(seed(t), 1, slowTransfer)
	dir := w.dir
	for range 2 {
		epoch := ask[int64](w, w.out, "SELECT epoch FROM stepping_cdc.progress")
		first.signal(t, syscall.SIGSTOP)
		// As an operator does, following the second one's message.
		w.exec("SELECT pg_terminate_backend(pid) FROM stepping_cdc.instance")
		w.dir = filepath.Join(t.TempDir(), "state")
		second := w.child(childOptions{})
		second.awaitLive(t)
		var r recoveries
		w.recovers(&r, "another one takes over", time.Now()) // once the server has noticed that the first is silent
		taken := ask[int64](w, w.out, "SELECT epoch FROM stepping_cdc.progress")
		if taken <= epoch {
			t.Errorf("the second instance has epoch %d, the first had %d", taken, epoch)
		}
		first.signal(t, syscall.SIGCONT)
		w.recovers(&r, "a stopped instance wakes up", time.Now())
		time.Sleep(2 * time.Second) // let it try
		if now := ask[int64](w, w.out, "SELECT epoch FROM stepping_cdc.progress"); now != taken {
			t.Errorf("the outputs have changed hands: epoch %d, then %d", taken, now)
		}
		second.running(t)
		// It waits, or has given up: a position that is not its own any more.
		if err := first.ended(); err != nil {
			t.Logf("the first one has given up: %v", err)
		}
		first.kill()
		first = second
	}
	ws.end()
	w.wait()
	for _, v := range w.views {
		w.compare(v.Name)
	}
	first.kill()
	w.dir = dir
	a.end()
}
