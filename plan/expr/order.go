package expr

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Order is an order of the values of a type that only Postgres knows. It is one of
// three: that of a dictionary, for which Postgres is asked (Call); of arrays, by
// the order of their elements (Elem); of records, by those of their fields.
type Order struct {
	Name string // for people
	// Version says which order is meant, where it may change with what is around the
	// server.
	Version string
	// Call, over an array of different values, gives each one's rank among them; if
	// they are never equal (Total), their places in the array, in order.
	Call  *Remote
	Total bool

	Elem   *Order
	Fields []*Order // nil where the field's own values are to be compared
}

// LabelType is the type of labels that a dictionary gives: bytes.
var LabelType = &values.Type{Kind: values.KindBytea, Typmod: -1, SQL: "label"}

// NewLabel is the label of a value in an order: labels compare in Go as the values
// do in Postgres, and equal values have the same. That of an array is the array of its
// elements' labels, that of a record the record of its fields'.
func NewLabel(arg Expr, order *Order) *Remote {
	return &Remote{SQL: []string{"", ""}, Args: []Expr{arg}, Strict: true, Rank: order, T: order.LabelType(arg.Type())}
}

// LabelType is the type of the labels of values of a type.
func (o *Order) LabelType(of *values.Type) *values.Type {
	switch {
	case o.Elem != nil:
		return values.ArrayOf(o.Elem.LabelType(of.Elem))
	case o.Fields != nil:
		fields := make([]values.Field, len(o.Fields))
		for i, f := range o.Fields {
			if fields[i] = of.Fields[i]; f != nil {
				fields[i].Type = f.LabelType(fields[i].Type)
			}
		}
		return values.RecordOf(fields)
	}
	return LabelType
}

// HoldsLabels says whether a type is that of a label.
func HoldsLabels(t *values.Type) bool {
	switch {
	case t.Elem != nil:
		return HoldsLabels(t.Elem)
	case t.Kind == values.KindRecord:
		for _, f := range t.Fields {
			if HoldsLabels(f.Type) {
				return true
			}
		}
	}
	return t == LabelType
}

// IsLabel says whether an expression is a label.
func IsLabel(e Expr) bool {
	r, ok := e.(*Remote)
	return ok && r.Rank != nil
}

// String identifies the order.
func (o *Order) String() string {
	switch {
	case o.Elem != nil:
		return "elements by " + o.Elem.String()
	case o.Fields != nil:
		fields := make([]string, len(o.Fields))
		for i, f := range o.Fields {
			if f != nil {
				fields[i] = f.String()
			}
		}
		return "fields by (" + strings.Join(fields, ", ") + ")"
	}
	return String(o.Call) + " of " + o.Call.Args[0].Type().SQL + " " + o.Version
}

// Dictionaries calls f for each dictionary that the order of values of a type needs.
func (o *Order) Dictionaries(of *values.Type, f func(o *Order, of *values.Type)) {
	switch {
	case o.Elem != nil:
		o.Elem.Dictionaries(of.Elem, f)
	case o.Fields != nil:
		for i, x := range o.Fields {
			if x != nil {
				x.Dictionaries(of.Fields[i].Type, f)
			}
		}
	default:
		f(o, of)
	}
}
