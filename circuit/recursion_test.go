package circuit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// at adds a constant iteration to a row's columns; onward is the iteration after
// the one in its last column.
func at(iter int64, columns ...int) circuit.BatchFunc {
	return func(_ context.Context, in, out *batch) error {
		for i, w := range in.W {
			to := out.Grow(w)
			for j, c := range columns {
				to[j] = in.Row(i)[c]
			}
			to[len(columns)] = values.Int(iter)
		}
		return nil
	}
}

func onward(row []datum) datum { return values.Int(row[len(row)-1].Int64() + 1) }

// naiveRecursion evaluates a recursion as SQL describes it, iteration by
// iteration; step gives the next one's rows.
func naiveRecursion(base *batch, step func(*batch) *batch, spec circuit.RecursionSpec) (work, overdue *batch) {
	work, overdue = circuit.NewBatch(base.Width, 0), circuit.NewBatch(base.Width, 0)
	seen := map[string]bool{}
	for iter := int64(0); ; iter++ {
		must(base.Consolidate())
		if base.Len() == 0 {
			return work, overdue
		}
		next := circuit.NewBatch(base.Width, 0)
		for i, w := range base.W { // in the order of the encodings
			if spec.Key != nil {
				k, _ := keyString(spec.Key, base.Row(i))
				if w <= 0 || seen[k] {
					continue
				}
				seen[k], w = true, 1
			}
			next.Append(base.Row(i), w)
		}
		if iter >= spec.Limit {
			overdue.AddAll(next)
			return work, overdue
		}
		work.AddAll(next)
		base = step(next)
	}
}

// mark tells the two outputs of a recursion apart, in one more column.
func mark(n int64) circuit.BatchFunc {
	return func(_ context.Context, in, out *batch) error {
		for i, w := range in.W {
			out.Append(append(in.Row(i), values.Int(n)), w)
		}
		return nil
	}
}

func applied(in *batch, width int, f circuit.BatchFunc) *batch {
	out := circuit.NewBatch(width, 0)
	must(f(context.Background(), in, out))
	return out
}

var (
	pairKey  = keyOf(false, 0, 1)
	firstKey = keyOf(true, 0)
)

// closure is (l, r) with paths that grow at their beginning.
func closure(limit int64) query {
	spec := circuit.RecursionSpec{Key: pairKey, Limit: limit, MaxRows: 1 << 16, MaxBytes: 1 << 30}
	longer := func(e, t []datum, out *batch, w int64) { out.Append([]datum{e[0], t[1], onward(t)}, w) }
	return query{
		name: fmt.Sprintf("closure of %d iterations", limit), inputs: []int{2}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			base := b.Map(in[0], 3, "base", at(0, 0, 1))
			work, overdue := b.Recursion(3, "closure", spec)
			t := b.Index(work, "l", keyOf(true, 0))
			e := b.Index(in[0], "r", keyOf(true, 1))
			b.Close(work, b.Sum(base, b.Join(e, t, 3, "longer", longer)))
			return b.Sum(b.Map(work, 4, "in", mark(0)), b.Map(overdue, 4, "overdue", mark(1)))
		},
		naive: func(in []*batch) *batch {
			work, overdue := naiveRecursion(applied(in[0], 3, at(0, 0, 1)), func(t *batch) *batch {
				return naiveJoin(in[0], t, keyOf(true, 1), keyOf(true, 0), longer, 3)
			}, spec)
			out := applied(work, 4, mark(0))
			out.AddAll(applied(overdue, 4, mark(1)))
			return out
		},
	}
}

// walks is every walk along edges from given points, with copies.
func walks() query {
	spec := circuit.RecursionSpec{Limit: 4, MaxRows: 1 << 16, MaxBytes: 1 << 30}
	further := func(t, e []datum, out *batch, w int64) { out.Append([]datum{e[1], onward(t)}, w) }
	return query{
		name: "walks", inputs: []int{2, 1}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			work, overdue := b.Recursion(2, "walks", spec)
			t, e := b.Index(work, "x", firstKey), b.Index(in[0], "l", firstKey)
			b.Close(work, b.Sum(b.Map(in[1], 2, "base", at(0, 0)), b.Join(t, e, 2, "further", further)))
			return b.Sum(b.Map(work, 3, "in", mark(0)), b.Map(overdue, 3, "overdue", mark(1)))
		},
		naive: func(in []*batch) *batch {
			work, overdue := naiveRecursion(applied(in[1], 2, at(0, 0)), func(t *batch) *batch {
				return naiveJoin(t, in[0], firstKey, firstKey, further, 2)
			}, spec)
			out := applied(work, 3, mark(0))
			out.AddAll(applied(overdue, 3, mark(1)))
			return out
		},
	}
}

