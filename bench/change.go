package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
)

// measureChange sets, for each query of TPC-H as the only view, the time from a small
// change's commit to the output's beside what a materialized view takes to be
// refreshed after it.
func measureChange(ctx context.Context, l *lab) error {
	if err := l.indexed(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	// What is taken out of partsupp for a moment.
	if _, err := conn.Exec(ctx, "CREATE TABLE bench_removed AS SELECT * FROM partsupp LIMIT 0"); err != nil {
		return fmt.Errorf("prepare changes: %w", err)
	}
	var rows int64
	for _, v := range l.queries() {
		compared, err := l.changeOf(ctx, conn, v)
		if err != nil {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		rows += compared
	}
	l.report.one("rows of the outputs that were compared with their queries afterwards", "rows", float64(rows), "all equal")
	if _, err := conn.Exec(ctx, "DROP TABLE bench_removed"); err != nil {
		return fmt.Errorf("remove what changes needed: %w", err)
	}
	return nil
}

// changeRuns are the figures of one view, in ms.
type changeRuns struct{ ours, worst, refresh, concurrent, ratio, ratioConcurrent sample }

func (l *lab) changeOf(ctx context.Context, conn *pgx.Conn, v tpch.View) (rows int64, err error) {
	if err := l.loaded(ctx, tpchDatabase, []tpch.View{v}); err != nil {
		return 0, err
	}
	tables, key, err := l.readsAndKey(ctx)
	if err != nil {
		return 0, err
	}
	name := "bench_" + v.Name
	if _, err := conn.Exec(ctx, "CREATE MATERIALIZED VIEW "+name+" AS "+v.Query); err != nil {
		return 0, fmt.Errorf("create materialized view: %w", err)
	}
	if key != "" {
		if _, err := conn.Exec(ctx, "CREATE UNIQUE INDEX ON "+name+" ("+key+")"); err != nil {
			return 0, fmt.Errorf("index materialized view: %w", err)
		}
	}
	changes := l.orderChanges()
	if !slices.Contains(tables, "orders") && !slices.Contains(tables, "lineitem") {
		changes = partsuppChanges
	}
	f, err := l.follow(ctx, "change-"+v.Name)
	if err != nil {
		return 0, err
	}
	var runs changeRuns
	for round := range l.opts.rounds {
		if err := l.changeRound(ctx, conn, f, name, key != "", changes, &runs); err != nil {
			return 0, errors.Join(fmt.Errorf("round %d: %w", round+1, err), f.kill())
		}
	}
	if rows, err = l.compared(ctx); err != nil {
		return 0, errors.Join(err, f.kill())
	}
	if err := f.stop(); err != nil {
		return 0, err
	}
	if _, err := conn.Exec(ctx, "DROP MATERIALIZED VIEW "+name); err != nil {
		return 0, fmt.Errorf("drop materialized view: %w", err)
	}
	l.report.add(v.Name+": a change", "ms", runs.ours, "p50 of a round's commits: source's commit returned → output committed")
	l.report.add(v.Name+": a change, worst", "ms", runs.worst, "")
	l.report.add(v.Name+": REFRESH MATERIALIZED VIEW", "ms", runs.refresh, "")
	l.report.add(v.Name+": … CONCURRENTLY", "ms", runs.concurrent, "")
	l.report.add(v.Name+": REFRESH", "× a change", runs.ratio, "")
	l.report.add(v.Name+": … CONCURRENTLY", "× a change", runs.ratioConcurrent, "")
	l.say("%s: %s ms a change, %s ms to refresh", v.Name, number(runs.ours.median()), number(runs.refresh.median()))
	return rows, nil
}

// readsAndKey are the tables that the configured view reads, and the columns of its
// output that identify a row; "" if there are none.
func (l *lab) readsAndKey(ctx context.Context) (tables []string, key string, err error) {
	cfg, err := config.Load(l.configPath(), nil)
	if err != nil {
		return nil, "", err
	}
	analysis, err := configured.Analyze(ctx, cfg)
	if err != nil {
		return nil, "", fmt.Errorf("analyse the view: %w", err)
	}
	for _, t := range configured.TableRefs(analysis.Outputs) {
		tables = append(tables, t.Name)
	}
	out := analysis.Outputs[0]
	var columns []string
	for _, i := range out.Key {
		columns = append(columns, pgx.Identifier{out.Columns[i].Name}.Sanitize())
	}
	if out.Key != nil && len(columns) == 0 { // one row at most: any column will do
		columns = []string{pgx.Identifier{out.Columns[0].Name}.Sanitize()}
	}
	return tables, strings.Join(columns, ", "), nil
}

// smallChange is a transaction on few rows.
type smallChange func(ctx context.Context, conn *pgx.Conn) error

// orderChanges: an order with its lines comes, one changes, one goes.
func (l *lab) orderChanges() []smallChange {
	return []smallChange{
		func(ctx context.Context, conn *pgx.Conn) error {
			_, err := l.refresh.Insert(ctx, conn, 1)
			return err
		},
		l.refresh.Update,
		l.refresh.Delete,
	}
}

// partsuppChanges are for the queries that read no orders: a row changes, goes, and
// comes back.
var partsuppChanges = []smallChange{
	execChange(`UPDATE partsupp SET ps_supplycost = ps_supplycost - 0.01, ps_availqty = ps_availqty + 1
		WHERE (ps_partkey, ps_suppkey) = (SELECT ps_partkey, ps_suppkey FROM partsupp WHERE ps_partkey >= $1 ORDER BY 1, 2 LIMIT 1)`),
	execChange(`WITH gone AS (DELETE FROM partsupp
		WHERE (ps_partkey, ps_suppkey) = (SELECT ps_partkey, ps_suppkey FROM partsupp WHERE ps_partkey >= $1 ORDER BY 1, 2 LIMIT 1) RETURNING *)
		INSERT INTO bench_removed SELECT * FROM gone`),
	execChange(`WITH back AS (DELETE FROM bench_removed WHERE $1::bigint IS NOT NULL RETURNING *) INSERT INTO partsupp SELECT * FROM back`),
}

// execChange is a statement whose parameter is the key of a part.
func execChange(sql string) smallChange {
	return func(ctx context.Context, conn *pgx.Conn) error {
		var part int64
		if err := conn.QueryRow(ctx, "SELECT 1 + floor(random() * (SELECT max(ps_partkey) FROM partsupp))::bigint").Scan(&part); err != nil {
			return fmt.Errorf("choose a part: %w", err)
		}
		if _, err := conn.Exec(ctx, sql, part); err != nil {
			return fmt.Errorf("change partsupp: %w", err)
		}
		return nil
	}
}

func (l *lab) changeRound(ctx context.Context, conn *pgx.Conn, f *process, name string, unique bool, changes []smallChange, runs *changeRuns) error {
	var delays sample
	times := 10
	if l.opts.quick {
		times = 2
	}
	for i := range times + 1 {
		for _, change := range changes {
			lsn, err := position(ctx, conn)
			if err != nil {
				return err
			}
			if err := change(ctx, conn); err != nil {
				return err
			}
			returned := time.Now()
			at, err := passedAt(ctx, conn, lsn, f)
			if err != nil {
				return err
			}
			if i > 0 { // the first ones work off what was written before
				delays.addMillis(at.Sub(returned))
			}
		}
	}
	// On a busy machine a commit may be in the output before its client knows of it:
	// shown as it is, and no part of a ratio.
	ours := delays.median()
	runs.ours.add(ours)
	runs.worst.add(delays.quantile(1))
	refresh := func(how string, took, ratio *sample) error {
		started := time.Now()
		if _, err := conn.Exec(ctx, "REFRESH MATERIALIZED VIEW "+how+name); err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		took.addMillis(time.Since(started))
		if ours > 0 {
			ratio.add((*took)[len(*took)-1] / ours)
		}
		return nil
	}
	// First the one that has changes to find.
	if unique {
		if err := refresh("CONCURRENTLY ", &runs.concurrent, &runs.ratioConcurrent); err != nil {
			return err
		}
	}
	return refresh("", &runs.refresh, &runs.ratio)
}
