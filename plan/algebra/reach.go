package algebra

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// RANGE with an offset: a frame ends where the ordering column is so far from its
// value in the current row
// (postgresql.org/docs/current/sql-expressions.html#SYNTAX-WINDOW-FUNCTIONS, and
// for what far means of each type, #BTREE-SUPPORT-FUNCS in_range of xindex).

// Reach computes how far a frame goes from a value. Beyond all values (above or
// below them) it is past; all says that every number is within reach, as that
// from one infinity by another.
type Reach func(base values.Datum) (bound values.Datum, past int, all bool)

// NewReach makes the function for one bound: base ± offset, in the type that
// comparable gives for a value of the column; nil where that is Postgres' alone.
func NewReach(t *values.Type, by *expr.Const, sub bool) (r Reach, comparable func(values.Datum) values.Datum, in *values.Type) {
	same := func(v values.Datum) values.Datum { return v }
	switch t.Kind {
	case values.KindInt2, values.KindInt4, values.KindInt8:
		if k := by.T.Kind; k != values.KindInt2 && k != values.KindInt4 && k != values.KindInt8 {
			return nil, nil, nil
		}
		offset := by.V.Int64()
		return func(base values.Datum) (values.Datum, int, bool) {
			b := base.Int64()
			switch {
			case sub && b-offset > b:
				return values.Null, -1, false
			case sub:
				return values.Int(b - offset), 0, false
			case b+offset < b:
				return values.Null, 1, false
			}
			return values.Int(b + offset), 0, false
		}, same, values.Int8Type
	case values.KindFloat4, values.KindFloat8:
		offset := by.V.Float64()
		return func(base values.Datum) (values.Datum, int, bool) {
			b := base.Float64()
			sum := b + offset
			if sub {
				sum = b - offset
			}
			return values.Float(sum), 0, sum != sum && b == b
		}, same, values.Float8Type
	case values.KindTime, values.KindTimeTZ:
		// Beyond midnight there are no times, but there is room in a number.
		_, _, micros := by.V.Interval()
		if sub {
			micros = -micros
		}
		return func(base values.Datum) (values.Datum, int, bool) {
			const far = 1 << 62
			at := base.Int64() + min(max(micros, -far), far)
			if t.Kind == values.KindTimeTZ {
				return values.Make("", at, base.Aux()), 0, false
			}
			return values.Int(at), 0, false
		}, same, t
	}
	op := "_pl_interval("
	if sub {
		op = "_mi_interval("
	}
	name, result := "", t
	switch t.Kind {
	case values.KindNumeric:
		name = "numeric_add(numeric,numeric)"
		if sub {
			name = "numeric_sub(numeric,numeric)"
		}
	case values.KindInterval:
		name = "interval_pl(interval,interval)"
		if sub {
			name = "interval_mi(interval,interval)"
		}
	case values.KindTimestamp, values.KindTimestampTZ:
		name = t.Name + op + t.Name + ",interval)"
	case values.KindDate:
		name, result = "date"+op+"date,interval)", values.TimestampType
		cast := fn.Lookup("timestamp(date)", []*values.Type{t}, result)
		if cast == nil {
			return nil, nil, nil
		}
		same = cast.F1
	default:
		return nil, nil, nil
	}
	f := fn.Lookup(name, []*values.Type{t, by.T}, result)
	if f == nil || f.F2 == nil {
		return nil, nil, nil
	}
	if t.Kind != values.KindNumeric {
		return func(base values.Datum) (values.Datum, int, bool) { return f.F2(base, by.V), 0, false }, same, result
	}
	nan := func(v values.Datum) bool { return !v.IsErr() && values.NumericCmp(v, values.ParseNumeric("NaN")) == 0 }
	past := 1
	if sub {
		past = -1
	}
	return func(base values.Datum) (values.Datum, int, bool) {
		sum := f.F2(base, by.V)
		if sum.IsErr() && !base.IsErr() {
			return values.Null, past, false // Postgres has room for it, as no number is made of it
		}
		return sum, 0, nan(sum) && !nan(base)
	}, same, result
}
