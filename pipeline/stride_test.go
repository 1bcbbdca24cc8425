package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestStride: a step that holds too much makes the next one smaller, in proportion; those that
// hold little make it larger, but no larger than may be.
func TestStride(t *testing.T) {
	s := newStride(512, 8192, 1000)
	for i, step := range []struct{ took, held, want int }{
		{512, 400, 1024},
		{1024, 500, 2048},
		{100, 100, 2048}, // says nothing of larger ones
		{2048, 900, 2048},
		{2048, 4000, 384},
		{384, 600, 384},
		{1, 1_000_000, 1}, // one row that many others join with
		{8, 10, 16},       // a unit is larger than what was to be taken
		{16, 10, 32},
	} {
		if tooMuch := s.note(step.took, step.held); tooMuch != (step.held > 1000) || s.now != step.want {
			t.Errorf("step %d: %v, then %d, want %d", i+1, tooMuch, s.now, step.want)
		}
	}
	for range 20 {
		s.note(s.now, 0)
	}
	if s.now != 8192 {
		t.Errorf("%d at the end, want 8192", s.now)
	}
}

// TestStepsHoldLittle: eight views join each row with ten others and keep an order of what
// comes of it. Whether they are loaded, catch up with a backlog, or follow transactions large and
// small, steps hold what they should, about, and not what views and rows come to.
func TestStepsHoldLittle(t *testing.T) {
	t.Parallel()
	const (
		rows = 4_000
		room = 2 << 20
	)
	w := newWorld(t, fmt.Sprintf(`CREATE TABLE facts (id int PRIMARY KEY, k int, v int); CREATE TABLE hubs (id int PRIMARY KEY, k int, g int);
		INSERT INTO hubs SELECT i, i %% 20, i %% 7 FROM generate_series(1, 200) i;
		INSERT INTO facts SELECT i, i %% 20, i FROM generate_series(1, %d) i`, rows))
	for i := range 8 {
		w.view(fmt.Sprintf("top_%d", i), fmt.Sprintf(`SELECT h.g, max(f.v + %d) AS most, count(*) AS n FROM facts f JOIN hubs h ON f.k = h.k GROUP BY h.g`, i))
	}
	most, steps := 0, 0
	phase := func(what string, sqls ...string) {
		t.Helper()
		for _, sql := range sqls {
			w.exec(sql)
		}
		most, steps = 0, 0
		w.run(Options{stepBytes: room, held: func(bytes int) { most, steps = max(most, bytes), steps+1 }})
		w.wait()
		w.check()
		w.halt()
		t.Logf("%s: %d steps, at most %d KiB", what, steps, most>>10)
		// What is noticed is noticed a little late.
		if steps == 0 || most > overfull*room*5/4 {
			t.Errorf("%s: %d steps held up to %d bytes, want %d about", what, steps, most, room)
		}
	}
	phase("snapshot")
	var backlog []string
	for i := range rows / 100 {
		backlog = append(backlog, fmt.Sprintf(`INSERT INTO facts SELECT i, i %% 20, i FROM generate_series(%d, %d) i`, rows+100*i+1, rows+100*i+100))
	}
	phase("backlog", backlog...)
	phase("large transaction", `UPDATE facts SET v = v + 1`)
	phase("transactions", `UPDATE facts SET v = v + 1 WHERE id % 2 = 0`, `UPDATE facts SET v = v + 1 WHERE id % 2 = 1`, `UPDATE facts SET v = v + 1 WHERE id < 3000`)
	phase("few rows that many join with", `UPDATE hubs SET g = g + 1 WHERE id % 20 = 7`, `UPDATE hubs SET k = 3 WHERE id BETWEEN 20 AND 25`, `UPDATE facts SET v = v + 1 WHERE id < 100`)
	phase("truncate", `TRUNCATE facts`)
}

