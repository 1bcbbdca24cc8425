package pipeline

import (
	"strings"
	"testing"
)

// TestBasisChanges takes away, while views are maintained and while they are not, what their plans
// rest on: unique indexes, NOT NULL, collations. Of that the stream tells nothing, and the outputs
// heal by themselves. What makes no difference loads nothing anew.
func TestBasisChanges(t *testing.T) {
	t.Parallel()
	const tables = `
		CREATE TABLE k (id int PRIMARY KEY, x int NOT NULL, y int NOT NULL, z int NOT NULL); ALTER TABLE k REPLICA IDENTITY FULL;
		CREATE UNIQUE INDEX by_x ON k (x) INCLUDE (y); ALTER TABLE k ADD CONSTRAINT by_y UNIQUE (y); CREATE UNIQUE INDEX by_z ON k (z);
		CREATE TABLE o (id int PRIMARY KEY, ref int);
		CREATE TABLE c (id int PRIMARY KEY, v text COLLATE "C", w text COLLATE "C", unused text COLLATE "C");
		INSERT INTO k SELECT i, i, i, i FROM generate_series(1, 9) i; INSERT INTO o SELECT i, i % 10 FROM generate_series(1, 30) i;
		INSERT INTO c SELECT i, chr(64 + i + 32 * (i % 2)), chr(64 + i + 32 * (i % 2)), '' FROM generate_series(1, 26) i`
	w := newWorld(t, tables)
	w.view("distinct_x", `SELECT count(*) AS n FROM (SELECT DISTINCT x FROM k) s`)
	w.view("among_y", `SELECT count(*) AS n FROM o WHERE ref IN (SELECT y FROM k)`)
	w.view("of_id", `SELECT o.id, count(DISTINCT k.id) AS n FROM o JOIN k ON k.id = o.ref GROUP BY o.id`)
	w.view("ids", `SELECT id, x FROM k WHERE id < 20`)
	w.view("first", `SELECT id FROM c ORDER BY v, id LIMIT 5`)
	w.view("less", `SELECT count(*) AS n FROM c WHERE v < 'd'`)
	w.view("places", `SELECT id, rank() OVER (ORDER BY v) AS r FROM c`)
	w.view("shown", `SELECT w, count(*) AS n FROM c GROUP BY w`)
	w.view("other", `SELECT sum(ref) AS s FROM o`)
	opts := Options{checkEvery: tickEvery}
	w.run(opts)
	w.check()
	for _, down := range []bool{false, true} {
		for _, step := range []struct {
			sql  string
			same bool // nothing is loaded anew
		}{
			{sql: `DROP INDEX by_z; CREATE UNIQUE INDEX more ON k (z); CREATE UNIQUE INDEX most ON k (id, z); REINDEX TABLE CONCURRENTLY k; DROP INDEX more;
				ALTER TABLE c ALTER unused TYPE text COLLATE "und-x-icu", ALTER v SET NOT NULL; ALTER TABLE c ALTER v DROP NOT NULL`, same: true},
			{sql: `DROP INDEX by_x; INSERT INTO k SELECT 100 + i, 3, 100 + i, 100 + i FROM generate_series(1, 5) i`},
			{sql: `ALTER TABLE k DROP CONSTRAINT by_y; INSERT INTO k SELECT 110 + i, 110 + i, 3, 110 + i FROM generate_series(1, 5) i`},
			{sql: `ALTER TABLE k DROP CONSTRAINT k_pkey; INSERT INTO k SELECT 3, 120 + i, 120 + i, 120 + i FROM generate_series(1, 5) i`},
			{sql: `ALTER TABLE c ALTER v TYPE text COLLATE "und-x-icu"`},
			{sql: `ALTER TABLE c ALTER w TYPE text COLLATE "und-x-icu"`},
		} {
			t.Log(step.sql)
			before := w.sessions()
			if down && !step.same {
				w.halt()
			}
			for _, sql := range strings.Split(step.sql, ";") {
				w.exec(sql) // REINDEX CONCURRENTLY is a transaction of its own
			}
			w.exec("UPDATE o SET ref = ref + 1 WHERE id % 5 = 0; INSERT INTO c SELECT max(id) + 1, 'Bb', 'Bb' FROM c")
			switch {
			case down && !step.same:
				w.run(opts)
			case !step.same:
				w.eventually("another session", "SELECT epoch > $1 FROM stepping_cdc.instance", before)
			}
			w.heals()
			w.exec("UPDATE k SET y = y + 1000 WHERE id = 3; DELETE FROM k WHERE id = 4; UPDATE o SET ref = 3 WHERE id < 4; DELETE FROM c WHERE id = (SELECT min(id) FROM c)")
			w.check()
			if step.same && w.sessions() != before {
				t.Errorf("%s: something was loaded anew", step.sql)
			}
		}
		w.halt()
		w.exec("DROP TABLE k, o, c; " + tables)
		w.run(Options{checkEvery: tickEvery, Resnapshot: true})
		w.check()
	}
}
