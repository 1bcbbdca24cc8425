package state

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Memory is a Store that lives and dies with the process: for tests, and for
// programs that want circuits without a disk. What is committed counts as
// durable.
type Memory struct {
	mu        sync.RWMutex
	tree      *tree
	committed uint64
	onDurable func(uint64)
	closed    bool
	broken    error        // half a batch is applied
	readers   atomic.Int64 // open iterators: while there are some, writes copy what they change
}

// NewMemory makes an empty store. Of the options it heeds OnDurable.
func NewMemory(o Options) *Memory {
	return &Memory{tree: newTree(), onDurable: o.OnDurable}
}

// Get implements Store.
func (m *Memory) Get(dst, key []byte) ([]byte, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return dst, false, ErrClosed
	}
	value, ok := m.tree.root.get(key)
	return append(dst, value...), ok, nil
}

// NewIter implements Store.
func (m *Memory) NewIter(lower, upper []byte) Iterator {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return failedIter{ErrClosed}
	}
	m.readers.Add(1)
	return &memoryIter{treeIter: treeIter{root: m.tree.root, lower: lower, upper: upper}, m: m}
}

// memoryIter is an iterator over the tree as it was when it was made.
type memoryIter struct {
	treeIter
	m *Memory // nil once it is closed
}

func (it *memoryIter) Close() error {
	if it.m != nil {
		it.m.readers.Add(-1)
		it.m = nil
	}
	return it.treeIter.Close()
}

// NewBatch implements Store.
func (m *Memory) NewBatch() Batch { return &memoryBatch{m: m} }

// Committed implements Store.
func (m *Memory) Committed() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.committed
}

// Durable implements Store.
func (m *Memory) Durable() uint64 { return m.Committed() }

// StartFlush implements Store.
func (m *Memory) StartFlush() error { return nil }

// Flush implements Store.
func (m *Memory) Flush(context.Context) error { return nil }

// SizeOf implements Store: nothing is on disk.
func (m *Memory) SizeOf(_, _ []byte) (uint64, error) { return 0, nil }

// Metrics implements Store.
func (m *Memory) Metrics() Metrics {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return Metrics{
		MemoryBytes: uint64(m.tree.size), Committed: m.committed, Durable: m.committed,
		ReadAmplification: 1,
	}
}

// Close implements Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

type opKind uint8

const (
	opSet opKind = iota
	opDelete
	opDeleteRange
	opAddWeight
)

// memoryBatch lists its writes with their bytes in one arena.
type memoryBatch struct {
	m     *Memory
	arena []byte
	ops   []memoryOp
}

type memoryOp struct {
	kind opKind
	off  int // of a in the arena; b follows it
	a, b int // lengths of key and value, or of the bounds
	w    int64
}

func (b *memoryBatch) add(kind opKind, a, v []byte, w int64) {
	op := memoryOp{kind: kind, off: len(b.arena), a: len(a), b: len(v), w: w}
	b.arena = append(append(b.arena, a...), v...)
	b.ops = append(b.ops, op)
}

func (b *memoryBatch) Set(key, value []byte)           { b.add(opSet, key, value, 0) }
func (b *memoryBatch) Delete(key []byte)               { b.add(opDelete, key, nil, 0) }
func (b *memoryBatch) DeleteRange(lower, upper []byte) { b.add(opDeleteRange, lower, upper, 0) }

func (b *memoryBatch) AddWeight(key []byte, w int64) {
	if w != 0 {
		b.add(opAddWeight, key, nil, w)
	}
}

func (b *memoryBatch) AddWeightUnder(key []byte, _ int, w int64) { b.AddWeight(key, w) }

// Append implements Batch.
func (b *memoryBatch) Append(of Batch) {
	from := of.(*memoryBatch)
	shift := len(b.arena)
	b.arena = append(b.arena, from.arena...)
	for _, op := range from.ops {
		op.off += shift
		b.ops = append(b.ops, op)
	}
}

func (b *memoryBatch) Len() int  { return len(b.ops) }
func (b *memoryBatch) Size() int { return len(b.arena) }

func (b *memoryBatch) Commit() (uint64, error) {
	seq, err := b.apply()
	if err != nil {
		return 0, fmt.Errorf("commit state batch: %w", err)
	}
	if b.m.onDurable != nil {
		b.m.onDurable(seq)
	}
	return seq, nil
}

func (b *memoryBatch) apply() (uint64, error) {
	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, ErrClosed
	}
	if m.broken != nil {
		return 0, m.broken
	}
	if m.readers.Load() > 0 {
		m.tree.snapshot()
	}
	// The tree keeps slices of the arena, which is not used again.
	arena, ops := b.arena, b.ops
	b.arena, b.ops = nil, ops[:0]
	for _, op := range ops {
		key := arena[op.off : op.off+op.a : op.off+op.a]
		value := arena[op.off+op.a : op.off+op.a+op.b : op.off+op.a+op.b]
		if err := m.tree.apply(op, key, value); err != nil {
			m.broken = err
			return 0, err
		}
	}
	m.committed++
	return m.committed, nil
}

func (t *tree) apply(op memoryOp, key, value []byte) error {
	switch op.kind {
	case opSet:
		t.set(key, value)
	case opDelete:
		t.delete(key)
	case opDeleteRange:
		t.deleteRange(key, value)
	case opAddWeight:
		sum := op.w
		if old, found := t.root.get(key); found {
			w, err := Weight(old)
			if err != nil {
				return err
			}
			sum += w
		}
		if sum == 0 {
			t.delete(key)
		} else {
			t.set(key, appendWeight(nil, sum))
		}
	}
	return nil
}

func (b *memoryBatch) Reset() { b.arena, b.ops = b.arena[:0], b.ops[:0] }

func (b *memoryBatch) Close() error { return nil }
