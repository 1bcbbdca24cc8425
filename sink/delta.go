package sink

import (
	"bytes"
	"fmt"

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
}

func (d *delta) row(i int32) []byte {
	if i == 0 {
		return d.arena[:d.ends[0]]
	}
	return d.arena[d.ends[i-1]:d.ends[i]]
}

// newDelta encodes a batch and adds up the weights of equal rows. The encoded row
// is the identity: it is what the server will store, bit by bit.
func newDelta(t *Table, b *circuit.Batch) (*delta, error) {
	if b.Width != len(t.spec.Columns) {
		return nil, fmt.Errorf("delta of view %q has %d columns, its output %d", t.spec.Name, b.Width, len(t.spec.Columns))
	}
	d := &delta{ends: make([]int, 0, b.Len()), w: make([]int64, 0, b.Len())}
	seen := newRowIndex(b.Len())
	for i := range b.Len() {
		if b.W[i] == 0 {
			continue
		}
		start := len(d.arena)
		var err error
		if d.arena, err = t.codec.appendRow(d.arena, b.Row(i)); err != nil {
			return nil, fmt.Errorf("row of view %q: %w", t.spec.Name, err)
		}
		d.ends = append(d.ends, len(d.arena))
		d.w = append(d.w, 0)
		n := int32(len(d.ends) - 1)
		at, found := seen.find(d.arena[start:], func(j int32) []byte { return d.row(j) })
		if found {
			n = seen.slots[at] - 1
			last := len(d.ends) - 1
			d.arena, d.ends, d.w = d.arena[:start], d.ends[:last], d.w[:last]
		} else {
			seen.slots[at] = n + 1
		}
		d.w[n] += b.W[i]
	}
	return d, d.sortOut(t)
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
	var keys []byte
	var ends []int
	var offsets []int
	key := func(j int32) []byte {
		if j == 0 {
			return keys[:ends[0]]
		}
		return keys[ends[j-1]:ends[j]]
	}
	old := newRowIndex(len(d.w))
	var leaving []int32
	d.nulls = make([]uint64, len(d.w))
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
		start := len(keys)
		keys, d.nulls[i], offsets = appendFields(keys, d.row(int32(i)), t.spec.Key, offsets)
		ends = append(ends, len(keys))
		at, found := old.find(keys[start:], key)
		if found {
			return unfit(t, "in its change two rows of one key leave")
		}
		old.slots[at] = int32(len(ends))
		leaving = append(leaving, int32(i))
	}
	var probe []byte
	for i, w := range d.w {
		if w <= 0 {
			continue
		}
		probe, d.nulls[i], offsets = appendFields(probe[:0], d.row(int32(i)), t.spec.Key, offsets)
		if at, found := old.find(probe, key); found {
			j := old.slots[at] - 1
			if leaving[j] < 0 {
				return unfit(t, "in its change two rows of one key come")
			}
			leaving[j] = -1
			d.updates = append(d.updates, int32(i))
			continue
		}
		d.inserts = append(d.inserts, int32(i))
	}
	for _, i := range leaving {
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

func newRowIndex(n int) *rowIndex {
	size := 8
	for size < 2*n {
		size *= 2
	}
	return &rowIndex{slots: make([]int32, size), mask: uint64(size - 1)}
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
			for len(rows) > 0 {
				n := d.chunk(rows)
				o := op{table: t, kind: g.kind, rows: rows[:n], d: d}
				if t.identity == byKey && g.kind != stInsert {
					o.nulls = d.nulls[rows[0]]
				}
				if g.kind == stInsert && d.weight(o.rows) != int64(n) {
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

// params are the parameters of the op's statement: rows, view, count, copies.
func (o op) params() [][]byte {
	t, d := o.table, o.d
	want := d.weight(o.rows)
	size := 20 + 4*len(o.rows)
	for _, r := range o.rows {
		size += len(d.row(r))
	}
	rows := t.codec.appendArray(make([]byte, 0, size), t.rowType, len(o.rows), func(i int) []byte { return d.row(o.rows[i]) })
	p := [][]byte{rows, []byte(t.spec.Name), int8Param(want)}
	if o.kind == stInsertCopies || o.kind == stDeleteImage {
		p = append(p, appendInt8Array(nil, len(o.rows), func(i int) int64 { return max(d.w[o.rows[i]], -d.w[o.rows[i]]) }))
	}
	return p
}

// formats are the parameters' format codes.
func (o op) formats() []int16 {
	f := []int16{1, 0, 1, 1}
	if o.table.codec.text {
		f[0] = 0
	}
	if o.kind == stInsertCopies || o.kind == stDeleteImage {
		return f
	}
	return f[:3]
}
