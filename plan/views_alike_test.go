package plan_test

// Rows of different fields that are grouped, told apart and sorted: as long as no two have to be compared whose
// types differ.
func init() {
	const disjoint = `(SELECT id, qty, customer_id, CASE WHEN qty > 1 THEN ROW(id, qty) WHEN qty = 1 THEN ROW(id + 100, note::text) END AS x FROM orders)`
	const meeting = `(SELECT id, qty, customer_id, CASE WHEN qty > 1 THEN ROW(id / 3, qty) ELSE ROW(id / 3, trim_scale(amount)) END AS x FROM orders WHERE id < 5)`
	viewCases = append(viewCases,
		viewCase{name: "alike_distinct", query: `SELECT x::text AS x FROM (SELECT DISTINCT x FROM ` + disjoint + ` y) z`},
		viewCase{name: "alike_distinct_meet", query: `SELECT x::text AS x FROM (SELECT DISTINCT x FROM ` + meeting + ` y) z`},
		viewCase{name: "alike_distinct_width", query: `SELECT x::text AS x FROM (SELECT DISTINCT CASE WHEN qty > 1 THEN ROW(id) ELSE ROW(id / 2, qty) END AS x FROM orders WHERE id < 3) z`},
		viewCase{name: "alike_group", query: `SELECT x::text AS x, count(*) AS n, max(id) AS m FROM ` + disjoint + ` y GROUP BY y.x`},
		viewCase{name: "alike_group_meet", query: `SELECT x::text AS x, count(*) AS n FROM ` + meeting + ` y GROUP BY y.x HAVING count(*) > 0`},
		viewCase{name: "alike_group_two", query: `SELECT qty > 1 AS q, x::text AS x, count(*) AS n FROM ` + disjoint + ` y GROUP BY 1, y.x`},
		viewCase{name: "alike_group_names", query: `SELECT x::text AS x, count(*) AS n FROM (SELECT ROW(id, tier) AS x FROM customers UNION ALL SELECT e FROM (SELECT l, r::int2 FROM edges WHERE r BETWEEN 0 AND 9) e) y GROUP BY y.x`},
		viewCase{name: "alike_sets", query: `SELECT x::text AS x, q, count(*) AS n, GROUPING(y.x) AS g FROM (SELECT x, qty > 1 AS q FROM ` + disjoint + ` z) y GROUP BY ROLLUP (q, y.x)`},
		viewCase{name: "alike_sets_cube", query: `SELECT x::text AS x, q, count(*) AS n FROM (SELECT x, qty > 1 AS q FROM ` + disjoint + ` z) y GROUP BY CUBE (y.x, q)`},
		viewCase{name: "alike_sets_meet", query: `SELECT x::text AS x, q, count(*) AS n FROM (SELECT x, qty > 1 AS q FROM ` + meeting + ` z) y GROUP BY GROUPING SETS ((y.x), (q))`},
		viewCase{name: "alike_union", query: `SELECT x::text AS x FROM (SELECT ROW(id, qty) AS x FROM orders UNION SELECT ROW(id + 100, name) FROM customers WHERE id >= 0) z`},
		viewCase{name: "alike_union_meet", query: `SELECT x::text AS x FROM (SELECT ROW(id, qty) AS x FROM orders UNION SELECT ROW(id, name) FROM customers) z`},
		viewCase{name: "alike_except", query: `SELECT x::text AS x FROM (SELECT x FROM ` + disjoint + ` y EXCEPT SELECT ROW(id, 2) FROM orders) z`},
		viewCase{name: "alike_intersect_all", query: `SELECT x::text AS x FROM (SELECT x FROM ` + disjoint + ` y INTERSECT ALL SELECT ROW(id, qty) FROM orders) z`},
		viewCase{name: "alike_first", query: `SELECT x::text AS x, id FROM (SELECT x, id FROM ` + disjoint + ` y ORDER BY x DESC, id LIMIT 3) z`},
		viewCase{name: "alike_first_meet", query: `SELECT x::text AS x FROM (SELECT x FROM ` + meeting + ` y ORDER BY x LIMIT 50) z`},
		viewCase{name: "alike_first_after", query: `SELECT x::text AS x, q FROM (SELECT qty > 1 AS q, x, id FROM ` + disjoint + ` y ORDER BY 1, x NULLS FIRST, id LIMIT 4) z`},
		viewCase{name: "alike_distinct_on", query: `SELECT x::text AS x, id FROM (SELECT DISTINCT ON (x) x, id FROM ` + disjoint + ` y ORDER BY x, id DESC) z`},
		viewCase{name: "alike_window", query: `SELECT id, rank() OVER (ORDER BY x) AS a, count(*) OVER (PARTITION BY x) AS b, row_number() OVER (PARTITION BY customer_id ORDER BY x DESC, id) AS c FROM ` + disjoint + ` y`},
		viewCase{name: "alike_window_meet", query: `SELECT id, rank() OVER (ORDER BY x) AS a FROM ` + meeting + ` y`},
		viewCase{name: "alike_window_partition_meet", query: `SELECT id, count(*) OVER (PARTITION BY x) AS a FROM ` + meeting + ` y`},
		viewCase{name: "alike_nested", query: `SELECT x::text AS x, count(*) AS n FROM (SELECT ROW(qty > 1, CASE WHEN qty > 1 THEN ROW(qty) ELSE ROW(note::text) END) AS x FROM orders) y GROUP BY y.x`},
		viewCase{name: "alike_nested_meet", query: `SELECT x::text AS x, count(*) AS n FROM (SELECT ROW(id / 3, CASE WHEN qty > 1 THEN ROW(qty) ELSE ROW(trim_scale(amount)) END) AS x FROM orders WHERE id < 6) y GROUP BY y.x`},
		viewCase{name: "alike_arrays", query: `SELECT x::text AS x, count(*) AS n FROM (SELECT CASE WHEN qty > 1 THEN ARRAY[ROW(1, qty), ROW(id, qty)] WHEN qty = 1 THEN ARRAY[ROW(2, note::text), NULL] ELSE '{}' END AS x FROM orders) y GROUP BY y.x`},
		viewCase{name: "alike_collated", query: `SELECT x::text AS x, n FROM (SELECT x, count(*) AS n FROM (SELECT CASE WHEN qty > 1 THEN ROW(1, note COLLATE "en-x-icu") ELSE ROW(2, day) END AS x FROM orders) y GROUP BY y.x ORDER BY x LIMIT 5) z`},
		viewCase{name: "alike_lateral", query: `SELECT c.id, z.x::text AS x FROM customers c, LATERAL (SELECT DISTINCT x FROM ` + disjoint + ` y WHERE y.customer_id = c.id) z`},
		viewCase{name: "alike_lateral_meet", query: `SELECT c.id, z.n FROM customers c, LATERAL (SELECT count(*) AS n FROM (SELECT DISTINCT CASE WHEN qty > 1 THEN ROW(c.id, qty) ELSE ROW(c.id, trim_scale(amount)) END AS x FROM orders o WHERE o.customer_id = c.id) y) z`},
	)
}
