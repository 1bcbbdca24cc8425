package values

import (
	"bytes"
	"fmt"
	"strings"
)

// A composite value is held as the row encoding of its fields (AppendRow), so
// that it is one form whatever object identifiers the types have
// (postgresql.org/docs/current/rowtypes.html). An anonymous record, what ROW(…)
// makes, differs from a value of a named type only in its Type:
//
//	t := values.RecordOf([]values.Field{{Name: "f1", Type: values.Int4Type}, {Name: "f2", Type: values.TextType}})
//	d := values.MakeRecord([]values.Datum{values.Int(1), values.Null})
//	path := values.ArrayOf(t)           // record[]
//	p, err := values.MakeArray(path, []values.Datum{d})
//
// Keys, comparison and arrays of such values work as of any other type. An
// element of an array is this encoding as well, not the format that is sent.

// Field is one field of a composite type.
type Field struct {
	Name string
	Type *Type // under the field's own collation
}

// recordOID is pg_type.oid of record.
const recordOID, recordArrayOID = 2249, 2287

// RecordOf is the type of an anonymous record of the given fields. It cannot be
// sent to a server: no input function knows its fields.
func RecordOf(fields []Field) *Type {
	t := &Type{OID: recordOID, BaseOID: recordOID, Typmod: -1, Kind: KindRecord, Schema: "pg_catalog", Name: "record", SQL: "record", Fields: fields}
	t.NoBinary = withoutBinary(fields)
	return t
}

// withoutBinary says that a field has no binary format, so that the record has
// none.
func withoutBinary(fields []Field) bool {
	for _, f := range fields {
		if f.Type.NoBinary {
			return true
		}
	}
	return false
}

// HasFields says whether values are composite, or arrays of such.
func (t *Type) HasFields() bool {
	return t.Kind == KindRecord || t.Kind == KindArray && t.Elem.HasFields()
}

// Anonymous says whether t is a record without a type of its own, or an array of
// such records.
func (t *Type) Anonymous() bool {
	for t.Kind == KindArray && t.Elem != nil {
		t = t.Elem
	}
	return t.Call != nil || t.Kind == KindRecord && t.BaseOID == recordOID
}

// RecordOfNone says whether t is the type of records, or of arrays of such, of which nothing is known: that of
// NULL::record. It has no other value.
func (t *Type) RecordOfNone() bool {
	return t.Kind == Opaque && t.Call == nil && (t.BaseOID == recordOID || t.BaseOID == recordArrayOID)
}

// RecordOfUnknown is the type of records of which nothing is known.
var RecordOfUnknown = &Type{OID: recordOID, BaseOID: recordOID, Typmod: -1, Kind: Opaque, Schema: "pg_catalog", Name: "record", SQL: "record"}

// MakeRecord makes a composite value of its fields. An error among them becomes
// the result.
func MakeRecord(fields []Datum) Datum {
	for i := range fields {
		if fields[i].IsErr() {
			return fields[i]
		}
	}
	return String(string(AppendRow(make([]byte, 0, 8*len(fields)), fields)))
}

// Fields appends the fields of a composite value to dst.
func Fields(dst []Datum, d Datum) ([]Datum, error) { return DecodeRow([]byte(d.s), dst) }

// fields reads the fields of a value of type t; there are as many as t has.
func (t *Type) fields(d Datum) ([]Datum, error) {
	row, err := Fields(make([]Datum, 0, len(t.Fields)), d)
	if err == nil && len(row) != len(t.Fields) {
		err = malformed(t, fmt.Sprintf("%d fields, want %d", len(row), len(t.Fields)))
	}
	return row, err
}

// decodeRecord reads what record_send writes: the number of fields, then the type
// and the value of each.
func decodeRecord(t *Type, src string, told *names) (Datum, error) {
	if t.Variant {
		return decodeVariant(t, src, told)
	}
	if len(src) < 4 || u32(src) != uint32(len(t.Fields)) {
		return Null, malformed(t, "not its number of fields")
	}
	src = src[4:]
	row := make([]Datum, len(t.Fields))
	for i, f := range t.Fields {
		if len(src) < 8 {
			return Null, malformed(t, "truncated record")
		}
		n := int32(u32(src[4:]))
		src = src[8:]
		if n == -1 {
			continue
		}
		if n < 0 || int(n) > len(src) {
			return Null, malformed(t, "field's length")
		}
		var err error
		if row[i], err = decodePart(f.Type, src[:n], told.at(i)); err != nil {
			return Null, err
		}
		src = src[n:]
	}
	if src != "" {
		return Null, malformed(t, "bytes after the last field")
	}
	return MakeRecord(row), nil
}

// decodePart reads a field or an element.
func decodePart(t *Type, src string, told *names) (Datum, error) {
	switch {
	case t.Kind == KindRecord:
		return decodeRecord(t, src, told)
	case t.HasFields():
		return decodeRecordArray(t, src, told)
	}
	return DecodeBinaryString(t, src)
}

func appendRecordBinary(dst []byte, t *Type, d Datum) ([]byte, error) {
	row, err := t.fields(d)
	if err != nil {
		return dst, err
	}
	if t.Variant {
		return dst, malformed(t, "sent as one of its variants alone")
	}
	dst = append32(dst, uint32(len(row)))
	for i, f := range t.Fields {
		dst = append32(dst, f.Type.OID)
		if row[i].IsNull() {
			dst = append32(dst, 0xffffffff)
			continue
		}
		at := len(dst)
		if dst, err = AppendBinary(append32(dst, 0), f.Type, row[i]); err != nil {
			return dst, err
		}
		append32(dst[:at], uint32(len(dst)-at-4))
	}
	return dst, nil
}

