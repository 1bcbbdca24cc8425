package randomview

import (
	"fmt"
	"regexp"
)

// family is a type of the generator's expressions, and how one is made. A template
// stands for an expression: {t} in it is one of type t, {x=t} is one that {x} repeats.
type family struct {
	constants []string
	clock     []string // the present time, or what is near to it
	exprs     []string // templates
	conds     []string // templates of conditions, beside comparisons and IS NULL
	extremes  bool     // there are min and max of it
	row       bool     // is a row to Postgres' parser: not for BETWEEN and IN
	step      string   // of a RANGE frame
}

// families are the types that the generator knows: a file declares its own in init.
var families = map[string]*family{}

// declare adds to what is known of a type; templates of one type may come from the
// file of another.
func declare(typ string, f family) {
	known := families[typ]
	if known == nil {
		known = &family{}
		families[typ] = known
	}
	known.constants = append(known.constants, f.constants...)
	known.clock = append(known.clock, f.clock...)
	known.exprs = append(known.exprs, f.exprs...)
	known.conds = append(known.conds, f.conds...)
	known.extremes = known.extremes || f.extremes
	known.row = known.row || f.row
	if f.step != "" {
		known.step = f.step
	}
}

var hole = regexp.MustCompile(`\{(\w+)(?:=(\w+))?\}`)

// fill writes a template's expressions.
func (g *Generator) fill(template string, s scope, depth int) string {
	named := map[string]string{}
	return hole.ReplaceAllStringFunc(template, func(h string) string {
		m := hole.FindStringSubmatch(h)
		if m[2] != "" {
			named[m[1]] = g.expr(s, m[2], depth)
			return named[m[1]]
		}
		if e, ok := named[m[1]]; ok {
			return e
		}
		if families[m[1]] == nil {
			panic(fmt.Sprintf("template %s: no type %s", template, m[1]))
		}
		return g.expr(s, m[1], depth)
	})
}

func init() {
	declare("int", family{
		constants: []string{"1", "2", "0", "NULL::int"},
		exprs: []string{
			// These two would fail without their guard.
			"CASE WHEN {x=int} <> 0 THEN 12 / {x} END", "CASE WHEN {x=int} <> 0 THEN 12 % {x} END",
			"CASE WHEN {x=text} ~ '^[0-9]{1,3}$' THEN ({x})::int ELSE {int} END",
			"({int} + 2)", "({int} - 3)", "({int} % 2)", "({int} * 2)", "abs(({int})::bigint)", "length({text})", "ascii({text})",
		},
		extremes: true, step: "1",
	})
	declare("num", family{
		constants: []string{"1.0", "2.50", "1.00", "'NaN'::numeric"},
		exprs: []string{
			"round({num} + 1.5, 3)", "round({int} - 3.00, 3)", "round({num} * 7.0, 3)", "round({int} / 1.5, 3)", "abs({num})", "sign({num})", "floor({num})",
			"CASE WHEN {x=num} <> 0 THEN round({num} / {x}, 3) END", "CASE WHEN {x=num} <> 0 THEN mod({num}, {x}) END",
		},
		extremes: true, step: "1.5",
	})
	declare("float", family{
		constants: []string{"1.5::float8", "'-0'::float8", "'NaN'::float8", "NULL::float8"},
		exprs:     []string{"({float} + 2::float8)", "({int} * 0.5::float8)", "({float} - 0.5::float8)", "abs({float})", "({num})::float8"},
		extremes:  true, step: "1",
	})
	declare("text", family{
		constants: []string{"'a'::text", "''::text", "NULL::text"},
		exprs: []string{
			"upper({text})", "lower({text})", "trim({text})", "({text} || {text})", "({int})::text", "({bool})::text", "substr({text}, 1, 2)", "app.label({text})",
			"initcap({text})", "reverse({text})", "lpad({text}, 3, 'xy')", "split_part({text}, 'a', 2)", "left({text}, -1)", "replace({text}, 'a', 'bb')", "concat_ws('-', {text}, {int}, {text})",
			"format('%s/%s', {text}, {int})", "repeat({text}, 2)", "translate({text}, 'ab', 'x')", "quote_literal({text})", "regexp_replace({text}, '[ab]', '<\\&>', 'g')", "overlay({text} placing 'Z' from 2)",
		},
		conds: []string{
			"({text} LIKE 'a%')", "({text} NOT LIKE '%b')", "({text} ~ '^[a-z]')", "({text} = ANY (ARRAY[{text}, 'a']))", "({text} ILIKE '%B_')", "({text} SIMILAR TO '(a|b)%')",
			"starts_with({text}, {text})", "({text} LIKE {text} || '%')", "({text} ~* 'B')", "(strpos({text}, {text}) > 1)", "({text} < ALL (ARRAY[{text}, {text}]))",
		},
		extremes: true,
	})
	declare("bool", family{
		constants: []string{"true", "false", "NULL::bool"},
		exprs:     []string{"(NOT {bool})", "({int} > {int})", "({text} IS NULL)", "({bool} AND {bool})", "({bool} OR {bool})"},
		conds:     []string{"({bool} IS TRUE)", "({bool} IS NOT TRUE)", "({bool} IS UNKNOWN)", "({bool} IS NOT FALSE)", "{bool}", "(NOT {bool})"},
	})
	declare("list", family{
		constants: []string{"'{1,2}'::int[]", "'{}'::int[]", "NULL::int[]", "ARRAY[NULL, 1]::int[]"},
		exprs: []string{
			"ARRAY[{int}, {int}]::int[]", "({list} || ({int})::int)", "({list})[1:1]", "array_remove({list}, 1)", "({list} || {list})", "array_replace({list}, 1, NULL)", "array_prepend(({int})::int, {list})",
		},
		conds:    []string{"({list} @> {list})", "({list} <@ {list})", "({list} && {list})", "({int} = ANY (({list})::int[]))", "({int} <> ALL (({list})::int[]))", "({int} < ANY (({list})::int[]))", "({int} >= ALL (({list})::int[]))"},
		extremes: true,
	})
	declare("int", family{exprs: []string{"cardinality({list})", "({list})[1]", "array_position({list}, 1)", "array_length({list}, 1)"}})
	declare("text", family{exprs: []string{"({list})::text", "array_to_string({list}, ',', '*')"}})
}
