package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"
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

// reset empties a run that is still being made.
func (r *run) reset() { r.data, r.offs = r.data[:0], r.offs[:1] }

// grow appends an entry of a kind, and returns where its key and what goes with it are to be filled in.
func (r *run) grow(key int, kind byte, payload int) (k, v []byte) {
	r.data = binary.AppendUvarint(r.data, uint64(key))
	at := len(r.data)
	end := at + key + 1 + payload
	r.data = slices.Grow(r.data, end-at)[:end]
	r.data[at+key] = kind
	r.offs = append(r.offs, uint32(end))
	return r.data[at : at+key : at+key], r.data[at+key+1 : end : end]
}

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

// ends is the first of i … j at which an entry ends or begins that is not before an offset, or j.
func (r *run) ends(i, j, off int) int {
	if int(r.offs[j]) <= off {
		return j
	}
	return i + sort.Search(j-i, func(n int) bool { return int(r.offs[i+n]) >= off })
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

// runOf is a run of entries as they came, which it leaves. A step of a circuit writes its
// traces one after the other, each in order: so there are few pieces to be merged.
func runOf(raw *run) (*run, error) {
	var starts []int
	var last []byte
	for i := range raw.len() {
		key := raw.key(i)
		if i == 0 || bytes.Compare(last, key) >= 0 {
			starts = append(starts, i)
		}
		last = key
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