// appendRecordText follows record_out: NULL is nothing, and what could be misread
// is quoted.
func appendRecordText(dst []byte, t *Type, d Datum) ([]byte, error) {
	row, err := t.fields(d)
	if err != nil {
		return dst, err
	}
	if t.Variant {
		return appendVariantText(dst, t, row)
	}
	dst = append(dst, '(')
	var buf []byte
	for i, f := range t.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		if row[i].IsNull() {
			continue
		}
		if buf, err = AppendText(buf[:0], f.Type, row[i]); err != nil {
			return dst, err
		}
		if len(buf) > 0 && bytes.IndexAny(buf, "\"\\(), \t\n\v\f\r") < 0 {
			dst = append(dst, buf...)
			continue
		}
		dst = append(dst, '"')
		for _, c := range buf {
			if c == '"' || c == '\\' {
				dst = append(dst, c)
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	return append(dst, ')'), nil
}

// decodeRecordText reads what record_out writes.
func decodeRecordText(t *Type, src string) (Datum, error) {
	if !strings.HasPrefix(src, "(") {
		return Null, malformed(t, "no opening parenthesis")
	}
	src = src[1:]
	row := make([]Datum, len(t.Fields))
	var buf []byte
	for i, f := range t.Fields {
		if i > 0 {
			if !strings.HasPrefix(src, ",") {
				return Null, malformed(t, "too few fields")
			}
			src = src[1:]
		}
		buf = buf[:0]
		null, quoted := true, false
	chars:
		for {
			if src == "" {
				return Null, malformed(t, "unterminated record")
			}
			c := src[0]
			switch {
			case !quoted && (c == ',' || c == ')'):
				break chars
			case c == '\\' || c == '"' && quoted && strings.HasPrefix(src[1:], `"`):
				if src = src[1:]; src == "" {
					return Null, malformed(t, "unterminated record")
				}
				buf = append(buf, src[0])
			case c == '"':
				quoted = !quoted
			default:
				buf = append(buf, c)
			}
			null, src = false, src[1:]
		}
		if null {
			continue
		}
		var err error
		if row[i], err = DecodeText(f.Type, string(buf)); err != nil {
			return Null, err
		}
	}
	if src != ")" {
		return Null, malformed(t, "too many fields")
	}
	return MakeRecord(row), nil
}

// appendKeyRecord follows record_cmp: field by field, a NULL after all others.
func appendKeyRecord(dst []byte, t *Type, d Datum) []byte {
	dst = append(dst, keyRecord)
	row, err := t.fields(d)
	if err != nil { // no decoder lets it come to this
		return appendEscaped(append(dst, keyErr), d.s)
	}
	for i, f := range t.Fields {
		dst = AppendKey(dst, f.Type, row[i])
	}
	return dst
}

func compareRecords(t *Type, a, b Datum) int {
	if a.s == b.s {
		return 0
	}
	x, errX := t.fields(a)
	y, errY := t.fields(b)
	if errX != nil || errY != nil {
		return strings.Compare(a.s, b.s)
	}
	for i, f := range t.Fields {
		switch {
		case x[i].IsNull() && y[i].IsNull():
		case x[i].IsNull():
			return 1
		case y[i].IsNull():
			return -1
		default:
			if c := Compare(f.Type, x[i], y[i]); c != 0 {
				return c
			}
		}
	}
	return 0
}

// allFields says whether something is true of every field's type.
func (t *Type) allFields(is func(*Type) bool) bool {
	for _, f := range t.Fields {
		if !is(f.Type) {
			return false
		}
	}
	return true
}

// AppendElement appends an array's element as an array Datum holds it.
func AppendElement(dst []byte, elem *Type, d Datum) ([]byte, error) {
	if elem.Kind != KindRecord || d.tag != tagValue {
		return AppendBinary(dst, elem, d)
	}
	return append(dst, d.s...), nil
}

// DecodeElement reads an element of an array Datum, which it may alias.
func DecodeElement(elem *Type, raw string) (Datum, error) {
	if elem.Kind == KindRecord {
		return String(raw), nil
	}
	return DecodeBinaryString(elem, raw)
}

// decodeRecordArray reads an array of composite values as it is sent.
func decodeRecordArray(t *Type, src string, told *names) (Datum, error) {
	a, err := readArray(src)
	if err != nil {
		return Null, malformed(t, "array header")
	}
	elems := make([]Datum, a.count)
	for i := range elems {
		raw, null, ok := a.next()
		if !ok {
			return Null, malformed(t, "truncated array")
		}
		if null {
			continue
		}
		if elems[i], err = decodePart(t.Elem, raw, told.at(i)); err != nil {
			return Null, err
		}
	}
	if a.rest != "" {
		return Null, malformed(t, "bytes after the last element")
	}
	return MakeArrayDims(t, a.Dims(), elems)
}

// appendRecordArrayBinary writes an array of composite values as it is sent.
func appendRecordArrayBinary(dst []byte, t *Type, s string) ([]byte, error) {
	a, err := readArray(s)
	if err != nil {
		return dst, err
	}
	at := len(dst)
	dst = append(dst, s[:len(s)-len(a.rest)]...)
	append32(dst[:at+8], t.Elem.OID)
	for range a.count {
		raw, null, ok := a.next()
		if !ok {
			return dst, errArray
		}
		start := len(dst)
		dst = append32(dst, 0xffffffff)
		if null {
			continue
		}
		if dst, err = AppendBinary(dst, t.Elem, String(raw)); err != nil {
			return dst, err
		}
		append32(dst[:start], uint32(len(dst)-start-4))
	}
	return dst, nil
}
