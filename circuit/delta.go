package circuit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// delta gathers a step's changes to a trace: encoded entries in one arena,
// each a key followed by a row, with a weight.
type delta struct {
	arena   []byte
	entries []entry
	written []byte // scratch for a key with the trace's prefix
}

// entry is a key and a row in a delta's arena. Sorting moves these, never the
// bytes; head, the first bytes of the key, decides most comparisons.
type entry struct {
	head     uint64
	w        int64
	off, end uint32
	key, sub uint32 // lengths of the key, and of the key with a second part
}

func (d *delta) len() int { return len(d.entries) }

// empty makes it ready for another step and keeps its memory unless the step
// was an unusually large one.
func (d *delta) empty() {
	const keep = 16 << 20
	if cap(d.arena) > keep {
		*d = delta{}
		return
	}
	d.arena, d.entries = d.arena[:0], d.entries[:0]
}

// bytes is the whole entry, key and row.
func (d *delta) bytes(i int) []byte { e := &d.entries[i]; return d.arena[e.off:e.end] }

// key is the entry's key, row its row.
func (d *delta) key(i int) []byte { e := &d.entries[i]; return d.arena[e.off : e.off+e.key] }
func (d *delta) row(i int) []byte { e := &d.entries[i]; return d.arena[e.off+e.key : e.end] }

// errStepTooLarge: the arena's offsets have run out.
var errStepTooLarge = errors.New("the step's delta takes more than 4 GB; cut it into smaller steps")

// seal adds the entry whose bytes were appended to the arena from off on; its
// key ends at key, the key with a second part at sub.
func (d *delta) seal(off, key, sub int, w int64) error {
	if len(d.arena) > math.MaxUint32 {
		return errStepTooLarge
	}
	d.entries = append(d.entries, entry{
		head: head(d.arena[off:]), w: w,
		off: uint32(off), end: uint32(len(d.arena)), key: uint32(key - off), sub: uint32(sub - off),
	})
	return nil
}

// head is the first eight bytes as a number that orders like them.
func head(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var buf [8]byte
	copy(buf[:], b)
	return binary.BigEndian.Uint64(buf[:])
}

// add appends a row, or what is kept of it, under the key that f gives it, unless f
// refuses the row. A nil f makes the whole encoded row its key.
func (d *delta) add(f KeyFunc, row []values.Datum, w int64, keep *kept) error {
	off := len(d.arena)
	key := -1
	if f != nil {
		arena, ok := f(d.arena, row)
		if !ok {
			d.arena = arena[:off]
			return nil
		}
		d.arena = arena
		key = len(d.arena)
	}
	d.arena = keep.append(d.arena, row)
	if key < 0 {
		key = len(d.arena)
	}
	return d.seal(off, key, key, w)
}

// consolidate sorts the entries by their bytes, adds up equal ones and drops
// those of no weight.
func (d *delta) consolidate() {
	d.sort()
	kept := d.entries[:0]
	for i := 0; i < len(d.entries); {
		e := d.entries[i]
		b := d.bytes(i)
		for i++; i < len(d.entries) && d.entries[i].head == e.head && bytes.Equal(d.bytes(i), b); i++ {
			e.w += d.entries[i].w
		}
		if e.w != 0 {
			kept = append(kept, e)
		}
	}
	d.entries = kept
}

// groupEnd is the end of the run of entries with the key of entry i.
func (d *delta) groupEnd(i int) int {
	key := d.key(i)
	for i++; i < len(d.entries) && bytes.Equal(d.key(i), key); i++ {
	}
	return i
}

// subEnd is the end of the run, up to end, with the key and second part of i.
func (d *delta) subEnd(i, end int) int {
	sub := d.subKey(i)
	for i++; i < end && bytes.Equal(d.subKey(i), sub); i++ {
	}
	return i
}

func (d *delta) subKey(i int) []byte { e := &d.entries[i]; return d.arena[e.off : e.off+e.sub] }

// write adds all entries to the trace under prefix, to be sought by their keys
// with the second part.
func (d *delta) write(s *step, n *node, prefix []byte) {
	for i := range d.entries {
		e := &d.entries[i]
		d.written = append(append(d.written[:0], prefix...), d.arena[e.off:e.end]...)
		n.addWeight(s, d.written, len(prefix)+int(e.sub), e.w)
	}
}
