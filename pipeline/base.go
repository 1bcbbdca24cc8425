package pipeline

import (
	"errors"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// base is the base traces of a generation: of a table with a key, each row by
// its key; of one with REPLICA IDENTITY FULL, the multiset of its rows. It is
// the decode.OldRows of the generation.
type base struct {
	gen    uint32
	store  state.Store
	tables []decode.Table
	prefix [][]byte // by table

	key []byte
	buf []byte
}

func newBase(gen uint32, store state.Store, tables []decode.Table) *base {
	b := &base{gen: gen, store: store, tables: tables}
	for i := range tables {
		b.prefix = append(b.prefix, baseKey(gen, i))
	}
	return b
}

// Get implements decode.OldRows.
func (b *base) Get(table int, key []byte) ([]values.Datum, bool, error) {
	b.key = append(append(b.key[:0], b.prefix[table]...), key...)
	var ok bool
	var err error
	b.buf, ok, err = b.store.Get(b.buf[:0], b.key)
	if err != nil || !ok {
		return nil, false, err
	}
	row, err := values.DecodeRow(b.buf, nil)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	return row, true, nil
}

// Scan implements decode.OldRows.
func (b *base) Scan(table int, visit func(row []values.Datum, weight int64) error) error {
	return b.scan(table, func(_ []byte, row []values.Datum, weight int64) error { return visit(row, weight) })
}

// scan is Scan, with each row's key in the state.
func (b *base) scan(table int, visit func(key []byte, row []values.Datum, weight int64) error) error {
	prefix := b.prefix[table]
	keyed := b.tables[table].Keyed()
	var row []values.Datum
	return scan(b.store, prefix, func(key, value []byte) (err error) {
		w := int64(1)
		if keyed {
			row, err = values.DecodeRow(value, row[:0])
		} else {
			row, err = values.DecodeRow(key[len(prefix):], row[:0])
			if err == nil {
				w, err = state.Weight(value)
			}
		}
		if err != nil {
			return fmt.Errorf("%w: %w", state.ErrCorrupt, err)
		}
		return visit(key, row, w)
	})
}

// errTaken ends a scan.
var errTaken = errors.New("enough was taken")

// take moves the first rows of a table, so many at most and of about so many bytes, from its
// trace to a batch in which they have negative weights. It says whether nothing is left.
func (b *base) take(table int, rows *circuit.Batch, most, bytes int, batch state.Batch) (all bool, err error) {
	prefix := b.prefix[table]
	end := state.PrefixEnd(prefix)
	err = b.scan(table, func(key []byte, row []values.Datum, weight int64) error {
		rows.Append(row, -weight)
		if bytes -= decode.RowBytes(row); bytes > 0 && rows.Len() < most {
			return nil
		}
		end = append(append([]byte(nil), key...), 0) // the next key there can be
		return errTaken
	})
	if err != nil && !errors.Is(err, errTaken) {
		return false, err
	}
	batch.DeleteRange(prefix, end)
	return err == nil, nil
}

// scan visits all keys with a prefix.
func scan(store state.Store, prefix []byte, visit func(key, value []byte) error) (err error) {
	it := store.NewIter(prefix, state.PrefixEnd(prefix))
	defer func() {
		if e := it.Close(); err == nil {
			err = e
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		if err := visit(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

// apply brings the base traces up to date with a batch's deltas.
func (b *base) apply(d *decode.Deltas, batch state.Batch) {
	for _, i := range d.Touched {
		td := &d.Tables[i]
		prefix := b.prefix[i]
		if td.Truncated {
			batch.DeleteRange(prefix, state.PrefixEnd(prefix))
		}
		if !b.tables[i].Keyed() {
			b.addRows(i, td.Rows, batch)
			continue
		}
		for _, k := range td.Keyed {
			b.key = append(append(b.key[:0], prefix...), k.Key...)
			if k.Row == nil {
				batch.Delete(b.key)
				continue
			}
			b.buf = values.AppendRow(b.buf[:0], k.Row)
			batch.Set(b.key, b.buf)
		}
	}
}

// addRows adds rows to the trace of an unkeyed table.
func (b *base) addRows(table int, rows *circuit.Batch, batch state.Batch) {
	for i := range rows.Len() {
		b.key = append(b.key[:0], b.prefix[table]...)
		b.key = values.AppendRow(b.key, rows.Row(i))
		batch.AddWeight(b.key, rows.W[i])
	}
}

// load adds rows of a snapshot.
func (b *base) load(table int, rows *circuit.Batch, batch state.Batch) {
	t := &b.tables[table]
	if !t.Keyed() {
		b.addRows(table, rows, batch)
		return
	}
	for i := range rows.Len() {
		row := rows.Row(i)
		b.key = append(b.key[:0], b.prefix[table]...)
		b.key = t.AppendKey(b.key, row)
		b.buf = values.AppendRow(b.buf[:0], row)
		batch.Set(b.key, b.buf)
	}
}
