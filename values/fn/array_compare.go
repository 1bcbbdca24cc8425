package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Comparison, containment and search of arrays, by the element type's equality
// or order.

func makeArrayComparison(i int) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		t := args[0]
		equality := comparisonNames[i] == "eq" || comparisonNames[i] == "ne"
		if t.Kind != values.KindArray || equality && !values.Equatable(t) || !equality && !values.Comparable(t) {
			return nil
		}
		f := strict2(comparisonsOf(func(a, b values.Datum) int { return values.Compare(t, a, b) })[i])
		return &f
	}
}

// elementKeys are the keys of an array's elements; NULLs are left out.
func elementKeys(elem *values.Type, s string) (map[string]struct{}, error) {
	keys := map[string]struct{}{}
	err := eachElementKey(elem, s, func(key []byte) bool {
		keys[string(key)] = struct{}{}
		return true
	}, nil)
	return keys, err
}

// eachElementKey calls f with the key of each element that is not NULL and null,
// if given, for each that is, until one returns false.
func eachElementKey(elem *values.Type, s string, f func(key []byte) bool, null func() bool) (err error) {
	var buf [64]byte
	eachArrayElement(s, func(e string, isNull bool) bool {
		if isNull {
			return null == nil || null()
		}
		var d values.Datum
		if d, err = values.DecodeElement(elem, e); err != nil {
			return false
		}
		return f(values.AppendKey(buf[:0], elem, d))
	})
	return err
}

// containsAll is a @> b: every element of b is one of a; NULL is equal to none.
func containsAll(elem *values.Type, a, b string) values.Datum {
	have, err := elementKeys(elem, a)
	if err != nil {
		return values.Errorf("XX000", "%v", err)
	}
	all := true
	err = eachElementKey(elem, b, func(key []byte) bool {
		_, all = have[string(key)]
		return all
	}, func() bool { all = false; return false })
	if err != nil {
		return values.Errorf("XX000", "%v", err)
	}
	return values.Bool(all)
}

// overlaps is a && b.
func overlaps(elem *values.Type, a, b string) values.Datum {
	have, err := elementKeys(elem, a)
	if err != nil {
		return values.Errorf("XX000", "%v", err)
	}
	found := false
	err = eachElementKey(elem, b, func(key []byte) bool {
		_, found = have[string(key)]
		return !found
	}, nil)
	if err != nil {
		return values.Errorf("XX000", "%v", err)
	}
	return values.Bool(found)
}

func makeElementwise(f func(elem *values.Type, a, b string) values.Datum) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		t := args[0]
		if t.Kind != values.KindArray || !values.Equatable(t) {
			return nil
		}
		elem := t.Elem
		fn := strict2(func(a, b values.Datum) values.Datum { return f(elem, a.Str(), b.Str()) })
		return &fn
	}
}

func hasNullElement(s string) (found bool) {
	eachArrayElement(s, func(_ string, null bool) bool { found = null; return !null })
	return found
}

// position is array_position(array, element [, start]): the subscript of the
// first element that IS NOT DISTINCT FROM the one sought.
func position(elem *values.Type, array, element values.Datum, start values.Datum, hasStart bool) values.Datum {
	if array.IsNull() {
		return values.Null
	}
	s := array.Str()
	if arrayDims(s) == 0 {
		return values.Null
	}
	if arrayDims(s) > 1 {
		return values.Errorf("0A000", "searching for elements in multidimensional arrays is not supported")
	}
	if element.IsNull() && !hasNullElement(s) {
		return values.Null
	}
	at := dimLower(s, 0)
	first := at
	if hasStart {
		if start.IsNull() {
			return values.Errorf("22004", "initial position must not be null")
		}
		first = start.Int64()
	}
	want := values.AppendKey(nil, elem, element)
	result := values.Null
	step := func(matches bool) bool {
		if matches && at >= first {
			result = values.Int(at)
			return false
		}
		at++
		return true
	}
	err := eachElementKey(elem, s, func(key []byte) bool { return step(string(key) == string(want)) },
		func() bool { return step(element.IsNull()) })
	if err != nil {
		return values.Errorf("XX000", "%v", err)
	}
	return result
}

func init() {
	for i, name := range comparisonNames {
		registerMake("array_"+name+"(anyarray,anyarray)", makeArrayComparison(i))
	}
	registerMake("arraycontains(anyarray,anyarray)", makeElementwise(containsAll))
	registerMake("arraycontained(anyarray,anyarray)", makeElementwise(func(elem *values.Type, a, b string) values.Datum {
		return containsAll(elem, b, a)
	}))
	registerMake("arrayoverlap(anyarray,anyarray)", makeElementwise(overlaps))
	registerMake("array_position(anycompatiblearray,anycompatible)", makePosition(false))
	registerMake("array_position(anycompatiblearray,anycompatible,int4)", makePosition(true))
}

func makePosition(hasStart bool) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		t := args[0]
		if t.Kind != values.KindArray || !values.Equatable(t) {
			return nil
		}
		elem := t.Elem
		if hasStart {
			return &Func{F3: func(a, e, start values.Datum) values.Datum { return position(elem, a, e, start, true) }}
		}
		return &Func{F2: func(a, e values.Datum) values.Datum { return position(elem, a, e, values.Null, false) }}
	}
}
