package algebra

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Moment is one row of expressions of the present time.
type Moment struct{ Exprs []*expr.Clock }

// Children are none.
func (n *Moment) Children() []Node { return nil }

// With is itself.
func (n *Moment) With([]Node) Node { return n }

// Cols are the expressions.
func (n *Moment) Cols() []Column {
	out := make([]Column, len(n.Exprs))
	for i, e := range n.Exprs {
		out[i] = Column{Name: expr.Show(e, nil), Type: e.Type(), Hidden: true}
	}
	return out
}

// Label lists the expressions.
func (n *Moment) Label() string {
	out := make([]string, len(n.Exprs))
	for i, e := range n.Exprs {
		out[i] = expr.String(e) + " as " + e.Type().SQL
	}
	return "Moment " + strings.Join(out, ", ")
}

// Against adds to each row of the input the outcomes of comparing Key with columns
// of Bounds, a relation of one row. When a bound moves, the rows are looked at
// whose keys it moves across, and no others.
type Against struct {
	In, Bounds Node
	Key        expr.Expr // over In
	Tests      []Test
}

// Test is a comparison Key Op bound, or the same written the other way round.
type Test struct {
	Op      string // as in expr.Native.Cmp
	Bound   int    // column of Bounds
	Swapped bool   // the bound was on the left, so it is evaluated first
}

// Children are the input and the bounds.
func (n *Against) Children() []Node { return []Node{n.In, n.Bounds} }

// With compares another input with other bounds.
func (n *Against) With(c []Node) Node { m := *n; m.In, m.Bounds = c[0], c[1]; return &m }

// Cols are the input's, then one for each test.
func (n *Against) Cols() []Column {
	cols := append([]Column{}, n.In.Cols()...)
	key := expr.Show(n.Key, func(i int) string { return cols[i].Name })
	bounds := n.Bounds.Cols()
	for _, t := range n.Tests {
		cols = append(cols, Column{Name: key + " " + t.Op + " " + bounds[t.Bound].Name, Type: values.BoolType, Hidden: true})
	}
	return cols
}

// Label lists key and tests.
func (n *Against) Label() string {
	tests := make([]string, len(n.Tests))
	for i, t := range n.Tests {
		tests[i] = fmt.Sprintf("%s #%d", t.Op, t.Bound)
		if t.Swapped {
			tests[i] += " swapped"
		}
	}
	return "Compare " + expr.String(n.Key) + " with bounds: " + strings.Join(tests, ", ")
}

// swapped is the operator that says the same with its arguments exchanged.
var swapped = map[string]string{"<": ">", "<=": ">=", "=": "=", "<>": "<>", ">=": "<=", ">": "<"}

// DependsOnClock says whether a relation changes as time passes.
func DependsOnClock(n Node) bool {
	depends := false
	Walk(n, func(n Node) {
		_, ok := n.(*Moment)
		depends = depends || ok
	})
	return depends
}

// Timed takes the clock out of all expressions. Comparisons of an expression over
// the row with one of the clock become columns of an Against; what else depends on
// the clock becomes a column of a Moment, joined to all rows.
func Timed(n Node) Node { return bottomUp(n, timed) }

func timed(n Node) Node {
	switch n := n.(type) {
	case *Filter:
		if expr.HasClock(n.Conds...) {
			return timedFilter(n)
		}
	case *Project:
		if expr.HasClock(n.Exprs...) {
			x := newClocked(n.In)
			exprs := x.takeAll(n.Exprs)
			in, to := x.build()
			return &Project{In: in, Exprs: expr.RemapAll(exprs, to), Names: n.Names, Own: n.Own}
		}
	case *Join:
		if expr.HasClock(n.Conds...) {
			return timedJoin(n)
		}
	case *OuterJoin:
		if expr.HasClock(n.Conds...) {
			return timedOuter(n)
		}
	case *Aggregate:
		return timedAggregate(n)
	case *Spread:
		if expr.HasClock(n.Arrays...) {
			in, arrays := computed(n.In, n.Arrays)
			m := *n
			m.In, m.Arrays = in, arrays
			width, more := len(n.In.Cols()), len(in.Cols())-len(n.In.Cols())
			out := FirstN(width)
			for i := width; i < len(n.Cols()); i++ {
				out = append(out, i+more)
			}
			return Pick(&m, out)
		}
	case *Repeat:
		if expr.HasClock(n.Count) {
			in, counts := computed(n.In, []expr.Expr{n.Count})
			return Pick(&Repeat{In: in, Count: counts[0]}, FirstN(len(n.Cols())))
		}
	}
	return n
}

