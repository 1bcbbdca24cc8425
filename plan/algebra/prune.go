package algebra

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Prune drops the columns that nothing above uses, down to the scans. A join with several
// readers is left one join, of the columns that any of them uses: what joins store is
// more than what rows are wide.
func Prune(n Node) Node {
	all := FirstN(len(n.Cols()))
	asked := &pruner{done: map[pruned]Node{}, keys: Keyring{}, needs: map[Node][][]int{}}
	asked.prune(n, all)
	return (&pruner{done: map[pruned]Node{}, keys: Keyring{}, shared: asked.several()}).prune(n, all)
}

// pruner remembers what became of the nodes that it has met.
type pruner struct {
	done   map[pruned]Node
	keys   Keyring
	needs  map[Node][][]int // the columns that each join is asked for; nil: not wanted
	shared map[Node][]int   // of joins that are asked for different ones, all of these
}

// pruned is a node, and the columns that are needed of it.
type pruned struct {
	n    Node
	need string
}

// prune gives a node whose columns are exactly need, in that order.
func (p *pruner) prune(n Node, need []int) Node {
	key := pruned{n, fmt.Sprint(need)}
	done, ok := p.done[key]
	if !ok {
		done = p.visit(n, need)
		p.done[key] = done
	}
	return done
}

func (p *pruner) visit(n Node, need []int) Node {
	switch n.(type) {
	case *EquiJoin, *OuterJoin:
		if p.needs != nil {
			p.needs[n] = append(p.needs[n], need)
		}
		if all := p.shared[n]; all != nil && subset(need, all) && !slices.Equal(need, all) {
			return pick(p.prune(n, all), all, need)
		}
	}
	return p.rewrite(n, need)
}

// several is the joins that were asked for different columns.
func (p *pruner) several() map[Node][]int {
	shared := map[Node][]int{}
	for n, needs := range p.needs {
		if len(needs) > 1 {
			shared[n] = sortedUnique(slices.Concat(needs...))
		}
	}
	return shared
}

func (p *pruner) rewrite(n Node, need []int) Node {
	switch n := n.(type) {
	case *Scan:
		out := &Scan{Table: n.Table}
		sorted := sortedUnique(need)
		for _, c := range sorted {
			out.Attrs = append(out.Attrs, n.Attrs[c])
		}
		return pick(out, sorted, need)
	case *Filter:
		used := withColumns(need, n.Conds...)
		out := &Filter{In: p.prune(n.In, used), Conds: expr.RemapAll(n.Conds, index(used))}
		return pick(out, used, need)
	case *Project:
		out := &Project{Own: n.Own}
		for _, c := range need {
			out.Exprs = append(out.Exprs, n.Exprs[c])
			out.Names = append(out.Names, n.Names[c])
		}
		used := withColumns(nil, out.Exprs...)
		out.In = p.prune(n.In, used)
		out.Exprs = expr.RemapAll(out.Exprs, index(used))
		return merge(out)
	case *EquiJoin:
		return p.pruneJoin(n, need)
	case *OuterJoin:
		return p.pruneOuter(n, need)
	case *TopK:
		return p.pruneTopK(n, need)
	case *Window:
		return p.pruneWindow(n, need)
	case *Spread:
		return p.pruneSpread(n, need)
	case *Repeat:
		used := withColumns(need, n.Count)
		out := &Repeat{In: p.prune(n.In, used), Count: expr.Remap(n.Count, index(used))}
		return pick(out, used, need)
	case *Once:
		return &Once{In: p.prune(n.In, need), Asked: p.prune(n.Asked, nil)}
	case *Aggregate:
		return p.pruneAggregate(n, need)
	case *UnionAll:
		out := &UnionAll{Parts: n.Parts}
		for _, in := range n.Inputs {
			out.Inputs = append(out.Inputs, p.prune(in, need))
		}
		return out
	case *Against:
		return p.pruneAgainst(n, need)
	case *Turning:
		return p.pruneTurning(n, need)
	case *Moment:
		out := &Moment{}
		for _, c := range need {
			out.Exprs = append(out.Exprs, n.Exprs[c])
		}
		return out
	case *Distinct:
		if p.keys.of(n.In) != nil { // no two rows are the same anyway
			return p.prune(n.In, need)
		}
	case *Recursive:
		return pick(n.With([]Node{p.prune(n.In, FirstN(len(n.In.Cols())))}), FirstN(len(n.Cols())), need)
	case *Values:
		out := &Values{}
		for _, c := range need {
			out.Columns = append(out.Columns, n.Columns[c])
		}
		for _, r := range n.Rows {
			row := make([]expr.Expr, 0, len(need))
			for _, c := range need {
				row = append(row, r[c])
			}
			out.Rows = append(out.Rows, row)
		}
		return out
	}
	// Distinct, working tables (and anything unknown) needs all of its columns.
	all := FirstN(len(n.Cols()))
	c := n.Children()
	pruned := make([]Node, len(c))
	for i, in := range c {
		pruned[i] = p.prune(in, FirstN(len(in.Cols())))
	}
	return pick(n.With(pruned), all, need)
}

