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

// meets are conditions in the place of the meeting, by each of the domain's columns, which rows
// without a value do not meet; nil if those are not there.
func (a *alone) meets(args []expr.Expr, start int) []expr.Expr {
	if !a.exposed() {
		return nil
	}
	cols := a.node.Cols()
	var out []expr.Expr
	for i, by := range a.equal {
		if args[i].Type().SQL != by.Args[0].Type().SQL {
			return nil
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
	if conds := a.meets(args, start); conds != nil {
		return a.node, conds
	}
	// The identity of no value is like itself: rows without one must not be there.
	return aloneOf(sub, identity, true).node, []expr.Expr{c}
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
