package circuit

import (
	"errors"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// WindowSpec says how the rows of a partition, in order, see one another. Copies of
// a row stand side by side.
type WindowSpec struct {
	// Key is the partition. Rows that it refuses are left out.
	Key KeyFunc
	// Order sorts a partition (prefix-free keys); among equals, the encoding does.
	Order func(dst []byte, row []values.Datum) []byte
	// Peers: the rows of one order key are a unit, none of which is seen without the
	// others. Without it each row is one, with its copies.
	Peers bool
	// What becomes of a row depends on so many rows before it and after it, or units
	// if Units.
	Before, After int
	Units         bool
	// SeesBack and SeesAhead say of a row and of one in another unit, before it or
	// behind it, whether what becomes of the first depends on the second, however
	// many are between: those are seen as well, and by them the second one is. (For
	// what is near by its value.) Nil: on none but those that are counted.
	SeesBack, SeesAhead func(row, other []values.Datum) bool
	// Carry appends what later rows have to know of those up to a unit: what was
	// known before it, empty where the partition begins, and the unit's rows. It must
	// be a function of these rows alone. Nil: nothing.
	Carry CarryFunc
	// CarryBack is Carry from the partition's end: what earlier rows have to know of
	// those from a unit on.
	CarryBack CarryFunc
	// Results appends to out what the rows [from, to) of a stretch of a partition
	// become, a row each; before is what was carried up to the stretch, behind what is
	// carried back to it. The stretch has all rows that those depend on.
	Results func(before, behind []byte, stretch [][]values.Datum, from, to int, out *Batch) error
}

// CarryFunc appends what is known when a unit has been passed, to which known was before.
type CarryFunc func(dst, known []byte, unit [][]values.Datum) ([]byte, error)

// Window adds what a row becomes among its neighbours in a partition.
func (b *Builder) Window(in Stream, width int, label string, spec WindowSpec) Stream {
	if spec.Key == nil || spec.Order == nil || spec.Results == nil || spec.Before < 0 || spec.After < 0 {
		b.fail("window %q: incomplete", label)
	}
	return Stream{b.add(&window{spec: spec}, label, width, in.id)}
}

// window computes functions of the neighbours of a row. Around each place of a
// partition that changes, it reads the stretch of rows whose results can be others
// now, and those that they depend on, computes it as it was and as it is, and emits
// the difference.
//
// What depends on all rows before (their number, a running sum) is carried: the trace
// 'c' keeps behind each unit what Spec.Carry makes of the partition up to it. So a
// stretch can begin anywhere, and it ends where what is carried is again as it was. A
// change costs a few searches and the rows whose results it changes. What depends on all
// rows behind is carried from the other end, in the trace 'b'.
//
//	'r' partition, order, row, place → weight
//	'c' partition, unit              → what is carried behind it
//	'b' partition, unit              → what is carried back before it
//
// All are functions of the rows that are there, whatever the way to them.
//
// A partition is gone through twice. On the way ahead (window_stretch.go) the places
// that change become stretches, with what follows as far as it matters; on the way back
// these are extended to what matters before them, and those that then meet are one.
type window struct {
	spec    WindowSpec
	delta   delta
	rows    cursor
	carries [2]cursor // by direction
	carried []carried // to be written

	part      []byte // the partition in hand
	i, hi     int    // its entries of the delta that are not used yet
	stretches []windowStretch
	keys      slab
	block     rowRun // what rows of units are cut from
	entry     []byte
	was, is   rowRun
	wasOut    Batch
	isOut     Batch
	old, now  []byte // what is carried
}

// direction is the one in which something is carried.
type direction int

const (
	ahead direction = iota
	back
)

// carried is an entry of 'c' or 'b' to be set, or deleted if it has no value.
type carried struct {
	to    direction
	key   string
	value []byte
}

// rowRun is rows of a partition in order, with their copies.
type rowRun [][]values.Datum

const windowRows = 'r'

// windowCarries are the traces of what is carried, by direction.
var windowCarries = [2]byte{ahead: 'c', back: 'b'}

func (*window) kind() string { return "window" }
func (*window) keepsState()  {}

func (o *window) push(_ *step, _ *node, _ int, in *Batch) error {
	d := &o.delta
	for i, w := range in.W {
		row := in.Row(i)
		off := len(d.arena)
		arena, ok := o.spec.Key(d.arena, row)
		if !ok {
			d.arena = arena[:off]
			continue
		}
		key := len(arena)
		arena = o.spec.Order(arena, row)
		order := len(arena) - key
		d.arena = appendPlace(values.AppendRow(arena, row), order)
		// A stretch begins anywhere, so entries are sought by all of their bytes.
		if err := d.seal(off, key, len(d.arena), w); err != nil {
			return err
		}
	}
	return nil
}

func (o *window) idle() bool { return o.delta.len() == 0 }

func (o *window) finish(s *step, n *node) error {
	o.delta.consolidate()
	trace := func(kind byte) []byte { return append(slices.Clone(n.prefix), kind) }
	rows := trace(windowRows)
	o.rows.open(s, n, rows)
	for to := range o.carries {
		o.carries[to].open(s, n, trace(windowCarries[to]))
	}
	o.wasOut.Width, o.isOut.Width = n.width, n.width
	err := o.rows.close(o.evaluate(s, n))
	for to := range o.carries {
		err = o.carries[to].close(err)
	}
	if err != nil {
		return err
	}
	o.delta.write(s, n, rows)
	for _, c := range o.carried {
		o.entry = append(append(append(o.entry[:0], n.prefix...), windowCarries[c.to]), c.key...)
		n.stats.KeysWritten++
		if c.value == nil {
			s.writes(n).Delete(o.entry)
			continue
		}
		n.stats.BytesWritten += int64(len(o.entry) + len(c.value))
		s.writes(n).Set(o.entry, c.value)
	}
	o.reset()
	return n.out.flush(s)
}

func (o *window) reset() {
	o.delta.empty()
	o.keys.empty()
	o.carried, o.block, o.stretches = nil, nil, nil
}

// evaluate goes through the partitions that change, and the places in each.
func (o *window) evaluate(s *step, n *node) error {
	for lo := 0; lo < o.delta.len(); lo = o.hi {
		o.part, o.i, o.hi = o.delta.key(lo), lo, o.delta.groupEnd(lo)
		for o.i < o.hi {
			if err := o.goAhead(); err != nil {
				return err
			}
		}
		for len(o.stretches) > 0 {
			last := len(o.stretches) - 1
			st := o.stretches[last]
			o.stretches = o.stretches[:last]
			if err := o.goBack(&st); err != nil {
				return err
			}
			if err := o.emit(s, n, &st); err != nil {
				return err
			}
		}
	}
	return nil
}

// emit appends what the rows of a stretch became whose results can be others, and takes
// back what they were.
func (o *window) emit(s *step, n *node, st *windowStretch) error {
	o.was, o.is = o.was[:0], o.is[:0]
	from, rest := 0, 0
	for i := range st.units {
		u := &st.units[i]
		o.was, o.is = append(o.was, u.was...), append(o.is, u.is...)
		switch { // units that are not different
		case i < st.from:
			from += len(u.is)
		case i >= st.to:
			rest += len(u.is)
		}
	}
	o.wasOut.Reset()
	o.isOut.Reset()
	if err := o.spec.Results(st.before, st.behind, o.was, from, len(o.was)-rest, &o.wasOut); err != nil {
		return err
	}
	if err := o.spec.Results(st.before, st.behind, o.is, from, len(o.is)-rest, &o.isOut); err != nil {
		return err
	}
	was, is := o.wasOut.Len(), o.isOut.Len()
	skip := 0
	for skip < min(was, is) && slices.Equal(o.wasOut.Row(skip), o.isOut.Row(skip)) {
		skip++
	}
	for min(was, is) > skip && slices.Equal(o.wasOut.Row(was-1), o.isOut.Row(is-1)) {
		was, is = was-1, is-1
	}
	for i := skip; i < max(was, is); i++ {
		if i < was {
			n.out.batch.Append(o.wasOut.Row(i), -1)
		}
		if i < is {
			n.out.batch.Append(o.isOut.Row(i), 1)
		}
		if err := n.out.flushFull(s); err != nil {
			return err
		}
	}
	return nil
}

var errWindow = errors.New("damaged row of a window")

// unitKey is the part of an entry that its unit has in common.
func (o *window) unitKey(entry []byte) ([]byte, error) {
	if !o.spec.Peers {
		return entry, nil
	}
	order, _, ok := place(entry[len(o.part):])
	if !ok {
		return nil, errWindow
	}
	return entry[:len(o.part)+order], nil
}

// decode reads the row of an entry, given without its partition.
func decode(entry []byte) ([]values.Datum, error) {
	from, to, ok := place(entry)
	if !ok {
		return nil, errWindow
	}
	return values.DecodeRow(entry[from:to], nil)
}
