package values

import (
	"fmt"
	"slices"
)

// To Postgres, all records without a type of their own are of one type: a column may
// hold ROW(1, NULL) beside ROW('a', 2, true). Here such a column's type lists the types of
// records that there are in it, its variants, and a value is a record of two things:
// the number of its variant, and the value of that.
//
// What Postgres compares is what it finds in the values, and it fails where two fields are
// of different types; so neither keys nor comparisons know variants.

// VariantOf is the type of a column of anonymous records of several types.
func VariantOf(of []*Type) *Type {
	fields := make([]Field, 1+len(of))
	fields[0] = Field{Name: "variant", Type: Int4Type}
	for i, t := range of {
		fields[1+i] = Field{Name: fmt.Sprintf("v%d", i+1), Type: t}
	}
	t := RecordOf(fields)
	t.Variant = true
	return t
}

// Variants are the types of records that a value of t may be: of a record of one type,
// that one.
func (t *Type) Variants() []*Type {
	if !t.Variant {
		return []*Type{t}
	}
	of := make([]*Type, len(t.Fields)-1)
	for i, f := range t.Fields[1:] {
		of[i] = f.Type
	}
	return of
}

// Distinguishable says whether the binary form of a value tells which of its variants each
// record in it is: it has the numbers of the fields' types, and not their names.
func (t *Type) Distinguishable() bool {
	if t.Kind == KindArray {
		return t.Elem.Distinguishable()
	}
	if !t.allFields((*Type).Distinguishable) {
		return false
	}
	of := t.Variants()
	for i, a := range of {
		for _, b := range of[:i] {
			if sameOIDs(a, b) {
				return false
			}
		}
	}
	return true
}

func sameOIDs(a, b *Type) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i, f := range a.Fields {
		if f.Type.OID != b.Fields[i].Type.OID {
			return false
		}
	}
	return true
}

// MakeVariant makes a value of its variant's.
func (t *Type) MakeVariant(variant int, d Datum) Datum {
	row := make([]Datum, len(t.Fields))
	row[0], row[1+variant] = Int(int64(variant)), d
	return MakeRecord(row)
}

func decodeVariant(t *Type, src string, told *names) (Datum, error) {
	for i, of := range t.Variants() {
		if !fits(of, src, told) {
			continue
		}
		d, err := decodeRecord(of, src, told)
		if err != nil {
			return Null, err
		}
		return t.MakeVariant(i, d), nil
	}
	return Null, malformed(t, "a record of none of its variants")
}

// fits says whether what was sent of a value may be one of type t: whether records in it have
// fields of the types that t has, and of the names, if they are told. An empty array fits
// several types, of which any will do.
func fits(t *Type, src string, told *names) bool {
	switch {
	case !t.Anonymous():
		return true
	case t.Kind == KindArray:
		a, err := readArray(src)
		if err != nil {
			return false
		}
		for i := range a.count {
			raw, null, ok := a.next()
			if !ok || !null && !fits(t.Elem, raw, told.at(int(i))) {
				return false
			}
		}
		return true
	case t.Variant:
		return slices.ContainsFunc(t.Variants(), func(of *Type) bool { return fits(of, src, told) })
	}
	if len(src) < 4 || u32(src) != uint32(len(t.Fields)) || !told.are(t) {
		return false
	}
	src = src[4:]
	for i, f := range t.Fields {
		if len(src) < 8 || u32(src) != f.Type.OID {
			return false
		}
		n := int32(u32(src[4:]))
		if src = src[8:]; n < 0 {
			continue
		}
		if int(n) > len(src) || !fits(f.Type, src[:n], told.at(i)) {
			return false
		}
		src = src[n:]
	}
	return true
}

func appendVariantText(dst []byte, t *Type, row []Datum) ([]byte, error) {
	i := row[0].Int64() + 1
	if i < 1 || i >= int64(len(row)) {
		return dst, malformed(t, "not a variant's number")
	}
	return appendRecordText(dst, t.Fields[i].Type, row[i])
}
