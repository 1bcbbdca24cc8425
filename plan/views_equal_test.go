package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/explain"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// equalSchema is columns of types whose equality only Postgres knows: ranges of
// numerics, a collation that is not deterministic, a base type with an operator
// class of its own, and what is made of these.
const equalSchema = `
CREATE SCHEMA app;
CREATE COLLATION app.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE TYPE app.span AS RANGE (subtype = text, collation = app.loose);
CREATE TYPE app.word;
CREATE FUNCTION app.word_in(cstring) RETURNS app.word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION app.word_out(app.word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION app.word_recv(internal) RETURNS app.word LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
CREATE FUNCTION app.word_send(app.word) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
CREATE TYPE app.word (INPUT = app.word_in, OUTPUT = app.word_out, RECEIVE = app.word_recv, SEND = app.word_send, LIKE = text);
CREATE CAST (app.word AS text) WITHOUT FUNCTION;
CREATE FUNCTION app.word_cmp(app.word, app.word) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.bttextcmp(lower($1::text) COLLATE "C", lower($2::text) COLLATE "C")';
CREATE FUNCTION app.word_lt(app.word, app.word) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT app.word_cmp($1, $2) < 0';
CREATE FUNCTION app.word_le(app.word, app.word) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT app.word_cmp($1, $2) <= 0';
CREATE FUNCTION app.word_eq(app.word, app.word) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT app.word_cmp($1, $2) = 0';
CREATE FUNCTION app.word_ne(app.word, app.word) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT app.word_cmp($1, $2) <> 0';
CREATE FUNCTION app.word_ge(app.word, app.word) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT app.word_cmp($1, $2) >= 0';
CREATE FUNCTION app.word_gt(app.word, app.word) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS 'SELECT app.word_cmp($1, $2) > 0';
CREATE OPERATOR < (LEFTARG = app.word, RIGHTARG = app.word, FUNCTION = app.word_lt, COMMUTATOR = >, NEGATOR = >=);
CREATE OPERATOR <= (LEFTARG = app.word, RIGHTARG = app.word, FUNCTION = app.word_le, COMMUTATOR = >=, NEGATOR = >);
CREATE OPERATOR = (LEFTARG = app.word, RIGHTARG = app.word, FUNCTION = app.word_eq, COMMUTATOR = =, NEGATOR = <>, MERGES);
CREATE OPERATOR <> (LEFTARG = app.word, RIGHTARG = app.word, FUNCTION = app.word_ne, COMMUTATOR = <>, NEGATOR = =);
CREATE OPERATOR >= (LEFTARG = app.word, RIGHTARG = app.word, FUNCTION = app.word_ge, COMMUTATOR = <=, NEGATOR = <);
CREATE OPERATOR > (LEFTARG = app.word, RIGHTARG = app.word, FUNCTION = app.word_gt, COMMUTATOR = <, NEGATOR = <=);
CREATE OPERATOR CLASS app.word_ops DEFAULT FOR TYPE app.word USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 app.word_cmp(app.word, app.word);
CREATE DOMAIN app.price AS numrange;
CREATE TYPE app.pair AS (r numrange, n numeric, t text COLLATE app.loose);
CREATE TABLE things (id int PRIMARY KEY, grp int, r numrange, m nummultirange, s app.span, w text COLLATE app.loose, b char(4) COLLATE app.loose,
	c app.word, d app.price, p app.pair, rs numrange[], ws text[] COLLATE app.loose, ps app.pair[], v tsvector);
`

