package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

const (
	commitRate = 500 // single-row commits a second
	writers    = 4   // connections that share them
)

// measureFreshness writes lines of orders, a commit each, at a steady rate, and
// finds out how long after the return of each commit its row was committed in the
// output: by the follower under ten views, and by the bare consumer.
//
// When a row of an output was committed is what pg_xact_commit_timestamp() says of
// its xmin: the same machine's clock, read for every row, afterwards, at no cost
// while it runs. The timestamp is taken a moment before the row becomes visible;
// how long at most is measured too.
func measureFreshness(ctx context.Context, l *lab) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	if err := l.loaded(ctx, tpchDatabase, freshnessViews()); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if err := prepareWriteBack(ctx, conn); err != nil {
		return err
	}
	var ours, bare freshnessRuns
	var ratio50, ratio99 sample
	for round := range l.opts.rounds {
		sides := []func() error{
			func() error { return l.freshnessOfBare(ctx, conn, &bare) },
			func() error { return l.freshnessOfFollower(ctx, conn, &ours) },
		}
		if round%2 == 1 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			if err := side(); err != nil {
				return err
			}
		}
		ratio50.add(ours.p50[round] / bare.p50[round])
		ratio99.add(ours.p99[round] / bare.p99[round])
		l.say("round %d: p50 %.2f ms, p99 %.2f ms; bare consumer p50 %.2f ms, p99 %.2f ms", round+1, ours.p50[round], ours.p99[round], bare.p50[round], bare.p99[round])
	}
	late, err := timestampError(ctx, conn)
	if err != nil {
		return err
	}
	l.report.add("commits", "a second", append(slices.Clone(bare.rate), ours.rate...), fmt.Sprintf("%d asked for, on %d connections", commitRate, writers))
	bare.report(l.report, "bare consumer")
	ours.report(l.report, "ten views")
	l.report.add("p50", "× the bare consumer's", ratio50, "")
	l.report.add("p99", "× the bare consumer's", ratio99, "")
	l.report.picture("freshness.svg", lineChart("Source's commit returned → output committed, all rounds", axis{label: "ms", log: true}, axis{label: "% of the rows"},
		[]series{{name: "ten views", points: distribution(ours.all)}, {name: "bare consumer", points: distribution(bare.all)}}))
	l.report.one("error of these times, at most", "ms", late, "a commit's timestamp → its return to the client, p50, asynchronous commits")

	if err := dropWriteBack(ctx, conn); err != nil {
		return err
	}
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(l.verify(ctx), f.stop())
}

// freshnessViews are the four views, the one whose output changes row by row, and five more
// of the queries of TPC-H that read lines.
func freshnessViews() []tpch.View {
	views := append(slices.Clone(tpch.Views), tpch.NewLines)
	for _, v := range tpch.Queries() {
		if slices.Contains([]string{"q4", "q5", "q10", "q14", "q19"}, v.Name) {
			views = append(views, v)
		}
	}
	return views
}

// freshnessRuns are the delays of one side, in ms.
type freshnessRuns struct {
	rate, p50, p90, p99, worst, cpu sample
	all                             sample // of every row in every round
}

func (r *freshnessRuns) report(to *report, name string) {
	to.add(name+": p50", "ms", r.p50, "source's commit returned → output committed")
	to.add(name+": p90", "ms", r.p90, "")
	to.add(name+": p99", "ms", r.p99, "")
	to.add(name+": worst", "ms", r.worst, "")
	to.add(name+": CPU time of the process", "% of a core", r.cpu, "")
}

func (l *lab) freshnessOfFollower(ctx context.Context, conn *pgx.Conn, runs *freshnessRuns) error {
	f, err := l.follow(ctx, fmt.Sprintf("freshness-%d", len(runs.p50)+1))
	if err != nil {
		return err
	}
	if err := l.caughtUp(ctx, conn, f); err != nil {
		return errors.Join(err, f.kill())
	}
	err = l.freshnessRound(ctx, conn, f, runs, `SELECT l_orderkey, l_linenumber, pg_xact_commit_timestamp(xmin) FROM stepping.new_lines
		WHERE l_orderkey = ANY ($1)`)
	return errors.Join(err, f.stop())
}

func (l *lab) freshnessOfBare(ctx context.Context, conn *pgx.Conn, runs *freshnessRuns) error {
	p, err := l.spawn(ctx, writeBackName, []string{modeEnv + "=" + modeWriteBack, dsnEnv + "=" + l.server.DSN(tpchDatabase)})
	if err != nil {
		return err
	}
	err = l.freshnessRound(ctx, conn, p, runs, `SELECT l_orderkey, l_linenumber, pg_xact_commit_timestamp(xmin) FROM bench_write_back
		WHERE l_orderkey = ANY ($1)`)
	return errors.Join(err, p.stop())
}

