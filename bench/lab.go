package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
)

// settings of the server: those of a small production server.
var settings = map[string]string{
	"shared_buffers":         "512MB",
	"max_wal_size":           "8GB",
	"checkpoint_timeout":     "15min",
	"maintenance_work_mem":   "256MB",
	"random_page_cost":       "1.1",
	"track_commit_timestamp": "on", // freshness is measured by it
}

const (
	slot        = "stepping_cdc"
	publication = "stepping_cdc"
	schema      = "stepping"
)

// lab is the server, its data, and what is set up on it.
type lab struct {
	opts   *options
	server *embedded.Server
	dir    string // for the configuration and the state
	report *report

	data     *tpch.Generator // nil until needed
	refresh  *tpch.Refresh
	making   sync.Mutex // for several writers that share refresh
	dataRows int64

	// What the follower is configured for: a database and views, with state.
	database string
	views    []tpch.View
	memory   string // state.memory; "" for its default
}

func openLab(ctx context.Context, o *options) (_ *lab, err error) {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return nil, fmt.Errorf("create the folder for results: %w", err)
	}
	for _, name := range []string{followerName, writeBackName} {
		if err := os.Remove(filepath.Join(o.out, name+".log")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove the log of an earlier run: %w", err)
		}
	}
	l := &lab{opts: o}
	if l.dir, err = os.MkdirTemp("", "stepping-bench-"); err != nil {
		return nil, fmt.Errorf("create a folder for state: %w", err)
	}
	l.server, err = embedded.Start(ctx, embedded.Options{Version: o.version, Durable: true, Trust: true, Settings: settings, Log: os.Stderr})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Postgres: %w", err), os.RemoveAll(l.dir))
	}
	l.report = &report{machine: describeMachine(l.server.Version()), command: command()}
	return l, nil
}

// command is how to repeat this run, without where its results go.
func command() string {
	args := []string{"go run ./bench"}
	for i := 1; i < len(os.Args); i++ {
		name := strings.TrimLeft(os.Args[i], "-")
		if name == "out" {
			i++
		} else if !strings.HasPrefix(name, "out=") {
			args = append(args, os.Args[i])
		}
	}
	return strings.Join(args, " ")
}

func (l *lab) close() error { return errors.Join(l.server.Stop(), os.RemoveAll(l.dir)) }

func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// duration is how long each side of an experiment that runs for a while does.
func (l *lab) duration() time.Duration { return time.Duration(l.opts.seconds) * time.Second }

// queries are all queries of TPC-H, with the parameters that are asked for.
func (l *lab) queries() []tpch.View {
	if l.opts.dense {
		return tpch.Dense()
	}
	return tpch.Queries()
}

func (l *lab) queriesName() string {
	if l.opts.dense {
		return "22 views, dense"
	}
	return "22 views"
}

// tpchDatabase holds the TPC-H tables.
const tpchDatabase = "tpch"

// tpch loads the data on first use.
func (l *lab) tpch(ctx context.Context) error {
	if l.data != nil {
		return nil
	}
	if err := l.create(ctx, tpchDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	l.say("generating and loading TPC-H data at scale %g", l.opts.scale)
	l.data = tpch.New(l.opts.scale, l.opts.seed)
	l.refresh = tpch.NewRefresh(l.data)
	if l.dataRows, err = l.data.Load(ctx, conn); err != nil {
		return err
	}
	var size string
	if err := conn.QueryRow(ctx, "SELECT pg_size_pretty(pg_database_size(current_database()))").Scan(&size); err != nil {
		return fmt.Errorf("read the database's size: %w", err)
	}
	l.report.data = fmt.Sprintf("TPC-H-shaped data at scale %g, seed %d: %s rows, %s in Postgres.", l.opts.scale, l.opts.seed, number(float64(l.dataRows)), size)
	l.say("%s", l.report.data)
	return nil
}

// indexed adds the indexes without which Postgres computes some of the 22 queries by
// reading a table for each row of another. They slow down writes: experiments
// that do not need them come first.
func (l *lab) indexed(ctx context.Context) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	_, err = conn.Exec(ctx, `CREATE INDEX IF NOT EXISTS bench_part ON lineitem (l_partkey, l_suppkey);
		CREATE INDEX IF NOT EXISTS bench_customer ON orders (o_custkey)`)
	if err != nil {
		return fmt.Errorf("create indexes: %w", err)
	}
	return nil
}

func (l *lab) create(ctx context.Context, database string) error {
	conn, err := l.connect(ctx, "postgres")
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+database); err != nil {
		return fmt.Errorf("create database %s: %w", database, err)
	}
	return nil
}