// counted has operators with a state of their own in the loop: in each iteration
// it counts how often a point is reached that is not forbidden, and goes on from
// the points, with the count's parity beside them. The result is counted outside.
func counted() query {
	spec := circuit.RecursionSpec{Key: pairKey, Limit: 1000, MaxRows: 1 << 16, MaxBytes: 1 << 30}
	reach := func(t, e []datum, out *batch, w int64) { out.Append([]datum{e[1], t[2]}, w) }
	left := func(t, _ []datum, out *batch, w int64) { out.Append(t, w) }
	byPoint := circuit.AggSpec{
		Key: keyOf(false, 0, 1), GroupWidth: 2, Group: columns(0, 1), Variants: true,
		Aggregates: []circuit.Aggregate{
			{Linear: newCount},
			{Fold: foldFirst, Order: func(dst []byte, args []datum) []byte { return values.AppendRow(dst, args) }, Width: 1, Args: args(0)},
		},
	}
	parity := func(_ context.Context, in, out *batch) error {
		for i, w := range in.W {
			row := in.Row(i) // point, iteration, count, least
			out.Append([]datum{row[0], values.Int(row[2].Int64() & 1), onward(row[:2])}, w)
		}
		return nil
	}
	summary := circuit.AggSpec{
		Key: keyOf(false, 0), GroupWidth: 1, Group: columns(0), Variants: true,
		Aggregates: []circuit.Aggregate{{Linear: newCount}, {Linear: newSum, Width: 1, Args: args(2)}},
	}
	return query{
		name: "counted in the loop", inputs: []int{2, 1}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			work, _ := b.Recursion(3, "counted", spec)
			t, e := b.Index(work, "x", firstKey), b.Index(in[0], "l", firstKey)
			reached := b.Join(t, e, 2, "reach", reach)
			forbidden := b.Index(b.Distinct(in[1], "forbidden", firstKey), "forbidden", firstKey)
			hit := b.Join(b.Index(reached, "reached", firstKey), forbidden, 2, "hit", left)
			allowed := b.Sum(reached, b.Neg(hit))
			next := b.Map(b.Aggregate(b.Distinct(allowed, "once", nil), "by point", byPoint), 3, "parity", parity)
			b.Close(work, b.Sum(b.Map(in[1], 3, "base", at(0, 0, 0)), next))
			return b.Aggregate(work, "summary", summary)
		},
		naive: func(in []*batch) *batch {
			forbidden := groupsBy(in[1], firstKey)
			work, _ := naiveRecursion(applied(in[1], 3, at(0, 0, 0)), func(t *batch) *batch {
				reached := naiveJoin(t, in[0], firstKey, firstKey, reach, 2)
				must(reached.Consolidate())
				allowed := circuit.NewBatch(2, 0)
			rows:
				for i, w := range reached.W {
					for _, g := range forbidden {
						present := false
						for _, w := range g.w {
							present = present || w > 0
						}
						a, okA := keyString(firstKey, reached.Row(i))
						b, okB := keyString(firstKey, g.rows[0])
						if present && okA && okB && a == b {
							continue rows
						}
					}
					if w > 0 {
						allowed.Append(reached.Row(i), 1)
					}
				}
				return applied(naiveAggregate(byPoint, allowed), 3, parity)
			}, spec)
			must(work.Consolidate())
			return naiveAggregate(summary, work)
		},
	}
}

// nested has a loop in a loop: points reached by edges of the one kind after any
// number of edges of the other kind.
func nested() query {
	spec := circuit.RecursionSpec{Key: keyOf(false, 0), Limit: 1000, MaxRows: 1 << 16, MaxBytes: 1 << 30}
	innerSpec := circuit.RecursionSpec{Key: keyOf(false, 0, 1), Limit: 1000, MaxRows: 1 << 16, MaxBytes: 1 << 30}
	jump := func(t, e []datum, out *batch, w int64) { out.Append([]datum{e[1], values.Int(t[1].Int64() + 1)}, w) }
	slide := func(t, e []datum, out *batch, w int64) { out.Append([]datum{e[1], t[1], onward(t)}, w) }
	return query{
		name: "nested", inputs: []int{2, 2}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			outer, _ := b.Recursion(2, "outer", spec)
			inner, _ := b.Recursion(3, "inner", innerSpec)
			t, e := b.Index(inner, "x", firstKey), b.Index(in[1], "l", firstKey)
			b.Close(inner, b.Sum(b.Map(outer, 3, "inner base", at(0, 0, 1)), b.Join(t, e, 3, "slide", slide)))
			j := b.Join(b.Index(inner, "x again", firstKey), b.Index(in[0], "l", firstKey), 2, "jump", jump)
			b.Close(outer, b.Sum(b.Map(in[0], 2, "base", at(0, 0)), j))
			return outer
		},
		naive: func(in []*batch) *batch {
			work, _ := naiveRecursion(applied(in[0], 2, at(0, 0)), func(t *batch) *batch {
				slid, _ := naiveRecursion(applied(t, 3, at(0, 0, 1)), func(t *batch) *batch {
					return naiveJoin(t, in[1], firstKey, firstKey, slide, 3)
				}, innerSpec)
				return naiveJoin(slid, in[0], firstKey, firstKey, jump, 2)
			}, spec)
			return work
		},
	}
}

