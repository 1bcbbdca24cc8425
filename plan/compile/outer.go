package compile

import (
	"context"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// outer compiles a join in which it counts whether a row finds a partner, out of
// linear operators, joins and distinct alone:
//
//	matched(L) = L ⋈ distinct(keys of R)            rows of L with a partner
//	semi       = matched(L)
//	anti       = L − matched(L)
//	left       = L ⋈ R + pad(anti)
//	full       = left + pad(R − matched(R))
//
// All parts read the same two relations, so their arrangements are shared.
func (c *compiler) outer(n *algebra.OuterJoin, id string) *compiled {
	lcols, rcols := n.L.Cols(), n.R.Cols()
	lkeys, rkeys, rest := algebra.Equalities(n.Conds, len(lcols))
	l := c.side(c.exact(c.clean(c.node(n.L), lcols)), n.L, lkeys)
	r := c.side(c.exact(c.clean(c.node(n.R), rcols)), n.R, rkeys)
	// Its parts are given no errors of the sides, which count for the join as a whole.
	errs := c.outerErrs(n.Kind, l.compiled, r.compiled)
	l.compiled, r.compiled = l.with(nil), r.with(nil)
	out := c.outerRows(n, l, r, rest, id)
	return out.with(addErrs(errs, out.errs...))
}

// outerErrs is the errors of a join's sides.
func (c *compiler) outerErrs(kind algebra.JoinKind, l, r *compiled) []fault {
	switch kind {
	case algebra.FullJoin:
		return addErrs(l.errs, r.errs...)
	case algebra.SemiJoin:
		return addErrs(c.given(l.errs, r), c.given(r.errs, l)...)
	}
	return addErrs(l.errs, c.given(r.errs, l)...) // rows of the left are kept without the other side
}

func (c *compiler) outerRows(n *algebra.OuterJoin, l, r *side, rest []expr.Expr, id string) *compiled {
	label := n.Label()
	switch n.Kind {
	case algebra.SemiJoin:
		return pickColumns(c.matched(l, r, rest, id, label), n.Out)
	case algebra.AntiJoin:
		return pickColumns(c.minus(l.compiled, c.matched(l, r, rest, id, label), id+" unmatched"), n.Out)
	}
	parts := []*compiled{c.meet(l, r, equal, rest, n.Out, id+" inner", label+", pairs")}
	left := c.minus(l.compiled, c.matched(l, r, rest, id, label), id+" unmatched")
	parts = append(parts, c.pad(left, n.Out, 0, len(l.cols), id+" padded"))
	if n.Kind == algebra.FullJoin {
		found := c.matched(r, l, mirrored(rest, len(l.cols), len(r.cols)), id+" mirrored", label+", mirrored")
		right := c.minus(r.compiled, found, id+" unmatched mirrored")
		parts = append(parts, c.pad(right, n.Out, len(l.cols), len(r.cols), id+" padded mirrored"))
	}
	out := &compiled{id: id, width: len(n.Out), at: algebra.FirstN(len(n.Out))}
	var streams []circuit.Stream
	for _, p := range parts {
		streams = append(streams, p.stream)
		out.errs = addErrs(out.errs, p.errs...)
	}
	out.stream = c.b.Sum(streams...)
	return out
}

// mirrored writes conditions over L ++ R as conditions over R ++ L.
func mirrored(conds []expr.Expr, lw, rw int) []expr.Expr {
	to := map[int]int{}
	for i := range lw {
		to[i] = rw + i
	}
	for i := range rw {
		to[lw+i] = i
	}
	out := make([]expr.Expr, len(conds))
	for i, c := range conds {
		out[i] = expr.Remap(c, to)
	}
	return out
}

// matched is the rows of l that have a partner in r, each as often as it is in
// l. With equalities alone, the distinct keys of r say so. With other conditions
// it is asked once for each distinct combination of the columns that they read.
func (c *compiler) matched(l, r *side, rest []expr.Expr, id, label string) *compiled {
	all := algebra.FirstN(len(l.cols))
	if len(rest) == 0 {
		keys := c.mapper(r.compiled, r.cols, nil, r.keys, id+" keys", "Keys of "+label)
		cols := make([]algebra.Column, len(r.keys))
		refs := make([]expr.Expr, len(r.keys))
		for i, k := range r.keys {
			cols[i] = algebra.Column{Name: fmt.Sprintf("key%d", i+1), Type: k.Type()}
			refs[i] = &expr.Col{Index: i, Name: cols[i].Name, T: k.Type()}
		}
		distinct := &compiled{
			stream: c.b.Distinct(keys.stream, "Distinct keys of "+label, rowKey(cols, algebra.FirstN(len(cols)))),
			width:  keys.width, id: id + " distinct keys", at: keys.at, errs: keys.errs,
		}
		return c.meet(l, &side{distinct, cols, refs, true}, equal, nil, all, id+" matched", label+", matched")
	}
	used := map[int]bool{}
	for _, e := range append(append([]expr.Expr{}, l.keys...), rest...) {
		expr.Columns(e, used)
	}
	var asked []int
	for i := range l.cols {
		if used[i] {
			asked = append(asked, i)
		}
	}
	sub := make([]algebra.Column, len(asked))
	to := map[int]int{}
	for i, a := range asked {
		sub[i] = l.cols[a]
		to[a] = i
	}
	for i := range r.cols {
		to[len(l.cols)+i] = len(asked) + i
	}
	domain := c.distinct(c.exact(pickColumns(l.compiled, asked)), id+" asked", "Distinct asked of "+label)
	d := &side{domain, sub, expr.RemapAll(l.keys, to), l.unique}
	found := c.meet(d, r, equal, expr.RemapAll(rest, to), algebra.FirstN(len(asked)), id+" found", label+", found")
	found = c.distinct(found, id+" distinct found", "Distinct found of "+label)
	refs := algebra.Refs(sub, algebra.FirstN(len(sub)))
	out := c.meet(&side{l.compiled, l.cols, algebra.Refs(l.cols, asked), false}, &side{found.with(nil), sub, refs, true}, identical, nil, all, id+" matched", label+", matched")
	return out.with(addErrs(out.errs, found.errs...))
}

// distinct keeps one of each row, rows being the same when all values are
// identical.
func (c *compiler) distinct(in *compiled, id, label string) *compiled {
	in = c.exact(in)
	return &compiled{stream: c.b.Distinct(in.stream, label, nil), width: in.width, id: id, at: in.at, errs: in.errs}
}

// minus subtracts rows that are all in a.
func (c *compiler) minus(a, b *compiled, id string) *compiled {
	a, b = c.exact(a), c.exact(b)
	return &compiled{stream: c.b.Sum(a.stream, c.b.Neg(b.stream)), width: a.width, id: id, at: a.at, errs: addErrs(a.errs, b.errs...)}
}

// pad gives rows of one side of a join, whose columns are those from start on,
// the shape of the join: out, with NULLs for the other side.
func (c *compiler) pad(in *compiled, out []int, start, width int, id string) *compiled {
	at := make([]int, len(out))
	for i, o := range out {
		at[i] = -1
		if o >= start && o < start+width {
			at[i] = in.at[o-start]
		}
	}
	s := c.b.Map(in.stream, len(out), fmt.Sprint("Pad ", at), func(_ context.Context, rows, to *circuit.Batch) error {
		for i := range rows.Len() {
			row, dst := rows.Row(i), to.Grow(rows.W[i])
			for j, a := range at {
				if a >= 0 {
					dst[j] = row[a]
				}
			}
		}
		return nil
	})
	return &compiled{stream: s, width: len(out), id: id, at: algebra.FirstN(len(out)), errs: in.errs}
}

// pickColumns is a relation with some of its columns; it costs nothing.
func pickColumns(r *compiled, cols []int) *compiled {
	out := *r
	out.at = make([]int, len(cols))
	for i, col := range cols {
		out.at[i] = r.at[col]
	}
	return &out
}

// repeat compiles a change of the number of copies.
func (c *compiler) repeat(n *algebra.Repeat, id string) *compiled {
	in := c.clean(c.node(n.In), n.In.Cols())
	count := expr.Compile(in.exprs([]expr.Expr{n.Count})[0])
	s := c.b.Map(in.stream, in.width, fmt.Sprint(n.Label(), " at ", in.at), func(_ context.Context, rows, out *circuit.Batch) error {
		for i := range rows.Len() {
			if k := count(rows.Row(i)).Int64(); k != 0 {
				out.Append(rows.Row(i), k*rows.W[i])
			}
		}
		return nil
	})
	return &compiled{stream: s, width: in.width, id: id, at: in.at, errs: in.errs}
}
