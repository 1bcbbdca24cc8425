package state

import "encoding/binary"

// metaPrefix begins the keys of this package and of MetaKey. Callers' other
// keys begin with any other byte.
const metaPrefix = 0x00

// commitKey holds the number of the commit that the store's contents are of.
var commitKey = []byte{metaPrefix, 0x00}

// MetaKey is the key of a piece of metadata by name: a position, a
// fingerprint, a list of generations. Names do not clash with a caller's keys
// as long as those do not begin with a zero byte.
func MetaKey(name string) []byte {
	return append([]byte{metaPrefix, 0x01}, name...)
}

// SetUint64 stores a number under a value key.
func SetUint64(b Batch, key []byte, v uint64) {
	var buf [8]byte
	b.Set(key, binary.BigEndian.AppendUint64(buf[:0], v))
}

// GetUint64 reads a number stored by SetUint64; ok is false if there is none.
func GetUint64(s Store, key []byte) (v uint64, ok bool, err error) {
	value, ok, err := s.Get(nil, key)
	if err != nil || !ok {
		return 0, false, err
	}
	if len(value) != 8 {
		return 0, false, corruptf("%d bytes where a number of 8 is expected", len(value))
	}
	return binary.BigEndian.Uint64(value), true, nil
}

// PrefixEnd is the least key greater than all keys that begin with prefix; nil
// (an open bound) if there is none.
func PrefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// appendWeight encodes a weight as stored: a zigzag varint.
func appendWeight(dst []byte, w int64) []byte { return binary.AppendVarint(dst, w) }

// Weight decodes the value of a weight key.
func Weight(value []byte) (int64, error) {
	w, n := binary.Varint(value)
	if n <= 0 || n != len(value) {
		return 0, corruptf("%d bytes that are no weight", len(value))
	}
	return w, nil
}
