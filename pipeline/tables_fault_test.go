package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// TestManyTables: thousands of published tables, most of which no view reads, and a
// publication that is changed meanwhile.
func TestManyTables(t *testing.T) { manyTables(t, 1_500) }

// TestSoakManyTables does it with 10,000.
func TestSoakManyTables(t *testing.T) {
	if soak(t) > 0 {
		manyTables(t, 10_000)
	}
}

func manyTables(t *testing.T, n int) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"max_locks_per_transaction": "256"}})
	w := newWorldOn(t, srv.NewDB(t), "")
	for from := 1; from <= n; from += 500 {
		w.exec(fmt.Sprintf(`DO $$ BEGIN FOR i IN %d..%d LOOP EXECUTE format('CREATE TABLE t%%s (id int PRIMARY KEY, v int)', i); END LOOP; END $$`, from, min(n, from+499)))
	}
	w.exec("CREATE PUBLICATION theirs WITH (publish_via_partition_root = true)")
	w.exec(`DO $$ BEGIN EXECUTE (SELECT 'ALTER PUBLICATION theirs ADD TABLE ' || string_agg('ONLY ' || oid::regclass, ', ') FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r'); END $$`)
	w.adjust = func(c *config.Config) { c.Source.Publication, c.Source.ManagePublication = "theirs", false }
	w.view("some", `SELECT a.id, a.v, b.v AS w FROM t1 a JOIN t2 b ON a.id = b.id`)
	w.view("third", `SELECT count(*) AS n, sum(v) AS s FROM t3`)
	began := time.Now()
	w.run(Options{})
	t.Logf("%d tables: live after %s", n, time.Since(began).Round(time.Millisecond))
	everywhere := func(x int) {
		t.Helper()
		w.exec(fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP EXECUTE format('INSERT INTO t%%s VALUES (%d, 1)', i); END LOOP; END $$`, n, x))
	}
	began = time.Now()
	everywhere(1)
	w.check()
	t.Logf("a row in each: %s", time.Since(began).Round(time.Millisecond))
	// Tables that no view reads come and go.
	began = time.Now()
	w.exec(fmt.Sprintf("CREATE TABLE late (id int PRIMARY KEY); ALTER PUBLICATION theirs ADD TABLE ONLY late; ALTER PUBLICATION theirs DROP TABLE ONLY t%d", n))
	w.exec(fmt.Sprintf("DROP TABLE t%d; INSERT INTO late VALUES (1)", n-1))
	w.exec("INSERT INTO t3 VALUES (77, 7)")
	w.check()
	t.Logf("publication changed: %s", time.Since(began).Round(time.Millisecond))
	n -= 2
	began = time.Now()
	everywhere(2)
	w.check()
	w.halt()
	everywhere(3)
	w.run(Options{})
	w.check()
	t.Logf("a row in each, twice, and a restart: %s", time.Since(began).Round(time.Millisecond))
	w.halt()
}
