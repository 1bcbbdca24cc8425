package circuit

import (
	"bytes"
	"encoding/binary"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Interval says which keys a row of an interval join stands for: those from From to
// To, both included, among the rows with the same group.
type Interval struct {
	// Group is what must be the same in both rows. Nil: nothing.
	Group KeyFunc
	// From and To; nil where the interval has no end on that side. Which of the two keys
	// is the less does not matter.
	From, To BoundFunc
	// Point says that From is To, too.
	Point bool
}

// BoundFunc appends a bound to dst, a key as a KeyFunc's, and says what the row meets.
type BoundFunc func(dst []byte, row []values.Datum) (key []byte, meets Meets)

// Meets says what a row meets by one of its bounds.
type Meets uint8

// Of a row's bounds, one that meets all decides, then one that meets nothing.
const (
	MeetsNothing Meets = iota
	MeetsByKey
	MeetsAll // the bound could not be computed, say: f is to see all pairs
)

// intervalJoin joins rows whose intervals have a key in common. It is bilinear like
// any join:
//
//	(l ⋈ r)^Δ = Δl ⋈ I(r) + z⁻¹I(l) ⋈ Δr
//
// and so reads, for each row of a delta, the rows of the other side's trace whose
// intervals meet that row's, and hardly any others (interval_trace.go says how).
//
// I(r) is z⁻¹I(r) and the step's delta: if both sides change, it is read through an
// overlay to which the delta is written before.
type intervalJoin struct {
	f     JoinFunc
	sides [2]intervalSide
}

func (*intervalJoin) kind() string { return "interval join" }
func (*intervalJoin) keepsState()  {}

// IntervalJoin joins rows whose intervals meet: f is given each such pair, and may be
// given others, so it tests what it wants, bounds included or not.
func (b *Builder) IntervalJoin(left, right Stream, width int, label string, l, r Interval, f JoinFunc) Stream {
	op := &intervalJoin{f: f}
	specs := []Interval{l, r}
	for i, spec := range specs {
		side := &op.sides[i]
		side.spec = spec
		side.trace.spec, side.trace.tag = &side.spec, "lr"[i]
		side.trace.ordered = !specs[1-i].Point
		if spec.Point && spec.From == nil {
			b.fail("interval join %q: a point without a key", label)
		}
	}
	return Stream{b.add(op, label, width, left.id, right.id)}
}

// intervalSide is one input: what it changes in the step, and how its trace is read.
type intervalSide struct {
	spec  Interval
	delta delta
	trace intervalTrace
	row   []values.Datum // of the delta
	at    extent
}

// extent is a row's interval.
type extent struct {
	group    []byte
	from, to []byte
	below    bool // there is no from
	above    bool // there is no to
	all      bool // nothing is known of either: it meets whatever there is
}

// of computes a row's extent; false if the row meets nothing.
func (x *extent) of(spec *Interval, row []values.Datum) (ok bool) {
	x.group, x.from, x.to = x.group[:0], x.from[:0], x.to[:0]
	if spec.Group != nil {
		if x.group, ok = spec.Group(x.group, row); !ok {
			return false
		}
	}
	x.below, x.above = spec.From == nil, spec.To == nil && !spec.Point
	from, to := MeetsByKey, MeetsByKey
	if !x.below {
		x.from, from = spec.From(x.from, row)
	}
	switch {
	case spec.Point:
		x.to = append(x.to, x.from...)
	case !x.above:
		x.to, to = spec.To(x.to, row)
	}
	if x.all = from == MeetsAll || to == MeetsAll; x.all {
		x.from, x.to = x.from[:0], x.to[:0]
		return true
	}
	if !x.below && !x.above && bytes.Compare(x.from, x.to) > 0 {
		x.from, x.to = x.to, x.from
	}
	return from == MeetsByKey && to == MeetsByKey
}

func (o *intervalJoin) push(_ *step, _ *node, port int, in *Batch) error {
	side := &o.sides[port]
	for i, w := range in.W {
		row := in.Row(i)
		if !side.at.of(&side.spec, row) {
			continue
		}
		// The order of groups and keys is that of the other side's trace.
		d := &side.delta
		off := len(d.arena)
		d.arena = append(append(d.arena, side.at.group...), side.at.from...)
		key := len(d.arena)
		d.arena = values.AppendRow(d.arena, row)
		if err := d.seal(off, key, key, w); err != nil {
			return err
		}
	}
	return nil
}

func (o *intervalJoin) idle() bool { return o.sides[0].delta.len() == 0 && o.sides[1].delta.len() == 0 }

func (o *intervalJoin) finish(s *step, n *node) error {
	l, r := &o.sides[0], &o.sides[1]
	l.delta.consolidate()
	r.delta.consolidate()
	from, to := s.reads(n), s.writes(n)
	if l.delta.len() > 0 && r.delta.len() > 0 {
		from, to = s.overlay(), s.overlay()
	}
	for _, at := range []*intervalSide{r, l} {
		other := l
		if at == l {
			other = r
		}
		if at.delta.len() == 0 {
			continue
		}
		n.stats.RowsIn += int64(at.delta.len())
		other.trace.open(from, n)
		if err := other.trace.close(o.probe(s, n, at, other)); err != nil {
			return err
		}
		if err := at.write(n, to); err != nil {
			return err
		}
	}
	o.reset()
	return n.out.flush(s)
}

// probe joins a side's delta with the trace of the other side.
func (o *intervalJoin) probe(s *step, n *node, at, other *intervalSide) error {
	var w int64
	emit := func(row []values.Datum, there int64) error {
		if at == &o.sides[0] {
			o.f(at.row, row, &n.out.batch, w*there)
		} else {
			o.f(row, at.row, &n.out.batch, w*there)
		}
		return n.out.flushFull(s)
	}
	for i := range at.delta.entries {
		w = at.delta.entries[i].w
		if err := at.decode(i); err != nil {
			return err
		}
		if err := other.trace.meeting(&at.at, emit); err != nil {
			return err
		}
	}
	return nil
}

// decode brings an entry of the delta into row and at.
func (o *intervalSide) decode(i int) (err error) {
	if o.row, err = values.DecodeRow(o.delta.row(i), o.row[:0]); err != nil {
		return err
	}
	if !o.at.of(&o.spec, o.row) { // it was not refused when it came
		return errGroup
	}
	return nil
}

// write adds the delta to the side's trace.
func (o *intervalSide) write(n *node, to writer) error {
	for i := range o.delta.entries {
		if err := o.decode(i); err != nil {
			return err
		}
		o.trace.add(n, to, &o.at, o.delta.row(i), o.delta.entries[i].w)
	}
	return nil
}

func (o *intervalJoin) reset() {
	for i := range o.sides {
		o.sides[i].delta.empty()
	}
}

// fork is the number of the first bit in which two keys differ, neither being a prefix
// of the other.
func fork(a, b []byte) int {
	i := 0
	for a[i] == b[i] {
		i++
	}
	bit := 8 * i
	for x := a[i] ^ b[i]; x&0x80 == 0; x <<= 1 {
		bit++
	}
	return bit
}

// bitAt says whether a bit of a key is set.
func bitAt(key []byte, bit int) bool { return key[bit/8]&(0x80>>(bit%8)) != 0 }

// appendBits appends the first bits of a key, the rest of the last byte empty.
func appendBits(dst, key []byte, bits int) []byte {
	dst = append(dst, key[:bits/8]...)
	if bits%8 != 0 {
		dst = append(dst, key[bits/8]&^(0xff>>(bits%8)))
	}
	return dst
}

// appendLevel appends the number of a level.
func appendLevel(dst []byte, level uint16) []byte { return binary.BigEndian.AppendUint16(dst, level) }
