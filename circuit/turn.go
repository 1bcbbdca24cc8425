package circuit

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// TurnSpec says what becomes of a row at a time, and until when.
type TurnSpec struct {
	// Time is the place of a row of the right stream in time.
	Time func(right []values.Datum) uint64
	// Until is the place at which a left row becomes something else than at the right
	// row's, and greater than that; math.MaxUint64 if it never does, and 0 for a row that is to be
	// looked at whenever time moves. It says the same at all times before.
	Until func(left, right []values.Datum) uint64
	// Emit appends to out what a left row is at the right row's time, with weight w
	// (times what it likes).
	Emit func(left, right []values.Datum, out *Batch, w int64)
}

// turning computes a function of the rows and of the time, which the one row of the
// right stream is, that seldom changes as time passes. Of a row's place in time no more matters
// than on which side of its next turn it is:
//
//	f(l, r)^Δ = f(Δl, I(r)) + f(z⁻¹I(l), I(r)) - f(z⁻¹I(l), z⁻¹I(r))
//
// and in the difference the rows cancel that did not turn. The left trace has them in the order
// of their turns: when time passes, only those are read whose turn has come, and put in their new
// places. Should the time go back, all of them are looked at.
//
// The traces are prefix|1|place of the turn|row → weight, and prefix|0|row → weight for the right
// stream, whose integral has one row at most. Without one, rows lie before all places.
type turning struct {
	spec        TurnSpec
	left, right delta
	cur         cursor // of the left trace
	rightCur    cursor
	walk        walk
	was, is     moment // before the step, and after it
	row         []values.Datum
	entry       []byte
	moved       delta // of the left trace, of rows that have turned
}

// moment is the right stream's row, if it has one.
type moment struct {
	ok  bool
	row []values.Datum
	at  uint64
}

const (
	turnRight = 0
	turnLeft  = 1
	// placeBytes begin an entry of the left trace.
	placeBytes = 8
)

func (*turning) kind() string { return "turning" }
func (*turning) keepsState()  {}

// Turning computes what rows are at the time that the one row of the right stream is;
// without one the result is empty.
func (b *Builder) Turning(left, right Stream, width int, label string, spec TurnSpec) Stream {
	return Stream{b.add(&turning{spec: spec}, label, width, left.id, right.id)}
}

func (o *turning) push(_ *step, _ *node, port int, in *Batch) error {
	d, key := &o.left, KeyFunc(nil)
	if port == 1 {
		d, key = &o.right, one
	}
	for i, w := range in.W {
		if err := d.add(key, in.Row(i), w, nil); err != nil {
			return err
		}
	}
	return nil
}

func (o *turning) idle() bool { return o.left.len() == 0 && o.right.len() == 0 }

func (o *turning) finish(s *step, n *node) error {
	o.left.consolidate()
	o.right.consolidate()
	if !o.idle() {
		if err := o.turn(s, n); err != nil {
			return err
		}
		o.right.write(s, n, append(slices.Clip(n.prefix), turnRight))
	}
	o.reset()
	return n.out.flush(s)
}

func (o *turning) reset() {
	o.left.empty()
	o.right.empty()
	o.moved.empty()
}

func (o *turning) turn(s *step, n *node) error {
	o.rightCur.open(s, n, append(slices.Clip(n.prefix), turnRight))
	if err := o.rightCur.close(o.readMoments()); err != nil {
		return err
	}
	left := append(slices.Clip(n.prefix), turnLeft)
	if o.right.len() > 0 {
		o.cur.open(s, n, left)
		if err := o.cur.close(o.passed(s, n, left)); err != nil {
			return err
		}
	}
	for i := range o.left.entries {
		w := o.left.entries[i].w
		var err error
		if o.row, err = values.DecodeRow(o.left.bytes(i), o.row[:0]); err != nil {
			return err
		}
		o.entry = append(o.until(append(o.entry[:0], left...)), o.left.bytes(i)...)
		n.addWeight(s, o.entry, len(o.entry), w)
		if !o.is.ok {
			continue
		}
		o.spec.Emit(o.row, o.is.row, &n.out.batch, w)
		if err := n.out.flushFull(s); err != nil {
			return err
		}
	}
	return nil
}

