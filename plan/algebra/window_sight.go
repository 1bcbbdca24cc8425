package algebra

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Sight is how far the functions of a window see from a row, if that is not over
// the whole partition: so many rows (peer groups, if Groups) before it and after it,
// and, if there are Carried functions, all rows before as far as a running number or
// value tells of them.
type Sight struct {
	Before, After int
	Groups        bool // the unit of Before and After
	Peers         bool // rows see their peers, too
	Carried       []int
}

// farSight is from how many rows on reading the whole partition is as good.
const farSight = 1 << 12

// Sight is how far the window's functions see; not ok if one of them sees, or may
// see, the whole partition.
func (n *Window) Sight() (s Sight, ok bool) {
	for i, f := range n.Funcs {
		if !s.of(f, n.Frame, i) {
			return Sight{}, false
		}
	}
	return s, s.Before <= farSight && s.After <= farSight
}

// of widens it by what one function sees.
func (s *Sight) of(f WindowFunc, frame Frame, i int) bool {
	switch f.Name {
	case "row_number()":
		s.Carried = append(s.Carried, i)
		return true
	case "rank()", "dense_rank()":
		s.Peers = true
		s.Carried = append(s.Carried, i)
		return true
	case "lag(anyelement)", "lag(anyelement,int4)", "lag(anycompatible,int4,anycompatible)":
		return f.Fixed && s.to(-f.By, -f.By)
	case "lead(anyelement)", "lead(anyelement,int4)", "lead(anycompatible,int4,anycompatible)":
		return f.Fixed && s.to(f.By, f.By)
	case "first_value(anyelement)", "last_value(anyelement)", "nth_value(anyelement,int4)":
	default:
		if f.Agg == nil {
			return false
		}
	}
	return s.frame(f, frame, i)
}

// frame widens it by what a function sees of its frame.
func (s *Sight) frame(f WindowFunc, frame Frame, i int) bool {
	start, end := frame.Start, frame.End
	if start.By != nil || end.By != nil || start.Computed != nil || end.Computed != nil || end.Unbounded {
		return false
	}
	if frame.Mode != FrameRows || frame.Exclude == ExcludeGroup || frame.Exclude == ExcludeTies {
		s.Peers = true
	}
	if !start.Unbounded {
		if frame.Mode == FrameGroups {
			s.Groups = true
		}
		return s.to(start.Offset, end.Offset)
	}
	if end.Offset != 0 || frame.Exclude != ExcludeNothing {
		return false
	}
	switch {
	case f.Name == "last_value(anyelement)":
		return true
	case f.Name == "first_value(anyelement)", f.Agg != nil && f.Agg.Impl.Linear != nil:
		s.Carried = append(s.Carried, i)
		return true
	}
	return false
}

// to widens it to what lies from one offset to another one. (A group has a row at
// least: as many groups are as far as rows, or farther.)
func (s *Sight) to(from, to int64) bool {
	near := func(v int64) int { return int(min(max(v, 0), farSight+1)) }
	s.Before = max(s.Before, near(-from), near(-to))
	s.After = max(s.After, near(from), near(to))
	return true
}

// String tells kinds of sight apart.
func (s Sight) String() string {
	return fmt.Sprintf("seen from %d before to %d after, groups %v, peers %v, carried %v", s.Before, s.After, s.Groups, s.Peers, s.Carried)
}

// firstRows is the window's input without the rows that conditions above take out for
// their number: for row_number() <= 3, the first three rows of each partition, for
// rank() <= 3 those that tie with the third, too. What the functions make of them must
// not depend on rows behind them, nor fail for these.
func (n *Window) firstRows(in Node, conds []expr.Expr) Node {
	sight, ok := n.Sight()
	if !ok || sight.After > 0 {
		return in
	}
	for _, f := range n.Funcs {
		switch f.Name {
		case "row_number()", "rank()", "dense_rank()", "first_value(anyelement)",
			"lag(anyelement)", "lag(anyelement,int4)", "lag(anycompatible,int4,anycompatible)":
		default:
			return in
		}
	}
	limit := int64(NoLimit)
	for _, c := range conds {
		if most, ok := n.most(c); ok && (limit == NoLimit || most < limit) {
			limit = most
		}
	}
	if limit == NoLimit || limit < 1 || limit > farSight {
		return in
	}
	return &TopK{In: in, Partition: n.Partition, Order: n.Order, Limit: limit, Ties: sight.Peers}
}

// most is up to which number a condition lets rows pass, if that is what it says.
func (n *Window) most(c expr.Expr) (int64, bool) {
	call, ok := c.(*expr.Native)
	if !ok || len(call.Args) != 2 {
		return 0, false
	}
	op, a, b := call.Cmp, call.Args[0], call.Args[1]
	if _, ok := a.(*expr.Const); ok {
		op, a, b = swapped[op], b, a
	}
	col, ok := a.(*expr.Col)
	number, constant := b.(*expr.Const)
	width := len(n.In.Cols())
	if !ok || !constant || col.Index < width || number.V.IsNull() || number.V.IsErr() {
		return 0, false
	}
	if f := n.Funcs[col.Index-width].Name; f != "row_number()" && f != "rank()" {
		return 0, false
	}
	switch number.T.SQL {
	case "smallint", "integer", "bigint":
	default:
		return 0, false
	}
	switch op {
	case "<=", "=":
		return number.V.Int64(), true
	case "<":
		return number.V.Int64() - 1, true
	}
	return 0, false
}
