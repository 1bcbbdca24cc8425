package randomview

import (
	"fmt"
	"strings"
)

// window is a call of a window function over the columns of a relation of distinct
// rows, with its type. Its frame may begin where a query or a row around it says. by is an expression that its partition
// may be of; "" for none.
func (g *Generator) window(cols, outer []genColumn, by string) (string, string) {
	var all []string
	for _, c := range cols {
		collate := ""
		if c.typ == "text" {
			collate = g.of("", "", ` COLLATE "en-US-x-icu"`)
		}
		all = append(all, c.sql+collate+g.of("", " DESC"))
	}
	s := scope{cols: cols}
	partition := ""
	if g.chance(60) {
		partition = "PARTITION BY " + cols[g.pick(len(cols))].sql + " "
		if g.chance(20) {
			e, _ := g.scalar(s, 0)
			partition = "PARTITION BY " + e + " "
		}
	}
	if by != "" && g.chance(80) {
		partition = "PARTITION BY " + by + " "
	}
	g.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	first := cols[g.pick(len(cols))]
	if first.typ == "text" && g.chance(30) {
		first.sql += g.of(` COLLATE "de-x-icu"`, " COLLATE app.loose")
	}
	direction := g.of("", " DESC", " NULLS FIRST")
	total := partition + "ORDER BY " + strings.Join(all, ", ")
	some := partition + "ORDER BY " + first.sql + direction
	exclude := g.of("", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")
	rows := g.of("", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
		" ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", " ROWS 2 PRECEDING", " ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING")
	peers := g.of("", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
		" GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " GROUPS 1 PRECEDING")
	if step := families[first.typ].step; step != "" && g.chance(50) {
		peers = g.of(" RANGE BETWEEN %[1]s PRECEDING AND %[1]s FOLLOWING", " RANGE %[1]s PRECEDING", " RANGE BETWEEN %[1]s FOLLOWING AND UNBOUNDED FOLLOWING", " RANGE BETWEEN UNBOUNDED PRECEDING AND %[1]s PRECEDING")
		peers = fmt.Sprintf(peers, step)
	}
	if g.chance(10) {
		n := g.count(outer)
		rows = " ROWS BETWEEN " + n + " PRECEDING AND " + g.of("CURRENT ROW", n+" FOLLOWING")
		peers = " GROUPS BETWEEN " + n + " PRECEDING AND " + g.of("CURRENT ROW", "1 FOLLOWING")
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
	switch g.pick(17) {
	case 13: // aggregates that Postgres computes
		return "jsonb_agg(" + g.expr(s, g.of("int", "text", "mood", "tstz"), 0) + ")" + filter + " OVER (" + total + rows + ")", "json"
	case 14:
		return "array_agg((" + g.expr(s, "int", 0) + ")::int)" + filter + " OVER (" + total + rows + ")", "list"
	case 15:
		return "range_agg(" + g.expr(s, "range", 1) + ")" + filter + " OVER (" + g.of(total+rows, some+peers) + ")", "multirange"
	case 16:
		return "regr_count(" + g.expr(s, "int", 0) + ", " + g.expr(s, "int", 1) + ")" + filter + " OVER (" + g.of(total+rows, some+peers) + ")", "int"
	case 0:
		return g.of("row_number()", "ntile(3)", "ntile(1 + abs("+g.expr(s, "int", 0)+")::int % 3)") + " OVER (" + total + ")", "int"
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
		if !families[c.typ].extremes {
			return "bool_or(" + c.sql + " IS NULL)" + filter + " OVER (" + some + peers + ")", "bool"
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

func (g *Generator) windowed(depth int, outer []genColumn) (string, []genColumn) {
	sql, cols := g.query(depth-1, outer)
	alias := g.name("w")
	cols = qualified(alias, cols)
	var parts []string
	var out []genColumn
	for _, c := range cols {
		name := g.name("c")
		parts, out = append(parts, c.sql+" AS "+name), append(out, genColumn{name, c.typ})
	}
	windows, by := "", ""
	if g.chance(25) { // a condition on what partitions are of is asked before the window
		typ := cols[g.pick(len(cols))].typ
		by = g.expr(scope{cols: cols}, typ, 1)
		name := g.name("b")
		parts, out = append(parts, by+" AS "+name), append(out, genColumn{name, typ})
	}
	for range 1 + g.pick(2) {
		e, typ := g.window(cols, outer, by)
		name := g.name("v")
		switch call, over, ok := strings.Cut(e, " OVER ("); {
		case ok && closes("("+over) && g.chance(20):
			e, windows = named(call, over, windows, g)
		case ok && typ == "int" && g.chance(8):
			e = "coalesce(" + e + " % 3, 0)"
		// What a window reads is that of all rows, whoever asks for its result.
		case g.chance(12):
			e = "CASE WHEN " + g.cond(scope{cols: cols}, 1, -1) + " THEN " + e + " END"
		case ok && typ == "int" && g.chance(12):
			e, typ = "("+g.cond(scope{cols: cols}, 1, -1)+g.of(" OR ", " AND ")+e+" > 1)", "bool"
		}
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	// Of equal rows, it is open which one a row of a frame is.
	sql = fmt.Sprintf("SELECT %s FROM (SELECT DISTINCT * FROM (%s) %s) %s", strings.Join(parts, ", "), sql, g.name("d"), alias)
	if g.chance(10) { // rows are told apart after the windows
		sql = strings.Replace(sql, "SELECT ", "SELECT DISTINCT ", 1)
	}
	sql += windows
	if by != "" {
		sql = fmt.Sprintf("SELECT * FROM (%s) %s WHERE %s", sql, g.name("o"), g.cond(scope{cols: out[len(cols) : len(cols)+1]}, 1, -1))
	}
	return sql, out
}

// closes says whether the first parenthesis closes at the end.
func closes(sql string) bool {
	for depth, i := 0, 0; i < len(sql); i++ {
		switch sql[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i == len(sql)-1
			}
		}
	}
	return false
}

// named gives a call's window a name, all of it or but its PARTITION BY and ORDER BY.
func named(call, over, windows string, g *Generator) (string, string) {
	w, rest := g.name("win"), ""
	for _, mode := range []string{" ROWS ", " RANGE ", " GROUPS "} {
		if i := strings.LastIndex(over, mode); i >= 0 && !strings.Contains(over[:i], "(") && g.chance(60) {
			over, rest = over[:i]+")", over[i:len(over)-1]
		}
	}
	windows += map[bool]string{true: " WINDOW ", false: ", "}[windows == ""] + w + " AS (" + over
	if rest != "" {
		return call + " OVER (" + w + rest + ")", windows
	}
	return call + " OVER " + w, windows
}
