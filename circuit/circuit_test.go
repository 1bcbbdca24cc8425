package circuit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// TestIncremental: at each step, each query's circuit puts out exactly what its
// incremental version does by definition, also when it is thrown away and built
// anew between steps.
func TestIncremental(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				history := genHistory(rt, q.inputs, rapid.Bool().Draw(rt, "tables"))
				store := state.NewMemory(state.Options{})
				c := q.circuit(t, store)
				for i, want := range q.expected(history) {
					got := step(t, c, store, history[i], q.width)
					if !got.Equal(want) {
						rt.Fatalf("step %d of %s:\n%s\nwant\n%s", i, showHistory(history), show(got), show(want))
					}
					if rapid.Bool().Draw(rt, "restart") {
						c = q.circuit(t, store)
					}
				}
			})
		})
	}
}

// TestCuts: a history cut into other steps leads to the same outputs in sum and
// to the same state, byte by byte.
func TestCuts(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				history := genHistory(rt, q.inputs, rapid.Bool().Draw(rt, "tables"))
				a, b := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
				sumA := run(t, &q, a, history)
				sumB := run(t, &q, b, recut(rt, &q, history))
				if !sumA.Equal(sumB) {
					rt.Fatalf("outputs differ for %s:\n%s\nand\n%s", showHistory(history), show(sumA), show(sumB))
				}
				if diff := cmp.Diff(contents(t, a), contents(t, b)); diff != "" {
					rt.Fatalf("states differ for %s:\n%s", showHistory(history), diff)
				}
			})
		})
	}
}

// TestParts: what a step hands out in parts and what it returns are together what
// it returns at once, whether or not parts are taken, and no part is larger than
// what was asked for and a chunk.
func TestParts(t *testing.T) {
	parted := 0
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				history := genHistory(rt, q.inputs, rapid.Bool().Draw(rt, "tables"))
				a, b := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
				whole, inParts := q.circuit(t, a), q.circuit(t, b)
				for i, d := range history {
					got := circuit.NewBatch(q.width, 0)
					parts := circuit.Parts{Rows: rapid.IntRange(1, 4).Draw(rt, "rows"), Take: func(output string, rows *circuit.Batch) (bool, error) {
						if rows.Len() == 0 || rows.Width != q.width || output != "out" {
							rt.Fatalf("a part of output %q: %d rows, %d wide", output, rows.Len(), rows.Width)
						}
						if !rapid.Bool().Draw(rt, "take") {
							return false, nil
						}
						parted++
						got.AddAll(rows)
						return true, nil
					}}
					got.AddAll(stepInParts(t, inParts, b, d, q.width, parts))
					if want := step(t, whole, a, d, q.width); !got.Equal(want) {
						rt.Fatalf("step %d of %s:\n%s\nwant\n%s", i, showHistory(history), show(got), show(want))
					}
				}
				if diff := cmp.Diff(contents(t, a), contents(t, b)); diff != "" {
					rt.Fatalf("states differ for %s:\n%s", showHistory(history), diff)
				}
			})
		})
	}
	if parted == 0 {
		t.Error("nothing came in parts")
	}
}

// TestFailedPart: a part that cannot be taken fails the step, and the next one is as
// if it had never been.
func TestFailedPart(t *testing.T) {
	q := &queries[0]
	store := state.NewMemory(state.Options{})
	c := q.circuit(t, store)
	in := map[string]*circuit.Batch{}
	for i, width := range q.inputs {
		b := circuit.NewBatch(width, 0)
		for n := range 5 {
			row := b.Grow(1)
			for j := range row {
				row[j] = values.Int(int64(n))
			}
		}
		in[fmt.Sprintf("in%d", i)] = b
	}
	batch := store.NewBatch()
	full := errors.New("full")
	_, err := c.StepInParts(t.Context(), in, batch, circuit.Parts{Rows: 1, Take: func(string, *circuit.Batch) (bool, error) { return true, full }})
	if !errors.Is(err, full) {
		t.Fatalf("the step ended with %v", err)
	}
	batch.Reset()
	outs, err := c.Step(t.Context(), in, batch)
	if err != nil {
		t.Fatal(err)
	}
	again, err := q.circuit(t, state.NewMemory(state.Options{})).Step(t.Context(), in, state.NewMemory(state.Options{}).NewBatch())
	if err != nil {
		t.Fatal(err)
	}
	if len(outs) != 1 || len(again) != 1 || !outs[0].Batch.Equal(again[0].Batch) {
		t.Fatalf("after a failed step: %v, want %v", outs, again)
	}
}

