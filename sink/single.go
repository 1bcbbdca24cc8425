package sink

import (
	"fmt"
	"strings"
)

// fewRows are written by a statement each. The server spends half as much on that as
// on taking an array of rows apart and joining it with the table; from four rows on
// the array is cheaper.
const fewRows = 3

// oneByOne says whether the rows are to be written by a statement each.
func (d *delta) oneByOne(rows []int32) bool {
	return len(rows) <= fewRows && d.weight(rows) == int64(len(rows))
}

// ofOne is the kind of statement that does the same for one row.
func (k stmtKind) ofOne() stmtKind {
	switch k {
	case stInsert:
		return stInsertOne
	case stUpdate:
		return stUpdateOne
	case stDelete:
		return stDeleteOne
	}
	return stDeleteImageOne
}

// writeOne is the SQL that writes one row: $1, of the table's row type, which the
// server compares with the table as it is. It may not occur: where a key is NULL.
// Finding the row needs no fence: with one row on the other side there is nothing to join.
func (t *Table) writeOne(kind stmtKind, nulls uint64) string {
	of := func(column int) string { return "($1)." + t.own(column) }
	switch kind {
	case stInsertOne:
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT ($1).*", t.rel, t.columnList())
	case stUpdateOne:
		set := make([]string, len(t.spec.Columns))
		for i := range set {
			set[i] = t.own(i) + " = " + of(i)
		}
		return fmt.Sprintf("UPDATE %s AS t SET %s WHERE %s", t.rel, strings.Join(set, ", "), t.match(nulls, of))
	case stDeleteOne:
		return fmt.Sprintf("DELETE FROM %s AS t WHERE %s", t.rel, t.match(nulls, of))
	}
	return fmt.Sprintf("DELETE FROM %[1]s WHERE ctid = (SELECT t.ctid FROM %[1]s AS t WHERE %[2]s LIMIT 1)",
		t.rel, t.matchImage("$1", of))
}
