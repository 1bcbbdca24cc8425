package pipeline

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// bankOn is a bank with its source and its sink on servers of their own, or on
// one.
func bankOn(t *testing.T, source, sink *embedded.Server) *world {
	w := newWorldOn(t, source.NewDB(t), bankSchema)
	if sink != source {
		w.sink = sink.NewDB(t)
		w.out = w.connect(w.sink)
	}
	w.addBankViews()
	w.exec(`INSERT INTO entries SELECT 0, i, 0 FROM generate_series(1, 4) i; UPDATE ticks SET n = 1 WHERE teller = 0`)
	return w
}

// load is so many transfers in one session, as fast as it can.
func (w *world) load(seed uint64, n int) {
	w.t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range n {
		if err := transfer(context.Background(), w.conn, rnd); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestSinkCrash kills the sink's server: commits that had not reached its disk
// are gone, and come from the output log.
func TestSinkCrash(t *testing.T) {
	// Without its help, nothing that is committed asynchronously reaches the disk.
	sink := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}})
	w := bankOn(t, embedded.ForTest(t), sink)
	w.run(Options{})
	w.check()
	lost := 0
	for i := range 4 {
		w.load(uint64(i), 40)
		w.wait()
		before := ask[uint64](w, w.out, "SELECT (lsn - '0/0')::int8 FROM stepping_cdc.progress")
		if i == 3 {
			w.halt() // and the state is closed in order
			w.load(9, 3)
		}
		if err := sink.Kill(); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			w.load(10, 20) // meanwhile
		}
		if err := sink.Restart(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.out = w.connect(w.sink)
		if after := ask[uint64](w, w.out, "SELECT (lsn - '0/0')::int8 FROM stepping_cdc.progress"); after < before {
			lost++
		}
		if i == 3 {
			w.run(Options{})
		}
		w.check()
	}
	t.Logf("progress went back %d times", lost)
	if lost == 0 {
		t.Error("nothing was ever lost: the test shows nothing")
	}
}

// TestSinkCrashAfterReplay: the outputs are ahead of the state, which goes the
// same way again without writing; then the outputs fall back behind it.
func TestSinkCrashAfterReplay(t *testing.T) {
	sink := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}})
	w := bankOn(t, embedded.ForTest(t), sink)
	w.run(Options{})
	w.check()
	w.halt()
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	slot := w.slot + "_copy"
	w.exec("SELECT pg_copy_logical_replication_slot($1, $2)", w.slot, slot)
	w.run(Options{})
	w.load(1, 60)
	w.wait()
	// As a crash does: the state is the older one.
	w.stop()
	w.dir, w.slot = old, slot
	w.run(Options{})
	w.load(2, 20)
	w.wait()
	if err := sink.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := sink.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.out = w.connect(w.sink)
	w.check()
}

// TestServerCrash kills the one server of both.
func TestServerCrash(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{})
	w := bankOn(t, srv, srv)
	w.run(Options{})
	w.check()
	for i := range 3 {
		w.load(uint64(i), 50)
		crash := srv.Kill
		if i == 1 {
			crash = srv.Shutdown
		}
		if err := crash(); err != nil {
			t.Fatal(err)
		}
		if err := srv.Restart(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.reconnect()
		w.load(uint64(i)+10, 10)
		w.check()
	}
}

// TestBackendsTerminated ends our sessions, one kind at a time, and all.
func TestBackendsTerminated(t *testing.T) {
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	w.run(Options{})
	ws := w.startWriters(seed(t), 1, slowTransfer)
	for _, which := range []string{
		"backend_type = 'walsender'", "application_name = 'stepping-cdc'", "application_name = 'stepping-cdc bell'",
		"application_name LIKE 'stepping%' OR backend_type = 'walsender'",
	} {
		// One that began after the last ones ended may be gone again at once.
		w.eventually("a session of "+which+" is ended", "SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE datname = current_database() AND ("+which+")")
		w.wait()
	}
	ws.end()
	w.check()
}