func run(t testing.TB, q *query, store state.Store, history []delta) *circuit.Batch {
	t.Helper()
	c, sum := q.circuit(t, store), circuit.NewBatch(q.width, 0)
	for _, d := range history {
		sum.AddAll(step(t, c, store, d, q.width))
	}
	return sum
}

// recut deals a history's rows, in their order, into other steps.
func recut(rt *rapid.T, q *query, history []delta) []delta {
	empty := func() delta {
		var d delta
		for _, width := range q.inputs {
			d = append(d, circuit.NewBatch(width, 0))
		}
		return d
	}
	out := []delta{empty()}
	for _, d := range history {
		for i, b := range d {
			for r, w := range b.W {
				if rapid.IntRange(0, 3).Draw(rt, "cut") == 0 {
					out = append(out, empty())
				}
				out[len(out)-1][i].Append(b.Row(r), w)
			}
		}
	}
	return out
}

func showHistory(history []delta) string {
	var s strings.Builder
	for i, d := range history {
		for j, b := range d {
			s.WriteString(strings.Join([]string{"\nstep", string(rune('0' + i)), "input", string(rune('0' + j)), "\n"}, " "))
			s.WriteString(show(b))
		}
	}
	return s.String()
}

// TestDisk runs histories on the store on disk, closing and reopening it
// between steps, beside the same in memory: same outputs, same state.
func TestDisk(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			for seed := range 2 {
				history := rapid.Custom(func(rt *rapid.T) []delta {
					return genHistory(rt, q.inputs, false)
				}).Example(seed)
				dir, memory := t.TempDir(), state.NewMemory(state.Options{})
				inMemory := q.circuit(t, memory)
				for i, d := range history {
					disk, err := state.Open(dir, state.Options{Memory: 16 << 20})
					if err != nil {
						t.Fatal(err)
					}
					got := step(t, q.circuit(t, disk), disk, d, q.width)
					if want := step(t, inMemory, memory, d, q.width); !got.Equal(want) {
						t.Fatalf("step %d of %s:\n%s\nin memory\n%s", i, showHistory(history), show(got), show(want))
					}
					if diff := cmp.Diff(contents(t, memory), contents(t, disk)); diff != "" {
						t.Fatalf("state after step %d (-memory +disk):\n%s", i, diff)
					}
					if err := errors.Join(disk.Flush(context.Background()), disk.Close()); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// TestUndo: what is fed and then taken back leaves no trace, in output or state.
func TestUndo(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				history := genHistory(rt, q.inputs, false)
				var undone []delta
				empty := delta{}
				for _, width := range q.inputs {
					empty = append(empty, circuit.NewBatch(width, 0))
				}
				for _, d := range history {
					back := delta{}
					for _, b := range d {
						n := b.Clone()
						n.Negate()
						back = append(back, n)
					}
					undone = append(undone, back)
				}
				a, b := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
				all := append(append([]delta{empty}, history...), undone...)
				if sum, initial := run(t, &q, a, all), run(t, &q, b, []delta{empty}); !sum.Equal(initial) {
					rt.Fatalf("left over after undoing %s:\n%s\nnot\n%s", showHistory(history), show(sum), show(initial))
				}
				if diff := cmp.Diff(contents(t, b), contents(t, a)); diff != "" {
					rt.Fatalf("state left after undoing %s:\n%s", showHistory(history), diff)
				}
			})
		})
	}
}

