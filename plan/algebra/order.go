package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Order turns every Join into EquiJoins of two. It starts with an input that is
// not looked up by its own key (the fact among dimensions) and goes on with the
// input that multiplies rows least: one joined on a unique key, then one joined
// on any key, then, last, one without any.
func Order(n Node) Node {
	keys := keyring{}
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

func (k keyring) order(n *Join) Node {
	if p := computeKeys(n); p != nil {
		p.In = k.orderJoin(p.In.(*Join))
		return p
	}
	return k.orderJoin(n)
}

// computeKeys makes join keys that can raise an error, or that Postgres
// evaluates, columns of the inputs: they are then computed once a row, and a row
// whose key fails ends among the errors. Conditions on such an input alone go
// below, since they may be what guards the key. The result drops the added
// columns again; it is nil if there is nothing to do.
func computeKeys(n *Join) *Project {
	starts := offsets(n.Inputs)
	eqs, rest := equalities(n.Conds, starts)
	added := make([][]expr.Expr, len(n.Inputs))
	for _, e := range eqs {
		for s, side := range e.side {
			if i := e.in[s]; !expr.Total(side) {
				added[i] = append(added[i], expr.Shift(side, -starts[i]))
			}
		}
	}
	out := &Join{}
	above := &Project{In: out}
	to := map[int]int{}
	offset := 0
	computed := false
	for i, in := range n.Inputs {
		cols := in.Cols()
		for c, col := range cols {
			to[starts[i]+c] = offset + c
			above.Exprs = append(above.Exprs, &expr.Col{Index: offset + c, Name: col.Name, T: col.Type})
			above.Names = append(above.Names, col.Name)
		}
		if len(added[i]) > 0 {
			computed = true
			var guards []expr.Expr
			guards, rest = split(rest, func(c expr.Expr) bool { in := inputsOf(c, starts); return len(in) == 1 && in[0] == i })
			for g, c := range guards {
				guards[g] = expr.Shift(c, -starts[i])
			}
			p := &Project{In: filter(in, guards)}
			for c, col := range cols {
				p.Exprs, p.Names = append(p.Exprs, &expr.Col{Index: c, Name: col.Name, T: col.Type}), append(p.Names, col.Name)
			}
			for _, e := range added[i] {
				p.Exprs, p.Names = append(p.Exprs, e), append(p.Names, "key")
			}
			in = p
		}
		out.Inputs = append(out.Inputs, in)
		offset += len(in.Cols())
	}
	if !computed {
		return nil
	}
	newStarts := offsets(out.Inputs)
	next := make([]int, len(n.Inputs))
	for _, e := range eqs {
		args := make([]expr.Expr, 2)
		for s, side := range e.side {
			i := e.in[s]
			if expr.Total(side) {
				args[s] = expr.Remap(side, to)
				continue
			}
			at := newStarts[i] + starts[i+1] - starts[i] + next[i]
			next[i]++
			args[s] = &expr.Col{Index: at, Name: "key", T: side.Type()}
		}
		out.Conds = append(out.Conds, e.cond.With(args))
	}
	out.Conds = append(out.Conds, expr.RemapAll(rest, to)...)
	return above
}

// equality is a condition l = r between two inputs of a join.
type equality struct {
	cond expr.Expr
	side [2]expr.Expr
	in   [2]int
}

func (k keyring) orderJoin(n *Join) Node {
	if len(n.Inputs) == 1 {
		return filter(n.Inputs[0], n.Conds)
	}
	starts := offsets(n.Inputs)
	eqs, rest := equalities(n.Conds, starts)

	joined := []int{k.startOf(n, eqs, starts)}
	acc := n.Inputs[joined[0]]
	// at[i] is where column i of the whole join stands in acc.
	at := map[int]int{}
	place := func(input, from int) {
		for c := starts[input]; c < starts[input+1]; c++ {
			at[c] = from + c - starts[input]
		}
	}
	place(joined[0], 0)
	for len(joined) < len(n.Inputs) {
		next := k.nextInput(n, joined, eqs, starts)
		lw := len(acc.Cols())
		place(next, lw)
		j := &EquiJoin{L: acc, R: n.Inputs[next], Out: FirstN(lw + len(n.Inputs[next].Cols()))}
		joined = append(joined, next)
		var left []equality
		for _, e := range eqs {
			l, r := 0, 1
			if e.in[0] == next {
				l, r = 1, 0
			}
			switch {
			case e.in[r] == next && slices.Contains(joined, e.in[l]):
				j.LKeys = append(j.LKeys, expr.Remap(e.side[l], at))
				j.RKeys = append(j.RKeys, expr.Shift(e.side[r], -starts[next]))
			default:
				left = append(left, e)
			}
		}
		eqs = left
		// Conditions go where all their columns first meet.
		var later []expr.Expr
		for _, c := range rest {
			if subset(inputsOf(c, starts), joined) {
				j.Conds = append(j.Conds, expr.Remap(c, at))
			} else {
				later = append(later, c)
			}
		}
		rest = later
		acc = j
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

// equalities picks the conditions that can be join keys between two inputs.
func equalities(conds []expr.Expr, starts []int) (eqs []equality, rest []expr.Expr) {
	for _, c := range conds {
		if n, ok := c.(*expr.Native); ok && n.Equal {
			l, r := inputsOf(n.Args[0], starts), inputsOf(n.Args[1], starts)
			if len(l) == 1 && len(r) == 1 && l[0] != r[0] {
				eqs = append(eqs, equality{c, [2]expr.Expr{n.Args[0], n.Args[1]}, [2]int{l[0], r[0]}})
				continue
			}
		}
		rest = append(rest, c)
	}
	return eqs, rest
}

// startOf picks the first input that has an equality with another but is not
// looked up by its own unique key; else one that has an equality.
func (k keyring) startOf(n *Join, eqs []equality, starts []int) int {
	best := -1
	all := FirstN(len(n.Inputs))
	for i := range n.Inputs {
		if !connected(i, eqs, all) {
			continue
		}
		if !k.unique(n.Inputs[i], keysOn(i, eqs, starts, nil)) {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return max(best, 0)
}

func (k keyring) nextInput(n *Join, joined []int, eqs []equality, starts []int) int {
	best, rank := -1, -1
	for i := range n.Inputs {
		if slices.Contains(joined, i) {
			continue
		}
		cols := keysOn(i, eqs, starts, joined)
		r := 0
		switch {
		case len(cols) > 0 && k.unique(n.Inputs[i], cols):
			r = 2
		case connected(i, eqs, joined):
			r = 1
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return best
}

func connected(i int, eqs []equality, joined []int) bool {
	for _, e := range eqs {
		if e.in[0] == i && slices.Contains(joined, e.in[1]) || e.in[1] == i && slices.Contains(joined, e.in[0]) {
			return true
		}
	}
	return false
}

// keysOn lists the plain columns (of input i itself) that equalities with the
// joined inputs bind; joined nil means with any.
func keysOn(i int, eqs []equality, starts []int, joined []int) []int {
	var cols []int
	for _, e := range eqs {
		for s := range 2 {
			if e.in[s] != i || joined != nil && !slices.Contains(joined, e.in[1-s]) {
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
func (k keyring) unique(n Node, cols []int) bool { return covers(k.of(n), cols) }

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
