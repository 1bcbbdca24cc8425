package plan_test

// Sub-queries in expressions.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "exists", query: `SELECT c.id FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.qty > 1)`},
		viewCase{name: "not_exists", query: `SELECT c.id, c.name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)`},
		viewCase{name: "exists_uncorrelated", query: `SELECT c.id FROM customers c WHERE EXISTS (SELECT FROM orders WHERE qty = 3)`},
		viewCase{name: "exists_value", query: `SELECT c.id, EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id) AS has, NOT EXISTS (SELECT FROM loose WHERE a = c.tier) AS none FROM customers c`},
		viewCase{name: "exists_non_equi", query: `SELECT e.l, e.r FROM edges e WHERE EXISTS (SELECT FROM edges f WHERE f.l > e.r AND f.r < e.l)`},
		viewCase{name: "exists_or", query: `SELECT o.id FROM orders o WHERE o.qty = 1 OR EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id AND c.tier = 2)`},
		viewCase{name: "in_sub", query: `SELECT o.id FROM orders o WHERE o.customer_id IN (SELECT id FROM customers WHERE tier > 1)`},
		viewCase{name: "in_sub_correlated", query: `SELECT o.id FROM orders o WHERE o.qty IN (SELECT c.tier FROM customers c WHERE c.id = o.customer_id)`},
		viewCase{name: "not_in_sub", query: `SELECT o.id FROM orders o WHERE o.customer_id NOT IN (SELECT tier FROM customers WHERE id > 1)`},
		viewCase{name: "not_in_empty", query: `SELECT o.id FROM orders o WHERE o.customer_id NOT IN (SELECT tier FROM customers WHERE id > 100)`},
		viewCase{name: "in_value", query: `SELECT o.id, o.customer_id IN (SELECT tier FROM customers) AS a, o.qty NOT IN (SELECT c.id FROM customers c WHERE c.tier = o.customer_id) AS b FROM orders o`},
		viewCase{name: "in_row", query: `SELECT e.l, e.r FROM edges e WHERE (e.l, e.r) IN (SELECT f.r, f.l FROM edges f)`},
		viewCase{name: "in_row_value", query: `SELECT e.l, e.r, (e.l, e.r) IN (SELECT f.r, f.l FROM edges f WHERE f.l > 0) AS a FROM edges e`},
		viewCase{name: "any_less", query: `SELECT o.id, o.qty < ANY (SELECT tier FROM customers) AS a, o.qty >= ALL (SELECT tier FROM customers WHERE tier IS NOT NULL) AS b, o.qty <> ALL (SELECT c.tier FROM customers c WHERE c.id < o.id) AS c FROM orders o`},
		viewCase{name: "scalar", query: `SELECT o.id, (SELECT c.name FROM customers c WHERE c.id = o.customer_id) AS name FROM orders o`},
		viewCase{name: "scalar_aggregate", query: `SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS n, (SELECT sum(o.qty) FROM orders o WHERE o.customer_id = c.id AND o.qty > 0) AS s FROM customers c`},
		viewCase{name: "scalar_uncorrelated", query: `SELECT id, (SELECT max(qty) FROM orders) AS m, qty = (SELECT max(qty) FROM orders) AS best FROM orders`},
		viewCase{name: "scalar_many", query: `SELECT c.id, (SELECT o.qty FROM orders o WHERE o.customer_id = c.id) AS one FROM customers c`},
		viewCase{name: "scalar_where", query: `SELECT o.id FROM orders o WHERE o.amount > (SELECT avg(p.amount) FROM orders p WHERE p.customer_id = o.customer_id AND p.amount < 1000)`},
		viewCase{name: "scalar_having", query: `SELECT customer_id, sum(qty) AS s FROM orders GROUP BY customer_id HAVING sum(qty) > (SELECT avg(tier) FROM customers)`},
		viewCase{name: "scalar_in_group", query: `SELECT o.customer_id, (SELECT c.name FROM customers c WHERE c.id = o.customer_id) AS name, count(*) AS n FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "scalar_in_aggregate", query: `SELECT o.day, sum((SELECT c.tier FROM customers c WHERE c.id = o.customer_id)) AS s FROM orders o GROUP BY o.day`},
		viewCase{name: "scalar_no_from", query: `SELECT o.id, (SELECT o.qty + o.id) AS x FROM orders o`},
		viewCase{name: "nested_two", query: `SELECT c.id FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND EXISTS (SELECT FROM lines l WHERE l.order_id = o.id AND l.qty > c.tier))`},
		viewCase{name: "nested_scalar", query: `SELECT c.id, (SELECT max((SELECT count(*) FROM lines l WHERE l.order_id = o.id AND l.qty >= c.tier)) FROM orders o WHERE o.customer_id = c.id) AS m FROM customers c`},
		viewCase{name: "nested_from", query: `SELECT c.id, (SELECT sum(x.n) FROM (SELECT o.day, count(*) AS n FROM orders o WHERE o.customer_id = c.id GROUP BY o.day) x) AS s FROM customers c`},
		viewCase{name: "nested_union", query: `SELECT c.id, (SELECT count(*) FROM (SELECT id FROM orders WHERE customer_id = c.id UNION SELECT order_id FROM lines WHERE qty = c.tier) u) AS n FROM customers c`},
		viewCase{name: "exists_union", query: `SELECT c.id FROM customers c WHERE EXISTS (SELECT id FROM orders o WHERE o.customer_id = c.id EXCEPT SELECT l.order_id FROM lines l)`},
		viewCase{name: "exists_group", query: `SELECT c.id FROM customers c WHERE EXISTS (SELECT o.day FROM orders o WHERE o.customer_id = c.id GROUP BY o.day HAVING count(*) > 1)`},
		viewCase{name: "in_distinct", query: `SELECT c.id FROM customers c WHERE c.tier IN (SELECT DISTINCT o.qty FROM orders o WHERE o.customer_id <> c.id)`},
		viewCase{name: "case_sub", query: `SELECT o.id, CASE (SELECT tier FROM customers c WHERE c.id = o.customer_id) WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'many' END AS x FROM orders o`},
		viewCase{name: "coalesce_sub", query: `SELECT o.id, coalesce((SELECT c.name FROM customers c WHERE c.id = o.customer_id), (SELECT min(name) FROM customers), 'none') AS x FROM orders o`},
		viewCase{name: "sub_numeric_identity", query: `SELECT a.n, (SELECT count(*) FROM loose2 b WHERE b.n::text = a.n::text) AS c FROM loose2 a`},
		viewCase{name: "sub_null_identity", query: `SELECT a.a, (SELECT count(*) FROM loose b WHERE b.a IS NOT DISTINCT FROM a.a) AS c FROM loose a`},
		viewCase{name: "join_on_sub", query: `SELECT o.id, c.id AS cid FROM orders o JOIN customers c ON c.id = o.customer_id AND EXISTS (SELECT FROM lines l WHERE l.order_id = o.id)`},
		viewCase{name: "sub_over_left_join", query: `SELECT c.id, (SELECT count(l.no) FROM orders o LEFT JOIN lines l ON l.order_id = o.id WHERE o.customer_id = c.id) AS n FROM customers c`},
		viewCase{name: "sub_distinct_count", query: `SELECT c.id, (SELECT count(DISTINCT o.day) FROM orders o WHERE o.customer_id = c.id) AS n, (SELECT max(o.note) FROM orders o WHERE o.customer_id = c.id) AS m FROM customers c`},
		viewCase{name: "sub_in_cte", query: `WITH big AS (SELECT id, customer_id FROM orders o WHERE amount > (SELECT avg(amount) FROM orders WHERE amount < 1000)) SELECT c.id, (SELECT count(*) FROM big b WHERE b.customer_id = c.id) AS n FROM customers c`},
	)
}

// A sub-query compared with a sub-query.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "link_in_link", query: `SELECT c.id FROM customers c WHERE (SELECT max(o.qty) FROM orders o WHERE o.customer_id = c.id) IN (SELECT l.qty FROM lines l WHERE l.no >= c.id)`},
		viewCase{name: "link_in_link_shown", query: `SELECT c.id, (SELECT max(tier) FROM customers) IN (SELECT qty FROM orders o WHERE o.customer_id = c.id) AS x FROM customers c`},
		viewCase{name: "link_not_in_link", query: `SELECT c.id FROM customers c WHERE (SELECT max(o.qty) FROM orders o WHERE o.customer_id = c.id) NOT IN (SELECT l.qty FROM lines l)`},
		viewCase{name: "link_all_link", query: `SELECT c.id, c.tier + (SELECT count(*) FROM products) > ALL (SELECT qty FROM orders o WHERE o.customer_id <> c.id AND qty < 9) AS x FROM customers c`},
		viewCase{name: "links_in_link", query: `SELECT c.id, ((SELECT min(l) FROM edges), (SELECT max(r) FROM edges WHERE l = c.tier)) IN (SELECT l, r FROM edges) AS x, ROW(c.id, (SELECT count(*) FROM edges)) <> ANY (SELECT k, q FROM parts) AS y FROM customers c`},
		viewCase{name: "link_row_link", query: `SELECT c.id, (c.id, (SELECT min(l) FROM edges)) < (SELECT id, tier FROM customers d WHERE d.id = c.tier) AS x FROM customers c`},
		viewCase{name: "link_in_link_groups", query: `SELECT customer_id, (SELECT max(tier) FROM customers WHERE id = customer_id) IN (SELECT qty FROM orders p WHERE p.id > max(o.id)) AS x, count(*) AS n FROM orders o GROUP BY customer_id HAVING max(qty) + (SELECT 0) IN (SELECT qty FROM lines)`},
	)
}
