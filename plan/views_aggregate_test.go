package plan_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/explain"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// aggregateSchema adds aggregates of a user's own, and a function that gives an
// array whose order Postgres leaves open a defined one.
const aggregateSchema = `
CREATE COLLATION app.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE FUNCTION app.sorted(a anyarray) RETURNS anyarray LANGUAGE sql IMMUTABLE AS $$SELECT array_agg(x ORDER BY x) FROM unnest(a) x$$;
CREATE FUNCTION app.keep_longest(s text, x text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN length(x) > length(s) OR length(x) = length(s) AND x COLLATE "C" < s COLLATE "C" THEN x ELSE s END$$;
CREATE AGGREGATE app.longest(text) (SFUNC = app.keep_longest, STYPE = text, INITCOND = '');
CREATE AGGREGATE app.my_sum(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE FUNCTION app.one_more(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT n + 1$$;
CREATE AGGREGATE app.tally(*) (SFUNC = app.one_more, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE app.product(numeric) (SFUNC = numeric_mul, STYPE = numeric);
CREATE AGGREGATE app."Pairs"(text, int) (SFUNC = app.pair, STYPE = text[], INITCOND = '{}');
CREATE AGGREGATE app.gather(anycompatible) (SFUNC = array_append, STYPE = anycompatiblearray, INITCOND = '{}');
CREATE AGGREGATE app.joined(VARIADIC text[]) (SFUNC = app.join_all, STYPE = text, INITCOND = '');
`

// aggregatePair are state functions.
const aggregatePair = `CREATE FUNCTION app.pair(s text[], x text, k int) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$SELECT s || (coalesce(x, '?') || '=' || coalesce(k, -1))$$;
CREATE FUNCTION app.join_all(s text, VARIADIC xs text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT s || array_to_string(xs, '/', '?') || ';'$$;`

