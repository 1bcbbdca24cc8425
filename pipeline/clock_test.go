package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
)

const clockSchema = `
CREATE TABLE jobs (id bigserial PRIMARY KEY, at timestamptz NOT NULL, lt timestamp, size int NOT NULL);
CREATE VIEW due AS SELECT id, at FROM jobs WHERE at <= now();
`

// addClockViews adds views over the present time, and one that does not depend on it.
func (w *world) addClockViews() {
	w.view("recent", `SELECT id, at FROM jobs WHERE at BETWEEN now() - interval '2 seconds' AND now()`)
	w.view("counts", `SELECT count(*) FILTER (WHERE at > now()) AS ahead, count(*) FILTER (WHERE at > now() - interval '1 second') AS fresh, count(*) AS n FROM jobs`)
	w.view("ages", `SELECT id, now() - at AS age, size FROM recent JOIN jobs USING (id, at)`)
	w.view("late", `SELECT max(at) AS last, count(*) AS n, current_date AS day FROM due HAVING count(*) > 0`)
	w.view("latest", `SELECT id, lt FROM jobs WHERE lt < localtimestamp ORDER BY lt DESC, id LIMIT 3`)
	w.view("turns", `SELECT size, bool_or(now() - at > size * interval '300 ms') AS over, count(*) FILTER (WHERE lt + interval '1 day' < localtimestamp + size * interval '1 day') AS n FROM jobs GROUP BY size`)
	w.view("plain", `SELECT count(*) AS n, sum(size) AS s FROM jobs`)
}

// job writes one job that is due a few seconds from now, or was.
func job(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error {
	away := rnd.Float64()*6 - 3
	switch rnd.IntN(6) {
	case 0:
		_, err := conn.Exec(ctx, `DELETE FROM jobs WHERE id = (SELECT min(id) FROM jobs)`)
		return err
	case 1:
		_, err := conn.Exec(ctx, `UPDATE jobs SET at = at + $1 * interval '1 s' WHERE id = (SELECT max(id) - $2 FROM jobs)`, away, rnd.IntN(9))
		return err
	}
	_, err := conn.Exec(ctx, `INSERT INTO jobs (at, lt, size) SELECT clock_timestamp() + i * $1 * interval '1 s', (clock_timestamp() + i * $1 * interval '1 s') AT TIME ZONE 'UTC', $2 FROM generate_series(1, $3) i`,
		away, rnd.IntN(10), 1+rnd.IntN(3))
	return err
}

// verified compares outputs with their queries at the time that the outputs are for.
func (w *world) verified(views ...string) {
	w.t.Helper()
	v, err := verify.Views(context.Background(), w.config(), verify.Options{Views: views, Timeout: patience, AtRest: w.stop == nil})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range v.Views {
		if x.Verdict != verify.Equal {
			w.t.Errorf("%+v", x)
		}
	}
}

// clock is the outputs' time.
func (w *world) clock() time.Time {
	return ask[time.Time](w, w.out, "SELECT clock FROM stepping_cdc.progress")
}

// TestClock: rows enter and leave as their moments come, with writes and without,
// over restarts; time never goes back.
func TestClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, clockSchema)
	w.exec(`INSERT INTO jobs (at, lt, size) SELECT now() + i * interval '300 ms', now() + i * interval '300 ms', i FROM generate_series(-10, 30) i`)
	w.addClockViews()
	w.run(Options{})
	rnd := rand.New(rand.NewPCG(seed(t), 5))
	last := w.clock()
	for range 4 {
		for range 10 {
			if err := job(context.Background(), w.conn, rnd); err != nil {
				t.Fatal(err)
			}
		}
		w.verified()
		w.halt()
		w.run(Options{})
		w.verified()
		now := w.clock()
		if now.Before(last) {
			t.Fatalf("the clock went back from %s to %s", last, now)
		}
		last = now
	}
	// Nothing is written any more, and still rows come and go.
	w.eventually("jobs become due", `SELECT ahead = 0 FROM stepping.counts`)
	w.eventually("jobs are recent no more", `SELECT count(*) = 0 FROM stepping.recent`)
	w.verified()
	if n := ask[int](w, w.out, `SELECT count(*)::int FROM stepping.ages`); n != 0 {
		t.Errorf("%d rows in ages", n)
	}
	// The time is shown even when it changes nothing, but not at each tick.
	w.exec(`TRUNCATE jobs`)
	w.wait()
	last = w.clock()
	w.eventually("an idle clock is shown", `SELECT clock >= $1 FROM stepping_cdc.progress`, last.Add(clockEvery))
}

