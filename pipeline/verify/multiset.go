package verify

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// bucketBits: so many sums are kept of each comparison.
const bucketBits = 16

// multiset compares two multisets of rows, given in any order, in memory that
// does not grow with them. Each row's 128-bit hash is added to the sum of its
// bucket, or subtracted from it for the other side. Where all sums end at zero
// the multisets are equal, but for a chance of about 2⁻¹²⁸; where they do not,
// the rows that differ are in the buckets that are left.
type multiset struct {
	sums [1 << bucketBits][2]uint64
}

func bucketOf(h xxh3.Uint128) int { return int(h.Lo & (1<<bucketBits - 1)) }

func (m *multiset) add(row []byte) {
	h := xxh3.Hash128(row)
	s := &m.sums[bucketOf(h)]
	var carry uint64
	s[0], carry = bits.Add64(s[0], h.Lo, 0)
	s[1], _ = bits.Add64(s[1], h.Hi, carry)
}

func (m *multiset) subtract(row []byte) {
	h := xxh3.Hash128(row)
	s := &m.sums[bucketOf(h)]
	var borrow uint64
	s[0], borrow = bits.Sub64(s[0], h.Lo, 0)
	s[1], _ = bits.Sub64(s[1], h.Hi, borrow)
}

func (m *multiset) empty() bool {
	return !slices.ContainsFunc(m.sums[:], func(s [2]uint64) bool { return s != [2]uint64{} })
}

// differs says whether a row may be one of those that make the difference.
func (m *multiset) differs(row []byte) bool {
	return m.sums[bucketOf(xxh3.Hash128(row))] != [2]uint64{}
}

// residue is the difference of two multisets, row by row: positive weights are
// rows that only the first has.
type residue struct {
	rows  map[string]int64
	bytes int
	full  bool // there was more than fits
}

// residueBytes bounds the rows of a residue.
const residueBytes = 256 << 20

func (r *residue) add(row []byte, w int64) {
	if n, ok := r.rows[string(row)]; ok {
		if n+w == 0 {
			delete(r.rows, string(row))
			r.bytes -= len(row) + rowOverhead
			return
		}
		r.rows[string(row)] = n + w
		return
	}
	if r.bytes >= residueBytes {
		r.full = true
		return
	}
	if r.rows == nil {
		r.rows = map[string]int64{}
	}
	r.rows[string(row)] = w
	r.bytes += len(row) + rowOverhead
}

const rowOverhead = 64 // of an entry in a map, roughly

// counts are the copies of rows on either side.
func (r *residue) counts() (plus, minus int64) {
	for _, w := range r.rows {
		if w > 0 {
			plus += w
		} else {
			minus -= w
		}
	}
	return plus, minus
}

// similar is a row split into what has to be equal as SQL compares it and
// floating-point numbers, which only have to be close.
type similar struct {
	text   string
	floats []float64
	weight int64
}

// cancelSimilar removes pairs of rows that are equal as SQL compares them (1.0
// and 1.00: of equal values, a group shows one, and which is for Postgres a
// matter of the plan), or whose floating-point numbers are equal but for
// rounding (Postgres' sums depend on the order of the rows, ours do not). equal
// gives, of columns whose equality is not known here, the class of each text. It
// returns how many pairs.
func (r *residue) cancelSimilar(types []*values.Type, equal []map[string]int64) int64 {
	if !slices.ContainsFunc(types, inexact) && !slices.ContainsFunc(equal, func(c map[string]int64) bool { return c != nil }) {
		return 0
	}
	classes := map[string][]similar{}
	for text, w := range r.rows {
		key, floats, ok := classify([]byte(text), types, equal)
		if ok {
			classes[key] = append(classes[key], similar{text, floats, w})
		}
	}
	var pairs int64
	for _, class := range classes {
		if len(class) > largestClass {
			continue
		}
		slices.SortFunc(class, func(a, b similar) int { return slices.Compare(a.floats, b.floats) })
		for i := range class {
			for j := i + 1; j < len(class) && class[i].weight != 0; j++ {
				a, b := &class[i], &class[j]
				if (a.weight > 0) == (b.weight > 0) || b.weight == 0 || !close2(a.floats, b.floats, types) {
					continue
				}
				n := min(abs(a.weight), abs(b.weight))
				if a.weight > 0 {
					a.weight, b.weight = a.weight-n, b.weight+n
				} else {
					a.weight, b.weight = a.weight+n, b.weight-n
				}
				pairs += n
			}
		}
		for _, s := range class {
			if s.weight == 0 {
				delete(r.rows, s.text)
			} else {
				r.rows[s.text] = s.weight
			}
		}
	}
	return pairs
}

