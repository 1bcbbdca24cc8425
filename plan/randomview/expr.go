package randomview

import (
	"fmt"
	"strings"
)

// scalar is a scalar sub-query that mentions the scope.
func (g *Generator) scalar(s scope, depth int) (string, string) {
	if g.chance(12) {
		return g.arranged(s, depth-1)
	}
	in, cols := g.from(depth-1, s.inside())
	inner := scope{cols, s.inside()}
	where := ""
	if len(s.inside()) > 0 {
		where = " WHERE " + g.equality(cols, s.inside())
		if g.chance(40) {
			where += " AND " + g.cond(inner, 1, depth-2)
		}
	}
	if own, around := ofType(cols, "int"), ofType(s.inside(), "int"); own != "" && around != "" && g.chance(10) {
		// Fails where the sub-query is not asked.
		return fmt.Sprintf("CASE WHEN %[1]s <> 0 THEN (SELECT %[2]s(%[3]s + 12 / %[1]s) FROM %[4]s) END", around, g.of("min", "max"), own, in+where), "int"
	}
	if g.chance(15) {
		typ := g.typeOf(inner)
		e := g.expr(inner, typ, 1)
		return "(SELECT " + e + " FROM " + in + where + " ORDER BY 1 LIMIT 1)", typ
	}
	e, typ := g.aggregate(inner)
	return "(SELECT " + e + " FROM " + in + where + ")", typ
}

// scalarInt is an integer of a scalar sub-query.
func (g *Generator) scalarInt(s scope, depth int) string {
	e, typ := g.scalar(s, depth)
	switch typ {
	case "int":
		return e
	case "text":
		return "length(" + e + ")"
	}
	return "num_nulls(" + e + ")"
}

// ofType is the first column of a type; "" if there is none.
func ofType(cols []genColumn, typ string) string {
	for _, c := range cols {
		if c.typ == typ {
			return c.sql
		}
	}
	return ""
}

// expr is an expression of a type; where no column has it, a constant.
func (g *Generator) expr(s scope, typ string, depth int) string {
	if depth > 0 && g.asking < 2 && g.chance(3) {
		return g.asked(s, typ)
	}
	if depth > 0 && g.chance(50) {
		sub := func(t string) string { return g.expr(s, t, depth-1) }
		switch g.pick(6) {
		case 0:
			return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", g.cond(s, depth-1, -1), sub(typ), sub(typ))
		case 1:
			return fmt.Sprintf("coalesce(%s, %s)", sub(typ), sub(typ))
		case 2:
			if typ != "bool" && typ != "json" {
				return fmt.Sprintf("%s(%s, %s)", g.of("greatest", "least", "nullif"), sub(typ), sub(typ))
			}
		}
		if typ == "bool" && g.chance(30) {
			return g.cond(s, depth-1, -1)
		}
		exprs, _ := g.templates(typ)
		return g.fill(g.of(exprs...), s, depth-1)
	}
	visible := s.cols
	if len(s.outer) > 0 && (len(visible) == 0 || g.chance(25)) {
		visible = s.outer
	}
	for range 10 {
		if len(visible) == 0 {
			break
		}
		if c := visible[g.pick(len(visible))]; c.typ == typ {
			return c.sql
		}
	}
	return g.constant(typ)
}

func (g *Generator) constant(typ string) string {
	if clock := families[typ].clock; g.clock && len(clock) > 0 && g.chance(30) {
		return g.of(clock...)
	}
	return g.of(families[typ].constants...)
}

// cond is a condition; with depth of queries not below zero, it may hold
// sub-queries.
func (g *Generator) cond(s scope, depth, queries int) string {
	if depth > 0 && g.chance(33) {
		return fmt.Sprintf("(%s %s %s)", g.cond(s, depth-1, queries), g.of("AND", "OR", "AND NOT"), g.cond(s, depth-1, queries))
	}
	if queries >= 0 && g.chance(30) {
		return g.sublink(s, queries)
	}
	typ := g.typeOf(s)
	a := g.expr(s, typ, depth)
	switch g.pick(8) {
	case 0:
		return "(" + a + " IS " + g.of("", "NOT ") + "NULL)"
	case 1:
		return fmt.Sprintf("(%s %sIN (%s, %s))", a, g.of("", "NOT "), g.expr(s, typ, 0), g.expr(s, typ, 0))
	case 2, 3:
		if _, conds := g.templates(typ); len(conds) > 0 {
			return g.fill(g.of(conds...), s, max(depth-1, 0))
		}
	case 4:
		if typ != "json" && !families[typ].row {
			return fmt.Sprintf("(%s %sBETWEEN %s AND %s)", a, g.of("", "NOT "), g.expr(s, typ, 0), g.expr(s, typ, 0))
		}
	}
	return fmt.Sprintf("(%s %s %s)", a, g.of("=", "<>", "<", ">=", "IS DISTINCT FROM", ">"), g.expr(s, typ, depth))
}

// sublink is a condition with a sub-query.
func (g *Generator) sublink(s scope, depth int) string {
	inside := s.inside()
	if g.chance(25) {
		inside = nil
	}
	sub := func(types ...string) string {
		in, cols := g.from(depth, inside)
		inner := scope{cols, inside}
		var parts []string
		for _, typ := range types {
			parts = append(parts, g.expr(inner, typ, 1))
		}
		where := ""
		if len(inside) > 0 {
			where = " WHERE " + g.equality(cols, inside)
			if g.chance(30) {
				where += " AND " + g.cond(inner, 1, depth-1)
			}
		}
		return "(SELECT " + strings.Join(parts, ", ") + " FROM " + in + where + ")"
	}
	typ, other := g.typeOf(s), g.typeOf(s)
	if typ == "pair" {
		typ = "list" // ROW(…) would be compared with as many columns
	}
	row := "(" + g.expr(s, typ, 0) + ", " + g.expr(s, other, 0) + ")"
	switch g.pick(10) {
	case 0, 1:
		return g.of("", "NOT ") + "EXISTS " + sub("int")
	case 2:
		return "(" + g.expr(s, typ, 1) + g.of("", " NOT") + " IN " + sub(typ) + ")"
	case 3:
		return "(" + g.expr(s, typ, 0) + g.of(" = ", " < ", " >= ", " <> ") + g.of("ANY ", "ALL ") + sub(typ) + ")"
	case 4:
		return "(" + row + g.of("", " NOT") + " IN " + sub(typ, other) + ")"
	case 5:
		return fmt.Sprintf("(%s %s (%s, %s))", row, g.of("=", "<", ">=", "<>", "IS DISTINCT FROM"), g.expr(s, typ, 1), g.expr(s, other, 1))
	case 6:
		if typ == "list" || typ == "pairs" { // arrays of arrays fail if these are not all alike
			typ = "int"
		}
		return "(cardinality(ARRAY " + sub(typ) + ") " + g.of("=", ">", "<>") + " " + g.expr(s, "int", 0) + ")"
	case 7:
		return "(" + row + g.of(" = ", " < ", " >= ", " <> ") + g.of("ANY ", "ALL ") + sub(typ, other) + ")"
	}
	e, typ := g.scalar(s, depth)
	return "(" + g.expr(s, typ, 0) + g.of(" = ", " < ", " IS DISTINCT FROM ") + e + ")"
}
