package sink

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// hostile holds a column of every sort of type, under names that must be quoted.
const hostile = `
CREATE SCHEMA "Sch ""x";
CREATE TYPE "Sch ""x".mood AS ENUM ('sad', 'ok', 'it''s "fine"\');
CREATE TYPE "Sch ""x".pair AS (a int, b text);
CREATE DOMAIN "Sch ""x".posint AS int CHECK (VALUE > 0);
CREATE DOMAIN "Sch ""x".tags AS text[];
CREATE TABLE src (
	id int, "select" int, "a ""quoted"" name" text, t bigint, d numeric, c1 numeric(12,2), w double precision, x real,
	"ünïcode" varchar(20), ch char(5) COLLATE "C", b bytea, u uuid, dt date, tm time, tz timetz, ts timestamp(3), tst timestamptz,
	iv interval, bo boolean, mo "Sch ""x".mood, js json, jb jsonb, ar int[], ta text[], na numeric[],
	dm "Sch ""x".posint, dta "Sch ""x".tags, pr "Sch ""x".pair, pa "Sch ""x".pair[], pt point, rg int4range, inet inet,
	bits varbit, mny money, sm smallint, o oid, n name, xm xml, tsv tsvector, mr numrange[]);
INSERT INTO src SELECT i, i % 7, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat(md5(i::text), 300) ELSE E'te"xt\\, {} \n' || i % 3 END,
	CASE i % 3 WHEN 0 THEN NULL ELSE i * 1e10 END, (ARRAY['1.0', '1.00', '1', 'NaN', 'Infinity', '-0.000', '123456789012345678901234567890.5'])[i % 7 + 1]::numeric,
	i / 3.0, (ARRAY['NaN', '-0', '0', 'Infinity', '1e-300'])[i % 5 + 1]::float8, i / 7.0,
	'é' || i % 4, 'ab' || i % 2, decode(md5(i::text), 'hex'), md5((i % 3)::text)::uuid,
	(ARRAY['2020-01-01', 'infinity', '0044-03-15 BC'])[i % 3 + 1]::date, '24:00', '12:00:00+05:30', '2024-02-29 12:34:56.789', '2024-01-01 00:00+02',
	'1 mon -2 days 03:04:05', i % 2 = 0, (enum_range(NULL::"Sch ""x".mood))[i % 3 + 1], '{"b":1,  "a":[2]}', '{"b":1,"a":null}',
	CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN '{{1,2},{3,NULL}}' ELSE '[3:4]={5,6}' END::int[], ARRAY['x', NULL, 'a"b\c{,}'],
	ARRAY[1.0, 1.00, i], i + 1, ARRAY['t', 'u'], ROW(i, 'z,"(' || i % 2)::"Sch ""x".pair, ARRAY[ROW(1, NULL)::"Sch ""x".pair], point(i, 1.5),
	int4range(i % 3, 10), '10.0.0.1/8', B'1011', '12.34', i % 10, i, 'nm', '<a>b</a>', 'a fat cat', ARRAY[numrange(1.0, 2)]
FROM generate_series(1, 60) i;
INSERT INTO src (id) SELECT -i FROM generate_series(1, 4) i;
`

// subset is a relation of some of the source's columns, which the row of a view is.
type subset struct {
	name string
	cols string
	key  []int
}

