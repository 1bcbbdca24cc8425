package state_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/state/statetest"
)

// TestLoadsAgree: a load of so many commits, some large, that what they write is merged in
// memory several times, and drained while it goes on, shows what a store in memory does:
// at any time, to iterators that are older than the last merge, and when it is over.
func TestLoadsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := small
		o.FS = vfs.NewMem()
		disk, err := state.Open("state", o)
		if err != nil {
			rt.Fatal(err)
		}
		defer disk.Close()
		memory := state.NewMemory(state.Options{})
		both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
		defer both[0].Close()
		rnd := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(rt, "seed")))
		keys := 1 + rnd.IntN(200)
		write := func() {
			k, w, op, rest := rnd.IntN(keys), rnd.Int64N(5)-2, rnd.IntN(16), rnd.IntN(3)
			for _, b := range both {
				switch {
				case op < 2:
					b.Set(fmt.Appendf(nil, "v%d", k), fmt.Appendf(nil, "%d", w))
				case op == 2:
					b.Delete(fmt.Appendf(nil, "v%d", k))
				case op == 3:
					b.Delete(fmt.Appendf(nil, "w%d", k))
				case op < 9:
					b.AddWeight(fmt.Appendf(nil, "w%d", k), w)
				default:
					b.AddWeightUnder(fmt.Appendf(nil, "u%03d/%d", k, rest), 4, w)
				}
			}
		}
		commit := func() {
			for _, b := range both {
				if _, err := b.Commit(); err != nil {
					rt.Fatal(err)
				}
			}
		}
		same := func() {
			if diff := cmp.Diff(statetest.Contents(t, memory, nil, nil), statetest.Contents(t, disk, nil, nil)); diff != "" {
				rt.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
			}
			k := rnd.IntN(keys)
			for _, key := range []string{fmt.Sprint("v", k), fmt.Sprint("w", k)} {
				want, has, _ := memory.Get(nil, []byte(key))
				if got, ok, err := disk.Get(nil, []byte(key)); err != nil || ok != has || string(got) != string(want) {
					rt.Fatalf("get %s: %q on disk, %v, %q in memory", key, got, err, want)
				}
			}
			prefix := fmt.Appendf(nil, "u%03d", k)
			got, want := disk.NewIter([]byte("u"), []byte("v")), memory.NewIter([]byte("u"), []byte("v"))
			for a, b := got.SeekPrefix(prefix), want.SeekPrefix(prefix); a || b; a, b = got.Next(), want.Next() {
				if a != b || string(got.Key()) != string(want.Key()) || string(got.Value()) != string(want.Value()) {
					rt.Fatalf("the keys under %s differ", prefix)
				}
			}
			if err := got.Close(); err != nil {
				rt.Fatal(err)
			}
		}
		disk.StartLoad()
		var old, oldWant state.Iterator
		for i := range rnd.IntN(150) {
			for range rnd.IntN(20) {
				write()
			}
			if rnd.IntN(20) == 0 { // one of another size
				for j := range 5000 {
					for _, b := range both {
						b.AddWeight(fmt.Appendf(nil, "x%05d", j*7%5003), 1)
					}
				}
			}
			if rnd.IntN(30) == 0 {
				for _, b := range both {
					b.DeleteRange([]byte("w1"), []byte("w3"))
				}
			}
			commit()
			if rnd.IntN(25) == 0 {
				if err := disk.StartFlush(); err != nil {
					rt.Fatal(err)
				}
			}
			if rnd.IntN(15) == 0 {
				if _, err := disk.Spill(1 << rnd.IntN(13)); err != nil {
					rt.Fatal(err)
				}
			}
			if old == nil && i > 20 {
				old, oldWant = disk.NewIter(nil, []byte("x")), memory.NewIter(nil, []byte("x"))
			}
			if rnd.IntN(20) == 0 {
				same()
			}
		}
		if old != nil {
			// There and back: the store's own keys are not in memory.
			for a, b := old.SeekGE([]byte("u")), oldWant.SeekGE([]byte("u")); a || b; a, b = old.Next(), oldWant.Next() {
				if a != b || string(old.Key()) != string(oldWant.Key()) || string(old.Value()) != string(oldWant.Value()) {
					rt.Fatal("an old iterator sees something new on its way ahead")
				}
			}
			for a, b := old.Last(), oldWant.Last(); b; a, b = old.Prev(), oldWant.Prev() {
				if a != b || string(old.Key()) != string(oldWant.Key()) || string(old.Value()) != string(oldWant.Value()) {
					rt.Fatal("an old iterator sees something new on its way back")
				}
			}
			if err := old.Close(); err != nil {
				rt.Fatal(err)
			}
		}
		same()
		if err := disk.Flush(context.Background()); err != nil {
			rt.Fatal(err)
		}
		disk.EndLoad(context.Background(), 0)
		same()
		write()
		commit()
		same()
	})
}

// TestBatchesWhileLoadsBegin: a batch is the same whether a load begins or ends while it is filled, and whichever
// batches, filled before or meanwhile, are put together.
func TestBatchesWhileLoadsBegin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := small
		o.FS = vfs.NewMem()
		disk, err := state.Open("state", o)
		if err != nil {
			rt.Fatal(err)
		}
		defer disk.Close()
		memory := state.NewMemory(state.Options{})
		stores := []state.Store{disk, memory}
		var batches [3][2]state.Batch
		for i := range batches {
			for j, s := range stores {
				batches[i][j] = s.NewBatch()
				defer batches[i][j].Close()
			}
		}
		for range rapid.IntRange(1, 60).Draw(rt, "operations") {
			n, k := rapid.IntRange(0, 2).Draw(rt, "batch"), rapid.IntRange(0, 9).Draw(rt, "key")
			key, op := fmt.Appendf(nil, "w%d", k), rapid.IntRange(0, 11).Draw(rt, "operation")
			for j, b := range batches[n] {
				switch op {
				case 0:
					if j == 0 {
						disk.StartLoad()
					}
				case 1:
					if j == 0 {
						disk.EndLoad(context.Background(), 0)
					}
				case 2:
					b.DeleteRange(fmt.Append(nil, "w", k), fmt.Append(nil, "w", k+2))
				case 3:
					b.Delete(key)
				case 4:
					b.Set(fmt.Appendf(nil, "v%d", k), key)
				case 5:
					if other := (n + 1) % 3; n > 0 {
						b.Append(batches[other][j])
						batches[other][j].Reset()
					}
				case 6:
					if _, err := b.Commit(); err != nil {
						rt.Fatal(err)
					}
				default:
					b.AddWeight(key, int64(op)-9)
				}
			}
			if d, m := batches[n][0].Len(), batches[n][1].Len(); d != m {
				rt.Fatalf("%d writes in a batch of the disk's, %d in memory's", d, m)
			}
			if diff := cmp.Diff(statetest.Contents(t, memory, nil, nil), statetest.Contents(t, disk, nil, nil)); diff != "" {
				rt.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
			}
		}
	})
}