var aggregateCases = []viewCase{
	{name: "array_ordered", query: `SELECT customer_id % 2 AS k, array_agg(id ORDER BY id) AS a, array_agg(id ORDER BY qty DESC, id) AS b, array_agg(qty ORDER BY qty NULLS FIRST) AS c, array_agg(note ORDER BY day DESC NULLS LAST, id DESC) AS d FROM orders GROUP BY customer_id % 2`},
	{name: "tally", query: `SELECT customer_id, app.tally(*) AS n, app.tally(*) FILTER (WHERE qty > 1) AS q FROM orders GROUP BY customer_id`},
	{name: "tally_global", query: `SELECT app.tally(*) AS n FROM orders WHERE qty > 1`},
	{name: "tally_window", query: `SELECT id, app.tally(*) OVER (PARTITION BY customer_id ORDER BY qty, id) AS n, app.tally(*) FILTER (WHERE qty > 1) OVER (ORDER BY id ROWS 2 PRECEDING) AS q FROM orders`},
	{name: "array_copies", query: `SELECT l, array_agg(r ORDER BY r) AS a, array_agg(r ORDER BY r DESC) AS b, count(*) AS n FROM edges GROUP BY l`},
	{name: "array_distinct", query: `SELECT l, array_agg(DISTINCT r) AS a, array_agg(DISTINCT r ORDER BY r DESC NULLS LAST) AS b FROM edges GROUP BY l`},
	{name: "array_global", query: `SELECT array_agg(id ORDER BY id) AS a, array_agg(note ORDER BY note, id) FILTER (WHERE qty > 2) AS b FROM orders WHERE qty > 1`},
	{name: "array_types", query: `SELECT b, array_agg(n2 ORDER BY n2) AS n, array_agg(d ORDER BY d DESC) AS d, array_agg(en ORDER BY en) AS en, array_agg(ba ORDER BY ba) AS ba, array_agg(ts ORDER BY ts NULLS FIRST) AS ts, array_agg(u ORDER BY u) AS u, array_agg(vc ORDER BY vc COLLATE "C" DESC) AS vc, array_agg(dm ORDER BY dm) AS dm, array_agg(jb ORDER BY id) AS jb, array_agg(ip ORDER BY id) AS ip, array_agg(f8 ORDER BY f8, id) AS f8, array_agg(js ORDER BY id) AS js FROM everything GROUP BY b`, loose: true},
	{name: "array_unordered", query: `SELECT customer_id % 2 AS k, app.sorted(array_agg(qty)) AS a, app.sorted(array_agg(DISTINCT qty)) AS b, cardinality(array_agg(note)) AS c FROM orders GROUP BY customer_id % 2`},
	{name: "array_of_arrays", query: `SELECT b, array_agg(ARRAY[i4, id] ORDER BY id) AS a FROM everything GROUP BY b`},
	{name: "array_by_collation", query: `SELECT b, array_agg(tx ORDER BY tx COLLATE "en-x-icu", id) AS a, array_agg(DISTINCT vc COLLATE "en-x-icu" ORDER BY vc COLLATE "en-x-icu" DESC) AS c FROM everything GROUP BY b`},
	{name: "array_expr", query: `SELECT o.day, array_agg(c.name || '!' ORDER BY o.qty % 3, o.id) AS a FROM orders o LEFT JOIN customers c ON c.id = o.customer_id GROUP BY o.day`},
	{name: "array_by_operator", query: `SELECT array_agg(id ORDER BY qty USING >, id USING <) AS a FROM orders`},
	{name: "string_ordered", query: `SELECT customer_id % 2 AS k, string_agg(note, ',' ORDER BY id) AS a, string_agg(note, id::text ORDER BY note DESC NULLS FIRST, id) AS b, string_agg(DISTINCT note, '-') AS c, string_agg(note, NULL ORDER BY id) AS d, string_agg(DISTINCT note, '/' ORDER BY note DESC NULLS LAST) AS e FROM orders GROUP BY customer_id % 2`},
	{name: "string_bytes", query: `SELECT b, string_agg(ba, '\x2c' ORDER BY ba, id) AS a, string_agg(ba, ba ORDER BY id) FILTER (WHERE i4 > 1) AS c FROM everything GROUP BY b`},
	{name: "string_nothing", query: `SELECT string_agg(note, ',' ORDER BY id) AS a FROM orders WHERE qty = 7`},
	{name: "filter_guards", query: `SELECT customer_id % 2 AS k, sum(10 / qty) FILTER (WHERE qty <> 0) AS a, array_agg(10 / qty ORDER BY id) FILTER (WHERE qty > 0) AS b FROM orders GROUP BY customer_id % 2`},
	{name: "json_ordered", query: `SELECT customer_id % 2 AS k, json_agg(qty ORDER BY id) AS a, jsonb_agg(note ORDER BY id) AS b, json_agg(amount ORDER BY id DESC) AS c, json_object_agg(id, note ORDER BY id) AS d, jsonb_object_agg(id, qty ORDER BY id) AS e, jsonb_agg(DISTINCT day) AS f FROM orders GROUP BY customer_id % 2`},
	{name: "json_types", query: `SELECT b, json_agg(jb ORDER BY id) AS a, json_agg(js ORDER BY id) AS c, jsonb_agg(ai ORDER BY id) AS d, json_agg(tsz ORDER BY id) AS e, jsonb_agg(f8 ORDER BY id) AS f, json_agg(iv ORDER BY id) AS g FROM everything GROUP BY b`},
	{name: "json_null_key", query: `SELECT json_object_agg(note, id ORDER BY id) AS a FROM orders`},
	{name: "user_aggregate", query: `SELECT customer_id % 2 AS k, app.my_sum(qty) AS a, app.longest(note) AS b, app.my_sum(DISTINCT qty) AS c, app.my_sum(qty) FILTER (WHERE qty > 1) AS d, app."Pairs"(note, qty ORDER BY id DESC) AS e FROM orders GROUP BY customer_id % 2`},
	{name: "user_aggregate_global", query: `SELECT app.my_sum(qty) AS a, app.longest(note) AS b, app.product(amount ORDER BY amount) AS c FROM orders WHERE qty > 2`},
	{name: "gathered_types", query: `SELECT b, app.gather(b ORDER BY id) AS a1, app.gather(i8 ORDER BY id) AS a2, app.gather(f4 ORDER BY id) AS a3, app.gather(n ORDER BY id) AS a4, app.gather(n2 ORDER BY id) AS a5, app.gather(tx ORDER BY id) AS a6,
		app.gather(vc ORDER BY id) AS a7, app.gather(bp ORDER BY id) AS a8, app.gather(nm ORDER BY id) AS a9, app.gather(ba ORDER BY id) AS a10, app.gather(u ORDER BY id) AS a11, app.gather(d ORDER BY id) AS a12, app.gather(t ORDER BY id) AS a13,
		app.gather(tz ORDER BY id) AS a14, app.gather(tsz ORDER BY id) AS a15, app.gather(iv ORDER BY id) AS a16, app.gather(en ORDER BY id) AS a17, app.gather(js ORDER BY id) AS a18, app.gather(jb ORDER BY id) AS a19, app.gather(dm ORDER BY id) AS a20,
		app.gather(ip ORDER BY id) AS a21, app.gather(r ORDER BY id) AS a22, app.gather(pt ORDER BY id) AS a23, app.gather(bits ORDER BY id) AS a24, app.gather(m ORDER BY id) AS a25 FROM everything GROUP BY b`},
	{name: "gathered_arrays", query: `SELECT i4 > 2 AS k, app.joined(VARIADIC at ORDER BY id) AS a, app.joined(tx, vc ORDER BY id DESC) AS b, count(*) AS n FROM everything GROUP BY i4 > 2`},
	{name: "gathered_copies", query: `SELECT l, app.gather(r ORDER BY r) AS a, app.my_sum(r) AS s, json_agg(r ORDER BY r DESC NULLS LAST)::text AS j, app.gather(DISTINCT r) AS d, app.sorted(app.gather(r)) AS u FROM edges GROUP BY l`},
	{name: "gathered_ranges", query: `SELECT range_agg(r ORDER BY id) AS a, range_intersect_agg(r ORDER BY id) AS b FROM everything WHERE r IS NOT NULL`},
	{name: "gathered_having", query: `SELECT customer_id % 2 AS k FROM orders GROUP BY customer_id % 2 HAVING app.my_sum(qty) > 3 AND 2 = ANY (array_agg(qty))`},
	{name: "user_aggregate_sub", query: `SELECT c.id, (SELECT app.my_sum(o.qty) FROM orders o WHERE o.customer_id = c.id) AS a, (SELECT array_agg(o.id ORDER BY o.id) FROM orders o WHERE o.customer_id = c.id) AS b FROM customers c`},
	{name: "statistics", query: `SELECT a, corr(c, a * c) AS x, covar_pop(c, a) AS y, regr_slope(c, a + c) AS z, regr_count(c, a) AS n, regr_r2(c, a) AS w, covar_samp(c, c) AS v, stddev(c) AS s FROM loose WHERE c < 1000 GROUP BY a`, loose: true},
	{name: "ordered_sets", query: `SELECT customer_id % 2 AS k, percentile_cont(0.5) WITHIN GROUP (ORDER BY qty) AS a, percentile_disc(0.25) WITHIN GROUP (ORDER BY amount DESC) AS b FROM (SELECT customer_id, qty, amount FROM orders) o GROUP BY customer_id % 2`, loose: true},
	{name: "modes", query: `SELECT customer_id % 2 AS k, mode() WITHIN GROUP (ORDER BY qty) AS a, percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY qty) AS b, percentile_disc(0.3) WITHIN GROUP (ORDER BY day DESC) AS c, mode() WITHIN GROUP (ORDER BY note COLLATE "C" DESC) FILTER (WHERE qty > 0) AS d FROM orders GROUP BY customer_id % 2`},
	{name: "hypothetical", query: `SELECT rank(3) WITHIN GROUP (ORDER BY qty) AS a, dense_rank(2, 'ok') WITHIN GROUP (ORDER BY qty DESC, note COLLATE "C") AS b, percent_rank(1) WITHIN GROUP (ORDER BY qty NULLS FIRST) AS c, cume_dist(2) WITHIN GROUP (ORDER BY qty) AS d FROM orders WHERE qty < 5`, loose: true},
	{name: "bits", query: `SELECT b, bit_and(bits) AS a, bit_or(bits) AS c, bit_or(i8) AS d FROM everything GROUP BY b`},
	{name: "distinct_by_postgres", query: `SELECT b, count(DISTINCT tx COLLATE app.loose) AS a, count(DISTINCT numrange(i2, NULL)) AS c, count(DISTINCT (lower(vc) COLLATE app.loose)) FILTER (WHERE i4 > 1) AS d FROM everything GROUP BY b`},
	{name: "array_extremes", query: `SELECT b, max(ARRAY[tx COLLATE "en-x-icu"]) AS a FROM everything WHERE tx IS NOT NULL GROUP BY b`},
	{name: "agg_error", query: `SELECT customer_id, app.product(amount) AS a, jsonb_object_agg(id, 10 / qty) AS b FROM orders GROUP BY customer_id`},
	{name: "window_sequences", query: `SELECT id, array_agg(id) OVER (PARTITION BY customer_id ORDER BY id DESC) AS a, string_agg(note, ',') OVER (ORDER BY qty, id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS b, app.sorted(array_agg(qty) OVER (PARTITION BY customer_id)) AS c FROM orders`},

	{name: "rollup", query: `SELECT region, tier, count(*) AS n, sum(id) AS s, GROUPING(region, tier) AS g FROM customers GROUP BY ROLLUP (region, tier)`},
	{name: "cube", query: `SELECT customer_id, day, count(*) AS n, max(qty) AS m, GROUPING(day) + 1 AS g, GROUPING(customer_id, day) AS h FROM orders GROUP BY CUBE (customer_id, day)`},
	{name: "grouping_sets", query: `SELECT customer_id, note, sum(amount) AS s, GROUPING(customer_id) AS g FROM orders GROUP BY GROUPING SETS ((customer_id), (note), (customer_id), ())`, loose: true},
	{name: "sets_product", query: `SELECT customer_id, qty, note, count(*) AS n FROM orders GROUP BY customer_id, ROLLUP (qty), CUBE (note)`},
	{name: "sets_distinct", query: `SELECT qty, note, count(*) AS n FROM orders GROUP BY DISTINCT ROLLUP (qty, note), ROLLUP (qty)`},
	{name: "sets_all", query: `SELECT qty, note, count(*) AS n FROM orders GROUP BY ROLLUP (qty, note), ROLLUP (qty)`},
	{name: "sets_nested", query: `SELECT qty, note, day, count(*) AS n, array_agg(id ORDER BY id) AS ids FROM orders GROUP BY GROUPING SETS (ROLLUP (qty, (note, day)), CUBE (day), GROUPING SETS ((note)))`},
	{name: "sets_expr", query: `SELECT qty % 2 AS odd, upper(note) || '!' AS x, count(*) + GROUPING(qty % 2) AS n FROM orders GROUP BY ROLLUP (qty % 2, upper(note))`},
	{name: "sets_having", query: `SELECT customer_id, qty, count(*) AS n FROM orders GROUP BY CUBE (customer_id, qty) HAVING count(*) > 1 AND (customer_id > 1 OR GROUPING(customer_id) = 1)`},
	{name: "sets_empty", query: `SELECT count(*) AS n, sum(qty) AS s FROM orders WHERE qty = 5 GROUP BY ()`},
	{name: "sets_empty_only", query: `SELECT 1 AS one FROM orders GROUP BY ()`},
	{name: "sets_empty_twice", query: `SELECT count(*) AS n, max(note) AS m FROM orders WHERE qty = 5 GROUP BY GROUPING SETS ((), ())`},
	{name: "sets_key", query: `SELECT c.id, c.name, o.qty, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id, ROLLUP (o.qty)`},
	{name: "sets_join", query: `SELECT c.region, o.day, sum(o.qty) AS s, count(DISTINCT o.note) AS d FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.tier > 0 GROUP BY ROLLUP (c.region, o.day)`},
	{name: "sets_error", query: `SELECT customer_id, sum(100 / qty) AS s FROM orders GROUP BY ROLLUP (customer_id)`},
	{name: "sets_sub", query: `SELECT c.id, (SELECT sum(x.n) FROM (SELECT o.qty, count(*) AS n FROM orders o WHERE o.customer_id = c.id GROUP BY ROLLUP (o.qty)) x) AS s FROM customers c`},
	{name: "sets_distinct_rows", query: `SELECT DISTINCT customer_id, count(*) AS n FROM orders GROUP BY CUBE (customer_id, qty)`},
	{name: "sets_numeric", query: `SELECT n, a, count(*) AS c FROM loose2 GROUP BY CUBE (n, a)`, loose: true},
	{name: "sets_case", query: `SELECT CASE WHEN GROUPING(note) = 1 THEN 'all' ELSE coalesce(note, 'none') END AS k, sum(qty) AS s FROM orders GROUP BY ROLLUP (note)`},
	{name: "grouping_plain", query: `SELECT qty, GROUPING(qty) AS g, count(*) AS n FROM orders GROUP BY qty`},
	{name: "sets_filtered", query: `SELECT * FROM (SELECT customer_id, qty, count(*) AS n FROM orders GROUP BY CUBE (customer_id, qty)) s WHERE qty > 1 AND customer_id IS NULL`},
}

