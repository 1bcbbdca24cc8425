package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"
)

// mergeRuns merges runs, the oldest first, and hands out what comes of them, piece by
// piece.
func mergeRuns(runs []*run, emit func(of *run, i, j int) error) error {
	return mergeAll(nil, runs, nil, nil, emit)
}

// mergeAll is mergeRuns for runs in files, which are older, and others, of the keys in [lower, upper); nil is open.
func mergeAll(files []*spilled, runs []*run, lower, upper []byte, emit func(of *run, i, j int) error) error {
	h := make(runHeap, 0, len(files)+len(runs))
	for age, s := range files {
		at := &runAt{r: newRun(0, 0), age: age, rest: s.rest(lower, upper)}
		if err := at.refill(); err != nil {
			return err
		}
		h = append(h, at)
	}
	for age, r := range runs {
		at := &runAt{r: r.within(lower, upper), age: len(files) + age}
		at.read()
		h = append(h, at)
	}
	h = slices.DeleteFunc(h, func(a *runAt) bool { return a.ended() })
	sort.Slice(h, func(i, j int) bool { return h[i].before(h[j]) })
	var one run
	var key, value []byte
	for len(h) > 1 {
		c, next := h[0], h.second()
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
			c.pass(next)
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
		c := h[0]
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

// pass goes on from an entry that is less than b's to the first one that is not. It is often one of the next. If not,
// it is often far: of a trace whose keys come in order, one run has all that there is for a while, or a block of a file.
func (a *runAt) pass(b *runAt) {
	for range nearEntries {
		if !a.next() || !a.less(b) {
			return
		}
	}
	far, n := nearEntries, a.r.len()
	for a.i+far < n && bytes.Compare(a.r.key(a.i+far), b.key) < 0 {
		a.i += far
		far *= 2
	}
	a.i = a.r.search(a.i+1, min(a.i+far, n), b.key)
	a.read()
}

// nearEntries are looked at one by one.
const nearEntries = 8

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
type runHeap []*runAt

// second is the least but the first; there are at least two.
func (h runHeap) second() *runAt {
	if len(h) > 2 && h[2].before(h[1]) {
		return h[2]
	}
	return h[1]
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
		if kid+1 < len(s) && s[kid+1].before(s[kid]) {
			kid++
		}
		if !s[kid].before(at) {
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
		c := (*h)[0]
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
