package plan_test

// What makes JSON and what asks whether a text is JSON. A key that is NULL, or comes
// twice WITH UNIQUE KEYS, is an error in the data.
func init() {
	const texts = `(SELECT id, qty, note, CASE qty WHEN 0 THEN '{"a": 1, "a": 2}' WHEN 1 THEN '[1, {"b": {"c": 1, "c": 1}}]' WHEN 2 THEN '"x' WHEN 3 THEN ' 12e1 ' WHEN 4 THEN '' WHEN 5 THEN 'null' WHEN 7 THEN '{"é": ["\u00e9"]}' ELSE note END AS x FROM orders)`
	for since, cases := range map[int][]viewCase{
		16: {
			{name: "json_object_keys", query: `SELECT id, JSON_OBJECT('id': id, 'name': name, region VALUE tier ABSENT ON NULL) AS j, JSON_OBJECT(id: region, tier + 10: name NULL ON NULL RETURNING jsonb) AS b FROM customers WHERE region IS NOT NULL AND tier IS NOT NULL`},
			{name: "json_object_empty", query: `SELECT id, JSON_OBJECT() AS j, JSON_OBJECT(RETURNING jsonb) AS b, JSON_ARRAY() AS a, JSON_ARRAY(RETURNING text) AS t FROM customers`},
			{name: "json_object_null_key", query: `SELECT id, JSON_OBJECT(note: qty) AS j FROM orders WHERE id IN (1, 2, 3)`},
			{name: "json_object_unique", query: `SELECT id, JSON_OBJECT(qty % 3: 1, customer_id % 3: 2 WITH UNIQUE KEYS) AS j FROM orders WHERE id IN (1, 2) AND qty IS NOT NULL AND customer_id IS NOT NULL`},
			{name: "json_object_unique_jsonb", query: `SELECT id, JSON_OBJECT('x': customer_id, 'b': 1, coalesce(note, 'n'): 2 ABSENT ON NULL WITH UNIQUE KEYS RETURNING jsonb) AS j FROM orders WHERE id < 3`},
			{name: "json_object_types", query: `SELECT id, JSON_OBJECT('b': b, 'i': i8, 'f4': f4, 'f8': f8, 'n': n, 'n2': n2, 't': tx, 'c': bp, 'y': ba, 'u': u, 'd': d, 'ts': ts, 'tz': tsz, 'iv': iv, 'e': en, 'ip': ip, 'r': r, 'p': pt, 'w': bits ABSENT ON NULL) AS j, JSON_ARRAY(ai, at, jb, js, dm, t, tz NULL ON NULL RETURNING jsonb) AS a FROM everything`},
			{name: "json_object_rows", query: `SELECT id, JSON_OBJECT('p': p, 's': s, 'ps': ps, 'g': g) AS j, JSON_ARRAY(t, ROW(k, w)) AS a FROM things t`},
			{name: "json_object_format", query: `SELECT id, JSON_OBJECT('a': jb::text FORMAT JSON, 'b': jb::text, 'c': JSON_OBJECT('d': JSON_ARRAY(js, 1)), 'e': convert_to(js::text, 'utf8') FORMAT JSON ENCODING UTF8) AS j FROM everything`},
			{name: "json_object_bad_format", query: `SELECT id, JSON_ARRAY(note FORMAT JSON) AS j FROM orders WHERE id = 1`},
			{name: "json_object_returning", query: `SELECT id, JSON_OBJECT('q': qty RETURNING text) AS t, JSON_OBJECT('n': note RETURNING bytea) AS b, JSON_ARRAY(note, qty RETURNING varchar) AS v, length(JSON_ARRAY(qty RETURNING text)) AS l FROM orders`},
			{name: "json_object_returning_short", query: `SELECT id, JSON_ARRAY(note, id RETURNING varchar(10)) AS v FROM orders WHERE id < 4`},
			{name: "json_array_null", query: `SELECT id, JSON_ARRAY(qty, note, day) AS a, JSON_ARRAY(qty, note, NULL NULL ON NULL) AS b, JSON_ARRAY(NULL) AS c FROM orders`},
			{name: "json_array_select", query: `SELECT c.id, JSON_ARRAY(SELECT o.qty FROM orders o WHERE o.customer_id = c.id AND o.qty = 1) AS a, JSON_ARRAY(SELECT 7 FROM edges RETURNING jsonb) AS b FROM customers c`},
			{name: "json_array_select_order", query: `SELECT c.id, JSON_ARRAY(SELECT o.id FROM orders o WHERE o.customer_id <> c.id ORDER BY o.qty DESC NULLS FIRST, o.id DESC) AS a, JSON_ARRAY(SELECT note FROM orders o ORDER BY note COLLATE "C" RETURNING text) AS b FROM customers c`},
			{name: "json_array_select_top", query: `SELECT c.id, JSON_ARRAY(SELECT o.id FROM orders o WHERE o.id > c.id ORDER BY o.id DESC LIMIT 2) AS a FROM customers c`},
			{name: "json_array_select_groups", query: `SELECT JSON_ARRAY(SELECT JSON_OBJECT('k': qty, 'n': count(*)) FROM orders GROUP BY qty ORDER BY count(*), qty) AS a, JSON_ARRAY(SELECT DISTINCT qty FROM orders ORDER BY qty DESC) AS b, JSON_ARRAY(SELECT l FROM edges UNION SELECT id FROM customers ORDER BY 1) AS c`},
			{name: "json_arrayagg", query: `SELECT customer_id, JSON_ARRAYAGG(qty ORDER BY id) AS a, JSON_ARRAYAGG(note ORDER BY id DESC NULL ON NULL RETURNING jsonb) AS b, JSON_ARRAYAGG(id ORDER BY id RETURNING text) FILTER (WHERE qty > 1) AS c FROM orders GROUP BY customer_id`},
			{name: "json_arrayagg_all", query: `SELECT JSON_ARRAYAGG(id ORDER BY qty, id) AS a, JSON_ARRAYAGG(JSON_OBJECT('n': note) ORDER BY id RETURNING bytea) AS b, JSON_ARRAYAGG(id ORDER BY id) FILTER (WHERE qty > 100) AS c FROM orders`},
			{name: "json_arrayagg_having", query: `SELECT qty FROM orders GROUP BY qty HAVING length(JSON_ARRAYAGG(note ORDER BY id RETURNING text)) > 8`},
			{name: "json_objectagg", query: `SELECT customer_id, JSON_OBJECTAGG(id: qty RETURNING jsonb) AS a, JSON_OBJECTAGG(('k' || id) VALUE note ABSENT ON NULL RETURNING jsonb) AS b, JSON_OBJECTAGG(id: note WITH UNIQUE KEYS RETURNING jsonb) FILTER (WHERE qty > 1) AS c FROM orders GROUP BY customer_id`},
			{name: "json_objectagg_unique", query: `SELECT JSON_OBJECTAGG(qty % 3: 0 WITH UNIQUE KEYS RETURNING jsonb) AS j FROM orders WHERE id IN (1, 2) AND qty IS NOT NULL`},
			{name: "json_objectagg_unique_absent", query: `SELECT JSON_OBJECTAGG(id % 7: qty ABSENT ON NULL WITH UNIQUE KEYS RETURNING jsonb) AS j FROM orders WHERE id IN (0, 7) OR note = 'x'`},
			{name: "json_objectagg_null_key", query: `SELECT JSON_OBJECTAGG(CASE WHEN qty > 0 THEN id END: id RETURNING jsonb) AS j FROM orders WHERE id IN (2, 3)`},
			{name: "json_objectagg_single", query: `SELECT id, JSON_OBJECTAGG(coalesce(note, '-'): qty) AS a, JSON_OBJECTAGG(id: qty ABSENT ON NULL) AS b, JSON_OBJECTAGG(id: qty RETURNING varchar(40)) AS c FROM orders GROUP BY id, qty`},
			{name: "json_objectagg_outer", query: `SELECT c.id, (SELECT JSON_OBJECTAGG(o.id: c.tier RETURNING jsonb) FROM orders o WHERE o.qty > c.tier) AS j, (SELECT JSON_OBJECT('max': max(o.id), 'tier': c.tier) FROM orders o WHERE o.customer_id = c.id) AS k FROM customers c`},
			{name: "json_in_group", query: `SELECT JSON_OBJECT('q': qty RETURNING text) AS j, count(*) AS n FROM orders GROUP BY JSON_OBJECT('q': qty RETURNING text)`},
			{name: "json_is", query: `SELECT id, x IS JSON AS a, x IS JSON VALUE AS b, x IS JSON SCALAR AS c, x IS JSON ARRAY AS d, x IS JSON OBJECT AS e, x IS NOT JSON AS f, x IS JSON WITH UNIQUE KEYS AS g, x IS NOT JSON OBJECT WITH UNIQUE KEYS AS h FROM ` + texts + ` t`},
			{name: "json_is_types", query: `SELECT id, js IS JSON OBJECT AS a, jb IS JSON SCALAR AS b, jb IS JSON ARRAY WITH UNIQUE KEYS AS c, at[1] IS JSON AS d, convert_to(tx, 'utf8') IS JSON AS e FROM everything`},
			{name: "json_is_where", query: `SELECT id, x::jsonb AS j FROM ` + texts + ` t WHERE CASE WHEN x IS JSON THEN x::jsonb <> '12' END`},
			{name: "json_is_bytes", query: `SELECT id, ba IS JSON AS j FROM everything WHERE id = 1`},
		},
		17: {
			{name: "json_parse", query: `SELECT id, JSON(x) AS j, JSON(x WITH UNIQUE KEYS) #> '{}' AS u, JSON(convert_to(x, 'utf8') FORMAT JSON ENCODING UTF8) ->> 0 AS b FROM ` + texts + ` t WHERE x IS JSON WITH UNIQUE KEYS`},
			{name: "json_parse_unique", query: `SELECT id, JSON(x WITH UNIQUE KEYS) AS j FROM ` + texts + ` t WHERE id < 4 AND qty IN (0, 3, 7)`},
			{name: "json_scalar", query: `SELECT id, JSON_SCALAR(i4) AS i, JSON_SCALAR(n) AS n, JSON_SCALAR(f8) AS f, JSON_SCALAR(tx) AS t, JSON_SCALAR(b) AS b, JSON_SCALAR(d) AS d, JSON_SCALAR(tsz) AS z, JSON_SCALAR(NULL) AS x FROM everything`},
			{name: "json_serialize", query: `SELECT id, JSON_SERIALIZE(js) AS a, JSON_SERIALIZE(jb RETURNING bytea) AS b, JSON_SERIALIZE(jb::text FORMAT JSON RETURNING varchar) AS c, JSON_SERIALIZE(JSON_OBJECT('a': at)) AS d FROM everything`},
			{name: "json_serialize_short", query: `SELECT id, JSON_SERIALIZE(js RETURNING varchar(9)) AS a FROM everything WHERE id < 3`},
			{name: "json_path_methods", query: `SELECT id, JSON_VALUE(jb, '$.a.string()') AS s, JSON_VALUE(jb, '$.a.number()') AS n, JSON_QUERY(jb, '$.b[*].boolean()' WITH WRAPPER) AS b, JSON_VALUE(jb, '$.a.decimal(4, 1)') AS d, JSON_VALUE(JSON_SCALAR(d), '$.date()' RETURNING date) AS day, JSON_VALUE(JSON_SCALAR(ts), '$.timestamp(0)' RETURNING timestamp) AS ts, JSON_VALUE(jb, '$.a.bigint()' RETURNING int8) + 1 AS i FROM everything WHERE jb IS NOT NULL AND d IS NOT NULL AND ts IS NOT NULL`},
			{name: "json_in_json_table", query: `SELECT o.id, x.* FROM orders o, JSON_TABLE(JSON_OBJECT('n': o.note, 'q': JSON_ARRAY(o.qty, o.id)), '$' COLUMNS (n text PATH '$.n', NESTED '$.q[*]' COLUMNS (q int PATH '$'))) x`},
		},
	} {
		for _, c := range cases {
			c.since = since
			viewCases = append(viewCases, c)
		}
	}
}
