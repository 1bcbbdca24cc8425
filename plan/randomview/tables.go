// Package randomview makes things up for tests: SELECTs that Postgres takes, over tables of all
// kinds, and writes to these tables.
//
// It knows SQL, and what of it has one right answer. It must not know what becomes of a view.
package randomview

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Schema is what the differential tests' views read: tables with and without
// keys, of all types, with a dropped column, partitioned, and functions of a
// user's own.
const Schema = `
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'meh' BEFORE 'ok';
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TABLE everything (
	id int PRIMARY KEY, gone int, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(10,2),
	tx text, vc varchar(5), bp char(4), nm name, ba bytea, u uuid, d date, t time, tz timetz, ts timestamp, tsz timestamptz,
	iv interval, en mood, js json, jb jsonb, ai int[], at text[], dm posint, ip inet, r int4range, pt point, bits bit(4), m money);
ALTER TABLE everything DROP COLUMN gone;
CREATE TABLE customers (id int PRIMARY KEY, region text, name text, tier int2);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, amount numeric, qty int, day date, note text);
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL UNIQUE, price numeric(8,2));
CREATE TABLE lines (order_id int, no int2, product_id int8, qty int, PRIMARY KEY (order_id, no));
CREATE TABLE loose (a int, b text, c float8);
CREATE TABLE loose2 (a int8, n numeric, bp char(3), v text);
CREATE TABLE edges (l int, r int);
CREATE TABLE parts (k int, v text, q int) PARTITION BY RANGE (k);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (3);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (3) TO (MAXVALUE);
CREATE TYPE pair AS (a int, b text);
CREATE TYPE span AS (lo date, gone int, p pair, l int[], n numeric);
ALTER TYPE span DROP ATTRIBUTE gone;
CREATE DOMAIN goodpair AS pair CHECK ((VALUE).a IS DISTINCT FROM 99);
CREATE TABLE things (id int PRIMARY KEY, p pair, q pair, gone int, s span, ps pair[], g goodpair, k int, w text);
ALTER TABLE things DROP COLUMN gone;
CREATE SCHEMA app;
CREATE DOMAIN app.given AS int NOT NULL CHECK (VALUE < 100);
CREATE FUNCTION app.twice(x int) RETURNS int LANGUAGE sql IMMUTABLE RETURN x * 2;
CREATE FUNCTION app.label(x text, k int DEFAULT 1) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN coalesce(x, 'none') || '/' || k; END$$;
CREATE DOMAIN strictint AS int NOT NULL;
CREATE TYPE strictrow AS (i strictint);
CREATE FUNCTION app.three() RETURNS SETOF int LANGUAGE sql IMMUTABLE AS $$VALUES (3), (1), (2)$$;
CREATE TYPE app.couple AS (a int, b text);
CREATE FUNCTION app.pairs() RETURNS SETOF app.couple LANGUAGE sql IMMUTABLE AS $$VALUES (2, 'x'), (1, 'y')$$;
CREATE FUNCTION app.elements(xs int[]) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS $$SELECT x FROM unnest(xs) x WHERE x <> 2$$;
CREATE OPERATOR app.@#@ (RIGHTARG = int[], FUNCTION = app.elements);
CREATE FUNCTION app.strict_label(x text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$BEGIN RETURN '<' || x || '>'; END$$;
CREATE FUNCTION app.fussy(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF x = 3 THEN RAISE EXCEPTION 'three!' USING ERRCODE = 'P0099'; END IF; RETURN x; END$$;
CREATE FUNCTION app.total(VARIADIC xs int[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT sum(x) FROM unnest(xs) x$$;
CREATE FUNCTION app.same(x anyelement, y anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN x = y THEN x END$$;
CREATE FUNCTION app.near(x int, y int) RETURNS bool LANGUAGE sql IMMUTABLE AS $$SELECT abs(x - y) <= 1$$;
CREATE OPERATOR app.~~~ (LEFTARG = int, RIGHTARG = int, FUNCTION = app.near);
CREATE FUNCTION app.pairs(n int) RETURNS SETOF pair LANGUAGE sql IMMUTABLE AS $$SELECT i, CASE WHEN i % 2 = 0 THEN 'even' END FROM generate_series(1, n) i$$;
CREATE FUNCTION app.steps(n int, OUT step int, OUT square numeric, OUT list int[]) RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$SELECT i, i * i * 1.0, ARRAY[i] FROM generate_series(1, n) i$$;
CREATE FUNCTION app.halves(n int) RETURNS TABLE (half float8, "a row" text) LANGUAGE sql IMMUTABLE STRICT AS $$SELECT i / 2.0, 'r' || i FROM generate_series(1, n) i WHERE i < 4$$;
CREATE FUNCTION app.one_pair(n int) RETURNS pair LANGUAGE sql IMMUTABLE AS $$SELECT n, 'x' WHERE n > 1$$;
CREATE FUNCTION app.two(n int, OUT a int, OUT b text) LANGUAGE sql IMMUTABLE STRICT AS $$SELECT n, 'n' || n$$;
CREATE FUNCTION app.spans(n int) RETURNS SETOF span LANGUAGE sql IMMUTABLE AS $$SELECT ROW(NULL, ROW(i, 'x')::pair, ARRAY[i], 1.0)::span FROM generate_series(1, n) i$$;
CREATE FUNCTION app.both_ways(a anyelement, b anycompatible, OUT there anyelement, OUT back anycompatiblearray) LANGUAGE sql IMMUTABLE AS $$SELECT a, ARRAY[b]$$;
CREATE FUNCTION app.parted(a anyarray) RETURNS TABLE (first anyelement, rest anyarray) LANGUAGE sql IMMUTABLE AS $$SELECT a[1], a[2:]$$;
CREATE TYPE app.mute;
CREATE FUNCTION app.mute_in(cstring) RETURNS app.mute LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION app.mute_out(app.mute) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE app.mute (INPUT = app.mute_in, OUTPUT = app.mute_out, LIKE = text);
CREATE FUNCTION app.any_row(n int) RETURNS record LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN CASE WHEN n > 2 THEN ROW(n, 2.50, NULL::int) WHEN n = 2 THEN ROW(NULL::int) WHEN n = 1 THEN ROW(1, 'x'::text) WHEN n = -1 THEN ROW(1 / (n + 1)) END; END$$;
CREATE FUNCTION app.named_row(t text, xs int[], p pair) RETURNS record LANGUAGE sql IMMUTABLE STRICT AS $$SELECT t, xs AS list, p.b$$;
CREATE FUNCTION app.any_rows(n int) RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$SELECT i, CASE WHEN i > 1 THEN 'x'::text END AS "a name" FROM generate_series(1, n) i WHERE n < 5$$;
CREATE AGGREGATE app.times(numeric) (SFUNC = numeric_mul, STYPE = numeric);
CREATE VIEW app.adopted AS SELECT region, count(*) AS n, max(o.amount) AS most FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY region;
CREATE MATERIALIZED VIEW app.adopted_mat AS SELECT DISTINCT note FROM orders WHERE qty > 1;
CREATE VIEW app.inner_view AS SELECT id, amount * 2 AS twice, note FROM orders WHERE amount > 0;
CREATE VIEW app.cube_of_equals AS SELECT a AS x, a AS y, count(*) AS n FROM loose GROUP BY CUBE (1, 2);
`

