package pipeline

import "errors"

// stride is how much one step takes of what there is to be taken: rows of a snapshot, bytes
// of messages, changes of a transaction. How much memory that needs depends on the views: a
// row may pass through hundreds of operators, and be joined with any number of others. So
// each step tells what the next one may take; and one that holds far too much is given up, and
// taken again in smaller ones.
type stride struct {
	now, most int
	room      int // bytes that a step should hold
}

func newStride(first, most, room int) stride {
	return stride{now: min(first, most), most: most, room: room}
}

// note learns what a step held that took so much, and says whether that was more
// than it should have.
func (s *stride) note(took, held int) (tooMuch bool) {
	if held > s.room {
		// A quarter less than would fit, as the next rows may be of another kind.
		s.now = min(max(int(int64(took)*int64(s.room)/int64(held))*3/4, 1), s.most)
		return true
	}
	// What fills half a step leaves room for one twice as large.
	if 2*took >= s.now && 2*held <= s.room {
		s.now = min(2*max(s.now, took), s.most)
	}
	return false
}

const (
	// firstRows of a table are what the first step of a snapshot takes.
	firstRows = 64
	// mostChanges of a transaction are in a piece.
	mostChanges = 1 << 16
	// overfull is how many times what it should hold a step may, before it is given up.
	overfull = 2
	// batchCopies is how often a large batch of the state is in memory while it is committed:
	// as it was filled, and in the layer or as Pebble keeps it.
	batchCopies = 2
	// lookRows is after how many rows, passed from operator to operator, a step looks at what it
	// holds, at most; with little room, after as many as fill it with a KiB each.
	lookRows = 8192
)

// errTooMuch gives up a step that would hold too much, of old rows or of what it makes.
var errTooMuch = errors.New("a step would hold too much")

// errTooManyPartners gives up a load in which one row comes to more than a step may hold: it is joined with
// very many that are there already. In another order of the tables, they would be joined with it bit by bit.
var errTooManyPartners = errors.New("a row is joined with too many others")

func (e *engine) lookRows() int { return max(min(e.opts.stepBytes>>10, lookRows), 1) }

// bound watches over the rows that pass in a step of these generations. One that can be
// divided is errTooMuch as soon as it is seen to hold far too much.
func (e *engine) bound(divisible bool, gens ...*generation) func(rows int) error {
	e.passed = 0
	next := e.lookRows()
	return func(rows int) error {
		if e.passed += rows; e.passed < next {
			return nil
		}
		next = e.passed + e.lookRows()
		if divisible && e.stepHeld(gens...) > overfull*e.opts.stepBytes {
			return errTooMuch
		}
		return nil
	}
}

// stepHeld is how much memory the step takes, or took, whose batch is still to be committed.
// Of one in which few rows have passed it is not asked.
func (e *engine) stepHeld(gens ...*generation) int {
	if e.passed < e.lookRows() {
		return 0
	}
	held := batchCopies * e.batch.Size()
	for _, g := range gens {
		held += g.circuit.Held()
	}
	return held
}

// tookStep has a stride learn what a step held that is committed. After too much, the
// operators let go of it.
func (e *engine) tookStep(s *stride, took, held int, gens ...*generation) {
	if e.opts.held != nil {
		e.opts.held(held)
	}
	if s.note(took, held) {
		release(gens)
	}
}

// gaveUp has a stride learn that a step held far too much before it was done. Its batch is
// still to be reset.
func (e *engine) gaveUp(s *stride, took int, gens ...*generation) {
	e.tookStep(s, took, max(e.stepHeld(gens...), overfull*e.opts.stepBytes), gens...)
}

func release(gens []*generation) {
	for _, g := range gens {
		g.circuit.Release()
	}
}
