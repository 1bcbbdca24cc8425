package decode

import (
	"errors"
	"fmt"
	"maps"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Relations are the table descriptions a session has sent so far. The server
// sends each once a session and again after a change of it.
type Relations map[uint32]*Relation

// Decoder reads the messages of one replication session, in order, and keeps
// what they say about registered tables.
type Decoder struct {
	parser Parser
	msg    Message
	rels   Relations

	tables   []Table
	byOID    map[uint32]int
	byName   map[[2]string]int
	detached map[int]bool
	lost     map[int]map[int]bool // by table: columns that were once missing
	maps     map[uint32]*mapping  // nil for a relation that nobody registered
	broken   map[uint32]*SchemaError
	fresh    bool // a registered table was described

	tx   Tx // the open one
	open bool
}

// NewDecoder registers tables; Change.Table is an index into them. A decoder
// that starts in the middle of a session gets the Relations of one that has
// followed it from its beginning; else rels is nil.
func NewDecoder(tables []Table, rels Relations) *Decoder {
	d := &Decoder{
		rels:     Relations{},
		tables:   tables,
		byOID:    make(map[uint32]int, len(tables)),
		byName:   make(map[[2]string]int, len(tables)),
		detached: map[int]bool{},
		lost:     map[int]map[int]bool{},
		maps:     map[uint32]*mapping{},
		broken:   map[uint32]*SchemaError{},
	}
	for i := range tables {
		d.byOID[tables[i].OID] = i
		d.byName[[2]string{tables[i].Schema, tables[i].Name}] = i
	}
	for _, rel := range rels {
		// It may be older than the registered table: one that does not fit is
		// described again before it is needed.
		d.describe(rel, false)
	}
	return d
}

// Tables are the registered tables.
func (d *Decoder) Tables() []Table { return d.tables }

// Relations is a copy of what the session has described so far. Take it between
// two calls of Decode.
func (d *Decoder) Relations() Relations { return maps.Clone(d.rels) }

// Detach drops a table from the registered ones: its changes and its
// SchemaErrors are skipped from now on. Its index stays taken.
func (d *Decoder) Detach(table int) {
	d.detached[table] = true
	for oid, m := range d.maps {
		if m != nil && m.table == table {
			d.maps[oid] = nil
		}
	}
	for oid, e := range d.broken {
		if e.Table == table {
			delete(d.broken, oid)
			d.maps[oid] = nil
		}
	}
}

// Described says whether the session has described a registered table since it was
// last asked. The server does so at the table's first change, and at the next one
// after something was done to the table or to a part of it.
func (d *Decoder) Described() bool {
	fresh := d.fresh
	d.fresh = false
	return fresh
}

// Reset prepares for a new session: an open transaction is forgotten, and all
// tables will be described again.
func (d *Decoder) Reset() {
	d.rels, d.open, d.parser, d.tx = Relations{}, false, Parser{}, Tx{}
	clear(d.maps)
	clear(d.broken)
}

// Decode reads messages and appends their transactions and changes to out.
//
// When a table no longer fits, the error holds a *SchemaError for each such table
// (errors.As finds the first, SchemaErrors all), and out holds every change of
// the other tables all the same: the caller may Detach what failed and go on. Where
// only a column is concerned (ColumnOnly) there is one error for it, once, and the
// table's changes are in out as well. Any other error means that the stream cannot
// be understood.
func (d *Decoder) Decode(messages []string, out *Changes) error {
	if d.open {
		d.tx.From, d.tx.First = len(out.List), false
	}
	var schema []error
	seen := map[int]bool(nil)
	for _, s := range messages {
		if err := d.parser.Parse(s, &d.msg); err != nil {
			return err
		}
		err := d.apply(&d.msg, out)
		if err == nil {
			continue
		}
		failed := SchemaErrors(err)
		if len(failed) == 0 {
			return fmt.Errorf("decode transaction %d: %w", d.tx.XID, err)
		}
		for _, se := range failed {
			if se.ColumnOnly {
				schema = append(schema, se)
			} else if !seen[se.Table] {
				if seen == nil {
					seen = map[int]bool{}
				}
				seen[se.Table] = true
				schema = append(schema, se)
			}
		}
	}
	if d.open {
		d.tx.To = len(out.List)
		out.Txs = append(out.Txs, d.tx)
	}
	return errors.Join(schema...)
}

// SchemaErrors lists every *SchemaError in an error of Decode.
func SchemaErrors(err error) []*SchemaError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*SchemaError
		for _, e := range joined.Unwrap() {
			all = append(all, SchemaErrors(e)...)
		}
		return all
	}
	var se *SchemaError
	if errors.As(err, &se) {
		return []*SchemaError{se}
	}
	return nil
}

func (d *Decoder) apply(m *Message, out *Changes) error {
	switch m.Type {
	case MsgBegin:
		if d.open {
			return errors.New("begin inside a transaction")
		}
		d.open = true
		d.tx = Tx{XID: m.XID, CommitLSN: m.FinalLSN, CommitTime: m.Time, From: len(out.List), First: true}
	case MsgCommit:
		if !d.open || m.CommitLSN != d.tx.CommitLSN {
			return fmt.Errorf("commit at %s of no open transaction", m.CommitLSN)
		}
		d.open = false
		d.tx.EndLSN, d.tx.To, d.tx.Last = m.EndLSN, len(out.List), true
		out.Txs = append(out.Txs, d.tx)
	case MsgRelation:
		return d.relation(m.Relation)
	case MsgInsert, MsgUpdate, MsgDelete:
		if !d.open {
			return errors.New("change outside a transaction")
		}
		out.Messages++
		return d.change(m, out)
	case MsgTruncate:
		if !d.open {
			return errors.New("truncate outside a transaction")
		}
		out.Messages++
		return d.truncate(m.RelIDs, out)
	case MsgOrigin, MsgType, MsgLogical:
	default:
		return fmt.Errorf("message %q was not asked for", byte(m.Type))
	}
	return nil
}

