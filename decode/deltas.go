package decode

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// OldRows is the content of the source tables as of the last batch: the base
// trace of each. It answers what the stream leaves out. The source itself must
// never be asked: what is there may be newer.
type OldRows interface {
	// Get finds the row of a keyed table by its encoded key (Table.AppendKey).
	// The row must stay valid.
	Get(table int, key []byte) (row []values.Datum, ok bool, err error)

	// Scan visits the whole content of a table, of a keyed one with weight 1.
	// The row is valid during the call only.
	Scan(table int, visit func(row []values.Datum, weight int64) error) error
}

// TableDelta is what a batch of transactions does to one table.
type TableDelta struct {
	// Truncated says that what the table held before the batch is to go first;
	// Rows does not contain that. ExpandTruncate lists it.
	Truncated bool

	// Rows are the changed rows with their weights; nil if the batch does not touch
	// the table. Added to the base trace of an
	// unkeyed table (after emptying it, if Truncated), they bring that up to date.
	Rows *circuit.Batch

	// Keyed is what becomes of the base trace of a keyed table, after emptying it
	// if Truncated: each key once, in the order of first use.
	Keyed []KeyedRow
}

// KeyedRow is the row a key ends up with; nil when it ends up with none.
type KeyedRow struct {
	Key string
	Row []values.Datum
}

// ErrInconsistent marks a stream that contradicts the base trace: a row that is
// changed but unknown, or inserted but known. One of them is damaged, or
// transactions were missed; only a new snapshot helps.
var ErrInconsistent = errors.New("stream contradicts the state kept")

// Deltas collects the changes of a batch of transactions into deltas a table.
// Several changes of one row inside a batch see each other.
type Deltas struct {
	// Tables are the deltas so far, by index of registration; Touched lists those
	// with any, in the order of their first change.
	Tables  []TableDelta
	Touched []int

	tables  []Table
	old     OldRows
	overlay []map[string]int // keyed tables: key → index in TableDelta.Keyed
	last    []size           // of each table's last delta: what to expect of the next
	key     []byte
	arena   Arena
	looked  int // bytes of the old rows that were looked up
}

type size struct{ rows, keyed int }

// NewDeltas starts an empty batch.
func NewDeltas(tables []Table, old OldRows) *Deltas {
	return &Deltas{
		Tables: make([]TableDelta, len(tables)), tables: tables, old: old,
		overlay: make([]map[string]int, len(tables)), last: make([]size, len(tables)),
	}
}

// expected bounds what the last batch says about the next one: room is made for
// no more, and a map that has held more keys is not used again, for clearing it
// takes time by the largest size it ever had.
const expected = 1024

// Reset starts a new batch; what the last one held stays valid for whoever has
// taken it.
func (d *Deltas) Reset() {
	for _, i := range d.Touched {
		rows, keyed := d.Tables[i].Rows.Len(), len(d.Tables[i].Keyed)
		d.last[i] = size{min(rows, expected), min(keyed, expected)}
		if keyed > expected {
			d.overlay[i] = nil
		}
		clear(d.overlay[i])
		d.Tables[i] = TableDelta{}
	}
	d.Touched, d.looked = nil, 0
}

// LookedUp is how much the batch holds that did not come with the changes: bytes of
// old rows, which may be wide where the change is a key alone.
func (d *Deltas) LookedUp() int { return d.looked }

// touch makes sure that a table's delta exists.
func (d *Deltas) touch(table int) {
	if d.Tables[table].Rows == nil {
		d.Tables[table].Rows = circuit.NewBatch(len(d.tables[table].Columns), d.last[table].rows)
		if n := d.last[table].keyed; n > 0 {
			d.Tables[table].Keyed = make([]KeyedRow, 0, n)
		}
		d.Touched = append(d.Touched, table)
	}
}

// Add applies changes, in order.
func (d *Deltas) Add(changes []Change) error {
	_, err := d.AddWithin(changes, math.MaxInt)
	return err
}

