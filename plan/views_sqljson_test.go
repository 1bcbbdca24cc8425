package plan_test

// The query functions of SQL/JSON. What Postgres makes of a document that is NULL can
// depend on the row before it, so those are left out where something else than NULL is
// asked for.
func init() {
	for _, c := range []viewCase{
		{name: "json_table", query: `SELECT e.id, x.* FROM everything e, JSON_TABLE(e.jb, '$.b[*]' COLUMNS (n FOR ORDINALITY, v int PATH '$', t text PATH '$')) x`},
		{name: "json_table_all", query: `SELECT e.id, x.* FROM everything e, JSON_TABLE(e.jb, 'strict $.b[*] ? (@ > $q || @ == null)' PASSING e.i4 AS q, 3 AS "R r" COLUMNS (n FOR ORDINALITY, v int PATH '$' DEFAULT 1 + 1 ON EMPTY NULL ON ERROR, has bool EXISTS PATH '$.x', has2 int EXISTS PATH 'strict $.x' TRUE ON ERROR, j jsonb PATH '$' WITH WRAPPER, t text FORMAT JSON PATH '$' OMIT QUOTES, c varchar(4) PATH '$.missing' DEFAULT 'it''s' ON EMPTY)) x`},
		{name: "json_table_nested", query: `SELECT e.id, x.* FROM everything e, JSON_TABLE(jsonb_build_object('l', e.jb, 'i', e.ai, 'k', jsonb_build_array(jsonb_build_object('m', e.at), jsonb_build_object('m', e.i4))), '$' AS root COLUMNS (kind text PATH '$.l.type()', NESTED PATH '$.k[*]' AS k COLUMNS (z jsonb PATH '$.m', NESTED '$.m[*]' COLUMNS (y text PATH '$')), NESTED '$.i[*]' COLUMNS (nn FOR ORDINALITY, i int PATH '$'))) x`},
		{name: "json_table_left", query: `SELECT e.id, x.a FROM everything e LEFT JOIN JSON_TABLE(e.js, '$' COLUMNS (a int PATH '$.a')) x ON x.a > 0`},
		{name: "json_table_error", query: `SELECT e.id, x.a FROM everything e, JSON_TABLE(e.jb, 'strict $.a' COLUMNS (a int PATH '$') ERROR ON ERROR) x WHERE e.id = 1`},
		{name: "json_table_text", query: `SELECT o.id, x.* FROM orders o, JSON_TABLE('{"n": "' || o.note || '", "d": "' || o.day || '"}', '$' COLUMNS (n text, d date, q jsonb PATH '$.*' WITH CONDITIONAL WRAPPER EMPTY ARRAY ON EMPTY)) x WHERE o.note <> ''`},
		{name: "json_table_group", query: `SELECT x.v, count(*) AS n FROM everything e, JSON_TABLE(e.jb, '$.b[*]' COLUMNS (v numeric PATH '$')) x GROUP BY x.v`},
		{name: "json_table_sub", query: `SELECT c.id, (SELECT sum(x.v) FROM everything e, JSON_TABLE(e.jb, '$.b[*]' PASSING c.tier AS t COLUMNS (v int PATH '$ ? (@ <> $t)')) x) AS s FROM customers c`},
		{name: "json_exists", query: `SELECT id, JSON_EXISTS(jb, '$.a') AS a, JSON_EXISTS(jb, 'strict $.b[5]' ERROR ON ERROR) IS NULL AS b, JSON_EXISTS(js, 'strict $.a' UNKNOWN ON ERROR) AS c FROM everything WHERE js IS NOT NULL AND (jb @? '$.b[5]' OR jb IS NULL)`},
		{name: "json_value", query: `SELECT id, JSON_VALUE(jb, '$.a') AS a, JSON_VALUE(jb, '$.a' RETURNING int DEFAULT -1 ON EMPTY) AS b, JSON_VALUE(jb, '$.b[$i]' PASSING i2 AS i RETURNING numeric(4,1)) AS c, JSON_VALUE(jb, 'strict $.k.n' DEFAULT 'no' ON ERROR) AS d FROM everything WHERE jb IS NOT NULL`},
		{name: "json_query", query: `SELECT id, JSON_QUERY(jb, '$.b') AS a, JSON_QUERY(jb, '$.b[*]' WITH WRAPPER) AS b, JSON_QUERY(jb, '$.k.n' RETURNING text OMIT QUOTES) AS c, JSON_QUERY(js, '$.b' RETURNING int[] EMPTY ARRAY ON EMPTY) AS d, JSON_QUERY(jb, '$.a' WITH CONDITIONAL WRAPPER EMPTY OBJECT ON EMPTY) AS e FROM everything WHERE jb IS NOT NULL AND js IS NOT NULL`},
		{name: "json_value_error", query: `SELECT id, JSON_VALUE(jb, '$.b' RETURNING int ERROR ON ERROR) AS v FROM everything`},
		{name: "json_value_path", query: `SELECT id, JSON_VALUE(jb, CASE WHEN b THEN '$.a' ELSE '$.b[0]' END::jsonpath) AS v FROM everything`},
	} {
		c.since = 17
		viewCases = append(viewCases, c)
	}
}

// Domains that NULL is no value of: of a document that is NULL, there is what there is ON ERROR. (ON EMPTY is
// the same here, since servers may give that, if the row before gave rise to it.)
func init() {
	viewCases = append(viewCases,
		viewCase{name: "json_value_not_null", since: 17, query: `SELECT id, JSON_VALUE(jb, '$.a' RETURNING app.given DEFAULT 7 ON EMPTY DEFAULT 7 ON ERROR) AS a, JSON_QUERY(jb, '$.a' RETURNING app.given DEFAULT 8 ON EMPTY DEFAULT 8 ON ERROR) AS b FROM everything`},
		viewCase{name: "json_value_not_null_strict", since: 17, query: `SELECT id, JSON_VALUE(CASE WHEN qty > 1 THEN jsonb '{"a": null}' END, 'strict $.a' RETURNING app.given DEFAULT 9 ON EMPTY DEFAULT 9 ON ERROR) AS c FROM orders`},
		viewCase{name: "json_value_not_null_fails", since: 17, query: `SELECT id, JSON_VALUE(CASE WHEN qty IS NOT NULL THEN jsonb '{"a": 3}' END, '$.a' RETURNING app.given DEFAULT 7 ON EMPTY ERROR ON ERROR) AS a FROM orders WHERE qty > 1 OR qty IS NULL AND id < 2`},
	)
}
