package sink

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/stepping-cdc/stepping-cdc/circuit"
)

// delta is a consolidated batch, encoded, and sorted out into the writes it takes.
type delta struct {
	arena []byte
	ends  []int   // ends[i] is where row i ends in arena
	w     []int64 // net weight of row i

	deletes, updates, inserts []int32 // rows; an update is named by its new row
	nulls                     []uint64
	net                       int64 // change of the number of rows

	// For sorting out: rows by their bytes, the keys of rows that leave.
	seen, old rowIndex
	keys      []byte
	keyEnds   []int
	offsets   []int
	leaving   []int32
}

// reset makes a delta like new, in the memory it has.
func (d *delta) reset() {
	*d = delta{
		arena: d.arena[:0], ends: d.ends[:0], w: d.w[:0],
		deletes: d.deletes[:0], updates: d.updates[:0], inserts: d.inserts[:0], nulls: d.nulls[:0],
		seen: d.seen, old: d.old, keys: d.keys[:0], keyEnds: d.keyEnds[:0], offsets: d.offsets, leaving: d.leaving[:0],
	}
}

func (d *delta) row(i int32) []byte {
	if i == 0 {
		return d.arena[:d.ends[0]]
	}
	return d.arena[d.ends[i-1]:d.ends[i]]
}

// key is the n-th of the keys of the rows that leave.
func (d *delta) key(n int32) []byte {
	if n == 0 {
		return d.keys[:d.keyEnds[0]]
	}
	return d.keys[d.keyEnds[n-1]:d.keyEnds[n]]
}

func newDelta(t *Table, b *circuit.Batch) (*delta, error) {
	d := &delta{}
	return d, d.fill(t, b)
}

// fill encodes a batch and adds up the weights of equal rows. The encoded row is the
// identity: it is what the server will store, bit by bit.
func (d *delta) fill(t *Table, b *circuit.Batch) error {
	if b.Width != len(t.spec.Columns) {
		return fmt.Errorf("delta of view %q has %d columns, its output %d", t.spec.Name, b.Width, len(t.spec.Columns))
	}
	d.ends, d.w = slices.Grow(d.ends, b.Len()), slices.Grow(d.w, b.Len())
	d.seen.reset(b.Len())
	for i := range b.Len() {
		if b.W[i] == 0 {
			continue
		}
		start := len(d.arena)
		var err error
		if d.arena, err = t.codec.appendRow(d.arena, b.Row(i)); err != nil {
			return fmt.Errorf("row of view %q: %w", t.spec.Name, err)
		}
		d.ends = append(d.ends, len(d.arena))
		d.w = append(d.w, 0)
		n := int32(len(d.ends) - 1)
		at, found := d.seen.find(d.arena[start:], d.row)
		if found {
			n = d.seen.slots[at] - 1
			last := len(d.ends) - 1
			d.arena, d.ends, d.w = d.arena[:start], d.ends[:last], d.w[:last]
		} else {
			d.seen.slots[at] = n + 1
		}
		d.w[n] += b.W[i]
	}
	return d.sortOut(t)
}

// sortOut decides which rows are deleted, updated and inserted.
func (d *delta) sortOut(t *Table) error {
	keyed := t.identity == byKey || t.identity == byKeyHash || t.identity == single
	if !keyed {
		for i, w := range d.w {
			d.net += w
			switch {
			case w < 0:
				d.deletes = append(d.deletes, int32(i))
			case w > 0:
				d.inserts = append(d.inserts, int32(i))
			}
		}
		return nil
	}
	// Keys of the rows that leave, then each row that comes looks for its own.
	d.old.reset(len(d.w))
	d.nulls = append(d.nulls, make([]uint64, len(d.w))...)
	for i, w := range d.w {
		d.net += w
		if w == 0 {
			continue
		}
		if w < -1 || w > 1 {
			return unfit(t, "its change gives a row the weight %d, though the view has a key", w)
		}
		if w > 0 {
			continue
		}
		start := len(d.keys)
		d.keys, d.nulls[i], d.offsets = appendFields(d.keys, d.row(int32(i)), t.spec.Key, d.offsets)
		d.keyEnds = append(d.keyEnds, len(d.keys))
		at, found := d.old.find(d.keys[start:], d.key)
		if found {
			return unfit(t, "in its change two rows of one key leave")
		}
		d.old.slots[at] = int32(len(d.keyEnds))
		d.leaving = append(d.leaving, int32(i))
	}
	var probe []byte
	for i, w := range d.w {
		if w <= 0 {
			continue
		}
		probe, d.nulls[i], d.offsets = appendFields(probe[:0], d.row(int32(i)), t.spec.Key, d.offsets)
		if at, found := d.old.find(probe, d.key); found {
			j := d.old.slots[at] - 1
			if d.leaving[j] < 0 {
				return unfit(t, "in its change two rows of one key come")
			}
			d.leaving[j] = -1
			d.updates = append(d.updates, int32(i))
			continue
		}
		d.inserts = append(d.inserts, int32(i))
	}
	for _, i := range d.leaving {
		if i >= 0 {
			d.deletes = append(d.deletes, i)
		}
	}
	return nil
}

