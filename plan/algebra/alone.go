package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Alone computes sub-queries without their domains where a column of their own equals
// each column of the domain: EXISTS (SELECT FROM u WHERE u.k = t.k) is asked of u, and not of
// u joined with the distinct values of t.k. Values of the domain that are not there would be of
// no account: the rows around the sub-query meet it by the very same columns.
//
// What is computed so is computed of all rows, not of those alone that the domain would
// leave, and also if the domain is empty: it must not be able to fail. A domain of a part of
// a table stays. The sub-query's own conditions on what it refers to may have gone there; and it may be a small one: of
// TPC-H's queries 4 and 22, whose domains are a twenty-fifth and a tenth of a table, the one would be as dear
// without it and the other dearer.
func Alone(n Node) Node {
	return bottomUp(n, func(n Node) Node {
		switch n := n.(type) {
		case *OuterJoin:
			if n.Kind != FullJoin {
				return aloneOuter(n)
			}
		case *Join:
			return aloneInputs(n)
		}
		return n
	})
}

// domainWidth is the number of columns of a domain of all rows of a table: the distinct
// combinations of what a sub-query refers to, the last column being their identity. 0: it is none.
// What is between it and the table may be a condition of the sub-query's own on the outer row, by
// which the others have no answer (EXISTS (SELECT FROM u WHERE u.k = t.k AND t.k > 1)): nothing else
// would say so.
func domainWidth(n Node) int {
	distinct, ok := n.(*Distinct)
	if !ok || !distinct.Exact || len(distinct.Key) != 1 || distinct.Key[0] != len(n.Cols())-1 {
		return 0
	}
	p, ok := distinct.In.(*Project)
	if !ok || !isIdentity(p.Exprs[len(p.Exprs)-1], p.Exprs[:len(p.Exprs)-1]) {
		return 0
	}
	if _, ok := p.In.(*Scan); !ok {
		return 0
	}
	return len(p.Exprs)
}

// isIdentity says whether an expression is the identity of others, or of any if nil.
func isIdentity(e expr.Expr, of []expr.Expr) bool {
	id, ok := e.(*expr.Native)
	return ok && len(id.Args) > 0 && expr.String(id) == expr.String(IdentityOf(id.Args)) && (of == nil || list(of) == list(id.Args))
}

// alone is a sub-query without its domain: it has the same columns, and for each
// combination in the domain the same rows.
type alone struct {
	node  Node
	outer []int          // where the domain's columns are in it; -1: nowhere
	equal []*expr.Native // by which each of them equals its stand-in, as the first argument
}

// exposed says whether all columns of the domain are there.
func (a *alone) exposed() bool { return !slices.Contains(a.outer, -1) }

// aloneOf takes the domain out whose identity is a column of a relation; nil if it cannot be
// taken out. With notNull, rows that equal nothing are left out as well.
func aloneOf(n Node, identity int, notNull bool) *alone {
	if j, ok := n.(*Join); ok {
		return aloneJoin(j, identity, notNull)
	}
	if !computes(n) {
		return nil
	}
	switch n := n.(type) {
	case *Filter:
		if a := aloneOf(n.In, identity, notNull); a != nil {
			a.node = &Filter{In: a.node, Conds: n.Conds}
			return a
		}
	case *Distinct:
		if n.Key == nil || slices.Contains(n.Key, identity) {
			if a := aloneOf(n.In, identity, notNull); a != nil {
				a.node = &Distinct{In: a.node, Exact: n.Exact, Key: a.instead(n.Key, identity)}
				return a
			}
		}
	case *Project:
		return aloneOver(n, n.In, n.Exprs, identity, notNull)
	case *Aggregate:
		if identity < len(n.Group) && (n.By == nil || slices.Contains(n.By, identity)) {
			if a := aloneOver(n, n.In, n.Group, identity, notNull); a != nil && a.exposed() {
				a.group(identity)
				return a
			}
		}
	}
	return nil
}

// aloneOver is aloneOf for an operator whose first columns are expressions over its input.
func aloneOver(n, in Node, exprs []expr.Expr, identity int, notNull bool) *alone {
	c, ok := exprs[identity].(*expr.Col)
	if !ok {
		return nil
	}
	a := aloneOf(in, c.Index, notNull)
	if a == nil {
		return nil
	}
	for i, at := range a.outer {
		a.outer[i] = slices.IndexFunc(exprs, func(e expr.Expr) bool {
			c, ok := e.(*expr.Col)
			return ok && c.Index == at
		})
	}
	a.node = n.With([]Node{a.node})
	return a
}

