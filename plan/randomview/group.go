package randomview

import (
	"fmt"
	"slices"
	"strings"
)

// argument is an argument of an aggregate: it mentions a column of the query
// itself, or none of those around it. Else it would be an aggregate of theirs.
func (g *Generator) argument(s scope, typ string) string {
	if e := g.expr(s, typ, 1); s.own(e) {
		return e
	}
	return g.expr(scope{cols: s.cols}, typ, 1)
}

// direct is a direct argument, which may be of a query around, or of a sub-query.
func (g *Generator) direct(s scope) string {
	if g.chance(60) {
		return "2"
	}
	return g.count(s.outer)
}

func (g *Generator) aggregate(s scope) (string, string) {
	filter := ""
	own := scope{cols: s.cols}
	if g.chance(20) {
		filter = " FILTER (WHERE " + g.cond(own, 1, g.pick(2)-1) + ")"
	}
	distinct := g.of("", "", "DISTINCT ")
	switch g.pick(25) {
	case 18:
		return g.of("percent_rank", "cume_dist") + "(1, 'a') WITHIN GROUP (ORDER BY (" + g.argument(s, "int") + ")::int" + g.of("", " DESC") + ", " + g.argument(s, "text") + ")" + filter, "float"
	case 19:
		return g.of("rank", "dense_rank") + "(date '2024-03-01') WITHIN GROUP (ORDER BY " + g.argument(s, "date") + g.of("", " DESC", " NULLS FIRST") + ")" + filter, "int"
	case 20:
		return "range_agg(" + g.argument(s, "range") + ")" + filter, "multirange"
	case 21:
		e := g.argument(s, "bytea")
		return `string_agg(` + distinct + e + `, '\x2c' ORDER BY ` + e + ")" + filter, "bytea"
	case 22:
		k := g.argument(s, "text")
		v := g.argument(s, g.of("int", "json", "text"))
		return "jsonb_object_agg(coalesce(" + k + ", ''), " + v + " ORDER BY " + k + ", " + v + ")" + filter, "json"
	case 23:
		return "(percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY (" + g.argument(s, "int") + ")::int))" + g.of("[2:3]", ""), "list"
	case 24:
		e := g.argument(s, "text") + g.of(` COLLATE "en-US-x-icu"`, ` COLLATE "de-x-icu"`)
		return g.of("min(", "max(") + e + ")" + filter + ` COLLATE "default"`, "text"
	case 0, 1:
		return "count(*)" + filter, "int"
	case 2:
		return "count(" + distinct + g.argument(s, g.typeOf(own)) + ")" + filter, "int"
	case 3:
		return "(sum(" + distinct + g.argument(s, "int") + ")" + filter + ")::numeric", "num"
	case 4:
		return "round(" + g.of("avg", "sum", "var_pop", "stddev_samp") + "(" + g.argument(s, "num") + ")" + filter + ", 3)", "num"
	case 5:
		return g.of("bool_and", "bool_or", "every") + "(" + g.argument(s, "bool") + ")" + filter, "bool"
	case 6:
		e := g.argument(s, "text")
		return "string_agg(" + distinct + e + ", ',' ORDER BY " + e + g.of("", " DESC") + ")" + filter, "text"
	case 7:
		e := g.argument(s, "int")
		return "array_agg(" + distinct + "(" + e + ")::int ORDER BY (" + e + ")::int" + g.of("", " DESC", " NULLS FIRST") + ")" + filter, "list"
	case 8:
		e := g.argument(s, g.of("int", "text", "bool", "mood", "tstz", "bpchar", "pair", "range"))
		return "jsonb_agg(" + e + " ORDER BY " + e + g.of("", " DESC") + ")" + filter, "json"
	case 9:
		typ := g.of("int", "text", "date", "mood", "num", "tstz", "time", "bpchar", "interval", "bytea", "range")
		return g.of("percentile_disc(0.5)", "percentile_disc(0)", "mode()") + " WITHIN GROUP (ORDER BY " + g.argument(s, typ) + ")" + filter, typ
	case 10:
		return "percentile_cont(" + g.of("0.25", "0.5", "1", "1.0 / (1 + abs("+g.direct(s)+"))") + ") WITHIN GROUP (ORDER BY (" + g.argument(s, "int") + ")::int)" + filter, "float"
	case 11:
		return g.of("bit_and", "bit_or") + "((" + g.argument(s, "int") + ")::int)" + filter, "int"
	case 12:
		return g.of("rank", "dense_rank") + "(" + g.direct(s) + ") WITHIN GROUP (ORDER BY (" + g.argument(s, "int") + ")::int)" + filter, "int"
	case 13:
		typ := g.of("float", "mood", "list", "ts", "tstz", "interval", "time", "timetz", "bpchar", "pairs", "posint")
		return g.of("min", "max") + "(" + g.argument(s, typ) + ")" + filter, typ
	}
	typ := g.of("int", "num", "date", "text")
	return g.of("min", "max") + "(" + g.argument(s, typ) + ")" + filter, typ
}

