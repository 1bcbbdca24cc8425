package circuit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// recursion is the working table of a recursive query: the rows W of the least
// solution of
//
//	W = first(base × {0} + step(W) with the next iteration)
//
// where first keeps, of equal rows, that of the least iteration.
//
// The paper computes a recursion by a nested circuit, whose streams have a
// second time: the iteration. Here that time is a column of the rows. The
// integral of a stream of streams is then an ordinary trace, the incremental
// versions of the operators inside are the ordinary ones, and there is one index
// of a joined table, not one for each iteration.
//
// A row of iteration i depends on rows of lower iterations only. So a step is
// evaluated by iteration, ascending: once the changes of all lower ones have
// gone through the loop, what arrived for i is complete, and first can say for
// good what of i is in W. Nothing is taken on credit: a cycle of rows that only
// have each other to show for themselves is not there, and goes when the last
// row that led into it does.
//
// The trace holds what arrived: key|iteration|row → weight; without a key,
// row → weight.
type recursion struct {
	spec    RecursionSpec
	width   int
	overdue *node
	loop    *loop

	turn    int64            // the iteration being evaluated, -1 for none
	turns   []int64          // those with something to do, a heap
	arrived map[int64]*delta // … what arrived for them
	recalls map[int64]*delta // … and keys to be looked at again
	free    []*delta
	rows    int   // that wait
	bytes   int64 // of all rows in this step

	// moved is what W holds of a key at later iterations, where that is not what
	// the trace says: until their turn.
	moved map[string]standing

	cur      cursor
	walk     walk
	was, now standing
	row      []values.Datum
}

// standing is the row that stands for a key in W.
type standing struct {
	iter int64 // -1: none
	row  []byte
}

// MaxCopies is how many copies of one row of one iteration a recursion takes:
// enough for any purpose, few enough for weights never to overflow.
const MaxCopies = 1 << 31

func (*recursion) kind() string { return "recursion" }
func (*recursion) keepsState()  {}

// iterBytes is the length of an encoded iteration.
const iterBytes = 8

func (o *recursion) push(_ *step, _ *node, _ int, in *Batch) error {
	for i, w := range in.W {
		row := in.Row(i)
		iter := row[o.width-1].Int64()
		if iter <= o.turn || iter < 0 {
			return fmt.Errorf("a row of iteration %d arrives in iteration %d", iter, o.turn)
		}
		if o.rows++; o.rows > o.spec.MaxRows {
			return fmt.Errorf("%w: more than %d change in iteration %d", ErrRecursionTooLarge, o.spec.MaxRows, iter)
		}
		d := o.waiting(o.arrived, iter)
		off := len(d.arena)
		if o.bytes > o.spec.MaxBytes {
			return fmt.Errorf("%w: they take more than %d MiB by iteration %d", ErrRecursionTooLarge, o.spec.MaxBytes>>20, iter)
		}
		if o.spec.Key == nil {
			d.arena = values.AppendRow(d.arena, row)
			o.bytes += int64(len(d.arena) - off)
			if err := d.seal(off, len(d.arena), len(d.arena), w); err != nil {
				return err
			}
			continue
		}
		arena, ok := o.spec.Key(d.arena, row)
		if !ok {
			d.arena = arena[:off]
			continue
		}
		key := len(arena)
		d.arena = binary.BigEndian.AppendUint64(arena, uint64(iter))
		d.arena = values.AppendRow(d.arena, row[:o.width-1])
		o.bytes += int64(len(d.arena) - off)
		if err := d.seal(off, key, key, w); err != nil {
			return err
		}
	}
	return nil
}

// waiting is what waits for an iteration in one of the two maps.
func (o *recursion) waiting(in map[int64]*delta, iter int64) *delta {
	if d := in[iter]; d != nil {
		return d
	}
	if o.arrived[iter] == nil && o.recalls[iter] == nil {
		o.await(iter)
	}
	d := &delta{}
	if k := len(o.free); k > 0 {
		d, o.free = o.free[k-1], o.free[:k-1]
	}
	in[iter] = d
	return d
}

// await puts an iteration on the heap.
func (o *recursion) await(iter int64) {
	h := append(o.turns, iter)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up] <= h[i] {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	o.turns = h
}

