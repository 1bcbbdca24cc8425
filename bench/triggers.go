package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

// totals is a view simple enough to be kept by triggers written by hand.
type totals struct{ name, view, group string }

// totalsOf have few groups, which all transactions update, and many.
var totalsOf = []totals{
	{"4 groups", "totals_by_flags", "l_returnflag, l_linestatus"},
	{"a group a supplier", "totals_by_supplier", "l_suppkey"},
}

func (v totals) query() string {
	return "SELECT " + v.group + ", count(*) AS lines, sum(l_quantity) AS quantity, sum(l_extendedprice) AS price FROM lineitem GROUP BY " + v.group
}

// install makes a table with the view's contents and the trigger that keeps it. It
// keeps inserts only, and so is the least that triggers can cost: one for deletes
// and one for updates would be needed as well. Groups are updated in one order, or
// transactions would deadlock.
func (v totals) install() string {
	return `CREATE TABLE bench_kept AS ` + v.query() + `;
		CREATE UNIQUE INDEX ON bench_kept (` + v.group + `);
		CREATE FUNCTION bench_keep() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO bench_kept AS kept
			SELECT ` + v.group + `, count(*), sum(l_quantity), sum(l_extendedprice) FROM added GROUP BY ` + v.group + ` ORDER BY ` + v.group + `
			ON CONFLICT (` + v.group + `) DO UPDATE SET lines = kept.lines + excluded.lines,
				quantity = kept.quantity + excluded.quantity, price = kept.price + excluded.price;
			RETURN NULL;
		END $$;
		CREATE TRIGGER bench_keep AFTER INSERT ON lineitem REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bench_keep()`
}

const removeTriggers = `DROP TRIGGER bench_keep ON lineitem; DROP FUNCTION bench_keep(); DROP TABLE bench_kept`

// measureTriggers compares the throughput of transactions on lineitem while nobody keeps
// a view, while triggers do, and while we do.
func measureTriggers(ctx context.Context, l *lab) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	for _, v := range totalsOf {
		if err := l.triggersAgainstUs(ctx, conn, v); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return nil
}

type triggerRuns struct{ alone, triggers, ours, triggersPart, oursPart, p50, p99, behind sample }

func (l *lab) triggersAgainstUs(ctx context.Context, conn *pgx.Conn, v totals) error {
	if err := l.loaded(ctx, tpchDatabase, []tpch.View{{Name: v.view, Query: v.query()}}); err != nil {
		return err
	}
	var runs triggerRuns
	sides := []func() error{
		func() error { return l.insertOrders(ctx, &runs.alone) },
		func() error { return l.underTriggers(ctx, conn, v, &runs.triggers) },
		func() error { return l.underUs(ctx, conn, &runs) },
	}
	for round := range l.opts.rounds {
		for i := range sides {
			if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
				return fmt.Errorf("checkpoint: %w", err)
			}
			if err := sides[(i+round)%len(sides)](); err != nil {
				return err
			}
		}
		runs.triggersPart.add(runs.triggers[round] / runs.alone[round])
		runs.oursPart.add(runs.ours[round] / runs.alone[round])
		l.say("%s, round %d: alone %s, triggers %s, with us %s commits/s", v.name, round+1, number(runs.alone[round]), number(runs.triggers[round]), number(runs.ours[round]))
	}
	r := l.report
	r.add(v.name+": neither", "commits/s", runs.alone, fmt.Sprintf("an order and its lines each, %d connections, as fast as they can", writers))
	r.add(v.name+": triggers", "commits/s", runs.triggers, "a statement-level trigger for inserts only; fresh at once")
	r.add(v.name+": with us", "commits/s", runs.ours, "")
	r.versus(v.name+" by them", "commits/s", runs.ours, runs.triggers)
	r.add(v.name+": triggers", "of neither", runs.triggersPart, "")
	r.add(v.name+": with us", "of neither", runs.oursPart, "")
	r.add(v.name+": our freshness meanwhile, p50", "ms", runs.p50, "commit returned → output committed")
	r.add(v.name+": our freshness meanwhile, p99", "ms", runs.p99, "")
	r.add(v.name+": behind when the writers stop", "ms", runs.behind, "")
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(l.verify(ctx), f.stop())
}