var subsets = []subset{
	{"everything by id", "*", []int{0}},
	{"everything", "*", nil},
	{"key of two, one NULL", `id, t, d, ar`, []int{1, 0}},
	{"wide text key", `"a ""quoted"" name", id, "select", jb`, []int{1, 0}},
	{"opaque key", `pr, id, d`, []int{0, 1}},
	{"numeric key", `d, id`, []int{0, 1}},
	{"no hash", `js, xm, pt`, nil},
	{"only opaque", `pt, xm, pa`, nil},
	{"few values", `"select", bo`, nil},
	{"distinguishable", `d, w, iv`, nil},
	{"one text", `"a ""quoted"" name"`, nil},
	{"temporal key", `dt, tm, tz, ts, tst, iv, id, u, mo, ch, sm, o, n, dm, bo`, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
	{`a view "named" 'so'; --`, `id, "ünïcode" AS "$1", mny AS "%s"`, []int{0}},
}

// Random Z-set deltas over every type leave the table equal to a model of it.
func TestApplyEqualsModel(t *testing.T) {
	e := setup(t)
	e.exec(hostile)
	for _, sub := range subsets {
		t.Run(sub.name, func(t *testing.T) {
			rel := fmt.Sprintf("v%d", len(sub.cols)*100+len(sub.name))
			e := &env{TB: t, ctx: e.ctx, dsn: e.dsn, db: e.db, s: e.s}
			e.exec(fmt.Sprintf("CREATE VIEW %s AS SELECT %s FROM src", rel, sub.cols))
			spec := e.spec(sub.name, rel, sub.key)
			table := e.publish(e.s, spec)
			out := quote("out", sub.name)
			pool := e.rows(table, fmt.Sprintf("SELECT * FROM public.%s", rel))
			texts := e.poolTexts(rel)
			if pool.Len() != len(texts) {
				t.Fatalf("read %d rows of %d", pool.Len(), len(texts))
			}
			model := map[string]int64{}
			have := make([]int64, pool.Len()) // copies by row of the pool
			rng := rand.New(rand.NewPCG(1, uint64(len(sub.name))))
			for round := range 40 {
				delta := circuit.NewBatch(pool.Width, 8)
				n := 1 + rng.IntN([]int{12, fewRows}[round%2]) // many, or one by one
				for range n {
					i := rng.IntN(pool.Len())
					w := int64(1)
					switch {
					case sub.key != nil && have[i] > 0:
						w = -1
					case sub.key == nil && have[i] > 0 && rng.IntN(2) == 0:
						w = -1 - rng.Int64N(have[i])
					case sub.key == nil:
						w = 1 + rng.Int64N(3)
					}
					have[i] += w
					model[texts[i]] += w
					delta.Append(pool.Row(i), w)
				}
				if round%3 == 0 { // what adds up to nothing must not matter
					i := rng.IntN(pool.Len())
					delta.Append(pool.Row(i), 5)
					delta.Append(pool.Row(i), -5)
				}
				e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, delta})))
				maps.DeleteFunc(model, func(_ string, n int64) bool { return n == 0 })
				if diff := cmp.Diff(model, e.multiset(out)); diff != "" {
					t.Fatalf("round %d: output differs (-model +table):\n%.2000s", round, diff)
				}
			}
			var total int64
			for _, n := range model {
				total += n
			}
			e.must(e.s.Settle(e.ctx))
			if got := e.text(`SELECT rows::text FROM stepping_cdc.views WHERE name = $1`, sub.name); got != fmt.Sprint(total) {
				t.Errorf("views.rows is %s, not %d", got, total)
			}
			back := e.rows(table, "SELECT * FROM "+out)
			if int64(back.Len()) != total {
				t.Errorf("ReadRows gave %d rows, not %d", back.Len(), total)
			}
			// What was read back takes everything away: the images are the same.
			for i := range back.W {
				back.W[i] = -1
			}
			e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, back})))
			if left := e.multiset(out); len(left) != 0 {
				t.Errorf("%d rows are left", len(left))
			}
			if _, err := e.s.Adopt(e.ctx, spec); err != nil {
				t.Errorf("adopt: %v", err)
			}
		})
	}
}

func (e *env) poolTexts(rel string) []string {
	e.Helper()
	rows, err := e.db.Query(e.ctx, fmt.Sprintf("SELECT (x.*)::text FROM %s x", rel))
	e.must(err)
	var texts []string
	for rows.Next() {
		var s string
		e.must(rows.Scan(&s))
		texts = append(texts, s)
	}
	e.must(rows.Err())
	return texts
}

// The output has the query's columns to the letter.
func TestColumnsAreTheQuerys(t *testing.T) {
	e := setup(t)
	e.exec(hostile)
	e.publish(e.s, e.spec("all", "src", nil))
	const cols = `SELECT string_agg(format('%s %s %s', attname, format_type(atttypid, atttypmod), attcollation), E'\n' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0`
	if diff := cmp.Diff(e.text(cols, "src"), e.text(cols, `out."all"`)); diff != "" {
		t.Error(diff)
	}
}

// An update that changes a key's image, but not its value, and keys that swap
// their rows within one delta.
func TestKeyedUpdates(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (k numeric(10,2), v int)`)
	e.exec(`CREATE TABLE img (k numeric, v int)`)
	swap := e.publish(e.s, e.spec("swap", "src", []int{0}))
	img := e.publish(e.s, e.spec("img", "img", []int{0}))
	row := func(table *Table, k string, v, w int64) *circuit.Batch {
		b := e.rows(table, fmt.Sprintf("SELECT %s::numeric AS k, %d AS v", k, v))
		b.W[0] = w
		return b
	}
	join := func(bs ...*circuit.Batch) *circuit.Batch {
		out := circuit.NewBatch(2, 4)
		for _, b := range bs {
			out.Append(b.Row(0), b.W[0])
		}
		return out
	}
	e.must(e.s.Apply(e.ctx, e.next(
		ViewDelta{swap, join(row(swap, "1.00", 1, 1), row(swap, "2.00", 2, 1))},
		ViewDelta{img, join(row(img, "1.0", 1, 1))})))
	e.must(e.s.Apply(e.ctx, e.next(
		ViewDelta{swap, join(row(swap, "1.00", 1, -1), row(swap, "2.00", 2, -1), row(swap, "1.00", 2, 1), row(swap, "2.00", 1, 1))},
		ViewDelta{img, join(row(img, "1.00", 1, 1), row(img, "1.0", 1, -1))})))
	if got := e.text(`SELECT string_agg(s::text, ' ' ORDER BY k) FROM out.swap s`); got != "(1.00,2) (2.00,1)" {
		t.Errorf("after the swap: %s", got)
	}
	if got := e.text(`SELECT string_agg(s::text, ' ') FROM out.img s`); got != "(1.00,1)" {
		t.Errorf("after the change of scale: %s", got)
	}
	for name, b := range map[string]*circuit.Batch{
		"two of one key": join(row(swap, "7.00", 1, -1), row(swap, "7.00", 1, 1), row(swap, "1.00", 2, -1), row(swap, "1.00", 3, 1), row(swap, "1.00", 4, 1)),
		"weight":         join(row(swap, "9.00", 1, 2)),
	} {
		if err := e.s.Apply(e.ctx, e.next(ViewDelta{swap, b})); err == nil || !strings.Contains(err.Error(), "key") && !strings.Contains(err.Error(), "weight") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A single-row view (an aggregate without GROUP BY) has a key of no columns.
func TestSingleRowView(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (n bigint)`)
	table := e.publish(e.s, e.spec("n", "src", []int{}))
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, ints(1, []int64{0, 1})})))
	for i := range int64(5) {
		e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, ints(1, []int64{i, -1}, []int64{i + 1, 1})})))
	}
	if got := e.text(`SELECT string_agg(n::text, ',') FROM out.n`); got != "5" {
		t.Errorf("got %s", got)
	}
	// It may go, as under LIMIT or HAVING, and come again.
	for _, c := range []struct {
		delta *circuit.Batch
		want  string
	}{{ints(1, []int64{5, -1}), ""}, {ints(1, []int64{6, 1}), "6"}} {
		e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, c.delta})))
		if got := e.text(`SELECT coalesce(string_agg(n::text, ','), '') FROM out.n`); got != c.want {
			t.Errorf("got %s, not %s", got, c.want)
		}
	}
}

