package pipeline

import "testing"

// TestCollationChanges makes a collation anew with another order while views are
// sorted by it: once a value is compared with known ones, they are loaded anew.
func TestCollationChanges(t *testing.T) {
	w := newWorld(t, `CREATE COLLATION numbered (provider = icu, locale = 'und');
		CREATE TABLE parts (id int PRIMARY KEY, code text, kind int);
		INSERT INTO parts SELECT i, 'p' || i, i % 3 FROM generate_series(1, 300) i`)
	w.view("first", `SELECT id FROM parts ORDER BY code COLLATE numbered LIMIT 20`)
	w.view("ranked", `SELECT id, rank() OVER (PARTITION BY kind ORDER BY code COLLATE numbered DESC) AS r FROM parts`)
	w.run(Options{})
	w.exec(`INSERT INTO parts VALUES (1000, 'p1000', 1)`)
	w.wait()
	w.check()
	sessions := w.sessions()
	w.exec(`DROP COLLATION numbered; CREATE COLLATION numbered (provider = icu, locale = 'und-u-kn-true')`)
	// A session goes on with the collation that it knows.
	w.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stepping-cdc evaluate' AND datname = current_database()`)
	w.exec(`UPDATE parts SET kind = kind + 1 WHERE id < 10`) // all of it is known
	w.exec(`INSERT INTO parts VALUES (2000, 'p2000', 1), (5, 'p5000', 1) ON CONFLICT (id) DO UPDATE SET code = EXCLUDED.code`)
	w.heals()
	if n := w.sessions(); n == sessions {
		t.Error("the views were not loaded anew")
	}
	w.exec(`INSERT INTO parts VALUES (3000, 'p3', 1)`)
	w.wait()
	w.check()
}
