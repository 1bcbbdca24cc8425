package decode

import "unsafe"

// Arena copies short byte strings into common blocks, so that a row costs no
// allocation of its own. The zero Arena is ready.
type Arena struct {
	block []byte
	next  int // size of the block to come
}

const (
	firstArenaBlock = 1 << 10
	lastArenaBlock  = 64 << 10
)

// Copy returns the bytes as a string. Bytes of a block are written once, before
// the string over them exists, so the string is as immutable as any.
func (a *Arena) Copy(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if cap(a.block)-len(a.block) < len(b) {
		a.next = min(max(2*a.next, firstArenaBlock), lastArenaBlock)
		if len(b) > a.next/4 {
			return string(b) // a block of its own: the common one still has room
		}
		a.block = make([]byte, 0, a.next)
	}
	n := len(a.block)
	a.block = append(a.block, b...)
	return unsafe.String(&a.block[n], len(b))
}