func (g *Generator) grouped(depth int, outer []genColumn) (string, []genColumn) {
	if g.chance(6) {
		return g.keyed(outer)
	}
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	var parts, groups []string
	var out []genColumn
	plain := scope{outer: outer} // the grouped columns
	sets := true                 // only over columns: versions differ in what sets of constants show
	for range g.of("", "g", "g", "gg", "gg", "ggg") {
		typ := g.typeOf(scope{cols: cols})
		name := g.name("g")
		e := g.expr(scope{cols: cols}, typ, g.pick(2))
		sets = sets && s.own(e)
		if c := (genColumn{e, typ}); slices.Contains(cols, c) {
			plain.cols = append(plain.cols, c)
		}
		groups = append(groups, e)
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	for range 1 + g.pick(3) {
		e, typ := g.aggregate(s)
		name := g.name("a")
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	if len(plain.cols) > 0 && g.chance(15) {
		e, typ := g.scalar(plain, depth-1)
		name := g.name("a")
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	if g.chance(4) { // an aggregate of this query in one that is in it
		e, typ := g.aggregateAround(s)
		name := g.name("a")
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	if g.chance(6) {
		name := g.name("v")
		e, typ := g.of("rank() OVER (ORDER BY count(*))", "sum(count(*)) OVER ()", "max(count(*)) OVER ()", "dense_rank() OVER (ORDER BY count(*) DESC)"), "int"
		if strings.HasPrefix(e, "sum") {
			typ = "num"
		}
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	where := g.where(s, depth)
	groupBy := ""
	if len(groups) > 0 {
		var by []string
		for i := range groups {
			by = append(by, fmt.Sprint(i+1))
		}
		list := strings.Join(by, ", ")
		// CUBE (1, 2) of two equal expressions is written as CUBE (x, x), which is another
		// query; so it cannot be asked as of a time.
		sets = sets && !repeated(groups)
		groupBy = " GROUP BY " + list
		if sets && g.chance(25) {
			groupBy = " GROUP BY " + g.sets(by)
			for range g.pick(3) {
				name := g.name("o")
				parts = append(parts, "GROUPING("+groups[g.pick(len(groups))]+g.of("", ", "+groups[0])+") AS "+name)
				out = append(out, genColumn{name, "int"})
			}
		}
	}
	sql := "SELECT " + strings.Join(parts, ", ") + " FROM " + in + where + groupBy
	switch n := g.pick(100); {
	case n < 15:
		sql += " HAVING count(*) > " + fmt.Sprint(g.pick(3))
	case n < 18 && len(groups) > 0 && sets:
		sql += " HAVING grouping(" + groups[0] + ") = " + g.of("0", "1", "count(*) % 2")
	case n < 25 && len(plain.cols) > 0:
		sql += " HAVING " + g.cond(plain, 1, depth-1)
	case n < 30:
		e, _ := g.scalar(plain, depth-1)
		sql += " HAVING " + g.of("NOT ", "") + "(count(*)::text < (" + e + ")::text COLLATE \"C\" OR " + g.cond(plain, 1, -1) + ")"
	}
	return sql, out
}

// sets are grouping sets over expressions by their numbers.
func (g *Generator) sets(by []string) string {
	list, first, last := strings.Join(by, ", "), by[0], by[len(by)-1]
	switch g.pick(9) {
	case 0, 1:
		return "ROLLUP (" + list + ")"
	case 2:
		return "CUBE (" + list + ")"
	case 3:
		return "GROUPING SETS ((" + list + "), (), (" + first + "))"
	case 4:
		return first + ", ROLLUP (" + list + ")"
	case 5:
		return "GROUPING SETS (ROLLUP (" + list + "), CUBE (" + last + "), " + first + ")"
	case 6:
		return "DISTINCT ROLLUP (" + list + "), CUBE (" + last + ")"
	case 7:
		return "CUBE ((" + list + "), " + last + ")"
	}
	return "ROLLUP (" + first + "), GROUPING SETS ((" + list + "), (" + last + "), ())"
}

// aggregateAround is a sub-query with an aggregate of the query around it.
func (g *Generator) aggregateAround(s scope) (string, string) {
	typ := g.of("int", "num", "text", "date")
	x, mine := g.name("x"), g.of("min", "max")+"("+g.argument(s, typ)+")"
	t, c, ok := g.tableWith(typ)
	if !ok || !s.own(mine) {
		return "(SELECT count(*) FROM edges)", "int"
	}
	return fmt.Sprintf("(SELECT count(*) FROM %[1]s %[2]s WHERE %[2]s.%[3]s %[4]s %[5]s)", t.name, x, c.sql, g.of("=", "<", "<>", "IS NOT DISTINCT FROM"), mine), "int"
}

// keyed is grouped by a primary key, on which all columns of its table depend.
func (g *Generator) keyed(outer []genColumn) (string, []genColumn) {
	t, key := genTables[g.pick(4)], "%[1]s.id"
	if t.name == "lines" {
		key = "%[1]s.no, %[1]s.order_id"
	}
	alias := g.name("t")
	mine := qualified(alias, t.cols)
	next, more := g.item(0, nil, outer)
	cols := append(slices.Clone(mine), more...)
	var parts []string
	var out []genColumn
	for range 1 + g.pick(3) {
		typ, name := g.typeOf(scope{cols: mine}), g.name("g")
		parts, out = append(parts, g.expr(scope{mine, outer}, typ, 1)+" AS "+name), append(out, genColumn{name, typ})
	}
	for range 1 + g.pick(2) {
		e, typ := g.aggregate(scope{cols, outer})
		name := g.name("a")
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	having := ""
	if g.chance(30) {
		having = " HAVING " + g.cond(scope{mine, outer}, 1, g.pick(2)-1)
	}
	return fmt.Sprintf("SELECT %s FROM %s %s %s %s ON %s GROUP BY %s%s", strings.Join(parts, ", "), t.name, alias, g.of("JOIN", "LEFT JOIN", "RIGHT JOIN"), next,
		g.on(mine, more, outer, 0), fmt.Sprintf(key, alias), having), out
}

func repeated(exprs []string) bool {
	for i, e := range exprs {
		if slices.Contains(exprs[:i], e) {
			return true
		}
	}
	return false
}
