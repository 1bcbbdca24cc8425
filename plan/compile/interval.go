package compile

import (
	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// pairing makes the pairs of rows with equal keys that may fulfil the conditions, and
// hands them to f, which tests these. The conditions are over the columns of both.
//
// Where conditions bound the rows of either side by the other's, they say where to look,
// unless there is one row on either side to be looked at;
// else all rows with equal keys are looked at, in indexes that other joins may share. read is
// the columns of the joined row that f looks at.
func (c *compiler) pairing(l, r *side, kind sameness, conds []expr.Expr, read []int, width int, label string, f circuit.JoinFunc) circuit.Stream {
	var left, right []int
	for _, i := range read {
		if i < l.width {
			left = append(left, i)
		} else {
			right = append(right, i-l.width)
		}
	}
	m, ok := algebra.Intervals(conds, len(l.cols), l.unique && r.unique)
	if !ok || kind != equal || l.late || r.late {
		return c.b.Join(c.index(l.compiled, l.keys, kind).Only(left...), c.index(r.compiled, r.keys, kind).Only(right...), width, label, f)
	}
	return c.b.IntervalJoin(c.intervals(l, m.L).Only(left...), c.intervals(r, m.R).Only(right...), width, label, f)
}

// intervals arranges a side by what its rows are found by; equal arrangements are shared.
func (c *compiler) intervals(s *side, i algebra.Interval) circuit.Intervals {
	label := "Index by " + showInterval(s, i)
	id := s.id + " " + label
	if ix, ok := c.byInterval[id]; ok {
		return ix
	}
	ix := c.b.IntervalIndex(s.stream, label, interval(s, i))
	c.byInterval[id] = ix
	return ix
}

// interval compiles what rows of a side are found by.
func interval(s *side, i algebra.Interval) circuit.Interval {
	out := circuit.Interval{Point: i.Point()}
	// A bound that cannot be computed is an error of all pairs: their condition raises it.
	bound := func(e expr.Expr) circuit.BoundFunc {
		out.Fails = out.Fails || !expr.Total(e)
		of, t := expr.Compile(s.exprs([]expr.Expr{e})[0]), e.Type()
		return func(dst []byte, row []values.Datum) ([]byte, circuit.Meets) {
			switch v := of(row); {
			case v.IsErr():
				return dst, circuit.MeetsAll
			case v.IsNull():
				return dst, circuit.MeetsNothing
			default:
				return values.AppendKey(dst, t, v), circuit.MeetsByKey
			}
		}
	}
	if len(s.keys) > 0 {
		keys := s.exprs(s.keys)
		out.Group = equalKey(compileAll(keys), keys)
	}
	if i.From != nil {
		out.From = bound(i.From)
	}
	if i.To != nil && !out.Point {
		out.To = bound(i.To)
	}
	return out
}

func showInterval(s *side, i algebra.Interval) string {
	end := func(e expr.Expr) string {
		if e == nil {
			return "…"
		}
		return expr.String(s.exprs([]expr.Expr{e})[0]) + " as " + e.Type().SQL
	}
	text := "[" + end(i.From) + ", " + end(i.To) + "]"
	for _, k := range s.keys {
		text += " of " + expr.String(s.exprs([]expr.Expr{k})[0]) + " as " + k.Type().SQL
	}
	return text
}
