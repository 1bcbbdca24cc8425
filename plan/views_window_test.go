package plan_test

// Window functions. Orders are total, or the functions blind to ties: Postgres
// numbers ties as it likes.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "row_number", query: `SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY qty DESC, id) AS n FROM orders`},
		viewCase{name: "ranks", query: `SELECT id, rank() OVER w AS a, dense_rank() OVER w AS b, percent_rank() OVER w AS c, cume_dist() OVER w AS d FROM orders WINDOW w AS (PARTITION BY day ORDER BY qty)`},
		viewCase{name: "ntile", query: `SELECT id, ntile(3) OVER (ORDER BY id) AS n, ntile(2) OVER (PARTITION BY customer_id ORDER BY id DESC) AS m FROM orders`},
		viewCase{name: "lag_lead", query: `SELECT id, lag(qty) OVER w AS a, lead(qty) OVER w AS b, lag(qty, 2) OVER w AS c, lead(qty, 2, -1) OVER w AS d, lag(note, 1, 'none') OVER w AS e FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id)`},
		viewCase{name: "first_last", query: `SELECT id, first_value(qty) OVER w AS a, last_value(qty) OVER w AS b, nth_value(qty, 2) OVER w AS c FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id)`},
		viewCase{name: "first_last_all", query: `SELECT id, last_value(id) OVER (PARTITION BY day ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS a FROM orders`},
		viewCase{name: "running", query: `SELECT id, sum(qty) OVER (PARTITION BY customer_id ORDER BY id) AS a, count(*) OVER (PARTITION BY customer_id ORDER BY qty) AS b, avg(qty) OVER (ORDER BY id) AS c, min(qty) OVER (ORDER BY id) AS d FROM orders`},
		viewCase{name: "totals", query: `SELECT id, count(*) OVER () AS n, sum(qty) OVER (PARTITION BY day) AS s, max(id) OVER (PARTITION BY customer_id) AS m FROM orders`},
		viewCase{name: "rows_frames", query: `SELECT id, sum(qty) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS a, sum(qty) OVER (ORDER BY id ROWS 2 PRECEDING) AS b, count(qty) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) AS c, max(qty) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING) AS d FROM orders`},
		viewCase{name: "groups_frames", query: `SELECT id, sum(id) OVER (ORDER BY qty GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a, count(*) OVER (ORDER BY qty GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS b FROM orders`},
		viewCase{name: "exclude", query: `SELECT id, sum(id) OVER (ORDER BY qty GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) AS a, sum(id) OVER (ORDER BY qty RANGE UNBOUNDED PRECEDING EXCLUDE TIES) AS b, count(*) OVER (PARTITION BY day ORDER BY qty ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) AS c FROM orders`},
		viewCase{name: "window_filter", query: `SELECT id, count(*) FILTER (WHERE qty > 1) OVER (PARTITION BY customer_id ORDER BY id) AS a, sum(qty) FILTER (WHERE note <> '') OVER (ORDER BY id ROWS 3 PRECEDING) AS b FROM orders`},
		viewCase{name: "window_over_groups", query: `SELECT customer_id, sum(qty) AS s, rank() OVER (ORDER BY sum(qty) DESC) AS r, sum(sum(qty)) OVER (ORDER BY customer_id) AS c FROM orders GROUP BY customer_id`},
		viewCase{name: "window_multiset", query: `SELECT l, r, count(*) OVER (PARTITION BY l) AS n, rank() OVER (PARTITION BY l ORDER BY r) AS k FROM edges`},
		viewCase{name: "window_top_of_each", query: `SELECT id, customer_id FROM (SELECT id, customer_id, row_number() OVER (PARTITION BY customer_id ORDER BY qty DESC, id) AS n FROM orders) x WHERE n <= 2`},
		viewCase{name: "window_first_of_each", query: `SELECT id, customer_id, day FROM (SELECT o.*, row_number() OVER (PARTITION BY customer_id ORDER BY day DESC, id) AS n FROM orders o) x WHERE n = 1`},
		viewCase{name: "window_ranked_first", query: `SELECT id, r, d, f FROM (SELECT id, rank() OVER w AS r, dense_rank() OVER w AS d, first_value(qty) OVER w AS f FROM orders WINDOW w AS (PARTITION BY day ORDER BY qty)) x WHERE 3 > r`},
		viewCase{name: "window_first_by_two", query: `SELECT id, n, m FROM (SELECT id, row_number() OVER (ORDER BY qty, id) AS n, row_number() OVER (ORDER BY id DESC) AS m FROM orders) x WHERE n <= 5 AND m < 7`},
		viewCase{name: "window_first_and_other", query: `SELECT id, n, s FROM (SELECT id, row_number() OVER w AS n, lead(id) OVER w AS s FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id)) x WHERE n <= 2 AND s IS NOT NULL`},
		viewCase{name: "window_first_none", query: `SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM orders) x WHERE n < 1 OR n = 2 AND id > 0`},
		viewCase{name: "window_offsets", query: `SELECT id, lag(qty, -1) OVER w AS a, lead(qty, NULL) OVER w AS b, lag(id, 3, id) OVER w AS c, lead(id, 0) OVER w AS d, lag(qty, 5000) OVER w AS e FROM orders WINDOW w AS (ORDER BY id)`},
		viewCase{name: "window_copies", query: `SELECT l, r, row_number() OVER (ORDER BY l, r) AS n, lag(l, 2) OVER (ORDER BY l, r) AS k FROM edges`},
		viewCase{name: "window_copies_rows", query: `SELECT l, r, sum(r) OVER (ORDER BY l, r ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS s FROM edges`},
		viewCase{name: "window_copies_groups", query: `SELECT l, count(*) OVER (ORDER BY l GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS g, max(r) OVER (ORDER BY l GROUPS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS h FROM edges`},
		viewCase{name: "window_expressions", query: `SELECT id, qty - lag(qty, 1, 0) OVER (ORDER BY id) AS change, CASE WHEN row_number() OVER (PARTITION BY qty % 3 ORDER BY id) = 1 THEN 'first' END AS f FROM orders`},
		viewCase{name: "window_distinct", query: `SELECT DISTINCT customer_id, count(*) OVER (PARTITION BY customer_id) AS n FROM orders`},
		viewCase{name: "window_limit", query: `SELECT id, rank() OVER (ORDER BY qty) AS r FROM orders ORDER BY r DESC, id LIMIT 3`},
		viewCase{name: "window_correlated", query: `SELECT c.id, (SELECT max(x.n) FROM (SELECT row_number() OVER (ORDER BY o.id) AS n FROM orders o WHERE o.customer_id = c.id) x) AS m FROM customers c`},
		viewCase{name: "window_joined", query: `SELECT c.id, o.id AS oid, sum(o.qty) OVER (PARTITION BY c.region ORDER BY o.id, c.id) AS s FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NOT NULL OR c.tier = 1`},
		viewCase{name: "window_numeric", query: `SELECT id, sum(amount) OVER (PARTITION BY customer_id ORDER BY id) AS s, avg(amount) OVER (ORDER BY id ROWS 2 PRECEDING) AS a FROM orders WHERE amount < 1000`, loose: true},
	)
}
