package constant

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// jsonb on disk (src/include/utils/jsonb.h): a container is a header word with
// the number of children and flags, an entry word for each child (keys, then
// values, of an object), then their bytes. An entry holds the child's length or,
// every so often, its end offset.
const (
	jbCountMask  = 0x0FFFFFFF
	jbScalar     = 0x10000000
	jbObject     = 0x20000000
	jeOffsetMask = 0x0FFFFFFF
	jeTypeMask   = 0x70000000
	jeHasOffset  = 0x80000000
	jeString     = 0x00000000
	jeNumeric    = 0x10000000
	jeFalse      = 0x20000000
	jeTrue       = 0x30000000
	jeNull       = 0x40000000
	jeContainer  = 0x50000000
)

var errJSONB = errors.New("a damaged jsonb")

// jsonbText writes the on-disk form of a jsonb as JSON.
func jsonbText(data []byte) (string, error) {
	var b strings.Builder
	err := jsonbContainer(&b, data, 0)
	return b.String(), err
}

func jsonbContainer(b *strings.Builder, data []byte, depth int) error {
	if len(data) < 4 || depth > 1000 {
		return errJSONB
	}
	head := binary.LittleEndian.Uint32(data)
	count := int(head & jbCountMask)
	entries := count
	if head&jbObject != 0 {
		entries *= 2
	}
	if entries > (len(data)-4)/4 {
		return errJSONB
	}
	base := 4 + 4*entries
	// children[i] is where child i starts and ends, from base.
	ends := make([]int, entries+1)
	for i := range entries {
		e := binary.LittleEndian.Uint32(data[4+4*i:])
		n := int(e & jeOffsetMask)
		if e&jeHasOffset == 0 {
			n += ends[i]
		}
		if n < ends[i] || base+n > len(data) {
			return errJSONB
		}
		ends[i+1] = n
	}
	child := func(i int) error {
		e := binary.LittleEndian.Uint32(data[4+4*i:])
		return jsonbValue(b, e&jeTypeMask, data, base+ends[i], base+ends[i+1], depth)
	}
	switch {
	case head&jbScalar != 0:
		if entries != 1 {
			return errJSONB
		}
		return child(0)
	case head&jbObject != 0:
		b.WriteByte('{')
		for i := range count {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := child(i); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := child(count + i); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		b.WriteByte('[')
		for i := range count {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := child(i); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	}
	return nil
}

// jsonbValue writes the child in data[from:to]; numerics and containers are
// aligned to four bytes within the value.
func jsonbValue(b *strings.Builder, kind uint32, data []byte, from, to, depth int) error {
	switch kind {
	case jeString:
		b.Write(values.AppendJSONString(nil, string(data[from:to])))
	case jeNull:
		b.WriteString("null")
	case jeTrue:
		b.WriteString("true")
	case jeFalse:
		b.WriteString("false")
	case jeNumeric, jeContainer:
		from = align(from, 4)
		if from > to {
			return errJSONB
		}
		if kind == jeContainer {
			return jsonbContainer(b, data[from:to], depth+1)
		}
		img, err := varlena(data[from:to])
		if err != nil {
			return err
		}
		d, err := numericConstant(values.NumericType, img)
		if err != nil {
			return err
		}
		text, err := values.AppendText(nil, values.NumericType, d)
		if err != nil {
			return err
		}
		b.Write(text)
	default:
		return errJSONB
	}
	return nil
}
