package plan_test

// Arrays of the rows of a sub-query.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "array_sub", query: `SELECT c.id, ARRAY(SELECT o.id FROM orders o WHERE o.customer_id = c.id ORDER BY o.id) AS a, ARRAY(SELECT o.note FROM orders o WHERE o.customer_id = c.id ORDER BY o.qty DESC NULLS LAST, o.id) AS b FROM customers c`},
		viewCase{name: "array_sub_plain", query: `SELECT c.id, ARRAY(SELECT l FROM edges ORDER BY l) AS a, ARRAY(SELECT l FROM edges WHERE l > 90) AS b, cardinality(ARRAY(SELECT r FROM edges)) AS n FROM customers c`},
		viewCase{name: "array_of_varchar", query: `SELECT id, vc IN ('a', 'b ', NULL) AS a, vc <> ALL (at::varchar[]) AS b, at::varchar[] AS c, at::varchar(1)[] AS d, at::bpchar[] AS e, at::varchar[]::text[] = at AS f FROM everything`},
		viewCase{name: "array_sub_limit", query: `SELECT c.id, ARRAY(SELECT o.id FROM orders o WHERE o.customer_id = c.id ORDER BY o.id DESC LIMIT 2) AS a, ARRAY(SELECT DISTINCT o.qty FROM orders o WHERE o.customer_id <= c.id ORDER BY 1) AS b FROM customers c`},
		viewCase{name: "array_sub_union", query: `SELECT c.id, ARRAY(SELECT o.id FROM orders o WHERE o.customer_id = c.id UNION ALL SELECT l FROM edges WHERE l = c.id ORDER BY 1 DESC) AS a FROM customers c`},
		viewCase{name: "array_sub_grouped", query: `SELECT c.id, ARRAY(SELECT count(*) FROM orders o WHERE o.customer_id = c.id GROUP BY o.qty ORDER BY count(*), o.qty) AS a FROM customers c`},
		viewCase{name: "array_sub_arrays", query: `SELECT c.id, ARRAY(SELECT ARRAY[o.id, o.qty] FROM orders o WHERE o.customer_id = c.id ORDER BY o.id) AS a, ARRAY(SELECT ARRAY(SELECT l FROM edges e WHERE e.r = o.id ORDER BY l LIMIT 0) || o.id FROM orders o WHERE o.customer_id = c.id ORDER BY o.id) AS b FROM customers c`},
		viewCase{name: "array_sub_ragged", query: `SELECT c.id, ARRAY(SELECT e.ai FROM everything e WHERE e.id = c.id ORDER BY e.ai) AS a FROM customers c WHERE c.id > 6`},
		viewCase{name: "array_sub_types", query: `SELECT c.id, ARRAY(SELECT p FROM things t WHERE t.k = c.id ORDER BY t.id) AS a, ARRAY(SELECT t.g FROM things t WHERE t.k = c.id ORDER BY t.id DESC) AS b, ARRAY(SELECT e.r FROM everything e WHERE e.i4 = c.tier ORDER BY e.id) AS r, ARRAY(SELECT o FROM orders o WHERE o.id = c.id) AS o FROM customers c`},
		viewCase{name: "array_sub_collated", query: `SELECT c.id, ARRAY(SELECT o.note FROM orders o WHERE o.customer_id = c.id ORDER BY o.note COLLATE "en-x-icu", o.id) AS a FROM customers c`},
		viewCase{name: "outer_aggregate", query: `SELECT o.customer_id, (SELECT count(*) FROM lines l WHERE l.qty > max(o.qty)) AS n, (SELECT min(e.l) FROM edges e WHERE e.r = count(o.note)) AS m FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "outer_aggregate_having", query: `SELECT o.customer_id FROM orders o GROUP BY o.customer_id HAVING EXISTS (SELECT FROM edges e WHERE e.l = count(*) FILTER (WHERE o.qty > 1)) OR max(o.qty) IN (SELECT sum(o.qty) FROM edges)`},
		viewCase{name: "outer_aggregate_deep", query: `SELECT o.customer_id, (SELECT (SELECT max(o.qty) + min(c.tier) FROM edges) FROM customers c WHERE c.id = o.customer_id GROUP BY c.id LIMIT 1) AS n FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "outer_aggregate_all", query: `SELECT (SELECT array_agg(l ORDER BY l) FROM edges WHERE l < sum(o.qty)) AS a FROM orders o`},
		viewCase{name: "group_by_sub", query: `SELECT (SELECT c.tier FROM customers c WHERE c.id = o.customer_id) AS t, count(*) AS n, sum(o.qty) AS s FROM orders o GROUP BY 1`},
		viewCase{name: "group_by_exists", query: `SELECT CASE WHEN EXISTS (SELECT FROM lines l WHERE l.order_id = o.id) THEN 'lines' ELSE 'none' END || coalesce(note, '') AS k, count(*) AS n, EXISTS (SELECT FROM edges WHERE l = max(o.id)) AS e FROM orders o GROUP BY CASE WHEN EXISTS (SELECT FROM lines l WHERE l.order_id = o.id) THEN 'lines' ELSE 'none' END, note`},
		viewCase{name: "group_by_sub_having", query: `SELECT o.qty IN (SELECT l FROM edges) AS a, o.day, count(*) AS n FROM orders o GROUP BY o.qty IN (SELECT l FROM edges), o.day HAVING o.qty IN (SELECT l FROM edges) IS NOT FALSE`},
		viewCase{name: "group_by_sub_sets", query: `SELECT (SELECT c.tier FROM customers c WHERE c.id = o.customer_id) AS t, o.qty, count(*) AS n, GROUPING(o.qty) AS g FROM orders o GROUP BY ROLLUP (1, o.qty)`},
		viewCase{name: "group_by_array_sub", query: `SELECT ARRAY(SELECT l FROM edges e WHERE e.r = o.qty ORDER BY l) AS t, count(*) AS n FROM orders o GROUP BY 1 ORDER BY 2`},
		viewCase{name: "array_sub_test", query: `SELECT c.id FROM customers c WHERE c.tier = ANY (ARRAY(SELECT o.qty FROM orders o WHERE o.customer_id = c.id)) OR ARRAY(SELECT l FROM edges WHERE r = c.id) = '{}'`},
		viewCase{name: "array_sub_aggregate", query: `SELECT region, array_length(ARRAY(SELECT id FROM orders o WHERE o.customer_id = max(c.id)), 1) AS n, count(*) AS c FROM customers c GROUP BY region`},
		viewCase{name: "array_sub_group", query: `SELECT c.tier, ARRAY(SELECT o.id FROM orders o WHERE o.qty = c.tier ORDER BY 1) AS a, count(*) AS n FROM customers c GROUP BY c.tier`},
	)
}

// Arrays of types that are carried as Postgres sends them.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "arrays_unread", query: `SELECT id, array_remove(ARRAY[ip, '10.0.0.1'::inet], ip) AS x, ARRAY[bits] || bits AS y, ARRAY[r, r] && ARRAY[r] AS u, ARRAY[pt, NULL] AS p FROM everything`},
		viewCase{name: "arrays_unread_grouped", query: `SELECT i4, array_agg(ip ORDER BY id) AS x, array_to_string(array_agg(r ORDER BY id), ',') AS y FROM everything GROUP BY 1`},
	)
}
