package translate

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Rows that Postgres computes, and that cannot be read here, stay calls (values.Pending).

// telling says whether what Postgres sends of a type's values says all of them. A record of a type that
// is not known does not; nor does one of several types with a field that has no binary form: its text does not say
// of which types the fields are. An array of records of which nothing is known is NULL, or empty.
func telling(ty *values.Type) bool {
	return !(ty.RecordOfNone() && ty.Name == "record") && !ty.HoldsPending() && (!ty.NoBinary || !ty.MixesVariants())
}

// pending is a row of such a type.
func (t *translator) pending(n *pgtree.Node, call *expr.Remote) expr.Expr {
	ty := call.T
	if ty.Kind == values.KindArray || !isRecord(ty) {
		t.told(n, ty)
		return placeholder
	}
	if !ty.HoldsPending() && ty.Kind == values.KindRecord {
		return expr.Fold(expr.Defer(call, ty))
	}
	return expr.Fold(expr.Defer(call, nil))
}

// told says whether values of a type that Postgres computes can be read, where they cannot stay calls,
// and records why not.
func (t *translator) told(n *pgtree.Node, ty *values.Type) bool {
	if telling(ty) {
		return true
	}
	const construct = "rows whose fields Postgres does not tell"
	t.problem(n, CodeType, construct, construct+" cannot be held here in arrays, nor as what an aggregate or a window function of Postgres returns", "cast them to text or to a composite type")
	return false
}

// pendingNullTest is IS [NOT] NULL of a row that stays a call.
func pendingNullTest(row expr.Expr, not bool) expr.Expr {
	is := ") IS NULL"
	if not {
		is = ") IS NOT NULL"
	}
	return expr.NewRemote([]string{"(", is}, []expr.Expr{row}, false, values.BoolType)
}

// pendingField is (x).f of a row that stays a call, f being at the given place. Postgres has to be told of a row
// that is so, as it is by the first SELECT of the UNION that the query has.
func pendingField(row expr.Expr, at int, want *values.Type) expr.Expr {
	nulls := strings.Repeat("NULL::"+want.SQL+", ", at)
	before := fmt.Sprintf("(SELECT (x.r).f%d FROM (SELECT ROW(%s) AS r WHERE false UNION ALL SELECT ", at, strings.TrimSuffix(nulls, ", "))
	return expr.NewRemote([]string{before, ") AS x)"}, []expr.Expr{row}, false, want)
}
