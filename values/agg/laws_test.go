package agg

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// randomDatum draws a value of a type, NULL and special values included; few
// distinct ones, so that values meet their equals.
func randomDatum(r *rand.Rand, typname string) values.Datum {
	if r.IntN(10) == 0 {
		return values.Null
	}
	switch typname {
	case "any", "int8":
		return values.Int(int64(r.Uint64()) >> r.UintN(64))
	case "int2":
		return values.Int(int64(int16(r.Uint32())) >> r.UintN(16))
	case "int4":
		return values.Int(int64(int32(r.Uint32())) >> r.UintN(32))
	case "bool":
		return values.Bool(r.IntN(2) == 0)
	case "float4":
		return values.Float(float64(float32(randomSpecialFloat(r))))
	case "float8":
		return values.Float(randomSpecialFloat(r))
	case "numeric":
		switch r.IntN(20) {
		case 0:
			return values.NumericNaN
		case 1:
			return values.NumericInfinity
		case 2:
			return values.NumericNegativeInfinity
		case 3, 4, 5:
			digits := strings.Repeat(fmt.Sprint(1+r.IntN(9)), 1+r.IntN(60))
			return values.ParseNumeric("-"[:r.IntN(2)] + digits + "." + digits[:r.IntN(len(digits))])
		}
		return values.NumericFromInt(int64(r.Uint64())>>r.UintN(64), int32(r.IntN(5)))
	case "interval":
		return values.MakeInterval(int32(r.IntN(100)-50), int32(r.IntN(100)-50), (r.Int64()-1<<62)>>r.UintN(62))
	}
	panic("no values of " + typname)
}

func randomSpecialFloat(r *rand.Rand) float64 {
	if r.IntN(30) == 0 {
		return []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)]
	}
	return randomFloat(r)
}

// change is one call of Add.
type change struct {
	args   []values.Datum
	weight int64
}

func apply(a Accumulator, changes []change) Accumulator {
	for _, c := range changes {
		a.Add(c.args, c.weight)
	}
	return a
}

// eachLinear runs a test for every linear aggregate.
func eachLinear(t *testing.T, f func(t *testing.T, argument string, fresh func() Accumulator)) {
	signatures := Signatures()
	slices.Sort(signatures)
	for _, signature := range signatures {
		_, argument, _ := strings.Cut(strings.TrimSuffix(signature, ")"), "(")
		if a := Lookup(signature, []*values.Type{values.Int4Type}, nil); a != nil && a.Linear != nil {
			t.Run(signature, func(t *testing.T) { f(t, argument, a.Linear) })
		}
	}
}

func randomChanges(r *rand.Rand, argument string, n int) []change {
	changes := make([]change, n)
	for i := range changes {
		changes[i].weight = 1 + r.Int64N(4)
		if argument != "" {
			changes[i].args = []values.Datum{randomDatum(r, argument)}
		}
	}
	return changes
}

// TestAbelianGroup: additions and removals in any order, over any number of
// encodings of the state, leave the state of what remains, byte for byte.
func TestAbelianGroup(t *testing.T) {
	eachLinear(t, func(t *testing.T, argument string, fresh func() Accumulator) {
		r := rand.New(rand.NewPCG(11, 12))
		for range 300 {
			kept := randomChanges(r, argument, r.IntN(6))
			want := apply(fresh(), kept)
			wantState := want.AppendState(nil)

			// The same, among values that come and go, each weight in two parts.
			var path []change
			for _, c := range kept {
				part := r.Int64N(c.weight+10) - 5
				path = append(path, change{c.args, part}, change{c.args, c.weight - part})
			}
			for _, c := range randomChanges(r, argument, r.IntN(6)) {
				path = append(path, c, change{c.args, -c.weight})
			}
			r.Shuffle(len(path), func(i, j int) { path[i], path[j] = path[j], path[i] })
			got := fresh()
			for _, c := range path {
				if r.IntN(3) == 0 {
					got = reload(t, got, fresh)
				}
				got.Add(c.args, c.weight)
			}
			if state := got.AppendState(nil); !bytes.Equal(state, wantState) {
				t.Fatalf("%v:\nstate %x\nwant  %x", path, state, wantState)
			}
			if got.Result() != want.Result() {
				t.Fatalf("%v: result %v, want %v", path, got.Result(), want.Result())
			}

			got.Reset()
			if empty := fresh(); !bytes.Equal(got.AppendState(nil), empty.AppendState(nil)) || got.Result() != empty.Result() {
				t.Fatal("Reset left something")
			}
		}
	})
}

