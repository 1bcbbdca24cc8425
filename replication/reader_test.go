package replication

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// pieces is a connection on which these pieces wait; it notes when it is read.
type pieces struct {
	left     [][]byte
	began    []time.Time
	returned []time.Time
}

func (p *pieces) Read(b []byte) (int, error) {
	p.began = append(p.began, time.Now())
	defer func() { p.returned = append(p.returned, time.Now()) }()
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[0])
	if p.left[0] = p.left[0][n:]; len(p.left[0]) == 0 {
		p.left = p.left[1:]
	}
	return n, nil
}

// Reads keep their distance, but for those that go on with what one could not hold,
// and nothing is lost or told late.
func TestPacedReads(t *testing.T) {
	const pace = 5 * time.Millisecond
	small, large := bytes.Repeat([]byte("s"), 100), bytes.Repeat([]byte("l"), 2*readSize+10)
	from := &pieces{left: [][]byte{small, large, small, small}}
	r := newReader(from)
	r.pace.Store(int64(pace))
	var got []byte
	var told []int // how much had been handed on when the connection was read
	r.dry = func() { told = append(told, len(got)) }
	for part := make([]byte, 1000); ; {
		n, err := r.Read(part)
		got = append(got, part[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := bytes.Join([][]byte{small, large, small, small}, nil); !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
	sizes := []int{100, readSize, readSize, 10, 100, 100}
	if len(told) != len(sizes)+1 || len(from.began) != len(sizes)+1 {
		t.Fatalf("%d reads, %d times told, want %d", len(from.began), len(told), len(sizes)+1)
	}
	at := 0
	for i, size := range sizes {
		if told[i] != at {
			t.Errorf("read %d after %d bytes, want %d", i, told[i], at)
		}
		at += size
		if pause := from.began[i+1].Sub(from.returned[i]); size < readSize && pause < pace-time.Millisecond {
			t.Errorf("read %d came %s after the one before", i+1, pause)
		}
	}
}
