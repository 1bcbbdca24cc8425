package randomview

import (
	"fmt"
	"slices"
)

// arranged is a scalar sub-query that depends on an order which it does not say: that of the
// results of a set-returning function, or of a sub-select, whose ORDER BY leaves only equal rows open.
func (g *Generator) arranged(s scope, depth int) (string, string) {
	alias := g.name("o")
	typ := g.of("int", "int", "text", "json", "range")
	from, e := g.set(scope{outer: s.inside()}, typ)+" "+alias+"(v)", alias+".v"
	if depth > 0 && g.chance(60) {
		sub, cols := g.query(depth-1, s.inside())
		if i := slices.IndexFunc(cols, func(c genColumn) bool { return c.typ == "int" || c.typ == "text" }); i >= 0 {
			from = fmt.Sprintf("(SELECT * FROM (%s) %s ORDER BY %s%s) %s", sub, g.name("o"), g.order(len(cols), true), g.of("", "", " LIMIT 3", " OFFSET 1"), alias)
			e, typ = alias+"."+cols[i].sql, cols[i].typ
		}
	}
	from = " FROM " + from + g.of("", "", " WHERE "+e+" IS NOT NULL")
	cut := g.of("", "", " LIMIT 2", " OFFSET 1")
	if g.chance(25) {
		return "(SELECT " + e + from + " LIMIT 1" + g.of("", " OFFSET 1") + ")", typ
	}
	switch typ {
	case "int":
		return g.of("(SELECT array_agg(("+e+")::int)"+from+")", "ARRAY(SELECT ("+e+")::int"+from+cut+")"), "list"
	case "text":
		return g.of("(SELECT string_agg("+e+", ',')"+from+")", "array_to_string(ARRAY(SELECT "+e+from+cut+"), ',', '?')"), "text"
	}
	return g.of("(SELECT jsonb_agg("+e+")"+from+")", "to_jsonb(ARRAY(SELECT "+e+from+cut+"))"), "json"
}
