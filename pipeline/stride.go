package pipeline

import "github.com/stepping-cdc/stepping-cdc/circuit"

// stride is how many rows of a snapshot one step takes. How much memory that needs depends
// on the views: a row may pass through hundreds of operators, and be joined with any number of
// others. So each step tells what the next one may take.
type stride struct {
	now, most, least int
	room             int // bytes that a step should hold
}

// newStride begins with little, as nothing is known yet.
func newStride(first, most, room int) stride {
	return stride{now: min(first, most), most: most, least: max(most/1024, 1), room: room}
}

// note learns what a step held that took so much, and says whether that was more
// than it should have.
func (s *stride) note(took, held int) (tooMuch bool) {
	if held > s.room {
		// A quarter less than would fit, as the next rows may be of another kind.
		s.now = max(int(int64(took)*int64(s.room)/int64(held))*3/4, s.least)
		return true
	}
	// What fills half a step leaves room for one twice as large.
	if 2*took >= s.now && 2*held <= s.room {
		s.now = min(2*s.now, s.most)
	}
	return false
}

// firstRows of a table are what the first step takes.
const firstRows = 64

// batchCopies is how often a large batch of the state is in memory while it is committed:
// as it was filled, and in the layer or as Pebble keeps it.
const batchCopies = 2

// tooMuch has a stride learn what a step held, and says whether that was too much: then
// the operators are to let go of it.
func (e *engine) tooMuch(s *stride, took, held int) bool {
	if e.opts.held != nil {
		e.opts.held(held)
	}
	return s.note(took, held)
}

// stepHeld is how much memory the step took whose batch is still to be committed.
func (e *engine) stepHeld(c *circuit.Circuit) int {
	return c.Held() + batchCopies*e.batch.Size()
}
