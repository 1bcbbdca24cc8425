package circuit_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// backward turns an order of keys around.
func backward(of circuit.KeyFunc) circuit.KeyFunc {
	return func(dst []byte, row []datum) ([]byte, bool) {
		at := len(dst)
		dst, ok := of(dst, row)
		for i := at; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
		return dst, ok
	}
}

// both gives a pair.
func both(l, r []datum, out *batch, w int64) { out.Append(slices.Concat(l, r), w) }

// asOf is a query by an as-of join of streams of three columns: a group, a place, and what
// orders rows at one place.
func asOf(name string, spec circuit.AsOfSpec, self bool) query {
	spec.Emit = both
	q := query{name: name, inputs: []int{3, 3}, width: 6}
	if self {
		q.inputs = q.inputs[:1]
	}
	last := len(q.inputs) - 1
	q.build = func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
		return b.AsOfJoin(in[0], in[last], 6, name, spec)
	}
	q.naive = func(in []*batch) *batch {
		out := circuit.NewBatch(6, 0)
		for i, lw := range in[0].W {
			l := in[0].Row(i)
			group, ok := spec.LeftGroup(nil, l)
			at, ok2 := spec.LeftAt(nil, l)
			if !ok || !ok2 {
				continue
			}
			var best, bestKey []byte
			var nearest []datum
			for j, rw := range in[last].W {
				r := in[last].Row(j)
				g, ok := spec.RightGroup(nil, r)
				to, ok2 := spec.RightAt(nil, r)
				c := bytes.Compare(to, at)
				if !ok || !ok2 || rw <= 0 || !bytes.Equal(g, group) || c < 0 || c == 0 && spec.Strict {
					continue
				}
				best = to
				if spec.Order != nil {
					best, _ = spec.Order(best, r)
				}
				if best = values.AppendRow(best, r); nearest == nil || bytes.Compare(best, bestKey) < 0 {
					bestKey, nearest = best, r
				}
			}
			if nearest != nil {
				both(l, nearest, out, lw)
			}
		}
		return out
	}
	return q
}

func init() {
	at := func(of circuit.KeyFunc) circuit.AsOfSpec {
		return circuit.AsOfSpec{LeftGroup: keyOf(true, 0), RightGroup: keyOf(true, 0), LeftAt: of, RightAt: of}
	}
	strict := at(keyOf(true, 1))
	strict.Strict = true
	ordered := at(backward(keyOf(true, 1)))
	ordered.Order = backward(keyOf(false, 2))
	orderedStrict := ordered
	orderedStrict.Strict = true
	whole := ordered
	whole.LeftGroup, whole.RightGroup = noKey, noKey
	queries = append(queries,
		asOf("first behind or at", at(keyOf(true, 1)), false),
		asOf("first behind", strict, false),
		asOf("last before or at, in an order", ordered, false),
		asOf("last before, in an order", orderedStrict, false),
		asOf("last before or at, of all", whole, false),
		asOf("last before, of itself", orderedStrict, true),
		asOf("first behind or at, of itself", at(keyOf(true, 1)), true),
	)
}

// TestAsOfJoinReads counts what a change of either side reads: not more where there are more rows.
func TestAsOfJoinReads(t *testing.T) {
	spec := circuit.AsOfSpec{LeftGroup: noKey, RightGroup: noKey, LeftAt: backward(keyOf(true, 0)), RightAt: backward(keyOf(true, 0)), Emit: both}
	q := query{inputs: []int{2, 2}, width: 4, build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
		return b.AsOfJoin(in[0], in[1], 4, "as of", spec)
	}}
	rows := func(from, n int64) *batch {
		b := circuit.NewBatch(2, 0)
		for i := range n {
			b.Append([]datum{values.Int(10*i + from), values.Int(i)}, 1)
		}
		return b
	}
	read := func(n int64, change delta) int64 {
		store := state.NewMemory(state.Options{})
		defer store.Close()
		c := q.circuit(t, store)
		count := func() (keys int64) {
			for _, info := range c.Nodes() {
				keys += info.Stats.KeysRead
			}
			return keys
		}
		step(t, c, store, delta{rows(8, n), rows(0, n)}, 4)
		before := count()
		if step(t, c, store, change, 4).Len() == 0 {
			t.Error("a change of nothing")
		}
		return count() - before
	}
	none := circuit.NewBatch(2, 0)
	one := func(at, w int64) *batch {
		b := circuit.NewBatch(2, 1)
		b.Append([]datum{values.Int(at), values.Int(at / 10)}, w)
		return b
	}
	for name, change := range map[string]delta{
		"a left row": {one(505, 1), none}, "a right row that comes": {none, one(515, 1)},
		"a right row that goes": {none, one(510, -1)}, "rows of both": {one(505, 1), one(503, 1)},
	} {
		few, many := read(1_000, change), read(16_000, change)
		if few == 0 || many > few || many > 12 {
			t.Errorf("%s reads %d keys over 1,000 rows, %d over 16,000", name, few, many)
		}
	}
	// All of the right rows go at once.
	gone := rows(0, 16_000)
	gone.Negate()
	if keys := read(16_000, delta{none, gone}); keys > 16_000*8 {
		t.Errorf("16,000 right rows that go read %d keys", keys)
	}
}
