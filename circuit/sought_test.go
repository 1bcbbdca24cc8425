package circuit_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// watched is a store that finds out where a key is sought by a part of the rest behind a prefix of
// AddWeightUnder. In memory that is as good as any other search; on disk it finds nothing.
type watched struct {
	*state.Memory
	prefixes map[string]bool
	wrong    [][]byte
}

func (w *watched) NewBatch() state.Batch { return &watchedBatch{w.Memory.NewBatch(), w} }

func (w *watched) NewIter(lower, upper []byte) state.Iterator {
	return &watchedIter{w.Memory.NewIter(lower, upper), w}
}

// seek notes that a key is sought.
func (w *watched) seek(key []byte) {
	for n := range key {
		if w.prefixes[string(key[:n])] {
			w.wrong = append(w.wrong, bytes.Clone(key))
		}
	}
}

type watchedBatch struct {
	state.Batch
	w *watched
}

func (b *watchedBatch) AddWeightUnder(key []byte, prefix int, w int64) {
	if prefix < len(key) {
		b.w.prefixes[string(key[:prefix])] = true
	}
	b.Batch.AddWeightUnder(key, prefix, w)
}

type watchedIter struct {
	state.Iterator
	w *watched
}

func (i *watchedIter) SeekGE(key []byte) bool {
	i.w.seek(key)
	return i.Iterator.SeekGE(key)
}

func (i *watchedIter) SeekLT(key []byte) bool {
	// The end of all keys under a prefix is behind its keys.
	if n := len(key); n > 0 && key[n-1] > 0 {
		before := slices.Clone(key)
		before[n-1]--
		if i.w.prefixes[string(before)] {
			return i.Iterator.SeekLT(key)
		}
	}
	i.w.seek(key)
	return i.Iterator.SeekLT(key)
}

// TestNothingIsSoughtByItsRest: no operator seeks a place among the keys under one prefix.
func TestNothingIsSoughtByItsRest(t *testing.T) {
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				store := &watched{Memory: state.NewMemory(state.Options{}), prefixes: map[string]bool{}}
				c := q.circuit(t, store)
				for _, d := range genHistory(rt, q.inputs, false) {
					step(t, c, store, d, q.width)
				}
				if len(store.wrong) > 0 {
					rt.Fatalf("%x is sought, of which the first bytes are a prefix", store.wrong[0])
				}
			})
		})
	}
}
