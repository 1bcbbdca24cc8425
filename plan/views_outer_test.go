package plan_test

// Joins in which it counts whether a row finds a partner.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "left_join", query: `SELECT o.id, o.qty, c.name, c.region FROM orders o LEFT JOIN customers c ON c.id = o.customer_id`},
		viewCase{name: "left_join_multiset", query: `SELECT e.l, f.r FROM edges e LEFT JOIN edges f ON e.r = f.l`},
		viewCase{name: "left_join_residual", query: `SELECT e.l, e.r, f.l AS fl, f.r AS fr FROM edges e LEFT JOIN edges f ON e.r = f.l AND f.r > e.l`},
		viewCase{name: "left_join_one_sided", query: `SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND o.qty > 1 AND c.tier = 2`},
		viewCase{name: "left_join_non_equi", query: `SELECT c.id, o.id AS oid FROM customers c LEFT JOIN orders o ON o.qty < c.tier`},
		viewCase{name: "left_join_true", query: `SELECT c.id, p.name FROM customers c LEFT JOIN products p ON true`},
		viewCase{name: "left_join_false", query: `SELECT c.id, p.name FROM customers c LEFT JOIN products p ON false`},
		viewCase{name: "left_join_where", query: `SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.id IS NULL OR c.tier = 1`},
		viewCase{name: "left_join_anti", query: `SELECT o.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.id IS NULL`},
		viewCase{name: "left_join_reduced", query: `SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.tier > 0 AND o.qty IS NOT NULL`},
		viewCase{name: "left_join_groups", query: `SELECT c.id, count(o.id) AS n, sum(o.amount) AS s FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id`},
		viewCase{name: "right_join", query: `SELECT o.id, c.id AS cid, c.name FROM orders o RIGHT JOIN customers c ON c.id = o.customer_id`},
		viewCase{name: "full_join", query: `SELECT o.id, c.id AS cid FROM orders o FULL JOIN customers c ON c.id = o.customer_id`},
		viewCase{name: "full_join_multiset", query: `SELECT a.l, a.r, b.l AS bl, b.r AS br FROM edges a FULL JOIN edges b ON a.l = b.r AND a.r = b.l`},
		viewCase{name: "full_join_using", query: `SELECT a, loose.b, loose2.v FROM loose FULL JOIN loose2 USING (a)`},
		viewCase{name: "left_join_using", query: `SELECT * FROM loose LEFT JOIN (SELECT a, v FROM loose2) x USING (a)`},
		viewCase{name: "join_chain", query: `SELECT c.id, o.id AS oid, l.no, p.name FROM customers c LEFT JOIN orders o ON o.customer_id = c.id LEFT JOIN lines l ON l.order_id = o.id LEFT JOIN products p ON p.id = l.product_id`},
		viewCase{name: "join_nested", query: `SELECT c.id, x.id AS oid, x.no FROM customers c LEFT JOIN (orders o JOIN lines l ON l.order_id = o.id) x ON x.customer_id = c.id`},
		viewCase{name: "join_nested_tree", query: `SELECT c.id, o.id AS oid, l.no FROM customers c LEFT JOIN (orders o LEFT JOIN lines l ON l.order_id = o.id AND l.qty > 1) ON o.customer_id = c.id AND l.no IS NULL`},
		viewCase{name: "join_mixed", query: `SELECT c.id, o.id AS oid, p.name FROM customers c JOIN orders o ON o.customer_id = c.id LEFT JOIN lines l ON l.order_id = o.id, products p WHERE p.id = o.qty`},
		viewCase{name: "left_join_computed", query: `SELECT o.id, s.n, s.twice FROM orders o LEFT JOIN (SELECT customer_id, count(*) AS n, 2 * max(qty) AS twice FROM orders GROUP BY 1) s ON s.customer_id = o.customer_id`},
		viewCase{name: "left_join_coalesce", query: `SELECT o.id, coalesce(c.name, 'nobody') AS name, c.id IS NULL AS missing FROM orders o LEFT JOIN customers c ON c.id = o.customer_id`},
		viewCase{name: "left_join_twice", query: `SELECT o.id, a.name AS a, b.name AS b FROM orders o LEFT JOIN customers a ON a.id = o.customer_id LEFT JOIN customers b ON b.id = o.qty`},
		viewCase{name: "left_join_numeric", query: `SELECT a.n, b.n AS bn FROM loose2 a LEFT JOIN loose2 b ON a.n = b.n AND a.bp < b.bp`},
		viewCase{name: "left_join_remote", query: `SELECT o.id, c.id AS cid FROM orders o LEFT JOIN customers c ON app.twice(o.qty) = c.id`},
		viewCase{name: "left_join_remote_residual", query: `SELECT o.id, c.id AS cid FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.name ~ o.note`},
		viewCase{name: "left_join_no_columns", query: `SELECT count(*) AS n FROM customers c LEFT JOIN orders o ON o.customer_id = c.id`},
		viewCase{name: "left_join_distinct", query: `SELECT DISTINCT c.region, o.day FROM customers c LEFT JOIN orders o ON o.customer_id = c.id`},

		viewCase{name: "intersect", query: `SELECT l AS x FROM edges INTERSECT SELECT r FROM edges`},
		viewCase{name: "intersect_all", query: `SELECT l AS x, r FROM edges INTERSECT ALL SELECT r, l FROM edges`},
		viewCase{name: "except", query: `SELECT l AS x FROM edges EXCEPT SELECT r FROM edges WHERE l > 1`},
		viewCase{name: "except_all", query: `SELECT l AS x FROM edges EXCEPT ALL SELECT r FROM edges`},
		viewCase{name: "set_nested", query: `(SELECT id FROM customers EXCEPT SELECT customer_id FROM orders) UNION ALL (SELECT qty FROM orders INTERSECT SELECT id FROM products)`},
		viewCase{name: "set_types", query: `SELECT tier AS x, region FROM customers EXCEPT SELECT qty, note FROM orders`},
		viewCase{name: "set_numeric", query: `SELECT n FROM loose2 INTERSECT ALL SELECT amount FROM orders`, loose: true},
		viewCase{name: "set_wide", query: `SELECT * FROM loose INTERSECT SELECT a, b, c FROM loose WHERE a > 0`, loose: true},
		viewCase{name: "except_constants", query: `SELECT region FROM customers EXCEPT VALUES ('a'), (NULL)`},
	)
}

