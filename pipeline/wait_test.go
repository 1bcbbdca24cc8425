package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/migrations"
)

// TestWaitForViewsBeingLoaded: who names views waits until these are loaded, and what was
// committed before is in them; who does not, or names others, does not.
func TestWaitForViewsBeingLoaded(t *testing.T) {
	w := newWorld(t, `CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, i FROM generate_series(1, 9) i`)
	w.view("same", `SELECT count(*) AS c FROM t`)
	w.view("changed", `SELECT sum(n) AS s FROM t`)
	w.run(Options{})
	w.check()
	w.halt()
	w.redefine("changed", `SELECT sum(n) AS s, max(id) AS m FROM t`)
	w.view("added", `SELECT id FROM t WHERE n > 5`)
	loading, release := make(chan struct{}), make(chan struct{})
	live := w.start(Options{reached: func(p point) {
		if p == pointLoaded {
			close(loading)
			<-release
		}
	}})
	<-loading
	wait := func(lsn, timeout, views string) error {
		_, err := w.out.Exec(context.Background(), `SELECT stepping_cdc.wait_for($1::text::pg_lsn, $2::text::interval, $3::text::text[])`, lsn, timeout, views)
		return err
	}
	if err := wait("0/0", "0", "{same}"); err != nil {
		t.Errorf("a view that is not being loaded: %v", err)
	}
	for views, want := range map[string]string{"{same,changed}": `view "changed" is loading`, "{added}": `view "added" has no output`} {
		err := wait("0/0", "50 ms", views)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != migrations.StateWaitTimeout || !strings.Contains(pg.Message, want) {
			t.Errorf("%s: %v", views, err)
		}
	}
	w.exec("UPDATE t SET n = n + 1")
	lsn := ask[string](w, w.conn, "SELECT pg_current_wal_insert_lsn()::text")
	waited := make(chan error, 1)
	go func() { waited <- wait(lsn, patience.String(), "{added,changed,same}") }()
	close(release)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	for _, v := range w.views {
		w.compare(v.Name)
	}
	<-live
	w.check()
}
