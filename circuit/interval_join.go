package circuit

import (
	"bytes"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// intervalJoin joins rows whose intervals have a key in common. It is bilinear like
// any join, and computes the same three terms, or in a loop their other form (join.go).
//
// A delta is joined with a trace group by group, since rows of one group read the same stretches of
// it, in the order of their bounds; and two deltas by a sweep over both in that order: of two intervals
// that meet, one begins in the other.
type intervalJoin struct {
	f           JoinFunc
	left, right *intervalIndex
	leftN       *node
	rightN      *node
	fixed       [2]*kept  // of left and right: Intervals.Bounding
	turns       [2]uint64 // the last deltas taken of left and right
	search      intervalSearch
	l, r        decoded
}

// decoded is a row of a delta in hand.
type decoded struct {
	of  *intervalIndex
	at  int
	row []values.Datum
	w   int64
}

// to brings the row of an entry into hand.
func (d *decoded) to(i int) (err error) {
	if d.at != i {
		d.at, d.w = i, d.of.delta.entries[i].w
		d.row, err = d.of.decode(d.of.row(i), d.row[:0])
	}
	return err
}

func (*intervalJoin) kind() string                         { return "interval join" }
func (*intervalJoin) push(*step, *node, int, *Batch) error { return nil }

func (o *intervalJoin) reads() (l, r *node) { return o.leftN, o.rightN }

func (o *intervalJoin) idle() bool { return o.left.idle() && o.right.idle() }

func (o *intervalJoin) finish(s *step, n *node) error {
	l, r := o.left.turn != o.turns[0], o.right.turn != o.turns[1]
	o.turns = [2]uint64{o.left.turn, o.right.turn}
	o.l.of, o.l.at, o.r.of, o.r.at = o.left, -1, o.right, -1
	if l {
		if err := o.probe(s, n, &o.l, o.rightN, o.right); err != nil {
			return err
		}
	}
	if r {
		if err := o.probe(s, n, &o.r, o.leftN, o.left); err != nil {
			return err
		}
	}
	if l && r {
		sign := int64(1)
		if n.looped {
			sign = -1
		}
		if err := o.product(s, n, sign); err != nil {
			return err
		}
	}
	return n.out.flush(s)
}

// probe joins a delta with the trace of the other side.
func (o *intervalJoin) probe(s *step, n *node, d *decoded, trace *node, other *intervalIndex) error {
	if d.of.delta.len() == 0 {
		return nil
	}
	n.stats.RowsIn += int64(d.of.delta.len())
	o.search.open(s, n, other, trace.prefix)
	fixed := o.fixed[0]
	if d == &o.r {
		fixed = o.fixed[1]
	}
	emit := func(i int, row []values.Datum, w int64) error {
		if err := d.to(i); err != nil {
			return err
		}
		if d == &o.l {
			o.f(d.row, row, &n.out.batch, d.w*w)
		} else {
			o.f(row, d.row, &n.out.batch, d.w*w)
		}
		return n.out.flushFull(s)
	}
	return o.search.close(o.search.delta(d.of, fixed, emit))
}

// product joins the two deltas. Both are sorted by group and lower bound: of those of one side that meet
// an interval, it takes the ones that begin in it, or with it.
func (o *intervalJoin) product(s *step, n *node, sign int64) error {
	l, r := o.left, o.right
	pair := func(i, j int) error {
		if err := o.l.to(i); err != nil {
			return err
		}
		if err := o.r.to(j); err != nil {
			return err
		}
		o.f(o.l.row, o.r.row, &n.out.batch, sign*o.l.w*o.r.w)
		return n.out.flushFull(s)
	}
	for i, j := 0, 0; i < l.delta.len() && j < r.delta.len(); {
		x, y := l.extent(i), r.extent(j)
		c := bytes.Compare(x.group, y.group)
		switch {
		case c < 0:
			i++
			continue
		case c > 0:
			j++
			continue
		}
		if bytes.Compare(l.delta.key(i), r.delta.key(j)) <= 0 {
			for k := j; k < r.delta.len() && begins(r, k, &x); k++ {
				if err := pair(i, k); err != nil {
					return err
				}
			}
			i++
		} else {
			for k := i; k < l.delta.len() && begins(l, k, &y); k++ {
				if err := pair(k, j); err != nil {
					return err
				}
			}
			j++
		}
	}
	return nil
}

// begins says whether an entry of a delta, not before x in the order of deltas, begins in x.
func begins(o *intervalIndex, i int, x *extent) bool {
	y := o.extent(i)
	return bytes.Equal(x.group, y.group) && x.reaches(&y)
}
