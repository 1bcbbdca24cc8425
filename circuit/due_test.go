package circuit

import (
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The set gives its numbers in order, also such as are added ahead meanwhile.
func TestDueSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + r.IntN(300)
		d, has := newDueSet(n), map[int]bool{}
		for range r.IntN(2 * n) {
			id := r.IntN(n)
			if r.IntN(3) == 0 {
				d.remove(id)
				delete(has, id)
			} else {
				d.add(id)
				has[id] = true
			}
		}
		met := 0
		for id := d.next(0); id < n; id = d.next(id + 1) {
			if !has[id] || !d.has(id) {
				t.Fatalf("%d is not in the set", id)
			}
			if met++; r.IntN(4) == 0 {
				ahead := id + r.IntN(n-id)
				d.add(ahead)
				has[ahead] = true
			}
		}
		if met != len(has) {
			t.Fatalf("%d of %d numbers met", met, len(has))
		}
	}
}

// A step visits what depends on the tables that change, and nothing else; whatever is
// not idle after it is visited by the next one.
func TestStepVisitsWhatIsDue(t *testing.T) {
	b := NewBuilder()
	key := func(dst []byte, row []values.Datum) ([]byte, bool) {
		return values.AppendRow(dst, row[:1]), true
	}
	of := map[string]map[int]bool{}
	for _, table := range []string{"a", "b"} {
		first := len(b.nodes)
		in := b.Source(table, 1)
		l, r := b.Index(in, "l "+table, key), b.Index(in, "r "+table, key)
		pairs := b.Join(l, r, 1, "pairs "+table, func(l, _ []values.Datum, out *Batch, w int64) { out.Append(l, w) })
		b.Output("pairs "+table, b.Distinct(pairs, "some "+table, key))
		of[table] = map[int]bool{}
		for id := first; id < len(b.nodes); id++ {
			of[table][id] = true
		}
	}
	store := state.NewMemory(state.Options{})
	c, err := b.Build(store, []byte("c"))
	if err != nil {
		t.Fatal(err)
	}
	batch := store.NewBatch()
	step := func(table string, n int64) []Output {
		t.Helper()
		in := NewBatch(1, 1)
		in.Append([]values.Datum{values.Int(n)}, 1)
		outs, err := c.Step(t.Context(), map[string]*Batch{table: in}, batch)
		if err == nil {
			_, err = batch.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.nodes {
			if n.finish != nil && !n.finish.idle() && !c.due.has(n.id) {
				t.Fatalf("%s %q is not idle and will not be visited", n.op.kind(), n.label)
			}
		}
		return outs
	}
	step("b", 0) // all are visited once
	for i := range int64(6) {
		for range 2 {
			outs := step("a", i)
			if i > 0 && len(outs) > 1 || len(outs) == 1 && outs[0].Name != "pairs a" {
				t.Fatalf("outputs %v", outs)
			}
		}
		for id := range of["b"] {
			if c.due.has(id) {
				t.Fatalf("%s %q is visited, though nothing concerns it", c.nodes[id].op.kind(), c.nodes[id].label)
			}
		}
		step("b", i)
	}
}

// TestNodeEnd: each node's keys are told from those of the others, however short they are.
func TestNodeEnd(t *testing.T) {
	circuit := []byte{16, 0, 0, 0, 1}
	for _, id := range []int{0, 1, 126, 127, 128, 300, 16_383, 1 << 20} {
		prefix := nodePrefix(circuit, id)
		for _, rest := range []string{"", "g", "\x80\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
			key := append(prefix[:len(prefix):len(prefix)], rest...)
			if got := NodeEnd(key, len(circuit)); got != len(prefix) {
				t.Errorf("node %d, %q: %d bytes, not %d", id, rest, got, len(prefix))
			}
		}
	}
	for _, key := range []string{"", "\x10", "\x10\x00\x00\x00\x01", "\x10\x00\x00\x00\x01\x80", "\x10\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if got := NodeEnd([]byte(key), len(circuit)); got > len(key) || got < min(len(circuit), len(key)) {
			t.Errorf("%q: %d bytes", key, got)
		}
	}
}
