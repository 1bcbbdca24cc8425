package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// TestSchemaChanges changes source tables under the running pipeline: where no
// view uses what changes, nothing happens; else the views concerned stop, with the
// cause, and the others go on.
func TestSchemaChanges(t *testing.T) {
	w := newWorld(t, `
		CREATE TABLE a (id int PRIMARY KEY, x int, y text, unused text);
		CREATE TABLE b (id int PRIMARY KEY, z int);
		CREATE TABLE c (id int PRIMARY KEY, v int);
		CREATE TABLE d (id int PRIMARY KEY, v int);
		INSERT INTO a SELECT i, i, 'y' || i, 'u' FROM generate_series(1, 20) i;
		INSERT INTO b SELECT i, i FROM generate_series(1, 20) i;
		INSERT INTO c SELECT i, i FROM generate_series(1, 20) i;
		INSERT INTO d SELECT i, i FROM generate_series(1, 20) i;`)
	w.view("over_a", `SELECT id, x, y FROM a`)
	w.view("joined", `SELECT a.x, b.z FROM a JOIN b ON a.id = b.id`)
	w.view("over_b", `SELECT sum(z) AS s FROM b`)
	w.view("over_c", `SELECT id, v FROM c`)
	w.view("over_d", `SELECT id, v FROM d`)
	w.run(Options{})
	w.check()
	touch := func() {
		w.exec(`UPDATE a SET x = x + 1 WHERE id < 9; INSERT INTO b SELECT max(id) + 1, 7 FROM b; UPDATE c SET id = id + 100 WHERE id = (SELECT min(id) FROM c); DELETE FROM d WHERE id = (SELECT max(id) FROM d)`)
	}
	for _, sql := range []string{
		"ALTER TABLE a ADD COLUMN more int DEFAULT 3",
		"BEGIN; UPDATE a SET x = x + 1; ALTER TABLE a ALTER unused TYPE varchar(9); UPDATE a SET x = x + 1; COMMIT",
		"ALTER TABLE a DROP COLUMN unused",
		"ALTER TABLE a ADD COLUMN unused int, ALTER more DROP DEFAULT",
		"ALTER TABLE b ALTER z SET NOT NULL",
	} {
		w.exec(sql)
		touch()
		w.check()
	}
	// The used ones: a column retyped inside a transaction with changes before.
	w.exec("BEGIN; UPDATE b SET z = z + 1; ALTER TABLE b ALTER z TYPE int8; UPDATE b SET z = z + 1; COMMIT")
	touch()
	w.wait()
	w.state("joined", "stopped")
	w.state("over_b", "stopped")
	for _, name := range []string{"over_a", "over_c", "over_d"} {
		w.state(name, "live")
		w.compare(name)
	}
	if cause := ask[string](w, w.out, "SELECT error FROM stepping_cdc.views WHERE name = 'over_b'"); cause == "" {
		t.Error("no cause is given")
	}
	// A restart computes them anew: their queries still stand.
	w.halt()
	touch()
	w.run(Options{})
	touch()
	w.check()

	// Away and back again: what happened in between was not seen.
	w.exec("ALTER TABLE b RENAME COLUMN z TO zz; UPDATE b SET zz = zz + 5; ALTER TABLE b RENAME COLUMN zz TO z")
	w.exec("UPDATE b SET z = z + 1 WHERE id < 4")
	w.wait()
	w.halt()
	w.run(Options{})
	touch()
	w.check()

	// Dropped for good: the others go on, after a restart too.
	w.exec("ALTER TABLE b DROP COLUMN z CASCADE; INSERT INTO b VALUES (5000)")
	w.exec("INSERT INTO c VALUES (900, 1)")
	w.wait()
	w.state("over_b", "stopped")
	w.compare("over_c")
	w.halt()
	w.run(Options{})
	w.remove("joined")
	w.remove("over_b")
	w.exec("INSERT INTO c VALUES (901, 1)")
	w.check()
}

