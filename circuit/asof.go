package circuit

import (
	"bytes"
	"slices"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// AsOfSpec says which rows meet in an as-of join: rows of one group, and of the right
// ones the first that lies at the left row's place or, if Strict, behind it.
type AsOfSpec struct {
	LeftGroup, RightGroup KeyFunc
	// LeftAt and RightAt are places within a group.
	LeftAt, RightAt KeyFunc
	Strict          bool
	// Order decides among right rows at one place; those that it leaves equal come in the order
	// of their encodings.
	Order KeyFunc
	// Emit appends what a left row and its right one become, with weight w.
	Emit JoinFunc
}

// asOfJoin joins each left row with the one right row next to it. It is linear in the left
// stream, and of the right one only what lies between two of its rows matters:
//
//	(l ⋈ r)^Δ = Δl ⋈ I(r) + z⁻¹I(l) ⋈ (I(r) - z⁻¹I(r))
//
// The second term has the left rows before a right one that came or went, as far back as the
// next one that was there and still is: no others have a new neighbour. So the work is a few
// searches for each row that changes, and the rows whose answer does.
//
// The traces are prefix|0|group|place|row, where the row begins → weight for the left stream, and
// prefix|1|group|place|order|row, where the row begins → weight for the right one. A group begins with
// a byte of its own, so that there is a key behind each.
type asOfJoin struct {
	spec         AsOfSpec
	left, right  delta
	leftCur      cursor
	backCur      cursor // of the right trace, going back
	wasCur       cursor // of the right trace, where it is searched as it was
	isCur        cursor // and as it is after the step
	was, is      neighbour
	back         walk
	lower, upper []byte // left entries that may have a new neighbour
	group        []byte
	place, from  []byte // scratch
	row          []values.Datum
}

// neighbour is the right row found last, before or after the step: that of all left entries
// from the one that it was sought for up to end.
type neighbour struct {
	walk  walk
	valid bool // something was sought
	ok    bool // there is one; else there is none for later entries of the group, either
	end   []byte
	row   []values.Datum
}

const (
	asOfLeft  = 0
	asOfRight = 1
)

func (*asOfJoin) kind() string { return "as-of join" }
func (*asOfJoin) keepsState()  {}

// AsOfJoin joins each left row with the nearest right one: see AsOfSpec. Left rows without
// one are left out.
func (b *Builder) AsOfJoin(left, right Stream, width int, label string, spec AsOfSpec) Stream {
	return Stream{b.add(&asOfJoin{spec: spec}, label, width, left.id, right.id)}
}

func (o *asOfJoin) push(_ *step, _ *node, port int, in *Batch) error {
	for i, w := range in.W {
		var err error
		if port == 0 {
			err = gatherPlaced(&o.left, in.Row(i), w, o.spec.LeftGroup, o.spec.LeftAt, nil)
		} else {
			err = gatherPlaced(&o.right, in.Row(i), w, o.spec.RightGroup, o.spec.RightAt, o.spec.Order)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// gatherPlaced adds a row to a delta under its group, of which the entry's key is made, and
// its place. The second part of the key ends behind the place.
func gatherPlaced(d *delta, row []values.Datum, w int64, group, at, order KeyFunc) error {
	off := len(d.arena)
	arena, ok := group(append(d.arena, 1), row)
	key := len(arena)
	if ok {
		arena, ok = at(arena, row)
	}
	if !ok {
		d.arena = arena[:off]
		return nil
	}
	sub := len(arena)
	if order != nil {
		arena, _ = order(arena, row)
	}
	begin := len(arena)
	d.arena = appendPlace(values.AppendRow(arena, row), begin-off)
	return d.seal(off, key, sub, w)
}

func (o *asOfJoin) idle() bool { return o.left.len() == 0 && o.right.len() == 0 }

func (o *asOfJoin) finish(s *step, n *node) error {
	o.left.consolidate()
	o.right.consolidate()
	left, right := append(slices.Clip(n.prefix), asOfLeft), append(slices.Clip(n.prefix), asOfRight)
	o.leftCur.open(s, n, left)
	for _, c := range []*cursor{&o.backCur, &o.wasCur, &o.isCur} {
		c.open(s, n, right)
	}
	err := o.join(s, n)
	for _, c := range []*cursor{&o.leftCur, &o.backCur, &o.wasCur, &o.isCur} {
		err = c.close(err)
	}
	if err != nil {
		return err
	}
	o.write(s, n, left, &o.left)
	o.write(s, n, right, &o.right)
	o.reset()
	return n.out.flush(s)
}

func (o *asOfJoin) reset() {
	o.left.empty()
	o.right.empty()
}

// write adds a delta to its trace. Entries are sought from any place on, so none is under a prefix.
func (o *asOfJoin) write(s *step, n *node, prefix []byte, d *delta) {
	for i := range d.entries {
		d.written = append(append(d.written[:0], prefix...), d.bytes(i)...)
		n.addWeight(s, d.written, len(d.written), d.entries[i].w)
	}
}

func (o *asOfJoin) join(s *step, n *node) error {
	o.is.valid = false
	for i := range o.left.entries {
		if err := o.find(o.left.key(i), o.left.subKey(i), &o.is); err != nil {
			return err
		}
		if err := o.emit(s, n, o.left.bytes(i), o.left.entries[i].w, &o.is); err != nil {
			return err
		}
	}
	for i := 0; i < o.right.len(); {
		end := o.right.groupEnd(i)
		if err := o.moved(s, n, i, end); err != nil {
			return err
		}
		i = end
	}
	return nil
}

// moved emits what the changes of a group of the right stream, those from lo to hi, mean for the
// left rows that were there before.
func (o *asOfJoin) moved(s *step, n *node, lo, hi int) error {
	o.group = append(o.group[:0], o.right.key(lo)...)
	o.was.valid, o.is.valid = false, false
	o.lower = append(o.lower[:0], o.group...)
	for i := lo; i < hi; i = o.right.subEnd(i, hi) {
		// Up to this place, left rows may have had one of its rows, or have one now.
		o.upper = o.beyond(o.upper[:0], o.right.subKey(i))
		if err := o.since(i, lo); err != nil {
			return err
		}
		if bytes.Compare(o.lower, o.upper) >= 0 {
			continue
		}
		if err := o.scan(s, n); err != nil {
			return err
		}
		o.lower = append(o.lower[:0], o.upper...)
	}
	return nil
}

// beyond appends the key behind all left entries that a right row at a place is not behind.
func (o *asOfJoin) beyond(dst, place []byte) []byte {
	if o.spec.Strict {
		return append(dst, place...)
	}
	return append(dst, state.PrefixEnd(place)...)
}

// since moves lower behind the left entries that have the last right row before an entry of the
// delta, or one before that. If the delta has that row, too, lower is there already; else it was there
// before the step and is after it.
func (o *asOfJoin) since(i, lo int) error {
	k := &o.back
	k.before(&o.backCur, o.group)
	o.backCur.seekLT(o.right.bytes(i))
	k.read, k.i = false, -1
	if !k.back() || i > lo && bytes.Compare(k.key, o.right.bytes(i-1)) <= 0 {
		return k.fail
	}
	at, err := o.placeOf(k, o.group)
	if err != nil {
		return err
	}
	if o.from = o.beyond(o.from[:0], at); bytes.Compare(o.lower, o.from) < 0 {
		o.lower = append(o.lower[:0], o.from...)
	}
	return nil
}

// placeOf is the group and place of the right entry that a walk is at.
func (o *asOfJoin) placeOf(k *walk, group []byte) ([]byte, error) {
	begin, end, ok := place(k.key)
	if !ok {
		return nil, errGroup
	}
	var err error
	if k.row, err = values.DecodeRow(k.key[begin:end], k.row[:0]); err != nil {
		return nil, err
	}
	o.place, _ = o.spec.RightAt(append(o.place[:0], group...), k.row)
	return o.place, nil
}

// scan emits the changes of the left rows of before from lower to upper.
func (o *asOfJoin) scan(s *step, n *node) error {
	for o.leftCur.seekGE(o.lower); o.leftCur.it.Valid(); o.leftCur.next() {
		entry := o.leftCur.key()
		if bytes.Compare(entry, o.upper) >= 0 {
			return nil
		}
		w, err := o.leftCur.weight()
		if err != nil {
			return err
		}
		if w == 0 {
			continue
		}
		begin, _, ok := place(entry)
		if !ok {
			return errGroup
		}
		for _, nb := range []*neighbour{&o.was, &o.is} {
			if err := o.find(o.group, entry[:begin], nb); err != nil {
				return err
			}
		}
		if o.was.ok == o.is.ok && (!o.is.ok || slices.Equal(o.was.row, o.is.row)) {
			continue
		}
		if err := o.emit(s, n, entry, -w, &o.was); err != nil {
			return err
		}
		if err := o.emit(s, n, entry, w, &o.is); err != nil {
			return err
		}
	}
	return nil
}

// find makes a neighbour that of a left entry at a place in a group. Entries come in order.
func (o *asOfJoin) find(group, at []byte, nb *neighbour) error {
	k := &nb.walk
	if nb.valid && bytes.Equal(k.group, group) && (!nb.ok || bytes.Compare(at, nb.end) < 0) {
		return nil
	}
	// A right row at the very place begins with it, as no place begins another.
	if o.from = append(o.from[:0], at...); o.spec.Strict {
		o.from = append(o.from[:0], state.PrefixEnd(at)...)
	}
	own := append(k.group[:0], group...)
	cur := &o.isCur
	if nb == &o.was {
		cur = &o.wasCur
		k.before(cur, own)
	} else {
		d := &o.right
		lo := sort.Search(d.len(), func(i int) bool { return bytes.Compare(d.bytes(i), o.from) >= 0 })
		hi := lo + sort.Search(d.len()-lo, func(i int) bool { return !bytes.HasPrefix(d.bytes(lo+i), own) })
		k.after(cur, own, d, lo, hi)
	}
	cur.seekGE(o.from)
	k.read, k.i = false, k.lo
	if nb.valid, nb.ok = true, k.ahead(); !nb.ok {
		return k.fail
	}
	place, err := o.placeOf(k, own)
	if err != nil {
		return err
	}
	nb.end = o.beyond(nb.end[:0], place)
	nb.row = append(nb.row[:0], k.row...)
	return nil
}

// emit pairs a left entry with its neighbour, if it has one.
func (o *asOfJoin) emit(s *step, n *node, entry []byte, w int64, nb *neighbour) error {
	if !nb.ok {
		return nil
	}
	begin, end, ok := place(entry)
	if !ok {
		return errGroup
	}
	var err error
	if o.row, err = values.DecodeRow(entry[begin:end], o.row[:0]); err != nil {
		return err
	}
	o.spec.Emit(o.row, nb.row, &n.out.batch, w)
	return n.out.flushFull(s)
}
