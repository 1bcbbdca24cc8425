package fn

import (
	"bytes"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// KeyEquality is the equality of types that have no function of their own in Go
// but whose keys decide it.
func KeyEquality(a, b *values.Type) *Func {
	return &Func{Strict: true, F2: func(v, w values.Datum) values.Datum {
		var left, right [64]byte
		x, y := values.AppendKey(left[:0], a, v), values.AppendKey(right[:0], b, w)
		return values.Bool(bytes.Equal(x, y))
	}}
}

// SameKey says whether values of two types that compare equal have the same
// key encoding.
func SameKey(a, b *values.Type) bool {
	if !values.Equatable(a) || !values.Equatable(b) {
		return false
	}
	for a.Kind == values.KindArray && b.Kind == values.KindArray && a.Anonymous() && b.Anonymous() {
		a, b = a.Elem, b.Elem
	}
	if a.Kind == values.KindRecord {
		return Lookup("record_eq(record,record)", []*values.Type{a, b}, values.BoolType) != nil
	}
	return keyFamily(a.Kind) == keyFamily(b.Kind) && (a.Kind != values.Opaque || a.BaseOID == b.BaseOID)
}

func keyFamily(k values.Kind) values.Kind {
	switch k {
	case values.KindInt2, values.KindInt4, values.KindInt8, values.KindOID:
		return values.KindInt8
	case values.KindFloat4, values.KindFloat8:
		return values.KindFloat8
	}
	return k
}
