package compile

import (
	"fmt"
	"slices"

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
// else all rows with equal keys are looked at, in indexes that other joins may share. placed is
// the conditions over the streams' columns, out what f gives of those.
func (c *compiler) pairing(l, r *side, kind sameness, conds, placed []expr.Expr, out []int, width int, label string, f circuit.JoinFunc) circuit.Stream {
	if m, ok := meeting(l, r, kind, conds); ok {
		return c.bounded(l, r, m, placed, out, width, label, f)
	}
	left, right := divide(columnsOf(placed, out), l.width)
	return c.b.Join(c.index(l.compiled, l.keys, kind).Only(left...), c.index(r.compiled, r.keys, kind).Only(right...), width, label, f)
}

// meeting is what the rows of either side are compared by, if their partners are to be found in an order.
func meeting(l, r *side, kind sameness, conds []expr.Expr) (m algebra.Meeting, ok bool) {
	if kind != equal || l.late || r.late {
		return m, false
	}
	return algebra.Intervals(conds, len(l.cols), l.unique && r.unique)
}

// bounded is pairing where conditions bound the rows of either side by the other's. What f makes of columns that these
// conditions alone read is to depend on whether they are true, and no more.
func (c *compiler) bounded(l, r *side, m algebra.Meeting, placed []expr.Expr, out []int, width int, label string, f circuit.JoinFunc) circuit.Stream {
	left, right := divide(columnsOf(placed, out), l.width)
	boundL, boundR := divide(boundingOnly(placed, m.By, out), l.width)
	return c.b.IntervalJoin(c.intervals(l, m.L).Only(left...).Bounding(boundL...), c.intervals(r, m.R).Only(right...).Bounding(boundR...), width, label, f)
}

// meetBounded is the join below conditions, where those that can fail bound the rows of either side by columns that
// nothing else reads: a part of an average, say, which could overflow. Its row has a last column that says that these
// are true; it has nothing of those columns then, so that a bound that moves changes no row that it does not move across. It
// returns the conditions that are left, over the row.
func (c *compiler) meetBounded(l, r *side, kind sameness, conds, placed []expr.Expr, keep []int, both *compiled, id, label string) (*compiled, []expr.Expr) {
	m, ok := meeting(l, r, kind, conds)
	if !ok {
		return nil, nil
	}
	for i, e := range placed {
		if !slices.Contains(m.By, i) && !expr.Total(e) {
			return nil, nil // it tells of the whole row
		}
	}
	out := make([]int, len(keep))
	for i, o := range keep {
		out[i] = both.at[o]
	}
	hidden := boundingOnly(placed, m.By, out)
	if len(hidden) == 0 {
		return nil, nil
	}
	slices.Sort(hidden)
	out = slices.DeleteFunc(slices.Clone(both.at), func(i int) bool { return slices.Contains(hidden, i) })
	known := &expr.Col{Index: len(both.at), Name: "bounded", T: values.BoolType}
	left := slices.Clone(conds)
	for _, i := range m.By {
		left[i] = &expr.BoolOp{Op: expr.Or, Args: []expr.Expr{known, conds[i]}, T: values.BoolType}
	}
	f := boundedPairs(compileAll(placed), m.By, hidden, l.width, both.width)
	s := c.bounded(l, r, m, placed, out, both.width+1, fmt.Sprint(label, " all of ", both.at, " without ", hidden, " within bounds"), f)
	at := append(slices.Clone(both.at), both.width)
	return &compiled{stream: s, width: both.width + 1, id: id + " before conditions", at: at}, left
}

// boundedPairs is possiblePairs that says in a further column that the conditions by are true, and leaves hidden columns
// empty then.
func boundedPairs(conds []expr.Eval, by, hidden []int, lw, width int) circuit.JoinFunc {
	pair := make([]values.Datum, width)
	return func(l, r []values.Datum, to *circuit.Batch, w int64) {
		copy(pair, l)
		copy(pair[lw:], r)
		known := true
		for i, c := range conds {
			v := c(pair)
			if !v.IsErr() && !v.IsTrue() {
				return
			}
			known = known && (!v.IsErr() || !slices.Contains(by, i))
		}
		row := to.Grow(w)
		copy(row, pair)
		row[width] = values.Bool(known)
		if known {
			for _, h := range hidden {
				row[h] = values.Null
			}
		}
	}
}

// divide says which columns of a joined row are of its left side, and which of the right one.
func divide(columns []int, lw int) (left, right []int) {
	for _, i := range columns {
		if i < lw {
			left = append(left, i)
		} else {
			right = append(right, i-lw)
		}
	}
	return left, right
}

// boundingOnly is the columns that are read by the conditions that bound the rows of one side by the other's, and not
// otherwise.
func boundingOnly(conds []expr.Expr, by, out []int) []int {
	var bounds, others []expr.Expr
	for i, e := range conds {
		if slices.Contains(by, i) {
			bounds = append(bounds, e)
		} else {
			others = append(others, e)
		}
	}
	also := columnsOf(others, out)
	return slices.DeleteFunc(columnsOf(bounds, nil), func(i int) bool { return slices.Contains(also, i) })
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
