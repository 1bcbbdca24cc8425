package circuit

import (
	"bytes"
	"encoding/binary"
)

// How the integral of rows with intervals lies in the store.
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

	traceKinds = "apoft" // all of them
)

// begin starts a key: of what kind, in which group.
func begin(key []byte, kind byte, group []byte) []byte {
	return append(append(key[:0], kind), group...)
}

// write adds a row with its interval.
func (o *intervalIndex) write(s *step, n *node, x *extent, row []byte, w int64) {
	put := func(sought int) {
		at := len(o.key)
		o.key = appendPlace(append(o.key, row...), at)
		o.written = append(append(o.written[:0], n.prefix...), o.key...)
		n.addWeight(s, o.written, len(n.prefix)+sought, w)
	}
	switch {
	case x.all:
		o.key = begin(o.key, traceAll, x.group)
		put(len(o.key))
		return
	case o.spec.Point:
		o.key = append(begin(o.key, tracePoints, x.group), x.from...)
		put(len(o.key))
		return
	}
	if o.ordered {
		o.key = appendLower(begin(o.key, traceOrder, x.group), x)
		put(len(o.key))
	}
	level := x.level()
	if level != levelBelow {
		o.key = appendNode(begin(o.key, traceFrom, x.group), level, x.from)
		sought := len(o.key)
		if level > levelPoint || level == levelAbove {
			o.key = append(o.key, x.from...)
		}
		put(sought)
	}
	if level == levelBelow || level >= levelFork {
		o.key = appendNode(begin(o.key, traceTo, x.group), level, x.to)
		sought := len(o.key)
		o.key = appendDescending(o.key, x.to)
		put(sought)
	}
}

// appendNode appends level and node of a key.
func appendNode(dst []byte, level uint16, key []byte) []byte {
	dst = appendLevel(dst, level)
	switch {
	case level == levelPoint:
		dst = append(dst, key...)
	case level >= levelFork:
		dst = appendBits(dst, key, int(level-levelFork))
	}
	return dst
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
		return append(dst, boundNone)
	}
	return append(append(dst, boundKey), x.from...)
}

// appendDescending appends a key so that greater ones come first.
func appendDescending(dst, key []byte) []byte {
	for _, b := range key {
		dst = append(dst, ^b)
	}
	return dst
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
