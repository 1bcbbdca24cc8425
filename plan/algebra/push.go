package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Push moves conditions as far down as they keep their meaning, flattens nested
// joins, and gathers the conditions of a join with it.
//
// A condition that can raise an error stays where the query has it relative to
// joins and groups: further down it would meet rows that the query never shows it.
func Push(n Node) Node {
	p := &pusher{done: map[pushed]Node{}, keys: Keyring{}, shared: sharedRecursions(n)}
	return p.push(n, nil)
}

// pusher remembers what became of the nodes that it has met.
type pusher struct {
	done   map[pushed]Node
	keys   Keyring
	shared map[*Recursive]bool // read in more than one place
}

// pushed is a node, and the text of the conditions that go into it.
type pushed struct {
	n     Node
	conds string
}

func (p *pusher) push(n Node, conds []expr.Expr) Node {
	key := pushed{n, list(conds)}
	done, ok := p.done[key]
	if !ok {
		done = p.rewrite(n, conds)
		p.done[key] = done
	}
	return done
}

func (p *pusher) rewrite(n Node, conds []expr.Expr) Node {
	switch n := n.(type) {
	case *Filter:
		return p.push(n.In, append(n.Conds[:len(n.Conds):len(n.Conds)], conds...))
	case *Project:
		below := make([]expr.Expr, len(conds))
		for i, c := range conds {
			below[i] = expr.Substitute(c, n.Exprs)
		}
		return n.With([]Node{p.push(n.In, below)})
	case *Join:
		if above := pull(n); above != nil {
			return p.push(above, conds)
		}
		return p.pushJoin(flatten(n), conds)
	case *Aggregate:
		below, above := split(conds, func(c expr.Expr) bool {
			return !n.Global && expr.Total(c) && readsOnlyExact(c, n.Cols(), len(n.Group))
		})
		for i, c := range below {
			below[i] = expr.Substitute(c, n.Group)
		}
		return filter(n.With([]Node{p.push(n.In, below)}), above)
	case *Distinct:
		below, above := split(conds, func(c expr.Expr) bool {
			cols := n.Cols()
			return expr.Total(c) && (n.Exact || readsOnlyExact(c, cols, len(cols)))
		})
		return filter(n.With([]Node{p.push(n.In, below)}), above)
	case *OuterJoin:
		return p.pushOuter(n, conds)
	case *TopK:
		return p.pushTopK(n, conds)
	case *Window:
		return p.pushWindow(n, conds)
	case *Spread:
		return p.pushSpread(n, conds)
	case *Repeat:
		// The count is a function of the row, so a condition on the row may go first.
		return &Repeat{In: p.push(n.In, conds), Count: n.Count}
	case *Recursive:
		return p.pushRecursive(n, conds)
	case *Shared:
		return filter(&Shared{In: p.push(n.In, nil)}, conds)
	case *Once:
		return &Once{In: p.push(n.In, conds), Asked: p.push(n.Asked, nil)}
	case *UnionAll:
		inputs := make([]Node, len(n.Inputs))
		for i, in := range n.Inputs {
			inputs[i] = p.push(in, conds)
		}
		return &UnionAll{Inputs: inputs}
	}
	return filter(n, conds)
}

// filter puts conditions on a node; constants that are true vanish.
func filter(n Node, conds []expr.Expr) Node {
	var keep []expr.Expr
	for _, c := range conds {
		for _, c := range expr.Conjuncts(c) {
			if k, ok := c.(*expr.Const); ok && k.V.IsTrue() {
				continue
			}
			keep = append(keep, c)
		}
	}
	if len(keep) == 0 {
		return n
	}
	return &Filter{In: n, Conds: keep}
}

func split(conds []expr.Expr, first func(expr.Expr) bool) (yes, no []expr.Expr) {
	for _, c := range conds {
		for _, c := range expr.Conjuncts(c) {
			if first(c) {
				yes = append(yes, c)
			} else {
				no = append(no, c)
			}
		}
	}
	return yes, no
}

// readsOnlyExact says whether c reads only columns below limit whose equal
// values are always the same value: only then does a condition say the same of
// a group's representative and of each of its members.
func readsOnlyExact(c expr.Expr, cols []Column, limit int) bool {
	set := map[int]bool{}
	expr.Columns(c, set)
	for i := range set {
		if i >= limit || !values.IdentityIsEquality(cols[i].Type) {
			return false
		}
	}
	return true
}

