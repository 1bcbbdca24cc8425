package circuit

import (
	"bytes"
	"slices"
)

// A row of which nothing has changed but its bounds goes and comes in one delta: a total beside
// the rows that are below a part of it, say. A pair of such entries, of opposite weights, meets the
// same rows, and what the join makes of them is the same, but for those between the old bounds and
// the new ones. So only these are read. It is what bilinearity says of a difference,
//
//	(r′ - r) ⋈ z⁻¹I(l),
//
// where a term is not computed that is zero: as in a range join, which has one row of bounds.
//
// It is done where the trace has points: they lie in one order, any place of which can be sought. Intervals
// lie under their nodes, which are sought as a whole.

// pairing finds the pairs. It is a scratch of the search.
type pairing struct {
	moves  []move
	arena  []byte
	lower  []byte // bounds of the row in hand
	upper  []byte
	alone  []int
	paired [][2]int
}

// move is an entry by what remains the same when its row moves.
type move struct {
	at       int // the entry
	from, to int // in the arena
}

// moved takes the pairs out of a run of entries of one group.
func (t *intervalSearch) moved(d *intervalIndex, run []int) (alone []int, paired [][2]int, err error) {
	if t.fixed == nil || !bothSigns(&d.delta, run) {
		return run, nil, nil
	}
	p := &t.pairing
	p.moves, p.arena, p.alone, p.paired = p.moves[:0], p.arena[:0], p.alone[:0], p.paired[:0]
	for _, i := range run {
		if t.found, err = d.decode(d.row(i), t.found[:0]); err != nil {
			return nil, nil, err
		}
		if t.backwards(d) {
			p.alone = append(p.alone, i)
			continue
		}
		from := len(p.arena)
		p.arena = t.fixed.append(p.arena, t.found)
		p.moves = append(p.moves, move{i, from, len(p.arena)})
	}
	same := func(a, b *move) int { return bytes.Compare(p.arena[a.from:a.to], p.arena[b.from:b.to]) }
	slices.SortFunc(p.moves, func(a, b move) int {
		if c := same(&a, &b); c != 0 {
			return c
		}
		return a.at - b.at
	})
	for from := 0; from < len(p.moves); {
		to := from + 1
		for to < len(p.moves) && same(&p.moves[from], &p.moves[to]) == 0 {
			to++
		}
		p.match(&d.delta, p.moves[from:to])
		from = to
	}
	slices.Sort(p.alone)
	slices.SortFunc(p.paired, func(a, b [2]int) int { return min(a[0], a[1]) - min(b[0], b[1]) })
	return p.alone, p.paired, nil
}

// backwards says whether the row in hand ends before it begins. It is found between its bounds, too, but no point
// is, so that it has nothing in common with what a row in order meets there.
func (t *intervalSearch) backwards(d *intervalIndex) bool {
	if d.spec.Point || d.spec.From == nil || d.spec.To == nil {
		return false
	}
	d.asked.Lock() // joins over the same index may ask at the same time
	defer d.asked.Unlock()
	p := &t.pairing
	p.lower, _ = d.spec.From(p.lower[:0], t.found)
	p.upper, _ = d.spec.To(p.upper[:0], t.found)
	return bytes.Compare(p.lower, p.upper) > 0
}

// bothSigns says whether some of the entries go and others come.
func bothSigns(d *delta, run []int) bool {
	var goes, comes bool
	for _, i := range run {
		goes, comes = goes || d.entries[i].w < 0, comes || d.entries[i].w > 0
		if goes && comes {
			return true
		}
	}
	return false
}

// match pairs entries of the same row, those that go with those that come, each in the order of their
// bounds: so they move the least.
func (p *pairing) match(d *delta, same []move) {
	goes, comes := 0, 0
	next := func(i int, sign int64) int {
		for i < len(same) && d.entries[same[i].at].w*sign <= 0 {
			i++
		}
		return i
	}
	for {
		goes, comes = next(goes, -1), next(comes, 1)
		switch {
		case goes == len(same) && comes == len(same):
			return
		case comes == len(same):
			p.alone = append(p.alone, same[goes].at)
			goes++
		case goes == len(same):
			p.alone = append(p.alone, same[comes].at)
			comes++
		default:
			a, b := same[goes].at, same[comes].at
			if d.entries[a].w == -d.entries[b].w {
				p.paired = append(p.paired, [2]int{a, b})
			} else {
				p.alone = append(p.alone, a, b)
			}
			goes, comes = goes+1, comes+1
		}
	}
}

// points gives a pair what it does not have in common of the points in the group in hand, and the points at
// the bounds, of which f decides.
func (t *intervalSearch) points(d *intervalIndex, pair [2]int, group int) error {
	x, y := d.extent(pair[0]), d.extent(pair[1])
	if !x.overlaps(&y) {
		for _, i := range pair {
			z := d.extent(i)
			if err := t.between(i, group, z.from, &z); err != nil {
				return err
			}
		}
		return nil
	}
	// Bounds that there are not are the first and the last: of a row's bounds either both of a pair are there or none.
	give := func(entry []byte) error {
		for _, i := range pair {
			z := d.extent(i)
			if !z.below && bytes.Compare(entry, z.from) < 0 || !z.above && !notAbove(entry, z.to) {
				continue
			}
			if err := t.give(i); err != nil {
				return err
			}
		}
		return nil
	}
	if err := t.stretch(group, x.from, y.from, give); err != nil {
		return err
	}
	return t.stretch(group, x.to, y.to, give)
}

// overlaps says whether two intervals of one index have more than a bound in common.
func (x *extent) overlaps(y *extent) bool {
	low := x.from
	if bytes.Compare(low, y.from) < 0 {
		low = y.from
	}
	high := x.to
	if bytes.Compare(high, y.to) > 0 {
		high = y.to
	}
	return x.below || x.above || bytes.Compare(low, high) < 0
}

// stretch reads what lies from one key to another one, both included and either being the less, under the first bytes of
// the key in hand. If they are the same, there is nothing between them.
func (t *intervalSearch) stretch(under int, a, b []byte, give func(entry []byte) error) error {
	c := bytes.Compare(a, b)
	if c == 0 {
		return nil
	}
	if c > 0 {
		a, b = b, a
	}
	t.key = append(t.key[:under], a...)
	for t.cur.reach(t.key); t.cur.under(t.key[:under]); t.cur.next() {
		entry := t.cur.key()[under:]
		if !notAbove(entry, b) {
			return nil
		}
		if err := give(entry); err != nil {
			return err
		}
	}
	return nil
}
