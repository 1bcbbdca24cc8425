package circuit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// ErrChanged: the store holds, under the prefix, the state of another circuit.
var ErrChanged = errors.New("state belongs to another circuit")

// Circuit is a built circuit over a store. It holds nothing of the past itself:
// all of that is in the store, so one may be thrown away between any two steps
// and built anew. It is used by one goroutine; a step may make use of several.
type Circuit struct {
	nodes       []*node
	sources     map[string]*node
	outputs     []*node
	rankings    []*ranking
	store       state.Store
	prefix      []byte
	fingerprint uint64
	loops       bool // there are some
	started     bool // the first step is known to be committed
	due         dueSet
	alone       bool          // one goroutine evaluates it, always
	readers     [][]int32     // by node, as a crew needs them; nil: not known yet
	batches     []state.Batch // of workers, between steps
	wrote       int           // the most bytes that one of them held
	crew        *crew         // which evaluates a step at the moment, or nil
}

// Output is the delta of one of the circuit's outputs, consolidated.
type Output struct {
	Name  string
	Batch *Batch
}

// Build finishes the circuit. Its state lives in store under prefix, which must
// not begin with a zero byte nor be a prefix of another circuit's. If a circuit
// ran there before, it must have been built in the same way: else ErrChanged.
func (b *Builder) Build(store state.Store, prefix []byte) (*Circuit, error) {
	if b.err != nil {
		return nil, fmt.Errorf("build circuit: %w", b.err)
	}
	if len(prefix) == 0 || prefix[0] == 0 {
		return nil, errors.New("build circuit: the state prefix is empty or begins with a zero byte")
	}
	c := &Circuit{alone: b.alone, nodes: b.nodes, sources: map[string]*node{}, store: store, prefix: slices.Clone(prefix)}
	for _, n := range c.nodes {
		n.prefix = nodePrefix(prefix, n.id)
		switch op := n.op.(type) {
		case *source:
			c.sources[op.name] = n
		case *output:
			op.rows.Width = n.width
			c.outputs = append(c.outputs, n)
		case *recursion:
			c.loops, c.alone = true, true
		case *ranking:
			c.rankings, c.alone = append(c.rankings, op), true
		}
	}
	c.due = newDueSet(len(c.nodes))
	c.due.addAll(len(c.nodes))
	if err := findLoops(c.nodes); err != nil {
		return nil, fmt.Errorf("build circuit: %w", err)
	}
	c.fingerprint = fingerprint(c.nodes)
	if err := c.checkStarted(); err != nil {
		return nil, fmt.Errorf("build circuit: %w", err)
	}
	return c, nil
}

// nodePrefix begins the keys of a node's state.
func nodePrefix(circuit []byte, id int) []byte {
	return binary.AppendUvarint(slices.Clone(circuit), uint64(id)+1)
}

// NodeEnd says how many first bytes of a key name the operator whose state it belongs to, where the circuit's
// prefix is so long. It is for a store that keeps the state of each together.
func NodeEnd(key []byte, prefix int) int {
	_, size := binary.Uvarint(key[min(prefix, len(key)):])
	return min(prefix+max(size, 0), len(key))
}

// fingerprint is the shape of a circuit in a number.
func fingerprint(nodes []*node) uint64 {
	var text []byte
	for _, n := range nodes {
		text = fmt.Appendf(text, "%s %q %d %v", n.op.kind(), n.label, n.width, n.inputs)
		switch op := n.op.(type) {
		case *index:
			text = append(text, op.kept.String()...)
		case *intervalIndex:
			text = append(text, op.kept.String()...)
		case *gate:
			text = append(text, op.String()...)
		}
		text = append(text, '\n')
	}
	return xxh3.Hash(text)
}

// Fingerprint identifies the circuit's shape and labels; equal circuits have
// equal ones, on every machine.
func (c *Circuit) Fingerprint() uint64 { return c.fingerprint }

// ownKey holds the fingerprint; it exists once the first step is committed.
// Node prefixes begin with a number from 1.
func (c *Circuit) ownKey() []byte { return append(slices.Clone(c.prefix), 0) }

func (c *Circuit) checkStarted() error {
	found, ok, err := state.GetUint64(c.store, c.ownKey())
	if err != nil {
		return fmt.Errorf("read circuit's fingerprint: %w", err)
	}
	if ok && found != c.fingerprint {
		return ErrChanged
	}
	c.started = ok
	return nil
}

