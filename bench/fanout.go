package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

const fanoutDatabase = "fanout"

// fanoutRows is how many rows join with the one that changes.
func (l *lab) fanoutRows() []int64 {
	if l.opts.quick {
		return []int64{10_000, 100_000}
	}
	return []int64{10_000, 100_000, 1_000_000}
}

var fanoutViews = []tpch.View{
	{Name: "named", Query: `SELECT f.id, f.v, d.name FROM f JOIN d ON d.id = f.d`},
	{Name: "totals", Query: `SELECT d.name, count(*) AS n, sum(f.v) AS total FROM f JOIN d ON d.id = f.d GROUP BY d.name`},
}

// measureFanout changes one row that very many others join with, and then adds rows
// to the hot key, by a view that shows each of them and a view that counts them.
func measureFanout(ctx context.Context, l *lab) error {
	if err := l.create(ctx, fanoutDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, fanoutDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	for _, n := range l.fanoutRows() {
		_, err := conn.Exec(ctx, fmt.Sprintf(`DROP TABLE IF EXISTS f, d, plain;
			CREATE TABLE d (id bigint PRIMARY KEY, name text NOT NULL); CREATE TABLE f (id bigint PRIMARY KEY, d bigint NOT NULL, v bigint NOT NULL);
			INSERT INTO d VALUES (1, 'before'), (2, 'other'); INSERT INTO f SELECT i, 1, i %% 100 FROM generate_series(1, %d) AS i; ANALYZE`, n))
		if err != nil {
			return fmt.Errorf("create the tables: %w", err)
		}
		if err := l.afresh(ctx, fanoutDatabase, fanoutViews); err != nil {
			return err
		}
		f, err := l.follow(ctx, fmt.Sprintf("fanout-%d", n))
		if err != nil {
			return err
		}
		if err := l.fanout(ctx, conn, f, n); err != nil {
			return errors.Join(err, f.kill())
		}
		if err := errors.Join(l.verify(ctx), f.stop()); err != nil {
			return err
		}
		if err := l.forget(ctx); err != nil { // before the tables go
			return err
		}
	}
	return nil
}

func (l *lab) fanout(ctx context.Context, conn *pgx.Conn, f *process, n int64) error {
	name := sized(n)
	var plain, took, ratio, peak, silence, next sample
	for round := range l.opts.rounds {
		started := time.Now()
		if _, err := conn.Exec(ctx, "DROP TABLE IF EXISTS plain; CREATE TABLE plain AS "+fanoutViews[0].Query); err != nil {
			return fmt.Errorf("run the plain query: %w", err)
		}
		plain.addSeconds(time.Since(started))
		lsn, err := position(ctx, conn)
		if err != nil {
			return err
		}
		forgetPeak(f.cmd.Process.Pid)
		quiet := l.listenFor(ctx)
		started = time.Now()
		if _, err := conn.Exec(ctx, "UPDATE d SET name = $1 WHERE id = 1", fmt.Sprintf("round %d", round)); err != nil {
			return fmt.Errorf("change the hot row: %w", err)
		}
		if err := passed(ctx, conn, lsn, f); err != nil {
			return err
		}
		took.addSeconds(time.Since(started))
		longest, err := quiet()
		if err != nil {
			return err
		}
		silence.addSeconds(longest)
		_, most := memoryOf(f.cmd.Process.Pid)
		peak.add(most)
		ratio.add(took[round] / plain[round])
		// The walsender reads all WAL, that of the outputs as well, before it comes to
		// what is committed next.
		if lsn, err = position(ctx, conn); err != nil {
			return err
		}
		started = time.Now()
		if _, err := conn.Exec(ctx, "UPDATE d SET name = $1 WHERE id = 2", fmt.Sprintf("after %d", round)); err != nil {
			return fmt.Errorf("change another row: %w", err)
		}
		if err := passed(ctx, conn, lsn, f); err != nil {
			return err
		}
		next.addSeconds(time.Since(started))
	}
	l.report.add(name+" of one key: its row changed", "s", took, "until the output commit: as many rows deleted and inserted")
	l.report.add(name+" of one key: CREATE TABLE AS the query", "s", plain, "")
	l.report.add(name+" of one key: ratio", "× CREATE TABLE AS", ratio, "")
	l.report.add(name+" of one key: peak memory", "MB", peak, "with state.memory at its default of 256 MiB")
	l.report.add(name+" of one key: the next change, of a row that none joins with", "s", next, "the walsender reads what the outputs wrote first")
	l.report.add(name+" of one key: longest without a word to the source", "s", silence, "seen every 50 ms; the server gives up after 60 s")

	// A thousand more rows of the hot key: no more work for each than of any other.
	var more sample
	for range l.opts.rounds {
		lsn, err := position(ctx, conn)
		if err != nil {
			return err
		}
		started := time.Now()
		if _, err := conn.Exec(ctx, "INSERT INTO f SELECT max + i, 1, i FROM (SELECT max(id) FROM f) AS last, generate_series(1, 1000) AS i"); err != nil {
			return fmt.Errorf("add rows: %w", err)
		}
		if err := passed(ctx, conn, lsn, f); err != nil {
			return err
		}
		more.addMillis(time.Since(started))
	}
	l.report.add(name+" of one key: a thousand more", "ms", more, "one transaction")
	l.say("%s: %s s, %s s plain, %s MB at most; a thousand more in %s ms", name, number(took.median()), number(plain.median()), number(peak.quantile(1)), number(more.median()))
	return nil
}

// listenFor looks, until it is asked, how long the follower says nothing to its
// walsender.
func (l *lab) listenFor(ctx context.Context) func() (time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	type answer struct {
		longest time.Duration
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		var conn *pgx.Conn
		if conn, a.err = l.connect(ctx, fanoutDatabase); a.err == nil {
			defer closeConn(conn)
			for ctx.Err() == nil {
				var seconds float64
				err := conn.QueryRow(ctx, `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - reply_time)), 0)::float8 FROM pg_stat_replication`).Scan(&seconds)
				if err != nil {
					if ctx.Err() == nil {
						a.err = fmt.Errorf("look at the walsender: %w", err)
					}
					break
				}
				a.longest = max(a.longest, time.Duration(seconds*float64(time.Second)))
				_ = pause(ctx, 50*time.Millisecond) // it ends when it is asked
			}
		}
		answers <- a
	}()
	return func() (time.Duration, error) {
		stop()
		a := <-answers
		return a.longest, a.err
	}
}