// TestViewsLeftOut takes columns away that some of the views over a table use: those
// stop, and the views over them, while the others go on, also after a restart. They
// come back when the table is mended.
func TestViewsLeftOut(t *testing.T) {
	w := newWorld(t, `
		CREATE TABLE a (id int PRIMARY KEY, x int, y text); INSERT INTO a SELECT i, i % 4, 'y' || i FROM generate_series(1, 20) i;
		CREATE TABLE f (id int, x int, y text); ALTER TABLE f REPLICA IDENTITY FULL; INSERT INTO f SELECT i % 7, i % 4, 'y' || i FROM generate_series(1, 20) i;
		CREATE TABLE b (id int PRIMARY KEY, z int); INSERT INTO b VALUES (1, 1);`)
	w.view("wide", `SELECT id, x, y FROM a`)
	w.view("longest", `SELECT x, max(y) AS y FROM a GROUP BY x`)
	w.view("over_wide", `SELECT id FROM wide`)
	w.view("narrow", `SELECT id, x FROM a`)
	w.view("groups", `SELECT x, count(*) AS n FROM a GROUP BY x`)
	w.view("full_wide", `SELECT x, y FROM f`)
	w.view("full_narrow", `SELECT x, count(*) AS n FROM f GROUP BY x`)
	w.view("pairs", `SELECT a.id, f.id AS other FROM a JOIN f ON a.x = f.x WHERE a.id < 5`)
	w.view("distinct_ids", `SELECT DISTINCT id FROM f`)
	w.view("other", `SELECT sum(z) AS s FROM b`)
	w.exec(`CREATE TEMP VIEW wide AS SELECT id, x, y FROM a`)
	w.run(Options{})
	w.check()
	touch := func() {
		t.Helper()
		w.exec(`UPDATE a SET x = x + 1 WHERE id % 2 = 0; INSERT INTO a (id, x) SELECT max(id) + 1, 3 FROM a; DELETE FROM a WHERE id = (SELECT min(id) FROM a);
			UPDATE f SET x = x + 1 WHERE id % 2 = 0; INSERT INTO f (id, x) VALUES (2, 3), (9, 9); DELETE FROM f WHERE id = 3; UPDATE b SET z = z + 1`)
	}
	going := []string{"narrow", "groups", "full_narrow", "pairs", "distinct_ids", "other"}
	goOn := func() {
		t.Helper()
		w.wait()
		for _, name := range []string{"wide", "longest", "over_wide", "full_wide"} {
			w.state(name, "stopped")
			if cause := ask[string](w, w.out, "SELECT error FROM stepping_cdc.views WHERE name = $1", name); cause == "" || strings.Contains(cause, "no longer configured") {
				t.Errorf("%s is stopped for %q", name, cause)
			}
			if n := ask[int](w, w.out, "SELECT count(*) FROM stepping."+name); n == 0 {
				t.Errorf("%s has lost its contents", name)
			}
		}
		for _, name := range going {
			w.state(name, "live")
			w.compare(name)
		}
	}
	w.exec(`BEGIN; UPDATE a SET y = y || '!', x = x + 1; UPDATE f SET y = y || '!'; DROP VIEW wide; ALTER TABLE a DROP COLUMN y; ALTER TABLE f RENAME y TO z; UPDATE a SET x = x - 1; UPDATE f SET x = x + 2; COMMIT`)
	touch()
	goOn()
	// What is known of the rows by now is not the same in all columns.
	w.exec(`TRUNCATE f; INSERT INTO f (id, x) SELECT i % 5, i % 3 FROM generate_series(1, 9) i`)
	goOn()
	w.halt()
	touch()
	w.run(Options{checkEvery: tickEvery})
	touch()
	goOn()
	if _, err := readStatus(t.Context(), w.config(), false); err != nil {
		t.Error(err)
	} else if st, _ := readStatus(t.Context(), w.config(), false); st.Healthy() {
		t.Error("the status is fine")
	}
	verified, err := verify.Views(t.Context(), w.config(), verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verified.Views {
		if want := map[bool]verify.Verdict{true: verify.Equal, false: verify.Failing}[slices.Contains(going, v.View)]; v.Verdict != want {
			t.Errorf("%s: %s, want %s", v.View, v.Verdict, want)
		}
	}
	// A view that has never been there is not left out in silence.
	w.halt()
	w.view("fresh", `SELECT nothing FROM a`)
	w.start(Options{})
	var problems *configured.ProblemsError
	if err := w.fails(); !errors.As(err, &problems) {
		t.Fatalf("%v, want the problems of the views", err)
	}
	w.remove("fresh")
	// One table is mended while the program runs, the other one while it does not.
	w.run(Options{checkEvery: tickEvery})
	w.exec(`ALTER TABLE a ADD COLUMN y text DEFAULT 'mended'; CREATE TEMP VIEW wide AS SELECT id, x, y FROM a`)
	touch()
	for _, name := range []string{"wide", "longest", "over_wide"} {
		w.state(name, "live")
		going = append(going, name)
	}
	w.halt()
	w.exec(`ALTER TABLE f RENAME z TO y`)
	w.run(Options{})
	touch()
	w.check()
}

// TestIdentityWeakened takes away what old rows are known by.
func TestIdentityWeakened(t *testing.T) {
	w := newWorld(t, `
		CREATE TABLE f (a int, b int); ALTER TABLE f REPLICA IDENTITY FULL;
		CREATE TABLE k (id int PRIMARY KEY, v int);
		INSERT INTO f SELECT i, i FROM generate_series(1, 9) i; INSERT INTO k SELECT i, i FROM generate_series(1, 9) i`)
	w.view("over_f", `SELECT a FROM f`)
	w.view("over_k", `SELECT v FROM k`)
	w.run(Options{})
	w.check()
	w.exec("ALTER TABLE k REPLICA IDENTITY FULL; UPDATE k SET v = v + 1")
	w.check() // stronger is fine
	w.exec("ALTER TABLE f REPLICA IDENTITY DEFAULT; INSERT INTO f VALUES (10, 10)")
	w.exec("UPDATE k SET v = v + 1")
	// The check ends the run, if it comes before the end.
	var stop *replication.StopError
	if err := w.stop(); err != nil && (!errors.As(err, &stop) || stop.Code != replication.IdentityChanged) {
		t.Fatal(err)
	}
	w.run(Options{})
	w.exec("UPDATE k SET v = v + 1")
	w.wait()
	w.state("over_f", "stopped")
	w.compare("over_k")
	w.halt()
	w.exec("ALTER TABLE f REPLICA IDENTITY FULL; DELETE FROM f WHERE a < 4")
	w.run(Options{Resnapshot: true})
	w.check()
}