// instead is what tells rows apart where the identity was part of it: the domain's columns, if
// they are there.
func (a *alone) instead(by []int, identity int) []int {
	if by == nil || !a.exposed() {
		return by
	}
	out := slices.DeleteFunc(slices.Clone(by), func(c int) bool { return c == identity || slices.Contains(a.outer, c) })
	return append(out, a.outer...)
}

// group has the aggregate that the sub-query now is group by the domain's columns without their
// identity, which is computed of them.
func (a *alone) group(identity int) {
	agg := *a.node.(*Aggregate)
	cols := agg.Cols()
	at := func(c int) int {
		if c > identity {
			c--
		}
		return c
	}
	exprs := make([]expr.Expr, len(cols))
	for c := range exprs {
		exprs[c] = &expr.Col{Index: at(c), Name: cols[c].Name, T: cols[c].Type}
	}
	outer := make([]expr.Expr, len(a.outer))
	for i, c := range a.outer {
		outer[i] = exprs[c]
	}
	exprs[identity] = IdentityOf(outer)
	agg.By = a.instead(agg.By, identity)
	for i, c := range agg.By {
		agg.By[i] = at(c)
	}
	agg.Group = slices.Delete(slices.Clone(agg.Group), identity, identity+1)
	a.node = Compute(&agg, exprs, cols)
}

// aloneJoin takes the domain out of the join that it is in, where others have a column, or what is
// computed of them, in the place of each of the domain's. Several others are joined with
// each other instead, if that cannot be large.
func aloneJoin(n *Join, identity int, notNull bool) *alone {
	starts := offsets(n.Inputs)
	at := slices.IndexFunc(n.Inputs, func(in Node) bool { return domainWidth(in) > 0 })
	if at < 0 || identity != starts[at+1]-1 {
		return nil
	}
	others := slices.Delete(slices.Clone(n.Inputs), at, at+1)
	if slices.ContainsFunc(others, func(in Node) bool { return !Total(in, nil) }) {
		return nil
	}
	first, width := starts[at], domainWidth(n.Inputs[at])
	isOuter := func(c int) bool { return first <= c && c < starts[at+1] }
	cols := n.Cols()
	a := &alone{equal: make([]*expr.Native, width-1)}
	standIn := AllRefs(cols) // by column of the join
	var conds []expr.Expr
	for _, c := range n.Conds {
		if i, by := equalTo(c, isOuter); by != nil && i < identity && a.equal[i-first] == nil {
			a.equal[i-first], standIn[i] = by, by.Args[1]
			continue
		}
		conds = append(conds, c)
	}
	if slices.Contains(a.equal, nil) || !allTotal(conds) {
		return nil
	}
	standIn[identity] = IdentityOf(slices.Clone(standIn[first:identity]))
	if notNull {
		for _, e := range standIn[first:identity] {
			conds = append(conds, &expr.NullTest{Arg: e, Not: true, T: values.BoolType})
		}
	}
	// All of that is over the others.
	own := make([]expr.Expr, len(cols))
	for c := range own {
		to := c
		if c > identity {
			to -= width
		}
		own[c] = &expr.Col{Index: to, Name: cols[c].Name, T: cols[c].Type}
	}
	for c := range standIn {
		standIn[c] = expr.Substitute(standIn[c], own)
	}
	for i, c := range conds {
		conds[i] = expr.Substitute(c, standIn)
	}
	for i := first; i < identity; i++ {
		a.outer = append(a.outer, i)
	}
	in := filter(others[0], conds)
	if len(others) > 1 {
		if !connected(others, conds) {
			return nil
		}
		in = &Join{Inputs: others, Conds: conds}
	}
	a.node = Compute(in, standIn, cols)
	return a
}

// connected says whether equalities lead from one input to all others, each by a key of its
// own: their join has no more rows than that one then. Without the domain, nothing else
// keeps it small.
func connected(inputs []Node, conds []expr.Expr) bool {
	starts, keys := offsets(inputs), Keyring{}
	eqs, _ := equalities(conds, starts)
	for from := range inputs {
		reached := []int{from}
		for range inputs {
			for next, in := range inputs {
				if !slices.Contains(reached, next) && keys.unique(in, keysOn(next, between(next, reached, eqs), starts)) {
					reached = append(reached, next)
				}
			}
		}
		if len(reached) == len(inputs) {
			return true
		}
	}
	return false
}

// equalTo says which outer column a condition lets nothing but the very same value of the
// other input's be, and gives the equality with that as its second argument; nil if it is no such condition.
func equalTo(c expr.Expr, isOuter func(int) bool) (column int, by *expr.Native) {
	n, ok := c.(*expr.Native)
	if !ok || !n.Equal || !n.Func.Strict || n.Cmp != "=" || !expr.Total(n) {
		return 0, nil
	}
	for i, arg := range n.Args {
		col, ok := arg.(*expr.Col)
		other := n.Args[1-i]
		if !ok || !isOuter(col.Index) || reads(other, isOuter) || col.T.SQL != other.Type().SQL || !values.IdentityIsEquality(col.T) || !values.IdentityIsEquality(other.Type()) {
			continue
		}
		by := *n
		by.Args = []expr.Expr{col, other}
		return col.Index, &by
	}
	return 0, nil
}