// Whichever columns of a key are NULL, its row is found: among few and among many.
func TestNullsInKeys(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (a int, b int, v int)`)
	table := e.publish(e.s, e.spec("v", "src", []int{0, 1}))
	keys := [][2]values.Datum{{}, {values.Int(1)}, {{}, values.Int(1)}, {values.Int(1), values.Int(1)}, {values.Int(1), values.Int(2)}}
	change := func(n int, from, to int64) {
		t.Helper()
		for i := 0; i < len(keys); i += n {
			b := circuit.NewBatch(3, 2*n)
			for _, k := range keys[i:min(i+n, len(keys))] {
				if from > 0 {
					b.Append([]values.Datum{k[0], k[1], values.Int(from)}, -1)
				}
				if to > 0 {
					b.Append([]values.Datum{k[0], k[1], values.Int(to)}, 1)
				}
			}
			e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, b})))
		}
		want := "0"
		if to > 0 {
			want = fmt.Sprint(len(keys))
		}
		if got := e.text(`SELECT count(DISTINCT (a, b))::text FROM out.v WHERE v = $1`, to); got != want || from > 0 && e.text(`SELECT count(*)::text FROM out.v WHERE v = $1`, from) != "0" {
			t.Errorf("%d at a time, from %d to %d: %s rows", n, from, to, got)
		}
	}
	for _, n := range []int{1, 2, fewRows, len(keys)} {
		change(n, 0, 1)
		change(n, 1, 2)
		change(n, 2, 0)
	}
}

// Deltas beyond one statement's size pass in chunks, new rows by COPY, in one
// transaction with everything else.
func TestLargeDelta(t *testing.T) {
	for _, key := range [][]int{{0}, nil} {
		t.Run(fmt.Sprint("key", key), func(t *testing.T) {
			e := setup(t)
			e.exec(`CREATE TABLE src (id int, v text)`)
			e.exec(`INSERT INTO src SELECT i, CASE WHEN i % 1000 = 0 THEN repeat('x', 10000) WHEN i % 7 > 0 THEN i::text END FROM generate_series(1, 23000) i`)
			table := e.publish(e.s, e.spec("v", "src", key))
			all := e.rows(table, "SELECT * FROM public.src")
			e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, all})))
			same := `SELECT concat((SELECT count(*) FROM (TABLE src EXCEPT ALL TABLE out.v) x), '/', (SELECT count(*) FROM (TABLE out.v EXCEPT ALL TABLE src) x))`
			if got := e.text(same); got != "0/0" {
				t.Fatalf("after the load: %s", got)
			}
			e.exec(`UPDATE src SET v = v || 'y' WHERE id % 3 = 0; DELETE FROM src WHERE id % 3 = 1; INSERT INTO src SELECT -i, 'n' FROM generate_series(1, 6000) i`)
			delta := e.rows(table, "SELECT * FROM public.src")
			for i := range all.Len() {
				delta.Append(all.Row(i), -1)
			}
			tx, err := e.s.Begin(e.ctx, e.s.pos)
			e.must(err)
			e.must(tx.Apply(e.ctx, table, delta))
			if got := e.text(`SELECT count(*)::text FROM out.v`); got != "23000" {
				t.Errorf("seen before the commit: %s rows", got)
			}
			e.must(tx.Commit(e.ctx, e.after(1), time.Now()))
			if got := e.text(same); got != "0/0" {
				t.Fatalf("after the change: %s", got)
			}
			if got := e.text(`SELECT (rows = (SELECT count(*) FROM out.v))::text || '' FROM stepping_cdc.views`); got != "true" {
				t.Errorf("views.rows is not the number of rows")
			}
		})
	}
}
