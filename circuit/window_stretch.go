package circuit

import (
	"bytes"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// unit is what the trace and the delta have of one: it has rows in one of them at least.
type unit struct {
	key     string
	was, is rowRun
	changed bool
}

// row is any of its rows: to what sees by value they are alike.
func (u *unit) row() []values.Datum {
	if len(u.is) > 0 {
		return u.is[0]
	}
	return u.was[0]
}

// windowStretch is units that stand side by side. The results of those in [from, to) can be
// others than they were; the rest are seen by these. What is carried to it from either side
// is as it was.
type windowStretch struct {
	units          []unit
	from, to       int
	before, behind []byte
}

func (st *windowStretch) last() string { return st.units[len(st.units)-1].key }

// fringe goes from unit to unit away from the last one that is different: by itself, or by
// what is carried to it. First come those that can see it, then those that are seen by
// one of these.
type fringe struct {
	sees, seen     int // how many see at least, how many are seen
	seesBy, seenBy func(row, other []values.Datum) bool
	units          bool // what is counted

	different []values.Datum // nil: nothing is different so far
	seer      []values.Datum // the last that can see it
	passed    int            // since the different one, up to the last that sees it
	beyond    int            // since the last that sees it
}

func (o *window) fringe(to direction) fringe {
	f := fringe{units: o.spec.Units}
	if to == ahead {
		f.sees, f.seesBy, f.seen, f.seenBy = o.spec.Before, o.spec.SeesBack, o.spec.After, o.spec.SeesAhead
	} else {
		f.sees, f.seesBy, f.seen, f.seenBy = o.spec.After, o.spec.SeesAhead, o.spec.Before, o.spec.SeesBack
	}
	return f
}

// starts begins anew with a unit that is different.
func (f *fringe) starts(u *unit) {
	f.different = u.row()
	f.seer, f.passed, f.beyond = f.different, 0, 0
}

// over says that no further unit matters, as far as that is known without looking at
// it.
func (f *fringe) over() bool {
	if f.different == nil {
		return true
	}
	return f.seesBy == nil && f.seenBy == nil && (f.beyond > 0 || f.passed >= f.sees) && f.beyond >= f.seen
}

// pass takes the next unit, which is not different: whether it can see the different
// one and, if not, whether it matters to one that can.
func (f *fringe) pass(u *unit) (sees, seen bool) {
	if f.different == nil {
		return false, false
	}
	row, size := u.row(), len(u.is)
	if f.units {
		size = 1
	}
	if f.beyond == 0 && (f.passed < f.sees || f.seesBy != nil && f.seesBy(row, f.different)) {
		f.passed += size
		f.seer = row
		return true, true
	}
	seen = f.beyond < f.seen || f.seenBy != nil && f.seenBy(f.seer, row)
	f.beyond += size
	return false, seen
}

// goAhead makes a stretch that begins with the next entry of the delta, and takes in all
// further entries that are near: it ends where what is carried is as it was, and the
// next unit neither sees what is different nor is seen by what does.
func (o *window) goAhead() error {
	key, err := o.unitKey(o.delta.bytes(o.i))
	if err != nil {
		return err
	}
	first := o.keys.add(key)
	o.rows.seekGE(key)
	o.knownAt(ahead, first)
	st := windowStretch{before: slices.Clone(o.old)}
	f := o.fringe(ahead)
	for same := true; ; {
		u, ok, err := o.nextUnit()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		st.units = append(st.units, u)
		matters := true
		if u.changed || !same {
			f.starts(&u)
			st.to = len(st.units)
		} else if sees, seen := f.pass(&u); sees {
			st.to = len(st.units)
		} else {
			matters = seen
		}
		if same, err = o.carry(ahead, &u); err != nil {
			return err
		}
		if same && (!matters || f.over()) && !o.adjacent() {
			break
		}
	}
	if st.to > 0 {
		o.stretches = append(o.stretches, st)
	}
	return nil
}

// adjacent says whether the delta goes on before the trace does.
func (o *window) adjacent() bool {
	return o.i < o.hi && (!o.rows.under(o.part) || bytes.Compare(o.delta.bytes(o.i), o.rows.key()) <= 0)
}

// goBack extends a stretch by the units before it, as goAhead does by those behind it. If
// it comes to the stretch before, that one becomes part of it.
func (o *window) goBack(st *windowStretch) error {
	o.knownAt(back, st.last())
	st.behind = slices.Clone(o.old)
	for fresh := len(st.units); ; {
		same := true
		var err error
		for i := fresh - 1; i >= 0; i-- {
			if same, err = o.carry(back, &st.units[i]); err != nil {
				return err
			}
		}
		if fresh, err = o.extend(st, same); err != nil || fresh == 0 {
			return err
		}
	}
}

// extend adds to a stretch what matters of the units before it; same says that what is
// carried back to them is as it was. If this ends at another stretch, that one's units
// are added too, and their number returned: nothing is carried through these yet.
func (o *window) extend(st *windowStretch, same bool) (fresh int, err error) {
	f := o.fringe(back)
	f.starts(&st.units[0])
	if same && f.over() {
		return 0, nil
	}
	o.rows.seekLT([]byte(st.units[0].key))
	var before []unit // the other way around
	sees := 0
	join := func(units []unit) {
		slices.Reverse(before)
		st.units = slices.Concat(units, before, st.units)
		st.to += len(units) + len(before)
	}
	for matters := true; !same || matters && !f.over(); {
		more, err := o.prevRow()
		if err != nil {
			return 0, err
		}
		if meets, err := o.meets(more); err != nil {
			return 0, err
		} else if meets {
			last := len(o.stretches) - 1
			st.before = o.stretches[last].before
			units := o.stretches[last].units
			if same {
				o.knownAt(back, o.stretches[last].last())
			}
			o.stretches = o.stretches[:last]
			join(units)
			return len(units), nil
		}
		if !more {
			break
		}
		u, err := o.prevUnit()
		if err != nil {
			return 0, err
		}
		before = append(before, u)
		matters = true
		if !same {
			f.starts(&u)
			sees = len(before)
			if same, err = o.carry(back, &u); err != nil {
				return 0, err
			}
		} else if saw, seen := f.pass(&u); saw {
			sees = len(before)
		} else {
			matters = seen
		}
	}
	if len(before) > 0 {
		st.from = len(before) - sees
		join(nil)
		o.knownAt(ahead, st.units[0].key)
		st.before = slices.Clone(o.old)
	}
	return 0, nil
}

// meets says whether the units before are those of the stretch before, and no more of the
// trace alone.
func (o *window) meets(more bool) (bool, error) {
	if len(o.stretches) == 0 {
		return false, nil
	}
	if !more {
		return true, nil
	}
	key, err := o.unitKey(o.rows.key())
	return string(key) <= o.stretches[len(o.stretches)-1].last(), err
}

// knownAt sets what is carried to what it was before the step: ahead, of all before a unit,
// back, of all behind it.
func (o *window) knownAt(to direction, unit string) {
	o.old = o.old[:0]
	if c := &o.carries[to]; o.carrying(to) != nil {
		if to == ahead {
			c.seekLT([]byte(unit))
		} else {
			c.seekGE(append([]byte(unit), 0)) // no key begins with another
		}
		if c.under(o.part) {
			o.old = append(o.old, c.value()...)
		}
	}
	o.now = append(o.now[:0], o.old...)
}

func (o *window) carrying(to direction) CarryFunc {
	if to == ahead {
		return o.spec.Carry
	}
	return o.spec.CarryBack
}

// carry brings what is carried past a unit, and says whether it is as it was.
func (o *window) carry(to direction, u *unit) (same bool, err error) {
	f := o.carrying(to)
	if f == nil {
		return true, nil
	}
	pass := func(known []byte, rows rowRun) ([]byte, error) {
		if len(rows) == 0 {
			return known, nil
		}
		return f(nil, known, rows)
	}
	equal := bytes.Equal(o.old, o.now)
	if o.old, err = pass(o.old, u.was); err != nil {
		return false, err
	}
	if equal && !u.changed {
		o.now = append(o.now[:0], o.old...)
		return true, nil
	}
	if o.now, err = pass(o.now, u.is); err != nil {
		return false, err
	}
	same = bytes.Equal(o.old, o.now)
	switch {
	case len(u.is) > 0 && (len(u.was) == 0 || !same):
		o.carried = append(o.carried, carried{to, u.key, append([]byte{}, o.now...)})
	case len(u.is) == 0 && len(u.was) > 0:
		o.carried = append(o.carried, carried{to, u.key, nil})
	}
	return same, nil
}

// nextUnit reads the next unit from the trace and the delta.
func (o *window) nextUnit() (u unit, ok bool, err error) {
	var key []byte
	begun := false
	o.was, o.is = o.was[:0], o.is[:0]
	for {
		old, changed := o.rows.under(o.part), o.i < o.hi
		c := 0
		switch {
		case !old && !changed:
			return o.made(u), len(o.was)+len(o.is) > 0, nil
		case !changed:
			c = -1
		case !old:
			c = 1
		default:
			c = bytes.Compare(o.rows.key(), o.delta.bytes(o.i))
		}
		if c <= 0 {
			o.entry = append(o.entry[:0], o.rows.key()...)
		} else {
			o.entry = append(o.entry[:0], o.delta.bytes(o.i)...)
		}
		if key, err = o.unitKey(o.entry); err != nil {
			return u, false, err
		}
		if begun && string(key) != u.key {
			if len(o.was)+len(o.is) > 0 {
				return o.made(u), true, nil
			}
			begun = false // what the delta had of it does not make a row
		}
		if !begun {
			u, begun = unit{key: o.keys.add(key)}, true
		}
		var w, dw int64
		if c <= 0 {
			if w, err = o.rows.weight(); err != nil {
				return u, false, err
			}
			o.rows.next()
		}
		if c >= 0 {
			dw = o.delta.entries[o.i].w
			u.changed = true
			o.i++
		}
		if w <= 0 && w+dw <= 0 {
			continue
		}
		row, err := decode(o.entry[len(o.part):])
		if err != nil {
			return u, false, err
		}
		for range w {
			o.was = append(o.was, row)
		}
		for range w + dw {
			o.is = append(o.is, row)
		}
	}
}

// prevRow goes back to an entry of the trace that makes a row, from the present one on.
func (o *window) prevRow() (ok bool, err error) {
	for ; o.rows.under(o.part); o.rows.prev() {
		if w, err := o.rows.weight(); err != nil || w > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// prevUnit reads the unit that ends at the trace's present entry, which makes a row.
func (o *window) prevUnit() (u unit, err error) {
	o.was = o.was[:0]
	for ok := true; ok && err == nil; ok, err = o.prevRow() {
		key, err := o.unitKey(o.rows.key())
		if err != nil {
			return u, err
		}
		if len(o.was) == 0 {
			u.key = o.keys.add(key)
		} else if string(key) != u.key {
			break
		}
		row, err := decode(o.rows.key()[len(o.part):])
		if err != nil {
			return u, err
		}
		w, err := o.rows.weight()
		if err != nil {
			return u, err
		}
		for range w {
			o.was = append(o.was, row)
		}
		o.rows.prev()
	}
	slices.Reverse(o.was)
	return o.made(u), err
}

// made is a unit with the rows that were read.
func (o *window) made(u unit) unit {
	u.was = o.keep(o.was)
	u.is = u.was
	if u.changed {
		u.is = o.keep(o.is)
	}
	return u
}

// keep copies rows, which are to last for the step.
func (o *window) keep(rows rowRun) rowRun {
	const size = 256
	if cap(o.block)-len(o.block) < len(rows) {
		o.block = make(rowRun, 0, max(size, len(rows)))
	}
	from := len(o.block)
	o.block = append(o.block, rows...)
	return o.block[from:len(o.block):len(o.block)]
}