// Sub-queries in the condition of a FULL JOIN, of which Postgres asks that it be one of
// equal keys as well.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "full_exists", query: `SELECT o.id, c.id AS cid FROM orders o FULL JOIN customers c ON c.id = o.customer_id AND EXISTS (SELECT FROM products p WHERE p.id = o.qty)`},
		viewCase{name: "full_scalar", query: `SELECT o.id, c.id AS cid, c.name FROM orders o FULL JOIN customers c ON c.id = o.customer_id AND o.qty > (SELECT min(qty) FROM lines)`},
		viewCase{name: "full_both_sides", query: `SELECT e.l, x.a FROM edges e FULL JOIN loose x ON x.a = e.r AND (SELECT count(*) FROM orders o WHERE o.qty = e.l OR o.id = x.a) < 3`},
		viewCase{name: "full_copies", query: `SELECT e.l, e.r, f.r AS s FROM edges e FULL JOIN edges f ON e.l = f.r AND e.r IN (SELECT k FROM parts)`},
		viewCase{name: "full_nested", query: `SELECT o.id, c.id AS cid, p.id AS pid FROM (orders o FULL JOIN customers c ON c.id = o.customer_id AND c.tier IN (SELECT no FROM lines)) FULL JOIN products p ON p.id = o.id AND p.id NOT IN (SELECT k FROM parts WHERE k IS NOT NULL)`},
		viewCase{name: "full_correlated", query: `SELECT p.id, s.n, s.m FROM products p, LATERAL (SELECT count(o.id) AS n, count(c.id) AS m FROM orders o FULL JOIN customers c ON c.id = o.customer_id AND EXISTS (SELECT FROM lines l WHERE l.order_id = o.id AND l.product_id = p.id)) s`},
		viewCase{name: "full_using", query: `SELECT k, a.v, b.q FROM parts a FULL JOIN (SELECT k, q FROM parts WHERE q > 1) b USING (k) WHERE k IS DISTINCT FROM 2`},
	)
}

