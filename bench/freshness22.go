package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// refreshRate is how many orders a second come, change or go.
const refreshRate = 30

// measureFreshness22 has orders with their lines come, change and go at a steady
// rate, under all queries of TPC-H, and finds out how long after the return of each
// commit the outputs held it.
func measureFreshness22(ctx context.Context, l *lab) error {
	if err := l.indexed(ctx); err != nil {
		return err
	}
	if err := l.loaded(ctx, tpchDatabase, l.queries()); err != nil {
		return err
	}
	var runs freshnessRuns
	for round := range l.opts.rounds {
		f, err := l.follow(ctx, fmt.Sprintf("freshness22-%d", round+1))
		if err != nil {
			return err
		}
		if err := l.refreshSteadily(ctx, f, &runs); err != nil {
			return errors.Join(err, f.kill())
		}
		if err := f.stop(); err != nil {
			return err
		}
		l.say("round %d: p50 %.2f ms, p99 %.2f ms", round+1, runs.p50[round], runs.p99[round])
	}
	l.report.add("transactions", "a second", runs.rate, fmt.Sprintf("%d asked for, on one connection: an order comes, changes, or goes, with its lines", refreshRate))
	runs.report(l.report, l.queriesName())
	l.report.picture("freshness22.svg", lineChart("Source's commit returned → output committed, 22 views, all rounds", axis{label: "ms", log: true}, axis{label: "% of the transactions"},
		[]series{{name: "22 views", points: distribution(runs.all)}}))
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(l.verify(ctx), f.stop())
}

// refreshSteadily makes changes on a fixed timetable while another connection looks
// when the outputs hold them.
func (l *lab) refreshSteadily(ctx context.Context, f *process, runs *freshnessRuns) error {
	writer, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(writer)
	reader, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(reader)
	changes := l.orderChanges()
	for _, change := range changes { // work off what was written before
		if err := change(ctx, writer); err != nil {
			return err
		}
	}
	if err := l.caughtUp(ctx, writer, f); err != nil {
		return err
	}
	marks := make(chan mark, 1<<16)
	var delays sample
	var readErr error
	var wg sync.WaitGroup
	wg.Go(func() { delays, readErr = watchCommits(ctx, reader, f, marks) })

	n := int(l.duration().Seconds() * refreshRate)
	cpu, started := f.cpu(), time.Now()
	for i := 0; i < n && err == nil; i++ {
		time.Sleep(time.Until(started.Add(time.Duration(i) * time.Second / refreshRate)))
		var m mark
		if m.lsn, err = position(ctx, writer); err == nil {
			err = changes[i%len(changes)](ctx, writer)
			m.at = time.Now()
			marks <- m
		}
	}
	took := time.Since(started)
	close(marks)
	wg.Wait()
	if err = errors.Join(err, readErr); err != nil {
		return err
	}
	runs.cpu.add(100 * float64(f.cpu()-cpu) / float64(took))
	runs.all = append(runs.all, delays...)
	runs.rate.add(float64(n) / took.Seconds())
	runs.p50.add(delays.quantile(0.5))
	runs.p90.add(delays.quantile(0.9))
	runs.p99.add(delays.quantile(0.99))
	runs.worst.add(delays.quantile(1))
	return nil
}

// watchCommits waits for one mark after the other and returns how long after it the
// output commit was that passed it, in ms.
func watchCommits(ctx context.Context, conn *pgx.Conn, f *process, marks <-chan mark) (sample, error) {
	var delays sample
	for m := range marks {
		at, err := passedAt(ctx, conn, m.lsn, f)
		if err != nil {
			return nil, err
		}
		delays.addMillis(at.Sub(m.at))
	}
	return delays, nil
}
