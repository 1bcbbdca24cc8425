package remote

import "github.com/stepping-cdc/stepping-cdc/plan/expr"

// telling says whether what is sent of a call's results does not say what they are: the names of
// records' fields tell, which the binary form does not have.
func telling(call *expr.Remote) bool { return !call.T.NoBinary && !call.T.Distinguishable() }

// told has Postgres send a value with its JSON, for values.DecodeTold.
func told(value string) string {
	return "(SELECT ROW(pg_catalog.to_json(v.x)::pg_catalog.text, v.x) FROM (SELECT " + value + " AS x OFFSET 0) AS v WHERE pg_catalog.num_nulls(v.x) = 0)"
}
