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
