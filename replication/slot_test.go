package replication_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

func TestSlotCreationNamesItsBlockers(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"max_prepared_transactions": "5"}})
	dsn := srv.NewDB(t)
	conn, writer := replicationtest.Open(t, dsn), replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, plainTable)
	repl := connect(t, dsn)

	replicationtest.Exec(t, writer, "BEGIN; SET application_name = 'the nightly job'; INSERT INTO public.t VALUES (1, 'x')")
	_, err := repl.CreateSlot(t.Context(), "s", replication.SlotOptions{Timeout: 300 * time.Millisecond})
	if stop := wantStop(t, err, replication.SlotBlocked); !strings.Contains(stop.Message, "the nightly job") {
		t.Fatal(stop.Message)
	}
	// One that began before it but writes only while the slot is being created is not the one to end.
	late := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, late, "BEGIN; SET application_name = 'late'")
	replicationtest.Exec(t, writer, "COMMIT; BEGIN; INSERT INTO public.t VALUES (2, 'x')")
	wrote := make(chan error, 1)
	time.AfterFunc(500*time.Millisecond, func() {
		_, err := late.Exec(t.Context(), "INSERT INTO public.t VALUES (3, 'x')")
		wrote <- err
	})
	_, err = repl.CreateSlot(t.Context(), "s", replication.SlotOptions{Timeout: 3 * time.Second})
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	stop := wantStop(t, err, replication.SlotBlocked)
	if first, second := strings.Index(stop.Message, "the nightly job"), strings.Index(stop.Message, "late"); first < 0 || second < first {
		t.Fatal(stop.Message)
	}
	replicationtest.Exec(t, late, "ROLLBACK")
	replicationtest.Exec(t, writer, "PREPARE TRANSACTION 'orphan''s'")
	_, err = repl.CreateSlot(t.Context(), "s", replication.SlotOptions{Timeout: 300 * time.Millisecond})
	if stop := wantStop(t, err, replication.SlotBlocked); !strings.Contains(stop.Message, "ROLLBACK PREPARED 'orphan''s'") {
		t.Fatal(stop.Message)
	}
	if slot, err := replication.SlotInfo(t.Context(), conn, "s"); err != nil || slot != nil {
		t.Fatalf("a slot was left behind: %v, %v", slot, err)
	}
	replicationtest.Exec(t, writer, "ROLLBACK PREPARED 'orphan''s'")
	if _, err := repl.CreateSlot(t.Context(), "s", replication.SlotOptions{Timeout: 5 * time.Second}); err != nil {
		t.Fatalf("connection is of no use after a time-out: %v", err)
	}
}

func TestTemporarySlotEndsWithItsConnection(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn, repl := replicationtest.Open(t, dsn), connect(t, dsn)
	name := replicationtest.SlotName(t)
	snapshot, err := repl.CreateSlot(t.Context(), name, replication.SlotOptions{Temporary: true})
	if err != nil || snapshot.ConsistentPoint == 0 || snapshot.SnapshotName == "" {
		t.Fatalf("%+v, %v", snapshot, err)
	}
	slot, err := replication.SlotInfo(t.Context(), conn, name)
	if err != nil || !slot.Temporary || slot.ConfirmedFlush != snapshot.ConsistentPoint || slot.Lost {
		t.Fatalf("%+v, %v", slot, err)
	}
	if err := repl.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "slot is gone", func() bool {
		slot, err := replication.SlotInfo(t.Context(), conn, name)
		return err == nil && slot == nil
	})
}

