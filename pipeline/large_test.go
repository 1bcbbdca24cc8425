package pipeline

import (
	"math/rand/v2"
	"testing"
	"time"
)

const largeSchema = `
	CREATE TABLE measures (id int8 PRIMARY KEY, sensor int, v numeric, note text);
	CREATE TABLE sensors (id int PRIMARY KEY, name text);
	CREATE TABLE plain (a int, b text);
	ALTER TABLE plain REPLICA IDENTITY FULL;
	INSERT INTO sensors SELECT i, 's' || i % 7 FROM generate_series(0, 99) i;
	INSERT INTO measures SELECT i, i % 110, i * 0.25, 'n' || i % 10 FROM generate_series(1, 1000) i;
	INSERT INTO plain SELECT i % 50, 'p' FROM generate_series(1, 500) i;`

func (w *world) addLargeViews() {
	w.view("by_sensor", `SELECT s.name, count(*) AS n, sum(m.v) AS s, max(m.id) AS last FROM measures m JOIN sensors s ON s.id = m.sensor GROUP BY s.name`)
	w.view("all_measures", `SELECT id, v, note FROM measures WHERE v > 1`)
	w.view("kinds", `SELECT DISTINCT note, sensor % 5 AS k FROM measures`)
	w.view("plain_copy", `SELECT a, b FROM plain`)
	w.view("ratios", `SELECT id, 100 / sensor AS r FROM measures WHERE sensor < 3`)
}

// TestLargeTransaction applies transactions of many chunks, with TRUNCATE and
// half rolled back savepoints inside, killed inside.
func TestLargeTransaction(t *testing.T) { largeTransactions(t, 8_000, 2) }

// TestSoakLargeTransaction does it with 300,000 rows.
func TestSoakLargeTransaction(t *testing.T) {
	if soak(t) > 0 {
		largeTransactions(t, 300_000, 10)
	}
}

func largeTransactions(t *testing.T, rows, kills int) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 7))
	w := newWorld(t, largeSchema)
	w.exec("DELETE FROM measures WHERE sensor = 0")
	w.addLargeViews()
	w.run(Options{})
	w.check()
	w.halt()
	chunk := min(rows, 20_000) // bytes: a dozen chunks at least
	inChunks := func(what string) {
		t.Helper()
		for i := range kills {
			o := childOptions{GroupBytes: 1 << 14, ChunkBytes: chunk, PieceBytes: chunk << rnd.IntN(4)}
			if i > 0 && i%2 == 0 {
				o.ChunkBytes = chunk / 3 // cut otherwise than before
			}
			o.KillAt, o.KillAfter = pointChunk, 1+rnd.IntN(12)
			c := w.child(o)
			select {
			case <-c.exited:
				if err := c.ended(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			case <-time.After(patience):
				t.Fatalf("%s: no chunk: %s", what, c.tail())
			}
		}
		c := w.child(childOptions{ChunkBytes: chunk})
		w.wait()
		for _, v := range w.views {
			w.compare(v.Name)
		}
		c.kill()
		if t.Failed() {
			t.Fatal(what)
		}
	}
	w.exec(`INSERT INTO measures SELECT i, 1 + i % 109, i * 0.5, 'n' || i % 13 FROM generate_series(2000, 2000 + $1::int) i`, rows)
	inChunks("insert")
	w.exec(`BEGIN; UPDATE measures SET v = v + 1, sensor = sensor % 50 + 1 WHERE id % 2 = 0; UPDATE measures SET id = -id WHERE id % 5 = 0; DELETE FROM measures WHERE id % 7 = 0;
		INSERT INTO plain SELECT a + 1, b FROM plain; COMMIT`)
	inChunks("update, key change, delete")
	w.exec(`BEGIN; INSERT INTO plain SELECT i % 9, 'gone' FROM generate_series(1, 3000) i; TRUNCATE plain, measures; INSERT INTO plain SELECT i % 9, 'q' FROM generate_series(1, 3000) i;
		INSERT INTO measures SELECT i, 1 + i % 60, i, 'again' FROM generate_series(1, 4000) i; COMMIT`)
	inChunks("truncate inside")
	w.exec(`DO $$ BEGIN
		FOR i IN 1..200 LOOP
			BEGIN
				INSERT INTO measures SELECT 100000 + i * 100 + j, 1 + j % 60, j, 'sub' FROM generate_series(1, 50) j;
				UPDATE measures SET note = 'sub ' || i % 3 WHERE id % 200 = i;
				IF i % 2 = 0 THEN RAISE EXCEPTION 'half'; END IF;
			EXCEPTION WHEN raise_exception THEN NULL;
			END;
		END LOOP; END $$`)
	inChunks("savepoints, half rolled back")
	// Errors that come and go inside, and one that stays until the next.
	w.exec(`BEGIN; UPDATE measures SET sensor = 0 WHERE id < 900; UPDATE measures SET note = 'x' || id % 10; UPDATE measures SET sensor = 1 WHERE sensor = 0; COMMIT`)
	inChunks("errors inside")
	w.exec(`BEGIN; UPDATE measures SET note = 'y' || id % 10; UPDATE measures SET sensor = 0 WHERE id = 5; COMMIT`)
	w.exec(`BEGIN; UPDATE measures SET note = 'z' || id % 10; UPDATE measures SET sensor = 2 WHERE sensor = 0; COMMIT`)
	inChunks("errors at the end of one, gone with the next")
}

