package randomview

// Ranges and multiranges of whole numbers, which have one written form.
func init() {
	declare("range", family{
		constants: []string{"'[1,3)'::int4range", "'empty'::int4range", "'(,2)'::int4range", "NULL::int4range"},
		exprs: []string{
			"CASE WHEN {x=int} <= {y=int} THEN int4range(({x})::int, ({y})::int, '[]') END", "({range} * {range})", "range_merge({range}, {range})", "range_merge({multirange})",
			"CASE WHEN {x=range} && {y=range} THEN {x} + {y} END", "CASE WHEN lower({x=range}) <= lower({y=range}) AND upper({x}) <= upper({y}) THEN {x} - {y} END",
		},
		conds: []string{
			"({range} && {range})", "({range} @> {range})", "({range} <@ {multirange})", "(({int})::int <@ {range})", "({range} @> ({int})::int)", "({range} << {range})", "({range} &> {range})", "({range} -|- {range})", "isempty({range})",
			"lower_inf({range})", "upper_inc({range})",
		},
	})
	declare("multirange", family{
		constants: []string{"'{[1,2),[4,9)}'::int4multirange", "'{}'::int4multirange", "NULL::int4multirange"},
		exprs:     []string{"({multirange} + {multirange})", "({multirange} - {multirange})", "({multirange} * {multirange})", "int4multirange({range})", "({range})::int4multirange", "int4multirange(coalesce({range}, 'empty'), '[4,6)')"},
		conds:     []string{"({multirange} && {range})", "({multirange} @> ({int})::int)", "({multirange} @> {range})", "({multirange} -|- {multirange})", "({range} >> {multirange})", "isempty({multirange})"},
	})
	declare("int", family{exprs: []string{"lower({range})", "upper({range})", "lower({multirange})", "upper({multirange})"}})
	declare("text", family{exprs: []string{"({range})::text", "({multirange})::text"}})
	for name, pool := range map[string][]string{
		"widerange":  {"NULL", "'empty'", "'[1,3)'", "'[1,2]'", "'(,5)'", "'[2,)'", "'[0,9)'", "'(,)'"},
		"multirange": {"NULL", "'{}'", "'{[1,2),[4,9)}'", "'{(,3)}'", "'{[0,1),[1,2)}'", "'{(,)}'"},
	} {
		pools[name] = pool
	}
}
