package state

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// diskBatch gathers writes as a Pebble batch does. Most are not committed to
// Pebble, but to the layer before it: see Disk.commitBatch. In a load they are gathered as the
// entries of a run, in the order in which they come.
type diskBatch struct {
	d       *Disk
	b       *pebble.Batch
	raw     *run // in place of b; one of both is empty
	loads   bool // what is written goes to raw
	err     error
	grown   bool // has more room than it should keep
	scratch [16]byte
}

// toRaw says whether a write goes to raw: the first one decides.
func (b *diskBatch) toRaw() bool {
	if b.raw.len() == 0 && b.b.Empty() {
		b.loads = b.d.loading.Load()
	}
	return b.loads
}

// plain has all that was written in b, as Pebble has it.
func (b *diskBatch) plain() {
	for i := range b.raw.len() {
		b.fail(drainEntry(b.b, b.raw.at(i), false))
	}
	b.raw = b.d.front.emptied(b.raw)
	b.loads = false
}

func (b *diskBatch) fail(err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
}

func (b *diskBatch) Set(key, value []byte) {
	if b.toRaw() {
		k, v := b.raw.grow(len(key)+1, entrySet, len(value)+1)
		k[copy(k, key)] = 0
		v[copy(v, value)] = setTag
		return
	}
	op := b.b.SetDeferred(len(key)+1, len(value)+1)
	op.Key[copy(op.Key, key)] = 0
	op.Value[copy(op.Value, value)] = setTag
	b.fail(op.Finish())
}

func (b *diskBatch) Delete(key []byte) {
	if b.toRaw() {
		k, _ := b.raw.grow(len(key)+1, entryGone, 0)
		k[copy(k, key)] = 0
		return
	}
	op := b.b.DeleteDeferred(len(key) + 1)
	op.Key[copy(op.Key, key)] = 0
	b.fail(op.Finish())
}

func (b *diskBatch) DeleteRange(lower, upper []byte) {
	b.plain()
	op := b.b.DeleteRangeDeferred(len(lower)+1, len(upper)+1)
	op.Key[copy(op.Key, lower)] = 0
	op.Value[copy(op.Value, upper)] = 0
	b.fail(op.Finish())
}

// Append implements Batch.
func (b *diskBatch) Append(of Batch) {
	from := of.(*diskBatch)
	b.fail(from.err)
	if n := from.raw.len(); n > 0 {
		if b.toRaw() {
			b.raw.addAll(from.raw, 0, n)
			return
		}
		from.plain()
	}
	if !from.b.Empty() {
		b.plain()
		b.fail(b.b.Apply(from.b, nil))
	}
}

func (b *diskBatch) Len() int  { return b.raw.len() + int(b.b.Count()) }
func (b *diskBatch) Size() int { return len(b.raw.data) + 4*b.raw.len() + b.b.Len() }

func (b *diskBatch) AddWeight(key []byte, w int64) { b.AddWeightUnder(key, len(key), w) }

func (b *diskBatch) AddWeightUnder(key []byte, prefix int, w int64) {
	if w == 0 {
		return
	}
	rest := len(key) - prefix
	weight := appendWeight(b.scratch[:0], w)
	if b.toRaw() {
		k, v := b.raw.grow(len(key)+lengthSize(rest), entryAdd, len(weight))
		putLength(k[copy(k, key):], rest)
		copy(v, weight)
		return
	}
	op := b.b.MergeDeferred(len(key)+lengthSize(rest), len(weight))
	putLength(op.Key[copy(op.Key, key):], rest)
	copy(op.Value, weight)
	b.fail(op.Finish())
}

func (b *diskBatch) Commit() (uint64, error) {
	seq, err := b.d.commitBatch(b)
	if err != nil {
		b.Reset()
		return 0, fmt.Errorf("commit state batch: %w", readError(err))
	}
	return seq, nil
}

// Reset empties the batch.
func (b *diskBatch) Reset() {
	b.b.Reset()
	b.raw = b.d.front.emptied(b.raw)
	b.err = nil
}

// write writes the batch to Pebble, which keeps a large one until it is flushed: of such
// a batch, which is filled with the next writes, it gets a copy in as much
// memory as that needs.
func (b *diskBatch) write(large int) error {
	if b.b.Len() < large {
		return b.b.Commit(pebble.NoSync)
	}
	b.grown = true
	exact := b.d.db.NewBatch()
	err := exact.SetRepr(bytes.Clone(b.b.Repr()))
	if err == nil {
		err = exact.Commit(pebble.NoSync)
	}
	return errors.Join(err, exact.Close())
}

// renew is Reset for a batch that was large and is small again.
func (b *diskBatch) renew() {
	b.fail(b.b.Close())
	b.b, b.err, b.grown = b.d.newBatch(), nil, false
}

func (b *diskBatch) Close() error {
	if b.b == nil {
		return nil
	}
	err := b.b.Close()
	b.b = nil
	return errors.Join(b.err, err)
}
