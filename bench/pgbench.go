package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

const pgbenchDatabase = "pgbench"

// pgbenchViews are ten views over pgbench's tables: totals of a large table, joins with
// small and hot ones, groups of one that only grows, a narrow range of rows, and the first of
// an order.
var pgbenchViews = []tpch.View{
	{Name: "branch_accounts", Query: `SELECT bid, count(*) AS accounts, sum(abalance) AS balance FROM pgbench_accounts GROUP BY bid`},
	{Name: "branch_tellers", Query: `SELECT b.bid, b.bbalance, sum(t.tbalance) AS tellers
FROM pgbench_branches b JOIN pgbench_tellers t ON t.bid = b.bid GROUP BY b.bid, b.bbalance`},
	{Name: "teller_history", Query: `SELECT tid, count(*) AS changes, sum(delta) AS delta, max(mtime) AS last FROM pgbench_history GROUP BY tid`},
	{Name: "rich_accounts", Query: `SELECT aid, bid, abalance FROM pgbench_accounts WHERE abalance > 4000`},
	{Name: "account_bands", Query: `SELECT floor(abalance / 1000.0) AS band, count(*) AS accounts FROM pgbench_accounts GROUP BY 1`},
	{Name: "branch_days", Query: `SELECT bid, mtime::date AS day, count(*) AS changes, sum(delta) AS delta, avg(delta) AS mean FROM pgbench_history GROUP BY 1, 2`},
	{Name: "busy_accounts", Query: `SELECT aid, count(*) AS changes FROM pgbench_history GROUP BY aid HAVING count(*) > 2`},
	{Name: "top_tellers", Query: `SELECT tid, bid, tbalance FROM pgbench_tellers ORDER BY tbalance DESC, tid LIMIT 10`},
	{Name: "branch_shares", Query: `SELECT t.tid, t.tbalance, b.bbalance, t.tbalance > b.bbalance AS above FROM pgbench_tellers t JOIN pgbench_branches b USING (bid)`},
	{Name: "large_changes", Query: `SELECT h.tid, h.aid, h.delta, h.mtime, a.abalance FROM pgbench_history h JOIN pgbench_accounts a USING (aid) WHERE abs(h.delta) > 4900`},
}

