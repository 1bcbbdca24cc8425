package circuit_test

import (
	"math"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Time is a sum, which goes forward and back. A row's value is how many stretches of time
// have passed since the row's, each as long as its second column says, four of them at most; of a
// row that says nothing it is the time itself.
func timeOf(right []datum) int64 {
	if right[0].IsNull() {
		return 0
	}
	return right[0].Int64()
}

func stretchesOf(left []datum, t int64) int64 {
	switch {
	case left[0].IsNull() || left[1].IsNull():
		return t
	case t < left[0].Int64():
		return 0
	}
	return min((t-left[0].Int64())/(1+left[1].Int64()*left[1].Int64()), 4)
}

var turnSpec = circuit.TurnSpec{
	Time: func(right []datum) uint64 { return uint64(timeOf(right)) + 1<<32 },
	Until: func(left, right []datum) uint64 {
		if left[0].IsNull() || left[1].IsNull() {
			return 0
		}
		t := timeOf(right)
		for next := t + 1; next < t+100; next++ {
			if stretchesOf(left, next) != stretchesOf(left, t) {
				return uint64(next) + 1<<32
			}
		}
		return math.MaxUint64
	},
	Emit: func(left, right []datum, out *batch, w int64) {
		row := out.Grow(w)
		copy(row, left)
		row[2] = values.Int(stretchesOf(left, timeOf(right)))
	},
}

var timeSpec = circuit.AggSpec{
	Global:     true,
	Aggregates: []circuit.Aggregate{{Width: 1, Args: func(row, dst []datum) bool { dst[0] = row[0]; return true }, Linear: newSum}},
}

func init() {
	naive := func(left, times *batch) *batch {
		out := circuit.NewBatch(3, 0)
		for i, w := range left.W {
			for j := range times.W {
				turnSpec.Emit(left.Row(i), times.Row(j), out, w*times.W[j])
			}
		}
		return out
	}
	queries = append(queries, query{
		name: "turning", inputs: []int{2, 1}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Turning(in[0], b.Aggregate(in[1], "time", timeSpec), 3, "stretches", turnSpec)
		},
		naive: func(in []*batch) *batch { return naive(in[0], naiveAggregate(timeSpec, in[1])) },
	}, query{
		name: "turning, at no time", inputs: []int{2, 1}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			at := timeSpec
			at.Global, at.Key = false, noKey
			return b.Turning(in[0], b.Aggregate(in[1], "time", at), 3, "stretches", turnSpec)
		},
		naive: func(in []*batch) *batch {
			at := timeSpec
			at.Global, at.Key = false, noKey
			return naive(in[0], naiveAggregate(at, in[1]))
		},
	})
}

// TestTurningReads: as time passes, no more is read than the rows that turn, each once for
// each turn, and nothing while there are none.
func TestTurningReads(t *testing.T) {
	store := state.NewMemory(state.Options{})
	b := circuit.NewBuilder()
	rows, at := b.Source("in0", 1), b.Source("in1", 1)
	asked := 0
	spec := circuit.TurnSpec{
		Time: func(right []datum) uint64 { return uint64(right[0].Int64()) },
		Until: func(left, right []datum) uint64 {
			asked++
			if l, r := left[0].Int64(), right[0].Int64(); l > r {
				return uint64(l)
			}
			return math.MaxUint64
		},
		Emit: func(left, right []datum, out *batch, w int64) {
			row := out.Grow(w)
			row[0], row[1] = left[0], values.Bool(right[0].Int64() >= left[0].Int64())
		},
	}
	b.Output("out", b.Turning(rows, at, 2, "past", spec))
	c, err := b.Build(store, []byte("t"))
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	all := circuit.NewBatch(1, n)
	for i := range n {
		all.Append([]datum{values.Int(int64(10 * i))}, 1)
	}
	tick := func(from, to int64) *batch {
		in := circuit.NewBatch(1, 2)
		if from > 0 {
			in.Append([]datum{values.Int(from)}, -1)
		}
		in.Append([]datum{values.Int(to)}, 1)
		return in
	}
	step(t, c, store, delta{all, tick(0, 5)}, 2)
	read := func() (n int64) {
		for _, node := range c.Nodes() {
			n += node.Stats.KeysRead
		}
		return n
	}
	for now := int64(5); now < 2000; {
		asked = 0
		before, next := read(), now+now%37+1
		turned := next/10 - now/10
		out := step(t, c, store, delta{circuit.NewBatch(1, 0), tick(now, next)}, 2)
		if out.Len() != int(2*turned) || asked != int(turned) || read()-before > 6+2*turned {
			t.Fatalf("from %d to %d: %d rows out, %d asked, %d keys read", now, next, out.Len(), asked, read()-before)
		}
		now = next
	}
}
