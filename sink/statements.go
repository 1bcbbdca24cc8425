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
)

// statement is the SQL of a kind of write to the table. Parameters: $1 the rows as
// an array of the table's row type, $2 the view's name, $3 the number of rows that
// must be written, $4 the copies of each row. nulls has a bit for each key column
// that is NULL in all of the rows.
func (t *Table) statement(kind stmtKind, nulls uint64) string {
	n := len(t.spec.Columns)
	rows := fmt.Sprintf("unnest($1::%s[]) AS d(%s)", t.rel, aliases("c", n))
	var write string
	switch kind {
	case stInsert:
		write = fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", t.rel, t.columnList(), aliases("d.c", n), rows)
	case stInsertCopies:
		write = fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s CROSS JOIN LATERAL pg_catalog.generate_series(1, d.w)",
			t.rel, t.columnList(), aliases("d.c", n), t.rowsWithCopies())
	case stUpdate:
		set := make([]string, n)
		for i, c := range t.spec.Columns {
			set[i] = fmt.Sprintf("%s = x.c%d", quote(c.Name), i+1)
		}
		write = fmt.Sprintf("UPDATE %s AS u SET %s FROM (SELECT v.tid, %s FROM %s CROSS JOIN %s) AS x(tid, %s) WHERE u.ctid = x.tid",
			t.rel, strings.Join(set, ", "), aliases("d.c", n), rows, t.lookup(t.match(nulls), "OFFSET 0"), aliases("c", n))
	case stDelete:
		write = fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT v.tid FROM %s CROSS JOIN %s))",
			t.rel, rows, t.lookup(t.match(nulls), "OFFSET 0"))
	case stDeleteImage:
		// LIMIT picks as many copies as are to go; the images of distinct rows differ,
		// so no copy is picked twice.
		image := fmt.Sprintf("%s(t.*) OPERATOR(pg_catalog.*=) ROW(%s)::%s", t.matchHash(), aliases("d.c", n), t.rel)
		write = fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT v.tid FROM %s CROSS JOIN %s))",
			t.rel, t.rowsWithCopies(), t.lookup(image, "LIMIT d.w"))
	}
	return fmt.Sprintf("WITH x AS (%s RETURNING 1) SELECT stepping_cdc.check_count($2, (SELECT count(*) FROM x), $3)", write)
}

// lookup finds rows of the table for a row of d. OFFSET or LIMIT keeps it a subquery
// of its own, run for each row by the index. Written as a plain join, the planner
// may, for a table that was empty when last analyzed, scan the whole index instead,
// and stay with that plan while the table grows.
func (t *Table) lookup(match, fence string) string {
	return fmt.Sprintf("LATERAL (SELECT t.ctid FROM %s AS t WHERE %s %s) AS v(tid)", t.rel, match, fence)
}

// rowsWithCopies unnests the rows beside their numbers of copies.
func (t *Table) rowsWithCopies() string {
	return fmt.Sprintf("ROWS FROM (unnest($1::%s[]), unnest($4::int8[])) AS d(%s,w)",
		t.rel, aliases("c", len(t.spec.Columns)))
}

func (t *Table) columnList() string {
	names := make([]string, len(t.spec.Columns))
	for i, c := range t.spec.Columns {
		names[i] = quote(c.Name)
	}
	return strings.Join(names, ", ")
}

// match is the condition that finds the row t of a key in d.
func (t *Table) match(nulls uint64) string {
	var conds []string
	switch t.identity {
	case single:
		return "true"
	case byKeyHash:
		conds = append(conds, fmt.Sprintf("%s = %s", t.hash(t.spec.Key, "t."), t.hash(t.spec.Key, "")))
		for _, k := range t.spec.Key {
			conds = append(conds, fmt.Sprintf("t.%s IS NOT DISTINCT FROM d.c%d", quote(t.spec.Columns[k].Name), k+1))
		}
	default:
		// One statement for each pattern of NULLs: "IS NOT DISTINCT FROM" cannot use
		// an index, "=" and "IS NULL" can.
		for i, k := range t.spec.Key {
			name := quote(t.spec.Columns[k].Name)
			if nulls&(1<<i) != 0 {
				conds = append(conds, "t."+name+" IS NULL")
			} else {
				conds = append(conds, fmt.Sprintf("t.%s = d.c%d", name, k+1))
			}
		}
	}
	return strings.Join(conds, " AND ")
}

// matchHash narrows a search by image to rows of the same hash, by the index.
func (t *Table) matchHash() string {
	cols := t.hashColumns()
	if len(cols) == 0 {
		return ""
	}
	return fmt.Sprintf("%s = %s AND ", t.hash(cols, "t."), t.hash(cols, ""))
}

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

// hash is an expression over columns of the table (prefix "t." or "self") or of
// the unnested rows (prefix ""). hash_record_extended is immutable since 14.
func (t *Table) hash(cols []int, prefix string) string {
	parts := make([]string, len(cols))
	for i, k := range cols {
		c := t.spec.Columns[k]
		switch prefix {
		case "":
			parts[i] = fmt.Sprintf("d.c%d", k+1)
		case "t.":
			parts[i] = "t." + quote(c.Name)
		default:
			parts[i] = quote(c.Name)
		}
		if c.Type.Kind == values.KindJSON {
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
		defs = append(defs, "("+t.hash(t.spec.Key, "self")+")")
	case byImage:
		if cols := t.hashColumns(); len(cols) > 0 {
			defs = append(defs, "("+t.hash(cols, "self")+")")
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
