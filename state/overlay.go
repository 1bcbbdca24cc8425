package state

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Overlay shows a store as it will be once a batch is committed: what is written
// through it goes to the batch, and reads see it at once. It is for work that
// has to read its own writes before they are committed, such as the passes of a
// loop; its price is a second copy of those writes in memory.
//
// The store must not be committed to meanwhile. An overlay is used by one
// goroutine, and closed when the batch is committed or given up.
type Overlay struct {
	store Store
	batch Batch
	tree  *tree
	arena []byte
	clean bool                  // nothing was written since the last snapshot
	idle  map[string][]Iterator // of the store, by lower bound: kept for the next reader
	old   []byte
}

// What an overlay's tree holds under a key is one of these, then: a value,
// nothing, a weight to be added.
const (
	overSet byte = iota
	overDelete
	overWeight
)

// NewOverlay lays a batch, still empty, over its store.
func NewOverlay(store Store, batch Batch) *Overlay {
	return &Overlay{store: store, batch: batch, tree: newTree(), idle: map[string][]Iterator{}}
}

// Close releases what the overlay reads with.
func (o *Overlay) Close() error {
	var errs []error
	for _, its := range o.idle {
		for _, it := range its {
			errs = append(errs, it.Close())
		}
	}
	o.idle = nil
	return errors.Join(errs...)
}

// keep copies bytes to where they can stay.
func (o *Overlay) keep(parts ...[]byte) []byte {
	const chunk = 64 << 10
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if cap(o.arena)-len(o.arena) < size {
		o.arena = make([]byte, 0, max(chunk, size))
	}
	from := len(o.arena)
	for _, p := range parts {
		o.arena = append(o.arena, p...)
	}
	return o.arena[from:len(o.arena):len(o.arena)]
}

func (o *Overlay) put(key []byte, tag byte, value []byte) {
	o.clean = false
	o.tree.set(o.keep(key), o.keep([]byte{tag}, value))
}

// Set stores a value.
func (o *Overlay) Set(key, value []byte) {
	o.batch.Set(key, value)
	o.put(key, overSet, value)
}

// Delete removes a value.
func (o *Overlay) Delete(key []byte) {
	o.batch.Delete(key)
	o.put(key, overDelete, nil)
}

// AddWeightUnder adds to a weight, as Batch has it.
func (o *Overlay) AddWeightUnder(key []byte, prefix int, w int64) {
	if w == 0 {
		return
	}
	o.batch.AddWeightUnder(key, prefix, w)
	if old, found := o.tree.root.get(key); found {
		before, _ := binary.Varint(old[1:]) // written below
		if w += before; w == 0 {
			o.clean = false
			o.tree.delete(key)
			return
		}
	}
	var buf [binary.MaxVarintLen64]byte
	o.put(key, overWeight, appendWeight(buf[:0], w))
}

// Get appends the value under a key to dst.
func (o *Overlay) Get(dst, key []byte) (value []byte, ok bool, err error) {
	top, found := o.tree.root.get(key)
	if !found {
		return o.store.Get(dst, key)
	}
	switch top[0] {
	case overSet:
		return append(dst, top[1:]...), true, nil
	case overDelete:
		return dst, false, nil
	}
	o.old, ok, err = o.store.Get(o.old[:0], key)
	if err != nil {
		return dst, false, err
	}
	if !ok {
		return append(dst, top[1:]...), true, nil
	}
	w, err := addWeights(o.old, top[1:])
	if err != nil || w == 0 {
		return dst, false, err
	}
	return appendWeight(dst, w), true, nil
}

func addWeights(a, b []byte) (int64, error) {
	x, err := Weight(a)
	if err != nil {
		return 0, err
	}
	y, err := Weight(b)
	return x + y, err
}

// NewIter makes an iterator over the keys in [lower, upper) as they are now.
func (o *Overlay) NewIter(lower, upper []byte) Iterator {
	if !o.clean {
		o.tree.snapshot()
		o.clean = true
	}
	it := &overlayIter{o: o, lower: lower, top: treeIter{root: o.tree.root, lower: lower, upper: upper}}
	if free := o.idle[string(lower)]; len(free) > 0 {
		it.base = free[len(free)-1]
		o.idle[string(lower)] = free[:len(free)-1]
	} else {
		it.base = o.store.NewIter(lower, upper)
	}
	return it
}

