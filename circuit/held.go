package circuit

import (
	"unsafe"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// holder is an operator that gathers something within a step. It keeps the memory for
// the next one, so what it has after a step is what the step took, at most.
type holder interface {
	held() int
	// release lets go of the memory; nothing is gathered at the moment.
	release()
}

const (
	datumBytes = int(unsafe.Sizeof(values.Datum{}))
	entryBytes = int(unsafe.Sizeof(entry{}))
)

// Held is how many bytes of memory the operators have for what they gather within a
// step: as many as the largest step took since Release, about. What is long in a
// row is not counted, as it is shared with where the row came from. Whoever decides
// how much one step is given learns from it what that means in this circuit. Within a step
// it may be asked by Passed.
func (c *Circuit) Held() int {
	if c.crew != nil {
		return c.crew.held()
	}
	total := c.wrote * len(c.batches)
	for _, n := range c.nodes {
		total += n.held()
	}
	return total
}

func (n *node) held() int {
	held := n.out.batch.held()
	if h, ok := n.op.(holder); ok {
		held += h.held()
	}
	return held
}

// Release lets go of the memory that Held counts, and of what is remembered during a load, between
// two steps. The outputs of the last one are no longer good.
func (c *Circuit) Release() {
	for _, b := range c.batches {
		_ = b.Close() // it is empty
	}
	c.batches, c.wrote = nil, 0
	for _, n := range c.nodes {
		if m := n.memo(); m != nil {
			m.forget()
		}
		n.out.batch.release()
		if h, ok := n.op.(holder); ok {
			h.release()
		}
	}
}

func (b *Batch) held() int { return cap(b.Data)*datumBytes + cap(b.W)*8 }

func (b *Batch) release() { b.Data, b.W = nil, nil }

func (d *delta) held() int { return cap(d.arena) + cap(d.entries)*entryBytes }

func (o *index) held() int { return o.delta.held() }

func (o *index) release() { o.delta, o.stale = delta{}, false }

func (o *intervalIndex) held() int { return o.delta.held() }

func (o *intervalIndex) release() { o.delta, o.stale = delta{}, false }

func (o *join) held() int { return o.rows.held() }

func (o *join) release() { o.rows.release() }

func (o *distinct) held() int { return o.delta.held() }

func (o *distinct) release() { o.delta = delta{} }

func (o *gate) held() int { return o.delta.held() }

func (o *gate) release() { o.delta = delta{} }

func (o *window) held() int { return o.delta.held() }

func (o *window) release() { o.delta = delta{} }

func (o *rangeJoin) held() int { return o.left.held() + o.right.held() }

func (o *rangeJoin) release() { o.left, o.right = delta{}, delta{} }

func (o *turning) held() int { return o.left.held() + o.right.held() + o.moved.held() }

func (o *turning) release() { o.left, o.right, o.moved = delta{}, delta{}, delta{} }

func (o *asOfJoin) held() int { return o.left.held() + o.right.held() }

func (o *asOfJoin) release() { o.left, o.right = delta{}, delta{} }

func (o *recursion) held() int {
	total := 0
	for _, d := range o.free {
		total += d.held()
	}
	for _, waiting := range []map[int64]*delta{o.arrived, o.recalls} {
		for _, d := range waiting {
			total += d.held()
		}
	}
	return total
}

func (o *recursion) release() { o.free = nil }

// touchedBytes is what a group takes among those touched: there, in the map, and its key.
const touchedBytes = 96

func (o *aggregate) held() int {
	total := o.rows.held() + cap(o.next)*4 + cap(o.touched)*touchedBytes + o.variants.held()
	for _, t := range o.traced {
		if t != nil {
			total += t.delta.held()
		}
	}
	return total
}

func (o *aggregate) release() {
	o.groups, o.keys, o.touched = map[string]int32{}, slab{}, nil
	o.rows.release()
	o.next, o.variants = nil, delta{}
	for _, t := range o.traced {
		if t != nil {
			t.delta = delta{}
		}
	}
}

func (o *output) held() int {
	return o.rows.held() + o.sort.d.held() + cap(o.sort.data)*datumBytes + cap(o.sort.w)*8
}

func (o *output) release() {
	o.rows.release()
	o.sort, o.sent, o.kept = sorter{}, false, false
}