func reads(e expr.Expr, which func(int) bool) bool {
	read := map[int]bool{}
	expr.Columns(e, read)
	for c := range read {
		if which(c) {
			return true
		}
	}
	return false
}

// meeting is the condition among others that rows meet a sub-query by its domain: the
// identity of some expressions is that in a column.
func meeting(conds []expr.Expr, of, sub func(int) bool) (at int, args []expr.Expr, identity int) {
	for i, c := range conds {
		n, ok := c.(*expr.Native)
		if !ok || !n.Equal || len(n.Args) != 2 || !isIdentity(n.Args[0], nil) {
			continue
		}
		key := n.Args[0].(*expr.Native)
		col, ok := n.Args[1].(*expr.Col)
		if ok && sub(col.Index) && !reads(key, func(c int) bool { return !of(c) }) {
			return i, key.Args, col.Index
		}
	}
	return -1, nil, 0
}

// meets are the conditions in the place of the meeting: where the domain's columns are
// there, each by itself, which rows without a value do not meet.
func (a *alone) meets(c expr.Expr, args []expr.Expr, start int) []expr.Expr {
	if !a.exposed() {
		return []expr.Expr{c}
	}
	cols := a.node.Cols()
	var out []expr.Expr
	for i, by := range a.equal {
		if args[i].Type().SQL != by.Args[0].Type().SQL {
			return []expr.Expr{c}
		}
		at := a.outer[i]
		eq := *by
		eq.Args = []expr.Expr{args[i], &expr.Col{Index: start + at, Name: cols[at].Name, T: cols[at].Type}}
		out = append(out, &eq)
	}
	return out
}

// without is a sub-query, which is to meet rows by conditions that begin at a column, without its domain, and the
// conditions in the place of that of the meeting.
func without(sub Node, identity int, c expr.Expr, args []expr.Expr, start int) (Node, []expr.Expr) {
	a := aloneOf(sub, identity, false)
	if a == nil || len(a.equal) != len(args) {
		return nil, nil
	}
	conds := a.meets(c, args, start)
	if len(conds) == 1 && conds[0] == c {
		a = aloneOf(sub, identity, true) // equal identities say nothing of NULL
	}
	return a.node, conds
}

// padded is a sub-query that has a row for each of its domain's, also for those with no
// rows of its own: an aggregate without GROUP BY.
type padded struct {
	exprs    []expr.Expr // its columns, over the domain's and those of sub
	width    int         // of the domain
	sub      Node
	identity int // in sub
}

// paddedOf takes a padded sub-query apart whose domain's identity is a column; nil if it is none.
func paddedOf(n Node, identity int) *padded {
	exprs := AllRefs(n.Cols())
	for p, ok := n.(*Project); ok; p, ok = n.(*Project) {
		for i, e := range exprs {
			exprs[i] = expr.Substitute(e, p.Exprs)
		}
		n = p.In
	}
	join, ok := n.(*OuterJoin)
	if !ok || join.Kind != LeftJoin || len(join.Conds) != 1 {
		return nil
	}
	width := domainWidth(join.L)
	eq, ok := join.Conds[0].(*expr.Native)
	if width == 0 || !ok || !eq.Equal {
		return nil
	}
	ours, isCol := eq.Args[0].(*expr.Col)
	theirs, areCols := eq.Args[1].(*expr.Col)
	if !isCol || !areCols || ours.Index != width-1 || theirs.Index < width {
		return nil
	}
	for i, e := range exprs {
		exprs[i] = expr.Remap(e, outMap(join.Out))
	}
	if c, ok := exprs[identity].(*expr.Col); !ok || c.Index != width-1 {
		return nil
	}
	return &padded{exprs: exprs, width: width, sub: join.R, identity: theirs.Index - width}
}

// beside is the left join of rows, a value in each of which is one of the domain, with the
// sub-query's without it, and the columns of the padded sub-query over that.
func (p *padded) beside(l Node, c expr.Expr, args []expr.Expr) (*OuterJoin, []expr.Expr) {
	lw := len(l.Cols())
	eq := *c.(*expr.Native)
	eq.Args = []expr.Expr{IdentityOf(args), &expr.Col{Index: lw + p.identity, Name: "identity", T: values.ByteaType}}
	sub, conds := without(p.sub, p.identity, &eq, args, lw)
	if sub == nil || len(args) != p.width-1 {
		return nil, nil
	}
	over := append(slices.Clone(args), eq.Args[0])
	for i, c := range sub.Cols() {
		over = append(over, &expr.Col{Index: lw + i, Name: c.Name, T: c.Type})
	}
	exprs := make([]expr.Expr, len(p.exprs))
	for i, e := range p.exprs {
		exprs[i] = expr.Substitute(e, over)
	}
	return NewOuterJoin(LeftJoin, l, sub, conds), exprs
}

