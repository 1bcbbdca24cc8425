package plan_test

// ORs whose branches have conditions in common, or say something of one table each,
// with NULLs on both sides of the keys and branches that fail.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "or_common_key", query: `SELECT o.id, c.name FROM orders o, customers c WHERE (c.id = o.customer_id AND c.region = 'a' AND o.qty < 3) OR (c.id = o.customer_id AND c.region = 'b' AND o.qty > 1) OR (o.note = 'a' AND c.id = o.customer_id)`},
		viewCase{name: "or_common_nullable", query: `SELECT e.l, x.a, x.b FROM edges e JOIN loose x ON (e.l = x.a AND e.r > 1 AND x.b = 'a') OR (e.l = x.a AND (e.r IS NULL OR x.b IS NULL)) OR (e.l = x.a AND e.r < 3 AND x.c > 1)`},
		viewCase{name: "or_common_only", query: `SELECT e.l, x.b FROM edges e, loose x WHERE (e.l = x.a AND x.b = 'a') OR e.l = x.a`},
		viewCase{name: "or_common_fails_beside", query: `SELECT e.l, e.r, x.b FROM edges e, loose x WHERE (e.l = x.a AND 6 / e.r > 2) OR (e.l = x.a AND x.b = 'b')`},
		viewCase{name: "or_common_fails", query: `SELECT e.l, e.r FROM edges e WHERE (e.r <> 0 AND 6 / e.r > 2 AND e.l > 1) OR (6 / e.r > 2 AND e.r <> 0 AND e.l IS NULL)`},
		viewCase{name: "or_common_key_fails", query: `SELECT e.l, x.a FROM edges e, loose x WHERE (e.r <> 0 AND x.a = 6 / e.r AND e.l > 1) OR (e.r <> 0 AND x.a = 6 / e.r AND x.b = 'a')`},
		viewCase{name: "or_implied", query: `SELECT e.l, e.r, x.a, x.b FROM edges e, loose x WHERE (e.l = 1 AND x.b = 'a') OR (e.r > 2 AND x.a < 3 AND x.b IS NOT NULL) OR (e.l IS NULL AND e.r < x.a AND x.b = 'b')`},
		viewCase{name: "or_implied_fails", query: `SELECT e.l, e.r, x.a, x.b FROM edges e, loose x WHERE (e.r <> 0 AND 6 / e.r > 2 AND x.b = 'a') OR (e.l > 2 AND x.a < 3)`},
		viewCase{name: "or_implied_three", query: `SELECT o.id, c.id AS c, p.name FROM orders o, customers c, products p WHERE (o.qty = 1 AND c.tier = 2 AND p.price > 1) OR (o.qty = 3 AND c.tier = 2 AND p.name = 'a') OR (c.tier = 2 AND o.qty > 4 AND o.customer_id = c.id AND p.price < 3)`},
		viewCase{name: "or_left", query: `SELECT e.l, e.r, x.a, x.b FROM edges e LEFT JOIN loose x ON (e.l = x.a AND e.r > 1 AND x.b = 'a') OR (e.l = x.a AND e.r IS NULL AND x.c > 1)`},
		viewCase{name: "or_left_above", query: `SELECT e.l, e.r, x.a, x.b FROM edges e LEFT JOIN loose x ON e.l = x.a WHERE (e.r > 1 AND x.b IS NULL) OR (e.r = 1 AND x.b = 'a') OR (e.r IS NULL AND x.c IS NOT NULL)`},
		viewCase{name: "or_full", query: `SELECT e.l, e.r, x.a, x.b FROM edges e FULL JOIN loose x ON e.l = x.a WHERE (e.r > 1 AND x.b IS NULL) OR (e.r IS NULL AND x.b = 'a')`},
		viewCase{name: "or_exists", query: `SELECT e.l, e.r FROM edges e WHERE EXISTS (SELECT FROM loose x WHERE (x.a = e.l AND x.b = 'a' AND e.r > 1) OR (x.a = e.l AND x.b IS NULL AND e.r IS NULL) OR (x.a = e.l AND x.c > 1))`},
		viewCase{name: "or_not_exists", query: `SELECT e.l, e.r FROM edges e WHERE NOT EXISTS (SELECT FROM loose x WHERE (x.a = e.l AND x.b = 'a' AND e.r > 1) OR (x.a = e.l AND x.b IS NULL AND e.r IS NULL))`},
		viewCase{name: "or_in", query: `SELECT e.l, e.r FROM edges e WHERE (e.l IN (SELECT a FROM loose) AND e.r > 1) OR (e.l IN (SELECT a FROM loose) AND e.r IS NULL) OR e.r NOT IN (SELECT a FROM loose2 WHERE (a = e.l AND v = 'a') OR (a = e.l AND n > 1))`},
		viewCase{name: "or_having", query: `SELECT e.l, count(*) AS n FROM edges e GROUP BY e.l HAVING (e.l > 1 AND count(*) > 1 AND sum(e.r) > 2) OR (sum(e.r) IS NULL AND e.l > 1)`},
		viewCase{name: "or_rows", query: `SELECT e.l, e.r, x.a FROM edges e, loose x WHERE (e.l, x.a, e.r) < (2, e.r, 3)`},
	)
}
