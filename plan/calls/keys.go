package calls

import (
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// keyOrdered are the types whose keys order as Postgres' operators do, whatever
// the collation.
func keyOrdered(k values.Kind) bool {
	switch k {
	case values.KindInt2, values.KindInt4, values.KindInt8, values.KindFloat4, values.KindFloat8, values.KindNumeric,
		values.KindDate, values.KindTime, values.KindTimeTZ, values.KindTimestamp, values.KindTimestampTZ, values.KindInterval:
		return true
	}
	return false
}

// byteOrdered are types that have native comparisons only under collations which order
// as their keys do.
func byteOrdered(k values.Kind) bool {
	switch k {
	case values.KindText, values.KindName, values.KindBPChar, values.KindBytea, values.KindUUID, values.KindBool, values.KindOID:
		return true
	}
	return false
}

// KeyComparison is the operator, which has a native form, if it compares as keys do.
func KeyComparison(op *catalog.Operator, args []expr.Expr) string {
	if op.Schema != "pg_catalog" || len(args) != 2 || !fn.SameKey(args[0].Type(), args[1].Type()) {
		return ""
	}
	switch op.Name {
	case "=", "<>":
		if op.Equal || op.NotEqual {
			return op.Name
		}
	case "<", "<=", ">", ">=":
		a, b := args[0].Type().Kind, args[1].Type().Kind
		if keyOrdered(a) && keyOrdered(b) || byteOrdered(a) && byteOrdered(b) {
			return op.Name
		}
	}
	return ""
}
