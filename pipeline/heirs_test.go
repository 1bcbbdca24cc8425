package pipeline

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const kin = `
	CREATE SCHEMA app;
	CREATE TABLE kin (id int PRIMARY KEY, v text, n numeric, unused int);
	CREATE TABLE side (k int NOT NULL, n numeric); ALTER TABLE side REPLICA IDENTITY FULL;
	CREATE TABLE kid (extra text, PRIMARY KEY (id)) INHERITS (kin);
	CREATE TABLE mixed (k int NOT NULL, gone int, n numeric, more text, unused int, v text, id int NOT NULL); ALTER TABLE mixed DROP COLUMN gone;
	ALTER TABLE mixed INHERIT kin; ALTER TABLE mixed INHERIT side; ALTER TABLE mixed REPLICA IDENTITY FULL;
	CREATE TABLE app.grandkid (last text, PRIMARY KEY (id, k)) INHERITS (kid, mixed);
	CREATE TABLE q (id int PRIMARY KEY, n int);
	INSERT INTO kin SELECT i, 'kin' || i, i, 0 FROM generate_series(1, 9) i; INSERT INTO kid SELECT i, 'kid' || i, i, 0, repeat('long', 900) FROM generate_series(5, 15) i;
	INSERT INTO mixed (id, v, n, k, more) SELECT i % 7, repeat('v', 3000), i, i, 'm' FROM generate_series(1, 20) i; INSERT INTO app.grandkid (id, k, v) SELECT i, i % 3, 'grand' FROM generate_series(3, 12) i;
	INSERT INTO side SELECT i % 4, i FROM generate_series(1, 10) i; INSERT INTO q SELECT i, i FROM generate_series(1, 9) i`

// kinWorld has views over tables that inherit, and one that has nothing to do with
// them. checked counts looks at the source.
func kinWorld(t *testing.T) (w *world, opts Options, checked *atomic.Int64) {
	w = newWorld(t, kin)
	w.view("everyone", `SELECT id, v, n FROM kin`)
	w.view("own", `SELECT id, v FROM ONLY kin`)
	w.view("sums", `SELECT id % 3 AS r, count(*) AS c, sum(n) AS s FROM kin GROUP BY 1`)
	w.view("middle", `SELECT k.id, k.extra, s.n FROM kid k JOIN side s ON s.k = k.id % 4`)
	w.view("row", `SELECT to_jsonb(m) - 'v' AS j FROM ONLY mixed m`)
	w.view("lowest", `SELECT id, k, last FROM app.grandkid`)
	w.view("other", `SELECT sum(n) AS s FROM q`)
	checked = &atomic.Int64{}
	opts.checkEvery = tickEvery
	opts.reached = func(p point) {
		if p == pointChecked {
			checked.Add(1)
		}
	}
	w.run(opts)
	w.check()
	return w, opts, checked
}

// changed runs what the stream tells nothing of, and work that it does tell, while the program is down or
// while it runs. It says whether views were loaded anew meanwhile, which a start may do in any case.
func (w *world) changed(opts Options, down bool, change, work string) (anew bool) {
	w.t.Helper()
	w.t.Log(change)
	if down {
		w.halt()
	}
	before := w.sessions()
	w.exec(change)
	w.exec(work)
	if down {
		w.run(opts)
	}
	w.heals()
	return down || w.sessions() != before
}

