package plan_test

// Set-returning functions.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "unnest_lateral", query: `SELECT e.id, x FROM everything e, unnest(e.ai) x`},
		viewCase{name: "unnest_left", query: `SELECT e.id, x.v, x.n FROM everything e LEFT JOIN LATERAL unnest(e.at) WITH ORDINALITY AS x(v, n) ON true`},
		viewCase{name: "unnest_select", query: `SELECT id, unnest(ai) AS v FROM everything`},
		viewCase{name: "srf_side_by_side", query: `SELECT id, unnest(ai) AS a, unnest(at) AS b, id + 1 AS c FROM everything`},
		viewCase{name: "generate_series", query: `SELECT o.id, g FROM orders o, generate_series(1, o.qty) g WHERE o.qty < 10`},
		viewCase{name: "generate_constant", query: `SELECT g, o.id FROM generate_series(1, 5) g LEFT JOIN orders o ON o.qty = g`},
		viewCase{name: "rows_from", query: `SELECT e.id, x.a, x.b, x.ordinality FROM everything e, ROWS FROM (unnest(e.ai), generate_series(1, 2)) WITH ORDINALITY AS x(a, b)`},
		viewCase{name: "jsonb_elements", query: `SELECT e.id, x FROM everything e, jsonb_array_elements(CASE WHEN jsonb_typeof(e.jb->'b') = 'array' THEN e.jb->'b' ELSE '[]' END) x`},
		viewCase{name: "regexp_split", query: `SELECT e.id, w, count(*) AS n FROM everything e, regexp_split_to_table(e.tx, ' ') w GROUP BY 1, 2`},
		viewCase{name: "scalar_in_from", query: `SELECT o.id, u FROM orders o, upper(o.note) u`},
		viewCase{name: "srf_groups", query: `SELECT x, count(*) AS n FROM (SELECT unnest(ai) AS x FROM everything) s GROUP BY x`},
		viewCase{name: "srf_in_sublink", query: `SELECT e.id, (SELECT sum(x) FROM unnest(e.ai) x) AS s, 2 IN (SELECT unnest(e.ai)) AS has FROM everything e`},
		viewCase{name: "srf_aggregate", query: `SELECT customer_id, generate_series(1, count(*)::int) AS g FROM orders GROUP BY customer_id`},
	)
}

// Set-returning functions in the select list, after groups and windows, before DISTINCT,
// ORDER BY and LIMIT, and within one another.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "srf_window", query: `SELECT id, generate_series(1, qty % 3) AS g, row_number() OVER (ORDER BY id) AS n, count(*) OVER (PARTITION BY customer_id) AS c FROM orders WHERE qty < 9`},
		viewCase{name: "srf_of_window", query: `SELECT id, generate_series(1, (rank() OVER (PARTITION BY customer_id ORDER BY id))::int) AS g, unnest(ARRAY[lag(id) OVER (ORDER BY id), 7]) AS u FROM orders`},
		viewCase{name: "srf_window_groups", query: `SELECT customer_id, unnest(ARRAY[count(*), max(qty)]) AS v, rank() OVER (ORDER BY count(*)) AS r FROM orders GROUP BY customer_id`},
		viewCase{name: "srf_window_correlated", query: `SELECT c.id, s.n, s.g FROM customers c, LATERAL (SELECT row_number() OVER (ORDER BY o.id) AS n, generate_series(c.id, 3) AS g FROM orders o WHERE o.customer_id = c.id) s`},
		viewCase{name: "srf_window_inside", query: `SELECT id, g, n FROM (SELECT id, unnest(ai) AS g, dense_rank() OVER (ORDER BY i4) AS n FROM everything) s WHERE n < 4`},
		viewCase{name: "srf_nested", query: `SELECT id, generate_series(1, generate_series(1, qty % 4)) AS g FROM orders WHERE qty < 9`},
		viewCase{name: "srf_nested_beside", query: `SELECT id, generate_series(1, unnest(ARRAY[qty % 4, 2])) AS a, unnest(ARRAY['x', 'y', 'z']) AS b, generate_series(unnest(ARRAY[1, 2]), 3) + id AS c FROM orders WHERE qty < 9`},
		viewCase{name: "srf_group_by", query: `SELECT unnest(ai) AS v, count(*) AS n, sum(i4) AS s FROM everything GROUP BY v`},
		viewCase{name: "srf_group_by_expr", query: `SELECT unnest(ai) + 1 AS v, i2, count(*) AS n FROM everything WHERE i4 < 100 GROUP BY unnest(ai), i2 HAVING count(*) > 0`},
		viewCase{name: "srf_group_by_two", query: `SELECT generate_series(1, qty % 3) AS a, unnest(ARRAY[customer_id, id % 2]) AS b, count(*) AS n FROM orders WHERE qty < 9 GROUP BY 1, 2`},
		viewCase{name: "srf_group_by_more", query: `SELECT generate_series(1, 2) AS a, generate_series(1, count(*)::int) AS b, count(*) AS n FROM orders GROUP BY 1`},
		viewCase{name: "srf_group_by_sets", query: `SELECT unnest(ARRAY[customer_id, 5]) AS v, day, count(*) AS n FROM orders GROUP BY ROLLUP (1, 2)`},
		viewCase{name: "srf_group_nested", query: `SELECT generate_series(1, unnest(ARRAY[qty % 3, 2])) AS v, max(id) AS m FROM orders WHERE qty < 9 GROUP BY 1`},
		viewCase{name: "srf_aggregates_global", query: `SELECT generate_series(1, count(*)::int % 5) AS g, unnest(array_agg(id ORDER BY id)) AS id, max(qty) AS m FROM orders`},
		viewCase{name: "srf_distinct", query: `SELECT DISTINCT customer_id, generate_series(1, qty % 3) AS g FROM orders WHERE qty < 9`},
		viewCase{name: "srf_distinct_on", query: `SELECT DISTINCT ON (g) generate_series(1, qty % 4) AS g, id FROM orders WHERE qty < 9 ORDER BY g, id DESC`},
		viewCase{name: "srf_order_limit", query: `SELECT id, generate_series(1, 2) AS g FROM orders ORDER BY id DESC, g LIMIT 5 OFFSET 1`},
		viewCase{name: "srf_order_only", query: `SELECT id FROM orders ORDER BY generate_series(1, 2), id LIMIT 6`},
		viewCase{name: "srf_of_sublink", query: `SELECT c.id, generate_series(1, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id)::int) AS g, unnest(ARRAY(SELECT qty FROM orders o WHERE o.customer_id = c.tier ORDER BY qty, id)) AS q FROM customers c`},
		viewCase{name: "srf_beside_sublink", query: `SELECT c.id, generate_series(1, 2) AS g, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS n FROM customers c`},
		viewCase{name: "srf_union", query: `SELECT generate_series(1, qty % 3) AS g FROM orders WHERE qty < 9 UNION SELECT unnest(ai) FROM everything`},
	)
}
