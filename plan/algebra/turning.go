package algebra

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/turn"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Turning adds to each row of the input the values of expressions of the row and of one
// time, which is what Bounds, of one row and column, is: expressions that seldom change as
// time passes. Then the rows are looked at whose values do, and no others.
type Turning struct {
	In, Bounds Node
	// Exprs are turns (see package turn) over In, of the same time.
	Exprs []expr.Expr
	// Safe: behind each value is a column for its error, as text, for the value is not
	// one: it may be asked of rows that the query does not ask it of.
	Safe bool
}

// Children are the input and the time.
func (n *Turning) Children() []Node { return []Node{n.In, n.Bounds} }

// With is of another input and another time.
func (n *Turning) With(c []Node) Node { m := *n; m.In, m.Bounds = c[0], c[1]; return &m }

// Cols are the input's, then those of each expression.
func (n *Turning) Cols() []Column {
	in := n.In.Cols()
	cols := append([]Column{}, in...)
	for _, e := range n.Exprs {
		name := expr.Show(e, func(i int) string { return in[i].Name })
		cols = append(cols, Column{Name: name, Type: e.Type(), Hidden: true})
		if n.Safe {
			cols = append(cols, Column{Name: "error in " + name, Type: values.TextType, Hidden: true})
		}
	}
	return cols
}

// Label lists the expressions.
func (n *Turning) Label() string {
	out := make([]string, len(n.Exprs))
	for i, e := range n.Exprs {
		out[i] = expr.String(e) + " as " + e.Type().SQL
	}
	safe := ""
	if n.Safe {
		safe = " or error"
	}
	return "Turning" + safe + " " + strings.Join(out, ", ")
}

// each is how many columns there are for an expression.
func (n *Turning) each() int {
	if n.Safe {
		return 2
	}
	return 1
}

// turn replaces an expression that seldom changes by a column; nil if it is none.
func (x *clocked) turn(e expr.Expr) expr.Expr {
	t := turn.Of(e)
	if t == nil {
		return nil
	}
	value := expr.Shift(t.Value, -x.first)
	g := 0
	for g < len(x.turns) && !sameExpr(x.times[g].Exprs[0], t.Leaf) {
		g++
	}
	if g == len(x.turns) {
		x.turns = append(x.turns, &Turning{Safe: x.sure})
		x.times = append(x.times, &Moment{Exprs: []*expr.Clock{t.Leaf}})
	}
	at := flag{g, 0}
	exprs := &x.turns[g].Exprs
	for at.test < len(*exprs) && !sameExpr((*exprs)[at.test], value) {
		at.test++
	}
	if at.test == len(*exprs) {
		*exprs = append(*exprs, value)
	}
	i := 0
	for i < len(x.turned) && x.turned[i] != at {
		i++
	}
	if i == len(x.turned) {
		x.turned = append(x.turned, at)
	}
	col := &expr.Col{Index: x.placeholder + turnPlaceholder + 2*i, Name: "turned", T: e.Type()}
	if !x.sure {
		return col
	}
	failed := &expr.Col{Index: col.Index + 1, Name: "error", T: values.TextType}
	return &expr.Case{Whens: []expr.Expr{&expr.NullTest{Arg: failed, T: values.BoolType}, col}, Else: raised(failed, e.Type()), T: e.Type()}
}

func sameExpr(a, b expr.Expr) bool {
	return expr.String(a) == expr.String(b) && a.Type().SQL == b.Type().SQL
}

// raised is an error again that was made text of: SQLSTATE and message.
func raised(text expr.Expr, t *values.Type) expr.Expr {
	raise := &fn.Func{Strict: true, F1: func(text values.Datum) values.Datum {
		state, message, _ := strings.Cut(text.Str(), " ")
		return values.Errorf(state, "%s", message)
	}}
	return &expr.Native{Func: raise, Name: "raised(text)", Args: []expr.Expr{text}, T: t}
}

func (p *pruner) pruneTurning(n *Turning, need []int) Node {
	width, each := len(n.In.Cols()), n.each()
	m := &Turning{Safe: n.Safe}
	var cols, kept []int
	for _, c := range need {
		if c < width {
			cols = append(cols, c)
		}
	}
	for i, e := range n.Exprs {
		if contains(need, width+each*i) || contains(need, width+each*(i+1)-1) {
			m.Exprs = append(m.Exprs, e)
			for c := range each {
				kept = append(kept, width+each*i+c)
			}
		}
	}
	used := withColumns(cols, m.Exprs...)
	m.In = p.prune(n.In, used)
	if len(kept) == 0 {
		return pick(m.In, used, need)
	}
	m.Bounds, m.Exprs = n.Bounds, expr.RemapAll(m.Exprs, index(used))
	return pick(m, append(append([]int{}, used...), kept...), need)
}
