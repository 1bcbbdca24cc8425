package circuit_test

import (
	"slices"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// bounding is a query by an interval join that gives a pair's columns without those of the bounds.
func bounding(name string, l, r circuit.Interval, ofLeft, ofRight []int, comparisons ...comparison) query {
	const width = 3
	var out []int
	for c := range 2 * width {
		if of := ofLeft; c < width && !slices.Contains(of, c) {
			out = append(out, c)
		} else if of := ofRight; c >= width && !slices.Contains(of, c-width) {
			out = append(out, c)
		}
	}
	all := meet(comparisons...)
	f := func(l, r []datum, to *batch, w int64) {
		pair := circuit.NewBatch(2*width, 1) // of each call: several goroutines may evaluate the query
		all(l, r, pair, w)
		for i := range pair.Len() {
			row := to.Grow(w)
			for j, c := range out {
				row[j] = pair.Row(i)[c]
			}
		}
	}
	return query{
		name: name, inputs: []int{width, width}, width: len(out),
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			left := b.IntervalIndex(in[0], "left", l).Only(0, 1, 2).Bounding(ofLeft...)
			return b.IntervalJoin(left, b.IntervalIndex(in[1], "right", r).Bounding(ofRight...), len(out), name, f)
		},
		naive: func(in []*batch) *batch {
			everyone := func(dst []byte, _ []datum) ([]byte, bool) { return dst, true }
			return naiveJoin(in[0], in[1], everyone, everyone, f, len(out))
		},
	}
}

func init() {
	point := circuit.Interval{From: spread(0), Point: true}
	grouped := func(i circuit.Interval) circuit.Interval {
		i.Group = keyOf(true, 2)
		return i
	}
	beside := comparison{2, 2, the}
	queries = append(queries,
		bounding("key < a bound that moves", point, circuit.Interval{To: spread(1)}, nil, []int{1}, comparison{0, 1, less}),
		bounding("key >= a bound that moves", point, circuit.Interval{From: spread(1)}, nil, []int{1}, comparison{0, 1, least}),
		bounding("key BETWEEN bounds that move", point, circuit.Interval{From: spread(0), To: spread(1)}, nil, []int{0, 1}, comparison{0, 0, least}, comparison{0, 1, most}),
		bounding("key within bounds that move", point, circuit.Interval{From: spread(0), To: spread(1)}, nil, []int{0, 1}, comparison{0, 0, greater}, comparison{0, 1, less}),
		bounding("of a group, key <= a bound that moves", grouped(point), grouped(circuit.Interval{To: spread(1)}), nil, []int{1}, beside, comparison{0, 1, most}),
		bounding("of a group, key BETWEEN bounds that move", grouped(point), grouped(circuit.Interval{From: spread(0), To: spread(1)}), nil, []int{0, 1}, beside, comparison{0, 0, least}, comparison{0, 1, less}),
		bounding("bounds that move above key", circuit.Interval{To: spread(1)}, point, []int{1}, nil, comparison{1, 0, greater}),
		bounding("key that moves < bound", point, circuit.Interval{To: spread(1)}, []int{0}, nil, comparison{0, 1, less}),
		bounding("key that moves >= bound", point, circuit.Interval{From: spread(1)}, []int{0}, nil, comparison{0, 1, least}),
		bounding("key and bound move", grouped(circuit.Interval{From: spread(1)}), grouped(point), []int{1}, []int{0}, beside, comparison{1, 0, less}),
		bounding("bounds that move and fail", circuit.Interval{From: fails(0, 1), Point: true, Fails: true}, circuit.Interval{To: fails(1, 2), Fails: true}, nil, []int{1}, comparison{0, 1, unless(most, 1, 2)}),
	)
}

// TestMovedBoundReads: of many points, only those are read that a bound has moved across, and those at its places.
func TestMovedBoundReads(t *testing.T) {
	const n = 10_000
	points := circuit.NewBatch(2, n)
	for i := range int64(n) {
		points.Append([]datum{values.Int(10 * i), values.Int(i)}, 1)
	}
	point := circuit.Interval{From: plain(0), Point: true}
	for _, c := range []struct {
		name     string
		bound    circuit.Interval
		was, is  [2]int64
		most     int64
		expected int // rows that come or go
	}{
		{"upper", circuit.Interval{To: plain(0)}, [2]int64{50_000, 0}, [2]int64{50_041, 0}, 10, 4},
		{"lower", circuit.Interval{From: plain(0)}, [2]int64{50_041, 0}, [2]int64{50_000, 0}, 10, 5},
		{"both", circuit.Interval{From: plain(0), To: plain(1)}, [2]int64{20_001, 70_001}, [2]int64{20_021, 70_021}, 20, 4},
		{"one of both", circuit.Interval{From: plain(0), To: plain(1)}, [2]int64{20_001, 70_001}, [2]int64{20_001, 70_021}, 10, 2},
		{"none in common", circuit.Interval{From: plain(0), To: plain(1)}, [2]int64{20_001, 20_101}, [2]int64{70_001, 70_101}, 40, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := state.NewMemory(state.Options{})
			b := circuit.NewBuilder()
			f := func(l, r []datum, out *batch, w int64) {
				x, low, high := l[0].Int64(), r[0].Int64(), r[1].Int64()
				if c.bound.From != nil && x < low || c.bound.To != nil && x > low && (c.bound.From == nil || x > high) {
					return
				}
				out.Append(l, w)
			}
			b.Output("out", b.IntervalJoin(b.IntervalIndex(b.Source("in0", 2), "", point), b.IntervalIndex(b.Source("in1", 2), "", c.bound).Bounding(0, 1), 2, "", f))
			circ, err := b.Build(store, []byte("q"))
			if err != nil {
				t.Fatal(err)
			}
			row := func(bounds [2]int64, w int64, to *batch) {
				to.Append([]datum{values.Int(bounds[0]), values.Int(bounds[1])}, w)
			}
			first, moved := circuit.NewBatch(2, 1), circuit.NewBatch(2, 2)
			row(c.was, 1, first)
			step(t, circ, store, delta{points, first}, 2)
			row(c.was, -1, moved)
			row(c.is, 1, moved)
			read := func() (sum int64) {
				for _, n := range circ.Nodes() {
					sum += n.Stats.KeysRead
				}
				return sum
			}
			before := read()
			out := step(t, circ, store, delta{circuit.NewBatch(2, 0), moved}, 2)
			must(out.Consolidate())
			if got := read() - before; out.Len() != c.expected || got > c.most {
				t.Errorf("%d rows come or go, of %d expected; %d keys read", out.Len(), c.expected, got)
			}
		})
	}
}
