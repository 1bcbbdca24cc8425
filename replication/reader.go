package replication

import (
	"io"
	"sync/atomic"
	"time"
)

// readSize is how much is read off the connection at once.
const readSize = 64 << 10

// reader takes what the server sends off the connection in large pieces. The server
// sends each message by itself; one that is read at once costs both sides a wake-up
// and a system call or two, which is more than there is to do for a small change. So
// under load reads keep a distance, and find what has come in between all together.
type reader struct {
	from io.Reader
	pace atomic.Int64 // nanoseconds from one read to the next at least; 0: none
	// dry is called before each read: all that was received has been handed on.
	dry func()

	buf        []byte
	start, end int       // of what is in buf
	more       bool      // the last read filled buf: the next one need not wait
	read       time.Time // when it returned
}

func newReader(from io.Reader) *reader {
	return &reader{from: from, dry: func() {}, buf: make([]byte, readSize)}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.start == r.end {
		r.dry()
		if pace := time.Duration(r.pace.Load()); pace > 0 && !r.more {
			time.Sleep(pace - time.Since(r.read))
		}
		n, err := r.from.Read(r.buf)
		r.start, r.end, r.more, r.read = 0, n, n == len(r.buf), time.Now()
		if n == 0 {
			return 0, err
		}
		// An error comes again with the next read.
	}
	n := copy(p, r.buf[r.start:r.end])
	r.start += n
	return n, nil
}
