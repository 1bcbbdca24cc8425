package values

import (
	"bytes"
	"math"
	"strings"
)

// Compare orders two non-null values as the type's btree operators do; text by
// its bytes (collation C). See Comparable for where that is Postgres' order.
func Compare(t *Type, a, b Datum) int {
	switch t.Kind {
	case KindBool, KindInt2, KindInt4, KindInt8, KindOID, KindDate, KindTime, KindTimestamp, KindTimestampTZ:
		return cmpInt(a.i, b.i)
	case KindFloat4, KindFloat8:
		return CompareFloat(a.Float64(), b.Float64())
	case KindNumeric:
		return NumericCmp(a, b)
	case KindTimeTZ:
		ua, za := timeTZOrder(a)
		ub, zb := timeTZOrder(b)
		if c := cmpInt(ua, ub); c != 0 {
			return c
		}
		return cmpInt(za, zb)
	case KindInterval:
		da, ma := intervalOrder(a)
		db, mb := intervalOrder(b)
		if c := cmpInt(da, db); c != 0 {
			return c
		}
		return cmpInt(ma, mb)
	case KindBPChar:
		return strings.Compare(strings.TrimRight(a.s, " "), strings.TrimRight(b.s, " "))
	case KindEnum:
		return compareLabels(t, a.s, b.s)
	case KindJSONB:
		if a.s == b.s {
			return 0
		}
		return bytes.Compare(appendKeyJSONB(nil, a.s), appendKeyJSONB(nil, b.s))
	case KindArray:
		return compareArrays(t, a.s, b.s)
	case KindRecord:
		return compareRecords(t, a, b)
	}
	return strings.Compare(a.s, b.s)
}

// CompareFloat is the order of float8: NaN equals itself and is the greatest.
func CompareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b || math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return 1
	}
	return -1
}

func compareLabels(t *Type, a, b string) int {
	if a == b {
		return 0
	}
	i, okA := t.labelPosition(a)
	j, okB := t.labelPosition(b)
	switch {
	case okA && okB:
		return cmpInt(int64(i), int64(j))
	case okA:
		return -1
	case okB:
		return 1
	}
	return strings.Compare(a, b)
}

// opaqueEquality names the types without a native kind whose equal values have
// identical binary images, so that bytes decide equality:
//
//   - inet, cidr: family, prefix length and address are all that = looks at; the
//     cidr flag is constant within a type
//   - macaddr, macaddr8, "char", xid, xid8, cid, tid, pg_lsn, money: one integer
//     or a fixed field of bytes
//   - bit, varbit: length and bits; the padding is zero
//   - the aliases of oid: the number
//   - ranges and multiranges of discrete types are canonical ([a,b) and merged);
//     of timestamps, bounds are stored as written, and different bounds differ
//     also for =
var opaqueEquality = map[string]bool{
	"inet": true, "cidr": true, "macaddr": true, "macaddr8": true, "bit": true, "varbit": true,
	"char": true, "xid": true, "xid8": true, "cid": true, "tid": true, "pg_lsn": true, "money": true,
	"regclass": true, "regtype": true, "regproc": true, "regprocedure": true, "regoper": true,
	"regoperator": true, "regnamespace": true, "regrole": true, "regconfig": true,
	"regdictionary": true, "regcollation": true, "regdatabase": true,
	"int4range": true, "int8range": true, "daterange": true, "tsrange": true, "tstzrange": true,
	"int4multirange": true, "int8multirange": true, "datemultirange": true, "tsmultirange": true,
	"tstzmultirange": true,
}

// opaqueOrder names those of them whose images also sort as the values: unsigned
// big-endian numbers and fields of bytes.
var opaqueOrder = map[string]bool{
	"macaddr": true, "macaddr8": true, "char": true, "xid8": true, "tid": true, "pg_lsn": true,
	"regclass": true, "regtype": true, "regproc": true, "regprocedure": true, "regoper": true,
	"regoperator": true, "regnamespace": true, "regrole": true, "regconfig": true,
	"regdictionary": true, "regcollation": true, "regdatabase": true,
}

func builtinOpaque(t *Type, list map[string]bool) bool {
	return t.Schema == "pg_catalog" && !t.NoBinary && list[t.Name]
}

// elemType is an array's element type under the collation of the array's column.
func elemType(t *Type) *Type {
	if t.Elem == nil || !isText(t.Elem.Kind) || t.Elem.Collation == t.Collation &&
		t.Elem.CCollation == t.CCollation && t.Elem.NonDeterministic == t.NonDeterministic {
		return t.Elem
	}
	e := *t.Elem
	e.Collation, e.CCollation, e.NonDeterministic = t.Collation, t.CCollation, t.NonDeterministic
	return &e
}

func isText(k Kind) bool { return k == KindText || k == KindName || k == KindBPChar }

// Comparable says whether Compare and AppendKey order values of t exactly as
// Postgres does. Text needs a collation that orders by bytes. jsonb orders its
// strings by the database's default collation: it is comparable when CCollation
// is set on it to say that this one does.
func Comparable(t *Type) bool {
	if t.OwnOrder {
		return false
	}
	switch t.Kind {
	case Opaque:
		return builtinOpaque(t, opaqueOrder)
	case KindText, KindName, KindBPChar, KindJSONB:
		return t.CCollation
	case KindJSON:
		return false
	case KindEnum:
		return len(t.Labels) > 0
	case KindArray:
		return t.Elem != nil && Comparable(elemType(t))
	case KindRecord:
		return !t.Variant && t.allFields(Comparable)
	}
	return true
}

// Equatable says whether AppendKey (and Compare being 0) decides equality of
// values of t exactly as Postgres' = does.
func Equatable(t *Type) bool {
	if t.OwnOrder {
		return false
	}
	switch t.Kind {
	case Opaque:
		return builtinOpaque(t, opaqueEquality)
	case KindText, KindName, KindBPChar:
		return !t.NonDeterministic
	case KindJSON:
		return false // the type has no =
	case KindArray:
		return t.Elem != nil && Equatable(elemType(t))
	case KindRecord:
		return !t.Variant && t.allFields(Equatable)
	}
	return true
}

// IdentityIsEquality says whether values that SQL finds equal are always the
// same Datum and so are shown alike: false where 1.0 = 1.00, 0 = -0,
// 'a' = 'a ' or one month = 30 days, and where nothing is known.
func IdentityIsEquality(t *Type) bool {
	if t.OwnOrder {
		return false
	}
	switch t.Kind {
	case KindBPChar:
		// char(n) of a given n is always padded to n.
		return t.Typmod > 0 && Equatable(t)
	case KindNumeric, KindFloat4, KindFloat8, KindInterval, KindJSONB:
		return false
	case KindArray:
		return t.Elem != nil && IdentityIsEquality(elemType(t))
	case KindRecord:
		return t.allFields(IdentityIsEquality)
	}
	return Equatable(t)
}
