package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// maxKeys bounds the keys kept of a join: their number is a product.
const maxKeys = 8

// Keys lists sets of columns that identify a row of n at every commit, as far
// as the source's own unique constraints and the operators show. An empty set
// says that there is at most one row.
func Keys(n Node) [][]int { return Keyring{}.of(n) }

// Keyring remembers the keys of the nodes that it was asked for.
type Keyring map[Node][][]int

func (k Keyring) of(n Node) [][]int {
	keys, ok := k[n]
	if !ok {
		keys = slices.Clip(k.find(n)) // others append to it
		k[n] = keys
	}
	return keys
}

func (k Keyring) find(n Node) [][]int {
	switch n := n.(type) {
	case *Scan:
		at := map[int]int{}
		for i, a := range n.Attrs {
			at[a] = i
		}
		return remapKeys(n.Table.Keys, at)
	case *Filter:
		return k.of(n.In)
	case *Project:
		return k.projectKeys(n)
	case *Join:
		return k.joinKeys(n)
	case *EquiJoin:
		return k.equiJoinKeys(n)
	case *OuterJoin:
		return k.outerKeys(n)
	case *TopK:
		return k.topKKeys(n)
	case *AsOf:
		return k.asOfKeys(n)
	case *Window:
		return k.of(n.In)
	case *Against:
		return k.of(n.In)
	case *Turning:
		return k.of(n.In)
	case *Once:
		return k.of(n.In)
	case *Moment:
		return [][]int{{}}
	case *Aggregate:
		if n.Global {
			return [][]int{{}}
		}
		if n.By != nil {
			return [][]int{n.By}
		}
		return [][]int{k.groupKey(n)}
	case *Distinct:
		if n.Exact {
			if n.Key == nil {
				return k.of(n.In)
			}
			return append(k.of(n.In), n.Key)
		}
		if n.Key != nil {
			return append(k.of(n.In), n.Key)
		}
		return append(k.of(n.In), FirstN(len(n.Cols())))
	case *UnionAll:
		if n.Parts {
			return k.common(n.Inputs)
		}
	case *Recursive:
		if n.Key != nil {
			return [][]int{n.Key}
		}
		if !n.All {
			return [][]int{FirstN(len(n.Cols()))}
		}
	case *WorkTable:
		if !n.All {
			// Within a step a row may be there twice, in the iteration in which it
			// was before and in the one in which it is now.
			return [][]int{FirstN(len(n.Cols()))}
		}
	case *Values:
		if len(n.Rows) <= 1 {
			return [][]int{{}}
		}
	}
	return nil
}

// common are the keys that all of some nodes have.
func (k Keyring) common(nodes []Node) [][]int {
	keys := k.of(nodes[0])
	for _, n := range nodes[1:] {
		others := k.of(n)
		keys = slices.DeleteFunc(slices.Clone(keys), func(key []int) bool { return !covers(others, key) })
	}
	return keys
}

// BestKey is the narrowest key of n, empty where there is at most one row; nil
// if there is none.
func BestKey(n Node) []int {
	var best []int
	for _, k := range Keys(n) {
		if best == nil || len(k) < len(best) {
			best = k
		}
	}
	return best
}

func (k Keyring) projectKeys(n *Project) [][]int {
	at := map[int]int{}
	for i, e := range n.Exprs {
		if c, ok := e.(*expr.Col); ok {
			if _, dup := at[c.Index]; !dup {
				at[c.Index] = i
			}
		}
	}
	below := k.of(n.In)
	keys := remapKeys(below, at)
	for i, e := range n.Exprs {
		// What tells all values of columns apart stands for them.
		of := injectedColumns(e)
		if len(of) == 0 {
			continue
		}
		for _, c := range of {
			at[c] = i
		}
		for _, key := range remapKeys(below, at) {
			slices.Sort(key)
			key = slices.Compact(key)
			if !covers(keys, key) && len(keys) < maxKeys {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// injectedColumns are the columns that an expression has the arguments of and tells apart.
func injectedColumns(e expr.Expr) []int {
	n, ok := e.(*expr.Native)
	if !ok || !n.Injective {
		return nil
	}
	return plainColumns(n.Args)
}

// Unique says whether at most one row of n has the same values of some expressions over it.
func (k Keyring) Unique(n Node, by []expr.Expr) bool {
	var cols []int
	for _, e := range by {
		if c, ok := e.(*expr.Col); ok {
			cols = append(cols, c.Index)
		}
	}
	return k.unique(n, cols)
}

func remapKeys(keys [][]int, at map[int]int) [][]int {
	var out [][]int
next:
	for _, k := range keys {
		mapped := make([]int, 0, len(k))
		for _, c := range k {
			i, ok := at[c]
			if !ok {
				continue next
			}
			mapped = append(mapped, i)
		}
		out = append(out, mapped)
	}
	return out
}

func (k Keyring) joinKeys(n *Join) [][]int {
	starts := offsets(n.Inputs)
	keys := [][]int{{}}
	for i, in := range n.Inputs {
		keys = product(keys, k.of(in), starts[i])
	}
	return keys
}

func (k Keyring) equiJoinKeys(n *EquiJoin) [][]int {
	l, r := k.of(n.L), k.of(n.R)
	lw := len(n.L.Cols())
	keys := product(l, r, lw)
	lkeys, rkeys := equalColumns(n.Conds, lw)
	if covers(r, append(rkeys, plainColumns(n.RKeys)...)) {
		keys = append(keys, l...)
	}
	if covers(l, append(lkeys, plainColumns(n.LKeys)...)) {
		keys = append(keys, product([][]int{{}}, r, lw)...)
	}
	at := map[int]int{}
	for i, c := range n.Out {
		at[c] = i
	}
	return remapKeys(keys, at)
}

// equalColumns are the columns of either side of a join, the left one of lw columns, that conditions say to equal something of the other.
func equalColumns(conds []expr.Expr, lw int) (l, r []int) {
	for _, c := range conds {
		n, ok := c.(*expr.Native)
		if !ok || !n.Equal || n.Cmp != "=" {
			continue
		}
		for i, arg := range n.Args {
			of, plain := arg.(*expr.Col)
			switch other := side(n.Args[1-i], lw); {
			case !plain:
			case of.Index < lw && other == rightSide:
				l = append(l, of.Index)
			case of.Index >= lw && other == leftSide:
				r = append(r, of.Index-lw)
			}
		}
	}
	return l, r
}

// plainColumns are the columns among key expressions.
func plainColumns(keys []expr.Expr) []int {
	var cols []int
	for _, k := range keys {
		if c, ok := k.(*expr.Col); ok {
			cols = append(cols, c.Index)
		}
	}
	return cols
}

func product(a, b [][]int, shift int) [][]int {
	var out [][]int
	for _, x := range a {
		for _, y := range b {
			if len(out) == maxKeys {
				return out
			}
			k := slices.Clone(x)
			for _, c := range y {
				k = append(k, c+shift)
			}
			out = append(out, k)
		}
	}
	return out
}
