package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// copyOf makes a second server from a base backup of a running one. It is down, and
// has what the settings say; with a signal file "standby.signal" it becomes a standby.
func copyOf(t *testing.T, srv *embedded.Server, settings map[string]string) *embedded.Server {
	t.Helper()
	other := embedded.StartForTest(t, embedded.Options{})
	if err := other.Shutdown(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), srv.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	start, stop := "SELECT pg_backup_start('copy', true)", "SELECT labelfile FROM pg_backup_stop(false)"
	if srv.Major() < 15 {
		start, stop = "SELECT pg_start_backup('copy', true, false)", "SELECT labelfile FROM pg_stop_backup(false, false)"
	}
	execOn(t, conn, start)
	if err := os.RemoveAll(other.DataDir()); err != nil {
		t.Fatal(err)
	}
	copyData(t, srv, other, func(path string) bool {
		// What pg_basebackup leaves out as well.
		return path == "postmaster.pid" || path == "postmaster.opts" || strings.HasPrefix(path, "pg_replslot/")
	})
	var label string
	if err := conn.QueryRow(t.Context(), stop).Scan(&label); err != nil {
		t.Fatal(err)
	}
	// The WAL of the backup itself.
	copyData(t, srv, other, func(path string) bool { return !strings.HasPrefix(path, "pg_wal") })
	giveFile(t, other, "backup_label", label)
	conf := ""
	for k, v := range settings {
		conf += fmt.Sprintf("%s = '%s'\n", k, strings.ReplaceAll(v, "'", "''"))
	}
	giveFile(t, other, "postgresql.auto.conf", conf)
	return other
}

// copyData copies a data directory, but for what is left out.
func copyData(t *testing.T, from, to *embedded.Server, without func(path string) bool) {
	t.Helper()
	err := filepath.WalkDir(from.DataDir(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it runs
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from.DataDir(), path)
		if err != nil || without(rel) {
			return err
		}
		target := filepath.Join(to.DataDir(), rel)
		if d.IsDir() {
			if err := os.MkdirAll(target, 0o700); err != nil {
				return err
			}
		} else {
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := os.WriteFile(target, data, 0o600); err != nil {
				return err
			}
		}
		giveToServer(t, from, target)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// moveTo has the world's databases be on another server.
func (w *world) moveTo(srv *embedded.Server) {
	w.t.Helper()
	cfg, err := pgx.ParseConfig(w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.dsn = srv.DSN(cfg.Database)
	w.sink = w.dsn
	w.reconnect()
}

// standby makes a standby that follows a server, and waits until it does.
func standby(t *testing.T, srv *embedded.Server, settings map[string]string) (*embedded.Server, *pgx.Conn) {
	t.Helper()
	settings["primary_conninfo"] = fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres", srv.Port())
	other := copyOf(t, srv, settings)
	giveFile(t, other, "standby.signal", "")
	if err := other.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), other.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return other, conn
}

// caughtUp waits until a standby has replayed everything.
func (w *world) caughtUp(standby *pgx.Conn) {
	w.t.Helper()
	lsn := ask[string](w, w.conn, "SELECT pg_current_wal_lsn()::text")
	for until := time.Now().Add(patience); !ask[bool](w, standby, "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", lsn); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			w.t.Fatal("the standby does not catch up")
		}
	}
}

func promote(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	execOn(t, conn, "SELECT pg_promote()")
}

// TestFailoverWithoutTheSlot: the standby has everything but the slot, as before 17,
// or before the slot was synchronized.
func TestFailoverWithoutTheSlot(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{})
	w := bankOn(t, srv, srv)
	w.run(Options{})
	w.check()
	other, conn := standby(t, srv, map[string]string{})
	w.load(1, 20)
	w.check()
	w.halt()
	w.caughtUp(conn)
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}
	promote(t, conn)
	w.moveTo(other)
	w.load(2, 20)
	w.untouched(replication.SlotMissing)
	w.run(Options{Resnapshot: true})
	w.load(3, 20)
	w.check()
	w.halt()
}

