package main

import (
	"context"
	"fmt"
	"time"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

// measureRefresh times what one would do without us.
func measureRefresh(ctx context.Context, l *lab) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	total := make(sample, l.opts.rounds)
	for _, v := range tpch.Views {
		name := "bench_" + v.Name
		if _, err := conn.Exec(ctx, "CREATE MATERIALIZED VIEW "+name+" AS "+v.Query); err != nil {
			return fmt.Errorf("create materialized view %s: %w", name, err)
		}
		var runs sample
		for round := range l.opts.rounds {
			started := time.Now()
			if _, err := conn.Exec(ctx, "REFRESH MATERIALIZED VIEW "+name); err != nil {
				return fmt.Errorf("refresh %s: %w", name, err)
			}
			runs.addMillis(time.Since(started))
			total[round] += runs[round]
		}
		l.report.add(v.Name, "ms", runs, "")
		if _, err := conn.Exec(ctx, "DROP MATERIALIZED VIEW "+name); err != nil {
			return fmt.Errorf("drop materialized view %s: %w", name, err)
		}
	}
	l.report.add("all four", "ms", total, "to be compared with the freshness of one change")
	return nil
}
