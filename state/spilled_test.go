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
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	memory := state.NewMemory(state.Options{})
	disk.StartLoad()
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
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	memory := state.NewMemory(state.Options{})
	disk.StartLoad()
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
	disk, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	disk.StartLoad()
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

// damaged is a file system in which a byte of each spilled file is another one than was written.
type damaged struct{ vfs.FS }

func (f *damaged) Open(path string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(path, opts...)
	if err != nil || !strings.HasSuffix(path, ".run") {
		return file, err
	}
	return damagedFile{file}, nil
}

type damagedFile struct{ vfs.File }

func (f damagedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if at := 1000 - off; at >= 0 && at < int64(n) {
		p[at] ^= 0x10
	}
	return n, err
}

// TestSpilledIsDamaged: what comes back from the disk as something else is an error of whoever
// reads it, and of the flush.
func TestSpilledIsDamaged(t *testing.T) {
	disk, _ := spilledDisk(t, &damaged{vfs.NewMem()})
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