// TestAggregatesEqualPostgres runs the views of aggregateCases over random
// writes.
func TestAggregatesEqualPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema+aggregatePair+aggregateSchema)
	cases := aggregateCases
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version >= 160000 {
		cases = append(cases[:len(cases):len(cases)],
			viewCase{name: "json_standard", query: `SELECT qty % 2 AS k, JSON_ARRAYAGG(note ORDER BY id) AS a, JSON_ARRAYAGG(qty ORDER BY id NULL ON NULL RETURNING jsonb) AS b, JSON_OBJECTAGG(id : note ABSENT ON NULL) IS NOT NULL AS c, JSON_OBJECTAGG(id : note WITH UNIQUE KEYS RETURNING jsonb) AS d FROM orders GROUP BY qty % 2`},
			viewCase{name: "any_value", query: `SELECT qty, any_value(qty) AS a, any_value(qty + 1) FILTER (WHERE id > 2) AS b FROM orders GROUP BY qty`})
	}
	views, loose := caseViews(cases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(5, 6)))
	r.loose = loose
	r.check()
	for range 100 { // something to change
		r.write()
	}
	for range 50 {
		for range 1 + r.rnd.IntN(15) {
			r.write()
		}
		r.feed(3)
		r.check()
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
			t.Errorf("view %s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
		}
	}
	for _, name := range []string{"json_null_key", "sets_error", "agg_error"} {
		if r.failed[name] == 0 {
			t.Errorf("view %s never had an error in its data", name)
		}
	}
}

