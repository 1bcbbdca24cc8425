package randomview

// Documents and paths in them.
func init() {
	declare("json", family{
		constants: []string{`'{"a": 1}'::jsonb`, `'[1, 2]'::jsonb`, "NULL::jsonb", "'null'::jsonb"},
		exprs: []string{
			"({json} -> 'a')", "({json} -> 0)", "({json} -> -1)", "({json} #> '{b,0}')", "to_jsonb({int})", "to_jsonb({text})", "to_jsonb({bool})", "to_jsonb({date})", "to_jsonb({list})", "to_jsonb({pair})", "to_jsonb({tstz})",
			"jsonb_build_object('a', {int})", "jsonb_build_object('a', {text}, 'b', {json})", "jsonb_build_array({json}, {int})", "jsonb_strip_nulls({json})", "jsonb_set(jsonb_build_object('a', {json}), ARRAY['b'], {json})",
			"CASE jsonb_typeof({x=json}) WHEN 'object' THEN {x} || {json} END", "CASE jsonb_typeof({x=json}) WHEN 'object' THEN {x} - 'a' END", "CASE jsonb_typeof({x=json}) WHEN 'array' THEN {x} - 1 END", "CASE jsonb_typeof({x=json}) WHEN 'array' THEN {x} || {json} END",
			"jsonb_path_query_array({json}, '$.b[*]')", "jsonb_path_query_first({json}, '$.**.a')", "jsonb_path_query_array({json}, 'lax $[*] ? (@ > $x)', jsonb_build_object('x', {int}))",
			"(SELECT jsonb_object_agg(k, v ORDER BY k) FROM jsonb_each(CASE jsonb_typeof({x=json}) WHEN 'object' THEN {x} END) e(k, v))",
		},
		conds: []string{
			"({json} ? 'a')", "({json} @> '[1]')", "({json} @> {json})", "({json} <@ {json})", "({json} ?| ARRAY['a', 'x'])", "({json} ?& ARRAY['a', 'b'])", "({json} @? '$.a')", "({json} @@ '$.a > 0')", "jsonb_path_exists({json}, '$[*] ? (@ == 2)')",
			"jsonb_path_match({json}, 'exists($.b)')", "(jsonb_typeof({json}) = 'array')",
		},
	})
	declare("int", family{exprs: []string{
		"CASE jsonb_typeof({json}) WHEN 'array' THEN 1 WHEN 'object' THEN 2 END", "CASE jsonb_typeof({x=json}) WHEN 'array' THEN jsonb_array_length({x}) END", "CASE jsonb_typeof({x=json}) WHEN 'number' THEN ({x})::int END",
	}})
	declare("text", family{exprs: []string{"({json} ->> 'a')", "({json} ->> 1)", "({json} #>> ARRAY['b', '2'])", "jsonb_typeof({json})", "({json})::text", "jsonb_pretty({json})"}})
}
