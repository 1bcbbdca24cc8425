package values

import (
	"testing"
)

var fuzzTypes = []*Type{
	BoolType, Int4Type, Int8Type, Float4Type, Float8Type, NumericType, TextType, BPCharType, ByteaType, UUIDType, DateType, TimeType, TimeTZType,
	TimestampType, TimestampTZType, IntervalType, JSONType, JSONBType, ArrayOf(Int4Type), ArrayOf(TextType), ArrayOf(NumericType),
	ArrayOf(JSONBType), ArrayOf(TimestampTZType), pairType, deepType, ArrayOf(deepType),
}

// Bytes that are no value give an error; those that are can be written, read
// again, ordered and made a key.
func FuzzDecodeBinary(f *testing.F) {
	for i, t := range fuzzTypes {
		f.Add(byte(i), []byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x07"))
		f.Add(byte(i), []byte("\x00\x02\x7f\xff\x00\x00\x3f\xff\x00\x01\x00\x02"))
		f.Add(byte(i), []byte("\x01{\"a\": [1.0, null]}"))
		f.Add(byte(i), make([]byte, fixedLen[t.Kind]))
	}
	f.Fuzz(func(t *testing.T, which byte, src []byte) {
		typ := fuzzTypes[int(which)%len(fuzzTypes)]
		d, err := DecodeBinary(typ, src)
		if err != nil {
			return
		}
		AppendKey(nil, typ, d)
		if c := Compare(typ, d, d); c != 0 {
			t.Fatalf("%x compares %d with itself", src, c)
		}
		b, err := AppendBinary(nil, typ, d)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeBinary(typ, b); err != nil || again != d {
			t.Fatalf("%x is %+v, again %+v, %v", src, d, again, err)
		}
		if typ.Kind != KindArray && typ.Kind != KindRecord {
			if _, err := AppendText(nil, typ, d); err != nil {
				t.Fatal(err)
			}
		} else if text, err := AppendText(nil, typ, d); err == nil && typ.Elem.Kind == KindInt4 {
			if again, err := DecodeText(typ, string(text)); err != nil || again != d {
				t.Fatalf("%s is %+v, again %+v, %v", text, d, again, err)
			}
		}
	})
}

func FuzzDecodeText(f *testing.F) {
	for i := range fuzzTypes {
		for _, s := range []string{"", "1", "-1.5e3", "{1,NULL}", "[0:1]={{a},{\"b\\\"\"}}", "2000-01-01 00:00:00.5+00 BC", "1 year -2 mons +3 days -04:05:06.7",
			`{"a": [1.0, "\u00e4"]}`, `\x00ff`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "12:00:00+05:30", "infinity", "NaN", "t"} {
			f.Add(byte(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, src string) {
		typ := fuzzTypes[int(which)%len(fuzzTypes)]
		d, err := DecodeText(typ, src)
		if err != nil {
			return
		}
		text, err := AppendText(nil, typ, d)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeText(typ, string(text)); err != nil || again != d {
			t.Fatalf("%q is %+v, printed %q, again %+v, %v", src, d, text, again, err)
		}
		AppendKey(nil, typ, d)
		b, err := AppendBinary(nil, typ, d)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeBinary(typ, b); err != nil || again != d {
			t.Fatalf("%q is %+v, from binary %x %+v, %v", src, d, b, again, err)
		}
	})
}

func FuzzDecodeRow(f *testing.F) {
	f.Add(AppendRow(nil, []Datum{Null, Int(5), Int(-1 << 40), Float(1.5), String("abc"), Make("x", 1, -2), Errorf("22012", "division by zero")}))
	f.Fuzz(func(t *testing.T, src []byte) {
		row, err := DecodeRow(src, nil)
		if err != nil {
			return
		}
		again, err := DecodeRow(AppendRow(nil, row), nil)
		if err != nil || len(again) != len(row) {
			t.Fatalf("%x: %v", src, err)
		}
		for i := range row {
			if row[i] != again[i] {
				t.Fatalf("%x: %+v became %+v", src, row[i], again[i])
			}
			_ = row[i].Err()
		}
	})
}
