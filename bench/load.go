package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
)

// measureLoad times the first start of all, against COPY TO STDOUT of the columns
// that the views use.
func measureLoad(ctx context.Context, l *lab) error {
	return l.load(ctx, tpch.Views, "four views")
}

// measureLoad22 does so under all queries of TPC-H.
func measureLoad22(ctx context.Context, l *lab) error {
	if err := l.indexed(ctx); err != nil {
		return err
	}
	return l.load(ctx, l.queries(), l.queriesName())
}

func (l *lab) load(ctx context.Context, views []tpch.View, about string) error {
	if err := l.tpch(ctx); err != nil {
		return err
	}
	conn, err := l.connect(ctx, tpchDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	var rate, copied, ratio, memory, state, cpu sample
	for round := range l.opts.rounds {
		if err := l.afresh(ctx, tpchDatabase, views); err != nil {
			return err
		}
		copyTook, rows, bytes, err := l.copyOut(ctx, conn)
		if err != nil {
			return err
		}
		f, err := l.follow(ctx, fmt.Sprintf("load-%d-%d", len(views), round+1))
		if err != nil {
			return err
		}
		took := f.live.At.Sub(f.started)
		if f.live.Rows != rows {
			return errors.Join(fmt.Errorf("the snapshot has %d rows, COPY had %d", f.live.Rows, rows), f.kill())
		}
		rate.add(float64(rows) / took.Seconds())
		cpu.add(float64(f.cpu().Microseconds()) / float64(rows))
		copied.add(float64(rows) / copyTook.Seconds())
		ratio.add(took.Seconds() / copyTook.Seconds())
		l.say("round %d: %d rows loaded in %s, copied out in %s", round+1, rows, took.Round(time.Millisecond), copyTook.Round(time.Millisecond))
		if round == l.opts.rounds-1 {
			if err := l.verify(ctx); err != nil {
				return errors.Join(err, f.kill())
			}
		}
		if err := f.stop(); err != nil {
			return err
		}
		size, err := dirSize(l.stateDir())
		if err != nil {
			return fmt.Errorf("measure the state: %w", err)
		}
		perMillion := 1e6 / float64(rows)
		memory.add(f.peakMemory() / (1 << 20))
		state.add(float64(size) / (1 << 20) * perMillion)
		if round == l.opts.rounds-1 {
			l.report.one("used columns, as COPY sends them", "MB per million rows", float64(bytes)/(1<<20)*perMillion, fmt.Sprintf("%s rows of the tables that the views read", number(float64(rows))))
		}
	}
	l.report.add("COPY TO STDOUT of the used columns, binary", "rows/s", copied, "thrown away by the client")
	l.report.add("snapshot, "+about, "rows/s", rate, "from the start of the process until the outputs are there")
	l.report.versus("snapshot, "+about, "rows/s", rate, copied)
	l.report.add("time of the snapshot", "× COPY's", ratio, "")
	l.report.add("our CPU time", "µs a row", cpu, "")
	l.report.add("peak memory", "MB", memory, "with state.memory at its default of 256 MiB")
	l.report.add("state on disk", "MB per million rows", state, "")
	return nil
}

// copyOut reads the used columns of the tables that the views read.
func (l *lab) copyOut(ctx context.Context, conn *pgx.Conn) (took time.Duration, rows, bytes int64, err error) {
	cfg, err := config.Load(l.configPath(), nil)
	if err != nil {
		return 0, 0, 0, err
	}
	analysis, err := configured.Analyze(ctx, cfg)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("analyse the views: %w", err)
	}
	started := time.Now()
	for _, t := range configured.TableRefs(analysis.Outputs) {
		columns := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = pgx.Identifier{c}.Sanitize()
		}
		sql := "COPY " + pgx.Identifier{t.Schema, t.Name}.Sanitize() + " (" + strings.Join(columns, ", ") + ") TO STDOUT (FORMAT binary)"
		var count counter
		tag, err := conn.PgConn().CopyTo(ctx, &count, sql)
		if err != nil {
			return 0, 0, 0, fmt.Errorf("copy out %s: %w", t, err)
		}
		rows += tag.RowsAffected()
		bytes += int64(count)
	}
	return time.Since(started), rows, bytes, nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)
