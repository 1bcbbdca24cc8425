package randomview

import "fmt"

// asked is an expression of a type that asks other tables: sub-queries where any value may
// stand, within CASE, in the arguments of functions and aggregates, in sub-queries again.
func (g *Generator) asked(s scope, typ string) string {
	g.asking++
	defer func() { g.asking-- }()
	in, cols := g.from(-1, s.inside())
	inner := scope{cols, s.inside()}
	from := " FROM " + in
	if len(s.inside()) > 0 {
		from += " WHERE " + g.equality(cols, s.inside())
		if g.chance(40) {
			from += " AND " + g.cond(inner, 1, g.pick(3)-2)
		}
	}
	switch {
	case typ == "bool" && g.chance(50):
		return g.of("", "NOT ") + "EXISTS (SELECT" + from + ")"
	case typ == "int" && g.chance(30):
		return "(SELECT count(*)" + from + ")"
	case typ == "list" && g.chance(60):
		return fmt.Sprintf("ARRAY(SELECT %s(%s)::int%s ORDER BY 1%s)", g.of("", "DISTINCT "), g.expr(inner, "int", 1), from, g.of("", " DESC", " LIMIT 2"))
	case typ == "pairs" && g.chance(60):
		return "ARRAY(SELECT " + g.expr(inner, "pair", 1) + from + " ORDER BY 1)"
	case g.chance(20):
		return fmt.Sprintf("CASE WHEN EXISTS (SELECT%s) THEN %s ELSE %s END", from, g.expr(s, typ, 1), g.expr(s, typ, 0))
	case families[typ].extremes && g.chance(40):
		return fmt.Sprintf("(SELECT %s(%s)%s)", g.of("min", "max"), g.argument(inner, typ), from)
	}
	return "(SELECT " + g.expr(inner, typ, 1) + from + " ORDER BY 1" + g.of("", " DESC", " NULLS FIRST") + " LIMIT 1" + g.of("", "", " OFFSET 1") + ")"
}
