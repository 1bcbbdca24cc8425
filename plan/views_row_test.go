package plan_test

// Rows compared field by field.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "row_constant_aggregate", query: `SELECT customer_id, jsonb_agg(NULL::pair ORDER BY NULL::pair DESC) AS a, json_agg(ROW()) AS b, array_agg(NULL::pair) AS c FROM orders GROUP BY customer_id`},
		viewCase{name: "row_null_of_domain", query: `SELECT id, (jsonb_populate_record(NULL::strictrow, jsonb_build_object('i', id))).i AS a, q.i AS b FROM customers, jsonb_populate_record(NULL::strictrow, jsonb_build_object('i', id)) q`},
		viewCase{name: "row_equal", query: `SELECT id, (i4, tx) = (i2::int, vc::text) AS a, (i4, n) <> (1, 1.0) AS b, ROW(i4) = ROW(1) AS c, (i4, i2) = (i4, i2) AS d FROM everything WHERE (i4, b) = (i4, b) OR i4 IS NULL`},
		viewCase{name: "row_less", query: `SELECT id, (i4, i2) < (3, 1::int2) AS a, (i4, tx, n) <= (2, 'b', 1.00) AS b, (i2, i4) > (i8, 1) AS c, (f8, n, d) >= (1.5, n2, '2024-02-29') AS d,
			ROW(i4) < ROW(i2) AS e, (NULL::int, i4) < (1, 2) AS f, (b, en) > (false, 'ok') AS g, (iv, u) >= ('30 days', u) AS h, (ip, i4) < ('10.0.0.1', 3) AS i, (tx COLLATE "en-x-icu", i4) < ('b', 2) AS j, (r, i4) > ('[1,3)', i2) AS k FROM everything`},
		viewCase{name: "row_less_filter", query: `SELECT a.id, b.id AS other FROM orders a, orders b WHERE (a.day, a.id) < (b.day, b.id) AND (a.qty, a.note) >= (b.qty, b.note)`},
		viewCase{name: "row_error", query: `SELECT id, (i4, i2) < (3, 1 / (i2 - 1)::int2) AS a FROM everything WHERE i4 <> 3`},
		viewCase{name: "row_in_list", query: `SELECT id, (i4, tx) IN ((1, 'a'), (2, NULL), (3, 'b')) AS a, (i4, i2) NOT IN ((1, 1), (2, 2), (NULL, 3)) AS b FROM everything`},
		viewCase{name: "row_in_sub", query: `SELECT id, (i4, tx) IN (SELECT a, b FROM loose) AS a, (i4, i2) NOT IN (SELECT l, r FROM edges) AS b, (i4, tx) NOT IN (SELECT a, b FROM loose WHERE a = everything.i2) AS c FROM everything`},
		viewCase{name: "row_in_where", query: `SELECT o.id FROM orders o WHERE (o.customer_id, o.qty) IN (SELECT l, r FROM edges)`},
		viewCase{name: "row_not_in_three", query: `SELECT e.id, (e.i4, e.i2, e.tx) NOT IN (SELECT o.qty, o.customer_id, o.note FROM orders o) AS a, NOT ((e.i4, e.i2) = ANY (SELECT o.qty, o.customer_id FROM orders o WHERE o.id <> e.i4)) AS b FROM everything e`},
		viewCase{name: "row_not_in_one_null", query: `SELECT o.id FROM orders o WHERE (o.qty, o.id) NOT IN (SELECT l, nullif(r, 2) FROM edges WHERE l > 0)`},
		viewCase{name: "row_not_in_where", query: `SELECT o.id FROM orders o WHERE (o.customer_id, o.qty) NOT IN (SELECT l, r FROM edges)`},
		viewCase{name: "row_not_in_correlated", query: `SELECT o.id FROM orders o WHERE (o.customer_id, o.qty) NOT IN (SELECT l, r FROM edges e WHERE e.l > o.id)`},
		viewCase{name: "row_any_all", query: `SELECT id, (i4, i2) < ANY (SELECT l, r FROM edges) AS a, (i4, i2) >= ALL (SELECT l, r FROM edges) AS b, (i4, i2) <> ALL (SELECT l, r FROM edges) AS c, (i4, i2) <> ANY (SELECT l, r FROM edges WHERE l < id) AS d, (i4, i2) = ALL (SELECT l, r FROM edges WHERE l = id) AS e FROM everything`},
		viewCase{name: "row_any_where", query: `SELECT o.id FROM orders o WHERE (o.qty, o.id) > ANY (SELECT l, r FROM edges WHERE r IS NOT NULL)`},
		viewCase{name: "row_scalar_sub", query: `SELECT c.id, (c.id, c.tier::int) = (SELECT o.id, o.qty FROM orders o WHERE o.id = c.id) AS a, (c.id, c.tier::int) < (SELECT o.id, o.qty FROM orders o WHERE o.id = c.id) AS b, (c.tier::int, c.name) <> (SELECT min(a), max(b) FROM loose) AS d FROM customers c`},
		viewCase{name: "row_scalar_where", query: `SELECT c.id FROM customers c WHERE (c.id, c.tier::int) >= (SELECT e.l, e.r FROM edges e ORDER BY e.l, e.r LIMIT 1)`},
		viewCase{name: "row_scalar_many", query: `SELECT c.id, (c.id, c.tier::int) = (SELECT e.l, e.r FROM edges e WHERE e.l = c.id) AS a FROM customers c WHERE c.id < 2`},
		viewCase{name: "row_distinct", query: `SELECT id, (i4, tx) IS DISTINCT FROM (i2::int, vc::text) AS a, (n, i4) IS NOT DISTINCT FROM (n2, NULL) AS b FROM everything`},
		viewCase{name: "row_null", query: `SELECT id, ROW(i4, tx) IS NULL AS a, ROW(i4, tx) IS NOT NULL AS b, NOT (ROW(i4, tx) IS NULL) AS c, ROW() IS NULL AS d, ROW(b) IS NULL AS e, (i4, i2, n) IS NOT NULL AS f FROM everything`},
		viewCase{name: "row_case", query: `SELECT id, CASE WHEN (i4, i2) < (2, 2::int2) THEN 'low' WHEN (i4, i2) IS NULL THEN 'none' ELSE 'high' END AS a FROM everything`},
		viewCase{name: "row_outer_join", query: `SELECT o.id, e.l FROM orders o LEFT JOIN edges e ON (o.customer_id, o.qty) = (e.l, e.r) AND (e.l, o.id) < (o.qty, 5)`},
		viewCase{name: "row_having", query: `SELECT customer_id, max(qty) AS q FROM orders GROUP BY customer_id HAVING (max(qty), count(*)) > (2, 1)`},
	)
}