// TestTableChangedInPieces: a table is altered within a transaction, and the program
// stopped between its pieces. How far it was applied must not depend on whether the program
// knew of that before. The views over the other table are right, the others stopped.
func TestTableChangedInPieces(t *testing.T) {
	t.Parallel()
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 9))
	w := newWorld(t, `CREATE TABLE altered (id int PRIMARY KEY, v text); CREATE TABLE kept (id int PRIMARY KEY, v text); CREATE TABLE bag (id int, v text); ALTER TABLE bag REPLICA IDENTITY FULL;
		INSERT INTO altered SELECT i, repeat('a', 500) FROM generate_series(1, 100) i; INSERT INTO kept SELECT i, repeat('k', 500) FROM generate_series(1, 300) i`)
	w.view("of_altered", `SELECT v, count(*) AS n FROM altered GROUP BY v`)
	w.view("of_kept", `SELECT left(v, 5) AS v, count(*) AS n, sum(id) AS s FROM kept GROUP BY 1`)
	w.view("of_bag", `SELECT id, count(*) AS n FROM bag GROUP BY id`)
	w.run(Options{})
	w.halt()
	w.exec(`BEGIN; INSERT INTO bag SELECT 1, 'x' FROM generate_series(1, 20) i; DELETE FROM altered WHERE id < 60; INSERT INTO bag SELECT 2, 'x' FROM generate_series(1, 20) i;
		ALTER TABLE altered DROP COLUMN v; DELETE FROM altered WHERE id < 80;
		INSERT INTO bag SELECT 3, 'x' FROM generate_series(1, 20) i; DELETE FROM kept WHERE id % 2 = 0; INSERT INTO bag SELECT 4, 'x' FROM generate_series(1, 20) i;
		UPDATE kept SET v = 'other' WHERE id % 3 = 0; INSERT INTO bag SELECT 5, 'x' FROM generate_series(1, 20) i; COMMIT`)
	for range 5 {
		stop, left := make(chan struct{}), 1+rnd.IntN(4)
		w.start(Options{pieceBytes: 1 << (9 + rnd.IntN(7)), reached: func(p point) {
			if p != pointChunk {
				return
			}
			if left--; left == 0 {
				close(stop)
				time.Sleep(100 * time.Millisecond)
			}
		}})
		select {
		case <-stop:
		case <-time.After(3 * time.Second): // all was applied before
		}
		w.halt()
	}
	w.run(Options{})
	w.wait()
	for _, name := range []string{"of_kept", "of_bag"} {
		w.compare(name)
	}
}