// overlayIter merges an iterator of the store with one of what was written.
type overlayIter struct {
	o     *Overlay
	lower []byte
	base  Iterator
	top   treeIter
	back  bool // the direction in which both stand beyond the present key
	valid bool
	key   []byte
	value []byte
	err   error
}

func (it *overlayIter) First() bool { it.base.First(); it.top.First(); return it.forward() }
func (it *overlayIter) Last() bool  { it.base.Last(); it.top.Last(); return it.backward() }

func (it *overlayIter) SeekGE(key []byte) bool {
	it.base.SeekGE(key)
	it.top.SeekGE(key)
	return it.forward()
}

func (it *overlayIter) SeekLT(key []byte) bool {
	it.base.SeekLT(key)
	it.top.SeekLT(key)
	return it.backward()
}

func (it *overlayIter) SeekPrefix(prefix []byte) bool {
	it.base.SeekPrefix(prefix)
	it.top.SeekPrefix(prefix)
	return it.forward()
}

func (it *overlayIter) Next() bool {
	if !it.valid {
		return false
	}
	if it.back {
		return it.SeekGE(append(bytes.Clone(it.key), 0))
	}
	return it.forward()
}

func (it *overlayIter) Prev() bool {
	if !it.valid {
		return false
	}
	if !it.back {
		return it.SeekLT(bytes.Clone(it.key))
	}
	return it.backward()
}

// forward takes the least key that either has, backward the greatest, and moves
// those that have it on.
func (it *overlayIter) forward() bool  { it.back = false; return it.take(1) }
func (it *overlayIter) backward() bool { it.back = true; return it.take(-1) }

func (it *overlayIter) take(dir int) bool {
	it.valid = false
	for it.err == nil {
		base, top := it.base.Valid(), it.top.Valid()
		if !base && !top {
			break
		}
		c := 0
		switch {
		case !top:
			c = -1
		case !base:
			c = 1
		default:
			c = dir * bytes.Compare(it.base.Key(), it.top.Key())
		}
		there := true
		if c <= 0 {
			it.key = append(it.key[:0], it.base.Key()...)
			it.value = append(it.value[:0], it.base.Value()...)
		}
		if c >= 0 {
			it.key = append(it.key[:0], it.top.Key()...)
			there = it.merge(it.top.Value(), c == 0)
		}
		if c <= 0 {
			it.step(it.base, dir)
		}
		if c >= 0 {
			it.step(&it.top, dir)
		}
		if there {
			it.valid = it.err == nil
			return it.valid
		}
	}
	return false
}

func (it *overlayIter) step(in Iterator, dir int) {
	if dir > 0 {
		in.Next()
	} else {
		in.Prev()
	}
}

// merge makes value what was written over it, and says whether anything is left.
func (it *overlayIter) merge(top []byte, both bool) bool {
	switch {
	case top[0] == overDelete:
		return false
	case top[0] == overWeight && both:
		w, err := addWeights(it.value, top[1:])
		if err != nil {
			it.err = err
			return false
		}
		it.value = appendWeight(it.value[:0], w)
		return w != 0
	}
	it.value = append(it.value[:0], top[1:]...)
	return true
}

func (it *overlayIter) Valid() bool   { return it.valid }
func (it *overlayIter) Key() []byte   { return it.key }
func (it *overlayIter) Value() []byte { return it.value }

func (it *overlayIter) Error() error {
	if it.err != nil {
		return it.err
	}
	return it.base.Error()
}

// Close leaves the store's iterator to the next reader of the same range.
func (it *overlayIter) Close() error {
	it.valid = false
	if it.base == nil {
		return nil
	}
	base := it.base
	it.base = nil
	if err := base.Error(); err != nil {
		return errors.Join(it.err, err, base.Close())
	}
	it.o.idle[string(it.lower)] = append(it.o.idle[string(it.lower)], base)
	return it.err
}
