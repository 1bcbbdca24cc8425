package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// smallDisk mounts a disk of so many bytes; false where this process may not.
func smallDisk(t *testing.T, bytes string) (dir string, ok bool) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "stepping-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+bytes+",mode=0777"); err != nil {
		t.Logf("no disk can be mounted: %v", err)
		return dir, false
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir, true
}

// ballast takes the space that is left on a disk, but for some bytes.
func ballast(t *testing.T, dir string, leave int64) (file string) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "ballast")
	n := max(0, int64(fs.Bavail)*fs.Bsize-leave)
	// Others may have written meanwhile: then it is full all the same.
	if err := os.WriteFile(file, make([]byte, n), 0o600); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return file
}

// acknowledged is the slot's position as a number.
func (w *world) acknowledged() uint64 {
	w.t.Helper()
	return ask[uint64](w, w.conn, "SELECT (confirmed_flush_lsn - '0/0')::int8 FROM pg_replication_slots WHERE slot_name = $1", w.slot)
}

// TestStateDiskFull: the state's disk is full for a while. What cannot be kept is
// not acknowledged. Whether the process waits or ends, it goes on when there is space
// again, and loses nothing.
func TestStateDiskFull(t *testing.T) {
	t.Parallel()
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	disk, mounted := smallDisk(t, "96m")
	if mounted {
		w.dir = filepath.Join(disk, "state")
	}
	// Where no disk can be had, the limit of a file's size stands for it.
	limit := func(c *child, n uint64) {
		if err := unix.Prlimit(c.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	c := w.child(childOptions{})
	c.awaitLive(t)
	w.load(1, 50)
	w.wait()
	a := w.startAuditor()
	var file string
	if mounted {
		file = ballast(t, disk, 0)
	} else {
		limit(c, 1)
	}
	time.Sleep(2 * time.Second) // a flush may have been under way
	before := w.acknowledged()
	for until := time.Now().Add(12 * time.Second); time.Now().Before(until); {
		w.load(2, 20)
		time.Sleep(200 * time.Millisecond)
	}
	if after := w.acknowledged(); after > before {
		t.Errorf("%d bytes were acknowledged that are not on disk", after-before)
	}
	since := time.Now()
	if mounted {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	} else {
		limit(c, unix.RLIM_INFINITY)
	}
	select {
	case <-c.exited:
		t.Logf("it has ended: %v: %s", c.err, c.tail())
		c = w.child(childOptions{})
	case <-time.After(time.Second):
		t.Log("it waits")
	}
	var r recoveries
	w.recovers(&r, "state disk full", since)
	w.wait()
	for _, v := range w.views {
		w.compare(v.Name)
	}
	w.eventually("acknowledged", "SELECT (confirmed_flush_lsn - '0/0')::int8 > $2 FROM pg_replication_slots WHERE slot_name = $1", w.slot, before)
	c.signal(t, syscall.SIGTERM)
	<-c.exited
	a.end()
}

// TestSourceDiskFull: the server's disk is full. Its own writers fail; it may end,
// and is started again when there is space.
func TestSourceDiskFull(t *testing.T) {
	disk, mounted := smallDisk(t, "400m")
	if !mounted {
		return
	}
	sink := embedded.ForTest(t) // elsewhere
	t.Setenv("TMPDIR", disk)
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_keep_size": "0", "min_wal_size": "32MB", "max_wal_size": "64MB", "restart_after_crash": "on"}})
	w := bankOn(t, srv, sink)
	w.run(Options{})
	w.load(1, 20)
	w.check()
	a := w.startAuditor()
	w.exec("CREATE TABLE heap (b text)")
	file := ballast(t, disk, 24<<20)
	var failed error
	for until := time.Now().Add(patience); failed == nil && time.Now().Before(until); {
		_, failed = w.conn.Exec(t.Context(), "INSERT INTO heap SELECT repeat(md5(i::text), 60) FROM generate_series(1, 10000) i")
	}
	if failed == nil {
		t.Fatal("the disk is not full")
	}
	t.Log(failed)
	time.Sleep(3 * time.Second)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.reconnect()
	var r recoveries
	w.recovers(&r, "source disk full", time.Now())
	w.check()
	a.end()
}
