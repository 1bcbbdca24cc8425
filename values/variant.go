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

// Distinguishable says whether the binary form of a record, or of those in an array, tells
// which of its variants it is: it has the numbers of its fields' types, and not their names.
func (t *Type) Distinguishable() bool {
	if t.Kind == KindArray {
		return t.Elem.Distinguishable()
	}
	if !t.allFields((*Type).Distinguishable) {
		return false
	}
	if t.Variant && t.NoBinary {
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

// Tellable says whether the names of the fields tell variants apart whose fields are of the same types: a
// value can then be sent as that of t.Told.
func (t *Type) Tellable() bool {
	if !t.Variant || t.NoBinary || !t.allFields((*Type).Distinguishable) {
		return false
	}
	of := t.Variants()
	for i, a := range of {
		for _, b := range of[:i] {
			if sameOIDs(a, b) && slices.Equal(a.Names(), b.Names()) {
				return false
			}
		}
	}
	return true
}

// Told is a type with variants whose values are sent as ROW(number, value): of the first variant
// with the names that the value's fields have.
func (t *Type) Told() *Type {
	told := *t
	told.told = true
	return &told
}

// Names are those of a record's fields.
func (t *Type) Names() []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
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

func decodeVariant(t *Type, src string) (Datum, error) {
	which := -1
	var names []string
	if t.told {
		// Two fields: the number and the record, each behind its type and its length.
		const number, record = 12, 24
		if len(src) < record || u32(src) != 2 || u32(src[number:]) >= uint32(len(t.Fields)-1) {
			return Null, malformed(t, "not a variant's number")
		}
		names, src = t.Fields[1+u32(src[number:])].Type.Names(), src[record:]
	}
	for i, of := range t.Variants() {
		if !hasOIDs(of, src) || t.told && !slices.Equal(of.Names(), names) {
			continue
		}
		if which >= 0 {
			return Null, malformed(t, "a record of any of several variants")
		}
		which = i
	}
	if which < 0 {
		return Null, malformed(t, "a record of none of its variants")
	}
	d, err := decodeRecord(t.Fields[1+which].Type, src)
	if err != nil {
		return Null, err
	}
	return t.MakeVariant(which, d), nil
}

// hasOIDs says whether a record that was sent has fields of t's types.
func hasOIDs(t *Type, src string) bool {
	if len(src) < 4 || u32(src) != uint32(len(t.Fields)) {
		return false
	}
	src = src[4:]
	for _, f := range t.Fields {
		if len(src) < 8 || u32(src) != f.Type.OID {
			return false
		}
		n := int32(u32(src[4:]))
		if src = src[8:]; n > 0 {
			if int(n) > len(src) {
				return false
			}
			src = src[n:]
		}
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
