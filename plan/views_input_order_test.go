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
		viewCase{name: "input_order_unnest", query: `SELECT id, (SELECT string_agg(x::text, ',') FROM unnest(ai) x WHERE x <> 2) AS s, ARRAY(SELECT x + 1 FROM unnest(ai) x) AS a, ARRAY(SELECT unnest(ai)) AS b, ARRAY(SELECT -x FROM (SELECT unnest(ai) AS x) y) AS c, (SELECT array_agg(x) FROM (SELECT unnest(ai) AS x) y) AS d FROM everything`},
		viewCase{name: "input_order_series", query: `SELECT array_agg(g) AS a, array_agg(ARRAY['x', g::text]) AS b, count(*) AS n, sum(g) AS s FROM generate_series(12, 8, -1) g`},
		viewCase{name: "input_order_grouped_by_key", query: `SELECT o.id, array_agg(upper(w)) AS a, count(*) AS n FROM orders o, regexp_split_to_table(o.note, '') w GROUP BY o.id`},
		viewCase{name: "input_order_json", query: `SELECT id, (SELECT jsonb_agg(e) FROM jsonb_array_elements(CASE jsonb_typeof(jb) WHEN 'array' THEN jb ELSE '[3, 1, 2]' END) e) AS j, ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof(jb) WHEN 'array' THEN jb ELSE '["b", "a"]' END)) AS t, (SELECT json_agg(rec) FROM jsonb_to_recordset('[{"a": 2, "b": "x"}, {"a": 1}]') AS rec(a int, b text)) AS r FROM everything`},
		viewCase{name: "input_order_limit_of_set", query: `SELECT o.id, (SELECT w FROM regexp_split_to_table(o.note, '') w WHERE w <> 'x' LIMIT 1) AS first, ARRAY(SELECT g FROM generate_series(5, 1, -1) g OFFSET 1 LIMIT o.qty % 3 + 3) AS some FROM orders o WHERE qty > 0`},
		viewCase{name: "input_order_limit_of_sorted", query: `SELECT * FROM (SELECT id, qty FROM orders ORDER BY qty DESC NULLS LAST, id) x WHERE id <> 2 LIMIT 3`},
		viewCase{name: "input_order_nested_sorted", query: `SELECT ARRAY(SELECT id FROM (SELECT * FROM (SELECT id, qty FROM orders ORDER BY qty DESC, id DESC) x WHERE id > 0) y) AS a, (SELECT array_agg(note) FROM (SELECT note FROM (SELECT note FROM orders ORDER BY day, id) x) y) AS b`},
		viewCase{name: "input_order_two_sets", query: `SELECT ARRAY(SELECT unnest(ARRAY[3, 1, 2]) FROM generate_series(1, 2) g) AS b, ARRAY(SELECT generate_series(unnest(ARRAY[3, 1]), 3)) AS c, ARRAY(SELECT ROW(unnest(ARRAY['b', 'a']), generate_series(3, 1, -1))::text) AS d`},
		viewCase{name: "input_order_padded", query: `SELECT c.id, array_agg(w) AS a FROM customers c LEFT JOIN LATERAL regexp_split_to_table(c.name, '') w ON w <> 'a' GROUP BY c.id`},
		viewCase{name: "input_order_rows_from", query: `SELECT ARRAY(SELECT coalesce(a, 0) || coalesce(b, '-') FROM ROWS FROM (generate_series(3, 1, -1), unnest(ARRAY['z', 'a'])) AS x(a, b)) AS a, (SELECT json_agg(x) FROM ROWS FROM (generate_series(3, 1, -1), unnest(ARRAY['z', 'a'])) WITH ORDINALITY AS x(a, b, n)) AS j`},
		viewCase{name: "input_order_numbered", query: `SELECT row_number() OVER () AS n, lag(id) OVER () AS before, count(*) OVER () AS c, sum(qty) OVER () AS s, id FROM (SELECT id, qty FROM orders ORDER BY qty DESC NULLS LAST, id) x WHERE id <> 3`},
		viewCase{name: "input_order_numbered_set", query: `SELECT id, x.n, x.w, x.t FROM orders, LATERAL (SELECT row_number() OVER () AS n, ntile(2) OVER () AS t, w FROM regexp_split_to_table(note, '') w) x`},
		viewCase{name: "input_order_windowed", query: `SELECT array_agg(n) AS a FROM (SELECT rank() OVER (ORDER BY qty) AS n, id FROM orders ORDER BY rank() OVER (ORDER BY qty) DESC, id) x`},
		viewCase{name: "input_order_no_columns", query: `SELECT id, id IN (SELECT x FROM unnest(ARRAY[3, 1, 2]) x OFFSET 1) AS a, id = ANY (ARRAY(SELECT x FROM generate_series(5, 1, -1) x LIMIT 2)) AS b, EXISTS (SELECT FROM unnest(ARRAY[3, 1]) x WHERE x = id LIMIT 1) AS e FROM orders`},
		viewCase{name: "input_order_rows", query: `SELECT ARRAY(SELECT x FROM app.pairs() x) AS a, (SELECT json_agg(x) FROM app.pairs() x) AS b, (SELECT array_agg(x.b || n) FROM app.pairs() WITH ORDINALITY x(a, b, n)) AS c, (SELECT json_agg(x) FROM app.pairs() WITH ORDINALITY x) AS d, ARRAY(SELECT (app.pairs()).b) AS e, ARRAY(SELECT x::text FROM ROWS FROM (app.pairs(), app.three()) x) AS f`},
		viewCase{name: "input_order_set_of_aggregates", query: `SELECT ARRAY(SELECT generate_series(count(*), 1, -1) FROM orders) AS a, ARRAY(SELECT unnest(array_agg(id ORDER BY id DESC)) FROM orders) AS b, (SELECT array_agg(x) FROM (SELECT unnest(array_agg(id ORDER BY qty, id)) AS x FROM orders) y) AS c`},
		viewCase{name: "input_order_rows_renamed", query: `SELECT c.id, array_agg(x)::text AS a, json_agg(x) AS j, json_agg(x.p) AS k FROM customers c, app.pairs(3) x(p, q) GROUP BY c.id`},
		viewCase{name: "input_order_rows_dropped", query: `SELECT c.id, (SELECT json_agg(x) FROM app.spans(2) x) AS j, (SELECT json_agg(x) FROM app.steps(2) x) AS k, (SELECT array_agg(l) FROM app.spans(3) x(a, b, l)) AS l, ARRAY(SELECT b FROM app.spans(3) x(a, b, l)) AS m, ARRAY(SELECT x FROM app.spans(3) x(a, b, l)) AS n, ARRAY(SELECT n FROM app.spans(3) WITH ORDINALITY x(a, b, l, m, n)) AS o FROM customers c`},
	)
}
