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
		viewCase{name: "lateral_nested_left", query: `SELECT a.l, x.r, x.n FROM edges a LEFT JOIN (edges b CROSS JOIN LATERAL (SELECT count(*) AS n FROM edges d WHERE d.l = b.r) y) x ON x.l = a.r`},
	)
}
