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

// Each benchmark feeds steps of benchRows rows of the shape of order lines
// (order, product, quantity, status) and reports rows/s and allocations a row.
// Two thirds of the rows are new, one third takes back an older one.
const (
	benchRows     = 2000
	benchProducts = 10000
)

var benchQueries = []query{
	{
		name: "filter, project", inputs: []int{4}, width: 2,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Map(in[0], 2, "quantity > 25", func(_ context.Context, in, out *batch) error {
				for i, w := range in.W {
					if row := in.Row(i); row[2].Int64() > 25 {
						r := out.Grow(w)
						r[0], r[1] = row[0], row[3]
					}
				}
				return nil
			})
		},
	},
	{
		name: "join", inputs: []int{4, 2}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Join(b.Index(in[0], "lines", keyOf(true, 1)), b.Index(in[1], "products", keyOf(true, 0)), 3, "lines with products",
				func(l, r []datum, out *batch, w int64) {
					row := out.Grow(w)
					row[0], row[1], row[2] = l[0], l[2], r[1]
				})
		},
	},
	{
		name: "aggregate, 4 groups", inputs: []int{4}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream { return benchAggregate(b, in[0], 3, nil) },
	},
	{
		name: "aggregate, 10000 groups", inputs: []int{4}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream { return benchAggregate(b, in[0], 1, nil) },
	},
	{
		name: "min, 10000 groups", inputs: []int{4}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return benchAggregate(b, in[0], 1, &circuit.Aggregate{Fold: foldFirst, Order: orderBy(0), Width: 1, Args: args(2)})
		},
	},
	{
		name: "distinct", inputs: []int{4}, width: 4,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			return b.Distinct(in[0], "product", keyOf(false, 1))
		},
	},
}

func benchAggregate(b *circuit.Builder, in circuit.Stream, column int, more *circuit.Aggregate) circuit.Stream {
	spec := circuit.AggSpec{
		Key: func(dst []byte, row []datum) ([]byte, bool) {
			if s := row[column].Str(); s != "" {
				return append(append(dst, s...), 0), true
			}
			return values.AppendKeyInt(dst, row[column].Int64()), true
		},
		GroupWidth: 1, Group: columns(column),
		Aggregates: []circuit.Aggregate{{Linear: newCount}, {Linear: newSum, Width: 1, Args: args(2)}},
	}
	if more != nil {
		spec.Aggregates = append(spec.Aggregates, *more)
	}
	return b.Aggregate(in, "aggregate", spec)
}

func BenchmarkStep(b *testing.B) {
	for _, q := range benchQueries {
		for _, where := range []string{"memory", "disk"} {
			b.Run(fmt.Sprintf("%s/%s", q.name, where), func(b *testing.B) {
				var store state.Store = state.NewMemory(state.Options{})
				if where == "disk" {
					disk, err := state.Open(b.TempDir(), state.Options{Memory: 128 << 20})
					if err != nil {
						b.Fatal(err)
					}
					store = disk
				}
				if err := errors.Join(benchSteps(b, &q, store), store.Close()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func benchSteps(b *testing.B, q *query, store state.Store) error {
	c := q.circuit(b, store)
	r := rand.New(rand.NewPCG(1, 2))
	status := []string{"new", "paid", "packed and waiting for the carrier", "sent"}
	var old [][]datum
	line := func() []datum {
		return []datum{
			values.Int(r.Int64N(1 << 40)), values.Int(r.Int64N(benchProducts)),
			values.Int(1 + r.Int64N(50)), values.String(status[r.IntN(4)]),
		}
	}
	fill := func(rows *batch) {
		rows.Reset()
		for range benchRows {
			if len(old) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(old))
				rows.Append(old[i], -1)
				old[i] = old[len(old)-1]
				old = old[:len(old)-1]
				continue
			}
			row := line()
			old = append(old, row)
			rows.Append(row, 1)
		}
	}
	rows := circuit.NewBatch(4, benchRows)
	commit := store.NewBatch()
	defer commit.Close()
	feed := func(in map[string]*batch) error {
		if _, err := c.Step(b.Context(), in, commit); err != nil {
			return err
		}
		_, err := commit.Commit()
		return err
	}
	if len(q.inputs) > 1 {
		products := circuit.NewBatch(2, benchProducts)
		for i := range int64(benchProducts) {
			products.Append([]datum{values.Int(i), values.String(fmt.Sprint("product ", i))}, 1)
		}
		if err := feed(map[string]*batch{"in1": products}); err != nil {
			return err
		}
	}
	for range 50 { // some past
		fill(rows)
		if err := feed(map[string]*batch{"in0": rows}); err != nil {
			return err
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		fill(rows)
		b.StartTimer()
		if err := feed(map[string]*batch{"in0": rows}); err != nil {
			return err
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
	return nil
}

// BenchmarkEmptyStep is the price of a step in which nothing happened.
func BenchmarkEmptyStep(b *testing.B) {
	store := state.NewMemory(state.Options{})
	builder := circuit.NewBuilder()
	in := builder.Source("in0", 4)
	for i := range 20 {
		builder.Output(fmt.Sprint("out", i), benchAggregate(builder, in, 1, nil))
	}
	c, err := builder.Build(store, []byte("q"))
	if err != nil {
		b.Fatal(err)
	}
	commit := store.NewBatch()
	step := func() {
		if _, err := c.Step(b.Context(), nil, commit); err != nil {
			b.Fatal(err)
		}
	}
	step() // the first one makes what is there without input
	if _, err := commit.Commit(); err != nil {
		b.Fatal(err)
	}
	step() // and in the second one it is found that it is made
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// BenchmarkRangeJoin: cuts move across 10 of a number of rows in each step; the
// cost is that of the 10.
func BenchmarkRangeJoin(b *testing.B) {
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(rows, " rows"), func(b *testing.B) {
			store, err := state.Open(b.TempDir(), state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			q := query{
				inputs: []int{2, 1}, width: 2,
				build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
					return b.RangeJoin(in[0], in[1], 2, "since", circuit.RangeSpec{
						Key: keyOf(true, 0),
						Cuts: func(dst [][]byte, right []datum) ([][]byte, error) {
							return append(dst, values.AppendKeyInt(nil, right[0].Int64())), nil
						},
						Emit: func(left, _ []datum, below []bool, out *batch, w int64) {
							if !below[0] {
								out.Append(left, w)
							}
						},
					})
				},
			}
			c := q.circuit(b, store)
			clock := circuit.NewBatch(1, 2)
			clock.Append([]datum{values.Int(0)}, 1)
			in := delta{circuit.NewBatch(2, benchRows), clock}
			for i := range rows {
				in[0].Append([]datum{values.Int(int64(i) * 1000), values.String("a row of some length")}, 1)
				if in[0].Len() == benchRows || i == rows-1 {
					step(b, c, store, in, 2)
					in[0].Reset()
					clock.Reset()
				}
			}
			if err := store.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			now := int64(0)
			for b.Loop() {
				clock.Reset()
				clock.Append([]datum{values.Int(now * 10_000)}, -1)
				now = (now + 1) % int64(rows/10)
				clock.Append([]datum{values.Int(now * 10_000)}, 1)
				step(b, c, store, in, 2)
			}
		})
	}
}