func init() { queries = append(queries, closure(1000), closure(2), walks(), counted(), nested()) }

// TestRandomGraphs: closures of small graphs with cycles, edge by edge, against
// their recomputation.
func TestRandomGraphs(t *testing.T) {
	q := closure(1000)
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		store := state.NewMemory(state.Options{})
		c := q.circuit(t, store)
		edges, sum := circuit.NewBatch(2, 0), circuit.NewBatch(q.width, 0)
		for range 10 {
			d := circuit.NewBatch(2, 0)
			for range 1 + r.IntN(4) {
				if edges.Len() > 0 && r.IntN(3) == 0 {
					d.Append(edges.Row(r.IntN(edges.Len())), -1)
				} else {
					d.Append([]datum{values.Int(r.Int64N(5)), values.Int(r.Int64N(5))}, 1)
				}
				edges.AddAll(d)
				must(edges.Consolidate())
				// A table has no row less than not at all.
				for i, w := range edges.W {
					if w < 0 {
						d.Append(edges.Row(i), -w)
					}
				}
				edges = positiveOnly(edges)
				sum.AddAll(step(t, c, store, delta{d}, q.width))
				if want := q.naive([]*batch{edges.Clone()}); !sum.Equal(want) {
					t.Fatalf("seed %d, edges\n%s\nclosure\n%s\nwant\n%s", seed, show(edges), show(sum), show(want))
				}
				d.Reset()
			}
		}
	}
}

func positiveOnly(b *batch) *batch {
	out := circuit.NewBatch(b.Width, 0)
	for i, w := range b.W {
		if w > 0 {
			out.Append(b.Row(i), w)
		}
	}
	return out
}

// TestTooManyCopies: weights that double in each iteration stop before they
// overflow, and start again where the data allow it.
func TestTooManyCopies(t *testing.T) {
	b := circuit.NewBuilder()
	edges, points := b.Source("in0", 2), b.Source("in1", 1)
	work, overdue := b.Recursion(2, "walks", circuit.RecursionSpec{Limit: 100, MaxRows: 1 << 16, MaxBytes: 1 << 30})
	b.Close(work, b.Sum(b.Map(points, 2, "base", at(0, 0)), b.Join(b.Index(work, "x", firstKey), b.Index(edges, "l", firstKey), 2, "further",
		func(t, e []datum, out *batch, w int64) { out.Append([]datum{e[1], onward(t)}, w) })))
	b.Output("out", b.Sum(b.Map(work, 3, "in", mark(0)), b.Map(overdue, 3, "overdue", mark(1))))
	store := state.NewMemory(state.Options{})
	c, err := b.Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	edge, point := circuit.NewBatch(2, 0), circuit.NewBatch(1, 0)
	edge.Append([]datum{values.Int(1), values.Int(1)}, 2)
	point.Append([]datum{values.Int(1)}, 1)
	want := circuit.NewBatch(3, 0)
	for i := range int64(32) { // 2^31 are taken, 2^32 are not
		want.Append([]datum{values.Int(1), values.Int(i), values.Int(0)}, 1<<i)
	}
	want.Append([]datum{values.Int(1), values.Int(32), values.Int(1)}, 1)
	sum := step(t, c, store, delta{edge, point}, 3)
	if !sum.Equal(want) {
		t.Fatalf("%s\nwant\n%s", show(sum), show(want))
	}
	edge.Negate()
	sum.AddAll(step(t, c, store, delta{edge, circuit.NewBatch(1, 0)}, 3))
	left := circuit.NewBatch(3, 0)
	left.Append([]datum{values.Int(1), values.Int(0), values.Int(0)}, 1)
	if !sum.Equal(left) {
		t.Fatalf("%s\nwant\n%s", show(sum), show(left))
	}
}

