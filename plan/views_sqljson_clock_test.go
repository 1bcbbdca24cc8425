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
	} {
		clockCases = append(clockCases, viewCase{name: name, query: strings.ReplaceAll(query, "(%,", "("+doc+","), since: 17})
	}
}
