package state_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// A load writes in some traces what lies between what is there of others, so merged files
// are cut. Nothing of them is lost or there twice, for whoever reads meanwhile, or after the power was cut.
func TestFilesAreCut(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small
	o.FS = fs
	o.Trace = func([]byte) int { return 2 }
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 5))
	memory := state.NewMemory(state.Options{})
	both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
	defer func() {
		if err := errors.Join(both[0].Close(), disk.Close()); err != nil {
			t.Error(err)
		}
	}()
	value := make([]byte, 120)
	var at [8]uint64 // what was written to traces in order
	cut := uint64(0)
	commit := func() {
		t.Helper()
		for _, b := range both {
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	same := func(round int, got state.Store) {
		t.Helper()
		a, b := memory.NewIter([]byte("t"), nil), got.NewIter([]byte("t"), nil)
		for x, y := a.First(), b.First(); x || y; x, y = a.Next(), b.Next() {
			if x != y || !bytes.Equal(a.Key(), b.Key()) || !bytes.Equal(a.Value(), b.Value()) {
				t.Fatalf("round %d: memory and disk differ", round)
			}
		}
		if err := errors.Join(a.Error(), a.Close(), b.Error(), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
	count := func(it state.Iterator) (n int) {
		t.Helper()
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		if err := errors.Join(it.Error(), it.Close()); err != nil {
			t.Error(err)
		}
		return n
	}
	for round := range 8 {
		disk.StartLoad()
		// Some traces only in each round, so that others lie around them.
		from := rnd.IntN(8)
		for range 10 {
			for trace := range 8 {
				prefix := fmt.Appendf(nil, "t%d", trace)
				n := 1200
				if (trace+from)%3 != 0 {
					n = 3
				}
				for range n {
					binary.BigEndian.PutUint64(value, rnd.Uint64())
					at[trace]++
					k, w := at[trace], rnd.Int64N(3)-1
					if trace%2 == 0 {
						k = rnd.Uint64N(8000)
					}
					for _, b := range both {
						if trace == 4 {
							b.AddWeight(binary.BigEndian.AppendUint64(prefix[:2:2], k), w)
						} else {
							b.Set(binary.BigEndian.AppendUint64(prefix[:2:2], k), value)
						}
					}
				}
			}
			commit()
		}
		if round%3 == 1 { // the iterator outlives what follows
			it, want := disk.NewIter([]byte("t"), nil), count(memory.NewIter([]byte("t"), nil))
			defer func() {
				if n := count(it); n != want {
					t.Errorf("an iterator sees %d keys, not %d", n, want)
				}
			}()
		}
		if err := disk.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		cut = max(cut, disk.CutFiles())
		disk.EndLoad(context.Background(), 0)
		same(round, disk)
		after := o
		after.FS = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
		again, err := state.Open("state", after)
		if err != nil {
			t.Fatal(err)
		}
		same(round, again)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if round%4 == 3 { // a trace goes, and comes again
			trace := rnd.IntN(8)
			at[trace] = 0
			prefix := fmt.Appendf(nil, "t%d", trace)
			for _, b := range both {
				b.DeleteRange(prefix, state.PrefixEnd(prefix))
			}
			commit()
		}
	}
	if cut == 0 {
		t.Error("no file was cut: the test shows nothing")
	}
}
