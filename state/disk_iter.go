package state

import (
	"bytes"
	"slices"
)

// diskIter walks the layers and Pebble as one: at each key, what the newest of them
// that has the last word says, plus the weights that those above it add. Keys whose
// weight is zero are passed over.
//
// Going ahead, each source stands at its first key that is not behind the
// iterator's, going back, at its last that is not before it.
type diskIter struct {
	front *front
	tops  []layerIter // newest first
	room  [2]layerIter
	below *pooledIter

	dir      int    // 1 or -1, 0 before the first move
	on       uint64 // the sources that stand at the iterator's key, by bits
	belowKey []byte // nil: below stands nowhere
	prefix   bool   // of SeekPrefix: below may only go ahead

	key, value []byte
	valid      bool
	err        error
	loaded     bool // a part of it is of a load
	seeks      int
	weight     [10]byte
	sought     []byte // scratch
}

// layerIter is the part of one layer, or of one run of it.
type layerIter struct {
	it      treeIter
	run     *runIter     // instead of it, if not nil
	spilled *spilledIter // …
	spans   []span
	of      *layer // nil: none
}

const onBelow = 1 << 63

// newIter makes an iterator within bounds as they lie in Pebble.
func (f *front) newIter(lower, upper []byte) (*diskIter, error) {
	if err := f.rlock(); err != nil {
		return nil, err
	}
	defer f.mu.RUnlock()
	below, err := f.iters.get(f.below, lower, upper)
	if err != nil {
		return nil, err
	}
	i := &diskIter{front: f, below: below}
	i.tops = i.room[:0]
	for _, l := range [...]*layer{f.active, f.draining} {
		switch {
		case l == nil || l.empty():
		case l.bulk != nil:
			for n := len(l.bulk.runs) - 1; n >= 0; n-- {
				if run := runWithin(l.bulk.runs[n], lower, upper); run != nil {
					l.readers.Add(1)
					i.tops, i.loaded = append(i.tops, layerIter{run: run, of: l}), true
				}
			}
		default:
			l.readers.Add(1)
			i.tops = append(i.tops, layerIter{it: treeIter{root: l.tree.root, lower: lower, upper: upper}, spans: l.spans, of: l})
		}
	}
	for _, s := range slices.Backward(f.spilled) {
		if it := s.within(lower, upper, &i.err); it != nil {
			i.tops, i.loaded = append(i.tops, layerIter{spilled: it}), true
		}
	}
	return i, nil
}

func (t *layerIter) first() {
	switch {
	case t.run != nil:
		t.run.First()
	case t.spilled != nil:
		t.spilled.First()
	default:
		t.it.First()
	}
}

func (t *layerIter) last() {
	switch {
	case t.run != nil:
		t.run.Last()
	case t.spilled != nil:
		t.spilled.Last()
	default:
		t.it.Last()
	}
}

func (t *layerIter) seekGE(key []byte) {
	switch {
	case t.run != nil:
		t.run.SeekGE(key)
	case t.spilled != nil:
		t.spilled.SeekGE(key)
	default:
		t.it.SeekGE(key)
	}
}

func (t *layerIter) seekLT(key []byte) {
	switch {
	case t.run != nil:
		t.run.SeekLT(key)
	case t.spilled != nil:
		t.spilled.SeekLT(key)
	default:
		t.it.SeekLT(key)
	}
}

func (t *layerIter) seekPrefix(prefix []byte) {
	switch {
	case t.run != nil:
		t.run.SeekPrefix(prefix)
	case t.spilled != nil:
		t.spilled.SeekPrefix(prefix)
	default:
		t.it.SeekPrefix(prefix)
	}
}

func (t *layerIter) step(dir int) {
	switch {
	case t.run != nil:
		t.run.step(dir)
	case t.spilled != nil:
		t.spilled.step(dir)
	default:
		t.it.step(dir)
	}
}

func (t *layerIter) valid() bool {
	switch {
	case t.run != nil:
		return t.run.valid
	case t.spilled != nil:
		return t.spilled.valid
	}
	return t.it.valid
}

