package values

import (
	"math"
	"math/big"
	"strings"
)

// First bytes of a key. A value's is anything below keyErr, so that NULL comes
// last, as in Postgres' ascending order.
const (
	keyBytes  = 0x10 // text, bytea, uuid …: escaped bytes and a terminator
	keyFloat  = 0x11
	keyArray  = 0x12
	keyRecord = 0x13
	keyErr    = 0xfe
	keyNull   = 0xff
)

// First bytes of a numeric's key, in order.
const (
	keyMinusInf = 0x20 + iota
	keyNegative
	keyZero
	keyPositive
	keyInf
	keyNaN
)

// AppendKey appends a Datum's key: two values have the same key exactly when SQL
// finds them equal (where Equatable says so), and keys compare under
// bytes.Compare as the values do under Compare (where Comparable says so). NULL
// is distinct from all values and last. A key is self-delimiting: keys of
// several columns concatenate into one.
//
// int2, int4, int8 and oid have the same keys for the same numbers, so do
// float4 and float8, and all kinds of text. An enum's key is its label's
// position: keys kept from before a label was added between others are stale.
func AppendKey(dst []byte, t *Type, d Datum) []byte {
	switch d.tag {
	case tagNull:
		return append(dst, keyNull)
	case tagErr:
		return appendEscaped(append(dst, keyErr), d.s)
	}
	switch t.Kind {
	case KindBool, KindInt2, KindInt4, KindInt8, KindOID, KindDate, KindTime, KindTimestamp, KindTimestampTZ:
		return appendKeyInt(dst, d.i)
	case KindFloat4, KindFloat8:
		return append64(append(dst, keyFloat), orderedFloat(d.Float64()))
	case KindNumeric:
		return appendKeyNumeric(dst, d)
	case KindTimeTZ:
		utc, zone := timeTZOrder(d)
		return appendKeyInt(appendKeyInt(dst, utc), zone)
	case KindInterval:
		days, micros := intervalOrder(d)
		return appendKeyInt(appendKeyInt(dst, days), micros)
	case KindBPChar:
		return appendEscaped(append(dst, keyBytes), strings.TrimRight(d.s, " "))
	case KindEnum:
		if i, ok := t.labelPosition(d.s); ok {
			return appendKeyInt(dst, int64(i))
		}
		// A label added since t was read: after all known ones.
		return appendEscaped(appendKeyInt(dst, math.MaxInt64), d.s)
	case KindJSONB:
		return appendKeyJSONB(dst, d.s)
	case KindArray:
		return appendKeyArray(dst, t, d.s)
	case KindRecord:
		return appendKeyRecord(dst, t, d)
	}
	return appendEscaped(append(dst, keyBytes), d.s)
}

// AppendKeyInt appends the key of an integer (also of a boolean, a date …).
func AppendKeyInt(dst []byte, v int64) []byte { return appendKeyInt(dst, v) }

// The first byte of an integer's key tells sign and length; 0 to 109 are one
// byte. The layout is that of CockroachDB's EncodeVarintAscending.
const (
	keyIntZero  = 0x88
	keyIntSmall = 109
	keyIntLong  = keyIntZero + keyIntSmall // + 1 to 8 bytes
)

func appendKeyInt(dst []byte, v int64) []byte {
	switch {
	case uint64(v) <= keyIntSmall:
		return append(dst, keyIntZero+byte(v))
	case v >= 0:
		n := byteLen(uint64(v))
		return appendLow(append(dst, byte(keyIntLong+n)), uint64(v), n)
	}
	n := byteLen(^uint64(v)) // 1 also for -1
	return appendLow(append(dst, byte(keyIntZero-n)), uint64(v), n)
}

func byteLen(u uint64) int {
	n := 1
	for u > 0xff {
		u >>= 8
		n++
	}
	return n
}

func appendLow(dst []byte, u uint64, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, byte(u>>(8*n)))
	}
	return dst
}

// appendEscaped appends bytes so that they end: 0 becomes 0 255, the end is 0 1.
func appendEscaped(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(append(dst, s...), 0, 1)
		}
		dst = append(append(dst, s[:i]...), 0, 0xff)
		s = s[i+1:]
	}
}

// orderedFloat turns a float into a word of the same order; -0 is 0, NaN is the
// greatest.
func orderedFloat(f float64) uint64 {
	if f == 0 {
		f = 0 // drops the sign
	}
	u := math.Float64bits(f)
	if u>>63 != 0 {
		return ^u
	}
	return u | 1<<63
}

// chunkDigits is how many decimal digits a word of a numeric's key has.
const chunkDigits = 19

// appendKeyNumeric writes sign, decimal exponent and digits. The digits are cut
// from the left into words of 19, the last padded with zeros, so trailing zeros,
// which make no difference in SQL, make none here; a byte after each word says
// whether another follows. Of negative numbers all is inverted.
func appendKeyNumeric(dst []byte, d Datum) []byte {
	switch d.s {
	case "":
		if d.i == 0 {
			return append(dst, keyZero)
		}
		u := absWord(d.i)
		n := wordLen(u)
		at := len(dst)
		dst = appendKeyInt(append(dst, keyPositive), int64(n)-int64(d.aux))
		dst = append(append64(dst, u*pow10[chunkDigits-n]), 0)
		return invertNegative(dst, at, d.i < 0)
	case numericNaN:
		return append(dst, keyNaN)
	case numericInf:
		return append(dst, keyInf)
	case numericMinusInf:
		return append(dst, keyMinusInf)
	}
	text := new(big.Int).SetBytes([]byte(d.s[1:])).Append(nil, 10)
	at := len(dst)
	dst = appendKeyInt(append(dst, keyPositive), int64(len(text))-int64(d.aux))
	for end := len(text); end > 0 && text[end-1] == '0'; end = len(text) {
		text = text[:end-1]
	}
	for {
		var u uint64
		for i := range chunkDigits {
			u *= 10
			if i < len(text) {
				u += uint64(text[i] - '0')
			}
		}
		dst = append64(dst, u)
		if len(text) <= chunkDigits {
			return invertNegative(append(dst, 0), at, d.s[0] == '-')
		}
		dst, text = append(dst, 1), text[chunkDigits:]
	}
}

func invertNegative(dst []byte, at int, neg bool) []byte {
	if neg {
		dst[at] = keyNegative
		for i := at + 1; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

// timeTZOrder returns what timetz is ordered by: the moment, then the zone.
func timeTZOrder(d Datum) (utc, zone int64) { return d.i + int64(d.aux)*1_000_000, int64(d.aux) }

// intervalOrder returns what interval is ordered by: its length, taking months
// as 30 days and days as 24 hours; as days and the microseconds of the last.
func intervalOrder(d Datum) (days, micros int64) {
	m, dd, us := d.Interval()
	days, micros = SplitTimestamp(us)
	return days + int64(dd) + int64(m)*30, micros
}
