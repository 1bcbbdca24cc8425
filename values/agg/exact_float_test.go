package agg

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// randomFloat draws from all magnitudes, with many near and equal ones.
func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(8) {
	case 0:
		return []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 0.2, 0.3, math.MaxFloat64, -math.MaxFloat64,
			math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 0x1p-1022, 0x1p53, 0x1p53 + 2, 0x1p-1}[r.IntN(15)]
	case 1:
		for {
			if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
				return f
			}
		}
	case 2:
		return math.Float64frombits(r.Uint64N(1 << 53)) // denormal or next to
	case 3:
		return float64(r.IntN(2001)-1000) / 100
	}
	return (r.Float64() - 0.5) * math.Pow(2, float64(r.IntN(120)-60))
}

// precise holds any sum of doubles of these tests exactly.
func precise() *big.Float { return new(big.Float).SetPrec(2400) }

func TestExactFloatSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var x exactFloat
		want := precise()
		for range r.IntN(20) {
			f, w := randomFloat(r), r.Int64N(7)-3
			if r.IntN(20) == 0 {
				w = math.MinInt64 + r.Int64N(3)
			}
			x.addMul(f, w)
			p := precise().SetFloat64(f)
			want.Add(want, p.Mul(p, precise().SetInt64(w)))
		}
		if f, _ := want.Float64(); f != x.float64(1) {
			t.Fatalf("sum %v, want %v", x.float64(1), f)
		}
		if f, _ := want.Float32(); f != x.float32() {
			t.Fatalf("float32 sum %v, want %v", x.float32(), f)
		}
		n := 1 + r.Uint64N(1<<uint(r.IntN(62)))
		q := new(big.Rat)
		exact, _ := want.Rat(nil)
		if exact == nil {
			exact = new(big.Rat)
		}
		q.Quo(exact, new(big.Rat).SetInt(new(big.Int).SetUint64(n)))
		if f, _ := q.Float64(); f != x.float64(n) {
			t.Fatalf("%v / %d = %v, want %v", exact, n, x.float64(n), f)
		}
		var y exactFloat
		y.addMul(17, 5) // load replaces whatever is there
		enc := x.append(nil)
		rest, err := y.load(append(enc, 7))
		if err != nil || len(rest) != 1 || y.limbs != x.limbs {
			t.Fatalf("load(append(x)): %v, rest %d", err, len(rest))
		}
		y.reset()
		if !y.isZero() {
			t.Fatal("reset left something")
		}
	}
}

func TestExactFloatRejectsMalformedState(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		b := make([]byte, r.IntN(12))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		var x exactFloat
		if rest, err := x.load(b); err == nil && len(rest) > len(b) {
			t.Fatal("load read backwards")
		}
		var i exactInt
		if rest, err := i.load(b); err == nil && len(rest) > len(b) {
			t.Fatal("load read backwards")
		}
	}
}
