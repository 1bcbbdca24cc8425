package decode

import "unsafe"

// keyBlock is how many bytes of keys share one allocation.
const keyBlock = 16 << 10

// intern copies a key into a common block. Bytes of a block are written once,
// before the string over them exists, so the string is as immutable as any.
func (d *Deltas) intern(key []byte) string {
	if len(key) == 0 {
		return ""
	}
	if cap(d.keys)-len(d.keys) < len(key) {
		d.keys = make([]byte, 0, max(keyBlock, len(key)))
	}
	n := len(d.keys)
	d.keys = append(d.keys, key...)
	return unsafe.String(&d.keys[n], len(key))
}
