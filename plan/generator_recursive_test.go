package plan_test

import (
	"fmt"
	"slices"
	"strings"
)

// with is a query over a CTE, which it mentions twice.
func (g *generator) with(depth int, outer []genColumn) (string, []genColumn) {
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
func (g *generator) recursive(name string, outer []genColumn) (string, []genColumn) {
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
