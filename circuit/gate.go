package circuit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Occupied is a number of rows that gates look at.
type Occupied struct{ id int }

// Occupied adds the number of rows that streams, of any width, have together.
func (b *Builder) Occupied(label string, in ...Stream) Occupied {
	ids := make([]int, len(in))
	for i, s := range in {
		ids[i] = s.id
	}
	return Occupied{b.add(&occupied{}, label, 0, ids...)}
}

// Gate adds a stream's rows while, of one of the ways, all numbers of rows are positive. It cannot be a
// part of a loop; what it looks at can.
func (b *Builder) Gate(in Stream, label string, ways ...[]Occupied) Stream {
	op := &gate{}
	inputs := []int{in.id}
	for _, way := range ways {
		var of []*node
		for _, o := range way {
			if o.id < 0 || o.id >= len(b.nodes) {
				b.fail("gate %q: input is not of this circuit", label)
				return Stream{-1}
			}
			of = append(of, b.nodes[o.id])
			if !slices.Contains(inputs[1:], o.id) {
				inputs = append(inputs, o.id)
			}
		}
		op.ways = append(op.ways, of)
	}
	return Stream{b.add(op, label, b.width(in), inputs...)}
}

// occupied counts the rows of streams: one weight, which grows by those of a step's rows. Nobody reads
// that in most steps, so it is added without looking. It sends nothing: gates look at it.
type occupied struct {
	rows  int64 // of the step
	stale bool  // they are of the step before
}

func (*occupied) kind() string { return "occupied" }
func (*occupied) keepsState()  {}

func (o *occupied) push(_ *step, _ *node, _ int, in *Batch) error {
	if o.stale {
		o.reset()
	}
	for _, w := range in.W {
		o.rows += w
	}
	return nil
}

func (o *occupied) idle() bool { return o.rows == 0 }

func (o *occupied) finish(s *step, n *node) error {
	if o.stale {
		o.reset()
	}
	o.stale = true
	if o.rows != 0 {
		n.out.wake(s)
		n.addWeight(s, n.prefix, len(n.prefix), o.rows)
	}
	return nil
}

func (o *occupied) reset() { o.rows, o.stale = 0, false }

// gate is a stream's rows while the streams of one of the ways all have rows: their
// join with as many numbers of rows, of which it looks at the sign alone. The trace is
// prefix|row → weight.
//
// It is for rows that hardly ever exist, such as errors: while there are none, it makes no
// difference what the numbers of rows are.
type gate struct {
	ways  [][]*node // occupied
	delta delta
	none  bool // the trace is known to be empty; a step that adds to it, committed or not, ends that
	cur   cursor
}

func (*gate) kind() string { return "gate" }
func (*gate) keepsState()  {}

func (o *gate) push(_ *step, _ *node, _ int, in *Batch) error {
	for i, w := range in.W {
		if err := o.delta.add(nil, in.Row(i), w, nil); err != nil {
			return err
		}
	}
	return nil
}

func (o *gate) idle() bool { return o.delta.len() == 0 && (o.none || !o.moved()) }

// moved says whether a number of rows changes.
func (o *gate) moved() bool {
	for _, way := range o.ways {
		for _, of := range way {
			if !of.op.(*occupied).idle() {
				return true
			}
		}
	}
	return false
}

func (o *gate) finish(s *step, n *node) error {
	o.delta.consolidate()
	if o.delta.len() > 0 {
		o.none = false
	}
	o.cur.open(s, n, n.prefix)
	if err := o.cur.close(o.rows(s, n)); err != nil {
		return err
	}
	o.delta.write(s, n, n.prefix)
	o.delta.empty()
	return n.out.flush(s)
}

// rows sends what comes through, and what goes because the gate opens or closes.
func (o *gate) rows(s *step, n *node) error {
	if o.delta.len() == 0 {
		o.cur.seekGE(nil)
		if !o.cur.under(nil) {
			o.none = o.cur.it.Error() == nil
			return nil
		}
	}
	was, is, err := o.open(s, n)
	if err != nil {
		return err
	}
	if was != is {
		sign := int64(1)
		if was {
			sign = -1
		}
		for o.cur.seekGE(nil); o.cur.under(nil); o.cur.next() {
			w, err := o.cur.weight()
			if err != nil {
				return err
			}
			if err := o.emit(s, n, o.cur.key(), sign*w); err != nil {
				return err
			}
		}
	}
	for i := 0; is && i < o.delta.len(); i++ {
		if err := o.emit(s, n, o.delta.bytes(i), o.delta.entries[i].w); err != nil {
			return err
		}
	}
	return nil
}

func (o *gate) emit(s *step, n *node, row []byte, w int64) error {
	b := &n.out.batch
	data, err := values.DecodeRow(row, b.Data)
	if err != nil {
		return err
	}
	if len(data) != len(b.Data)+b.Width {
		return errGated
	}
	b.Data, b.W = data, append(b.W, w)
	return n.out.flushFull(s)
}

var errGated = errors.New("a row behind a gate has another width")

// open says whether the gate was open before the step, and whether it is after it.
func (o *gate) open(s *step, n *node) (was, is bool, err error) {
	for _, way := range o.ways {
		before, after := true, true
		for _, of := range way {
			n.stats.KeysRead++
			var rows int64
			value, ok, err := s.reads(n).Get(nil, of.prefix)
			if err == nil && ok {
				rows, err = state.Weight(value)
			}
			if err != nil {
				return false, false, fmt.Errorf("read state: %w", err)
			}
			before = before && rows > 0
			after = after && rows+of.op.(*occupied).rows > 0
		}
		was, is = was || before, is || after
	}
	return was, is, nil
}

func (o *gate) reset() { o.delta.empty() }

// String is a part of a circuit's fingerprint.
func (o *gate) String() string {
	text := ""
	for _, way := range o.ways {
		text += " or"
		for _, of := range way {
			text += fmt.Sprint(" ", of.id)
		}
	}
	return text
}
