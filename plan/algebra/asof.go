package algebra

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// AsOf joins each row of L with one row of R, if it has any: of those with equal keys whose
// At lies on the right side of the left row's, the nearest. Out picks the columns of L ++ R
// that are kept.
type AsOf struct {
	L, R         Node
	LKeys, RKeys []expr.Expr
	LAt, RAt     expr.Expr
	Back         bool // RAt is at most LAt, and the greatest is the nearest; else it is at least LAt
	Strict       bool // it is not LAt itself
	// Order decides among rows of R at one place, by columns of R, and then the encoding of
	// the columns Row.
	Order []SortKey
	Row   []int
	Out   []int
}

// Children are both sides.
func (n *AsOf) Children() []Node { return []Node{n.L, n.R} }

// With joins other sides.
func (n *AsOf) With(c []Node) Node { m := *n; m.L, m.R = c[0], c[1]; return &m }

// Cols are the picked columns of both sides.
func (n *AsOf) Cols() []Column { return (&EquiJoin{L: n.L, R: n.R, Out: n.Out}).Cols() }

// Label lists keys, places and order.
func (n *AsOf) Label() string {
	at := "first"
	if n.Back {
		at = "last"
	}
	if n.Strict {
		at += " but the same"
	}
	join := &EquiJoin{LKeys: n.LKeys, RKeys: n.RKeys, Out: n.Out}
	return fmt.Sprintf("Nearest, %s, %s to %s, by %s, then %v; %s", at, expr.String(n.RAt), expr.String(n.LAt), showSort(n.Order), n.Row, join.Label())
}

// Nearest makes as-of joins of what says the same in SQL: the first row of each partition of a
// join on < (<=, >, >=), in the order of what is compared, where a partition is what one row of
// one side is joined with. The pairs of all rows, of which one of each partition is used, are then
// neither kept nor computed.
func Nearest(n Node) Node {
	keys := Keyring{}
	return bottomUp(n, func(n Node) Node {
		if top, ok := n.(*TopK); ok {
			if a := keys.nearest(top); a != nil {
				return a
			}
		}
		return n
	})
}

// nearest is the as-of join that a TopK is; nil if it is none.
func (k Keyring) nearest(n *TopK) Node {
	if n.Limit != 1 || n.Offset != 0 || n.Ties || n.Numbers != nil {
		return nil
	}
	join, at := joinBelow(n.In)
	if join == nil || len(join.Conds) != 1 || readsWorkTables(join) || DependsOnClock(join) {
		return nil
	}
	for _, keys := range [][]expr.Expr{join.LKeys, join.RKeys, join.Conds} {
		if !allTotal(keys) || expr.HasRemote(keys) {
			return nil
		}
	}
	lw, width := len(join.L.Cols()), len(join.L.Cols())+len(join.R.Cols())
	a := &AsOf{L: join.L, R: join.R, LKeys: join.LKeys, RKeys: join.RKeys, Out: at}
	cond := join.Conds[0]
	if len(n.Partition) > 0 && at[n.Partition[0]] >= lw { // of the right side's rows: that is the left one here
		a.L, a.R, a.LKeys, a.RKeys = a.R, a.L, a.RKeys, a.LKeys
		turned := map[int]int{}
		for c := range width {
			turned[c] = (c + width - lw) % width
		}
		cond = expr.Remap(cond, turned)
		lw = width - lw
		a.Out = make([]int, len(at))
		for i, c := range at {
			a.Out[i] = turned[c]
		}
	}
	if !a.compares(cond, lw) || !a.sorts(n.Order, lw) {
		return nil
	}
	var partition []int
	for _, p := range n.Partition {
		if a.Out[p] >= lw {
			return nil
		}
		partition = append(partition, a.Out[p])
	}
	if !k.unique(a.L, partition) {
		return nil
	}
	for _, c := range a.Out {
		if c >= lw {
			a.Row = append(a.Row, c-lw)
		}
	}
	return a
}

// joinBelow is the join that a node picks columns of: column i is at[i] of the columns of both sides.
func joinBelow(n Node) (join *EquiJoin, at []int) {
	at = FirstN(len(n.Cols()))
	for {
		switch m := n.(type) {
		case *Project:
			for i, c := range at {
				col, ok := m.Exprs[c].(*expr.Col)
				if !ok {
					return nil, nil
				}
				at[i] = col.Index
			}
			n = m.In
		case *EquiJoin:
			for i, c := range at {
				at[i] = m.Out[c]
			}
			return m, at
		default:
			return nil, nil
		}
	}
}

// readsWorkTables says whether a relation is part of a loop, in which its rows come by iterations.
func readsWorkTables(n Node) bool {
	found := false
	Walk(n, func(n Node) {
		_, ok := n.(*WorkTable)
		found = found || ok
	})
	return found
}

// compares takes the places from a comparison of the left side with a column of the right one.
func (a *AsOf) compares(cond expr.Expr, lw int) bool {
	n, ok := cond.(*expr.Native)
	if !ok {
		return false
	}
	op, l, r := n.Cmp, n.Args[0], n.Args[len(n.Args)-1]
	if side(l, lw) == rightSide {
		op, l, r = swapped[op], r, l
	}
	if op == "" || op == "=" || op == "<>" || side(l, lw) != leftSide || side(r, lw) != rightSide {
		return false
	}
	a.LAt, a.RAt = l, expr.Shift(r, -lw)
	a.Back = op[0] == '>'
	a.Strict = op == "<" || op == ">"
	_, ok = a.RAt.(*expr.Col)
	return ok
}

// sorts takes an order of the pairs apart: within what is joined with one left row, it has to
// begin with the places.
func (a *AsOf) sorts(order []SortKey, lw int) bool {
	alike := map[int]bool{} // columns of R in which all rows that are joined with one row agree
	for _, k := range a.RKeys {
		if c, ok := k.(*expr.Col); ok {
			alike[c.Index] = true
		}
	}
	at, found := a.RAt.(*expr.Col).Index, false
	for _, k := range order {
		k.Col = a.Out[k.Col] - lw
		switch {
		case k.Col < 0 || alike[k.Col]:
		case !found:
			if k.Col != at || k.Desc != a.Back {
				return false
			}
			found = true
		case k.Col != at:
			a.Order = append(a.Order, k)
		}
	}
	return found
}

func (k Keyring) asOfKeys(n *AsOf) [][]int {
	at := map[int]int{}
	for i, c := range n.Out {
		at[c] = i
	}
	return remapKeys(k.of(n.L), at)
}
