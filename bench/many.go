package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
)

const (
	manyDatabase = "many"
	manyTables   = 50
	manyShapes   = 10   // views a table
	manyRows     = 1000 // of a table
	manyRate     = 200  // single-row commits a second, to one of the tables
)

// manyViews are so many views of ten shapes over each of so many tables.
func manyViews(tables int) []tpch.View {
	shapes := [manyShapes]string{
		`SELECT k, count(*) AS n, sum(v) AS total FROM %[1]s GROUP BY k`,
		`SELECT id, v FROM %[1]s WHERE v > 900`,
		`SELECT a.id, a.v, b.note FROM %[1]s AS a JOIN %[2]s AS b ON b.id = a.k`,
		`SELECT b.note, avg(a.v) AS mean FROM %[1]s AS a JOIN %[2]s AS b ON b.id = a.k GROUP BY b.note`,
		`SELECT a.id, b.v FROM %[1]s AS a LEFT JOIN %[2]s AS b ON b.id = a.v`,
		`SELECT DISTINCT k FROM %[1]s WHERE v > 500`,
		`SELECT id, v FROM %[1]s ORDER BY v DESC, id LIMIT 10`,
		`SELECT k, min(v) AS low, max(v) AS high FROM %[1]s GROUP BY k`,
		`SELECT id, k FROM %[1]s AS a WHERE EXISTS (SELECT FROM %[2]s AS b WHERE b.k = a.v)`,
		`SELECT count(*) AS n, sum(v) AS total FROM %[1]s`,
	}
	var out []tpch.View
	for t := range tables {
		for s, shape := range shapes {
			out = append(out, tpch.View{
				Name:  fmt.Sprintf("t%d_%d", t, s),
				Query: fmt.Sprintf(shape, fmt.Sprintf("t%d", t), fmt.Sprintf("t%d", (t+1)%tables)),
			})
		}
	}
	return out
}

// measureMany starts with a tenth of the views and with all of them, restarts, and
// writes to one of the tables.
func measureMany(ctx context.Context, l *lab) error {
	if err := l.create(ctx, manyDatabase); err != nil {
		return err
	}
	conn, err := l.connect(ctx, manyDatabase)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	for t := range manyTables {
		_, err := conn.Exec(ctx, fmt.Sprintf(`CREATE TABLE t%d (id bigint PRIMARY KEY, k bigint NOT NULL, v bigint NOT NULL, note text NOT NULL);
			INSERT INTO t%[1]d SELECT i, i / 10, i * 7919 %% 1000, 'note ' || i FROM generate_series(0, %d) AS i`, t, manyRows-1))
		if err != nil {
			return fmt.Errorf("create tables: %w", err)
		}
	}
	for _, tables := range []int{manyTables / 10, manyTables} {
		if err := l.many(ctx, conn, tables); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) many(ctx context.Context, conn *pgx.Conn, tables int) error {
	views := manyViews(tables)
	name := fmt.Sprintf("%d views over %d tables", len(views), tables)
	if err := l.afresh(ctx, manyDatabase, views); err != nil {
		return err
	}
	cfg, err := config.Load(l.configPath(), nil)
	if err != nil {
		return err
	}
	started := time.Now()
	if _, err := configured.Analyze(ctx, cfg); err != nil {
		return fmt.Errorf("analyse the views: %w", err)
	}
	analysed := time.Since(started)
	f, err := l.follow(ctx, fmt.Sprintf("many-%d-load", len(views)))
	if err != nil {
		return err
	}
	loaded, loadCPU := f.live.At.Sub(f.started), f.cpu()
	if err := f.stop(); err != nil {
		return err
	}
	peak := f.peakMemory() / (1 << 20)
	if f, err = l.follow(ctx, fmt.Sprintf("many-%d-steady", len(views))); err != nil {
		return err
	}
	restarted := f.live.At.Sub(f.started)
	steady, lag, err := l.writeToOne(ctx, conn, f)
	if err != nil {
		return errors.Join(err, f.kill())
	}
	memory, _ := memoryOf(f.cmd.Process.Pid)
	if err := errors.Join(l.verify(ctx), f.stop()); err != nil {
		return err
	}
	var published int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_publication_tables WHERE pubname = $1", publication).Scan(&published); err != nil {
		return fmt.Errorf("read the publication: %w", err)
	}
	info, err := os.Stat(l.configPath())
	if err != nil {
		return err
	}
	l.report.one(name+": analysed", "s", analysed.Seconds(), "by the library, apart from the rest")
	l.report.one(name+": first start until live", "s", loaded.Seconds(), fmt.Sprintf("%s rows a table; the analysis included", number(manyRows)))
	l.report.one(name+": CPU time of that", "s", loadCPU.Seconds(), "")
	l.report.one(name+": restart until live", "s", restarted.Seconds(), "")
	l.report.one(name+": peak memory of the first start", "MB", peak, "")
	l.report.one(name+": memory when live", "MB", memory, "")
	l.report.one(name+": CPU time, writes to one table", "% of a core", steady, fmt.Sprintf("%d single-row commits a second", manyRate))
	l.report.one(name+": the last of them was behind", "ms", lag.Seconds()*1e3, "")
	l.report.one(name+": tables in the publication", "tables", float64(published), fmt.Sprintf("the configuration has %s bytes", number(float64(info.Size()))))
	l.say("%s: analysed in %.2f s, loaded in %.2f s, restarted in %.2f s, %.0f MB, %.1f %% of a core", name, analysed.Seconds(), loaded.Seconds(), restarted.Seconds(), memory, steady)
	return nil
}

// writeToOne changes rows of the first table, a commit each.
func (l *lab) writeToOne(ctx context.Context, conn *pgx.Conn, f *process) (percent float64, lag time.Duration, err error) {
	rnd := rand.New(rand.NewPCG(l.opts.seed, 5))
	cpu, started := f.cpu(), time.Now()
	var lsn string
	var returned time.Time
	for i := 0; time.Since(started) < l.duration(); i++ {
		time.Sleep(time.Until(started.Add(time.Duration(i) * time.Second / manyRate)))
		if lsn, err = position(ctx, conn); err != nil {
			return 0, 0, err
		}
		if _, err = conn.Exec(ctx, "UPDATE t0 SET v = $1 WHERE id = $2", rnd.IntN(1000), rnd.IntN(manyRows)); err != nil {
			return 0, 0, fmt.Errorf("change a row: %w", err)
		}
		returned = time.Now()
	}
	percent = 100 * (f.cpu() - cpu).Seconds() / time.Since(started).Seconds()
	err = passed(ctx, conn, lsn, f)
	return percent, time.Since(returned), err
}