func aloneOuter(n *OuterJoin) Node {
	lw := len(n.L.Cols())
	left, right := func(c int) bool { return c < lw }, func(c int) bool { return c >= lw }
	at, args, identity := meeting(n.Conds, left, right)
	if at < 0 {
		return n
	}
	if sub, conds := without(n.R, identity-lw, n.Conds[at], args, lw); sub != nil {
		m := *n
		m.R, m.Conds = sub, append(conds, slices.Delete(slices.Clone(n.Conds), at, at+1)...)
		return &m
	}
	p := paddedOf(n.R, identity-lw)
	if p == nil || n.Kind != LeftJoin || len(n.Conds) > 1 {
		return n
	}
	m, exprs := p.beside(n.L, n.Conds[at], args)
	if m == nil {
		return n
	}
	cols := append(slices.Clone(n.L.Cols()), n.R.Cols()...)
	return Pick(Compute(m, append(AllRefs(n.L.Cols()), exprs...), cols), n.Out)
}

// aloneInputs takes one domain after the other out of a join.
func aloneInputs(n *Join) Node {
	for i := range n.Inputs {
		starts := offsets(n.Inputs)
		sub := func(c int) bool { return starts[i] <= c && c < starts[i+1] }
		at, args, identity := meeting(n.Conds, func(c int) bool { return !sub(c) }, sub)
		if at < 0 {
			continue
		}
		rest := slices.Delete(slices.Clone(n.Conds), at, at+1)
		if in, conds := without(n.Inputs[i], identity-starts[i], n.Conds[at], args, starts[i]); in != nil {
			inputs := slices.Clone(n.Inputs)
			inputs[i] = in
			n = &Join{Inputs: inputs, Conds: append(conds, rest...)}
			continue
		}
		if p := paddedOf(n.Inputs[i], identity-starts[i]); p != nil {
			if m := p.amidst(n, i, n.Conds[at], args, rest); m != nil {
				return m
			}
		}
	}
	return n
}

// amidst is a join with the padded sub-query, which is one of its inputs, beside the one that it
// refers to; nil if it refers to several. Beside all others, these would be joined without what is
// said of its answer.
func (p *padded) amidst(n *Join, which int, c expr.Expr, args, rest []expr.Expr) Node {
	starts, cols := offsets(n.Inputs), n.Cols()
	refers := inputsOf(IdentityOf(args), starts)
	if len(refers) != 1 {
		return nil
	}
	l, first := n.Inputs[refers[0]], starts[refers[0]]
	local := make([]expr.Expr, len(args))
	for i, e := range args {
		local[i] = expr.Shift(e, -first)
	}
	m, exprs := p.beside(l, c, local)
	if m == nil {
		return nil
	}
	// The left join comes first, then all other inputs.
	inputs := []Node{m}
	over := make([]expr.Expr, len(cols)) // columns of the join, over those of inputs
	copy(over[starts[which]:], exprs)
	width := len(m.Cols())
	for i, in := range n.Inputs {
		to := 0
		switch i {
		case which:
			continue
		case refers[0]:
		default:
			to = width
			inputs, width = append(inputs, in), width+len(in.Cols())
		}
		for c, col := range in.Cols() {
			over[starts[i]+c] = &expr.Col{Index: to + c, Name: col.Name, T: col.Type}
		}
	}
	conds := make([]expr.Expr, len(rest))
	for i, c := range rest {
		conds[i] = expr.Substitute(c, over)
	}
	lw, mw := len(l.Cols()), len(m.Cols())
	padding := func(c int) bool { return lw <= c && c < mw }
	if slices.ContainsFunc(conds, func(c expr.Expr) bool { return rejectsNulls(c, padding) }) {
		inputs = slices.Replace(inputs, 0, 1, l, m.R)
		return Compute(&Join{Inputs: inputs, Conds: append(slices.Clone(m.Conds), conds...)}, over, cols)
	}
	below, above := split(conds, func(c expr.Expr) bool {
		return expr.Total(c) && !reads(c, func(c int) bool { return c >= mw })
	})
	inputs[0] = filter(m, below)
	return Compute(&Join{Inputs: inputs, Conds: above}, over, cols)
}
