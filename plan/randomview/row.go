package randomview

// Rows without a type of their own, and whole rows of tables.
func init() {
	declare("bool", family{exprs: []string{
		"(ROW({x=int}, {y=text}) = ROW({int}, {text}))", "(ROW({int}, {text}, {date}) < ROW({int}, {text}, {date}))", "(ROW({int}, {text}) IS DISTINCT FROM ROW({int}, {text}))", "(ROW({int}, {text}) IS NULL)", "(ROW({int}, {text}) IS NOT NULL)",
		"(({int}, {text}) IN (({int}, {text}), (1, 'a'), (NULL, 'b')))", "(({int}, {bool}) NOT IN ((1, true), ({int}, {bool})))", "(ROW({int}, ROW({text}, {num})) = ROW({int}, ROW({text}, {num})))", "(ROW({pair}, {int}) >= ROW({pair}, {int}))",
		"((({int}, {int}) BETWEEN (0, 1) AND ({int}, 2)) IS TRUE)", "(ARRAY[ROW(({int})::int, ({text})::text)] = ARRAY[ROW(({int})::int, ({text})::text)])",
		"({int} BETWEEN SYMMETRIC {int} AND {int})", "({num} NOT BETWEEN SYMMETRIC {num} AND {int})", "(num_nulls({int}, {text}, {date}) > 1)",
	}})
	declare("json", family{exprs: []string{"to_jsonb(ROW({int}, {text}, {bool}))", "to_jsonb(ARRAY[ROW({int}, {text}), ROW(1, 'x')])"}, conds: []string{"(({json})['a'] = {json})", "(({json})['b'][0] IS NULL)"}})
	declare("text", family{exprs: []string{
		"ROW({int}, {text}, {bool})::text", "((ARRAY[[1, 2], [({int})::int, NULL]])[1:2][2:2])::text",
		"(SELECT string_agg(x.v, ',' ORDER BY x.n DESC) FROM xmltable('/r/e' PASSING xmlelement(name r, xmlelement(name e, {int}), xmlelement(name e, {bool})) COLUMNS n FOR ORDINALITY, v text PATH '.') x)",
	}})
	declare("pair", family{exprs: []string{"({pairs})[{int}]", "CASE WHEN {bool} THEN ROW({int}, 'x')::pair END"}})
	declare("list", family{exprs: []string{"({list})[2:]", "({list})[:({int})::int]", "array_append({list}, ({int})::int)", "string_to_array(nullif({int}::text, '') || ',7', ',')::int[]"}})
	declare("int", family{exprs: []string{"({list})[{int}]", "(ARRAY[[1, 2], [3, ({int})::int]])[2][2]", "num_nonnulls({int}, {text})", "CASE WHEN {x=num} <> 'NaN' THEN width_bucket({x}, 0, 10, 3) END"}, conds: []string{"({int} = ANY ({list} || 1))"}})
	declare("mood", family{exprs: []string{"(enum_range(NULL, {mood}))[1]", "(enum_range({mood}, 'happy'))[2]", "enum_first({mood})"}})
}