// Step feeds one delta to each of the named sources (others get none) and
// evaluates the circuit once: it reads the state before the step from the
// store, collects the changes of the state in batch, and returns the deltas of
// those outputs that have one. They are good until the next Step.
//
// The caller commits batch, together with whatever position the deltas bring
// the state to, before the next Step. If Step fails, or the batch is not to be
// committed, the caller resets it, and the step never happened (in a load it has to be
// committed: see StartLoad).
//
// The input may be cut into steps anywhere: the sums of the outputs and the
// state are the same (the operators are causal and the streams' integrals
// depend on nothing but the inputs' integrals).
//
// Memory: rows pass from operator to operator in chunks, also those of a join
// that makes many of few. What is held until a step's end is the delta of each
// index, distinct and aggregate that keeps traces (encoded rows), the groups
// that other aggregates touch, and the deltas of the outputs (but see StepInParts).
func (c *Circuit) Step(ctx context.Context, inputs map[string]*Batch, batch state.Batch) ([]Output, error) {
	return c.StepInParts(ctx, inputs, batch, Parts{})
}

// Parts says what becomes of deltas too large to be held in memory.
type Parts struct {
	Rows int // how many rows of an output are held
	// Take is given that many, and may be called any number of times for an output
	// within a step. What it takes is not part of what the step returns, so the
	// output's delta is the sum of both: a row may be in several parts, with weights
	// that cancel. If it does not want an output's rows, they are gathered as ever. The
	// batch is used again.
	Take func(output string, rows *Batch) (bool, error)
	// Passed, if there is one, is told of rows as they pass from operator to operator. An error
	// of it ends the step: so who finds that too much is held (Held) may take it in smaller ones.
	Passed func(rows int) error
	// Workers is how many goroutines evaluate the step, if the circuit can be evaluated by more
	// than one; 0 is one. It pays with thousands of rows. Take and Passed are called by one of them
	// at a time. The sums of the outputs and the state are the same.
	Workers int
}

// StepInParts is Step for deltas of any size. Take may write to the store, but not
// to what the circuit keeps in it, nor to batch; if the step fails, what it has
// taken belongs to no step.
func (c *Circuit) StepInParts(ctx context.Context, inputs map[string]*Batch, batch state.Batch, parts Parts) ([]Output, error) {
	out, err := c.step(ctx, inputs, batch, parts)
	if err != nil {
		for _, n := range c.nodes { // what was gathered belongs to no step
			n.out.batch.Reset()
			if r, ok := n.op.(interface{ reset() }); ok {
				r.reset()
			}
			if m := n.memo(); m != nil {
				m.forget()
			}
		}
		c.due.addAll(len(c.nodes))
		return nil, fmt.Errorf("circuit step: %w", err)
	}
	return out, nil
}

func (c *Circuit) step(ctx context.Context, inputs map[string]*Batch, batch state.Batch, parts Parts) (outs []Output, err error) {
	s := &step{ctx: ctx, store: c.store, batch: batch, inputs: inputs, parts: parts, due: c.due}
	defer s.enter(nil)
	if c.loops {
		s.overlay()
	}
	defer func() {
		if s.over == nil {
			return
		}
		if cerr := s.over.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("read state: %w", cerr)
		}
	}()
	for _, r := range c.rankings {
		if err := r.begin(s); err != nil {
			return nil, err
		}
	}
	for name, in := range inputs {
		n := c.sources[name]
		switch {
		case n == nil:
			return nil, fmt.Errorf("no source %q", name)
		case in.Width != n.width:
			return nil, fmt.Errorf("source %q is %d columns wide, not %d", name, n.width, in.Width)
		}
		c.due.add(n.id)
	}
	if !c.started {
		if err := c.start(s); err != nil {
			return nil, err
		}
	}
	if parts.Workers > 1 && !c.alone {
		err = c.share(s, parts.Workers)
	} else {
		err = c.run(s, 0, len(c.nodes)-1, func(*node) bool { return true })
	}
	if err != nil {
		return nil, err
	}
	for _, n := range c.outputs {
		if !c.due.has(n.id) {
			continue
		}
		if o := n.op.(*output); o.rows.Len() > 0 {
			outs = append(outs, Output{Name: o.name, Batch: &o.rows})
		}
	}
	return outs, nil
}

// start runs the first step's part. Whether this is the first step is asked of
// the store until the answer is no, since an earlier one may not have been
// committed.
func (c *Circuit) start(s *step) error {
	if err := c.checkStarted(); err != nil || c.started {
		return err
	}
	for _, n := range c.nodes {
		if op, ok := n.op.(starter); ok {
			s.enter(n)
			c.due.add(n.id)
			if err := op.start(s, n); err != nil {
				return fmt.Errorf("%s %q: %w", n.op.kind(), n.label, err)
			}
		}
	}
	state.SetUint64(s.batch, c.ownKey(), c.fingerprint)
	return nil
}
