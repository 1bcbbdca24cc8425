package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Order turns every Join into EquiJoins of two. It starts with an input that is
// not looked up by its own key (the fact among dimensions) and goes on with the
// input that multiplies rows least: one joined on a unique key, before others if not
// all of its rows are there, then one joined on any key, then, last, one without any.
// What is looked up for a dimension alone is joined with that first.
func Order(n Node) Node {
	keys := Keyring{}
	return bottomUp(n, func(n Node) Node {
		switch n := n.(type) {
		case *OuterJoin:
			return labelsBelowOuter(n)
		case *Join:
			if p := labelsBelow(n); p != nil {
				p.In = keys.order(p.In.(*Join))
				return p
			}
			return keys.order(n)
		}
		return n
	})
}

// equality is a condition l = r between two inputs of a join.
type equality struct {
	side  [2]expr.Expr
	in    [2]int
	total bool // neither side can fail
	cond  *expr.Native
}

// meets says whether e compares input i with one of the others.
func (e equality) meets(i int, others []int) bool {
	return e.in[0] == i && slices.Contains(others, e.in[1]) || e.in[1] == i && slices.Contains(others, e.in[0])
}

// order joins the inputs one by one. A key that can fail, or that Postgres computes, is a
// column of what it is computed from, which is what has been joined so far: a row that
// another condition drops is not shown to it. If it is not all that the two sides are joined by, it is
// no key but a condition: it then fails for rows that the others leave a partner.
func (k Keyring) order(n *Join) Node {
	if len(n.Inputs) == 1 {
		return filter(n.Inputs[0], n.Conds)
	}
	starts := offsets(n.Inputs)
	eqs, rest := equalities(n.Conds, starts)
	start := k.startOf(n, eqs, starts)
	if nested := k.nest(n, start, eqs, starts); nested != nil {
		return nested
	}

	joined := []int{start}
	acc := n.Inputs[joined[0]]
	// at[i] is where column i of the whole join stands in acc.
	at := map[int]int{}
	place := func(input, from int) {
		for c := starts[input]; c < starts[input+1]; c++ {
			at[c] = from + c - starts[input]
		}
	}
	place(joined[0], 0)
	// among takes the conditions out that read these inputs alone.
	among := func(inputs []int) (these []expr.Expr) {
		these, rest = split(rest, func(c expr.Expr) bool { return subset(inputsOf(c, starts), inputs) })
		return these
	}
	for len(joined) < len(n.Inputs) {
		next := k.nextInput(n, joined, eqs, starts)
		right := n.Inputs[next]
		var lkeys, rkeys []expr.Expr
		both := append(slices.Clone(joined), next)
		pending := pendingAmong(between(next, joined, eqs), slices.ContainsFunc(rest, func(c expr.Expr) bool {
			of := inputsOf(c, starts)
			return len(of) > 1 && slices.Contains(of, next) && subset(of, both)
		}))
		eqs = slices.DeleteFunc(eqs, func(e equality) bool {
			if !e.meets(next, joined) {
				return false
			}
			if e.cond == pending {
				rest = append(rest, e.cond)
				return true
			}
			l, r := e.side[0], e.side[1]
			if e.in[0] == next {
				l, r = r, l
			}
			lkeys, rkeys = append(lkeys, expr.Remap(l, at)), append(rkeys, expr.Shift(r, -starts[next]))
			return true
		})
		// Conditions on one side alone may be what guards its keys.
		if !allTotal(lkeys) {
			acc, lkeys = withKeys(filter(acc, expr.RemapAll(among(joined), at)), lkeys)
		}
		if !allTotal(rkeys) {
			guards := among([]int{next})
			for i, c := range guards {
				guards[i] = expr.Shift(c, -starts[next])
			}
			right, rkeys = withKeys(filter(right, guards), rkeys)
		}
		place(next, len(acc.Cols()))
		joined = append(joined, next)
		// Conditions go where all their columns first meet.
		acc = &EquiJoin{
			L: acc, R: right, LKeys: lkeys, RKeys: rkeys, Out: FirstN(len(acc.Cols()) + len(right.Cols())),
			Conds: expr.RemapAll(among(joined), at),
		}
	}
	// Back to the order of columns that the rest of the plan expects.
	cols := n.Cols()
	out := &Project{In: acc}
	for i, c := range cols {
		out.Exprs = append(out.Exprs, &expr.Col{Index: at[i], Name: c.Name, T: c.Type})
		out.Names = append(out.Names, c.Name)
	}
	return out
}

