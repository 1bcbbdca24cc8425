package values

import (
	"errors"
	"fmt"
)

// errMalformed is under every error of a codec: the bytes are not what the type
// sends.
var errMalformed = errors.New("malformed value")

func malformed(t *Type, why string) error {
	return fmt.Errorf("decode %s: %w: %s", t.Name, errMalformed, why)
}

// DecodeBinary reads a value in Postgres' binary format (the type's send
// function, without the length word). The Datum shares no memory with src.
// A type without a binary format (NoBinary) is read as text.
func DecodeBinary(t *Type, src []byte) (Datum, error) {
	if t.NoBinary {
		return DecodeText(t, string(src))
	}
	if d, ok, err := decodeFixed(t, src); ok || err != nil {
		return d, err
	}
	return decodeBytes(t, string(src))
}

// DecodeBinaryString is DecodeBinary of a string: the Datum may alias src.
func DecodeBinaryString(t *Type, src string) (Datum, error) {
	if t.NoBinary {
		return DecodeText(t, src)
	}
	if d, ok, err := decodeFixed(t, src); ok || err != nil {
		return d, err
	}
	return decodeBytes(t, src)
}

// bytesOrString lets one decoder read both without a copy.
type bytesOrString interface{ []byte | string }

func u16[B bytesOrString](b B) uint16 { return uint16(b[1]) | uint16(b[0])<<8 }

func u32[B bytesOrString](b B) uint32 {
	return uint32(b[3]) | uint32(b[2])<<8 | uint32(b[1])<<16 | uint32(b[0])<<24
}

func u64[B bytesOrString](b B) uint64 {
	return uint64(b[7]) | uint64(b[6])<<8 | uint64(b[5])<<16 | uint64(b[4])<<24 |
		uint64(b[3])<<32 | uint64(b[2])<<40 | uint64(b[1])<<48 | uint64(b[0])<<56
}

// fixedLen is the length of the binary format of kinds that have one length.
var fixedLen = [...]int{
	KindBool: 1, KindInt2: 2, KindInt4: 4, KindInt8: 8, KindOID: 4, KindFloat4: 4, KindFloat8: 8,
	KindDate: 4, KindTime: 8, KindTimeTZ: 12, KindTimestamp: 8, KindTimestampTZ: 8, KindInterval: 16,
	KindUUID: 16, KindRecord: 0, // the last kind: sizes the table
}

// decodeFixed reads the kinds whose Datum does not alias the source; ok is
// false for the others.
func decodeFixed[B bytesOrString](t *Type, src B) (d Datum, ok bool, err error) {
	if n := fixedLen[t.Kind]; n != 0 && len(src) != n {
		return Null, false, malformed(t, fmt.Sprintf("%d bytes, want %d", len(src), n))
	}
	switch t.Kind {
	case KindBool:
		if src[0] > 1 {
			return Null, false, malformed(t, "not a boolean")
		}
		return Bool(src[0] == 1), true, nil
	case KindInt2:
		return Int(int64(int16(u16(src)))), true, nil
	case KindInt4, KindDate:
		return Int(int64(int32(u32(src)))), true, nil
	case KindOID:
		return Int(int64(u32(src))), true, nil
	case KindInt8, KindTime, KindTimestamp, KindTimestampTZ:
		return Int(int64(u64(src))), true, nil
	case KindTimeTZ:
		return Make("", int64(u64(src)), int32(u32(src[8:]))), true, nil
	case KindFloat4:
		return floatBits32(u32(src)), true, nil
	case KindFloat8:
		return floatBits64(u64(src)), true, nil
	case KindInterval:
		return MakeInterval(int32(u32(src[12:])), int32(u32(src[8:])), int64(u64(src))), true, nil
	case KindNumeric:
		d, err := decodeNumeric(t, src)
		return d, err == nil, err
	case KindArray:
		d, err := decodeArray(t, src)
		return d, err == nil, err
	}
	return Null, false, nil
}

// decodeBytes reads the kinds whose Datum is (part of) the source.
func decodeBytes(t *Type, src string) (Datum, error) {
	if t.Kind == KindJSONB {
		if len(src) < 2 || src[0] != 1 {
			return Null, malformed(t, "not version 1")
		}
		return String(src[1:]), nil
	}
	if t.Kind == KindRecord {
		return decodeRecord(t, src, nil)
	}
	return String(src), nil
}

