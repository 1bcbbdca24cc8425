package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

// measureLive has one writer commit transactions of 1,000 rows as fast as it can
// and looks how far behind the outputs are.
func measureLive(ctx context.Context, l *lab) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	if err := l.loaded(ctx, tpchDatabase, tpch.Views); err != nil {
		return err
	}
	var written, p50, p99, last, process, server sample
	for round := range l.opts.rounds {
		r, err := l.liveRound(ctx)
		if err != nil {
			return err
		}
		written.add(r.rate)
		p50.addMillis(time.Duration(r.lags.median()))
		p99.addMillis(time.Duration(r.lags.quantile(0.99)))
		last.addMillis(r.drained)
		process.add(r.process)
		server.add(r.server)
		l.say("round %d: %s rows/s written, %s behind at the end", round+1, number(r.rate), r.drained.Round(time.Millisecond))
	}
	l.report.add("written, transactions of 1,000", "rows/s", written, "by one connection, inserts, on the same machine")
	l.report.add("lag, p50", "ms", p50, "commit returned → seen in progress, looked at every 2 ms")
	l.report.add("lag, p99", "ms", p99, "")
	l.report.add("behind when the writer stops", "ms", last, "")
	l.report.add("our CPU time", "µs a row", process, "of the process")
	l.report.add("the server's CPU time", "µs a row", server, "with the writer's")
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(l.verify(ctx), f.stop())
}

type liveRun struct {
	rate            float64
	lags            sample // ns
	drained         time.Duration
	process, server float64 // CPU time, µs a row
}

// mark is a position that is not passed before a transaction, and when its commit
// had returned.
type mark struct {
	lsn string
	at  time.Time
}

func (l *lab) liveRound(ctx context.Context) (*liveRun, error) {
	f, err := l.follow(ctx, "live")
	if err != nil {
		return nil, err
	}
	run, err := l.writeFlatOut(ctx, f)
	return run, errors.Join(err, f.stop())
}

func (l *lab) writeFlatOut(ctx context.Context, f *process) (*liveRun, error) {
	writer, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return nil, err
	}
	defer closeConn(writer)
	reader, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return nil, err
	}
	defer closeConn(reader)
	// What was written since the last stop has to be worked off first.
	if err := l.caughtUp(ctx, writer, f); err != nil {
		return nil, err
	}
	run := &liveRun{}
	marks := make(chan mark, 1<<20)
	var readErr error
	var wg sync.WaitGroup
	wg.Go(func() { run.lags, readErr = watch(ctx, reader, f, marks) })

	duration := l.duration()
	process, server := f.cpu(), cpuOfTree(l.server.Pid())
	started, rows := time.Now(), 0
	var last mark
	for time.Since(started) < duration && err == nil {
		var n int
		if last.lsn, err = position(ctx, writer); err != nil {
			break
		}
		n, err = l.refresh.Insert(ctx, writer, 1000)
		last.at = time.Now()
		rows += n
		if err == nil {
			marks <- last
		}
	}
	run.rate = float64(rows) / time.Since(started).Seconds()
	close(marks)
	wg.Wait()
	if err = errors.Join(err, readErr); err != nil {
		return nil, err
	}
	run.drained = time.Since(last.at)
	perRow := func(cpu time.Duration) float64 { return float64(cpu.Microseconds()) / float64(rows) }
	run.process, run.server = perRow(f.cpu()-process), perRow(cpuOfTree(l.server.Pid())-server)
	return run, nil
}

// watch waits for one mark after the other and returns how long each took.
func watch(ctx context.Context, conn *pgx.Conn, f *process, marks <-chan mark) (sample, error) {
	var lags sample
	for m := range marks {
		if err := passed(ctx, conn, m.lsn, f); err != nil {
			return nil, err
		}
		lags.add(float64(time.Since(m.at)))
	}
	return lags, nil
}

// caughtUp writes a transaction and waits until it is in the outputs.
func (l *lab) caughtUp(ctx context.Context, conn *pgx.Conn, f *process) error {
	lsn, err := position(ctx, conn)
	if err != nil {
		return err
	}
	if _, err := l.refresh.Insert(ctx, conn, 1); err != nil {
		return err
	}
	if err := passed(ctx, conn, lsn, f); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	return nil
}
