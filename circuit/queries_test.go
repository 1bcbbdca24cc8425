package circuit_test

import (
	"context"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

type (
	batch = circuit.Batch
	datum = values.Datum
)

// positive keeps rows whose column 0 is positive and swaps the first columns.
func positive(_ context.Context, in, out *batch) error {
	for i, w := range in.W {
		if row := in.Row(i); row[0].Int64() > 0 {
			out.Append([]datum{row[1], row[0]}, w)
		}
	}
	return nil
}

// byParity sends rows with an even column 0 to a, others, reduced to column 1,
// twice to b.
func byParity(_ context.Context, in, a, b *batch) error {
	for i, w := range in.W {
		if row := in.Row(i); row[0].Int64()%2 == 0 {
			a.Append(row, w)
		} else {
			b.Append(row[1:2], 2*w)
		}
	}
	return nil
}

// pair is the concatenation of two rows; only if their last columns differ.
func pair(l, r []datum, out *batch, w int64) {
	if l[len(l)-1] != r[len(r)-1] {
		out.Append(slices.Concat(l, r), w)
	}
}

func naiveJoin(l, r *batch, lk, rk circuit.KeyFunc, f circuit.JoinFunc, width int) *batch {
	out := circuit.NewBatch(width, 0)
	for i, lw := range l.W {
		for j, rw := range r.W {
			a, okA := keyString(lk, l.Row(i))
			b, okB := keyString(rk, r.Row(j))
			if okA && okB && a == b {
				f(l.Row(i), r.Row(j), out, lw*rw)
			}
		}
	}
	return out
}

// boundsSpec makes one row of any: a count and a sum, or none.
var boundsSpec = circuit.AggSpec{
	Key:        noKey,
	Aggregates: []circuit.Aggregate{{Linear: newCount}, {Linear: newSum, Width: 1, Args: args(0)}, {Linear: newSum, Width: 1, Args: args(1)}},
}

// rangeSpec compares column 0 with the three bounds; the second comparison is ≤.
var rangeSpec = circuit.RangeSpec{
	Key: keyOf(true, 0),
	Cuts: func(dst [][]byte, right []datum) ([][]byte, error) {
		for i, d := range right {
			cut := values.AppendKeyInt(nil, d.Int64())
			if i == 1 {
				cut = state.PrefixEnd(cut)
			}
			dst = append(dst, cut)
		}
		return dst, nil
	},
	Emit: func(left, _ []datum, below []bool, out *batch, w int64) {
		out.Append([]datum{left[0], left[1], values.Bool(below[0]), values.Bool(below[1]), values.Bool(below[2])}, w)
	},
}

func naiveRange(l, bounds *batch) *batch {
	out := circuit.NewBatch(5, 0)
	for i, lw := range l.W {
		row := l.Row(i)
		if row[0].IsNull() {
			continue
		}
		for j, w := range bounds.W {
			at, b := row[0].Int64(), bounds.Row(j)
			out.Append([]datum{row[0], row[1], values.Bool(at < b[0].Int64()), values.Bool(at <= b[1].Int64()), values.Bool(at < b[2].Int64())}, lw*w)
		}
	}
	return out
}

func noKey(dst []byte, _ []datum) ([]byte, bool) { return dst, true }

func columns(from ...int) func(row, dst []datum) {
	return func(row, dst []datum) {
		for i, c := range from {
			dst[i] = row[c]
		}
	}
}

func args(from ...int) func(row, dst []datum) bool {
	pick := columns(from...)
	return func(row, dst []datum) bool {
		pick(row, dst)
		return true
	}
}

func newSum() circuit.Accumulator   { return &sumAcc{} }
func newCount() circuit.Accumulator { return &countAcc{} }

func orderBy(columns ...int) func(dst []byte, args []datum) []byte {
	key := keyOf(false, columns...)
	return func(dst []byte, args []datum) []byte {
		dst, _ = key(dst, args)
		return dst
	}
}

func notNull(f func(row, dst []datum) bool) func(row, dst []datum) bool {
	return func(row, dst []datum) bool { return f(row, dst) && !dst[0].IsNull() }
}

// linearSpec is GROUP BY of one column with sums and counts. Group columns are
// reduced to what the key tells.
var linearSpec = circuit.AggSpec{
	Key: keyOf(false, 0), GroupWidth: 1,
	Group: func(row, dst []datum) {
		if dst[0] = row[0]; !row[0].IsNull() {
			dst[0] = values.Int(row[0].Int64())
		}
	},
	Aggregates: []circuit.Aggregate{
		{Linear: newCount},
		{Linear: newSum, Width: 1, Args: args(1)},
		{Linear: newCount, Width: 1, Args: func(row, dst []datum) bool { dst[0] = row[1]; return row[1].Int64() > 0 }},
	},
}

// foldSpec is all kinds of ordered aggregates; the last two also look at the
// arguments' hidden marks.
var foldSpec = circuit.AggSpec{
	Key: keyOf(true, 0), GroupWidth: 1, Group: columns(0), Variants: true,
	Aggregates: []circuit.Aggregate{
		{Fold: foldFirst, Order: orderBy(0), Width: 1, Args: notNull(args(1))},
		{Fold: foldLast, Order: orderBy(0), Width: 1, Args: notNull(args(1))},
		{Fold: foldList, Order: orderBy(1), Width: 2, Args: args(1, 0)},
		{Fold: foldBack, Order: orderBy(1, 0), Width: 2, Args: args(0, 1)},
		{Linear: newSum, Width: 1, Args: args(1)},
	},
}

var distinctSpec = circuit.AggSpec{
	Key: keyOf(false, 0), GroupWidth: 1, Group: columns(0), Variants: true,
	Aggregates: []circuit.Aggregate{
		{Linear: newSum, Width: 1, Args: args(1), Distinct: keyOf(true, 0)},
		{Linear: newCount, Width: 2, Args: args(1, 0), Distinct: keyOf(false, 0, 1)},
		{Fold: foldList, Order: orderBy(0), Width: 1, Args: args(1), Distinct: keyOf(false, 0)},
		{Fold: foldBack, Order: orderBy(0), Width: 1, Args: args(1), Distinct: keyOf(false, 0)},
	},
}

var globalSpec = circuit.AggSpec{
	Global: true,
	Aggregates: []circuit.Aggregate{
		{Linear: newCount},
		{Linear: newSum, Width: 1, Args: args(0)},
		{Fold: foldFirst, Order: orderBy(0), Width: 1, Args: notNull(args(1))},
		{Linear: newSum, Width: 1, Args: args(1), Distinct: keyOf(true, 0)},
	},
}

func aggregateQuery(name string, spec circuit.AggSpec) query {
	return query{
		name: name, inputs: []int{2}, width: spec.GroupWidth + len(spec.Aggregates),
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Aggregate(in[0], name, spec)
		},
		naive: func(in []*batch) *batch { return naiveAggregate(spec, in[0]) },
	}
}

