package circuit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/circuit/stream"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// A query is written twice: as a circuit, and as a plain function of the whole
// contents of its inputs, in the most naive way. The tests compare the two at
// every step, the second one made incremental by definition: D ∘ ↑Q ∘ I.
type query struct {
	name   string
	inputs []int // widths of the sources "in0", "in1" …
	width  int
	build  func(b *circuit.Builder, in []circuit.Stream) circuit.Stream
	naive  func(in []*circuit.Batch) *circuit.Batch
}

func (q *query) circuit(t testing.TB, store state.Store) *circuit.Circuit {
	t.Helper()
	b := circuit.NewBuilder()
	var in []circuit.Stream
	for i, width := range q.inputs {
		in = append(in, b.Source(fmt.Sprintf("in%d", i), width))
	}
	b.Output("out", q.build(b, in))
	c, err := b.Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// delta is what one step feeds to each input.
type delta []*circuit.Batch

// step runs one step and commits it; the output comes as a copy.
func step(t testing.TB, c *circuit.Circuit, store state.Store, in delta, width int) *circuit.Batch {
	t.Helper()
	return stepInParts(t, c, store, in, width, circuit.Parts{})
}

func stepInParts(t testing.TB, c *circuit.Circuit, store state.Store, in delta, width int, parts circuit.Parts) *circuit.Batch {
	t.Helper()
	inputs := map[string]*circuit.Batch{}
	for i, b := range in {
		if b.Len() > 0 {
			inputs[fmt.Sprintf("in%d", i)] = b
		}
	}
	batch := store.NewBatch()
	outs, err := c.StepInParts(context.Background(), inputs, batch, parts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	batch.Close()
	for _, o := range outs {
		if o.Name != "out" || o.Batch.Len() == 0 || o.Batch.Width != width {
			t.Fatalf("output %q of %d rows, %d wide", o.Name, o.Batch.Len(), o.Batch.Width)
		}
		return o.Batch.Clone()
	}
	return circuit.NewBatch(width, 0)
}

// expected is the output's deltas by the definition of incremental.
func (q *query) expected(history []delta) stream.Stream[*circuit.Batch] {
	out := zsets(q.width)
	inGroup := stream.Group[delta]{
		Zero: func() delta {
			var d delta
			for _, width := range q.inputs {
				d = append(d, circuit.NewBatch(width, 0))
			}
			return d
		},
		Add: func(a, b delta) delta {
			sum := make(delta, len(a))
			for i := range a {
				sum[i] = a[i].Clone()
				sum[i].AddAll(b[i])
			}
			return sum
		},
	}
	naive := func(in delta) *circuit.Batch {
		for _, b := range in {
			must(b.Consolidate())
		}
		return q.naive(in)
	}
	return stream.Incremental(inGroup, out, naive)(history)
}

// zsets is the group of Z-sets of one width.
func zsets(width int) stream.Group[*circuit.Batch] {
	return stream.Group[*circuit.Batch]{
		Zero: func() *circuit.Batch { return circuit.NewBatch(width, 0) },
		Add: func(a, b *circuit.Batch) *circuit.Batch {
			sum := a.Clone()
			sum.AddAll(b)
			must(sum.Consolidate())
			return sum
		},
		Neg: func(a *circuit.Batch) *circuit.Batch {
			n := a.Clone()
			n.Negate()
			return n
		},
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// genHistory draws a sequence of deltas. Weights are any small integers: what
// holds for Z-sets in general holds for tables.
func genHistory(rt *rapid.T, widths []int, tablesOnly bool) []delta {
	history := make([]delta, rapid.IntRange(1, 8).Draw(rt, "steps"))
	held := make([]map[string]int64, len(widths))
	for t := range history {
		for i, width := range widths {
			if held[i] == nil {
				held[i] = map[string]int64{}
			}
			b := circuit.NewBatch(width, 0)
			for range rapid.IntRange(0, 6).Draw(rt, "rows") {
				row := make([]values.Datum, width)
				for c := range row {
					row[c] = genDatum(rt)
				}
				w := rapid.Int64Range(-2, 2).Draw(rt, "w")
				key := string(values.AppendRow(nil, row))
				if tablesOnly && held[i][key]+w < 0 {
					w = -held[i][key]
				}
				held[i][key] += w
				b.Append(row, w)
			}
			history[t] = append(history[t], b)
		}
	}
	return history
}

// genDatum draws from few values, so that rows meet: NULL, small integers, and
// integers with a hidden mark in aux, equal to the plain ones by their key.
func genDatum(rt *rapid.T) values.Datum {
	switch n := rapid.IntRange(0, 8).Draw(rt, "datum"); {
	case n == 0:
		return values.Null
	case n < 6:
		return values.Int(int64(n - 3))
	default:
		return values.Make("", int64(n-6), 7)
	}
}

// keyOf makes a key of columns; with strict, NULL meets nothing.
func keyOf(strict bool, columns ...int) circuit.KeyFunc {
	return func(dst []byte, row []values.Datum) ([]byte, bool) {
		for _, c := range columns {
			if row[c].IsNull() {
				if strict {
					return dst, false
				}
				dst = append(dst, 0xff)
				continue
			}
			dst = values.AppendKeyInt(dst, row[c].Int64())
		}
		return dst, true
	}
}

func keyString(f circuit.KeyFunc, row []values.Datum) (string, bool) {
	k, ok := f(nil, row)
	return string(k), ok
}

// contents is everything a store holds for circuits, key by key.
func contents(t testing.TB, s state.Store) []string {
	t.Helper()
	it := s.NewIter([]byte{1}, nil)
	defer it.Close()
	var out []string
	for ok := it.First(); ok; ok = it.Next() {
		out = append(out, fmt.Sprintf("%x = %x", it.Key(), it.Value()))
	}
	if it.Error() != nil {
		t.Fatal(it.Error())
	}
	return out
}

func show(b *circuit.Batch) string {
	c := b.Clone()
	must(c.Consolidate())
	var s bytes.Buffer
	for i, w := range c.W {
		fmt.Fprintf(&s, "%+d × %s\n", w, showRow(c.Row(i)))
	}
	return s.String()
}

func showRow(row []values.Datum) string {
	var s bytes.Buffer
	for i, d := range row {
		if i > 0 {
			s.WriteByte(' ')
		}
		switch {
		case d.IsNull():
			s.WriteString("NULL")
		case d.Str() != "":
			fmt.Fprintf(&s, "%q", d.Str())
		case d.Aux() != 0:
			fmt.Fprintf(&s, "%d'", d.Int64())
		default:
			fmt.Fprint(&s, d.Int64())
		}
	}
	return s.String()
}

// group is the rows of one key in a naive computation, sorted by encoding.
type group struct {
	rows [][]values.Datum
	w    []int64
}

// groupsBy splits a consolidated batch by key.
func groupsBy(in *circuit.Batch, key circuit.KeyFunc) []group {
	byKey := map[string]*group{}
	var keys []string
	for i, w := range in.W {
		k, ok := "", true
		if key != nil {
			k, ok = keyString(key, in.Row(i))
		}
		if !ok {
			continue
		}
		if byKey[k] == nil {
			byKey[k] = &group{}
			keys = append(keys, k)
		}
		g := byKey[k]
		g.rows, g.w = append(g.rows, in.Row(i)), append(g.w, w)
	}
	sort.Strings(keys)
	var out []group
	for _, k := range keys {
		out = append(out, *byKey[k])
	}
	return out
}

// sumAcc is sum() of integers, NULL over nothing but NULLs; countAcc count().
type sumAcc struct{ n, sum int64 }

func (a *sumAcc) Reset() { *a = sumAcc{} }
func (a *sumAcc) Add(args []values.Datum, w int64) {
	if !args[0].IsNull() {
		a.n += w
		a.sum += w * args[0].Int64()
	}
}

func (a *sumAcc) Result() values.Datum {
	if a.n == 0 {
		return values.Null
	}
	return values.Int(a.sum)
}

func (a *sumAcc) AppendState(dst []byte) []byte {
	return binary.AppendVarint(binary.AppendVarint(dst, a.n), a.sum)
}

func (a *sumAcc) LoadState(src []byte) ([]byte, error) {
	n, k := binary.Varint(src)
	sum, l := binary.Varint(src[max(k, 0):])
	if k <= 0 || l <= 0 {
		return nil, fmt.Errorf("bad sum")
	}
	a.n, a.sum = n, sum
	return src[k+l:], nil
}

type countAcc struct{ n int64 }

func (a *countAcc) Reset()                        { a.n = 0 }
func (a *countAcc) Add(_ []values.Datum, w int64) { a.n += w }
func (a *countAcc) Result() values.Datum          { return values.Int(a.n) }
func (a *countAcc) AppendState(dst []byte) []byte { return binary.AppendVarint(dst, a.n) }
func (a *countAcc) LoadState(src []byte) ([]byte, error) {
	n, k := binary.Varint(src)
	if k <= 0 {
		return nil, fmt.Errorf("bad count")
	}
	a.n = n
	return src[k:], nil
}

// Folds: least and greatest, and a list of all that there is.
func foldFirst(e circuit.Entries) values.Datum {
	if !e.First() {
		return values.Null
	}
	return e.Args()[0]
}

func foldLast(e circuit.Entries) values.Datum {
	if !e.Last() {
		return values.Null
	}
	return e.Args()[0]
}

func foldList(e circuit.Entries) values.Datum {
	text := []byte("f")
	for ok := e.First(); ok; ok = e.Next() {
		text = fmt.Appendf(text, " %s×%d", showRow(e.Args()), e.Weight())
	}
	return values.String(string(text))
}

func foldBack(e circuit.Entries) values.Datum {
	text := []byte("b")
	for ok := e.Last(); ok; ok = e.Prev() {
		text = fmt.Appendf(text, " %s×%d", showRow(e.Args()), e.Weight())
	}
	return values.String(string(text))
}

// sliceEntries is Entries over a list, for the naive side.
type sliceEntries struct {
	rows [][]values.Datum
	w    []int64
	i    int
}

func (e *sliceEntries) at() bool             { return e.i >= 0 && e.i < len(e.rows) }
func (e *sliceEntries) First() bool          { e.i = 0; return e.at() }
func (e *sliceEntries) Last() bool           { e.i = len(e.rows) - 1; return e.at() }
func (e *sliceEntries) Next() bool           { e.i++; return e.at() }
func (e *sliceEntries) Prev() bool           { e.i--; return e.at() }
func (e *sliceEntries) Args() []values.Datum { return e.rows[e.i] }
func (e *sliceEntries) Weight() int64        { return e.w[e.i] }

// naiveAggregate computes an AggSpec over whole contents.
func naiveAggregate(spec circuit.AggSpec, in *circuit.Batch) *circuit.Batch {
	out := circuit.NewBatch(spec.GroupWidth+len(spec.Aggregates), 0)
	groups := groupsBy(in, spec.Key)
	if spec.Global && len(groups) == 0 {
		groups = []group{{}}
	}
	for _, g := range groups {
		var count int64
		columns := map[string]int64{}
		decoded := map[string][]values.Datum{}
		for i, row := range g.rows {
			count += g.w[i]
			if spec.GroupWidth > 0 {
				c := make([]values.Datum, spec.GroupWidth)
				spec.Group(row, c)
				k := string(values.AppendRow(nil, c))
				columns[k] += g.w[i]
				decoded[k] = c
			}
		}
		if count <= 0 && !spec.Global {
			continue
		}
		result := make([]values.Datum, 0, out.Width)
		if spec.GroupWidth > 0 {
			least := ""
			for k, w := range columns {
				if (w > 0 || !spec.Variants) && (least == "" || k < least) {
					least = k
				}
			}
			result = append(result, decoded[least]...)
		}
		for i := range spec.Aggregates {
			result = append(result, naiveOne(&spec.Aggregates[i], g))
		}
		out.Append(result, 1)
	}
	return out
}

func naiveOne(a *circuit.Aggregate, g group) values.Datum {
	args := circuit.NewBatch(a.Width, 0)
	for i, row := range g.rows {
		dst := make([]values.Datum, a.Width)
		if a.Args == nil || a.Args(row, dst) {
			args.Append(dst, g.w[i])
		}
	}
	if a.Linear != nil && a.Distinct == nil {
		acc := a.Linear()
		for i, w := range args.W {
			acc.Add(args.Row(i), w)
		}
		return acc.Result()
	}
	must(args.Consolidate())
	e := &sliceEntries{}
	seen := map[string]bool{}
	for i, w := range args.W {
		if w <= 0 {
			continue
		}
		if a.Distinct != nil {
			k, ok := keyString(a.Distinct, args.Row(i))
			if !ok && a.Linear != nil || seen[k] {
				continue
			}
			seen[k], w = true, 1
		}
		e.rows, e.w = append(e.rows, args.Row(i)), append(e.w, w)
	}
	if a.Linear != nil {
		acc := a.Linear()
		for _, row := range e.rows {
			acc.Add(row, 1)
		}
		return acc.Result()
	}
	order := make([]int, len(e.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return bytes.Compare(a.Order(nil, e.rows[i]), a.Order(nil, e.rows[j]))
	})
	sorted := &sliceEntries{}
	for _, i := range order {
		sorted.rows, sorted.w = append(sorted.rows, e.rows[i]), append(sorted.w, e.w[i])
	}
	return a.Fold(sorted)
}
