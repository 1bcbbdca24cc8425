package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// confirmed is the slot's position, "" if it has none.
func (w *world) confirmed() string {
	w.t.Helper()
	return ask[string](w, w.conn, "SELECT coalesce((SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1), '')", w.slot)
}

// unslotted waits until nobody uses the slot, and drops it.
func (w *world) unslotted() {
	w.t.Helper()
	w.eventually("slot dropped", "SELECT pg_drop_replication_slot(slot_name) IS NOT NULL FROM pg_replication_slots WHERE slot_name = $1 AND NOT active", w.slot)
}

// untouched starts the pipeline, which has to stop with a code, and to leave slot
// and outputs as they are.
func (w *world) untouched(code replication.Code) {
	w.t.Helper()
	before, outputs := w.confirmed(), w.outputs()
	w.start(Options{})
	w.stops(code)
	if after := w.confirmed(); after != before {
		w.t.Errorf("%s: the slot was moved from %s to %s", code, before, after)
	}
	for name, was := range outputs {
		if w.outputs()[name] != was {
			w.t.Errorf("%s: output %s was written", code, name)
		}
	}
}

// TestSlotRecreated: another slot of the same name has another past.
func TestSlotRecreated(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	recreate := func() {
		w.exec("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", w.slot)
	}
	w.halt()
	w.exec("SELECT pg_drop_replication_slot($1)", w.slot)
	w.touchEverything()
	recreate()
	w.untouched(replication.SlotAhead)
	w.run(Options{Resnapshot: true})
	w.check()

	// While it runs. The stop may also find the slot missing, for a moment.
	w.exec("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1", w.slot)
	w.unslotted()
	w.touchEverything()
	recreate()
	err := w.fails()
	t.Log(err)
	w.untouched(replication.SlotAhead)

	// A physical one is not ours at all.
	w.exec("SELECT pg_drop_replication_slot($1)", w.slot)
	w.exec("SELECT pg_create_physical_replication_slot($1)", w.slot)
	t.Cleanup(func() {
		w.exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND slot_type = 'physical'", w.slot)
	})
	w.start(Options{})
	t.Log(w.fails())
	w.exec("SELECT pg_drop_replication_slot($1)", w.slot)
	w.run(Options{Resnapshot: true})
	w.touchEverything()
	w.check()
}

// TestSlotInvalidated: the server gives the slot up, for the WAL it keeps, while
// the pipeline is down, and while it runs but cannot go on; from 18 on, also because
// nobody has used it for long.
func TestSlotInvalidated(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"max_slot_wal_keep_size": "1MB", "wal_keep_size": "0", "min_wal_size": "32MB", "max_wal_size": "32MB"}
	srv := embedded.StartForTest(t, embedded.Options{Settings: settings})
	w := bankOn(t, srv, srv)
	w.run(Options{})
	w.check()
	filler := w.connect(w.dsn)
	fill := func() {
		t.Helper()
		for until := time.Now().Add(patience); ask[string](w, w.conn, "SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1", w.slot) != "lost"; {
			if time.Now().After(until) {
				t.Fatal("the slot is not lost")
			}
			execOn(t, filler, "SELECT pg_switch_wal()")
			execOn(t, filler, "CREATE TABLE fill AS SELECT repeat('x', 500) FROM generate_series(1, 5000); DROP TABLE fill")
			execOn(t, filler, "CHECKPOINT")
		}
	}
	again := func() {
		t.Helper()
		w.load(1, 5)
		w.untouched(replication.SlotLost)
		w.run(Options{Resnapshot: true})
		w.load(2, 5)
		w.check()
	}
	w.halt()
	fill()
	again()

	locker := w.connect(w.sink)
	execOn(t, locker, "BEGIN; LOCK stepping.every_entry IN SHARE MODE")
	w.load(3, 5)
	fill()
	execOn(t, locker, "ROLLBACK")
	w.stops(replication.SlotLost)
	again()

	if srv.Major() >= 18 {
		w.halt()
		execOn(t, filler, "ALTER SYSTEM SET idle_replication_slot_timeout = '1s'")
		execOn(t, filler, "SELECT pg_reload_conf()")
		time.Sleep(2 * time.Second)
		execOn(t, filler, "CHECKPOINT")
		w.eventually("slot is lost", "SELECT wal_status = 'lost' OR invalidation_reason IS NOT NULL FROM pg_replication_slots WHERE slot_name = $1", w.slot)
		execOn(t, filler, "ALTER SYSTEM RESET idle_replication_slot_timeout")
		execOn(t, filler, "SELECT pg_reload_conf()")
		again()
	} else {
		t.Log("idle_replication_slot_timeout came with 18")
	}
	_ = filler.Close(context.Background())
}
