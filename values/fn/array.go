package fn

import (
	"encoding/binary"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Array functions. An array Datum holds Postgres' binary array format: number of
// dimensions, a flag for NULLs, a word that is 0, then length and lower
// bound of each dimension, then the elements, each behind its length (-1: NULL).
// All words have four bytes, big endian.

const arrayHeader = 12

// arrayWord reads the i-th word of an array.
func arrayWord(s string, i int) int64 {
	return int64(int32(uint32(s[4*i])<<24 | uint32(s[4*i+1])<<16 | uint32(s[4*i+2])<<8 | uint32(s[4*i+3])))
}

func arrayDims(s string) int { return int(arrayWord(s, 0)) }

func dimLength(s string, dim int) int64 { return arrayWord(s, 3+2*dim) }

func dimLower(s string, dim int) int64 { return arrayWord(s, 4+2*dim) }

// arrayBody is the elements' part.
func arrayBody(s string) string { return s[arrayHeader+8*arrayDims(s):] }

// eachArrayElement calls f with each element's bytes until f returns false.
func eachArrayElement(s string, f func(element string, null bool) bool) {
	for body := arrayBody(s); body != ""; {
		n := arrayWord(body, 0)
		body = body[4:]
		if n < 0 {
			if !f("", true) {
				return
			}
			continue
		}
		if !f(body[:n], false) {
			return
		}
		body = body[n:]
	}
}

// textElements lists the elements of a text array; false if one is NULL.
func textElements(s string) (elements []string, ok bool) {
	ok = true
	eachArrayElement(s, func(e string, null bool) bool {
		elements = append(elements, e)
		ok = !null
		return ok
	})
	return elements, ok
}

// arrayOf writes an array of given dimensions over a body of elements.
func arrayOf(dims [][2]int64, hasNull bool, body ...string) values.Datum {
	size := arrayHeader + 8*len(dims)
	for _, part := range body {
		size += len(part)
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint32(b, uint32(len(dims)))
	flag := uint32(0)
	if hasNull {
		flag = 1
	}
	b = binary.BigEndian.AppendUint32(b, flag)
	b = binary.BigEndian.AppendUint32(b, 0) // the one form of a Datum
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d[0]))
		b = binary.BigEndian.AppendUint32(b, uint32(d[1]))
	}
	for _, part := range body {
		b = append(b, part...)
	}
	return values.String(string(b))
}

// dimsOf lists an array's dimensions as (length, lower bound).
func dimsOf(s string) [][2]int64 {
	dims := make([][2]int64, arrayDims(s))
	for i := range dims {
		dims[i] = [2]int64{dimLength(s, i), dimLower(s, i)}
	}
	return dims
}

func arrayHasNull(s string) bool { return arrayWord(s, 1) != 0 }

// ofDimension makes an accessor of one dimension, counted from one; NULL where
// the array has no such dimension.
func ofDimension(f func(s string, dim int) int64) Func {
	return strict2(func(a, n values.Datum) values.Datum {
		if n.Int64() < 1 || n.Int64() > int64(arrayDims(a.Str())) {
			return values.Null
		}
		return values.Int(f(a.Str(), int(n.Int64())-1))
	})
}

func cardinality(a values.Datum) values.Datum {
	s := a.Str()
	if arrayDims(s) == 0 {
		return values.Int(0)
	}
	n := int64(1)
	for i := range arrayDims(s) {
		n *= dimLength(s, i)
	}
	return values.Int(n)
}

func arrayNdims(a values.Datum) values.Datum {
	if arrayDims(a.Str()) == 0 {
		return values.Null
	}
	return values.Int(int64(arrayDims(a.Str())))
}

var errNotOneDimensional = values.Errorf("22000", "argument must be empty or one-dimensional array")