func (t *layerIter) at() treeEntry {
	switch {
	case t.run != nil:
		return t.run.at()
	case t.spilled != nil:
		return t.spilled.entry()
	}
	return t.it.at()
}

// Close implements Iterator.
func (i *diskIter) Close() error {
	if i.below == nil {
		return nil
	}
	err := i.front.iters.put(i.below)
	for n := range i.tops {
		if t := &i.tops[n]; t.spilled != nil {
			t.spilled.close()
		} else {
			t.of.readers.Add(-1)
		}
	}
	if i.loaded {
		i.front.sought.Add(int64(i.seeks))
	}
	i.below, i.valid = nil, false
	return readError(err)
}

func (i *diskIter) Valid() bool   { return i.valid }
func (i *diskIter) Key() []byte   { return bare(i.key) }
func (i *diskIter) Value() []byte { return i.value }

func (i *diskIter) Error() error {
	if i.err == nil && i.below != nil {
		return readError(i.below.Error())
	}
	return readError(i.err)
}

func (i *diskIter) First() bool {
	i.begin(1, false)
	for n := range i.tops {
		i.tops[n].first()
	}
	i.stands(i.below.First())
	return i.settle()
}

func (i *diskIter) Last() bool {
	i.begin(-1, false)
	for n := range i.tops {
		i.tops[n].last()
	}
	i.stands(i.below.Last())
	return i.settle()
}

func (i *diskIter) SeekGE(key []byte) bool {
	i.sought = appendWhole(i.sought[:0], key)
	i.begin(1, false)
	i.seek()
	return i.settle()
}

func (i *diskIter) SeekLT(key []byte) bool {
	i.sought = appendWhole(i.sought[:0], key)
	i.begin(-1, false)
	i.seek()
	return i.settle()
}

// SeekPrefix implements Iterator.
func (i *diskIter) SeekPrefix(prefix []byte) bool {
	i.sought = appendWhole(i.sought[:0], prefix)
	i.begin(1, true)
	i.seeks++
	for n := range i.tops {
		i.tops[n].seekPrefix(prefix)
	}
	i.stands(i.below.SeekPrefixGE(i.sought))
	return i.settle()
}

func (i *diskIter) Next() bool { return i.move(1) }
func (i *diskIter) Prev() bool { return i.move(-1) }

func (i *diskIter) begin(dir int, prefix bool) { i.dir, i.prefix = dir, prefix }

// seek moves the sources to the first key ≥ sought, or the last < sought.
func (i *diskIter) seek() {
	i.seeks++
	for n := range i.tops {
		if i.dir > 0 {
			i.tops[n].seekGE(i.sought)
		} else {
			i.tops[n].seekLT(i.sought)
		}
	}
	if i.dir > 0 {
		i.stands(i.below.SeekGE(i.sought))
	} else {
		i.stands(i.below.SeekLT(i.sought))
	}
}

// stands notes where below stands now.
func (i *diskIter) stands(ok bool) {
	if i.belowKey = nil; ok {
		i.belowKey = i.below.Key()
	}
}

func (i *diskIter) move(dir int) bool {
	switch {
	case !i.valid || i.prefix && dir < 0:
		i.valid = false
		return false
	case i.dir == dir:
		i.step()
	default:
		// The others stand on the wrong side.
		i.sought = append(i.sought[:0], i.key...)
		i.dir = dir
		i.seek()
		if dir > 0 {
			i.stepOver(i.sought)
		}
	}
	return i.settle()
}

// step moves the sources that stand at the iterator's key.
func (i *diskIter) step() {
	for n := range i.tops {
		if i.on&(1<<n) != 0 {
			i.tops[n].step(i.dir)
		}
	}
	if i.on&onBelow != 0 {
		if i.dir > 0 {
			i.stands(i.below.Next())
		} else {
			i.stands(i.below.Prev())
		}
	}
}

