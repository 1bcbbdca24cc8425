package pipeline

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// largeTransfer is a transaction of many chunks: the same money, moved about.
func largeTransfer(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, `
		INSERT INTO entries SELECT 0, 1 + i % 50, CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END * (i / 100) FROM generate_series(0, 3999) i;
		UPDATE accounts a SET balance = balance + s.x FROM (SELECT account, sum(amount) AS x FROM (
			SELECT 1 + i % 50 AS account, CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END * (i / 100) AS amount FROM generate_series(0, 3999) i) e GROUP BY 1) s WHERE s.account = a.id;
		UPDATE ticks SET n = n + 1000 WHERE teller = 0`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// killBank is a bank under load, to kill pipelines at.
func killBank(t *testing.T, s uint64) (*world, *writers) {
	w := newWorld(t, bankSchema)
	w.addBankViews()
	w.exec(`INSERT INTO entries SELECT 0, i, 0 FROM generate_series(1, 4) i; UPDATE ticks SET n = 1 WHERE teller = 0`)
	slow := func(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error {
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
		// A pipeline that is always killed, on a machine that has much else to do, is not
		// outrun: while it is far behind, each writer commits once a second.
		for range 20 {
			if ask0(ctx, conn, "SELECT (pg_current_wal_lsn() - lsn)::bigint FROM stepping_cdc.progress") < 1<<20 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if rnd.IntN(250) == 0 && ask0(ctx, conn, "SELECT count(*) FROM entries") < 100_000 {
			return largeTransfer(ctx, conn, rnd)
		}
		return transfer(ctx, conn, rnd)
	}
	ws := w.startWriters(s, 3, slow)
	return w, ws
}

func ask0(ctx context.Context, conn *pgx.Conn, sql string) (n int64) {
	_ = conn.QueryRow(ctx, sql).Scan(&n)
	return n
}

// settleBank ends the load, lets the pipeline catch up, and counts.
func settleBank(w *world, ws *writers) {
	w.t.Helper()
	ws.end()
	w.run(Options{})
	w.check()
	w.halt()
	if n := ask[int](w, w.conn, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"); n != 1 {
		w.t.Errorf("%d slots are left, want 1", n)
	}
	lost, doubled := ask[int](w, w.conn, "SELECT count(*) FROM (SELECT account, amount FROM entries EXCEPT ALL SELECT account, amount FROM stepping.every_entry) x"),
		ask[int](w, w.conn, "SELECT count(*) FROM (SELECT account, amount FROM stepping.every_entry EXCEPT ALL SELECT account, amount FROM entries) x")
	if lost+doubled > 0 {
		w.t.Errorf("%d rows lost, %d doubled", lost, doubled)
	}
	w.t.Logf("%d entries, 0 lost, 0 doubled", ask[int](w, w.conn, "SELECT count(*) FROM entries"))
}

// TestKills kills a pipeline under load at random moments (law 4).
func TestKills(t *testing.T) { kills(t, 12, 0) }

// TestSoakKills does it 200 times and more.
func TestSoakKills(t *testing.T) {
	if d := soak(t); d > 0 {
		kills(t, 200, d/3)
	}
}

// kills kills at least n times, for at least d.
func kills(t *testing.T, n int, d time.Duration) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 99))
	w, ws := killBank(t, s)
	var a *auditor
	started, killed, alive := time.Now(), 0, 0
	for killed < n || time.Since(started) < d {
		c := w.child(childOptions{GroupBytes: 1 << (9 + rnd.IntN(12)), ChunkBytes: 1 << (9 + rnd.IntN(10)), PartRows: 1 << rnd.IntN(12), PieceBytes: 1 << (9 + rnd.IntN(12)), StepBytes: 1 << (11 + rnd.IntN(14))})
		wait := time.Duration(rnd.IntN(2500)) * time.Millisecond
		switch {
		case killed > 0 && rnd.IntN(4) == 0:
			wait = time.Duration(rnd.IntN(300)) * time.Millisecond
		case rnd.IntN(2) == 0 || a == nil && killed >= n/3:
			select {
			case <-c.live:
				alive++
				if a == nil {
					a = w.startAuditor()
				}
			case <-c.exited:
			case <-time.After(patience):
				t.Fatalf("not live: %s", c.tail())
			}
		}
		select {
		case <-time.After(wait):
		case <-c.exited:
		}
		if err := c.ended(); err != nil {
			t.Fatalf("pipeline ended by itself after %d kills: %v", killed, err)
		}
		c.kill()
		killed++
	}
	settleBank(w, ws)
	a.end()
	t.Logf("%d kills survived, %d of them of a live pipeline; %d looks of the auditor", killed, alive, a.looks.Load())
}

// TestKilledAt kills at each point at which a crash differs from one elsewhere:
// at its first time, and once more in a later session.
func TestKilledAt(t *testing.T) {
	w, ws := killBank(t, seed(t))
	reached := map[point]int{}
	die := func(p point, after int) {
		t.Helper()
		c := w.child(childOptions{KillAt: p, KillAfter: after, GroupBytes: 2048, ChunkBytes: 2048, PartRows: 2})
		select {
		case <-c.exited:
			if err := c.ended(); err != nil {
				t.Fatalf("to be killed at %q: %v", p, err)
			}
			reached[p]++
		case <-time.After(patience):
			t.Fatalf("%q is not reached: %s", p, c.tail())
		}
	}
	// On the way to the first view live.
	for _, p := range []point{pointSlot, pointLoad, pointLoaded, pointFilled, pointPublish, pointPublished, pointJoined} {
		die(p, 1)
	}
	a := w.startAuditor()
	for _, p := range []point{pointStep, pointPart, pointWritten, pointAck, pointFlush} {
		die(p, 1)
		die(p, 3)
	}
	// A transaction in chunks, killed after the first ones and before its end.
	for _, after := range []int{1, 2, 7} {
		w.large()
		die(pointChunk, after)
	}
	w.large()
	die(pointReplay, 1)
	// A view is added.
	w.view("added", `SELECT branch, max(balance) AS m FROM accounts GROUP BY branch`)
	for _, p := range []point{pointSlot, pointLoad, pointLoaded, pointFilled, pointPublish, pointPublished, pointJoined} {
		die(p, 1)
	}
	a.end()
	settleBank(w, ws)
	t.Logf("killed at %v", reached)
}

// large commits a transaction of many chunks, whatever the others do.
func (w *world) large() {
	w.t.Helper()
	for range 20 {
		if largeTransfer(context.Background(), w.conn, nil) == nil {
			return
		}
	}
	w.t.Fatal("no large transaction succeeded")
}
