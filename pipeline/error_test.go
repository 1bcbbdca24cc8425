package pipeline

import (
	"math/rand/v2"
	"testing"
	"time"
)

const failingSchema = `
	CREATE TABLE orders (id int PRIMARY KEY, account int, qty int);
	INSERT INTO orders SELECT i, i % 4, 1 + i % 5 FROM generate_series(1, 40) i;`

func (w *world) addFailingViews() {
	w.view("shares", `SELECT id, 100 / qty AS x FROM orders`)
	w.view("share_sums", `SELECT account, sum(100 / qty) AS x, count(*) AS n FROM orders GROUP BY account`)
	w.view("quantities", `SELECT account, sum(qty) AS q FROM orders GROUP BY account`)
}

// failing checks that the failing views show their last good contents and why
// they fail, and that the other one is exact.
func (w *world) failing(good map[string]string, row string) {
	w.t.Helper()
	w.wait()
	w.compare("quantities")
	for _, name := range []string{"shares", "share_sums"} {
		w.state(name, "errored")
		if now := w.outputs()[name]; now != good[name] {
			w.t.Errorf("%s shows something else than its last good contents", name)
		}
		n := ask[int](w, w.out, `SELECT count(*) FROM stepping_cdc.errors WHERE view = $1 AND sqlstate = '22012' AND message ~ 'division by zero' AND "row" ~ $2`, name, row)
		if n != 1 {
			w.t.Errorf("%s: %d errors listed with row %s: %s", name, n, row, ask[string](w, w.out, "SELECT coalesce(string_agg(e::text, '; '), '') FROM stepping_cdc.errors e"))
		}
	}
}

func (w *world) recovered() {
	w.t.Helper()
	w.wait() // until then views may be live as they were before
	for _, name := range []string{"shares", "share_sums"} {
		w.state(name, "live")
	}
	if n := ask[int](w, w.out, "SELECT count(*) FROM stepping_cdc.errors"); n != 0 {
		w.t.Errorf("%d errors are still listed", n)
	}
	w.check()
}

// TestErrors: a row makes views fail, others go on; it is mended, they recover.
func TestErrors(t *testing.T) {
	w := newWorld(t, failingSchema)
	w.addFailingViews()
	w.run(Options{})
	w.check()
	good := w.outputs()
	w.exec("UPDATE orders SET qty = 0 WHERE id = 7")
	w.failing(good, "qty=0")
	w.exec("UPDATE orders SET qty = qty + 1 WHERE id > 20; DELETE FROM orders WHERE id = 3")
	w.failing(good, "qty=0")
	w.halt()
	w.exec("INSERT INTO orders VALUES (100, 1, 1)")
	w.run(Options{})
	w.exec("INSERT INTO orders VALUES (101, 1, 0)")
	w.exec("DELETE FROM orders WHERE id = 101")
	w.failing(good, "qty=0")
	w.exec("DELETE FROM orders WHERE id = 7")
	w.recovered()
	// Within one transaction, and by TRUNCATE.
	w.exec("BEGIN; UPDATE orders SET qty = 0 WHERE id = 8; UPDATE orders SET qty = 9 WHERE id = 8; COMMIT")
	w.recovered()
	w.exec("UPDATE orders SET qty = 0 WHERE id IN (8, 9)")
	w.state("shares", "errored")
	w.exec("TRUNCATE orders; INSERT INTO orders VALUES (1, 1, 1)")
	w.recovered()
}

// TestErrorsFromTheStart: the rows are there when the views are loaded, for the
// first time, and again after the state was lost.
func TestErrorsFromTheStart(t *testing.T) {
	w := newWorld(t, failingSchema)
	w.addFailingViews()
	w.exec("UPDATE orders SET qty = 0 WHERE id IN (7, 8)")
	w.run(Options{})
	w.wait()
	w.compare("quantities")
	w.state("shares", "errored")
	if n := ask[int](w, w.out, "SELECT count(*) FROM stepping.shares"); n != 0 {
		t.Errorf("%d rows are shown of a view that never was good", n)
	}
	w.exec("UPDATE orders SET qty = 5 WHERE id = 7")
	w.exec("INSERT INTO orders VALUES (50, 5, 5)")
	w.wait()
	w.state("shares", "errored")
	w.exec("UPDATE orders SET qty = 5 WHERE id = 8")
	w.recovered()

	good := w.outputs()
	w.exec("UPDATE orders SET qty = 0 WHERE id = 9")
	w.failing(good, "qty=0")
	w.halt()
	w.loseState()
	w.run(Options{})
	w.failing(good, "qty=0")
	w.exec("UPDATE orders SET qty = 2 WHERE id > 5")
	w.recovered()
}

// TestErrorsAndKills: kills, while rows come and go that make views fail.
func TestErrorsAndKills(t *testing.T) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 5))
	w := newWorld(t, failingSchema)
	w.addFailingViews()
	for range 6 {
		c := w.child(childOptions{GroupBytes: 1 << (5 + rnd.IntN(12))})
		<-c.live
		for range 1 + rnd.IntN(8) {
			w.exec("UPDATE orders SET qty = $1 WHERE id = $2", rnd.IntN(3), 1+rnd.IntN(40))
			w.exec("UPDATE orders SET qty = 1 WHERE qty = 0 AND id % 2 = $1", rnd.IntN(2))
		}
		time.Sleep(time.Duration(rnd.IntN(120)) * time.Millisecond)
		c.kill()
	}
	w.exec("UPDATE orders SET qty = 4 WHERE qty = 0")
	w.run(Options{})
	w.recovered()
}
