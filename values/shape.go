package values

import (
	"slices"
	"strconv"
	"strings"
)

// Anonymous records are of one type to Postgres; what tells them apart is the types of their
// fields, by which it compares them, and the fields' names.

// Innermost is what arrays are of.
func (t *Type) Innermost() *Type {
	for t.Kind == KindArray {
		t = t.Elem
	}
	return t
}

// MixesVariants says whether records of several types are among values of a type.
func (t *Type) MixesVariants() bool {
	switch t.Kind {
	case KindArray:
		return t.Elem.MixesVariants()
	case KindRecord:
		return t.Variant || slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Type.MixesVariants() })
	}
	return false
}

// CommonRecord is the type that anonymous records, also in arrays, have in common; nil if there
// are none.
func CommonRecord(types []*Type) *Type {
	var variants []*Type
	for _, ty := range types {
		if !ty.Anonymous() {
			continue
		}
		for _, v := range ty.Innermost().Variants() {
			if !slices.ContainsFunc(variants, func(have *Type) bool { return SameShape(have, v) }) {
				variants = append(variants, v)
			}
		}
	}
	switch len(variants) {
	case 0:
		return nil
	case 1:
		return variants[0]
	}
	return VariantOf(variants)
}

// MixedRecords says whether there are anonymous records of different types among those of
// arguments, one of which is an array.
func MixedRecords(types []*Type) bool {
	var first *Type
	different, arrays := false, false
	for _, ty := range types {
		if !ty.Anonymous() {
			continue
		}
		arrays = arrays || ty.Kind == KindArray
		if ty = ty.Innermost(); first == nil {
			first = ty
		}
		different = different || shape(first, false) != shape(ty, false) // Postgres compares them by their types alone
	}
	return different && arrays
}

// SameShape says whether records are of one type: fields of the same names and types.
func SameShape(a, b *Type) bool { return shape(a, true) == shape(b, true) }

// shape tells types of records apart, by the names of their fields or without.
func shape(t *Type, names bool) string {
	switch {
	case t.Kind == KindArray:
		return shape(t.Elem, names) + "[]"
	case t.Call != nil:
		return callShape(t)
	case !t.Anonymous():
		return t.SQL
	}
	fields := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		if names {
			fields[i] = strconv.Quote(f.Name) + " "
		}
		fields[i] += shape(f.Type, names)
	}
	return "(" + strings.Join(fields, ", ") + ")"
}
