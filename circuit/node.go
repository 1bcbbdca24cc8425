package circuit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// chunkRows is how many rows an operator that multiplies rows gathers before it
// hands them on; it bounds what a join with a large fan-out holds in memory.
const chunkRows = 1024

// operator is one kind of node. Within a step its delta arrives in any number
// of parts on each input port; push takes one. When all its inputs are
// finished, those that need the whole delta (finishers) do their work. in is not
// to be kept or changed (its strings may be kept).
type operator interface {
	kind() string
	push(s *step, n *node, port int, in *Batch) error
}

// finisher is an operator that works on the whole delta of a step. finish is
// called once, unless idle says that there is nothing to do, as it does of one to which
// nothing was pushed. One that is not idle afterwards, as it still holds the delta for
// others, is called again in the next step.
type finisher interface {
	idle() bool
	finish(s *step, n *node) error
}

// starter is an operator that emits something at a circuit's first step.
type starter interface {
	start(s *step, n *node) error
}

// step is the surroundings of one evaluation: the past, and what is written.
type step struct {
	ctx    context.Context
	store  state.Store
	batch  state.Batch
	over   *state.Overlay // of both; nil until something reads its own writes
	inputs map[string]*Batch
	parts  Parts
	due    dueSet // what is found to be due: the circuit's, or of one of several workers
	shared bool   // it is that of one of several workers

	running *node
	since   time.Time
}

// reader and writer are what operators need of the state.
type reader interface {
	Get(dst, key []byte) (value []byte, ok bool, err error)
	NewIter(lower, upper []byte) state.Iterator
}

type writer interface {
	Set(key, value []byte)
	Delete(key []byte)
	AddWeightUnder(key []byte, prefix int, w int64)
}

// reads is the state as it was before the step; for a node of a loop, which runs
// several times in one, before the pass.
func (s *step) reads(n *node) reader {
	if n.looped {
		return s.over
	}
	return s.store
}

func (s *step) writes(n *node) writer {
	if n.looped {
		return s.over
	}
	return s.batch
}

// overlay shows what is written through it, for loops and rankings.
func (s *step) overlay() *state.Overlay {
	if s.over == nil {
		s.over = state.NewOverlay(s.store, s.batch)
	}
	return s.over
}

// node is an operator in its place in a circuit.
type node struct {
	id     int
	op     operator
	finish finisher // op, if it is one
	label  string
	width  int
	inputs []int
	prefix []byte // begins the keys of the operator's state
	looped bool   // part of a loop, or an index that one reads
	out    emitter
	stats  Stats

	busy sync.Mutex   // held by who pushes, if several workers do
	took atomic.Int64 // what it holds, as told to other workers
}

type edge struct {
	n    *node
	port int
}

// emitter hands a node's output to its readers.
type emitter struct {
	n     *node
	to    []edge
	batch Batch // gathers rows for readers; emptied by flush
}

func (e *emitter) init(n *node, width int) { e.n, e.batch.Width = n, width }

// send hands rows to all readers, without copying them.
func (e *emitter) send(s *step, rows *Batch) error {
	if rows.Len() == 0 {
		return nil
	}
	e.n.stats.RowsOut += int64(rows.Len())
	if s.parts.Passed != nil {
		if err := s.parts.Passed(rows.Len()); err != nil {
			return err
		}
	}
	for _, to := range e.to {
		if err := s.push(to, rows); err != nil {
			return err
		}
	}
	return nil
}

// push gives rows to one reader.
func (s *step) push(to edge, rows *Batch) error {
	s.due.add(to.n.id)
	if s.shared {
		to.n.busy.Lock()
	}
	to.n.stats.RowsIn += int64(rows.Len())
	before := s.enter(to.n)
	err := to.n.op.push(s, to.n, to.port, rows)
	s.enter(before)
	if s.shared {
		to.n.tell()
		to.n.busy.Unlock()
	}
	return err
}

// wake has all readers visited, though nothing is sent to them: they look into the node.
func (e *emitter) wake(s *step) {
	for _, to := range e.to {
		s.due.add(to.n.id)
	}
}

// flush sends what batch gathered.
func (e *emitter) flush(s *step) error {
	err := e.send(s, &e.batch)
	e.batch.Reset()
	return err
}

// flushFull flushes when enough has gathered.
func (e *emitter) flushFull(s *step) error {
	if e.batch.Len() < chunkRows {
		return nil
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return e.flush(s)
}

// enter charges the time since the last call to the node that was running, says
// which that was, and lets n run.
func (s *step) enter(n *node) (before *node) {
	now := time.Now()
	if s.running != nil {
		s.running.stats.Time += now.Sub(s.since)
	}
	before, s.running, s.since = s.running, n, now
	return before
}

// addWeight writes to the node's trace and counts it. A cursor seeks the first
// sought bytes of the key.
func (n *node) addWeight(s *step, key []byte, sought int, w int64) {
	n.stats.KeysWritten++
	n.stats.BytesWritten += int64(len(key))
	s.writes(n).AddWeightUnder(key, sought, w)
}
