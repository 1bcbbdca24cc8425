package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// layer holds what was committed since the last drain, consolidated: of each key
// what all its writes come to. Keys are as they lie in Pebble. It is changed by
// commits, under Disk.front, until it is frozen to be drained.
//
// An entry's value is its kind and then the value, or the weight, as it lies in
// Pebble. Keys and values lie in slabs, so that writing
// to a key again takes no more memory.
type layer struct {
	tree  *tree
	bulk  *bulk  // instead of a tree, in a layer of a load; else nil
	spans []span // ranges deleted, sorted and disjoint; never changed, only replaced
	slab  []byte // the rest of the block in use
	used  int    // bytes of all blocks, and what entries cost besides

	// While iterators walk the tree, writes copy what they change. From then on
	// values may be shared with them and are not overwritten in place.
	readers atomic.Int64
	shared  bool
}

// span is a range [lower, upper) of keys of which nothing below the layer is left.
type span struct{ lower, upper []byte }

// Kinds of entries. Under a span there is neither entryGone nor entryAdd.
const (
	entrySet    = 's' // a value, whatever was below
	entryGone   = 'd' // nothing, whatever was below
	entryWeight = 'w' // a weight, whatever was below
	entryAdd    = '+' // a weight to be added to what is below
)

const (
	slabSize = 256 << 10
	// entryCost is what an entry takes in the tree besides its bytes, about.
	entryCost = 64
	// valueSlack is the room to grow that an entrySet gets.
	valueSlack = 8
	// weightEntry is the most that an entryAdd or entryWeight takes.
	weightEntry = 1 + binary.MaxVarintLen64
)

func newLayer() *layer { return &layer{tree: newTree()} }

func (l *layer) empty() bool {
	return l.tree.root == nil && len(l.spans) == 0 && (l.bulk == nil || len(l.bulk.runs) == 0)
}

// keep makes room for n bytes that stay.
func (l *layer) keep(n int) []byte {
	if n > slabSize/4 {
		l.used += n
		return make([]byte, n)
	}
	if len(l.slab) < n {
		l.slab = make([]byte, slabSize)
		l.used += slabSize
	}
	b := l.slab[:n:n]
	l.slab = l.slab[n:]
	return b
}

func (l *layer) keepBytes(b []byte) []byte {
	kept := l.keep(len(b))
	copy(kept, b)
	return kept
}

// repack makes the layer anew in memory of its own if most of what it takes is
// that of entries that are gone. It says whether it did.
func (l *layer) repack() bool {
	if live := l.tree.size + l.tree.count*entryCost; l.bulk != nil || live > l.used/16 {
		return false
	}
	old, spans := l.tree, l.spans
	l.tree, l.spans, l.slab, l.used, l.shared = newTree(), nil, nil, 0, false
	for _, s := range spans {
		l.spans = append(l.spans, span{l.keepBytes(s.lower), l.keepBytes(s.upper)})
	}
	it := treeIter{root: old.root}
	for ok := it.First(); ok; ok = it.Next() {
		e := it.at()
		l.put(e.key, e.value[0], e.value[1:])
	}
	return true
}

// apply does the writes of a batch. After an error the layer is of no use.
func (l *layer) apply(b *pebble.Batch) error {
	if l.readers.Load() > 0 {
		l.tree.snapshot()
		l.shared = true
	}
	for r := b.Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil || !ok {
			return err
		}
		switch kind {
		case pebble.InternalKeyKindSet:
			l.put(key, entrySet, value)
		case pebble.InternalKeyKindDelete:
			if l.hides(key) {
				l.tree.delete(key)
			} else {
				l.put(key, entryGone, nil)
			}
		case pebble.InternalKeyKindRangeDelete:
			l.deleteRange(key, value)
		case pebble.InternalKeyKindMerge:
			w, err := Weight(value)
			if err != nil {
				return err
			}
			if err := l.addWeight(key, w); err != nil {
				return err
			}
		default:
			return corruptf("a batch with a write of kind %d", kind)
		}
	}
}

// put replaces what the layer knows of a key.
func (l *layer) put(key []byte, kind byte, payload []byte) {
	n := 1 + len(payload)
	if l.shared {
		if _, found := l.tree.root.get(key); !found {
			key = l.keepBytes(key)
			l.used += entryCost
		}
		l.tree.set(key, append(append(l.keep(n)[:0], kind), payload...))
		return
	}
	at := l.tree.at(key)
	if at != nil && cap(*at) >= n {
		l.tree.size += n - len(*at)
		*at = append(append((*at)[:0], kind), payload...)
		return
	}
	room := weightEntry
	if kind == entrySet {
		room = max(room, n+valueSlack)
	}
	value := append(append(l.keep(room)[:0], kind), payload...)
	if at != nil {
		l.tree.size += n - len(*at)
		*at = value
		return
	}
	l.used += entryCost
	l.tree.set(l.keepBytes(key), value)
}

