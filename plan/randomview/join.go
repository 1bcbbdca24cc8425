package randomview

import (
	"fmt"
	"slices"
	"strings"
)

// tableWith is a table with a column of a type; false if chance finds none.
func (g *Generator) tableWith(typ string) (genRelation, genColumn, bool) {
	for range 20 {
		t := genTables[g.pick(len(genTables))]
		if c := t.cols[g.pick(len(t.cols))]; c.typ == typ {
			return t, c, true
		}
	}
	return genRelation{}, genColumn{}, false
}

// merged is a join whose sides have columns of the same names, which it merges:
// USING and NATURAL. The merged columns may be of different widths.
func (g *Generator) merged(alias string) (string, []genColumn) {
	left := genTables[g.pick(len(genTables))]
	var keys []string
	var sides [2][]string
	var out []genColumn
	right := genRelation{}
	for range 1 + g.pick(2) {
		c := left.cols[g.pick(len(left.cols))]
		other, d, ok := g.tableWith(c.typ)
		if right.name != "" {
			other, d, ok = right, genColumn{ofType(right.cols, c.typ), c.typ}, ofType(right.cols, c.typ) != ""
		}
		if !ok {
			continue
		}
		right = other
		key := g.name("k")
		keys = append(keys, key)
		sides[0], sides[1] = append(sides[0], c.sql+" AS "+key), append(sides[1], d.sql+" AS "+key)
		out = append(out, genColumn{key, c.typ})
	}
	if len(keys) == 0 {
		return "(SELECT * FROM " + left.name + ") " + alias, qualified(alias, left.cols)
	}
	for i, t := range []genRelation{left, right} {
		for range 1 + g.pick(2) {
			c, name := t.cols[g.pick(len(t.cols))], g.name("m")
			sides[i] = append(sides[i], c.sql+" AS "+name)
			out = append(out, genColumn{name, c.typ})
		}
	}
	kind, using := g.of("", "LEFT ", "RIGHT ", "FULL ", "FULL "), " USING ("+strings.Join(keys, ", ")+")"
	if g.chance(30) {
		kind, using = "NATURAL "+kind, ""
	}
	a, b := g.name("l"), g.name("r")
	list := "*"
	if using != "" && g.chance(30) { // of a side, and as merged
		name := g.name("m")
		list += ", " + g.of(a, b) + "." + keys[0] + " AS " + name
		out = append(out, genColumn{name, out[0].typ})
	}
	return fmt.Sprintf("(SELECT %s FROM (SELECT %s FROM %s) %s %sJOIN (SELECT %s FROM %s) %s%s) %s",
		list, strings.Join(sides[0], ", "), left.name, a, kind, strings.Join(sides[1], ", "), right.name, b, using, alias), qualified(alias, out)
}

// tree is a join in parentheses: the columns keep the names of its sides.
func (g *Generator) tree(depth int, outer []genColumn) (string, []genColumn) {
	l, cols := g.item(depth, nil, outer)
	r, more := g.item(depth, nil, outer)
	return fmt.Sprintf("(%s %s %s ON %s)", l, g.of("JOIN", "LEFT JOIN", "RIGHT JOIN"), r, g.on(cols, more, outer, 0)), append(slices.Clone(cols), more...)
}

// nearest is the next rows of a table before or after one beside it, in the order of a
// column: an as-of join, if LATERAL stands before it.
func (g *Generator) nearest(alias string, visible []genColumn) (string, []genColumn, bool) {
	at := visible[g.pick(len(visible))]
	t, c, ok := g.tableWith(at.typ)
	if !ok || at.typ == "json" || families[at.typ].row {
		return "", nil, false
	}
	x := g.name("x")
	cols := qualified(x, t.cols)
	compare, direction := " <= ", " DESC"
	if g.chance(40) {
		compare, direction = " >= ", ""
	}
	if g.chance(40) {
		compare = strings.TrimSuffix(compare, "= ") + " "
	}
	direction += g.of("", "", " NULLS LAST")
	where := x + "." + c.sql + compare + at.sql
	if g.chance(50) {
		where += " AND " + g.equality(cols, visible)
	}
	if g.chance(15) {
		where += " AND " + g.cond(scope{cols: cols}, 1, -1)
	}
	return fmt.Sprintf("(SELECT * FROM %s %s WHERE %s ORDER BY %s.%s%s, %s LIMIT %d) %s", t.name, x, where, x, c.sql, direction, names(cols), 1+g.pick(5)/4, alias), qualified(alias, t.cols), true
}

func names(cols []genColumn) string {
	var list []string
	for _, c := range cols {
		list = append(list, c.sql)
	}
	return strings.Join(list, ", ")
}

// nearestOn is an as-of join as DISTINCT ON writes it.
func (g *Generator) nearestOn() (string, []genColumn) {
	a, b := g.name("a"), g.name("b")
	t := genTables[g.pick(len(genTables))]
	at := t.cols[g.pick(len(t.cols))]
	other, c, ok := g.tableWith(at.typ)
	if !ok || at.typ == "json" || families[at.typ].row {
		other, c, at = genTables[0], genTables[0].cols[0], genColumn{"1", "int"}
	} else {
		at.sql = a + "." + at.sql
	}
	left, right := qualified(a, t.cols), qualified(b, other.cols)
	compare, direction := g.of(" <= ", " < "), " DESC"
	if g.chance(40) {
		compare, direction = g.of(" >= ", " > "), ""
	}
	on := b + "." + c.sql + compare + at.sql
	if g.chance(50) {
		on += " AND " + g.equality(left, right)
	}
	var list []string
	var out []genColumn
	for _, c := range append(slices.Clone(left), right...) {
		name := g.name("c")
		list, out = append(list, c.sql+" AS "+name), append(out, genColumn{name, c.typ})
	}
	return fmt.Sprintf("SELECT DISTINCT ON (%s) %s FROM %s %s %s %s %s ON %s ORDER BY %s, %s.%s%s, %s", names(left), strings.Join(list, ", "),
		t.name, a, g.of("JOIN", "LEFT JOIN"), other.name, b, on, names(left), b, c.sql, direction+g.of("", " NULLS LAST"), names(right)), out
}
