package translate

import (
	"math"
	"time"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// inRange prepares a frame's offsets: not ok if one is refused. Where Go does not know how far they
// reach, Postgres is asked about all of a partition's frames; where a time zone decides how far a day
// or a month goes, it computes the edges of each.
func (t *translator) inRange(clause *pgtree.Node, frame *algebra.Frame, read []expr.Expr, order []algebra.SortKey, sorted []expr.Expr, place func(expr.Expr) int) (asked *askedFrames, ok bool) {
	if len(order) != 1 {
		return nil, false // Postgres has refused it
	}
	key := order[0]
	value := read[key.Col]
	ty := value.Type()
	own, ok := t.ownRange(clause)
	if r, _, _ := algebra.NewReach(ty, frame.By(), true); own || r == nil {
		if !ok {
			return nil, false
		}
		asked = t.askFrames(clause, sorted[0], *frame, read, place)
		return asked, asked != nil
	}
	construct := "RANGE with an offset over " + ty.SQL
	for _, b := range []*algebra.Bound{&frame.Start, &frame.End} {
		if b.By == nil {
			continue
		}
		if b.Computed == nil && backwards(ty, b.By.T, b.By.V) {
			t.problem(clause, CodeSyntax, construct, "invalid preceding or following size in window function", "")
			return nil, false
		}
		if b.Computed == nil && overflows(ty, b.By.V) {
			t.problem(clause, CodeSyntax, construct, tooFar, "write 24 hours: to times of day, that is as far")
			return nil, false
		}
		var by expr.Expr = b.By
		if b.Computed != nil {
			// What the offset must not be depends on the column's type.
			by = inOrder(value, read[b.Computed.Number])
			b.Computed.Number = place(by)
		}
		if ty.Kind != values.KindTimestampTZ || t.settings.UTC() || b.Computed == nil && onlyTime(b.By.V) {
			continue
		}
		name := "timestamptz_pl_interval(timestamptz,interval)"
		if b.Preceding != key.Desc {
			name = "timestamptz_mi_interval(timestamptz,interval)"
		}
		if b.Computed == nil {
			b.Computed = &algebra.Computed{Number: -1}
		}
		b.Computed.Edge = place(t.calls.Builtin(name, ty, value, by))
	}
	return nil, true
}

// onlyTime says that an interval has neither days nor months.
func onlyTime(v values.Datum) bool {
	months, days, _ := v.Interval()
	return months == 0 && days == 0
}

// backwards says whether an offset is less than nothing, or no number. To a time of
// day, days and months are nothing.
func backwards(ty, of *values.Type, by values.Datum) bool {
	switch of.Kind {
	case values.KindInt2, values.KindInt4, values.KindInt8:
		return by.Int64() < 0
	case values.KindFloat4, values.KindFloat8:
		return !(by.Float64() >= 0)
	case values.KindNumeric:
		return values.NumericCmp(by, values.ParseNumeric("0")) < 0 || values.NumericCmp(by, values.ParseNumeric("NaN")) == 0
	}
	if ty.Kind == values.KindTime || ty.Kind == values.KindTimeTZ {
		_, _, micros := by.Interval()
		return micros < 0
	}
	return values.Compare(of, by, values.MakeInterval(0, 0, 0)) < 0
}

// tooFar is what is wrong with an offset that overflows.
const tooFar = "an offset so large that the frames of times of day depend on the version of Postgres"

// overflows says whether a time of day and an offset have no sum in 64 bits, not even in another time zone.
// There, some versions of Postgres and some types wrap around (in_range_time_interval,
// in_range_timetz_interval of its date.c).
func overflows(ty *values.Type, by values.Datum) bool {
	if ty.Kind != values.KindTime && ty.Kind != values.KindTimeTZ {
		return false
	}
	_, _, micros := by.Interval()
	return micros > math.MaxInt64-int64(48*time.Hour/time.Microsecond)
}

// inOrder fails offsets that are backwards, for rows whose frames they bound: those that are ordered by NULL
// have their peers for a frame, and Postgres looks at no offset if there are no others.
func inOrder(value, e expr.Expr) expr.Expr {
	ty, of := value.Type(), e.Type()
	return &expr.Native{
		Name: "range_offset(" + ty.SQL + ")", Args: []expr.Expr{e, value}, T: of,
		Func: &fn.Func{F2: func(v, value values.Datum) values.Datum {
			switch {
			case v.IsNull() || v.IsErr() || value.IsNull() || value.IsErr():
				return v
			case backwards(ty, of, v):
				return values.Errorf(invalidFrameSize, "invalid preceding or following size in window function")
			case overflows(ty, v):
				return values.Errorf(invalidFrameSize, tooFar)
			}
			return v
		}},
	}
}

// The SQLSTATEs of offsets that are no good.
const (
	nullNotAllowed   = "22004"
	invalidFrameSize = "22013"
)

// checkedOffset fails offsets that are NULL or, in rows and groups, negative.
func checkedOffset(e expr.Expr, which string, mode algebra.FrameMode) expr.Expr {
	return &expr.Native{
		Name: "frame_offset(" + which + ", " + string(mode) + ")", Args: []expr.Expr{e}, T: e.Type(),
		Func: &fn.Func{F1: func(v values.Datum) values.Datum {
			switch {
			case v.IsNull():
				return values.Errorf(nullNotAllowed, "frame %s offset must not be null", which)
			case mode != algebra.FrameRange && v.Int64() < 0:
				return values.Errorf(invalidFrameSize, "frame %s offset must not be negative", which)
			}
			return v
		}},
	}
}
