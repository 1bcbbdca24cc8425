package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// nest joins inputs that are looked up by a unique key for one other input alone with
// that input first: a customer's nation with the customer, that with the order, and the
// whole with the lines. The fact, which most changes are of, is then joined and
// indexed once for each of its own keys, and what its dimensions' dimensions keep out
// does not even meet it. The joins below have no more rows than the dimension. It is nil
// if there is nothing of that kind.
//
// Conditions that can fail are not tested within them; keys that can fail, or that Postgres
// computes, wait for joins by others, so with one of them nothing is nested.
func (k Keyring) nest(n *Join, start int, eqs []equality, starts []int) Node {
	if slices.ContainsFunc(eqs, func(e equality) bool { return !e.total }) {
		return nil
	}
	parent := k.parents(n, start, eqs, starts)
	if !slices.ContainsFunc(parent, func(p int) bool { return p >= 0 }) {
		return nil
	}
	groups := make([][]int, len(n.Inputs)) // by root, it and all below
	for i := range n.Inputs {
		r := rootOf(i, parent)
		groups[r] = append(groups[r], i)
	}
	conds := n.Conds
	out := &Join{}
	at := map[int]int{} // of n's columns in out's
	offset := 0
	for r, group := range groups {
		if parent[r] >= 0 {
			continue
		}
		sub, own := &Join{}, map[int]int{}
		width := 0
		for _, i := range group {
			for c := starts[i]; c < starts[i+1]; c++ {
				own[c], at[c] = width, offset+width
				width++
			}
			sub.Inputs = append(sub.Inputs, n.Inputs[i])
		}
		var in, rest []expr.Expr
		for _, c := range conds {
			if of := inputsOf(c, starts); len(group) > 1 && len(of) > 0 && subset(of, group) && expr.Total(c) {
				in = append(in, expr.Remap(c, own))
			} else {
				rest = append(rest, c)
			}
		}
		sub.Conds, conds = in, rest
		out.Inputs = append(out.Inputs, k.order(sub))
		offset += width
	}
	out.Conds = expr.RemapAll(conds, at)
	p := &Project{In: k.order(out)}
	for c, col := range n.Cols() {
		p.Exprs, p.Names = append(p.Exprs, &expr.Col{Index: at[c], Name: col.Name, T: col.Type}), append(p.Names, col.Name)
	}
	return p
}

// parents are the inputs by which others alone are looked up; -1 for those that stand by
// themselves.
func (k Keyring) parents(n *Join, start int, eqs []equality, starts []int) []int {
	parent := make([]int, len(n.Inputs))
	for i := range parent {
		parent[i] = -1
	}
	by := func(i, j int) bool {
		cols := keysOn(i, between(i, []int{j}, eqs), starts)
		return len(cols) > 0 && k.unique(n.Inputs[i], cols)
	}
	for i := range n.Inputs {
		if i == start || by(i, start) {
			continue
		}
		for j := range n.Inputs {
			if j != i && j != start && rootOf(j, parent) != i && by(i, j) {
				parent[i] = j
				break
			}
		}
	}
	return parent
}

func rootOf(i int, parent []int) int {
	for parent[i] >= 0 {
		i = parent[i]
	}
	return i
}
