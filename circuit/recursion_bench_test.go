package circuit_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// BenchmarkClosure adds and removes one edge, a new leaf of a tree, whose closure
// holds the given number of pairs; the rows are those that change by it.
func BenchmarkClosure(b *testing.B) {
	for _, n := range []int{200, 2000, 14000} {
		b.Run(fmt.Sprintf("%d-edges", n), func(b *testing.B) {
			store, err := state.Open(b.TempDir(), state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			q := closure(10000)
			c := q.circuit(b, store)
			r := rand.New(rand.NewPCG(1, 1))
			tree := circuit.NewBatch(2, 0)
			for i := 1; i <= n; i++ {
				tree.Append([]datum{values.Int(r.Int64N(int64(i))), values.Int(int64(i))}, 1)
			}
			pairs := step(b, c, store, delta{tree}, q.width).Len()
			rows := 0
			b.ResetTimer()
			for i := range b.N {
				edge := circuit.NewBatch(2, 1)
				edge.Append([]datum{values.Int(int64(r.IntN(n))), values.Int(int64(n + 1 + i))}, 1)
				rows += step(b, c, store, delta{edge}, q.width).Len()
				edge.Negate()
				rows += step(b, c, store, delta{edge}, q.width).Len()
			}
			b.ReportMetric(float64(pairs), "pairs")
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkClosureLoad loads the edges of a tree in random order, a chunk a step.
func BenchmarkClosureLoad(b *testing.B) {
	for _, n := range []int{1000, 10000, 100000} {
		b.Run(fmt.Sprintf("%d-edges", n), func(b *testing.B) {
			pairs := 0
			for range b.N {
				store, err := state.Open(b.TempDir(), state.Options{})
				if err != nil {
					b.Fatal(err)
				}
				q := closure(10000)
				c := q.circuit(b, store)
				r := rand.New(rand.NewPCG(1, 1))
				order := r.Perm(n)
				pairs = 0
				const chunk = 4096
				for from := 0; from < n; from += chunk {
					edges := circuit.NewBatch(2, chunk)
					for _, i := range order[from:min(n, from+chunk)] {
						edges.Append([]datum{values.Int(int64(i) / 2), values.Int(int64(i) + 1)}, 1)
					}
					pairs += step(b, c, store, delta{edges}, q.width).Len()
				}
				store.Close()
			}
			b.ReportMetric(float64(pairs), "pairs")
			b.ReportMetric(float64(pairs*b.N)/b.Elapsed().Seconds(), "pairs/s")
		})
	}
}
