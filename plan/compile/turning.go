package compile

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/turn"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// turning compiles expressions of the row and the time whose next turn is known: the rows
// are kept in the order of that.
func (c *compiler) turning(n *algebra.Turning, id string) *compiled {
	cols := n.In.Cols()
	in := c.node(n.In)
	if !in.late {
		in = c.clean(in, cols)
	}
	of := in
	var turns []*turn.Turn
	for _, e := range n.Exprs {
		turns = append(turns, turn.Of(e))
	}
	in, asked := c.askedBy(in, turns, cols)
	time := c.node(n.Bounds)
	width, at := len(cols), time.at[0]
	row := make([]values.Datum, in.width+1) // with the time at the end
	evals := make([]expr.Eval, len(turns))
	finders := make([]*turn.Finder, len(turns))
	for i, t := range turns {
		t = local(t, asked, in.width)
		evals[i], finders[i] = expr.Compile(t.Value), t.Finder(in.width)
	}
	load := func(left, right []values.Datum) []values.Datum {
		copy(row, left)
		row[in.width] = right[at]
		return row
	}
	each := len(n.Cols()) - width
	spec := circuit.TurnSpec{
		Time: func(right []values.Datum) uint64 { return placeInTime(right[at].Int64()) },
		Until: func(left, right []values.Datum) uint64 {
			row := load(left, right)
			next := int64(turn.Never)
			for _, f := range finders {
				next = min(next, f.Next(row))
			}
			return placeInTime(next)
		},
		Emit: func(left, right []values.Datum, out *circuit.Batch, w int64) {
			row, to := load(left, right), out.Grow(w)
			copy(to, left[:width])
			for i, eval := range evals {
				v := eval(row)
				if !n.Safe {
					to[width+i] = v
					continue
				}
				if v.IsErr() {
					err := v.Err()
					to[width+2*i], to[width+2*i+1] = values.Null, values.String(err.SQLState+" "+err.Message)
				} else {
					to[width+2*i], to[width+2*i+1] = v, values.Null
				}
			}
		},
	}
	s := c.b.Turning(in.stream, time.stream, width+each, fmt.Sprint(n.Label(), " at ", time.at), spec)
	return &compiled{
		stream: s, width: width + each, id: id, at: algebra.FirstN(width + each),
		errs: addErrs(of.errs, time.errs...), dirty: of.dirty || !n.Safe, late: of.late || !n.Safe,
	}
}

// placeInTime keeps the order of times, with turn.Always before all of them and turn.Never
// behind.
func placeInTime(t int64) uint64 { return uint64(t) ^ 1<<63 }

// askedBy makes columns of what turns ask of Postgres, and says where they are.
func (c *compiler) askedBy(in *compiled, turns []*turn.Turn, cols []algebra.Column) (*compiled, map[string]int) {
	exprs := algebra.Refs(cols, algebra.FirstN(len(cols)))
	asked := map[string]int{}
	var find func(e expr.Expr)
	find = func(e expr.Expr) {
		if r, ok := e.(*expr.Remote); ok {
			if id := remoteID(r); asked[id] == 0 {
				asked[id] = len(exprs)
				exprs = append(exprs, r)
			}
			return
		}
		for _, child := range e.Children() {
			find(child)
		}
	}
	for _, t := range turns {
		for _, e := range t.Parts() {
			find(e)
		}
	}
	if len(asked) == 0 {
		return c.exact(in), asked
	}
	label := "Compute"
	for _, e := range exprs[len(cols):] {
		label += " " + remoteID(e)
	}
	return c.computed(in, cols, exprs, fmt.Sprint(label, " of ", in.at)), asked
}

func remoteID(e expr.Expr) string { return expr.String(e) + e.Type().SQL }

// local is a turn over the stream's rows, with the time in another column of theirs.
func local(t *turn.Turn, asked map[string]int, time int) *turn.Turn {
	var place func(e expr.Expr) expr.Expr
	place = func(e expr.Expr) expr.Expr {
		switch e := e.(type) {
		case *expr.Clock:
			return &expr.Col{Index: time, Name: "now", T: e.Type()}
		case *expr.Remote:
			return &expr.Col{Index: asked[remoteID(e)], Name: "asked", T: e.Type()}
		}
		children := e.Children()
		if len(children) == 0 {
			return e
		}
		to := make([]expr.Expr, len(children))
		for i, c := range children {
			to[i] = place(c)
		}
		return e.With(to)
	}
	parts := t.Parts()
	for i, e := range parts {
		parts[i] = place(e)
	}
	return t.With(parts)
}