// next takes the least iteration from the heap.
func (o *recursion) next() int64 {
	h := o.turns
	least := h[0]
	k := len(h) - 1
	h[0] = h[k]
	h = h[:k]
	for i := 0; ; {
		down := 2*i + 1
		if down >= k {
			break
		}
		if down+1 < k && h[down+1] < h[down] {
			down++
		}
		if h[i] <= h[down] {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	o.turns = h
	return least
}

// due says whether an iteration waits for its turn.
func (o *recursion) due() bool { return len(o.turns) > 0 }

// rest is called when the loop has come to its end.
func (o *recursion) rest() {
	o.turn, o.bytes = -1, 0
	clear(o.moved)
}

func (o *recursion) reset() {
	o.turn, o.turns, o.rows, o.bytes = -1, nil, 0, 0
	o.arrived, o.recalls, o.moved = map[int64]*delta{}, map[int64]*delta{}, map[string]standing{}
	o.free = nil
}

// pass evaluates the least iteration that waits, and sends what it changes of W.
func (o *recursion) pass(s *step, n *node) error {
	o.turn = o.next()
	arrived, recalls := o.take(o.arrived), o.take(o.recalls)
	o.rows -= arrived.len()
	arrived.consolidate()
	recalls.consolidate()
	o.cur.open(s, n, n.prefix)
	var err error
	if o.spec.Key == nil {
		err = o.copies(s, n, arrived)
	} else {
		err = o.firsts(s, n, arrived, recalls)
	}
	if err := o.cur.close(err); err != nil {
		return err
	}
	arrived.write(s, n, n.prefix)
	for _, d := range []*delta{arrived, recalls} {
		d.empty()
		o.free = append(o.free, d)
	}
	if err := n.out.flush(s); err != nil {
		return err
	}
	return o.overdue.out.flush(s)
}

// take removes what waits for the present iteration from a map.
func (o *recursion) take(from map[int64]*delta) *delta {
	d := from[o.turn]
	if d == nil {
		return &delta{}
	}
	delete(from, o.turn)
	return d
}

// send adds a row of the present iteration to W or, if it is of no use there, to
// what is overdue.
func (o *recursion) send(s *step, n *node, row []byte, w int64, useful bool) error {
	if w == 0 {
		return nil
	}
	var err error
	if o.row, err = values.DecodeRow(row, o.row[:0]); err != nil {
		return err
	}
	if o.spec.Key != nil {
		o.row = append(o.row, values.Int(o.turn))
	}
	to := &n.out
	if !useful || o.turn >= o.spec.Limit {
		to = &o.overdue.out
	}
	to.batch.Append(o.row, w)
	return to.flushFull(s)
}

// copies is the recursion of UNION ALL: all that arrived is in W, as long as
// it can be counted.
func (o *recursion) copies(s *step, n *node, d *delta) error {
	for i := range d.entries {
		key := d.key(i)
		var w int64
		if o.cur.seek(key); o.cur.under(key) {
			var err error
			if w, err = o.cur.weight(); err != nil {
				return err
			}
		}
		before, tooMany := countable(w)
		now, stillTooMany := countable(w + d.entries[i].w)
		if err := o.send(s, n, key, now-before, true); err != nil {
			return err
		}
		if err := o.send(s, n, key, stillTooMany-tooMany, false); err != nil {
			return err
		}
	}
	return nil
}

// countable splits copies into those that are taken and a mark for too many.
func countable(w int64) (copies, tooMany int64) {
	if w > MaxCopies {
		return 0, 1
	}
	return w, 0
}

// firsts is the recursion of UNION: a key is in W at the least iteration at
// which it arrived.
func (o *recursion) firsts(s *step, n *node, d, recalls *delta) error {
	for i, j := 0, 0; i < d.len() || j < recalls.len(); {
		var key []byte
		lo := i
		switch {
		case i == d.len():
			key = recalls.key(j)
		case j == recalls.len() || bytes.Compare(d.key(i), recalls.key(j)) <= 0:
			key = d.key(i)
		default:
			key = recalls.key(j)
		}
		if i < d.len() && bytes.Equal(d.key(i), key) {
			i = d.groupEnd(i)
		}
		if j < recalls.len() && bytes.Equal(recalls.key(j), key) {
			j++
		}
		if err := o.first(s, n, key, d, lo, i); err != nil {
			return err
		}
	}
	return nil
}

// first looks at one key, for which the entries lo … hi-1 of d arrived. W held
// it as `was` says (so far as iterations from the present one on go), and it
// should, for the present iteration and earlier ones, be as `now` says.
func (o *recursion) first(s *step, n *node, key []byte, d *delta, lo, hi int) error {
	o.walk.before(&o.cur, key)
	o.stands(&o.was, key)
	if o.walk.fail != nil {
		return o.walk.fail
	}
	moved, differs := o.moved[string(key)]
	if differs {
		o.was = standing{moved.iter, append(o.was.row[:0], moved.row...)}
	}
	o.walk.after(&o.cur, key, d, lo, hi)
	o.stands(&o.now, key)
	if o.walk.fail != nil {
		return o.walk.fail
	}
	had, has := o.was.iter == o.turn, o.now.iter == o.turn
	if !had || !has || !bytes.Equal(o.was.row, o.now.row) {
		if had {
			if err := o.send(s, n, o.was.row, -1, true); err != nil {
				return err
			}
		}
		if has {
			if err := o.send(s, n, o.now.row, 1, true); err != nil {
				return err
			}
		}
	}
	switch settled := o.now.iter >= 0 && o.now.iter <= o.turn; {
	case settled && o.was.iter > o.turn:
		// It comes earlier than before, so it goes from where it was.
		o.moved[string(key)] = standing{o.was.iter, slices.Clone(o.was.row)}
		return o.recall(key, o.was.iter)
	case !settled && o.now.iter > o.turn && o.was.iter <= o.turn:
		// It went, and may come again.
		o.moved[string(key)] = standing{iter: -1}
		return o.recall(key, o.now.iter)
	case differs && o.was.iter <= o.turn:
		delete(o.moved, string(key))
	}
	return nil
}

// stands finds the first present entry of a walk.
func (o *recursion) stands(st *standing, key []byte) {
	st.iter, st.row = -1, st.row[:0]
	if o.walk.first() {
		entry := o.walk.key[len(key):]
		st.iter = int64(binary.BigEndian.Uint64(entry))
		st.row = append(st.row, entry[iterBytes:]...)
	}
}

// recall has a key looked at in a later iteration, whatever arrives.
func (o *recursion) recall(key []byte, iter int64) error {
	d := o.waiting(o.recalls, iter)
	off := len(d.arena)
	d.arena = append(d.arena, key...)
	return d.seal(off, len(d.arena), len(d.arena), 1)
}
