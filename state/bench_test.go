package state_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// commitEach commits a batch and fails the benchmark if it cannot.
func commitEach(b *testing.B, batch state.Batch) {
	b.Helper()
	if _, err := batch.Commit(); err != nil {
		b.Fatal(err)
	}
}

func traceKey(dst []byte, table byte, group uint32, row uint64) []byte {
	dst = append(dst, 0x10, 0, 0, 0, 1, table)
	dst = binary.BigEndian.AppendUint32(dst, group)
	return binary.BigEndian.AppendUint64(dst, row)
}

const (
	tracePrefix = 10 // bytes of a traceKey up to its row
	logPrefix   = 0x12
)

// BenchmarkHotKeys is what a counter's table does to a trace: a commit takes a row
// of a hot group away, puts another one in its place and overwrites the group's
// state; the next one reads the group's rows and its state. An output log is
// written and cut behind.
func BenchmarkHotKeys(b *testing.B) {
	const groups, others = 10, 10
	s, err := state.Open(b.TempDir(), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := s.NewBatch()
	defer batch.Close()
	var key, value []byte
	for g := range uint32(groups) {
		for r := range uint64(others) {
			key = traceKey(key[:0], 1, g, r)
			batch.AddWeightUnder(key, tracePrefix, 1)
		}
		batch.AddWeightUnder(traceKey(key[:0], 1, g, 1000), tracePrefix, 1)
	}
	commitEach(b, batch)
	row := make([]uint64, groups)
	for g := range row {
		row[g] = 1000
	}
	b.ResetTimer()
	for i := range b.N {
		g := uint32(i % groups)
		key = traceKey(key[:0], 1, g, 0)[:tracePrefix]
		it, n := s.NewIter(key[:6:6], state.PrefixEnd(key[:6])), 0
		for ok := it.SeekPrefix(key); ok; ok = it.Next() {
			n++
		}
		if err := it.Close(); err != nil || n != others+1 {
			b.Fatalf("%d rows in group %d, %v", n, g, err)
		}
		groupKey := traceKey(nil, 2, g, 0)
		if value, _, err = s.Get(value[:0], groupKey); err != nil {
			b.Fatal(err)
		}
		batch.AddWeightUnder(traceKey(key[:0], 1, g, row[g]), tracePrefix, -1)
		row[g] = uint64(1000 + i)
		batch.AddWeightUnder(traceKey(key[:0], 1, g, row[g]), tracePrefix, 1)
		batch.Set(groupKey, binary.BigEndian.AppendUint64(value[:0], uint64(i)))
		batch.AddWeight(binary.BigEndian.AppendUint64([]byte{logPrefix}, uint64(i)), 1)
		if i%1000 == 999 {
			batch.DeleteRange([]byte{logPrefix}, binary.BigEndian.AppendUint64([]byte{logPrefix}, uint64(i-500)))
		}
		commitEach(b, batch)
		if i%10000 == 9999 {
			if err := s.StartFlush(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkBulk adds new rows in random order, many to a commit, as a catch-up
// does; its operations are rows.
func BenchmarkBulk(b *testing.B) {
	for _, rows := range []int{1000, 16000} {
		b.Run(map[int]string{1000: "1,000 a commit", 16000: "16,000 a commit"}[rows], func(b *testing.B) {
			s, err := state.Open(b.TempDir(), state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			batch := s.NewBatch()
			defer batch.Close()
			r := rand.New(rand.NewPCG(1, 2))
			key := make([]byte, 0, 100)
			filler := make([]byte, 60)
			b.ResetTimer()
			for i := range b.N {
				key = append(traceKey(key[:0], 1, r.Uint32(), r.Uint64()), filler...)
				batch.AddWeightUnder(key, tracePrefix, 1)
				if i%rows == rows-1 {
					commitEach(b, batch)
				}
			}
			commitEach(b, batch)
			if err := s.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkProbe seeks groups of which one in ten exists, in commits that add
// others: a join of a stream with a trace that is on disk.
func BenchmarkProbe(b *testing.B) {
	const rows, each = 500000, 20
	s, err := state.Open(b.TempDir(), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := s.NewBatch()
	defer batch.Close()
	var key []byte
	filler := make([]byte, 60)
	for i := range uint32(rows) {
		key = append(traceKey(key[:0], 1, i*10, uint64(i)), filler...)
		batch.AddWeightUnder(key, tracePrefix, 1)
		if i%10000 == 9999 {
			commitEach(b, batch)
		}
	}
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	lower := traceKey(nil, 1, 0, 0)[:6]
	b.ResetTimer()
	for i := 0; i < b.N; {
		it := s.NewIter(lower, state.PrefixEnd(lower))
		for range each {
			i++
			key = traceKey(key[:0], 1, r.Uint32N(rows*10), 0)[:tracePrefix]
			for ok := it.SeekPrefix(key); ok; ok = it.Next() {
			}
			batch.AddWeightUnder(traceKey(key[:0], 2, r.Uint32(), 0), tracePrefix, 1)
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
		commitEach(b, batch)
	}
}

// BenchmarkGet reads rows of a large table by key, of which some are in the files
// of the first level, in commits that write others: a table whose old rows are kept.
func BenchmarkGet(b *testing.B) {
	const rows, each = 500000, 5
	s, err := state.Open(b.TempDir(), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := s.NewBatch()
	defer batch.Close()
	var key []byte
	filler := make([]byte, 60)
	for i := range uint32(rows) {
		batch.Set(traceKey(key[:0], 1, i, 0), filler)
		if i%10000 == 9999 {
			commitEach(b, batch)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		for range 1000 {
			batch.Set(traceKey(key[:0], 1, r.Uint32N(rows), 0), filler)
		}
		commitEach(b, batch)
		if err := s.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	var value []byte
	b.ResetTimer()
	for i := 0; i < b.N; {
		for range each {
			i++
			var ok bool
			if value, ok, err = s.Get(value[:0], traceKey(key[:0], 1, r.Uint32N(rows), 0)); err != nil || !ok {
				b.Fatal(ok, err)
			}
			batch.Set(traceKey(key[:0], 2, r.Uint32N(rows), 0), filler)
		}
		commitEach(b, batch)
	}
}
