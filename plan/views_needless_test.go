package plan_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// Parts that a query does not need where what they would be joined with, or asked for, has
// no rows: their errors are not the view's. Every e.r is 0 in some batch. The last part of
// each union has rows.
func init() {
	const (
		fails = `(SELECT l, 6 / r AS x FROM edges GROUP BY 1, 2)`
		none  = `(SELECT * FROM loose WHERE a + 0 = 77)`
		rows  = ` UNION ALL SELECT a, a FROM loose`
	)
	// A sub-query that does not fail, but as far as the planner knows it could.
	m := func(where string) string { return `(SELECT max(6 / (r * r + 1)) FROM edges WHERE ` + where + `)` }
	viewCases = append(viewCases,
		// Joins with nothing.
		viewCase{name: "needless_inner", query: `SELECT n.a, e.x FROM ` + none + ` n JOIN ` + fails + ` e ON e.l = n.a` + rows},
		viewCase{name: "needless_inner_turned", query: `SELECT n.a, e.x FROM ` + fails + ` e JOIN ` + none + ` n ON e.x = n.a` + rows},
		viewCase{name: "needless_cross", query: `SELECT n.a, e.x FROM ` + none + ` n, ` + fails + ` e` + rows},
		viewCase{name: "needless_pairs", query: `SELECT n.a, e.x FROM ` + none + ` n JOIN ` + fails + ` e ON e.x > n.a` + rows},
		viewCase{name: "needless_left", query: `SELECT n.a, e.x FROM ` + none + ` n LEFT JOIN ` + fails + ` e ON e.l = n.a` + rows},
		viewCase{name: "needless_right", query: `SELECT n.a, e.x FROM ` + fails + ` e RIGHT JOIN ` + none + ` n ON e.l = n.a` + rows},
		viewCase{name: "needless_three", query: `SELECT n.a, e.x FROM loose2 b JOIN ` + fails + ` e ON e.l = b.a JOIN ` + none + ` n ON true` + rows},
		viewCase{name: "needless_two_fail", query: `SELECT e.x, f.x AS y FROM ` + fails + ` e JOIN (SELECT l, 7 / r AS x FROM edges WHERE l = 77 GROUP BY 1, 2) f ON f.l = e.l` + rows},
		viewCase{name: "needless_itself", query: `SELECT e.x, f.x AS y FROM ` + fails + ` e JOIN ` + fails + ` f ON f.l = e.l + 1` + rows},
		viewCase{name: "needless_full", query: `SELECT n.a, e.l FROM ` + none + ` n FULL JOIN ` + fails + ` e ON e.l = n.a` + rows},
		viewCase{name: "needless_exists", query: `SELECT n.a, n.a AS x FROM ` + none + ` n WHERE EXISTS (SELECT FROM ` + fails + ` e WHERE e.x = n.a)` + rows},
		viewCase{name: "needless_exists_pairs", query: `SELECT n.a, n.a AS x FROM ` + none + ` n WHERE EXISTS (SELECT FROM ` + fails + ` e WHERE e.x > n.a)` + rows},
		viewCase{name: "needless_exists_none", query: `SELECT e.l, e.x FROM ` + fails + ` e WHERE EXISTS (SELECT FROM ` + none + ` n WHERE e.l > n.a)` + rows},
		viewCase{name: "needless_not_exists", query: `SELECT n.a, n.a AS x FROM ` + none + ` n WHERE NOT EXISTS (SELECT FROM ` + fails + ` e WHERE e.x > n.a)` + rows},
		viewCase{name: "needless_not_in", query: `SELECT n.a, n.a AS x FROM ` + none + ` n WHERE n.a NOT IN (SELECT e.x FROM ` + fails + ` e)` + rows},
		viewCase{name: "needless_scalar", query: `SELECT n.a, (SELECT max(x) FROM ` + fails + ` e) FROM ` + none + ` n` + rows},
		viewCase{name: "needless_scalar_of_nothing", query: `SELECT a, (SELECT 6 / count(*) FROM loose WHERE a = 77) FROM ` + none + ` n` + rows},
		viewCase{name: "needless_window", query: `SELECT n.a, e.x FROM ` + none + ` n JOIN (SELECT l, sum(6 / r) OVER (ORDER BY l) AS x FROM edges) e ON e.l = n.a` + rows},
		viewCase{name: "needless_distinct", query: `SELECT n.a, e.x FROM ` + none + ` n JOIN (SELECT DISTINCT 6 / r AS x FROM edges) e ON true` + rows},
		viewCase{name: "needless_limit", query: `SELECT n.a, e.x FROM ` + none + ` n JOIN (SELECT l, 6 / r AS x FROM edges ORDER BY 2, 1 LIMIT 3) e ON true` + rows},
		viewCase{name: "needless_union", query: `SELECT n.a, e.x FROM ` + none + ` n JOIN (SELECT 6 / r AS x FROM edges UNION SELECT a FROM loose) e ON true` + rows},
		viewCase{name: "needless_aggregate", query: `SELECT count(*) AS n, sum(e.x) AS s FROM ` + none + ` n JOIN ` + fails + ` e ON e.l = n.a`},
		viewCase{name: "needless_global", query: `SELECT n.s, e.x FROM (SELECT sum(6 / r) AS s FROM edges WHERE l = 77) n JOIN ` + fails + ` e ON e.x < n.s` + rows},
		viewCase{name: "needless_deep", query: `SELECT n.a, g.x FROM ` + none + ` n LEFT JOIN (SELECT e.l, max(w.x) AS x FROM edges e JOIN (SELECT l, sum(6 / r) OVER (PARTITION BY l) AS x FROM (SELECT DISTINCT l, r FROM edges) d) w ON w.l = e.r GROUP BY 1) g ON g.l = n.a` + rows},
		viewCase{name: "needless_recursive", query: `WITH RECURSIVE t(a, x) AS (SELECT a, a FROM ` + none + ` n UNION SELECT e.l, e.x FROM t JOIN ` + fails + ` e ON e.l = t.a) SELECT * FROM t` + rows},

		// Sub-queries that no row asks.
		viewCase{name: "needless_case", query: `SELECT id, CASE WHEN id = -77 THEN (SELECT max(x) FROM ` + fails + ` e) ELSE qty END AS x FROM orders`},
		// A condition on e.l alone Postgres would ask before it computes e.x, of which nobody would know then that it fails.
		viewCase{name: "needless_case_some", query: `SELECT id, CASE WHEN qty = 3 THEN (SELECT max(x) FROM ` + fails + ` e WHERE e.x <> orders.id) ELSE qty END AS x FROM orders`},
		viewCase{name: "needless_case_exists", query: `SELECT id, CASE WHEN id > -77 THEN true ELSE EXISTS (SELECT FROM ` + fails + ` e WHERE x > 2) END AS x FROM orders`},
		viewCase{name: "needless_case_in", query: `SELECT id, CASE WHEN id > -77 THEN true ELSE id IN (SELECT x FROM ` + fails + ` e) END AS x FROM orders`},
		viewCase{name: "needless_case_array", query: `SELECT id, CASE WHEN id > -77 THEN '{}' ELSE ARRAY(SELECT x FROM ` + fails + ` e) END AS x FROM orders`},
		viewCase{name: "needless_coalesce", query: `SELECT id, coalesce(id, (SELECT max(x) FROM ` + fails + ` e)) AS x FROM orders`},
		viewCase{name: "needless_or", query: `SELECT id, id > -77 OR (SELECT 6 / count(*) FROM loose WHERE a = 77) = 1 AS x FROM orders`},
		viewCase{name: "needless_or_some", query: `SELECT id, qty IS DISTINCT FROM 3 OR (SELECT min(6 / r) FROM edges) = 1 AS x FROM orders`},
		viewCase{name: "needless_or_outer", query: `SELECT id, id > -77 OR (SELECT max(6 / e.r) FROM edges e WHERE e.l = o.qty) = 1 AS x FROM orders o`},
		viewCase{name: "needless_or_third", query: `SELECT id, id < -77 OR id IS NOT NULL OR (SELECT max(x) FROM ` + fails + ` e) = 1 AS x FROM orders`},
		viewCase{name: "needless_or_exists", query: `SELECT id, id > -77 OR EXISTS (SELECT FROM ` + fails + ` e WHERE x = id) AS x FROM orders`},
		viewCase{name: "needless_or_in", query: `SELECT id, id > -77 OR qty IN (SELECT 6 / r FROM edges) AS x FROM orders`},
		viewCase{name: "needless_or_all", query: `SELECT id, id > -77 OR qty < ALL (SELECT x FROM ` + fails + ` e) AS x FROM orders`},
		viewCase{name: "needless_or_array", query: `SELECT id, id > -77 OR qty = ANY (ARRAY(SELECT 6 / r FROM edges)) AS x FROM orders`},
		viewCase{name: "needless_or_row", query: `SELECT id, id > -77 OR (id, qty) = (SELECT l, x FROM ` + fails + ` e WHERE l = 1 ORDER BY 2 LIMIT 1) AS x FROM orders`},
		viewCase{name: "needless_or_sub", query: `SELECT id, (SELECT count(*) FROM loose) >= 0 OR (SELECT max(x) FROM ` + fails + ` e) = 1 AS x FROM orders`},
		viewCase{name: "needless_and", query: `SELECT id, id < -77 AND (SELECT max(x) FROM ` + fails + ` e) = 1 AS x FROM orders`},
		viewCase{name: "needless_not", query: `SELECT id, NOT (id > -77 OR (SELECT max(x) FROM ` + fails + ` e) = 1) AS x FROM orders`},
		viewCase{name: "needless_where_or", query: `SELECT id FROM orders WHERE id > -77 OR (SELECT max(x) FROM ` + fails + ` e) = 1`},
		viewCase{name: "needless_where_and", query: `SELECT id, qty FROM orders WHERE id < -77 AND (SELECT max(x) FROM ` + fails + ` e WHERE e.l <> id) = 1` + rows},
		viewCase{name: "needless_on_or", query: `SELECT o.id, c.id AS c FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND (o.id > -77 OR (SELECT max(x) FROM ` + fails + ` e) = 1)`},
		viewCase{name: "needless_having_or", query: `SELECT customer_id, count(*) AS n FROM orders GROUP BY 1 HAVING count(*) > 0 OR (SELECT max(x) FROM ` + fails + ` e) = 1`},
		viewCase{name: "needless_within", query: `SELECT id, id > -77 OR (SELECT bool_or(l > 1 OR (SELECT max(x) FROM ` + fails + ` e) = 1) FROM edges) AS x FROM orders`},
		// Keys that fail, of rows for which the other keys find nothing.
		viewCase{name: "needless_key_some", query: `SELECT o.id, (SELECT max(e.r) FROM edges e WHERE e.l = o.id AND e.r = 6 / o.qty) AS x FROM orders o`},
		viewCase{name: "needless_key_some_theirs", query: `SELECT o.id, (SELECT count(*) FROM edges e WHERE e.l = o.id AND 6 / e.r = o.qty) AS x FROM orders o`},
		viewCase{name: "needless_key_some_exists", query: `SELECT o.id, o.qty AS x FROM orders o WHERE EXISTS (SELECT FROM edges e WHERE e.l = o.id AND e.r = 6 / o.qty)`},
		viewCase{name: "needless_key_some_not_exists", query: `SELECT o.id, o.qty AS x FROM orders o WHERE NOT EXISTS (SELECT FROM edges e WHERE e.l = o.id AND e.r = 6 / o.qty)`},
		viewCase{name: "needless_key_some_lateral", query: `SELECT o.id, x.* FROM orders o, LATERAL (SELECT e.l, e.r FROM edges e WHERE e.l = o.id AND e.r = 6 / o.qty ORDER BY 1, 2 LIMIT 1) x`},
		viewCase{name: "needless_key_some_left", query: `SELECT o.id, e.r FROM orders o LEFT JOIN edges e ON e.l = o.id AND e.r = 6 / o.qty`},
		viewCase{name: "needless_key_some_three", query: `SELECT o.id, (SELECT max(e.r + n.a) FROM edges e JOIN loose n ON n.a = e.r WHERE e.l = o.id AND n.a = 6 / o.qty) AS x FROM orders o`},
		viewCase{name: "needless_key_some_less", query: `SELECT o.id, (SELECT max(e.r) FROM edges e WHERE e.l < o.id AND e.r = 6 / o.qty) AS x FROM orders o`},
		viewCase{name: "needless_key_some_grouped", query: `SELECT o.id, (SELECT q.n FROM (SELECT l, r, count(*) AS n FROM edges GROUP BY 1, 2) q WHERE q.l = o.id AND q.r = 6 / o.qty) AS x FROM orders o`},
		viewCase{name: "needless_key_some_array", query: `SELECT o.id, ARRAY(SELECT e.r FROM edges e WHERE e.l = o.id AND e.r = 6 / o.qty ORDER BY 1) AS x FROM orders o`},
		// What rows are sorted by under a limit of 0.
		viewCase{name: "needless_limit_some", query: `(SELECT id, qty AS x FROM orders o ORDER BY 6 / o.qty, id LIMIT (SELECT count(*) FROM loose WHERE a = 77))` + rows},
		viewCase{name: "needless_limit_some_filtered", query: `(SELECT id, qty AS x FROM orders o WHERE 6 / o.qty > 1 ORDER BY o.note, id LIMIT (SELECT count(*) FROM loose WHERE a = 77))` + rows},
		viewCase{name: "needless_limit_some_lateral", query: `SELECT n.a, q.l FROM loose n, LATERAL (SELECT e.l FROM edges e ORDER BY 6 / e.r, 1 LIMIT CASE WHEN n.a = 77 THEN 1 ELSE 0 END) q` + rows},
		viewCase{name: "needless_limit_some_left", query: `SELECT n.a, q.l FROM loose n LEFT JOIN LATERAL (SELECT e.l, 6 / e.r AS x FROM edges e ORDER BY x, 1 LIMIT CASE WHEN n.a = 77 THEN 1 ELSE 0 END) q ON true`},
		// Asked for some rows only, of which each has to get its answer.
		viewCase{name: "needless_open_in", query: `SELECT id, (qty > 2 OR (id, qty) IN (SELECT l, 6 / (r * r + 1) FROM edges WHERE l <> o.id)) IS NOT FALSE AS x FROM orders o`},
		viewCase{name: "needless_open_not_or", query: `SELECT id, NOT (qty > 2 AND ` + m(`l <> o.id`) + ` > 2) AND NOT EXISTS (SELECT FROM edges WHERE 6 / (r * r + 1) = o.qty) AS x FROM orders o`},
		viewCase{name: "needless_open_or_null", query: `SELECT id, nullif(qty, 1) > 2 OR ` + m(`l <> o.id`) + ` > 2 AS x, nullif(qty, 1) > 2 AND ` + m(`l <> o.qty`) + ` > 2 AS y FROM orders o`},
		viewCase{name: "needless_open_or_join", query: `SELECT o.id, c.id AS c FROM orders o JOIN customers c ON c.id = o.customer_id OR ` + m(`l <> o.id AND r <> c.id`) + ` = 2`},
		viewCase{name: "needless_open_union", query: `SELECT qty > 2 OR ` + m(`l <> o.id`) + ` > 2 AS x FROM orders o UNION SELECT qty > 3 AND ` + m(`l <> o.id`) + ` > 2 FROM orders o`},
		viewCase{name: "needless_open_shared", query: `WITH s AS (SELECT id, qty, qty > 2 OR ` + m(`l <> o.id`) + ` > 2 AS x FROM orders o) SELECT a.id, b.x FROM s a JOIN s b ON a.id = b.qty WHERE a.x OR ` + m(`l <> a.id`) + ` > b.id`},
		viewCase{name: "needless_open_order", query: `SELECT id FROM orders o ORDER BY qty > 2 OR ` + m(`l <> o.id`) + ` > 2, id LIMIT 3`},
		viewCase{name: "needless_open_lat", query: `SELECT o.id, q.x FROM orders o, LATERAL (SELECT o.qty > 2 OR ` + m(`l <> o.id`) + ` > 2 AS x) q WHERE q.x OR ` + m(`l <> o.qty`) + ` = 3`},
		viewCase{name: "needless_open_deep", query: `SELECT id, qty > 2 OR (SELECT max(l) FROM edges e WHERE e.l <> o.id AND (e.r > 2 OR (SELECT max(6 / (r * r + 1)) FROM edges f WHERE f.l <> e.l AND f.r <> o.qty) > 1)) > 1 AS x FROM orders o`},
		viewCase{name: "needless_open_set", query: `SELECT id, unnest(ARRAY[qty > 2 OR ` + m(`l <> o.id`) + ` > 2, qty > 1 AND ` + m(`l <> o.qty`) + ` > 2]) AS x FROM orders o`},
		viewCase{name: "needless_open_except", query: `SELECT l FROM edges EXCEPT ALL SELECT e.l FROM edges e JOIN (SELECT a, 6 / c AS z FROM (SELECT a, count(*) - 2 AS c FROM loose GROUP BY 1) q) g ON g.a = e.l WHERE EXISTS (SELECT FROM loose2 WHERE loose2.a = g.z)`},
		viewCase{name: "needless_open_anti2", query: `SELECT n.a FROM loose n LEFT JOIN (SELECT a, 6 / count(*) AS x FROM loose2 GROUP BY 1) q ON q.a = n.a AND (n.a > 2 OR ` + m(`l <> n.a`) + ` > 2) WHERE NOT EXISTS (SELECT FROM edges WHERE l = n.a AND (r > 2 OR ` + m(`r <> n.a`) + ` > 3))`},
	)
}

