package values

import "encoding/binary"

// Segments are what Postgres comes to compare of an anonymous record, one after the other: its
// fields, and those of records in it. Each begins with what has to be the same in both of two records that
// agree up to there, as Postgres fails otherwise (record_cmp): the field's type and collation, or that there is
// none left. What follows is the value's key. So records compare as their segments do.
//
// by is the type of the value itself, in which labels may stand for values of the fields that t has.
func Segments(dst [][]byte, t, by *Type, d Datum) ([][]byte, error) {
	start := len(dst)
	dst, err := segments(dst, t, by, d)
	if err != nil {
		return nil, err
	}
	return append(dst[:start], dst[start+1:]...), nil // that it is there
}

// SegmentHead is how many bytes of a segment have to be the same.
const SegmentHead = 8

// What stands in the place of a type.
const (
	noMoreFields = 0
	inArray      = 1
)

func segment(oid, collation uint32, key ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, oid), collation), key...)
}

func segments(dst [][]byte, t, by *Type, d Datum) ([][]byte, error) {
	if t.Call != nil || !t.Anonymous() {
		return append(dst, AppendKey(segment(t.OID, t.Collation), by, d)), nil
	}
	const there, missing = 1, 2
	if d.IsNull() {
		return append(dst, segment(t.OID, 0, missing)), nil
	}
	dst = append(dst, segment(t.OID, 0, there))
	if t.Kind == KindArray {
		return arraySegments(dst, t, by, d)
	}
	row, err := t.fields(d)
	if err != nil {
		return nil, err
	}
	if t.Variant {
		which := int(row[0].Int64()) + 1
		if which < 1 || which >= len(row) {
			return nil, malformed(t, "not a variant's number")
		}
		t, by = t.Fields[which].Type, by.Fields[which].Type
		if row, err = t.fields(row[which]); err != nil {
			return nil, err
		}
	}
	for i, f := range t.Fields {
		if dst, err = segments(dst, f.Type, by.Fields[i].Type, row[i]); err != nil {
			return nil, err
		}
	}
	return append(dst, segment(noMoreFields, 0)), nil
}

// arraySegments follows array_cmp: the elements, then how many there are, then the dimensions.
func arraySegments(dst [][]byte, t, by *Type, d Datum) ([][]byte, error) {
	a, err := ReadArray(d)
	if err != nil {
		return nil, err
	}
	elems, err := Elements(nil, by, d)
	if err != nil {
		return nil, err
	}
	for _, e := range elems {
		dst = append(dst, segment(inArray, 0, 1))
		if dst, err = segments(dst, t.Elem, by.Elem, e); err != nil {
			return nil, err
		}
	}
	end := segment(inArray, 0, 0, byte(len(a.Dims())))
	for _, dim := range a.Dims() {
		end = binary.BigEndian.AppendUint32(end, uint32(dim.Len))
	}
	for _, dim := range a.Dims() {
		end = binary.BigEndian.AppendUint32(end, uint32(dim.Lower)^1<<31)
	}
	return append(dst, end), nil
}
