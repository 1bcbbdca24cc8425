package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// bankSchema: money moves, none is made. Each transfer counts up the teller's
// ticks and leaves exactly four entries, so that a torn transaction, or views of
// different prefixes, show in any snapshot.
const bankSchema = `
CREATE TABLE accounts (id int PRIMARY KEY, branch int NOT NULL, balance int8 NOT NULL);
CREATE TABLE entries (teller int, account int, amount int8);
ALTER TABLE entries REPLICA IDENTITY FULL;
CREATE TABLE ticks (teller int PRIMARY KEY, n int8 NOT NULL);
INSERT INTO accounts SELECT i, i % 5, 1000 FROM generate_series(1, 50) i;
INSERT INTO ticks SELECT i, 0 FROM generate_series(0, 9) i;`

const bankTotal = 50 * 1000

func (w *world) addBankViews() {
	w.view("balances", `SELECT id, balance FROM accounts`)
	w.view("branches", `SELECT branch, sum(balance) AS s, count(*) AS n FROM accounts GROUP BY branch`)
	w.view("bank", `SELECT sum(balance) AS s FROM accounts`)
	w.view("ledger", `SELECT a.id, a.balance - 1000 - coalesce(sum(e.amount), 0) AS off FROM accounts a JOIN entries e ON e.account = a.id GROUP BY a.id, a.balance`)
	w.view("entry_count", `SELECT teller, count(*) AS n FROM entries GROUP BY teller`)
	w.view("tick_count", `SELECT teller, n FROM ticks`)
	w.view("richest", `SELECT a.id, b.id AS other FROM accounts a JOIN accounts b ON a.balance = b.balance AND a.id < b.id`)
	w.view("every_entry", `SELECT account, amount FROM entries`)
	// Sorted as Postgres alone knows: each new value is looked up in a dictionary
	// that has to survive what the rest of the state survives.
	w.view("first_balances", `SELECT id, balance FROM accounts ORDER BY balance::text COLLATE "en-x-icu", id LIMIT 10`)
	w.view("last_entries", `SELECT teller, max((amount || '/' || account) COLLATE "de-x-icu") AS last FROM entries GROUP BY teller`)
}

