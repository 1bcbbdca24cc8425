package circuit

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// sort orders the entries by their bytes. Many of them are first dealt out by the first bytes of their keys in
// which they differ, which leaves few to be compared.
func (d *delta) sort() {
	if len(d.entries) < dealtFrom {
		slices.SortFunc(d.entries, d.compare)
		return
	}
	if slices.IsSortedFunc(d.entries, d.compare) {
		return
	}
	first, differ := d.entries[0].head, uint64(0)
	for i := range d.entries {
		differ |= d.entries[i].head ^ first
	}
	var places []int // of the bytes by which they are dealt out, as shifts, the most significant one first
	for shift := 56; shift >= 0 && len(places) < dealtBytes; shift -= 8 {
		if byte(differ>>shift) != 0 {
			places = append(places, shift)
		}
	}
	if len(places) == 0 {
		slices.SortFunc(d.entries, d.compare)
		return
	}
	r := dealers.Get().(*dealer)
	defer dealers.Put(r)
	r.deal(d.entries, places)
	// What is equal in all of these bytes is still to be ordered.
	mask := ^uint64(0) << places[len(places)-1]
	for i := 0; i < len(d.entries); {
		from, head := i, d.entries[i].head&mask
		for i++; i < len(d.entries) && d.entries[i].head&mask == head; i++ {
		}
		if i > from+1 {
			slices.SortFunc(d.entries[from:i], d.compare)
		}
	}
}

func (d *delta) compare(a, b entry) int {
	if a.head != b.head {
		return cmp.Compare(a.head, b.head)
	}
	return bytes.Compare(d.arena[a.off:a.end], d.arena[b.off:b.end])
}

const (
	// dealtFrom is from how many entries on it pays.
	dealtFrom = 512
	// dealtBytes is by how many bytes at most.
	dealtBytes = 4
)

// dealer is what it takes to deal entries out.
type dealer struct {
	from, to []dealt
	entries  []entry
}

// dealt is a head, and the place of its entry.
type dealt struct {
	head uint64
	i    uint32
}

var dealers = sync.Pool{New: func() any { return new(dealer) }}

// deal orders entries by some bytes of their heads: by the least significant of them, then, keeping that order among
// equal ones, by the next (a radix sort).
func (r *dealer) deal(entries []entry, places []int) {
	n := len(entries)
	r.from, r.to = slices.Grow(r.from[:0], n)[:n], slices.Grow(r.to[:0], n)[:n]
	for i := range entries {
		r.from[i] = dealt{entries[i].head, uint32(i)}
	}
	for _, shift := range slices.Backward(places) {
		var starts [256]uint32
		for i := range r.from {
			starts[byte(r.from[i].head>>shift)]++
		}
		sum := uint32(0)
		for b, count := range starts {
			starts[b], sum = sum, sum+count
		}
		for _, e := range r.from {
			b := byte(e.head >> shift)
			r.to[starts[b]] = e
			starts[b]++
		}
		r.from, r.to = r.to, r.from
	}
	r.entries = append(r.entries[:0], entries...)
	for at, e := range r.from {
		entries[at] = r.entries[e.i]
	}
}
