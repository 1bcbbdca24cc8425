package circuit

import (
	"sync"
	"sync/atomic"
)

// crew evaluates one step on several goroutines, its workers.
//
// A node's part of a step may begin when nothing more will be sent to it: when all that
// it reads from are done. So there is no need for an order but that, and independent
// parts of the circuit are evaluated at the same time: what a source sends to each
// of its readers, then the finishers, as they become ready. Who sends rows pushes them
// through the operators that keep nothing on the way, up to the next finishers, as in a step
// of one goroutine. Several may want to push to one node, and take turns: they lock it, and from
// there on those behind it, so nobody waits in a circle.
//
// In which order rows come to a node is left open by that. It is of no account, as a delta
// may be cut anywhere, and is sorted and consolidated before anything depends on it.
//
// Each worker has a batch of its own for what it writes. A node writes when it is
// finished and only then, all of it in one of these, and keys of its own: so the batches
// can be put together in any order.
type crew struct {
	c       *Circuit
	inputs  map[string]*Batch
	workers []worker

	mu      sync.Mutex // of what follows
	more    *sync.Cond // there are tasks, or there will be none
	waits   []int32    // by node: how many of those that it reads from are not done
	tasks   []task
	running int
	err     error
}

// worker is what a goroutine has for itself.
type worker struct {
	step
	size atomic.Int64 // of the batch, as told to others
}

// task is a node to be finished, or one reader of a source to be sent its rows.
type task struct {
	n      *node
	reader int // in the source's list
}

// share is run for all nodes, by several workers.
func (c *Circuit) share(s *step, workers int) error {
	w := &crew{c: c, inputs: s.inputs, workers: make([]worker, workers), waits: make([]int32, len(c.nodes))}
	w.more = sync.NewCond(&w.mu)
	c.findReaders()
	parts := oneAtATime(s.parts)
	for len(c.batches) < workers {
		c.batches = append(c.batches, s.store.NewBatch())
	}
	for i := range w.workers {
		w.workers[i].step = step{
			ctx: s.ctx, store: s.store, batch: c.batches[i], inputs: s.inputs,
			parts: parts, due: newDueSet(len(c.nodes)), shared: true,
		}
	}
	for _, n := range c.nodes {
		w.waits[n.id] = int32(len(n.inputs))
		n.tell()
	}
	c.crew = w
	for _, n := range c.nodes {
		if len(n.inputs) == 0 {
			w.begin(n)
		}
	}
	var all sync.WaitGroup
	for i := range w.workers {
		all.Go(func() { w.work(&w.workers[i]) })
	}
	all.Wait()
	c.crew = nil
	for i := range w.workers {
		b := w.workers[i].batch
		c.wrote = max(c.wrote, b.Size())
		if w.err == nil {
			s.batch.Append(b)
		}
		b.Reset()
	}
	return w.err
}

// oneAtATime has workers call the functions by turns.
func oneAtATime(p Parts) Parts {
	var turn sync.Mutex
	if take := p.Take; take != nil {
		p.Take = func(output string, rows *Batch) (bool, error) {
			turn.Lock()
			defer turn.Unlock()
			return take(output, rows)
		}
	}
	if passed := p.Passed; passed != nil {
		p.Passed = func(rows int) error {
			turn.Lock()
			defer turn.Unlock()
			return passed(rows)
		}
	}
	return p
}

// findReaders lists for each node those that wait for it, once for each time they read it.
func (c *Circuit) findReaders() {
	if c.readers != nil {
		return
	}
	c.readers = make([][]int32, len(c.nodes))
	for _, n := range c.nodes {
		for _, in := range n.inputs {
			c.readers[in] = append(c.readers[in], int32(n.id))
		}
	}
}

// work does tasks until there are none, or one has failed.
func (w *crew) work(by *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.tasks) == 0 && w.running > 0 && w.err == nil {
			w.more.Wait()
		}
		if len(w.tasks) == 0 || w.err != nil {
			return
		}
		t := w.tasks[0]
		w.tasks = w.tasks[1:]
		w.running++
		w.mu.Unlock()
		err := by.do(w.c, t)
		w.mu.Lock()
		w.running--
		for i, word := range by.due {
			w.c.due[i] |= word
			by.due[i] = 0
		}
		if err != nil && w.err == nil {
			w.err = err
		}
		if _, ok := t.n.op.(*source); ok {
			w.done(t.n.out.to[t.reader].n)
		} else {
			w.allDone(t.n)
		}
		w.more.Broadcast()
	}
}

// do evaluates a task.
func (by *worker) do(c *Circuit, t task) error {
	defer by.tell()
	defer by.enter(nil)
	if src, ok := t.n.op.(*source); ok {
		in := by.inputs[src.name]
		if t.reader == 0 && by.parts.Passed != nil {
			if err := by.parts.Passed(in.Len()); err != nil {
				return err
			}
		}
		return by.push(t.n.out.to[t.reader], in)
	}
	defer t.n.tell()
	return c.visit(&by.step, t.n)
}

// begin is of a node to which nothing more will be sent.
func (w *crew) begin(n *node) {
	if !w.c.due.has(n.id) {
		w.allDone(n)
		return
	}
	w.c.due.remove(n.id)
	if src, ok := n.op.(*source); ok {
		in := w.inputs[src.name]
		if in == nil || in.Len() == 0 {
			w.allDone(n)
			return
		}
		n.stats.RowsOut += int64(in.Len())
		for i := range n.out.to {
			w.tasks = append(w.tasks, task{n, i})
		}
		return
	}
	if n.finish == nil || n.finish.idle() {
		w.allDone(n)
		return
	}
	w.tasks = append(w.tasks, task{n: n})
}

// allDone is of a node that will send nothing more to any reader, done of what one reader waits for.
func (w *crew) allDone(n *node) {
	for _, r := range w.c.readers[n.id] {
		w.done(w.c.nodes[r])
	}
}

func (w *crew) done(reader *node) {
	if w.waits[reader.id]--; w.waits[reader.id] == 0 {
		w.begin(reader)
	}
}

// tell has others know how much the node holds; whoever evaluates it calls it.
func (n *node) tell() { n.took.Store(int64(n.held())) }

func (by *worker) tell() { by.size.Store(int64(by.batch.Size())) }

// held is Held while workers are at it. What they have written counts three times: it will be in the
// step's batch as well, which whoever commits it has in memory twice.
func (w *crew) held() (total int) {
	for _, n := range w.c.nodes {
		total += int(n.took.Load())
	}
	for i := range w.workers {
		total += 3 * int(w.workers[i].size.Load())
	}
	return total
}