// failing is the divisions of the cases, none of which is by a part of its own.
var failing = regexp.MustCompile(`(\d) / (count\(\*\)|[a-z.]+)`)

// TestNeedless: while a view has no error, its rows do not depend on what the parts that
// fail would have been, had they not.
func TestNeedless(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	views, _ := caseViews(slices.DeleteFunc(slices.Clone(viewCases), func(c viewCase) bool { return !strings.HasPrefix(c.name, "needless_") }))
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(3, 4)))
	r.written = slices.DeleteFunc(slices.Clone(randomview.Tables), func(t randomview.Table) bool {
		return !slices.Contains([]string{"edges", "loose", "loose2", "orders", "customers"}, t.Name)
	})
	compared := map[string]int{}
	for range 150 {
		for range 1 + r.rnd.IntN(6) {
			r.write()
		}
		switch r.rnd.IntN(4) {
		case 0:
			mustExec(t, r.conn, "DELETE FROM loose WHERE a = 77; DELETE FROM edges WHERE l = 77")
		case 1:
			mustExec(t, r.conn, "INSERT INTO loose VALUES (77, 'x', 1)")
		case 2:
			mustExec(t, r.conn, "INSERT INTO edges VALUES (77, 0), (77, 2)")
		case 3:
			mustExec(t, r.conn, "DELETE FROM edges WHERE r = 0")
		}
		r.feed(3)
		r.check()
		for _, v := range r.prog.Views {
			if len(r.outputs["errors of "+v.Name]) > 0 {
				continue
			}
			for _, instead := range []string{"NULL", "-3"} {
				sql := failing.ReplaceAllString(v.Query, "CASE WHEN $2 = 0 THEN "+instead+" ELSE $1 / $2 END")
				want, err := r.rows(sql, v.Columns)
				if err != nil {
					t.Fatalf("%v\n%s", err, sql)
				}
				if diff := r.compare(v, want); diff != "" {
					t.Fatalf("%s is not errored, and differs from\n%s\n%s", v.Name, sql, diff)
				}
			}
			compared[v.Name]++
		}
	}
	for _, v := range r.prog.Views {
		if n := compared[v.Name]; n < 10 || n > 140 && strings.Contains(v.Name, "some") {
			t.Errorf("%s was without errors %d times", v.Name, n)
		}
	}
}
