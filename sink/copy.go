package sink

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// copyRows is from how many new rows on COPY is used: it costs a round trip more
// and cannot share the pipeline.
const copyRows = 2000

// copySignature starts a file of COPY BINARY; flags and header extension are 0.
const copySignature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyRows inserts the delta's rows of weight 1 by COPY; ops has left them out.
func (s *Sink) copyRows(ctx context.Context, t *Table, d *delta) error {
	src := &copySource{d: d, buf: append(make([]byte, 0, 128<<10), copySignature...)}
	err := d.ops(t, func(o op) error {
		if o.kind == stInsert {
			src.rows = append(src.rows, o.rows)
			src.want += int64(len(o.rows))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if src.want == 0 {
		return nil
	}
	tag, err := s.pg.CopyFrom(ctx, src, fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", t.rel, t.columnList()))
	if err != nil {
		return classify(err, t.spec.Name)
	}
	if tag.RowsAffected() != src.want {
		return miscounted(t.spec.Name, tag.RowsAffected(), src.want)
	}
	return nil
}

// copySource is the stream of COPY BINARY, made as it is read.
type copySource struct {
	d    *delta
	rows [][]int32
	want int64
	buf  []byte
	at   int
	end  bool
}

func (c *copySource) Read(p []byte) (int, error) {
	for c.at == len(c.buf) {
		if c.end {
			return 0, io.EOF
		}
		c.buf, c.at = c.buf[:0], 0
		c.fill()
	}
	n := copy(p, c.buf[c.at:])
	c.at += n
	return n, nil
}

func (c *copySource) fill() {
	for len(c.buf) < 64<<10 {
		if len(c.rows) == 0 {
			c.end = true
			c.buf = binary.BigEndian.AppendUint16(c.buf, 0xffff)
			return
		}
		if len(c.rows[0]) == 0 {
			c.rows = c.rows[1:]
			continue
		}
		c.buf = appendTuple(c.buf, c.d.row(c.rows[0][0]))
		c.rows[0] = c.rows[0][1:]
	}
}

// ReadRows reads the whole table, in batches of weight 1 that are reused after
// yield returns. With an open Tx it reads within that.
// An error of yield ends the read and the connection with it.
func (s *Sink) ReadRows(ctx context.Context, t *Table, yield func(*circuit.Batch) error) error {
	cols := ""
	for i, c := range t.spec.Columns {
		if i > 0 {
			cols += ", "
		}
		cols += quote(c.Name)
		if c.Type.NoBinary {
			cols += "::text"
		}
	}
	r := &rowReader{types: t.codec.types, yield: yield, batch: circuit.NewBatch(len(t.spec.Columns), readBatch)}
	_, err := s.pg.CopyTo(ctx, r, fmt.Sprintf("COPY (SELECT %s FROM %s) TO STDOUT (FORMAT binary)", cols, t.rel))
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		return fmt.Errorf("read output of view %q: %w", t.spec.Name, s.lost(classify(err, t.spec.Name)))
	}
	return nil
}

const readBatch = 1024

// rowReader takes the stream of COPY BINARY apart.
type rowReader struct {
	types   []*values.Type
	yield   func(*circuit.Batch) error
	batch   *circuit.Batch
	pending []byte
	begun   bool
	ended   bool
}

func (r *rowReader) Write(p []byte) (int, error) {
	r.pending = append(r.pending, p...)
	rest := r.pending
	if !r.begun {
		if len(rest) < len(copySignature) {
			return len(p), nil
		}
		if !bytes.HasPrefix(rest, []byte(copySignature[:11])) {
			return 0, fmt.Errorf("COPY stream has a wrong signature")
		}
		rest = rest[len(copySignature):]
		r.begun = true
	}
	for !r.ended {
		n, err := r.tuple(rest)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
	}
	r.pending = append(r.pending[:0], rest...)
	return len(p), nil
}

// tuple reads one row if it is complete and says how long it was.
func (r *rowReader) tuple(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	n := int16(binary.BigEndian.Uint16(b))
	if n == -1 {
		r.ended = true
		return 2, nil
	}
	if int(n) != len(r.types) {
		return 0, fmt.Errorf("COPY stream has a row of %d columns, not %d", n, len(r.types))
	}
	at := 2
	for range r.types {
		if len(b) < at+4 {
			return 0, nil
		}
		at += 4 + max(0, int(int32(binary.BigEndian.Uint32(b[at:]))))
	}
	if len(b) < at {
		return 0, nil
	}
	row := r.batch.Grow(1)
	at = 2
	for i, t := range r.types {
		l := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if l < 0 {
			continue
		}
		d, err := values.DecodeBinary(t, b[at:at+l])
		if err != nil {
			return 0, fmt.Errorf("column %d: %w", i+1, err)
		}
		row[i] = d
		at += l
	}
	if r.batch.Len() == readBatch {
		if err := r.yield(r.batch); err != nil {
			return 0, err
		}
		r.batch.Reset()
	}
	return at, nil
}

func (r *rowReader) finish() error {
	if !r.ended {
		return io.ErrUnexpectedEOF
	}
	if r.batch.Len() == 0 {
		return nil
	}
	return r.yield(r.batch)
}
