package expr

import (
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// RowLabelType is the type of labels of rows of several types: what Postgres compares of them, one
// after the other (values.Segments).
var RowLabelType = values.ArrayOf(LabelType)

// forkType is a record of what comes before some part of a row, and what that part has to be in all rows that have
// the same before it.
var forkType = values.RecordOf([]values.Field{{Name: "before", Type: values.ByteaType}, {Name: "part", Type: values.ByteaType}})

// NewRowLabel is the label of a row of one of several types, under the labels of what is in it.
// It compares as the row does in Postgres, with all rows with which that does not fail.
func NewRowLabel(row Expr, order *Order) Expr {
	of, by := row.Type(), row
	order.Dictionaries(of, func(*Order, *values.Type) { by = NewLabel(row, order) })
	return &Native{
		Name: "compared_by", Args: []Expr{by}, T: RowLabelType, Total: true,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			parts, err := values.Segments(nil, of, by.Type(), v)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			elems := make([]values.Datum, len(parts))
			for i, p := range parts {
				elems[i] = values.String(string(p))
			}
			return arrayOf(RowLabelType, elems)
		}},
	}
}

// Forks are the places in a row at which those that agree up to there have to be of one type.
func Forks(label Expr) Expr {
	to := values.ArrayOf(forkType)
	return &Native{
		Name: "forks", Args: []Expr{label}, T: to, Total: true,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			parts, err := values.Elements(nil, RowLabelType, v)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			var before []byte
			for i, p := range parts {
				fork := values.MakeRecord([]values.Datum{values.String(string(before)), values.String(p.Str()[:values.SegmentHead])})
				before = values.AppendRow(before, parts[i:i+1])
				parts[i] = fork
			}
			return arrayOf(to, parts)
		}},
	}
}

func arrayOf(t *values.Type, elems []values.Datum) values.Datum {
	a, err := values.MakeArray(t, elems)
	if err != nil {
		return values.Errorf("54000", "%v", err)
	}
	return a
}
