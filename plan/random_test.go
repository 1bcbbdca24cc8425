package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestRandomViewsEqualPostgres makes up views from a seed and runs them over
// random writes.
func TestRandomViewsEqualPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), schema)
	filled := 0
	for seed := range uint64(3) {
		g := &generator{rnd: rand.New(rand.NewPCG(seed, 77))}
		var views []plan.View
		loose := map[string]bool{}
		for i := range 25 {
			name := fmt.Sprintf("random_%d_%d", seed, i)
			sql, _ := g.relation(2)
			views = append(views, plan.View{Name: name, Query: sql})
			loose[name] = true
		}
		r := newRig(t, dsn, views, g.rnd)
		r.loose = loose
		for range 8 {
			for range 4 + r.rnd.IntN(15) {
				r.write()
			}
			r.feed(3)
			r.check()
		}
		for _, v := range views {
			if r.filled[v.Name] > 0 {
				filled++
			}
		}
	}
	if filled < 40 {
		t.Errorf("only %d views ever had rows", filled)
	}
}

// generator writes random SELECTs.
type generator struct {
	rnd   *rand.Rand
	names int
}

// column is a column in scope: how it is written and its type, one of "int",
// "text", "num", "date".
type genColumn struct{ sql, typ string }

func (g *generator) pick(n int) int { return g.rnd.IntN(n) }

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

var genTables = []struct {
	name string
	cols []genColumn
}{
	{"customers", []genColumn{{"id", "int"}, {"region", "text"}, {"name", "text"}, {"tier", "int"}}},
	{"orders", []genColumn{{"id", "int"}, {"customer_id", "int"}, {"amount", "num"}, {"qty", "int"}, {"day", "date"}, {"note", "text"}}},
	{"products", []genColumn{{"id", "int"}, {"name", "text"}, {"price", "num"}}},
	{"lines", []genColumn{{"order_id", "int"}, {"no", "int"}, {"product_id", "int"}, {"qty", "int"}}},
	{"loose", []genColumn{{"a", "int"}, {"b", "text"}}},
	{"edges", []genColumn{{"l", "int"}, {"r", "int"}}},
	{"parts", []genColumn{{"k", "int"}, {"v", "text"}, {"q", "int"}}},
}

// relation is a query of at most the given depth, with its output columns.
func (g *generator) relation(depth int) (string, []genColumn) {
	if depth == 0 {
		t := genTables[g.pick(len(genTables))]
		return "SELECT * FROM " + t.name, t.cols
	}
	switch g.pick(8) {
	case 0:
		return g.union(depth)
	case 1:
		in, cols := g.from(depth)
		sql, out := g.project(cols)
		return "SELECT DISTINCT " + sql + " FROM " + in + g.where(cols), out
	case 2, 3, 4:
		return g.grouped(depth)
	case 5:
		name := g.name("cte")
		sql, cols := g.relation(depth - 1)
		a, b := g.name("t"), g.name("t")
		scope := append(qualified(a, cols), qualified(b, cols)...)
		list, out := g.project(scope)
		return fmt.Sprintf("WITH %s AS (%s) SELECT %s FROM %s %s JOIN %s %s ON %s", name, sql, list, name, a, name, b, g.on(qualified(a, cols), qualified(b, cols))), out
	}
	in, cols := g.from(depth)
	sql, out := g.project(cols)
	return "SELECT " + sql + " FROM " + in + g.where(cols), out
}

func qualified(alias string, cols []genColumn) []genColumn {
	out := make([]genColumn, len(cols))
	for i, c := range cols {
		out[i] = genColumn{alias + "." + c.sql, c.typ}
	}
	return out
}

// from is a FROM clause of one to three relations.
func (g *generator) from(depth int) (string, []genColumn) {
	item := func() (string, []genColumn) {
		alias := g.name("t")
		sql, cols := g.relation(g.pick(depth))
		return "(" + sql + ") " + alias, qualified(alias, cols)
	}
	sql, cols := item()
	for range g.pick(3) {
		next, more := item()
		sql += " JOIN " + next + " ON " + g.on(cols, more)
		cols = append(cols, more...)
	}
	return sql, cols
}

// on is a join condition: mostly an equality of two columns.
func (g *generator) on(l, r []genColumn) string {
	for range 10 {
		a, b := l[g.pick(len(l))], r[g.pick(len(r))]
		if a.typ == b.typ {
			op := []string{"=", "=", "=", "=", "=", "=", "=", "<", "IS NOT DISTINCT FROM"}[g.pick(9)]
			sql := a.sql + " " + op + " " + b.sql
			if g.pick(4) == 0 {
				sql += " AND " + g.cond(append(l[:len(l):len(l)], r...), 1)
			}
			return sql
		}
	}
	return "false"
}

func (g *generator) where(cols []genColumn) string {
	if g.pick(3) > 0 {
		return ""
	}
	return " WHERE " + g.cond(cols, 2)
}

func (g *generator) project(cols []genColumn) (string, []genColumn) {
	var parts []string
	var out []genColumn
	for range 1 + g.pick(4) {
		typ := []string{"int", "text", "num", "int", "date"}[g.pick(5)]
		name := g.name("c")
		parts = append(parts, g.expr(cols, typ, 2)+" AS "+name)
		out = append(out, genColumn{name, typ})
	}
	return strings.Join(parts, ", "), out
}

