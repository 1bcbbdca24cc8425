package pipeline

import "testing"

// TestPartitionsOfRowsChange changes which partitions a table has, of which the stream tells nothing: views
// of which partition each row is in heal by themselves.
func TestPartitionsOfRowsChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
		CREATE TABLE part (id int, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
		CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a'); CREATE TABLE part_rest PARTITION OF part DEFAULT;
		CREATE TABLE spread (id int PRIMARY KEY) PARTITION BY HASH (id);
		CREATE TABLE spread_0 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE spread_1 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO part SELECT i, chr(97 + i % 4) FROM generate_series(1, 20) i; INSERT INTO spread SELECT generate_series(1, 20)`)
	w.view("places", `SELECT id, k, tableoid AS place FROM part`)
	w.view("counts", `SELECT tableoid AS place, count(*) AS n FROM part GROUP BY 1`)
	w.view("hashed", `SELECT tableoid AS place, count(*) AS n, sum(id) AS s FROM spread GROUP BY 1`)
	w.view("rows", `SELECT id, k FROM part`)
	opts := Options{checkEvery: tickEvery}
	w.run(opts)
	w.heals()
	for i, sql := range []string{
		"CREATE TABLE part_x PARTITION OF part FOR VALUES IN ('x'); INSERT INTO part VALUES (30, 'x'), (30, 'y')",
		"ALTER TABLE part DETACH PARTITION part_a; INSERT INTO part VALUES (1, 'a')",
		"DELETE FROM part WHERE k = 'a'; ALTER TABLE part ATTACH PARTITION part_a FOR VALUES IN ('a')",
		"BEGIN; ALTER TABLE spread DETACH PARTITION spread_1; CREATE TABLE spread_1a PARTITION OF spread FOR VALUES WITH (MODULUS 4, REMAINDER 1); CREATE TABLE spread_1b PARTITION OF spread FOR VALUES WITH (MODULUS 4, REMAINDER 3); INSERT INTO spread SELECT id FROM spread_1; DROP TABLE spread_1; COMMIT",
		"BEGIN; ALTER TABLE part DETACH PARTITION part_x; ALTER TABLE part ATTACH PARTITION part_x FOR VALUES IN ('x', 'z'); COMMIT; INSERT INTO part VALUES (31, 'z')",
		"DROP TABLE part_rest",
	} {
		if !w.changed(opts, i%3 == 2, sql, "UPDATE part SET id = id + 100 WHERE id % 5 = 0; INSERT INTO spread SELECT max(id) + 1 FROM spread") {
			t.Errorf("%s: nothing was loaded anew", sql)
		}
	}
}