// TestNoClock: without a view that depends on the time, none is kept; with the
// first one it begins, and with the last one it ends.
func TestNoClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, clockSchema)
	w.view("plain", `SELECT count(*) AS n, sum(size) AS s FROM jobs`)
	none := func() {
		t.Helper()
		w.exec(`INSERT INTO jobs (at, size) VALUES (now() + interval '1 s', 1)`)
		w.wait()
		if !ask[bool](w, w.out, "SELECT clock IS NULL FROM stepping_cdc.progress") {
			t.Error("there is a clock without a view that depends on it")
		}
		w.verified()
	}
	w.run(Options{})
	none()
	w.halt()
	w.addClockViews()
	w.views = w.views[1:]
	w.run(Options{})
	w.exec(`INSERT INTO jobs (at, size) VALUES (now() + interval '1 s', 1)`)
	w.verified()
	w.eventually("time passes", `SELECT ahead = 0 FROM stepping.counts`)
	w.halt()
	w.views = w.views[len(w.views)-1:]
	w.run(Options{})
	none()
}

// TestClockJoins: a view that is added later comes to the time of the others.
func TestClockJoins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, clockSchema)
	w.exec(`INSERT INTO jobs (at, lt, size) SELECT now() + i * interval '200 ms', now(), i FROM generate_series(-10, 60) i`)
	w.view("recent", `SELECT id, at FROM jobs WHERE at BETWEEN now() - interval '2 seconds' AND now()`)
	w.run(Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var held sync.Mutex // by who compares: outputs that are this late never hold everything of such a writer
	wg.Go(func() {
		conn, rnd := w.connect(w.dsn), rand.New(rand.NewPCG(1, 2))
		for ctx.Err() == nil {
			held.Lock()
			_ = job(ctx, conn, rnd)
			held.Unlock()
			time.Sleep(time.Millisecond)
		}
	})
	// At each step more is to come, so that its outputs are written behind the next
	// one, and that late: what follows has to wait for them.
	slow := Options{reached: func(p point) {
		if p == pointComputed || p == pointBehind {
			time.Sleep(20 * time.Millisecond)
		}
	}}
	for i := range 3 {
		w.halt()
		w.view(fmt.Sprintf("added%d", i), fmt.Sprintf(`SELECT size, count(*) AS n FROM jobs WHERE at < now() - interval '%d s' GROUP BY size`, i))
		w.run(slow)
		time.Sleep(100 * time.Millisecond) // for the writer to get ahead of the outputs
		held.Lock()
		w.verified()
		held.Unlock()
	}
	cancel()
	wg.Wait()
	w.verified()
}

