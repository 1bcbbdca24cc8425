package pipeline

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// sessions is how many the pipeline has had: each takes an epoch.
func (w *world) sessions() int {
	w.t.Helper()
	return ask[int](w, w.out, "SELECT epoch FROM stepping_cdc.instance")
}

// heals waits until every output equals its query.
func (w *world) heals() {
	w.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if w.equal() {
			w.eventually("all are live", "SELECT bool_and(state = 'live') FROM stepping_cdc.views")
			w.check()
			return
		}
	}
	w.check()
	w.t.Fatal("the outputs do not heal")
}

// equal says whether every output equals its query just now.
func (w *world) equal() bool {
	w.t.Helper()
	for _, v := range w.views {
		want, _, err := w.rows(w.conn, w.query(v.Name))
		if err != nil {
			w.t.Fatal(err)
		}
		got, _, err := w.rows(w.out, "SELECT * FROM stepping."+v.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			return false
		}
	}
	return true
}

const partitioned = `
	CREATE TABLE p (id int PRIMARY KEY, n int NOT NULL, v text, unused int) PARTITION BY RANGE (id);
	CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (10);
	CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
	CREATE TABLE p1a PARTITION OF p1 FOR VALUES FROM (10) TO (15); CREATE TABLE p1b PARTITION OF p1 FOR VALUES FROM (15) TO (20);
	CREATE TABLE f (id int NOT NULL, n int) PARTITION BY LIST (id); ALTER TABLE f REPLICA IDENTITY FULL;
	CREATE TABLE f0 PARTITION OF f FOR VALUES IN (0); CREATE TABLE f1 PARTITION OF f DEFAULT;
	ALTER TABLE f0 REPLICA IDENTITY FULL; ALTER TABLE f1 REPLICA IDENTITY FULL;
	CREATE TABLE q (id int PRIMARY KEY, n int NOT NULL);
	INSERT INTO p SELECT i, i, 'v' || i FROM generate_series(0, 19) i; INSERT INTO f SELECT i % 3, i FROM generate_series(0, 19) i;
	INSERT INTO q SELECT i, i FROM generate_series(0, 19) i`

// partitionWorld has views over partitioned tables, in several generations, and
// one that has nothing to do with them. checked counts looks at the source.
func partitionWorld(t *testing.T) (w *world, opts Options, checked *atomic.Int64) {
	w = newWorld(t, partitioned)
	w.view("rows", `SELECT id, n, v FROM p`)
	w.view("sums", `SELECT count(*) AS c, sum(n) AS s FROM p`)
	w.view("pairs", `SELECT p.v, f.n FROM p JOIN f ON p.n = f.id`)
	w.view("copy", `SELECT id, n FROM f`)
	w.view("other", `SELECT sum(n) AS s FROM q`)
	checked = &atomic.Int64{}
	opts.checkEvery = tickEvery
	opts.reached = func(p point) {
		if p == pointChecked {
			checked.Add(1)
		}
	}
	w.run(opts)
	w.halt()
	w.view("later", `SELECT n, count(*) AS c FROM p WHERE id > 5 GROUP BY n`)
	w.run(opts)
	w.check()
	return w, opts, checked
}

