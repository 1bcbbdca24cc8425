package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"
)

// run is entries in the order of their keys, each key once, as a layer of a load keeps
// them. It never changes. An entry takes four bytes besides its key and value: a
// tree's takes fifteen times as many.
type run struct {
	data []byte   // of each entry the length of its key, the key and the value
	offs []uint32 // where they begin, and where the last one ends
}

func newRun(bytes, entries int) *run {
	return &run{data: make([]byte, 0, bytes), offs: append(make([]uint32, 0, entries+1), 0)}
}

func (r *run) len() int  { return len(r.offs) - 1 }
func (r *run) size() int { return len(r.data) + 4*len(r.offs) }

func (r *run) at(i int) treeEntry {
	b := r.data[r.offs[i]:r.offs[i+1]]
	n, at := uint64(b[0]), 1
	if n >= 0x80 {
		n, at = binary.Uvarint(b)
	}
	end := at + int(n)
	return treeEntry{key: b[at:end:end], value: b[end:]}
}

func (r *run) key(i int) []byte { return r.at(i).key }

// add appends an entry: a kind and what goes with it, as in a layer's tree.
func (r *run) add(key []byte, kind byte, payload []byte) {
	r.data = append(binary.AppendUvarint(r.data, uint64(len(key))), key...)
	r.data = append(append(r.data, kind), payload...)
	r.offs = append(r.offs, uint32(len(r.data)))
}

// addAll appends the entries i … j-1 of another run.
func (r *run) addAll(of *run, i, j int) {
	shift := uint32(len(r.data)) - of.offs[i]
	r.data = append(r.data, of.data[of.offs[i]:of.offs[j]]...)
	for _, off := range of.offs[i+1 : j+1] {
		r.offs = append(r.offs, off+shift)
	}
}

// search is the first of the entries lo … hi-1 whose key is not less, or hi.
func (r *run) search(lo, hi int, key []byte) int {
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bytes.Compare(r.key(mid), key) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// within is the part of it with the keys in [lower, upper); nil is open.
func (r *run) within(lower, upper []byte) *run {
	lo, hi := 0, r.len()
	if lower != nil {
		lo = r.search(lo, hi, lower)
	}
	if upper != nil {
		hi = r.search(lo, hi, upper)
	}
	if hi-lo == r.len() {
		return r
	}
	return &run{data: r.data, offs: r.offs[lo : hi+1]}
}

// sizeOf is how many bytes runs have under a prefix.
func sizeOf(runs []*run, prefix []byte) (size int) {
	end := PrefixEnd(prefix)
	for _, r := range runs {
		lo, hi := r.search(0, r.len(), prefix), r.len()
		if end != nil {
			hi = r.search(lo, hi, end)
		}
		size += int(r.offs[hi] - r.offs[lo])
	}
	return size
}

// runOf is the writes of a batch without ranges, sorted. A step of a circuit writes its
// traces one after the other, each in order: so there are few pieces to be merged. In raw
// they lie as they came.
func runOf(b *pebble.Batch, raw *run) (*run, error) {
	raw.data, raw.offs = raw.data[:0], append(raw.offs[:0], 0)
	starts := []int{0}
	var last []byte
	for r := b.Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if n := raw.len(); n > 0 && bytes.Compare(last, key) >= 0 {
			starts = append(starts, n)
		}
		last = key
		switch kind {
		case pebble.InternalKeyKindSet:
			raw.add(key, entrySet, value)
		case pebble.InternalKeyKindDelete:
			raw.add(key, entryGone, nil)
		case pebble.InternalKeyKindMerge:
			raw.add(key, entryAdd, value)
		default:
			return nil, corruptf("a batch with a write of kind %d", kind)
		}
	}
	pieces := make([]*run, len(starts))
	for i, from := range starts {
		to := raw.len()
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		pieces[i] = &run{data: raw.data, offs: raw.offs[from : to+1]}
	}
	return mergedRun(pieces, len(raw.data), raw.len())
}

// mergedRun makes one run of several.
func mergedRun(runs []*run, size, entries int) (*run, error) {
	out := newRun(size, entries)
	err := mergeRuns(runs, func(of *run, i, j int) error {
		out.addAll(of, i, j)
		return nil
	})
	if unused := cap(out.data) - len(out.data); unused > len(out.data)/8 {
		// Much of it came to nothing, or to less: size is to say what a run takes.
		out.data, out.offs = bytes.Clone(out.data), slices.Clone(out.offs)
	}
	return out, err
}

