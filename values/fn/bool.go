package fn

import "github.com/stepping-cdc/stepping-cdc/values"

// Casts of booleans; their comparison is in cmp_scalar.go, and AND, OR and NOT
// are no functions.

func init() {
	register("bool(int4)", strict1(func(a values.Datum) values.Datum { return values.Bool(a.Int64() != 0) }))
	register("int4(bool)", strict1(identity))
	register("text(bool)", strict1(boolText))
}

func boolText(a values.Datum) values.Datum {
	if a.IsTrue() {
		return values.String("true")
	}
	return values.String("false")
}