// TestOutputLocked: someone locks an output table for long.
func TestOutputLocked(t *testing.T) {
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	w.run(Options{})
	locker := w.connect(w.dsn)
	execOn(t, locker, "BEGIN; LOCK stepping.balances")
	w.load(1, 30)
	time.Sleep(3 * time.Second)
	execOn(t, locker, "ROLLBACK")
	w.check()
}

// TestOutputEdited: someone writes to, drops or alters output tables. Each time
// the view is built anew.
func TestOutputEdited(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	for _, meddling := range []string{
		"DELETE FROM stepping.revenue",
		"DELETE FROM stepping.big WHERE id = (SELECT max(id) FROM orders WHERE amount > 100)",
		"UPDATE stepping.total SET n = 0",
		"TRUNCATE stepping.pages",
		"DROP TABLE stepping.names",
		"ALTER TABLE stepping.revenue RENAME COLUMN orders TO mine",
		"ALTER TABLE stepping.big DROP COLUMN name",
	} {
		t.Log(meddling)
		w.exec(meddling)
		w.touchEverything()
		w.mended()
	}
	// While nobody looks.
	w.halt()
	w.exec("DROP TABLE stepping.revenue; ALTER TABLE stepping.big ADD COLUMN more int; DELETE FROM stepping.total")
	w.touchEverything()
	w.run(Options{})
	w.touchEverything()
	w.mended()
}

// TestOutputsEditedTogether: what one commit meets in several output tables is mended in all.
func TestOutputsEditedTogether(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	w.exec("DELETE FROM stepping.big; DELETE FROM stepping.pages; DELETE FROM stepping.names; DELETE FROM stepping.revenue")
	// Not all of what is gone is met.
	w.exec("WITH o AS (UPDATE orders SET amount = amount + 1 WHERE id = 101) DELETE FROM visits WHERE page = (SELECT min(page) FROM visits)")
	time.Sleep(time.Second) // for it to be noticed
	w.wait()
	w.eventually("all are live", "SELECT bool_and(state = 'live') FROM stepping_cdc.views")
	w.check()
}

// TestDriftOutlivesTheState: that an output was found changed is known where a crash has taken the note of
// it from the state. The commit that found it is not made again.
func TestDriftOutlivesTheState(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	w.halt()
	w.exec("DELETE FROM stepping.pages; UPDATE stepping_cdc.views SET state = 'drifted', error = 'rows' WHERE name = 'pages'")
	w.run(Options{})
	w.eventually("all are live", "SELECT bool_and(state = 'live') FROM stepping_cdc.views")
	w.check()
}

// mended waits until no view is drifted and compares. Meddling may show only when
// the rows concerned change again.
func (w *world) mended() {
	w.t.Helper()
	w.wait()
	w.touchEverything()
	w.wait()
	w.eventually("all are live", "SELECT bool_and(state = 'live') FROM stepping_cdc.views")
	w.check()
}

// touchEverything changes each row of each view of the shop.
func (w *world) touchEverything() {
	w.t.Helper()
	w.exec(`UPDATE orders SET amount = amount + 1, note = note || '.'; UPDATE customers SET name = id || 'n' || right(name, 5), region = right(region || id % 4, 9);
		UPDATE visits SET page = left(md5(page), 8)`)
}

// TestStateLost: the state is gone, cut or damaged.
func TestStateLost(t *testing.T) {
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	w.run(Options{})
	w.load(1, 200)
	w.check()
	for i, damage := range []func(path string, data []byte) []byte{
		nil,
		func(_ string, data []byte) []byte { return data[:len(data)/2] },
		func(_ string, data []byte) []byte {
			for i := len(data) / 3; i < len(data); i += 997 {
				data[i] ^= 0x40
			}
			return data
		},
		func(path string, data []byte) []byte {
			if filepath.Ext(path) == ".sst" && len(data) > 200 {
				data[len(data)/2] ^= 1
			}
			return data
		},
	} {
		w.halt()
		w.load(uint64(i), 5)
		if damage == nil {
			w.loseState()
		} else {
			w.damageState(damage)
		}
		w.run(Options{})
		w.load(uint64(i)+20, 20)
		w.exec("UPDATE accounts SET branch = 4 - branch; DELETE FROM entries WHERE account = 3")
		w.check()
	}
}

