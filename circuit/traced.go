package circuit

import (
	"bytes"
	"encoding/binary"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// tracedAgg is an aggregate that needs its arguments kept, one by one: a Fold,
// or a linear one that sees each distinct argument once.
type tracedAgg struct {
	a     *Aggregate
	cur   cursor
	delta delta // group | order or distinct key | arguments [| place of arguments]
	done  int   // entries of groups already evaluated
	rep   *repr // of a distinct linear one
	seen  folded
}

func newTracedAgg(a *Aggregate) *tracedAgg {
	t := &tracedAgg{a: a}
	if a.Linear != nil {
		t.rep = &repr{}
	}
	t.seen.a = a
	return t
}

func (t *tracedAgg) add(group []byte, args []values.Datum, w int64) error {
	d := &t.delta
	off := len(d.arena)
	d.arena = append(d.arena, group...)
	key := len(d.arena)
	sub := key
	if t.a.Linear != nil {
		arena, ok := t.a.Distinct(d.arena, args)
		if !ok {
			d.arena = arena[:off]
			return nil
		}
		d.arena = arena
		sub = len(d.arena)
		d.arena = values.AppendRow(d.arena, args)
	} else {
		d.arena = t.a.Order(d.arena, args)
		order := len(d.arena) - key
		d.arena = appendPlace(values.AppendRow(d.arena, args), order)
	}
	return d.seal(off, key, sub, w)
}

// appendPlace ends an entry with the length of its order key, so that its
// arguments can be found; being last, it does not disturb the order.
func appendPlace(dst []byte, n int) []byte {
	if n < 0xff {
		return append(dst, byte(n))
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(n)), 0xff)
}

// place undoes appendPlace: where the arguments begin and end in an entry
// without its group.
func place(entry []byte) (from, to int, ok bool) {
	if len(entry) == 0 {
		return 0, 0, false
	}
	to = len(entry) - 1
	from = int(entry[to])
	if from == 0xff {
		if to -= 4; to < 0 {
			return 0, 0, false
		}
		from = int(binary.BigEndian.Uint32(entry[to:]))
	}
	return from, to, from <= to
}

func (t *tracedAgg) open(s *step, n *node, prefix []byte) {
	t.delta.consolidate()
	t.done = 0
	if t.rep != nil {
		t.rep.cur.open(s, n, prefix)
		t.cur.it = nil
		return
	}
	t.cur.open(s, n, prefix)
}

func (t *tracedAgg) close(err error) error {
	if t.rep != nil {
		err = t.rep.cur.close(err)
	}
	return t.cur.close(err)
}

// group finds the group's entries in the delta; groups are asked for in order.
func (t *tracedAgg) group(key []byte) (lo, hi int) {
	lo = t.done
	if lo < t.delta.len() && bytes.Equal(t.delta.key(lo), key) {
		t.done = t.delta.groupEnd(lo)
	}
	return lo, t.done
}

// distinct brings a linear accumulator up to date: of each distinct key, what
// stood for it goes and what now does comes.
func (t *tracedAgg) distinct(acc Accumulator, lo, hi int) error {
	for lo < hi {
		end := t.delta.subEnd(lo, hi)
		key := t.delta.subKey(lo)
		changed, err := t.rep.find(key, len(key), &t.delta, lo, end)
		if err != nil {
			return err
		}
		if changed {
			if t.rep.had {
				acc.Add(t.rep.old, -1)
			}
			if t.rep.has {
				acc.Add(t.rep.now, 1)
			}
		}
		lo = end
	}
	return nil
}

// fold computes the aggregate before and after the step, as far as wanted.
func (t *tracedAgg) fold(group []byte, lo, hi int, had, has bool, old, now *values.Datum) error {
	t.seen.group = len(group)
	if had {
		t.seen.walk.before(&t.cur, group)
		*old = t.a.Fold(&t.seen)
		if t.seen.walk.fail != nil {
			return t.seen.walk.fail
		}
		if lo == hi {
			*now = *old
			return nil
		}
	}
	if has {
		t.seen.walk.after(&t.cur, group, &t.delta, lo, hi)
		*now = t.a.Fold(&t.seen)
	}
	return t.seen.walk.fail
}

// folded shows a walk to a Fold as Entries.
type folded struct {
	a     *Aggregate
	walk  walk
	group int
	row   []values.Datum
	w     int64
	key   []byte // of the entry shown, if the aggregate is distinct
	other []byte
	more  bool // going back: the walk stands on an entry not shown yet
}

func (f *folded) First() bool {
	return f.show(f.walk.first())
}

func (f *folded) Next() bool {
	if f.a.Distinct == nil {
		return f.show(f.walk.ahead())
	}
	last := append(f.other[:0], f.key...)
	f.other = last
	for f.show(f.walk.ahead()) {
		if !bytes.Equal(f.key, last) {
			return true
		}
	}
	return false
}

func (f *folded) Last() bool {
	if !f.walk.last() {
		return false
	}
	if f.a.Distinct == nil {
		return f.show(true)
	}
	f.more = true
	return f.Prev()
}

func (f *folded) Prev() bool {
	if f.a.Distinct == nil {
		return f.show(f.walk.back())
	}
	// Of equal arguments the least encoded is shown, and it is met last.
	if !f.more || !f.show(true) {
		return false
	}
	first := append(f.other[:0], f.key...)
	f.other = first
	shown := append([]values.Datum(nil), f.row...)
	f.more = false
	for f.show(f.walk.back()) {
		if !bytes.Equal(f.key, first) {
			f.more = true
			break
		}
		shown = append(shown[:0], f.row...)
	}
	f.row, f.w = shown, 1
	return f.walk.fail == nil
}

// show decodes the entry that the walk stands on, if it stands on one.
func (f *folded) show(ok bool) bool {
	if !ok {
		return false
	}
	entry := f.walk.key[f.group:]
	from, to, ok := place(entry)
	if !ok {
		f.walk.fail = errGroup
		return false
	}
	var err error
	if f.row, err = values.DecodeRow(entry[from:to], f.row[:0]); err != nil {
		f.walk.fail = err
		return false
	}
	f.w = f.walk.w
	if f.a.Distinct != nil {
		f.w = 1
		f.key, _ = f.a.Distinct(f.key[:0], f.row)
	}
	return true
}

func (f *folded) Args() []values.Datum { return f.row }
func (f *folded) Weight() int64        { return f.w }