// mergeRuns merges runs, the oldest first, and hands out what comes of them, piece by
// piece.
func mergeRuns(runs []*run, emit func(of *run, i, j int) error) error {
	return mergeAll(nil, runs, nil, nil, emit)
}

// mergeAll is mergeRuns for runs in files, which are older, and others, of the keys in [lower, upper); nil is open.
func mergeAll(files []*spilled, runs []*run, lower, upper []byte, emit func(of *run, i, j int) error) error {
	h := make(runHeap, 0, len(files)+len(runs))
	for age, s := range files {
		at := runAt{r: newRun(0, 0), age: age, rest: s.rest(lower, upper)}
		if err := at.refill(); err != nil {
			return err
		}
		h = append(h, at)
	}
	for age, r := range runs {
		h = append(h, runAt{r: r.within(lower, upper), age: len(files) + age})
		h[len(h)-1].read()
	}
	h = slices.DeleteFunc(h, func(a runAt) bool { return a.ended() })
	sort.Slice(h, func(i, j int) bool { return h[i].before(&h[j]) })
	var one run
	var key, value []byte
	for len(h) > 1 {
		c, next := &h[0], h.second()
		end := c.r.len()
		if c.head == next.head && bytes.Equal(c.key, next.key) {
			var err error
			if key, value, err = h.combine(key[:0]); err != nil {
				return err
			}
			if value != nil {
				one.data, one.offs = one.data[:0], append(one.offs[:0], 0)
				one.add(key, value[0], value[1:])
				if err := emit(&one, 0, 1); err != nil {
					return err
				}
			}
			continue
		}
		i := c.i
		if c.next() && c.less(next) {
			if bytes.Compare(c.r.key(end-1), next.key) < 0 {
				c.i = end
			} else {
				for c.next(); c.less(next); c.next() {
				}
			}
		}
		if err := emit(c.r, i, c.i); err != nil {
			return err
		}
		if err := c.refill(); err != nil {
			return err
		}
		h.moved()
	}
	for len(h) > 0 && !h[0].ended() {
		c := &h[0]
		if err := emit(c.r, c.i, c.r.len()); err != nil {
			return err
		}
		c.i = c.r.len()
		if err := c.refill(); err != nil {
			return err
		}
	}
	return nil
}

// runAt is a place in a run that is being merged, age the run's among the others. head, the first
// bytes of the key there, decides most comparisons.
type runAt struct {
	head uint64
	r    *run
	i    int
	age  int
	key  []byte
	rest *spilledRest // of a run in a file, of which r is a block; else nil
}

// ended says whether there is nothing more.
func (a *runAt) ended() bool { return a.i == a.r.len() }

// refill reads the next block of a run in a file, if there is one and r has ended. What was in r is no longer good.
func (a *runAt) refill() error {
	if a.rest == nil {
		return nil
	}
	for a.ended() && a.rest.block < a.rest.to {
		r, err := a.rest.next()
		if err != nil {
			return err
		}
		a.r, a.i = r, 0
		a.read()
	}
	return nil
}

// next goes to the run's next entry, if there is one.
func (a *runAt) next() bool {
	a.i++
	return a.read()
}

// read reads the key, if the run has not ended.
func (a *runAt) read() bool {
	if a.ended() {
		return false
	}
	a.key = a.r.key(a.i)
	a.head = keyHead(a.key)
	return true
}

// keyHead is the first eight bytes as a number that orders like them.
func keyHead(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var buf [8]byte
	copy(buf[:], key)
	return binary.BigEndian.Uint64(buf[:])
}

// less orders by key.
func (a *runAt) less(b *runAt) bool {
	if a.head != b.head {
		return a.head < b.head
	}
	return bytes.Compare(a.key, b.key) < 0
}

// before orders by key, and the oldest first.
func (a *runAt) before(b *runAt) bool {
	if a.head != b.head {
		return a.head < b.head
	}
	c := bytes.Compare(a.key, b.key)
	return c < 0 || c == 0 && a.age < b.age
}

// runHeap is a heap of places: no element is before the one at half its index.
type runHeap []runAt

// second is the least but the first; there are at least two.
func (h runHeap) second() *runAt {
	if len(h) > 2 && h[2].before(&h[1]) {
		return &h[2]
	}
	return &h[1]
}

