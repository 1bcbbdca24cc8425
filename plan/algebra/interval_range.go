package algebra

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// rangeEnds are the expressions of a range's bounds, or of an element's place, among the
// bounds of all ranges of the type; or of a period's ends.
type rangeEnds struct{ lower, upper expr.Expr }

// side says which side's columns they read.
func (e rangeEnds) side(width int) int {
	s := noSide
	for _, end := range []expr.Expr{e.lower, e.upper} {
		if end != nil {
			s |= side(end, width)
		}
	}
	return s
}

// endsOf takes an operator of range types, or OVERLAPS, apart: what of its arguments, a and b, meets
// where it is true. Two ends that are nil are not bounded.
//
// Nothing overlaps an empty range, so that it has no ends; but every range contains it.
func endsOf(n *expr.Native) (a, b rangeEnds, ok bool) {
	switch len(n.Args) {
	case 2:
	case 4:
		return periodsOf(n)
	default:
		return a, b, false
	}
	x, y := n.Args[0], n.Args[1]
	switch n.Name {
	case "range_overlaps(anyrange,anyrange)", "range_adjacent(anyrange,anyrange)":
		return ends(x, emptyNowhere), ends(y, emptyNowhere), true
	case "range_contains(anyrange,anyrange)":
		return ends(x, emptyFirst), ends(y, emptyEverywhere), true
	case "range_contained_by(anyrange,anyrange)":
		return ends(x, emptyEverywhere), ends(y, emptyFirst), true
	case "range_contains_elem(anyrange,anyelement)":
		p := placeOf(y)
		return ends(x, emptyNowhere), rangeEnds{p, p}, true
	case "elem_contained_by_range(anyelement,anyrange)":
		p := placeOf(x)
		return rangeEnds{p, p}, ends(y, emptyNowhere), true
	case "range_before(anyrange,anyrange)":
		return rangeEnds{lower: ends(x, emptyNowhere).upper}, rangeEnds{upper: ends(y, emptyNowhere).lower}, true
	case "range_after(anyrange,anyrange)":
		return rangeEnds{upper: ends(x, emptyNowhere).lower}, rangeEnds{lower: ends(y, emptyNowhere).upper}, true
	case "range_overleft(anyrange,anyrange)":
		return rangeEnds{lower: ends(x, emptyNowhere).upper}, rangeEnds{upper: ends(y, emptyNowhere).upper}, true
	case "range_overright(anyrange,anyrange)":
		return rangeEnds{upper: ends(x, emptyNowhere).lower}, rangeEnds{lower: ends(y, emptyNowhere).lower}, true
	}
	return a, b, false
}

// ofEmpty is where an empty range is looked for.
type ofEmpty int

const (
	emptyNowhere    ofEmpty = iota
	emptyFirst              // before all elements
	emptyEverywhere         // from there to behind them all
)

// ends are the bounds of a range.
func ends(e expr.Expr, empty ofEmpty) rangeEnds {
	t := e.Type()
	elem := values.RangeElem(t)
	end := func(name string, upper bool) expr.Expr {
		return &expr.Native{Name: name, Args: []expr.Expr{e}, Total: true, T: expr.LabelType, Func: &fn.Func{Strict: true, F1: func(d values.Datum) values.Datum {
			r, err := values.ReadRange(t, elem, d)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			return placeOfBound(r, elem, upper, empty)
		}}}
	}
	suffix := [...]string{"", " or first", " or all"}[empty]
	return rangeEnds{end("lower"+suffix, false), end("upper"+suffix, true)}
}

// placeOfBound is a bound's place; NULL if it is nowhere.
func placeOfBound(r values.Range, elem *values.Type, upper bool, empty ofEmpty) values.Datum {
	b := r.Lower
	if upper {
		b = r.Upper
	}
	var place []byte
	switch {
	case r.Empty && empty == emptyNowhere:
		return values.Null
	case r.Empty && (empty == emptyFirst || !upper), b.Infinite && !upper:
		place = values.AppendFirst(place)
	case r.Empty, b.Infinite:
		place = values.AppendLast(place)
	default:
		place = values.AppendPlace(place, elem, b.Value)
	}
	return values.String(string(place))
}

// placeOf is an element's place.
func placeOf(e expr.Expr) expr.Expr {
	t := e.Type()
	return &expr.Native{Name: "place", Args: []expr.Expr{e}, Total: true, T: expr.LabelType, Func: &fn.Func{Strict: true, F1: func(d values.Datum) values.Datum {
		return values.String(string(values.AppendPlace(nil, t, d)))
	}}}
}

// periodsOf takes (start, end) OVERLAPS (start, end) apart. The ends may come in either
// order, and of a period with one NULL the other end alone is asked for.
func periodsOf(n *expr.Native) (a, b rangeEnds, ok bool) {
	switch n.Name {
	case "overlaps(timestamp,timestamp,timestamp,timestamp)", "overlaps(timestamptz,timestamptz,timestamptz,timestamptz)", "overlaps(time,time,time,time)":
	default:
		return a, b, false
	}
	period := func(args []expr.Expr) rangeEnds {
		t := args[0].Type()
		return rangeEnds{&expr.MinMax{Args: args, T: t}, &expr.MinMax{Args: args, Greatest: true, T: t}}
	}
	return period(n.Args[:2:2]), period(n.Args[2:]), true
}
