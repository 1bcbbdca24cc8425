package randomview

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Generator writes random SELECTs over the tables of Schema and MoreSchema:
// joins of all kinds, sub-queries correlated to any depth, aggregates, grouping
// sets, windows, set operations, first rows, recursion, other views. What it
// writes has one right answer: LIMIT and row_number() follow orders that leave
// only equal rows open, nothing shows which of equal values was taken, no sum of
// floats is shown. What can raise an error is guarded, or stands in a query around
// all the rest, where each row needs it.
type Generator struct {
	rnd   *rand.Rand
	names int
	ctes  []genRelation
	views []genRelation // of the same seed, so far
	clock bool          // they may mention the present time

	version int // the server's
	asking  int // how many sub-queries are around an expression's
}

// New makes a generator of views that a server of the given version takes, with the present
// time in some of them or not.
func New(rnd *rand.Rand, clock bool, version int) *Generator {
	return &Generator{rnd: rnd, clock: clock, version: version}
}

// genColumn is a column in scope: how it is written, and its type, one of
// families.
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

// own says whether an expression mentions a column of the query itself.
func (s scope) own(sql string) bool {
	return slices.ContainsFunc(s.cols, func(c genColumn) bool { return strings.Contains(sql, c.sql) })
}

// MoreSchema adds to Schema tables of the types that the Generator knows. Their
// pools have no two values that are equal and yet tell apart by more than their
// scale or sign of zero.
const MoreSchema = `
CREATE TABLE mixed (k int, f float8, n numeric, js jsonb, l int[], m mood, p pair, d date, ts timestamp, b bool);
CREATE TABLE wide (k int, iv interval, tz timestamptz, t time, tt timetz, ba bytea, bp char(4), r int4range, mr int4multirange, po posint, ps pair[]);
CREATE COLLATION app.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);`

// ViewTables are what the Generator's views read.
var ViewTables = []Table{
	{"customers", strings.Fields("id:key region:short name:text tier:int2"), 1},
	{"orders", strings.Fields("id:key customer_id:int4 amount:money qty:int4 day:tameday note:note"), 1},
	{"products", strings.Fields("id:key name:words price:money"), 1},
	{"lines", strings.Fields("order_id:key no:key product_id:key qty:int4"), 2},
	{"loose", strings.Fields("a:int4 b:text c:tame8"), 0},
	{"edges", strings.Fields("l:int4 r:int4"), 0},
	{"parts", strings.Fields("k:key v:short q:int4"), 0},
	{"mixed", strings.Fields("k:int4 f:widefloat n:widenum js:plainjson l:list m:mood p:pair d:wideday ts:widetime b:bool"), 0},
	{"wide", strings.Fields("k:int4 iv:widespan tz:widetz t:wideclock tt:timetz ba:bytea bp:bpchar r:widerange mr:multirange po:posint ps:widepairs"), 0},
	{"wide", strings.Fields("k:int4 iv:widespan tz:widetz t:wideclock tt:timetz ba:bytea bp:bpchar r:widerange mr:multirange po:posint ps:widepairs"), 0},
}

func init() {
	for name, pool := range map[string][]string{
		"plainjson": {"NULL", `'{"a": 1, "b": [1, null, "x"]}'`, `'{"a": {"b": true}}'`, "'[]'", "'[1, 2, 1]'", `'"x"'`, "'2'", "'null'"},
		"list":      {"NULL", "'{}'", "'{1,2,3}'", "'{NULL,1}'", "'{1}'", "'{2,2}'"},
		"widenum":   {"NULL", "0", "0.00", "1.0", "1.00", "2", "-2.50", "'NaN'", "'Infinity'", "'-Infinity'", "3.333"},
		"wideday":   {"NULL", "'2024-02-29'", "'2024-03-01'", "'2024-03-02'", "'infinity'", "'-infinity'"},
		"widetime":  {"NULL", "'2024-02-29 12:00'", "'2024-03-01 00:00'", "'2024-03-01 00:00:00.5'", "'infinity'", "'-infinity'"},
		"widefloat": {"NULL", "0", "'-0'", "1.5", "2.5", "'NaN'", "'Infinity'", "'-Infinity'", "-3"},
	} {
		pools[name] = pool
	}
}

// genTypes are the types of what no column in scope decides, often as they are
// here.
var genTypes = strings.Fields(`int int int int int int text text text text num num num date date bool float ts ts list list json json mood pair
	tstz interval time timetz bytea bpchar range multirange pairs posint`)

