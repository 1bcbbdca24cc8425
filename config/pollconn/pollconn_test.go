package pollconn

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a connection of ours and the other end of it.
func pair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dialled.Close()
		theirs.Close()
	})
	ours = New(dialled)
	if _, ok := ours.(*Conn); !ok {
		t.Fatalf("a TCP connection is left as it is: %T", ours)
	}
	return ours, theirs
}

// What comes at once, within the patience and after it is read; so is the end.
func TestRead(t *testing.T) {
	ours, theirs := pair(t)
	pauses := []time.Duration{0, patience / 4, 3 * patience, 0}
	go func() {
		for i, pause := range pauses {
			time.Sleep(pause)
			theirs.Write([]byte{byte(i)})
		}
		time.Sleep(patience / 4)
		theirs.Close()
	}()
	got, err := io.ReadAll(ours)
	if err != nil || len(got) != len(pauses) {
		t.Fatalf("read %v, %v", got, err)
	}
	for i, b := range got {
		if int(b) != i {
			t.Fatalf("read %v", got)
		}
	}
}

// Who waits learns that the connection was closed on this side, and that time is up,
// in the system call as well as behind it.
func TestGivenUp(t *testing.T) {
	for _, after := range []time.Duration{patience / 4, 3 * patience} {
		for what, giveUp := range map[error]func(net.Conn){
			net.ErrClosed:          func(c net.Conn) { c.Close() },
			os.ErrDeadlineExceeded: func(c net.Conn) { c.SetReadDeadline(time.Now()) },
		} {
			ours, _ := pair(t)
			done := make(chan error, 1)
			go func() {
				_, err := ours.Read(make([]byte, 1))
				done <- err
			}()
			time.Sleep(after)
			giveUp(ours)
			select {
			case err := <-done:
				if !errors.Is(err, what) {
					t.Errorf("after %s: %v, not %v", after, err, what)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("after %s: still waiting, where it should have been: %v", after, what)
			}
		}
	}
}

// What the operating system does not know is left alone.
func TestNotOfTheSystem(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if New(a) != a {
		t.Error("a pipe in memory is wrapped")
	}
}
