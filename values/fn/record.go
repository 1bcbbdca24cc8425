package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Comparisons of composite values, field by field, where both sides have the
// same types: record_eq and its like raise an error otherwise. A NULL field is
// equal to another and greater than all values
// (postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON).

func makeRecordComparison(i int) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		t := args[0]
		equality := comparisonNames[i] == "eq" || comparisonNames[i] == "ne"
		if !sameFields(t, args[1]) || equality && !values.Equatable(t) || !equality && !values.Comparable(t) {
			return nil
		}
		f := strict2(comparisonsOf(func(a, b values.Datum) int { return values.Compare(t, a, b) })[i])
		return &f
	}
}

// sameFields says whether two types are composite, of fields of the same types.
func sameFields(a, b *values.Type) bool {
	if a.Kind != values.KindRecord || b.Kind != values.KindRecord || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if a.Fields[i].Type.OID != b.Fields[i].Type.OID || a.Fields[i].Type.Collation != b.Fields[i].Type.Collation {
			return false
		}
		if a.Fields[i].Type.Anonymous() && !sameShape(a.Fields[i].Type, b.Fields[i].Type) {
			return false
		}
	}
	return true
}

// sameShape is sameFields of the records that arrays hold, too.
func sameShape(a, b *values.Type) bool {
	for a.Kind == values.KindArray && b.Kind == values.KindArray {
		a, b = a.Elem, b.Elem
	}
	return sameFields(a, b)
}

func init() {
	for i, name := range comparisonNames {
		registerMake("record_"+name+"(record,record)", makeRecordComparison(i))
	}
}