// largestClass bounds the pairs that are tried.
const largestClass = 5000

func isFloat(t *values.Type) bool {
	return t.Kind == values.KindFloat4 || t.Kind == values.KindFloat8
}

// inexact says whether values of a type can be similar without being the same.
func inexact(t *values.Type) bool {
	return isFloat(t) || values.Equatable(t) && !values.IdentityIsEquality(t)
}

// classify splits a row, as COPY writes it, into a key of its exact part and its
// floating-point numbers.
func classify(row []byte, types []*values.Type, equal []map[string]int64) (key string, floats []float64, ok bool) {
	fields := copyFields(row)
	if len(fields) != len(types) {
		return "", nil, false
	}
	var b []byte
	for i, f := range fields {
		t := types[i]
		switch {
		case f == nil:
			b = append(b, 0)
			continue
		case equal != nil && equal[i] != nil:
			b = binary.AppendVarint(append(b, 4), equal[i][*f])
			continue
		case isFloat(t):
			v, err := strconv.ParseFloat(*f, 64)
			if err != nil {
				return "", nil, false
			}
			floats = append(floats, v)
			b = append(b, 1)
			continue
		case inexact(t):
			d, err := values.DecodeText(t, *f)
			if err != nil {
				return "", nil, false
			}
			b = append(b, 2)
			b = values.AppendKey(b, t, d)
			continue
		}
		b = append(b, 3)
		b = binary.AppendUvarint(b, uint64(len(*f)))
		b = append(b, *f...)
	}
	return string(b), floats, true
}

// close2 says whether floating-point numbers are equal but for rounding.
func close2(a, b []float64, types []*values.Type) bool {
	tolerance := 1e-9
	if slices.ContainsFunc(types, func(t *values.Type) bool { return t.Kind == values.KindFloat4 }) {
		tolerance = 1e-5
	}
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x == y || math.IsNaN(x) && math.IsNaN(y) {
			continue
		}
		if !(math.Abs(x-y) <= tolerance*max(math.Abs(x), math.Abs(y))) || math.IsInf(x-y, 0) {
			return false
		}
	}
	return true
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// copyFields reads a row in COPY's text format; NULLs are nil.
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
func copyFields(row []byte) []*string {
	if len(row) == 0 {
		return nil // a row of no columns
	}
	var out []*string
	for _, f := range bytes.Split(row, []byte{'\t'}) {
		if string(f) == `\N` {
			out = append(out, nil)
			continue
		}
		s := unescape(string(f))
		out = append(out, &s)
	}
	return out
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte("bfnrtv", s[i]); at >= 0 {
			b.WriteByte("\b\f\n\r\t\v"[at])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// lines is an io.Writer that hands on whole rows of COPY's text format.
type lines struct {
	row  func([]byte)
	rows int64
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.rest = append(l.rest, p...)
			return n, nil
		}
		row := p[:end]
		if len(l.rest) > 0 {
			l.rest = append(l.rest, row...)
			row = l.rest
		}
		l.row(row)
		l.rows++
		l.rest = l.rest[:0]
		p = p[end+1:]
	}
}