// TestFanOut: a join handing on many chunks, into an aggregate and an index.
func TestFanOut(t *testing.T) {
	q := query{
		inputs: []int{2, 2}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			l, r := b.Index(in[0], "0", keyOf(true, 0)), b.Index(in[1], "1", keyOf(true, 0))
			j := b.Join(l, r, 2, "l1, r1", func(l, r []datum, out *batch, w int64) {
				out.Append([]datum{l[1], r[1]}, w)
			})
			return b.Aggregate(j, "by l1", circuit.AggSpec{
				Key: keyOf(false, 0), GroupWidth: 1, Group: columns(0),
				Aggregates: []circuit.Aggregate{{Linear: newCount}, {Linear: newSum, Width: 1, Args: args(1)}},
			})
		},
	}
	const n = 40000 // with the second dimension, more than an aggregate holds back
	store := state.NewMemory(state.Options{})
	c := q.circuit(t, store)
	facts, dims := circuit.NewBatch(2, n), circuit.NewBatch(2, 2)
	var sum int64
	for i := range int64(n) {
		facts.Append([]datum{values.Int(1), values.Int(i)}, 1)
		sum += i
	}
	dims.Append([]datum{values.Int(1), values.Int(100)}, 1)
	dims.Append([]datum{values.Int(1), values.Int(200)}, 2)
	none := circuit.NewBatch(2, 0)
	step(t, c, store, delta{none, facts}, 3)
	got := step(t, c, store, delta{dims, none}, 3)
	want := circuit.NewBatch(3, 2)
	want.Append([]datum{values.Int(100), values.Int(n), values.Int(sum)}, 1)
	want.Append([]datum{values.Int(200), values.Int(2 * n), values.Int(2 * sum)}, 1)
	if !got.Equal(want) {
		t.Fatalf("%s, want\n%s", show(got), show(want))
	}
	dims.Negate()
	want.Negate()
	if got := step(t, c, store, delta{dims, none}, 3); !got.Equal(want) {
		t.Fatalf("%s, want\n%s", show(got), show(want))
	}
}

