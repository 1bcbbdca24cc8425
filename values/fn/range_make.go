package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Constructors of the built-in range types. Neither is strict: no bound is NULL.

func init() {
	for name, c := range map[string]rangeMaker{
		"int4range": {elem: values.Int4Type, next: nextInteger(math.MaxInt32, "integer")},
		"int8range": {elem: values.Int8Type, next: nextInteger(math.MaxInt64, "bigint")},
		"numrange":  {elem: values.NumericType},
		"daterange": {elem: values.DateType, next: nextDate},
		"tsrange":   {elem: values.TimestampType},
		"tstzrange": {elem: values.TimestampTZType},
	} {
		register(name+"("+c.elem.Name+","+c.elem.Name+")", Func{F2: func(lower, upper values.Datum) values.Datum {
			return c.of(lower, upper, true, false)
		}})
		register(name+"("+c.elem.Name+","+c.elem.Name+",text)", Func{F3: func(lower, upper, flags values.Datum) values.Datum {
			if flags.IsNull() {
				return values.Errorf("22000", "range constructor flags argument must not be null")
			}
			switch flags.Str() {
			case "[]":
				return c.of(lower, upper, true, true)
			case "[)":
				return c.of(lower, upper, true, false)
			case "(]":
				return c.of(lower, upper, false, true)
			case "()":
				return c.of(lower, upper, false, false)
			}
			return values.Errorf("42601", "invalid range bound flags")
		}})
	}
}

// rangeMaker makes ranges of one type.
type rangeMaker struct {
	elem *values.Type
	next func(values.Datum) values.Datum // the element that follows, of discrete types
}

func (m rangeMaker) of(lower, upper values.Datum, lowerInc, upperInc bool) values.Datum {
	r := values.Range{
		Lower: values.RangeBound{Infinite: lower.IsNull(), Inclusive: lowerInc && !lower.IsNull(), Value: lower},
		Upper: values.RangeBound{Infinite: upper.IsNull(), Inclusive: upperInc && !upper.IsNull(), Value: upper},
	}
	if e := m.settle(&r); e.IsErr() {
		return e
	}
	if m.next != nil && !r.Empty {
		// The canonical form is [lower, upper).
		for _, b := range []struct {
			bound *values.RangeBound
			inc   bool
		}{{&r.Lower, true}, {&r.Upper, false}} {
			if b.bound.Infinite || b.bound.Inclusive == b.inc {
				continue
			}
			v := m.next(b.bound.Value)
			if v.IsErr() {
				return v
			}
			if !v.IsNull() {
				b.bound.Value, b.bound.Inclusive = v, b.inc
			}
		}
		if e := m.settle(&r); e.IsErr() {
			return e
		}
	}
	s, err := values.AppendRange(nil, m.elem, r)
	if err != nil {
		return values.Errorf("XX000", "%v", err)
	}
	return values.String(string(s))
}

// settle finds out whether a range is empty, or an error.
func (m rangeMaker) settle(r *values.Range) values.Datum {
	if r.Lower.Infinite || r.Upper.Infinite {
		return values.Null
	}
	switch c := values.Compare(m.elem, r.Lower.Value, r.Upper.Value); {
	case c > 0:
		return values.Errorf("22000", "range lower bound must be less than or equal to range upper bound")
	case c == 0:
		r.Empty = !r.Lower.Inclusive || !r.Upper.Inclusive
	}
	return values.Null
}

func nextInteger(most int64, name string) func(values.Datum) values.Datum {
	return func(v values.Datum) values.Datum {
		if v.Int64() == most {
			return values.Errorf("22003", "%s out of range", name)
		}
		return values.Int(v.Int64() + 1)
	}
}

// nextDate leaves infinity as it is: NULL.
func nextDate(v values.Datum) values.Datum {
	switch {
	case infiniteDate(v.Int64()):
		return values.Null
	case v.Int64() == endDay-1:
		return errDateRange
	}
	return values.Int(v.Int64() + 1)
}
