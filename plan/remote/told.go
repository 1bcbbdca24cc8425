package remote

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// answer is the type of what is sent for a call.
func answer(call *expr.Remote) *values.Type {
	if t := call.T; t.Variant && !t.Distinguishable() && t.Tellable() {
		return t.Told()
	}
	return call.T
}

// told has Postgres say with a record what its fields are called, by the number of the first variant
// with these names: JSON shows them, the binary form does not.
func told(value string, t *values.Type) string {
	var seen [][]string
	number := "CASE ARRAY(SELECT pg_catalog.json_object_keys(pg_catalog.row_to_json(v.x)))"
	for i, of := range t.Variants() {
		names := of.Names()
		if slices.ContainsFunc(seen, func(s []string) bool { return slices.Equal(s, names) }) {
			continue
		}
		seen = append(seen, names)
		quoted := make([]string, len(names))
		for k, name := range names {
			quoted[k] = catalog.Quote(name)
		}
		number += fmt.Sprintf(" WHEN ARRAY[%s]::pg_catalog.text[] THEN %d", strings.Join(quoted, ", "), i)
	}
	return "(SELECT CASE WHEN pg_catalog.row_to_json(v.x) IS NOT NULL THEN ROW(" + number + " END, v.x) END FROM (SELECT " + value + " AS x OFFSET 0) AS v)"
}
