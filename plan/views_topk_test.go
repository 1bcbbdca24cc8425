package plan_test

// ORDER BY with LIMIT, and DISTINCT ON.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "top_three", query: `SELECT id, qty FROM orders ORDER BY qty, id LIMIT 3`},
		viewCase{name: "top_desc", query: `SELECT id, qty FROM orders ORDER BY qty DESC, id DESC LIMIT 4`},
		viewCase{name: "top_nulls", query: `SELECT id, qty FROM orders ORDER BY qty NULLS FIRST, id LIMIT 4`},
		viewCase{name: "top_nulls_last", query: `SELECT id, note COLLATE "C" AS n FROM orders ORDER BY note COLLATE "C" DESC NULLS LAST, id LIMIT 5`},
		viewCase{name: "top_offset", query: `SELECT id FROM orders ORDER BY id OFFSET 2 LIMIT 3`},
		viewCase{name: "top_only_offset", query: `SELECT id FROM orders ORDER BY id DESC OFFSET 4`},
		viewCase{name: "top_only_offset_duplicates", query: `SELECT l FROM edges ORDER BY l NULLS FIRST OFFSET 3`},
		viewCase{name: "top_only_offset_each", query: `SELECT c.id, x.id AS oid FROM customers c LEFT JOIN LATERAL (SELECT o.id FROM orders o WHERE o.customer_id = c.id ORDER BY o.qty DESC, o.id OFFSET 2) x ON true`},
		viewCase{name: "top_duplicates", query: `SELECT l FROM edges ORDER BY l LIMIT 3`},
		viewCase{name: "top_ties", query: `SELECT l, r FROM edges ORDER BY l FETCH FIRST 2 ROWS WITH TIES`},
		viewCase{name: "top_ties_desc", query: `SELECT qty, id FROM orders ORDER BY qty DESC FETCH FIRST 3 ROWS WITH TIES`},
		viewCase{name: "top_all", query: `SELECT id FROM orders ORDER BY id LIMIT ALL`},
		viewCase{name: "top_junk", query: `SELECT id FROM orders ORDER BY qty * 2 DESC, day, id LIMIT 3`},
		viewCase{name: "top_groups", query: `SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT 2`},
		viewCase{name: "top_distinct", query: `SELECT DISTINCT qty FROM orders ORDER BY qty DESC LIMIT 2`},
		viewCase{name: "top_union", query: `SELECT id FROM orders UNION ALL SELECT tier FROM customers ORDER BY 1 LIMIT 4`},
		viewCase{name: "top_inner", query: `SELECT t.id, c.name FROM (SELECT id, customer_id FROM orders ORDER BY id DESC LIMIT 5) t LEFT JOIN customers c ON c.id = t.customer_id`},
		viewCase{name: "top_scalar", query: `SELECT c.id, (SELECT o.qty FROM orders o WHERE o.customer_id = c.id ORDER BY o.day DESC NULLS LAST, o.id LIMIT 1) AS latest FROM customers c`},
		viewCase{name: "top_exists", query: `SELECT c.id FROM customers c WHERE c.tier IN (SELECT o.qty FROM orders o WHERE o.customer_id = c.id ORDER BY o.id LIMIT 2)`},
		viewCase{name: "distinct_on", query: `SELECT DISTINCT ON (customer_id) customer_id, id, qty FROM orders ORDER BY customer_id, qty DESC, id`},
		viewCase{name: "distinct_on_expr", query: `SELECT DISTINCT ON (qty % 2) id FROM orders ORDER BY qty % 2, day NULLS FIRST, id`},
		viewCase{name: "distinct_on_limit", query: `SELECT DISTINCT ON (customer_id) customer_id, id FROM orders ORDER BY customer_id DESC, id LIMIT 2`},
		viewCase{name: "top_numeric", query: `SELECT id, amount FROM orders ORDER BY amount DESC, id LIMIT 5`, loose: true},
		viewCase{name: "top_float", query: `SELECT id, f8, iv FROM everything ORDER BY f8 DESC, iv, id LIMIT 6`, loose: true},
	)
}

