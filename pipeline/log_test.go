package pipeline

import (
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// TestTrimLog: trimming deletes what is logged up to a position, nothing else, and where nothing is
// logged it writes where it has come alone.
func TestTrimLog(t *testing.T) {
	store := state.NewMemory(state.Options{})
	defer store.Close()
	b := store.NewBatch()
	defer b.Close()
	commit := func() {
		t.Helper()
		if _, err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	trim := func(upTo position, p partial, writes int, left ...logID) {
		t.Helper()
		if err := trimLog(store, b, upTo, p); err != nil {
			t.Fatal(err)
		}
		if n := b.Len(); n != writes {
			t.Errorf("up to %v: %d writes, not %d", upTo, n, writes)
		}
		commit()
		heads, err := logHeads(store, position{})
		if err != nil {
			t.Fatal(err)
		}
		if len(heads) != len(left) {
			t.Fatalf("up to %v: %d heads are left, not %d", upTo, len(heads), len(left))
		}
		for i, h := range heads {
			_, rows, err := store.Get(nil, append(logViewKey(h.id, 1, 0), 'r'))
			if err != nil || h.id != left[i] || !rows {
				t.Errorf("up to %v: head %v with rows %t, not %v (%v)", upTo, h.id, rows, left[i], err)
			}
		}
	}
	trim(position{50, 0}, partial{}, 2)

	var ids []logID
	for _, lsn := range []int{100, 200, 300} {
		h := logHead{id: transactionID(decode.LSN(lsn)), at: position{decode.LSN(lsn) + 1, 0}, time: time.Now()}
		h.write(b)
		b.AddWeight(append(logViewKey(h.id, 1, 0), 'r'), 1)
		ids = append(ids, h.id)
	}
	commit()
	trim(position{90, 0}, partial{}, 2, ids...)
	trim(position{101, 0}, partial{}, 4, ids[1:]...)
	trim(position{102, 0}, partial{}, 2, ids[1:]...)
	trim(position{301, 0}, partial{Commit: 300}, 4, ids[2:]...)
	trim(position{301, 0}, partial{}, 4)
	trim(position{302, 0}, partial{}, 2)
}