// TestAggregatesRefused: what an aggregate calls has to be a function of the data.
func TestAggregatesRefused(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema+`
		CREATE FUNCTION app.at_last(s int) RETURNS int LANGUAGE sql VOLATILE AS $$SELECT s$$;
		CREATE FUNCTION app.now_or_then(s int, x int) RETURNS int LANGUAGE sql STABLE AS $$SELECT s + x$$;
		CREATE FUNCTION app.any_way(s int, x int) RETURNS int LANGUAGE sql VOLATILE AS $$SELECT s + x$$;
		CREATE AGGREGATE app.stable_sum(int) (SFUNC = app.now_or_then, STYPE = int, INITCOND = '0');
		CREATE AGGREGATE app.volatile_sum(int) (SFUNC = app.any_way, STYPE = int, INITCOND = '0');
		CREATE AGGREGATE app.volatile_end(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = app.at_last);`)
	for _, c := range []struct{ query, code, message string }{
		{`SELECT app.stable_sum(qty) AS s FROM orders`, "volatile", "now_or_then, which is STABLE"},
		{`SELECT app.volatile_sum(qty) AS s FROM orders`, "volatile", "any_way, which is VOLATILE"},
		{`SELECT app.volatile_end(qty) AS s FROM orders`, "volatile", "at_last, which is VOLATILE"},
		{`SELECT json_agg(id ORDER BY random()) AS j FROM orders`, "volatile", "random()"},
		{`SELECT qty, percentile_cont(qty * random()) WITHIN GROUP (ORDER BY amount) AS p FROM orders GROUP BY qty`, "volatile", "random()"},
		{`SELECT bits, count(*) AS n FROM (SELECT (acldefault('r', id::oid))[1] AS bits FROM orders) s GROUP BY ROLLUP (bits)`, "type", "aclitem"},
	} {
		a, err := plan.Analyze(t.Context(), conn, []plan.View{{Name: "v", Query: c.query}}, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.query, err)
		}
		if len(a.Problems) != 1 || string(a.Problems[0].Code) != c.code || !strings.Contains(a.Problems[0].Message, c.message) {
			t.Errorf("%s: %v", c.query, a.Problems)
		}
	}
}

