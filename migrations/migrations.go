// Package migrations holds the SQL of the control schema stepping_cdc and brings
// a database up to it.
//
// It knows the schema's versions and how to move from one to the next. It must
// not know what the program keeps in the tables: that is the sink's.
//
// A migration is a file NNNN_name.sql, never edited once released; a change is a
// new file.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed *.sql
var files embed.FS

// Schema is the control schema's name.
const Schema = "stepping_cdc"

// SQLSTATEs that the control schema's functions raise. Class SC is used neither
// by the SQL standard nor by Postgres.
const (
	StateFenced      = "SC001" // progress is not where the writer left it, or another instance took over
	StateWaitTimeout = "SC003" // wait_for ran out of time
)

// lockKey serializes migrations of one database: an advisory lock that ends with
// the transaction.
const lockKey = 0x57E9_C0DC

// NewerError says that the database was migrated by a newer program.
type NewerError struct{ Have, Known int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("control schema %s has version %d, this program knows %d: use a newer stepping-cdc", Schema, e.Have, e.Known)
}

type migration struct {
	version int
	name    string
	sql     string
}

// load reads the embedded files in the order of their numbers.
func load(fsys fs.FS) ([]migration, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var all []migration
	for _, n := range names { // sorted by Glob
		num, _, ok := strings.Cut(n, "_")
		v, err := strconv.Atoi(num)
		if !ok || err != nil || v != len(all)+1 {
			return nil, fmt.Errorf("migration file %s: number out of sequence", n)
		}
		text, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", n, err)
		}
		all = append(all, migration{v, strings.TrimSuffix(n, ".sql"), string(text)})
	}
	return all, nil
}

// Up creates the control schema or brings it to this program's version, each
// step in a transaction of its own. Several programs may call it at once.
func Up(ctx context.Context, conn *pgx.Conn) error {
	all, err := load(files)
	if err != nil {
		return err
	}
	return up(ctx, conn, all)
}

func up(ctx context.Context, conn *pgx.Conn, all []migration) error {
	have, err := Version(ctx, conn)
	if err != nil {
		return err
	}
	// Nothing is locked, nor is any right but SELECT needed, when all is done.
	for have != len(all) {
		if have > len(all) {
			return &NewerError{Have: have, Known: len(all)}
		}
		if have, err = step(ctx, conn, all); err != nil {
			return err
		}
	}
	return nil
}

// step applies one migration under the lock and returns the version reached.
func step(ctx context.Context, conn *pgx.Conn, all []migration) (version int, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin migration: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx))))
		}
	}()
	// What a role or database may have preset must not reach the DDL.
	for _, set := range []string{
		"SET LOCAL search_path = pg_catalog, pg_temp", "SET LOCAL check_function_bodies = on",
		"SET LOCAL default_tablespace = ''", "SET LOCAL default_table_access_method = heap",
		"SET LOCAL standard_conforming_strings = on", "SET LOCAL statement_timeout = 0",
		"SET LOCAL row_security = on", "SET LOCAL lock_timeout = '30s'",
		// Each statement has to see what another one did that held the lock before.
		"SET LOCAL default_transaction_read_only = off", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE",
	} {
		if err := exec(ctx, tx, set); err != nil {
			return 0, fmt.Errorf("pin settings of migration: %w", err)
		}
	}
	if err := exec(ctx, tx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", lockKey)); err != nil {
		return 0, fmt.Errorf("lock migrations: %w", err)
	}
	have, err := Version(ctx, tx)
	if err != nil {
		return 0, err
	}
	if have >= len(all) { // someone else was faster
		return have, tx.Commit(ctx)
	}
	if have == 0 {
		if err := create(ctx, tx); err != nil {
			return 0, fmt.Errorf("create control schema: %w", err)
		}
	}
	m := all[have]
	if err := exec(ctx, tx, m.sql); err != nil {
		return 0, fmt.Errorf("apply migration %s: %w", m.name, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO stepping_cdc.schema_version VALUES ($1, $2, clock_timestamp())`, m.version, m.name)
	if err != nil {
		return 0, fmt.Errorf("record migration %s: %w", m.name, err)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("commit migration %s: %w", m.name, err)
	}
	return m.version, nil
}

// create makes what every migration stands on. A schema that someone has made for
// this role is used: IF NOT EXISTS would ask for the right to make one all the same.
func create(ctx context.Context, tx pgx.Tx) error {
	var exists bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'stepping_cdc')`).Scan(&exists)
	if err == nil && !exists {
		err = exec(ctx, tx, `CREATE SCHEMA stepping_cdc`)
	}
	if err != nil {
		return err
	}
	return exec(ctx, tx, `CREATE TABLE stepping_cdc.schema_version (
		version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)`)
}

// exec runs any number of statements by the simple protocol.
func exec(ctx context.Context, tx pgx.Tx, sql string) error {
	return tx.Conn().PgConn().Exec(ctx, sql).Close()
}

func ignoreClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// Querier is a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Version is the control schema's version in the database; 0 where there is none.
func Version(ctx context.Context, q Querier) (int, error) {
	var exists bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'stepping_cdc' AND c.relname = 'schema_version')`).Scan(&exists)
	if err != nil {
		return 0, fmt.Errorf("look for control schema: %w", err)
	}
	if !exists {
		return 0, nil
	}
	var v int
	err = q.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM stepping_cdc.schema_version`).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("read control schema's version: %w", err)
	}
	return v, nil
}

// Down removes the control schema with everything in it.
func Down(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `DROP SCHEMA IF EXISTS stepping_cdc CASCADE`)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "3F000" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drop control schema: %w", err)
	}
	return nil
}
