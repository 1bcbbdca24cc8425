package circuit_test

import (
	"testing"

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