// rowIndex finds equal byte strings: open addressing over row numbers + 1.
type rowIndex struct {
	slots []int32
	mask  uint64
}

// reset empties the index and makes room for n rows.
func (x *rowIndex) reset(n int) {
	size := 8
	for size < 2*n {
		size *= 2
	}
	if size > cap(x.slots) {
		x.slots = make([]int32, size)
	} else {
		x.slots = x.slots[:size]
		clear(x.slots)
	}
	x.mask = uint64(size - 1)
}

// find returns the slot that holds b, or the one where it belongs.
func (x *rowIndex) find(b []byte, row func(int32) []byte) (slot uint64, found bool) {
	for at := xxh3.Hash(b) & x.mask; ; at = (at + 1) & x.mask {
		n := x.slots[at]
		if n == 0 {
			return at, false
		}
		if bytes.Equal(row(n-1), b) {
			return at, true
		}
	}
}

// maxChunkRows and maxChunkBytes bound one statement's parameter.
const (
	maxChunkRows  = 5000
	maxChunkBytes = 4 << 20
)

// op is one statement to run: a kind, the NULL pattern of its keys, its rows.
type op struct {
	table *Table
	kind  stmtKind
	nulls uint64
	rows  []int32
	d     *delta
}

// ops hands the delta's statements, in the order they must run, to emit. Rows
// leave before others come, so that a table never holds a key twice.
func (d *delta) ops(t *Table, emit func(op) error) error {
	del := stDelete
	if t.identity == byImage {
		del = stDeleteImage
	}
	groups := [...]struct {
		kind stmtKind
		rows []int32
	}{{del, d.deletes}, {stUpdate, d.updates}, {stInsert, d.inserts}}
	for _, g := range groups {
		patterns := [][]int32{g.rows}
		if t.identity == byKey && g.kind != stInsert {
			patterns = d.byNulls(g.rows)
		}
		for _, rows := range patterns {
			one := d.oneByOne(rows)
			for len(rows) > 0 {
				n := 1
				if !one {
					n = d.chunk(rows)
				}
				o := op{table: t, kind: g.kind, rows: rows[:n], d: d}
				if t.identity == byKey && g.kind != stInsert {
					o.nulls = d.nulls[rows[0]]
				}
				switch {
				case one:
					o.kind = g.kind.ofOne()
				case g.kind == stInsert && d.weight(o.rows) != int64(n):
					o.kind = stInsertCopies
				}
				if err := emit(o); err != nil {
					return err
				}
				rows = rows[n:]
			}
		}
	}
	return nil
}

// byNulls splits rows by which of their key columns are NULL.
func (d *delta) byNulls(rows []int32) [][]int32 {
	same := true
	for _, r := range rows {
		same = same && d.nulls[r] == d.nulls[rows[0]]
	}
	if same {
		return [][]int32{rows}
	}
	at := map[uint64]int{}
	var out [][]int32
	for _, r := range rows {
		p := d.nulls[r]
		i, ok := at[p]
		if !ok {
			i = len(out)
			at[p] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// chunk says how many of the rows fit into one statement: at least one.
func (d *delta) chunk(rows []int32) int {
	size := 0
	for n, r := range rows {
		size += len(d.row(r))
		if n > 0 && (n >= maxChunkRows || size > maxChunkBytes) {
			return n
		}
	}
	return len(rows)
}

// weight is the number of table rows that the given entries stand for.
func (d *delta) weight(rows []int32) int64 {
	var n int64
	for _, r := range rows {
		if w := d.w[r]; w < 0 {
			n -= w
		} else {
			n += w
		}
	}
	return n
}

// params are the parameters of the op's statement: rows, copies; or one row.
func (o op) params() [][]byte {
	t, d := o.table, o.d
	if o.kind >= stInsertOne {
		return [][]byte{d.row(o.rows[0])}
	}
	size := 20 + 4*len(o.rows)
	for _, r := range o.rows {
		size += len(d.row(r))
	}
	rows := t.codec.appendArray(make([]byte, 0, size), t.rowType, len(o.rows), func(i int) []byte { return d.row(o.rows[i]) })
	p := [][]byte{rows}
	if o.kind == stInsertCopies || o.kind == stDeleteImage {
		p = append(p, appendInt8Array(nil, len(o.rows), func(i int) int64 { return max(d.w[o.rows[i]], -d.w[o.rows[i]]) }))
	}
	return p
}

// want is how many rows the statement must write.
func (o op) want() int64 { return o.d.weight(o.rows) }

// types are the parameters' types, where they do not follow from the statement.
func (o op) types() []uint32 {
	if o.kind >= stInsertOne {
		return []uint32{o.table.rowType}
	}
	return nil
}

// allBinary are the format codes of parameters that are all binary.
var allBinary = []int16{1}

// formats are the parameters' format codes.
func (o op) formats() []int16 {
	switch {
	case !o.table.codec.text:
		return allBinary
	case o.kind == stInsertCopies || o.kind == stDeleteImage:
		return []int16{0, 1}
	}
	return []int16{0}
}