// TestTooManyRows: a recursion that multiplies its rows is stopped before it
// takes all memory, and the step has never happened.
func TestTooManyRows(t *testing.T) {
	b := circuit.NewBuilder()
	points := b.Source("in0", 1)
	work, _ := b.Recursion(2, "doubled", circuit.RecursionSpec{Limit: 1000, MaxRows: 1 << 16, MaxBytes: 1 << 30})
	doubled := b.Map(work, 2, "double", func(_ context.Context, in, out *batch) error {
		for i, w := range in.W {
			x := in.Row(i)[0].Int64()
			out.Append([]datum{values.Int(2 * x), onward(in.Row(i))}, w)
			out.Append([]datum{values.Int(2*x + 1), onward(in.Row(i))}, w)
		}
		return nil
	})
	b.Close(work, b.Sum(b.Map(points, 2, "base", at(0, 0)), doubled))
	b.Output("out", b.Aggregate(work, "count", circuit.AggSpec{Global: true, Aggregates: []circuit.Aggregate{{Linear: newCount}}}))
	store := state.NewMemory(state.Options{})
	c, err := b.Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	none := circuit.NewBatch(1, 0)
	empty := step(t, c, store, delta{none}, 1)
	batch := store.NewBatch()
	one := circuit.NewBatch(1, 0)
	one.Append([]datum{values.Int(1)}, 1)
	if _, err := c.Step(context.Background(), map[string]*circuit.Batch{"in0": one}, batch); !errors.Is(err, circuit.ErrRecursionTooLarge) {
		t.Fatalf("a recursion without end: %v", err)
	}
	batch.Reset()
	if out := step(t, c, store, delta{none}, 1); out.Len() != 0 || empty.Len() != 1 {
		t.Fatalf("after a failed step: %s", show(out))
	}
}

// TestGrowingRows: one row an iteration, each longer than the one before, as a path
// along a cycle is.
func TestGrowingRows(t *testing.T) {
	b := circuit.NewBuilder()
	points := b.Source("in0", 1)
	work, _ := b.Recursion(2, "paths", circuit.RecursionSpec{Key: keyOfText, Limit: 1 << 20, MaxRows: 1 << 16, MaxBytes: 1 << 20})
	longer := b.Map(work, 2, "longer", func(_ context.Context, in, out *batch) error {
		for i, w := range in.W {
			out.Append([]datum{values.String(in.Row(i)[0].Str() + "step"), onward(in.Row(i))}, w)
		}
		return nil
	})
	b.Close(work, b.Sum(b.Map(points, 2, "base", at(0, 0)), longer))
	b.Output("out", b.Aggregate(work, "count", circuit.AggSpec{Global: true, Aggregates: []circuit.Aggregate{{Linear: newCount}}}))
	store := state.NewMemory(state.Options{})
	c, err := b.Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	one := circuit.NewBatch(1, 0)
	one.Append([]datum{values.String("a")}, 1)
	batch := store.NewBatch()
	if _, err := c.Step(context.Background(), map[string]*circuit.Batch{"in0": one}, batch); !errors.Is(err, circuit.ErrRecursionTooLarge) {
		t.Fatalf("a recursion whose rows grow without end: %v", err)
	}
	if batch.Size() > 8<<20 {
		t.Fatalf("it wrote %d bytes before it was stopped", batch.Size())
	}
	// What one step has used up, the next one has not.
	batch.Reset()
	none := circuit.NewBatch(1, 0)
	if out := step(t, c, store, delta{none}, 1); out.Len() != 1 {
		t.Fatalf("after a failed step: %s", show(out))
	}
}

func keyOfText(dst []byte, row []datum) ([]byte, bool) { return values.AppendRow(dst, row[:1]), true }

func TestLoopsRefused(t *testing.T) {
	spec := circuit.RecursionSpec{Limit: 1, MaxRows: 1 << 16, MaxBytes: 1 << 30}
	for name, build := range map[string]func(b *circuit.Builder){
		"not closed":   func(b *circuit.Builder) { b.Recursion(1, "r", spec) },
		"no iteration": func(b *circuit.Builder) { b.Recursion(0, "r", spec) },
		"closed twice": func(b *circuit.Builder) {
			w, _ := b.Recursion(1, "r", spec)
			s := b.Neg(w)
			b.Close(w, s)
			b.Close(w, s)
		},
		"closed from outside": func(b *circuit.Builder) {
			w, _ := b.Recursion(1, "r", spec)
			b.Close(w, b.Source("in0", 1))
		},
		"of other width": func(b *circuit.Builder) {
			w, _ := b.Recursion(1, "r", spec)
			b.Close(w, b.Map(w, 2, "wider", mark(0)))
		},
		"no recursion": func(b *circuit.Builder) {
			s := b.Source("in0", 1)
			b.Close(s, b.Neg(s))
		},
		"an inner index read outside": func(b *circuit.Builder) {
			w, _ := b.Recursion(1, "r", spec)
			i := b.Index(w, "i", noKey)
			b.Close(w, b.Join(i, i, 1, "inside", func(l, _ []datum, out *batch, w int64) { out.Append(l, w) }))
			b.Join(i, i, 1, "outside", func(l, _ []datum, out *batch, w int64) { out.Append(l, w) })
		},
	} {
		b := circuit.NewBuilder()
		build(b)
		if _, err := b.Build(state.NewMemory(state.Options{}), []byte("q")); err == nil {
			t.Errorf("%s: built", name)
		}
	}
}