func (l *layer) addWeight(key []byte, w int64) error {
	old, found := l.tree.root.get(key)
	if !found {
		kind := byte(entryAdd)
		if l.hides(key) {
			kind = entryWeight
		}
		l.putWeight(key, kind, w)
		return nil
	}
	switch old[0] {
	case entrySet:
		return errWeightOnValue
	case entryGone:
		l.putWeight(key, entryWeight, w)
		return nil
	}
	w += entryNumber(old)
	switch {
	case w != 0:
		l.putWeight(key, old[0], w)
	case old[0] == entryAdd || l.hides(key):
		l.tree.delete(key)
	default:
		l.put(key, entryGone, nil)
	}
	return nil
}

func (l *layer) putWeight(key []byte, kind byte, w int64) {
	var buf [binary.MaxVarintLen64]byte
	l.put(key, kind, appendWeight(buf[:0], w))
}

// entryNumber is the weight in an entryAdd or entryWeight.
func entryNumber(entry []byte) int64 {
	w, _ := binary.Varint(entry[1:])
	return w
}

// deleteRange makes a span, as wide as those that it touches.
func (l *layer) deleteRange(lower, upper []byte) {
	if bytes.Compare(lower, upper) >= 0 {
		return
	}
	l.tree.deleteRange(lower, upper)
	from, _ := slices.BinarySearchFunc(l.spans, lower, func(s span, k []byte) int { return bytes.Compare(s.upper, k) })
	to := from
	for ; to < len(l.spans) && bytes.Compare(l.spans[to].lower, upper) <= 0; to++ {
		if bytes.Compare(l.spans[to].lower, lower) < 0 {
			lower = l.spans[to].lower
		}
		if bytes.Compare(l.spans[to].upper, upper) > 0 {
			upper = l.spans[to].upper
		}
	}
	if to == from+1 && bytes.Equal(lower, l.spans[from].lower) && bytes.Equal(upper, l.spans[from].upper) {
		return
	}
	spans := slices.Clone(l.spans[:from])
	spans = append(spans, span{l.keepBytes(lower), l.keepBytes(upper)})
	l.spans = append(spans, l.spans[to:]...)
	l.used += entryCost
}

// hides says whether a key is under a span.
func (l *layer) hides(key []byte) bool { return findSpan(l.spans, key) >= 0 }

// findSpan is the place of the span that a key is under, or -1.
func findSpan(spans []span, key []byte) int {
	for lo, hi := 0, len(spans); lo < hi; {
		mid := int(uint(lo+hi) >> 1)
		switch {
		case bytes.Compare(spans[mid].upper, key) <= 0:
			lo = mid + 1
		case bytes.Compare(spans[mid].lower, key) > 0:
			hi = mid
		default:
			return mid
		}
	}
	return -1
}

// get is what the layer, if there is one, says of a key. If done is false, what is below counts as
// well, plus w.
func (l *layer) get(key []byte) (entry []byte, done bool, w int64, err error) {
	switch {
	case l == nil:
		return nil, false, 0, nil
	case l.bulk != nil:
		entry, err = l.bulk.get(key)
	default:
		entry, _ = l.tree.root.get(key)
	}
	if entry == nil {
		return nil, l.hides(key), 0, err
	}
	entry, done, w = says(entry)
	return entry, done, w, nil
}

// says is what an entry says, in the words of get.
func says(entry []byte) (_ []byte, done bool, w int64) {
	if entry[0] == entryAdd {
		return nil, false, entryNumber(entry)
	}
	return entry, true, 0
}

// drainTo writes what the layer holds to a batch.
func (l *layer) drainTo(b *pebble.Batch) error {
	for _, s := range l.spans {
		if err := b.DeleteRange(s.lower, s.upper, nil); err != nil {
			return err
		}
	}
	if l.bulk != nil {
		return l.bulk.drainTo(b)
	}
	it := treeIter{root: l.tree.root}
	for ok := it.First(); ok; ok = it.Next() {
		e := it.at()
		if err := drainEntry(b, e, l.hides(e.key)); err != nil {
			return err
		}
	}
	return nil
}

// drainEntry writes an entry to a batch; hidden says that nothing is below it.
func drainEntry(b *pebble.Batch, e treeEntry, hidden bool) error {
	switch kind := e.value[0]; kind {
	case entrySet:
		return b.Set(e.key, e.value[1:], nil)
	case entryGone:
		return b.Delete(e.key, nil)
	case entryWeight:
		if !hidden {
			if err := b.Delete(e.key, nil); err != nil {
				return err
			}
		}
	}
	return b.Merge(e.key, e.value[1:], nil)
}
