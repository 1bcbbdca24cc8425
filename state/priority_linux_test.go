package state_test

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestMergingGivesWay asks each merge, and each flush, for the nice value of its thread. The threads of
// merges must end with them: nothing that comes later may be as slow.
func TestMergingGivesWay(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nice := func() int {
		// The system call gives 20 minus the nice value, as negative numbers are its errors.
		n, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
		if err != nil {
			t.Error(err)
		}
		return 20 - n
	}
	usual := nice()
	type seen struct {
		event string
		nice  int
	}
	events := make(chan seen, 1000)
	o := small
	o.FS = vfs.NewMem()
	o.OnEvent = func(e state.Event) { events <- seen{e.Name, nice()} }
	s, err := state.Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	merged, flushed := false, false
	for i := uint64(0); !merged || !flushed; i++ {
		state.SetUint64(b, []byte("a"), i)
		state.SetUint64(b, []byte("z"), i)
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(ctx); err != nil {
			t.Fatalf("flush %d: %v", i, err)
		}
		for len(events) > 0 {
			want := usual
			e := <-events
			switch e.event {
			case "compaction":
				merged, want = true, min(usual+10, 19)
			case "flush":
				flushed = flushed || merged
			}
			if e.nice != want {
				t.Fatalf("%s: nice %d, want %d", e.event, e.nice, want)
			}
		}
	}
	for range 100 {
		done := make(chan int)
		go func() { done <- nice() }()
		if n := <-done; n != usual {
			t.Fatalf("a goroutine runs with nice %d", n)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
