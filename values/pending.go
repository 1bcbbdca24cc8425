package values

import (
	"slices"
	"strings"
)

// Of some rows nobody knows the fields before they are computed: of those that a function returns
// which says no more of its result than that it is a record. And of some, what Postgres sends does not
// say them, as there is no binary form of a field. Such a row stays a call: the value
// holds the arguments, and whoever needs the row writes the call, which is a function of them. So
// it is only Postgres that ever sees the row itself:
//
//	t := values.Pending(values.Call{SQL: []string{"f(", ")"}}, []*values.Type{values.Int4Type})
//	d := values.MakeRecord([]values.Datum{values.Int(1)}) // f(1)
//
// A value is NULL where the call is.

// Call is how the value of a type is computed.
type Call struct {
	SQL []string // before, between and after the arguments
	Of  *Type    // of which types the row may be; nil if nobody knows
}

// Pending is the type of an anonymous record that stays a call of arguments of the given types.
func Pending(call Call, args []*Type) *Type {
	t := &Type{OID: recordOID, BaseOID: recordOID, Typmod: -1, Kind: Opaque, Schema: "pg_catalog", Name: "record", SQL: "record", Call: &call}
	for _, a := range args {
		t.Fields = append(t.Fields, Field{Type: a})
	}
	return t
}

// HoldsPending says whether there are rows that stay calls among the values of a type.
func (t *Type) HoldsPending() bool {
	switch {
	case t.Call != nil:
		return true
	case t.Kind == KindArray:
		return t.Elem.HoldsPending()
	case t.Kind == KindRecord:
		return slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Type.HoldsPending() })
	}
	return false
}

// callShape tells types of calls apart.
func callShape(t *Type) string {
	var b strings.Builder
	for i, piece := range t.Call.SQL {
		b.WriteString(piece)
		if i < len(t.Fields) {
			b.WriteString(shape(t.Fields[i].Type, true) + " " + t.Fields[i].Type.Collate)
		}
	}
	return b.String()
}