func naiveDistinct(in *batch, key circuit.KeyFunc) *batch {
	out := circuit.NewBatch(in.Width, 0)
	for _, g := range groupsBy(in, key) {
		for i, w := range g.w {
			if w > 0 {
				out.Append(g.rows[i], 1)
				break
			}
		}
	}
	return out
}

var constantRows = func() *batch {
	b := circuit.NewBatch(2, 2)
	b.Append([]datum{values.Int(1), values.Int(2)}, 1)
	b.Append([]datum{values.Int(0), values.Null}, 3)
	return b
}()

var queries = []query{
	{
		name: "map", inputs: []int{2}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Map(in[0], 2, "positive", positive)
		},
		naive: func(in []*batch) *batch {
			out := circuit.NewBatch(2, 0)
			must(positive(context.Background(), in[0], out))
			return out
		},
	},
	{
		name: "map2", inputs: []int{2}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			even, odd := b.Map2(in[0], 2, 1, "parity", byParity)
			same := b.Map(odd, 2, "twice", func(_ context.Context, in, out *batch) error {
				for i, w := range in.W {
					out.Append([]datum{in.Row(i)[0], in.Row(i)[0]}, w)
				}
				return nil
			})
			return b.Sum(even, same)
		},
		naive: func(in []*batch) *batch {
			out, odd := circuit.NewBatch(2, 0), circuit.NewBatch(1, 0)
			must(byParity(context.Background(), in[0], out, odd))
			for i, w := range odd.W {
				out.Append([]datum{odd.Row(i)[0], odd.Row(i)[0]}, w)
			}
			return out
		},
	},
	{
		name: "sum, negation, constant", inputs: []int{2, 2}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Sum(in[0], b.Neg(in[1]), in[0], b.Constant(constantRows, "two rows"))
		},
		naive: func(in []*batch) *batch {
			out := in[1].Clone()
			out.Negate()
			out.AddAll(in[0])
			out.AddAll(in[0])
			out.AddAll(constantRows)
			return out
		},
	},
	{
		name: "join", inputs: []int{2, 2}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Join(b.Index(in[0], "0", keyOf(true, 0)), b.Index(in[1], "1", keyOf(true, 1)), 4, "pair", pair)
		},
		naive: func(in []*batch) *batch {
			return naiveJoin(in[0], in[1], keyOf(true, 0), keyOf(true, 1), pair, 4)
		},
	},
	{
		name: "join on two columns, NULLs alike", inputs: []int{2, 3}, width: 5,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Join(b.Index(in[0], "0", keyOf(false, 0, 1)), b.Index(in[1], "1", keyOf(false, 1, 0)), 5, "pair", pair)
		},
		naive: func(in []*batch) *batch {
			return naiveJoin(in[0], in[1], keyOf(false, 0, 1), keyOf(false, 1, 0), pair, 5)
		},
	},
	{
		name: "self-join", inputs: []int{2}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			i := b.Index(in[0], "0", keyOf(true, 0))
			return b.Join(i, i, 4, "pair", pair)
		},
		naive: func(in []*batch) *batch {
			return naiveJoin(in[0], in[0], keyOf(true, 0), keyOf(true, 0), pair, 4)
		},
	},
	{
		name: "cross join, then another", inputs: []int{1, 1, 2}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			lr := b.Join(b.Index(in[0], "0", noKey), b.Index(in[1], "1", noKey), 2, "pair", pair)
			return b.Join(b.Index(lr, "lr", keyOf(true, 1)), b.Index(in[2], "2", keyOf(true, 0)), 4, "pair", pair)
		},
		naive: func(in []*batch) *batch {
			lr := naiveJoin(in[0], in[1], noKey, noKey, pair, 2)
			return naiveJoin(lr, in[2], keyOf(true, 1), keyOf(true, 0), pair, 4)
		},
	},
	{
		name: "range join", inputs: []int{2, 2}, width: 5,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.RangeJoin(in[0], b.Aggregate(in[1], "bounds", boundsSpec), 5, "between", rangeSpec)
		},
		naive: func(in []*batch) *batch {
			return naiveRange(in[0], naiveAggregate(boundsSpec, in[1]))
		},
	},
	{
		name: "distinct", inputs: []int{2}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Distinct(in[0], "rows", nil)
		},
		naive: func(in []*batch) *batch { return in[0].Distinct() },
	},
	{
		name: "distinct by key", inputs: []int{2}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Distinct(in[0], "column 1", keyOf(false, 1))
		},
		naive: func(in []*batch) *batch { return naiveDistinct(in[0], keyOf(false, 1)) },
	},
	{
		name: "distinct of a union of joins", inputs: []int{1, 1}, width: 1,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			first := func(l, _ []datum, out *batch, w int64) { out.Append(l, w) }
			l, r := b.Index(in[0], "0", keyOf(true, 0)), b.Index(in[1], "1", keyOf(true, 0))
			return b.Distinct(b.Sum(b.Join(l, r, 1, "first", first), in[1]), "column", keyOf(false, 0))
		},
		naive: func(in []*batch) *batch {
			first := func(l, _ []datum, out *batch, w int64) { out.Append(l, w) }
			u := naiveJoin(in[0], in[1], keyOf(true, 0), keyOf(true, 0), first, 1)
			u.AddAll(in[1])
			must(u.Consolidate())
			return naiveDistinct(u, keyOf(false, 0))
		},
	},
	{
		name: "gate", inputs: []int{2, 1, 1, 3}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			one, both, other := b.Occupied("1", in[1]), b.Occupied("1 and 2", in[1], in[2]), b.Occupied("3", in[3])
			return b.Gate(in[0], "rows", []circuit.Occupied{one, other}, []circuit.Occupied{both})
		},
		naive: func(in []*batch) *batch {
			rows := func(b *batch) (n int64) {
				for _, w := range b.W {
					n += w
				}
				return n
			}
			if rows(in[1]) > 0 && rows(in[3]) > 0 || rows(in[1])+rows(in[2]) > 0 {
				return in[0]
			}
			return circuit.NewBatch(2, 0)
		},
	},
	aggregateQuery("linear aggregates", linearSpec),
	aggregateQuery("ordered aggregates", foldSpec),
	aggregateQuery("distinct aggregates", distinctSpec),
	aggregateQuery("global aggregates", globalSpec),
	{
		name: "aggregate of a join, aggregated again", inputs: []int{2, 2}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			j := b.Join(b.Index(in[0], "0", keyOf(true, 0)), b.Index(in[1], "1", keyOf(true, 0)), 4, "pair", pair)
			return b.Aggregate(b.Aggregate(j, "inner", linearSpec), "outer", globalSpec)
		},
		naive: func(in []*batch) *batch {
			j := naiveJoin(in[0], in[1], keyOf(true, 0), keyOf(true, 0), pair, 4)
			must(j.Consolidate())
			inner := naiveAggregate(linearSpec, j)
			must(inner.Consolidate())
			return naiveAggregate(globalSpec, inner)
		},
	},
}
