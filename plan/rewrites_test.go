package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/explain"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestRewrites compares rewritten plans.
func TestRewrites(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema)
	datadriven.RunTest(t, "testdata/rewrites", func(t *testing.T, d *datadriven.TestData) string {
		a, err := plan.Analyze(t.Context(), conn, []plan.View{{Name: "v", Query: d.Input}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range a.Problems {
			t.Error(p)
		}
		if len(a.Outputs) == 0 {
			return ""
		}
		var b strings.Builder
		var write func(n algebra.Node, indent string)
		write = func(n algebra.Node, indent string) {
			b.WriteString(indent + n.Label() + "\n")
			for _, c := range n.Children() {
				write(c, indent+"  ")
			}
		}
		write(a.Outputs[0].Plan, "")
		return b.String()
	})
}

// TestSharing: views that read and join the same things do so once.
func TestSharing(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	count := func(views ...plan.View) map[string]int {
		t.Helper()
		prog := plan.Compile(analyze(t, dsn, views).Outputs, nil)
		c, err := prog.Builder.Build(state.NewMemory(state.Options{}), []byte("v"))
		if err != nil {
			t.Fatal(err)
		}
		ops := map[string]int{}
		for _, n := range c.Nodes() {
			ops[n.Op]++
		}
		return ops
	}
	a := plan.View{Name: "a", Query: "SELECT c.region, sum(o.amount) AS s FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.region"}
	b := plan.View{Name: "b", Query: "SELECT c.name, o.day FROM customers c JOIN orders o ON c.id = o.customer_id"}
	same := a
	same.Name = "same"

	// Another view over the same relations joined on the same columns uses the
	// same two indexes, whatever columns it wants.
	if ops := count(a, b); ops["index"] != 2 || ops["source"] != 2 || ops["join"] != 2 {
		t.Errorf("two views over one join: %v", ops)
	}
	// (An output of rows and one of errors each.)
	if ops := count(a, same); ops["index"] != 2 || ops["join"] != 1 || ops["aggregate"] != 1 || ops["output"] != 4 {
		t.Errorf("two equal views: %v", ops)
	}
	// A view over a view does not compute it again.
	if ops := count(a, plan.View{Name: "over", Query: "SELECT region FROM a WHERE s > 10"}); ops["index"] != 2 || ops["join"] != 1 || ops["aggregate"] != 1 {
		t.Errorf("a view over a view: %v", ops)
	}
	// Both sides of a self-join are one index if they are joined on one column.
	if ops := count(plan.View{Name: "self", Query: "SELECT a.r, b.r AS other FROM edges a JOIN edges b ON a.l = b.l"}); ops["index"] != 1 {
		t.Errorf("a self-join: %v", ops)
	}
}

// TestNesting: the domain of a sub-query is the query around it once more, and so
// the paths through a plan double with each level; its nodes must not, nor may
// anything walk all the paths.
func TestNesting(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	nodes := func(depth int) int {
		query := "e0.l"
		for i := depth; i > 0; i-- {
			query = fmt.Sprintf("(SELECT count(*) FROM edges e%[1]d LEFT JOIN loose x%[1]d ON x%[1]d.a = %[3]s WHERE e%[1]d.l = e%[2]d.r AND e%[1]d.r IN (SELECT k FROM parts WHERE q < e%[2]d.l))", i, i-1, query)
		}
		a := analyze(t, dsn, []plan.View{{Name: "nested", Query: "SELECT " + query + " FROM edges e0"}})
		if _, err := explain.View(a.Outputs[0], plan.Compile(a.Outputs, nil).Views, "text"); err != nil {
			t.Fatal(err)
		}
		n := 0
		algebra.Walk(a.Outputs[0].Plan, func(algebra.Node) { n++ })
		return n
	}
	few, many := nodes(3), nodes(12)
	if many > 12*few {
		t.Errorf("a plan of 3 levels has %d nodes, one of 12 levels %d", few, many)
	}
	t.Logf("%d nodes for 3 levels, %d for 12", few, many)
}
