package algebra

import "github.com/stepping-cdc/stepping-cdc/plan/expr"

// Spread gives, for each row of the input, one row for each element of the
// arrays, side by side; shorter ones are padded with NULLs. Its columns are the
// input's, one for each array and, with Ordinality, the element's number.
type Spread struct {
	In         Node
	Arrays     []expr.Expr
	Elements   []Column
	Ordinality bool
}

// Children is the input.
func (n *Spread) Children() []Node { return []Node{n.In} }

// With spreads over another input.
func (n *Spread) With(c []Node) Node { m := *n; m.In = c[0]; return &m }

// Cols are the input's, then the elements'.
func (n *Spread) Cols() []Column {
	return append(append([]Column{}, n.In.Cols()...), n.Elements...)
}

// Label lists the arrays.
func (n *Spread) Label() string {
	if n.Ordinality {
		return "Spread with ordinality " + list(n.Arrays)
	}
	return "Spread " + list(n.Arrays)
}

func (p *pusher) pushSpread(n *Spread, conds []expr.Expr) Node {
	width := len(n.In.Cols())
	below, above := split(conds, func(c expr.Expr) bool {
		return expr.Total(c) && side(c, width) == leftSide
	})
	return filter(n.With([]Node{p.push(n.In, below)}), above)
}

func (p *pruner) pruneSpread(n *Spread, need []int) Node {
	width := len(n.In.Cols())
	var cols []int
	for _, c := range need {
		if c < width {
			cols = append(cols, c)
		}
	}
	used := withColumns(cols, n.Arrays...)
	m := *n
	m.In, m.Arrays = p.prune(n.In, used), expr.RemapAll(n.Arrays, index(used))
	have := append([]int{}, used...)
	for i := range n.Elements {
		have = append(have, width+i)
	}
	return pick(&m, have, need)
}
