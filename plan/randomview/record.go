package randomview

// Composite values and arrays of them, enums, domains.
func init() {
	declare("pair", family{
		constants: []string{"ROW(1, 'a')::pair", "ROW(NULL, NULL)::pair", "NULL::pair"},
		exprs:     []string{"ROW({int}, {text})::pair", "({pairs})[1]", "jsonb_populate_record({pair}, CASE jsonb_typeof({x=json}) WHEN 'object' THEN jsonb_build_object('b', {x} ->> 'a') ELSE '{}' END)"},
		conds:     []string{"(({pair}).a = ({pair}).a)", "({pair} = ANY (({pairs})::pair[]))", "(({pair}) IS NOT NULL)", "({pair} *= {pair})", "(({pair}) IS NULL)"},
		row:       true,
	})
	declare("pairs", family{
		constants: []string{"ARRAY[ROW(1, 'a')::pair]", "'{}'::pair[]", "NULL::pair[]", "ARRAY[NULL, ROW(2, NULL)]::pair[]"},
		exprs:     []string{"ARRAY[{pair}, {pair}]::pair[]", "array_append({pairs}, {pair})", "({pairs} || {pairs})", "({pairs})[1:1]", "array_remove({pairs}, {pair})"},
		conds:     []string{"({pairs} @> ARRAY[{pair}])", "({pairs} && {pairs})", "(({pairs})[1] IS NULL)", "(cardinality({pairs}) > 1)"},
		extremes:  true,
	})
	declare("mood", family{
		constants: []string{"'ok'::mood", "'sad'::mood", "NULL::mood"},
		exprs:     []string{"CASE WHEN {x=text} IN ('ok', 'sad') THEN ({x})::mood END", "(ARRAY['sad', 'meh', 'ok']::mood[])[1 + abs({int} % 4)]"},
		conds:     []string{"({mood} < ANY (ARRAY[{mood}, 'ok']))", "({mood} > 'meh')", "({mood} IN ('happy', 'meh'))"},
		extremes:  true,
	})
	declare("posint", family{
		constants: []string{"2::posint", "1::posint", "NULL::posint"},
		exprs:     []string{"(1 + abs({int} % 100))::int::posint", "CASE WHEN {x=int} BETWEEN 1 AND 1000 THEN ({x})::posint END"},
		conds:     []string{"({posint} = {int})", "({posint} + 1 > {int})", "({posint} IN (1, 2, {int}))"},
		extremes:  true,
	})
	declare("int", family{exprs: []string{"({pair}).a", "cardinality({pairs})", "({pairs})[1].a", "({posint} * 2)", "({posint})::int", "array_position(ARRAY[{mood}, 'ok']::mood[], {mood})"}})
	declare("text", family{exprs: []string{"({pair}).b", "({mood})::text", "({pair})::text", "({pairs})::text", "({pairs})[2].b", "row_to_json({pair})::text", "({posint})::text"}})
	pools["widepairs"] = []string{"NULL", "'{}'", `'{"(1,a)",NULL}'`, `'{"(,)","(2,b)","(1,a)"}'`, `'{"(1,a)"}'`}
}
