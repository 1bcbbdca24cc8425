package values

import (
	"bytes"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyDatum draws representations, of whatever type.
func anyDatum() *rapid.Generator[Datum] {
	return rapid.Custom(func(t *rapid.T) Datum {
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			return Null
		case 1:
			return Errorf("22012", "%s", rapid.String().Draw(t, "message"))
		case 2:
			return Int(rapid.Int64Range(-300, 300).Draw(t, "small"))
		case 3:
			return Int(rapid.Int64().Draw(t, "int"))
		case 4:
			return Float(rapid.Float64().Draw(t, "float"))
		case 5:
			return String(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		case 6:
			return Int(int64(1) << rapid.IntRange(0, 63).Draw(t, "bit"))
		}
		return Make(rapid.String().Draw(t, "s"), rapid.Int64().Draw(t, "i"), rapid.Int32().Draw(t, "aux"))
	})
}

func TestRowRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(anyDatum(), 0, 8).Draw(t, "a")
		b := rapid.SliceOfN(anyDatum(), 0, 8).Draw(t, "b")
		src := AppendRow(nil, a)
		got, err := DecodeRow(src, nil)
		if err != nil || !slices.Equal(got, a) {
			t.Fatalf("%+v became %+v, %v", a, got, err)
		}
		clear(src) // the row must not depend on the store's memory
		if !slices.Equal(got, a) {
			t.Fatal("the decoded row aliases its source")
		}
		if bytes.Equal(AppendRow(nil, a), AppendRow(nil, b)) != slices.Equal(a, b) {
			t.Fatalf("%+v and %+v share an encoding", a, b)
		}
	})
}

// scalar draws a value of one of the kinds that a generator can make directly.
func scalar(t *rapid.T, typ *Type, label string) Datum {
	switch typ.Kind {
	case KindFloat8:
		return Float(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1)})).Draw(t, label))
	case KindNumeric:
		scale := rapid.Int32Range(0, 25).Draw(t, label+" scale")
		d := NumericFromInt(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2000, 2000)).Draw(t, label), scale)
		if rapid.Bool().Draw(t, label+" big") {
			d = NumericMul(d, NumericFromInt(1_000_000_000_000_000_000, rapid.Int32Range(0, 20).Draw(t, label+" big scale")))
		}
		return d
	case KindInterval:
		return MakeInterval(rapid.Int32Range(-3, 3).Draw(t, label), rapid.Int32Range(-90, 90).Draw(t, label),
			rapid.Int64Range(-90, 90).Draw(t, label)*MicrosPerDay/2)
	case KindBPChar, KindText, KindBytea:
		return String(rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01 ab\xff")), 0, 4, -1).Draw(t, label))
	case KindTimeTZ:
		return Make("", rapid.Int64Range(0, 4).Draw(t, label)*3_600_000_000, rapid.Int32Range(-4, 4).Draw(t, label)*3600)
	}
	return Int(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-300, 300)).Draw(t, label))
}

// Keys of several columns, in one, order as the columns do one after the other,
// NULL last.
func TestKeyOrderProperty(t *testing.T) {
	types := []*Type{Int8Type, Float8Type, NumericType, IntervalType, BPCharType, TextType, ByteaType, TimeTZType}
	rapid.Check(t, func(t *rapid.T) {
		var ka, kb []byte
		want := 0
		for range 3 {
			typ := rapid.SampledFrom(types).Draw(t, "type")
			a, b := scalar(t, typ, "a"), scalar(t, typ, "b")
			if rapid.IntRange(0, 3).Draw(t, "same") == 0 {
				b = a
			}
			if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
				a = Null
			}
			ka, kb = AppendKey(ka, typ, a), AppendKey(kb, typ, b)
			c := 1
			if !a.IsNull() {
				c = sign(Compare(typ, a, b))
				if c != -sign(Compare(typ, b, a)) {
					t.Fatalf("compare is not antisymmetric on %+v and %+v", a, b)
				}
			}
			if want == 0 {
				want = c
			}
		}
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("keys %x and %x compare %d, want %d", ka, kb, got, want)
		}
	})
}

func TestSharedKeys(t *testing.T) {
	for _, v := range []int64{0, 1, 109, 110, 255, 256, 32767} {
		want := AppendKey(nil, Int8Type, Int(v))
		for _, typ := range []*Type{Int2Type, Int4Type, OIDType} {
			if got := AppendKey(nil, typ, Int(v)); !bytes.Equal(got, want) {
				t.Errorf("%s %d has key %x, bigint %x", typ.Name, v, got, want)
			}
		}
	}
	if !bytes.Equal(AppendKey(nil, Float4Type, Float(1.5)), AppendKey(nil, Float8Type, Float(1.5))) {
		t.Error("float4 and float8 differ")
	}
	if !bytes.Equal(AppendKey(nil, NameType, String("x")), AppendKey(nil, TextType, String("x"))) {
		t.Error("name and text differ")
	}
}

// Laws of exact arithmetic, on the border between words and big integers.
func TestNumericLawsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := scalar(t, NumericType, "a"), scalar(t, NumericType, "b"), scalar(t, NumericType, "c")
		if NumericAdd(a, b) != NumericAdd(b, a) || NumericMul(a, b) != NumericMul(b, a) {
			t.Fatal("not commutative")
		}
		if NumericAdd(NumericAdd(a, b), c) != NumericAdd(a, NumericAdd(b, c)) {
			t.Fatal("addition is not associative")
		}
		if d := NumericSub(NumericAdd(a, b), b); NumericCmp(d, a) != 0 {
			t.Fatalf("a + b - b = %s, a = %s", NumericString(d), NumericString(a))
		}
		l, r := NumericMul(a, NumericAdd(b, c)), NumericAdd(NumericMul(a, b), NumericMul(a, c))
		if NumericCmp(l, r) != 0 {
			t.Fatal("not distributive")
		}
		if numericSign(b) != 0 {
			checkQuotient(t, a, b)
		}
		if n, scale, ok := NumericBig(a); !ok || NumericFromBig(n, scale) != a {
			t.Fatalf("%s changed through big.Int", NumericString(a))
		}
	})
}

// checkQuotient: a / b is the multiple of 10^-scale nearest to the exact
// quotient, and of two the one farther from zero.
func checkQuotient(t *rapid.T, a, b Datum) {
	t.Helper()
	x, as, _ := NumericBig(a)
	y, bs, _ := NumericBig(b)
	q, qs, _ := NumericBig(NumericDiv(a, b))
	exact := new(big.Rat).Quo(scaledRat(x, -int(as)), scaledRat(y, -int(bs)))
	half := new(big.Rat).Quo(scaledRat(big.NewInt(1), -int(qs)), big.NewRat(2, 1))
	off := new(big.Rat).Sub(scaledRat(q, -int(qs)), exact)
	away := off.Sign() == exact.Sign()
	if c := off.Abs(off).Cmp(half); c > 0 || c == 0 && !away {
		t.Fatalf("%s / %s = %s", NumericString(a), NumericString(b), NumericString(NumericDiv(a, b)))
	}
}

func TestCivilProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-2451545, 2145031948).Draw(t, "days")
		y, m, d := CivilFromDays(days)
		if back := DaysFromCivil(y, m, d); back != days {
			t.Fatalf("day %d is %d-%d-%d is day %d", days, y, m, d, back)
		}
	})
}