// timedFilter asks conditions without the clock first, then those that no row has to be
// looked at for at each movement of it, and then the rest.
func timedFilter(n *Filter) Node {
	in := n.In
	early, rest := split(n.Conds, func(c expr.Expr) bool { return expr.Total(c) && !expr.HasClock(c) })
	in = filter(in, early)
	quick, rest := split(rest, func(c expr.Expr) bool {
		x := newClocked(in)
		x.take(c)
		return expr.Total(c) && len(x.moments) == 0
	})
	return timedConds(timedConds(in, quick), rest)
}

// timedConds filters by conditions of the time.
func timedConds(in Node, conds []expr.Expr) Node {
	if !expr.HasClock(conds...) {
		return filter(in, conds)
	}
	width := len(in.Cols())
	x := newClocked(in)
	conds = x.takeAll(conds)
	wide, to := x.build()
	return Pick(filter(wide, expr.RemapAll(conds, to)), FirstN(width))
}

// timedJoin makes a side of an equality that depends on the clock a column of its
// input, so that it can be a key; other conditions go above.
func timedJoin(n *Join) Node {
	starts := offsets(n.Inputs)
	keys, above := split(n.Conds, func(c expr.Expr) bool {
		eq, ok := c.(*expr.Native)
		if !ok || !eq.Equal || !expr.HasClock(c) {
			return !expr.HasClock(c)
		}
		l, r := inputsOf(eq.Args[0], starts), inputsOf(eq.Args[1], starts)
		return len(l) == 1 && len(r) == 1 && l[0] != r[0]
	})
	added := make([][]expr.Expr, len(n.Inputs))
	type place struct{ input, at int }
	places := map[expr.Expr]place{} // sides of equalities → added columns
	for _, c := range keys {
		if !expr.HasClock(c) {
			continue
		}
		for _, side := range c.Children() {
			if expr.HasClock(side) {
				i := inputsOf(side, starts)[0]
				places[side] = place{i, len(added[i])}
				added[i] = append(added[i], expr.Shift(side, -starts[i]))
			}
		}
	}
	out := &Join{}
	var restored []int
	to := map[int]int{}
	at, first := 0, make([]int, len(n.Inputs)) // where an input's added columns start
	for i, in := range n.Inputs {
		width := len(in.Cols())
		if len(added[i]) > 0 {
			in, _ = computed(in, added[i])
		}
		for c := range width {
			to[starts[i]+c] = at + c
			restored = append(restored, at+c)
		}
		first[i] = at + width
		at += len(in.Cols())
		out.Inputs = append(out.Inputs, in)
	}
	for _, c := range keys {
		if !expr.HasClock(c) {
			out.Conds = append(out.Conds, expr.Remap(c, to))
			continue
		}
		args := make([]expr.Expr, 2)
		for s, side := range c.Children() {
			if p, ok := places[side]; ok {
				args[s] = &expr.Col{Index: first[p.input] + p.at, Name: "key", T: side.Type()}
			} else {
				args[s] = expr.Remap(side, to)
			}
		}
		out.Conds = append(out.Conds, c.With(args))
	}
	node := Pick(out, restored)
	if len(above) == 0 {
		return node
	}
	return timedFilter(&Filter{In: node, Conds: above})
}

