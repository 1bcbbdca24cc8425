package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

// backlog is a kind of changes to catch up with.
type backlog struct {
	name, about string
	rows        int
	write       func(ctx context.Context, conn *pgx.Conn, rows int) (int, error)
}

// backlogs are sized for about a second or more of a drain; smaller in a quick run.
func (l *lab) backlogs() []backlog {
	size := func(rows int) int {
		if l.opts.quick {
			return rows / 20
		}
		return rows
	}
	thousands := func(write func(context.Context, *pgx.Conn, int) (int, error)) func(context.Context, *pgx.Conn, int) (int, error) {
		return func(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
			n := 0
			for n < rows {
				changed, err := write(ctx, conn, 1000)
				if err != nil {
					return n, err
				}
				n += changed
			}
			return n, nil
		}
	}
	mixed := int(200_000 * min(l.opts.scale/0.1, 2)) // no more than there is to delete
	all := []backlog{
		{"inserts", "inserts in transactions of 1,000", size(400_000), thousands(l.refresh.Insert)},
		{"mixed", "3/4 inserts, 1/8 updates, 1/8 deletes in transactions of 1,000", size(mixed), thousands(l.refresh.Mixed)},
		{"single", "inserts in single-row transactions", size(100_000), l.refresh.InsertSingly},
	}
	return slices.DeleteFunc(all, func(b backlog) bool { return !chosen(l.opts.backlog, b.name) })
}

// measureCatchup stops the follower, writes a backlog, and has the follower and
// pg_recvlogical work it off, one after the other.
func measureCatchup(ctx context.Context, l *lab) error {
	return l.catchup(ctx, tpch.Views, "four views", l.backlogs)
}

// measureCatchup22 does so under all queries of TPC-H, by backlogs of a quarter.
func measureCatchup22(ctx context.Context, l *lab) error {
	if err := l.indexed(ctx); err != nil {
		return err
	}
	return l.catchup(ctx, l.queries(), l.queriesName(), func() []backlog {
		backlogs := slices.DeleteFunc(l.backlogs(), func(b backlog) bool { return b.name == "single" })
		for i := range backlogs {
			backlogs[i].rows /= 4
		}
		return backlogs
	})
}

// catchup takes what to catch up with once there is data to change.
func (l *lab) catchup(ctx context.Context, views []tpch.View, about string, backlogs func() []backlog) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	if err := l.loaded(ctx, tpchDatabase, views); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if err := newDrainSlot(ctx, conn); err != nil {
		return err
	}
	for _, b := range backlogs() {
		var runs catchupRuns
		for round := range l.opts.rounds {
			if err := l.catchupRound(ctx, conn, b, round, &runs); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
		runs.report(l.report, b, about)
	}
	if err := dropSlot(ctx, conn, drainSlot); err != nil {
		return err
	}
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(l.verify(ctx), f.stop())
}

// catchupRuns are the figures of one kind of backlog.
type catchupRuns struct {
	drain, ours, ratio, ready  sample
	drainServer, ours1, server sample // µs of CPU time a row
	memory, perCommit          sample
}

func (l *lab) catchupRound(ctx context.Context, conn *pgx.Conn, b backlog, round int, runs *catchupRuns) error {
	// The backlog need not wait for the disk; its last transaction does, for all.
	if _, err := conn.Exec(ctx, "SET synchronous_commit = off"); err != nil {
		return err
	}
	n, err := b.write(ctx, conn, b.rows)
	if err != nil {
		return err
	}
	lsn, err := position(ctx, conn)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SET synchronous_commit = on"); err != nil {
		return err
	}
	if _, err := l.refresh.Insert(ctx, conn, 1); err != nil {
		return err
	}
	rows := float64(n)
	perRow := func(d time.Duration) float64 { return float64(d.Microseconds()) / rows }

	var drained, caught time.Duration
	drain := func() error {
		cpu := cpuOfTree(l.server.Pid())
		if drained, err = l.drain(ctx, tpchDatabase, publication, lsn); err != nil {
			return err
		}
		runs.drain.add(rows / drained.Seconds())
		runs.drainServer.add(perRow(cpuOfTree(l.server.Pid()) - cpu))
		return nil
	}
	follow := func() error {
		commits, err := outputCommits(ctx, conn)
		if err != nil {
			return err
		}
		cpu := cpuOfTree(l.server.Pid())
		f, err := l.follow(ctx, fmt.Sprintf("catchup-%s-%d", b.name, round+1))
		if err != nil {
			return err
		}
		if err := passed(ctx, conn, lsn, f); err != nil {
			return errors.Join(err, f.kill())
		}
		caught = time.Since(f.started)
		runs.ours.add(rows / caught.Seconds())
		runs.ready.addMillis(f.live.At.Sub(f.started))
		runs.ours1.add(perRow(f.cpu()))
		runs.server.add(perRow(cpuOfTree(l.server.Pid()) - cpu))
		if err := f.stop(); err != nil {
			return err
		}
		runs.memory.add(f.peakMemory() / (1 << 20))
		after, err := outputCommits(ctx, conn)
		if err != nil {
			return err
		}
		runs.perCommit.add(rows / max(after-commits, 1))
		return nil
	}
	order := []func() error{drain, follow}
	if round%2 == 1 {
		order[0], order[1] = order[1], order[0]
	}
	for _, side := range order {
		// So that no side pays for writing back the pages of the backlog.
		if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if err := side(); err != nil {
			return err
		}
	}
	runs.ratio.add(drained.Seconds() / caught.Seconds())
	l.say("%s, round %d: %d rows, drained in %s, caught up in %s: %.2f", b.name, round+1, n,
		drained.Round(time.Millisecond), caught.Round(time.Millisecond), runs.ratio[len(runs.ratio)-1])
	return nil
}

// outputCommits is how many output commits there have been: each updates progress
// once. The follower has to have ended, which is when its session tells.
func outputCommits(ctx context.Context, conn *pgx.Conn) (float64, error) {
	var n float64
	err := conn.QueryRow(ctx, "SELECT n_tup_upd::float8 FROM pg_stat_all_tables WHERE relid = 'stepping_cdc.progress'::regclass").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count output commits: %w", err)
	}
	return n, nil
}

func (c *catchupRuns) report(r *report, b backlog, views string) {
	r.add(b.name+": drained by pg_recvlogical", "rows/s", c.drain, b.about)
	r.add(b.name+": caught up, "+views, "rows/s", c.ours, "from the start of the process to the output commit that holds the last row")
	r.versus(b.name, "rows/s", c.ours, c.drain)
	r.add(b.name+": ratio", "of the drain", c.ratio, "")
	r.add(b.name+": of which until the stream began", "ms", c.ready, "connecting, analysing the views, opening the state")
	r.add(b.name+": our CPU time", "µs a row", c.ours1, "")
	r.add(b.name+": the server's CPU time meanwhile", "µs a row", c.server, "walsender, writes of the outputs and everything else")
	r.add(b.name+": the server's CPU time for the drain", "µs a row", c.drainServer, "")
	r.add(b.name+": rows an output commit", "rows", c.perCommit, "on average; several transactions share one while there is a backlog")
	r.add(b.name+": our peak memory", "MB", c.memory, "")
}
