package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// generator writes random SELECTs over the tables of schema: joins of all
// kinds, sub-queries correlated to any depth, aggregates, grouping sets,
// windows, set operations, first rows, recursion. What it writes has one right
// answer: LIMIT and row_number() follow orders that leave only equal rows
// open, and nothing shows which of equal values was taken.
type generator struct {
	rnd   *rand.Rand
	names int
	ctes  []genRelation
}

// genColumn is a column in scope: how it is written, and its type, one of
// genTypes.
type genColumn struct{ sql, typ string }

// genRelation is a table or CTE that can stand in FROM.
type genRelation struct {
	name string
	cols []genColumn
}

// scope is what an expression may mention: the columns of its own query, and
// those of the queries around it, nearest first.
type scope struct {
	cols  []genColumn
	outer []genColumn
}

// inside is the scope of a sub-query's FROM.
func (s scope) inside() []genColumn { return append(slices.Clone(s.cols), s.outer...) }

var genTypes = []string{"int", "int", "int", "text", "text", "num", "date", "bool"}

var genTables = []genRelation{
	{"customers", []genColumn{{"id", "int"}, {"region", "text"}, {"name", "text"}, {"tier", "int"}}},
	{"orders", []genColumn{{"id", "int"}, {"customer_id", "int"}, {"amount", "num"}, {"qty", "int"}, {"day", "date"}, {"note", "text"}}},
	{"products", []genColumn{{"id", "int"}, {"name", "text"}, {"price", "num"}}},
	{"lines", []genColumn{{"order_id", "int"}, {"no", "int"}, {"product_id", "int"}, {"qty", "int"}}},
	{"loose", []genColumn{{"a", "int"}, {"b", "text"}}},
	{"edges", []genColumn{{"l", "int"}, {"r", "int"}}},
	{"parts", []genColumn{{"k", "int"}, {"v", "text"}, {"q", "int"}}},
}

func (g *generator) pick(n int) int          { return g.rnd.IntN(n) }
func (g *generator) chance(percent int) bool { return g.rnd.IntN(100) < percent }
func (g *generator) of(of ...string) string  { return of[g.rnd.IntN(len(of))] }
func (g *generator) typ() string             { return g.of(genTypes...) }
func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

func qualified(alias string, cols []genColumn) []genColumn {
	out := make([]genColumn, len(cols))
	for i, c := range cols {
		out[i] = genColumn{alias + "." + c.sql, c.typ}
	}
	return out
}

// view is a query of its own.
func (g *generator) view(depth int) string {
	g.ctes = nil
	sql, _ := g.query(depth, nil)
	return sql
}

// query is a SELECT, with its output columns; it may mention outer.
func (g *generator) query(depth int, outer []genColumn) (string, []genColumn) {
	if depth <= 0 {
		return g.plain(0, outer)
	}
	switch n := g.pick(100); {
	case n < 25:
		return g.plain(depth, outer)
	case n < 50:
		return g.grouped(depth, outer)
	case n < 62:
		return g.setOperation(depth, outer)
	case n < 72:
		return g.windowed(depth, outer)
	case n < 82:
		return g.first(depth, outer)
	case n < 90:
		return g.distinct(depth, outer)
	}
	return g.with(depth, outer)
}

