package circuit_test

import (
	"context"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/circuit/stream"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The whole idea in integers. A query that sees the whole history, ↑Q, is made
// to see changes only, Q^Δ = D ∘ ↑Q ∘ I. For a linear query like "twice" that is
// the query itself; for a square it is not.
func Example_calculus() {
	ints := stream.Group[int]{
		Zero: func() int { return 0 },
		Add:  func(a, b int) int { return a + b },
		Neg:  func(a int) int { return -a },
	}
	changes := stream.Stream[int]{1, 2, 0, -3}
	fmt.Println("changes     ", changes)
	fmt.Println("contents    ", ints.Integrate(changes))
	fmt.Println("back again  ", ints.Differentiate(ints.Integrate(changes)))

	twice := func(x int) int { return 2 * x }
	square := func(x int) int { return x * x }
	fmt.Println("twice, lifted", stream.Lift(twice)(changes))
	fmt.Println("twice^Δ      ", stream.Incremental(ints, ints, twice)(changes))
	fmt.Println("square^Δ     ", stream.Incremental(ints, ints, square)(changes))
	// Output:
	// changes      [1 2 0 -3]
	// contents     [1 3 3 0]
	// back again   [1 2 0 -3]
	// twice, lifted [2 4 0 -6]
	// twice^Δ       [2 4 0 -6]
	// square^Δ      [1 8 0 -9]
}

// rows makes a Z-set of numbers: each row's columns, its weight first.
func rows(width int, weighted ...[]int64) *circuit.Batch {
	b := circuit.NewBatch(width, len(weighted))
	for _, row := range weighted {
		r := b.Grow(row[0])
		for i, v := range row[1:] {
			r[i] = values.Int(v)
		}
	}
	return b
}

// feed runs one step, commits it, and prints what changed.
func feed(c *circuit.Circuit, store state.Store, inputs map[string]*circuit.Batch) {
	batch := store.NewBatch()
	defer batch.Close()
	outs, err := c.Step(context.Background(), inputs, batch)
	if err != nil {
		fmt.Println(err)
		return
	}
	if len(outs) == 0 {
		fmt.Println("nothing changes")
	}
	for _, o := range outs {
		fmt.Print(show(o.Batch))
	}
	if _, err := batch.Commit(); err != nil {
		fmt.Println(err)
	}
}

// A filter keeps no state: what it makes of a change is the change it makes.
func Example_filter() {
	b := circuit.NewBuilder()
	orders := b.Source("orders", 2) // id, amount
	b.Output("big", b.Map(orders, 2, "amount > 100", func(_ context.Context, in, out *circuit.Batch) error {
		for i, w := range in.W {
			if row := in.Row(i); row[1].Int64() > 100 {
				out.Append(row, w)
			}
		}
		return nil
	}))
	store := state.NewMemory(state.Options{})
	c, err := b.Build(store, []byte("example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	feed(c, store, map[string]*circuit.Batch{"orders": rows(2, []int64{1, 1, 50}, []int64{1, 2, 200})})
	// An update is the old row taken away and the new one added.
	feed(c, store, map[string]*circuit.Batch{"orders": rows(2, []int64{-1, 2, 200}, []int64{1, 2, 300})})
	// Output:
	// +1 × 2 200
	// +1 × 2 300
	// -1 × 2 200
}

// SELECT region, count(*), sum(amount) FROM orders JOIN customers … GROUP BY
// region: a join of two indexes, then an aggregate.
func Example_joinAndGroup() {
	b := circuit.NewBuilder()
	orders := b.Source("orders", 2)       // customer, amount
	customers := b.Source("customers", 2) // id, region
	byCustomer := b.Index(orders, "customer", keyOf(true, 0))
	byID := b.Index(customers, "id", keyOf(true, 0))
	joined := b.Join(byCustomer, byID, 2, "region, amount",
		func(order, customer []values.Datum, out *circuit.Batch, w int64) {
			row := out.Grow(w)
			row[0], row[1] = customer[1], order[1]
		})
	b.Output("revenue", b.Aggregate(joined, "by region", circuit.AggSpec{
		Key:        keyOf(false, 0),
		Group:      func(row, dst []values.Datum) { dst[0] = row[0] },
		GroupWidth: 1,
		Aggregates: []circuit.Aggregate{
			{Linear: newCount},
			{Linear: newSum, Width: 1, Args: func(row, dst []values.Datum) bool { dst[0] = row[1]; return true }},
		},
	}))
	store := state.NewMemory(state.Options{})
	c, err := b.Build(store, []byte("example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("orders of customers 1 and 2, whom nobody knows yet")
	feed(c, store, map[string]*circuit.Batch{"orders": rows(2, []int64{1, 1, 10}, []int64{1, 1, 20}, []int64{1, 2, 5})})
	fmt.Println("both customers, of region 7")
	feed(c, store, map[string]*circuit.Batch{"customers": rows(2, []int64{1, 1, 7}, []int64{1, 2, 7})})
	fmt.Println("customer 2 moves to region 8")
	feed(c, store, map[string]*circuit.Batch{"customers": rows(2, []int64{-1, 2, 7}, []int64{1, 2, 8})})
	// Output:
	// orders of customers 1 and 2, whom nobody knows yet
	// nothing changes
	// both customers, of region 7
	// +1 × 7 3 35
	// customer 2 moves to region 8
	// +1 × 7 2 30
	// -1 × 7 3 35
	// +1 × 8 1 5
}

// All of the past is in the store: a circuit built again goes on where the last
// committed step ended, and the position stored with that step tells where.
func Example_restart() {
	build := func(store state.Store) *circuit.Circuit {
		b := circuit.NewBuilder()
		b.Output("set", b.Distinct(b.Source("in", 1), "values", nil))
		c, err := b.Build(store, []byte("example"))
		if err != nil {
			panic(err)
		}
		return c
	}
	store := state.NewMemory(state.Options{})
	position := state.MetaKey("position")
	for step, in := range []*circuit.Batch{
		rows(1, []int64{2, 3}, []int64{1, 4}), rows(1, []int64{-1, 3}), rows(1, []int64{-1, 3}),
	} {
		c, batch := build(store), store.NewBatch()
		outs, err := c.Step(context.Background(), map[string]*circuit.Batch{"in": in}, batch)
		if err != nil {
			panic(err)
		}
		state.SetUint64(batch, position, uint64(step))
		if _, err := batch.Commit(); err != nil {
			panic(err)
		}
		at, _, _ := state.GetUint64(store, position)
		fmt.Printf("step %d, %d outputs\n", at, len(outs))
		for _, o := range outs {
			fmt.Print(show(o.Batch))
		}
	}
	// Output:
	// step 0, 1 outputs
	// +1 × 3
	// +1 × 4
	// step 1, 0 outputs
	// step 2, 1 outputs
	// -1 × 3
}
