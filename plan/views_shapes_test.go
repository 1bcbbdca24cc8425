package plan_test

// Records of different fields in one column: to Postgres all are of type record.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "shapes_unknown", query: `SELECT id, to_json(ROW(id, NULL)) AS a, ROW(id, 'x', NULL)::text AS b, to_json(ARRAY[ROW(id, NULL, 'y')]) AS c, ROW(id, NULL) IS NULL AS d FROM orders`},
		viewCase{name: "shapes_case", query: `SELECT id, (CASE WHEN qty > 1 THEN ROW(1, 2) ELSE ROW('a', day) END)::text AS a, to_jsonb(CASE WHEN qty > 1 THEN ROW(1, NULL) WHEN qty = 1 THEN ROW(id, qty) END) AS b,
			to_jsonb(CASE qty WHEN 1 THEN ROW(id::bigint, note) WHEN 2 THEN ROW(id, note) ELSE ROW(id) END) AS c FROM orders`},
		viewCase{name: "shapes_null", query: `SELECT id, x IS NULL AS a, x IS NOT NULL AS b, num_nulls(x, 1) AS c, x IS DISTINCT FROM NULL AS d, coalesce(x, ROW(1))::text AS e
			FROM (SELECT id, CASE WHEN qty > 2 THEN ROW(note, NULL) WHEN qty = 1 THEN ROW(note, qty) WHEN qty = 2 THEN ROW(note) END AS x FROM orders) y`},
		viewCase{name: "shapes_coalesce", query: `SELECT o.id, coalesce(to_json(coalesce(x, ROW(0, NULL))), '0') AS a, coalesce(CASE WHEN o.qty > 1 THEN ROW(o.qty) END, ROW(1, 2), ROW(3))::text AS b FROM orders o LEFT JOIN (SELECT l, r FROM edges) x ON x.l = o.id`},
		viewCase{name: "shapes_values", query: `SELECT o.id, v.n, to_json(v.r) AS a, v.r::text AS b FROM orders o JOIN (VALUES (1, ROW(1, NULL)), (2, ROW(2, 3)), (3, ROW('x', 1.50, true)), (4, NULL)) v(n, r) ON v.n = o.qty`},
		viewCase{name: "shapes_union", query: `SELECT n, row_to_json(r) AS j FROM (SELECT id AS n, ROW(id, qty) AS r FROM orders UNION ALL SELECT l, ROW(l, NULL) FROM edges UNION ALL SELECT id, c FROM (SELECT id, name FROM customers) c) x`},
		viewCase{name: "shapes_array", query: `SELECT id, to_json(ARRAY[ROW(1, NULL), ROW(id, qty), NULL, ROW(note)]) AS a, (ARRAY[ROW(1, NULL), ROW(id, qty)])[qty]::text AS b, cardinality(ARRAY[ROW(1), ROW(id, qty)] || ROW(note)) AS c, (ARRAY[ROW(1), ROW(id, qty)] || ROW(note))::text AS d FROM orders`},
		viewCase{name: "shapes_arrays", query: `SELECT id, (CASE WHEN qty > 1 THEN ARRAY[ROW(1, NULL)] WHEN qty = 1 THEN ARRAY[ROW(id, qty), ROW(note)] ELSE '{}' END)::text AS a, to_json(ROW(CASE WHEN qty > 1 THEN ROW(1) ELSE ROW(id, 2) END, ARRAY[ROW(1), ROW('a', id)])) AS b FROM orders`},
		viewCase{name: "shapes_compared", query: `SELECT id, x = ROW(id, 7) AS a, x < ROW(id + 1, 'a'::text) AS b, x <> ROW(id + 1) AS c, x IS DISTINCT FROM ROW(0, 0) AS d FROM (SELECT id, CASE WHEN qty > 1 THEN ROW(id, qty) WHEN qty = 1 THEN ROW(id + 1, note) END AS x FROM orders) y WHERE id > 2 OR x IS NOT NULL`, loose: false},
		viewCase{name: "shapes_dissimilar", query: `SELECT id, x = ROW(id, 7) AS a FROM (SELECT id, CASE WHEN qty > 1 THEN ROW(id, qty) ELSE ROW(id, note) END AS x FROM orders WHERE id < 4) y`},
		viewCase{name: "shapes_in", query: `SELECT id, x IN (ROW(1, NULL), ROW(2, 3)) AS a, ROW(id, qty) IN (ROW(1, NULL), ROW(2, 3)) AS b FROM (SELECT id, qty, ROW(id + 5, qty) AS x FROM orders) y`},
		viewCase{name: "shapes_in_query", query: `SELECT e.l, e.x = ANY (SELECT CASE WHEN qty > 1 THEN ROW(id, qty) ELSE ROW(id, note) END FROM orders) AS a FROM (SELECT l, CASE WHEN r > 1 THEN ROW(l + 100, 1) END AS x FROM edges) e`},
		viewCase{name: "shapes_agg", query: `SELECT customer_id, array_agg(x ORDER BY id)::text AS a, json_agg(x ORDER BY id) AS b, count(x) AS c, count(DISTINCT x) AS d FROM (SELECT id, customer_id, CASE WHEN qty > 1 THEN ROW(id, qty) ELSE ROW(id + 100, note) END AS x FROM orders) y GROUP BY 1`},
		viewCase{name: "shapes_window", query: `SELECT id, to_json(lag(x, 1, ROW(NULL)) OVER (ORDER BY id)) AS a, first_value(x) OVER (ORDER BY id)::text AS b FROM (SELECT id, customer_id, CASE WHEN qty > 1 THEN ROW(id, qty) ELSE ROW(note) END AS x FROM orders) y`},
		viewCase{name: "shapes_unnest", query: `SELECT id, to_json(unnest(ARRAY[ROW(id, NULL), ROW(id, qty), ROW(note)])) AS a FROM orders`},
		viewCase{name: "shapes_column_list", query: `SELECT id, u.a, u.b FROM orders, unnest(CASE WHEN qty > 1 THEN ARRAY[ROW(id, qty)] ELSE ARRAY[ROW(note)] END) AS u(a int, b int) WHERE qty > 1`},
		viewCase{name: "shapes_field", query: `SELECT id, (x.r).f1 AS a, (x.r).f2 AS b FROM (SELECT id, ROW(id, qty) AS r FROM orders UNION ALL SELECT id + 100, ROW(id, tier) FROM (SELECT id, tier FROM customers) c) x`},
		viewCase{name: "shapes_field_wrong", query: `SELECT id, (x.r).f2 AS b FROM (SELECT id, ROW(id, qty) AS r FROM orders UNION ALL SELECT id, ROW(id, name) FROM customers WHERE id = 1) x`},
		viewCase{name: "shapes_recursive", query: `WITH RECURSIVE t(n, r, a) AS (SELECT id, ROW(id, NULL), ARRAY[ROW(0, NULL)] FROM orders UNION ALL SELECT n + 1, CASE WHEN n = 2 THEN t.r WHEN qty = 1 THEN ROW(note) ELSE ROW(n, id) END, a || ROW(n, qty) FROM t JOIN orders o ON o.id = t.n + 1) SELECT n, r::text AS r, a::text AS a FROM t WHERE n < 20`},
		viewCase{name: "shapes_sub_query", query: `SELECT c.id, to_json((SELECT CASE WHEN o.qty > 1 THEN ROW(o.id) ELSE ROW(c.id, o.note) END FROM orders o WHERE o.id = c.id)) AS a, ARRAY(SELECT CASE WHEN o.qty > 1 THEN ROW(o.id) ELSE ROW(c.id, o.note) END FROM orders o WHERE o.customer_id = c.id ORDER BY o.id)::text AS b FROM customers c`},
		viewCase{name: "shapes_names", query: `SELECT n, to_jsonb(r) AS j, r = ROW(n, 1) AS e FROM (SELECT id AS n, ROW(id, tier) AS r FROM customers UNION ALL SELECT l, e FROM (SELECT l, r FROM edges) e) x`},
		viewCase{name: "shapes_sorted", query: `SELECT array_agg(x ORDER BY x)::text AS a FROM (SELECT CASE WHEN qty > 1 THEN ROW(id, qty) ELSE ROW(id + 1000, note) END AS x FROM orders) y`},
		viewCase{name: "shapes_nullif", query: `SELECT id, nullif(x, ROW(3, 1))::text AS a, greatest(x, ROW(0))::text AS b FROM (SELECT id, CASE WHEN qty > 1 THEN ROW(id, qty) ELSE ROW(id + 100, note) END AS x FROM orders) y`},
		viewCase{name: "records_of_dimensions", query: `SELECT id, to_json(ARRAY[ARRAY[ROW(id, qty), ROW(1, 2)], ARRAY[NULL, ROW(qty, id)]]) AS a, (ARRAY[ARRAY[ARRAY[ROW(id, note)], ARRAY[ROW(1, 'x'::text)]]])::text AS b, array_dims(ARRAY[ARRAY[ROW(id)]]) AS c,
			(ARRAY[[ROW(id, NULL), ROW(1, 2)], [ROW(note), ROW(qty, id)]])[2][1]::text AS d, ARRAY[[ROW(id)], [ROW(qty)]] = ARRAY[[ROW(qty)], [ROW(id)]] AS e, array_fill(ROW(id, qty), ARRAY[2], ARRAY[0])::text AS f FROM orders`},
		viewCase{name: "records_of_dimensions_agg", query: `SELECT customer_id, to_json(array_agg(ARRAY[ROW(id, note), ROW(qty, 'x'::text)] ORDER BY id)) AS a, to_json(ARRAY(SELECT ARRAY[ROW(e.l, e.r)] FROM edges e WHERE e.l = o.customer_id ORDER BY e.l, e.r)) AS b FROM orders o GROUP BY customer_id`},
	)
}