// TestInheritance changes tables that inherit from each other, each by itself and
// through those above it: no view is loaded anew for it.
func TestInheritance(t *testing.T) {
	t.Parallel()
	w, opts, checked := kinWorld(t)
	before := w.sessions()
	for i, sql := range []string{
		"UPDATE kin SET n = n + 1", "UPDATE ONLY kin SET v = v || '!' WHERE id < 4", "UPDATE kid SET extra = 'x', n = 0 WHERE id = 7", "UPDATE mixed SET k = k + 1, unused = 5",
		"UPDATE kin SET id = id + 100 WHERE id % 3 = 0", "DELETE FROM ONLY kin WHERE id = 2", "DELETE FROM kin WHERE id IN (5, 6)", "DELETE FROM side WHERE k = 1",
		"BEGIN; INSERT INTO app.grandkid (id, k, v, extra) VALUES (77, 1, 'new', 'e'); UPDATE kid SET id = 78 WHERE id = 77; UPDATE side SET n = -1 WHERE k = 1; DELETE FROM ONLY kid; COMMIT",
		"INSERT INTO kin SELECT 500 + i, 'again', i FROM generate_series(1, 50) i; INSERT INTO kid SELECT 500 + i, 'again', i FROM generate_series(1, 50) i",
		"TRUNCATE ONLY kin", "INSERT INTO kin VALUES (1, 'one', 1)", "TRUNCATE app.grandkid", "INSERT INTO app.grandkid (id, k) VALUES (1, 1)",
		"BEGIN; INSERT INTO kid VALUES (900, 'before'); TRUNCATE kid; INSERT INTO kid VALUES (901, 'after'); INSERT INTO mixed (id, k) VALUES (902, 2); COMMIT",
		"TRUNCATE kin", "INSERT INTO mixed (id, k, v, n) VALUES (1, 1, 'a', 1), (1, 1, 'a', 1), (1, 1, 'a', 1.0); INSERT INTO kin VALUES (1, 'a', 1); INSERT INTO kid VALUES (1, 'a', 1)",
		"DELETE FROM mixed WHERE ctid IN (SELECT ctid FROM mixed LIMIT 1)", "TRUNCATE side, q", "INSERT INTO q VALUES (1, 1)",
		"CREATE TEMP TABLE fleeting () INHERITS (kin); UPDATE kin SET n = 3; DROP TABLE fleeting; CREATE TABLE away (LIKE kin); ALTER TABLE away INHERIT kin; ALTER TABLE away NO INHERIT kin", "VACUUM FULL kin",
	} {
		t.Log(sql)
		down := i%5 == 4
		if down {
			w.halt()
		}
		w.exec(sql)
		if down {
			before++
			w.run(opts)
		}
		w.check()
	}
	for n := checked.Load(); checked.Load() < n+2; time.Sleep(10 * time.Millisecond) {
	}
	w.check()
	if now := w.sessions(); now != before {
		t.Errorf("%d sessions were begun anew", now-before)
	}
}

// TestHeirsChange lets tables begin and cease to inherit, of which the stream tells
// nothing: the outputs heal by themselves.
func TestHeirsChange(t *testing.T) {
	t.Parallel()
	w, opts, _ := kinWorld(t)
	for i, sql := range []string{
		"CREATE TABLE late (PRIMARY KEY (id)) INHERITS (kin); INSERT INTO late VALUES (1, 'late'), (2, 'late')",
		"BEGIN; CREATE TABLE app.later (more int, PRIMARY KEY (id)) INHERITS (late); INSERT INTO app.later VALUES (1, 'later'); COMMIT",
		"ALTER TABLE app.later NO INHERIT late; INSERT INTO app.later VALUES (2, 'away')",
		"ALTER TABLE app.later INHERIT kin",
		"ALTER TABLE app.later NO INHERIT kin, INHERIT late",
		"DROP TABLE app.later",
		"CREATE TABLE app.later (PRIMARY KEY (id)) INHERITS (late); INSERT INTO app.later VALUES (1, 'anew')",
		"DROP TABLE app.later; CREATE TABLE app.later (PRIMARY KEY (id)) INHERITS (late); INSERT INTO app.later VALUES (2, 'anew')",
		"DROP TABLE app.later; CREATE TABLE app.later (PRIMARY KEY (id)) INHERITS (late); INSERT INTO app.later VALUES (3, 'anew')",
		"DROP TABLE late CASCADE",
		"ALTER TABLE mixed NO INHERIT side",
		"CREATE TABLE q2 (PRIMARY KEY (id)) INHERITS (q); INSERT INTO q2 VALUES (50, 50)",
		"ALTER TABLE kin RENAME v TO w; ALTER TABLE kin RENAME w TO v; DROP TABLE q2",
	} {
		anew := w.changed(opts, i%3 == 2, sql, "UPDATE kin SET n = coalesce(n, 0) + 1 WHERE id % 2 = 0; INSERT INTO q SELECT max(id) + 1, 5 FROM ONLY q")
		if !anew && !strings.Contains(sql, "NO INHERIT kin, INHERIT late") { // it does as well as before
			t.Errorf("%s: nothing was loaded anew", sql)
		}
	}
	// One that cannot be followed is named, and no view is wrong in silence.
	w.exec("CREATE TABLE keyless () INHERITS (kin); INSERT INTO keyless VALUES (1, 'keyless')")
	for _, name := range []string{"everyone", "sums"} {
		w.state(name, "stopped")
		if cause := ask[string](w, w.out, "SELECT error FROM stepping_cdc.views WHERE name = $1", name); !strings.Contains(cause, "public.keyless") || !strings.Contains(cause, "no primary key") {
			t.Errorf("%s is stopped for %q", name, cause)
		}
	}
	w.exec("UPDATE kin SET n = 5 WHERE id < 5; UPDATE q SET n = n + 1")
	w.wait()
	for _, name := range []string{"own", "middle", "other", "lowest"} {
		w.state(name, "live")
		w.compare(name)
	}
	w.exec("ALTER TABLE keyless REPLICA IDENTITY FULL; UPDATE keyless SET n = 5")
	w.heals()
}
