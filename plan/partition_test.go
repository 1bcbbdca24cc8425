package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// partedSchema has partitioned tables of all kinds: by lists, ranges, hashes and expressions, with defaults, on
// several levels, in other schemas, with columns that were dropped or stand in another order.
const partedSchema = `
CREATE SCHEMA app;
CREATE TABLE pl (k text, gone int, r int, v int) PARTITION BY LIST (k);
ALTER TABLE pl DROP COLUMN gone;
CREATE TABLE pl_a PARTITION OF pl FOR VALUES IN ('a', 'b', NULL);
CREATE TABLE pl_c PARTITION OF pl FOR VALUES IN ('c') PARTITION BY RANGE (r);
CREATE TABLE pl_c1 PARTITION OF pl_c FOR VALUES FROM (MINVALUE) TO (3);
CREATE TABLE app."Odd one" (v int, k text, r int);
ALTER TABLE pl_c ATTACH PARTITION app."Odd one" FOR VALUES FROM (3) TO (5);
CREATE TABLE pl_c3 PARTITION OF pl_c DEFAULT;
CREATE TABLE pl_d PARTITION OF pl DEFAULT;
CREATE TABLE ph (id int, t text, v int) PARTITION BY HASH (id, t);
CREATE TABLE ph0 PARTITION OF ph FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE ph1 PARTITION OF ph FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE ph3 PARTITION OF ph FOR VALUES WITH (MODULUS 4, REMAINDER 3) PARTITION BY HASH (v);
CREATE TABLE ph3_0 PARTITION OF ph3 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE pe (id int, at timestamptz, n numeric) PARTITION BY RANGE ((date_trunc('day', at AT TIME ZONE 'UTC')), id);
CREATE TABLE pe1 PARTITION OF pe FOR VALUES FROM ('2024-01-01', MINVALUE) TO ('2024-01-03', 2);
CREATE TABLE pe2 PARTITION OF pe FOR VALUES FROM ('2024-01-03', 2) TO ('2024-01-03', 4);
CREATE TABLE pe3 PARTITION OF pe DEFAULT;
CREATE TABLE one (x numeric) PARTITION BY LIST (x);
CREATE TABLE one_d PARTITION OF one DEFAULT;
CREATE TABLE none (x int PRIMARY KEY) PARTITION BY RANGE (x);
CREATE TABLE keyed (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE keyed1 PARTITION OF keyed FOR VALUES FROM (0) TO (3);
CREATE TABLE keyed2 PARTITION OF keyed FOR VALUES FROM (3) TO (100);
CREATE VIEW app.by_place AS SELECT tableoid::regclass AS place, count(*) AS n FROM pl GROUP BY 1;
`

var partedCases = []viewCase{
	{name: "list", query: `SELECT tableoid, * FROM pl`},
	{name: "list_names", query: `SELECT tableoid::regclass AS t, k, r FROM pl`},
	{name: "list_grouped", query: `SELECT p.tableoid::regclass AS t, count(*) AS n, sum(v) AS s FROM pl p GROUP BY p.tableoid`},
	{name: "list_filtered", query: `SELECT k, r FROM pl WHERE tableoid IN ('pl_d'::regclass, 'app."Odd one"'::regclass)`},
	{name: "middle", query: `SELECT tableoid, v FROM pl_c`},
	{name: "hash", query: `SELECT tableoid::regclass AS t, id, ph.t AS x, v FROM ph`},
	{name: "hash_counted", query: `SELECT tableoid, count(*) AS n FROM ph GROUP BY 1`},
	{name: "range", query: `SELECT tableoid::regclass AS t, id, at FROM pe`},
	{name: "default_alone", query: `SELECT tableoid, x FROM one`},
	{name: "joined", query: `SELECT p.tableoid AS a, e.tableoid AS b, k, n FROM pl p LEFT JOIN pe e ON e.id = p.r`},
	{name: "with_partition_and_root", query: `SELECT k, (SELECT count(*) FROM pe e WHERE e.tableoid::int % 2 = p.tableoid::int % 2) AS n FROM pl p`},
	{name: "correlated", query: `SELECT k, x.t FROM pl p, LATERAL (SELECT p.tableoid::regclass AS t FROM pe WHERE pe.id = p.r) x`},
	{name: "whole", query: `SELECT p::text AS row, tableoid FROM pl p`},
	{name: "grouped_by_key", query: `SELECT id, v, tableoid, count(*) AS n FROM keyed GROUP BY id`},
	{name: "recursion", query: `WITH RECURSIVE t(r, place) AS (SELECT r, tableoid FROM pl UNION SELECT e.id + 1, e.tableoid FROM t JOIN pe e ON e.id = t.r) SELECT r, place FROM t`},
	{name: "of_a_view", from: "app.by_place"},
	{name: "none_yet", query: `SELECT tableoid, x FROM none`},
}

// TestPartitionsOfRows reads in which partitions rows are, which no change tells.
func TestPartitionsOfRows(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), partedSchema)
	views, loose := caseViews(partedCases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(8, 9)))
	r.loose = loose
	one := func(of ...string) string { return of[r.rnd.IntN(len(of))] }
	number := func() string { return one("NULL", "0", "1", "2", "3", "4", "5", "6") }
	text := func() string { return one("NULL", "'a'", "'b'", "'c'", "'c'", "'d'", "'e'") }
	at := func() string {
		return one("NULL", "'2024-01-01 00:00Z'", "'2024-01-02 23:30Z'", "'2024-01-03 00:30Z'", "'2024-01-03 12:00Z'", "'2023-12-31 23:30Z'", "'infinity'")
	}
	write := func() string {
		some := fmt.Sprintf(" WHERE hashint4((ctid::text::point)[1]::int + %d) %% 3 = 0", r.rnd.IntN(1000))
		switch r.rnd.IntN(12) {
		case 0:
			return "DELETE FROM " + one("pl", "ph", "pe", "one", "keyed") + some
		case 1:
			return "UPDATE pl SET k = " + text() + ", r = " + number() + some
		case 2:
			return "UPDATE ph SET id = " + number() + some
		case 3:
			return "UPDATE pe SET at = " + at() + some
		case 4:
			return "INSERT INTO one VALUES (" + one("1", "1.0", "NULL") + ")"
		case 5:
			return fmt.Sprintf("INSERT INTO keyed VALUES (%d, %s) ON CONFLICT DO NOTHING", r.rnd.IntN(6), text())
		case 6, 7:
			return "INSERT INTO ph VALUES (" + number() + ", " + text() + ", " + number() + ")"
		case 8, 9:
			return "INSERT INTO pe VALUES (" + number() + ", " + at() + ", " + number() + ")"
		}
		return "INSERT INTO pl VALUES (" + text() + ", " + number() + ", " + number() + ")"
	}
	r.check()
	for range 60 {
		for range 1 + r.rnd.IntN(8) {
			mustExec(t, r.conn, write())
		}
		r.feed(3)
		r.check()
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 && v.Name != "none_yet" {
			t.Errorf("%s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
		}
	}
}