// equalCases show of each group which rows are in it, or what all its values have
// in common: which of equal values Postgres shows is its own choice.
var equalCases = []viewCase{
	{name: "group_range", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY r`},
	{name: "group_multirange", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY m, grp`},
	{name: "group_span", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY s HAVING count(*) > 1 OR isempty(s)`},
	{name: "group_text", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY w`},
	{name: "group_char", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids, lower(b::text COLLATE "C") = lower(b::text COLLATE "C") AS x FROM things GROUP BY b`},
	{name: "group_word", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids, lower(c::text) AS x FROM things GROUP BY c`},
	{name: "group_domain", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids, trim_scale(lower(d)) AS l, trim_scale(upper(d)) AS u FROM things GROUP BY d`},
	{name: "group_record", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY p`},
	{name: "group_row", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM (SELECT id, ROW(r, w, grp) AS x FROM things) t GROUP BY x`},
	{name: "group_array", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY rs`},
	{name: "group_texts", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY ws`},
	{name: "group_records", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY ps`},
	{name: "group_vector", query: `SELECT v, count(*) AS n FROM things GROUP BY v`},
	{name: "group_expression", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY r * numrange(0, 2.50), (w || 'x')`},
	{name: "group_dependent", query: `SELECT id, r, w, count(*) AS n FROM things GROUP BY id`},
	{name: "group_sets", query: `SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids, GROUPING(r, w) AS g, trim_scale(lower(r)) AS l FROM things GROUP BY CUBE (r, w), ROLLUP (grp)`},
	{name: "group_rollup", query: `SELECT grp, count(*) AS n, sum(id) AS ids FROM things GROUP BY GROUPING SETS ((grp, p), (rs), (), (r, r))`},
	{name: "group_error", query: `SELECT count(*) AS n, sum(10 / grp) AS x FROM things WHERE id < 6 GROUP BY r`},
	{name: "group_having", query: `SELECT count(*) AS n, min(id) AS id FROM things GROUP BY r, w HAVING upper_inc(r) OR w > 'b'`},
	{name: "distinct_range", query: `SELECT (SELECT array_agg(t.id ORDER BY t.id) FROM things t WHERE t.r = x.r) AS ids FROM (SELECT DISTINCT r FROM things) x`},
	{name: "distinct_many", query: `SELECT count(*) AS n, count(r) AS a, count(w) AS b, count(p) AS c FROM (SELECT DISTINCT grp, r, w, p FROM things) x`},
	{name: "distinct_limit", query: `SELECT lower(c::text) AS x FROM (SELECT DISTINCT c FROM things ORDER BY c DESC LIMIT 3) x`},
	{name: "distinct_on", query: `SELECT DISTINCT ON (r) id FROM things ORDER BY r DESC, id`},
	{name: "distinct_on_two", query: `SELECT DISTINCT ON (w, p) id, grp FROM things ORDER BY p, w, id DESC`},
	{name: "distinct_on_limit", query: `SELECT DISTINCT ON (rs) id FROM things ORDER BY rs NULLS FIRST, id LIMIT 4`},
	{name: "union", query: `SELECT (SELECT array_agg(t.id ORDER BY t.id) FROM things t WHERE t.r = x.r OR t.d = x.r) AS ids FROM (SELECT r FROM things UNION SELECT d FROM things) x`},
	{name: "union_const", query: `SELECT count(*) AS n, bool_or(isempty(r)) AS e FROM (SELECT r FROM things UNION SELECT '[1,2.0)'::numrange UNION SELECT 'empty') x`},
	{name: "union_texts", query: `SELECT count(*) AS n FROM (SELECT w FROM things UNION SELECT b FROM things WHERE grp > 0) x`},
	{name: "intersect", query: `SELECT count(*) AS n, count(r) AS a FROM (SELECT r, w FROM things WHERE grp < 2 INTERSECT SELECT d, w FROM things) x`},
	{name: "intersect_all", query: `SELECT lower(c::text) AS c FROM (SELECT c FROM things WHERE grp < 2 INTERSECT ALL SELECT c FROM things WHERE grp > 0) x`},
	{name: "except", query: `SELECT lower(c::text) AS c FROM (SELECT c FROM things WHERE grp < 2 EXCEPT SELECT c FROM things WHERE grp > 1) x`},
	{name: "except_all", query: `SELECT count(*) AS n, count(p) AS a FROM (SELECT p, ws FROM things EXCEPT ALL SELECT p, ws FROM things WHERE grp = 1) x`},
	{name: "partition", query: `SELECT id, row_number() OVER (PARTITION BY r ORDER BY id) AS a, count(*) OVER (PARTITION BY w, grp % 2) AS b, lag(id) OVER (PARTITION BY p ORDER BY id) AS c, sum(id) OVER (PARTITION BY rs ORDER BY c, id) AS d FROM things`},
	{name: "partition_top", query: `SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY c ORDER BY id DESC) AS k FROM things) x WHERE k <= 2`},
	{name: "count_distinct", query: `SELECT grp, count(DISTINCT r) AS a, count(DISTINCT w) AS b, count(DISTINCT p) AS c, count(DISTINCT rs) AS d, count(DISTINCT ROW(r, grp)) AS e, count(DISTINCT c) FILTER (WHERE id > 3) AS f, count(DISTINCT ps) AS g FROM things GROUP BY grp`},
	{name: "agg_distinct", query: `SELECT lower(string_agg(DISTINCT w, ',' ORDER BY w) COLLATE "C") IS NULL AS a, cardinality(array_agg(DISTINCT r)) AS b, cardinality(array_agg(DISTINCT w ORDER BY w DESC)) AS c, cardinality(array_agg(DISTINCT p)) AS d, json_array_length(json_agg(DISTINCT c)) AS e FROM things`},
	{name: "group_nested", query: `SELECT n, count(*) AS k FROM (SELECT r, w, count(*) AS n FROM things GROUP BY r, w) x GROUP BY n`},
	{name: "group_lateral", query: `SELECT a.id, x.n FROM things a, LATERAL (SELECT count(*) AS n FROM things b WHERE b.grp = a.grp GROUP BY b.r) x`},
	{name: "top_record", query: `SELECT id FROM things ORDER BY p DESC NULLS LAST, id LIMIT 5`},
	{name: "top_row", query: `SELECT id FROM things ORDER BY ROW(w, r, grp) NULLS FIRST, ROW(c), id LIMIT 6`},
	{name: "top_records", query: `SELECT id FROM things ORDER BY ps, rs DESC, id LIMIT 6`},
	{name: "top_made", query: `SELECT id FROM things ORDER BY ARRAY[ROW(w, r), ROW(w, NULL::numrange)], ARRAY[ROW(s)], id DESC LIMIT 6`},
	{name: "top_ties", query: `SELECT id FROM things ORDER BY rs, p FETCH FIRST 3 ROWS WITH TIES`},
	{name: "ranks", query: `SELECT id, rank() OVER (ORDER BY p) AS a, dense_rank() OVER (PARTITION BY grp ORDER BY rs DESC) AS b, cume_dist() OVER (ORDER BY ps) AS c, rank() OVER (ORDER BY ws, ROW(c, s)) AS d FROM things`},
	{name: "extremes", query: `SELECT (SELECT array_agg(y.id ORDER BY y.id) FROM things y WHERE y.rs = x.a OR y.ws = x.b) AS ids FROM (SELECT max(rs) AS a, min(ws) AS b FROM things) x`},
	{name: "extreme_records", query: `SELECT (SELECT array_agg(y.id ORDER BY y.id) FROM things y WHERE y.ps = x.a) AS ids FROM (SELECT grp, max(ps) AS a FROM things GROUP BY grp) x`},
	{name: "arrays", query: `SELECT grp, array_agg(id ORDER BY p, rs DESC, id) AS a, array_agg(id ORDER BY ROW(w, c), id) AS b, ARRAY(SELECT y.id FROM things y WHERE y.grp = x.grp ORDER BY y.ps, y.id) AS c FROM things x GROUP BY grp`},
	{name: "made_arrays", query: `SELECT count(*) AS n, cardinality(a) AS k FROM (SELECT grp, array_agg(ROW(r, w) ORDER BY r, w) AS a FROM things GROUP BY grp) x GROUP BY a`},
	{name: "made_distinct", query: `SELECT grp, count(DISTINCT ARRAY[ROW(r, w)]) AS a, cardinality(array_agg(DISTINCT ROW(c, 1))) AS b, cardinality(array_agg(ROW(c, id) ORDER BY id)) AS c FROM things GROUP BY grp`},
	{name: "join_range", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.r = b.r AND a.id < b.id`},
	{name: "join_domain", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.r = b.d`},
	{name: "join_text", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.w = b.w AND b.grp = 1`},
	{name: "join_char", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.b = b.b AND a.id < b.id`},
	{name: "join_word", query: `SELECT a.id, b.id AS other FROM things a JOIN things b USING (c) WHERE a.grp < b.grp`},
	{name: "join_parts", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.p = b.p AND a.rs = b.rs AND a.id <= b.id`},
	{name: "join_fields", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON (a.p).r = b.r AND (a.p).t = b.w`},
	{name: "join_computed", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.r * numrange(0, 2.50) = b.r AND a.id < b.id`},
	{name: "join_three", query: `SELECT a.id, b.id AS b, c.id AS c FROM things a JOIN things b ON a.r = b.r JOIN things c ON c.w = b.w AND c.r = a.d WHERE a.grp = 1`},
	{name: "join_groups", query: `SELECT a.id, x.n FROM things a JOIN (SELECT r, count(*) AS n FROM things GROUP BY r) x ON x.r = a.d`},
	{name: "join_error", query: `SELECT a.id, 10 / b.grp AS x FROM things a JOIN things b ON a.r = b.r AND a.id < 4`},
	{name: "left_join", query: `SELECT a.id, b.id AS other FROM things a LEFT JOIN things b ON a.s = b.s AND a.id > b.id`},
	{name: "left_join_condition", query: `SELECT a.id, b.id AS other FROM things a LEFT JOIN things b ON a.c = b.c AND a.w < b.w`},
	{name: "full_join", query: `SELECT a.id, b.id AS other FROM (SELECT * FROM things WHERE grp < 2) a FULL JOIN (SELECT * FROM things WHERE grp > 0) b ON a.w = b.w`},
	{name: "in_range", query: `SELECT id FROM things WHERE r IN (SELECT d FROM things WHERE grp = 1)`},
	{name: "in_rows", query: `SELECT id FROM things WHERE (r, w) IN (SELECT d, w FROM things WHERE grp > 1)`},
	{name: "not_in_word", query: `SELECT id FROM things WHERE c NOT IN (SELECT c FROM things WHERE grp = 1)`},
	{name: "not_in_shown", query: `SELECT id, r NOT IN (SELECT d FROM things x WHERE x.grp = things.grp) AS a, w = ANY (SELECT b::text COLLATE app.loose FROM things) AS b, p <> ALL (SELECT p FROM things x WHERE x.id > 10) AS c FROM things`},
	{name: "exists", query: `SELECT id FROM things a WHERE EXISTS (SELECT FROM things b WHERE b.p = a.p AND b.id <> a.id)`},
	{name: "not_exists", query: `SELECT id FROM things a WHERE NOT EXISTS (SELECT FROM things b WHERE b.w = a.w AND b.id < a.id)`},
	{name: "correlated", query: `SELECT id, (SELECT count(*) FROM things b WHERE b.r = a.r) AS n, (SELECT min(b.id) FROM things b WHERE b.w > a.w AND b.grp = a.grp) AS m FROM things a`},
	{name: "correlated_collated", query: `SELECT id, (SELECT count(*) FROM things b WHERE b.w COLLATE app.loose = a.x) AS n, (SELECT min(b.id) FROM things b WHERE b.w = a.x COLLATE app.loose AND a.x IS NOT NULL) AS m,
		(SELECT array_agg(b.id ORDER BY b.id) FROM things b WHERE b.w COLLATE "C" = a.x) AS ids FROM (SELECT id, w COLLATE "C" AS x FROM things) a`},
	{name: "correlated_kinds", query: `SELECT id, (SELECT count(*) FROM things b WHERE b.r = a.r) AS r, (SELECT count(*) FROM things b WHERE b.c = a.c) AS c, (SELECT count(*) FROM things b WHERE b.p = a.p) AS p, (SELECT count(*) FROM things b WHERE b.rs = a.rs) AS rs,
		(SELECT count(*) FROM things b WHERE b.b = a.b) AS b, (SELECT count(*) FROM things b WHERE b.s = a.s) AS s, (SELECT count(*) FROM things b WHERE b.v = a.v) AS v, (SELECT count(*) FROM things b WHERE b.ps = a.ps) AS ps, (SELECT count(*) FROM things b WHERE b.d = a.r) AS d FROM things a`},
	{name: "less", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.w < b.w AND a.grp = b.grp`},
	{name: "less_all", query: `SELECT a.id, b.id AS other FROM things a, things b WHERE a.r < b.d AND a.id % 3 = 0`},
	{name: "between", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.c BETWEEN b.c AND (b.c::text || 'z')::app.word AND a.id < b.id`},
	{name: "row_less", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON (a.w, a.r) < (b.w, b.r) AND a.grp = 1`},
	{name: "same_row", query: `SELECT id, r = d AS a, r <> d AS b, w >= b::text COLLATE app.loose AS c, r IS DISTINCT FROM d AS e, rs <= ARRAY[r] AS f, (p).r > r AS g FROM things WHERE r <= d OR w > 'a'`},
	{name: "constants", query: `SELECT id, r = '[1,2)' AS a, w < 'B' AS b, c BETWEEN 'x'::text::app.word AND 'XY'::text::app.word AS e, p > ROW('[1,2.0)', 1, 'á')::app.pair AS f FROM things WHERE w IN ('A', 'b', 'z') OR r > 'empty'`},
	{name: "distinct_in_a_loop", query: `WITH RECURSIVE t AS (SELECT c, grp AS k FROM things UNION ALL
		SELECT DISTINCT c, k + 1 FROM t WHERE k < 4) SELECT lower(c::text) AS c, k FROM t`},
}

// variants are values of a column, most of them equal to another yet not the same.
var variants = map[string][]any{
	"r": {nil, "empty", "[1,2)", "[1.0,2)", "[1,2.00)", "[1.00,2.0)", "(1,2)", "[1,2]", "(,5.0)", "(,5)", "[0.5,)", "[0.50,)", "(,)"},
	"m": {nil, "{}", "{[1,2)}", "{[1.0,2.0)}", "{[1,2),[3,4)}", "{[1,2.0),[3.0,4)}"},
	"s": {nil, "empty", "[a,b)", "[A,b)", "[á,B)", "[a,b]", "[A,)", "[a,)"},
	"w": {nil, "", "a", "A", "á", "a\u0301", "b", "B", "ab", "AB", "Áb", "z"},
	"b": {nil, "a", "A", "á  ", "b", "B", "ab"},
	"c": {nil, "", "x", "X", "xy", "Xy", "XY", "z"},
	"p": {nil, `("[1,2)",1,a)`, `("[1.0,2)",1.0,A)`, `("[1,2.0)",1.00,á)`, `(,,)`, `("[1,2)",,)`, `("[1.0,2)",,)`, `(empty,2,b)`, `(empty,2.0,B)`},
	"rs": {nil, "{}", `{"[1,2)"}`, `{"[1.0,2)"}`, `{"[1,2)",NULL}`, `{"[1.0,2.0)",NULL}`, `[0:0]={"[1,2)"}`, `[0:0]={"[1.0,2)"}`,
		`{{"[1,2)"},{empty}}`, `{{"[1,2.0)"},{empty}}`, `{"[1,2)",empty}`},
	"ws": {nil, "{}", "{a}", "{A}", "{á,NULL}", "{a,NULL}", "{{a},{b}}", "{{A},{B}}", "{a,b}"},
	"ps": {nil, "{}", `{"(\"[1,2)\",1,a)"}`, `{"(\"[1.0,2)\",1.0,A)"}`, `{NULL,"(,,)"}`, `{"(\"[1,2)\",1,a)",NULL}`, `{"(\"[1,2.0)\",1.00,A)",NULL}`},
	"v":  {nil, "", "a b", "a:1 b:2", "a:1A b:2", "b a"},
}

// writeThings changes some rows at random.
func writeThings(t testing.TB, conn *pgx.Conn, rnd *rand.Rand, ids int) {
	t.Helper()
	of := func(col string) any { return variants[col][rnd.IntN(len(variants[col]))] }
	id := rnd.IntN(ids)
	sql, args := "", []any(nil)
	switch n := rnd.IntN(40); {
	case n == 0:
		sql = "TRUNCATE things"
	case n < 8:
		sql, args = "DELETE FROM things WHERE id = $1", []any{id}
	case n < 12:
		sql, args = "UPDATE things SET r = $2::text::numrange, w = $3 WHERE id = $1", []any{id, of("r"), of("w")}
	case n < 16: // to equal values
		sql, args = `UPDATE things SET w = upper(w), c = upper(c::text)::app.word, r = numrange(lower(r) + 0.00, upper(r) + 0.00) WHERE grp = $1 AND NOT isempty(r)`, []any{id % 4}
	case n < 17:
		sql, args = "UPDATE things SET id = id + 100 WHERE id = $1 AND NOT EXISTS (SELECT FROM things x WHERE x.id = $1 + 100)", []any{id}
	default:
		sql = `INSERT INTO things VALUES ($1, $2, $3::text::numrange, $4::text::nummultirange, $5::text::app.span, $6, $7, $8::text::app.word, $9::text::app.price, $10::text::app.pair,
			$11::text::numrange[], $12::text::text[], $13::text::app.pair[], $14::text::tsvector) ON CONFLICT (id) DO UPDATE SET (grp, r, m, s, w, b, c, d, p, rs, ws, ps, v) =
			(EXCLUDED.grp, EXCLUDED.r, EXCLUDED.m, EXCLUDED.s, EXCLUDED.w, EXCLUDED.b, EXCLUDED.c, EXCLUDED.d, EXCLUDED.p, EXCLUDED.rs, EXCLUDED.ws, EXCLUDED.ps, EXCLUDED.v)`
		args = []any{id, rnd.IntN(4), of("r"), of("m"), of("s"), of("w"), of("b"), of("c"), of("r"), of("p"), of("rs"), of("ws"), of("ps"), of("v")}
	}
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%v\n%s %v", err, sql, args)
	}
}

// TestEqualButNotTheSame runs the views of equalCases over random writes of values
// that are equal and not the same, with restarts, and then the same by another path.
func TestEqualButNotTheSame(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), equalSchema)
	views, loose := caseViews(equalCases)
	rnd := rand.New(rand.NewPCG(21, 22))
	r := newRig(t, dsn, views, rnd)
	r.loose = loose
	r.check()
	settings := analyze(t, dsn, views).Settings
	for round := range 60 {
		for range 1 + rnd.IntN(20) {
			writeThings(t, r.conn, rnd, 30)
		}
		r.feed(3)
		r.check()
		if round%15 == 14 {
			r.restart(dsn, settings)
		}
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
			t.Errorf("view %s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
		}
	}
	for _, name := range []string{"group_error", "join_error"} {
		if r.failed[name] == 0 {
			t.Errorf("view %s never had an error in its data", name)
		}
	}
	short := newRig(t, dsn, views, rnd)
	short.feed(1)
	r.sameAs(short)
}

// sameAs compares the outputs with those of a rig that came to the same data by
// another path.
func (r *rig) sameAs(other *rig) {
	r.t.Helper()
	for _, v := range r.prog.Views {
		for _, name := range []string{v.Name, plan.ErrorsOf(v.Name)} {
			a, b := r.outputs[name], other.outputs[name]
			for key := range b {
				if a[key] != b[key] {
					r.t.Errorf("%s: %d copies by one path, %d by another, of %s", name, a[key], b[key], showKey(key))
				}
			}
			if len(a) != len(b) {
				r.t.Errorf("%s: %d rows by one path, %d by another", name, len(a), len(b))
			}
		}
	}
}

// TestLeastOfEqualValuesIsShown: of equal values the one with the least stored form
// stands for all, whatever came first and whatever goes.
func TestLeastOfEqualValuesIsShown(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), equalSchema)
	var views []plan.View
	columns := []string{"r", "m", "s", "w", "c", "d", "p", "rs", "ws", "ps"}
	for _, c := range columns {
		views = append(views,
			plan.View{Name: "group_" + c, Query: fmt.Sprintf("SELECT %s AS x FROM things GROUP BY %[1]s", c)},
			plan.View{Name: "distinct_" + c, Query: fmt.Sprintf("SELECT DISTINCT %s AS x FROM things", c)},
			plan.View{Name: "union_" + c, Query: fmt.Sprintf("SELECT %s AS x FROM things UNION SELECT %[1]s FROM things WHERE id > 5", c)},
			plan.View{Name: "intersect_" + c, Query: fmt.Sprintf("SELECT %s AS x FROM things INTERSECT SELECT %[1]s FROM things", c)})
	}
	rnd := rand.New(rand.NewPCG(23, 24))
	r := newRig(t, dsn, views, rnd)
	several := 0
	for range 25 {
		for range 1 + rnd.IntN(12) {
			writeThings(t, r.conn, rnd, 20)
		}
		r.feed(3)
		for i, v := range r.prog.Views {
			c := columns[i/4]
			rows, err := r.rows(fmt.Sprintf("SELECT %s, dense_rank() OVER (ORDER BY %[1]s) FROM things", c), append(v.Columns[:1:1], algebra.Column{Name: "class", Type: values.Int8Type}))
			if err != nil {
				t.Fatal(err)
			}
			least := map[int64]string{}
			for _, row := range rows {
				class, image := row[1].Int64(), string(values.AppendRow(nil, row[:1]))
				if known, ok := least[class]; ok && known != image {
					several++
				}
				if known, ok := least[class]; !ok || image < known {
					least[class] = image
				}
			}
			for _, image := range least {
				if r.outputs[v.Name][image] != 1 {
					t.Errorf("%s does not show %s", v.Query, showKey(image))
				}
			}
			if len(r.outputs[v.Name]) != len(least) {
				t.Errorf("%s shows %d values, want %d", v.Query, len(r.outputs[v.Name]), len(least))
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if several == 0 {
		t.Error("no two values were ever equal")
	}
}

// TestTypesWithoutAnOrder: of Postgres' own types, aclitem alone has an equality,
// no order, and values whose stored form does not decide what is equal (it names
// roles, which can be renamed). It is refused; the others are told apart by their
// stored form.
func TestTypesWithoutAnOrder(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	rows, err := conn.Query(t.Context(), `
		SELECT h.opcintype::regtype::text FROM pg_opclass h JOIN pg_am m ON m.oid = h.opcmethod AND m.amname = 'hash'
		WHERE h.opcdefault AND NOT EXISTS (
			SELECT FROM pg_opclass b JOIN pg_am m ON m.oid = b.opcmethod AND m.amname = 'btree' WHERE b.opcdefault AND b.opcintype = h.opcintype)
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(types) < 3 {
		t.Errorf("types with an equality and without an order: %v", types)
	}
	mustExec(t, conn, "CREATE TABLE t (id int PRIMARY KEY)")
	for _, ty := range types {
		a, err := plan.Analyze(t.Context(), connect(t, dsn), []plan.View{{Name: "v", Query: "SELECT DISTINCT NULL::" + ty + " AS x FROM t"}}, plan.Reserved{"stepping", "stepping_cdc"})
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(a.Problems) > 0; refused != (ty == "aclitem") {
			t.Errorf("DISTINCT over %s: problems %v", ty, a.Problems)
		}
	}
}

// TestLabelsAreJoinKeys: what only Postgres finds equal is looked up by its label, in
// joins of all kinds and in sub-queries, and what it finds less by a range of labels:
// Postgres is asked about no pair.
func TestLabelsAreJoinKeys(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), equalSchema)
	var views []plan.View
	for _, c := range equalCases {
		for _, prefix := range []string{"join_", "left_join", "full_join", "in_", "exists", "not_exists", "less", "correlated"} {
			if strings.HasPrefix(c.name, prefix) && c.name != "join_computed" { // a product of ranges is Postgres'
				views = append(views, plan.View{Name: c.name, Query: c.query})
				break
			}
		}
	}
	if len(views) < 15 {
		t.Fatalf("%d views", len(views))
	}
	for _, v := range analyze(t, dsn, views).Outputs {
		text, err := explain.View(v, nil, "text")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "every pair") || strings.Contains(text, "postgres[") {
			t.Errorf("%s\n%s", v.Query, text)
		}
	}
}
