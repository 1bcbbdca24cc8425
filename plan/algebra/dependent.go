package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// groupKey is the group columns that tell groups apart, without those that others
// determine: of a sub-query's domain, the identity is enough.
func (k Keyring) groupKey(n *Aggregate) []int {
	key := FirstN(len(n.Group))
	for i := range n.Group {
		c, ok := n.Group[i].(*expr.Col)
		if !ok {
			continue
		}
		var others []int
		for _, j := range key {
			if o, ok := n.Group[j].(*expr.Col); ok && j != i {
				others = append(others, o.Index)
			}
		}
		if slices.Contains(k.determined(n.In, others), c.Index) {
			key = slices.DeleteFunc(key, func(j int) bool { return j == i })
		}
	}
	return key
}

// determined lists columns of n that are the same in all rows which agree, by SQL's
// equality, in the given ones: an input of a join with a key among these is one row.
func (k Keyring) determined(n Node, cols []int) []int {
	if covers(k.of(n), cols) {
		return FirstN(len(n.Cols()))
	}
	switch n := n.(type) {
	case *Filter:
		return k.determined(n.In, cols)
	case *Shared:
		return k.determined(n.In, cols)
	case *Once:
		return k.determined(n.In, cols)
	case *Project:
		at := make([]int, len(n.Exprs))
		for i, e := range n.Exprs {
			at[i] = -1
			if c, ok := e.(*expr.Col); ok {
				at[i] = c.Index
			}
		}
		var told []int
		for _, c := range cols {
			told = append(told, injectedColumns(n.Exprs[c])...)
		}
		return picked(at, cols, func(cols []int) []int {
			return append(k.determined(n.In, append(cols, told...)), told...)
		})
	case *Join:
		return k.determinedBeside(n.Inputs, cols)
	case *EquiJoin:
		return picked(n.Out, cols, func(cols []int) []int { return k.determinedBeside([]Node{n.L, n.R}, cols) })
	case *OuterJoin:
		if n.Kind == FullJoin {
			return nil
		}
		// Right of it, rows that found no partner are padded.
		return picked(n.Out, cols, func(cols []int) []int { return k.determinedBeside([]Node{n.L}, cols) })
	}
	return nil
}

// determinedBeside is determined of relations side by side.
func (k Keyring) determinedBeside(inputs []Node, cols []int) []int {
	starts := offsets(inputs)
	var out []int
	for i, in := range inputs {
		var own []int
		for _, c := range cols {
			if c >= starts[i] && c < starts[i+1] {
				own = append(own, c-starts[i])
			}
		}
		for _, c := range k.determined(in, own) {
			out = append(out, starts[i]+c)
		}
	}
	return out
}

// picked asks for columns of a relation that has column at[i] of another as its i-th.
func picked(at, cols []int, below func(cols []int) []int) []int {
	var in, out []int
	for _, c := range cols {
		if at[c] >= 0 {
			in = append(in, at[c])
		}
	}
	found := below(in)
	for i, c := range at {
		if slices.Contains(found, c) {
			out = append(out, i)
		}
	}
	return out
}
