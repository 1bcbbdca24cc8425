package state_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestFlushedBytes: what is flushed once counts once.
func TestFlushedBytes(t *testing.T) {
	s, err := state.Open(t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rnd := rand.New(rand.NewPCG(1, 2))
	b := s.NewBatch()
	defer b.Close()
	const keys, size = 10_000, 100
	value := make([]byte, size) // random: it does not compress
	for i := range keys {
		for j := 0; j+8 <= size; j += 8 {
			binary.LittleEndian.PutUint64(value[j:], rnd.Uint64())
		}
		b.Set(binary.BigEndian.AppendUint64([]byte("k"), uint64(i)), value)
	}
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := s.Metrics().FlushedBytes; n < keys*size*9/10 || n > keys*size*13/10 {
		t.Errorf("%d bytes flushed of %d", n, keys*size)
	}
}
