// Package pollconn waits for what comes over a connection in a system call of the
// waiting thread, as long as something comes often.
//
// It knows one connection of the operating system and how Go's scheduler treats those
// who wait. It must not know what the connection is for.
//
// A goroutine that waits for the network in the usual way is parked. Its thread looks for
// other work, finds none, and sleeps in the runtime's poller; what comes wakes a thread,
// which looks for a processor and then for the goroutine. As all processors were idle
// in between, the runtime's monitor has gone to sleep too; it is woken by the next system
// call, and looks around every 20 µs until all is idle again. A server that sends a small
// transaction as three messages has all of that done three times: half of the CPU time of
// a program that has little to do but to be there at once. A thread that waits in a system
// call stays with its goroutine and, for the first milliseconds, with its processor.
package pollconn

import (
	"net"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a read waits in the system call before it waits in the usual way. The
// runtime takes the processor of a system call away after 10 ms. Closing the
// connection may be held up for as long.
const patience = 10 * time.Millisecond

// Conn is a connection whose reads wait in a system call first. It belongs below
// encryption: of what a layer above has buffered, the operating system knows nothing.
type Conn struct {
	net.Conn
	raw syscall.RawConn
}

// New has a connection's reads wait in a system call. One that the operating system
// does not know is left as it is.
func New(conn net.Conn) net.Conn {
	of, ok := conn.(syscall.Conn)
	if !ok {
		return conn
	}
	raw, err := of.SyscallConn()
	if err != nil {
		return conn
	}
	return &Conn{Conn: conn, raw: raw}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	// Whom we have woken lately may be next on this processor, which the system call
	// would keep from it.
	runtime.Gosched()
	_ = c.raw.Control(wait) // what it fails of, the read does
	return c.Conn.Read(p)
}

// wait returns when there is something to read, or the connection has ended, or patience has.
// A signal may end it early. Whatever it was, the read that follows finds out.
func wait(fd uintptr) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds[:], int(patience.Milliseconds()))
}
