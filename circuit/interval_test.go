package circuit_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// spread is the key of a column, with distances of all sizes between the small numbers
// that tests are made of. NULLs meet nothing.
func spread(column int) circuit.BoundFunc {
	return func(dst []byte, row []datum) ([]byte, circuit.Meets) {
		if row[column].IsNull() {
			return dst, circuit.MeetsNothing
		}
		x := row[column].Int64()
		return values.AppendKeyInt(dst, x*x*x*1001), circuit.MeetsByKey
	}
}

// fails is spread of a column that could not be computed where it is a certain number.
func fails(column int, at int64) circuit.BoundFunc {
	of := spread(column)
	return func(dst []byte, row []datum) ([]byte, circuit.Meets) {
		if !row[column].IsNull() && row[column].Int64() == at {
			return dst, circuit.MeetsAll
		}
		return of(dst, row)
	}
}

// unless is a comparison that is true, too, where a left column is one number or a right
// one is another.
func unless(is func(a, b int64) bool, left, right int64) func(a, b int64) bool {
	return func(a, b int64) bool { return a == left || b == right || is(a, b) }
}

// meet gives a pair if all comparisons of a left column with a right one are true.
func meet(comparisons ...comparison) circuit.JoinFunc {
	return func(l, r []datum, out *batch, w int64) {
		for _, c := range comparisons {
			a, b := l[c.left], r[c.right]
			if a.IsNull() || b.IsNull() || !c.is(a.Int64(), b.Int64()) {
				return
			}
		}
		out.Append(slices.Concat(l, r), w)
	}
}

type comparison struct {
	left, right int
	is          func(a, b int64) bool
}

func less(a, b int64) bool       { return a < b }
func most(a, b int64) bool       { return a <= b }
func least(a, b int64) bool      { return a >= b }
func greater(a, b int64) bool    { return a > b }
func the(a, b int64) bool        { return a == b }
func never(_, _ int64) bool      { return false }
func everything(_, _ int64) bool { return true }

// intervals is a query by an interval join of streams of three columns; of the second
// one with itself if self.
func intervals(name string, l, r circuit.Interval, self bool, comparisons ...comparison) query {
	f := meet(comparisons...)
	q := query{name: name, inputs: []int{3, 3}, width: 6}
	if self {
		q.inputs = q.inputs[:1]
	}
	last := len(q.inputs) - 1
	q.build = func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
		return b.IntervalJoin(in[0], in[last], 6, name, l, r, f)
	}
	q.naive = func(in []*batch) *batch {
		all := func(dst []byte, _ []datum) ([]byte, bool) { return dst, true }
		return naiveJoin(in[0], in[last], all, all, f, 6)
	}
	return q
}

func init() {
	point, bounds := circuit.Interval{From: spread(0), Point: true}, circuit.Interval{From: spread(1), To: spread(2)}
	grouped := func(i circuit.Interval) circuit.Interval {
		i.Group = keyOf(true, 0)
		return i
	}
	queries = append(queries,
		intervals("key < key", point, circuit.Interval{To: spread(0)}, false, comparison{0, 0, less}),
		intervals("key >= key", circuit.Interval{To: spread(1)}, point, false, comparison{1, 0, least}),
		intervals("key BETWEEN keys", point, bounds, false, comparison{0, 1, least}, comparison{0, 2, most}),
		intervals("keys around key", bounds, point, false, comparison{1, 0, most}, comparison{2, 0, least}),
		intervals("overlap", bounds, bounds, false, comparison{1, 2, less}, comparison{2, 1, greater}),
		intervals("overlap within groups", grouped(bounds), grouped(bounds), false, comparison{0, 0, the}, comparison{1, 2, most}, comparison{2, 1, least}),
		intervals("overlap of open ends", circuit.Interval{From: spread(1)}, circuit.Interval{To: spread(2)}, false, comparison{1, 2, most}),
		intervals("no ends", circuit.Interval{}, bounds, false, comparison{0, 1, everything}, comparison{0, 2, everything}, comparison{1, 1, everything}),
		intervals("overlap with itself", bounds, bounds, true, comparison{1, 2, most}, comparison{2, 1, least}),
		intervals("key BETWEEN keys, some fail", circuit.Interval{From: fails(0, 1), Point: true}, circuit.Interval{From: spread(1), To: fails(2, 2)}, false,
			comparison{0, 1, unless(least, 1, 9)}, comparison{0, 2, unless(most, 1, 2)}),
		intervals("overlap, some fail", circuit.Interval{From: fails(1, 1), To: spread(2)}, circuit.Interval{From: fails(1, 0), To: spread(2)}, false,
			comparison{1, 1, unless(never, 1, 0)}, comparison{2, 2, everything}),
		intervals("overlap of open ends, some fail", circuit.Interval{From: fails(1, 1)}, circuit.Interval{To: fails(2, 0)}, false, comparison{1, 2, unless(most, 1, 0)}),
		intervals("key BETWEEN keys of itself", point, bounds, true, comparison{0, 1, least}, comparison{0, 2, most}),
	)
}

// TestIntervalJoinReads counts what a change reads: not more where there are more rows.
func TestIntervalJoinReads(t *testing.T) {
	plain := func(column int) circuit.BoundFunc {
		return func(dst []byte, row []datum) ([]byte, circuit.Meets) {
			return values.AppendKeyInt(dst, row[column].Int64()), circuit.MeetsByKey
		}
	}
	point, bounds := circuit.Interval{From: plain(0), Point: true}, circuit.Interval{From: plain(0), To: plain(1)}
	for _, c := range []struct {
		name        string
		left, right circuit.Interval
	}{{"points in bounds", point, bounds}, {"bounds around points", bounds, point}, {"overlap", bounds, bounds}} {
		t.Run(c.name, func(t *testing.T) {
			reads := func(n int64) int64 {
				store := state.NewMemory(state.Options{})
				b := circuit.NewBuilder()
				f := func(l, r []datum, out *batch, w int64) { out.Append(slices.Concat(l, r), w) }
				b.Output("out", b.IntervalJoin(b.Source("in0", 2), b.Source("in1", 2), 4, "", c.left, c.right, f))
				circ, err := b.Build(store, []byte("q"))
				if err != nil {
					t.Fatal(err)
				}
				rows := circuit.NewBatch(2, int(n))
				for i := range n {
					rows.Append([]datum{values.Int(20 * i), values.Int(20*i + 15)}, 1)
				}
				step(t, circ, store, delta{circuit.NewBatch(2, 0), rows}, 4)
				before := circ.Nodes()[2].Stats.KeysRead
				r := rand.New(rand.NewPCG(1, 2))
				const changes = 500
				for range changes {
					at := r.Int64N(20 * n)
					row := circuit.NewBatch(2, 1)
					row.Append([]datum{values.Int(at), values.Int(at + 15)}, 1)
					step(t, circ, store, delta{row, circuit.NewBatch(2, 0)}, 4)
				}
				return (circ.Nodes()[2].Stats.KeysRead - before) / changes
			}
			few, many := reads(1_000), reads(64_000)
			// Six more levels of the tree, of which each is sought, and perhaps again by the other bound.
			if many > few+3*6 {
				t.Errorf("a change reads %d keys over 1,000 rows, %d over 64,000", few, many)
			}
		})
	}
}
