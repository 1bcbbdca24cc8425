package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// randomSeeds are those whose views once went wrong.
var randomSeeds = []uint64{}

// TestRandomViewsEqualPostgres makes up views from a seed and runs them over
// random writes. STEPPING_VIEWS says how many views there are to be in all, and
// STEPPING_SEED from which seed on.
func TestRandomViewsEqualPostgres(t *testing.T) {
	const perSeed = 20
	number := func(name string, otherwise int) int {
		text, ok := os.LookupEnv(name)
		if !ok {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	seeds := append([]uint64{}, randomSeeds...)
	first := number("STEPPING_SEED", 1)
	for i := range number("STEPPING_VIEWS", 60) / perSeed {
		seeds = append(seeds, uint64(first+i))
	}
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), schema)
	made, refused, filled := 0, 0, 0
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := &generator{rnd: rand.New(rand.NewPCG(seed, 77))}
			var views []plan.View
			for i := range perSeed {
				views = append(views, plan.View{Name: fmt.Sprintf("random_%d_%d", seed, i), Query: g.view(1 + i%3)})
			}
			made += len(views)
			for _, v := range views {
				t.Logf("%s: %s", v.Name, v.Query)
			}
			kept := maintainable(t, dsn, views)
			refused += len(views) - len(kept)
			filled += runRandom(t, dsn, kept, g.rnd)
		})
	}
	t.Logf("%d views, %d refused, %d had rows", made, refused, filled)
	if refused > 2+made/50 {
		t.Errorf("%d of %d views are refused", refused, made)
	}
	if filled*3 < made {
		t.Errorf("only %d of %d views ever had rows", filled, made)
	}
}

// maintainable leaves out the views that are refused.
func maintainable(t *testing.T, dsn string, views []plan.View) []plan.View {
	t.Helper()
	a, err := plan.Analyze(t.Context(), connect(t, dsn), views, plan.Reserved{"stepping", "stepping_cdc"})
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]bool{}
	for _, p := range a.Problems {
		if p.SQLState != "" {
			t.Errorf("the generator wrote a query that Postgres does not take: %v", p)
		}
		bad[p.View] = true
		t.Logf("refused: %v", p)
	}
	var kept []plan.View
	for _, v := range views {
		if !bad[v.Name] {
			kept = append(kept, v)
		}
	}
	return kept
}

// runRandom runs the views over random writes, and says how many had rows.
func runRandom(t *testing.T, dsn string, views []plan.View, rnd *rand.Rand) int {
	t.Helper()
	r := newRig(t, dsn, views, rnd)
	for _, v := range views {
		r.loose[v.Name] = true
	}
	for range 8 {
		for range 4 + r.rnd.IntN(12) {
			r.write()
		}
		// Products of tables stay small.
		for _, table := range genTables {
			mustExec(t, r.conn, fmt.Sprintf("DELETE FROM %[1]s WHERE (tableoid, ctid) NOT IN (SELECT tableoid, ctid FROM %[1]s LIMIT 10)", table.name))
		}
		r.feed(3)
		r.check()
	}
	filled := 0
	for _, v := range views {
		if r.filled[v.Name] > 0 {
			filled++
		}
	}
	return filled
}
