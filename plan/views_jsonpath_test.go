package plan_test

// Paths into jsonb, as constants and as values.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "path_exists", query: `SELECT id, jb @? '$.a' AS a, jb @@ '$.a == 1' AS b, jb @? '$.b[*] ? (@ > 1)' AS c, jsonb_path_exists(jb, '$.k.n') AS d FROM everything`},
		viewCase{name: "path_where", query: `SELECT id FROM everything WHERE jb @? '$.b[*] ? (@ == 2)' OR jb @@ '$.k.n like_regex "^É" flag "i"'`},
		viewCase{name: "path_query", query: `SELECT e.id, x FROM everything e, jsonb_path_query(e.jb, '$.b[*]') x`},
		viewCase{name: "path_query_left", query: `SELECT e.id, x.v, x.n FROM everything e LEFT JOIN LATERAL jsonb_path_query(e.jb, '$.*') WITH ORDINALITY x(v, n) ON true`},
		viewCase{name: "path_query_select", query: `SELECT e.id, jsonb_path_query(e.jb, 'strict $.a', silent => true) AS x FROM everything e`},
		viewCase{name: "path_query_vars", query: `SELECT e.id, x FROM everything e, jsonb_path_query(e.jb, '$.b[*] ? (@ > $min)', jsonb_build_object('min', coalesce(e.i4, 1) % 2)) x`},
		viewCase{name: "path_strict", query: `SELECT e.id, jsonb_path_query_array(e.jb, 'strict $.b[1 to last]') AS x FROM everything e WHERE e.id < 3`},
		viewCase{name: "path_value", query: `SELECT e.id, x.p, jsonb_path_query_first(e.jb, x.p) AS v FROM everything e, (VALUES ('$.a'::jsonpath), ('$.b[0]')) x(p)`},
		viewCase{name: "path_of_text", query: `SELECT e.id, jsonb_path_query_array(e.jb, CASE WHEN e.b THEN '$.a' ELSE ('$.' || coalesce(nullif(e.vc, ''), 'k'))::jsonpath END, silent => true) AS v FROM everything e WHERE e.vc ~ '^[a-z]*$'`},
		viewCase{name: "path_join", query: `SELECT o.id, e.id AS eid FROM orders o JOIN everything e ON jsonb_path_exists(e.jb, '$.b[*] ? (@ == $q)', jsonb_build_object('q', o.qty))`},
		viewCase{name: "path_group", query: `SELECT jsonb_path_query_first(jb, '$.a') AS a, count(*) AS n FROM everything GROUP BY 1`, loose: true},
		viewCase{name: "path_sub", query: `SELECT c.id, (SELECT count(*) FROM everything e, jsonb_path_query(e.jb, '$.b[*]') x WHERE x = to_jsonb(c.tier)) AS n FROM customers c`},
	)
}