// from is a FROM clause of one or more relations.
func (g *generator) from(depth int, outer []genColumn) (string, []genColumn) {
	sql, cols := g.item(depth, nil, outer)
	for range g.of("", "j", "j", "jj") {
		kind := g.of("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "JOIN", "LATERAL", "LEFT LATERAL")
		if strings.HasSuffix(kind, "LATERAL") {
			next, more := g.item(depth, cols, outer)
			if kind == "LATERAL" {
				sql += " CROSS JOIN LATERAL " + strings.TrimPrefix(next, "LATERAL ")
			} else {
				sql += " LEFT JOIN LATERAL " + strings.TrimPrefix(next, "LATERAL ") + " ON " + g.on(cols, more, outer, depth)
			}
			cols = append(slices.Clone(cols), more...)
			continue
		}
		next, more := g.item(depth, nil, outer)
		both := append(slices.Clone(cols), more...)
		switch kind {
		case "FULL JOIN": // Postgres itself has it for equalities only
			sql += " FULL JOIN " + next + " ON " + g.equality(cols, more)
		default:
			sql += " " + kind + " " + next + " ON " + g.on(cols, more, outer, depth)
		}
		cols = both
	}
	return sql, cols
}

// item is one relation of FROM, written so that LATERAL may stand before it.
func (g *generator) item(depth int, siblings, outer []genColumn) (string, []genColumn) {
	alias := g.name("t")
	visible := append(slices.Clone(siblings), outer...)
	switch n := g.pick(100); {
	case n < 10 && len(g.ctes) > 0:
		c := g.ctes[g.pick(len(g.ctes))]
		return "(SELECT * FROM " + c.name + ") " + alias, qualified(alias, c.cols)
	case n < 15:
		return fmt.Sprintf("(VALUES (%s, %s), (%s, %s)) %s(x, y)", g.constant("int"), g.constant("text"), g.constant("int"), g.constant("text"), alias),
			[]genColumn{{alias + ".x", "int"}, {alias + ".y", "text"}}
	case n < 20 && siblings != nil:
		return fmt.Sprintf("generate_series(%s, %s) %s(i)", g.of("0", "1"), "least("+g.expr(scope{cols: siblings, outer: outer}, "int", 0)+", 4)", alias),
			[]genColumn{{alias + ".i", "int"}}
	case n < 60 || depth <= 0:
		t := genTables[g.pick(len(genTables))]
		if siblings != nil && g.chance(80) {
			x := g.name("x")
			where := g.cond(scope{cols: qualified(x, t.cols), outer: visible}, 1, 0)
			return fmt.Sprintf("(SELECT %[1]s.* FROM %[2]s %[1]s WHERE %[3]s) %[4]s", x, t.name, where, alias), qualified(alias, t.cols)
		}
		return "(SELECT * FROM " + t.name + ") " + alias, qualified(alias, t.cols)
	}
	sql, cols := g.query(depth-1, visible)
	return "(" + sql + ") " + alias, qualified(alias, cols)
}

// equality is an equality of a column of each side, of one type.
func (g *generator) equality(l, r []genColumn) string {
	for range 20 {
		a, b := l[g.pick(len(l))], r[g.pick(len(r))]
		if a.typ == b.typ {
			return a.sql + " = " + b.sql
		}
	}
	return g.of("true", "false", "false")
}

// on is a join condition: mostly an equality of two columns.
func (g *generator) on(l, r, outer []genColumn, depth int) string {
	sql := g.equality(l, r)
	if g.chance(15) {
		sql = strings.Replace(sql, " = ", g.of(" < ", " >= ", " <> ", " IS NOT DISTINCT FROM "), 1)
	}
	if g.chance(20) {
		sql += " AND " + g.cond(scope{cols: append(slices.Clone(l), r...), outer: outer}, 1, min(depth-1, 0))
	}
	return sql
}

func (g *generator) where(s scope, depth int) string {
	if g.chance(65) {
		return ""
	}
	return " WHERE " + g.cond(s, 2, depth-1)
}

// project is a select list.
func (g *generator) project(s scope, depth int) (string, []genColumn) {
	var parts []string
	var out []genColumn
	for range 1 + g.pick(4) {
		typ := g.typ()
		name := g.name("c")
		e := g.expr(s, typ, 2)
		if depth > 0 && g.chance(12) {
			e, typ = g.scalar(s, depth)
		}
		parts = append(parts, e+" AS "+name)
		out = append(out, genColumn{name, typ})
	}
	return strings.Join(parts, ", "), out
}

func (g *generator) plain(depth int, outer []genColumn) (string, []genColumn) {
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	list, out := g.project(s, depth)
	return "SELECT " + list + " FROM " + in + g.where(s, depth), out
}

func (g *generator) distinct(depth int, outer []genColumn) (string, []genColumn) {
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	list, out := g.project(s, depth)
	if len(out) > 1 && g.chance(40) {
		// All columns in the order leave only equal rows open.
		return fmt.Sprintf("SELECT DISTINCT ON (1) %s FROM %s%s ORDER BY %s", list, in, g.where(s, depth), g.order(len(out), false)), out
	}
	return "SELECT DISTINCT " + list + " FROM " + in + g.where(s, depth), out
}

// order lists the columns 1 to n, in order or shuffled.
func (g *generator) order(n int, shuffle bool) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprint(i+1)+g.of("", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
	}
	if shuffle {
		g.rnd.Shuffle(n, func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	return strings.Join(parts, ", ")
}

// first is the first rows of an order.
func (g *generator) first(depth int, outer []genColumn) (string, []genColumn) {
	sql, out := g.query(depth-1, outer)
	alias := g.name("f")
	sql = fmt.Sprintf("SELECT * FROM (%s) %s ORDER BY %s", sql, alias, g.order(len(out), true))
	switch g.pick(4) {
	case 0:
		return sql + fmt.Sprintf(" FETCH FIRST %d ROWS WITH TIES", 1+g.pick(3)), out
	case 1:
		return sql + fmt.Sprintf(" LIMIT %d OFFSET %d", g.pick(4), g.pick(3)), out
	}
	return sql + fmt.Sprintf(" LIMIT %d", 1+g.pick(4)), out
}

func (g *generator) aggregate(s scope) (string, string) {
	filter := ""
	if g.chance(20) {
		filter = " FILTER (WHERE " + g.cond(s, 1, 0) + ")"
	}
	switch g.pick(9) {
	case 0, 1:
		return "count(*)" + filter, "int"
	case 2:
		return "count(" + g.of("", "DISTINCT ") + g.expr(s, g.typ(), 1) + ")" + filter, "int"
	case 3:
		return "(sum(" + g.of("", "", "DISTINCT ") + g.expr(s, "int", 1) + ")" + filter + ")::numeric", "num"
	case 4:
		return "(" + g.of("avg", "sum", "var_pop") + "(" + g.expr(s, "num", 1) + ")" + filter + ")", "num"
	case 5:
		return g.of("bool_and", "bool_or", "every") + "(" + g.expr(s, "bool", 1) + ")" + filter, "bool"
	case 6:
		e := g.expr(s, "text", 1)
		return "string_agg(" + e + ", ',' ORDER BY " + e + ")" + filter, "text"
	}
	typ := g.of("int", "num", "date", "text")
	return g.of("min", "max") + "(" + g.expr(s, typ, 1) + ")" + filter, typ
}

func (g *generator) grouped(depth int, outer []genColumn) (string, []genColumn) {
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	var parts, groups []string
	var out []genColumn
	sets := true // only over columns: versions differ in what sets of constants show
	for range g.pick(3) {
		typ := g.typ()
		name := g.name("g")
		e := g.expr(scope{cols: cols}, typ, 1)
		sets = sets && slices.ContainsFunc(cols, func(c genColumn) bool { return strings.Contains(e, c.sql) })
		groups = append(groups, e)
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	for range 1 + g.pick(3) {
		// Of its own columns alone: else it may be an aggregate of an outer query.
		e, typ := g.aggregate(scope{cols: cols})
		name := g.name("a")
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
	if g.chance(20) {
		sql += " HAVING count(*) > " + fmt.Sprint(g.pick(3))
	}
	return sql, out
}

func (g *generator) windowed(depth int, outer []genColumn) (string, []genColumn) {
	sql, cols := g.query(depth-1, outer)
	alias := g.name("w")
	cols = qualified(alias, cols)
	var parts []string
	var out []genColumn
	var all []string
	for _, c := range cols {
		name := g.name("c")
		parts, out = append(parts, c.sql+" AS "+name), append(out, genColumn{name, c.typ})
		all = append(all, c.sql+g.of("", " DESC"))
	}
	for range 1 + g.pick(2) {
		partition := ""
		if g.chance(60) {
			partition = "PARTITION BY " + cols[g.pick(len(cols))].sql + " "
		}
		total := partition + "ORDER BY " + strings.Join(all, ", ")
		some := partition + "ORDER BY " + cols[g.pick(len(cols))].sql + g.of("", " DESC", " NULLS FIRST")
		rows := g.of("", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING")
		peers := g.of("", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES")
		name := g.name("v")
		var e, typ string
		switch g.pick(7) {
		case 0:
			e, typ = "row_number() OVER ("+total+")", "int"
		case 1:
			e, typ = g.of("rank", "dense_rank")+"() OVER ("+some+")", "int"
		case 2:
			c := cols[g.pick(len(cols))]
			e, typ = g.of("lag", "lead", "first_value", "last_value")+"("+c.sql+") OVER ("+total+")", c.typ
		case 3:
			e, typ = "count(*) OVER ("+total+rows+")", "int"
		case 4:
			e, typ = "count(*) OVER ("+some+peers+")", "int"
		case 5:
			c := cols[g.pick(len(cols))]
			if c.typ == "bool" {
				c.sql, c.typ = c.sql+"::int", "int"
			}
			e, typ = g.of("min", "max")+"("+c.sql+") OVER ("+some+peers+")", c.typ
		default:
			e, typ = "(sum("+g.expr(scope{cols: cols}, "int", 0)+") OVER ("+total+rows+"))::numeric", "num"
		}
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	// Of equal rows, it is open which one a row of a frame is.
	return fmt.Sprintf("SELECT %s FROM (SELECT DISTINCT * FROM (%s) %s) %s", strings.Join(parts, ", "), sql, g.name("d"), alias), out
}

func (g *generator) setOperation(depth int, outer []genColumn) (string, []genColumn) {
	var types []string
	for range 1 + g.pick(3) {
		types = append(types, g.typ())
	}
	var sql string
	var out []genColumn
	for i := range 2 + g.pick(2) {
		in, cols := g.from(depth-1, outer)
		s := scope{cols, outer}
		var parts []string
		for _, typ := range types {
			name := g.name("u")
			parts = append(parts, g.expr(s, typ, 1)+" AS "+name)
			if i == 0 {
				out = append(out, genColumn{name, typ})
			}
		}
		branch := "SELECT " + strings.Join(parts, ", ") + " FROM " + in + g.where(s, depth-1)
		switch {
		case i == 0:
			sql = branch
		case i == 2:
			sql = "(" + sql + ") " + g.of("UNION ALL", "UNION", "INTERSECT", "EXCEPT ALL") + " " + branch
		default:
			sql += " " + g.of("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL") + " " + branch
		}
	}
	return sql, out
}

// with is a query over a CTE, which it mentions twice.
func (g *generator) with(depth int, outer []genColumn) (string, []genColumn) {
	name, word := g.name("cte"), "WITH "
	sql, cols := g.query(depth-1, nil)
	if g.chance(35) {
		word = "WITH RECURSIVE "
		sql, cols = g.recursive(name)
	}
	before := g.ctes
	g.ctes = append(slices.Clone(g.ctes), genRelation{name, cols})
	defer func() { g.ctes = before }()
	a, b := g.name("t"), g.name("t")
	l, r := qualified(a, cols), qualified(b, cols)
	s := scope{append(slices.Clone(l), r...), outer}
	list, out := g.project(s, depth-1)
	return word + fmt.Sprintf("%s AS %s(%s) SELECT %s FROM %s %s %s %s ON %s%s", name, g.of("", "MATERIALIZED ", "NOT MATERIALIZED "), sql,
		list, name, a, g.of("JOIN", "LEFT JOIN"), name+" "+b, g.on(l, r, outer, 0), g.where(s, depth-1)), out
}

// recursive is the text of a recursive WITH query over the table edges.
func (g *generator) recursive(name string) (string, []genColumn) {
	base, step := g.name("e"), g.name("e")
	cols := []genColumn{{"l", "int"}, {"r", "int"}, {"n", "int"}}
	s := scope{cols: append(qualified(step, genTables[5].cols), qualified(name, cols)...)}
	join, and := name+".r = "+step+".l", ""
	if g.chance(30) {
		and = " AND " + g.cond(s, 1, 0)
	}
	first := fmt.Sprintf("SELECT %[1]s.l, %[1]s.r, %[2]s AS n FROM edges %[1]s%[3]s", base, g.of("0", base+".l", base+".r"), g.where(scope{cols: qualified(base, genTables[5].cols)}, 1))
	if g.chance(50) { // ends: there are only so many rows
		n := g.of(name+".n", step+".r", "least("+name+".n, "+step+".l)")
		return fmt.Sprintf("%s UNION SELECT %s.l, %s.r, %s FROM %s JOIN edges %s ON %s%s", first, g.of(name, step), step, n, name, step, join, and), cols
	}
	first = strings.Replace(first, " AS n FROM", " * 0 AS n FROM", 1)
	return fmt.Sprintf("%s %s SELECT %s.l, %s.r, %s.n + 1 FROM %s, edges %s WHERE %s AND %s.n < 3%s", first, g.of("UNION ALL", "UNION"), name, step, name, name, step, join, name, and), cols
}

// scalar is a scalar sub-query that mentions the scope.
func (g *generator) scalar(s scope, depth int) (string, string) {
	in, cols := g.from(depth-1, s.inside())
	inner := scope{cols, s.inside()}
	where := " WHERE " + g.equality(cols, s.inside())
	if g.chance(40) {
		where += " AND " + g.cond(inner, 1, depth-2)
	}
	if g.chance(15) {
		typ := g.typ()
		e := g.expr(inner, typ, 1)
		return "(SELECT " + e + " FROM " + in + where + " ORDER BY 1 LIMIT 1)", typ
	}
	e, typ := g.aggregate(scope{cols: cols})
	return "(SELECT " + e + " FROM " + in + where + ")", typ
}

// expr is an expression of a type; where no column has it, a constant.
func (g *generator) expr(s scope, typ string, depth int) string {
	if depth > 0 && g.chance(50) {
		sub := func(t string) string { return g.expr(s, t, depth-1) }
		switch g.pick(6) {
		case 0:
			return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", g.cond(s, depth-1, 0), sub(typ), sub(typ))
		case 1:
			return fmt.Sprintf("coalesce(%s, %s)", sub(typ), sub(typ))
		case 2:
			if typ != "bool" {
				return fmt.Sprintf("%s(%s, %s)", g.of("greatest", "least", "nullif"), sub(typ), sub(typ))
			}
		}
		switch typ {
		case "int":
			return fmt.Sprintf("(%s %s %s)", sub("int"), g.of("+", "-", "%", "*"), g.of("2", "3", "5"))
		case "num":
			return fmt.Sprintf("(%s %s %s)", sub(g.of("num", "int")), g.of("+", "-", "*", "/"), g.of("1.5", "3.00", "7.0"))
		case "text":
			switch g.pick(5) {
			case 0:
				return "upper(" + sub("text") + ")"
			case 1:
				return "(" + sub("text") + " || " + sub("text") + ")"
			case 2:
				return "(" + sub("int") + ")::text"
			case 3:
				return "substr(" + sub("text") + ", 1, 2)"
			}
			return "app.label(" + sub("text") + ")"
		case "date":
			return fmt.Sprintf("(%s + %d)", sub("date"), g.pick(3))
		case "bool":
			return g.cond(s, depth-1, 0)
		}
	}
	visible := s.cols
	if len(s.outer) > 0 && (len(visible) == 0 || g.chance(25)) {
		visible = s.outer
	}
	for range 8 {
		if len(visible) == 0 {
			break
		}
		if c := visible[g.pick(len(visible))]; c.typ == typ {
			return c.sql
		}
	}
	return g.constant(typ)
}

func (g *generator) constant(typ string) string {
	return g.of(map[string][]string{
		"int":  {"1", "2", "0", "NULL::int"},
		"num":  {"1.0", "2.50", "1.00"},
		"text": {"'a'::text", "''::text", "NULL::text"},
		"date": {"date '2024-03-01'", "date '2024-02-29'", "NULL::date"},
		"bool": {"true", "false", "NULL::bool"},
	}[typ]...)
}

// cond is a condition; below depth it may hold sub-queries of depth queries.
func (g *generator) cond(s scope, depth, queries int) string {
	if depth > 0 && g.chance(33) {
		return fmt.Sprintf("(%s %s %s)", g.cond(s, depth-1, queries), g.of("AND", "OR", "AND NOT"), g.cond(s, depth-1, queries))
	}
	if queries >= 0 && g.chance(30) {
		return g.sublink(s, queries)
	}
	typ := g.typ()
	a := g.expr(s, typ, depth)
	switch g.pick(6) {
	case 0:
		return "(" + a + " IS " + g.of("", "NOT ") + "NULL)"
	case 1:
		return fmt.Sprintf("(%s %sIN (%s, %s))", a, g.of("", "NOT "), g.expr(s, typ, 0), g.expr(s, typ, 0))
	case 2:
		if typ == "bool" {
			return "(" + a + " IS " + g.of("TRUE", "NOT TRUE", "UNKNOWN", "NOT FALSE") + ")"
		}
	}
	return fmt.Sprintf("(%s %s %s)", a, g.of("=", "<>", "<", ">=", "IS DISTINCT FROM", ">"), g.expr(s, typ, depth))
}

// sublink is a condition with a sub-query.
func (g *generator) sublink(s scope, depth int) string {
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
		if inside != nil {
			where = " WHERE " + g.equality(cols, inside)
			if g.chance(30) {
				where += " AND " + g.cond(inner, 1, depth-1)
			}
		}
		return "(SELECT " + strings.Join(parts, ", ") + " FROM " + in + where + ")"
	}
	typ := g.typ()
	switch g.pick(8) {
	case 0, 1:
		return g.of("", "NOT ") + "EXISTS " + sub("int")
	case 5:
		other := g.typ()
		return fmt.Sprintf("((%s, %s) %s (%s, %s))", g.expr(s, typ, 0), g.expr(s, other, 0), g.of("=", "<", ">=", "<>", "IS DISTINCT FROM"), g.expr(s, typ, 1), g.expr(s, other, 1))
	case 6:
		return "(cardinality(ARRAY " + sub(typ) + ") " + g.of("=", ">", "<>") + " " + g.expr(s, "int", 0) + ")"
	case 2:
		return "(" + g.expr(s, typ, 1) + g.of("", " NOT") + " IN " + sub(typ) + ")"
	case 3:
		return "(" + g.expr(s, typ, 0) + g.of(" = ", " < ", " >= ", " <> ") + g.of("ANY ", "ALL ") + sub(typ) + ")"
	case 4:
		other := g.typ()
		return "((" + g.expr(s, typ, 0) + ", " + g.expr(s, other, 0) + ")" + g.of("", " NOT") + " IN " + sub(typ, other) + ")"
	}
	e, typ := g.scalar(s, depth)
	return "(" + g.expr(s, typ, 0) + g.of(" = ", " < ", " IS DISTINCT FROM ") + e + ")"
}
