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

// TestHeld: what operators hold grows with the step, is gone with Release, and a circuit goes
// on as before without it.
func TestHeld(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			store, other := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
			kept, released := q.circuit(t, store), q.circuit(t, other)
			for i := range 4 {
				var in delta
				for _, width := range q.inputs {
					b := circuit.NewBatch(width, 0)
					for k := range 40 * i {
						row := b.Grow(1)
						for c := range row {
							row[c] = values.Int(int64((k*7 + c*3 + i) % 10))
						}
					}
					in = append(in, b)
				}
				want, got := step(t, kept, store, in, q.width), step(t, released, other, in, q.width)
				if !want.Equal(got) {
					t.Fatalf("step %d differs", i)
				}
				if i > 0 && released.Held() == 0 {
					t.Errorf("step %d held nothing", i)
				}
				released.Release()
				if held := released.Held(); held != 0 {
					t.Errorf("%d bytes are held after Release", held)
				}
			}
		})
	}
}

// TestGivenUp: a step that is ended where so many rows have passed never happened, and what
// comes after it is as if it had never begun.
func TestGivenUp(t *testing.T) {
	enough := errors.New("enough")
	given := 0
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				history := genHistory(rt, q.inputs, rapid.Bool().Draw(rt, "tables"))
				a, b := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
				// The query is behind a join over its first input, in which a step may end when
				// the query's operators have been given something.
				behind := q
				behind.build = func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
					own := b.Index(in[0], "own", keyOf(false, 0))
					b.Join(own, own, 1, "before", func(l, _ []datum, out *batch, w int64) { out.Append(l[:1], w) })
					return q.build(b, in)
				}
				whole, again := behind.circuit(t, a), behind.circuit(t, b)
				for i, d := range history {
					inputs := map[string]*circuit.Batch{}
					for k, in := range d {
						if in.Len() > 0 {
							inputs[fmt.Sprintf("in%d", k)] = in
						}
					}
					left := rapid.IntRange(1, 30).Draw(rt, "rows")
					batch := b.NewBatch()
					_, err := again.StepInParts(context.Background(), inputs, batch, circuit.Parts{Passed: func(rows int) error {
						if left -= rows; left <= 0 {
							return enough
						}
						return nil
					}})
					if ended := left <= 0; errors.Is(err, enough) != ended || !ended && err != nil {
						rt.Fatalf("step %d ended with %v", i, err)
					} else if ended {
						given++
						if rapid.Bool().Draw(rt, "release") {
							again.Release()
						}
					}
					batch.Reset()
					if got, want := step(t, again, b, d, q.width), step(t, whole, a, d, q.width); !got.Equal(want) {
						rt.Fatalf("step %d of %s:\n%s\nwant\n%s", i, showHistory(history), show(got), show(want))
					}
				}
				if diff := cmp.Diff(contents(t, a), contents(t, b)); diff != "" {
					rt.Fatalf("states differ for %s:\n%s", showHistory(history), diff)
				}
			})
		})
	}
	if given == 0 {
		t.Error("no step was given up")
	}
}