// damageState rewrites the state's files.
func (w *world) damageState(damage func(path string, data []byte) []byte) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			return err
		}
		return os.WriteFile(path, damage(path, data), 0o600)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestTwoInstances: one writes, the other waits, and takes over when it may.
func TestTwoInstances(t *testing.T) {
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	w.run(Options{})
	a := w.startAuditor()
	second := *w
	second.dir = filepath.Join(t.TempDir(), "second")
	live := second.start(Options{})
	t.Cleanup(second.halt)
	w.load(1, 100)
	w.check()
	select {
	case <-live:
		t.Fatal("two instances are live")
	case <-time.After(time.Second):
	}
	w.halt()
	select {
	case <-live:
	case err := <-second.done:
		second.done <- err
		t.Logf("the second one has given up: %v", err)
		second.stop = nil
		w.run(Options{})
	case <-time.After(patience):
		t.Fatal("the second one does not take over")
	}
	w.load(2, 50)
	w.check()
	a.end()
}

// TestSlotFaults: the slot is dropped, or moved on, by someone else.
func TestSlotFaults(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	w.halt()
	w.exec("SELECT pg_drop_replication_slot($1)", w.slot)
	w.touchEverything()
	w.start(Options{})
	w.stops(replication.SlotMissing)
	w.run(Options{Resnapshot: true})
	w.check()

	w.halt()
	w.touchEverything()
	w.exec("SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())", w.slot)
	w.start(Options{})
	w.stops(replication.SlotAhead)
	w.run(Options{Resnapshot: true})
	w.check()

	// While it runs.
	w.exec("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1", w.slot)
	w.eventually("slot dropped", "SELECT pg_drop_replication_slot(slot_name) IS NOT NULL FROM pg_replication_slots WHERE slot_name = $1 AND NOT active", w.slot)
	w.stops(replication.SlotMissing)
	w.run(Options{Resnapshot: true})
	w.touchEverything()
	w.check()
}

// TestPublicationFaults: the publication is dropped, or a table leaves it for a
// while, or is created anew.
func TestPublicationFaults(t *testing.T) {
	w := shopWorld(t)
	w.run(Options{})
	w.check()
	mend := func(code replication.Code) {
		t.Helper()
		w.touchEverything()
		w.start(Options{})
		w.stops(code)
		w.run(Options{Resnapshot: true})
		w.touchEverything()
		w.check()
	}
	for code, faults := range map[replication.Code][]string{
		replication.PublicationChanged: {
			"DROP PUBLICATION stepping_cdc",
			"ALTER PUBLICATION stepping_cdc DROP TABLE visits",
			"ALTER PUBLICATION stepping_cdc DROP TABLE visits; DELETE FROM visits WHERE page = 'p1'; ALTER PUBLICATION stepping_cdc ADD TABLE visits",
		},
		replication.TableChanged: {
			"CREATE TABLE copy (LIKE visits); INSERT INTO copy SELECT * FROM visits; DROP TABLE visits; ALTER TABLE copy RENAME TO visits; ALTER TABLE visits REPLICA IDENTITY FULL; ALTER PUBLICATION stepping_cdc ADD TABLE visits",
		},
	} {
		for _, sql := range faults {
			t.Log(sql)
			w.halt()
			w.exec(sql)
			mend(code)
		}
	}
	// While it runs.
	w.exec("DROP PUBLICATION stepping_cdc")
	w.touchEverything()
	w.stops(replication.PublicationChanged)
	mend(replication.PublicationChanged)
}
