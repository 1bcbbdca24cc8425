package randomview

import (
	"fmt"
	"slices"
	"strings"
)

// with is a query over a CTE, which it mentions twice.
func (g *Generator) with(depth int, outer []genColumn) (string, []genColumn) {
	name, word := g.name("cte"), "WITH "
	inside := outer // of what the CTE may mention
	if g.chance(50) {
		inside = nil
	}
	sql, cols := g.query(depth-1, inside)
	after, more, place := "", []genColumn(nil), false
	if g.chance(40) {
		word = "WITH RECURSIVE "
		sql, cols = g.recursive(name, inside)
		choice := g.pick(8)
		if strings.Contains(sql, "FROM (SELECT * FROM "+name) || !strings.Contains(sql, "FROM "+name) {
			choice = 7 // they want the recursion itself in FROM
		}
		if choice == 2 && !strings.Contains(sql, name+".n < 3") {
			choice = 3 // a place in the search tells rows apart: over a cycle there is no end to them
		}
		switch choice { // what they add, Postgres does not show to sub-queries
		case 0:
			after, more = " CYCLE l, r SET again USING way", []genColumn{{"again", "bool"}}
		case 1:
			after, more = " CYCLE l SET again TO 'y' DEFAULT 'n' USING way", []genColumn{{"again", "text"}}
		case 2:
			after, more = " SEARCH "+g.of("DEPTH", "BREADTH")+" FIRST BY "+g.of("l", "r, l")+" SET place", nil
			place = true
		case 3:
			after, more = " SEARCH BREADTH FIRST BY l SET place CYCLE l, r SET again USING way", []genColumn{{"again", "bool"}}
			place = true
		}
	}
	before := g.ctes
	g.ctes = append(slices.Clone(g.ctes), genRelation{name, cols})
	defer func() { g.ctes = before }()
	a, b := g.name("t"), g.name("t")
	cols = append(slices.Clone(cols), more...)
	l, r := qualified(a, cols), qualified(b, cols)
	s := scope{append(slices.Clone(l), r...), outer}
	list, out := g.project(s, depth-1)
	if place {
		column := g.name("c")
		list += ", dense_rank() OVER (ORDER BY " + a + ".place) AS " + column
		out = append(out, genColumn{column, "int"})
	}
	return word + fmt.Sprintf("%s AS %s(%s)%s SELECT %s FROM %s %s %s %s ON %s%s", name, g.of("", "MATERIALIZED ", "NOT MATERIALIZED "), sql, after,
		list, name, a, g.of("JOIN", "LEFT JOIN"), name+" "+b, g.on(l, r, outer, 0), g.where(s, depth-1)), out
}

// recursive is the text of a recursive WITH query over the table edges, whose
// first part may mention the queries around it, and whose steps, too.
func (g *Generator) recursive(name string, outer []genColumn) (string, []genColumn) {
	if g.chance(35) {
		return g.climbing(name, outer)
	}
	base, step := g.name("e"), g.name("e")
	cols := []genColumn{{"l", "int"}, {"r", "int"}, {"n", "int"}}
	edges := []genColumn{{"l", "int"}, {"r", "int"}}
	s := scope{append(qualified(step, edges), qualified(name, cols)...), outer}
	join, and := name+".r = "+step+".l", ""
	if g.chance(40) {
		and = " AND " + g.cond(s, 1, g.pick(2)-1)
	}
	first := fmt.Sprintf("SELECT %[1]s.l, %[1]s.r, %[2]s AS n FROM edges %[1]s%[3]s", base, g.of("0", base+".l", base+".r"), g.where(scope{qualified(base, edges), outer}, 1))
	if g.chance(50) { // ends: there are only so many rows
		n := g.of(name+".n", step+".r", "least("+name+".n, "+step+".l)")
		return fmt.Sprintf("%s UNION SELECT %s.l, %s.r, %s FROM %s JOIN edges %s ON %s%s", first, g.of(name, step), step, n, name, step, join, and), cols
	}
	first = strings.Replace(first, " AS n FROM", " * 0 AS n FROM", 1)
	return fmt.Sprintf("%s %s SELECT %s.l, %s.r, %s.n + 1 FROM %s, edges %s WHERE %s AND %s.n < 3%s", first, g.of("UNION ALL", "UNION"), name, step, name, name, step, join, name, and), cols
}