// AddWithin applies changes, in order, until the batch holds more than so many bytes
// of old rows. It returns how many it has applied: at least one, if there is any.
func (d *Deltas) AddWithin(changes []Change, lookUp int) (int, error) {
	for i := range changes {
		if i > 0 && d.looked > lookUp {
			return i, nil
		}
		c := &changes[i]
		t := &d.tables[c.Table]
		d.touch(c.Table)
		var err error
		switch {
		case c.Kind == Truncate:
			d.truncate(c.Table)
		case t.Keyed():
			err = d.keyed(t, c)
		default:
			err = d.full(t, c)
		}
		if err != nil {
			return i, fmt.Errorf("table %s.%s: %w", t.Schema, t.Name, err)
		}
	}
	return len(changes), nil
}

// ExpandTruncate lists the content that truncated tables had before the batch,
// with negative weights, in batches of at most limit rows that are the
// receiver's to keep.
func (d *Deltas) ExpandTruncate(limit int, emit func(table int, rows *circuit.Batch) error) error {
	for _, i := range d.Touched {
		if !d.Tables[i].Truncated {
			continue
		}
		width := len(d.tables[i].Columns)
		b := circuit.NewBatch(width, 0)
		err := d.old.Scan(i, func(row []values.Datum, weight int64) error {
			b.Append(row, -weight)
			if b.Len() < limit {
				return nil
			}
			full := b
			b = circuit.NewBatch(width, limit)
			return emit(i, full)
		})
		if err == nil && b.Len() > 0 {
			err = emit(i, b)
		}
		if err != nil {
			return fmt.Errorf("list truncated table %s.%s: %w", d.tables[i].Schema, d.tables[i].Name, err)
		}
	}
	return nil
}

// truncate makes the batch as if the table had been empty from its start.
func (d *Deltas) truncate(table int) {
	td := &d.Tables[table]
	td.Truncated = true
	td.Rows.Reset()
	td.Keyed = nil
	clear(d.overlay[table])
}

// full applies a change of a table whose old rows come complete.
func (d *Deltas) full(t *Table, c *Change) error {
	rows := d.Tables[c.Table].Rows
	if c.Kind != Insert {
		if c.OldKind != OldFull {
			return fmt.Errorf("%w: old row is not complete", ErrInconsistent)
		}
		if c.Unchanged != nil {
			fill(c.New, c.Old, c.Unchanged)
		}
		if c.Kind == Update && equal(c.Old, c.New) {
			return nil
		}
		rows.Append(c.Old, -1)
	}
	if c.Kind != Delete {
		rows.Append(c.New, 1)
	}
	return nil
}

// keyed applies a change of a table whose old rows are looked up by key.
func (d *Deltas) keyed(t *Table, c *Change) error {
	rows := d.Tables[c.Table].Rows
	if c.Kind == Insert {
		if err := d.makeRoom(t, c); err != nil {
			return err
		}
		rows.Append(c.New, 1)
		return d.put(t, c.Table, c.New, true)
	}

	// An old key comes only when the key changed, or is itself out of line.
	moved := c.OldKind != OldNone
	if moved {
		if c.Unchanged != nil {
			fillKey(t, c)
		}
		d.key = t.AppendKey(d.key[:0], c.Old)
	} else {
		if keyUnchanged(t, c.Unchanged) {
			return fmt.Errorf("%w: change without the row's key", ErrInconsistent)
		}
		d.key = t.AppendKey(d.key[:0], c.New)
	}
	old, known, err := d.lookup(c.Table, d.key)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("%w: changed row is unknown", ErrInconsistent)
	}
	if c.Kind == Update {
		fill(c.New, old, c.Unchanged)
		if equal(old, c.New) {
			return nil
		}
	}
	rows.Append(old, -1)
	if c.Kind == Delete {
		d.set(c.Table, d.key, nil)
		return nil
	}
	rows.Append(c.New, 1)
	if !moved {
		d.set(c.Table, d.key, c.New)
		return nil
	}
	d.set(c.Table, d.key, nil)
	if err := d.makeRoom(t, c); err != nil {
		return err
	}
	return d.put(t, c.Table, c.New, false)
}

