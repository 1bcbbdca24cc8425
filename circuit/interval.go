package circuit

import (
	"bytes"
	"errors"
	"sync"

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
	// Fails says that there may be rows that meet all by a bound. They are looked for only then.
	Fails bool
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

// reaches says whether an interval that begins where y does, and not before x does, begins in x.
func (x *extent) reaches(y *extent) bool {
	return x.all || y.all || x.above || y.below || bytes.Compare(y.from, x.to) <= 0
}

// intervalIndex keeps the integral of a stream so that the rows whose intervals meet another
// one are found in it; interval_trace.go says how it lies in the store. Like an index, it sends
// nothing: joins look at its delta and its trace.
type intervalIndex struct {
	spec    Interval
	width   int // of the rows
	kept    kept
	ordered bool // some join searches it for more than points
	at      extent
	// The delta's entries are sorted by group and lower bound:
	//
	//	group, lower bound | upper bound | row, place of the bound
	//
	// Its key ends behind the lower bound, the key with a second part behind the upper one.
	delta delta
	asked sync.Mutex // held while spec is asked about a row of the delta
	stale bool       // as in index
	turn  uint64     // as in index

	key, written []byte // in hand, without and with what is before it
}

// How bounds begin in a delta: the first lower one is that of rows which meet all.
const (
	boundAll byte = iota
	boundNone
	boundKey
)

func (*intervalIndex) kind() string { return "interval index" }
func (*intervalIndex) keepsState()  {}

var errMeetsAll = errors.New("a bound of an interval join that never fails has failed")

func (o *intervalIndex) push(_ *step, _ *node, _ int, in *Batch) error {
	if o.stale {
		o.reset()
	}
	x, d := &o.at, &o.delta
	for i, w := range in.W {
		row := in.Row(i)
		if !x.of(&o.spec, row) {
			continue
		}
		off := len(d.arena)
		d.arena = append(d.arena, x.group...)
		switch {
		case x.all && !o.spec.Fails:
			return errMeetsAll
		case x.all:
			d.arena = append(d.arena, boundAll)
		case x.below:
			d.arena = append(d.arena, boundNone)
		default:
			d.arena = append(append(d.arena, boundKey), x.from...)
		}
		key := len(d.arena)
		switch {
		case o.spec.Point:
		case x.above || x.all:
			d.arena = append(d.arena, boundNone)
		default:
			d.arena = append(append(d.arena, boundKey), x.to...)
		}
		sub := len(d.arena)
		d.arena = appendPlace(o.kept.append(d.arena, row), len(x.group))
		if err := d.seal(off, key, sub, w); err != nil {
			return err
		}
	}
	return nil
}

// extent is that of an entry of the delta, and refers to its bytes.
func (o *intervalIndex) extent(i int) (x extent) {
	e := o.delta.bytes(i)
	key, sub := o.delta.entries[i].key, o.delta.entries[i].sub
	group, _, _ := place(e)
	x.group = e[:group:group]
	switch e[group] {
	case boundAll:
		x.all = true
		return x
	case boundNone:
		x.below = true
	default:
		x.from = e[group+1 : key : key]
	}
	switch {
	case o.spec.Point:
		x.to = x.from
	case e[key] == boundNone:
		x.above = true
	default:
		x.to = e[key+1 : sub : sub]
	}
	return x
}

// row is the row of an entry of the delta, encoded.
func (o *intervalIndex) row(i int) []byte {
	e := o.delta.bytes(i)
	_, end, _ := place(e)
	return e[o.delta.entries[i].sub:end]
}

// decode appends a row of the trace or the delta.
func (o *intervalIndex) decode(src []byte, dst []values.Datum) ([]values.Datum, error) {
	return o.kept.decode(src, o.width, dst)
}

// groupEnd is the end of the run of entries with the group of entry i.
func (o *intervalIndex) groupEnd(i int) int {
	if o.spec.Group == nil {
		return o.delta.len()
	}
	group := o.extent(i).group
	for i++; i < o.delta.len() && bytes.Equal(o.extent(i).group, group); i++ {
	}
	return i
}

func (o *intervalIndex) idle() bool { return o.delta.len() == 0 }

func (o *intervalIndex) finish(s *step, n *node) error {
	if o.stale {
		o.reset()
	}
	o.stale = true
	if o.delta.len() == 0 {
		return nil
	}
	o.turn++
	o.delta.consolidate()
	n.out.wake(s)
	for i := range o.delta.entries {
		x := o.extent(i)
		o.write(s, n, &x, o.row(i), o.delta.entries[i].w)
	}
	return nil
}

func (o *intervalIndex) reset() {
	o.delta.empty()
	o.stale = false
}
