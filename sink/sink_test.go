package sink

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/values"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// env is a database with a sink on it and a connection beside it.
type env struct {
	testing.TB
	ctx context.Context
	dsn string
	db  *pgx.Conn
	s   *Sink
}

func setup(t testing.TB) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	e := &env{TB: t, ctx: ctx, dsn: embedded.NewDB(t)}
	t.Cleanup(cancel)
	e.db = e.connect()
	s, err := Open(ctx, e.dsn, Options{})
	e.must(err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	e.s = s
	return e
}

func (e *env) connect() *pgx.Conn {
	e.Helper()
	c, err := pgx.Connect(e.ctx, e.dsn)
	e.must(err)
	e.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatalf("unexpected error: %v", err)
	}
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.db.Exec(e.ctx, sql, args...)
	e.must(err)
}

func (e *env) text(sql string, args ...any) string {
	e.Helper()
	var s string
	e.must(e.db.QueryRow(e.ctx, sql, args...).Scan(&s))
	return s
}

// columns reads a relation's columns as the planner would hand them to the sink.
func (e *env) columns(rel string) []Column {
	e.Helper()
	rows, err := e.db.Query(e.ctx, `SELECT a.attname, a.atttypid, a.atttypmod, a.attcollation,
			format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
		WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, rel)
	e.must(err)
	type att struct {
		name           string
		oid, collation uint32
		typmod         int32
		sql            string
	}
	atts, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (a att, err error) {
		return a, r.Scan(&a.name, &a.oid, &a.typmod, &a.collation, &a.sql)
	})
	e.must(err)
	var cols []Column
	for _, a := range atts {
		cols = append(cols, Column{Name: a.name, Type: e.typ(a.oid, a.typmod, a.collation, a.sql)})
	}
	return cols
}

func (e *env) typ(oid uint32, typmod int32, collation uint32, sql string) *values.Type {
	e.Helper()
	f := values.Facts{OID: oid, Typmod: typmod, Collation: collation, SQL: sql}
	var typtype, category string
	var elem uint32
	e.must(e.db.QueryRow(e.ctx, `SELECT b.oid, n.nspname, b.typname, b.typtype::text, b.typcategory::text,
			CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE 0 END, b.typsend = 0,
			ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = b.oid ORDER BY enumsortorder)
		FROM pg_type d JOIN pg_type b ON b.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
		JOIN pg_namespace n ON n.oid = b.typnamespace WHERE d.oid = $1`, oid).
		Scan(&f.BaseOID, &f.Schema, &f.Name, &typtype, &category, &elem, &f.NoBinary, &f.Labels))
	f.TypType, f.Category = typtype[0], category[0]
	if elem != 0 {
		f.Elem = e.typ(elem, -1, 0, "")
	}
	if typtype == "c" {
		rows, err := e.db.Query(e.ctx, `SELECT attname, atttypid, atttypmod, attcollation FROM pg_attribute
			WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = $1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, f.BaseOID)
		e.must(err)
		type attribute struct {
			Name      string
			OID       uint32
			Typmod    int32
			Collation uint32
		}
		attrs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[attribute])
		e.must(err)
		for _, a := range attrs {
			f.Fields = append(f.Fields, values.Field{Name: a.Name, Type: e.typ(a.OID, a.Typmod, a.Collation, "")})
		}
	}
	return values.NewType(f)
}

// spec makes a view's spec with the columns of a relation.
func (e *env) spec(name, rel string, key []int) *ViewSpec {
	e.Helper()
	return &ViewSpec{Name: name, Schema: "out", Columns: e.columns(rel), Key: key, Query: "SELECT * FROM " + rel}
}

// publish makes the spec's table live and empty.
func (e *env) publish(s *Sink, spec *ViewSpec) *Table {
	e.Helper()
	t, err := s.Create(e.ctx, spec)
	e.must(err)
	e.must(s.Index(e.ctx, t))
	tx, err := s.Begin(e.ctx, s.pos)
	e.must(err)
	e.must(tx.Publish(e.ctx, t))
	e.must(tx.Commit(e.ctx, s.pos, time.Time{}))
	return t
}

// rows reads a query as datums of the table's types, by binary COPY.
func (e *env) rows(t *Table, from string) *circuit.Batch {
	e.Helper()
	b := circuit.NewBatch(len(t.spec.Columns), 16)
	src := newTable(t.spec, "x", "x", false)
	src.rel = "(" + from + ") AS x"
	e.must(e.s.ReadRows(e.ctx, src, func(got *circuit.Batch) error {
		for i := range got.Len() {
			b.Append(got.Row(i), 1)
		}
		return nil
	}))
	return b
}

// multiset counts a relation's rows by their text.
func (e *env) multiset(rel string) map[string]int64 {
	e.Helper()
	rows, err := e.db.Query(e.ctx, fmt.Sprintf("SELECT (x.*)::text, count(*) FROM %s x GROUP BY 1", rel))
	e.must(err)
	m := map[string]int64{}
	for rows.Next() {
		var s string
		var n int64
		e.must(rows.Scan(&s, &n))
		m[s] = n
	}
	e.must(rows.Err())
	return m
}

// next is a commit of deltas from where the sink is.
func (e *env) next(views ...ViewDelta) Commit {
	return Commit{Prev: e.s.pos, At: e.after(8), CommittedAt: time.Unix(1_700_000_000, 123456000), Views: views}
}

// after is a position n bytes behind that of the sink.
func (e *env) after(n LSN) Position { return Position{e.s.pos.LSN + n, e.s.pos.Clock} }

func ints(width int, rows ...[]int64) *circuit.Batch {
	b := circuit.NewBatch(width, len(rows))
	for _, r := range rows { // the last number is the weight
		row := b.Grow(r[width])
		for i := range width {
			row[i] = values.Int(r[i])
		}
	}
	return b
}
