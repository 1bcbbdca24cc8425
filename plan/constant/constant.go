// Package constant reads the constants of a query tree, which Postgres writes as the
// images of its own datums in memory.
//
// It knows how each built-in type lies in memory. It must not know of the rest of a
// query tree, or of what a constant is used for.
package constant

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Reader reads constants of the types in one database's catalogue.
type Reader struct {
	ctx context.Context
	cat *catalog.Catalog
	err error
}

// NewReader makes a reader that looks types up in the catalogue.
func NewReader(ctx context.Context, cat *catalog.Catalog) *Reader { return &Reader{ctx: ctx, cat: cat} }

// Err is the failure, if any, to ask the database, which says nothing of the constant.
func (r *Reader) Err() error { return r.err }

// Datum turns the in-memory image of a value (little endian, as on every
// platform that Postgres' packages are built for today but s390x) into a Datum,
// by way of the binary send format.
func (r *Reader) Datum(ty *values.Type, img []byte) (values.Datum, error) {
	need := func(n int) error {
		if len(img) < n {
			return fmt.Errorf("%d bytes, expected %d", len(img), n)
		}
		return nil
	}
	le := binary.LittleEndian
	fixed := func(size int) (values.Datum, error) {
		if err := need(size); err != nil {
			return values.Null, err
		}
		out := make([]byte, size)
		for i := range out {
			out[i] = img[size-1-i]
		}
		return values.DecodeBinary(ty, out)
	}
	switch ty.Kind {
	case values.KindBool:
		return fixed(1)
	case values.KindInt2:
		return fixed(2)
	case values.KindInt4, values.KindOID, values.KindFloat4, values.KindDate:
		return fixed(4)
	case values.KindInt8, values.KindFloat8, values.KindTime, values.KindTimestamp, values.KindTimestampTZ:
		return fixed(8)
	case values.KindTimeTZ, values.KindInterval:
		size := 12
		if ty.Kind == values.KindInterval {
			size = 16
		}
		if err := need(size); err != nil {
			return values.Null, err
		}
		out := binary.BigEndian.AppendUint64(nil, le.Uint64(img))
		for i := 8; i < size; i += 4 {
			out = binary.BigEndian.AppendUint32(out, le.Uint32(img[i:]))
		}
		return values.DecodeBinary(ty, out)
	case values.KindUUID:
		if err := need(16); err != nil {
			return values.Null, err
		}
		return values.DecodeBinary(ty, img[:16])
	case values.KindName:
		if i := bytes.IndexByte(img, 0); i >= 0 {
			img = img[:i]
		}
		return values.DecodeBinary(ty, img)
	case values.KindEnum:
		if err := need(4); err != nil {
			return values.Null, err
		}
		label, err := r.cat.EnumLabel(r.ctx, le.Uint32(img))
		return values.String(label), err
	case values.KindText, values.KindBPChar, values.KindBytea, values.KindJSON:
		data, err := varlena(img)
		if err != nil {
			return values.Null, err
		}
		return values.DecodeBinary(ty, data)
	case values.KindNumeric:
		data, err := varlena(img)
		if err != nil {
			return values.Null, err
		}
		return numericConstant(ty, data)
	case values.KindJSONB:
		data, err := varlena(img)
		if err != nil {
			return values.Null, err
		}
		text, err := jsonbText(data)
		if err != nil {
			return values.Null, err
		}
		return values.DecodeText(ty, text)
	case values.KindArray:
		return r.arrayConstant(ty, img)
	case values.KindRecord:
		return r.recordConstant(ty, img)
	}
	elem, many, err := r.cat.RangeSubtype(r.ctx, ty.BaseOID)
	switch {
	case err != nil:
		return values.Null, err
	case elem != nil && many:
		return r.multirangeConstant(ty, elem, img)
	case elem != nil:
		return r.rangeConstant(ty, elem, img)
	}
	switch {
	case ty.Schema != "pg_catalog":
	case ty.Name == "jsonpath":
		return r.jsonpathConstant(ty, img)
	case ty.Name == "xml":
		data, err := varlena(img)
		if err != nil {
			return values.Null, err
		}
		return r.rewritten(ty, string(data))
	}
	return opaqueConstant(ty, img)
}

// varlena strips the length word of a variable-length value.
func varlena(img []byte) ([]byte, error) {
	if len(img) == 0 {
		return nil, fmt.Errorf("an empty image")
	}
	if img[0]&1 == 1 { // one byte header
		n := int(img[0] >> 1)
		if n < 1 || n > len(img) {
			return nil, fmt.Errorf("a damaged length word")
		}
		return img[1:n], nil
	}
	if len(img) < 4 || img[0]&3 != 0 {
		return nil, fmt.Errorf("a compressed or damaged image")
	}
	n := int(binary.LittleEndian.Uint32(img) >> 2)
	if n < 4 || n > len(img) {
		return nil, fmt.Errorf("a damaged length word")
	}
	return img[4:n], nil
}

