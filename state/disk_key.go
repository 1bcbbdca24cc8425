package state

import (
	"bytes"
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

// How keys lie in Pebble: behind each stands the length of what follows its
// prefix, 0 for most; for AddWeightUnder what it says. So Pebble can split a key,
// and its Bloom filters hold prefixes: SeekPrefix passes over the files that have
// none of them without reading a block.
//
// Bytes order such keys as they order the keys without that length, as long as
// no prefix of AddWeightUnder is a proper prefix of other keys and no rest under
// one prefix is one of another rest: the contract of AddWeightUnder.

// longRest, as a last byte, says that the four before it are the length.
const longRest = 0xff

// lengthSize is how many bytes the length of a rest of n bytes takes.
func lengthSize(n int) int {
	if n < longRest {
		return 1
	}
	return 5
}

// putLength fills dst, lengthSize(n) long.
func putLength(dst []byte, n int) {
	if n < longRest {
		dst[0] = byte(n)
		return
	}
	binary.BigEndian.PutUint32(dst, uint32(n))
	dst[4] = longRest
}

// appendWhole appends a key that is its own prefix, as it lies in Pebble; also a
// bound or a key to seek.
func appendWhole(dst, key []byte) []byte { return append(append(dst, key...), 0) }

// restAt is where the length begins in a key in Pebble, and what it says.
func restAt(raw []byte) (at, n int) {
	at = len(raw) - 1
	if at < 0 {
		return 0, 0
	}
	if n = int(raw[at]); n == longRest {
		if at -= 4; at < 0 {
			return len(raw), 0
		}
		n = int(binary.BigEndian.Uint32(raw[at:]))
	}
	return at, n
}

// bare is a key in Pebble without the length.
func bare(raw []byte) []byte {
	at, _ := restAt(raw)
	return raw[:at:at]
}

func splitKey(raw []byte) int {
	at, n := restAt(raw)
	return max(at-n, 0)
}

// keyComparer orders keys by their bytes. Its name is recorded in the files.
var keyComparer = &pebble.Comparer{
	Name:                 "stepping-cdc.split",
	Compare:              bytes.Compare,
	Equal:                bytes.Equal,
	CompareRangeSuffixes: bytes.Compare,
	ComparePointSuffixes: bytes.Compare,
	AbbreviatedKey:       pebble.DefaultComparer.AbbreviatedKey,
	FormatKey:            pebble.DefaultComparer.FormatKey,
	Split:                splitKey,
	ImmediateSuccessor:   appendWhole,

	// Separator and Successor shorten between prefixes, never inside one.
	Separator: func(dst, a, b []byte) []byte {
		n, pa, pb := len(dst), a[:splitKey(a)], b[:splitKey(b)]
		if bytes.Equal(pa, pb) {
			return append(dst, a...)
		}
		dst = pebble.DefaultComparer.Separator(dst, pa, pb)
		if bytes.Equal(dst[n:], pa) {
			return append(dst[:n], a...)
		}
		return append(dst, 0)
	},
	Successor: func(dst, a []byte) []byte {
		n, pa := len(dst), a[:splitKey(a)]
		dst = pebble.DefaultComparer.Successor(dst, pa)
		if bytes.Equal(dst[n:], pa) {
			return append(dst[:n], a...)
		}
		return append(dst, 0)
	},
}
