package plan_test

// LATERAL sub-queries.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "lateral", query: `SELECT c.id, x.n FROM customers c, LATERAL (SELECT count(*) AS n FROM orders o WHERE o.customer_id = c.id) x`},
		viewCase{name: "lateral_rows", query: `SELECT c.id, x.id AS oid FROM customers c CROSS JOIN LATERAL (SELECT o.id FROM orders o WHERE o.customer_id = c.id AND o.qty > c.tier) x`},
		viewCase{name: "lateral_left", query: `SELECT c.id, x.id AS oid, x.qty FROM customers c LEFT JOIN LATERAL (SELECT o.id, o.qty FROM orders o WHERE o.customer_id = c.id ORDER BY o.qty DESC NULLS LAST, o.id LIMIT 2) x ON true`},
		viewCase{name: "lateral_left_on", query: `SELECT c.id, x.n FROM customers c LEFT JOIN LATERAL (SELECT count(*) AS n FROM orders o WHERE o.customer_id = c.id) x ON x.n > c.tier`},
		viewCase{name: "lateral_two", query: `SELECT c.id, o.id AS oid, x.n FROM customers c JOIN orders o ON o.customer_id = c.id, LATERAL (SELECT count(*) AS n FROM lines l WHERE l.order_id = o.id AND l.qty >= c.tier) x`},
		viewCase{name: "lateral_chain", query: `SELECT c.id, x.m, y.n FROM customers c, LATERAL (SELECT max(o.id) AS m FROM orders o WHERE o.customer_id = c.id) x, LATERAL (SELECT count(*) AS n FROM lines l WHERE l.order_id = x.m) y`},
		viewCase{name: "lateral_values", query: `SELECT o.id, x.k FROM orders o, LATERAL (SELECT o.qty + o.id AS k) x WHERE x.k > 2`},
		viewCase{name: "lateral_union", query: `SELECT o.id, x.v FROM orders o, LATERAL (SELECT o.qty AS v UNION ALL SELECT o.customer_id) x`},
		viewCase{name: "lateral_window", query: `SELECT c.id, x.id AS oid, x.n FROM customers c, LATERAL (SELECT o.id, row_number() OVER (ORDER BY o.id) AS n FROM orders o WHERE o.customer_id = c.id) x`},
		viewCase{name: "lateral_in_sublink", query: `SELECT c.id, (SELECT sum(x.n) FROM orders o, LATERAL (SELECT count(*) AS n FROM lines l WHERE l.order_id = o.id AND l.qty > c.tier) x WHERE o.customer_id = c.id) AS s FROM customers c`},
		viewCase{name: "lateral_beside_left", query: `SELECT a.id, o.id AS oid, x.z FROM customers a, orders o LEFT JOIN LATERAL (SELECT a.tier FROM products p WHERE p.price > 1) x(z) ON o.qty = x.z`},
		viewCase{name: "lateral_beside_left_both", query: `SELECT c.id, o.id AS oid, x.n, x.m FROM customers c, orders o LEFT JOIN LATERAL (SELECT count(*) AS n, max(l.no) AS m FROM lines l WHERE l.order_id = o.id AND l.qty >= c.tier) x ON x.n > o.qty WHERE o.customer_id = c.id`},
		viewCase{name: "lateral_beside_nested", query: `SELECT c.id, o.id AS oid, l.no, x.id AS pid FROM customers c, (orders o LEFT JOIN lines l ON l.order_id = o.id) LEFT JOIN LATERAL (SELECT p.id FROM products p WHERE p.id > c.tier) x ON x.id = l.product_id WHERE o.customer_id = c.id AND l.qty = c.tier`},
		viewCase{name: "lateral_beside_full", query: `SELECT c.id, e.l, g FROM customers c, edges e FULL JOIN LATERAL generate_series(1, least(c.tier, 4)) g ON g = e.l`},
		viewCase{name: "lateral_beside_right", query: `SELECT c.id, x.qty, e.r FROM customers c, LATERAL (SELECT o.qty FROM orders o WHERE o.customer_id = c.id) x RIGHT JOIN edges e ON e.l = x.qty`},
		viewCase{name: "lateral_beside_in_left", query: `SELECT c.id, e.l, x.id AS oid FROM customers c LEFT JOIN (edges e LEFT JOIN LATERAL (SELECT o.id, o.qty FROM orders o WHERE o.customer_id = c.id) x ON x.qty = e.r) ON e.l = c.tier`},
		viewCase{name: "lateral_beside_in_join", query: `SELECT c.id, e.l, x.id AS oid, p.id AS pid FROM customers c CROSS JOIN (products p JOIN (edges e LEFT JOIN LATERAL (SELECT o.id, o.qty FROM orders o WHERE o.customer_id = c.id) x ON x.qty = e.r) ON p.id = e.l)`},
		viewCase{name: "lateral_beside_of_inner", query: `SELECT c.id, e.l, p.id AS pid, x.qty FROM customers c, edges e LEFT JOIN (products p JOIN LATERAL (SELECT o.qty FROM orders o WHERE o.customer_id = c.id) x ON x.qty < p.id) ON p.id = e.l`},
		viewCase{name: "lateral_beside_correlated", query: `SELECT c.id, (SELECT count(x.id) FROM edges a, edges e LEFT JOIN LATERAL (SELECT o.id, o.qty FROM orders o WHERE o.customer_id = c.id AND o.qty > a.l) x ON x.qty = e.r AND x.id > c.tier) AS n FROM customers c`},
		viewCase{name: "lateral_beside_row", query: `SELECT c.id, e.l, x.t FROM customers c, edges e LEFT JOIN LATERAL (SELECT c::text AS t, o.qty FROM orders o WHERE o.customer_id = (c).id) x ON x.qty = e.r`},
		viewCase{name: "lateral_beside_with", query: `WITH w AS (SELECT customer_id, qty FROM orders WHERE qty > 0) SELECT c.id, (WITH v AS (SELECT qty FROM w WHERE w.customer_id = c.id) SELECT count(*) FROM edges a, v LEFT JOIN LATERAL (SELECT v2.qty + a.l AS k FROM v v2) x ON x.k = v.qty) AS n FROM customers c`},
		viewCase{name: "lateral_beside_exists_on", query: `SELECT c.id, e.l, x.id AS oid FROM customers c, edges e LEFT JOIN LATERAL (SELECT o.id, o.qty FROM orders o WHERE o.customer_id = c.id) x ON x.qty = e.r AND EXISTS (SELECT FROM lines l WHERE l.order_id = x.id AND l.no <> e.l)`},
		viewCase{name: "lateral_beside_in_missing", query: `SELECT a.l, b.l AS bl, c.x FROM edges a LEFT JOIN (edges b LEFT JOIN LATERAL (SELECT a.l + d.l AS x FROM edges d) c ON c.x = b.r) ON b.r > 1 WHERE (a.l = b.l) IS NOT FALSE`},
		viewCase{name: "lateral_beside_in_missing_where", query: `SELECT a.l, b.l AS bl, c.x FROM edges a LEFT JOIN (edges b LEFT JOIN LATERAL (SELECT a.l + b.l + d.l AS x FROM edges d WHERE d.l = b.l) c ON true) ON c.x IS NOT NULL WHERE b.l IS NULL OR b.l = 77`},
		viewCase{name: "lateral_beside_three_deep", query: `SELECT a.l, b.l AS bl, c.x, c.n FROM customers k, edges a, edges b LEFT JOIN LATERAL (SELECT d.l AS x, f.n FROM edges e2, edges d LEFT JOIN LATERAL (SELECT count(h.z) AS n, e2.l AS el FROM edges g LEFT JOIN LATERAL (SELECT i.l AS z FROM edges i WHERE i.r = k.tier AND i.l = a.l AND i.l = e2.r) h ON h.z = g.r) f ON f.n > d.l) c ON c.x = b.r WHERE k.id = a.l AND k.id < 4`},
		viewCase{name: "lateral_beside_using", query: `SELECT k, x.v FROM (SELECT l AS k, r AS v FROM edges) a FULL JOIN (SELECT l AS k FROM edges WHERE r > 2) b USING (k), edges e LEFT JOIN LATERAL (SELECT k + o.id AS v FROM orders o WHERE o.customer_id = k) x ON x.v = e.r`},
		viewCase{name: "lateral_beside_full_beside", query: `SELECT c.id, p.id AS pid, e.l, g FROM customers c FULL JOIN products p ON c.id = p.id, edges e FULL JOIN LATERAL generate_series(1, least(coalesce(c.tier, p.id), 4)) g ON g = e.l`},
		viewCase{name: "lateral_beside_recursive", query: `SELECT a.l, e.l AS el, x.n FROM edges a, edges e LEFT JOIN LATERAL (WITH RECURSIVE t(n) AS (SELECT a.l UNION SELECT f.r FROM t JOIN edges f ON f.l = t.n) SELECT n FROM t) x ON x.n = e.l`},
		viewCase{name: "lateral_beside_where_fails", query: `SELECT a.l, e.l AS el, x.n FROM edges a, edges e LEFT JOIN LATERAL (SELECT 6 / (a.l - e.l) AS n) x ON x.n = e.r WHERE a.l <> e.l`},
		viewCase{name: "lateral_nested_left", query: `SELECT a.l, x.r, x.n FROM edges a LEFT JOIN (edges b CROSS JOIN LATERAL (SELECT count(*) AS n FROM edges d WHERE d.l = b.r) y) x ON x.l = a.r`},
	)
}