// moved puts the first place, which has moved on, where it belongs.
func (h *runHeap) moved() {
	s := *h
	if s[0].ended() {
		s[0] = s[len(s)-1]
		s = s[:len(s)-1]
		*h = s
	}
	if len(s) == 0 {
		return
	}
	at, i := s[0], 0
	for {
		kid := 2*i + 1
		if kid >= len(s) {
			break
		}
		if kid+1 < len(s) && s[kid+1].before(&s[kid]) {
			kid++
		}
		if !s[kid].before(&at) {
			break
		}
		s[i] = s[kid]
		i = kid
	}
	s[i] = at
}

// combine takes all entries of the least key, and says what they come to; no value: to
// nothing. The key is appended to dst.
func (h *runHeap) combine(dst []byte) (key, value []byte, err error) {
	key = append(dst, (*h)[0].key...)
	for len(*h) > 0 && bytes.Equal((*h)[0].key, key) {
		c := &(*h)[0]
		if value, err = combined(value, c.r.at(c.i).value); err != nil {
			return nil, nil, err
		}
		if c.next(); c.rest != nil {
			value = bytes.Clone(value) // which may lie in the block
			if err := c.refill(); err != nil {
				return nil, nil, err
			}
		}
		h.moved()
	}
	return key, value, nil
}

// combined is what two writes of a key come to, the older one first; nil is none.
func combined(older, newer []byte) ([]byte, error) {
	if older == nil || newer[0] != entryAdd {
		return newer, nil
	}
	kind := older[0]
	switch kind {
	case entrySet:
		return nil, errWeightOnValue
	case entryGone:
		return append([]byte{entryWeight}, newer[1:]...), nil
	}
	w := entryNumber(older) + entryNumber(newer)
	switch {
	case w != 0:
		return appendWeight([]byte{kind}, w), nil
	case kind == entryAdd:
		return nil, nil
	}
	return []byte{entryGone}, nil
}

// runIter walks a run within bounds, as treeIter does a tree.
type runIter struct {
	r      *run
	lo, hi int // the entries within the bounds
	i      int
	prefix []byte // of SeekPrefix, else empty
	valid  bool
}

// runWithin is an iterator within bounds, nil if there is nothing.
func runWithin(r *run, lower, upper []byte) *runIter {
	lo, hi := 0, r.len()
	if lower != nil {
		lo = r.search(0, hi, lower)
	}
	if lo == hi || upper != nil && bytes.Compare(r.key(lo), upper) >= 0 {
		return nil
	}
	if upper != nil {
		hi = r.search(lo, hi, upper)
	}
	return &runIter{r: r, lo: lo, hi: hi, i: lo}
}

// settle keeps a position only within the bounds.
func (it *runIter) settle(i int) bool {
	it.i = i
	it.valid = i >= it.lo && i < it.hi && (len(it.prefix) == 0 || bytes.HasPrefix(it.r.key(i), it.prefix))
	return it.valid
}

// find is the first entry whose key is not less. What is sought is often a little
// ahead of what was sought before.
func (it *runIter) find(key []byte) int {
	from := min(max(it.i, it.lo), it.hi)
	if from == it.hi || bytes.Compare(it.r.key(from), key) >= 0 {
		return it.r.search(it.lo, from, key)
	}
	far := 1
	for ; from+far < it.hi && bytes.Compare(it.r.key(from+far), key) < 0; far *= 2 {
	}
	return it.r.search(from+far/2, min(from+far, it.hi), key)
}

func (it *runIter) First() bool { it.prefix = it.prefix[:0]; return it.settle(it.lo) }
func (it *runIter) Last() bool  { it.prefix = it.prefix[:0]; return it.settle(it.hi - 1) }

func (it *runIter) SeekGE(key []byte) bool {
	it.prefix = it.prefix[:0]
	return it.settle(it.find(key))
}

func (it *runIter) SeekLT(key []byte) bool {
	it.prefix = it.prefix[:0]
	return it.settle(it.find(key) - 1)
}

func (it *runIter) SeekPrefix(prefix []byte) bool {
	it.prefix = append(it.prefix[:0], prefix...)
	return it.settle(it.find(prefix))
}

func (it *runIter) step(dir int) bool { return it.valid && it.settle(it.i+dir) }
func (it *runIter) at() treeEntry     { return it.r.at(it.i) }
