package plan_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// TestViewsEqualPostgres runs every view of viewCases over random writes and
// compares it with the query's result after each round.
func TestViewsEqualPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, schema)
	version := majorVersion(t, conn)
	known := slices.DeleteFunc(slices.Clone(viewCases), func(c viewCase) bool { return c.since > version })
	views, loose := caseViews(known)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 2)))
	r.loose = loose
	r.check()
	for range 70 {
		for range 1 + r.rnd.IntN(18) {
			r.write()
		}
		r.feed(3)
		r.check()
	}
	// A view that was never compared has shown nothing.
	for _, v := range views {
		if r.agreed[v.Name] == 0 {
			t.Errorf("view %s failed in Postgres each time", v.Name)
		}
		if empty := strings.Contains(v.Query, "WHERE false") || strings.Contains(v.Query, "WHERE NULL") || strings.Contains(v.Query, "tier = 77"); !empty && r.filled[v.Name] == 0 {
			t.Errorf("view %s never had a row", v.Name)
		}
	}
	for _, name := range []string{"division", "bad_cast", "fussy", "overflow", "error_in_group", "domain_check", "limit_negative", "limit_sub_negative", "limit_outer_negative", "offset_negative", "limit_division"} {
		if r.failed[name] == 0 {
			t.Errorf("view %s never had an error in its data", name)
		}
	}
}
