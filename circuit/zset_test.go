package circuit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/circuit/stream"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The laws of the paper, on streams of Z-sets by the definitions of package
// stream. They hold whatever the queries are; the ones here stand for their
// kinds.

func genStream(rt *rapid.T, width, steps int) stream.Stream[*circuit.Batch] {
	s := make(stream.Stream[*circuit.Batch], steps)
	for t := range s {
		s[t] = circuit.NewBatch(width, 0)
		for range rapid.IntRange(0, 4).Draw(rt, "rows") {
			row := make([]values.Datum, width)
			for c := range row {
				row[c] = genDatum(rt)
			}
			s[t].Append(row, rapid.Int64Range(-2, 2).Draw(rt, "w"))
		}
	}
	return s
}

func same(rt *rapid.T, law string, a, b stream.Stream[*circuit.Batch]) {
	for t := range a {
		if !a[t].Equal(b[t]) {
			rt.Fatalf("%s does not hold at step %d:\n%s\nand\n%s", law, t, show(a[t]), show(b[t]))
		}
	}
}

func positiveOf(in *circuit.Batch) *circuit.Batch { return queries[0].naive([]*circuit.Batch{in}) }

func joinOf(l, r *circuit.Batch) *circuit.Batch {
	return naiveJoin(l, r, keyOf(true, 0), keyOf(true, 0), pair, 4)
}

func TestLaws(t *testing.T) {
	g2, g4 := zsets(2), zsets(4)
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.IntRange(1, 6).Draw(rt, "steps")
		a, b := genStream(rt, 2, steps), genStream(rt, 2, steps)

		same(rt, "D ∘ I = id", g2.Differentiate(g2.Integrate(a)), a)
		same(rt, "I ∘ D = id", g2.Integrate(g2.Differentiate(a)), a)
		same(rt, "I(s) = s + z⁻¹(I(s))", g2.Integrate(a),
			stream.Lift2(g2.Add)(a, g2.Delay(g2.Integrate(a))))

		positives := stream.Incremental(g2, g2, positiveOf)
		same(rt, "Q^Δ = Q for linear Q", positives(a), stream.Lift(positiveOf)(a))

		distinct := func(z *circuit.Batch) *circuit.Batch { return z.Distinct() }
		both := func(z *circuit.Batch) *circuit.Batch { return positiveOf(distinct(z)) }
		same(rt, "chain rule: (P ∘ Q)^Δ = P^Δ ∘ Q^Δ", stream.Incremental(g2, g2, both)(a),
			positives(stream.Incremental(g2, g2, distinct)(a)))

		join := stream.Lift2(joinOf)
		pastA, pastB := g2.Delay(g2.Integrate(a)), g2.Delay(g2.Integrate(b))
		terms := stream.Lift2(g4.Add)(join(a, b), stream.Lift2(g4.Add)(join(pastA, b), join(a, pastB)))
		same(rt, "(a ⋈ b)^Δ = a ⋈ b + z⁻¹I(a) ⋈ b + a ⋈ z⁻¹I(b)",
			stream.Incremental2(g2, g2, g4, joinOf)(a, b), terms)
	})
}

// TestZSets: Z-sets are an abelian group, and consolidation is a normal form.
func TestZSets(t *testing.T) {
	g := zsets(2)
	rapid.Check(t, func(rt *rapid.T) {
		s := genStream(rt, 2, 3)
		a, b, c := s[0], s[1], s[2]
		for law, ok := range map[string]bool{
			"a + b = b + a":             g.Add(a, b).Equal(g.Add(b, a)),
			"(a + b) + c = a + (b + c)": g.Add(g.Add(a, b), c).Equal(g.Add(a, g.Add(b, c))),
			"a + 0 = a":                 g.Add(a, g.Zero()).Equal(a),
			"a - a = 0":                 g.Add(a, g.Neg(a)).IsZero(),
			"distinct is idempotent":    a.Distinct().Equal(a.Distinct().Distinct()),
		} {
			if !ok {
				rt.Fatalf("%s does not hold for\n%s\n%s\n%s", law, show(a), show(b), show(c))
			}
		}
		// Any order of any splitting of the rows has one normal form.
		shuffled := circuit.NewBatch(2, 0)
		for _, i := range rapid.Permutation(indices(a.Len())).Draw(rt, "order") {
			shuffled.Append(a.Row(i), a.W[i]-3)
		}
		for i := range a.Len() {
			shuffled.Append(a.Row(i), 3)
		}
		x := a.Clone()
		must(x.Consolidate())
		must(shuffled.Consolidate())
		if diff := cmp.Diff(show(x), show(shuffled)); diff != "" || x.Len() != shuffled.Len() {
			rt.Fatalf("two normal forms: %s", diff)
		}
		for i, w := range x.W {
			if w == 0 || i > 0 && string(values.AppendRow(nil, x.Row(i-1))) >= string(values.AppendRow(nil, x.Row(i))) {
				rt.Fatalf("row %d of a normal form is not in its place:\n%s", i, show(x))
			}
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
