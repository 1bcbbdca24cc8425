package pipeline

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// TestChaos has faults of all kinds happen at random, under load: kills of the
// pipeline, of either server, of backends, locks on outputs, lost state.
func TestChaos(t *testing.T) { chaos(t, 6, 0) }

// TestSoakChaos does it for long.
func TestSoakChaos(t *testing.T) {
	if d := soak(t); d > 0 {
		chaos(t, 1<<30, d/3)
	}
}

func chaos(t *testing.T, faults int, d time.Duration) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 3))
	source := embedded.StartForTest(t, embedded.Options{})
	sink := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_writer_delay": "2s"}})
	w := bankOn(t, source, sink)
	ctx := context.Background()
	var conn *pgx.Conn
	load := func(n int) {
		t.Helper()
		for range n {
			if conn == nil || conn.IsClosed() {
				conn = w.connect(w.dsn)
			}
			var err error
			if rnd.IntN(60) == 0 {
				err = largeTransfer(ctx, conn, rnd)
			} else {
				err = transfer(ctx, conn, rnd)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	start := func() *child {
		return w.child(childOptions{GroupBytes: 1 << (9 + rnd.IntN(12)), ChunkBytes: 1 << (9 + rnd.IntN(10)), PieceBytes: 1 << (9 + rnd.IntN(12))})
	}
	restart := func(srv *embedded.Server, kill bool) {
		t.Helper()
		stop := srv.Shutdown
		if kill {
			stop = srv.Kill
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
		if err := srv.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		w.reconnect()
		conn = nil // if it was to the source
	}
	c := start()
	<-c.live
	counts := map[string]int{}
	for began, n := time.Now(), 0; n < faults || d > 0 && time.Since(began) < d; n++ {
		if d > 0 && time.Since(began) > d {
			break
		}
		load(10 + rnd.IntN(60))
		if err := c.ended(); err != nil {
			t.Fatalf("after %v: %v", counts, err)
		}
		var what string
		switch rnd.IntN(8) {
		case 0, 1, 2:
			what = "pipeline killed"
			c.kill()
			load(rnd.IntN(20))
			c = start()
		case 3:
			what = "sink killed"
			restart(sink, true)
		case 4:
			what = "source stopped"
			restart(source, rnd.IntN(2) == 0)
		case 5:
			what = "sessions terminated"
			for _, conn := range []*pgx.Conn{w.conn, w.out} {
				execOn(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND (application_name LIKE 'stepping%' OR backend_type = 'walsender')`)
			}
		case 6:
			what = "output locked"
			locker := w.connect(w.sink)
			execOn(t, locker, "BEGIN; LOCK stepping.branches")
			load(20)
			_ = locker.Close(ctx)
		case 7:
			what = "state lost"
			c.kill()
			w.loseState()
			load(rnd.IntN(20))
			c = start()
		}
		counts[what]++
		if n%5 == 4 {
			w.wait()
			for _, v := range w.views {
				w.compare(v.Name)
			}
			if t.Failed() {
				t.Fatalf("after %v", counts)
			}
		}
	}
	w.wait()
	for _, v := range w.views {
		w.compare(v.Name)
	}
	if err := c.ended(); err != nil {
		t.Error(err)
	}
	c.kill()
	t.Logf("%v; %d entries", counts, ask[int](w, w.conn, "SELECT count(*) FROM entries"))
}
