package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// randomSchema has a table of every kind: default identity, identity by index,
// FULL with a key and without, partitioned, with values out of line, of all types.
const randomSchema = `
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE FUNCTION app.label(x text, k int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN coalesce(x, 'none') || '/' || coalesce(k, -1); END$$;
CREATE TABLE accounts (id int PRIMARY KEY, gone int, region text, tier int2, balance numeric(12,2), note text);
ALTER TABLE accounts DROP COLUMN gone;
CREATE TABLE orders (id int8 PRIMARY KEY, account_id int, qty int, amount numeric, day date, at timestamptz, wide text, wide2 text);
ALTER TABLE orders ALTER wide SET STORAGE EXTERNAL, ALTER wide2 SET STORAGE EXTERNAL;
CREATE TABLE items (code text NOT NULL, lang text NOT NULL, price numeric, f float8, wide text, UNIQUE (code, lang));
ALTER TABLE items ALTER wide SET STORAGE EXTERNAL;
ALTER TABLE items REPLICA IDENTITY USING INDEX items_code_lang_key;
CREATE TABLE events (a int, b text, f float8, n numeric, wide text);
ALTER TABLE events ALTER wide SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE TABLE logs (id int PRIMARY KEY, kind text, payload jsonb, wide text);
ALTER TABLE logs ALTER wide SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE TABLE parts (k int PRIMARY KEY, v text, q int) PARTITION BY RANGE (k);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (5);
CREATE TABLE parts_mid PARTITION OF parts FOR VALUES FROM (5) TO (12);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (12) TO (MAXVALUE);
CREATE TABLE everything (id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(10,2),
	tx text, vc varchar(5), bp char(4), ba bytea, u uuid, d date, t time, tz timetz, ts timestamp, tsz timestamptz,
	iv interval, en mood, js json, jb jsonb, ai int[], at text[], dm posint, ip inet, r int4range);
INSERT INTO accounts SELECT i, 'r' || i % 3, i % 4, i * 10.25, NULL FROM generate_series(1, 12) i;
INSERT INTO orders SELECT i, i % 15, i % 5, i * 1.50, date '2024-02-28' + i % 3, now(), repeat('w' || i % 3, 900 * (i % 4)), NULL FROM generate_series(1, 30) i;
INSERT INTO events SELECT i % 4, 'b' || i % 3, i / 3.0, i % 5 + 0.50, NULL FROM generate_series(1, 20) i;
INSERT INTO parts SELECT i, 'v' || i % 2, i FROM generate_series(1, 18, 2) i;`

type randomView struct {
	name, query string
	loose       bool
	exact       string // in the place of the query: see exactSums
}

