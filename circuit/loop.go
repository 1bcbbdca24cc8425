package circuit

import (
	"errors"
	"fmt"
)

// loop is the part of a circuit that feeds back into itself: the nodes between a
// recursion and the stream that closes it. What the builder adds in between
// without being of the loop (a table that it joins, say) runs once a step like
// any other node, before the first pass; what only reads the loop, after the
// last one.
type loop struct {
	first *node // the recursion
	last  int   // number of the node that closes the loop
	// By number, from first on: does the node depend on the loop, and the loop
	// on the node?
	after, body []bool
}

func (l *loop) depends(n *node) bool {
	i := n.id - l.first.id
	return i >= 0 && i < len(l.after) && l.after[i]
}

func (l *loop) holds(n *node) bool {
	i := n.id - l.first.id
	return i >= 0 && i < len(l.body) && l.body[i]
}

// findLoops completes the loops of a circuit.
func findLoops(nodes []*node) error {
	for _, n := range nodes {
		op, ok := n.op.(*recursion)
		if !ok {
			continue
		}
		if len(n.inputs) == 0 {
			return fmt.Errorf("recursion %q is not closed", n.label)
		}
		op.loop = newLoop(nodes, n)
		if !op.loop.body[0] {
			return fmt.Errorf("recursion %q does not depend on itself", n.label)
		}
	}
	for _, n := range nodes {
		switch n.op.(type) {
		case *occupied, *gate:
			if n.looped {
				return fmt.Errorf("%s %q is part of a loop", n.op.kind(), n.label)
			}
		}
		op, ok := n.op.(interface{ reads() (l, r *node) }) // joins
		if !ok {
			continue
		}
		l, r := op.reads()
		switch {
		case n.looped: // it has to see what they write
			l.looped, r.looped = true, true
		case inLoop(nodes, l) || inLoop(nodes, r):
			return fmt.Errorf("join %q reads an index of a loop that it is not in", n.label)
		}
	}
	return nil
}

// newLoop finds what is between a recursion and the node that closes it. Inner
// loops have edges that go back, too; so it looks until it finds no more.
func newLoop(nodes []*node, first *node) *loop {
	l := &loop{first: first, last: first.inputs[0]}
	size := l.last - first.id + 1
	l.after, l.body = make([]bool, size), make([]bool, size)
	l.after[0] = true
	feeds := make([]bool, size)
	feeds[size-1] = true
	for again := true; again; {
		again = false
		for i := range size {
			for _, in := range nodes[first.id+i].inputs {
				if k := in - first.id; k >= 0 && k < size {
					if l.after[k] && !l.after[i] {
						l.after[i], again = true, true
					}
					if feeds[i] && !feeds[k] {
						feeds[k], again = true, true
					}
				}
			}
		}
	}
	for i := range size {
		l.body[i] = l.after[i] && feeds[i]
		n := nodes[first.id+i]
		n.looped = n.looped || l.body[i]
	}
	return l
}

func inLoop(nodes []*node, n *node) bool {
	for _, m := range nodes {
		if op, ok := m.op.(*recursion); ok && op.loop.holds(n) {
			return true
		}
	}
	return false
}

// run evaluates the nodes from number lo up to hi that are due and wanted, in order,
// loops as a whole.
func (c *Circuit) run(s *step, lo, hi int, wanted func(*node) bool) error {
	for i := c.due.next(lo); i <= hi; i = c.due.next(i + 1) {
		n := c.nodes[i]
		if !wanted(n) {
			continue
		}
		if op, ok := n.op.(*recursion); ok {
			if err := c.runLoop(s, op, wanted); err != nil {
				return err
			}
			i = op.loop.last
			continue
		}
		if err := c.visit(s, n); err != nil {
			return err
		}
	}
	return nil
}

// runLoop evaluates a loop until nothing changes any more.
func (c *Circuit) runLoop(s *step, op *recursion, wanted func(*node) bool) error {
	l := op.loop
	from := l.first.id + 1
	// First everything else that is new, with the working table as it was.
	if err := c.run(s, from, l.last, func(n *node) bool { return wanted(n) && (l.holds(n) || !l.depends(n)) }); err != nil {
		return err
	}
	for op.due() {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		s.enter(l.first)
		if err := op.pass(s, l.first); err != nil {
			return fmt.Errorf("%s %q: %w", op.kind(), l.first.label, err)
		}
		if err := c.run(s, from, l.last, l.holds); err != nil {
			return err
		}
	}
	op.rest()
	return c.run(s, from, l.last, func(n *node) bool { return wanted(n) && l.depends(n) && !l.holds(n) })
}

// visit does a node's part of a step, or of a pass.
func (c *Circuit) visit(s *step, n *node) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	s.due.remove(n.id)
	if src, ok := n.op.(*source); ok {
		if in := s.inputs[src.name]; in != nil {
			s.enter(n)
			return n.out.send(s, in)
		}
		return nil
	}
	if n.finish == nil || n.finish.idle() {
		return nil
	}
	s.enter(n)
	if err := n.finish.finish(s, n); err != nil {
		return fmt.Errorf("%s %q: %w", n.op.kind(), n.label, err)
	}
	if !n.finish.idle() {
		s.due.add(n.id)
	}
	return nil
}

// ErrRecursionTooLarge: one iteration of a recursion has more rows than are
// computed in one step.
var ErrRecursionTooLarge = errors.New("recursion makes too many rows at once")
