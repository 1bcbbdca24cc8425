package plan_test

import (
	"fmt"
	"slices"
	"strings"
)

// argument is an argument of an aggregate: it mentions a column of the query
// itself, or none of those around it. Else it would be an aggregate of theirs.
func (g *generator) argument(s scope, typ string) string {
	if e := g.expr(s, typ, 1); s.own(e) {
		return e
	}
	return g.expr(scope{cols: s.cols}, typ, 1)
}

func (g *generator) aggregate(s scope) (string, string) {
	filter := ""
	own := scope{cols: s.cols}
	if g.chance(20) {
		filter = " FILTER (WHERE " + g.cond(own, 1, g.pick(2)-1) + ")"
	}
	distinct := g.of("", "", "DISTINCT ")
	switch g.pick(18) {
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
		e := g.argument(s, g.of("int", "text", "bool", "mood"))
		return "jsonb_agg(" + e + " ORDER BY " + e + g.of("", " DESC") + ")" + filter, "json"
	case 9:
		typ := g.of("int", "text", "date", "mood", "num")
		return g.of("percentile_disc(0.5)", "percentile_disc(0)", "mode()") + " WITHIN GROUP (ORDER BY " + g.argument(s, typ) + ")" + filter, typ
	case 10:
		return "percentile_cont(" + g.of("0.25", "0.5", "1") + ") WITHIN GROUP (ORDER BY (" + g.argument(s, "int") + ")::int)" + filter, "float"
	case 11:
		return g.of("bit_and", "bit_or") + "((" + g.argument(s, "int") + ")::int)" + filter, "int"
	case 12:
		return g.of("rank", "dense_rank") + "(2) WITHIN GROUP (ORDER BY (" + g.argument(s, "int") + ")::int)" + filter, "int"
	case 13:
		typ := g.of("float", "mood", "list", "ts")
		return g.of("min", "max") + "(" + g.argument(s, typ) + ")" + filter, typ
	}
	typ := g.of("int", "num", "date", "text")
	return g.of("min", "max") + "(" + g.argument(s, typ) + ")" + filter, typ
}

