package state_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestPositionsMergeAlone: flushes of nothing but a position do not have the rest of the
// state merged, whether it was loaded or came with them before.
func TestPositionsMergeAlone(t *testing.T) {
	for _, load := range []bool{true, false} {
		s, err := state.Open("state", state.Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		b := s.NewBatch()
		flush := func() {
			t.Helper()
			state.SetUint64(b, state.MetaKey("position"), s.Committed())
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if load {
			s.StartLoad()
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		value := make([]byte, 100)
		for i := range 100_000 {
			for j := 0; j+8 <= len(value); j += 8 {
				binary.LittleEndian.PutUint64(value[j:], rnd.Uint64()) // it does not compress
			}
			if b.Set(binary.BigEndian.AppendUint64([]byte{0x10}, uint64(i)), value); i%5000 == 0 {
				flush()
			}
		}
		flush()
		if load && !s.EndLoad(context.Background(), time.Minute) {
			t.Fatal("merging has not caught up")
		}
		const settling = 20 // in which the last of the rest may be merged
		var before state.Metrics
		for i := range 100 {
			if flush(); i == settling {
				settled(t, s)
				before = s.Metrics()
			}
		}
		settled(t, s)
		after := s.Metrics()
		if n := after.MergedBytes - before.MergedBytes; n > 1<<20 || after.Compactions == before.Compactions {
			t.Errorf("loaded %t: %d bytes in %d merges of positions", load, n, after.Compactions-before.Compactions)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until nothing has been merged for a while.
func settled(t *testing.T, s *state.Disk) {
	t.Helper()
	for n := s.Metrics().Compactions; ; {
		time.Sleep(200 * time.Millisecond)
		now := s.Metrics().Compactions
		if now == n {
			return
		}
		n = now
	}
}