func timedAggregate(n *Aggregate) Node {
	exprs := append([]expr.Expr{}, n.Group...)
	for _, a := range n.Aggs {
		exprs = append(exprs, a.Args...)
		if a.Filter != nil {
			exprs = append(exprs, a.Filter)
		}
	}
	if !expr.HasClock(exprs...) {
		return n
	}
	in, exprs := computed(n.In, exprs)
	next := func(count int) []expr.Expr {
		out := exprs[:count:count]
		exprs = exprs[count:]
		return out
	}
	m := &Aggregate{In: in, Group: next(len(n.Group)), By: n.By, Global: n.Global}
	for _, a := range n.Aggs {
		a.Args = next(len(a.Args))
		if a.Filter != nil {
			a.Filter = next(1)[0]
		}
		m.Aggs = append(m.Aggs, a)
	}
	return m
}

// computed makes a relation of in's columns and of those expressions that depend
// on the clock; what is left of the expressions reads it.
func computed(in Node, exprs []expr.Expr) (Node, []expr.Expr) {
	x := newClocked(in)
	cols := in.Cols()
	p := &Project{}
	for i, c := range cols {
		p.Exprs, p.Names = append(p.Exprs, &expr.Col{Index: i, Name: c.Name, T: c.Type}), append(p.Names, c.Name)
	}
	out := make([]expr.Expr, len(exprs))
	for i, e := range exprs {
		if !expr.HasClock(e) {
			out[i] = e
			continue
		}
		out[i] = &expr.Col{Index: len(p.Exprs), Name: "clocked", T: e.Type()}
		p.Exprs, p.Names = append(p.Exprs, x.take(e)), append(p.Names, "clocked")
	}
	wide, to := x.build()
	p.In, p.Exprs = wide, expr.RemapAll(p.Exprs, to)
	return p, out
}

// clocked gathers what expressions over a relation need of the clock. Until it is
// built, the columns that it will add have numbers from placeholder on.
type clocked struct {
	in          Node
	first       int // column number of in's first column in the expressions
	placeholder int
	sure        bool // keys that may fail are left alone
	groups      []*Against
	bounds      []*Moment
	flags       []flag // by placeholder
	turns       []*Turning
	times       []*Moment // of turns
	turned      []flag    // by placeholder, as of flags
	moments     []*expr.Clock
}

// flag is one test, or one turn: of which group, the how manieth.
type flag struct{ group, test int }

const (
	turnPlaceholder   = 1 << 15
	momentPlaceholder = 1 << 16
)

func newClocked(in Node) *clocked { return &clocked{in: in, placeholder: 1 << 24} }

func (x *clocked) takeAll(es []expr.Expr) []expr.Expr {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = x.take(e)
	}
	return out
}

// take replaces what depends on the clock by columns.
func (x *clocked) take(e expr.Expr) expr.Expr {
	return x.leaves(above(e, x.compare))
}

// above replaces expressions that depend on the clock, the largest ones for which f has another
// one.
func above(e expr.Expr, f func(expr.Expr) expr.Expr) expr.Expr {
	if !expr.HasClock(e) {
		return e
	}
	if to := f(e); to != nil {
		return to
	}
	children := e.Children()
	if len(children) == 0 {
		return e
	}
	to := make([]expr.Expr, len(children))
	for i, c := range children {
		to[i] = above(c, f)
	}
	return e.With(to)
}

// comparison finds the sides of a comparison of a row's expression with one of the
// clock; a nil key if e is none.
func comparison(e expr.Expr) (key expr.Expr, bound *expr.Clock, t Test) {
	n, ok := e.(*expr.Native)
	if !ok || n.Cmp == "" {
		return nil, nil, t
	}
	for s, other := range []int{1, 0} {
		c, ok := n.Args[other].(*expr.Clock)
		read := map[int]bool{}
		expr.Columns(n.Args[s], read)
		if !ok || len(read) == 0 || expr.HasClock(n.Args[s]) {
			continue
		}
		if s == 0 {
			return n.Args[0], c, Test{Op: n.Cmp}
		}
		return n.Args[1], c, Test{Op: swapped[n.Cmp], Swapped: true}
	}
	return nil, nil, t
}

