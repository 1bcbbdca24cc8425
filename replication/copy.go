package replication

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// copySignature begins every binary COPY.
// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
const copySignature = "PGCOPY\n\xff\r\n\x00"

// Bounds of one batch of a load: enough rows to make a step worth while, few
// enough bytes to keep many tables in memory.
const (
	// LoadRows is how many rows a batch of a load has at most.
	LoadRows  = 1 << 16
	loadBytes = 4 << 20
	// loadValues is how much memory the values of its rows take, but for what is long in them.
	loadValues = 8 << 20
)

// copyReader turns a binary COPY, in pieces of any size, into batches. It is an
// io.Writer, so that rows are parsed in the goroutine that reads them.
type copyReader struct {
	columns []decode.Column
	next    func() int // how many rows the next batch should have
	emit    func(*circuit.Batch) error

	carry   []byte // the piece of a row that the last write ended with
	arena   decode.Arena
	batch   *circuit.Batch // used again for each
	want    int            // rows of the batch
	bytes   int            // in the batch
	started bool
	ended   bool
	rows    int64
	err     error // of emit or of the format: what COPY failed of
}

// Write parses the rows in p. The bytes are copied once: p is reused.
func (r *copyReader) Write(p []byte) (int, error) {
	if r.err == nil {
		r.err = r.write(p)
	}
	return len(p), r.err
}

func (r *copyReader) write(p []byte) error {
	n := len(r.carry)
	if n > 0 {
		p = append(r.carry, p...)
	}
	rest, err := r.parse(p)
	if err != nil {
		return err
	}
	r.carry = append(r.carry[:0], rest...)
	return nil
}

// parse takes all complete rows off b and returns the rest.
func (r *copyReader) parse(b []byte) ([]byte, error) {
	if !r.started {
		head := len(copySignature) + 8
		if len(b) < head {
			return b, nil
		}
		if string(b[:len(copySignature)]) != copySignature {
			return nil, errors.New("read binary COPY: no signature")
		}
		extension := int64(binary.BigEndian.Uint32(b[head-4:]))
		if extension > 1<<16 {
			return nil, errors.New("read binary COPY: header extension too long")
		}
		if int64(len(b)) < int64(head)+extension {
			return b, nil
		}
		b, r.started = b[head+int(extension):], true
	}
	for {
		size, err := r.rowSize(b)
		if err != nil {
			return nil, err
		}
		if size == 0 {
			return b, nil
		}
		if r.ended {
			b = b[size:]
			continue
		}
		if err := r.row(r.arena.Copy(b[:size])); err != nil {
			return nil, err
		}
		b = b[size:]
	}
}

// rowSize measures the row at the start of b; 0 when it is not complete.
func (r *copyReader) rowSize(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	n := int(int16(binary.BigEndian.Uint16(b)))
	if r.ended {
		return 0, errors.New("read binary COPY: goes on after its end")
	}
	if n == -1 {
		r.ended = true
		return 2, nil
	}
	if n != len(r.columns) {
		return 0, fmt.Errorf("read binary COPY: row of %d columns, not %d", n, len(r.columns))
	}
	at := 2
	for range n {
		if len(b)-at < 4 {
			return 0, nil
		}
		size := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if size < -1 {
			return 0, fmt.Errorf("read binary COPY: column of %d bytes", size)
		}
		if size > 0 {
			if len(b)-at < size {
				return 0, nil
			}
			at += size
		}
	}
	return at, nil
}

// row decodes one complete row, measured before.
func (r *copyReader) row(s string) error {
	if r.batch == nil {
		r.batch = circuit.NewBatch(len(r.columns), 0)
	}
	if r.batch.Len() == 0 {
		most := loadValues / (int(unsafe.Sizeof(values.Datum{})) * max(len(r.columns), 1))
		r.want = max(min(r.next(), LoadRows, most), 1)
	}
	row := r.batch.Grow(1)
	at := 2
	for i := range r.columns {
		size := int(int32(uint32(s[at])<<24 | uint32(s[at+1])<<16 | uint32(s[at+2])<<8 | uint32(s[at+3])))
		at += 4
		if size < 0 {
			continue
		}
		c := &r.columns[i]
		var err error
		if c.Type.NoBinary {
			row[i], err = values.DecodeText(c.Type, s[at:at+size])
		} else {
			row[i], err = values.DecodeBinaryString(c.Type, s[at:at+size])
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		at += size
	}
	r.rows++
	r.bytes += len(s)
	if r.batch.Len() >= r.want || r.bytes >= loadBytes {
		return r.flush()
	}
	return nil
}

// flush hands the batch over.
func (r *copyReader) flush() error {
	if r.batch == nil || r.batch.Len() == 0 {
		return nil
	}
	err := r.emit(r.batch)
	r.batch.Reset()
	r.bytes = 0
	return err
}

// finish hands over what is left, once the server says that it has sent all.
func (r *copyReader) finish() error {
	if !r.ended || len(r.carry) > 0 {
		return errors.New("read binary COPY: ends in the middle of a row")
	}
	return r.flush()
}
