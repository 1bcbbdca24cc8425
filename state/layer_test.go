package state_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/state/statetest"
)

// large is a value that makes a batch go past the layer.
var large = make([]byte, 1<<20)

// TestIteratorsOutliveDrains keeps iterators open while commits, drains, flushes,
// large batches and loads go on, and compares what they see, moving back and forth, with
// what was there when they were made.
func TestIteratorsOutliveDrains(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := small
		o.FS = vfs.NewMem()
		disk, err := state.Open("state", o)
		if err != nil {
			rt.Fatal(err)
		}
		defer disk.Close()
		memory := state.NewMemory(state.Options{})
		type pair struct{ got, want state.Iterator }
		var open []pair
		defer func() {
			for _, p := range open {
				p.got.Close()
			}
		}()
		key := rapid.StringMatching(`[a-c]{0,2}`)
		both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
		defer both[0].Close()
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			for range rapid.IntRange(0, 8).Draw(rt, "writes") {
				k, l := key.Draw(rt, "k"), key.Draw(rt, "l")
				op := rapid.IntRange(0, 7).Draw(rt, "op")
				w := rapid.Int64Range(-1, 1).Draw(rt, "w")
				for _, b := range both {
					switch op {
					case 0, 1:
						b.Set([]byte("v"+k), []byte(l))
					case 2:
						b.Delete([]byte("v" + k))
					case 3:
						b.DeleteRange([]byte("v"+k), []byte("v"+l))
					case 4:
						b.DeleteRange([]byte("v"+k), []byte("w"+l))
					default:
						b.AddWeight([]byte("w"+k), w)
					}
				}
			}
			if rapid.IntRange(0, 4).Draw(rt, "large") == 0 {
				for _, b := range both {
					b.Set([]byte("x"), large)
				}
			}
			for _, b := range both {
				if _, err := b.Commit(); err != nil {
					rt.Fatal(err)
				}
			}
			switch rapid.IntRange(0, 9).Draw(rt, "then") {
			case 0, 1:
				err = disk.StartFlush()
			case 2:
				err = disk.Flush(context.Background())
			case 3:
				disk.StartLoad()
			case 4:
				disk.EndLoad(context.Background(), 0)
			case 5, 6:
				_, err = disk.Spill(1 << rapid.IntRange(0, 7).Draw(rt, "block"))
			}
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(statetest.Contents(t, memory, nil, []byte("x")), statetest.Contents(t, disk, nil, []byte("x"))); diff != "" {
				rt.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
			}
			k := key.Draw(rt, "k")
			for _, kind := range []string{"v", "w"} {
				want, _, _ := memory.Get(nil, []byte(kind+k))
				if got, _, err := disk.Get(nil, []byte(kind+k)); err != nil || string(got) != string(want) {
					rt.Fatalf("get %s: %q on disk, %v, %q in memory", kind+k, got, err, want)
				}
			}
			open = append(open, pair{disk.NewIter([]byte("v"), []byte("x")), memory.NewIter([]byte("v"), []byte("x"))})
			for _, p := range open {
				var moves []string
				for range rapid.IntRange(0, 6).Draw(rt, "moves") {
					k := key.Draw(rt, "to")
					name := rapid.SampledFrom([]string{"first", "last", "next", "next", "prev", "prev", "seek", "below"}).Draw(rt, "move")
					for _, it := range []state.Iterator{p.got, p.want} {
						switch name {
						case "first":
							it.First()
						case "last":
							it.Last()
						case "next":
							it.Next()
						case "prev":
							it.Prev()
						case "seek":
							it.SeekGE([]byte("v" + k))
						default:
							it.SeekLT([]byte("w" + k))
						}
					}
					moves = append(moves, name+" "+k)
					if p.got.Valid() != p.want.Valid() || p.got.Valid() &&
						(string(p.got.Key()) != string(p.want.Key()) || string(p.got.Value()) != string(p.want.Value())) {
						rt.Fatalf("iterators disagree after %v", moves)
					}
				}
			}
			if len(open) > 3 {
				if err := open[0].got.Close(); err != nil {
					rt.Fatal(err)
				}
				open = slices.Delete(open, 0, 1)
			}
		}
	})
}

