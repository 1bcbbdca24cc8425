package values

import (
	"math"
	"strconv"
	"strings"
)

// decodeArray checks an array and brings it to its one form: the element type
// word is 0 (so that a varchar[] relabelled as text[], or an enum created again,
// stays equal to itself), the NULL flag is set only if there is a NULL (the
// server keeps it set after the last one was overwritten), and NaN has one image.
func decodeArray[B bytesOrString](t *Type, src B) (Datum, error) {
	if t.Elem.Kind == KindRecord {
		return decodeRecordArray(t, string(src), nil)
	}
	a, err := readArrayHeader(src)
	if err != nil {
		return Null, malformed(t, "array header")
	}
	b := append([]byte(nil), src...)
	copy(b[4:12], "\x00\x00\x00\x00\x00\x00\x00\x00")
	want := 0
	if !t.Elem.NoBinary {
		want = fixedLen[t.Elem.Kind]
	}
	at := 12 + 8*a.ndim
	for range a.count {
		if len(b)-at < 4 {
			return Null, malformed(t, "truncated array")
		}
		n := int32(u32(b[at:]))
		at += 4
		if n == -1 {
			b[7] = 1
			continue
		}
		if n < 0 || int(n) > len(b)-at || (want != 0 && int(n) != want) {
			return Null, malformed(t, "array element's length")
		}
		canonicalElement(t.Elem.Kind, b[at:at+int(n)])
		at += int(n)
	}
	if at != len(b) {
		return Null, malformed(t, "bytes after the last element")
	}
	return String(string(b)), nil
}

func canonicalElement(k Kind, b []byte) {
	switch k {
	case KindFloat8:
		if f := math.Float64frombits(u64(b)); f != f {
			append64(b[:0], nan64)
		}
	case KindFloat4:
		if f := math.Float32frombits(u32(b)); f != f {
			append32(b[:0], nan32)
		}
	}
}

// appendArrayBinary puts the element type of t into the header, as the server
// demands on its way in.
func appendArrayBinary(dst []byte, t *Type, s string) ([]byte, error) {
	if len(s) < 12 {
		return dst, errArray
	}
	if t.Elem.Kind == KindRecord {
		return appendRecordArrayBinary(dst, t, s)
	}
	at := len(dst)
	dst = append(dst, s...)
	append32(dst[:at+8], t.Elem.OID)
	return dst, nil
}

// appendArrayText follows array_out.
func appendArrayText(dst []byte, t *Type, d Datum) ([]byte, error) {
	a, err := ReadArray(d)
	if err != nil {
		return dst, err
	}
	dims := a.Dims()
	if len(dims) == 0 {
		return append(dst, "{}"...), nil
	}
	for _, dim := range dims {
		if dim.Lower != 1 {
			dst = appendBounds(dst, dims)
			break
		}
	}
	var buf []byte
	for i := range a.count {
		// Braces open (close) where an element is the first (last) of an inner
		// array: where its index is a multiple of that array's size.
		opened := 0
		for size, k := 1, len(dims)-1; k >= 0; k-- {
			if size *= int(dims[k].Len); i%size != 0 {
				break
			}
			opened++
		}
		if i > 0 {
			for range opened {
				dst = append(dst, '}')
			}
			dst = append(dst, ',')
		}
		for range opened {
			dst = append(dst, '{')
		}
		e, ok, err := a.Next(t.Elem)
		switch {
		case err != nil:
			return dst, err
		case !ok:
			return dst, errArray
		case e.IsNull():
			dst = append(dst, "NULL"...)
			continue
		}
		if buf, err = AppendText(buf[:0], t.Elem, e); err != nil {
			return dst, err
		}
		dst = appendElement(dst, buf)
	}
	for range dims {
		dst = append(dst, '}')
	}
	return dst, nil
}

func appendBounds(dst []byte, dims []Dim) []byte {
	for _, dim := range dims {
		dst = strconv.AppendInt(append(dst, '['), int64(dim.Lower), 10)
		dst = strconv.AppendInt(append(dst, ':'), int64(dim.Lower)+int64(dim.Len)-1, 10)
		dst = append(dst, ']')
	}
	return append(dst, '=')
}

