package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestVersionEnv names the major version that a whole test run uses.
const TestVersionEnv = "STEPPING_TEST_PG_VERSION"

// TB is what the helpers need of a testing.TB. An interface of our own keeps
// package testing out of the programs that import this one.
type TB interface {
	Helper()
	Name() string
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

var shared struct {
	once sync.Once
	srv  *Server
	err  error
}

// ForTest returns the test process's shared server, started on first use, with
// connections over 127.0.0.1 trusted. Tests that restart, kill or configure a
// server start their own with StartForTest.
func ForTest(t TB) *Server {
	t.Helper()
	shared.once.Do(func() {
		shared.srv, shared.err = Start(context.Background(), forTest(Options{}))
	})
	if shared.err != nil {
		t.Fatalf("start the shared test server: %v", shared.err)
	}
	return shared.srv
}

// StartForTest starts a private server that is stopped when the test ends.
func StartForTest(t TB, opts Options) *Server {
	t.Helper()
	srv, err := Start(context.Background(), forTest(opts))
	if err != nil {
		t.Fatalf("start a test server: %v", err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Errorf("stop the test server: %v", err)
		}
	})
	return srv
}

func forTest(opts Options) Options {
	opts.Trust = true
	if opts.Version == "" {
		opts.Version = os.Getenv(TestVersionEnv)
	}
	if opts.Log == nil {
		opts.Log = os.Stderr
	}
	return opts
}

// RunTests runs a package's tests and stops the shared server; the caller passes
// the outcome to os.Exit. Packages that do not use it lose nothing but order: the
// watchdog stops the server when the test process ends.
func RunTests(m interface{ Run() int }) int {
	code := m.Run()
	if shared.srv != nil {
		if err := shared.srv.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "stop the shared test server: %v\n", err)
			return max(code, 1)
		}
	}
	return code
}

// NewDB creates a database on the shared server and returns its connection
// string. The database and its replication slots are dropped when the test ends.
func NewDB(t TB) string {
	t.Helper()
	return ForTest(t).NewDB(t)
}

var databases atomic.Int64

// NewDB is like the function NewDB, on this server.
func (s *Server) NewDB(t TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := fmt.Sprintf("test_%d_%s", databases.Add(1), databaseName(t.Name()))
	if err := s.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := s.DropDB(name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return s.DSN(name)
}

// databaseName makes a test's name a short, plain identifier.
func databaseName(test string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(test))
	return name[:min(len(name), 40)]
}

func (s *Server) exec(ctx context.Context, sql string) (err error) {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("execute %s: %w", sql, err)
	}
	return nil
}

// DropDB ends the database's sessions, drops its slots and then itself. A server
// that the test has stopped for good has nothing to drop.
func (s *Server) DropDB(name string) (err error) {
	if s.Pid() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	// A slot stays active for a moment after its walsender was told to end, and a
	// consumer that reconnects takes it again; so both are done until none is left.
	for {
		if _, err := conn.Exec(ctx, `
			SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
			WHERE database = $1 AND active_pid IS NOT NULL`, name); err != nil {
			return fmt.Errorf("end the database's walsenders: %w", err)
		}
		if _, err := conn.Exec(ctx, `
			SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
			WHERE database = $1 AND NOT active`, name); err != nil {
			return fmt.Errorf("drop the database's slots: %w", err)
		}
		var left int
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_replication_slots WHERE database = $1`, name).Scan(&left); err != nil {
			return fmt.Errorf("count the database's slots: %w", err)
		}
		if left == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("drop the database's slots: %d still in use: %w", left, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	// From 15 on the server waits until all backends have closed the database's
	// files, and can wait for ever for one that was just starting; asking again, it
	// asks that backend too. Meanwhile its transaction keeps slots from being created.
	if _, err := conn.Exec(ctx, "SET statement_timeout = '10s'"); err != nil {
		return fmt.Errorf("bound the time of a statement: %w", err)
	}
	for {
		_, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		var refused *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused) && refused.Code == "57014": // query_canceled
		default:
			return fmt.Errorf("drop the database: %w", err)
		}
	}
}
