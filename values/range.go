package values

import "encoding/binary"

// Range is a value of a range type, read.
type Range struct {
	Empty        bool
	Lower, Upper RangeBound
}

// RangeBound is one end of a range.
type RangeBound struct {
	Infinite  bool // there is no end on this side
	Inclusive bool
	Value     Datum
}

var rangeElems = map[string]*Type{
	"int4range": Int4Type, "int8range": Int8Type, "numrange": NumericType,
	"daterange": DateType, "tsrange": TimestampType, "tstzrange": TimestampTZType,
}

// RangeElem is what the bounds of a built-in range type are of; nil for every other type.
func RangeElem(t *Type) *Type {
	if t.Kind != Opaque || t.Schema != "pg_catalog" || t.NoBinary {
		return nil
	}
	return rangeElems[t.Name]
}

// Flags of a range in binary format (rangetypes.h).
const (
	rangeEmpty    = 0x01
	rangeLowerInc = 0x02
	rangeUpperInc = 0x04
	rangeLowerInf = 0x08
	rangeUpperInf = 0x10
)

// ReadRange reads a Datum of the range type t over elem: flags, then each bound that
// there is, behind its length.
func ReadRange(t, elem *Type, d Datum) (r Range, err error) {
	s := d.s
	if len(s) == 0 {
		return r, malformed(t, "no flags")
	}
	flags := s[0]
	s = s[1:]
	if flags&rangeEmpty != 0 {
		return Range{Empty: true}, nil
	}
	r.Lower = RangeBound{Infinite: flags&rangeLowerInf != 0, Inclusive: flags&rangeLowerInc != 0}
	r.Upper = RangeBound{Infinite: flags&rangeUpperInf != 0, Inclusive: flags&rangeUpperInc != 0}
	for _, b := range []*RangeBound{&r.Lower, &r.Upper} {
		if b.Infinite {
			continue
		}
		if len(s) < 4 {
			return r, malformed(t, "a bound is missing")
		}
		n := int64(u32(s))
		if s = s[4:]; int64(len(s)) < n {
			return r, malformed(t, "a bound is cut off")
		}
		if b.Value, err = DecodeBinaryString(elem, s[:n]); err != nil {
			return r, err
		}
		s = s[n:]
	}
	return r, nil
}

// AppendRange appends a range in binary format.
func AppendRange(dst []byte, elem *Type, r Range) ([]byte, error) {
	if r.Empty {
		return append(dst, rangeEmpty), nil
	}
	flags := byte(0)
	for _, f := range []struct {
		set  bool
		flag byte
	}{{r.Lower.Infinite, rangeLowerInf}, {r.Upper.Infinite, rangeUpperInf}, {r.Lower.Inclusive, rangeLowerInc}, {r.Upper.Inclusive, rangeUpperInc}} {
		if f.set {
			flags |= f.flag
		}
	}
	dst = append(dst, flags)
	for _, b := range []RangeBound{r.Lower, r.Upper} {
		if b.Infinite {
			continue
		}
		at := len(dst)
		var err error
		if dst, err = AppendBinary(append(dst, 0, 0, 0, 0), elem, b.Value); err != nil {
			return dst, err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

// First bytes of the places that bounds and elements have in their order.
const (
	placeFirst = iota // before all elements
	placeOfElement
	placeLast
)

// AppendPlace appends an element's place among the bounds of ranges over its type: places
// sort by their bytes. Bounds at the same element have the same place, included or not.
func AppendPlace(dst []byte, elem *Type, v Datum) []byte {
	return AppendKey(append(dst, placeOfElement), elem, v)
}

// AppendFirst appends the place of what is before all elements, AppendLast of what is
// behind them.
func AppendFirst(dst []byte) []byte { return append(dst, placeFirst) }

// AppendLast is the other end of AppendFirst.
func AppendLast(dst []byte) []byte { return append(dst, placeLast) }