// pull takes projections that can raise an error out of the inputs of a join
// and puts them above it, so that rows which find no partner are never shown to
// them; nil if there are none.
func pull(n *Join) Node {
	found := false
	out := &Join{}
	above := &Project{In: out}
	offset := 0
	for _, in := range n.Inputs {
		cols := in.Cols()
		base, conds := in, []expr.Expr(nil)
		for {
			f, ok := base.(*Filter)
			if !ok {
				break
			}
			conds, base = append(conds, f.Conds...), f.In
		}
		exprs := make([]expr.Expr, len(cols))
		p, ok := base.(*Project)
		if ok && !allTotal(p.Exprs) {
			found = true
			above.Own = above.Own || p.Own
			base = p.In
			for i, c := range conds {
				conds[i] = expr.Substitute(c, p.Exprs)
			}
			in = filter(base, conds)
			for i, e := range p.Exprs {
				exprs[i] = expr.Shift(e, offset)
			}
		} else {
			for i, c := range cols {
				exprs[i] = &expr.Col{Index: offset + i, Name: c.Name, T: c.Type}
			}
		}
		out.Inputs = append(out.Inputs, in)
		offset += len(in.Cols())
		for i, c := range cols {
			above.Exprs, above.Names = append(above.Exprs, exprs[i]), append(above.Names, c.Name)
		}
	}
	if !found {
		return nil
	}
	for _, c := range n.Conds {
		out.Conds = append(out.Conds, expr.Substitute(c, above.Exprs))
	}
	return above
}

func allTotal(es []expr.Expr) bool {
	for _, e := range es {
		if !expr.Total(e) {
			return false
		}
	}
	return true
}

// flatten merges joins that stand directly under a join.
func flatten(n *Join) *Join {
	out := &Join{}
	offset := 0
	for _, in := range n.Inputs {
		width := len(in.Cols())
		var conds []expr.Expr
		for {
			f, ok := in.(*Filter)
			if !ok {
				break
			}
			if _, ok := f.In.(*Join); !ok {
				break
			}
			conds = append(conds, f.Conds...)
			in = f.In
		}
		if j, ok := in.(*Join); ok {
			j = flatten(j)
			out.Inputs = append(out.Inputs, j.Inputs...)
			for _, c := range append(j.Conds[:len(j.Conds):len(j.Conds)], conds...) {
				out.Conds = append(out.Conds, expr.Shift(c, offset))
			}
		} else {
			out.Inputs = append(out.Inputs, in)
		}
		offset += width
	}
	out.Conds = append(out.Conds, n.Conds...)
	return out
}

func (p *pusher) pushJoin(n *Join, conds []expr.Expr) Node {
	starts := offsets(n.Inputs)
	down := make([][]expr.Expr, len(n.Inputs))
	var keep []expr.Expr
	all, _ := split(append(n.Conds[:len(n.Conds):len(n.Conds)], conds...), func(expr.Expr) bool { return true })
	for _, c := range constants(all) {
		owner := inputsOf(c, starts)
		if len(owner) == 1 && expr.Total(c) {
			down[owner[0]] = append(down[owner[0]], expr.Shift(c, -starts[owner[0]]))
			continue
		}
		keep = append(keep, c)
		for _, i := range owner {
			if few := implied(c, func(e expr.Expr) bool { return slices.Equal(inputsOf(e, starts), []int{i}) }); few != nil {
				down[i] = append(down[i], expr.Shift(few, -starts[i]))
			}
		}
	}
	inputs := make([]Node, len(n.Inputs))
	for i, in := range n.Inputs {
		inputs[i] = p.push(in, down[i])
	}
	return &Join{Inputs: inputs, Conds: keep}
}

// constants adds the equalities with constants that follow from the others:
// a = b and b = 1 give a = 1, which then thins out a's input as well.
func constants(conds []expr.Expr) []expr.Expr {
	type edge struct{ a, b *expr.Col }
	var edges []edge
	bound := map[int]*expr.Native{} // column → its equality with a constant
	for _, c := range conds {
		n, ok := c.(*expr.Native)
		if !ok || !n.Equal {
			continue
		}
		l, lcol := n.Args[0].(*expr.Col)
		r, rcol := n.Args[1].(*expr.Col)
		_, rconst := n.Args[1].(*expr.Const)
		switch {
		case lcol && rcol && l.T.OID == r.T.OID:
			edges = append(edges, edge{l, r}, edge{r, l})
		case lcol && rconst:
			bound[l.Index] = n
		}
	}
	for again := len(bound) > 0; again; {
		again = false
		for _, e := range edges {
			from := bound[e.a.Index]
			if from == nil || bound[e.b.Index] != nil {
				continue
			}
			derived := from.With([]expr.Expr{e.b, from.Args[1]}).(*expr.Native)
			bound[e.b.Index] = derived
			conds = append(conds[:len(conds):len(conds)], derived)
			again = true
		}
	}
	return conds
}

// offsets is where each input's columns start, and, last, how many there are.
func offsets(inputs []Node) []int {
	starts := make([]int, len(inputs)+1)
	for i, in := range inputs {
		starts[i+1] = starts[i] + len(in.Cols())
	}
	return starts
}

// inputsOf lists the inputs whose columns c reads, in order.
func inputsOf(c expr.Expr, starts []int) []int {
	set := map[int]bool{}
	expr.Columns(c, set)
	var out []int
	for i := 0; i+1 < len(starts); i++ {
		for col := range set {
			if col >= starts[i] && col < starts[i+1] {
				out = append(out, i)
				break
			}
		}
	}
	return out
}
