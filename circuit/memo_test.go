package circuit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// TestLoad: during a load, with any room for what operators remember, with steps that fail and are made
// again, and behind it, outputs are those of the definition, and the state is the same as without.
func TestLoad(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				history := genHistory(rt, q.inputs, rapid.Bool().Draw(rt, "tables"))
				// All of it once more, and then, backwards, taken back.
				history = append(history, history...)
				for i := len(history)/2 - 1; i >= 0; i-- {
					var back delta
					for _, b := range history[i] {
						b = b.Clone()
						b.Negate()
						back = append(back, b)
					}
					history = append(history, back)
				}
				plain, store := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
				run(t, &q, plain, history)
				c := q.circuit(t, store)
				loading := true
				start := func() { c.StartLoad(rapid.SampledFrom([]int{0, 150, 400, 1 << 20}).Draw(rt, "bytes")) }
				start()
				for i, want := range q.expected(history) {
					switch rapid.IntRange(0, 20).Draw(rt, "load") {
					case 17:
						start()
						loading = true
					case 18:
						c.Release()
					case 19:
						c.EndLoad()
						loading = false
					case 20:
						failedStep(t, c, store, history[i], rapid.IntRange(0, 10).Draw(rt, "rows passed"))
					}
					if !loading && rapid.Bool().Draw(rt, "not committed") {
						batch := store.NewBatch()
						if _, err := c.Step(context.Background(), inputsOf(history[i]), batch); err != nil {
							rt.Fatal(err)
						}
						batch.Close()
					}
					got := step(t, c, store, history[i], q.width)
					if !got.Equal(want) {
						rt.Fatalf("step %d of %s:\n%s\nwant\n%s", i, showHistory(history), show(got), show(want))
					}
				}
				if diff := cmp.Diff(contents(t, plain), contents(t, store)); diff != "" {
					rt.Fatalf("states differ for %s:\n%s", showHistory(history), diff)
				}
			})
		})
	}
}

// TestEvaluatedEarly: an aggregate that is given more rows in a step than it holds back gives what it gives for the same
// rows in small steps, in a load, too, in which it remembers groups.
func TestEvaluatedEarly(t *testing.T) {
	const rows, groups = 150_000, 300
	q := aggregateQuery("linear", circuit.AggSpec{
		Key: keyOf(true, 0), GroupWidth: 1, Group: columns(0),
		Aggregates: []circuit.Aggregate{{Linear: newCount}, {Linear: newSum, Width: 1, Args: args(1)}},
	})
	large, small := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
	whole, parts := q.circuit(t, large), q.circuit(t, small)
	whole.StartLoad(1 << 20)
	for turn := range 6 {
		in := circuit.NewBatch(2, rows)
		for i := range rows {
			w := int64(1)
			if turn == 4 || i%3 == 0 && turn == 2 {
				w = -1
			}
			in.Append([]datum{values.Int(int64(i * (1 + turn%2) % (groups + turn))), values.Int(int64(i % 7))}, w)
		}
		if turn == 5 {
			whole.EndLoad()
		}
		got := step(t, whole, large, delta{in}, q.width)
		want := circuit.NewBatch(q.width, 0)
		for lo := 0; lo < rows; lo += 10_000 {
			want.AddAll(step(t, parts, small, delta{in.Slice(lo, lo+10_000)}, q.width))
		}
		must(got.Consolidate())
		must(want.Consolidate())
		if !got.Equal(want) {
			t.Fatalf("step %d differs", turn)
		}
		if diff := cmp.Diff(contents(t, small), contents(t, large)); diff != "" {
			t.Fatalf("states differ after step %d:\n%s", turn, diff)
		}
	}
}

func inputsOf(in delta) map[string]*circuit.Batch {
	inputs := map[string]*circuit.Batch{}
	for i, b := range in {
		inputs[fmt.Sprintf("in%d", i)] = b
	}
	return inputs
}

// failedStep makes a step that is broken off when so many rows have passed, or nearly all of it is done.
func failedStep(t *testing.T, c *circuit.Circuit, store state.Store, in delta, rows int) {
	t.Helper()
	stop := errors.New("stop")
	batch := store.NewBatch()
	defer batch.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := c.StepInParts(ctx, inputsOf(in), batch, circuit.Parts{Passed: func(n int) error {
		if rows -= n; rows < 0 {
			return stop
		}
		return nil
	}})
	if err == nil { // fewer rows than that: it fails at its very end
		cancel()
		_, err = c.Step(ctx, inputsOf(in), batch)
	}
	if err == nil {
		t.Fatal("a step does not fail")
	}
}
