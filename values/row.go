package values

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// The row encoding is what state keeps: it knows no types and is injective on
// Datums (rows are equal exactly when their bytes are). Each Datum opens with a
// header byte:
//
//	0x00–0x3f  a value by its fields: bits 0–3 how i is written, bit 4 aux
//	           follows (zigzag varint), bit 5 s follows (varint length, bytes)
//	0x40       NULL
//	0x41       an error: varint length, bytes
//	0x80–0xbf  s alone, of 1 to 63 bytes (the length is in the low bits)
//	0xc0–0xff  i alone, 0 to 63
//
// i is written as 1 to 8 bytes of its zigzag form, little endian (codes 1–8), or,
// where that is shorter, as its 1 to 7 leading bytes with the rest zero (codes
// 9–15): short for integers, and for the bits of floats such as 1.5.
const (
	rowAux   = 0x10
	rowStr   = 0x20
	rowNull  = 0x40
	rowErr   = 0x41
	rowShort = 0x80
	rowSmall = 0xc0
)

var errRow = errors.New("damaged row")

// AppendRow appends the encoding of a row.
func AppendRow(dst []byte, row []Datum) []byte {
	for i := range row {
		dst = appendDatum(dst, &row[i])
	}
	return dst
}

func appendDatum(dst []byte, d *Datum) []byte {
	switch {
	case d.tag == tagNull:
		return append(dst, rowNull)
	case d.tag == tagErr:
		dst = appendUvarint(append(dst, rowErr), uint64(len(d.s)))
		return append(dst, d.s...)
	case d.s == "" && d.aux == 0 && uint64(d.i) < 64:
		return append(dst, rowSmall|byte(d.i))
	case d.i == 0 && d.aux == 0 && len(d.s) < 64:
		return append(append(dst, rowShort|byte(len(d.s))), d.s...)
	}
	at := len(dst)
	dst = append(dst, 0)
	var head byte
	if d.i != 0 {
		z := uint64(d.i)<<1 ^ uint64(d.i>>63)
		low := (bits.Len64(z) + 7) / 8
		high := 8 - bits.TrailingZeros64(uint64(d.i))/8
		if high < low {
			head = byte(8 + high)
			for n := 0; n < high; n++ {
				dst = append(dst, byte(uint64(d.i)>>(56-8*n)))
			}
		} else {
			head = byte(low)
			for n := 0; n < low; n++ {
				dst = append(dst, byte(z>>(8*n)))
			}
		}
	}
	if d.aux != 0 {
		head |= rowAux
		dst = appendUvarint(dst, uint64(uint32(d.aux)<<1^uint32(d.aux>>31)))
	}
	if d.s != "" {
		head |= rowStr
		dst = append(appendUvarint(dst, uint64(len(d.s))), d.s...)
	}
	dst[at] = head
	return dst
}

func appendUvarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// DecodeRow appends the Datums of an encoded row to dst. They share no memory
// with src: strings are slices of one copy of it, made only if there are any.
func DecodeRow(src []byte, dst []Datum) ([]Datum, error) {
	var text string // the copy
	slice := func(at, n int) string {
		if text == "" {
			text = string(src)
		}
		return text[at : at+n]
	}
	for at := 0; at < len(src); {
		head := src[at]
		at++
		switch {
		case head >= rowSmall:
			dst = append(dst, Int(int64(head&0x3f)))
			continue
		case head >= rowShort:
			n := int(head & 0x3f)
			if n == 0 || n > len(src)-at {
				return dst, fmt.Errorf("decode row: %w at byte %d", errRow, at)
			}
			dst = append(dst, String(slice(at, n)))
			at += n
			continue
		case head == rowNull:
			dst = append(dst, Null)
			continue
		}
		d := Datum{tag: tagValue}
		ok := head == rowErr || head < rowNull
		hasStr := head&rowStr != 0
		if head == rowErr {
			d.tag, hasStr = tagErr, true
		} else if ok {
			code := int(head & 0x0f)
			n := code
			if code > 8 {
				n -= 8
			}
			if ok = n <= len(src)-at; ok && code > 0 {
				d.i = readWord(src[at:], n, code)
				at += n
			}
			if ok && head&rowAux != 0 {
				var z uint64
				z, at, ok = readUvarint(src, at)
				d.aux = int32(uint32(z)>>1) ^ -int32(z&1)
			}
		}
		if ok && hasStr {
			var n uint64
			if n, at, ok = readUvarint(src, at); ok {
				if ok = n <= uint64(len(src)-at) && (d.tag != tagErr || n >= 5); ok {
					d.s = slice(at, int(n))
					at += int(n)
				}
			}
		}
		if !ok {
			return dst, fmt.Errorf("decode row: %w at byte %d", errRow, at)
		}
		dst = append(dst, d)
	}
	return dst, nil
}

// readWord reads i by its code from the first n bytes, 1 to 8.
func readWord(b []byte, n, code int) int64 {
	var u uint64 // little endian
	if len(b) >= 8 {
		u = binary.LittleEndian.Uint64(b) << (64 - 8*n) >> (64 - 8*n)
	} else {
		for k := range n {
			u |= uint64(b[k]) << (8 * k)
		}
	}
	if code > 8 {
		return int64(bits.ReverseBytes64(u))
	}
	return int64(u>>1) ^ -int64(u&1)
}

func readUvarint(src []byte, at int) (v uint64, next int, ok bool) {
	for shift := 0; at < len(src) && shift < 64; shift += 7 {
		c := src[at]
		at++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, at, true
		}
	}
	return 0, at, false
}
