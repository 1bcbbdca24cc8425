package randomview

import (
	"fmt"
	"slices"
)

// What later versions of Postgres have of SQL/JSON, from 16 and from 17 on.
var since16, since17 = map[string]family{
	"json": {exprs: []string{
		"JSON_OBJECT('a' : {int}, 'b' : {text} NULL ON NULL RETURNING jsonb)", "JSON_OBJECT('a' : {json}, 'b' : {text} ABSENT ON NULL RETURNING jsonb)", "JSON_ARRAY({int}, {text}, {json} NULL ON NULL RETURNING jsonb)", "JSON_ARRAY({bool}, {int} RETURNING jsonb)",
	}},
	"bool": {conds: []string{"({text} IS JSON)", "({text} IS NOT JSON SCALAR)", "({json}::text IS JSON OBJECT WITH UNIQUE KEYS)"}},
}, map[string]family{
	"json": {exprs: []string{
		"JSON_QUERY({json}, '$.b' WITH CONDITIONAL WRAPPER NULL ON EMPTY)", "JSON_QUERY({json}, '$[*]' WITH UNCONDITIONAL WRAPPER EMPTY ARRAY ON EMPTY)", "JSON_QUERY({json}, '$.a' EMPTY OBJECT ON ERROR)",
		"JSON_SCALAR({int})::jsonb", "JSON_SERIALIZE({json} RETURNING text)::jsonb",
	}},
	"int": {exprs: []string{
		"JSON_VALUE({json}, '$.a' RETURNING int DEFAULT -1 ON EMPTY DEFAULT -2 ON ERROR)", "JSON_VALUE({json}, '$[$n]' PASSING abs({int} % 3) AS n RETURNING int NULL ON ERROR)",
	}},
	"text": {exprs: []string{"JSON_VALUE({json}, '$.b[2]')", "JSON_VALUE({json}, '$' DEFAULT 'none' ON ERROR)", "JSON_QUERY({json}, '$.b' RETURNING text OMIT QUOTES NULL ON ERROR)"}},
	"bool": {conds: []string{"JSON_EXISTS({json}, '$.a')", "JSON_EXISTS({json}, 'strict $.b[1]' TRUE ON ERROR)", "JSON_EXISTS({json}, '$ ? (@ == $x)' PASSING {int} AS x)"}},
}

// templates are those of a type that the server's version has.
func (g *Generator) templates(typ string) (exprs, conds []string) {
	exprs, conds = families[typ].exprs, families[typ].conds
	for i, more := range []map[string]family{since16, since17} {
		if g.version >= 16+i {
			exprs, conds = slices.Concat(exprs, more[typ].exprs), slices.Concat(conds, more[typ].conds)
		}
	}
	return exprs, conds
}

// jsonTable is a document as rows (17 and later).
func (g *Generator) jsonTable(s scope, alias string) (string, []genColumn) {
	doc := g.expr(s, "json", 1)
	switch g.pick(3) {
	case 0:
		return fmt.Sprintf("JSON_TABLE(%s, '$[*]' COLUMNS (o FOR ORDINALITY, i int PATH '$' DEFAULT 9 ON ERROR, t text PATH '$', x boolean EXISTS PATH '$.b')) %s", doc, alias),
			qualified(alias, []genColumn{{"o", "int"}, {"i", "int"}, {"t", "text"}, {"x", "bool"}})
	case 1:
		return fmt.Sprintf("JSON_TABLE(%s, '$' PASSING %s AS x COLUMNS (a jsonb FORMAT JSON PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (b jsonb PATH '$', n FOR ORDINALITY), NESTED PATH '$.a.*' COLUMNS (c text PATH '$'))) %s", doc, g.expr(s, "int", 0), alias),
			qualified(alias, []genColumn{{"a", "json"}, {"b", "json"}, {"n", "int"}, {"c", "text"}})
	}
	return fmt.Sprintf("JSON_TABLE(%s, '$.b[*] ? (@ <> $x)' PASSING %s AS x COLUMNS (o FOR ORDINALITY, v jsonb PATH '$' NULL ON EMPTY)) %s", doc, g.expr(s, "int", 0), alias),
		qualified(alias, []genColumn{{"o", "int"}, {"v", "json"}})
}
