package circuit

import "unsafe"

// slab keeps copies of byte strings in large blocks that never move, so that
// keys of a map cost no allocation each.
type slab struct{ block []byte }

const slabBlock = 64 << 10

// add copies b. The result is good until the slab is emptied.
func (s *slab) add(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if cap(s.block)-len(s.block) < len(b) {
		s.block = make([]byte, 0, max(slabBlock, len(b)))
	}
	off := len(s.block)
	s.block = append(s.block, b...)
	return unsafe.String(&s.block[off], len(b))
}

// empty forgets all strings; the last block is used again.
func (s *slab) empty() { s.block = s.block[:0] }
