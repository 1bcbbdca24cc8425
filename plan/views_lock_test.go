package plan_test

// Locking clauses, which change nothing in a result.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "for_update", query: `SELECT id, qty FROM orders WHERE qty > 0 FOR UPDATE`},
		viewCase{name: "for_update_of", query: `SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id FOR UPDATE OF o NOWAIT FOR KEY SHARE OF c`},
		viewCase{name: "for_share_limit", query: `SELECT id FROM orders ORDER BY qty, id LIMIT 3 FOR NO KEY UPDATE`},
		viewCase{name: "for_share_inside", query: `SELECT s.id, (SELECT c.name FROM customers c WHERE c.id = s.customer_id FOR SHARE) AS name FROM (SELECT * FROM orders FOR KEY SHARE) s WHERE EXISTS (SELECT FROM products p WHERE p.id = s.qty FOR UPDATE)`},
		viewCase{name: "for_update_cte", query: `WITH o AS (SELECT customer_id, qty FROM orders FOR UPDATE) SELECT customer_id, sum(qty) AS s FROM o GROUP BY customer_id`},
		viewCase{name: "for_update_of_view", query: `SELECT id, twice FROM app.inner_view FOR UPDATE`},
	)
	clockCases = append(clockCases,
		viewCase{name: "for_update", query: `SELECT e.id, substring(p.name FROM 1 FOR 2) AS n FROM events e JOIN people p ON p.id = e.person WHERE e.ts > now() - interval '7 days' FOR UPDATE OF e NOWAIT FOR SHARE OF p`},
	)
}
