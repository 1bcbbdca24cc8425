package algebra

// Optimize runs all rewrites.
//
// A plan is a graph, not a tree: the domain of a sub-query is the query around
// it once more, and that of a sub-query in a sub-query holds both. Every pass
// remembers what became of a node, and leaves shared what was shared; a walk along
// each path would take time exponential in the depth of nesting.
func Optimize(n Node) Node { return Nearest(Prune(Order(Alone(Timed(Never(Push(Factor(n)))))))) }

// bottomUp rewrites each node once, after those below it.
func bottomUp(n Node, rewrite func(Node) Node) Node {
	done := map[Node]Node{}
	var visit func(Node) Node
	visit = func(n Node) Node {
		if to, ok := done[n]; ok {
			return to
		}
		to := n
		if c := n.Children(); len(c) > 0 {
			in := make([]Node, len(c))
			for i := range c {
				in[i] = visit(c[i])
			}
			to = n.With(in)
		}
		to = rewrite(to)
		done[n] = to
		return to
	}
	return visit(n)
}

// Walk visits every node once, from the top.
func Walk(n Node, f func(Node)) {
	seen := map[Node]bool{}
	var visit func(Node)
	visit = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		f(n)
		for _, c := range n.Children() {
			visit(c)
		}
	}
	visit(n)
}