// compare replaces a comparison with the clock, and what else seldom changes, by a column;
// nil if an expression is neither.
func (x *clocked) compare(e expr.Expr) expr.Expr {
	key, bound, test := comparison(e)
	if key == nil {
		return x.turn(e)
	}
	if x.sure && !expr.Total(key) {
		return nil
	}
	key = expr.Shift(key, -x.first)
	g := 0
	for id := expr.String(key) + key.Type().SQL; g < len(x.groups); g++ {
		if k := x.groups[g].Key; expr.String(k)+k.Type().SQL == id {
			break
		}
	}
	if g == len(x.groups) {
		x.groups = append(x.groups, &Against{Key: key})
		x.bounds = append(x.bounds, &Moment{})
	}
	test.Bound = placeMoment(&x.bounds[g].Exprs, bound)
	at := flag{g, 0}
	for at.test < len(x.groups[g].Tests) && x.groups[g].Tests[at.test] != test {
		at.test++
	}
	if at.test == len(x.groups[g].Tests) {
		x.groups[g].Tests = append(x.groups[g].Tests, test)
	}
	i := 0
	for i < len(x.flags) && x.flags[i] != at {
		i++
	}
	if i == len(x.flags) {
		x.flags = append(x.flags, at)
	}
	return &expr.Col{Index: x.placeholder + i, Name: "compared", T: e.Type()}
}

// leaves replaces clocks that are not compared by columns.
func (x *clocked) leaves(e expr.Expr) expr.Expr {
	return expr.Map(e, func(e expr.Expr) expr.Expr {
		c, ok := e.(*expr.Clock)
		if !ok {
			return e
		}
		return &expr.Col{Index: x.placeholder + momentPlaceholder + placeMoment(&x.moments, c), Name: "clock", T: c.Type()}
	})
}

func placeMoment(list *[]*expr.Clock, c *expr.Clock) int {
	id := expr.String(c) + c.Type().SQL
	for i, m := range *list {
		if expr.String(m)+m.Type().SQL == id {
			return i
		}
	}
	*list = append(*list, c)
	return len(*list) - 1
}

// build gives the relation with the added columns behind its own, and where each
// column number of the expressions is in it.
func (x *clocked) build() (Node, map[int]int) {
	to := map[int]int{}
	for i := range x.in.Cols() {
		to[x.first+i] = i
	}
	node := x.in
	starts := make([]int, len(x.groups))
	for g, a := range x.groups {
		starts[g] = len(node.Cols())
		a.In, a.Bounds = node, x.bounds[g]
		node = a
	}
	for i, f := range x.flags {
		to[x.placeholder+i] = starts[f.group] + f.test
	}
	for g, t := range x.turns {
		start := len(node.Cols())
		t.In, t.Bounds = node, x.times[g]
		for i, f := range x.turned {
			if f.group == g {
				for c := range t.each() {
					to[x.placeholder+turnPlaceholder+2*i+c] = start + f.test*t.each() + c
				}
			}
		}
		node = t
	}
	if len(x.moments) > 0 {
		width := len(node.Cols())
		for i := range x.moments {
			to[x.placeholder+momentPlaceholder+i] = width + i
		}
		node = &Join{Inputs: []Node{node, &Moment{Exprs: x.moments}}}
	}
	return node, to
}

func (p *pruner) pruneAgainst(n *Against, need []int) Node {
	width := len(n.In.Cols())
	var cols, kept []int
	m := &Against{}
	bounds := &Moment{}
	for _, c := range need {
		if c < width {
			cols = append(cols, c)
		}
	}
	for i, t := range n.Tests {
		if contains(need, width+i) {
			t.Bound = placeMoment(&bounds.Exprs, n.Bounds.(*Moment).Exprs[t.Bound])
			m.Tests = append(m.Tests, t)
			kept = append(kept, width+i)
		}
	}
	if len(kept) == 0 {
		used := withColumns(cols)
		return pick(p.prune(n.In, used), used, need)
	}
	used := withColumns(cols, n.Key)
	m.In, m.Bounds, m.Key = p.prune(n.In, used), bounds, expr.Remap(n.Key, index(used))
	return pick(m, append(append([]int{}, used...), kept...), need)
}
