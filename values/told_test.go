package values

import "testing"

// TestToldNames: arrays' elements are one after the other, whatever the dimensions, and of what the JSON
// does not tell, any types may be.
func TestToldNames(t *testing.T) {
	of := func(name string) *Type { return RecordOf([]Field{{Name: name, Type: Int4Type}}) }
	both := VariantOf([]*Type{of("a"), of(`b"`)})
	sent := func(src string) string { return string(append32(append32(nil, TextType.OID), uint32(len(src)))) + src }
	record := func(v uint32) string {
		return string(append32(append32(append32(append32(nil, 1), Int4Type.OID), 4), v))
	}
	array := string(append32(append32(append32(append32(nil, 1), 0), recordOID), 2)) + string(append32(nil, 1))
	for range 2 {
		array += string(append32(nil, uint32(len(record(7))))) + record(7)
	}
	head := string(append32(nil, 2))
	got, err := DecodeTold(ArrayOf(both), []byte(head+sent(`[[{"a":7}],[{"b\"":7}]]`)+sent(array)))
	if err != nil {
		t.Fatal(err)
	}
	elems, err := Elements(nil, ArrayOf(both), got)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range elems {
		if row, err := Fields(nil, e); err != nil || row[0].Int64() != int64(i) {
			t.Errorf("element %d is %v, %v", i, row, err)
		}
	}
	for _, bad := range []string{"", head, head + sent("{"), head + sent("{}"), head + sent(`{"a":7`) + sent(record(7)), head + sent(`{"c":7}`) + sent(record(7)), head + sent(`{"a":7}`) + sent("")} {
		if v, err := DecodeTold(both, []byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, v)
		}
	}
}