func (p *pruner) pruneJoin(n *EquiJoin, need []int) Node {
	lw := len(n.L.Cols())
	// What the join itself reads of L ++ R, and what it hands on.
	out := make([]int, len(need))
	for i, c := range need {
		out[i] = n.Out[c]
	}
	used := withColumns(sortedUnique(out), n.Conds...)
	var l, r []int
	for _, c := range used {
		if c < lw {
			l = append(l, c)
		} else {
			r = append(r, c-lw)
		}
	}
	l, r = withColumns(l, n.LKeys...), withColumns(r, n.RKeys...)
	at := map[int]int{}
	for i, c := range l {
		at[c] = i
	}
	for i, c := range r {
		at[lw+c] = len(l) + i
	}
	m := &EquiJoin{
		L: p.prune(n.L, l), R: p.prune(n.R, r),
		LKeys: expr.RemapAll(n.LKeys, index(l)), RKeys: expr.RemapAll(n.RKeys, index(r)),
		Conds: expr.RemapAll(n.Conds, at),
	}
	for _, c := range out {
		m.Out = append(m.Out, at[c])
	}
	return m
}

func (p *pruner) pruneAggregate(n *Aggregate, need []int) Node {
	// The groups stay: they are what is counted. Aggregates nobody reads go.
	kept := FirstN(len(n.Group))
	out := &Aggregate{Global: n.Global, By: n.By}
	var read []expr.Expr
	read = append(read, n.Group...)
	for i, a := range n.Aggs {
		if !slices.Contains(need, len(n.Group)+i) {
			continue
		}
		kept = append(kept, len(n.Group)+i)
		out.Aggs = append(out.Aggs, a)
		read = append(read, a.Args...)
		if a.Filter != nil {
			read = append(read, a.Filter)
		}
	}
	used := withColumns(nil, read...)
	at := index(used)
	out.In = p.prune(n.In, used)
	out.Group = expr.RemapAll(n.Group, at)
	for i := range out.Aggs {
		a := &out.Aggs[i]
		a.Args = expr.RemapAll(a.Args, at)
		if a.Filter != nil {
			a.Filter = expr.Remap(a.Filter, at)
		}
	}
	return pick(out, kept, need)
}

// pick gives the columns need of a node whose columns are have (by their old
// numbers).
func pick(n Node, have, need []int) Node {
	if slices.Equal(have, need) {
		return n
	}
	cols, at := n.Cols(), index(have)
	p := &Project{In: n}
	for _, c := range need {
		i := at[c]
		p.Exprs = append(p.Exprs, &expr.Col{Index: i, Name: cols[i].Name, T: cols[i].Type})
		p.Names = append(p.Names, cols[i].Name)
	}
	return merge(p)
}

// merge joins a projection with one right below it, if nothing is then
// computed twice, or it has to be.
func merge(p *Project) Node {
	in, ok := p.In.(*Project)
	if !ok {
		return settled(p)
	}
	uses := map[int]int{}
	for _, e := range p.Exprs {
		expr.Walk(e, func(e expr.Expr) {
			if c, ok := e.(*expr.Col); ok {
				uses[c.Index]++
			}
		})
	}
	must := holds(p, in)
	if must && in.Own {
		return settled(p)
	}
	for i, e := range in.Exprs {
		switch e.(type) {
		case *expr.Col, *expr.Const:
		default:
			if uses[i] > 1 && !must {
				return settled(p)
			}
		}
	}
	out := &Project{In: in.In, Names: p.Names, Own: p.Own || in.Own && !allTotal(in.Exprs)}
	for _, e := range p.Exprs {
		out.Exprs = append(out.Exprs, expr.Substitute(e, in.Exprs))
	}
	return merge(out)
}

// withColumns is the sorted set of cols and of all columns that exprs read.
func withColumns(cols []int, exprs ...expr.Expr) []int {
	set := map[int]bool{}
	for _, c := range cols {
		set[c] = true
	}
	for _, e := range exprs {
		expr.Columns(e, set)
	}
	out := make([]int, 0, len(set))
	for c := range set {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

func sortedUnique(cols []int) []int { return withColumns(cols) }

// index maps each element of cols to its position.
func index(cols []int) map[int]int {
	at := make(map[int]int, len(cols))
	for i, c := range cols {
		at[c] = i
	}
	return at
}