// pools holds, for each column type, literals to draw from: NULLs, ties,
// extremes, and values that are equal yet not the same.
var pools = map[string][]string{
	"bool":    {"NULL", "true", "false"},
	"int2":    {"NULL", "0", "1", "2", "3", "-1", "32767", "-32768"},
	"int4":    {"NULL", "0", "1", "2", "3", "4", "5", "-1", "7"},
	"int8":    {"NULL", "0", "1", "2", "3", "4", "9223372036854775807", "-9223372036854775808"},
	"float4":  {"NULL", "0", "'-0'", "1.5", "'NaN'", "'Infinity'", "'-Infinity'", "3.4e38", "1e-40"},
	"float8":  {"NULL", "0", "'-0'", "1.5", "2.5", "'NaN'", "'Infinity'", "'-Infinity'", "0.1", "1e300"},
	"tame8":   {"NULL", "0", "1.5", "2.5", "0.1", "-3", "1e10"},
	"numeric": {"NULL", "0", "0.00", "1.0", "1.00", "1", "'NaN'", "'Infinity'", "'-Infinity'", "-2.50", "123456789012345678901234567890.123", "1e-20"},
	"money":   {"NULL", "0", "1.50", "1.5", "2", "-3.25", "10", "99.99"}, // a numeric amount
	"text":    {"NULL", "''", "'a'", "'b'", "'B'", "'ab'", "'a b '", "'é'", "'日本'", `'x\y%_'`, "'12'", "'3'"},
	"short":   {"NULL", "''", "'a'", "'b'", "'ab'", "'a  '", "'é'"},
	"bytea":   {"NULL", `'\x'`, `'\x00'`, `'\x00ff'`, `'\xdeadbeef'`},
	"uuid":    {"NULL", "'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"},
	"date":    {"NULL", "'2024-02-29'", "'2024-03-01'", "'1999-12-31'", "'infinity'", "'-infinity'", "'0044-03-15 BC'"},
	"tameday": {"NULL", "'2024-02-29'", "'2024-03-01'", "'2024-03-02'", "'2023-12-31'"},
	"time":    {"NULL", "'00:00'", "'24:00'", "'12:34:56.789'"},
	"timetz":  {"NULL", "'00:00+00'", "'12:00+02'", "'10:00+00'", "'11:00+01'"},
	"timestamp": {"NULL", "'2024-02-29 12:00'", "'2024-02-29 12:00:00.000001'", "'infinity'", "'-infinity'", "'0001-01-01 00:00 BC'",
		"'2024-12-31 23:59:59.5'"},
	"interval": {"NULL", "'0'", "'1 month'", "'30 days'", "'720:00'", "'1 year 2 mons 3 days 04:05:06.7'", "'-1 day'"},
	"mood":     {"NULL", "'sad'", "'meh'", "'ok'", "'happy'"},
	"json":     {"NULL", `'{"a": 1, "b":[1, 2]}'`, `'[]'`, `'"x"'`, `' {"a":1} '`},
	"jsonb":    {"NULL", `'{"a": 1, "b": [1, 2, null]}'`, `'{"b": [1, 2, null], "a": 1.0}'`, `'[]'`, `'"x"'`, `'1.50'`, `'1.5'`, `'null'`, `'{"k": {"n": "é"}}'`},
	"intarray": {"NULL", "'{}'", "'{1,2,3}'", "'{NULL,1}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'", "'{1}'"},
	"texarray": {"NULL", "'{}'", `'{a,"b c",NULL}'`, `'{""}'`, "'{a}'"},
	"posint":   {"NULL", "1", "2", "3", "12"},
	"inet":     {"NULL", "'10.0.0.1'", "'10.0.0.0/8'", "'::1'"},
	"range":    {"NULL", "'empty'", "'[3,5)'", "'[1,3)'", "'[1,2]'", "'(,5)'"},
	"point":    {"NULL", "'(1,2)'", "'(0,0)'"},
	"bit":      {"NULL", "B'0000'", "B'1010'"},
	"key":      {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
	"words":    {"'tea'", "'milk'", "'rice'", "'salt'", "'Tea'", "'oil'"},
	"note":     {"NULL", "''", "'ok'", "'late'", "'12'", "'2024-03-01'", "'x'"},
	"pair":     {"NULL", "'(1,a)'", "'(1,)'", "'(,)'", `'(2,"b c")'`, "'(2,a)'", "'(,x)'"},
	"pairs":    {"NULL", "'{}'", `'{"(1,a)",NULL}'`, `'{"(,)","(2,b)","(1,a)"}'`, `'{"(1,a)"}'`, `'{{"(1,a)","(2,)"}}'`},
	"span":     {"NULL", "'(,,,)'", `'(2024-02-29,"(1,a)","{1,NULL}",1.0)'`, `'(2024-02-29,"(1,a)","{1,NULL}",1.00)'`, `'(,"(,)",{},NaN)'`},
	"bpchar":   {"NULL", "''", "'a'", "'ab'", "'b'"},
}

// Table says how random rows of a table are made.
type Table struct {
	Name string
	Cols []string // name:pool
	Keys int      // how many leading columns are the key
}

// Tables are those of Schema.
var Tables = []Table{
	{"everything", strings.Fields(`id:key b:bool i2:int2 i4:int4 i8:int8 f4:float4 f8:float8 n:numeric n2:money tx:text vc:short bp:bpchar nm:short
		ba:bytea u:uuid d:date t:time tz:timetz ts:timestamp tsz:timestamp iv:interval en:mood js:json jb:jsonb ai:intarray at:texarray dm:posint
		ip:inet r:range pt:point bits:bit m:money`), 1},
	{"customers", strings.Fields("id:key region:short name:text tier:int2"), 1},
	{"orders", strings.Fields("id:key customer_id:int4 amount:money qty:int4 day:tameday note:note"), 1},
	{"products", strings.Fields("id:key name:words price:money"), 1},
	{"lines", strings.Fields("order_id:key no:key product_id:key qty:int4"), 2},
	{"loose", strings.Fields("a:int4 b:text c:tame8"), 0},
	{"loose2", strings.Fields("a:int8 n:numeric bp:bpchar v:text"), 0},
	{"edges", strings.Fields("l:int4 r:int4"), 0},
	{"parts", strings.Fields("k:key v:short q:int4"), 0},
	{"things", strings.Fields("id:key p:pair q:pair s:span ps:pairs g:pair k:int4 w:text"), 1},
}

// Literal draws one from a pool.
func Literal(rnd *rand.Rand, pool string) string {
	p := pools[pool]
	return p[rnd.IntN(len(p))]
}

// NotNull draws one that is not the first, NULL.
func NotNull(rnd *rand.Rand, pool string) string {
	p := pools[pool][1:]
	return p[rnd.IntN(len(p))]
}

// Write is a statement that makes a few random changes of one of the tables. Some violate a
// constraint.
func Write(rnd *rand.Rand, tables []Table) string {
	t := tables[rnd.IntN(len(tables))]
	some := fmt.Sprintf(`ctid IN (SELECT ctid FROM %[1]s ORDER BY hashint4(%[2]d + (ctid::text::point)[1]::int) LIMIT %[3]d)`, t.Name, rnd.Int32N(1<<20), 1+rnd.IntN(3))
	if t.Name == "parts" {
		some = fmt.Sprintf("k = %d", rnd.IntN(10))
	}
	switch n := rnd.IntN(100); {
	case n < 2:
		return "TRUNCATE " + t.Name
	case n < 18:
		return "DELETE FROM " + t.Name + " WHERE " + some
	case n < 50:
		var set []string
		for range 1 + rnd.IntN(3) {
			// Mostly not the key.
			i := rnd.IntN(len(t.Cols))
			if i < t.Keys && rnd.IntN(3) > 0 {
				i = len(t.Cols) - 1
			}
			name, pool, _ := strings.Cut(t.Cols[i], ":")
			if !strings.Contains(strings.Join(set, ","), name+" =") {
				set = append(set, name+" = "+Literal(rnd, pool))
			}
		}
		return "UPDATE " + t.Name + " SET " + strings.Join(set, ", ") + " WHERE " + some
	default:
		var rows []string
		for range 1 + rnd.IntN(8) {
			var vals []string
			for _, c := range t.Cols {
				_, pool, _ := strings.Cut(c, ":")
				vals = append(vals, Literal(rnd, pool))
			}
			rows = append(rows, "("+strings.Join(vals, ", ")+")")
		}
		var names []string
		for _, c := range t.Cols {
			name, _, _ := strings.Cut(c, ":")
			names = append(names, name)
		}
		sql := "INSERT INTO " + t.Name + " (" + strings.Join(names, ", ") + ") VALUES " + strings.Join(rows, ", ")
		if t.Keys > 0 {
			sql += " ON CONFLICT DO NOTHING"
		}
		return sql
	}
}
