package plan_test

// Joins of what has dimensions of its own, rows of which come, go and change keys; semi
// joins with what has one row of a key; groups of which a column determines others.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "nest_chain", query: `SELECT l.no, o.day, c.region, p.name FROM lines l, orders o, customers c, products p WHERE l.order_id = o.id AND o.customer_id = c.id AND l.product_id = p.id`},
		viewCase{name: "nest_filters", query: `SELECT l.no, count(*) AS n, sum(o.qty) AS q FROM customers c, products p, orders o, lines l WHERE o.customer_id = c.id AND l.order_id = o.id AND p.id = l.product_id AND c.tier > 0 AND o.qty < 4 AND p.name <> 'a' GROUP BY l.no`},
		viewCase{name: "nest_across", query: `SELECT l.order_id, l.no, c.id AS c, p.id AS p FROM lines l JOIN orders o ON o.id = l.order_id JOIN customers c ON c.id = o.customer_id JOIN products p ON p.id = l.product_id AND p.id = c.tier`},
		viewCase{name: "nest_fails", query: `SELECT l.no, c.id AS c FROM lines l, orders o, customers c WHERE l.order_id = o.id AND o.customer_id = c.id AND 6 / (o.qty - c.tier) > 1`},
		viewCase{name: "nest_key_fails", query: `SELECT l.no, c.id AS c FROM lines l, orders o, customers c WHERE l.order_id = o.id AND o.customer_id <> 0 AND c.id = 6 / o.customer_id AND o.qty > c.tier`},
		viewCase{name: "nest_self", query: `SELECT a.id, b.id AS b, d.id AS d, e.r FROM customers a, customers b, customers d, edges e WHERE b.id = a.tier AND d.id = b.tier AND e.l = a.id`},
		viewCase{name: "nest_circle", query: `SELECT a.id, b.id AS b, d.id AS d FROM customers a, customers b, customers d WHERE b.id = a.tier AND d.id = b.tier AND a.id = d.tier`},
		viewCase{name: "nest_two_facts", query: `SELECT e.l, f.l AS k, c.region, o.day FROM edges e, edges f, customers c, orders o WHERE e.r = f.l AND o.id = f.r AND c.id = o.customer_id`},
		viewCase{name: "nest_two_columns", query: `SELECT e.l, e.r, l.qty, o.day FROM edges e, lines l, orders o WHERE l.order_id = e.l AND l.no = e.r AND o.id = l.qty`},
		viewCase{name: "nest_apart", query: `SELECT l.no, o.id, x.b FROM lines l, orders o, customers c, loose x WHERE l.order_id = o.id AND o.customer_id = c.id AND x.a < c.tier AND x.b = 'a'`},
		viewCase{name: "nest_left", query: `SELECT l.no, c.id AS c, x.b FROM lines l JOIN orders o ON o.id = l.order_id JOIN customers c ON c.id = o.customer_id LEFT JOIN loose x ON x.a = c.tier AND x.a = l.qty`},
		viewCase{name: "semi_one", query: `SELECT l.no, o.id, c.name FROM lines l, orders o, customers c WHERE o.id IN (SELECT order_id FROM lines GROUP BY order_id HAVING sum(qty) > 2) AND l.order_id = o.id AND c.id = o.customer_id`},
		viewCase{name: "semi_one_nullable", query: `SELECT e.l, e.r FROM edges e WHERE e.l IN (SELECT tier FROM customers GROUP BY tier HAVING count(*) > 1) AND (e.l, e.r) IN (SELECT a, max(length(b)) FROM loose GROUP BY a)`},
		viewCase{name: "semi_one_copies", query: `SELECT x.a, x.b FROM loose x WHERE EXISTS (SELECT FROM customers c WHERE c.id = x.a AND c.tier > 0) AND x.a IN (SELECT id FROM orders)`},
		viewCase{name: "semi_one_compares", query: `SELECT o.id FROM orders o WHERE EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id AND c.tier < o.qty)`},
		viewCase{name: "semi_one_equal", query: `SELECT x.n, x.v FROM loose2 x WHERE x.n IN (SELECT n FROM loose2 GROUP BY n HAVING count(*) > 1)`},
		viewCase{name: "group_determined", query: `SELECT d.id, (SELECT sum(o.qty) * 2 FROM orders o WHERE o.customer_id = d.id AND o.note <> d.region) AS s FROM customers d WHERE d.tier < 4`},
		viewCase{name: "group_determined_twice", query: `SELECT e.l, e.r, (SELECT count(*) + (SELECT max(o.qty) FROM orders o WHERE o.customer_id = e.l AND o.id > max(c.id)) FROM customers c WHERE c.tier = e.r) AS s FROM edges e`},
		viewCase{name: "group_determined_by_key", query: `SELECT q.id, q.region, q.n, r.n AS m FROM (SELECT c.id, c.region, c.name, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id, c.region, c.name) q JOIN (SELECT c.id, c.tier, count(*) AS n FROM customers c JOIN edges e ON e.l = c.id GROUP BY c.id, c.tier) r ON r.id = q.id`},
		viewCase{name: "scalar_padded", query: `SELECT x.a, (SELECT y.v FROM loose z LEFT JOIN (SELECT a, max(v) AS v FROM loose2 GROUP BY a) y ON y.a = z.a WHERE z.a = x.a GROUP BY y.a, y.v) AS v FROM loose x`},
	)
}
