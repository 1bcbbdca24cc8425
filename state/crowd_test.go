package state_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// heldFS has merging wait until open is closed, as a disk does that is too slow for it.
type heldFS struct {
	vfs.FS
	open chan struct{}
}

func (fs *heldFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if category == "pebble-compaction" && filepath.Ext(name) == ".sst" {
		<-fs.open
	}
	return fs.FS.Create(name, category)
}

// TestFlushDoesNotWaitForMerging keeps merging from going on. What is committed can
// be made durable all the same; a large batch waits, and goes on when merging does.
func TestFlushDoesNotWaitForMerging(t *testing.T) {
	const files = 60 // more than writes put up with
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fs := &heldFS{FS: vfs.NewMem(), open: make(chan struct{})}
	o := small
	o.FS = fs
	stalled := make(chan struct{}, 1)
	o.OnEvent = func(e state.Event) {
		if e.Name == "stall" {
			select {
			case stalled <- struct{}{}:
			default:
			}
		}
	}
	s, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for i := range uint64(files) {
		state.SetUint64(b, []byte("a"), i)
		state.SetUint64(b, []byte("z"), i)
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(ctx); err != nil {
			t.Fatalf("flush %d: %v", i, err)
		}
	}
	if n := s.Metrics().ReadAmplification; n < files {
		t.Fatalf("a read looks at %d files, not at %d: merging was not held", n, files)
	}
	select {
	case <-stalled:
	case <-ctx.Done():
		t.Fatal("nobody was told that writes wait for merging")
	}

	b.Set([]byte("large"), large)
	done := make(chan error, 1)
	go func() {
		_, err := b.Commit()
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("a large batch did not wait for merging (%v)", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(fs.open)
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("a large batch waits for ever")
	}
	if err := errors.Join(b.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestOpenDoesNotWaitForMerging keeps merging from going on in a store that is opened with much to be merged. It
// can be used, and is merged once that goes on.
func TestOpenDoesNotWaitForMerging(t *testing.T) {
	const files = 20
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	disk := vfs.NewCrashableMem()
	fs := &heldFS{FS: disk, open: make(chan struct{})}
	o := small
	o.FS = fs
	flush := func(s *state.Disk) {
		b := s.NewBatch()
		state.SetUint64(b, []byte("a"), s.Committed())
		state.SetUint64(b, []byte("z"), s.Committed())
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Flush(ctx), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	for range files {
		flush(s)
	}
	fs2 := &heldFS{FS: disk.CrashClone(vfs.CrashCloneCfg{}), open: make(chan struct{})}
	close(fs.open)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	o.FS = fs2
	opened := make(chan error, 1)
	go func() {
		s, err = state.Open("state", o)
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("opening waits for merging")
	}
	flush(s)
	close(fs2.open)
	for s.Metrics().ReadAmplification > 8 {
		if ctx.Err() != nil {
			t.Fatalf("a read still looks at %d files", s.Metrics().ReadAmplification)
		}
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEndLoad: what was loaded is merged before EndLoad says so, and it does not wait
// longer than it was told to.
func TestEndLoad(t *testing.T) {
	const files = 20
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fs := &heldFS{FS: vfs.NewMem(), open: make(chan struct{})}
	o := small
	o.FS = fs
	s, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	s.StartLoad()
	b := s.NewBatch()
	for i := range uint64(files) {
		state.SetUint64(b, []byte("a"), i)
		state.SetUint64(b, []byte("z"), i)
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if s.EndLoad(ctx, 50*time.Millisecond) {
		t.Error("20 files on top of each other count as merged")
	}
	close(fs.open)
	if !s.EndLoad(ctx, time.Minute) {
		t.Error("not merged within a minute")
	}
	if n := s.Metrics().ReadAmplification; n > 8 {
		t.Errorf("merged, and a read looks at %d files", n)
	}
	if err := errors.Join(b.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}