// The whole row of a join that an outer join may leave out.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "join_row_missing", query: `SELECT o.id, j::text AS t, j IS NULL AS n, to_jsonb(j) AS jb FROM orders o LEFT JOIN (customers c JOIN edges e ON e.l = c.id) AS j ON j.l = o.customer_id`},
		viewCase{name: "join_row_missing_full", query: `SELECT o.id, j::text AS t, count(j) OVER (PARTITION BY o.id) AS n FROM (SELECT DISTINCT customer_id AS id FROM orders) o FULL JOIN (customers c FULL JOIN (SELECT DISTINCT l, r FROM edges) e ON e.l = c.id) AS j ON j.r = o.id`},
		viewCase{name: "join_row_missing_left", query: `SELECT o.id, j::text AS t FROM (products p LEFT JOIN parts q ON q.k = p.id) AS j RIGHT JOIN orders o ON j.k = o.qty`},
		viewCase{name: "join_row_missing_groups", query: `SELECT s.customer_id, count(s.t) AS n, count(*) AS m FROM (SELECT o.customer_id, j::text AS t FROM orders o LEFT JOIN (loose x CROSS JOIN parts q) AS j ON j.a = o.qty) s GROUP BY s.customer_id`},
		viewCase{name: "join_row_missing_sub", query: `SELECT o.id, (SELECT j::text WHERE o.qty > 0) AS t FROM orders o LEFT JOIN (customers c JOIN products p ON p.id = c.tier) AS j (a, b, d, e, f, g, h) ON j.a = o.customer_id`},
		viewCase{name: "join_row_kept", query: `SELECT j::text AS t, o.id FROM (customers c LEFT JOIN products p ON p.id = c.tier) AS j LEFT JOIN orders o ON o.id = j.tier`},
	)
}