// transfer moves money between two pairs of accounts.
func transfer(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error {
	teller := rnd.IntN(10)
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	b := &pgx.Batch{}
	for range 2 {
		from, to, amount := 1+rnd.IntN(50), 1+rnd.IntN(50), rnd.IntN(100)
		for account, x := range map[int]int{from: -amount, to: amount} {
			if from == to {
				x = 0
			}
			b.Queue("UPDATE accounts SET balance = balance + $2 WHERE id = $1", account, x)
			b.Queue("INSERT INTO entries VALUES ($1, $2, $3)", teller, account, x)
		}
		if from == to {
			b.Queue("INSERT INTO entries VALUES ($1, $2, 0)", teller, to)
		}
	}
	b.Queue("UPDATE ticks SET n = n + 1 WHERE teller = $1", teller)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	if rnd.IntN(10) == 0 {
		return nil // rolled back
	}
	return tx.Commit(ctx)
}

// slowTransfer leaves the machine some time for others.
func slowTransfer(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand) error {
	time.Sleep(time.Duration(rnd.IntN(16)) * time.Millisecond)
	return transfer(ctx, conn, rnd)
}

// auditor reads all outputs in one snapshot, again and again.
type auditor struct {
	looks atomic.Int64
	end   func()
}

func (w *world) startAuditor() *auditor {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a := &auditor{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var last uint64
		for ctx.Err() == nil {
			err := w.audit(ctx, a, &last)
			// While servers are killed there is nothing to be seen.
			var pg *pgconn.PgError
			var connect *pgconn.ConnectError
			if err != nil && ctx.Err() == nil && !errors.As(err, &connect) && !(errors.As(err, &pg) && pg.Code[:2] == "57") && !pgconn.SafeToRetry(err) {
				w.t.Errorf("auditor: %v", err)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	a.end = func() {
		cancel()
		<-ended
	}
	w.t.Cleanup(a.end)
	return a
}

func (w *world) audit(ctx context.Context, a *auditor, last *uint64) error {
	conn, err := pgx.Connect(ctx, w.sink)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for range 50 {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		var lsn uint64
		var off []int64
		err = tx.QueryRow(ctx, `SELECT (lsn - '0/0')::int8 FROM stepping_cdc.progress`).Scan(&lsn)
		if err == nil {
			err = tx.QueryRow(ctx, `SELECT array[
				(SELECT sum(balance) FROM stepping.balances), (SELECT sum(s) FROM stepping.branches), (SELECT s FROM stepping.bank),
				(SELECT count(*) FROM stepping.ledger WHERE off <> 0),
				(SELECT sum(n) FROM stepping.entry_count) - 4 * (SELECT sum(n) FROM stepping.tick_count),
				(SELECT count(*) FROM stepping.tick_count t LEFT JOIN stepping.entry_count e USING (teller) WHERE coalesce(e.n, 0) <> 4 * t.n),
				(SELECT count(*) FROM stepping.richest) - (SELECT count(*) FROM stepping.balances a JOIN stepping.balances b ON a.balance = b.balance AND a.id < b.id),
				(SELECT count(*) FROM stepping.every_entry) - (SELECT coalesce(sum(n), 0) FROM stepping.entry_count),
				(SELECT coalesce(sum(amount), 0) FROM stepping.every_entry)]::int8[]`).Scan(&off)
		}
		_ = tx.Rollback(ctx)
		if err != nil {
			return err
		}
		want := fmt.Sprint([]int64{bankTotal, bankTotal, bankTotal, 0, 0, 0, 0, 0, 0})
		if fmt.Sprint(off) != want && !(len(off) > 4 && off[4] == 0 && lsn == 0) {
			return fmt.Errorf("at %X the outputs are not of one prefix: %v, want %s", lsn, off, want)
		}
		if lsn < *last {
			return fmt.Errorf("progress went back from %X to %X", *last, lsn)
		}
		*last = lsn
		a.looks.Add(1)
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// TestBank: laws 1 and 2 under concurrent transfers.
func TestBank(t *testing.T) {
	w := newWorld(t, bankSchema)
	w.addBankViews()
	w.exec(`INSERT INTO entries SELECT 0, i, 0 FROM generate_series(1, 4) i; UPDATE ticks SET n = 1 WHERE teller = 0`)
	w.run(Options{groupBytes: 4096})
	ws := w.startWriters(seed(t), 4, slowTransfer)
	a := w.startAuditor()
	time.Sleep(3 * time.Second)
	w.halt()
	w.run(Options{})
	time.Sleep(time.Second)
	ws.end()
	w.check()
	a.end()
	if a.looks.Load() < 100 {
		t.Errorf("the auditor looked %d times only", a.looks.Load())
	}
	t.Logf("%d looks, %d entries", a.looks.Load(), ask[int64](w, w.conn, "SELECT count(*) FROM entries"))
}

// TestOwnWrites: write, wait_for, read, against other writers.
func TestOwnWrites(t *testing.T) {
	w := newWorld(t, bankSchema)
	w.addBankViews()
	w.run(Options{})
	ws := w.startWriters(seed(t), 2, slowTransfer)
	for id, end := 1000, time.Now().Add(10*time.Second); id < 1150 && time.Now().Before(end); id++ {
		w.exec(`INSERT INTO entries VALUES ($1::int, $1, $1)`, id)
		w.exec(`SELECT stepping_cdc.wait_for(timeout => '60s')`)
		if n := ask[int](w, w.conn, `SELECT count(*) FROM stepping.every_entry WHERE account = $1`, id); n != 1 {
			t.Fatalf("own write %d is there %d times", id, n)
		}
		w.exec(`DELETE FROM entries WHERE account = $1`, id)
	}
	ws.end()
	w.check()
}