// TestSkewedLoadHoldsLittle: most rows of a large table join with one row of a smaller one. A snapshot
// of them takes no more memory than another.
func TestSkewedLoadHoldsLittle(t *testing.T) {
	t.Parallel()
	const room = 256 << 10
	w := newWorld(t, `CREATE TABLE facts (id int PRIMARY KEY, k int, v int); CREATE TABLE hubs (k int PRIMARY KEY, g int);
		INSERT INTO hubs SELECT i, i % 7 FROM generate_series(0, 19999) i;
		INSERT INTO facts SELECT i, CASE WHEN i % 10 < 6 THEN 1 ELSE i % 20000 END, i FROM generate_series(1, 30000) i`)
	w.view("joined", `SELECT f.id, f.v, h.g FROM facts f JOIN hubs h ON h.k = f.k`)
	w.view("lefts", `SELECT h.g, max(f.v) AS most, count(*) AS n FROM facts f LEFT JOIN hubs h ON h.k = f.k GROUP BY h.g`)
	w.view("rights", `SELECT h.k, count(f.id) AS n FROM hubs h LEFT JOIN facts f ON h.k = f.k GROUP BY h.k`)
	w.view("constants", `SELECT count(*) AS n FROM facts f JOIN (VALUES (1), (2)) h (k) ON h.k = f.k`)
	most, steps := 0, 0
	w.run(Options{stepBytes: room, held: func(bytes int) { most, steps = max(most, bytes), steps+1 }})
	w.wait()
	w.check()
	w.exec(`UPDATE facts SET v = v + 1 WHERE id % 100 = 7`)
	w.wait()
	w.check()
	w.halt()
	t.Logf("%d steps, at most %d KiB", steps, most>>10)
	// What is noticed is noticed a little late.
	if steps == 0 || most > overfull*room*5/4 {
		t.Errorf("%d steps held up to %d bytes, want %d about", steps, most, room)
	}
}

// TestKilledInDenseTransactions: each transaction changes a few rows that thousands of rows of the
// outputs follow, more than a step should hold, and the program is killed at any moment. Readers see
// none of them torn, and none of them gone again.
func TestKilledInDenseTransactions(t *testing.T) {
	t.Parallel()
	const hubs, facts, kills = 12, 3_000, 8
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 31))
	w := newWorld(t, fmt.Sprintf(`CREATE TABLE facts (id int PRIMARY KEY, k int, v int); CREATE TABLE hubs (k int PRIMARY KEY, n int);
		INSERT INTO hubs SELECT i, 0 FROM generate_series(0, %[1]d - 1) i;
		INSERT INTO facts SELECT i, i %% %[1]d, i FROM generate_series(1, %[2]d) i`, hubs, facts))
	w.view("spread", `SELECT f.id, h.n FROM facts f JOIN hubs h ON h.k = f.k`)
	w.view("tops", `SELECT h.k, h.n, max(f.v) AS most, count(*) AS c FROM facts f JOIN hubs h ON h.k = f.k GROUP BY h.k, h.n`)
	w.view("twice", `SELECT a.n, count(*) AS c FROM hubs a JOIN hubs b ON a.n = b.n JOIN facts f ON f.k = b.k GROUP BY a.n`)
	w.run(Options{})
	w.check()
	w.halt()
	reader := w.connect(w.dsn)
	ended, seen := make(chan struct{}), make(chan error, 1)
	go func() { seen <- readWhole(reader, ended, facts) }()
	for i := range kills {
		for n := range 6 {
			w.exec(fmt.Sprintf(`UPDATE hubs SET n = n + 1; UPDATE facts SET v = v + 1 WHERE id %% 50 = %d`, n))
		}
		o := childOptions{StepBytes: 4 << 10 << rnd.IntN(9), KillAt: pointChunk, KillAfter: 1 + rnd.IntN(40)}
		if rnd.IntN(3) == 0 {
			o.KillAt, o.KillAfter = []point{pointReplay, pointWritten, pointStep}[rnd.IntN(3)], 1+rnd.IntN(3)
		}
		if i%3 == 2 {
			o.KillAt = "" // by the clock
		}
		c := w.child(o)
		select {
		case <-c.exited:
			if err := c.ended(); err != nil {
				t.Fatal(err)
			}
		case <-time.After(time.Duration(200+rnd.IntN(2000)) * time.Millisecond):
		}
		c.kill()
	}
	pieces := 0
	w.run(Options{stepBytes: 16 << 10, reached: func(p point) {
		if p == pointChunk {
			pieces++
		}
	}})
	w.wait()
	w.check()
	w.halt()
	close(ended)
	if err := <-seen; err != nil {
		t.Error(err)
	}
	t.Logf("%d pieces at the end", pieces)
}

// readWhole looks at an output, over and over, in which every row is to be of one and the same
// transaction, and no earlier one than at the look before.
func readWhole(conn *pgx.Conn, ended <-chan struct{}, rows int) error {
	last := 0
	for {
		var least, most, n int
		if err := conn.QueryRow(context.Background(), `SELECT min(n), max(n), count(*) FROM stepping.spread`).Scan(&least, &most, &n); err != nil {
			return err
		}
		if least != most || n != rows || least < last {
			return fmt.Errorf("%d rows of transactions %d to %d, after one of %d", n, least, most, last)
		}
		last = least
		select {
		case <-ended:
			return nil
		case <-time.After(2 * time.Millisecond):
		}
	}
}
