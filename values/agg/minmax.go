package agg

import "github.com/stepping-cdc/stepping-cdc/values"

// min and max are the ends of the group in the type's order. Values that are
// equal but not the same (1.0 and 1.00, 0 and -0) are told apart by their row
// encoding, so that the one shown does not depend on the path.

// minMaxTypes are the types that Postgres has min and max of and that may be
// ordered natively.
var minMaxTypes = []string{
	"int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "bpchar", "bytea",
	"date", "time", "timetz", "timestamp", "timestamptz", "interval", "anyenum", "anyarray",
	"pg_lsn", "tid", "xid8",
}

func makeMinMax(end Extreme) Make {
	return func(args []*values.Type, _ *values.Type) *Aggregate {
		t := args[0]
		if !values.Comparable(t) {
			return nil
		}
		key := func(dst []byte, args []values.Datum) []byte { return values.AppendKey(dst, t, args[0]) }
		if !values.IdentityIsEquality(t) {
			key = func(dst []byte, args []values.Datum) []byte {
				return values.AppendRow(values.AppendKey(dst, t, args[0]), args[:1])
			}
		}
		return NewExtreme(end, key)
	}
}

func init() {
	for _, t := range minMaxTypes {
		register("min("+t+")", makeMinMax(First))
		register("max("+t+")", makeMinMax(Last))
	}
}
