package plan_test

// Direct arguments of ordered-set and hypothetical-set aggregates that are known of the group,
// GROUPING in sub-queries, and constants among grouping sets.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "direct_group", query: `SELECT o.customer_id, percentile_cont(abs(o.customer_id) % 4 / 3.0) WITHIN GROUP (ORDER BY o.qty) AS a, rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty) AS b, percentile_disc(ARRAY[0, 0.1 * (o.customer_id & 3)]) WITHIN GROUP (ORDER BY o.note DESC) FILTER (WHERE o.qty > 1) AS c FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "direct_expr", query: `SELECT o.qty % 3 AS k, dense_rank(o.qty % 3 + 1, 'late') WITHIN GROUP (ORDER BY o.customer_id, o.note COLLATE "C" DESC) AS a FROM orders o GROUP BY o.qty % 3`},
		viewCase{name: "direct_sub", query: `SELECT rank((SELECT max(tier) FROM customers)) WITHIN GROUP (ORDER BY o.qty) AS a, cume_dist((SELECT min(id) FROM customers)) WITHIN GROUP (ORDER BY o.id DESC) AS b FROM orders o`},
		viewCase{name: "direct_sub_grouped", query: `SELECT o.customer_id, rank((SELECT c.tier FROM customers c WHERE c.id = o.customer_id)) WITHIN GROUP (ORDER BY o.qty) AS a FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "direct_outer", query: `SELECT c.id, (SELECT rank(c.tier) WITHIN GROUP (ORDER BY o.qty) FROM orders o WHERE o.customer_id = c.id) AS a, (SELECT percentile_cont(c.id / 9.0) WITHIN GROUP (ORDER BY o.qty) FROM orders o WHERE o.customer_id = c.id) AS b FROM customers c`},
		viewCase{name: "direct_outer_error", query: `SELECT c.id, (SELECT percentile_cont(c.id / 8.0) WITHIN GROUP (ORDER BY o.qty) FROM orders o WHERE o.customer_id = c.id) AS b FROM customers c`},
		viewCase{name: "direct_filter_sub", query: `SELECT o.customer_id, rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty + (SELECT count(*) FROM edges e WHERE e.l = o.qty)) FILTER (WHERE EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id)) AS a FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "direct_sets", query: `SELECT o.customer_id, rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty) AS a FROM orders o GROUP BY ROLLUP (o.customer_id)`},
		viewCase{name: "direct_aggregate", query: `SELECT o.customer_id, rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty) + count(*) AS a, sum(o.qty) AS s FROM orders o GROUP BY o.customer_id HAVING rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty) > 1`},
		viewCase{name: "direct_types", query: `SELECT e.i4, rank(max_t) WITHIN GROUP (ORDER BY e.en) AS a, rank(e.i4, '10.0.0.1'::inet) WITHIN GROUP (ORDER BY e.i8, e.ip) AS b FROM everything e, (SELECT max(en) AS max_t FROM everything) m GROUP BY e.i4, max_t`},
		viewCase{name: "direct_window", query: `SELECT o.customer_id, rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty) AS a, row_number() OVER (ORDER BY o.customer_id) AS n FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "direct_clause_order", query: `SELECT o.customer_id, count(*) AS n FROM orders o GROUP BY o.customer_id ORDER BY rank(o.customer_id) WITHIN GROUP (ORDER BY o.qty), 1 LIMIT 3`},
		viewCase{name: "grouping_in_sub", query: `SELECT x.a, (SELECT GROUPING(x.a)) AS g, (SELECT count(*) FROM loose2 WHERE a > GROUPING(x.a)) AS n, sum(c) AS s FROM loose x GROUP BY ROLLUP (x.a)`, loose: true},
		viewCase{name: "grouping_deep", query: `SELECT x.l, x.r, (SELECT max((SELECT GROUPING(x.l, x.r) + e.l)) FROM edges e) AS g FROM edges x GROUP BY CUBE (x.l, x.r) HAVING EXISTS (SELECT FROM orders o WHERE o.qty > GROUPING(x.l))`},
		viewCase{name: "grouping_plain_in_sub", query: `SELECT x.l, (SELECT GROUPING(x.l) + max(e.r) FROM edges e) AS g FROM edges x GROUP BY x.l`},
		viewCase{name: "sets_constant", query: `SELECT 1 AS k, count(*) AS n FROM orders GROUP BY GROUPING SETS ((1), ())`},
		viewCase{name: "sets_constant_text", query: `SELECT 'x'::text AS k, qty, GROUPING('x'::text) AS g, GROUPING(qty) AS h, count(*) AS n FROM orders GROUP BY CUBE ('x'::text, qty)`},
		viewCase{name: "sets_constant_expr", query: `SELECT 1 + 1 AS k, note, count(*) AS n FROM orders GROUP BY ROLLUP (1 + 1, note) HAVING count(*) > 1`},
		viewCase{name: "sets_constant_sub", query: `SELECT k, qty, count(*) AS n FROM (SELECT 'k' AS k, qty FROM orders) x GROUP BY ROLLUP (k, qty)`},
		viewCase{name: "sets_constant_null", query: `SELECT NULL::int AS k, count(*) AS n, GROUPING(NULL::int) AS g FROM orders GROUP BY ROLLUP (NULL::int)`},
		viewCase{name: "sets_constant_nothing", query: `SELECT 1 AS k, count(*) AS n FROM orders WHERE qty > 6 GROUP BY ROLLUP (1)`},
	)
}
