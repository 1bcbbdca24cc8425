package circuit_test

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// lookingAt is a join's function that looks at one column of each side.
func lookingAt(left, right int) circuit.JoinFunc {
	return func(l, r []datum, out *batch, w int64) {
		row := out.Grow(w)
		row[0], row[1] = l[left], r[right]
	}
}

// lookingAtNone looks at neither side.
func lookingAtNone(_, _ []datum, out *batch, w int64) {
	out.Append([]datum{values.Int(1), values.Null}, w)
}

// lookingAtEqual is lookingAt for rows whose first columns are the same number.
func lookingAtEqual(l, r []datum, out *batch, w int64) {
	if !l[0].IsNull() && !r[0].IsNull() && l[0].Int64() == r[0].Int64() {
		lookingAt(0, 2)(l, r, out, w)
	}
}

func init() {
	key := keyOf(true, 0)
	queries = append(queries,
		query{
			name: "joins that look at columns of a shared index", inputs: []int{3, 3}, width: 2,
			build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
				l, r := b.Index(in[0], "0", key), b.Index(in[1], "1", key)
				return b.Sum(b.Join(l.Only(1), r.Only(2), 2, "1 2", lookingAt(1, 2)), b.Join(r.Only(0), r.Only(0), 2, "0 0", lookingAt(0, 0)), b.Join(l.Only(), r.Only(), 2, "none", lookingAtNone))
			},
			naive: func(in []*batch) *batch {
				out := naiveJoin(in[0], in[1], key, key, lookingAt(1, 2), 2)
				out.AddAll(naiveJoin(in[1], in[1], key, key, lookingAt(0, 0), 2))
				out.AddAll(naiveJoin(in[0], in[1], key, key, lookingAtNone, 2))
				return out
			},
		},
		query{
			name: "semi-join on indexes of keys alone, and one that looks at all", inputs: []int{2, 2}, width: 2,
			build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
				l, r := b.Index(in[0], "0", key), b.Index(in[1], "1", key)
				return b.Sum(b.Join(l.Only(), r.Only(), 2, "none", lookingAtNone), b.Join(r, l, 2, "0 1", lookingAt(0, 1)))
			},
			naive: func(in []*batch) *batch {
				out := naiveJoin(in[0], in[1], key, key, lookingAtNone, 2)
				out.AddAll(naiveJoin(in[1], in[0], key, key, lookingAt(0, 1), 2))
				return out
			},
		},
		query{
			name: "interval join that looks at columns", inputs: []int{3, 3}, width: 2,
			build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
				l := b.IntervalIndex(in[0], "0", circuit.Interval{From: spread(0), Point: true})
				r := b.IntervalIndex(in[1], "1", circuit.Interval{From: spread(0), Point: true})
				return b.IntervalJoin(l.Only(0), r.Only(2, 0), 2, "0 2", lookingAtEqual)
			},
			naive: func(in []*batch) *batch {
				return naiveJoin(in[0], in[1], noKey, noKey, lookingAtEqual, 2)
			},
		},
	)
}

// TestUnreadColumnsAreNotKept: what no join looks at is not in the state, and changes of it write nothing.
func TestUnreadColumnsAreNotKept(t *testing.T) {
	store := state.NewMemory(state.Options{})
	b := circuit.NewBuilder()
	l, r := b.Index(b.Source("in0", 3), "l", keyOf(true, 0)), b.Index(b.Source("in1", 3), "r", keyOf(true, 0))
	b.Output("out", b.Join(l.Only(1), r.Only(), 2, "", lookingAt(1, 1)))
	circ, err := b.Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	row := func(a, b, c int64, w int64) *batch {
		out := circuit.NewBatch(3, 1)
		out.Append([]datum{values.Int(a), values.Int(b), values.Int(c)}, w)
		return out
	}
	empty := circuit.NewBatch(3, 0)
	written := func(d delta) (keys int64) {
		before := circ.Nodes()
		step(t, circ, store, d, 2)
		for i, n := range circ.Nodes() {
			keys += n.Stats.KeysWritten - before[i].Stats.KeysWritten
		}
		return keys
	}
	if got := written(delta{row(1, 2, 3, 1), empty}); got != 1 {
		t.Errorf("a row writes %d keys", got)
	}
	change := row(1, 2, 3, -1)
	change.AddAll(row(1, 2, 4, 1))
	if got := written(delta{change, empty}); got != 0 {
		t.Errorf("a change of a column that nothing looks at writes %d keys", got)
	}
}
