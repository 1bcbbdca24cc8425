package migrations

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func migrated(t testing.TB) (*pgx.Conn, string) {
	t.Helper()
	dsn := embedded.NewDB(t)
	c := connect(t, dsn)
	if err := Up(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	return c, dsn
}

func mustExec(t testing.TB, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestUpIsRepeatableAndConcurrent(t *testing.T) {
	dsn := embedded.NewDB(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			c, err := pgx.Connect(context.Background(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			for range 2 {
				if err := Up(context.Background(), c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, dsn)
	if v, err := Version(context.Background(), c); err != nil || v != len(all) {
		t.Errorf("version %d, %v; know %d", v, err, len(all))
	}
	if err := Down(context.Background(), c); err != nil {
		t.Error(err)
	}
	if v, err := Version(context.Background(), c); err != nil || v != 0 {
		t.Errorf("version %d after Down, %v", v, err)
	}
}

func TestUpUnderHostileSettings(t *testing.T) {
	dsn := embedded.NewDB(t)
	c := connect(t, dsn)
	mustExec(t, c, `CREATE SCHEMA evil; CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
		SET search_path = evil, pg_catalog; SET default_transaction_read_only = on; SET standard_conforming_strings = off;
		SET default_transaction_isolation = serializable; SET statement_timeout = '1s'`)
	if err := Up(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	mustExec(t, c, `DO $$ BEGIN ASSERT (SELECT applied_at IS NOT NULL FROM stepping_cdc.progress); END $$`)
}

// A CHECK constraint is parsed and planned anew by each statement that writes to its
// table, so each output commit would pay for it.
func TestNoChecks(t *testing.T) {
	c, _ := migrated(t)
	mustExec(t, c, `DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_constraint
		WHERE contype = 'c' AND connamespace = 'stepping_cdc'::regnamespace); END $$`)
}

// A transaction that waited for the lock sees what was done under it, whatever
// isolation the database presets.
func TestUpIsConcurrentUnderAnyIsolation(t *testing.T) {
	ctx := context.Background()
	dsn := embedded.NewDB(t)
	first, second := connect(t, dsn), connect(t, dsn)
	mustExec(t, second, `SET default_transaction_isolation = serializable`)
	mustExec(t, first, fmt.Sprintf(`BEGIN; SELECT pg_advisory_xact_lock(%d)`, lockKey))
	done := make(chan error, 1)
	go func() { done <- Up(ctx, second) }()
	waiting := connect(t, dsn)
	for n := 0; n == 0; {
		err := waiting.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1`, second.PgConn().PID()).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, first, `CREATE SCHEMA stepping_cdc; CREATE TABLE stepping_cdc.schema_version (version int, name text, applied_at timestamptz)`)
	for _, m := range all {
		mustExec(t, first, m.sql)
		mustExec(t, first, fmt.Sprintf(`INSERT INTO stepping_cdc.schema_version VALUES (%d, '', now())`, m.version))
	}
	mustExec(t, first, `COMMIT`)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A writer that was given its schema needs no right to make one.
func TestUpInASchemaMadeByTheAdministrator(t *testing.T) {
	dsn := embedded.NewDB(t)
	admin, writer := connect(t, dsn), connect(t, dsn)
	mustExec(t, admin, `DROP ROLE IF EXISTS mere_writer; CREATE ROLE mere_writer; CREATE SCHEMA stepping_cdc AUTHORIZATION mere_writer`)
	defer mustExec(t, admin, `DROP OWNED BY mere_writer; DROP ROLE mere_writer`)
	mustExec(t, writer, `SET ROLE mere_writer`)
	if err := Up(context.Background(), writer); err != nil {
		t.Error(err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	c, _ := migrated(t)
	mustExec(t, c, `INSERT INTO stepping_cdc.schema_version VALUES (999, 'later', now())`)
	var newer *NewerError
	if err := Up(context.Background(), c); !errors.As(err, &newer) || newer.Have != 999 {
		t.Errorf("got %v", err)
	}
}

func TestFailedStepLeavesNothing(t *testing.T) {
	c := connect(t, embedded.NewDB(t))
	all := []migration{{1, "0001_good", "CREATE TABLE stepping_cdc.good ()"}, {2, "0002_bad", "CREATE TABLE stepping_cdc.half (); SELECT 1/0"}}
	if err := up(context.Background(), c, all); err == nil || !strings.Contains(err.Error(), "0002_bad") {
		t.Fatalf("got %v", err)
	}
	if v, err := Version(context.Background(), c); err != nil || v != 1 {
		t.Errorf("version %d, %v", v, err)
	}
	mustExec(t, c, `DO $$ BEGIN ASSERT to_regclass('stepping_cdc.half') IS NULL; END $$`)
}

func TestNumbersMustFollow(t *testing.T) {
	for _, names := range [][]string{{"0002_b.sql"}, {"0001_a.sql", "0003_c.sql"}, {"x_a.sql"}, {"0001.sql"}} {
		fsys := fstest.MapFS{}
		for _, n := range names {
			fsys[n] = &fstest.MapFile{}
		}
		if _, err := load(fsys); err == nil {
			t.Errorf("%v was accepted", names)
		}
	}
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	errors.As(err, &pg)
	if pg == nil {
		return ""
	}
	return pg.Code
}

func TestProgressIsOneRow(t *testing.T) {
	c, _ := migrated(t)
	_, err := c.Exec(context.Background(), `INSERT INTO stepping_cdc.progress VALUES ('0/1', now(), now(), 1)`)
	if sqlState(err) != "23505" {
		t.Errorf("a second row: %v", err)
	}
}

func TestWaitFor(t *testing.T) {
	ctx := context.Background()
	c, dsn := migrated(t)
	writer := connect(t, dsn)
	move := func(lsn string) {
		if _, err := writer.Exec(ctx, `UPDATE stepping_cdc.progress SET lsn = $1`, lsn); err != nil {
			t.Error(err)
		}
	}
	move("0/100")
	wait := func(q interface {
		Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	}, lsn, timeout string) error {
		_, err := q.Exec(ctx, `SELECT stepping_cdc.wait_for($1, $2::text::interval)`, lsn, timeout)
		return err
	}
	if err := wait(c, "0/100", "0"); err != nil {
		t.Errorf("already there: %v", err)
	}
	start := time.Now()
	if err := wait(c, "0/101", "60 ms"); sqlState(err) != StateWaitTimeout || time.Since(start) > 5*time.Second {
		t.Errorf("time-out: %v after %v", err, time.Since(start))
	}
	for _, call := range []string{`wait_for(NULL)`, `wait_for('0/101', NULL)`} { // would wait for ever
		if _, err := c.Exec(ctx, `SELECT stepping_cdc.`+call); sqlState(err) != "22004" {
			t.Errorf("%s: %v", call, err)
		}
	}
	if _, err := c.Exec(ctx, `SELECT stepping_cdc.wait_for(timeout => '1 ms')`); sqlState(err) != StateWaitTimeout {
		t.Errorf("default position: %v", err)
	}
	// A commit while it waits, within one statement and inside a transaction.
	done := make(chan struct{})
	go func() {
		defer close(done)
		for waiting := false; !waiting; { // asleep between two looks
			err := writer.QueryRow(ctx, `SELECT coalesce(wait_event = 'PgSleep', false) FROM pg_stat_activity WHERE pid = $1`, c.PgConn().PID()).Scan(&waiting)
			if err != nil {
				t.Error(err)
				break
			}
		}
		move("0/200")
	}()
	tx, err := c.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(tx, "0/200", "10 s"); err != nil {
		t.Errorf("commit meanwhile: %v", err)
	}
	<-done
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	for _, iso := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: iso, AccessMode: pgx.ReadOnly})
		if err != nil {
			t.Fatal(err)
		}
		if err := wait(tx, "0/200", "1 s"); err != nil {
			t.Errorf("%s, already there: %v", iso, err)
		}
		if err := wait(tx, "0/300", "1 s"); sqlState(err) != "25000" || !strings.Contains(err.Error(), string(iso)) {
			t.Errorf("%s: %v", iso, err)
		}
		_ = tx.Rollback(ctx)
	}
	// Any role may wait, in a read-only transaction too; none may look into the errors.
	mustExec(t, c, `DROP ROLE IF EXISTS wait_for_reader; CREATE ROLE wait_for_reader; SET ROLE wait_for_reader; SET default_transaction_read_only = on`)
	if err := wait(c, "0/101", "1 s"); err != nil {
		t.Errorf("as a reader: %v", err)
	}
	if err := wait(c, "0/301", "50 ms"); sqlState(err) != StateWaitTimeout {
		t.Errorf("as a reader, time-out: %v", err)
	}
	if _, err := c.Exec(ctx, `SELECT * FROM stepping_cdc.errors`); sqlState(err) != "42501" {
		t.Errorf("errors as a reader: %v", err)
	}
	mustExec(t, c, `RESET ROLE; SET default_transaction_read_only = off`)
	mustExec(t, c, `DROP ROLE wait_for_reader`)
}