// stepOver moves the sources that stand at key.
func (i *diskIter) stepOver(key []byte) {
	i.on = 0
	for n := range i.tops {
		if t := &i.tops[n]; t.valid() && bytes.Equal(t.at().key, key) {
			i.on |= 1 << n
		}
	}
	if i.belowKey != nil && bytes.Equal(i.belowKey, key) {
		i.on |= onBelow
	}
	i.step()
}

// settle goes on, from where the sources stand, to a key that is there.
func (i *diskIter) settle() bool {
	for i.err == nil {
		i.passSpans()
		key := i.nearest()
		if key == nil {
			break
		}
		if i.resolve(key) {
			i.key, i.valid = key, true
			return true
		}
		i.step()
	}
	i.key, i.value, i.valid = nil, nil, false
	return false
}

// nearest is the next key that a source has, and notes which have it.
func (i *diskIter) nearest() (key []byte) {
	i.on = 0
	if i.belowKey != nil {
		key, i.on = i.belowKey, onBelow
	}
	for n := range i.tops {
		t := &i.tops[n]
		if !t.valid() {
			continue
		}
		k := t.at().key
		c := -1
		if key != nil {
			c = bytes.Compare(k, key) * i.dir
		}
		if c < 0 {
			key, i.on = k, 0
		}
		if c <= 0 {
			i.on |= 1 << n
		}
	}
	return key
}

// passSpans moves below out of ranges that are deleted above it. (A search by
// prefix sees few keys, each of which resolve finds hidden.)
func (i *diskIter) passSpans() {
	for n := 0; n < len(i.tops) && !i.prefix; n++ {
		t := &i.tops[n]
		if len(t.spans) == 0 || i.belowKey == nil {
			continue
		}
		at := findSpan(t.spans, i.belowKey)
		switch {
		case at < 0:
			continue
		case i.dir > 0:
			i.stands(i.below.SeekGE(t.spans[at].upper))
		default:
			i.stands(i.below.SeekLT(t.spans[at].lower))
		}
		n = -1 // what it met may be hidden by another one
	}
}

// resolve says whether key, at which the sources in on stand, is there, and finds
// its value.
func (i *diskIter) resolve(key []byte) bool {
	var sum int64
	added := false
	for n := range i.tops {
		t := &i.tops[n]
		if i.on&(1<<n) == 0 {
			if len(t.spans) > 0 && findSpan(t.spans, key) >= 0 {
				return i.weighs(sum)
			}
			continue
		}
		switch entry := t.at().value; entry[0] {
		case entryAdd:
			sum, added = sum+entryNumber(entry), true
		case entryWeight:
			return i.weighs(sum + entryNumber(entry))
		case entryGone:
			return i.weighs(sum)
		default:
			if added {
				i.err = errWeightOnValue
				return false
			}
			i.value, _ = stored(entry[1:])
			return true
		}
	}
	if i.on&onBelow == 0 {
		return i.weighs(sum)
	}
	raw := i.below.Value()
	value, ok := stored(raw)
	if !added {
		i.value = value
		return ok
	}
	if ok {
		if raw[len(raw)-1] == setTag {
			i.err = errWeightOnValue
			return false
		}
		w, err := Weight(value)
		if err != nil {
			i.err = err
			return false
		}
		sum += w
	}
	return i.weighs(sum)
}

// weighs makes a weight the value, if it is one.
func (i *diskIter) weighs(w int64) bool {
	i.value = appendWeight(i.weight[:0], w)
	return w != 0
}

// failedIter is an iterator that could not be made; it is never valid.
type failedIter struct{ err error }

func (failedIter) First() bool            { return false }
func (failedIter) Last() bool             { return false }
func (failedIter) SeekGE([]byte) bool     { return false }
func (failedIter) SeekLT([]byte) bool     { return false }
func (failedIter) SeekPrefix([]byte) bool { return false }
func (failedIter) Next() bool             { return false }
func (failedIter) Prev() bool             { return false }
func (failedIter) Valid() bool            { return false }
func (failedIter) Key() []byte            { return nil }
func (failedIter) Value() []byte          { return nil }
func (i failedIter) Error() error         { return i.err }
func (failedIter) Close() error           { return nil }
