package pipeline

import (
	"context"
	"strings"
	"sync"
	"testing"
)

// TestShapesChange changes, while the views are maintained, what a row or a value is
// made of: of most of that the stream tells nothing, and the outputs heal by themselves.
func TestShapesChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
		CREATE TYPE pair AS (a int, b text); CREATE TYPE nest AS (p pair, l pair[]); CREATE DOMAIN dpair AS pair;
		CREATE TABLE a (id int PRIMARY KEY, x int, y int, note text);
		CREATE TABLE c (id int PRIMARY KEY, p pair, n nest, d dpair);
		CREATE TABLE parent (id int PRIMARY KEY, v text); CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (parent);
		CREATE TABLE q (id int PRIMARY KEY, n int);
		INSERT INTO a SELECT i, i, -i, 'n' || i FROM generate_series(1, 9) i; INSERT INTO q SELECT i, i FROM generate_series(1, 9) i;
		INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 4) i; INSERT INTO heir SELECT i, 'h' FROM generate_series(3, 7) i;
		INSERT INTO c SELECT i, ROW(i, 'b' || i)::pair, ROW(ROW(i, 'x')::pair, ARRAY[ROW(i, 'y')::pair])::nest, ROW(i, 'd')::pair FROM generate_series(1, 9) i`)
	w.view("plain", `SELECT id, x FROM a WHERE y < 0`)
	w.view("whole", `SELECT id, to_jsonb(a) AS j FROM a`)
	w.view("whole_text", `SELECT a::text AS t, count(*) AS n FROM a GROUP BY 1`)
	w.view("whole_joined", `SELECT q.id, row_to_json(a)::text AS j FROM q LEFT JOIN a ON a.id = q.n - 3`)
	w.view("whole_inherited", `SELECT to_jsonb(p) AS j FROM parent p`)
	w.view("composite", `SELECT id, to_jsonb(p) AS p, to_jsonb(n) AS n, to_jsonb(d) AS d FROM c`)
	w.view("composite_text", `SELECT id, p::text AS p, n::text AS n FROM c`)
	w.view("composite_out", `SELECT id, p, n FROM c`)
	w.view("other", `SELECT sum(n) AS s FROM q`)
	opts := Options{checkEvery: tickEvery}
	w.run(opts)
	w.check()
	for i, sql := range []string{
		"ALTER TABLE a ADD COLUMN more int",
		"ALTER TABLE a ADD COLUMN filled text DEFAULT 'd'",
		"ALTER TABLE a DROP COLUMN more",
		"ALTER TABLE a RENAME note TO remark",
		"ALTER TABLE a RENAME x TO z; ALTER TABLE a RENAME y TO x; ALTER TABLE a RENAME z TO y", // another one's values under each name
		"ALTER TABLE parent ADD COLUMN w int DEFAULT 3",
		"ALTER TABLE heir ADD COLUMN own int",
		"ALTER TYPE pair RENAME ATTRIBUTE a TO first",
		"ALTER TYPE pair ADD ATTRIBUTE c int",
		"UPDATE c SET p = (1, 'z', 3), d = (2, 'z', NULL) WHERE id < 4",
		"ALTER TYPE pair DROP ATTRIBUTE b",
		"ALTER TYPE nest RENAME ATTRIBUTE l TO list",
		"ALTER TYPE pair RENAME TO couple",
		"ALTER TYPE couple ADD ATTRIBUTE e int; UPDATE c SET p = ROW(1, 3, 4)::couple, d = ROW(1, 3, 4)::couple; INSERT INTO c (id, p) VALUES (777, ROW(1, 3, NULL))",
		"ALTER TYPE couple DROP ATTRIBUTE c; UPDATE c SET p = ROW(1, 4)::couple, d = ROW(2, 4)::couple; INSERT INTO c (id, p) VALUES (778, ROW(1, 3))",
	} {
		t.Log(sql)
		down := i%4 == 3 || strings.HasPrefix(sql, "ALTER TYPE couple")
		if down {
			w.halt()
		}
		w.exec(sql)
		w.exec("UPDATE q SET n = n + 1 WHERE id < 3")
		if down {
			w.exec("UPDATE a SET id = id + 1000 WHERE id = (SELECT max(id) FROM a); UPDATE c SET id = id + 1000 WHERE id = (SELECT max(id) FROM c)")
			w.run(opts)
		}
		w.heals()
		w.exec("UPDATE a SET x = x + 1, y = y - 1 WHERE id % 2 = 0; INSERT INTO a (id) SELECT max(id) + 1 FROM a; UPDATE c SET id = id + 100 WHERE id = (SELECT min(id) FROM c); UPDATE parent SET v = v || '!'")
		w.check()
	}
}

// TestLiveAreOfOneMoment: all views that are said to be live are of one prefix, also while others, or they
// themselves, are loaded anew because one of them is. Two counts are compared that each transaction changes alike,
// at each point between two commits, in one snapshot; one belongs to the generation that cannot go on.
func TestLiveAreOfOneMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE a (id int PRIMARY KEY, x int); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY);
		INSERT INTO a VALUES (1, 1)`)
	w.view("whole", `SELECT to_jsonb(a) AS j FROM a`)
	w.view("beside", `SELECT count(*) AS n FROM b`)
	w.run(Options{})
	w.halt()
	w.view("later", `SELECT count(*) AS n FROM c`) // a generation of its own
	w.run(Options{})
	w.halt()
	auditor := w.connect(w.sink)
	var mu sync.Mutex // points are reached on several goroutines
	var seen, apart, behind int
	opts := Options{checkEvery: tickEvery, reached: func(point) {
		mu.Lock()
		defer mu.Unlock()
		var live, equal bool
		err := auditor.QueryRow(context.Background(), `SELECT (SELECT bool_and(state = 'live') FROM stepping_cdc.views), count(DISTINCT o.n) FILTER (WHERE v.state = 'live') < 2
			FROM (SELECT 'beside' AS name, n FROM stepping.beside UNION ALL SELECT 'later', n FROM stepping.later) o JOIN stepping_cdc.views v USING (name)`).Scan(&live, &equal)
		if err != nil {
			t.Error(err)
		}
		if seen++; !equal {
			apart++
		}
		if !live {
			behind++
		}
	}}
	w.run(opts)
	next := 0
	write := func() {
		for range 5 {
			next++
			w.exec("WITH x AS (INSERT INTO b VALUES ($1)) INSERT INTO c VALUES ($1)", next)
		}
	}
	for _, change := range []func(){
		func() { w.exec("ALTER TABLE a ADD COLUMN y int DEFAULT 2") },
		func() { w.halt(); w.exec("ALTER TABLE a ADD COLUMN z int"); write(); w.run(opts) },
		func() {
			w.halt()
			w.redefine("beside", `SELECT count(*) AS n FROM b WHERE id > 0`)
			write()
			w.run(opts)
		},
		func() { w.halt(); w.redefine("whole", `SELECT id FROM a`); write(); w.run(opts) },
	} {
		mu.Lock()
		behind = 0
		mu.Unlock()
		change()
		write()
		w.heals()
		w.check()
		mu.Lock()
		if behind == 0 {
			t.Error("nothing was loaded anew")
		}
		mu.Unlock()
	}
	w.halt()
	if apart > 0 {
		t.Errorf("views that are called live were of two moments, %d times of %d", apart, seen)
	}
}