func appendElement(dst, text []byte) []byte {
	if !needsQuotes(text) {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func needsQuotes(text []byte) bool {
	if len(text) == 0 || len(text) == 4 && strings.EqualFold(string(text), "null") {
		return true
	}
	for _, c := range text {
		switch c {
		case '"', '\\', '{', '}', ',', ' ', '\t', '\n', '\v', '\f', '\r':
			return true
		}
	}
	return false
}

// decodeArrayText reads what array_out writes.
func decodeArrayText(t *Type, src string) (Datum, error) {
	p := arrayParser{t: t, s: src}
	if err := p.bounds(); err != nil {
		return Null, err
	}
	if p.s == "{}" && p.bounded == 0 {
		return MakeArray(t, nil)
	}
	if err := p.array(0); err != nil {
		return Null, err
	}
	if p.s != "" {
		return Null, malformed(t, "text after the array")
	}
	for i := range p.depth {
		if i >= p.bounded {
			p.dims[i].Lower = 1
		} else if p.dims[i].Len != p.want[i] {
			return Null, malformed(t, "bounds do not match the array")
		}
	}
	if p.bounded != 0 && p.bounded != p.depth {
		return Null, malformed(t, "bounds do not match the array")
	}
	return MakeArrayDims(t, p.dims[:p.depth], p.elems)
}

type arrayParser struct {
	t       *Type
	s       string
	dims    [maxDim]Dim
	want    [maxDim]int32 // lengths by the bounds in front
	bounded int           // number of bounds in front
	depth   int           // dimensions seen; 0 before the first element
	elems   []Datum
}

func (p *arrayParser) bounds() error {
	for strings.HasPrefix(p.s, "[") {
		text, rest, ok := strings.Cut(p.s[1:], "]")
		from, to, ok2 := strings.Cut(text, ":")
		lo, err1 := strconv.ParseInt(from, 10, 32)
		hi, err2 := strconv.ParseInt(to, 10, 32)
		if !ok || !ok2 || err1 != nil || err2 != nil || hi < lo || p.bounded == maxDim || hi-lo >= math.MaxInt32 {
			return malformed(p.t, "array bounds")
		}
		p.dims[p.bounded].Lower, p.want[p.bounded] = int32(lo), int32(hi-lo+1)
		p.bounded++
		p.s = rest
	}
	if p.bounded > 0 {
		rest, ok := strings.CutPrefix(p.s, "=")
		if !ok {
			return malformed(p.t, "array bounds")
		}
		p.s = rest
	}
	return nil
}

// array reads one pair of braces at the given nesting level.
func (p *arrayParser) array(level int) error {
	if level == maxDim || !strings.HasPrefix(p.s, "{") {
		return malformed(p.t, "no opening brace")
	}
	p.s = p.s[1:]
	var n int32
	for {
		var err error
		if strings.HasPrefix(p.s, "{") {
			err = p.array(level + 1)
		} else {
			err = p.element(level + 1)
		}
		if err != nil {
			return err
		}
		n++
		if p.s == "" {
			return malformed(p.t, "no closing brace")
		}
		c := p.s[0]
		p.s = p.s[1:]
		if c == '}' {
			break
		}
		if c != ',' {
			return malformed(p.t, "no comma between elements")
		}
	}
	if p.dims[level].Len != 0 && p.dims[level].Len != n {
		return malformed(p.t, "ragged array")
	}
	p.dims[level].Len = n
	return nil
}

func (p *arrayParser) element(depth int) error {
	if p.depth != 0 && p.depth != depth {
		return malformed(p.t, "ragged array")
	}
	p.depth = depth
	text, quoted, err := p.token()
	if err != nil {
		return err
	}
	if !quoted && strings.EqualFold(text, "null") {
		p.elems = append(p.elems, Null)
		return nil
	}
	d, err := DecodeText(p.t.Elem, text)
	if err != nil {
		return err
	}
	p.elems = append(p.elems, d)
	return nil
}

func (p *arrayParser) token() (text string, quoted bool, err error) {
	if !strings.HasPrefix(p.s, `"`) {
		i := strings.IndexAny(p.s, `,{}"\`)
		if i <= 0 || p.s[i] != ',' && p.s[i] != '}' {
			return "", false, malformed(p.t, "array element")
		}
		text, p.s = p.s[:i], p.s[i:]
		return text, false, nil
	}
	var b strings.Builder
	for i := 1; i < len(p.s); i++ {
		switch c := p.s[i]; c {
		case '"':
			p.s = p.s[i+1:]
			return b.String(), true, nil
		case '\\':
			if i++; i == len(p.s) {
				return "", false, malformed(p.t, "unterminated array element")
			}
			b.WriteByte(p.s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false, malformed(p.t, "unterminated array element")
}
