package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Labels of join conditions are computed once for each row of an input, not once
// for each pair: they become columns of the inputs, which the join compares. Equal
// labels are then join keys like any other.

// labelsBelow is a join with the labels in its conditions as columns of its inputs;
// nil if there are none.
func labelsBelow(n *Join) *Project {
	l := newLabelColumns(n.Inputs)
	conds := l.conditions(n.Conds)
	if !l.found {
		return nil
	}
	return project(&Join{Inputs: l.inputs(), Conds: expr.RemapAll(conds, l.to)}, expr.RemapAll(AllRefs(n.Cols()), l.to))
}

// labelsBelowOuter is the same of a join that counts partners.
func labelsBelowOuter(n *OuterJoin) Node {
	l := newLabelColumns([]Node{n.L, n.R})
	conds := l.conditions(n.Conds)
	if !l.found {
		return n
	}
	in := l.inputs()
	m := &OuterJoin{Kind: n.Kind, L: in[0], R: in[1], Conds: expr.RemapAll(conds, l.to), Out: slices.Clone(n.Out)}
	for i, o := range m.Out {
		m.Out[i] = l.to[o]
	}
	return m
}

// labelColumns collects the labels that are to be columns of a join's inputs.
type labelColumns struct {
	of     []Node
	starts []int
	added  [][]expr.Expr // of each input, over its columns
	found  bool
	to     map[int]int // columns of the join, and stand-ins, to columns of the new one
}

func newLabelColumns(of []Node) *labelColumns {
	return &labelColumns{of: of, starts: offsets(of), added: make([][]expr.Expr, len(of)), to: map[int]int{}}
}

// standIn is a number for a label that no column of a join has.
func standIn(input, label int) int { return 1<<30 + input<<20 + label }

// conditions puts stand-ins in the place of labels of one input each, in those
// conditions that are over several.
func (l *labelColumns) conditions(conds []expr.Expr) []expr.Expr {
	out := make([]expr.Expr, len(conds))
	for i, c := range conds {
		out[i] = c
		if len(inputsOf(c, l.starts)) < 2 {
			continue
		}
		out[i] = l.stand(c)
	}
	return out
}

// stand puts stand-ins in the place of the outermost labels of one input each: what is
// within such a label is computed with it.
func (l *labelColumns) stand(e expr.Expr) expr.Expr {
	if in := inputsOf(e, l.starts); expr.IsLabel(e) && len(in) == 1 {
		l.found = true
		label := expr.Shift(e, -l.starts[in[0]])
		at := slices.IndexFunc(l.added[in[0]], func(known expr.Expr) bool { return expr.String(known) == expr.String(label) })
		if at < 0 {
			at = len(l.added[in[0]])
			l.added[in[0]] = append(l.added[in[0]], label)
		}
		return &expr.Col{Index: standIn(in[0], at), Name: "label", T: e.Type()}
	}
	children := slices.Clone(e.Children())
	if len(children) == 0 {
		return e
	}
	for i, c := range children {
		children[i] = l.stand(c)
	}
	return e.With(children)
}

// inputs are the inputs with their labels, and fixes where columns are.
func (l *labelColumns) inputs() []Node {
	out := make([]Node, len(l.of))
	offset := 0
	for i, in := range l.of {
		cols := in.Cols()
		for c := range cols {
			l.to[l.starts[i]+c] = offset + c
		}
		out[i] = in
		if labels := l.added[i]; len(labels) > 0 {
			p := project(in, append(AllRefs(cols), labels...))
			for k := range labels {
				l.to[standIn(i, k)] = offset + len(cols) + k
				p.Names[len(cols)+k] = "label"
			}
			out[i] = p
		}
		offset += len(out[i].Cols())
	}
	return out
}
