package circuit

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// intervalSearch finds, in the trace of an interval index, the rows whose intervals meet those of
// another one's delta.
//
// It goes through the delta group by group, and in a group from level to level of the tree, not from row
// to row: what it reads then lies in the order in which it is read, and what is not there is not there for all
// rows between two keys. So each kind of entries has a cursor of its own: what one of them has
// learned of one group it still knows at the next.
type intervalSearch struct {
	of     *intervalIndex // whose trace it is
	spec   *Interval
	s      *step
	n      *node // for which it searches
	trace  []byte
	curs   [len(traceKinds)]cursor
	cur    *cursor // of the kind in hand
	key    []byte  // in hand, sought
	bound  []byte  // up to which is read
	found  []values.Datum
	run    []int                                          // entries of one group
	fixed  *kept                                          // of the delta's columns, those that do not change with its bounds alone; nil: not known
	emit   func(i int, row []values.Datum, w int64) error // entry i of the delta meets the row
	filled bool                                           // there was something in the trace, so it is not looked again whether it is empty
	pairing
}

// open makes the search ready for a step, in a trace under a prefix.
func (t *intervalSearch) open(s *step, n *node, of *intervalIndex, prefix []byte) {
	t.s, t.n, t.of, t.spec, t.trace = s, n, of, &of.spec, prefix
}

// close releases what the search has read with.
func (t *intervalSearch) close(err error) error {
	for i := range t.curs {
		err = t.curs[i].close(err)
	}
	t.s = nil
	return err
}

// begin starts the key in hand: of what kind, in which group.
func (t *intervalSearch) begin(kind byte, group []byte) {
	t.key = begin(t.key, kind, group)
	t.cur = &t.curs[strings.IndexByte(traceKinds, kind)]
	t.cur.open(t.s, t.n, t.trace)
}

// delta goes through a delta.
func (t *intervalSearch) delta(d *intervalIndex, fixed *kept, emit func(i int, row []values.Datum, w int64) error) error {
	t.emit, t.fixed = emit, fixed
	if !t.filled && d.delta.len() > seeksPerScan {
		if t.empty() {
			return nil
		}
		t.filled = true
	}
	for i := 0; i < d.delta.len(); {
		t.run = t.run[:0]
		for end := d.groupEnd(i); i < end; i++ {
			t.run = append(t.run, i)
		}
		if err := t.group(d, t.run); err != nil {
			return err
		}
	}
	return nil
}

// empty says whether there is nothing at all in the trace, as while the first table of a snapshot comes.
func (t *intervalSearch) empty() bool {
	c := &t.curs[0]
	c.open(t.s, t.n, t.trace)
	c.reach(nil)
	return !c.it.Valid()
}

// group searches for entries of one group.
func (t *intervalSearch) group(d *intervalIndex, run []int) error {
	group := d.extent(run[0]).group
	if t.spec.Fails {
		t.begin(traceAll, group)
		for t.cur.seek(t.key); t.cur.under(t.key); t.cur.next() {
			for _, i := range run {
				if err := t.give(i); err != nil {
					return err
				}
			}
		}
	}
	for ; len(run) > 0 && d.extent(run[0]).all; run = run[1:] {
		if err := t.whole(run[0], group); err != nil {
			return err
		}
	}
	if t.spec.Point {
		var pairs [][2]int
		if !d.spec.Point {
			var err error
			if run, pairs, err = t.moved(d, run); err != nil {
				return err
			}
		}
		t.begin(tracePoints, group)
		for _, i := range run {
			x := d.extent(i)
			if err := t.between(i, len(group)+1, x.from, &x); err != nil {
				return err
			}
		}
		for _, pair := range pairs {
			if err := t.points(d, pair, len(group)+1); err != nil {
				return err
			}
		}
		return nil
	}
	if !d.spec.Point {
		if err := t.beginning(d, run, group); err != nil {
			return err
		}
	}
	for len(run) > 0 && d.extent(run[0]).below {
		run = run[1:]
	}
	if len(run) == 0 {
		return nil
	}
	return t.holding(d, run, group)
}

// whole gives all rows of a group, but for those that meet all.
func (t *intervalSearch) whole(i int, group []byte) error {
	kind := byte(traceFrom)
	switch {
	case t.spec.Point:
		kind = tracePoints
	case t.spec.From == nil && t.spec.To != nil:
		kind = traceTo
	}
	t.begin(kind, group)
	for t.cur.reach(t.key); t.cur.under(t.key); t.cur.next() {
		if err := t.give(i); err != nil {
			return err
		}
	}
	return nil
}

// beginning gives what begins in the intervals of entries, behind their lower bounds: what does not hold those.
func (t *intervalSearch) beginning(d *intervalIndex, run []int, group []byte) error {
	t.begin(traceOrder, group)
	var after []byte
	for _, i := range run {
		x := d.extent(i)
		switch {
		case x.below:
			after = after[:0]
		case !x.above && bytes.Equal(x.from, x.to):
			continue
		default:
			if after = state.PrefixEnd(append(append(after[:0], boundKey), x.from...)); after == nil {
				continue
			}
		}
		if err := t.between(i, len(group)+1, after, &x); err != nil {
			return err
		}
	}
	return nil
}