func (g *generator) grouped(depth int) (string, []genColumn) {
	in, cols := g.from(depth)
	var parts, groups []string
	var out []genColumn
	for range g.pick(3) {
		typ := []string{"int", "text", "date", "num"}[g.pick(4)]
		e, name := g.expr(cols, typ, 1), g.name("g")
		groups = append(groups, fmt.Sprint(len(parts)+1))
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	for range 1 + g.pick(3) {
		typ := []string{"int", "num", "date", "text"}[g.pick(4)]
		name := g.name("a")
		var e string
		switch {
		case typ == "int" && g.pick(2) == 0:
			e = "count(*)"
		case typ == "int" || typ == "num":
			e = []string{"sum", "min", "max", "avg", "count"}[g.pick(5)] + "(" + []string{"", "", "DISTINCT "}[g.pick(3)] + g.expr(cols, typ, 1) + ")"
			if typ == "int" {
				typ = "num"
			}
		default:
			e = []string{"min", "max"}[g.pick(2)] + "(" + g.expr(cols, typ, 1) + ")"
		}
		if g.pick(4) == 0 {
			e += " FILTER (WHERE " + g.cond(cols, 1) + ")"
		}
		if typ == "num" {
			e = "(" + e + ")::numeric"
		}
		parts, out = append(parts, e+" AS "+name), append(out, genColumn{name, typ})
	}
	sql := "SELECT " + strings.Join(parts, ", ") + " FROM " + in + g.where(cols)
	if len(groups) > 0 {
		sql += " GROUP BY " + strings.Join(groups, ", ")
	}
	if g.pick(4) == 0 {
		sql += " HAVING count(*) > " + fmt.Sprint(g.pick(3))
	}
	return sql, out
}

func (g *generator) union(depth int) (string, []genColumn) {
	var branches []string
	var out []genColumn
	var types []string
	for range 1 + g.pick(3) {
		types = append(types, []string{"int", "text", "num", "date"}[g.pick(4)])
	}
	for i := range 2 + g.pick(2) {
		in, cols := g.from(depth)
		var parts []string
		for _, typ := range types {
			name := g.name("u")
			parts = append(parts, g.expr(cols, typ, 1)+" AS "+name)
			if i == 0 {
				out = append(out, genColumn{name, typ})
			}
		}
		branches = append(branches, "SELECT "+strings.Join(parts, ", ")+" FROM "+in+g.where(cols))
	}
	return strings.Join(branches, []string{" UNION ALL ", " UNION ALL ", " UNION "}[g.pick(3)]), out
}

// expr is an expression of a type; where no column has it, a constant.
func (g *generator) expr(cols []genColumn, typ string, depth int) string {
	if depth > 0 && g.pick(2) == 0 {
		sub := func(t string) string { return g.expr(cols, t, depth-1) }
		switch g.pick(4) {
		case 0:
			return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", g.cond(cols, depth-1), sub(typ), sub(typ))
		case 1:
			return fmt.Sprintf("coalesce(%s, %s)", sub(typ), sub(typ))
		}
		switch typ {
		case "int":
			return fmt.Sprintf("(%s %s %s)", sub("int"), []string{"+", "-", "%", "*"}[g.pick(4)], []string{"2", "3", "5"}[g.pick(3)])
		case "num":
			return fmt.Sprintf("(%s %s %s)", sub([]string{"num", "int"}[g.pick(2)]), []string{"+", "-", "*", "/"}[g.pick(4)], []string{"1.5", "3.00", "7.0"}[g.pick(3)])
		case "text":
			return []string{"upper(" + sub("text") + ")", "(" + sub("text") + " || " + sub("text") + ")", "(" + sub("int") + ")::text", "substr(" + sub("text") + ", 1, 2)", "app.label(" + sub("text") + ")"}[g.pick(5)]
		case "date":
			return fmt.Sprintf("(%s + %d)", sub("date"), g.pick(3))
		}
	}
	for range 8 {
		if c := cols[g.pick(len(cols))]; c.typ == typ {
			return c.sql
		}
	}
	return map[string][]string{
		"int": {"1", "2", "0", "NULL::int"}, "num": {"1.0", "2.50", "1.00"}, "text": {"'a'::text", "''::text", "NULL::text"}, "date": {"date '2024-03-01'", "NULL::date"},
	}[typ][g.pick(2)]
}

func (g *generator) cond(cols []genColumn, depth int) string {
	if depth > 0 && g.pick(3) == 0 {
		return fmt.Sprintf("(%s %s %s)", g.cond(cols, depth-1), []string{"AND", "OR", "AND NOT"}[g.pick(3)], g.cond(cols, depth-1))
	}
	typ := []string{"int", "text", "num", "date"}[g.pick(4)]
	a := g.expr(cols, typ, depth)
	switch g.pick(5) {
	case 0:
		return "(" + a + " IS NOT NULL)"
	case 1:
		return fmt.Sprintf("(%s IN (%s, %s))", a, g.expr(cols, typ, 0), g.expr(cols, typ, 0))
	}
	return fmt.Sprintf("(%s %s %s)", a, []string{"=", "<>", "<", ">=", "IS DISTINCT FROM", ">"}[g.pick(6)], g.expr(cols, typ, depth))
}
