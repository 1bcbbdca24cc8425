package sink

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

type stmtKind uint8

const (
	stInsert       stmtKind = iota // rows of weight 1
	stInsertCopies                 // rows of any positive weight
	stUpdate                       // new rows, found by their key
	stDelete                       // rows, found by their key
	stDeleteImage                  // n copies of each row, found by their image
	stInsertOne                    // these are of one row, of weight 1: see single.go
	stUpdateOne
	stDeleteOne
	stDeleteImageOne
)

// statement is the SQL of a kind of write to the table. Parameters: $1 the rows as
// an array of the table's row type, $2 the copies of each row; or $1 the one row.
// nulls has a bit for each key column that is NULL in all of the rows. How many rows
// it has written is in the server's answer: see batch.answers.
func (t *Table) statement(kind stmtKind, nulls uint64) string {
	if kind >= stInsertOne {
		return t.writeOne(kind, nulls)
	}
	n := len(t.spec.Columns)
	rows := fmt.Sprintf("unnest($1::%s[]) AS d(%s)", t.rel, aliases("c", n))
	switch kind {
	case stInsert:
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", t.rel, t.columnList(), aliases("d.c", n), rows)
	case stInsertCopies:
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s CROSS JOIN LATERAL pg_catalog.generate_series(1, d.w)",
			t.rel, t.columnList(), aliases("d.c", n), t.rowsWithCopies())
	case stUpdate:
		set := make([]string, n)
		for i, c := range t.spec.Columns {
			set[i] = fmt.Sprintf("%s = x.c%d", quote(c.Name), i+1)
		}
		return fmt.Sprintf("UPDATE %s AS u SET %s FROM (SELECT v.tid, %s FROM %s CROSS JOIN %s) AS x(tid, %s) WHERE u.ctid = x.tid",
			t.rel, strings.Join(set, ", "), aliases("d.c", n), rows, t.lookup(t.match(nulls, unnested), "OFFSET 0"), aliases("c", n))
	case stDelete:
		return fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT v.tid FROM %s CROSS JOIN %s))",
			t.rel, rows, t.lookup(t.match(nulls, unnested), "OFFSET 0"))
	}
	// stDeleteImage. LIMIT picks as many copies as are to go; the images of distinct rows
	// differ, so no copy is picked twice.
	return fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT v.tid FROM %s CROSS JOIN %s))",
		t.rel, t.rowsWithCopies(), t.lookup(t.matchImage(fmt.Sprintf("ROW(%s)::%s", aliases("d.c", n), t.rel), unnested), "LIMIT d.w"))
}

// reference is how a statement names the value of a column in a row to be written.
type reference func(column int) string

func unnested(column int) string { return fmt.Sprintf("d.c%d", column+1) }

// lookup finds rows of the table for a row of d. OFFSET or LIMIT keeps it a subquery
// of its own, run for each row by the index. Written as a plain join, the planner
// may, for a table that was empty when last analyzed, scan the whole index instead,
// and stay with that plan while the table grows.
func (t *Table) lookup(match, fence string) string {
	return fmt.Sprintf("LATERAL (SELECT t.ctid FROM %s AS t WHERE %s %s) AS v(tid)", t.rel, match, fence)
}

// rowsWithCopies unnests the rows beside their numbers of copies.
func (t *Table) rowsWithCopies() string {
	return fmt.Sprintf("ROWS FROM (unnest($1::%s[]), unnest($2::int8[])) AS d(%s,w)",
		t.rel, aliases("c", len(t.spec.Columns)))
}

func (t *Table) columnList() string {
	names := make([]string, len(t.spec.Columns))
	for i, c := range t.spec.Columns {
		names[i] = quote(c.Name)
	}
	return strings.Join(names, ", ")
}

// match is the condition that finds the row t of a key.
func (t *Table) match(nulls uint64, to reference) string {
	var conds []string
	switch t.identity {
	case single:
		return "true"
	case byKeyHash:
		conds = append(conds, fmt.Sprintf("%s = %s", t.hash(t.spec.Key, t.found), t.hash(t.spec.Key, to)))
		for _, k := range t.spec.Key {
			conds = append(conds, fmt.Sprintf("%s IS NOT DISTINCT FROM %s", t.found(k), to(k)))
		}
	default:
		// One statement for each pattern of NULLs: "IS NOT DISTINCT FROM" cannot use
		// an index, "=" and "IS NULL" can.
		for i, k := range t.spec.Key {
			if nulls&(1<<i) != 0 {
				conds = append(conds, t.found(k)+" IS NULL")
			} else {
				conds = append(conds, t.found(k)+" = "+to(k))
			}
		}
	}
	return strings.Join(conds, " AND ")
}

// matchImage is the condition that finds rows t of an image; a hash narrows the
// search, by the index.
func (t *Table) matchImage(row string, to reference) string {
	image := "t.* OPERATOR(pg_catalog.*=) " + row
	cols := t.hashColumns()
	if len(cols) == 0 {
		return image
	}
	return fmt.Sprintf("%s = %s AND %s", t.hash(cols, t.found), t.hash(cols, to), image)
}

// found names a column of the row t; own names it in an index.
func (t *Table) found(column int) string { return "t." + t.own(column) }
func (t *Table) own(column int) string   { return quote(t.spec.Columns[column].Name) }

// hashColumns are the columns whose hash finds rows by image: as many as have a
// hash function, or else those of type json by their text.
func (t *Table) hashColumns() []int {
	cols := t.spec.hashable()
	if len(cols) > 0 {
		return cols
	}
	for i, c := range t.spec.Columns {
		if c.Type.Kind == values.KindJSON {
			cols = append(cols, i)
		}
	}
	return cols
}

// hash is an expression over columns. hash_record_extended is immutable since 14.
func (t *Table) hash(cols []int, of reference) string {
	parts := make([]string, len(cols))
	for i, k := range cols {
		parts[i] = of(k)
		if t.spec.Columns[k].Type.Kind == values.KindJSON {
			parts[i] += "::text"
		}
	}
	return fmt.Sprintf("pg_catalog.hash_record_extended(ROW(%s), 0)", strings.Join(parts, ", "))
}

// indexes are the definitions, after "ON table", of the table's indexes: first the
// one by which rows are found, then those the configuration asks for.
func (t *Table) indexes() []string {
	var defs []string
	names := func(cols []int) string {
		s := make([]string, len(cols))
		for i, k := range cols {
			s[i] = quote(t.spec.Columns[k].Name)
		}
		return strings.Join(s, ", ")
	}
	switch t.identity {
	case byKey:
		// Not unique: the row counts say as much, and a statement may pass through
		// states in which two rows share a key.
		defs = append(defs, "("+names(t.spec.Key)+")")
	case byKeyHash:
		defs = append(defs, "("+t.hash(t.spec.Key, t.own)+")")
	case byImage:
		if cols := t.hashColumns(); len(cols) > 0 {
			defs = append(defs, "("+t.hash(cols, t.own)+")")
		}
	}
	for _, ix := range t.spec.Indexes {
		s := make([]string, len(ix))
		for i, c := range ix {
			s[i] = quote(c)
		}
		defs = append(defs, "("+strings.Join(s, ", ")+")")
	}
	return defs
}