// numericConstant turns the stored form of a numeric (short or long header,
// src/backend/utils/adt/numeric.c) into the one it is sent in.
func numericConstant(ty *values.Type, data []byte) (values.Datum, error) {
	if len(data) < 2 {
		return values.Null, fmt.Errorf("a damaged numeric")
	}
	le := binary.LittleEndian
	head := le.Uint16(data)
	var sign, scale uint16
	var weight int16
	digits := data[2:]
	switch head & 0xC000 {
	case 0xC000: // NaN and the infinities
		sign = head
		digits = nil
	case 0x8000: // short
		if head&0x2000 != 0 {
			sign = 0x4000
		}
		scale = head & 0x1F80 >> 7
		weight = int16(head & 0x003F)
		if head&0x0040 != 0 {
			weight |= ^int16(0x003F)
		}
	default:
		if len(data) < 4 {
			return values.Null, fmt.Errorf("a damaged numeric")
		}
		sign, scale = head&0xC000, head&0x3FFF
		weight = int16(le.Uint16(data[2:]))
		digits = data[4:]
	}
	be := binary.BigEndian
	out := be.AppendUint16(nil, uint16(len(digits)/2))
	out = be.AppendUint16(out, uint16(weight))
	out = be.AppendUint16(out, sign)
	out = be.AppendUint16(out, scale)
	for i := 0; i+1 < len(digits); i += 2 {
		out = be.AppendUint16(out, le.Uint16(digits[i:]))
	}
	return values.DecodeBinary(ty, out)
}

// arrayConstant reads the in-memory form of an array (src/include/utils/array.h).
func (r *Reader) arrayConstant(ty *values.Type, img []byte) (values.Datum, error) {
	data, err := varlena(img)
	if err != nil {
		return values.Null, err
	}
	damaged := fmt.Errorf("a damaged array")
	if len(data) < 12 {
		return values.Null, damaged
	}
	le := binary.LittleEndian
	ndim, offset := int(int32(le.Uint32(data))), int(int32(le.Uint32(data[4:])))
	if ndim < 0 || ndim > 6 || len(data) < 12+8*ndim {
		return values.Null, damaged
	}
	hasNull := offset != 0
	dims := make([]values.Dim, ndim)
	items := 1
	for d := range ndim {
		n := le.Uint32(data[12+4*d:])
		if n > 1<<27 {
			return values.Null, damaged
		}
		items *= int(n)
		dims[d] = values.Dim{Len: int32(n), Lower: int32(le.Uint32(data[12+4*ndim+4*d:]))}
	}
	if ndim == 0 {
		items = 0
	}
	at := 12 + 8*ndim
	bitmap := data[at:]
	if hasNull {
		at = offset - 4 // the offset counts from the length word
	} else {
		at = align(at+4, 8) - 4
	}
	if items > 8*len(data) {
		return values.Null, damaged
	}
	elems := make([]values.Datum, items)
	for i := range elems {
		if hasNull && (i/8 >= len(bitmap) || bitmap[i/8]&(1<<(i%8)) == 0) {
			continue
		}
		elem, next, err := r.arrayElement(ty.Elem, data, at)
		if err != nil {
			return values.Null, err
		}
		at = next
		if elems[i], err = r.Datum(ty.Elem, elem); err != nil {
			return values.Null, err
		}
	}
	return values.MakeArrayDims(ty, dims, elems)
}

// arrayElement cuts out the element at (data-relative) position at, which is
// aligned as its type asks; positions count from the length word, 4 before.
func (r *Reader) arrayElement(ty *values.Type, data []byte, at int) (elem []byte, next int, err error) {
	size, alignment, err := r.cat.Layout(r.ctx, ty.OID)
	if err != nil {
		return nil, 0, err
	}
	damaged := fmt.Errorf("a damaged array")
	if size > 0 {
		at = align(at+4, alignment) - 4
		if at+size > len(data) {
			return nil, 0, damaged
		}
		return data[at : at+size], at + size, nil
	}
	if at >= len(data) {
		return nil, 0, damaged
	}
	if data[at]&1 == 1 { // a short header is not aligned
		size = int(data[at] >> 1)
	} else {
		at = align(at+4, alignment) - 4
		if at+4 > len(data) {
			return nil, 0, damaged
		}
		size = int(binary.LittleEndian.Uint32(data[at:]) >> 2)
	}
	if size < 1 || at+size > len(data) {
		return nil, 0, damaged
	}
	return data[at : at+size], at + size, nil
}

func align(n, to int) int { return (n + to - 1) / to * to }
