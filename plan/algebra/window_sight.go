package algebra

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// Sight is how far the functions of a window see from a row, if that is not over
// the whole partition: so many rows (peer groups, if Groups) before it and after it,
// to the ends of its frame if Near, and all rows before, or behind, as far as a running
// number or value tells of them.
type Sight struct {
	Before, After int
	Groups        bool  // the unit of Before and After
	Peers         bool  // rows see their peers, too
	Near          bool  // RANGE with an offset: rows see those whose values are so near
	Past, Future  []int // functions that have to know of all rows before, or of all behind
}

// farSight is from how many rows on reading the whole partition is as good.
const farSight = 1 << 12

// Sight is how far the window's functions see, but for its Totals; not ok if one of them
// sees, or may see, the whole partition.
func (n *Window) Sight() (s Sight, ok bool) {
	totals := n.Totals()
	for i, f := range n.Funcs {
		if !contains(totals, i) && !s.of(f, n.Frame, i) {
			return Sight{}, false
		}
	}
	return s, s.Before <= farSight && s.After <= farSight
}

// Totals are the functions that have one value for all rows of a partition: aggregates
// that see all of it, in any order.
func (n *Window) Totals() (totals []int) {
	// Without an order all rows are peers.
	all := func(b Bound) bool { return b.Unbounded || n.Frame.Mode == FrameRange && len(n.Order) == 0 }
	if n.Frame.Exclude != ExcludeNothing || !all(n.Frame.Start) || !all(n.Frame.End) {
		return nil
	}
	for i, f := range n.Funcs {
		if f.Agg != nil && (f.Agg.Impl == nil || !f.Agg.Impl.Sequence) {
			totals = append(totals, i)
		}
	}
	return totals
}

// of widens it by what one function sees.
func (s *Sight) of(f WindowFunc, frame Frame, i int) bool {
	switch f.Name {
	case "row_number()":
		s.Past = append(s.Past, i)
		return true
	case "rank()", "dense_rank()":
		s.Peers = true
		s.Past = append(s.Past, i)
		return true
	case "percent_rank()", "cume_dist()":
		s.Peers = true
		s.Past, s.Future = append(s.Past, i), append(s.Future, i)
		return true
	case "ntile(int4)":
		s.Past, s.Future = append(s.Past, i), append(s.Future, i)
		return f.Fixed
	case "lag(anyelement)", "lag(anyelement,int4)", "lag(anycompatible,int4,anycompatible)":
		s.to(-f.By, -f.By)
		return f.Fixed
	case "lead(anyelement)", "lead(anyelement,int4)", "lead(anycompatible,int4,anycompatible)":
		s.to(f.By, f.By)
		return f.Fixed
	case firstValue, lastValue, nthValue:
	default:
		if f.Agg == nil {
			return false
		}
	}
	return s.frame(f, frame, i)
}

const (
	firstValue = "first_value(anyelement)"
	lastValue  = "last_value(anyelement)"
	nthValue   = "nth_value(anyelement,int4)"
)

// frame widens it by what a function sees of its frame.
func (s *Sight) frame(f WindowFunc, frame Frame, i int) bool {
	start, end := frame.Start, frame.End
	if frame.Mode != FrameRows || frame.Exclude == ExcludeGroup || frame.Exclude == ExcludeTies {
		s.Peers = true
	}
	if !s.bound(start, frame.Mode) || !s.bound(end, frame.Mode) {
		return false
	}
	if !start.Unbounded && !end.Unbounded {
		return true
	}
	switch f.Name {
	case firstValue:
		switch {
		case start.Unbounded:
			s.Past = append(s.Past, i)
		case start.By != nil: // however far behind its start the first row is
			s.Future = append(s.Future, i)
		}
		if frame.Exclude != ExcludeNothing {
			s.to(0, 1) // to the first that is not left out
		}
		return true
	case lastValue:
		switch {
		case end.Unbounded:
			s.Future = append(s.Future, i)
		case end.By != nil:
			s.Past = append(s.Past, i)
		}
		if frame.Exclude != ExcludeNothing {
			s.to(-1, 0)
		}
		return true
	case nthValue:
		return s.nth(f, frame, i)
	}
	impl := f.Agg.Impl
	switch {
	case impl.Sequence, impl.Linear == nil && impl.Extreme == agg.NoExtreme:
		return false
	case start.Unbounded && end.Unbounded && impl.Linear != nil:
		return false // what is left of a total when peers are left out
	}
	if start.Unbounded {
		s.Past = append(s.Past, i)
	}
	if end.Unbounded {
		s.Future = append(s.Future, i)
	}
	return true
}

// nth widens it by what nth_value sees of a frame that begins or ends with the partition. In a frame
// that begins there, the row is known once it has passed; otherwise it is not farther behind the
// frame's start than it says, and one unit at most is left out in between.
func (s *Sight) nth(f WindowFunc, frame Frame, i int) bool {
	switch {
	case !f.Fixed:
		return false
	case f.By <= 0: // the same for all rows
		return true
	case frame.Start.Unbounded:
		s.Past = append(s.Past, i)
	case frame.Start.By != nil:
		return false
	}
	if frame.End.Unbounded {
		s.to(0, max(frame.Start.Offset, 0)+f.By)
	}
	return true
}

// bound widens it to an end of the frame, if that is so far away from every row.
func (s *Sight) bound(b Bound, mode FrameMode) bool {
	switch {
	case b.Unbounded:
	case b.Computed != nil && (b.Computed.Moving || b.By == nil):
		return false
	case b.By != nil:
		s.Near = true
	default:
		s.Groups = s.Groups || mode == FrameGroups
		s.to(b.Offset, b.Offset)
	}
	return true
}

// to widens it to what lies from one offset to another one. (A group has a row at
// least: as many groups are as far as rows, or farther.)
func (s *Sight) to(from, to int64) {
	near := func(v int64) int { return int(min(max(v, 0), farSight+1)) }
	s.Before = max(s.Before, near(-from), near(-to))
	s.After = max(s.After, near(from), near(to))
}

// String tells kinds of sight apart.
func (s Sight) String() string {
	return fmt.Sprintf("seen from %d before to %d after, groups %v, peers %v, near %v, past %v, future %v", s.Before, s.After, s.Groups, s.Peers, s.Near, s.Past, s.Future)
}

// firstRows is the window's input without the rows that conditions above take out for
// their number: for row_number() <= 3, the first three rows of each partition, for
// rank() <= 3 those that tie with the third, too. What the functions make of them must
// not depend on rows behind them, nor fail for these.
func (n *Window) firstRows(in Node, conds []expr.Expr) Node {
	sight, ok := n.Sight()
	if !ok || sight.After > 0 || sight.Near || len(sight.Future) > 0 {
		return in
	}
	for _, f := range n.Funcs {
		switch f.Name {
		case "row_number()", "rank()", "dense_rank()", firstValue,
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
