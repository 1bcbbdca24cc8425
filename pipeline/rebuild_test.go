package pipeline

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// TestRebuild has views computed anew whose outputs are wrong in a way that no write
// would show: by the instance that runs, and by the next one where none does.
func TestRebuild(t *testing.T) {
	w := shopWorld(t)
	if _, err := Rebuild(t.Context(), w.config(), []string{"names"}); err == nil {
		t.Error("rebuilt where nothing has ever run")
	}
	w.run(Options{})
	w.check()
	spoil := func() {
		w.exec("UPDATE stepping.names SET k = k + 10; DELETE FROM stepping.revenue")
	}
	spoil()
	// A reader sees what was there until it is put right, and never nothing.
	rows := ask[int](w, w.out, "SELECT count(*) FROM stepping.names")
	var stop atomic.Bool
	gap := make(chan int, 1)
	reader := w.connect(w.sink)
	go func() {
		n := rows
		for !stop.Load() && n == rows {
			if err := reader.QueryRow(context.Background(), "SELECT count(*) FROM stepping.names").Scan(&n); err != nil {
				n = -1
			}
		}
		gap <- n
	}()
	views, err := Rebuild(t.Context(), w.config(), []string{"revenue", "names"})
	stop.Store(true)
	if n := <-gap; n != rows {
		t.Errorf("a reader saw %d rows, not %d", n, rows)
	}
	if err != nil || len(views) != 2 || views[0].State != "live" || views[1].State != "live" {
		t.Fatalf("%v, %v", views, err)
	}
	w.check()
	for _, v := range views { // also where somebody else's writes were not counted
		if n := ask[int64](w, w.out, "SELECT count(*) FROM stepping."+v.Name); v.Rows != n {
			t.Errorf("%s is said to have %d rows, and has %d", v.Name, v.Rows, n)
		}
	}
	if _, err := Rebuild(t.Context(), w.config(), []string{"nonsense"}); err == nil {
		t.Error("rebuilt a view that is not there")
	}
	// The request outlives the one who waits for it.
	w.halt()
	spoil()
	if _, err := Rebuild(t.Context(), w.config(), []string{"names", "revenue"}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("%v, want %v", err, ErrNotRunning)
	}
	w.touchEverything()
	w.run(Options{})
	w.check()
	if n := ask[int](w, w.out, "SELECT count(*) FROM stepping_cdc.rebuilds"); n != 0 {
		t.Errorf("%d requests are left", n)
	}
	// One that is left out cannot be rebuilt, and that is said.
	w.exec("ALTER TABLE visits RENAME page TO p")
	w.exec("INSERT INTO visits SELECT * FROM visits LIMIT 1")
	w.wait()
	w.state("pages", "stopped")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	views, err = Rebuild(ctx, w.config(), []string{"pages"})
	if err != nil || len(views) != 1 || views[0].State != "stopped" || views[0].Error == "" {
		t.Errorf("%v, %v", views, err)
	}
}
