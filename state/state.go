// Package state keeps the integrals of a circuit's streams between steps: an
// ordered map of byte keys that changes by whole batches.
//
// It knows bytes, weights and durability. It must not know what the keys mean:
// no rows, no views, no positions in a write-ahead log. What a caller wants to
// find again together with a batch (the position that the batch brings the
// state to) it writes under a MetaKey in that same batch.
//
// # What a crash leaves
//
// A store is a cache with a memory of how far it got. Commit makes a batch
// visible at once and durable later; batches become durable in the order of
// their commits, each as a whole. After a crash the store opens as it was
// after some commit, and the metadata in it tells which. If that is older than
// what the caller acknowledged to the world, or the store reports ErrCorrupt,
// the caller rebuilds.
//
// # Value keys and weight keys
//
// A key is used in one of two ways: with Set (a value key) or with AddWeight (a
// weight key, which exists while its weight is not zero; read its value with
// Weight). Adding weight to a value is a bug of the caller, found as ErrCorrupt,
// if at all. Delete and DeleteRange remove both kinds.
package state

import "context"

// Store is an ordered map from byte keys to byte values.
//
// Reads see the last committed batch, never a batch being filled. Any number
// of goroutines may read while one writes; batches are committed by one
// goroutine at a time.
type Store interface {
	// Get appends the value under key to dst. The result belongs to the
	// caller; ok is false, and the result dst, when there is no such key.
	Get(dst, key []byte) (value []byte, ok bool, err error)
	// NewIter makes an iterator over the keys in [lower, upper) as they are
	// now; later commits do not change what it sees. nil bounds are open. The
	// bounds must not be modified while the iterator is open.
	NewIter(lower, upper []byte) Iterator
	// NewBatch makes an empty batch.
	NewBatch() Batch
	// Committed is the number of the last committed batch; numbers grow by one
	// a commit and go on after reopening.
	Committed() uint64
	// Durable is the number of the last batch that a crash cannot take back.
	Durable() uint64
	// StartFlush begins to make everything committed so far durable and
	// returns; Durable, or Options.OnDurable, tells when it is done.
	StartFlush() error
	// Flush makes everything committed so far durable.
	Flush(ctx context.Context) error
	// SizeOf estimates the bytes that the keys in [lower, upper) take on disk.
	SizeOf(lower, upper []byte) (uint64, error)
	// Metrics describes the store's present.
	Metrics() Metrics
	// Close releases the store. What is not durable by then is lost, which is
	// harmless but costs a replay: Flush first.
	Close() error
}

// Iterator walks keys in byte order. A new one stands nowhere. The positioning
// methods report whether they found a key to stand on.
type Iterator interface {
	First() bool
	Last() bool
	// SeekGE moves to the first key ≥ key, SeekLT to the last key < key.
	SeekGE(key []byte) bool
	SeekLT(key []byte) bool
	// SeekPrefix moves to the first of the keys written by AddWeightUnder under
	// exactly this prefix. Going on with Next, the iterator ends with them. It is
	// the cheapest way to learn that there are none.
	SeekPrefix(prefix []byte) bool
	Next() bool
	Prev() bool
	Valid() bool
	// Key and Value are the iterator's own memory, good until it moves.
	Key() []byte
	Value() []byte
	// Error is why the iterator is not valid, nil at an end.
	Error() error
	Close() error
}

// Batch collects writes that become visible together. It copies its arguments.
// Later writes to a key win over earlier ones, weights add up. An error inside
// is reported by Commit. A batch is used by one goroutine.
type Batch interface {
	Set(key, value []byte)
	Delete(key []byte)
	// DeleteRange removes the keys in [lower, upper). Neither bound may lie within the
	// keys of one prefix of AddWeightUnder: whoever seeks that prefix may not see it.
	DeleteRange(lower, upper []byte)
	// AddWeight adds w to the weight under key without reading it; a key whose
	// weight is zero does not exist.
	AddWeight(key []byte, w int64)
	// AddWeightUnder is AddWeight for a key of two parts, the first of them of
	// prefix bytes, which SeekPrefix finds. No prefix may be a proper prefix of
	// another key's prefix, nor the rest of a key of another rest under the same
	// prefix, nor may a key be sought or deleted by its bytes: all keys under one
	// or several prefixes are passed over or removed together.
	AddWeightUnder(key []byte, prefix int, w int64)
	// Append adds the writes of another batch of the same store, as if they were made now.
	Append(of Batch)
	// Len is the number of writes, Size their bytes.
	Len() int
	Size() int
	// Commit applies all writes at once, returns the number of the commit and
	// leaves the batch empty for reuse.
	Commit() (seq uint64, err error)
	// Reset empties the batch without applying it.
	Reset()
	// Close releases it.
	Close() error
}

// Metrics is a store's present, for people and dashboards.
type Metrics struct {
	DiskBytes      uint64 // files of the store
	MemoryBytes    uint64 // cache and unflushed writes
	UnflushedBytes uint64 // committed, not yet durable
	Committed      uint64 // number of the last commit
	Durable        uint64 // number of the last durable commit
	Flushes        int64
	Compactions    int64
	FlushedBytes   uint64 // written by flushes
	MergedBytes    uint64 // written again by compactions
	CacheHits      int64
	CacheMisses    int64
	// ReadAmplification is the number of places a read may have to look at.
	ReadAmplification int
	// LastError is the last failure of a flush or compaction; they are retried.
	LastError error
}