// TestFailedStep: a step that fails, or is not committed, has never happened.
func TestFailedStep(t *testing.T) {
	fail := errors.New("no answer from the server")
	broken := false
	q := query{
		inputs: []int{2}, width: 5,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
			agg := b.Aggregate(in[0], "agg", globalSpec)
			checked := b.Map(in[0], 2, "may fail", func(_ context.Context, in, out *batch) error {
				if broken {
					return fail
				}
				out.AddAll(in)
				return nil
			})
			i := b.Index(checked, "i", keyOf(true, 0))
			j := b.Join(i, i, 1, "j", func(l, _ []datum, out *batch, w int64) { out.Append(l[:1], w) })
			return b.Join(b.Index(agg, "a", noKey), b.Index(j, "j", noKey), 5, "all",
				func(l, r []datum, out *batch, w int64) { out.Append(append(l[:4:4], r...), w) })
		},
	}
	row := func(a, b int64) delta {
		d := circuit.NewBatch(2, 1)
		d.Append([]datum{values.Int(a), values.Int(b)}, 1)
		return delta{d}
	}
	store, clean := state.NewMemory(state.Options{}), state.NewMemory(state.Options{})
	c, reference := q.circuit(t, store), q.circuit(t, clean)
	try := func(d delta, want error) {
		t.Helper()
		b := store.NewBatch()
		if _, err := c.Step(context.Background(), map[string]*circuit.Batch{"in0": d[0]}, b); !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
		b.Reset()
	}
	for i := range int64(4) {
		broken = true
		try(row(7, 7), fail)
		broken = false
		try(row(8, 8), nil) // not committed
		got, want := step(t, c, store, row(i, i), 5), step(t, reference, clean, row(i, i), 5)
		if !got.Equal(want) {
			t.Fatalf("step %d:\n%s\nwant\n%s", i, show(got), show(want))
		}
	}
	if diff := cmp.Diff(contents(t, clean), contents(t, store)); diff != "" {
		t.Fatal(diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Step(ctx, nil, store.NewBatch()); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(b *circuit.Builder)
		want  string
	}{
		{"two sources of a name", func(b *circuit.Builder) { b.Source("a", 1); b.Source("a", 1) }, `two sources named "a"`},
		{"two outputs of a name", func(b *circuit.Builder) {
			s := b.Source("a", 1)
			b.Output("o", s)
			b.Output("o", s)
		}, `two outputs named "o"`},
		{"sum of widths", func(b *circuit.Builder) { b.Sum(b.Source("a", 1), b.Source("b", 2)) }, "1 and 2 columns wide"},
		{"sum of nothing", func(b *circuit.Builder) { b.Sum() }, "sum of no streams"},
		{"another circuit's stream", func(b *circuit.Builder) {
			other := circuit.NewBuilder()
			other.Source("x", 1)
			b.Neg(other.Source("y", 1))
		}, "not of this circuit"},
		{"no key", func(b *circuit.Builder) {
			b.Aggregate(b.Source("a", 1), "agg", circuit.AggSpec{})
		}, "neither a key nor global"},
		{"no function", func(b *circuit.Builder) {
			b.Aggregate(b.Source("a", 1), "agg", circuit.AggSpec{Global: true, Aggregates: []circuit.Aggregate{{}}})
		}, "exactly one of Linear and Fold"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := circuit.NewBuilder()
			c.build(b)
			if _, err := b.Build(state.NewMemory(state.Options{}), []byte("q")); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
	b := circuit.NewBuilder()
	for _, prefix := range []string{"", "\x00x"} {
		if _, err := b.Build(state.NewMemory(state.Options{}), []byte(prefix)); err == nil {
			t.Fatalf("prefix %q was accepted", prefix)
		}
	}
}

func TestStepRefuses(t *testing.T) {
	q := &queries[0]
	store := state.NewMemory(state.Options{})
	c := q.circuit(t, store)
	for name, width := range map[string]int{"nobody": 2, "in0": 3} {
		in := map[string]*circuit.Batch{name: circuit.NewBatch(width, 0)}
		if _, err := c.Step(context.Background(), in, store.NewBatch()); err == nil || !strings.Contains(err.Error(), name) {
			t.Fatalf("input %q of %d columns: %v", name, width, err)
		}
	}
}

// TestChanged: state of one circuit is not taken for another's.
func TestChanged(t *testing.T) {
	build := func(label string) *circuit.Builder {
		b := circuit.NewBuilder()
		b.Output("out", b.Distinct(b.Source("in0", 2), label, nil))
		return b
	}
	store := state.NewMemory(state.Options{})
	c, err := build("rows").Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	step(t, c, store, delta{constantRows}, 2)
	if _, err := build("rows").Build(store, []byte("q")); err != nil {
		t.Fatalf("the same circuit: %v", err)
	}
	if _, err := build("other rows").Build(store, []byte("q")); !errors.Is(err, circuit.ErrChanged) {
		t.Fatalf("another circuit: %v", err)
	}
	if _, err := build("other rows").Build(store, []byte("r")); err != nil {
		t.Fatalf("another circuit elsewhere: %v", err)
	}
}

// TestDamagedState: bytes that make no sense are an error, not a result.
func TestDamagedState(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			store := state.NewMemory(state.Options{})
			c := q.circuit(t, store)
			var d delta
			for _, width := range q.inputs {
				b := circuit.NewBatch(width, 1)
				row := make([]datum, width)
				for i := range row {
					row[i] = values.Int(1)
				}
				b.Append(row, 1)
				d = append(d, b)
			}
			step(t, c, store, d, q.width)
			damage := store.NewBatch()
			it := store.NewIter([]byte("q\x01"), state.PrefixEnd([]byte("q")))
			n := 0
			for ok := it.First(); ok; ok = it.Next() {
				damage.Set(it.Key(), []byte{0x80})
				n++
			}
			it.Close()
			if n == 0 {
				return // a query without state
			}
			if _, err := damage.Commit(); err != nil {
				t.Fatal(err)
			}
			// The same rows again; then others, as an operator need not look at what is not theirs.
			for column := -1; column < slices.Max(q.inputs); column++ {
				for _, other := range []int64{0, 2} {
					inputs := map[string]*circuit.Batch{}
					for i, b := range d {
						row := slices.Clone(b.Row(0))
						if column >= 0 && column < len(row) {
							row[column] = values.Int(other)
						}
						in := circuit.NewBatch(len(row), 1)
						in.Append(row, 1)
						inputs["in"+string(rune('0'+i))] = in
					}
					if _, err := c.Step(context.Background(), inputs, store.NewBatch()); err != nil {
						return
					}
				}
			}
			t.Fatal("damaged state was taken as good")
		})
	}
}

// TestNodes: the explain hooks tell the shape and count.
func TestNodes(t *testing.T) {
	q := &queries[3] // join
	store := state.NewMemory(state.Options{})
	c := q.circuit(t, store)
	step(t, c, store, delta{constantRows, constantRows}, 4)
	type short struct {
		Op       string
		Inputs   []int
		Stateful bool
		In, Out  int64
	}
	var got []short
	for _, n := range c.Nodes() {
		got = append(got, short{n.Op, n.Inputs, n.Stateful, n.Stats.RowsIn, n.Stats.RowsOut})
		if _, err := c.StateSize(n.ID); err != nil {
			t.Fatal(err)
		}
	}
	want := []short{
		{"source", nil, false, 0, 2},
		{"source", nil, false, 0, 2},
		{"index", []int{0}, true, 2, 0},
		{"index", []int{1}, true, 2, 0},
		{"join", []int{2, 3}, false, 3, 0},
		{"output", []int{4}, false, 0, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}