// climbing is a recursive query whose steps are more than a join with a table: sub-queries
// of other tables, groups, windows, first rows, set operations, a recursion within. Its
// third column counts iterations, which end it.
func (g *Generator) climbing(name string, outer []genColumn) (string, []genColumn) {
	cols := []genColumn{{"l", "int"}, {"r", "int"}, {"n", "int"}}
	x, e := g.name("x"), g.name("e")
	s := scope{append(qualified(x, cols), qualified(e, []genColumn{{"l", "int"}, {"r", "int"}})...), outer}
	first := "SELECT l, r, 0 AS n FROM edges" + g.of("", " WHERE l < 3", " WHERE r IS NOT NULL")
	if len(g.ctes) > 0 && g.chance(30) {
		if c := g.ctes[g.pick(len(g.ctes))]; ofType(c.cols, "int") != "" {
			first = fmt.Sprintf("SELECT least(%[2]s, 5)::int, 1, 0 FROM (SELECT * FROM %[1]s) %[3]s", c.name, ofType(c.cols, "int"), g.name("c"))
		}
	}
	me := "(SELECT * FROM " + name + " WHERE n < " + g.of("2", "3") + ") " + x
	var step string
	switch g.pick(9) {
	case 0:
		step = fmt.Sprintf("SELECT %[1]s.l, %[2]s.r, min(%[1]s.n) + 1 FROM %[3]s JOIN edges %[2]s ON %[2]s.l = %[1]s.r GROUP BY 1, 2", x, e, me)
	case 1:
		step = fmt.Sprintf("SELECT l, r, n FROM (SELECT %[1]s.l, %[2]s.r, %[1]s.n + 1 AS n, rank() OVER (PARTITION BY %[1]s.l ORDER BY %[2]s.r, %[1]s.r DESC) AS k FROM %[3]s JOIN edges %[2]s ON %[2]s.l = %[1]s.r) y WHERE k < 3", x, e, me)
	case 2:
		step = fmt.Sprintf("SELECT %[1]s.l, %[2]s.r, %[1]s.n + 1 FROM %[3]s LEFT JOIN edges %[2]s ON %[4]s", x, e, me, g.on(qualified(x, cols[:2]), qualified(e, []genColumn{{"l", "int"}, {"r", "int"}}), outer, 0))
	case 3:
		step = fmt.Sprintf("SELECT %[1]s.l, %[2]s.r, %[1]s.n + 1 FROM %[3]s, LATERAL (SELECT l, r FROM edges y WHERE y.l = %[1]s.r ORDER BY r%[4]s, l LIMIT 2) %[2]s", x, e, me, g.of("", " DESC", " NULLS FIRST"))
	case 4:
		step = fmt.Sprintf("SELECT DISTINCT %[1]s.r, %[2]s.r, %[1]s.n + 1 FROM %[3]s JOIN edges %[2]s ON %[2]s.l = %[1]s.r", x, e, me)
	case 5:
		step = fmt.Sprintf("SELECT %[1]s.l, (SELECT %[4]s(%[2]s.r) FROM edges %[2]s WHERE %[2]s.l = %[1]s.r), %[1]s.n + 1 FROM %[3]s", x, e, me, g.of("min", "max"))
	case 6:
		step = fmt.Sprintf("SELECT %[1]s.r, %[1]s.l, %[1]s.n + 1 FROM %[3]s WHERE %[4]s EXISTS (SELECT FROM edges %[2]s WHERE %[2]s.l = %[1]s.r AND %[2]s.r <> %[1]s.l)", x, e, me, g.of("", "NOT"))
	case 7:
		step = fmt.Sprintf("SELECT l, r, n FROM (SELECT %[1]s.l, %[2]s.r, %[1]s.n + 1 AS n FROM %[3]s JOIN edges %[2]s ON %[2]s.l = %[1]s.r %[4]s SELECT r, l, 1 FROM edges WHERE l <> r) y", x, e, me, g.of("EXCEPT", "INTERSECT", "UNION"))
		if strings.Contains(step, "UNION") {
			step = strings.Replace(step, "r, l, 1 FROM", "r, l, 4 FROM", 1)
		}
	default:
		in := g.name("cte")
		step = fmt.Sprintf("SELECT %[1]s.l, y.b, %[1]s.n + 1 FROM %[3]s, LATERAL (WITH RECURSIVE %[5]s(b, m) AS (SELECT %[1]s.r, 0 UNION SELECT %[2]s.r, m + 1 FROM %[5]s JOIN edges %[2]s ON %[2]s.l = %[5]s.b WHERE m < 2) SELECT b FROM %[5]s WHERE m > %[4]s) y", x, e, me, g.of("0", "1"), in)
	}
	if g.chance(25) && strings.Contains(step, " JOIN edges "+e+" ON "+e+".l = ") && !strings.Contains(step, "EXCEPT") {
		step = strings.Replace(step, e+".l = "+x+".r", e+".l = "+x+".r AND "+g.cond(s, 1, 0), 1)
	}
	union := g.of(" UNION ", " UNION ALL ")
	if strings.Contains(step, "r, l, 4 FROM") {
		union = " UNION " // such a step always has rows
	}
	return first + union + step, cols
}