// TestFailoverToOneThatLags: what was applied last is not in the new server's history,
// which may use the same positions for something else. Nothing is written there, be
// the outputs on the same server or not.
func TestFailoverToOneThatLags(t *testing.T) {
	t.Parallel()
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprintf("outputs elsewhere %t", elsewhere), func(t *testing.T) {
			t.Parallel()
			srv := embedded.StartForTest(t, embedded.Options{})
			sink := srv
			if elsewhere {
				sink = embedded.StartForTest(t, embedded.Options{})
			}
			w := bankOn(t, srv, sink)
			w.run(Options{})
			w.check()
			other, conn := standby(t, srv, map[string]string{"wal_receiver_status_interval": "1"})
			w.load(1, 20)
			w.check()
			w.caughtUp(conn)
			_ = conn.Close(t.Context())
			if err := other.Kill(); err != nil {
				t.Fatal(err)
			}
			w.load(2, 50)
			w.check()
			w.halt()
			if err := srv.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := other.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), other.DSN("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			promote(t, conn)
			_ = conn.Close(t.Context())
			outputs := w.sink
			w.moveTo(other)
			if elsewhere {
				w.sink = outputs
				w.out = w.connect(w.sink)
			}
			w.load(3, 100) // past the position that was reached
			w.untouched(replication.TimelineForked)
			w.run(Options{Resnapshot: true})
			w.load(4, 20)
			w.check()
			w.halt()
		})
	}
}

// TestRestoredServer: the source comes back from a backup, as of an earlier time:
// with a timeline of its own, or as a copy of its files, with or without slots.
func TestRestoredServer(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{})
	w := bankOn(t, srv, srv)
	w.run(Options{})
	w.check()
	restored := copyOf(t, srv, map[string]string{"restore_command": "false", "recovery_target_timeline": "latest"})
	giveFile(t, restored, "recovery.signal", "")
	w.load(1, 50)
	w.check()
	w.halt()
	if err := srv.Shutdown(); err != nil {
		t.Fatal(err)
	}
	cold := embedded.StartForTest(t, embedded.Options{})
	if err := cold.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cold.DataDir()); err != nil {
		t.Fatal(err)
	}
	copyData(t, srv, cold, func(path string) bool { return path == "postmaster.pid" })
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.reconnect()
	w.run(Options{})
	w.load(2, 50)
	w.check()
	w.halt()
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}

	// A copy of the files, older than what was reached: with its slots.
	if err := cold.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.moveTo(cold)
	w.untouched(replication.TimelineForked)
	if err := cold.Kill(); err != nil {
		t.Fatal(err)
	}

	// A base backup, recovered to its end.
	if err := restored.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.moveTo(restored)
	w.eventually("recovery is over", "SELECT NOT pg_is_in_recovery()")
	w.load(3, 100)
	w.untouched(replication.TimelineForked)
	w.run(Options{Resnapshot: true})
	w.load(4, 20)
	w.check()
	w.halt()

	// Another server altogether, which has the same tables.
	fresh := embedded.StartForTest(t, embedded.Options{NewSystem: true})
	other := bankOn(t, fresh, fresh)
	other.dir, other.slot = w.dir, w.slot
	other.start(Options{})
	other.stops(replication.IdentityChanged)
}

// TestFailoverWithTheSlot: from 17 on the slot is kept on the standby as well, and
// everything goes on there.
func TestFailoverWithTheSlot(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{})
	if srv.Major() < 17 {
		t.Log("slots are synchronized to standbys from 17 on")
		return
	}
	w := bankOn(t, srv, srv)
	w.run(Options{})
	w.check()
	if !ask[bool](w, w.conn, "SELECT failover FROM pg_replication_slots WHERE slot_name = $1", w.slot) {
		w.halt()
		repl, err := pgconn.Connect(t.Context(), w.dsn+"&replication=database")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repl.Exec(t.Context(), "ALTER_REPLICATION_SLOT "+w.slot+" (FAILOVER true)").ReadAll(); err != nil {
			t.Fatal(err)
		}
		_ = repl.Close(t.Context())
		w.run(Options{})
	}
	w.exec("SELECT pg_create_physical_replication_slot('standby', true)")
	other, conn := standby(t, srv, map[string]string{
		"primary_slot_name": "standby", "hot_standby_feedback": "on", "sync_replication_slots": "on",
	})
	w.exec("ALTER SYSTEM SET synchronized_standby_slots = 'standby'")
	w.exec("SELECT pg_reload_conf()")
	for until := time.Now().Add(patience); !ask[bool](w, conn, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND synced AND NOT temporary)", w.slot); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the slot does not come to the standby")
		}
		w.load(5, 1)
	}
	a := w.startAuditor()
	w.load(1, 50)
	w.check()
	w.caughtUp(conn)
	a.end()
	since := time.Now()
	w.halt()
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}
	promote(t, conn)
	w.moveTo(other)
	w.load(2, 20)
	w.run(Options{})
	var r recoveries
	w.recovers(&r, "failover", since)
	w.load(3, 20)
	w.check()
	w.halt()
}
