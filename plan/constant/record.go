package constant

import (
	"encoding/binary"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// recordConstant reads the in-memory form of a composite value: a tuple with its
// header (src/include/access/htup_details.h), that is a length word, type and
// modifier, six bytes of no meaning, the number of attributes, flags, the offset
// of the data, and a bit for each attribute that is not NULL.
func (r *Reader) recordConstant(ty *values.Type, img []byte) (values.Datum, error) {
	const bitmapAt, attsMask, hasNullFlag = 23, 0x07FF, 0x0001
	damaged := fmt.Errorf("a damaged row")
	if len(img) > 0 && img[0]&1 == 1 { // inside another row the length may be one byte
		data, err := varlena(img)
		if err != nil {
			return values.Null, err
		}
		img = append(make([]byte, 4, 4+len(data)), data...)
	}
	if len(img) < bitmapAt {
		return values.Null, damaged
	}
	le := binary.LittleEndian
	atts, hasNull, at := int(le.Uint16(img[18:])&attsMask), le.Uint16(img[20:])&hasNullFlag != 0, int(img[22])
	if at > len(img) || hasNull && bitmapAt+(atts+7)/8 > len(img) {
		return values.Null, damaged
	}
	nums, err := r.cat.FieldNumbers(r.ctx, ty)
	if err != nil {
		return values.Null, err
	}
	row := make([]values.Datum, len(ty.Fields))
	// A dropped attribute is NULL in a new value, so it takes no place.
	for i, f := range ty.Fields {
		n := nums[i] - 1
		if n >= atts || hasNull && img[bitmapAt+n/8]&(1<<(n%8)) == 0 {
			continue
		}
		image, next, err := r.arrayElement(f.Type, img[4:], at-4)
		if err != nil {
			return values.Null, err
		}
		at = next + 4
		if row[i], err = r.Datum(f.Type, image); err != nil {
			return values.Null, err
		}
	}
	return values.MakeRecord(row), nil
}
