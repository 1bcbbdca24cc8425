package state_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// TestLayersAreSpilled: a load in which hardly anything is sought merges what it brings once, whatever order its keys come in;
// its files are gone when it is over.
func TestLayersAreSpilled(t *testing.T) {
	o := small
	fs := vfs.NewMem()
	o.FS = fs
	disk := loading(t, o)
	memory := state.NewMemory(state.Options{})
	both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
	rnd, rest := rand.New(rand.NewPCG(1, 1)), make([]byte, 100)
	most := 0
	for range 100 {
		for range 2_000 {
			k := fmt.Appendf(nil, "k%09d", rnd.IntN(1e9))
			for _, b := range both {
				b.AddWeightUnder(append(k, rest...), len(k), 1)
			}
		}
		for _, b := range both {
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		most = max(most, disk.Spilled())
	}
	if most < 2 {
		t.Fatalf("at most %d files were spilled: the test shows nothing", most)
	}
	if err := disk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !disk.EndLoad(t.Context(), time.Minute) {
		t.Fatal("merging does not end")
	}
	if n := disk.Metrics().MergedBytes; n > 64<<10 {
		t.Errorf("%d bytes were merged again", n)
	}
	if diff := cmp.Diff(statetest.Contents(t, memory, nil, nil), statetest.Contents(t, disk, nil, nil)); diff != "" {
		t.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
	}
	if err := errors.Join(both[0].Close(), disk.Close()); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "load-") {
			t.Errorf("%s is left", name)
		}
	}
}

