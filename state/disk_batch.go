package state

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// diskBatch gathers writes as a Pebble batch does. Most are not committed to
// Pebble, but to the layer before it: see Disk.commitBatch.
type diskBatch struct {
	d       *Disk
	b       *pebble.Batch
	err     error
	grown   bool // has more room than it should keep
	ranges  bool // deletes some
	scratch [16]byte
}

func (b *diskBatch) fail(err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
}

func (b *diskBatch) Set(key, value []byte) {
	op := b.b.SetDeferred(len(key)+1, len(value)+1)
	op.Key[copy(op.Key, key)] = 0
	op.Value[copy(op.Value, value)] = setTag
	b.fail(op.Finish())
}

func (b *diskBatch) Delete(key []byte) {
	op := b.b.DeleteDeferred(len(key) + 1)
	op.Key[copy(op.Key, key)] = 0
	b.fail(op.Finish())
}

func (b *diskBatch) DeleteRange(lower, upper []byte) {
	b.ranges = true
	op := b.b.DeleteRangeDeferred(len(lower)+1, len(upper)+1)
	op.Key[copy(op.Key, lower)] = 0
	op.Value[copy(op.Value, upper)] = 0
	b.fail(op.Finish())
}

// Append implements Batch.
func (b *diskBatch) Append(of Batch) {
	from := of.(*diskBatch)
	b.ranges = b.ranges || from.ranges
	b.fail(from.err)
	if !from.b.Empty() {
		b.fail(b.b.Apply(from.b, nil))
	}
}

func (b *diskBatch) Len() int  { return int(b.b.Count()) }
func (b *diskBatch) Size() int { return b.b.Len() }

func (b *diskBatch) AddWeight(key []byte, w int64) { b.AddWeightUnder(key, len(key), w) }

func (b *diskBatch) AddWeightUnder(key []byte, prefix int, w int64) {
	if w == 0 {
		return
	}
	rest := len(key) - prefix
	weight := appendWeight(b.scratch[:0], w)
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
	b.err, b.ranges = nil, false
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
	b.b, b.err, b.grown, b.ranges = b.d.newBatch(), nil, false, false
}

func (b *diskBatch) Close() error {
	if b.b == nil {
		return nil
	}
	err := b.b.Close()
	b.b = nil
	return errors.Join(b.err, err)
}