// extend adds an element before or after the elements of an array of at most one
// dimension; a NULL array counts as an empty one. The lower bound stays.
func extend(elem *values.Type, array, element values.Datum, front bool) values.Datum {
	word, null := []byte{0xff, 0xff, 0xff, 0xff}, true
	if !element.IsNull() {
		b, err := values.AppendElement(make([]byte, 4, 16), elem, element)
		if err != nil {
			return values.Errorf("XX000", "%v", err)
		}
		binary.BigEndian.PutUint32(b, uint32(len(b)-4))
		word, null = b, false
	}
	if array.IsNull() || arrayDims(array.Str()) == 0 {
		return arrayOf([][2]int64{{1, 1}}, null, string(word))
	}
	s := array.Str()
	if arrayDims(s) != 1 {
		return errNotOneDimensional
	}
	dims := [][2]int64{{dimLength(s, 0) + 1, dimLower(s, 0)}}
	if front {
		return arrayOf(dims, null || arrayHasNull(s), string(word), arrayBody(s))
	}
	return arrayOf(dims, null || arrayHasNull(s), arrayBody(s), string(word))
}

var errIncompatibleArrays = values.Errorf("2202E", "cannot concatenate incompatible arrays")

// concatArrays is array_cat: arrays of one shape are joined along the first
// dimension, and one of a dimension less is taken as an element of the other.
func concatArrays(a, b values.Datum) values.Datum {
	switch {
	case a.IsNull():
		return b
	case b.IsNull():
		return a
	}
	x, y := a.Str(), b.Str()
	dx, dy := dimsOf(x), dimsOf(y)
	var dims [][2]int64
	switch {
	case len(dx) == 0 && len(dy) > 0:
		return b
	case len(dy) == 0:
		return a
	case len(dx) == len(dy):
		dims = dx
		dims[0][0] += dy[0][0]
		if !slices.Equal(dims[1:], dy[1:]) {
			return errIncompatibleArrays
		}
	case len(dx) == len(dy)-1:
		dims = dy
		dims[0][0]++
		if !slices.Equal(dims[1:], dx) {
			return errIncompatibleArrays
		}
	case len(dx)-1 == len(dy):
		dims = dx
		dims[0][0]++
		if !slices.Equal(dims[1:], dy) {
			return errIncompatibleArrays
		}
	default:
		return errIncompatibleArrays
	}
	return arrayOf(dims, arrayHasNull(x) || arrayHasNull(y), arrayBody(x), arrayBody(y))
}

// onArrays binds a function that ignores the element type.
func onArrays(f Func) Make {
	return func(args []*values.Type, _ *values.Type) *Func {
		if args[0].Kind != values.KindArray {
			return nil
		}
		return &f
	}
}

// resultElement is the element type of an array result, if its elements have a
// binary form of their own.
func resultElement(result *values.Type) *values.Type {
	if result == nil || result.Kind != values.KindArray || result.Elem == nil || result.NoBinary {
		return nil
	}
	return result.Elem
}

func init() {
	registerMake("array_length(anyarray,int4)", onArrays(ofDimension(dimLength)))
	registerMake("array_lower(anyarray,int4)", onArrays(ofDimension(dimLower)))
	registerMake("array_upper(anyarray,int4)", onArrays(ofDimension(func(s string, dim int) int64 {
		return dimLower(s, dim) + dimLength(s, dim) - 1
	})))
	registerMake("cardinality(anyarray)", onArrays(strict1(cardinality)))
	registerMake("array_ndims(anyarray)", onArrays(strict1(arrayNdims)))
	registerMake("array_append(anycompatiblearray,anycompatible)", func(_ []*values.Type, result *values.Type) *Func {
		elem := resultElement(result)
		if elem == nil {
			return nil
		}
		return &Func{F2: func(a, e values.Datum) values.Datum { return extend(elem, a, e, false) }}
	})
	registerMake("array_prepend(anycompatible,anycompatiblearray)", func(_ []*values.Type, result *values.Type) *Func {
		elem := resultElement(result)
		if elem == nil {
			return nil
		}
		return &Func{F2: func(e, a values.Datum) values.Datum { return extend(elem, a, e, true) }}
	})
	registerMake("array_cat(anycompatiblearray,anycompatiblearray)", func(_ []*values.Type, result *values.Type) *Func {
		if resultElement(result) == nil {
			return nil
		}
		return &Func{F2: func(a, b values.Datum) values.Datum { return concatArrays(a, b) }}
	})
}
