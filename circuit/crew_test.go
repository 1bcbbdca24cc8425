package circuit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// severalQueries is a circuit of several queries, over their own inputs or over those of
// others that are as wide, with outputs of their own and one that some of them share.
func severalQueries(rt *rapid.T, store state.Store, which, over []int) (*circuit.Circuit, []int) {
	b := circuit.NewBuilder()
	var widths []int
	var sources []circuit.Stream
	shared := map[int][]circuit.Stream{}
	for i, k := range which {
		q := &queries[k]
		var in []circuit.Stream
		for j, width := range q.inputs {
			s := -1
			for at, w := range widths {
				if w == width && over[i] > 0 && (j == 0 || at > j) {
					s = at
				}
			}
			if s < 0 {
				s = len(widths)
				widths = append(widths, width)
				sources = append(sources, b.Source(fmt.Sprintf("in%d", s), width))
			}
			in = append(in, sources[s])
		}
		out := q.build(b, in)
		b.Output(fmt.Sprint(q.name, " ", i), out)
		shared[q.width] = append(shared[q.width], out)
	}
	for _, width := range slices.Sorted(maps.Keys(shared)) {
		all := b.Sum(shared[width]...)
		b.Output(fmt.Sprint("distinct of ", width), b.Distinct(all, "all", nil))
	}
	c, err := b.Build(store, []byte("q"))
	if err != nil {
		rt.Fatal(err)
	}
	return c, widths
}

// TestWorkers: a step of several goroutines gives what one gives: outputs and state, whatever
// it is that the circuit computes, also when steps are given up in between, and in a load.
func TestWorkers(t *testing.T) {
	enough := errors.New("enough")
	rapid.Check(t, func(rt *rapid.T) {
		which := rapid.SliceOfN(rapid.IntRange(0, len(queries)-1), 1, 8).Draw(rt, "queries")
		over := rapid.SliceOfN(rapid.IntRange(0, 2), len(which), len(which)).Draw(rt, "shared inputs")
		alone, together := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
		one, widths := severalQueries(rt, alone, which, over)
		many, _ := severalQueries(rt, together, which, over)
		if room := rapid.SampledFrom([]int{0, 400, 1 << 20}).Draw(rt, "bytes of a load"); room > 0 {
			many.StartLoad(room)
		}
		for i, d := range genHistory(rt, widths, rapid.Bool().Draw(rt, "tables")) {
			inputs := map[string]*circuit.Batch{}
			for k, in := range d {
				if in.Len() > 0 {
					inputs[fmt.Sprintf("in%d", k)] = in
				}
			}
			run := func(c *circuit.Circuit, store state.Store, parts circuit.Parts) (map[string]string, error) {
				got := map[string]*circuit.Batch{}
				batch := store.NewBatch()
				parts.Take = func(output string, rows *circuit.Batch) (bool, error) {
					if got[output] == nil {
						got[output] = circuit.NewBatch(rows.Width, 0)
					}
					got[output].AddAll(rows)
					return true, nil
				}
				outs, err := c.StepInParts(context.Background(), inputs, batch, parts)
				if err != nil {
					return nil, err
				}
				shown := map[string]string{}
				for _, o := range outs {
					if got[o.Name] == nil {
						got[o.Name] = circuit.NewBatch(o.Batch.Width, 0)
					}
					got[o.Name].AddAll(o.Batch)
				}
				for name, b := range got {
					shown[name] = show(b)
				}
				_, err = batch.Commit()
				return shown, err
			}
			rows := rapid.IntRange(1, 100).Draw(rt, "rows of a part")
			if left := rapid.IntRange(0, 60).Draw(rt, "rows until it is given up"); left > 0 {
				_, err := run(many, together, circuit.Parts{Rows: rows, Workers: 3, Passed: func(int) error {
					if left--; left == 0 {
						return enough
					}
					if many.Held() < 0 {
						return errors.New("less than nothing is held")
					}
					return nil
				}})
				if err == nil {
					rt.Skip("it was not given up")
				}
				if !errors.Is(err, enough) {
					rt.Fatal(err)
				}
			}
			want, err := run(one, alone, circuit.Parts{Rows: rows})
			if err != nil {
				rt.Fatal(err)
			}
			got, err := run(many, together, circuit.Parts{Rows: rows, Workers: 3})
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("step %d:\n%s", i, diff)
			}
			if diff := cmp.Diff(contents(t, alone), contents(t, together)); diff != "" {
				rt.Fatalf("states after step %d:\n%s", i, diff)
			}
		}
	})
}

// TestEarlyGroups: groups that an aggregate evaluates before the end of a step, and looks at again, and that
// go meanwhile, are the same in the end, whoever wrote them.
func TestEarlyGroups(t *testing.T) {
	const parts = 4 // in which the aggregate is pushed to, each large enough to be evaluated
	build := func(store state.Store) *circuit.Circuit {
		b := circuit.NewBuilder()
		var in []circuit.Stream
		for k := range parts {
			in = append(in, b.Source(fmt.Sprintf("in%d", k), 2))
		}
		spec := circuit.AggSpec{
			Key: keyOf(false, 0), GroupWidth: 1,
			Group: func(row, dst []values.Datum) { dst[0] = row[0] },
			Aggregates: []circuit.Aggregate{{
				Linear: func() circuit.Accumulator { return &sumAcc{} }, Width: 1,
				Args: func(row, dst []values.Datum) bool { dst[0] = row[1]; return true },
			}},
		}
		b.Output("out", b.Aggregate(b.Sum(in...), "sum", spec))
		c, err := b.Build(store, []byte("q"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	many, few := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
	large, small := build(many), build(few)
	total := circuit.NewBatch(2, 0)
	for i, sign := range []int64{1, -1, 1} {
		// Rows of one step, more than are held back several times; half of them go again within it.
		rows := circuit.NewBatch(2, 0)
		for k := range 400_000 {
			w := sign
			if k >= 200_000 && k%3 != i {
				w = -sign
			}
			rows.Append([]values.Datum{values.Int(int64(k % 200_000 / 7)), values.Int(int64(k % 11))}, w)
		}
		for lo := 0; lo < rows.Len(); lo += 1 << 14 {
			batch := few.NewBatch()
			outs, err := small.Step(t.Context(), map[string]*circuit.Batch{"in0": rows.Slice(lo, min(lo+1<<14, rows.Len()))}, batch)
			must(err)
			for _, o := range outs {
				total.AddAll(o.Batch)
			}
			_, err = batch.Commit()
			must(err)
		}
		inputs := map[string]*circuit.Batch{}
		for k := range parts {
			inputs[fmt.Sprintf("in%d", k)] = rows.Slice(k*rows.Len()/parts, (k+1)*rows.Len()/parts)
		}
		batch := many.NewBatch()
		outs, err := large.StepInParts(t.Context(), inputs, batch, circuit.Parts{Workers: 2})
		must(err)
		minus := circuit.NewBatch(2, 0)
		for _, o := range outs {
			minus.AddAll(o.Batch)
		}
		minus.Negate()
		total.AddAll(minus)
		_, err = batch.Commit()
		must(err)
		if !total.IsZero() {
			t.Fatalf("step %d differs", i)
		}
		if diff := cmp.Diff(contents(t, few), contents(t, many)); diff != "" {
			t.Fatalf("states after step %d differ", i)
		}
	}
}
