package circuit

import (
	"bytes"
	"errors"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// RangeSpec says what a range join compares and what becomes of a row.
type RangeSpec struct {
	// Key orders the rows of the left stream: cuts divide them by their keys. Rows
	// that it refuses are left out.
	Key KeyFunc
	// Cuts appends, to dst, the cuts that a row of the right stream stands for: as
	// many for each, in any order. A row lies below a cut if its key is less, byte
	// by byte. A nil cut says that what becomes of the rows depends on the right row
	// in another way: all of them are then looked at whenever that row changes.
	Cuts func(dst [][]byte, right []values.Datum) ([][]byte, error)
	// Emit appends to out what a left row becomes, with weight w (times what it
	// likes): below[i] says whether it lies below cut i. But for nil cuts it must
	// depend on nothing else of the right row.
	Emit func(left, right []values.Datum, below []bool, out *Batch, w int64)
}

// rangeJoin joins rows with the one row of another stream by comparing keys with
// the cuts that this row makes: left < right, left ≥ right, and so on. A join on
// an inequality is bilinear like any other:
//
//	(l ⋈ r)^Δ = Δl ⋈ I(r) + z⁻¹I(l) ⋈ Δr
//
// and since the result says of r only on which side of its cuts a row lies, rows
// for which the old cuts and the new ones agree cancel in the second term. So when
// cuts move, only the part of l's trace is read that they have moved across: the
// work is in proportion to the rows whose answer changes.
//
// The traces are prefix|1|key|row|length of the key → weight, and prefix|0|row →
// weight for the right stream, whose integral has one row at most.
type rangeJoin struct {
	spec        RangeSpec
	left, right delta
	cur         cursor // of the left trace
	rightCur    cursor
	walk        walk
	was, is     cuts // before the step, and after it
	row         []values.Datum
	below       []bool
	spans       []span
}

// cuts are those of the right stream's row, if it has one.
type cuts struct {
	ok  bool
	row []values.Datum
	at  [][]byte
}

// span is the keys in [from, to).
type span struct{ from, to []byte }

const (
	rangeRight = 0
	rangeLeft  = 1
)

func (*rangeJoin) kind() string { return "range join" }
func (*rangeJoin) keepsState()  {}

// RangeJoin compares the rows of a stream with cuts, which are those of the one
// row that the right stream's integral has; without one the result is empty.
func (b *Builder) RangeJoin(left, right Stream, width int, label string, spec RangeSpec) Stream {
	return Stream{b.add(&rangeJoin{spec: spec}, label, width, left.id, right.id)}
}

func (o *rangeJoin) push(_ *step, _ *node, port int, in *Batch) error {
	for i, w := range in.W {
		if port == 1 {
			if err := o.right.add(one, in.Row(i), w, nil); err != nil {
				return err
			}
			continue
		}
		off := len(o.left.arena)
		arena, ok := o.spec.Key(o.left.arena, in.Row(i))
		if !ok {
			o.left.arena = arena[:off]
			continue
		}
		key := len(arena)
		o.left.arena = appendPlace(values.AppendRow(arena, in.Row(i)), key-off)
		if err := o.left.seal(off, key, key, w); err != nil {
			return err
		}
	}
	return nil
}

// one is the key that all rows have.
func one(dst []byte, _ []values.Datum) ([]byte, bool) { return dst, true }

func (o *rangeJoin) idle() bool { return o.left.len() == 0 && o.right.len() == 0 }

func (o *rangeJoin) finish(s *step, n *node) error {
	o.left.consolidate()
	o.right.consolidate()
	if !o.idle() {
		if err := o.join(s, n); err != nil {
			return err
		}
		o.left.write(s, n, append(slices.Clip(n.prefix), rangeLeft))
		o.right.write(s, n, append(slices.Clip(n.prefix), rangeRight))
	}
	o.reset()
	return n.out.flush(s)
}

func (o *rangeJoin) join(s *step, n *node) error {
	o.rightCur.open(s, n, append(slices.Clip(n.prefix), rangeRight))
	if err := o.rightCur.close(o.readCuts()); err != nil {
		return err
	}
	if o.is.ok {
		for i := range o.left.entries {
			if err := o.emit(s, n, o.left.bytes(i), &o.is, o.left.entries[i].w); err != nil {
				return err
			}
		}
	}
	if o.right.len() == 0 {
		return nil
	}
	o.cur.open(s, n, append(slices.Clip(n.prefix), rangeLeft))
	return o.cur.close(o.moved(s, n))
}

// errManyCuts: the right side of a range join has more than one row.
var errManyCuts = errors.New("a range join's right side has more than one row")

// readCuts reads the right stream's row before and after the step.
func (o *rangeJoin) readCuts() error {
	read := func(c *cuts) error {
		c.at = c.at[:0]
		if c.ok = o.walk.first(); !c.ok {
			return o.walk.fail
		}
		c.row = append(c.row[:0], o.walk.args(0)...)
		if o.walk.w != 1 || o.walk.ahead() {
			return errManyCuts
		}
		if o.walk.fail != nil {
			return o.walk.fail
		}
		var err error
		c.at, err = o.spec.Cuts(c.at, c.row)
		return err
	}
	o.walk.before(&o.rightCur, nil)
	if err := read(&o.was); err != nil {
		return err
	}
	o.walk.after(&o.rightCur, nil, &o.right, 0, o.right.len())
	return read(&o.is)
}

// moved emits what the movement of the cuts changes among the rows of before.
func (o *rangeJoin) moved(s *step, n *node) error {
	o.spans = o.spans[:0]
	switch {
	case !o.was.ok && !o.is.ok:
		return nil
	case o.was.ok != o.is.ok:
		o.spans = append(o.spans, span{})
	default:
		same := slices.EqualFunc(o.was.row, o.is.row, func(a, b values.Datum) bool { return a == b })
		for i, was := range o.was.at {
			if o.is.at[i] == nil || was == nil {
				if !same {
					o.spans = append(o.spans[:0], span{})
					break
				}
				continue
			}
			switch is := o.is.at[i]; bytes.Compare(was, is) {
			case -1:
				o.spans = append(o.spans, span{was, is})
			case 1:
				o.spans = append(o.spans, span{is, was})
			}
		}
	}
	slices.SortFunc(o.spans, func(a, b span) int { return bytes.Compare(a.from, b.from) })
	var done []byte // keys below are done
	for _, sp := range o.spans {
		if bytes.Compare(sp.from, done) < 0 {
			sp.from = done
		}
		if sp.to != nil && bytes.Compare(sp.from, sp.to) >= 0 {
			continue
		}
		done = sp.to
		if err := o.scan(s, n, sp); err != nil {
			return err
		}
	}
	return nil
}

// scan emits the changes of the rows in a span of the left trace.
func (o *rangeJoin) scan(s *step, n *node, sp span) error {
	for o.cur.seekGE(sp.from); o.cur.it.Valid(); o.cur.next() {
		entry := o.cur.key()
		if sp.to != nil && bytes.Compare(entry, sp.to) >= 0 {
			return nil
		}
		w, err := o.cur.weight()
		if err != nil {
			return err
		}
		if w == 0 {
			continue
		}
		if o.was.ok {
			if err := o.emit(s, n, entry, &o.was, -w); err != nil {
				return err
			}
		}
		if o.is.ok {
			if err := o.emit(s, n, entry, &o.is, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// emit places one entry, key and row, among cuts.
func (o *rangeJoin) emit(s *step, n *node, entry []byte, c *cuts, w int64) error {
	key, end, ok := place(entry)
	if !ok {
		return errGroup
	}
	var err error
	if o.row, err = values.DecodeRow(entry[key:end], o.row[:0]); err != nil {
		return err
	}
	o.below = o.below[:0]
	for _, cut := range c.at {
		o.below = append(o.below, bytes.Compare(entry[:key], cut) < 0)
	}
	o.spec.Emit(o.row, c.row, o.below, &n.out.batch, w)
	return n.out.flushFull(s)
}

func (o *rangeJoin) reset() {
	o.left.empty()
	o.right.empty()
}
