package circuit

import (
	"bytes"
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
	// Carry appends what later rows have to know of those up to a unit: what was
	// known before it, empty where the partition begins, and the unit's rows. It must
	// be a function of these rows alone. Nil: nothing.
	Carry func(dst, before []byte, unit [][]values.Datum) ([]byte, error)
	// Results appends to out what the rows [from, to) of a stretch of a partition
	// become, a row each; carry is what was known before the stretch. The stretch has all
	// rows that those depend on.
	Results func(carry []byte, stretch [][]values.Datum, from, to int, out *Batch) error
}

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
// change costs a few searches and the rows whose results it changes.
//
//	'r' partition, order, row, place → weight
//	'c' partition, unit              → what is carried behind it
//
// Both are functions of the rows that are there, whatever the way to them.
type window struct {
	spec    WindowSpec
	delta   delta
	rows    cursor
	carries cursor
	carried []carried // to be written

	part     []byte // the partition in hand
	i, hi    int    // its entries of the delta that are not used yet
	next     unit
	entry    []byte
	sought   []byte
	was, is  rowRun
	wasOut   Batch
	isOut    Batch
	quiet    []int // rows of each unit since the last one with a change
	old, now []byte
}

// carried is an entry of 'c' to be set, or deleted if it has no value.
type carried struct{ key, value []byte }

// rowRun is rows of a partition in order, with their copies.
type rowRun [][]values.Datum

// unit is what the trace and the delta have of one.
type unit struct {
	key     []byte // of the trace 'c'
	was, is rowRun
	changed bool
}

const (
	windowRows  = 'r'
	windowCarry = 'c'
)

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
	rows := append(slices.Clone(n.prefix), windowRows)
	carries := append(slices.Clone(n.prefix), windowCarry)
	o.rows.open(s, n, rows)
	o.carries.open(s, n, carries)
	o.wasOut.Width, o.isOut.Width = n.width, n.width
	err := o.carries.close(o.rows.close(o.evaluate(s, n)))
	if err != nil {
		return err
	}
	o.delta.write(s, n, rows)
	for _, c := range o.carried {
		o.entry = append(append(o.entry[:0], carries...), c.key...)
		n.stats.KeysWritten++
		if c.value == nil {
			s.writes(n).Delete(o.entry)
			continue
		}
		n.stats.BytesWritten += int64(len(o.entry) + len(c.value))
		s.writes(n).Set(o.entry, c.value)
	}
	o.delta.empty()
	o.carried = nil
	return n.out.flush(s)
}

