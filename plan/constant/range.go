package constant

import (
	"encoding/binary"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// rangeConstant reads a range (src/include/utils/rangetypes.h).
func (r *Reader) rangeConstant(ty, elem *values.Type, img []byte) (values.Datum, error) {
	data, err := varlena(img)
	if err != nil {
		return values.Null, err
	}
	out, err := r.appendRange(nil, elem, data)
	if err != nil {
		return values.Null, err
	}
	return values.DecodeBinary(ty, out)
}

// appendRange: the range type's number, the bounds, then a byte of flags in memory;
// the flags, then each bound with its length as sent.
func (r *Reader) appendRange(out []byte, elem *values.Type, data []byte) ([]byte, error) {
	const empty, lowerInf, upperInf, lowerNull, upperNull = 0x01, 0x08, 0x10, 0x20, 0x40
	if len(data) < 5 {
		return nil, fmt.Errorf("a damaged range")
	}
	flags := data[len(data)-1]
	out = append(out, flags&0x1F)
	at := 4
	for _, absent := range []byte{empty | lowerInf | lowerNull, empty | upperInf | upperNull} {
		if flags&absent != 0 {
			continue
		}
		image, next, err := r.arrayElement(elem, data, at)
		if err != nil {
			return nil, err
		}
		at = next
		v, err := r.Datum(elem, image)
		if err != nil {
			return nil, err
		}
		start := len(out)
		out = binary.BigEndian.AppendUint32(out, 0)
		if out, err = values.AppendBinary(out, elem, v); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	}
	return out, nil
}

// multirangeConstant reads a multirange (src/backend/utils/adt/multirangetypes.c): the
// type's number and the count; for each range but the first a word that says where
// its bounds begin, either counted from the first range's or as the length of the
// one before; a byte of flags for each; then the bounds, each range's aligned. Sent
// is the count, then each range with its length.
func (r *Reader) multirangeConstant(ty, elem *values.Type, img []byte) (values.Datum, error) {
	const isOffset = 1 << 31
	data, err := varlena(img)
	if err != nil {
		return values.Null, err
	}
	damaged := fmt.Errorf("a damaged multirange")
	if len(data) < 8 {
		return values.Null, damaged
	}
	count := int(binary.LittleEndian.Uint32(data[4:]))
	out := binary.BigEndian.AppendUint32(nil, uint32(count))
	if count == 0 {
		return values.DecodeBinary(ty, out)
	}
	flags := 8 + 4*(count-1)
	if count < 0 || count > len(data) || flags+count > len(data) {
		return values.Null, damaged
	}
	_, alignment, err := r.cat.Layout(r.ctx, elem.OID)
	if err != nil {
		return values.Null, err
	}
	// Offsets are aligned as in the whole value, before which is a word of length.
	first := min(align(flags+count+4, alignment)-4, len(data))
	starts := make([]int, count+1)
	starts[count] = len(data) - first
	for i := 1; i < count; i++ {
		word := int(binary.LittleEndian.Uint32(data[8+4*(i-1):]))
		if starts[i] = starts[i-1] + word; word&isOffset != 0 {
			starts[i] = word &^ isOffset
		}
	}
	for i := range count {
		from, to := first+starts[i], first+starts[i+1]
		if from > to || to > len(data) {
			return values.Null, damaged
		}
		one := append(append(make([]byte, 4, 5+to-from), data[from:to]...), data[flags+i])
		start := len(out)
		out = binary.BigEndian.AppendUint32(out, 0)
		if out, err = r.appendRange(out, elem, one); err != nil {
			return values.Null, err
		}
		binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	}
	return values.DecodeBinary(ty, out)
}
