package randomview

import "strings"

// failing are templates, as a family has them, of what fails for some rows.
var failing = map[string][]string{
	"int": {
		"12 / {int}", "{int} % {int}", "({text})::int", "2147483645 + ({int})::int", "({int})::int * 1000000000", "app.fussy(({int})::int)",
		"(SELECT l FROM edges WHERE r = {int})", "width_bucket(1.5, 0, 10, ({int})::int)", "({num})::int",
	},
	"num":  {"round({num} / {num}, 3)", "trim_scale(mod({num}, {num}))", "sqrt({int})::numeric(4,2)", "({num})::numeric(3,2)", "ln({int})::numeric(9,3)"},
	"text": {"substr({text}, 1, ({int})::int)", "chr(({int})::int)", "split_part({text}, 'a', ({int})::int)", "(SELECT v FROM parts WHERE k = {int})", "CASE WHEN {bool} THEN {text} ELSE (1 / {int})::text END"},
	"date": {"make_date(2024, ({int})::int, 1)", "({text})::date"},
	"bool": {"({text})::bool", "12 / {int} > {int}", "(1 / {int} > 0 AND {bool})", "({bool} OR 1 / {int} > 0)", "({int}, 6 / {int}) < (2, 3)", "{int} = ANY (ARRAY[{int}, 6 / {int}])"},
	"list": {"ARRAY[{int}, 6 / {int}]::int[]", "array_fill(1, ARRAY[({int})::int])"},
}

// failingOf is an expression of columns alone that may fail; false if they are of other types.
func (g *Generator) failingOf(cols []genColumn) (string, bool) {
	var all []string
	for _, typ := range genTypes {
		all = append(all, failing[typ]...)
	}
	if len(cols) == 0 {
		return "", false
	}
	ok := true
	e := hole.ReplaceAllStringFunc(g.of(all...), func(h string) string {
		for range 20 {
			if c := cols[g.pick(len(cols))]; "{"+c.typ+"}" == h {
				return c.sql
			}
		}
		ok = false
		return h
	})
	return "(" + e + ")", ok
}

// failingOver is a query over another one, each row of which it needs an expression of that may fail. So it
// fails if and only if one of these does, whatever the plan.
func (g *Generator) failingOver(sql string, cols []genColumn) string {
	from := g.name("f")
	e, ok := g.failingOf(qualified(from, cols))
	if !ok {
		return sql
	}
	// OFFSET keeps the planner from computing what of it is of constants.
	from = " FROM (SELECT * FROM (" + sql + ") " + g.name("d") + " OFFSET 0) " + from
	form := forms[g.pick(len(forms))]
	return strings.ReplaceAll("SELECT "+form[0], "@", e) + from + strings.ReplaceAll(form[1], "@", e)
}

// forms are queries around an expression, @: what is before FROM, and behind it.
var forms = [][2]string{
	{"*, @ AS e", ""}, {"1 AS e", " WHERE @ IS NOT NULL"}, {"count(@) AS n, min((@)::text) AS e", ""}, {"(@)::text AS e, count(*) AS n", " GROUP BY 1"}, {"DISTINCT (@)::text AS e", ""},
	{"count(*) FILTER (WHERE @ IS NULL) AS n", ""}, {"(@)::text AS e", " ORDER BY 1 LIMIT 2"}, {"(@)::text AS e", " UNION SELECT 'x'"}, {"(@)::text AS e", " EXCEPT ALL SELECT v FROM parts"},
}