// makeRoom looks for a row that has the key of a change's new row, where there may be
// one. Where no key forbids that any more, it is an error. One of a partitioned table
// went unseen, with its partition; it goes now: a TRUNCATE of the whole table, which
// makes up for what was not seen, takes back what the base trace holds, so that must be
// all that was ever given out.
func (d *Deltas) makeRoom(t *Table, c *Change) error {
	if !c.checkNew && !t.Partitioned {
		return nil
	}
	d.key = t.AppendKey(d.key[:0], c.New)
	old, known, err := d.lookup(c.Table, d.key)
	if err != nil || !known {
		return err
	}
	if c.checkNew {
		return &SchemaError{
			Table: c.Table, Schema: t.Schema, Name: t.Name, Kind: KeyDuplicated,
			Detail: "former replica identity is not unique any more",
		}
	}
	d.Tables[c.Table].Rows.Append(old, -1)
	d.set(c.Table, d.key, nil)
	return nil
}

// lookup finds a row by key in the batch, then in the base trace.
func (d *Deltas) lookup(table int, key []byte) ([]values.Datum, bool, error) {
	td := &d.Tables[table]
	if i, ok := d.overlay[table][string(key)]; ok {
		row := td.Keyed[i].Row
		return row, row != nil, nil
	}
	if td.Truncated {
		return nil, false, nil
	}
	row, ok, err := d.old.Get(table, key)
	if err != nil {
		return nil, false, fmt.Errorf("look up old row: %w", err)
	}
	d.looked += RowBytes(row)
	return row, ok, nil
}

// put sets the row of a key that no row may have, as far as the batch knows.
func (d *Deltas) put(t *Table, table int, row []values.Datum, insert bool) error {
	d.key = t.AppendKey(d.key[:0], row)
	if i, ok := d.overlay[table][string(d.key)]; ok && d.Tables[table].Keyed[i].Row != nil {
		if insert {
			return fmt.Errorf("%w: inserted key exists", ErrInconsistent)
		}
		return fmt.Errorf("%w: key changed to one that exists", ErrInconsistent)
	}
	d.set(table, d.key, row)
	return nil
}

// set notes the row a key has now.
func (d *Deltas) set(table int, key []byte, row []values.Datum) {
	td := &d.Tables[table]
	m := d.overlay[table]
	if i, ok := m[string(key)]; ok {
		td.Keyed[i].Row = row
		return
	}
	if m == nil {
		m = make(map[string]int, d.last[table].keyed)
		d.overlay[table] = m
	}
	s := d.arena.Copy(key)
	m[s] = len(td.Keyed)
	td.Keyed = append(td.Keyed, KeyedRow{Key: s, Row: row})
}

// RowBytes is about how much memory a row takes.
func RowBytes(row []values.Datum) int {
	n := len(row) * int(unsafe.Sizeof(values.Datum{}))
	for i := range row {
		n += len(row[i].Str())
	}
	return n
}

// fill copies the values that the stream left out.
func fill(row, old []values.Datum, unchanged Bitmap) {
	if unchanged == nil {
		return
	}
	for i := range row {
		if unchanged.Has(i) {
			row[i] = old[i]
		}
	}
}

// fillKey copies key values that the stream left out of the new row from the old
// key: a key that is out of line is always sent with the old row.
func fillKey(t *Table, c *Change) {
	if c.Kind != Update {
		return
	}
	for i := range t.Columns {
		if t.Columns[i].Key && c.Unchanged.Has(i) {
			c.New[i] = c.Old[i]
		}
	}
}

func keyUnchanged(t *Table, unchanged Bitmap) bool {
	if unchanged == nil {
		return false
	}
	for i := range t.Columns {
		if t.Columns[i].Key && unchanged.Has(i) {
			return true
		}
	}
	return false
}

// equal says whether two rows are the same to the byte. Rows that only SQL
// equates differ: the output may show the difference.
func equal(a, b []values.Datum) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