// TestReadersWhileDraining has readers watch a sum that every commit leaves as it
// is, while layers are drained, flushed and passed by, by large batches and by loads.
func TestReadersWhileDraining(t *testing.T) {
	const accounts, each = 200, 100
	s := openDisk(t, t.TempDir())
	defer s.Close()
	account := func(i int) []byte { return fmt.Appendf(nil, "account %d", i) }
	b := s.NewBatch()
	for i := range accounts {
		b.AddWeight(account(i), each)
	}
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				var sum int64
				it := s.NewIter([]byte("account"), []byte("b"))
				for ok := it.First(); ok; ok = it.Next() {
					w, err := state.Weight(it.Value())
					if err != nil {
						t.Error(err)
					}
					sum += w
				}
				if err := it.Error(); err != nil || sum != accounts*each {
					t.Errorf("sum %d, want %d, %v", sum, accounts*each, err)
				}
				if err := it.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i, until := 0, time.Now().Add(time.Second); time.Now().Before(until) && !t.Failed(); i++ {
		for range 20 {
			from, to, w := rand.IntN(accounts), rand.IntN(accounts), rand.Int64N(each)
			b.AddWeight(account(from), -w)
			b.AddWeight(account(to), w)
		}
		switch i % 120 {
		case 0, 40:
			b.Set([]byte("large"), large)
		case 80:
			s.StartLoad()
		case 110:
			s.EndLoad(context.Background(), 0)
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if i%15 == 0 {
			if err := s.StartFlush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	readers.Wait()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCancelled: what came and went between two flushes never reaches the disk,
// weights and ranges alike, and takes no more memory than it had at once.
func TestCancelled(t *testing.T) {
	s := openDisk(t, t.TempDir())
	defer s.Close()
	b := s.NewBatch()
	defer b.Close()
	for i := range 20000 {
		b.AddWeight(fmt.Appendf(nil, "w%06d", i), 1)
		if i > 0 {
			b.AddWeight(fmt.Appendf(nil, "w%06d", i-1), -1)
		}
		b.Set([]byte("v"), fmt.Appendf(nil, "%d", i))
		b.Set(fmt.Appendf(nil, "x%06d", i), []byte("logged"))
		if i%100 == 0 {
			b.DeleteRange([]byte("x"), fmt.Appendf(nil, "x%06d", i))
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{`v="19999"`, fmt.Sprintf("w019999=%q", "\x02")}
	for i := 19900; i < 20000; i++ {
		want = append(want, fmt.Sprintf("x%06d=%q", i, "logged"))
	}
	if diff := cmp.Diff(want, statetest.Contents(t, s, nil, nil)); diff != "" {
		t.Fatalf("contents (-want +got):\n%s", diff)
	}
	// The commit number is one more.
	if seen, dead, err := s.Sweep(); err != nil || dead > 0 || seen != len(want)+1 {
		t.Fatalf("%d keys on disk, %d without weight, %v; want %d and none", seen, dead, err, len(want)+1)
	}
	if n := s.Metrics().Flushes; n != 1 {
		t.Fatalf("%d flushes, want 1: the layer was full of what is gone", n)
	}
}

// TestWeightOnValue: the store says so, and takes no half of a batch.
func TestWeightOnValue(t *testing.T) {
	for _, drained := range []bool{false, true} {
		s := openDisk(t, t.TempDir())
		b := s.NewBatch()
		b.Set([]byte("a"), []byte("1"))
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if drained {
			if err := s.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		b.AddWeight([]byte("a"), 1)
		_, err := b.Commit()
		if err == nil {
			_, _, err = s.Get(nil, []byte("a"))
		}
		if err == nil {
			t.Errorf("drained %v: a weight on a value is taken", drained)
		}
		b.Close()
		s.Close()
	}
}