// TestPartitionsMove truncates, attaches, detaches and drops partitions, of which
// the stream tells nothing: the outputs heal by themselves.
func TestPartitionsMove(t *testing.T) {
	w, opts, _ := partitionWorld(t)
	for i, sql := range []string{
		"TRUNCATE p0",
		"TRUNCATE p1; INSERT INTO p VALUES (11, 11, 'again')", // a whole sub-tree
		"TRUNCATE p1a",
		"CREATE TABLE p2 (LIKE p INCLUDING ALL); INSERT INTO p2 VALUES (21, 21, 'attached'); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (20) TO (30)",
		"BEGIN; CREATE TABLE p3 (LIKE p INCLUDING ALL); INSERT INTO p3 VALUES (31, 31, 'attached'); ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (30) TO (40); COMMIT",
		"ALTER TABLE p DETACH PARTITION p2",
		"INSERT INTO p2 VALUES (22, 22, 'meanwhile'); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (20) TO (30)",
		"BEGIN; ALTER TABLE p DETACH PARTITION p2; UPDATE p2 SET n = n + 1; ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (20) TO (30); COMMIT",
		"DROP TABLE p3",
		"TRUNCATE f0; INSERT INTO f VALUES (0, 100)",
		"BEGIN; TRUNCATE p; INSERT INTO p SELECT i, i, 'v' FROM generate_series(0, 19) i; COMMIT; TRUNCATE p1b",
		"BEGIN; SAVEPOINT s; TRUNCATE p; RELEASE s; INSERT INTO p SELECT i, i, 'v' FROM generate_series(0, 29) i; SAVEPOINT s; TRUNCATE p1; COMMIT",
		"BEGIN; TRUNCATE p; INSERT INTO p SELECT i, i, 'v' FROM generate_series(0, 29) i; SAVEPOINT s; TRUNCATE p0; COMMIT",
		"BEGIN; TRUNCATE p1b; SAVEPOINT s; TRUNCATE p; ROLLBACK TO s; INSERT INTO p VALUES (3, 3, 'v'); COMMIT",
		"BEGIN; SAVEPOINT s; TRUNCATE p; COMMIT; INSERT INTO p SELECT i, i, 'v' FROM generate_series(0, 29) i; BEGIN; SAVEPOINT s; TRUNCATE p1a; COMMIT",
		"ALTER TABLE q ALTER n TYPE int USING n * 3",
		"ALTER TABLE p DROP COLUMN v, ADD COLUMN v text DEFAULT 'replaced'",
	} {
		t.Log(sql)
		before := w.sessions()
		down := i%3 == 2
		if down {
			w.halt()
		}
		w.exec(sql)
		w.exec("UPDATE p SET n = n + 1 WHERE id % 2 = 0; INSERT INTO q SELECT max(id) + 1, 5 FROM q")
		if down {
			before++
			w.run(opts)
		}
		w.heals()
		if w.sessions() == before {
			t.Errorf("%s: nothing was loaded anew", sql)
		}
	}
}