// Outer joins that differ for each row of the query around them, or whose
// padded rows are what a later relation is computed from.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "lateral_over_padded", query: `SELECT c.id, x.y FROM customers c LEFT JOIN orders o ON o.customer_id = c.id CROSS JOIN LATERAL (SELECT coalesce(o.id, -1) AS y) x`},
		viewCase{name: "lateral_over_padded_right", query: `SELECT o.id, x.y FROM customers c RIGHT JOIN orders o ON o.customer_id = c.id LEFT JOIN LATERAL (SELECT count(*) AS y FROM lines l WHERE l.qty IS NOT DISTINCT FROM c.tier) x ON x.y > 0`},
		viewCase{name: "lateral_over_full", query: `SELECT c.id, o.id AS oid, x.y FROM customers c FULL JOIN orders o ON o.customer_id = c.id, LATERAL (SELECT coalesce(o.qty, c.tier) AS y) x`},
		viewCase{name: "lateral_function_over_padded", query: `SELECT c.id, g FROM customers c LEFT JOIN orders o ON o.customer_id = c.id CROSS JOIN generate_series(0, coalesce(least(o.qty, 3), 1)) g`},
		viewCase{name: "lateral_two_relations", query: `SELECT o.id, l.no, x.s FROM orders o, lines l, LATERAL (SELECT count(*) AS s FROM products p WHERE p.id > o.qty + l.qty) x WHERE l.order_id = o.id`},
		viewCase{name: "sub_on_mentions_outer", query: `SELECT c.id, (SELECT count(l.no) FROM orders o LEFT JOIN lines l ON l.order_id = o.id AND l.qty > c.tier WHERE o.customer_id = c.id) AS n FROM customers c`},
		viewCase{name: "sub_on_mentions_outer_right", query: `SELECT c.id, (SELECT sum(o.qty) FROM lines l RIGHT JOIN orders o ON l.order_id = o.id AND l.qty = c.id) AS n FROM customers c`},
		viewCase{name: "sub_inner_on_mentions_outer", query: `SELECT c.id, (SELECT count(*) FROM orders o JOIN lines l ON l.order_id = o.id AND l.qty > c.tier) AS n FROM customers c`},
		viewCase{name: "sub_nested_on", query: `SELECT c.id, (SELECT count(p.id) FROM edges e LEFT JOIN (orders o JOIN lines l ON l.order_id = o.id AND l.no <> c.id) ON e.l = o.qty LEFT JOIN products p ON p.id = l.product_id) AS n FROM customers c`},
		viewCase{name: "sub_full_of_correlated", query: `SELECT c.id, (SELECT count(*) FROM (SELECT qty FROM orders o WHERE o.customer_id = c.id) a FULL JOIN (SELECT qty FROM lines l WHERE l.no = c.id) b ON a.qty = b.qty) AS n FROM customers c`},
		viewCase{name: "sub_left_of_correlated", query: `SELECT c.id, (SELECT count(*) FROM (SELECT qty FROM orders o WHERE o.customer_id = c.id) a LEFT JOIN (SELECT qty FROM lines l WHERE l.no = c.id) b ON a.qty = b.qty) AS n FROM customers c`},
		viewCase{name: "sub_two_bound", query: `SELECT c.id, (SELECT count(*) FROM (edges e LEFT JOIN orders o ON o.qty = c.tier AND o.id = e.l) CROSS JOIN (lines l LEFT JOIN products p ON p.id = l.product_id AND p.id > c.id)) AS n FROM customers c`},
		viewCase{name: "sub_lateral_correlated_twice", query: `SELECT c.id, (SELECT sum(x.n) FROM orders o LEFT JOIN LATERAL (SELECT count(*) AS n FROM lines l WHERE l.order_id = o.id AND l.qty <> c.tier) x ON true WHERE o.customer_id = c.id) AS n FROM customers c`},
		viewCase{name: "on_exists", query: `SELECT c.id, o.id AS oid FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND EXISTS (SELECT FROM lines l WHERE l.order_id = o.id AND l.qty > c.tier)`},
		viewCase{name: "on_in_right", query: `SELECT c.id, o.id AS oid, o.qty FROM customers c RIGHT JOIN orders o ON o.customer_id = c.id AND o.qty NOT IN (SELECT l.qty FROM lines l WHERE l.no = c.id)`},
		viewCase{name: "on_scalar", query: `SELECT a.a, a.b, b.v FROM loose a LEFT JOIN loose2 b ON a.a > (SELECT count(*) FROM edges e WHERE e.l = b.a)`},
		viewCase{name: "on_exists_correlated", query: `SELECT p.id, (SELECT count(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND EXISTS (SELECT FROM lines l WHERE l.order_id = o.id AND l.product_id = p.id)) AS n FROM products p`},
	)
}
