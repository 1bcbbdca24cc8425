package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// BenchmarkOrder feeds different names to the first ten of them, in a collation
// whose order is asked of Postgres and, for comparison, in C: a table of 100,000 in
// steps as a load makes them, and one a step into such a table.
func BenchmarkOrder(b *testing.B) {
	dsn := embedded.NewDB(b)
	mustExec(b, connect(b, dsn), `CREATE TABLE people (id int PRIMARY KEY, name text)`)
	const rows, chunk = 100_000, 8192
	for _, collation := range []string{"C", "en-US-x-icu"} {
		a := analyze(b, dsn, []plan.View{{Name: "v", Query: `SELECT id, name FROM people ORDER BY name COLLATE "` + collation + `", id LIMIT 10`}})
		build := func(b *testing.B) (step func(from, n int), done func()) {
			rnd := rand.New(rand.NewPCG(1, 2))
			eval := remote.New(dsn, a.Settings)
			prog := plan.Compile(a.Outputs, eval)
			store, err := state.Open(b.TempDir(), state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			c, err := prog.Builder.Build(store, []byte("v"))
			if err != nil {
				b.Fatal(err)
			}
			return func(from, n int) {
					in := circuit.NewBatch(2, n)
					for i := range n {
						name := fmt.Sprintf("%c%x-%x %d", 'A'+rnd.IntN(26), rnd.Uint32(), rnd.Uint32(), from+i)
						in.Append([]values.Datum{values.Int(int64(from + i)), values.String(name)}, 1)
					}
					batch := store.NewBatch()
					defer batch.Close()
					if _, err := c.Step(b.Context(), map[string]*circuit.Batch{prog.Sources[0].Name: in}, batch); err != nil {
						b.Fatal(err)
					}
					if _, err := batch.Commit(); err != nil {
						b.Fatal(err)
					}
				}, func() {
					_ = store.Close()
					_ = eval.Close(context.Background())
				}
		}
		load := func(step func(from, n int)) {
			for from := 0; from < rows; from += chunk {
				step(from, min(chunk, rows-from))
			}
		}
		b.Run("load/"+collation, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				step, done := build(b)
				b.StartTimer()
				load(step)
				b.StopTimer()
				done()
				b.StartTimer()
			}
		})
		b.Run("one/"+collation, func(b *testing.B) {
			step, done := build(b)
			defer done()
			load(step)
			next := rows
			for b.Loop() {
				step(next, 1)
				next++
			}
		})
	}
}
