package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/replication"
)

const identities = `
	CREATE TABLE k (id int PRIMARY KEY, a int NOT NULL, b int, c int, d int4range,
		CONSTRAINT late UNIQUE (a) DEFERRABLE, CONSTRAINT apart EXCLUDE USING gist (d WITH &&));
	CREATE UNIQUE INDEX by_a ON k (a); CREATE UNIQUE INDEX by_b ON k (b); CREATE UNIQUE INDEX sparse ON k (a) WHERE a > 0; CREATE UNIQUE INDEX computed ON k ((a + 1));
	CREATE TABLE q (id int PRIMARY KEY, n int);
	INSERT INTO k SELECT i, i, i, i, int4range(10 * i, 10 * i + 5) FROM generate_series(1, 9) i; INSERT INTO q SELECT i, i FROM generate_series(1, 9) i`

// TestIdentitiesThatPostgresRefuses: what does not tell one row from all others, or not at
// once, is never a replica identity, and what is one stays fit to be. So none of it need be looked for.
func TestIdentitiesThatPostgresRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identities)
	refused := func(sql string) {
		t.Helper()
		_, err := w.conn.Exec(context.Background(), sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || !slices.Contains([]string{"0A000", "42809", "42P16"}, pg.Code) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, index := range []string{"late", "apart", "by_b", "sparse", "computed"} {
		refused("ALTER TABLE k REPLICA IDENTITY USING INDEX " + index)
	}
	w.exec("ALTER TABLE k REPLICA IDENTITY USING INDEX by_a")
	refused("ALTER TABLE k ALTER a DROP NOT NULL")
}

// TestIdentityChanges changes by what old rows are told, while the program runs and while it does
// not: where the rows are still told apart, nothing happens; else it stops, or the view does, and
// nothing is wrong meanwhile.
func TestIdentityChanges(t *testing.T) {
	t.Parallel()
	const write = `UPDATE k SET c = c + 1 WHERE a % 2 = 0; UPDATE k SET a = a + 100 WHERE id = 3; UPDATE k SET id = id + 100 WHERE id = 4; DELETE FROM k WHERE id = 5`
	const insert = `INSERT INTO k VALUES (50, 50, 50, 50)`
	for _, tt := range []struct{ name, before, change, write string }{
		{"full", "", "REPLICA IDENTITY FULL", write},
		{"another index", "", "REPLICA IDENTITY USING INDEX by_a", write},
		{"from an index to the key", "REPLICA IDENTITY USING INDEX by_a", "REPLICA IDENTITY DEFAULT", write},
		{"from an index to all", "REPLICA IDENTITY USING INDEX by_a", "REPLICA IDENTITY FULL", write},
		{"from all to an index", "REPLICA IDENTITY FULL", "REPLICA IDENTITY USING INDEX by_a", write},
		{"from all to the key", "REPLICA IDENTITY FULL", "REPLICA IDENTITY DEFAULT", write},
		{"none", "", "REPLICA IDENTITY NOTHING", insert},
		{"from all to none", "REPLICA IDENTITY FULL", "REPLICA IDENTITY NOTHING", insert},
		{"from an index to none", "REPLICA IDENTITY USING INDEX by_a", "REPLICA IDENTITY NOTHING", insert},
		{"the key is gone", "", "DROP CONSTRAINT k_pkey", insert},
		{"the key is another", "", "DROP CONSTRAINT k_pkey, ADD PRIMARY KEY (a)", write},
		{"the key has another column", "", "DROP CONSTRAINT k_pkey, ADD PRIMARY KEY (id, a)", write},
		{"the index is another", "REPLICA IDENTITY USING INDEX by_a", "ADD CONSTRAINT pair UNIQUE (id, a), REPLICA IDENTITY USING INDEX pair", write},
	} {
		for _, down := range []bool{false, true} {
			name := tt.name
			if down {
				name += ", while it is down"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, identities)
				if tt.before != "" {
					w.exec("ALTER TABLE k " + tt.before)
				}
				w.view("wide", `SELECT id, a, c FROM k`)
				w.view("narrow", `SELECT c % 3 AS m, count(*) AS n FROM k GROUP BY 1`)
				w.view("joined", `SELECT k.c, q.n FROM k JOIN q ON q.id = k.c`)
				w.view("other", `SELECT sum(n) AS s FROM q`)
				opts := Options{checkEvery: tickEvery}
				w.run(opts)
				w.check()
				if down {
					w.exec("UPDATE k SET c = c + 1 WHERE id < 3") // told by the old identity
					w.halt()
					w.exec("UPDATE k SET c = c + 1 WHERE id < 4")
				}
				w.exec("ALTER TABLE k " + tt.change)
				w.exec(tt.write)
				w.exec("UPDATE q SET n = n + 1")
				if down {
					w.start(opts)
				}
				w.settles()
				// All is well with the remedy, whatever happened.
				w.exec("ALTER TABLE k REPLICA IDENTITY FULL")
				w.exec(write)
				w.run(Options{Resnapshot: true})
				w.exec("UPDATE k SET c = c + 1, a = a + 1000; DELETE FROM k WHERE id = 6; UPDATE q SET n = n + 1")
				w.check()
			})
		}
	}
}

// settles waits until the pipeline has stopped for a changed identity, or every view has
// stopped or equals its query; then it halts it.
func (w *world) settles() {
	w.t.Helper()
	lsn := ask[string](w, w.conn, "SELECT pg_current_wal_insert_lsn()::text")
	err := errors.New("nothing happens")
	for deadline := time.Now().Add(patience); err != nil; {
		select {
		case ended := <-w.done:
			w.stop = nil
			var stop *replication.StopError
			if !errors.As(ended, &stop) || stop.Code != replication.IdentityChanged {
				w.t.Fatalf("pipeline ended with %v", ended)
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			w.t.Fatal(err)
		}
		_, err = w.out.Exec(context.Background(), "SELECT stepping_cdc.wait_for($1::pg_lsn, '200 ms')", lsn)
	}
	for _, v := range w.views {
		if ask[string](w, w.out, "SELECT state FROM stepping_cdc.views WHERE name = $1", v.Name) != "stopped" {
			w.compare(v.Name)
		}
	}
	// The check of the source ends the run, if it comes before the end.
	var stop *replication.StopError
	if err := w.stop(); err != nil && (!errors.As(err, &stop) || stop.Code != replication.IdentityChanged) {
		w.t.Fatal(err)
	}
}