// TestGroupingSetsShareInput: a join below grouping sets is one join.
func TestGroupingSetsShareInput(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	a := analyze(t, dsn, []plan.View{{Name: "v", Query: `SELECT c.region, o.day, sum(o.qty) AS s FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY CUBE (c.region, o.day)`}})
	text, err := explain.View(a.Outputs[0], nil, "dot")
	if err != nil {
		t.Fatal(err)
	}
	if joins, aggregates := strings.Count(text, `[label="Join`), strings.Count(text, `[label="Aggregate`); joins != 1 || aggregates != 4 {
		t.Errorf("%d joins, %d aggregates:\n%s", joins, aggregates, text)
	}
}

// TestUnorderedAggregatesPathIndependent: what Postgres leaves open is the same
// whatever path led to the tables' contents.
func TestUnorderedAggregatesPathIndependent(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema+aggregatePair+aggregateSchema)
	cases := append(aggregateCases[:len(aggregateCases):len(aggregateCases)],
		viewCase{name: "free_arrays", query: `SELECT b, array_agg(tx) AS a, array_agg(n) AS c, array_agg(f8) AS d, array_agg(DISTINCT n) AS e, array_agg(n ORDER BY i4) AS f, array_agg(iv ORDER BY iv) AS g, array_agg(tx COLLATE "en-x-icu") AS h FROM everything GROUP BY b`},
		viewCase{name: "free_strings", query: `SELECT qty % 2 AS k, string_agg(note, ',') AS a, string_agg(note, id::text ORDER BY qty) AS b, string_agg(note COLLATE "en-x-icu", '-' ORDER BY qty) AS c FROM orders GROUP BY qty % 2`},
		viewCase{name: "free_remote", query: `SELECT b, json_agg(tx) AS a, jsonb_agg(f8) AS c, app.gather(n) AS d, app.gather(tx ORDER BY i4 DESC) AS e, app.gather(DISTINCT n) AS f, jsonb_object_agg(coalesce(tx, '-'), id) AS g, mode() WITHIN GROUP (ORDER BY n) AS h FROM everything GROUP BY b`},
		viewCase{name: "free_sets", query: `SELECT n, a, array_agg(v) AS vs, string_agg(bp, '') AS s FROM loose2 GROUP BY CUBE (n, a)`},
		viewCase{name: "free_statistics", query: `SELECT corr(c, a * c) AS x, regr_slope(c, a + c) AS y, covar_pop(c, a) AS z, app.gather(c) AS w FROM loose`},
	)
	views, _ := caseViews(cases)
	rnd := rand.New(rand.NewPCG(8, 9))
	long := newRig(t, dsn, views, rnd)
	for range 40 {
		for range 1 + rnd.IntN(12) {
			long.write()
		}
		long.feed(3)
	}
	short := newRig(t, dsn, views, rnd)
	short.feed(1)
	for _, v := range views {
		for _, name := range []string{v.Name, plan.ErrorsOf(v.Name)} {
			a, b := long.outputs[name], short.outputs[name]
			for key := range b {
				if a[key] != b[key] {
					t.Errorf("%s: %d copies after a long path, %d after a short one, of %s", name, a[key], b[key], showKey(key))
				}
			}
			if len(a) != len(b) {
				t.Errorf("%s: %d rows after a long path, %d after a short one", name, len(a), len(b))
			}
		}
	}
}

// Grouping sets whose expressions are equal, or an outer query's.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "cube_of_one_twice", query: `SELECT a AS x, a AS y, count(DISTINCT b) AS n FROM loose GROUP BY CUBE (1, 2)`},
		viewCase{name: "rollup_of_equal", query: `SELECT a + 1 AS x, a + 1 AS y, a + 1 + 1 AS z, grouping(a + 1) AS g, count(*) AS n FROM loose GROUP BY ROLLUP (1, 2)`},
		viewCase{name: "cube_of_outer", query: `SELECT c.id, s.x, s.n FROM customers c, LATERAL (SELECT c.tier AS x, o.qty AS y, count(*) AS n FROM orders o GROUP BY CUBE (c.tier, o.qty)) s WHERE s.n > 0`},
	)
}
