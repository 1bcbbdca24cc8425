package compile

import (
	"math"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// ranges is how far frames go under RANGE with an offset, by the value of the column that
// orders. A NULL is near to other NULLs alone. A bound that cannot be computed is an
// error.
type ranges struct {
	key        algebra.SortKey
	t          *values.Type
	start, end *edge // nil: none in values
	uneven     bool  // a later row's frame may end sooner, by its own value
}

// edge is one end of the frames.
type edge struct {
	t, in      *values.Type // of the column, and of what comparable makes of its values
	by         *expr.Const
	computed   *algebra.Computed
	back       bool // to lesser values
	infinite   bool // of what all infinities are near to: the greatest of all values
	reach      algebra.Reach
	comparable func(values.Datum) values.Datum
}

// newRanges is nil for frames of another kind.
func newRanges(n *algebra.Window) *ranges {
	if n.Frame.By() == nil {
		return nil
	}
	key := n.Order[0]
	r := &ranges{key: key, t: n.In.Cols()[key.Col].Type}
	edgeOf := func(b algebra.Bound, start bool) *edge {
		if b.By == nil {
			return nil
		}
		e := &edge{t: r.t, by: b.By, computed: b.Computed, back: b.Preceding != key.Desc, infinite: start == key.Desc}
		e.reach, e.comparable, e.in = algebra.NewReach(r.t, b.By, e.back)
		return e
	}
	r.start, r.end = edgeOf(n.Frame.Start, true), edgeOf(n.Frame.End, false)
	switch r.t.Kind {
	case values.KindDate, values.KindTimestamp, values.KindTimestampTZ:
		r.uneven = r.start != nil && r.start.uneven() || r.end != nil && r.end.uneven()
	}
	return r
}

// uneven says of an interval that it may be a time of several lengths.
func (e *edge) uneven() bool {
	if e.computed != nil {
		return true
	}
	months, _, _ := e.by.V.Interval()
	return months != 0
}

// limit is the value at which a frame ends. Beyond all values it is past.
type limit struct {
	at   values.Datum
	past int
}

// limit is where the frame of a row ends, whose value is not NULL.
func (e *edge) limit(row []values.Datum, value values.Datum) limit {
	if e.computed != nil && e.computed.Edge >= 0 {
		return limit{at: row[e.computed.Edge]}
	}
	reach := e.reach
	if e.computed != nil {
		reach, _, _ = algebra.NewReach(e.t, &expr.Const{V: row[e.computed.Number], T: e.by.T}, e.back)
	}
	at, past, all := reach(value)
	if all { // but NaN, which is above the infinity that the frame goes to
		at = infinity(e.in, e.infinite)
	}
	return limit{at, past}
}

// infinity is the greatest number but NaN, or the least one.
func infinity(t *values.Type, greatest bool) values.Datum {
	sign, text := 1, "Infinity"
	if !greatest {
		sign, text = -1, "-Infinity"
	}
	if t.Kind == values.KindNumeric {
		return values.ParseNumeric(text)
	}
	return values.Float(math.Inf(sign))
}

// compare says whether a value is before a limit, at it or behind it, in the order of the
// rows.
func (r *ranges) compare(e *edge, value values.Datum, l limit) int {
	c := -l.past
	if l.past == 0 {
		c = values.Compare(e.in, e.comparable(value), l.at)
	}
	if r.key.Desc {
		return -c
	}
	return c
}

// seesAhead says whether the frame of a row ends no sooner than at another row behind it,
// or begins no sooner.
func (r *ranges) seesAhead(row, other []values.Datum) bool { return r.sees(row, other, 1) }

// seesBack says whether the frame of a row begins no later than at another row before it,
// or ends no later.
func (r *ranges) seesBack(row, other []values.Datum) bool { return r.sees(row, other, -1) }

func (r *ranges) sees(row, other []values.Datum, direction int) bool {
	from, to := row[r.key.Col], other[r.key.Col]
	if from.IsNull() || to.IsNull() {
		return false
	}
	for _, e := range []*edge{r.start, r.end} {
		if e == nil {
			continue
		}
		l := e.limit(row, from)
		if l.at.IsErr() {
			return true // as far as one knows
		}
		if r.uneven {
			l.at = moved(l.at, (direction > 0) != r.key.Desc)
			if near := (limit{at: moved(e.comparable(from), r.key.Desc)}); direction < 0 && r.compare(e, to, near) >= 0 {
				return true // its frame may hold this one's back
			}
		}
		if direction*r.compare(e, to, l) <= 0 {
			return true
		}
	}
	return false
}

// moved is a time by which others are sought that are to be found where months or days
// have several lengths: a month after the noon of January 30 is later than one after the
// midnight that follows. It is by more than as much as times can come to stand in the
// other order, and by more than those can be apart to which this happens.
func moved(at values.Datum, later bool) values.Datum {
	const slack = 4 * 24 * 3600 * 1e6
	v := at.Int64()
	switch {
	case later && v < math.MaxInt64-slack:
		v += slack
	case !later && v > math.MinInt64+slack:
		v -= slack
	}
	return values.Int(v)
}

// reach is the rows that a frame spans, or why there are none.
type reach struct {
	from, to int
	failed   values.Datum
}

// spans finds the frames of all peer groups. As in Postgres, a frame begins and ends no
// sooner than that of a row before.
func (r *ranges) spans(p *partition) []reach {
	groups := len(p.starts) - 1
	value := func(g int) values.Datum { return p.rows[p.starts[g]][r.key.Col] }
	// The groups that are not NULL, [first, last).
	first, last := 0, groups
	if groups > 0 && value(0).IsNull() {
		first = 1
	}
	if last > first && value(last-1).IsNull() {
		last--
	}
	spans := make([]reach, groups)
	latestFrom, latestTo := 0, 0
	for g := range spans {
		s := &spans[g]
		from, to := g, g+1 // the current row and its peers, all of them if NULL
		// The first group that is at a limit or behind it; with 1, behind it.
		search := func(e *edge, behind int) int {
			l := e.limit(p.rows[p.starts[g]], value(g))
			if l.at.IsErr() {
				s.failed = l.at
				return g
			}
			return first + sort.Search(last-first, func(i int) bool { return r.compare(e, value(first+i), l) >= behind })
		}
		if g >= first && g < last {
			if r.start != nil {
				latestFrom = max(latestFrom, search(r.start, 0))
				from = latestFrom
			}
			if r.end != nil {
				latestTo = max(latestTo, search(r.end, 1))
				to = latestTo
			}
		}
		s.from, s.to = p.starts[from], p.starts[to]
	}
	return spans
}