// randomViews reads them. Those named loose leave Postgres a choice.
var randomViews = []randomView{
	{name: "plain", query: `SELECT * FROM everything`},
	{name: "joined", query: `SELECT o.id, a.region, o.amount, o.wide FROM orders o JOIN accounts a ON a.id = o.account_id`},
	{name: "joined_four", query: `SELECT a.id, o.id AS o, e.b, p.v FROM accounts a, orders o, events e, parts p WHERE o.account_id = a.id AND e.a = a.tier AND p.k = o.id AND o.qty > 0`},
	{name: "self_joined", query: `SELECT x.id AS x, y.id AS y, x.day FROM orders x JOIN orders y ON x.day = y.day AND x.qty = y.qty + 1`},
	{name: "non_equi", query: `SELECT a.id, p.k FROM accounts a JOIN parts p ON p.q < a.tier AND p.k <> a.id`},
	{name: "using_join", query: `SELECT * FROM (SELECT k AS id, v FROM parts) p JOIN logs USING (id)`},
	{name: "grouped", query: `SELECT a.region, count(*) AS n, sum(o.amount) AS s, count(DISTINCT o.qty) FILTER (WHERE o.qty > 1) AS d, min(o.day) AS lo, max(o.wide) AS w
		FROM orders o JOIN accounts a ON a.id = o.account_id GROUP BY a.region`, loose: true},
	{name: "having_some", query: `SELECT account_id, avg(qty) AS a, bool_or(qty > 3) AS b FROM orders GROUP BY account_id HAVING count(*) > 1`},
	{name: "total", query: `SELECT count(*) AS n, sum(qty) AS s, max(at) AS last, avg(qty) AS a, bool_and(qty > 0) AS b FROM orders`},
	{name: "float_sums", query: `SELECT b, sum(f) AS s, avg(f) AS a, min(f) AS lo FROM events GROUP BY b`,
		exact: `SELECT b, array_agg(f) AS sum, array_agg(f) AS avg, min(f) AS lo FROM events GROUP BY b`},
	{name: "numeric_groups", query: `SELECT n, count(*) AS c FROM events GROUP BY n`, loose: true},
	{name: "distinct_all", query: `SELECT DISTINCT a, b, f > 1 AS big FROM events`},
	{name: "unioned", query: `SELECT id::int8 AS id, region AS t FROM accounts UNION ALL SELECT id, wide2 FROM orders UNION ALL SELECT k, v FROM parts`},
	{name: "with_cte", query: `WITH big AS (SELECT account_id, qty FROM orders WHERE qty > 1), per AS (SELECT account_id, sum(qty) AS q FROM big GROUP BY 1) SELECT x.account_id, y.account_id AS other FROM per x JOIN per y ON x.q = y.q`},
	{name: "no_key", query: `SELECT a, b FROM events WHERE a IS NOT NULL`},
	{name: "no_key_wide", query: `SELECT b, wide FROM events`},
	{name: "no_key_of_keyed", query: `SELECT qty FROM orders`},
	{name: "items_all", query: `SELECT code, lang, price, f, wide FROM items`},
	{name: "items_by_code", query: `SELECT code, max(price) AS p, count(wide) AS w FROM items GROUP BY code`, loose: true},
	{name: "logs_json", query: `SELECT id, kind, payload->>'k' AS k, wide FROM logs WHERE kind <> 'x' OR payload IS NULL`},
	{name: "remote", query: `SELECT o.id, app.label(a.region, o.qty) AS l FROM orders o JOIN accounts a ON a.id = o.account_id WHERE app.label(a.note, 1) <> 'x/1'`},
	{name: "in_values", query: `SELECT o.id, v.name FROM orders o JOIN (VALUES (1, 'one'), (2, 'two'), (2, 'zwei')) v(q, name) ON v.q = o.qty`},
	{name: "partitioned", query: `SELECT k, v, q FROM parts WHERE k > 2`},
	{name: "type_groups", query: `SELECT b, d, en, extract(epoch FROM iv) AS iv, count(*) AS n FROM everything GROUP BY b, d, en, 4`, loose: true},
	{name: "type_extremes", query: `SELECT b, max(ts) AS a, min(n2) AS c, max(i8) AS e, min(t) AS f, max(u::text) AS g FROM everything GROUP BY b`},
	{name: "scalars", query: `SELECT id, CASE WHEN i4 > 3 THEN 'big' WHEN b THEN tx END AS a, coalesce(tx, vc, 'none') AS b, nullif(i4, 2) AS c, greatest(i2, i4) AS d, tx LIKE 'a%' AS e, d + 1 AS f, n2 * 1.10 AS g, i4 IS DISTINCT FROM i2 AS h FROM everything`},
	{name: "reached", query: `WITH RECURSIVE t(x, y) AS (SELECT a.id, o.qty FROM accounts a JOIN orders o ON o.account_id = a.id UNION SELECT t.x, o.qty FROM t JOIN orders o ON o.account_id = t.y) SELECT x, y FROM t`},
	{name: "chained", query: `WITH RECURSIVE c(k, q, n) AS (SELECT k, q, 0 FROM parts UNION ALL SELECT p.k, p.q, n + 1 FROM c JOIN parts p ON p.k = c.q WHERE n < 3) SELECT k, n, count(*) AS c FROM c GROUP BY k, n`},
	{name: "between", query: `SELECT o.id, e.id AS e FROM orders o JOIN everything e ON o.qty BETWEEN e.i2 AND e.i4`},
	{name: "overlapping", query: `SELECT x.id, y.id AS y FROM everything x LEFT JOIN everything y ON x.r && y.r AND x.id < y.id`},
	{name: "in_ranges", query: `SELECT o.id, p.k FROM orders o JOIN parts p ON int4range(o.qty, greatest(o.qty, o.account_id), '[]') @> p.q`},
	{name: "over_grouped", query: `SELECT region, n + 1 AS n FROM grouped WHERE n > 1`},
}