func (l *lab) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, l.server.DSN(database))
	if err != nil {
		return nil, fmt.Errorf("connect to database %s: %w", database, err)
	}
	return conn, nil
}

// closeConn ends a session whose work is done or lost.
func closeConn(conn *pgx.Conn) { _ = conn.Close(context.Background()) }

// afresh configures the follower for a database and views, with nothing loaded yet.
func (l *lab) afresh(ctx context.Context, database string, views []tpch.View) error {
	if err := l.forget(ctx); err != nil {
		return err
	}
	if err := l.writeConfig(database, views); err != nil {
		return err
	}
	l.database, l.views = database, views
	return nil
}

// forget removes all that the follower has made.
func (l *lab) forget(ctx context.Context) error {
	if l.database == "" {
		return nil
	}
	conn, err := l.connect(ctx, l.database)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if err := dropSlot(ctx, conn, slot); err != nil {
		return err
	}
	for _, sql := range []string{
		"DROP PUBLICATION IF EXISTS " + publication,
		"DROP SCHEMA IF EXISTS " + schema + " CASCADE",
		"DROP SCHEMA IF EXISTS stepping_cdc CASCADE",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("remove what the follower made: %w", err)
		}
	}
	l.database = ""
	return os.RemoveAll(l.stateDir())
}

// dropSlot drops a slot if it is there, once its reader has let go of it.
func dropSlot(ctx context.Context, conn *pgx.Conn, name string) error {
	for {
		_, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", name)
		var pg *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &pg) || pg.Code != "55006": // object in use
			return fmt.Errorf("drop slot %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (l *lab) stateDir() string   { return filepath.Join(l.dir, "state") }
func (l *lab) configPath() string { return filepath.Join(l.dir, "stepping.yaml") }

func (l *lab) writeConfig(database string, views []tpch.View) error {
	var b strings.Builder
	memory := ""
	if l.memory != "" {
		memory = "  memory: " + l.memory + "\n"
	}
	fmt.Fprintf(&b, "source:\n  dsn: %q\n  slot: %s\n  publication: %s\nsink:\n  schema: %s\nstate:\n  dir: %q\n%shttp:\n  listen: \"off\"\nlog:\n  format: json\nviews:\n",
		l.server.DSN(database), slot, publication, schema, l.stateDir(), memory)
	for _, v := range views {
		fmt.Fprintf(&b, "  - name: %s\n    query: |\n      %s\n", v.Name, strings.ReplaceAll(strings.TrimSpace(v.Query), "\n", "\n      "))
	}
	if err := os.WriteFile(l.configPath(), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write the follower's configuration: %w", err)
	}
	return nil
}

// set up for these views and loaded, whatever was before.
func (l *lab) loaded(ctx context.Context, database string, views []tpch.View) error {
	same := func(a, b tpch.View) bool { return a.Name == b.Name }
	if l.database == database && slices.EqualFunc(l.views, views, same) {
		return nil
	}
	if err := l.afresh(ctx, database, views); err != nil {
		return err
	}
	l.say("loading a snapshot of %s for %d views", database, len(views))
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return f.stop()
}

// verify compares all outputs with their queries and says so in the report; the
// follower has to be running.
func (l *lab) verify(ctx context.Context) error {
	rows, err := l.compared(ctx)
	if err != nil {
		return err
	}
	l.report.one("rows of the outputs that were compared with their queries afterwards", "rows", float64(rows), "all equal")
	return nil
}

// compared compares all outputs with their queries and returns how many rows they have.
func (l *lab) compared(ctx context.Context) (rows int64, err error) {
	cfg, err := config.Load(l.configPath(), nil)
	if err != nil {
		return 0, err
	}
	result, err := verify.Views(ctx, cfg, verify.Options{Timeout: 5 * time.Minute})
	if err != nil {
		return 0, fmt.Errorf("verify: %w", err)
	}
	for _, v := range result.Views {
		if v.Verdict != verify.Equal {
			return 0, fmt.Errorf("verify: view %s %s: %d rows in the output, %d in the query, %d missing, %d extra %s",
				v.View, v.Verdict, v.OutputRows, v.QueryRows, v.Missing, v.Extra, v.Error)
		}
		rows += v.OutputRows
	}
	l.say("verified: %d views, %d rows, all equal to their queries", len(result.Views), rows)
	return rows, nil
}

// program is one of the server's own client programs, "" if not installed.
func (l *lab) program(name string) string {
	path := filepath.Join(l.server.BinDir(), name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// dirSize is how many bytes the files of a folder have.
func dirSize(dir string) (int64, error) {
	var n int64
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return err
	})
	return n, err
}
