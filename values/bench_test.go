package values

import "testing"

var benchRow = []Datum{
	Int(123456), NumericFromInt(1999, 2), String("a product of some kind"), Int(790_000_000_000_000), Null, Float(12.5), True,
}

func BenchmarkDecodeBinary(b *testing.B) {
	for _, c := range []struct {
		name string
		typ  *Type
		d    Datum
	}{
		{"int4", Int4Type, Int(123456)},
		{"numeric", NumericType, NumericFromInt(1234567, 2)},
		{"numeric_big", NumericType, ParseNumeric("0.33333333333333333333")},
		{"text", TextType, String("a product of some kind")},
		{"timestamptz", TimestampTZType, Int(790_000_000_000_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			src, err := AppendBinary(nil, c.typ, c.d)
			if err != nil {
				b.Fatal(err)
			}
			text := string(src)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeBinaryString(c.typ, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendKey(b *testing.B) {
	for _, c := range []struct {
		name string
		typ  *Type
		d    Datum
	}{
		{"int4", Int4Type, Int(123456)},
		{"numeric", NumericType, NumericFromInt(1234567, 2)},
		{"text", TextType, String("a product of some kind")},
		{"float8", Float8Type, Float(1.5)},
		{"jsonb", JSONBType, String(`{"a": 1, "b": [1.50, "x"]}`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			buf := make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendKey(buf[:0], c.typ, c.d)
			}
		})
	}
}

func BenchmarkAppendRow(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRow(buf[:0], benchRow)
	}
	b.ReportMetric(float64(len(buf)), "B/row")
}

func BenchmarkDecodeRow(b *testing.B) {
	src := AppendRow(nil, benchRow)
	var row []Datum
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if row, err = DecodeRow(src, row[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNumeric(b *testing.B) {
	x, y := NumericFromInt(123456, 2), NumericFromInt(77, 1)
	third, big := ParseNumeric("0.33333333333333333333"), ParseNumeric("12345678901234567890.5")
	for _, c := range []struct {
		name string
		f    func(a, b Datum) Datum
		a, b Datum
	}{
		{"add", NumericAdd, x, y},
		{"add_big", NumericAdd, third, big},
		{"mul", NumericMul, x, y},
		{"mul_big", NumericMul, third, big},
		{"div", NumericDiv, x, y},
		{"div_big", NumericDiv, x, NumericFromInt(3, 0)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f(c.a, c.b)
			}
		})
	}
}