// DecodeText reads a value in text format as Postgres prints it under ISO
// dates, UTC, hex bytea and postgres-style intervals. It is no input function:
// spellings that only the server's input functions know are errors. The Datum
// may alias src.
func DecodeText(t *Type, src string) (Datum, error) {
	switch t.Kind {
	case KindBool:
		switch src {
		case "t", "true":
			return True, nil
		case "f", "false":
			return False, nil
		}
		return Null, malformed(t, "not a boolean")
	case KindInt2, KindInt4, KindInt8, KindOID:
		return decodeIntText(t, src)
	case KindFloat4, KindFloat8:
		return decodeFloatText(t, src)
	case KindNumeric:
		d := ParseNumeric(src)
		if e := d.Err(); e != nil {
			return Null, malformed(t, e.Message)
		}
		return d, nil
	case KindBytea:
		return decodeByteaText(t, src)
	case KindUUID:
		return decodeUUIDText(t, src)
	case KindDate, KindTimestamp, KindTimestampTZ:
		return decodeDateTimeText(t, src)
	case KindTime, KindTimeTZ:
		return decodeTimeText(t, src)
	case KindInterval:
		return decodeIntervalText(t, src)
	case KindJSONB:
		s, err := CanonicalJSONB(src)
		if err != nil {
			return Null, malformed(t, err.Error())
		}
		return String(s), nil
	case KindArray:
		return decodeArrayText(t, src)
	case KindRecord:
		return decodeRecordText(t, src)
	case Opaque:
		if !t.NoBinary && !t.Unknown() {
			return Null, fmt.Errorf("decode %s: its text format is not known here", t.Name)
		}
	}
	return String(src), nil
}

// AppendBinary appends a non-null value in Postgres' binary format, without the
// length word; in text format where the type has no binary one.
func AppendBinary(dst []byte, t *Type, d Datum) ([]byte, error) {
	if t.NoBinary {
		return AppendText(dst, t, d)
	}
	if d.tag != tagValue {
		return dst, errNoValue(t, d)
	}
	switch t.Kind {
	case KindBool:
		return append(dst, byte(d.i)), nil
	case KindInt2:
		return append16(dst, uint16(d.i)), nil
	case KindInt4, KindDate, KindOID:
		return append32(dst, uint32(d.i)), nil
	case KindInt8, KindTime, KindTimestamp, KindTimestampTZ:
		return append64(dst, uint64(d.i)), nil
	case KindTimeTZ:
		return append32(append64(dst, uint64(d.i)), uint32(d.aux)), nil
	case KindFloat4:
		return append32(dst, wireBits32(d)), nil
	case KindFloat8:
		return append64(dst, wireBits64(d)), nil
	case KindInterval:
		months, days, micros := d.Interval()
		return append32(append32(append64(dst, uint64(micros)), uint32(days)), uint32(months)), nil
	case KindNumeric:
		return appendNumericBinary(dst, d), nil
	case KindJSONB:
		return append(append(dst, 1), d.s...), nil
	case KindArray:
		return appendArrayBinary(dst, t, d.s)
	case KindRecord:
		return appendRecordBinary(dst, t, d)
	}
	return append(dst, d.s...), nil
}

// Printable says whether AppendText knows the text of a type's values: all but
// those that are carried as they were received.
func Printable(t *Type) bool {
	switch t.Kind {
	case KindArray:
		return Printable(t.Elem)
	case KindRecord:
		for _, f := range t.Fields {
			if !Printable(f.Type) {
				return false
			}
		}
	case Opaque:
		return t.NoBinary || t.Unknown()
	}
	return true
}

// AppendText appends a non-null value as Postgres prints it under ISO dates,
// UTC, hex bytea, postgres-style intervals and extra_float_digits 3.
func AppendText(dst []byte, t *Type, d Datum) ([]byte, error) {
	if d.tag != tagValue {
		return dst, errNoValue(t, d)
	}
	switch t.Kind {
	case KindBool:
		if d.i == 1 {
			return append(dst, 't'), nil
		}
		return append(dst, 'f'), nil
	case KindInt2, KindInt4, KindInt8, KindOID:
		return appendIntText(dst, d), nil
	case KindFloat4:
		return appendFloatText(dst, d.Float64(), 32), nil
	case KindFloat8:
		return appendFloatText(dst, d.Float64(), 64), nil
	case KindNumeric:
		return AppendNumeric(dst, d), nil
	case KindBytea:
		return appendByteaText(dst, d.s), nil
	case KindUUID:
		return appendUUIDText(dst, t, d.s)
	case KindDate:
		return appendDateText(dst, d.i), nil
	case KindTime:
		return appendTimeText(dst, d.i), nil
	case KindTimeTZ:
		return appendZone(appendTimeText(dst, d.i), d.aux), nil
	case KindTimestamp:
		return appendTimestampText(dst, d.i, false), nil
	case KindTimestampTZ:
		return appendTimestampText(dst, d.i, true), nil
	case KindInterval:
		return appendIntervalText(dst, d), nil
	case KindArray:
		return appendArrayText(dst, t, d)
	case KindRecord:
		return appendRecordText(dst, t, d)
	case Opaque:
		if !t.NoBinary && !t.Unknown() {
			return dst, fmt.Errorf("print %s: its text format is not known here", t.Name)
		}
	}
	return append(dst, d.s...), nil
}

func errNoValue(t *Type, d Datum) error {
	if e := d.Err(); e != nil {
		return fmt.Errorf("encode %s: %w", t.Name, e)
	}
	return fmt.Errorf("encode %s: NULL has no bytes", t.Name)
}

func append16(dst []byte, v uint16) []byte { return append(dst, byte(v>>8), byte(v)) }

func append32(dst []byte, v uint32) []byte {
	return append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func append64(dst []byte, v uint64) []byte {
	return append(dst, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}