// labelledViews read them as well. Their rows are sorted by labels, which are not a
// function of the position, though what comes of it is.
var labelledViews = []randomView{
	{name: "first_notes", query: `SELECT id, note FROM accounts ORDER BY note COLLATE "en-x-icu" DESC NULLS LAST, id LIMIT 4`},
	{name: "first_of_each", query: `SELECT DISTINCT ON (b) b, tx, id FROM everything ORDER BY b, tx COLLATE "de-x-icu", id`},
	{name: "ranked", query: `SELECT a, rank() OVER (PARTITION BY a ORDER BY b COLLATE "en-x-icu") AS r FROM events`},
	{name: "numbered", query: `SELECT id, row_number() OVER (ORDER BY wide COLLATE "und-x-icu", id) AS n FROM orders`},
	{name: "label_extremes", query: `SELECT k % 3 AS k, min(v COLLATE "en-x-icu") AS a, string_agg(v, '/' ORDER BY v COLLATE "de-x-icu" DESC) AS b FROM parts GROUP BY 1`},
	{name: "range_groups", query: `SELECT count(*) AS k, array_agg(id ORDER BY id) AS ids FROM everything GROUP BY numrange(n, NULL), tx COLLATE "en-x-icu"`},
	{name: "range_sets", query: `SELECT count(DISTINCT numrange(n2, NULL)) AS a, count(*) AS b FROM (SELECT n2, n FROM everything UNION ALL SELECT n2, 0.00 FROM everything) x GROUP BY GROUPING SETS ((numrange(n2, NULL)), ())`},
	{name: "range_shown", query: `SELECT DISTINCT numrange(n, NULL) AS r FROM events`, loose: true},
	{name: "ordered_ranges", query: `SELECT id, r FROM everything ORDER BY r, ip DESC, jb, id LIMIT 5`},
}

// addRandomViews configures some of them, and declares to the comparing session
// those that others read.
func (w *world) addRandomViews(views []randomView) {
	for _, v := range views {
		w.view(v.name, v.query)
		w.loose[v.name], w.exact[v.name] = v.loose, v.exact
		if v.name == "grouped" {
			w.exec("CREATE TEMP VIEW grouped AS " + v.query)
		}
	}
}

