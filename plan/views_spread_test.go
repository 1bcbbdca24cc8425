package plan_test

// Set-returning functions.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "unnest_lateral", query: `SELECT e.id, x FROM everything e, unnest(e.ai) x`},
		viewCase{name: "unnest_left", query: `SELECT e.id, x.v, x.n FROM everything e LEFT JOIN LATERAL unnest(e.at) WITH ORDINALITY AS x(v, n) ON true`},
		viewCase{name: "unnest_select", query: `SELECT id, unnest(ai) AS v FROM everything`},
		viewCase{name: "srf_side_by_side", query: `SELECT id, unnest(ai) AS a, unnest(at) AS b, id + 1 AS c FROM everything`},
		viewCase{name: "generate_series", query: `SELECT o.id, g FROM orders o, generate_series(1, o.qty) g WHERE o.qty < 10`},
		viewCase{name: "generate_constant", query: `SELECT g, o.id FROM generate_series(1, 5) g LEFT JOIN orders o ON o.qty = g`},
		viewCase{name: "rows_from", query: `SELECT e.id, x.a, x.b, x.ordinality FROM everything e, ROWS FROM (unnest(e.ai), generate_series(1, 2)) WITH ORDINALITY AS x(a, b)`},
		viewCase{name: "jsonb_elements", query: `SELECT e.id, x FROM everything e, jsonb_array_elements(CASE WHEN jsonb_typeof(e.jb->'b') = 'array' THEN e.jb->'b' ELSE '[]' END) x`},
		viewCase{name: "regexp_split", query: `SELECT e.id, w, count(*) AS n FROM everything e, regexp_split_to_table(e.tx, ' ') w GROUP BY 1, 2`},
		viewCase{name: "scalar_in_from", query: `SELECT o.id, u FROM orders o, upper(o.note) u`},
		viewCase{name: "srf_groups", query: `SELECT x, count(*) AS n FROM (SELECT unnest(ai) AS x FROM everything) s GROUP BY x`},
		viewCase{name: "srf_in_sublink", query: `SELECT e.id, (SELECT sum(x) FROM unnest(e.ai) x) AS s, 2 IN (SELECT unnest(e.ai)) AS has FROM everything e`},
		viewCase{name: "srf_aggregate", query: `SELECT customer_id, generate_series(1, count(*)::int) AS g FROM orders GROUP BY customer_id`},
	)
}
