package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
)

const (
	largeDatabase = "large"
	// largeMemory is state.memory, in MiB, at scale 1.
	largeMemory = 512
	// largePayload is the length of the wide column. A row is in the state twice: in
	// the base trace, for updates that name their key alone, and in the join's index.
	largePayload = 1000
	// largeTimes is how much larger than its memory the state is.
	largeTimes = 10
	// largeGroups are joined with.
	largeGroups = 1000
	// largeBacklog is how many random rows are changed, in transactions of 100.
	largeBacklog = 20_000
)

// largeView keeps the wide column in the state and little in the output.
var largeView = tpch.View{Name: "widths", Query: `
SELECT g.name, count(*) AS n, sum(length(w.payload || g.name)) AS total FROM w JOIN g ON g.id = w.g GROUP BY g.name`}

// measureLarge sets a state that fits its memory beside one that is ten times as
// large: what a change costs, and how long a restart takes.
func measureLarge(ctx context.Context, l *lab) error {
	mib := max(int(largeMemory*l.opts.scale), 16)
	l.memory = fmt.Sprintf("%dMiB", mib)
	defer func() { l.memory = "" }()
	if err := l.create(ctx, largeDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, largeDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	full := mib << 20 / (2 * largePayload)
	var costs []sample
	for _, rows := range []int{full / 2, full * largeTimes} {
		cost, err := l.largeState(ctx, conn, rows, mib)
		if err != nil {
			return err
		}
		costs = append(costs, cost)
	}
	var times sample
	for i := range costs[0] {
		times.add(costs[1][i] / costs[0][i])
	}
	l.report.add("a change where the state is ten times its memory", "× one where it fits", times, "time from the beginning of the stream")
	return nil
}

func (l *lab) largeState(ctx context.Context, conn *pgx.Conn, rows, mib int) (sample, error) {
	if err := l.forget(ctx); err != nil {
		return nil, err
	}
	if err := fillLarge(ctx, conn, rows, l.opts.seed); err != nil {
		return nil, err
	}
	if err := l.afresh(ctx, largeDatabase, []tpch.View{largeView}); err != nil {
		return nil, err
	}
	l.say("loading %d rows of about %d bytes", rows, largePayload)
	f, err := l.follow(ctx, fmt.Sprintf("large-%d-load", rows))
	if err != nil {
		return nil, err
	}
	took := f.live.At.Sub(f.started)
	if err := f.stop(); err != nil {
		return nil, err
	}
	loadPeak := f.peakMemory() / (1 << 20)
	rnd := rand.New(rand.NewPCG(l.opts.seed, 7))
	var clean, killed, wall, cpu, peak sample
	for round := range l.opts.rounds {
		// A clean stop and a start.
		if f, err = l.follow(ctx, ""); err != nil {
			return nil, err
		}
		clean.addMillis(f.live.At.Sub(f.started))
		if err := f.kill(); err != nil {
			return nil, err
		}
		lsn, err := changeLarge(ctx, conn, rnd, rows)
		if err != nil {
			return nil, err
		}
		// A start after a crash, and what has been written since.
		if f, err = l.follow(ctx, fmt.Sprintf("large-%d-%d", rows, round+1)); err != nil {
			return nil, err
		}
		killed.addMillis(f.live.At.Sub(f.started))
		if err := passed(ctx, conn, lsn, f); err != nil {
			return nil, errors.Join(err, f.kill())
		}
		wall.add(float64(time.Since(f.live.At).Microseconds()) / largeBacklog)
		cpu.add(float64(f.cpu().Microseconds()) / largeBacklog)
		if round == l.opts.rounds-1 {
			if err := l.verify(ctx); err != nil {
				return nil, errors.Join(err, f.kill())
			}
		}
		if err := f.stop(); err != nil {
			return nil, err
		}
		peak.add(f.peakMemory() / (1 << 20))
	}
	size, err := dirSize(l.stateDir())
	if err != nil {
		return nil, fmt.Errorf("measure the state: %w", err)
	}
	name := sized(int64(rows))
	l.report.one(name+": state on disk", "MB", float64(size)/(1<<20), fmt.Sprintf("with state.memory at %d MiB", mib))
	l.report.one(name+": snapshot", "rows/s", float64(rows)/took.Seconds(), "")
	l.report.one(name+": peak memory of the snapshot", "MB", loadPeak, "")
	l.report.add(name+": restart until live, after a clean stop", "ms", clean, "")
	l.report.add(name+": restart until live, after a kill", "ms", killed, "the replay not counted")
	l.report.add(name+": a change of a random row", "µs", wall, "20,000 in transactions of 100, from the beginning of the stream to the output commit")
	l.report.add(name+": CPU time of a change", "µs", cpu, "of the process, its start included")
	l.report.add(name+": peak memory", "MB", peak, "")
	l.say("%s: %.0f MB of state, restart in %.0f ms, %.0f ms after a kill, %s µs a change, %.0f MB at most",
		name, float64(size)/(1<<20), clean.median(), killed.median(), number(wall.median()), peak.quantile(1))
	return wall, nil
}

// fillLarge makes the tables anew.
func fillLarge(ctx context.Context, conn *pgx.Conn, rows int, seed uint64) error {
	_, err := conn.Exec(ctx, fmt.Sprintf(`DROP TABLE IF EXISTS w, g;
		CREATE TABLE g (id int PRIMARY KEY, name text NOT NULL); INSERT INTO g SELECT i, 'group ' || i FROM generate_series(0, %d) AS i;
		CREATE TABLE w (id bigint PRIMARY KEY, g int NOT NULL, payload text NOT NULL); ALTER TABLE w ALTER payload SET STORAGE PLAIN`, largeGroups-1))
	if err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	r, w := io.Pipe()
	go func() {
		rnd := rand.New(rand.NewPCG(seed, 11))
		var buf []byte
		var err error
		for id := 0; id < rows && err == nil; id++ {
			buf = fmt.Appendf(buf, "%d\t%d\t", id, id%largeGroups)
			buf = append(appendPayload(buf, rnd), '\n')
			if len(buf) > 1<<16 || id == rows-1 {
				_, err = w.Write(buf)
				buf = buf[:0]
			}
		}
		_ = w.CloseWithError(err) // nil ends the stream
	}()
	_, err = conn.PgConn().CopyFrom(ctx, r, "COPY w FROM STDIN")
	_ = r.CloseWithError(io.ErrClosedPipe) // lets the writer go if COPY ended early
	if err != nil {
		return fmt.Errorf("fill the tables: %w", err)
	}
	return nil
}

// appendPayload appends text that does not compress by repetitions.
func appendPayload(dst []byte, rnd *rand.Rand) []byte {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"
	for range largePayload / 10 {
		for n, i := rnd.Uint64(), 0; i < 10; i++ {
			dst = append(dst, letters[n>>(6*i)&63])
		}
	}
	return dst
}

// changeLarge gives random rows another payload and returns a position before the
// last transaction.
func changeLarge(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand, rows int) (lsn string, err error) {
	for range largeBacklog / 100 {
		if lsn, err = position(ctx, conn); err != nil {
			return "", err
		}
		ids := make([]int64, 0, 100)
		seen := map[int64]bool{}
		for len(ids) < 100 {
			if id := rnd.Int64N(int64(rows)); !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		_, err := conn.Exec(ctx, "UPDATE w SET payload = $2 || right(payload, -10) WHERE id = ANY ($1)", ids, string(appendPayload(nil, rnd)[:10]))
		if err != nil {
			return "", fmt.Errorf("change rows: %w", err)
		}
	}
	return lsn, nil
}