// TestPartitionsOfEveryDay does to partitioned tables what is done every day: no
// view is loaded anew for it.
func TestPartitionsOfEveryDay(t *testing.T) {
	w, opts, checked := partitionWorld(t)
	again := func() {
		t.Helper()
		w.wait()
		for n := checked.Load(); checked.Load() < n+2; time.Sleep(10 * time.Millisecond) {
		}
		w.check()
	}
	again()
	before := w.sessions()
	for _, sql := range []string{
		"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30)",
		"BEGIN; CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (30) TO (40); INSERT INTO p VALUES (31, 31, 'at once'); COMMIT",
		"CREATE TABLE p4 PARTITION OF p FOR VALUES FROM (40) TO (50) PARTITION BY RANGE (id); CREATE TABLE p4a PARTITION OF p4 DEFAULT; INSERT INTO p VALUES (41, 41, 'below')",
		"BEGIN; CREATE TABLE p5 (LIKE p INCLUDING ALL); ALTER TABLE p ATTACH PARTITION p5 FOR VALUES FROM (50) TO (60); COMMIT",
		"TRUNCATE p", "INSERT INTO p SELECT i, i, 'v' FROM generate_series(0, 59) i; TRUNCATE p; INSERT INTO p VALUES (1, 1, 'after')",
		"BEGIN; INSERT INTO p VALUES (2, 2, 'before'); TRUNCATE p, f, q; INSERT INTO p VALUES (3, 3, 'after'); INSERT INTO f VALUES (0, 0); COMMIT",
		"BEGIN; SAVEPOINT s; TRUNCATE p; RELEASE s; INSERT INTO p VALUES (4, 4, 'after'); SAVEPOINT s; INSERT INTO p VALUES (5, 5, 'too'); COMMIT",
		"BEGIN; INSERT INTO q VALUES (1000, 1); SAVEPOINT a; TRUNCATE p; SAVEPOINT b; TRUNCATE f; ROLLBACK TO b; INSERT INTO p VALUES (6, 6, 'after'); SAVEPOINT c; TRUNCATE p, f; COMMIT",
		"BEGIN; SAVEPOINT a; TRUNCATE p0; ROLLBACK TO a; SAVEPOINT b; TRUNCATE p; SAVEPOINT c; TRUNCATE p0; ROLLBACK TO c; COMMIT; INSERT INTO p VALUES (7, 7, 'after')",
		// A TRUNCATE of the whole makes up for that of a part, whatever came between.
		"BEGIN; INSERT INTO p VALUES (8, 8, 'seen'); TRUNCATE p0; INSERT INTO p VALUES (7, 0, 'again'), (8, 0, 'again'), (9, 0, 'new'); UPDATE p SET id = 6 WHERE id = 7; TRUNCATE p; INSERT INTO p VALUES (8, 1, 'after'); COMMIT",
		"VACUUM FULL q", "ALTER TABLE p ADD COLUMN more int; ANALYZE p; CREATE INDEX ON p (n)", "REINDEX TABLE p0",
	} {
		t.Log(sql)
		w.exec(sql)
		w.exec("INSERT INTO q SELECT coalesce(max(id), 0) + 1, 5 FROM q")
		again()
	}
	if now := w.sessions(); now != before {
		t.Errorf("%d sessions were begun anew", now-before)
	}
	// A stream that has not come so far yet explains it later.
	w.halt()
	w.exec(`INSERT INTO p SELECT i, i, 'v' FROM generate_series(11, 19) i; TRUNCATE p1a; INSERT INTO p SELECT i, 0, 'again' FROM generate_series(11, 14) i;
		UPDATE p SET n = 1 WHERE id = 12; UPDATE p SET id = 10 WHERE id = 13; DELETE FROM p WHERE id = 14; TRUNCATE p1; INSERT INTO p VALUES (15, 15, 'too')`)
	w.exec("TRUNCATE p; INSERT INTO p VALUES (4, 4, 'while down'); BEGIN; SAVEPOINT s; TRUNCATE p, f; INSERT INTO p VALUES (5, 5, 'too'); COMMIT; CREATE TABLE p6 PARTITION OF p FOR VALUES FROM (60) TO (70); INSERT INTO p VALUES (61, 61, 'as well')")
	before = w.sessions()
	w.run(opts)
	again()
	if now := w.sessions(); now != before+1 {
		t.Errorf("%d sessions, want 1", now-before)
	}
}

// TestPartitionsAtRandom truncates a partitioned table as a whole anywhere in
// transactions with savepoints, of which some are rolled back: no view is loaded anew
// for it. Between them partitions are truncated by themselves: not one is missed.
func TestPartitionsAtRandom(t *testing.T) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 0))
	w, opts, checked := partitionWorld(t)
	transaction := func(alone bool) {
		whole := false
		w.exec("BEGIN")
		for depth := 0; rnd.IntN(12) > 0; {
			sql := ""
			switch n := rnd.IntN(10); {
			case n < 2:
				depth++
				sql = fmt.Sprint("SAVEPOINT s", depth)
			case n < 4 && depth > 0:
				sql = fmt.Sprint("ROLLBACK TO s", depth) // which goes on in a new one
			case n < 5 && depth > 0:
				sql = fmt.Sprint("RELEASE s", depth)
				depth--
			case n < 7:
				sql, whole = []string{"TRUNCATE p", "TRUNCATE q, p", "TRUNCATE p, f"}[rnd.IntN(3)], true
			case alone && !whole: // of what comes after it in the same transaction there is no trace
				sql = "TRUNCATE " + []string{"p0", "p1", "p1a", "p1b"}[rnd.IntN(4)]
			default:
				sql = "INSERT INTO p SELECT i, i, 'v' FROM generate_series(0, 19) i ON CONFLICT DO NOTHING; INSERT INTO f VALUES (0, 0), (2, 2)"
			}
			w.exec(sql)
		}
		w.exec([]string{"COMMIT", "COMMIT", "COMMIT", "ROLLBACK"}[rnd.IntN(4)])
	}
	for round := range 8 {
		alone, down := round%3 == 1, rnd.IntN(3) == 0
		before := w.sessions()
		if down {
			w.halt()
			before++
		}
		for range 1 + rnd.IntN(6) {
			transaction(alone)
			time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
		}
		if down {
			w.run(Options{checkEvery: opts.checkEvery, reached: opts.reached, chunkBytes: 1 << (8 + rnd.IntN(8))})
		}
		w.exec("INSERT INTO q SELECT coalesce(max(id), 0) + 1, 5 FROM q")
		w.wait()
		for n := checked.Load(); checked.Load() < n+2; time.Sleep(10 * time.Millisecond) {
		}
		if alone {
			w.heals()
			continue
		}
		w.check()
		if now := w.sessions(); now != before || t.Failed() {
			t.Fatalf("round %d of seed %d: %d sessions were begun anew", round, s, now-before)
		}
	}
}