// spilledDisk is a store in the middle of a load, with some of what it brings in files, some in memory.
func spilledDisk(t *testing.T, fs vfs.FS) (*state.Disk, *state.Memory) {
	t.Helper()
	o := small
	o.FS = fs
	disk := loading(t, o)
	memory := state.NewMemory(state.Options{})
	for i, s := range []state.Store{disk, memory} {
		b := s.NewBatch()
		for c := range 4 {
			for k := range 500 {
				b.AddWeight(fmt.Appendf(nil, "w%d", k*7919%1009+c), int64(c+1))
			}
			if _, err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			if i == 0 && c < 3 {
				if ok, err := disk.Spill(256); err != nil || !ok {
					t.Fatalf("spill: %v, %v", ok, err)
				}
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return disk, memory
}

// fullDisk is a file system that has no room for new tables while full.
type fullDisk struct {
	vfs.FS
	full    atomic.Bool
	refused atomic.Int64
}

func (f *fullDisk) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if f.full.Load() && strings.Contains(path, "load-") {
		f.refused.Add(1)
		return nil, syscall.ENOSPC
	}
	return f.FS.Create(path, c)
}

// TestSpilledWaitsForRoom: what was spilled goes to Pebble once there is room for it, and a flush waits until then.
func TestSpilledWaitsForRoom(t *testing.T) {
	fs := &fullDisk{FS: vfs.NewMem()}
	disk, memory := spilledDisk(t, fs)
	defer disk.Close()
	fs.full.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := disk.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("flush with a full disk: %v", err)
	}
	want := statetest.Contents(t, memory, nil, nil)
	if diff := cmp.Diff(want, statetest.Contents(t, disk, nil, nil)); diff != "" {
		t.Fatalf("memory and disk differ while it is full (-memory +disk):\n%s", diff)
	}
	fs.full.Store(false)
	if err := disk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What is durable is let go of right after that.
	for until := time.Now().Add(time.Minute); disk.Spilled() > 0 && time.Now().Before(until); time.Sleep(time.Millisecond) {
	}
	if disk.Spilled() > 0 || fs.refused.Load() == 0 {
		t.Errorf("%d files after the flush, and %d were refused", disk.Spilled(), fs.refused.Load())
	}
	if diff := cmp.Diff(want, statetest.Contents(t, disk, nil, nil)); diff != "" {
		t.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
	}
}

// TestSpillingWithoutRoom: a layer that cannot be spilled is drained.
func TestSpillingWithoutRoom(t *testing.T) {
	fs := &fullDisk{FS: vfs.NewMem()}
	o := small
	o.FS = fs
	disk := loading(t, o)
	defer disk.Close()
	b := disk.NewBatch()
	defer b.Close()
	b.AddWeight([]byte("k"), 1)
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	fs.full.Store(true)
	if ok, err := disk.Spill(256); err != nil || ok {
		t.Fatalf("spill with a full disk: %v, %v", ok, err)
	}
	if err := disk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := disk.Get(nil, []byte("k")); err != nil || !ok {
		t.Fatalf("what was committed is not there: %v", err)
	}
}

// TestClosedWhileFull: who closes a store does not wait for room.
func TestClosedWhileFull(t *testing.T) {
	fs := &fullDisk{FS: vfs.NewMem()}
	disk, _ := spilledDisk(t, fs)
	fs.full.Store(true)
	if err := disk.StartFlush(); err != nil {
		t.Fatal(err)
	}
	for fs.refused.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLoadAbandoned: who gives up a load waits neither for room nor for whoever does.
func TestLoadAbandoned(t *testing.T) {
	fs := &fullDisk{FS: vfs.NewMem()}
	disk, _ := spilledDisk(t, fs)
	fs.full.Store(true)
	flushed, committed := make(chan error), make(chan error)
	go func() { flushed <- disk.Flush(context.Background()) }()
	for fs.refused.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	go func() {
		b := disk.NewBatch()
		defer b.Close()
		for i := 0; ; i++ {
			for k := range 5000 {
				b.AddWeight(fmt.Appendf(nil, "x%d/%d", i, k), 1)
			}
			if _, err := b.Commit(); err != nil {
				committed <- err
				return
			}
		}
	}()
	select {
	case err := <-committed:
		t.Fatalf("commit: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	disk.AbandonLoad()
	for _, c := range []chan error{flushed, committed} {
		if err := <-c; !errors.Is(err, state.ErrAbandoned) {
			t.Errorf("%v, want that the load was given up", err)
		}
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
}

// damaged is a file system in which a byte of each spilled file is another one than was written, or cannot be read.
type damaged struct {
	vfs.FS
	err error
}

func (f *damaged) Open(path string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(path, opts...)
	if err != nil || !strings.HasSuffix(path, ".run") {
		return file, err
	}
	return damagedFile{file, f.err}, nil
}

type damagedFile struct {
	vfs.File
	err error
}

func (f damagedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if at := 1000 - off; at >= 0 && at < int64(n) {
		if f.err != nil {
			return 0, f.err
		}
		p[at] ^= 0x10
	}
	return n, err
}

// TestSpilledIsDamaged: what comes back from the disk as something else, or not at all, is an error of whoever
// reads it, and of the flush.
func TestSpilledIsDamaged(t *testing.T) {
	t.Run("another byte", func(t *testing.T) { spilledIsDamaged(t, nil) })
	t.Run("unreadable", func(t *testing.T) { spilledIsDamaged(t, syscall.EIO) })
}

func spilledIsDamaged(t *testing.T, how error) {
	disk, _ := spilledDisk(t, &damaged{vfs.NewMem(), how})
	defer disk.Close()
	for _, back := range []bool{false, true} {
		it := disk.NewIter(nil, nil)
		n := 0
		for ok := back && it.Last() || !back && it.First(); ok; ok = back && it.Prev() || !back && it.Next() {
			n++
		}
		if err := it.Error(); !errors.Is(err, state.ErrCorrupt) || n == 0 {
			t.Errorf("backwards %v: %d keys, %v", back, n, err)
		}
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	}
	failed := 0
	for k := range 1009 {
		_, _, err := disk.Get(nil, fmt.Appendf(nil, "w%d", k))
		if errors.Is(err, state.ErrCorrupt) {
			failed++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if failed == 0 {
		t.Error("no key is missing")
	}
	if err := disk.Flush(t.Context()); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("flush: %v", err)
	}
}

// TestSpilledIndexIsSmall: where blocks begin takes little memory, however long keys are and whatever they have in common.
func TestSpilledIndexIsSmall(t *testing.T) {
	for _, shared := range []bool{false, true} {
		o := small
		disk := loading(t, o)
		memory := state.NewMemory(state.Options{})
		rnd, long := rand.New(rand.NewPCG(1, 2)), strings.Repeat("x", 8_000)
		both := []state.Batch{disk.NewBatch(), memory.NewBatch()}
		files, most := 0, 0
		for range 60 {
			for range 40 {
				k := fmt.Appendf(nil, "%09d%s", rnd.IntN(1e9), long)
				if shared {
					k = fmt.Appendf(nil, "%s%09d", long, rnd.IntN(1e9))
				}
				for _, b := range both {
					b.AddWeight(k, 1)
				}
			}
			for _, b := range both {
				if _, err := b.Commit(); err != nil {
					t.Fatal(err)
				}
			}
			files, most = max(files, disk.Spilled()), max(most, disk.SpilledIndex())
		}
		if limit := int(o.Memory / 4); files == 0 || most > limit || !shared && most > limit/16 {
			t.Errorf("shared %v: %d bytes of memory for %d files", shared, most, files)
		}
		if diff := cmp.Diff(statetest.Contents(t, memory, nil, nil), statetest.Contents(t, disk, nil, nil)); diff != "" {
			t.Fatal("memory and disk differ")
		}
		if err := errors.Join(both[0].Close(), disk.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// kept is a file system that does not let spilled files be removed.
type kept struct{ vfs.FS }

func (f kept) Remove(path string) error {
	if strings.HasSuffix(path, ".run") {
		return syscall.EIO
	}
	return f.FS.Remove(path)
}

// TestSpilledStays: a file that cannot be removed harms nobody, and is removed when the store is opened again.
func TestSpilledStays(t *testing.T) {
	fs := vfs.NewMem()
	disk, memory := spilledDisk(t, kept{fs})
	it := disk.NewIter(nil, nil)
	if err := errors.Join(disk.Flush(t.Context()), it.Close()); err != nil {
		t.Fatal(err)
	}
	b := disk.NewBatch()
	b.AddWeight([]byte("w1"), 0)
	if _, err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Close(), disk.Close()); err != nil {
		t.Fatal(err)
	}
	o := small
	o.FS = fs
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	if diff := cmp.Diff(statetest.Contents(t, memory, nil, nil), statetest.Contents(t, disk, nil, nil)); diff != "" {
		t.Fatalf("memory and disk differ (-memory +disk):\n%s", diff)
	}
	names, err := fs.List("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "load-") {
			t.Errorf("%s is left", name)
		}
	}
}

// counted is a file system that counts the tables of loads, and has the first one wait.
type counted struct {
	vfs.FS
	tables atomic.Int64
	begun  chan struct{}
	goOn   chan struct{}
}

func (f *counted) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasSuffix(path, ".table") {
		if f.tables.Add(1) == 1 {
			close(f.begun)
		}
		<-f.goOn
	}
	return f.FS.Create(path, c)
}

// TestClosedWhileMerging: who closes a store in the middle of a load does not wait until all that was spilled is merged.
func TestClosedWhileMerging(t *testing.T) {
	const traces, rows = 60, 320
	fs := &counted{FS: vfs.NewMem(), begun: make(chan struct{}), goOn: make(chan struct{})}
	o := small
	o.FS, o.Trace = fs, func([]byte) int { return 3 }
	disk := loading(t, o)
	b, value := disk.NewBatch(), make([]byte, 1000)
	for i := range traces {
		for r := range rows {
			b.Set(fmt.Appendf(nil, "t%02d%09d", i, r), value)
		}
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if disk.Spilled() == 0 {
		t.Fatal("nothing was spilled: the test shows nothing")
	}
	if err := disk.StartFlush(); err != nil {
		t.Fatal(err)
	}
	<-fs.begun
	closed := make(chan error)
	go func() { closed <- disk.Close() }()
	for err := error(nil); !errors.Is(err, state.ErrClosed); {
		_, _, err = disk.Get(nil, []byte("t"))
	}
	time.Sleep(10 * time.Millisecond) // it asks the others to end right after that
	close(fs.goOn)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if n := fs.tables.Load(); n > traces/2 {
		t.Errorf("%d tables were written", n)
	}
}
