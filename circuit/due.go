package circuit

import "math/bits"

// dueSet is the set of nodes that a step has to visit, by number: those that something
// was sent to, and those that hold something of the step before. Of a circuit of
// many views a small step concerns a few nodes, and to ask all others whether they are
// idle would fetch each of them from memory.
type dueSet []uint64

func newDueSet(n int) dueSet { return make(dueSet, (n+63)/64) }

func (d dueSet) add(id int)      { d[id/64] |= 1 << (id % 64) }
func (d dueSet) remove(id int)   { d[id/64] &^= 1 << (id % 64) }
func (d dueSet) has(id int) bool { return d[id/64]&(1<<(id%64)) != 0 }

// addAll adds all numbers below n.
func (d dueSet) addAll(n int) {
	for id := range n {
		d.add(id)
	}
}

// next is the least number from id on, or one behind all if there is none.
func (d dueSet) next(id int) int {
	i := id / 64
	if i >= len(d) {
		return id
	}
	for w := d[i] >> (id % 64) << (id % 64); ; w = d[i] {
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
		if i++; i == len(d) {
			return i * 64
		}
	}
}