// between gives what lies in the group in hand, from a bound on, up to x's upper one.
func (t *intervalSearch) between(i, group int, from []byte, x *extent) error {
	t.bound = t.bound[:0]
	if !t.spec.Point {
		t.bound = append(t.bound, boundKey)
	}
	t.bound = append(t.bound, x.to...)
	t.key = append(t.key[:group], from...)
	for t.cur.reach(t.key); t.cur.under(t.key[:group]); t.cur.next() {
		if !x.above && !notAbove(t.cur.key()[group:], t.bound) {
			return nil
		}
		if err := t.give(i); err != nil {
			return err
		}
	}
	return nil
}

// notAbove says whether what begins with a key is at most another one.
func notAbove(entry, key []byte) bool {
	return bytes.Compare(entry, key) < 0 || bytes.HasPrefix(entry, key)
}

// holding gives what holds the lower bounds of entries, which have one each.
func (t *intervalSearch) holding(d *intervalIndex, run []int, group []byte) error {
	kind, level := byte(traceFrom), levelPoint
	switch {
	case t.spec.From == nil && t.spec.To == nil:
		level = levelAll
	case t.spec.From == nil:
		kind, level = traceTo, levelBelow
	case t.spec.To == nil:
		level = levelAbove
	}
	if level != levelPoint {
		for _, i := range run {
			if err := t.at(i, kind, group, level, d.extent(i).from); err != nil {
				return err
			}
		}
		return nil
	}
	return t.levels(d, run, group)
}

// levels looks for the nodes above the lower bounds of entries, level by level.
func (t *intervalSearch) levels(d *intervalIndex, run []int, group []byte) error {
	for level := levelPoint; ; {
		// A key is below no node that is longer than it, at no later level either.
		for len(run) > 0 && !hasLevel(d.extent(run[0]).from, level) {
			run = run[1:]
		}
		if len(run) == 0 {
			return nil
		}
		// Is there a node, of the first key or of one behind it?
		t.begin(traceFrom, group)
		whole := len(t.key)
		t.key = appendNode(t.key, level, d.extent(run[0]).from)
		t.cur.reach(t.key)
		if !t.cur.under(t.key[:whole]) {
			return nil
		}
		if there := binary.BigEndian.Uint16(t.cur.key()[whole:]); there != level {
			level = there
			continue
		}
		if len(run) > 1 || t.cur.under(t.key) {
			for _, kind := range []byte{traceFrom, traceTo} {
				if err := t.level(d, run, group, level, kind); err != nil {
					return err
				}
			}
		}
		level++
	}
}

// level gives what holds the lower bounds of entries at the nodes of a level, of those that are compared with the
// intervals' bounds of one kind.
func (t *intervalSearch) level(d *intervalIndex, run []int, group []byte, level uint16, kind byte) error {
	for _, i := range run {
		key := d.extent(i).from
		if !hasLevel(key, level) || kind != boundAt(key, level) {
			continue
		}
		if err := t.at(i, kind, group, level, key); err != nil {
			return err
		}
	}
	return nil
}

// hasLevel says whether a key is long enough to be below nodes of a level.
func hasLevel(key []byte, level uint16) bool {
	return level < levelFork || int(level-levelFork) < 8*len(key)
}

// boundAt says to which bound of intervals at a key's node of a level it has to be compared.
func boundAt(key []byte, level uint16) byte {
	if bit := int(level) - int(levelFork); bit >= 0 && bit < maxFork && bitAt(key, bit) {
		return traceTo
	}
	return traceFrom
}

// at gives what holds a key at one of its nodes.
func (t *intervalSearch) at(i int, kind byte, group []byte, level uint16, key []byte) error {
	t.begin(kind, group)
	t.key = appendNode(t.key, level, key)
	node := len(t.key)
	bounded := level != levelAll && level != levelPoint
	if t.bound = t.bound[:0]; kind == traceTo {
		t.bound = appendDescending(t.bound, key)
	} else {
		t.bound = append(t.bound, key...)
	}
	if level < levelFork {
		t.cur.seek(t.key) // one place, which the store knows cheaply if there is nothing
	} else {
		t.cur.reach(t.key)
	}
	for ; t.cur.under(t.key); t.cur.next() {
		if bounded && !notAbove(t.cur.key()[node:], t.bound) {
			return nil
		}
		if err := t.give(i); err != nil {
			return err
		}
	}
	return nil
}

// give hands on the row at which the cursor stands, as one that an entry of the delta meets.
func (t *intervalSearch) give(i int) error {
	w, err := t.cur.weight()
	if err != nil || w == 0 {
		return err
	}
	entry := t.cur.key()
	at, end, ok := place(entry)
	if !ok {
		return errGroup
	}
	if t.found, err = t.of.decode(entry[at:end], t.found[:0]); err != nil {
		return err
	}
	return t.emit(i, t.found, w)
}
