package sink

import (
	"encoding/binary"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// rowCodec writes rows as values of a table's row type: in the binary format of
// record_send, or as a composite literal where a column's type has no binary one.
// The same bytes serve as the row's identity: equal bytes, equal image.
type rowCodec struct {
	types []*values.Type
	oids  []uint32 // as the output table has them, which record_recv insists on
	text  bool
	buf   []byte
}

// appendRow appends one row.
func (c *rowCodec) appendRow(dst []byte, row []values.Datum) ([]byte, error) {
	if c.text {
		return c.appendRowText(dst, row)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(row)))
	for i, d := range row {
		dst = binary.BigEndian.AppendUint32(dst, c.oids[i])
		if d.IsNull() {
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		var err error
		if dst, err = values.AppendBinary(dst, c.types[i], d); err != nil {
			return dst, fmt.Errorf("encode column %d: %w", i+1, err)
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

// appendRowText writes (f1,"f2",…): section 8.16.6 of the manual, "Composite Type
// Input and Output Syntax". An empty field is NULL, so every other one is quoted.
func (c *rowCodec) appendRowText(dst []byte, row []values.Datum) ([]byte, error) {
	dst = append(dst, '(')
	for i, d := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		if d.IsNull() {
			continue
		}
		var err error
		if c.buf, err = values.AppendText(c.buf[:0], c.types[i], d); err != nil {
			return dst, fmt.Errorf("encode column %d: %w", i+1, err)
		}
		dst = appendQuoted(dst, c.buf)
	}
	return append(dst, ')'), nil
}

func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, b := range s {
		if b == '"' || b == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// appendArray writes rows as an array of the row type: the header of array_send,
// then each element with its length. each yields the rows of the array in turn.
func (c *rowCodec) appendArray(dst []byte, rowType uint32, n int, row func(int) []byte) []byte {
	if c.text {
		dst = append(dst, '{')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, row(i))
		}
		return append(dst, '}')
	}
	dst = appendArrayHeader(dst, rowType, n)
	for i := range n {
		r := row(i)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(r)))
		dst = append(dst, r...)
	}
	return dst
}

// appendArrayHeader starts a binary array of one dimension without NULLs.
func appendArrayHeader(dst []byte, elem uint32, n int) []byte {
	if n == 0 {
		dst = binary.BigEndian.AppendUint32(dst, 0)
		dst = binary.BigEndian.AppendUint32(dst, 0)
		return binary.BigEndian.AppendUint32(dst, elem)
	}
	for _, w := range [5]uint32{1, 0, elem, uint32(n), 1} {
		dst = binary.BigEndian.AppendUint32(dst, w)
	}
	return dst
}

const int8OID, textOID = 20, 25

// appendInt8Array writes a bigint[].
func appendInt8Array(dst []byte, n int, at func(int) int64) []byte {
	dst = appendArrayHeader(dst, int8OID, n)
	for i := range n {
		dst = binary.BigEndian.AppendUint32(dst, 8)
		dst = binary.BigEndian.AppendUint64(dst, uint64(at(i)))
	}
	return dst
}

// appendTextArray writes a text[].
func appendTextArray(dst []byte, s []string) []byte {
	dst = appendArrayHeader(dst, textOID, len(s))
	for _, x := range s {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(x)))
		dst = append(dst, x...)
	}
	return dst
}

func int8Param(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// appendTuple turns a row in record_send format into a tuple of COPY BINARY: a
// count of two bytes, and fields without type numbers.
func appendTuple(dst, record []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(binary.BigEndian.Uint32(record)))
	for r := record[4:]; len(r) > 0; {
		n := 4
		if l := int32(binary.BigEndian.Uint32(r[4:])); l > 0 {
			n += int(l)
		}
		dst = append(dst, r[4:4+n]...)
		r = r[4+n:]
	}
	return dst
}

// appendFields appends the length words and bytes of the given columns (ascending
// or not) of a row in record_send format. nulls is a bit mask of the first 64 of
// them that are NULL.
func appendFields(dst, record []byte, cols []int, offsets []int) (key []byte, nulls uint64, scratch []int) {
	offsets = offsets[:0]
	for at := 4; at < len(record); {
		offsets = append(offsets, at+4)
		n := 0
		if l := int32(binary.BigEndian.Uint32(record[at+4:])); l > 0 {
			n = int(l)
		}
		at += 8 + n
	}
	for i, c := range cols {
		at := offsets[c]
		l := int32(binary.BigEndian.Uint32(record[at:]))
		if l < 0 {
			nulls |= 1 << i
			l = 0
		}
		dst = append(dst, record[at:at+4+int(l)]...)
	}
	return dst, nulls, offsets
}