func TestDropSlotMayBeRepeated(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn, repl := replicationtest.Open(t, dsn), connect(t, dsn)
	name := replicationtest.SlotName(t)
	if _, err := repl.CreateSlot(t.Context(), name, replication.SlotOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := repl.DropSlot(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if slot, err := replication.SlotInfo(t.Context(), conn, name); err != nil || slot != nil {
		t.Fatalf("%v, %v", slot, err)
	}
}

// checkpoint is where a follower stands, as a state directory would say.
func checkpoint(t *testing.T, f *replicationtest.Follower, repl *replication.Conn) replication.Position {
	t.Helper()
	system, err := repl.IdentifySystem(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return replication.Position{SystemID: system.SystemID, Timeline: system.Timeline, LSN: f.Position}
}

func TestPositionIsChecked(t *testing.T) {
	dsn := embedded.NewDB(t)
	f := follow(t, dsn, replication.StreamOptions{})
	repl := connect(t, dsn)
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (1, 'x')")
	f.MustFollow(t)
	good := checkpoint(t, f, repl)
	check := func(p replication.Position) error {
		_, err := repl.CheckPosition(t.Context(), f.Conn, f.Slot, p)
		return err
	}
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	other := good
	other.SystemID = "1"
	wantStop(t, check(other), replication.IdentityChanged)
	future := good
	future.LSN += 1 << 30
	wantStop(t, check(future), replication.TimelineForked)
	branch := good
	branch.Timeline = 7
	wantStop(t, check(branch), replication.TimelineForked)

	f.Stream.Ack(f.Position)
	f.Stream.Close()
	eventually(t, "slot is free", func() bool {
		slot, err := replication.SlotInfo(t.Context(), f.Conn, f.Slot)
		return err == nil && !slot.Active
	})
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (2, 'x')")
	replicationtest.Exec(t, f.Conn, "SELECT pg_replication_slot_advance('"+f.Slot+"', pg_current_wal_lsn())")
	wantStop(t, check(good), replication.SlotAhead)

	replicationtest.Exec(t, f.Conn, "SELECT pg_drop_replication_slot('"+f.Slot+"')")
	wantStop(t, check(good), replication.SlotMissing)
	wantStop(t, replication.Diagnose(t.Context(), f.Conn, f.Slot, replication.ErrStreamEnded), replication.SlotMissing)
	_, err := connect(t, dsn).Start(t.Context(), replication.StreamOptions{Slot: f.Slot, Publication: f.Publication, Start: f.Position})
	wantStop(t, err, replication.SlotMissing)

	replicationtest.Exec(t, f.Conn, "SELECT pg_create_logical_replication_slot('"+f.Slot+"', 'pgoutput')")
	wantStop(t, check(good), replication.SlotAhead)
	replicationtest.Exec(t, f.Conn, "SELECT pg_drop_replication_slot('"+f.Slot+"'); SELECT pg_create_physical_replication_slot('"+f.Slot+"')")
	wantStop(t, check(good), replication.SlotMissing)
	// Of no database, it would outlive the test's.
	replicationtest.Exec(t, f.Conn, "SELECT pg_drop_replication_slot('"+f.Slot+"')")
}

// A promotion starts a new timeline; the checkpoint on the old one is good up to
// the place where the new one branched off.
func TestTimelineHistory(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{})
	dsn := srv.NewDB(t)
	system, err := connect(t, dsn).IdentifySystem(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	promote(t, srv)
	repl := connect(t, dsn)
	now, err := repl.IdentifySystem(t.Context())
	if err != nil || now.Timeline != system.Timeline+1 || now.SystemID != system.SystemID {
		t.Fatalf("%+v, then %+v, %v", system, now, err)
	}
	conn := replicationtest.Open(t, dsn)
	history, err := repl.TimelineHistory(t.Context(), now.Timeline)
	if err != nil || len(history) != 1 || history[0].Timeline != system.Timeline {
		t.Fatalf("%+v, %v", history, err)
	}
	name := replicationtest.SlotName(t)
	if _, err := repl.CreateSlot(t.Context(), name, replication.SlotOptions{}); err != nil {
		t.Fatal(err)
	}
	before := replication.Position{SystemID: system.SystemID, Timeline: system.Timeline, LSN: history[0].End}
	_, err = repl.CheckPosition(t.Context(), conn, name, before)
	wantStop(t, err, replication.SlotAhead) // the timeline is fine, the slot is new
	before.LSN++
	_, err = repl.CheckPosition(t.Context(), conn, name, before)
	wantStop(t, err, replication.TimelineForked)
}

func TestInvalidatedSlot(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{
		"max_slot_wal_keep_size": "1MB", "wal_keep_size": "0", "min_wal_size": "32MB", "max_wal_size": "32MB", "checkpoint_timeout": "30s",
	}})
	dsn := srv.NewDB(t)
	f := follow(t, dsn, replication.StreamOptions{})
	repl := connect(t, dsn)
	good := checkpoint(t, f, repl)
	f.Stream.Close()
	eventually(t, "slot is lost", func() bool {
		replicationtest.Exec(t, f.Conn, "SELECT pg_switch_wal()")
		replicationtest.Exec(t, f.Conn, "CREATE TABLE public.fill AS SELECT repeat('x', 500) FROM generate_series(1, 5000); DROP TABLE public.fill")
		replicationtest.Exec(t, f.Conn, "CHECKPOINT")
		slot, err := replication.SlotInfo(t.Context(), f.Conn, f.Slot)
		return err == nil && slot.Lost
	})
	_, err := repl.CheckPosition(t.Context(), f.Conn, f.Slot, good)
	wantStop(t, err, replication.SlotLost)
	_, err = connect(t, dsn).Start(t.Context(), replication.StreamOptions{Slot: f.Slot, Publication: f.Publication, Start: f.Position})
	wantStop(t, err, replication.SlotLost)
	wantStop(t, replication.Diagnose(t.Context(), f.Conn, f.Slot, replication.ErrStreamEnded), replication.SlotLost)
}

// WAL that is gone although the slot is said to be well: a server that was restored, or a file lost.
func TestRemovedWAL(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{})
	dsn := srv.NewDB(t)
	f := follow(t, dsn, replication.StreamOptions{})
	f.Stream.Close()
	var segment string
	if err := f.Conn.QueryRow(t.Context(), `SELECT pg_walfile_name(restart_lsn) FROM pg_replication_slots WHERE slot_name = $1`, f.Slot).Scan(&segment); err != nil {
		t.Fatal(err)
	}
	replicationtest.Exec(t, f.Conn, "SELECT pg_switch_wal(); CREATE TABLE public.later ()")
	if err := os.Remove(filepath.Join(srv.DataDir(), "pg_wal", segment)); err != nil {
		t.Fatal(err)
	}
	stream, err := connect(t, dsn).Start(t.Context(), replication.StreamOptions{Slot: f.Slot, Publication: f.Publication, Start: f.Position})
	if err == nil {
		defer stream.Close()
		for err == nil { // it may say that it is there before it reads
			_, err = stream.Next(t.Context())
		}
	}
	stop := wantStop(t, err, replication.SlotLost)
	if !strings.Contains(stop.Message, segment) {
		t.Error(stop.Message)
	}
	wantStop(t, replication.Diagnose(t.Context(), f.Conn, f.Slot, err), replication.SlotLost)
}

