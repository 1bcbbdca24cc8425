package plan_test

// Rows that a function returns of which nobody knows the fields before it is called.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "pending_text", query: `SELECT id, app.any_row(qty)::text AS a, row_to_json(app.any_row(qty)) AS b, app.any_row(qty) IS NULL AS c, app.any_row(qty) IS NOT NULL AS d, num_nulls(app.any_row(qty)) AS e, app.any_row(qty) IS DISTINCT FROM NULL AS f, concat(app.any_row(qty), 'x') AS g FROM orders WHERE qty IS DISTINCT FROM -1`},
		viewCase{name: "pending_fails", query: `SELECT id, app.any_row(qty - 1)::text AS a FROM orders`},
		viewCase{name: "pending_where", query: `SELECT id FROM orders WHERE app.any_row(abs(qty)) IS NOT NULL OR app.any_row(abs(id)) = ROW(1, 'x'::text)`},
		viewCase{name: "pending_compared", query: `SELECT id, app.any_row(abs(qty)) = app.any_row(abs(qty)) AS a, app.any_row(id + 3) < app.any_row(abs(qty) + 3) AS b, app.any_row(id + 3) = ROW(abs(qty) + 3, 2.5, NULL::int) AS c, least(app.any_row(id + 3), app.any_row(abs(qty) + 3))::text AS d FROM orders`},
		viewCase{name: "pending_dissimilar", query: `SELECT id, app.any_row(abs(qty)) = ROW(1, 2) AS a FROM orders`},
		viewCase{name: "pending_column", query: `SELECT x.id, to_jsonb(x.r) AS a, x.r::text AS b, y.r IS NULL AS c, y.r::text AS d FROM (SELECT id, app.any_row(abs(qty)) AS r FROM orders OFFSET 0) x LEFT JOIN (SELECT l, app.any_row(abs(r)) AS r FROM edges) y ON y.l = x.id`},
		viewCase{name: "pending_case", query: `SELECT id, to_json(CASE WHEN qty > 2 THEN app.any_row(qty) WHEN qty = 2 THEN ROW(id, note) WHEN qty = 1 THEN app.named_row(note, ARRAY[qty, NULL], ROW(id, note)::pair) END) AS a, coalesce(app.any_row(abs(qty)), ROW(id))::text AS b, (CASE WHEN qty > 2 THEN app.any_row(qty) ELSE ROW(id, note) END) IS NULL AS c FROM orders`},
		viewCase{name: "pending_nested", query: `SELECT id, ROW(app.any_row(abs(qty)), id)::text AS a, to_json(ARRAY[app.any_row(abs(qty)), app.any_row(1)]) AS b, ARRAY[ROW(id, app.any_row(abs(qty)))]::text AS c, ROW(app.any_row(abs(qty)), id) IS NOT NULL AS d, (ARRAY[app.any_row(abs(qty)), ROW(id)])[1]::text AS e, cardinality(ARRAY[app.any_row(abs(qty)), ROW(id)]) AS f FROM orders`},
		viewCase{name: "pending_arguments", query: `SELECT id, to_json(app.named_row(note, ARRAY[qty, NULL], ROW(id, note)::pair)) AS a, app.named_row(note, '{}', (SELECT ROW(l, 'y')::pair FROM edges WHERE l = id LIMIT 1))::text AS b FROM orders`},
		viewCase{name: "pending_arguments_in_arrays", query: `SELECT id, to_json(ARRAY[app.named_row(note, ARRAY[qty, NULL], ROW(id, note)::pair), ROW(id)]) AS a, (SELECT json_agg(app.named_row(note, ARRAY[l, NULL], ROW(l, note)::pair) ORDER BY l) FROM edges WHERE l = id) AS b FROM orders`},
		viewCase{name: "pending_aggregates", query: `SELECT customer_id, json_agg(app.any_row(abs(qty)) ORDER BY id) AS a, count(app.any_row(abs(qty))) AS b, array_agg(app.any_row(abs(qty)) ORDER BY id)::text AS c, to_json((array_agg(app.any_row(id) ORDER BY id))[1]) AS d, string_agg(app.any_row(abs(qty))::text, ';' ORDER BY id) AS e FROM orders GROUP BY 1`},
		viewCase{name: "pending_window", query: `SELECT id, lag(app.any_row(abs(qty))) OVER (ORDER BY id)::text AS a, to_json(first_value(app.any_row(id)) OVER (PARTITION BY customer_id ORDER BY id)) AS b, count(app.any_row(abs(qty))) OVER (ORDER BY id) AS c FROM orders`},
		viewCase{name: "pending_sub_query", query: `SELECT c.id, (SELECT app.any_row(abs(o.qty) + c.tier) FROM orders o WHERE o.id = c.id)::text AS a, ARRAY(SELECT app.any_row(abs(o.qty)) FROM orders o WHERE o.customer_id = c.id ORDER BY o.id)::text AS b FROM customers c WHERE c.tier > 0`},
		viewCase{name: "pending_union", query: `SELECT n, to_json(r) AS a, r IS NULL AS b, (r).f1 AS c FROM (SELECT id AS n, ROW(id, qty) AS r FROM orders UNION ALL SELECT id, app.any_row(id + 3) FROM customers WHERE id > -3) x`},
		viewCase{name: "pending_recursive", query: `WITH RECURSIVE t(n, r) AS (SELECT id, app.any_row(abs(qty)) FROM orders UNION ALL SELECT n + 1, CASE WHEN n = 4 THEN r ELSE app.any_row(n) END FROM t WHERE n BETWEEN 0 AND 6) SELECT n, to_json(r) AS r, r IS NULL AS e FROM t`},
		viewCase{name: "pending_set", query: `SELECT id, app.any_rows(qty)::text AS a, to_json(app.any_rows(qty)) AS b FROM orders`},
		viewCase{name: "pending_set_column", query: `SELECT x.id, x.r::text AS a, to_json(x.r) AS b, x.r IS NOT NULL AS c, ROW(x.r)::text AS d FROM (SELECT id, app.any_rows(abs(qty)) AS r, generate_series(1, 2) AS g FROM orders) x`},
		viewCase{name: "pending_values", query: `SELECT v.n, v.r::text AS r FROM (VALUES (1, app.any_row(1)), (2, app.any_row(2)), (3, ROW(1)), (4, NULL)) v(n, r) JOIN orders o ON o.qty = v.n`},
		viewCase{name: "pending_in_from", query: `SELECT o.id, x.a, x.b FROM orders o, app.any_rows(o.qty) AS x(a int, b text)`},
		viewCase{name: "pending_in", query: `SELECT id FROM orders WHERE app.any_row(abs(id) + 3) IN (SELECT app.any_row(abs(l) + 3) FROM edges) OR app.any_row(abs(id) + 4) = ANY (ARRAY[app.any_row(abs(qty) + 3), ROW(7, 2.5, NULL::int)])`},
		viewCase{name: "pending_correlated", query: `SELECT x.id, (SELECT count(*) FROM edges e WHERE app.any_row(abs(e.l) + 3) = x.r) AS n, EXISTS (SELECT FROM edges e WHERE (x.r IS NULL) = (e.r > 1)) AS e FROM (SELECT id, app.any_row(abs(id) + 3) AS r FROM orders) x`},
		viewCase{name: "pending_joined", query: `SELECT x.id, y.l FROM (SELECT id, app.any_row(abs(id) + 3) AS r FROM orders) x LEFT JOIN (SELECT l, app.any_row(abs(l) + 3) AS r FROM edges) y ON x.r = y.r`},
		viewCase{name: "pending_distinct_aggregates", query: `SELECT customer_id, count(DISTINCT app.any_row(id + 3)) AS n, json_agg(app.any_row(abs(qty)) ORDER BY app.any_row(abs(id) + 3)) AS j, count(*) FILTER (WHERE app.any_row(abs(qty)) IS NULL) AS f FROM orders WHERE id >= 0 GROUP BY 1`},
		viewCase{name: "pending_without_binary", query: `SELECT id, x IS NULL AS a, x::text AS b, to_json(x) AS c, coalesce(x, ROW(id, 2))::text AS d FROM (SELECT id, (ARRAY[ROW(1, m), ROW('x', m), ROW(m, id, NULL)])[qty] AS x FROM (SELECT id, qty, note::app.mute AS m FROM orders) o OFFSET 0) y`},
		viewCase{name: "pending_without_binary_acl", query: `SELECT id, x IS NULL AS a, num_nulls(x) AS b FROM (SELECT id, (ARRAY[ROW(1, a), ROW('x', a)])[qty] AS x FROM (SELECT id, qty, (acldefault('r', 10))[1] AS a FROM orders) o OFFSET 0) y`},
	)
}