// reload passes the state through its encoding, into an accumulator that held
// something else.
func reload(t *testing.T, a Accumulator, fresh func() Accumulator) Accumulator {
	t.Helper()
	state := a.AppendState([]byte("before"))
	b := fresh()
	b.Add([]values.Datum{values.Int(1)}, 3)
	rest, err := b.LoadState(append(state[len("before"):], "after"...))
	if err != nil || string(rest) != "after" {
		t.Fatalf("LoadState: rest %q, %v", rest, err)
	}
	return b
}

func TestDamagedStateIsAnError(t *testing.T) {
	eachLinear(t, func(t *testing.T, argument string, fresh func() Accumulator) {
		r := rand.New(rand.NewPCG(13, 14))
		for range 50 {
			state := apply(fresh(), randomChanges(r, argument, 3)).AppendState(nil)
			for cut := range len(state) {
				if _, err := fresh().LoadState(state[:cut]); err == nil {
					t.Fatalf("%x read as a state, cut from %x", state[:cut], state)
				}
			}
			garbage := make([]byte, r.IntN(30))
			for i := range garbage {
				garbage[i] = byte(r.Uint32())
			}
			if rest, err := fresh().LoadState(garbage); err == nil && len(rest) > len(garbage) {
				t.Fatal("read backwards")
			}
		}
	})
}

func TestExactIntAgainstBig(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for range 3000 {
		var x, y exactInt
		want := big128(0, 0)
		for range r.IntN(12) {
			a, b := int64(r.Uint64())>>r.UintN(64), int64(r.Uint64())>>r.UintN(64)
			p := big128(mul128(a, b))
			x.addMul(a, b)
			want.Add(want, p)
			if r.IntN(3) == 0 { // past 128 bits
				x.addSquare(a, b)
				s := big128(mul128(a, a))
				want.Add(want, s.Mul(s, big128(b>>63, uint64(b))))
			}
		}
		if x.value().Cmp(want) != 0 {
			t.Fatalf("sum %v, want %v", x.value(), want)
		}
		enc := x.append(nil)
		if rest, err := y.load(append(enc, 9)); err != nil || len(rest) != 1 || y.value().Cmp(want) != 0 {
			t.Fatalf("load(append(%v)) = %v, %v", want, y.value(), err)
		}
		if again := y.append(nil); !bytes.Equal(again, enc) {
			t.Fatalf("%v is written as %x and %x", want, enc, again)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, c := range []struct {
		signature string
		arg       values.Datum
	}{
		{"count()", values.Null}, {"sum(int4)", values.Int(42)}, {"sum(int8)", values.Int(1 << 60)},
		{"sum(float8)", values.Float(3.25e7)}, {"avg(float8)", values.Float(-1e-9)},
		{"sum(numeric)", values.NumericFromInt(12345, 2)}, {"var_samp(int4)", values.Int(1000)},
		{"bool_and(bool)", values.True}, {"bit_or(int4)", values.Int(0x55)}, {"sum(interval)", values.MakeInterval(0, 1, 5)},
	} {
		b.Run(c.signature, func(b *testing.B) {
			a := Lookup(c.signature, []*values.Type{values.Int4Type}, nil).Linear()
			args := []values.Datum{c.arg}
			b.ReportAllocs()
			for b.Loop() {
				a.Add(args, 1)
			}
		})
	}
}

// BenchmarkUpdate is what a changed row costs a group: read, add, result, write.
func BenchmarkUpdate(b *testing.B) {
	for _, c := range []struct {
		signature string
		arg       values.Datum
	}{
		{"sum(int4)", values.Int(42)}, {"sum(float8)", values.Float(3.25e7)}, {"avg(float8)", values.Float(3.25e7)},
		{"sum(numeric)", values.NumericFromInt(12345, 2)}, {"avg(numeric)", values.NumericFromInt(12345, 2)},
	} {
		b.Run(c.signature, func(b *testing.B) {
			a := Lookup(c.signature, []*values.Type{values.Int4Type}, nil).Linear()
			args := []values.Datum{c.arg}
			a.Add(args, 100)
			state := a.AppendState(nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.LoadState(state); err != nil {
					b.Fatal(err)
				}
				a.Add(args, 1)
				a.Result()
				state = a.AppendState(state[:0])
			}
		})
	}
}