func TestSnapshotMeetsTheStream(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, plainTable)
	table := replicationtest.Table(t, conn, "t")
	stop, done := make(chan struct{}), make(chan error, 1)
	var written atomic.Int64
	more := func() {
		t.Helper()
		seen := written.Load()
		eventually(t, "more rows", func() bool { return written.Load() > seen+5 })
	}
	writer := replicationtest.Open(t, dsn)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := writer.Exec(t.Context(), "INSERT INTO public.t VALUES ($1, 'x')", i); err != nil {
				done <- err
				return
			}
			written.Add(1)
		}
	}()
	more()
	f := replicationtest.NewFollower(t, dsn, replication.StreamOptions{}, table)
	more()
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	f.MustFollow(t)
	if len(f.Txs) == 0 {
		t.Fatal("nothing was written beside the snapshot")
	}
}

func TestLoadRefusesATableCreatedAnew(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, plainTable)
	table := replicationtest.Table(t, conn, "t")
	replicationtest.Exec(t, conn, "DROP TABLE public.t; "+plainTable)
	slot, err := connect(t, dsn).CreateSlot(t.Context(), replicationtest.SlotName(t), replication.SlotOptions{Temporary: true})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := replication.OpenSnapshot(t.Context(), dsn, slot.SnapshotName)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close(t.Context())
	_, err = snapshot.Load(t.Context(), &table, nil, nil)
	wantStop(t, err, replication.TableChanged)
}

// To an older snapshot a truncated or rewritten table seems empty, and the stream
// does not bring the rows that a rewrite has moved.
func TestLoadRefusesATableRewrittenSinceTheSnapshot(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, plainTable+`; INSERT INTO public.t VALUES (1, 'x');
		CREATE TABLE public.p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE public.leaf PARTITION OF public.p DEFAULT;
		INSERT INTO public.p VALUES (1)`)
	loads := 0
	load := func(table, sql string) (int64, error) {
		t.Helper()
		loads++ // a slot outlives its connection for a moment
		source := replicationtest.Table(t, conn, table)
		repl := connect(t, dsn)
		slot, err := repl.CreateSlot(t.Context(), fmt.Sprintf("rewritten_%d", loads), replication.SlotOptions{Temporary: true})
		if err != nil {
			t.Fatal(err)
		}
		defer repl.Close(t.Context())
		snapshot, err := replication.OpenSnapshot(t.Context(), dsn, slot.SnapshotName)
		if err != nil {
			t.Fatal(err)
		}
		defer snapshot.Close(t.Context())
		replicationtest.Exec(t, conn, sql)
		return snapshot.Load(t.Context(), &source, func() int { return 1000 }, func(*circuit.Batch) error { return nil })
	}
	for _, tt := range []struct{ table, sql string }{
		{"t", "ALTER TABLE public.t ADD unused float DEFAULT random()"},
		{"p", "TRUNCATE public.leaf; INSERT INTO public.p VALUES (1)"},
	} {
		if n, err := load(tt.table, tt.sql); !errors.Is(err, replication.ErrRewritten) || !replication.Retryable(err) {
			t.Errorf("%s: loaded %d rows, %v", tt.sql, n, err)
		}
		if n, err := load(tt.table, "INSERT INTO public."+tt.table+" VALUES (2)"); n != 1 || err != nil {
			t.Errorf("again: loaded %d rows, %v", n, err)
		}
	}
}

// promote makes the server its own standby for a moment, which puts it on a new
// timeline.
func promote(t *testing.T, srv *embedded.Server) {
	t.Helper()
	if err := srv.Shutdown(); err != nil {
		t.Fatal(err)
	}
	signal := filepath.Join(srv.DataDir(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(srv.DataDir()); err == nil && os.Getuid() == 0 {
		owner := info.Sys().(*syscall.Stat_t)
		if err := os.Chown(signal, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := replicationtest.Open(t, srv.DSN("postgres"))
	replicationtest.Exec(t, conn, "SELECT pg_promote()")
}