// measurePgbench compares the throughput of pgbench's default script with nobody
// listening, with pg_recvlogical attached, and with us.
func measurePgbench(ctx context.Context, l *lab) error {
	if l.program("pgbench") == "" {
		l.say("pgbench is not installed with this Postgres: left out")
		return nil
	}
	if err := l.preparePgbench(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx, pgbenchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if err := l.loaded(ctx, pgbenchDatabase, pgbenchViews); err != nil {
		return err
	}
	var alone, drained, followed pgbenchRuns
	var ratioAlone, ratioDrained sample
	sides := []func() error{
		func() error { return l.pgbenchAlone(ctx, &alone) },
		func() error { return l.pgbenchDrained(ctx, conn, &drained) },
		func() error { return l.pgbenchFollowed(ctx, conn, &followed) },
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
		ratioAlone.add(followed.tps[round] / alone.tps[round])
		ratioDrained.add(followed.tps[round] / drained.tps[round])
		l.say("round %d: alone %s tps, pg_recvlogical %s tps, followed %s tps", round+1, number(alone.tps[round]), number(drained.tps[round]), number(followed.tps[round]))
	}
	l.report.add("alone", "tps", alone.tps, "pgbench -c 4 -j 1, scale "+strconv.Itoa(l.pgbenchScale())+", fsync on, on the same machine")
	l.report.add("with pg_recvlogical attached", "tps", drained.tps, "")
	l.report.add("with us, ten views", "tps", followed.tps, "")
	l.report.versus("beside pg_recvlogical", "tps", followed.tps, drained.tps)
	l.report.versus("beside nobody", "tps", followed.tps, alone.tps)
	l.report.add("with us", "of alone", ratioAlone, "")
	l.report.add("with us", "of pg_recvlogical", ratioDrained, "")
	l.report.add("behind when pgbench ends", "ms", followed.lag, "")
	l.report.add("our CPU time", "µs a transaction", followed.process, "of the process, until the outputs hold the last one")
	l.report.add("the server's with us", "µs a transaction", followed.server, "")
	followed.reportRoles(l.report, "with us", roleSender, roleOutputs, roleBackground)
	l.report.add("the server's with pg_recvlogical", "µs a transaction", drained.server, "")
	drained.reportRoles(l.report, "with pg_recvlogical", roleSender, roleBackground)
	l.report.add("pg_recvlogical's", "µs a transaction", drained.process, "")
	l.report.add("the server's alone", "µs a transaction", alone.server, "")
	f, err := l.follow(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(l.verify(ctx), f.stop())
}

func (l *lab) pgbenchScale() int {
	if l.opts.quick {
		return 1
	}
	return 10
}

func (l *lab) preparePgbench(ctx context.Context) error {
	if err := l.create(ctx, pgbenchDatabase); err != nil {
		return err
	}
	l.say("pgbench -i -s %d", l.pgbenchScale())
	cmd := exec.CommandContext(ctx, l.program("pgbench"), "-i", "-q", "-s", strconv.Itoa(l.pgbenchScale()), l.server.DSN(pgbenchDatabase))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialize pgbench: %w: %s", err, out)
	}
	conn, err := l.connect(ctx, pgbenchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	// It has no key.
	if _, err := conn.Exec(ctx, "ALTER TABLE pgbench_history REPLICA IDENTITY FULL"); err != nil {
		return fmt.Errorf("prepare pgbench: %w", err)
	}
	return nil
}

// pgbenchRuns are the runs of one side: throughput and CPU time a transaction.
type pgbenchRuns struct {
	tps, server, process, lag sample
	roles                     map[string]*sample // of the server's CPU time
	transactions              float64            // of the last run
}

// addRoles shares the CPU times of a run by its transactions.
func (r *pgbenchRuns) addRoles(before, after roles) {
	if r.roles == nil {
		r.roles = map[string]*sample{roleSender: {}, roleOutputs: {}, roleBackground: {}}
	}
	for role, s := range r.roles {
		s.add(r.perTransaction(after[role] - before[role]))
	}
}

func (r *pgbenchRuns) reportRoles(to *report, side string, names ...string) {
	for _, name := range names {
		to.add("… "+name+" "+side, "µs a transaction", *r.roles[name], "")
	}
}

// perTransaction is a CPU time, shared by the transactions of the last run.
func (r *pgbenchRuns) perTransaction(cpu time.Duration) float64 {
	return float64(cpu.Microseconds()) / r.transactions
}

var (
	tps          = regexp.MustCompile(`tps = ([0-9.]+)`)
	transactions = regexp.MustCompile(`transactions actually processed: ([0-9]+)`)
)

func (l *lab) pgbenchAlone(ctx context.Context, runs *pgbenchRuns) error {
	cpu := cpuOfTree(l.server.Pid())
	if err := l.pgbench(ctx, runs); err != nil {
		return err
	}
	runs.server.add(runs.perTransaction(cpuOfTree(l.server.Pid()) - cpu))
	return nil
}

// pgbench runs the default script for a while and adds its throughput.
func (l *lab) pgbench(ctx context.Context, runs *pgbenchRuns) error {
	seconds := strconv.Itoa(l.opts.seconds)
	cmd := exec.CommandContext(ctx, l.program("pgbench"), "-n", "-c", "4", "-j", "1", "-T", seconds, l.server.DSN(pgbenchDatabase))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run pgbench: %w: %s", err, out)
	}
	rate, count := tps.FindSubmatch(out), transactions.FindSubmatch(out)
	if rate == nil || count == nil {
		return fmt.Errorf("run pgbench: no throughput in %q", out)
	}
	v, err1 := strconv.ParseFloat(string(rate[1]), 64)
	n, err2 := strconv.ParseFloat(string(count[1]), 64)
	runs.tps.add(v)
	runs.transactions = n
	return errors.Join(err1, err2)
}

func (l *lab) pgbenchDrained(ctx context.Context, conn *pgx.Conn, runs *pgbenchRuns) error {
	if err := newDrainSlot(ctx, conn); err != nil {
		return err
	}
	attached, stop := context.WithCancel(ctx)
	defer stop()
	cmd, output, err := l.recvlogical(attached, pgbenchDatabase, publication)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start pg_recvlogical: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	if err := attach(ctx, conn, exited, output); err != nil {
		return err
	}
	before, err := readRoles(ctx, conn)
	if err != nil {
		return err
	}
	process, server := cpuOf(cmd.Process.Pid), cpuOfTree(l.server.Pid())
	if err := l.pgbench(ctx, runs); err != nil {
		return err
	}
	runs.process.add(runs.perTransaction(cpuOf(cmd.Process.Pid) - process))
	runs.server.add(runs.perTransaction(cpuOfTree(l.server.Pid()) - server))
	after, err := readRoles(ctx, conn)
	if err != nil {
		return err
	}
	runs.addRoles(before, after)
	stop()
	<-exited // its status is that of having been stopped
	return dropSlot(ctx, conn, drainSlot)
}

// attach waits until pg_recvlogical reads its slot.
func attach(ctx context.Context, conn *pgx.Conn, exited <-chan error, output fmt.Stringer) error {
	for {
		var active bool
		if err := conn.QueryRow(ctx, "SELECT active FROM pg_replication_slots WHERE slot_name = $1", drainSlot).Scan(&active); err != nil {
			return fmt.Errorf("read slot %s: %w", drainSlot, err)
		}
		if active {
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("pg_recvlogical ended: %w: %s", err, output)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (l *lab) pgbenchFollowed(ctx context.Context, conn *pgx.Conn, runs *pgbenchRuns) error {
	f, err := l.follow(ctx, fmt.Sprintf("pgbench-%d", len(runs.tps)+1))
	if err != nil {
		return err
	}
	// touch is a transaction at whose end the outputs have to hold all before it.
	touch := func() error {
		lsn, err := position(ctx, conn)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "UPDATE pgbench_branches SET filler = filler WHERE bid = 1"); err != nil {
			return fmt.Errorf("write to pgbench's tables: %w", err)
		}
		return passed(ctx, conn, lsn, f)
	}
	if err := touch(); err != nil {
		return errors.Join(err, f.kill())
	}
	before, err := readRoles(ctx, conn)
	if err != nil {
		return errors.Join(err, f.kill())
	}
	process, server := f.cpu(), cpuOfTree(l.server.Pid())
	err = l.pgbench(ctx, runs)
	ended := time.Now()
	if err = errors.Join(err, touch()); err != nil {
		return errors.Join(err, f.kill())
	}
	runs.lag.addMillis(time.Since(ended))
	runs.process.add(runs.perTransaction(f.cpu() - process))
	runs.server.add(runs.perTransaction(cpuOfTree(l.server.Pid()) - server))
	after, err := readRoles(ctx, conn)
	if err != nil {
		return errors.Join(err, f.kill())
	}
	runs.addRoles(before, after)
	return f.stop()
}
