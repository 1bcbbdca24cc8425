package plan_test

// Aggregates without ORDER BY over one sub-query that has one: its order is theirs.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "input_order", query: `SELECT array_agg(id) AS a, string_agg(note, ',') AS s, json_agg(qty) AS j, count(*) AS n, sum(id) AS t, max(note COLLATE "C") AS m FROM (SELECT id, note, qty FROM orders ORDER BY qty DESC NULLS LAST, id) x`},
		viewCase{name: "input_order_hidden", query: `SELECT array_agg(note) FILTER (WHERE note <> 'x') AS a, json_agg(x) AS j, count(x) AS n FROM (SELECT note, id % 3 AS m FROM orders ORDER BY qty + 1, id DESC) x WHERE m < 2`},
		viewCase{name: "input_order_own", query: `SELECT array_agg(note ORDER BY id) AS a, array_agg(DISTINCT note) AS b, array_agg(DISTINCT id % 3 ORDER BY id % 3 DESC) AS c FROM (SELECT note, id FROM orders ORDER BY day DESC, id) x`},
		viewCase{name: "input_order_groups", query: `SELECT customer_id, array_agg(id) AS a FROM (SELECT customer_id, id FROM orders ORDER BY customer_id, qty, id) x GROUP BY customer_id`},
		viewCase{name: "input_order_of_groups", query: `SELECT array_agg(n) AS a, array_agg(x.qty) AS b FROM (SELECT qty, count(*) AS n FROM orders GROUP BY qty, qty % 2 ORDER BY qty % 2, max(id) DESC) x`},
		viewCase{name: "input_order_limit", query: `SELECT array_agg(id) AS a FROM (SELECT id FROM orders ORDER BY qty, id DESC LIMIT 4) x`},
		viewCase{name: "input_order_distinct", query: `SELECT array_agg(q) AS a, (SELECT string_agg(y.note, '') FROM (SELECT DISTINCT ON (qty) note FROM orders ORDER BY qty DESC, id) y) AS b FROM (SELECT DISTINCT qty AS q FROM orders GROUP BY qty, id ORDER BY q DESC) x`},
		viewCase{name: "input_order_outer", query: `SELECT c.id, (SELECT array_agg(x.id + c.id) FROM (SELECT o.id FROM orders o WHERE o.qty <> c.tier ORDER BY o.qty * c.tier, o.id) x) AS a FROM customers c`},
		viewCase{name: "input_order_collated", query: `SELECT string_agg(name, ',') AS s FROM (SELECT id, name FROM customers ORDER BY name COLLATE "en-x-icu", id) x`},
		viewCase{name: "input_order_windowed", query: `SELECT array_agg(n) AS a FROM (SELECT rank() OVER (ORDER BY qty) AS n, id FROM orders ORDER BY rank() OVER (ORDER BY qty) DESC, id) x`},
	)
}
