package plan_test

// Views that the generator once made, cut down to what went wrong.
func init() {
	viewCases = append(viewCases,
		// VALUES that refer to a query around it.
		viewCase{name: "lateral_values_left", query: `SELECT p.id, v.i FROM products p LEFT JOIN LATERAL (VALUES (p.id), (p.id + 1)) v(i) ON p.id = v.i`},
		viewCase{name: "lateral_values_cross", query: `SELECT p.id, v.i, v.j FROM products p CROSS JOIN LATERAL (VALUES (p.id, 2), (p.id + 1, 3)) v(i, j)`},
		viewCase{name: "lateral_values_one", query: `SELECT p.id, v.i FROM products p, LATERAL (VALUES (p.id * 2)) v(i)`},
		viewCase{name: "values_in_scalar", query: `SELECT p.id, (SELECT max(v.i) FROM (VALUES (p.id), (7), (NULL)) v(i) WHERE v.i > p.price) AS m FROM products p`},
		viewCase{name: "values_in_outer", query: `SELECT e.l FROM edges e WHERE e.r IN (VALUES (e.l), (3))`},
		viewCase{name: "values_exists", query: `SELECT e.l, e.r FROM edges e WHERE EXISTS (SELECT FROM (VALUES (e.l, 1), (2, e.r)) v(a, b) JOIN loose x ON x.a = v.a WHERE v.b <> e.l)`},
		viewCase{name: "values_two_levels", query: `SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id AND o.qty IN (SELECT v.x FROM (VALUES (c.tier), (o.id), (1)) v(x))) AS n FROM customers c`},
		viewCase{name: "values_left_join", query: `SELECT e.l, v.a, v.b FROM edges e LEFT JOIN LATERAL (SELECT v.a, x.b FROM (VALUES (e.l), (e.r), (2)) v(a) LEFT JOIN loose x ON x.a = v.a AND x.a <> e.r) v ON v.a > 1`},
		viewCase{name: "values_greatest", query: `SELECT o.id, (SELECT max(x) FROM (VALUES (o.qty), (o.customer_id), (o.id)) v(x)) AS best, (SELECT string_agg(x, ',' ORDER BY x) FROM (VALUES (o.note), (o.day::text), (NULL)) v(x)) AS s FROM orders o`},
		viewCase{name: "values_of_group", query: `SELECT c.tier, (SELECT sum(x) FROM (VALUES (max(c.id)), (c.tier)) v(x)) AS s FROM customers c GROUP BY c.tier`},
		viewCase{name: "values_set_operation", query: `SELECT e.l, x.a FROM edges e, LATERAL (VALUES (e.l) UNION ALL VALUES (e.r), (1) ORDER BY 1 LIMIT 2) x(a)`},
		viewCase{name: "values_guarded", query: `SELECT o.id, v.x FROM orders o, LATERAL (VALUES (CASE WHEN o.qty <> 0 THEN 12 / o.qty END), (o.qty)) v(x) WHERE o.id > 1`},
		viewCase{name: "values_computed", query: `SELECT t1.x, t2.c FROM (VALUES (0, NULL::posint), (1, 1::posint)) t1(x, y) JOIN LATERAL (SELECT t1.y AS c) t2 ON t1.x = t2.c`},
		viewCase{name: "values_computed_pruned", query: `SELECT a.y, b.x FROM (VALUES (2, app.label('a')), (1, app.label(NULL))) a(x, y) JOIN (VALUES (1, app.label('b')), (2, 'c')) b(x, y) ON a.x = b.x`},
		viewCase{name: "no_rows_of_two_widths", query: `SELECT l, r FROM edges WHERE false UNION ALL SELECT l, 1 FROM (SELECT l FROM edges WHERE false) e UNION ALL SELECT qty, id FROM orders`},
		viewCase{name: "values_label", query: `SELECT c.id, v.x FROM customers c, LATERAL (VALUES (app.label(c.name)), (c.region), ('x')) v(x)`},
	)
}