// evaluate goes through the partitions that change, and the places in each.
func (o *window) evaluate(s *step, n *node) error {
	for lo := 0; lo < o.delta.len(); {
		o.part, o.i, o.hi = o.delta.key(lo), lo, o.delta.groupEnd(lo)
		for lo = o.hi; o.i < o.hi; {
			if err := o.place(s, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// place treats the stretch around the next entry of the delta, and with it all
// further entries that are near.
func (o *window) place(s *step, n *node) error {
	key, err := o.unitKey(o.delta.bytes(o.i))
	if err != nil {
		return err
	}
	o.sought = append(o.sought[:0], key...)
	first, from, err := o.before()
	if err != nil {
		return err
	}
	carry := o.known(nil, first)
	o.old = o.known(o.old[:0], o.sought)
	o.now = append(o.now[:0], o.old...)
	rest, err := o.through()
	if err != nil {
		return err
	}
	return o.emit(s, n, carry, from, rest)
}

// known appends what was carried to a unit before the step.
func (o *window) known(dst, unit []byte) []byte {
	if o.spec.Carry == nil {
		return dst
	}
	if o.carries.seekLT(unit); o.carries.under(o.part) {
		dst = append(dst, o.carries.value()...)
	}
	return dst
}

// before fills the stretch with the rows before the unit sought that matter: the
// After ones whose results see it, and the Before ones that those see. It returns the first
// unit and the first row whose result may be another.
func (o *window) before() (first []byte, from int, err error) {
	o.was, o.is = o.was[:0], o.is[:0]
	first = o.sought
	need := o.spec.Before + o.spec.After
	if need == 0 {
		o.rows.seekGE(o.sought)
		return first, 0, nil
	}
	count, starts := 0, []int(nil) // of the units, in rows from the stretch's end
	for o.rows.seekLT(o.sought); o.rows.under(o.part); o.rows.prev() {
		w, err := o.rows.weight()
		if err != nil {
			return nil, 0, err
		}
		if w <= 0 {
			continue
		}
		key, err := o.unitKey(o.rows.key())
		if err != nil {
			return nil, 0, err
		}
		if len(starts) == 0 || !bytes.Equal(key, first) {
			if count >= need {
				break
			}
			first = slices.Clone(key)
			starts = append(starts, len(o.was))
			if o.spec.Units {
				count++
			}
		}
		row, err := decode(o.rows.key()[len(o.part):])
		if err != nil {
			return nil, 0, err
		}
		for range w {
			o.was = append(o.was, row)
		}
		if !o.spec.Units {
			count += int(w)
		}
	}
	slices.Reverse(o.was)
	o.is = append(o.is, o.was...)
	switch {
	case !o.spec.Units:
		from = max(0, len(o.was)-o.spec.After)
	case o.spec.After == 0:
		from = len(o.was)
	case o.spec.After < len(starts):
		from = len(o.was) - starts[o.spec.After]
	}
	o.rows.seekGE(o.sought)
	return first, from, nil
}

// through goes on from the unit sought, to where nothing is changed by any entry so
// far, and the next one is so far away that it makes a stretch of its own. It
// returns how many rows at the end have the results they had.
func (o *window) through() (rest int, err error) {
	need := o.spec.Before + o.spec.After
	o.quiet = o.quiet[:0]
	rows := 0 // in quiet
	for {
		ok, err := o.nextUnit()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		u := &o.next
		o.was, o.is = append(o.was, u.was...), append(o.is, u.is...)
		same := bytes.Equal(o.old, o.now)
		if u.changed || !same {
			o.quiet, rows = o.quiet[:0], 0
		} else {
			o.quiet = append(o.quiet, len(u.was))
			rows += len(u.was)
		}
		if o.spec.Carry != nil {
			if same, err = o.carry(u); err != nil {
				return 0, err
			}
		}
		seen := rows
		if o.spec.Units {
			seen = len(o.quiet)
		}
		if same && seen >= need && !o.adjacent() {
			break
		}
	}
	if !o.spec.Units {
		return max(0, rows-o.spec.Before), nil
	}
	for _, unit := range o.quiet[min(o.spec.Before, len(o.quiet)):] {
		rest += unit
	}
	return rest, nil
}

// adjacent says whether the delta goes on before the trace does.
func (o *window) adjacent() bool {
	return o.i < o.hi && (!o.rows.under(o.part) || bytes.Compare(o.delta.bytes(o.i), o.rows.key()) <= 0)
}

// carry brings what is carried past a unit, and says whether it is as it was.
func (o *window) carry(u *unit) (same bool, err error) {
	pass := func(carry []byte, rows rowRun) ([]byte, error) {
		if len(rows) == 0 {
			return carry, nil
		}
		return o.spec.Carry(nil, carry, rows)
	}
	if o.old, err = pass(o.old, u.was); err != nil {
		return false, err
	}
	if o.now, err = pass(o.now, u.is); err != nil {
		return false, err
	}
	same = bytes.Equal(o.old, o.now)
	switch {
	case len(u.is) > 0 && (len(u.was) == 0 || !same):
		o.carried = append(o.carried, carried{slices.Clone(u.key), append([]byte{}, o.now...)})
	case len(u.is) == 0 && len(u.was) > 0:
		o.carried = append(o.carried, carried{slices.Clone(u.key), nil})
	}
	return same, nil
}

// nextUnit reads the next unit from the trace and the delta.
func (o *window) nextUnit() (ok bool, err error) {
	u := &o.next
	u.was, u.is, u.changed = u.was[:0], u.is[:0], false
	for {
		old, changed := o.rows.under(o.part), o.i < o.hi
		c := 0
		switch {
		case !old && !changed:
			return ok, nil
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
		key, err := o.unitKey(o.entry)
		if err != nil {
			return false, err
		}
		if ok && !bytes.Equal(key, u.key) {
			return true, nil
		}
		var w, dw int64
		if c <= 0 {
			if w, err = o.rows.weight(); err != nil {
				return false, err
			}
			o.rows.next()
		}
		if c >= 0 {
			dw = o.delta.entries[o.i].w
			u.changed = true
			o.i++
		} else if w <= 0 {
			continue
		}
		if !ok {
			u.key, ok = append(u.key[:0], key...), true
		}
		row, err := decode(o.entry[len(o.part):])
		if err != nil {
			return false, err
		}
		for range max(0, w) {
			u.was = append(u.was, row)
		}
		for range max(0, w+dw) {
			u.is = append(u.is, row)
		}
	}
}

// emit appends what the rows of the stretch became, from one row on and but for the
// rest at its end, and takes back what they were.
func (o *window) emit(s *step, n *node, carry []byte, from, rest int) error {
	o.wasOut.Reset()
	o.isOut.Reset()
	if err := o.spec.Results(carry, o.was, from, len(o.was)-rest, &o.wasOut); err != nil {
		return err
	}
	if err := o.spec.Results(carry, o.is, from, len(o.is)-rest, &o.isOut); err != nil {
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
