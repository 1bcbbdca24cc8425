package plan_test

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestJoinsShareIntervalIndexes: joins that look for the same rows in the same order, of one view or of several,
// keep them once.
func TestJoinsShareIntervalIndexes(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	a := analyze(t, dsn, []plan.View{
		{Name: "first", Query: `SELECT o.id, e.id AS other FROM orders o JOIN everything e ON o.qty BETWEEN e.i2 AND e.i4`},
		{Name: "second", Query: `SELECT o.amount, e.n FROM orders o JOIN everything e ON e.i2 <= o.qty AND o.qty <= e.i4`},
		{Name: "third", Query: `SELECT o.id FROM orders o JOIN customers c ON o.qty > c.tier`},
		{Name: "fourth", Query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.n <= b.n2 AND b.n <= a.n2`},
	})
	store := state.NewMemory(state.Options{})
	defer store.Close()
	c, err := plan.Compile(a.Outputs, nil).Builder.Build(store, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, n := range c.Nodes() {
		count[n.Op]++
	}
	// orders by qty, everything from i2 to i4 and from n to n2, customers from tier on.
	if count["interval index"] != 4 || count["interval join"] != 4 {
		t.Errorf("%d indexes by intervals of %d joins", count["interval index"], count["interval join"])
	}
}
