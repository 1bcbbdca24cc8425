package main

import "github.com/stepping-cdc/stepping-cdc/state"

// visits counts what a circuit asks of its store. Unlike times, it is the same on
// every machine and however busy that is.
type visits struct {
	reads  int64 // keys sought, fetched or passed over
	writes int64 // keys written
}

// countingStore is a store that counts.
type countingStore struct {
	state.Store
	visits *visits
}

func (s *countingStore) Get(dst, key []byte) ([]byte, bool, error) {
	s.visits.reads++
	return s.Store.Get(dst, key)
}

func (s *countingStore) NewIter(lower, upper []byte) state.Iterator {
	return &countingIter{s.Store.NewIter(lower, upper), s.visits}
}

func (s *countingStore) NewBatch() state.Batch { return &countingBatch{s.Store.NewBatch(), s.visits} }

type countingIter struct {
	state.Iterator
	visits *visits
}

func (i *countingIter) First() bool            { i.visits.reads++; return i.Iterator.First() }
func (i *countingIter) Last() bool             { i.visits.reads++; return i.Iterator.Last() }
func (i *countingIter) SeekGE(key []byte) bool { i.visits.reads++; return i.Iterator.SeekGE(key) }
func (i *countingIter) SeekLT(key []byte) bool { i.visits.reads++; return i.Iterator.SeekLT(key) }
func (i *countingIter) Next() bool             { i.visits.reads++; return i.Iterator.Next() }
func (i *countingIter) Prev() bool             { i.visits.reads++; return i.Iterator.Prev() }

func (i *countingIter) SeekPrefix(prefix []byte) bool {
	i.visits.reads++
	return i.Iterator.SeekPrefix(prefix)
}

type countingBatch struct {
	state.Batch
	visits *visits
}

func (b *countingBatch) Set(key, value []byte) { b.visits.writes++; b.Batch.Set(key, value) }
func (b *countingBatch) Delete(key []byte)     { b.visits.writes++; b.Batch.Delete(key) }

func (b *countingBatch) AddWeight(key []byte, w int64) {
	b.visits.writes++
	b.Batch.AddWeight(key, w)
}

func (b *countingBatch) AddWeightUnder(key []byte, prefix int, w int64) {
	b.visits.writes++
	b.Batch.AddWeightUnder(key, prefix, w)
}

func (b *countingBatch) Append(of state.Batch) { b.Batch.Append(of.(*countingBatch).Batch) }

func (b *countingBatch) DeleteRange(lower, upper []byte) {
	b.visits.writes++
	b.Batch.DeleteRange(lower, upper)
}