var genTables = []genRelation{
	{"customers", []genColumn{{"id", "int"}, {"region", "text"}, {"name", "text"}, {"tier", "int"}}},
	{"orders", []genColumn{{"id", "int"}, {"customer_id", "int"}, {"amount", "num"}, {"qty", "int"}, {"day", "date"}, {"note", "text"}}},
	{"products", []genColumn{{"id", "int"}, {"name", "text"}, {"price", "num"}}},
	{"lines", []genColumn{{"order_id", "int"}, {"no", "int"}, {"product_id", "int"}, {"qty", "int"}}},
	{"loose", []genColumn{{"a", "int"}, {"b", "text"}, {"c", "float"}}},
	{"edges", []genColumn{{"l", "int"}, {"r", "int"}}},
	{"parts", []genColumn{{"k", "int"}, {"v", "text"}, {"q", "int"}}},
	{"mixed", []genColumn{{"k", "int"}, {"f", "float"}, {"n", "num"}, {"js", "json"}, {"l", "list"}, {"m", "mood"}, {"p", "pair"}, {"d", "date"}, {"ts", "ts"}, {"b", "bool"}}},
	{"wide", []genColumn{{"k", "int"}, {"iv", "interval"}, {"tz", "tstz"}, {"t", "time"}, {"tt", "timetz"}, {"ba", "bytea"}, {"bp", "bpchar"}, {"r", "range"}, {"mr", "multirange"}, {"po", "posint"}, {"ps", "pairs"}}},
}

func (g *Generator) pick(n int) int          { return g.rnd.IntN(n) }
func (g *Generator) chance(percent int) bool { return g.rnd.IntN(100) < percent }
func (g *Generator) of(of ...string) string  { return of[g.rnd.IntN(len(of))] }
func (g *Generator) typ() string             { return g.of(genTypes...) }

// typeOf is a type, mostly that of a column in scope: else there is but a constant.
func (g *Generator) typeOf(s scope) string {
	if visible := s.inside(); len(visible) > 0 && g.chance(80) {
		return visible[g.pick(len(visible))].typ
	}
	return g.typ()
}