func (g *generator) grouped(depth int, outer []genColumn) (string, []genColumn) {
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	var parts, groups []string
	var out []genColumn
	plain := scope{outer: outer} // the grouped columns
	sets := true                 // only over columns: versions differ in what sets of constants show
	for range g.pick(3) {
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
	if g.chance(6) {
		name := g.name("v")
		e, typ := g.of("rank() OVER (ORDER BY count(*))", "sum(count(*)) OVER ()", "max(count(*)) OVER ()", "dense_rank() OVER (ORDER BY count(*) DESC)"), "int"
		if strings.HasPrefix(e, "sum") {
			typ = "num"
		}
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	sql := "SELECT " + strings.Join(parts, ", ") + " FROM " + in + g.where(s, depth)
	if len(groups) > 0 {
		var by []string
		for i := range groups {
			by = append(by, fmt.Sprint(i+1))
		}
		list := strings.Join(by, ", ")
		switch {
		case sets && g.chance(8):
			list = "ROLLUP (" + list + ")"
		case sets && g.chance(8):
			list = "CUBE (" + list + ")"
		case sets && g.chance(5):
			list = "GROUPING SETS ((" + list + "), (), (" + by[0] + "))"
		}
		sql += " GROUP BY " + list
	}
	switch n := g.pick(100); {
	case n < 15:
		sql += " HAVING count(*) > " + fmt.Sprint(g.pick(3))
	case n < 25 && len(plain.cols) > 0:
		sql += " HAVING " + g.cond(plain, 1, depth-1)
	case n < 30:
		e, _ := g.scalar(plain, depth-1)
		sql += " HAVING " + g.of("NOT ", "") + "(count(*)::text < (" + e + ")::text COLLATE \"C\" OR " + g.cond(plain, 1, -1) + ")"
	}
	return sql, out
}

// window is a call of a window function over the columns of a relation of distinct
// rows, with its type.
func (g *generator) window(cols []genColumn) (string, string) {
	var all []string
	for _, c := range cols {
		all = append(all, c.sql+g.of("", " DESC"))
	}
	s := scope{cols: cols}
	partition := ""
	if g.chance(60) {
		partition = "PARTITION BY " + cols[g.pick(len(cols))].sql + " "
		if g.chance(10) {
			e, _ := g.scalar(s, 0)
			partition = "PARTITION BY " + e + " "
		}
	}
	g.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	by := cols[g.pick(len(cols))]
	direction := g.of("", " DESC", " NULLS FIRST")
	total := partition + "ORDER BY " + strings.Join(all, ", ")
	some := partition + "ORDER BY " + by.sql + direction
	exclude := g.of("", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")
	rows := g.of("", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
		" ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", " ROWS 2 PRECEDING", " ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING")
	peers := g.of("", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
		" GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " GROUPS 1 PRECEDING")
	if step := map[string]string{"int": "1", "num": "1.5", "float": "1", "date": "'1 day'", "ts": "'12 hours'"}[by.typ]; step != "" && g.chance(50) {
		peers = g.of(" RANGE BETWEEN %[1]s PRECEDING AND %[1]s FOLLOWING", " RANGE %[1]s PRECEDING", " RANGE BETWEEN %[1]s FOLLOWING AND UNBOUNDED FOLLOWING", " RANGE BETWEEN UNBOUNDED PRECEDING AND %[1]s PRECEDING")
		peers = fmt.Sprintf(peers, step)
	}
	if rows != "" {
		rows += exclude
	}
	if peers != "" {
		peers += exclude
	}
	filter := ""
	if g.chance(15) {
		filter = " FILTER (WHERE " + g.cond(s, 1, -1) + ")"
	}
	c := cols[g.pick(len(cols))]
	switch g.pick(13) {
	case 0:
		return g.of("row_number()", "ntile(3)") + " OVER (" + total + ")", "int"
	case 1:
		return g.of("rank", "dense_rank") + "() OVER (" + some + ")", "int"
	case 2:
		return g.of("percent_rank", "cume_dist") + "() OVER (" + some + ")", "float"
	case 3:
		return g.of("lag", "lead") + "(" + c.sql + g.of("", ", 2", ", 0", ", 1, "+c.sql) + ") OVER (" + total + ")", c.typ
	case 4:
		return fmt.Sprintf(g.of("first_value(%s)", "last_value(%s)", "nth_value(%s, 2)"), c.sql) + " OVER (" + total + rows + ")", c.typ
	case 5:
		return "count(*)" + filter + " OVER (" + total + rows + ")", "int"
	case 6, 7:
		return "count(" + g.of("*", c.sql) + ")" + filter + " OVER (" + some + peers + ")", "int"
	case 8, 9:
		switch c.typ {
		case "bool":
			c = genColumn{c.sql + "::int", "int"}
		case "pair", "json":
			c = genColumn{c.sql + " IS NULL", "bool"}
			return "bool_or(" + c.sql + ")" + filter + " OVER (" + some + peers + ")", "bool"
		}
		return g.of("min", "max") + "(" + c.sql + ")" + filter + " OVER (" + some + peers + ")", c.typ
	case 10:
		e := g.expr(s, "text", 0)
		return "string_agg(" + e + ", ',')" + filter + " OVER (" + total + rows + ")", "text"
	case 11:
		return "round(avg(" + g.expr(s, g.of("int", "num"), 0) + ")" + filter + " OVER (" + some + peers + "), 3)", "num"
	}
	return "(sum(" + g.expr(s, "int", 0) + ")" + filter + " OVER (" + g.of(total+rows, some+peers) + "))::numeric", "num"
}

func (g *generator) windowed(depth int, outer []genColumn) (string, []genColumn) {
	sql, cols := g.query(depth-1, outer)
	alias := g.name("w")
	cols = qualified(alias, cols)
	var parts []string
	var out []genColumn
	for _, c := range cols {
		name := g.name("c")
		parts, out = append(parts, c.sql+" AS "+name), append(out, genColumn{name, c.typ})
	}
	for range 1 + g.pick(2) {
		e, typ := g.window(cols)
		name := g.name("v")
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	// Of equal rows, it is open which one a row of a frame is.
	return fmt.Sprintf("SELECT %s FROM (SELECT DISTINCT * FROM (%s) %s) %s", strings.Join(parts, ", "), sql, g.name("d"), alias), out
}
