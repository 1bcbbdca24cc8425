package circuit

import (
	"bytes"
	"encoding/binary"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// intervalTrace is the integral of one side of an interval join.
//
// Points are kept by their keys, and those in an interval lie one behind the other. Proper
// intervals are kept by their lower bounds, which finds those that begin in the one
// asked for, and in addition so that those can be found which hold a key: a static form of the interval
// tree that Kriegel, Pötke and Seidl keep in relations ("Managing Intervals Efficiently in Object-Relational
// Databases", VLDB 2000). Its nodes are the bit strings: an interval lies at the one that
// both of its bounds begin with, as far as they agree. All intervals that hold a key lie at
// nodes that the key begins with; at each of them the key's next bit says to which bound it has to be
// compared, the other one being on the right side for sure: at a node the intervals are sorted by either. So
// a search looks at one place for each length of a node that the group has, of which there are no
// more than bits in a key, and at the intervals that it finds. (The levels are these lengths, and some for
// intervals that have no such node.)
//
//	'a' group                        row, place → weight   rows that meet all
//	'p' group, key                   row, place → weight   points
//	'o' group, bound                 row, place → weight   others, by lower bound, if they are not sought by points alone
//	'f' group, level, node | bound   row, place → weight   … those at a node, by lower bound
//	't' group, level, node | bound   row, place → weight   … by upper bound, descending
type intervalTrace struct {
	spec    *Interval
	tag     byte // begins its keys, behind the node's prefix
	ordered bool // searches are for more than points: 'o' is kept
	cur     cursor
	key     []byte // in hand, sought or to be written
	written []byte // the same with what is before it
	bound   []byte // up to which is read
	row     []values.Datum
}

// Levels of intervals that have no node.
const (
	levelAll   uint16 = iota // without ends
	levelBelow               // without a lower one
	levelAbove               // without an upper one
	levelPoint               // of one key, which is the node
	levelFork                // and from here on, of nodes with 0, 1, 2 … bits
)

const (
	traceAll    = 'a'
	tracePoints = 'p'
	traceOrder  = 'o'
	traceFrom   = 'f'
	traceTo     = 't'
)

func (t *intervalTrace) open(from reader, n *node) {
	t.cur.openIn(from, n, append(bytes.Clone(n.prefix), t.tag))
}

func (t *intervalTrace) close(err error) error { return t.cur.close(err) }

// begin starts a key: of what kind, in which group.
func (t *intervalTrace) begin(kind byte, group []byte) {
	t.key = append(append(t.key[:0], kind), group...)
}

// add writes a row with its interval.
func (t *intervalTrace) add(n *node, to writer, x *extent, row []byte, w int64) {
	put := func(sought int) {
		at := len(t.key)
		t.key = appendPlace(append(t.key, row...), at)
		t.put(n, to, sought, w)
	}
	if x.all {
		t.begin(traceAll, x.group)
		put(len(t.key))
		return
	}
	if t.spec.Point {
		t.begin(tracePoints, x.group)
		t.key = append(t.key, x.from...)
		put(len(t.key))
		return
	}
	if t.ordered {
		t.begin(traceOrder, x.group)
		t.key = appendLower(t.key, x)
		put(len(t.key))
	}
	level := x.level()
	if level != levelBelow {
		t.begin(traceFrom, x.group)
		t.node(level, x.from)
		sought := len(t.key)
		if level > levelPoint || level == levelAbove {
			t.key = append(t.key, x.from...)
		}
		put(sought)
	}
	if level == levelBelow || level >= levelFork {
		t.begin(traceTo, x.group)
		t.node(level, x.to)
		sought := len(t.key)
		t.key = appendDescending(t.key, x.to)
		put(sought)
	}
}

func (t *intervalTrace) put(n *node, to writer, sought int, w int64) {
	t.written = append(append(append(t.written[:0], n.prefix...), t.tag), t.key...)
	n.stats.KeysWritten++
	n.stats.BytesWritten += int64(len(t.written))
	to.AddWeightUnder(t.written, len(n.prefix)+1+sought, w)
}

// node appends level and node of a key to the key in hand.
func (t *intervalTrace) node(level uint16, key []byte) {
	t.key = appendLevel(t.key, level)
	switch {
	case level == levelPoint:
		t.key = append(t.key, key...)
	case level >= levelFork:
		t.key = appendBits(t.key, key, int(level-levelFork))
	}
}

// level is where an interval lies.
func (x *extent) level() uint16 {
	switch {
	case x.below && x.above:
		return levelAll
	case x.below:
		return levelBelow
	case x.above:
		return levelAbove
	case bytes.Equal(x.from, x.to):
		return levelPoint
	}
	return levelFork + uint16(min(fork(x.from, x.to), maxFork))
}

// maxFork is the most bits of a node: intervals whose bounds agree in more lie at a
// node above, where a key's next bit does not tell on which side it is. They are compared
// with their lower bounds alone.
const maxFork = 1 << 12

// appendLower appends a lower bound in the order of bounds; the first is that there is none.
func appendLower(dst []byte, x *extent) []byte {
	if x.below {
		return append(dst, 0)
	}
	return append(append(dst, 1), x.from...)
}

// appendDescending appends a key so that greater ones come first.
func appendDescending(dst, key []byte) []byte {
	for _, b := range key {
		dst = append(dst, ^b)
	}
	return dst
}

// meeting calls emit with each row, and its weight, whose interval has a key in common
// with x.
func (t *intervalTrace) meeting(x *extent, emit func(row []values.Datum, w int64) error) error {
	t.begin(traceAll, x.group)
	if err := t.under(t.cur.seek, emit); err != nil {
		return err
	}
	if x.all {
		kind := byte(traceFrom)
		switch {
		case t.spec.Point:
			kind = tracePoints
		case t.spec.From == nil && t.spec.To != nil:
			kind = traceTo
		}
		t.begin(kind, x.group)
		return t.under(t.cur.seekGE, emit)
	}
	if t.spec.Point {
		t.begin(tracePoints, x.group)
		return t.between(len(t.key), x.from, x, emit)
	}
	t.begin(traceOrder, x.group)
	group := len(t.key)
	if x.below {
		return t.between(group, nil, x, emit)
	}
	if x.above || !bytes.Equal(x.from, x.to) {
		// Those that begin behind x.from: the others hold it.
		after := state.PrefixEnd(append([]byte{1}, x.from...))
		if after != nil {
			if err := t.between(group, after, x, emit); err != nil {
				return err
			}
		}
	}
	return t.holding(x.group, x.from, emit)
}

// under emits whatever is under the key in hand.
func (t *intervalTrace) under(seek func([]byte), emit func([]values.Datum, int64) error) error {
	for seek(t.key); t.cur.under(t.key); t.cur.next() {
		if err := t.emit(emit); err != nil {
			return err
		}
	}
	return nil
}

// between emits what lies in the group in hand, from a bound on, up to x's upper one.
func (t *intervalTrace) between(group int, from []byte, x *extent, emit func([]values.Datum, int64) error) error {
	t.bound = t.bound[:0]
	if !t.spec.Point {
		t.bound = append(t.bound, 1)
	}
	t.bound = append(t.bound, x.to...)
	t.key = append(t.key[:group], from...)
	for t.cur.seekGE(t.key); t.cur.under(t.key[:group]); t.cur.next() {
		if !x.above && !notAbove(t.cur.key()[group:], t.bound) {
			return nil
		}
		if err := t.emit(emit); err != nil {
			return err
		}
	}
	return nil
}

// notAbove says whether what begins with a key is at most another one.
func notAbove(entry, key []byte) bool {
	return bytes.Compare(entry, key) < 0 || bytes.HasPrefix(entry, key)
}

// holding emits what holds a key.
func (t *intervalTrace) holding(group, key []byte, emit func([]values.Datum, int64) error) error {
	switch {
	case t.spec.From == nil && t.spec.To == nil:
		return t.at(traceFrom, group, levelAll, key, emit)
	case t.spec.From == nil:
		return t.at(traceTo, group, levelBelow, key, emit)
	case t.spec.To == nil:
		return t.at(traceFrom, group, levelAbove, key, emit)
	}
	for level := levelPoint; level < levelFork || int(level-levelFork) < 8*len(key); {
		t.begin(traceFrom, group)
		whole := len(t.key)
		t.node(level, key)
		t.cur.seekGE(t.key)
		switch {
		case !t.cur.under(t.key[:whole]):
			return nil
		case t.cur.under(t.key):
			kind := byte(traceFrom)
			if bit := int(level) - int(levelFork); bit >= 0 && bit < maxFork && bitAt(key, bit) {
				kind = traceTo
			}
			if err := t.at(kind, group, level, key, emit); err != nil {
				return err
			}
			level++
		default: // the next node that there is
			level = max(level+1, binary.BigEndian.Uint16(t.cur.key()[whole:]))
		}
	}
	return nil
}

// at emits what holds a key at one of its nodes.
func (t *intervalTrace) at(kind byte, group []byte, level uint16, key []byte, emit func([]values.Datum, int64) error) error {
	t.begin(kind, group)
	t.node(level, key)
	node := len(t.key)
	bounded := level != levelAll && level != levelPoint
	if t.bound = t.bound[:0]; kind == traceTo {
		t.bound = appendDescending(t.bound, key)
	} else {
		t.bound = append(t.bound, key...)
	}
	for t.cur.seek(t.key); t.cur.under(t.key); t.cur.next() {
		if bounded && !notAbove(t.cur.key()[node:], t.bound) {
			return nil
		}
		if err := t.emit(emit); err != nil {
			return err
		}
	}
	return nil
}

// emit hands on the row at which the cursor stands.
func (t *intervalTrace) emit(emit func([]values.Datum, int64) error) error {
	w, err := t.cur.weight()
	if err != nil || w == 0 {
		return err
	}
	entry := t.cur.key()
	at, end, ok := place(entry)
	if !ok {
		return errGroup
	}
	if t.row, err = values.DecodeRow(entry[at:end], t.row[:0]); err != nil {
		return err
	}
	return emit(t.row, w)
}