func (g *Generator) name(prefix string) string {
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

// View is a query of its own, which later ones may mention by its name.
func (g *Generator) View(name string, depth int) string {
	g.ctes = nil
	sql, cols := g.query(depth, nil)
	if g.chance(20) {
		return g.failingOver(sql, cols)
	}
	if depth < 3 { // a pile of views gets too large
		g.views = append(g.views, genRelation{name, cols})
	}
	return sql
}

// query is a SELECT, with its output columns; it may mention outer.
func (g *Generator) query(depth int, outer []genColumn) (string, []genColumn) {
	if depth <= 0 {
		return g.plain(0, outer)
	}
	switch n := g.pick(100); {
	case n < 25:
		return g.plain(depth, outer)
	case n < 48:
		return g.grouped(depth, outer)
	case n < 60:
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

func (g *Generator) where(s scope, depth int) string {
	if g.chance(72) {
		return ""
	}
	return " WHERE " + g.cond(s, 2, depth-1)
}

// project is a select list.
func (g *Generator) project(s scope, depth int) (string, []genColumn) {
	var parts []string
	var out []genColumn
	for range 1 + g.pick(4) {
		typ := g.typeOf(s)
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

func (g *Generator) plain(depth int, outer []genColumn) (string, []genColumn) {
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	list, out := g.project(s, depth)
	if g.chance(6) {
		// Lists of different lengths end with NULLs.
		for range 1 + g.pick(2) {
			name, typ := g.name("s"), g.of("int", "text", "int", "json", "range", "pair")
			list += ", " + g.set(s, typ) + " AS " + name
			out = append(out, genColumn{name, typ})
		}
		if g.chance(20) { // what they return is told apart, sorted, cut off
			return "SELECT " + g.of("", "DISTINCT ") + list + " FROM " + in + g.where(s, depth) + " ORDER BY " + g.order(len(out), true) + g.of("", " LIMIT 3", " FETCH FIRST 2 ROWS WITH TIES"), out
		}
	}
	return "SELECT " + list + " FROM " + in + g.where(s, depth), out
}

// set is a call of a set-returning function.
func (g *Generator) set(s scope, typ string) string {
	switch typ {
	case "json":
		return g.of("jsonb_path_query("+g.expr(s, "json", 0)+", '$.b[*]')", "jsonb_array_elements(CASE WHEN jsonb_typeof("+g.expr(s, "json", 0)+") = 'x' THEN '[]' ELSE jsonb_build_array("+g.expr(s, "int", 1)+", "+g.expr(s, "text", 0)+") END)")
	case "range":
		return "unnest(" + g.expr(s, "multirange", 1) + ")"
	case "pair":
		return "unnest(" + g.expr(s, "pairs", 1) + ")"
	case "text":
		return "regexp_split_to_table(" + g.expr(s, "text", 0) + ", '')"
	}
	switch g.pick(3) {
	case 0:
		return "unnest(" + g.expr(s, "list", 1) + ")"
	case 1:
		return "generate_series(" + g.of("0", "1", "3") + ", least(" + g.expr(s, "int", 0) + ", 4)" + g.of("", ", 2", ", -1") + ")"
	}
	return "generate_subscripts(" + g.expr(s, "list", 0) + ", 1)"
}

func (g *Generator) distinct(depth int, outer []genColumn) (string, []genColumn) {
	if g.chance(20) {
		return g.nearestOn()
	}
	in, cols := g.from(depth, outer)
	s := scope{cols, outer}
	list, out := g.project(s, depth)
	if len(out) > 1 && g.chance(40) {
		// All columns in the order leave only equal rows open.
		return fmt.Sprintf("SELECT DISTINCT ON (%s) %s FROM %s%s ORDER BY %s", g.of("1", "1", "1, 2"), list, in, g.where(s, depth), g.order(len(out), false)), out
	}
	return "SELECT DISTINCT " + list + " FROM " + in + g.where(s, depth), out
}

// order lists the columns 1 to n, in order or shuffled.
func (g *Generator) order(n int, shuffle bool) string {
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
func (g *Generator) first(depth int, outer []genColumn) (string, []genColumn) {
	sql, out := g.query(depth-1, outer)
	alias := g.name("f")
	before := ""
	if g.chance(20) {
		e, _ := g.scalar(scope{qualified(alias, out), outer}, depth-1)
		before = e + g.of("", " DESC", " NULLS FIRST") + ", "
	}
	sql = fmt.Sprintf("SELECT * FROM (%s) %s ORDER BY %s", sql, alias, before)
	order := g.order(len(out), true)
	if g.chance(10) { // with its ties, any order leaves open nothing
		first, _, _ := strings.Cut(order, ",")
		return sql + first + fmt.Sprintf(" FETCH FIRST %d ROWS WITH TIES", 1+g.pick(3)), out
	}
	sql += order
	switch g.pick(6) {
	case 0:
		return sql + fmt.Sprintf(" FETCH FIRST %d ROWS WITH TIES", 1+g.pick(3)), out
	case 1:
		return sql + g.of(" LIMIT "+g.count(outer), " OFFSET "+g.count(outer), " FETCH FIRST ("+g.count(outer)+") ROWS WITH TIES", " OFFSET "+g.count(outer)+" LIMIT 2"), out
	case 2:
		return sql + fmt.Sprintf(" LIMIT %d OFFSET %d", g.pick(4), g.pick(3)), out
	}
	return sql + fmt.Sprintf(" LIMIT %d", 1+g.pick(4)), out
}

// count is a number of rows that is not a constant: of a sub-query, or of a row of
// the queries around.
func (g *Generator) count(outer []genColumn) string {
	if e := ofType(outer, "int"); e != "" && g.chance(50) {
		return "abs(coalesce(" + e + ", 1)::int % 4)"
	}
	return "(SELECT count(*) % 4 FROM " + g.of("edges", "loose", "wide WHERE k < 3") + ")"
}

// setOperation is a tree of set operations; columns of one type in one branch may
// be of another in the next, which Postgres unifies.
func (g *Generator) setOperation(depth int, outer []genColumn) (string, []genColumn) {
	var types []string
	for range 1 + g.pick(3) {
		types = append(types, g.typ())
	}
	unified := slices.Clone(types)
	widen := map[string]string{"int": "num", "date": "ts"}
	unknown := make([]bool, len(types))
	branches := 0
	var out []genColumn
	var branch func(level int) string
	branch = func(level int) string {
		if level > 0 && g.chance(60) || branches == 0 && level == 2 {
			l := branch(level - 1)
			op := g.of("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL")
			return "(" + l + ") " + op + " (" + branch(level-1) + ")"
		}
		in, cols := g.from(depth-1, outer)
		s := scope{cols, outer}
		var parts []string
		for i, typ := range types {
			name := g.name("u")
			if branches == 0 {
				out = append(out, genColumn{name, typ})
			}
			if wide, ok := widen[typ]; ok && g.chance(10) {
				typ = wide
			}
			e := g.expr(s, typ, 1)
			if branches > 0 && !unknown[i] && g.chance(4) {
				e, unknown[i] = "NULL", true // two of unknown type would be text
			} else if typ != types[i] {
				unified[i] = typ
			}
			parts = append(parts, e+" AS "+name)
		}
		branches++
		return "SELECT " + strings.Join(parts, ", ") + " FROM " + in + g.where(s, depth-1)
	}
	sql := branch(2)
	for i := range out {
		out[i].typ = unified[i]
	}
	if g.chance(10) {
		sql += " ORDER BY " + g.order(len(out), true) + " LIMIT 3"
	}
	return sql, out
}
