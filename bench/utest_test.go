package main

import (
	"math"
	"testing"
)

func TestMannWhitney(t *testing.T) {
	up := func(from, n int) sample {
		var s sample
		for i := range n {
			s.add(float64(from + i))
		}
		return s
	}
	for _, c := range []struct {
		name string
		a, b sample
		want float64
	}{
		// Of C(6,3) = 20 choices two are as extreme, of C(8,4) = 70, of C(10,5) = 252.
		{"three apart", up(1, 3), up(11, 3), 2.0 / 20},
		{"four apart", up(11, 4), up(1, 4), 2.0 / 70},
		{"five apart", up(1, 5), up(11, 5), 2.0 / 252},
		// Siegel's permeability of membranes, as in the documentation of R's wilcox.test:
		// one-sided 0.1272.
		{"membranes", sample{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, sample{1.15, 0.88, 0.90, 0.74, 1.21}, 0.2544},
		// As in the documentation of scipy.stats.mannwhitneyu: exact 0.1111.
		{"diabetes", sample{19, 22, 16, 29, 24}, sample{20, 11, 17, 12}, 0.1111},
		{"all equal", sample{1, 1, 1}, sample{1, 1, 1, 1}, 1},
		// Of the C(4,2) = 6 choices of ranks 1, 2.5, 2.5, 4 two sum to 3.5 and two to 6.5.
		{"a tie", sample{1, 2}, sample{2, 3}, 4.0 / 6},
		{"same", up(1, 30), up(1, 30), 1},
		{"nothing", nil, up(1, 3), 1},
	} {
		if got := mannWhitney(c.a, c.b); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("%s: p = %.5f, want %.5f", c.name, got, c.want)
		}
		if x, y := mannWhitney(c.a, c.b), mannWhitney(c.b, c.a); math.Abs(x-y) > 1e-12 {
			t.Errorf("%s: p = %g one way, %g the other", c.name, x, y)
		}
	}
}

// TestMannWhitneyApproximation puts the normal approximation beside the exact test on
// both sides of where one gives way to the other.
func TestMannWhitneyApproximation(t *testing.T) {
	interleaved := func(n, shift int) (a, b sample) {
		for i := range n {
			a.add(float64(2*i + shift))
			b.add(float64(2*i+1) - float64(i%3)) // with ties
		}
		return a, b
	}
	for _, shift := range []int{0, 3, 7, 12} {
		exact := mannWhitney(interleaved(exactAtMost/2, shift))
		a, b := interleaved(exactAtMost/2, shift)
		ranks, ties := doubleRanks(append(append(sample{}, a...), b...))
		sum := 0
		for _, r := range ranks[:len(a)] {
			sum += r
		}
		if got := normalTail(len(a), len(b), sum, ties); math.Abs(got-exact) > 0.01 {
			t.Errorf("shift %d: approximately %.4f, exactly %.4f", shift, got, exact)
		}
	}
	if p := mannWhitney(interleaved(exactAtMost, 0)); p < 0.3 {
		t.Errorf("much the same samples: p = %g", p)
	}
}
