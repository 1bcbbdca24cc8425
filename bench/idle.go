package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

// idleViews is how many of TPC-H's queries are kept while nothing happens.
const idleViews = 10

// idleFor is how much longer than other experiments each side is looked at.
const idleFor = 6

// quiet is what a while without traffic costs.
type quiet struct {
	process, server float64 // % of a core
	wal             float64 // bytes a minute
	commits         float64 // transactions a minute in the database
	grown           float64 // MB of the process
	rows            float64 // written to our tables a minute
}

// measureIdle looks at a server that nobody uses, alone and with the follower.
func measureIdle(ctx context.Context, l *lab) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	if err := l.loaded(ctx, tpchDatabase, tpch.Queries()[:idleViews]); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	alone, err := l.watchQuiet(ctx, conn, nil)
	if err != nil {
		return err
	}
	f, err := l.follow(ctx, "idle")
	if err != nil {
		return err
	}
	// With the first change the state is flushed, and what the load has left to be merged is merged.
	if err := l.caughtUp(ctx, conn, f); err != nil {
		return errors.Join(err, f.kill())
	}
	with, err := l.watchQuiet(ctx, conn, f)
	if err != nil {
		return errors.Join(err, f.kill())
	}
	about := fmt.Sprintf("over %s, %d views", (idleFor * l.duration()).String(), idleViews)
	l.report.one("CPU time of the process", "% of a core", with.process, about)
	l.report.one("memory of the process, growth", "MB", with.grown, "")
	l.report.one("CPU time of the server, with us", "% of a core", with.server, "all of it")
	l.report.one("CPU time of the server, alone", "% of a core", alone.server, "")
	l.report.one("rows written to our tables", "a minute", with.rows, "outputs and control tables")
	l.report.one("WAL written, with us", "bytes a minute", with.wal, "")
	l.report.one("WAL written, alone", "bytes a minute", alone.wal, "")
	l.report.one("transactions, with us", "a minute", with.commits, "reads included, of this experiment's own too")
	l.report.one("transactions, alone", "a minute", alone.commits, "")
	l.say("idle: %.2f %% of a core and %.2f %% of the server's (%.2f %% alone), %+.1f MB, %.0f bytes of WAL a minute (%.0f alone)",
		with.process, with.server, alone.server, with.grown, with.wal, alone.wal)
	return errors.Join(l.verify(ctx), f.stop())
}

// watchQuiet looks before and after a while, once what was before has settled.
func (l *lab) watchQuiet(ctx context.Context, conn *pgx.Conn, f *process) (*quiet, error) {
	// A checkpoint now is none later; the collector's work is done by then too.
	if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	look := func() (wal, commits, rows, memory float64, process, server time.Duration, err error) {
		if f != nil {
			process = f.cpu()
			memory, _ = memoryOf(f.cmd.Process.Pid)
		}
		server = cpuOfTree(l.server.Pid())
		err = conn.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn() - '0/0', xact_commit + xact_rollback,
			(SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables WHERE schemaname IN ('stepping', 'stepping_cdc'))
			FROM pg_stat_database WHERE datname = current_database()`).Scan(&wal, &commits, &rows)
		if err != nil {
			err = fmt.Errorf("look at the server: %w", err)
		}
		return
	}
	if err := pause(ctx, l.duration()); err != nil {
		return nil, err
	}
	started := time.Now()
	wal, commits, rows, memory, process, server, err := look()
	if err == nil {
		err = pause(ctx, idleFor*l.duration())
	}
	if err != nil {
		return nil, err
	}
	wal2, commits2, rows2, memory2, process2, server2, err := look()
	if err != nil {
		return nil, err
	}
	took := time.Since(started)
	return &quiet{
		process: 100 * (process2 - process).Seconds() / took.Seconds(), server: 100 * (server2 - server).Seconds() / took.Seconds(),
		wal: (wal2 - wal) / took.Minutes(), commits: (commits2 - commits) / took.Minutes(), grown: memory2 - memory,
		rows: (rows2 - rows) / took.Minutes(),
	}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