// relation notes a description and fits it to the table registered under its
// number, or under its name when the table was created anew.
func (d *Decoder) relation(rel *Relation) error { return d.describe(rel, true) }

// describe is relation; without losing columns, one that is missing makes the whole
// table not fit.
func (d *Decoder) describe(rel *Relation, losing bool) error {
	d.rels[rel.OID] = rel
	delete(d.broken, rel.OID)
	d.maps[rel.OID] = nil
	index, ok := d.byOID[rel.OID]
	if !ok {
		index, ok = d.byName[[2]string{rel.Schema, rel.Name}]
	}
	if !ok || d.detached[index] {
		return nil
	}
	d.fresh = true
	t := &d.tables[index]
	var failed []error
	for {
		m, se := newMapping(index, t, rel, d.lost[index])
		if se == nil {
			d.maps[rel.OID] = m
			return errors.Join(failed...)
		}
		if column := t.column(se.Column); losing && column >= 0 && !t.Columns[column].Key && (se.Kind == ColumnMissing || se.Kind == ColumnRetyped) {
			if d.lost[index] == nil {
				d.lost[index] = map[int]bool{}
			}
			d.lost[index][column] = true
			se.ColumnOnly = true
			failed = append(failed, se)
			continue
		}
		d.broken[rel.OID] = se
		return errors.Join(append(failed, se)...)
	}
}

// mapping finds how to read a relation's rows; nil when nobody wants them.
func (d *Decoder) mapping(oid uint32) (*mapping, error) {
	if m := d.maps[oid]; m != nil {
		return m, nil
	}
	if se := d.broken[oid]; se != nil {
		return nil, se
	}
	if d.rels[oid] == nil {
		return nil, fmt.Errorf("change of relation %d, which was not described", oid)
	}
	return nil, nil
}

// truncate notes one change a table; a table that no longer fits does not keep
// the others from theirs.
func (d *Decoder) truncate(relations []uint32, out *Changes) error {
	var failed error
	for _, oid := range relations {
		mp, err := d.mapping(oid)
		if err != nil {
			failed = err
		} else if mp != nil {
			out.List = append(out.List, Change{Table: mp.table, Kind: Truncate, Message: int32(out.Messages - 1)})
		}
	}
	return failed
}

func (d *Decoder) change(m *Message, out *Changes) error {
	mp, err := d.mapping(m.RelID)
	if mp == nil || err != nil {
		return err
	}
	c := Change{Table: mp.table, OldKind: m.OldKind, checkNew: mp.checkNew, Message: int32(out.Messages - 1)}
	if m.OldKind != OldNone {
		c.Old, _, err = d.row(mp, m.Old, m.OldKind == OldKey, out)
		if err != nil {
			return err
		}
	}
	switch m.Type {
	case MsgInsert:
		c.Kind = Insert
	case MsgUpdate:
		c.Kind = Update
	case MsgDelete:
		c.Kind = Delete
	}
	if c.Kind != Delete {
		c.New, c.Unchanged, err = d.row(mp, m.New, false, out)
		if err != nil {
			return err
		}
	}
	if c.Unchanged != nil && c.Kind == Insert {
		return d.tableError(mp.table, "", errors.New("inserted row leaves out a value"))
	}
	out.List = append(out.List, c)
	return nil
}

// row decodes the columns in use of one tuple.
func (d *Decoder) row(mp *mapping, tuple []Value, keyOnly bool, out *Changes) ([]values.Datum, Bitmap, error) {
	if len(tuple) != len(mp.target) {
		return nil, nil, d.tableError(mp.table, "", fmt.Errorf("row of %d columns, described with %d", len(tuple), len(mp.target)))
	}
	columns := d.tables[mp.table].Columns
	row := out.row(len(columns))
	var unchanged Bitmap
	for i := range tuple {
		to := mp.target[i]
		if to < 0 {
			continue
		}
		c := &columns[to]
		if keyOnly && !c.Key {
			continue
		}
		var err error
		switch v := &tuple[i]; v.Format {
		case FormatBinary:
			row[to], err = values.DecodeBinaryString(c.Type, v.Data)
		case FormatText:
			row[to], err = values.DecodeText(c.Type, v.Data)
		case FormatUnchanged:
			if unchanged == nil {
				unchanged = make(Bitmap, (len(columns)+63)/64)
			}
			unchanged[to>>6] |= 1 << (to & 63)
		}
		if err != nil && c.Type.HasFields() {
			// ALTER TYPE ... ATTRIBUTE is not in the stream.
			t := &d.tables[mp.table]
			return nil, nil, &SchemaError{
				Table: mp.table, Schema: t.Schema, Name: t.Name, Kind: ColumnRetyped, Column: c.Name,
				Detail: fmt.Sprintf("is no longer of type %s as it was: %v", c.Type.SQL, err),
			}
		}
		if err != nil {
			return nil, nil, d.tableError(mp.table, c.Name, err)
		}
	}
	return row, unchanged, nil
}

func (d *Decoder) tableError(table int, column string, err error) error {
	t := &d.tables[table]
	if column == "" {
		return fmt.Errorf("table %s.%s: %w", t.Schema, t.Name, err)
	}
	return fmt.Errorf("table %s.%s, column %s: %w", t.Schema, t.Name, column, err)
}