// What depends on settings of the session, which are those of the analysis.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "settings_money", query: `SELECT id, m::text AS a, to_json(m) AS b, concat(m, 'x') AS c, m::numeric AS d, n2::money AS e, (i4::text)::money AS f, i4::money AS g, ROW(m)::text AS h, ARRAY[m]::text AS i, i8::money * 2 AS j, format('%s', m) AS k
			FROM everything WHERE (n2 IS NULL OR n2 BETWEEN -1000 AND 1000) AND (i8 IS NULL OR i8 BETWEEN -1000 AND 1000)`},
		viewCase{name: "settings_money_agg", query: `SELECT i4, json_agg(m ORDER BY id) AS a, jsonb_object_agg(id, m) AS b, string_agg(m::text, ',' ORDER BY id) AS c, to_json(array_agg(m ORDER BY id)) AS d, json_agg(ROW(m) ORDER BY id) AS e, sum(m)::text AS f
			FROM everything GROUP BY i4`},
		viewCase{name: "settings_text_search", query: `SELECT id, to_tsvector(tx) AS a, to_tsquery('running & a') AS b, plainto_tsquery(tx) AS c, to_tsvector(tx) @@ to_tsquery('a') AS d, ts_headline(tx, plainto_tsquery('a b')) AS e, tx @@ 'a' AS f, tx @@ plainto_tsquery(vc) AS g, websearch_to_tsquery(vc) AS h, phraseto_tsquery(vc || ' cats') AS i, to_tsvector(jb) AS j FROM everything`},
		viewCase{name: "only_partitioned", query: `SELECT o.id, k, p.tableoid AS t, count(*) OVER () AS n FROM orders o LEFT JOIN ONLY parts p ON p.k = o.id`},
		viewCase{name: "settings_text_search_grouped", query: `SELECT to_tsvector(note)::text AS a, count(*) AS n FROM orders GROUP BY to_tsvector(note)`},
	)
}
