package values

import (
	"fmt"
	"math"
)

// maxDim is the largest number of dimensions of an array (MAXDIM).
const maxDim = 6

// Dim is one dimension of an array.
type Dim struct {
	Len   int32
	Lower int32 // the first subscript, 1 by default
}

// Array walks the elements of an array Datum in storage order.
type Array struct {
	dims  [maxDim]Dim
	ndim  int
	count int
	rest  string // the elements not yet read
}

// ReadArray opens an array value. It fails only on bytes that no decoder made.
func ReadArray(d Datum) (Array, error) { return readArray(d.s) }

func readArray(s string) (Array, error) {
	a, err := readArrayHeader(s)
	if err == nil {
		a.rest = s[12+8*a.ndim:]
	}
	return a, err
}

var errArray = fmt.Errorf("read array: %w", errMalformed)

// readArrayHeader reads the number of dimensions, a flag for NULLs, the
// element type (0 in a Datum), then length and lower bound of each dimension.
func readArrayHeader[B bytesOrString](s B) (Array, error) {
	var a Array
	if len(s) < 12 {
		return a, errArray
	}
	n := u32(s)
	if n > maxDim || len(s) < 12+8*int(n) || (n == 0 && len(s) != 12) {
		return a, errArray
	}
	a.ndim = int(n)
	for i := range a.ndim {
		a.dims[i] = Dim{Len: int32(u32(s[12+8*i:])), Lower: int32(u32(s[16+8*i:]))}
	}
	if a.ndim > 0 {
		count := uint64(1)
		for _, dim := range a.dims[:a.ndim] {
			if dim.Len <= 0 || int64(dim.Lower)+int64(dim.Len) > math.MaxInt32+1 {
				return a, errArray
			}
			if count *= uint64(dim.Len); count > uint64(len(s)-12-8*a.ndim)/4 {
				return a, errArray
			}
		}
		a.count = int(count)
	}
	return a, nil
}

// Len is the number of elements, NULLs included.
func (a *Array) Len() int { return a.count }

// Dims are the dimensions; none of an empty array.
func (a *Array) Dims() []Dim { return a.dims[:a.ndim] }

// next cuts the next element's bytes off; ok is false after the last, and for
// truncated bytes.
func (a *Array) next() (elem string, null, ok bool) {
	if len(a.rest) < 4 {
		return "", false, false
	}
	n := int32(u32(a.rest))
	a.rest = a.rest[4:]
	if n == -1 {
		return "", true, true
	}
	if n < 0 || int(n) > len(a.rest) {
		a.rest = ""
		return "", false, false
	}
	elem, a.rest = a.rest[:n], a.rest[n:]
	return elem, false, true
}

// Next returns the next element, which aliases the array; ok is false after the
// last one.
func (a *Array) Next(elem *Type) (d Datum, ok bool, err error) {
	raw, null, ok := a.next()
	if !ok || null {
		return Null, ok, nil
	}
	d, err = DecodeElement(elem, raw)
	return d, err == nil, err
}

// Elements appends all elements of an array of type t to dst, in storage order.
func Elements(dst []Datum, t *Type, d Datum) ([]Datum, error) {
	a, err := ReadArray(d)
	if err != nil {
		return dst, err
	}
	for {
		e, ok, err := a.Next(t.Elem)
		if err != nil {
			return dst, fmt.Errorf("read array element: %w", err)
		}
		if !ok {
			return dst, nil
		}
		dst = append(dst, e)
	}
}

// MakeArray makes a one-dimensional array of type t with lower bound 1; of no
// elements, the empty array.
func MakeArray(t *Type, elems []Datum) (Datum, error) {
	if len(elems) == 0 {
		return MakeArrayDims(t, nil, nil)
	}
	return MakeArrayDims(t, []Dim{{Len: int32(len(elems)), Lower: 1}}, elems)
}

// MakeArrayDims makes an array of any shape. An error among the elements becomes
// the result.
func MakeArrayDims(t *Type, dims []Dim, elems []Datum) (Datum, error) {
	count := 0
	if len(dims) > 0 {
		count = 1
		for _, dim := range dims {
			count *= int(dim.Len)
		}
	}
	if len(dims) > maxDim || count != len(elems) || (len(dims) > 0 && count == 0) {
		return Null, fmt.Errorf("make %s: %d elements do not fill dimensions %v", t.Name, len(elems), dims)
	}
	b := make([]byte, 0, 12+8*len(dims)+16*len(elems))
	b = append32(append32(append32(b, uint32(len(dims))), 0), 0)
	for _, dim := range dims {
		b = append32(append32(b, uint32(dim.Len)), uint32(dim.Lower))
	}
	for _, e := range elems {
		if e.IsErr() {
			return e, nil
		}
		if e.IsNull() {
			b[7] = 1
			b = append32(b, math.MaxUint32)
			continue
		}
		at := len(b)
		var err error
		if b, err = AppendElement(append32(b, 0), t.Elem, e); err != nil {
			return Null, fmt.Errorf("make %s: %w", t.Name, err)
		}
		append32(b[:at], uint32(len(b)-at-4))
	}
	return String(string(b)), nil
}

// appendKeyArray follows array_cmp: elements first (a NULL after all others),
// then their number, dimensions and lower bounds.
func appendKeyArray(dst []byte, t *Type, s string) []byte {
	dst = append(dst, keyArray)
	a, err := readArray(s)
	if err != nil {
		return appendEscaped(append(dst, keyErr), s)
	}
	for {
		raw, null, ok := a.next()
		if !ok {
			break
		}
		dst = append(dst, 1)
		e := Null
		if !null {
			if e, err = DecodeElement(t.Elem, raw); err != nil {
				e = String(raw) // no decoder lets it come to this
			}
		}
		dst = AppendKey(dst, t.Elem, e)
	}
	dst = appendKeyInt(append(dst, 0), int64(a.ndim))
	for _, dim := range a.Dims() {
		dst = appendKeyInt(dst, int64(dim.Len))
	}
	for _, dim := range a.Dims() {
		dst = appendKeyInt(dst, int64(dim.Lower))
	}
	return dst
}

func compareArrays(t *Type, x, y string) int {
	if x == y {
		return 0
	}
	a, errA := readArray(x)
	b, errB := readArray(y)
	if errA != nil || errB != nil {
		return cmpInt(int64(len(x)), int64(len(y)))
	}
	for range min(a.count, b.count) {
		p, okP, _ := a.Next(t.Elem)
		q, okQ, _ := b.Next(t.Elem)
		if !okP || !okQ {
			break
		}
		if p.IsNull() || q.IsNull() {
			if p.IsNull() != q.IsNull() {
				if p.IsNull() {
					return 1
				}
				return -1
			}
			continue
		}
		if c := Compare(t.Elem, p, q); c != 0 {
			return c
		}
	}
	if c := cmpInt(int64(a.count), int64(b.count)); c != 0 {
		return c
	}
	if c := cmpInt(int64(a.ndim), int64(b.ndim)); c != 0 {
		return c
	}
	for i := range a.ndim {
		if c := cmpInt(int64(a.dims[i].Len), int64(b.dims[i].Len)); c != 0 {
			return c
		}
	}
	for i := range a.ndim {
		if c := cmpInt(int64(a.dims[i].Lower), int64(b.dims[i].Lower)); c != 0 {
			return c
		}
	}
	return 0
}
