package state_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestMemoryIsUsed reads and writes more than memory holds: caches and buffers together keep to it, and what no
// buffer takes the cache has.
func TestMemoryIsUsed(t *testing.T) {
	const memory, keys = 32 << 20, 60_000
	s, err := state.Open(t.TempDir(), state.Options{Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	value := make([]byte, 1000) // random: it does not compress
	b := s.NewBatch()
	write := func(from, to, commit int) {
		t.Helper()
		for i := from; i < to; i++ {
			for j := 0; j+8 <= len(value); j += 8 {
				binary.LittleEndian.PutUint64(value[j:], rnd.Uint64())
			}
			b.Set(binary.BigEndian.AppendUint64([]byte("k"), uint64(i)), value)
			if i%commit != 0 {
				continue
			}
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func() {
		t.Helper()
		it := s.NewIter(nil, nil)
		n := 0
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		if err := errors.Join(it.Error(), it.Close()); err != nil {
			t.Fatal(err)
		}
		if n < keys/2 {
			t.Fatalf("%d keys", n)
		}
	}
	keepsTo := func(when string) uint64 {
		t.Helper()
		// A buffer may be a commit too full before it is seen to be.
		got := s.Metrics().MemoryBytes
		if got > memory+memory/16 {
			t.Errorf("%s: %d bytes of memory of %d", when, got, memory)
		}
		return got
	}

	s.StartLoad()
	write(0, keys, 100)
	read()
	keepsTo("loading")
	s.EndLoad(context.Background(), 0)
	for i := range 3 {
		write(i*1000, (i+1)*1000, 10)
		keepsTo("live, unflushed")
		if err := s.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		read()
		keepsTo("live")
	}
	if got := keepsTo("at the end"); got < memory*5/8 {
		t.Errorf("%d bytes of memory used of %d", got, memory)
	}
	if err := errors.Join(b.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}