// TestEnumLabels renames a label and adds one between others, of which the stream
// tells nothing.
func TestEnumLabels(t *testing.T) {
	w := newWorld(t, `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE m (id int PRIMARY KEY, mood mood);
		INSERT INTO m SELECT i, (ARRAY['sad', 'ok']::mood[])[i % 2 + 1] FROM generate_series(1, 10) i`)
	w.view("texts", `SELECT id, mood::text AS label FROM m`)
	w.view("moods", `SELECT id, mood FROM m WHERE mood > 'sad'`)
	w.view("most", `SELECT id % 3 AS k, max(mood) AS most, count(*) AS n FROM m GROUP BY 1`)
	w.view("first", `SELECT id, mood FROM m ORDER BY mood DESC, id LIMIT 4`)
	w.view("each_first", `SELECT DISTINCT ON (mood) mood, id FROM m ORDER BY mood, id`)
	w.view("ranks", `SELECT id, rank() OVER (ORDER BY mood), lag(mood) OVER (ORDER BY mood, id) FROM m`)
	w.view("lists", `SELECT array_agg(mood ORDER BY mood, id) AS moods, min(mood) AS least FROM m`)
	w.view("ordered_pairs", `SELECT a.id, b.id AS other FROM m a JOIN m b ON a.mood < b.mood`)
	w.view("array_order", `SELECT id, ARRAY[mood, NULL] > ARRAY['sad', 'sad']::mood[] AS more FROM m ORDER BY ARRAY[mood] DESC, id LIMIT 3`)
	opts := Options{checkEvery: tickEvery}
	w.run(opts)
	w.heals()
	w.exec("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'")
	w.heals()
	w.exec("ALTER TYPE mood ADD VALUE 'meh' BEFORE 'fine'")
	w.exec("UPDATE m SET mood = 'meh' WHERE id < 4")
	w.heals()
	w.halt()
	w.exec("ALTER TYPE mood RENAME VALUE 'meh' TO 'so so'")
	w.exec("ALTER TYPE mood ADD VALUE 'great'")
	w.exec("UPDATE m SET mood = 'great' WHERE id = 9")
	w.run(opts)
	w.heals()
	w.exec("ALTER TYPE mood ADD VALUE 'worst' BEFORE 'sad'")
	w.exec("UPDATE m SET mood = 'worst' WHERE id IN (2, 3); DELETE FROM m WHERE id = 1; INSERT INTO m VALUES (11, 'worst')")
	w.heals()
	// A label that a query names is a name that it no longer can be analyzed by.
	named := []string{"moods", "array_order"}
	w.exec("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'")
	for _, v := range named {
		w.state(v, "stopped")
	}
	w.exec("UPDATE m SET mood = 'blue' WHERE id = 4")
	w.wait()
	w.eventually("the others are live", "SELECT bool_and(state = 'live') FROM stepping_cdc.views WHERE name <> ALL ($1)", named)
	w.wait()
	for _, v := range w.views {
		if !slices.Contains(named, v.Name) {
			w.compare(v.Name)
		}
	}
	w.exec("ALTER TYPE mood RENAME VALUE 'blue' TO 'sad'")
	w.heals()
}
