package tpch

import "strconv"

// line is a row in the text format of COPY under construction: each method
// appends a value and a tab. No text of this package needs an escape.
type line []byte

func (l line) text(s string) line { return append(append(l, s...), '\t') }
func (l line) char(c byte) line   { return append(l, c, '\t') }
func (l line) int(n int64) line   { return append(strconv.AppendInt(l, n, 10), '\t') }

// cents appends hundredths as a decimal number.
func (l line) cents(n int64) line {
	if n < 0 {
		l, n = append(l, '-'), -n
	}
	l = strconv.AppendInt(l, n/100, 10)
	return append(l, '.', byte('0'+n/10%10), byte('0'+n%10), '\t')
}

// numbered appends a name with nine digits.
func (l line) numbered(name string, n int64) line {
	l = append(l, name...)
	for div := int64(100_000_000); div > 0; div /= 10 {
		l = append(l, byte('0'+n/div%10))
	}
	return append(l, '\t')
}

func (l line) phone(r *random, nation int64) line {
	l = strconv.AppendInt(l, 10+nation, 10)
	for _, part := range [][2]int64{{100, 999}, {100, 999}, {1000, 9999}} {
		l = strconv.AppendInt(append(l, '-'), r.between(part[0], part[1]), 10)
	}
	return append(l, '\t')
}

// end turns the last tab into a newline.
func (l line) end() []byte {
	l[len(l)-1] = '\n'
	return l
}