type lineKey struct {
	order  int64
	number int32
}

// freshnessRound writes for a while and looks up when the rows arrived.
func (l *lab) freshnessRound(ctx context.Context, conn *pgx.Conn, p *process, runs *freshnessRuns, lookup string) error {
	duration, warmUp := l.duration(), 2*time.Second
	// The orders come first, so that each line completes a row of the join.
	rows := int((duration+warmUp).Seconds()*commitRate) + writers
	lines, err := l.refresh.OrdersFirst(ctx, conn, rows)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(500 * time.Millisecond):
	}
	cpu, started := p.cpu(), time.Now()
	returned, err := l.writeSteadily(ctx, lines)
	if err != nil {
		return err
	}
	took := time.Since(started)
	runs.cpu.add(100 * float64(p.cpu()-cpu) / float64(took))

	arrived := map[lineKey]time.Time{}
	for deadline := time.Now().Add(time.Minute); len(arrived) < len(lines); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d rows have arrived after a minute", len(arrived), len(lines))
		}
		time.Sleep(100 * time.Millisecond)
		if err := lookUp(ctx, conn, lookup, lines, arrived); err != nil {
			return err
		}
	}
	var delays sample
	for i := range lines {
		if returned[i].Sub(started) > warmUp {
			delays.addMillis(arrived[lineKey{lines[i].Order, int32(lines[i].Number)}].Sub(returned[i]))
		}
	}
	runs.all = append(runs.all, delays...)
	runs.rate.add(float64(len(lines)) / took.Seconds())
	runs.p50.add(delays.quantile(0.5))
	runs.p90.add(delays.quantile(0.9))
	runs.p99.add(delays.quantile(0.99))
	runs.worst.add(delays.quantile(1))
	return nil
}

func lookUp(ctx context.Context, conn *pgx.Conn, sql string, lines []tpch.Line, arrived map[lineKey]time.Time) error {
	orders := make([]int64, len(lines))
	for i := range lines {
		orders[i] = lines[i].Order
	}
	rows, err := conn.Query(ctx, sql, slices.Compact(orders))
	if err == nil {
		var k lineKey
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&k.order, &k.number, &at}, func() error {
			arrived[k] = at
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("look up when rows were committed: %w", err)
	}
	return nil
}

// writeSteadily inserts each line by a commit of its own and returns when each
// commit returned. The connections take turns on a fixed timetable; one that is
// late goes on at once.
func (l *lab) writeSteadily(ctx context.Context, lines []tpch.Line) ([]time.Time, error) {
	returned := make([]time.Time, len(lines))
	failed := make([]error, writers)
	conns := make([]*pgx.Conn, writers)
	for i := range conns {
		var err error
		if conns[i], err = l.connect(ctx, tpchDatabase); err != nil {
			return nil, err
		}
		defer closeConn(conns[i])
	}
	started := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			insert, err := tpch.NewLineInserter(ctx, conns[w])
			for i := w; i < len(lines) && err == nil; i += writers {
				time.Sleep(time.Until(started.Add(time.Duration(i) * time.Second / commitRate)))
				err = insert.Insert(ctx, &lines[i])
				returned[i] = time.Now()
			}
			failed[w] = err
		})
	}
	wg.Wait()
	return returned, errors.Join(failed...)
}

// timestampError is the median time, in ms, from a commit's timestamp to the
// client's knowledge of it: an upper bound for how much too early our times are.
func timestampError(ctx context.Context, conn *pgx.Conn) (float64, error) {
	if _, err := conn.Exec(ctx, "SET synchronous_commit = off; CREATE TABLE bench_clock (i int)"); err != nil {
		return 0, fmt.Errorf("measure the clock's error: %w", err)
	}
	returned := make([]time.Time, 500)
	for i := range returned {
		if _, err := conn.Exec(ctx, "INSERT INTO bench_clock VALUES ($1)", i); err != nil {
			return 0, fmt.Errorf("measure the clock's error: %w", err)
		}
		returned[i] = time.Now()
	}
	var late sample
	var i int
	var at time.Time
	rows, err := conn.Query(ctx, "SELECT i, pg_xact_commit_timestamp(xmin) FROM bench_clock")
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&i, &at}, func() error {
			late.addMillis(returned[i].Sub(at))
			return nil
		})
	}
	if err == nil {
		_, err = conn.Exec(ctx, "DROP TABLE bench_clock; RESET synchronous_commit")
	}
	if err != nil || len(late) == 0 {
		return math.NaN(), errors.Join(errors.New("measure the clock's error"), err)
	}
	return late.median(), nil
}
