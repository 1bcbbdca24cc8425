package plan_test

// Joins on comparisons: where they say where to look for partners, and where they look
// as if they did. The types, bounds that cross, NULLs, keys besides, and all kinds of joins.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "interval_less", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.qty < b.qty`},
		viewCase{name: "interval_not_less", query: `SELECT c.id, o.id AS oid FROM customers c, orders o WHERE c.tier >= o.qty`},
		viewCase{name: "interval_between", query: `SELECT o.id, e.id AS eid FROM orders o JOIN everything e ON o.qty BETWEEN e.i2 AND e.i4`},
		viewCase{name: "interval_around", query: `SELECT o.id, p.id AS pid FROM orders o JOIN products p ON p.price > o.amount - 2 AND p.price < o.amount + 2`},
		viewCase{name: "interval_overlap", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.i2 <= b.i4 AND b.i2 <= a.i4 WHERE a.id <> b.id`},
		viewCase{name: "interval_numeric", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.n >= b.n2 AND a.n <= b.n2 + 5`},
		viewCase{name: "interval_float", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.f8 > b.f4 AND a.f8 < b.f8`},
		viewCase{name: "interval_dates", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON b.day BETWEEN a.day - 2 AND a.day`},
		viewCase{name: "interval_times", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON b.ts > a.ts - interval '1 month' AND b.ts <= a.ts`},
		viewCase{name: "interval_zoned", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.tsz <= b.tsz AND a.iv < b.iv AND a.t >= b.t`},
		viewCase{name: "interval_keyed", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON b.customer_id = a.customer_id AND b.day BETWEEN a.day - 3 AND a.day + 3`},
		viewCase{name: "interval_keyed_half", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON b.customer_id = a.customer_id AND b.id < a.id`},
		viewCase{name: "interval_more", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.i4 < b.i8 AND a.i2 > b.i2 AND a.i8 BETWEEN b.i2 AND b.i4 AND a.b`},
		viewCase{name: "interval_equal", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.qty <= b.qty AND a.qty >= b.qty`},
		viewCase{name: "interval_constant", query: `SELECT o.id, x.lo FROM orders o JOIN (VALUES (0, 2), (1, 1), (5, 3), (NULL, 4)) x(lo, hi) ON o.qty >= x.lo AND o.qty <= x.hi`},
		viewCase{name: "interval_left", query: `SELECT o.id, e.id AS eid FROM orders o LEFT JOIN everything e ON o.qty BETWEEN e.i2 AND e.i4`},
		viewCase{name: "interval_right", query: `SELECT o.id, p.id AS pid FROM orders o RIGHT JOIN products p ON p.price < o.amount`},
		viewCase{name: "interval_lateral", query: `SELECT c.id, x.n FROM customers c LEFT JOIN LATERAL (SELECT count(*) AS n FROM orders o WHERE o.qty > c.tier AND o.customer_id >= c.id) x ON true`},
		viewCase{name: "interval_exists", query: `SELECT c.id FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.qty > c.tier AND o.qty < c.id)`},
		viewCase{name: "interval_not_exists", query: `SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.qty BETWEEN c.tier AND c.id)`},
		viewCase{name: "interval_any", query: `SELECT id FROM products WHERE price > ALL (SELECT amount FROM orders WHERE qty > 2) OR id < ANY (SELECT customer_id FROM orders)`},
		viewCase{name: "interval_newest", query: `SELECT a.id, (SELECT max(b.id) FROM orders b WHERE b.customer_id = a.customer_id AND b.day <= a.day AND b.day > a.day - 5) AS before FROM orders a`},
		// Bounds that cannot be computed for some rows.
		viewCase{name: "interval_bound_fails", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.qty BETWEEN 4 / (b.qty - 3) AND b.customer_id`},
		viewCase{name: "interval_point_fails", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON 6 / (a.qty - 4) >= b.qty AND 6 / (a.qty - 4) <= b.customer_id`},
		viewCase{name: "interval_half_fails", query: `SELECT c.id, o.id AS oid FROM customers c JOIN orders o ON 10 / (c.tier - 1) < o.qty`},
		viewCase{name: "interval_fails", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.qty BETWEEN b.qty AND b.customer_id AND 10 / (b.id - a.id + 7) < 5`},
		viewCase{name: "interval_remote", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.qty BETWEEN b.qty AND b.customer_id AND app.near(a.id, b.id)`},
		viewCase{name: "interval_recursive", query: `WITH RECURSIVE t(n, m) AS (SELECT tier::int, id FROM customers UNION SELECT o.qty, t.m FROM t JOIN orders o ON o.qty > t.n AND o.qty <= t.n + 2) SELECT n, m FROM t`},
		viewCase{name: "interval_clock", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.qty BETWEEN b.qty AND b.customer_id WHERE a.day < current_date`},
	)
}
