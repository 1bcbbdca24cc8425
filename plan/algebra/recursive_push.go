package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// pushRecursive takes conditions on columns that the recursive term passes on as they
// are, such as where a path begins, to the non-recursive term: all rows that come of one
// have the same values there. So rows that nobody asks for are not computed; that their
// recursion does not end, or meets an error, is then not seen.
//
// A recursion that is read in two places stays one.
func (p *pusher) pushRecursive(n *Recursive, conds []expr.Expr) Node {
	terms, ok := n.In.(*UnionAll)
	if !ok || len(conds) == 0 || len(terms.Inputs) != 2 || p.shared[n] {
		return filter(n.With([]Node{p.push(n.In, nil)}), conds)
	}
	base, term := terms.Inputs[0], terms.Inputs[1]
	passed := passedOn(term, n.Level, len(n.Cols()))
	below, above := split(conds, func(c expr.Expr) bool {
		read := map[int]bool{}
		expr.Columns(c, read)
		for col := range read {
			if !slices.Contains(passed, col) {
				return false
			}
		}
		return len(read) > 0 && expr.Total(c) && (n.All || readsOnlyExact(c, n.Cols(), len(n.Cols())))
	})
	in := &UnionAll{Inputs: []Node{p.push(base, below), p.push(term, nil)}}
	return filter(n.With([]Node{in}), above)
}

// passedOn are those of the first width columns of a recursive term that have in each of
// its rows the values of the row of the working table from which that comes. There are
// none if the term reads the table in more than one place, or in a way that looks
// at several of its rows.
func passedOn(term Node, level, width int) []int {
	at := FirstN(width) // columns of the node → those of the term; -1 is none
	for n := term; ; {
		reads := 0 // children that lead to the table
		next, first := Node(nil), 0
		offset := 0
		for _, c := range n.Children() {
			if worksOn(c, level) {
				reads++
				next, first = c, offset
			}
			offset += len(c.Cols())
		}
		if w, ok := n.(*WorkTable); ok && w.Level == level {
			var out []int
			for i, c := range at {
				if i == c {
					out = append(out, i)
				}
			}
			return out
		}
		if reads != 1 {
			return nil
		}
		switch n := n.(type) {
		case *Filter, *Shared:
		case *Project:
			for i, c := range at {
				if c < 0 {
					continue
				}
				at[i] = -1
				if col, ok := n.Exprs[c].(*expr.Col); ok {
					at[i] = col.Index
				}
			}
		case *Join:
			last := first + len(next.Cols())
			for i, c := range at {
				if at[i] = c - first; c < first || c >= last {
					at[i] = -1
				}
			}
		default:
			return nil
		}
		n = next
	}
}

// worksOn says whether a plan reads the working table of a level.
func worksOn(n Node, level int) bool {
	found := false
	Walk(n, func(n Node) {
		w, ok := n.(*WorkTable)
		found = found || ok && w.Level == level
	})
	return found
}

// sharedRecursions are those to which more than one way leads through a plan.
func sharedRecursions(root Node) map[*Recursive]bool {
	var order []Node // children first
	seen := map[Node]bool{}
	var visit func(Node)
	visit = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, c := range n.Children() {
			visit(c)
		}
		order = append(order, n)
	}
	visit(root)
	ways := map[Node]int{root: 1} // no more than two are counted
	out := map[*Recursive]bool{}
	for _, n := range slices.Backward(order) {
		if r, ok := n.(*Recursive); ok && ways[n] > 1 {
			out[r] = true
		}
		for _, c := range n.Children() {
			ways[c] = min(2, ways[c]+ways[n])
		}
	}
	return out
}
