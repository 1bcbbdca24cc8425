package state_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/state/statetest"
)

// noRoom is a file system that has no room, by turns, for the tables of a load: neither for
// writing them nor for Pebble's names of them.
type noRoom struct {
	vfs.FS
	calls, failed atomic.Int64
}

func (f *noRoom) refuses(path string) error {
	if strings.Contains(path, "load-") && f.calls.Add(1)%3 != 0 {
		f.failed.Add(1)
		return syscall.ENOSPC
	}
	return nil
}

func (f *noRoom) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.refuses(path); err != nil {
		return nil, err
	}
	return f.FS.Create(path, c)
}

func (f *noRoom) Link(from, to string) error {
	if err := f.refuses(from); err != nil {
		return err
	}
	return f.FS.Link(from, to)
}

// TestLoadWithoutTables: what cannot go to the disk as tables goes there as batches, at once
// or later, and nothing is lost, nothing there twice.
func TestLoadWithoutTables(t *testing.T) {
	fs := &noRoom{FS: vfs.NewMem()}
	o := small
	o.FS = fs
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	memory := state.NewMemory(state.Options{})
	both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
	rnd := rand.New(rand.NewPCG(1, 2))
	disk.StartLoad()
	for range 60 {
		for range 200 {
			k, w, op := rnd.IntN(3000), rnd.Int64N(5)-2, rnd.IntN(8)
			for _, b := range both {
				switch op {
				case 0:
					b.Set(fmt.Appendf(nil, "v%d", k), fmt.Append(nil, w))
				case 1:
					b.Delete(fmt.Appendf(nil, "w%d", k))
				default:
					b.AddWeight(fmt.Appendf(nil, "w%d", k), w)
				}
			}
		}
		for _, b := range both {
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if err := disk.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	want := statetest.Contents(t, memory, nil, nil)
	if diff := cmp.Diff(want, statetest.Contents(t, disk, nil, nil)); diff != "" {
		t.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
	}
	if n, failed := fs.calls.Load(), fs.failed.Load(); failed < 10 || n-failed < 10 {
		t.Fatalf("%d of %d calls failed: the test shows nothing", failed, n)
	}
	if err := errors.Join(both[0].Close(), disk.Close()); err != nil {
		t.Fatal(err)
	}
	if disk, err = state.Open("state", o); err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	if diff := cmp.Diff(want, statetest.Contents(t, disk, nil, nil)); diff != "" {
		t.Fatalf("memory and disk differ after opening again (-memory +disk):\n%s", diff)
	}
}

// TestTablesLeftBehind: what a crash leaves of tables is removed.
func TestTablesLeftBehind(t *testing.T) {
	o := small
	fs := vfs.NewMem()
	o.FS = fs
	for range 2 {
		disk, err := state.Open("state", o)
		if err != nil {
			t.Fatal(err)
		}
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
		names, err := fs.List("state")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasPrefix(name, "load-") {
				t.Fatalf("%s is left", name)
			}
		}
		for _, name := range []string{"load-000012.table", "load-000003.run"} {
			f, err := fs.Create("state/"+name, vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// loading is a store in the middle of a load, in memory unless there is a file system.
func loading(t *testing.T, o state.Options) *state.Disk {
	t.Helper()
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	disk.StartLoad()
	return disk
}

// TestLoadFails: what fails once a commit was handed over is told to whoever reads, commits
// or flushes next.
func TestLoadFails(t *testing.T) {
	disk := loading(t, small)
	defer disk.Close()
	b := disk.NewBatch()
	defer b.Close()
	// The two do not go together: they meet when the run is made.
	b.Set([]byte("k"), []byte("v"))
	b.AddWeight([]byte("k"), 1)
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := disk.Get(nil, []byte("k")); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("get: %v", err)
	}
	it := disk.NewIter(nil, nil)
	if it.First() || !errors.Is(it.Error(), state.ErrCorrupt) {
		t.Errorf("iterator: %v", it.Error())
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	b.Set([]byte("l"), nil)
	if _, err := b.Commit(); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("commit: %v", err)
	}
	if err := disk.Flush(context.Background()); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("flush: %v", err)
	}
}

// TestFlushFails: who waits for a flush hears of what fails meanwhile.
func TestFlushFails(t *testing.T) {
	for range 5 {
		disk := loading(t, small)
		b := disk.NewBatch()
		for k := range 10_000 {
			b.AddWeight(fmt.Appendf(nil, "w%d", k*7919%10_007), 1)
		}
		// As in TestLoadFails, but nobody has waited for the run.
		b.Set([]byte("k"), []byte("v"))
		b.AddWeight([]byte("k"), 1)
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := disk.Flush(ctx); !errors.Is(err, state.ErrCorrupt) || ctx.Err() != nil {
			t.Fatalf("flush: %v", err)
		}
		cancel()
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoadWaitsForDrain: who commits faster than layers are drained waits, however many
// processors there are to make runs meanwhile.
func TestLoadWaitsForDrain(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	o := small
	o.FS = vfs.NewMem()
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	rnd := rand.New(rand.NewPCG(1, 2))
	steps := make([]state.Batch, 50)
	for i := range steps {
		steps[i] = disk.NewBatch()
		for range 20_000 {
			steps[i].Set(binary.BigEndian.AppendUint64(nil, rnd.Uint64()), make([]byte, 8))
		}
	}
	disk.StartLoad()
	b := disk.NewBatch()
	most := uint64(0)
	for i := range 3 * len(steps) {
		b.Append(steps[i%len(steps)])
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		most = max(most, disk.Metrics().UnflushedBytes)
	}
	// Two layers of three sixteenths each, what a step may have them exceed that by, and a memtable.
	if limit := uint64(small.Memory/16*6 + 2<<20); most > limit {
		t.Errorf("%d bytes wait to be written, of %d at most", most, limit)
	}
}

// TestCloseWhileLoading closes a store as soon as a commit has returned.
func TestCloseWhileLoading(t *testing.T) {
	for i := range 30 {
		disk := loading(t, small)
		b := disk.NewBatch()
		for c := range 2 + i {
			for k := range 2000 {
				b.AddWeight(fmt.Appendf(nil, "w%d", k*7919%2003), int64(c+1))
			}
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Commit(); !errors.Is(err, state.ErrClosed) {
			t.Fatalf("commit to a closed store: %v", err)
		}
	}
}

// TestSeeksWhileTablesComeIn: who reads while Pebble takes tables in does not pass over what is in them.
func TestSeeksWhileTablesComeIn(t *testing.T) {
	const keys, seeks = 20_000, 100
	o := small
	var disk *state.Disk
	var passed atomic.Uint64
	var made atomic.Int64
	o.OnEvent = func(e state.Event) {
		if !strings.Contains(e.Text, "ingested") {
			return
		}
		it := disk.NewIter([]byte("k"), []byte("l"))
		for i := range seeks {
			if !it.SeekGE(fmt.Appendf(nil, "k%09d", i*keys/seeks)) {
				t.Error("what was committed is not there")
			}
		}
		passed.Add(state.Passed(it))
		made.Add(1)
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	}
	disk = loading(t, o)
	defer disk.Close()
	b := disk.NewBatch()
	defer b.Close()
	for part := range 4 {
		for i := range keys {
			b.AddWeight(fmt.Appendf(nil, "k%09d", i), int64(part+1))
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := disk.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if made.Load() < 2 {
		t.Fatalf("tables came in %d times", made.Load())
	}
	if n := passed.Load(); n > 20*seeks {
		t.Errorf("%d searches came by %d keys", int(made.Load())*seeks, n)
	}
}

// TestTablesOfTraces: a load writes what belongs to one trace to tables of its own. So those of a trace
// whose keys come in order are never merged.
func TestTablesOfTraces(t *testing.T) {
	merged := func(trace func([]byte) int) uint64 {
		o := small
		o.Trace = trace
		disk := loading(t, o)
		disk.SettleNothing()
		b := disk.NewBatch()
		const commits, rows = 60, 2_000
		value, rnd := make([]byte, 100), rand.New(rand.NewPCG(1, 1))
		for c := range commits {
			for i := range rows {
				b.Set(fmt.Appendf(nil, "a%09d", c*rows+i), value)
				b.Set(fmt.Appendf(nil, "b%09d", rnd.IntN(1e9)), value)
				b.Set(fmt.Appendf(nil, "c%09d", c*rows+i), value)
			}
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			if c%5 == 4 { // so that layers do not wait for each other
				if err := disk.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := disk.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !disk.EndLoad(t.Context(), time.Minute) {
			t.Fatal("merging does not end")
		}
		bytes := disk.Metrics().MergedBytes
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	together, apart := merged(nil), merged(func([]byte) int { return 1 })
	if together == 0 || apart > together*2/3 {
		t.Errorf("%d bytes are merged where each trace has tables of its own, %d where not", apart, together)
	}
}

// TestTablesWithoutTraces: keys of no trace share tables, before traces, between them and behind them, and how
// those begin does not have one be taken for another.
func TestTablesWithoutTraces(t *testing.T) {
	for _, c := range []struct {
		keys   []string // how they begin, in order
		traces map[string]bool
		most   uint64 // tables
	}{
		{[]string{"a", "b", "c"}, nil, 2},
		{[]string{"a", "b", "c"}, map[string]bool{"b": true}, 4},
		{[]string{"a", "b", "c"}, map[string]bool{"a": true, "c": true}, 4},
		{[]string{"a", "ab", "ac"}, map[string]bool{"a": true, "ab": true, "ac": true}, 4},
	} {
		o := small
		o.Trace = func(key []byte) int {
			for n := 2; n > 0; n-- {
				if c.traces[string(key[:n])] {
					return n
				}
			}
			return 0
		}
		disk := loading(t, o)
		b := disk.NewBatch()
		for _, begin := range c.keys {
			for j := range 4000 {
				b.Set(fmt.Appendf(nil, "%s%06d", begin, j), make([]byte, 100))
			}
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := disk.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		least := uint64(len(c.traces))
		if n := disk.Tables(); n < least || n > c.most {
			t.Errorf("keys %q, traces %v: %d tables, want %d to %d", c.keys, c.traces, n, least, c.most)
		}
		if err := errors.Join(b.Close(), disk.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// What a load writes in order is not merged, though a little is written to traces around it, and though
// what is there merged lies around it.
func TestTablesBetweenTraces(t *testing.T) {
	o := small
	o.Trace = func([]byte) int { return 1 }
	disk := loading(t, o)
	b := disk.NewBatch()
	const commits, rows, few = 80, 1_500, 10
	value, rnd := make([]byte, 100), rand.New(rand.NewPCG(1, 1))
	put := func(key []byte) {
		for i := range value {
			value[i] = byte(rnd.Uint32())
		}
		b.Set(key, value)
	}
	for c := range commits {
		for i := range rows {
			put(fmt.Appendf(nil, "a%09d", rnd.IntN(1e9)))
			put(fmt.Appendf(nil, "c%09d", c*rows+i)) // in order
			if i < few {
				put(fmt.Appendf(nil, "b%09d", rnd.IntN(1e9)))
				put(fmt.Appendf(nil, "d%09d", rnd.IntN(1e9)))
			}
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !disk.EndLoad(t.Context(), time.Minute) {
		t.Fatal("merging does not end")
	}
	m := disk.Metrics()
	if m.MergedBytes > m.FlushedBytes*6/10 { // half of them are in order
		t.Errorf("%d of %d bytes are merged", m.MergedBytes, m.FlushedBytes)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}