// errManyTimes: the right side has more than one row.
var errManyTimes = errors.New("what says the time has more than one row")

// atOnce is how many bytes of rows that have turned are gathered before they are put in their
// new places: all rows there are may turn at once.
const atOnce = 1 << 20

// readMoments reads the right stream's row before and after the step.
func (o *turning) readMoments() error {
	read := func(m *moment) error {
		if m.ok = o.walk.first(); !m.ok {
			return o.walk.fail
		}
		m.row = append(m.row[:0], o.walk.args(0)...)
		m.at = o.spec.Time(m.row)
		if o.walk.w != 1 || o.walk.ahead() {
			return errManyTimes
		}
		return o.walk.fail
	}
	o.walk.before(&o.rightCur, nil)
	if err := read(&o.was); err != nil {
		return err
	}
	o.walk.after(&o.rightCur, nil, &o.right, 0, o.right.len())
	return read(&o.is)
}

// passed looks at the rows of before whose turn has come.
func (o *turning) passed(s *step, n *node, prefix []byte) error {
	until := o.is.at
	if !o.was.ok || !o.is.ok || o.is.at < o.was.at {
		until = math.MaxUint64
	}
	for o.cur.seekGE(nil); o.cur.it.Valid(); o.cur.next() {
		entry := o.cur.key()
		if len(entry) < placeBytes {
			return errGroup
		}
		if binary.BigEndian.Uint64(entry) > until {
			break
		}
		w, err := o.cur.weight()
		if err != nil {
			return err
		}
		if w == 0 {
			continue
		}
		if o.row, err = values.DecodeRow(entry[placeBytes:], o.row[:0]); err != nil {
			return err
		}
		if err := o.change(s, n, w); err != nil {
			return err
		}
		if err := o.move(entry, w); err != nil {
			return err
		}
		if len(o.moved.arena) > atOnce && !n.looped { // in a loop one reads what one writes
			o.write(s, n, prefix)
		}
	}
	o.write(s, n, prefix)
	return nil
}

// change emits the difference that time makes to the present row.
func (o *turning) change(s *step, n *node, w int64) error {
	out := &n.out.batch
	start := out.Len()
	if o.was.ok {
		o.spec.Emit(o.row, o.was.row, out, -w)
	}
	middle := out.Len()
	if o.is.ok {
		o.spec.Emit(o.row, o.is.row, out, w)
	}
	// One that is looked at each time is often what it was.
	from, to := out.Data[start*out.Width:middle*out.Width], out.Data[middle*out.Width:]
	if slices.EqualFunc(from, to, func(a, b values.Datum) bool { return a == b }) {
		out.Data, out.W = out.Data[:start*out.Width], out.W[:start]
	}
	return n.out.flushFull(s)
}

// move notes the present row's new place, given its entry in the trace.
func (o *turning) move(entry []byte, w int64) error {
	off := len(o.moved.arena)
	o.moved.arena = append(o.moved.arena, entry...)
	end := len(o.moved.arena)
	if err := o.moved.seal(off, end, end, -w); err != nil {
		return err
	}
	o.moved.arena = append(o.until(o.moved.arena), entry[placeBytes:]...)
	off, end = end, len(o.moved.arena)
	return o.moved.seal(off, end, end, w)
}

// write puts rows that have turned in their new places.
func (o *turning) write(s *step, n *node, prefix []byte) {
	o.moved.consolidate()
	o.moved.write(s, n, prefix)
	o.moved.empty()
}

// until appends the place of the present row's turn.
func (o *turning) until(dst []byte) []byte {
	var at uint64
	if o.is.ok {
		at = o.spec.Until(o.row, o.is.row)
	}
	return binary.BigEndian.AppendUint64(dst, at)
}