// pendingAmong is the one of the equalities of a join that can fail, if there is something else that its pairs have to
// fulfil (more: a condition that is none of them); nil if there is none, or several. Partners are still found by it (Intervals).
func pendingAmong(eqs []equality, more bool) (pending *expr.Native) {
	for _, e := range eqs {
		switch {
		case e.total:
			more = true
		case pending != nil || expr.HasRemote([]expr.Expr{e.cond}) || e.cond.Cmp != "=":
			return nil
		default:
			pending = e.cond
		}
	}
	if !more {
		return nil
	}
	return pending
}

// withKeys adds the keys that are not total to a relation, as columns, so that they
// are computed once a row and one that fails makes its row an error.
func withKeys(in Node, keys []expr.Expr) (Node, []expr.Expr) {
	cols := in.Cols()
	p := project(in, AllRefs(cols))
	out := slices.Clone(keys)
	for i, key := range keys {
		if !expr.Total(key) {
			out[i] = &expr.Col{Index: len(p.Exprs), Name: "key", T: key.Type()}
			p.Exprs, p.Names = append(p.Exprs, key), append(p.Names, "key")
		}
	}
	return p, out
}

// equalities picks the conditions that can be join keys between two inputs.
func equalities(conds []expr.Expr, starts []int) (eqs []equality, rest []expr.Expr) {
	for _, c := range conds {
		if n, ok := c.(*expr.Native); ok && n.Equal {
			l, r := inputsOf(n.Args[0], starts), inputsOf(n.Args[1], starts)
			if len(l) == 1 && len(r) == 1 && l[0] != r[0] {
				eqs = append(eqs, equality{[2]expr.Expr{n.Args[0], n.Args[1]}, [2]int{l[0], r[0]}, expr.Total(n.Args[0]) && expr.Total(n.Args[1]), n})
				continue
			}
		}
		rest = append(rest, c)
	}
	return eqs, rest
}

// startOf picks the first input that has an equality with another but is not
// looked up by its own unique key; else one that has an equality. Equalities that cannot
// fail come first.
func (k Keyring) startOf(n *Join, eqs []equality, starts []int) int {
	all := FirstN(len(n.Inputs))
	best, rank := 0, 0
	for i := range n.Inputs {
		by := between(i, all, eqs)
		if len(by) == 0 {
			continue
		}
		r := 1
		if !k.unique(n.Inputs[i], keysOn(i, by, starts)) {
			r = 2
		}
		if hasTotal(by) {
			r += 2
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return best
}

func (k Keyring) nextInput(n *Join, joined []int, eqs []equality, starts []int) int {
	best, rank := -1, -1
	for i := range n.Inputs {
		if slices.Contains(joined, i) {
			continue
		}
		r := 0
		if by := between(i, joined, eqs); len(by) > 0 {
			r = 1
			if k.unique(n.Inputs[i], keysOn(i, by, starts)) {
				if r = 2; thinned(n.Inputs[i]) {
					r = 3
				}
			}
			if hasTotal(by) { // what is joined by the others has found its partners then
				r += 3
			}
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return best
}

// thinned says that a relation may lack rows that others refer to.
func thinned(n Node) bool {
	found := false
	Walk(n, func(n Node) {
		switch n := n.(type) {
		case *Filter, *TopK:
			found = true
		case *OuterJoin:
			found = found || n.Kind == SemiJoin || n.Kind == AntiJoin
		}
	})
	return found
}

// between lists the equalities of input i with some of the others.
func between(i int, others []int, eqs []equality) (out []equality) {
	for _, e := range eqs {
		if e.meets(i, others) {
			out = append(out, e)
		}
	}
	return out
}

func hasTotal(eqs []equality) bool {
	return slices.ContainsFunc(eqs, func(e equality) bool { return e.total })
}

// keysOn lists the plain columns (of input i itself) that its equalities bind.
func keysOn(i int, eqs []equality, starts []int) []int {
	var cols []int
	for _, e := range eqs {
		for s := range 2 {
			if e.in[s] != i {
				continue
			}
			if c, ok := e.side[s].(*expr.Col); ok {
				cols = append(cols, c.Index-starts[i])
			}
		}
	}
	return cols
}

// unique says whether the columns contain a key of n.
func (k Keyring) unique(n Node, cols []int) bool { return covers(k.of(n), cols) }

// covers says whether the columns contain one of the keys.
func covers(keys [][]int, cols []int) bool {
	return slices.ContainsFunc(keys, func(k []int) bool { return subset(k, cols) })
}

func subset(a, b []int) bool {
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}
