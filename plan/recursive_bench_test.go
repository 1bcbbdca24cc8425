package plan_test

import (
	"fmt"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// BenchmarkTypeChecker feeds the attributes of classes, a chain of four classes
// each, to the query that lists for each class all that it depends on. Rows are
// those that go in.
func BenchmarkTypeChecker(b *testing.B) {
	dsn := embedded.NewDB(b)
	mustExec(b, connect(b, dsn), `CREATE TABLE class (id text); CREATE TABLE attr (id text, key text, value text)`)
	a := analyze(b, dsn, []plan.View{{Name: "v", Query: `
		WITH RECURSIVE dep(id, on_id) AS (SELECT a.id, a.value FROM attr a JOIN class c ON c.id = a.value
			UNION SELECT d.id, a.value FROM dep d JOIN attr a ON a.id = d.on_id JOIN class c ON c.id = a.value)
		SELECT c.id, d.deps FROM class c LEFT JOIN (SELECT id, array_agg(on_id ORDER BY on_id) AS deps FROM dep GROUP BY id) d ON d.id = c.id`}})
	prog := plan.Compile(a.Outputs, nil)
	store, err := state.Open(b.TempDir(), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	c, err := prog.Builder.Build(store, []byte("v"))
	if err != nil {
		b.Fatal(err)
	}
	const classes = 1000 // a step
	rows := 0
	next := 0
	for b.Loop() {
		in := map[string]*circuit.Batch{}
		for _, src := range prog.Sources {
			in[src.Name] = circuit.NewBatch(len(src.Attrs), 2*classes)
			for k := next; k < next+classes; k++ {
				row := map[string]values.Datum{"id": values.String(fmt.Sprint("c", k))}
				if src.Table.Name == "attr" {
					if k%4 == 0 {
						continue
					}
					row["key"], row["value"] = values.String("base"), values.String(fmt.Sprint("c", k-1))
				}
				to := in[src.Name].Grow(1)
				for i, at := range src.Attrs {
					to[i] = row[src.Table.Columns[at].Name]
				}
			}
			rows += in[src.Name].Len()
		}
		next += classes
		batch := store.NewBatch()
		if _, err := c.Step(b.Context(), in, batch); err != nil {
			b.Fatal(err)
		}
		if _, err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
		batch.Close()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