func (l *lab) underTriggers(ctx context.Context, conn *pgx.Conn, v totals, runs *sample) error {
	if _, err := conn.Exec(ctx, v.install()); err != nil {
		return fmt.Errorf("install triggers: %w", err)
	}
	if err := l.insertOrders(ctx, runs); err != nil {
		return err
	}
	var different int
	err := conn.QueryRow(ctx, "SELECT count(*) FROM ((TABLE bench_kept EXCEPT "+v.query()+") UNION ALL ("+v.query()+" EXCEPT TABLE bench_kept)) AS d").Scan(&different)
	if err == nil && different > 0 {
		err = fmt.Errorf("%d rows differ", different)
	}
	if err == nil {
		_, err = conn.Exec(ctx, removeTriggers)
	}
	if err != nil {
		return fmt.Errorf("compare and remove what the triggers kept: %w", err)
	}
	return nil
}

// underUs has the writers write while we follow, and one more transaction now and then
// whose way is timed.
func (l *lab) underUs(ctx context.Context, conn *pgx.Conn, runs *triggerRuns) error {
	f, err := l.follow(ctx, "triggers")
	if err != nil {
		return err
	}
	if err := l.caughtUp(ctx, conn, f); err != nil {
		return errors.Join(err, f.kill())
	}
	var delays sample
	var probeErr error
	stop, probed := make(chan struct{}), make(chan struct{})
	probe := func() error {
		lsn, err := position(ctx, conn)
		if err != nil {
			return err
		}
		if err := l.insertOrder(ctx, conn); err != nil {
			return err
		}
		returned := time.Now()
		at, err := passedAt(ctx, conn, lsn, f)
		delays.addMillis(at.Sub(returned))
		return err
	}
	go func() {
		defer close(probed)
		for probeErr == nil {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				probeErr = probe()
			}
		}
	}()
	err = l.insertOrders(ctx, &runs.ours)
	ended := time.Now()
	close(stop)
	<-probed
	if err = errors.Join(err, probeErr); err == nil {
		err = l.caughtUp(ctx, conn, f)
	}
	if err != nil {
		return errors.Join(err, f.kill())
	}
	runs.behind.addMillis(time.Since(ended))
	if len(delays) > 0 {
		runs.p50.add(delays.quantile(0.5))
		runs.p99.add(delays.quantile(0.99))
	}
	return f.stop()
}

// insertOrders has all connections insert orders for a while and adds how many
// commits a second there were.
func (l *lab) insertOrders(ctx context.Context, runs *sample) error {
	conns := make([]*pgx.Conn, writers)
	for i := range conns {
		var err error
		if conns[i], err = l.connect(ctx, tpchDatabase); err != nil {
			return err
		}
		defer closeConn(conns[i])
	}
	failed, done := make([]error, writers), make([]int, writers)
	started := time.Now()
	var wg sync.WaitGroup
	for w, conn := range conns {
		wg.Go(func() {
			for time.Since(started) < l.duration() && failed[w] == nil {
				failed[w] = l.insertOrder(ctx, conn)
				done[w]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range done {
		total += n
	}
	runs.add(float64(total) / time.Since(started).Seconds())
	return errors.Join(failed...)
}

// insertOrder is a transaction of a new order and its lines; several connections may
// do so at once.
func (l *lab) insertOrder(ctx context.Context, conn *pgx.Conn) error {
	l.making.Lock()
	o := l.refresh.NewOrder()
	order, lines := o.AppendRow(nil), o.AppendLines(nil)
	l.making.Unlock()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("insert an order: %w", err)
	}
	_, err = conn.PgConn().CopyFrom(ctx, bytes.NewReader(order), "COPY orders FROM STDIN")
	if err == nil {
		_, err = conn.PgConn().CopyFrom(ctx, bytes.NewReader(lines), "COPY lineitem FROM STDIN")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("insert an order: %w", err), tx.Rollback(ctx))
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("insert an order: %w", err)
	}
	return nil
}
