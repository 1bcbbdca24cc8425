package plan_test

import "strings"

// Defaults of SQL/JSON that are not the same at all times: Postgres takes them as they are
// when a row has nothing at the path, or what has no value of the type.
func init() {
	const doc = `(ARRAY['{}', '{"a": null}', '{"a": [1, 2]}', '{"a": "x"}', '{"a": 7}', '[]', 'null', '{"a": [null]}', '[{"a": 3}, {"a": 4}]', '{"a": {"a": 1}}', '{"a": []}']::jsonb[])[1 + id % 11]`
	for name, query := range map[string]string{
		"json_default_empty": `SELECT id, JSON_VALUE(jsonb_strip_nulls(jsonb_build_object('d', d)), '$.d' RETURNING date DEFAULT now()::date ON EMPTY) AS x FROM events`,
		"json_default_value": `SELECT id, JSON_VALUE(%, '$.a' RETURNING int DEFAULT extract(day FROM now())::int ON EMPTY DEFAULT -extract(hour FROM now())::int ON ERROR) AS a,
			JSON_VALUE(%, 'strict $.a' RETURNING int DEFAULT extract(day FROM now())::int ON EMPTY) AS b, JSON_VALUE(%, 'strict $.a' DEFAULT now()::text ON ERROR) AS c,
			JSON_VALUE(%, '$.a[*]' RETURNING int DEFAULT 77 ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR) AS d, JSON_VALUE(%, '$.a[$n]' PASSING id % 3 AS n RETURNING text DEFAULT now()::text ON EMPTY DEFAULT 'e' ON ERROR) AS e FROM events`,
		"json_default_query": `SELECT id, JSON_QUERY(%, '$.a' DEFAULT to_jsonb(now()) ON EMPTY DEFAULT to_jsonb(extract(day FROM now())) ON ERROR) AS a, JSON_QUERY(%, '$.a[*]' RETURNING jsonb WITH CONDITIONAL WRAPPER DEFAULT to_jsonb(now()) ON EMPTY) AS b,
			JSON_QUERY(%, '$[*].a' RETURNING int DEFAULT extract(day FROM now())::int ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR) AS c, JSON_QUERY(%, '$.a' RETURNING text OMIT QUOTES EMPTY ARRAY ON EMPTY DEFAULT now()::text ON ERROR) AS d FROM events`,
		"json_default_fails": `SELECT id, JSON_VALUE(%, '$.a' RETURNING int NULL ON EMPTY DEFAULT 12 / (extract(minute FROM now())::int % 2) ON ERROR) AS a FROM events WHERE id % 11 < 6`,
		"json_default_error": `SELECT id, JSON_VALUE(%, '$.a' RETURNING int DEFAULT extract(day FROM now())::int ON EMPTY ERROR ON ERROR) AS a FROM events WHERE id % 11 IN (0, 1, 4, 5) OR ttl > 100`,
		"json_default_domain": `SELECT id, JSON_VALUE(%, '$.a' RETURNING app.few DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR) AS a, x.a AS b
			FROM events, JSON_TABLE(%, '$' COLUMNS (a app.few PATH '$.a' NULL ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR)) x`,
		"json_default_domain_fails": `SELECT id, JSON_VALUE(%, '$.a' RETURNING app.few DEFAULT extract(day FROM now())::int ON EMPTY) AS a FROM events`,
		"json_default_not_null": `SELECT id, JSON_VALUE(%, '$.a' RETURNING app.some DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT -extract(hour FROM now())::int ON ERROR) AS a,
			JSON_VALUE(%, 'strict $.a' RETURNING app.some DEFAULT 7 ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR) AS b, JSON_VALUE(%, '$.a[*]' RETURNING app.some DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT 3 ON ERROR) AS c,
			JSON_VALUE(%, '$.a[$n]' PASSING id % 3 AS n RETURNING app.some DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT -1 ON ERROR) AS d,
			JSON_QUERY(%, '$.a' RETURNING app.object DEFAULT to_jsonb(now()) ON EMPTY DEFAULT to_jsonb(extract(day FROM now())) ON ERROR) AS e, JSON_QUERY(%, '$.a[*]' RETURNING app.object WITH CONDITIONAL WRAPPER DEFAULT to_jsonb(now()) ON EMPTY EMPTY ARRAY ON ERROR) AS f,
			coalesce(JSON_VALUE(%, '$.b' RETURNING app.some DEFAULT extract(hour FROM now())::int ON EMPTY), 1) + 1 AS g FROM events`,
		// (Of a null behind another row, servers give what that one gave rise to.)
		"json_default_not_null_of_null":     `SELECT id, JSON_VALUE(nullif(ttl, ttl)::text::jsonb, 'strict $.a' RETURNING app.some DEFAULT 7 ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR) AS a FROM events WHERE id = (SELECT min(id) FROM events)`,
		"json_default_not_null_fails":       `SELECT id, JSON_VALUE(%, '$.a' RETURNING app.some DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT extract(minute FROM now())::int ON ERROR) AS a FROM events`,
		"json_default_not_null_fails_early": `SELECT id, JSON_VALUE(%, '$.a' RETURNING app.some DEFAULT extract(hour FROM now())::int ON EMPTY ERROR ON ERROR) AS a FROM events WHERE id % 11 IN (0, 1) OR ttl > 100`,
		"json_table_default_not_null": `SELECT id, x.* FROM events, JSON_TABLE(jsonb_build_array(%, %, id), '$[*]' PASSING id % 3 AS n COLUMNS (n FOR ORDINALITY, a app.some PATH '$.a' DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT -extract(hour FROM now())::int ON ERROR,
			b app.some PATH 'strict $.a' DEFAULT 7 ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR, c app.object PATH '$.a' DEFAULT to_jsonb(now()) ON EMPTY DEFAULT to_jsonb(now()) ON ERROR, d app.some PATH '$.a[$n]' DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT 1 ON ERROR)) x`,
		"json_table_default_not_null_nested": `SELECT e.id, x.* FROM events e LEFT JOIN JSON_TABLE(jsonb_build_object('k', (%), 'm', jsonb_build_array((%), e.id)), '$' COLUMNS (
			NESTED '$.k[*]' COLUMNS (i app.some PATH '$.a' DEFAULT extract(hour FROM now())::int ON EMPTY DEFAULT extract(hour FROM now())::int ON ERROR), NESTED '$.m[*]' COLUMNS (q FOR ORDINALITY, k app.some PATH '$.a' DEFAULT -extract(hour FROM now())::int ON EMPTY DEFAULT 2 ON ERROR))) AS x ON x.i > 0 OR x.i IS NULL`,
		"json_table_default_not_null_fails": `SELECT id, x.a FROM events, JSON_TABLE(%, '$' COLUMNS (a app.some PATH '$.a' DEFAULT extract(minute FROM now())::int ON EMPTY DEFAULT 3 ON ERROR)) x`,
		"json_default_row": `SELECT id, JSON_QUERY(%, '$.a' RETURNING people DEFAULT jsonb_populate_record(NULL::people, jsonb_build_object('id', 1, 'seen', now())) ON EMPTY DEFAULT jsonb_populate_record(NULL::people, jsonb_build_object('seen', now())) ON ERROR)::text AS a,
			x.a::text AS b, (x.a).seen FROM events, JSON_TABLE(%, '$' COLUMNS (a people PATH '$.a' DEFAULT jsonb_populate_record(NULL::people, jsonb_build_object('id', 1, 'seen', now())) ON EMPTY)) x`,
		"json_table_default": `SELECT id, x.* FROM events, JSON_TABLE(jsonb_build_array(%, %), '$[*]' COLUMNS (n FOR ORDINALITY, found_1 int PATH '$.a' DEFAULT extract(day FROM now())::int ON EMPTY DEFAULT -extract(hour FROM now())::int ON ERROR,
			b text PATH 'strict $.a' DEFAULT now()::text ON ERROR, c jsonb PATH '$.a' DEFAULT to_jsonb(now()) ON EMPTY, d int PATH '$.a[*]' DEFAULT 77 ON EMPTY NULL ON ERROR, e bool EXISTS PATH '$.a')) x`,
		"json_table_default_nested": `SELECT e.id, x.*, x::text AS whole FROM events e LEFT JOIN JSON_TABLE(jsonb_build_object('k', (%), 'm', jsonb_build_array((%), e.id)), '$' PASSING e.id % 3 AS n COLUMNS (
			a date PATH '$.k.a' DEFAULT now()::date ON EMPTY DEFAULT now()::date - 1 ON ERROR, NESTED '$.k[*]' COLUMNS (i int PATH '$.a' DEFAULT extract(day FROM now())::int ON EMPTY, j text FORMAT JSON PATH '$.a' OMIT QUOTES DEFAULT now()::text ON EMPTY),
			NESTED '$.m[*]' COLUMNS (q FOR ORDINALITY, k int[] PATH '$.a' WITH WRAPPER DEFAULT string_to_array(extract(day FROM now())::text, ',')::int[] ON ERROR, v timestamptz PATH '$.a[$n]' DEFAULT now() ON EMPTY DEFAULT now() - interval '1 day' ON ERROR))) AS x ON x.i > 0 OR x.i IS NULL`,
		"json_table_default_of_nothing": `SELECT x.a, count(*) AS n FROM JSON_TABLE(jsonb '[{}, {"a": "2024-02-03"}, {"a": []}]', '$[*]' COLUMNS (a date PATH '$.a' DEFAULT now()::date ON EMPTY DEFAULT now()::date + 1 ON ERROR)) x LEFT JOIN events e ON e.d < x.a GROUP BY x.a`,
		"json_table_default_fails":      `SELECT id, x.a FROM events, JSON_TABLE(%, '$' COLUMNS (a int PATH '$.a' DEFAULT 12 / (extract(minute FROM now())::int % 2) ON EMPTY)) x WHERE id % 11 < 6`,
		"json_table_null_document":      `SELECT id, x.a FROM events LEFT JOIN JSON_TABLE(CASE WHEN id % 2 = 0 THEN jsonb '{"b": 1}' END, '$' COLUMNS (a text PATH '$.a' DEFAULT now()::text ON EMPTY)) x ON true`,
	} {
		clockCases = append(clockCases, viewCase{name: name, query: strings.NewReplacer("(%,", "("+doc+",", "(%)", "("+doc+")", " %)", " "+doc+")", " %, id", " "+doc+", id").Replace(query), since: 17})
	}
}