// TestClockKilledAt kills at each point at which a crash differs from one
// elsewhere, with a view that fails, and recovers, as time passes.
func TestClockKilledAt(t *testing.T) {
	w := newWorld(t, clockSchema)
	w.exec(`INSERT INTO jobs (at, lt, size) SELECT now() + i * interval '100 ms', now(), i FROM generate_series(-10, 40) i`)
	w.addClockViews()
	w.view("failing", `SELECT id, 100 / size AS q FROM jobs WHERE at BETWEEN now() - interval '500 ms' AND now()`)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }()
	wg.Go(func() {
		conn, rnd := w.connect(w.dsn), rand.New(rand.NewPCG(seed(t), 3))
		for ctx.Err() == nil {
			_ = job(ctx, conn, rnd)
			time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
		}
	})
	last := time.Time{}
	die := func(p point, after int) {
		t.Helper()
		c := w.child(childOptions{KillAt: p, KillAfter: after, GroupBytes: 2048, ChunkBytes: 2048})
		select {
		case <-c.exited:
			if err := c.ended(); err != nil {
				t.Fatalf("to be killed at %q: %v", p, err)
			}
		case <-time.After(patience):
			t.Fatalf("%q is not reached: %s", p, c.tail())
		}
	}
	for _, p := range []point{pointLoaded, pointPublish, pointPublished, pointJoined} {
		die(p, 1)
	}
	for _, p := range []point{pointSent, pointTick, pointStep, pointWritten, pointFlush} {
		for _, after := range []int{1, 4, 25} {
			if p == pointFlush && after > 1 {
				continue
			}
			die(p, after)
			now := w.clock()
			if now.Before(last) {
				t.Fatalf("the clock went back from %s to %s", last, now)
			}
			last = now
		}
	}
	w.run(Options{})
	w.verified("recent", "counts", "ages", "late", "latest", "plain")
	// What failed recovers, and is right.
	cancel()
	wg.Wait()
	w.exec(`UPDATE jobs SET size = 1 WHERE size = 0`)
	w.wait()
	w.state("failing", "live")
	w.verified()
}

// TestClockPathIndependence: outputs and state are a function of position and time
// alone, whatever steps led there.
func TestClockPathIndependence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, clockSchema)
	w.sink = newSink(t)
	w.addClockViews()
	w.views = append(w.views[:2], w.views[3:]...) // a view per row and tick is of no more use here
	t0 := time.Now().UTC().Truncate(time.Second)
	w.exec(`INSERT INTO jobs (at, lt, size) SELECT $1::timestamptz + i * interval '7 s', $1::timestamp, i FROM generate_series(-50, 50) i`, t0)
	from := decode.LSN(ask[int64](w, w.conn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8"))
	w.until(from, Options{now: func() time.Time { return t0 }})
	rnd := rand.New(rand.NewPCG(seed(t), 8))
	for range 60 {
		w.exec(`INSERT INTO jobs (at, lt, size) SELECT $1::timestamptz + $2 * interval '1 s', $1::timestamp + $2 * interval '1 s', $3 FROM generate_series(1, 3)`, t0, rnd.IntN(600)-300, rnd.IntN(9))
		w.exec(`UPDATE jobs SET at = at + interval '40 s' WHERE id % 17 = $1`, rnd.IntN(17))
		w.exec(`DELETE FROM jobs WHERE id % 29 = $1`, rnd.IntN(29))
	}
	to := decode.LSN(ask[int64](w, w.conn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8"))
	end := t0.Add(200 * time.Second)
	ways := map[string]func(v *world){
		"one tick at the end": func(v *world) { v.until(to, Options{now: func() time.Time { return t0 }}) },
		"one tick at the beginning": func(v *world) {
			v.until(from, Options{now: func() time.Time { return end }})
			v.until(to, Options{now: func() time.Time { return end }, groupBytes: 1})
		},
		"many": func(v *world) {
			for i := range 10 {
				at := t0.Add(time.Duration(i) * 17 * time.Second)
				v.until(from+(to-from)*decode.LSN(i)/10, Options{now: func() time.Time { return at }, groupBytes: 512})
			}
		},
	}
	var first *world
	for name, way := range ways {
		v := w.variant(map[string]string{"one tick at the end": "e", "one tick at the beginning": "b", "many": "m"}[name])
		way(v)
		v.until(to, Options{now: func() time.Time { return end }})
		v.out = v.connect(v.sink)
		if got := v.clock(); !got.Equal(end) {
			t.Errorf("%s: the clock is at %s, not %s", name, got, end)
		}
		v.verified()
		if first == nil {
			first = v
			continue
		}
		v.sameAs(first, name)
	}
	// From nothing but the outputs: the state is lost.
	v := w.variant("lost")
	v.loseState()
	v.until(to, Options{now: func() time.Time { return end }})
	for name, rows := range v.outputs() {
		if rows != first.outputs()[name] {
			t.Errorf("%s differs after the state was lost", name)
		}
	}
}