// Numbers of LIMIT and OFFSET that are no constants.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "limit_sub", query: `SELECT id, qty FROM orders ORDER BY qty DESC, id LIMIT (SELECT count(*) FROM customers WHERE tier > 0)`},
		viewCase{name: "limit_sub_null", query: `SELECT id, qty FROM orders ORDER BY qty, id LIMIT (SELECT tier FROM customers WHERE id = 1 AND tier >= 0) OFFSET (SELECT tier FROM customers WHERE id = 2 AND tier >= 0)`},
		viewCase{name: "limit_negative", query: `SELECT id FROM orders ORDER BY id LIMIT (SELECT min(qty) FROM lines WHERE order_id < 2)`},
		viewCase{name: "limit_sub_negative", query: `SELECT id FROM orders ORDER BY id LIMIT (SELECT tier FROM customers WHERE id = 1) OFFSET 1`},
		viewCase{name: "offset_negative", query: `SELECT l, r FROM edges ORDER BY l, r OFFSET (SELECT min(l) FROM edges) LIMIT 4`},
		viewCase{name: "offset_sub", query: `SELECT l, r FROM edges ORDER BY l, r OFFSET (SELECT count(*) / 2 FROM edges)`},
		viewCase{name: "limit_sub_ties", query: `SELECT l, r FROM edges ORDER BY l FETCH FIRST (SELECT count(*) / 4 FROM edges) ROWS WITH TIES`},
		viewCase{name: "limit_sub_ties_offset", query: `SELECT qty FROM orders ORDER BY qty DESC OFFSET (SELECT count(*) FROM loose WHERE a = 1) FETCH FIRST (SELECT nullif(count(*), 3) FROM customers) ROWS WITH TIES`},
		viewCase{name: "limit_unordered", query: `SELECT count(*) AS n FROM (SELECT FROM edges LIMIT (SELECT count(*) FROM customers)) x`},
		viewCase{name: "limit_outer", query: `SELECT c.id, x.id AS oid FROM customers c, LATERAL (SELECT o.id FROM orders o WHERE o.customer_id = c.id OR o.qty = 2 ORDER BY o.id DESC LIMIT abs(c.tier::int)) x`},
		viewCase{name: "limit_outer_offset", query: `SELECT c.id, x.id AS oid FROM customers c LEFT JOIN LATERAL (SELECT o.id FROM orders o ORDER BY o.id LIMIT 2 OFFSET abs(c.tier::int) + abs(c.id)) x ON true`},
		viewCase{name: "limit_outer_ties", query: `SELECT c.id, x.qty, x.id AS oid FROM customers c, LATERAL (SELECT o.id, o.qty FROM orders o WHERE o.customer_id <> c.id ORDER BY o.qty FETCH FIRST abs(c.tier::int) ROWS WITH TIES) x`},
		viewCase{name: "limit_outer_negative", query: `SELECT c.id, x.id AS oid FROM customers c, LATERAL (SELECT o.id FROM orders o ORDER BY o.id LIMIT c.tier) x`},
		viewCase{name: "limit_outer_scalar", query: `SELECT c.id, (SELECT array_agg(x.id ORDER BY x.id) FROM (SELECT o.id FROM orders o WHERE o.customer_id = c.tier ORDER BY o.day DESC NULLS LAST, o.id LIMIT c.id) x) AS ids, EXISTS (SELECT FROM orders o WHERE o.qty = c.tier OFFSET c.id / 3) AS more FROM customers c`},
		viewCase{name: "limit_two_levels", query: `SELECT c.id, (SELECT count(*) FROM products p, LATERAL (SELECT o.id FROM orders o WHERE o.qty = p.id ORDER BY o.id LIMIT c.id % 3) x) AS n FROM customers c`},
		viewCase{name: "limit_sub_outer", query: `SELECT c.id, x.id AS oid FROM customers c, LATERAL (SELECT o.id FROM orders o ORDER BY o.id LIMIT (SELECT count(*) FROM orders p WHERE p.customer_id = c.id)) x`},
		viewCase{name: "limit_cte", query: `WITH k AS (SELECT count(*) AS n FROM customers), m AS (SELECT id FROM orders ORDER BY id LIMIT (SELECT n FROM k)) SELECT id FROM m UNION ALL SELECT l FROM edges ORDER BY 1 LIMIT (SELECT n + 2 FROM k)`},
		viewCase{name: "limit_own_cte", query: `WITH k AS (SELECT count(*) AS n FROM lines WHERE qty > 1) SELECT id FROM orders ORDER BY id DESC LIMIT (SELECT n FROM k) OFFSET (SELECT n / 2 FROM k)`},
		viewCase{name: "limit_distinct", query: `SELECT DISTINCT qty FROM orders ORDER BY qty DESC LIMIT (SELECT count(*) FROM customers) - (SELECT count(*) FROM customers WHERE tier IS NULL)`},
		viewCase{name: "limit_distinct_on", query: `SELECT DISTINCT ON (customer_id) customer_id, id FROM orders ORDER BY customer_id, id LIMIT (SELECT count(*) FROM products)`},
		viewCase{name: "limit_groups", query: `SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT (SELECT count(DISTINCT tier) FROM customers)`},
		viewCase{name: "limit_division", query: `SELECT id FROM orders ORDER BY id LIMIT 10 / (SELECT count(*) FROM products)`},
	)
}
