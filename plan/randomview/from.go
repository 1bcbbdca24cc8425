package randomview

import (
	"fmt"
	"slices"
	"strings"
)

// from is a FROM clause of one or more relations.
func (g *Generator) from(depth int, outer []genColumn) (string, []genColumn) {
	sql, cols := g.item(depth, nil, outer)
	for range g.of("", "j", "j", "jj") {
		kind := g.of("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "JOIN", "LATERAL", "LEFT LATERAL", "DEPENDENT")
		if kind == "DEPENDENT" {
			next, more := g.dependent(cols, outer, depth)
			if g.chance(70) {
				sql += " CROSS JOIN " + next
			} else {
				sql += " LEFT JOIN " + next + " ON " + g.on(cols, more, outer, depth)
			}
			cols = append(slices.Clone(cols), more...)
			continue
		}
		if strings.HasSuffix(kind, "LATERAL") {
			next, more := g.item(depth, cols, outer)
			if kind == "LATERAL" {
				sql += " CROSS JOIN LATERAL " + next
			} else {
				sql += " LEFT JOIN LATERAL " + next + " ON " + g.on(cols, more, outer, depth)
			}
			cols = append(slices.Clone(cols), more...)
			continue
		}
		next, more := g.item(depth, nil, outer)
		both := append(slices.Clone(cols), more...)
		switch kind {
		case "FULL JOIN": // Postgres itself has it for equalities only, and conditions beside them
			on := g.equality(cols, more)
			if strings.Contains(on, " = ") && g.chance(30) {
				on += " AND " + g.cond(scope{cols: both, outer: outer}, 1, -1)
			}
			sql += " FULL JOIN " + next + " ON " + on
		default:
			sql += " " + kind + " " + next + " ON " + g.on(cols, more, outer, depth)
		}
		cols = both
	}
	return sql, cols
}

// dependent is an outer join of which one side refers to what stands before the whole of it.
func (g *Generator) dependent(siblings, outer []genColumn, depth int) (string, []genColumn) {
	left, cols := g.item(depth, nil, outer)
	kind := g.of("LEFT", "LEFT", "RIGHT", "FULL")
	visible := siblings
	if kind == "LEFT" { // the others cannot refer to the left side
		visible = append(slices.Clone(siblings), cols...)
	}
	right, more := g.item(depth, visible, outer)
	on := g.equality(cols, more)
	if kind != "FULL" {
		on = g.on(cols, more, outer, depth)
	}
	if kind == "RIGHT" && g.chance(50) { // the side that is kept is the plain one
		return "(LATERAL " + right + " RIGHT JOIN " + left + " ON " + on + ")", append(more, cols...)
	}
	return "(" + left + " " + kind + " JOIN LATERAL " + right + " ON " + on + ")", append(slices.Clone(cols), more...)
}

// item is one relation of FROM, written so that LATERAL may stand before it.
func (g *Generator) item(depth int, siblings, outer []genColumn) (string, []genColumn) {
	alias := g.name("t")
	visible := append(slices.Clone(siblings), outer...)
	s := scope{cols: siblings, outer: outer}
	if siblings == nil && depth > 0 && g.chance(5) {
		return g.tree(depth-1, outer)
	}
	if g.chance(6) {
		return g.merged(alias)
	}
	if len(visible) > 0 && g.chance(8) {
		if sql, cols, ok := g.nearest(alias, visible); ok {
			return sql, cols
		}
	}
	switch n := g.pick(100); {
	case n < 10 && len(g.ctes) > 0:
		c := g.ctes[g.pick(len(g.ctes))]
		return "(SELECT * FROM " + c.name + ") " + alias, qualified(alias, c.cols)
	case n < 13 && len(g.views) > 0:
		v := g.views[g.pick(len(g.views))]
		return "(SELECT * FROM " + v.name + ") " + alias, qualified(alias, v.cols)
	case n < 16:
		if g.chance(30) {
			e, typ := g.scalar(s, depth)
			return fmt.Sprintf("(VALUES (%s, %s), (%s, %s)) %s(x, y)", g.scalarInt(s, depth), g.constant(typ), g.constant("int"), e, alias),
				[]genColumn{{alias + ".x", "int"}, {alias + ".y", typ}}
		}
		typ := g.typ()
		return fmt.Sprintf("(VALUES (%s, %s), (%s, %s)) %s(x, y)", g.constant("int"), g.constant(typ), g.constant("int"), g.constant(typ), alias),
			[]genColumn{{alias + ".x", "int"}, {alias + ".y", typ}}
	case n < 18 && depth > 0:
		return fmt.Sprintf("generate_series(%s, least(%s, 4))%s %s", g.of("0", "1", "3"), g.scalarInt(s, depth), g.of("", " WITH ORDINALITY"), alias+"(i)"), []genColumn{{alias + ".i", "int"}}
	case n < 22 && siblings != nil:
		if g.version >= 17 && g.chance(25) {
			return g.jsonTable(s, alias)
		}
		switch g.pick(9) {
		case 7:
			return fmt.Sprintf("jsonb_path_query(%s, '$.** ? (@ <> 1)') WITH ORDINALITY %s(j, o)", g.expr(s, "json", 0), alias), qualified(alias, []genColumn{{"j", "json"}, {"o", "int"}})
		case 8:
			return fmt.Sprintf("ROWS FROM (unnest(%s) , jsonb_to_recordset(CASE jsonb_typeof(%[2]s) WHEN 'array' THEN '[{\"a\": 1, \"b\": \"x\"}, {}]'::jsonb END) AS (a int, b text)) %[3]s(x, y, a, b)", g.expr(s, "pairs", 0), g.expr(s, "json", 0), alias),
				qualified(alias, []genColumn{{"x", "int"}, {"y", "text"}, {"a", "int"}, {"b", "text"}})
		case 3:
			return fmt.Sprintf("ROWS FROM (unnest(%s), generate_series(%s, 3), regexp_split_to_table(%s, '')) WITH ORDINALITY %s(i, n, s, o)", g.expr(s, "list", 0), g.of("1", "2"), g.expr(s, "text", 0), alias),
				qualified(alias, []genColumn{{"i", "int"}, {"n", "int"}, {"s", "text"}, {"o", "int"}})
		case 4:
			return fmt.Sprintf("unnest(%s, %s) WITH ORDINALITY %s(a, b, i, o)", g.expr(s, "pairs", 0), g.expr(s, "list", 0), alias), qualified(alias, []genColumn{{"a", "int"}, {"b", "text"}, {"i", "int"}, {"o", "int"}})
		case 5:
			return fmt.Sprintf("unnest(%s) %s(r)", g.expr(s, "multirange", 0), alias), qualified(alias, []genColumn{{"r", "range"}})
		case 6:
			return fmt.Sprintf("jsonb_each(CASE jsonb_typeof(%[1]s) WHEN 'object' THEN %[1]s END) WITH ORDINALITY %[2]s(k, v, o)", g.expr(s, "json", 0), alias), qualified(alias, []genColumn{{"k", "text"}, {"v", "json"}, {"o", "int"}})
		case 0:
			return fmt.Sprintf("unnest(%s) WITH ORDINALITY %s(i, o)", g.expr(s, "list", 0), alias), []genColumn{{alias + ".i", "int"}, {alias + ".o", "int"}}
		case 1:
			return fmt.Sprintf("(VALUES (%s), (%s)) %s(i)", g.expr(s, "int", 1), g.expr(s, "int", 1), alias), []genColumn{{alias + ".i", "int"}}
		case 2:
			e := g.expr(s, "json", 0)
			return fmt.Sprintf("jsonb_array_elements(CASE jsonb_typeof(%s) WHEN 'array' THEN %s ELSE '[]' END) %s(i)", e, e, alias), []genColumn{{alias + ".i", "json"}}
		}
		return fmt.Sprintf("generate_series(%s, %s) %s(i)", g.of("0", "1"), "least("+g.expr(s, "int", 0)+", 4)", alias), []genColumn{{alias + ".i", "int"}}
	case n < 62 || depth <= 0:
		t := genTables[g.pick(len(genTables))]
		if siblings != nil && g.chance(80) {
			x := g.name("x")
			cols := qualified(x, t.cols)
			where := g.cond(scope{cols: cols, outer: visible}, 1, 0)
			if g.chance(30) {
				return fmt.Sprintf("(SELECT %[1]s.* FROM %[2]s %[1]s WHERE %[3]s ORDER BY %[5]s LIMIT %[6]d) %[4]s", x, t.name, where, alias, g.order(len(cols), true), 1+g.pick(3)), qualified(alias, t.cols)
			}
			return fmt.Sprintf("(SELECT %[1]s.* FROM %[2]s %[1]s WHERE %[3]s) %[4]s", x, t.name, where, alias), qualified(alias, t.cols)
		}
		if siblings == nil && g.chance(30) {
			return t.name + " " + alias, qualified(alias, t.cols)
		}
		return "(SELECT * FROM " + t.name + ") " + alias, qualified(alias, t.cols)
	}
	sql, cols := g.query(depth-1, visible)
	return "(" + sql + ") " + alias, qualified(alias, cols)
}

// equality is an equality of a column of each side, of one type.
func (g *Generator) equality(l, r []genColumn) string {
	for range 20 {
		a, b := l[g.pick(len(l))], r[g.pick(len(r))]
		if a.typ == b.typ {
			return a.sql + " = " + b.sql
		}
	}
	return g.of("true", "false", "false")
}

// on is a join condition: mostly an equality of two columns.
func (g *Generator) on(l, r, outer []genColumn, depth int) string {
	sql := g.equality(l, r)
	if g.chance(20) {
		sql = strings.Replace(sql, " = ", g.of(" < ", " >= ", " <> ", " IS NOT DISTINCT FROM "), 1)
	}
	if g.chance(20) {
		sql += g.of(" AND ", " AND ", " OR ") + g.cond(scope{cols: append(slices.Clone(l), r...), outer: outer}, 1, min(depth-1, 0))
	}
	return sql
}