// pools holds, for each kind of column, literals to draw from: NULLs, ties,
// extremes, and values that are equal yet not the same.
var pools = map[string][]string{
	"key":  {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18"},
	"bool": {"NULL", "true", "false"}, "int2": {"NULL", "0", "1", "2", "3", "-1", "32767", "-32768"},
	"int4": {"NULL", "0", "1", "2", "3", "4", "5", "-1"}, "int8": {"NULL", "0", "1", "9223372036854775807", "-9223372036854775808"},
	"float4":  {"NULL", "0", "'-0'", "1.5", "'NaN'", "'Infinity'", "'-Infinity'", "3.4e38", "1e-40"},
	"float8":  {"NULL", "0", "'-0'", "1.5", "2.5", "'NaN'", "'Infinity'", "0.1", "1e300"},
	"tame8":   {"NULL", "0", "1.5", "2.5", "0.1", "-3", "-0.1", "1e10", "-1e10"},
	"numeric": {"NULL", "0", "0.00", "1.0", "1.00", "1", "'NaN'", "'Infinity'", "'-Infinity'", "-2.50", "123456789012345678901234567890.123", "1e-20"},
	"money":   {"NULL", "0", "1.50", "1.5", "2", "-3.25", "99.99"},
	"text":    {"NULL", "''", "'a'", "'b'", "'B'", "'ab'", "'a b '", "'é'", "'日本'", `'x\y%_'`},
	"region":  {"NULL", "'r0'", "'r1'", "'r2'", "''"},
	"short":   {"NULL", "''", "'a'", "'b'", "'ab'", "'é'"},
	"code":    {"'tea'", "'milk'", "'rice'", "'salt'"}, "lang": {"'en'", "'de'", "'é'"},
	"wide":  {"NULL", "''", "repeat('x', 5000)", "repeat('yz', 3000)", "repeat('é', 2500)", "'short'"},
	"bytea": {"NULL", `'\x'`, `'\x00ff'`}, "uuid": {"NULL", "'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"},
	"date": {"NULL", "'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'"}, "day": {"NULL", "'2024-02-29'", "'2024-03-01'", "'2023-12-31'"},
	"time": {"NULL", "'00:00'", "'24:00'", "'12:34:56.789'"}, "timetz": {"NULL", "'12:00+02'", "'10:00+00'"},
	"ts":       {"NULL", "'2024-02-29 12:00'", "'2024-02-29 12:00:00.000001'", "'infinity'", "'-infinity'", "'0001-01-01 00:00 BC'"},
	"interval": {"NULL", "'0'", "'1 month'", "'30 days'", "'720:00'", "'1 year 2 mons 3 days 04:05:06.7'", "'-1 day'"},
	"mood":     {"NULL", "'sad'", "'ok'", "'happy'"}, "json": {"NULL", `'{"a": 1, "b":[1, 2]}'`, `'[]'`, `' {"a":1} '`},
	"jsonb": {"NULL", `'{"k": 1}'`, `'{"k": 1.0}'`, `'{"k": {"n": "é"}}'`, `'[]'`, `'null'`},
	"ints":  {"NULL", "'{}'", "'{1,2,3}'", "'{NULL,1}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'"}, "texts": {"NULL", "'{}'", `'{a,"b c",NULL}'`},
	"posint": {"NULL", "1", "12"}, "inet": {"NULL", "'10.0.0.1'", "'::1'"}, "range": {"NULL", "'empty'", "'[1,3)'", "'(,5)'"},
}

// randomTables says how random rows are made: name, columns as name:pool, key
// columns first.
var randomTables = []struct {
	name string
	cols []string
	keys int
}{
	{"accounts", strings.Fields("id:key region:region tier:int4 balance:money note:short"), 1},
	{"orders", strings.Fields("id:key account_id:key qty:int4 amount:money day:day at:ts wide:wide wide2:wide"), 1},
	{"items", strings.Fields("code:code lang:lang price:numeric f:float8 wide:wide"), 2},
	{"events", strings.Fields("a:int4 b:short f:tame8 n:money wide:wide"), 0},
	{"logs", strings.Fields("id:key kind:short payload:jsonb wide:wide"), 1},
	{"parts", strings.Fields("k:key v:short q:int4"), 1},
	{"everything", strings.Fields(`id:key b:bool i2:int2 i4:int4 i8:int8 f4:float4 f8:float8 n:numeric n2:money tx:text vc:short bp:short ba:bytea
		u:uuid d:date t:time tz:timetz ts:ts tsz:ts iv:interval en:mood js:json jb:jsonb ai:ints at:texts dm:posint ip:inet r:range`), 1},
}

// randomChange is one random statement. What violates a constraint fails.
func randomChange(rnd *rand.Rand) string {
	t := randomTables[rnd.IntN(len(randomTables))]
	pick := func(pool string) string { return pools[pool][rnd.IntN(len(pools[pool]))] }
	some := func() string {
		col, pool, _ := strings.Cut(t.cols[rnd.IntN(max(t.keys, 1))], ":")
		return fmt.Sprintf("%s IN (%s, %s)", col, pick(pool), pick(pool))
	}
	switch n := rnd.IntN(100); {
	case n == 0:
		return "TRUNCATE " + t.name
	case n < 20:
		return "DELETE FROM " + t.name + " WHERE " + some()
	case n < 55:
		var set []string
		used := map[string]bool{}
		for range 1 + rnd.IntN(3) {
			i := rnd.IntN(len(t.cols))
			if i < t.keys && rnd.IntN(3) > 0 { // mostly not the key
				i = len(t.cols) - 1
			}
			name, pool, _ := strings.Cut(t.cols[i], ":")
			if !used[name] {
				used[name] = true
				set = append(set, name+" = "+pick(pool))
			}
		}
		return "UPDATE " + t.name + " SET " + strings.Join(set, ", ") + " WHERE " + some()
	}
	var names, rows []string
	for _, c := range t.cols {
		name, _, _ := strings.Cut(c, ":")
		names = append(names, name)
	}
	for range 1 + rnd.IntN(6) {
		var vals []string
		for _, c := range t.cols {
			_, pool, _ := strings.Cut(c, ":")
			vals = append(vals, pick(pool))
		}
		rows = append(rows, "("+strings.Join(vals, ", ")+")")
	}
	sql := fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", t.name, strings.Join(names, ", "), strings.Join(rows, ", "))
	if t.keys > 0 && rnd.IntN(4) > 0 {
		sql += " ON CONFLICT DO NOTHING"
	}
	return sql
}

// randomTransaction runs one, which may fail, roll back, or roll back in part.
func randomTransaction(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '1s'"); err != nil {
		return err
	}
	for range 1 + rnd.IntN(5) {
		change := randomChange(rnd)
		// Each statement in a savepoint, some of which are rolled back.
		sub, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		_, err = sub.Exec(ctx, change, pgx.QueryExecModeSimpleProtocol)
		if err == nil && rnd.IntN(8) > 0 {
			err = sub.Commit(ctx)
		} else {
			err = sub.Rollback(ctx)
		}
		if err != nil {
			return err
		}
	}
	if rnd.IntN(10) == 0 {
		return nil
	}
	return tx.Commit(ctx)
}

// writers are sessions that write at random until they are told to end.
type writers struct {
	t    *testing.T
	stop context.CancelFunc
	wg   sync.WaitGroup
}

func (w *world) startWriters(seed uint64, sessions int, write func(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error) *writers {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ws := &writers{t: w.t, stop: cancel}
	for i := range sessions {
		conn := w.connect(w.dsn)
		ws.wg.Add(1)
		go func() {
			defer ws.wg.Done()
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			for ctx.Err() == nil {
				// Deadlocks, time-outs and violated constraints are part of it.
				if err := write(context.WithoutCancel(ctx), conn, rnd); err != nil && conn.IsClosed() {
					w.t.Errorf("writer lost its connection: %v", err)
					return
				}
			}
		}()
	}
	w.t.Cleanup(ws.end)
	return ws
}

func (ws *writers) end() {
	ws.stop()
	ws.wg.Wait()
}
