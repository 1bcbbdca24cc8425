package compile

import (
	"context"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// ClockSource names the circuit's input for the present time: its integral is one
// row of one column, a timestamp with time zone. No table's name is like it.
const ClockSource = "the clock"

// moment compiles expressions of the time. They are computed at each movement of
// the clock, but what reads them sees only those that change them: current_date
// changes once a day. A value may be an error, which is raised where a row uses it.
func (c *compiler) moment(n *algebra.Moment, id string) *compiled {
	if !c.clocked {
		c.clock, c.clocked = c.b.Source(ClockSource, 1), true
	}
	exprs := make([]expr.Expr, len(n.Exprs))
	for i, e := range n.Exprs {
		exprs[i] = e.H
	}
	now := &compiled{stream: c.clock, width: 1, id: ClockSource, at: algebra.FirstN(1)}
	r := c.computed(now, nil, exprs, n.Label())
	r.stream, r.id, r.occupied = c.b.Distinct(r.stream, n.Label(), nil), id, true
	return r
}

// computed is a mapper whose expressions may give errors as values.
func (c *compiler) computed(in *compiled, cols []algebra.Column, exprs []expr.Expr, label string) *compiled {
	m := newMapper(nil, in.exprs(exprs), in.width, cols, in.at, c.eval)
	m.asker = c.asker
	s := c.b.Map(in.stream, len(exprs), label, func(ctx context.Context, b, out *circuit.Batch) error {
		return m.run(ctx, b, out, nil)
	})
	return &compiled{stream: s, width: len(exprs), at: algebra.FirstN(len(exprs)), errs: in.errs, dirty: true, late: true}
}

// against compiles comparisons of the row with bounds that move, into a range
// join: a row's place among the bounds says how each comparison comes out.
func (c *compiler) against(n *algebra.Against, id string) *compiled {
	cols := n.In.Cols()
	in := c.node(n.In)
	if !in.late {
		in = c.clean(in, cols)
	}
	width := len(cols)
	exprs := algebra.Refs(cols, algebra.FirstN(width))
	key := n.Key
	if expr.HasRemote([]expr.Expr{key}) {
		exprs = append(exprs, key)
		key = &expr.Col{Index: width, Name: "key", T: key.Type()}
		label := "Compute " + expr.String(n.Key) + " of " + fmt.Sprint(in.at)
		of := in
		in = c.computed(in, cols, exprs, label)
		in.errs = of.errs
	} else {
		in = c.exact(in)
	}
	keyOf, kt := expr.Compile(key), key.Type()
	bounds := c.node(n.Bounds)
	types := make([]*values.Type, len(n.Tests))
	for i, col := range n.Bounds.Cols() {
		for j, t := range n.Tests {
			if t.Bound == i {
				types[j] = col.Type
			}
		}
	}
	value := func(t algebra.Test, right []values.Datum) values.Datum { return right[bounds.at[t.Bound]] }
	spec := circuit.RangeSpec{
		Key: func(dst []byte, row []values.Datum) ([]byte, bool) {
			v := keyOf(row)
			if v.IsErr() { // its outcome does not depend on bounds
				v = values.Null
			}
			return values.AppendKey(dst, kt, v), true
		},
		// Two cuts a test: before the bound, and after all that equals it. A bound
		// that is NULL or an error has no place among the keys.
		Cuts: func(dst [][]byte, right []values.Datum) ([][]byte, error) {
			for i, t := range n.Tests {
				v := value(t, right)
				if v.IsNull() || v.IsErr() {
					dst = append(dst, nil, nil)
					continue
				}
				k := values.AppendKey(nil, types[i], v)
				dst = append(dst, k, state.PrefixEnd(k))
			}
			return dst, nil
		},
		Emit: func(left, right []values.Datum, below []bool, out *circuit.Batch, w int64) {
			row := out.Grow(w)
			copy(row, left[:width])
			v := keyOf(left)
			for i, t := range n.Tests {
				row[width+i] = outcome(t, v, value(t, right), below[2*i], below[2*i+1])
			}
		},
	}
	s := c.b.RangeJoin(in.stream, bounds.stream, width+len(n.Tests), fmt.Sprint(n.Label(), " at ", bounds.at), spec)
	return &compiled{stream: s, width: width + len(n.Tests), id: id, at: algebra.FirstN(width + len(n.Tests)), errs: addErrs(in.errs, bounds.errs...), dirty: true, late: true}
}

// outcome is that of a comparison: of a strict function, whose left argument is
// looked at first.
func outcome(t algebra.Test, v, bound values.Datum, below, notAbove bool) values.Datum {
	first, second := v, bound
	if t.Swapped {
		first, second = bound, v
	}
	switch {
	case first.IsErr() || first.IsNull():
		return first
	case second.IsErr() || second.IsNull():
		return second
	}
	switch t.Op {
	case "<":
		return values.Bool(below)
	case "<=":
		return values.Bool(notAbove)
	case ">":
		return values.Bool(!notAbove)
	case ">=":
		return values.Bool(!below)
	case "=":
		return values.Bool(notAbove && !below)
	}
	return values.Bool(below || !notAbove)
}
