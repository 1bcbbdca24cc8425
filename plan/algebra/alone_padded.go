package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

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