// Padded rows of which a condition above the join cannot be true: it never sees them, and
// does not fail for them. It would here: 6 / x.a, of the rows that ON leaves without a
// partner as x.a is 0.
func init() {
	const (
		left = `SELECT x.a, e.l, e.r FROM loose x LEFT JOIN edges e ON e.l = x.a AND x.a <> 0 WHERE `
		full = `SELECT x.a, e.l, e.r FROM loose x FULL JOIN edges e ON e.l = nullif(x.a, 0) WHERE `
		back = `SELECT x.a, e.l, e.r FROM edges e FULL JOIN loose x ON e.l = nullif(x.a, 0) WHERE `
		// Of NULL and a division that fails, <= is NULL; an array of them fails.
		fails     = `e.r <> ANY (ARRAY[6 / x.a, x.a])`
		failsLeft = `e.r <> ANY (CASE WHEN x.a IS NULL THEN '{1}' ELSE ARRAY[6 / x.a, x.a] END)`
	)
	viewCases = append(viewCases,
		viewCase{name: "padded_compared", query: left + `e.r <= 6 / x.a`},
		viewCase{name: "padded_any", query: left + fails},
		viewCase{name: "padded_any_appended", query: left + `e.r = ANY ((CASE WHEN x.a = 0 THEN '{{1,2}}' ELSE '{}'::int[] END) || x.a)`},
		viewCase{name: "padded_array", query: left + `x.a <> ALL (ARRAY[1, 2] || e.r + 6 / x.a)`},
		viewCase{name: "padded_and", query: left + `(6 / x.a > -7 AND e.r IS NOT NULL OR e.l > x.a AND ` + fails + `)`},
		viewCase{name: "padded_or", query: left + `(` + fails + ` OR e.l = 12 / x.a OR e.l < 2)`},
		viewCase{name: "padded_not", query: left + `NOT (e.r = 6 / x.a)`},
		viewCase{name: "padded_not_both", query: left + `NOT (e.r = 6 / x.a AND e.l > 6 / x.a)`},
		viewCase{name: "padded_is_true", query: left + `(e.r <= 6 / x.a) IS TRUE`},
		viewCase{name: "padded_is_false", query: left + `(e.r <= 6 / x.a) IS FALSE`},
		viewCase{name: "padded_is_known", query: left + `(e.r <= 6 / x.a) IS NOT UNKNOWN`},
		viewCase{name: "padded_not_null", query: left + `e.r / x.a IS NOT NULL`},
		viewCase{name: "padded_cast", query: left + `(e.r / x.a)::text <> '7'`},
		viewCase{name: "padded_asked", query: left + `app.strict_label(e.r::text) <> (6 / x.a)::text`},
		viewCase{name: "padded_full", query: full + fails},
		viewCase{name: "padded_full_right", query: full + failsLeft},
		viewCase{name: "padded_full_left", query: back + failsLeft},
		viewCase{name: "padded_full_kept", query: full + `x.a < 2`},
		viewCase{name: "padded_full_kept_other", query: back + `x.a < 2`},
		viewCase{name: "padded_full_copies", query: `SELECT e.l, f.r AS s, f.l AS fl FROM edges e FULL JOIN edges f ON e.l = f.r AND e.r > 0 WHERE f.l > -5`},
		viewCase{name: "padded_right", query: `SELECT x.a, e.l, e.r FROM edges e RIGHT JOIN loose x ON e.l = x.a AND x.a <> 0 WHERE ` + fails},
		viewCase{name: "padded_shows", query: left + `(e.r IS NULL OR e.r <= x.a)`},
	)
}
