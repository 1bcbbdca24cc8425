package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Operators and functions of the built-in range types, as rangetypes.c has them.

func init() {
	for name, f := range map[string]func(o *rangeOrder, a, b values.Range) bool{
		"range_overlaps":     (*rangeOrder).overlap,
		"range_contains":     (*rangeOrder).contains,
		"range_contained_by": func(o *rangeOrder, a, b values.Range) bool { return o.contains(b, a) },
		"range_before":       (*rangeOrder).before,
		"range_after":        func(o *rangeOrder, a, b values.Range) bool { return o.before(b, a) },
		"range_adjacent":     (*rangeOrder).adjacent,
		"range_overleft":     (*rangeOrder).overleft,
		"range_overright":    (*rangeOrder).overright,
	} {
		registerMake(name+"(anyrange,anyrange)", func(args []*values.Type, _ *values.Type) *Func {
			o := rangesOf(args[0])
			if o == nil {
				return nil
			}
			f2 := strict2(func(a, b values.Datum) values.Datum {
				x, err := o.read(a)
				if err != nil {
					return values.Errorf("XX000", "%v", err)
				}
				y, err := o.read(b)
				if err != nil {
					return values.Errorf("XX000", "%v", err)
				}
				return values.Bool(f(o, x, y))
			})
			return &f2
		})
	}
	registerMake("range_contains_elem(anyrange,anyelement)", makeContainsElement(0))
	registerMake("elem_contained_by_range(anyelement,anyrange)", makeContainsElement(1))
	for name, f := range map[string]func(r values.Range) values.Datum{
		"lower":     func(r values.Range) values.Datum { return r.Lower.Value },
		"upper":     func(r values.Range) values.Datum { return r.Upper.Value },
		"isempty":   func(r values.Range) values.Datum { return values.Bool(r.Empty) },
		"lower_inc": func(r values.Range) values.Datum { return values.Bool(r.Lower.Inclusive) },
		"upper_inc": func(r values.Range) values.Datum { return values.Bool(r.Upper.Inclusive) },
		"lower_inf": func(r values.Range) values.Datum { return values.Bool(r.Lower.Infinite) },
		"upper_inf": func(r values.Range) values.Datum { return values.Bool(r.Upper.Infinite) },
	} {
		registerMake(name+"(anyrange)", func(args []*values.Type, _ *values.Type) *Func {
			o := rangesOf(args[0])
			if o == nil {
				return nil
			}
			f1 := strict1(func(a values.Datum) values.Datum {
				r, err := o.read(a)
				if err != nil {
					return values.Errorf("XX000", "%v", err)
				}
				return f(r)
			})
			return &f1
		})
	}
}

// rangeOrder compares ranges of a type.
type rangeOrder struct{ t, elem *values.Type }

// rangesOf is the order of a built-in range type; nil for other types.
func rangesOf(t *values.Type) *rangeOrder {
	if elem := values.RangeElem(t); elem != nil {
		return &rangeOrder{t, elem}
	}
	return nil
}

func (o *rangeOrder) read(d values.Datum) (values.Range, error) {
	return values.ReadRange(o.t, o.elem, d)
}

// makeContainsElement is range @> element, with the range at a given argument.
func makeContainsElement(at int) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		o := rangesOf(args[at])
		if o == nil {
			return nil
		}
		f := strict2(func(a, b values.Datum) values.Datum {
			if at == 1 {
				a, b = b, a
			}
			r, err := o.read(a)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			return values.Bool(o.containsElement(r, b))
		})
		return &f
	}
}

func (o *rangeOrder) containsElement(r values.Range, v values.Datum) bool {
	within := func(b values.RangeBound, c int) bool { return b.Infinite || c < 0 || c == 0 && b.Inclusive }
	return !r.Empty &&
		within(r.Lower, o.unless(r.Lower, r.Lower.Value, v)) && within(r.Upper, o.unless(r.Upper, v, r.Upper.Value))
}

// unless compares two values unless the bound, one of them, is infinite.
func (o *rangeOrder) unless(b values.RangeBound, v, w values.Datum) int {
	if b.Infinite {
		return 0
	}
	return values.Compare(o.elem, v, w)
}

// compare orders bounds as Postgres' range_cmp_bounds does: by where the elements begin,
// or end, that are within.
func (o *rangeOrder) compare(a values.RangeBound, aLower bool, b values.RangeBound, bLower bool) int {
	outward := func(lower bool) int { // where what is not within lies
		if lower {
			return -1
		}
		return 1
	}
	switch {
	case a.Infinite && b.Infinite:
		return sign(outward(aLower) - outward(bLower))
	case a.Infinite:
		return outward(aLower)
	case b.Infinite:
		return -outward(bLower)
	}
	if c := values.Compare(o.elem, a.Value, b.Value); c != 0 {
		return c
	}
	// An excluded lower bound is a little above its value, an excluded upper one below.
	aside := func(b values.RangeBound, lower bool) int {
		if b.Inclusive {
			return 0
		}
		return -outward(lower)
	}
	return sign(aside(a, aLower) - aside(b, bLower))
}

func sign(n int) int { return max(-1, min(n, 1)) }

func (o *rangeOrder) overlap(a, b values.Range) bool {
	return !a.Empty && !b.Empty && o.compare(a.Lower, true, b.Upper, false) <= 0 && o.compare(b.Lower, true, a.Upper, false) <= 0
}

func (o *rangeOrder) contains(a, b values.Range) bool {
	return b.Empty || !a.Empty && o.compare(a.Lower, true, b.Lower, true) <= 0 && o.compare(a.Upper, false, b.Upper, false) >= 0
}

func (o *rangeOrder) before(a, b values.Range) bool {
	return !a.Empty && !b.Empty && o.compare(a.Upper, false, b.Lower, true) < 0
}

func (o *rangeOrder) overleft(a, b values.Range) bool {
	return !a.Empty && !b.Empty && o.compare(a.Upper, false, b.Upper, false) <= 0
}

func (o *rangeOrder) overright(a, b values.Range) bool {
	return !a.Empty && !b.Empty && o.compare(a.Lower, true, b.Lower, true) >= 0
}

// adjacent: discrete ranges are kept as [a,b), so no elements lie between different bounds
// of them either.
func (o *rangeOrder) adjacent(a, b values.Range) bool {
	touch := func(upper, lower values.RangeBound) bool {
		return !upper.Infinite && !lower.Infinite && upper.Inclusive != lower.Inclusive && values.Compare(o.elem, upper.Value, lower.Value) == 0
	}
	return !a.Empty && !b.Empty && (touch(a.Upper, b.Lower) || touch(b.Upper, a.Lower))
}
