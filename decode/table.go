package decode

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Table is a source table as the circuit uses it.
type Table struct {
	OID     uint32
	Schema  string
	Name    string
	Columns []Column // only those in use, and always those of the key

	// Full says that old rows come complete (REPLICA IDENTITY FULL). Without it
	// the columns marked Key must be exactly those of the replica identity, and
	// old rows are looked up by them.
	Full bool

	// Partitioned says that rows may go with a partition, of which the stream tells
	// nothing, and others come in their place.
	Partitioned bool
}

// Column is one column of a Table, in the order of the rows that come out.
type Column struct {
	Name string
	Type *values.Type
	Key  bool
}

// column finds a column by name; −1 when there is none.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// Keyed says whether the table's old rows are kept by key. The others are kept
// as a multiset, which only TRUNCATE needs.
func (t *Table) Keyed() bool { return !t.Full }

// AppendKey appends the encoded replica identity of a row.
func (t *Table) AppendKey(dst []byte, row []values.Datum) []byte {
	for i := range t.Columns {
		if t.Columns[i].Key {
			dst = values.AppendKey(dst, t.Columns[i].Type, row[i])
		}
	}
	return dst
}

// SchemaKind says in what respect a table is no longer the one registered.
type SchemaKind string

const (
	TableRecreated   SchemaKind = "table_recreated"
	TableRenamed     SchemaKind = "table_renamed"
	ColumnMissing    SchemaKind = "column_missing" // dropped, renamed or unpublished
	ColumnRetyped    SchemaKind = "column_retyped"
	IdentityWeakened SchemaKind = "identity_weakened"
	KeyDuplicated    SchemaKind = "key_duplicated"
)

// SchemaError says that the stream's rows of a table no longer have what the
// registered table needs.
type SchemaError struct {
	Table  int // index of registration
	Schema string
	Name   string
	Kind   SchemaKind
	Column string // where one is concerned
	Detail string

	// ColumnOnly says that the table can be read on without Column: its values are
	// NULL from here on, whatever becomes of it.
	ColumnOnly bool
}

func (e *SchemaError) Error() string {
	s := fmt.Sprintf("table %s.%s: %s", e.Schema, e.Name, e.Detail)
	if e.Column != "" {
		s = fmt.Sprintf("table %s.%s, column %s: %s", e.Schema, e.Name, e.Column, e.Detail)
	}
	return s
}

// mapping takes the columns of one Relation to those of one Table.
type mapping struct {
	table  int
	target []int // by relation column: the table's column, or −1 for an unused one

	// checkNew is set when a table registered with a key has meanwhile got
	// REPLICA IDENTITY FULL: the key may then cease to be unique unannounced.
	checkNew bool
}

// newMapping fits a relation to a registered table, but for columns that are lost.
func newMapping(index int, t *Table, rel *Relation, lost map[int]bool) (*mapping, *SchemaError) {
	fail := func(kind SchemaKind, column, format string, args ...any) (*mapping, *SchemaError) {
		return nil, &SchemaError{
			Table: index, Schema: t.Schema, Name: t.Name, Kind: kind, Column: column,
			Detail: fmt.Sprintf(format, args...),
		}
	}
	if rel.OID != t.OID {
		return fail(TableRecreated, "", "was created anew (object %d, now %d)", t.OID, rel.OID)
	}
	if rel.Schema != t.Schema || rel.Name != t.Name {
		return fail(TableRenamed, "", "is now called %s.%s", rel.Schema, rel.Name)
	}
	m := &mapping{table: index, target: make([]int, len(rel.Columns))}
	for i := range m.target {
		m.target[i] = -1
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if lost[i] {
			continue
		}
		at := -1
		for j := range rel.Columns {
			if rel.Columns[j].Name == c.Name {
				at = j
				break
			}
		}
		if at < 0 {
			return fail(ColumnMissing, c.Name, "was dropped or renamed, or is not published any more")
		}
		rc := rel.Columns[at]
		if rc.TypeOID != c.Type.OID || rc.Typmod != c.Type.Typmod {
			return fail(ColumnRetyped, c.Name, "is no longer of type %s", c.Type.SQL)
		}
		m.target[at] = i
	}
	if t.Full {
		if rel.Identity != IdentityFull {
			return fail(IdentityWeakened, "", "has no longer REPLICA IDENTITY FULL")
		}
		return m, nil
	}
	if rel.Identity == IdentityFull {
		m.checkNew = true
		return m, nil
	}
	keys := 0
	for i, rc := range rel.Columns {
		isKey := m.target[i] >= 0 && t.Columns[m.target[i]].Key
		if rc.Key != isKey {
			return fail(IdentityWeakened, rc.Name, "replica identity has other columns than before")
		}
		if isKey {
			keys++
		}
	}
	if keys == 0 || rel.Identity == IdentityNothing {
		return fail(IdentityWeakened, "", "has no replica identity any more")
	}
	return m, nil
}
