package pipeline

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/config"
)

// redefine gives a view another query.
func (w *world) redefine(name, query string) {
	w.t.Helper()
	for i := range w.views {
		if w.views[i].Name == name {
			w.views[i].Query = query
			return
		}
	}
	w.t.Fatalf("no view %s", name)
}

func (w *world) remove(name string) config.View {
	w.t.Helper()
	for i, v := range w.views {
		if v.Name == name {
			w.views = append(w.views[:i:i], w.views[i+1:]...)
			return v
		}
	}
	w.t.Fatalf("no view %s", name)
	return config.View{}
}

// again restarts with the views as they are now, with changes of the source
// before, between and after.
func (w *world) again() {
	w.t.Helper()
	w.exec(`INSERT INTO orders SELECT max(id) + 1, 3, 77.10, 'again' FROM orders; UPDATE orders SET amount = amount + 1 WHERE id % 3 = 0`)
	w.halt()
	w.exec(`DELETE FROM orders WHERE id = (SELECT min(id) FROM orders); UPDATE customers SET region = region || '!' WHERE id = 3`)
	w.run(Options{})
	w.exec(`INSERT INTO visits VALUES (3, 'after'); UPDATE orders SET customer_id = customer_id + 1 WHERE id % 17 = 0`)
	w.check()
}

// TestViewsChange adds, removes, changes, renames views and takes it back: each
// time, those configured are exact and the others stopped.
func TestViewsChange(t *testing.T) {
	w := shopWorld(t)
	w.exec(`CREATE VIEW public.adopted_view AS SELECT customer_id, count(*) AS n FROM orders GROUP BY 1;
		CREATE MATERIALIZED VIEW public.adopted_mat AS SELECT page, count(*) AS n FROM visits GROUP BY 1`)
	w.run(Options{})
	w.check()
	w.view("by_customer", `SELECT customer_id, sum(amount) AS s FROM orders GROUP BY 1`)
	w.views = append(w.views, config.View{Name: "adopted", From: "public.adopted_view"})
	w.again()
	// Several generations now. One of the first goes.
	removed := w.remove("pages")
	w.again()
	w.state("pages", "stopped")
	// The same columns, other rows; then back, while the others keep the old
	// generation alive.
	w.redefine("big", `SELECT o.id, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > 250`)
	w.again()
	w.redefine("big", `SELECT o.id, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > 100`)
	w.again()
	// Back again, with a table that has stood still meanwhile.
	w.views = append(w.views, removed)
	w.again()
	w.state("pages", "live")
	// Other columns; another name; another view over it.
	w.redefine("total", `SELECT count(*) AS n, min(note) AS first FROM orders`)
	v := w.remove("names")
	v.Name = "names_too"
	w.views = append(w.views, v)
	w.exec("CREATE TEMP VIEW by_customer AS SELECT customer_id, sum(amount) AS s FROM orders GROUP BY 1")
	w.view("best", `SELECT customer_id FROM by_customer WHERE s > 300`)
	w.again()
	w.again()
	// The adopted view is defined anew: its query is another one.
	w.exec("CREATE OR REPLACE VIEW public.adopted_view AS SELECT customer_id, count(note) AS n FROM orders WHERE amount > 50 GROUP BY 1")
	w.again()
	w.loseState()
	w.again()
	if n := ask[int](w, w.conn, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"); n != 1 {
		t.Errorf("%d slots, want 1", n)
	}
}

// TestJoinBoundary: views are added while a bank is at work; in each snapshot
// they are of the same prefix as the others from the moment they are there.
func TestJoinBoundary(t *testing.T) {
	w := newWorld(t, bankSchema)
	w.addBankViews()
	w.exec(`INSERT INTO entries SELECT 0, i, 0 FROM generate_series(1, 4) i; UPDATE ticks SET n = 1 WHERE teller = 0`)
	late := w.remove("branches")
	w.run(Options{})
	ws := w.startWriters(seed(t), 2, slowTransfer)
	w.halt()
	w.views = append(w.views, late)
	w.start(Options{groupBytes: 2048})
	w.state("branches", "live")
	a := w.startAuditor() // complains of the first snapshot in which they differ
	w.eventually("progress", "SELECT lsn > $1::pg_lsn FROM stepping_cdc.progress", ask[string](w, w.out, "SELECT lsn::text FROM stepping_cdc.progress"))
	ws.end()
	w.check()
	a.end()
}
