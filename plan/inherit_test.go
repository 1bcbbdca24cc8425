package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// kinSchema has tables that inherit: with more columns, in another order, from two
// parents, in another schema, without a key, and one that inherits from a table twice.
const kinSchema = `
CREATE SCHEMA app;
CREATE TABLE kin (id int PRIMARY KEY, gone int, v text COLLATE "C", n numeric(8,2), doc jsonb);
ALTER TABLE kin DROP COLUMN gone;
CREATE TABLE other (k int NOT NULL, n numeric(8,2));
CREATE TABLE kid (extra int, PRIMARY KEY (id)) INHERITS (kin);
CREATE TABLE mixed (k int NOT NULL, gone text, doc jsonb, more text, n numeric(8,2), v text COLLATE "C", id int NOT NULL);
ALTER TABLE mixed DROP COLUMN gone;
ALTER TABLE mixed INHERIT kin; ALTER TABLE mixed INHERIT other;
CREATE TABLE app.grandkid (last text, UNIQUE (id, k)) INHERITS (kid, mixed);
CREATE TABLE lone (id int PRIMARY KEY, v text COLLATE "C");
CREATE TABLE made (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
CREATE VIEW app.kin_view AS SELECT id, v FROM kin WHERE n IS NOT NULL;
CREATE VIEW app.kin_only AS SELECT id, v, doc FROM ONLY kin;
`

// kinSince adds what later versions allow of generated columns.
func kinSince(version int) string {
	switch {
	case version >= 18:
		return `CREATE TABLE made_too (more int, twice int GENERATED ALWAYS AS (a * 3 + more) STORED) INHERITS (made);
			CREATE TABLE shown (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2), text text GENERATED ALWAYS AS (a || '!'));
			CREATE TABLE shown_too (twice int GENERATED ALWAYS AS (a * 3)) INHERITS (shown)`
	case version >= 16:
		return `CREATE TABLE made_too (more int, twice int GENERATED ALWAYS AS (a * 3 + more) STORED) INHERITS (made)`
	}
	return `CREATE TABLE made_too (more int) INHERITS (made)`
}

var kinCases = []viewCase{
	{name: "all", query: `SELECT * FROM kin`},
	{name: "all_star", query: `SELECT id, v FROM kin * WHERE id < 5`},
	{name: "only", query: `SELECT * FROM ONLY kin`},
	{name: "only_parens", query: `SELECT v, count(*) AS n FROM ONLY (kin) GROUP BY v`},
	{name: "second_parent", query: `SELECT k, n FROM other`},
	{name: "middle", query: `SELECT * FROM kid`},
	{name: "middle_only", query: `SELECT * FROM ONLY mixed`},
	{name: "lowest", query: `SELECT id, last, more, extra, k FROM app.grandkid`},
	{name: "others", query: `SELECT * FROM kin EXCEPT ALL SELECT * FROM ONLY kin`, loose: true},
	{name: "keyed", query: `SELECT id, count(*) AS n, sum(n) AS s, min(v) AS v FROM kin GROUP BY id`},
	{name: "keyed_only", query: `SELECT id, v, n, count(*) AS c FROM ONLY kin GROUP BY id`},
	{name: "distinct", query: `SELECT DISTINCT id FROM kin`},
	{name: "distinct_on", query: `SELECT DISTINCT ON (id) id, v, n FROM kin ORDER BY id, v DESC NULLS LAST, n`},
	{name: "joined_self", query: `SELECT a.id, a.v, b.n FROM kin a JOIN kin b ON a.id = b.id`},
	{name: "joined_mixed", query: `SELECT a.id, a.v, b.more, o.k FROM kin a JOIN ONLY mixed b ON a.id = b.id JOIN other o ON o.k = b.k`},
	{name: "joined_left", query: `SELECT l.id, k.v, k IS NULL AS none FROM lone l LEFT JOIN kin k ON k.id = l.id AND k.v = l.v`},
	{name: "joined_right", query: `SELECT k.id, l.v FROM lone l RIGHT JOIN kin k ON k.id = l.id`},
	{name: "joined_lone", query: `SELECT k.id, l.v FROM kin k JOIN lone l USING (id) WHERE k.n > 0`},
	{name: "whole", query: `SELECT to_jsonb(k) AS j, k::text AS t FROM kin k`},
	{name: "whole_column", query: `SELECT id, kin FROM kin`},
	{name: "whole_middle", query: `SELECT row_to_json(m) AS j, (m).more AS more FROM mixed m`},
	{name: "whole_count", query: `SELECT count(DISTINCT (k.id, k.v)) AS n FROM kin k WHERE k IS NOT NULL`},
	{name: "exists", query: `SELECT l.id FROM lone l WHERE EXISTS (SELECT FROM kin k WHERE k.id = l.id AND k.n > 1)`},
	{name: "not_in", query: `SELECT id FROM lone WHERE id NOT IN (SELECT id FROM kin WHERE n > 5)`},
	{name: "scalar", query: `SELECT l.id, (SELECT count(*) FROM kin k WHERE k.id = l.id) AS n, (SELECT max(v) FROM ONLY kin k WHERE k.id = l.id) AS v FROM lone l`},
	{name: "lateral", query: `SELECT l.id, x.v FROM lone l, LATERAL (SELECT k.v FROM kin k WHERE k.id >= l.id ORDER BY k.id, k.v, k.n LIMIT 2) x`},
	{name: "window", query: `SELECT id, n, sum(n) OVER (PARTITION BY id ORDER BY n) AS s FROM kin`},
	{name: "rank", query: `SELECT id, v, rank() OVER (ORDER BY v, id) AS r FROM kid`},
	{name: "first", query: `SELECT id, v, n FROM kin ORDER BY n DESC NULLS LAST, id, v LIMIT 4`},
	{name: "recursive", query: `WITH RECURSIVE t AS (SELECT id, 1 AS d FROM ONLY kin UNION SELECT k.k, t.d + 1 FROM t JOIN mixed k ON k.id = t.id WHERE t.d < 4) SELECT * FROM t`},
	{name: "through_view", query: `SELECT v.id, w.doc FROM app.kin_view v LEFT JOIN app.kin_only w ON w.id = v.id`},
	{name: "json", query: `SELECT id, doc->'a' AS a FROM kin WHERE doc @> '{"a": 1}'`},
	{name: "table", query: `SELECT id, v, tableoid, tableoid::regclass AS t FROM kin`},
	{name: "table_grouped", query: `SELECT k.tableoid::regclass AS t, count(*) AS n, sum(k.n) AS s FROM kin k GROUP BY k.tableoid`},
	{name: "table_joined", query: `SELECT l.id, l.tableoid AS a, k.tableoid::regclass AS b, k.tableoid = 'kid'::regclass AS c, k.v, to_jsonb(k) AS d FROM lone l LEFT JOIN kin k ON k.id = l.id`},
	{name: "table_filtered", query: `SELECT id, v FROM kin WHERE tableoid IN ('kid'::regclass, 'mixed'::regclass)`},
	{name: "table_in_sub_query", query: `SELECT l.id, (SELECT count(*) FROM kin k WHERE k.id = l.id AND k.tableoid <> l.tableoid) AS n, ARRAY(SELECT DISTINCT k.tableoid::regclass FROM kin k WHERE k.id = l.id ORDER BY 1) AS a FROM lone l`},
	{name: "table_correlated", query: `SELECT k.id, x.t FROM kin k, LATERAL (SELECT k.tableoid::regclass AS t FROM lone l WHERE l.id = k.id) x`},
	{name: "table_generated", query: `SELECT id, twice, tableoid FROM made`},
	{name: "table_only", query: `SELECT id, tableoid FROM ONLY kin`},
	{name: "generated", query: `SELECT id, twice FROM made`},
	{name: "generated_only", query: `SELECT id, twice FROM ONLY made WHERE twice > 1`},
	{name: "generated_lower", query: `SELECT twice, more FROM made_too`},
	{name: "generated_joined", query: `SELECT m.id, l.v, to_jsonb(m) AS j FROM made m JOIN lone l ON l.id = m.twice`},
	{name: "virtual", query: `SELECT id, twice, text FROM shown`, since: 18},
	{name: "virtual_lower", query: `SELECT twice, text FROM shown_too`, since: 18},
	{name: "virtual_whole", query: `SELECT to_jsonb(s) AS j FROM shown s WHERE s.twice > 2`, since: 18},
}

// TestInheritance compares views over tables that are read with those that inherit
// from them.
func TestInheritance(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, kinSchema)
	version := majorVersion(t, conn)
	mustExec(t, conn, kinSince(version))
	mustExec(t, conn, "CREATE TEMP TABLE fleeting () INHERITS (kin); INSERT INTO fleeting VALUES (1, 'none of ours')")
	var cases []viewCase
	for _, c := range kinCases {
		if c.since <= version {
			cases = append(cases, c)
		}
	}
	views, loose := caseViews(cases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(3, 4)))
	r.loose = loose
	r.written = []randomview.Table{
		{Name: "kin", Cols: strings.Fields("id:key v:text n:money doc:jsonb"), Keys: 1},
		{Name: "other", Cols: strings.Fields("k:key n:money"), Keys: 1},
		{Name: "kid", Cols: strings.Fields("id:key v:text n:money doc:jsonb extra:int4"), Keys: 1},
		{Name: "mixed", Cols: strings.Fields("id:key k:key v:text n:money doc:jsonb more:text"), Keys: 2},
		{Name: "app.grandkid", Cols: strings.Fields("id:key k:key v:text n:money last:text extra:int4"), Keys: 2},
		{Name: "lone", Cols: strings.Fields("id:key v:text"), Keys: 1},
		{Name: "made", Cols: strings.Fields("id:key a:int4"), Keys: 1},
		{Name: "made_too", Cols: strings.Fields("id:key a:int4 more:int4"), Keys: 1},
	}
	if version >= 18 {
		r.written = append(r.written, randomview.Table{Name: "shown", Cols: strings.Fields("id:key a:int4"), Keys: 1}, randomview.Table{Name: "shown_too", Cols: strings.Fields("id:key a:int4"), Keys: 1})
	}
	r.check()
	for range 120 {
		for range 1 + r.rnd.IntN(10) {
			r.write()
		}
		r.feed(3)
		r.check()
	}
	for _, v := range views {
		if r.filled[v.Name] == 0 {
			t.Errorf("%s never had a row", v.Name)
		}
	}
}

// TestInheritanceRefused reads what cannot be followed of tables that inherit.
func TestInheritanceRefused(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, kinSchema+`
		CREATE FOREIGN DATA WRAPPER none; CREATE SERVER nowhere FOREIGN DATA WRAPPER none;
		CREATE TABLE near (id int PRIMARY KEY, v text); CREATE FOREIGN TABLE far (more int) INHERITS (near) SERVER nowhere;
		CREATE SCHEMA stepping; CREATE TABLE stepping.heir () INHERITS (lone);
		CREATE VIEW app.by_key AS SELECT id, v, count(*) AS n FROM kin GROUP BY id`)
	for query, want := range map[string]string{
		`SELECT id FROM near`:                                             `relation "public"."near" foreign table "public"."far", which inherits from "public"."near", is not replicated`,
		`SELECT id FROM ONLY near`:                                        "",
		`SELECT id, v FROM kin GROUP BY id`:                               `volatile v column v is not determined by what is grouped by: the primary key of "public"."kin" does not hold for the tables that inherit from it`,
		`SELECT id, max(k.v || k.n) FROM kin k GROUP BY id HAVING v > ''`: `volatile v column v is not determined by what is grouped by: the primary key of "public"."kin" does not hold for the tables that inherit from it`,
		`SELECT id, v FROM ONLY kin GROUP BY id`:                          "",
		`SELECT id, v FROM kin GROUP BY id, v`:                            "",
		`SELECT * FROM app.by_key`:                                        `volatile v column v is not determined by what is grouped by: the primary key of "public"."kin" does not hold for the tables that inherit from it (in view "app"."by_key")`,
		`SELECT id FROM lone`:                                             `relation "stepping"."heir" table "stepping"."heir" is in a schema that stepping-cdc writes to itself`,
	} {
		a, err := plan.Analyze(t.Context(), conn, []plan.View{{Name: "x", Query: query}}, plan.Reserved{"stepping"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range a.Problems {
			got = append(got, fmt.Sprintf("%s %s %s", p.Code, p.Construct, p.Message))
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%s\n got %s\nwant %s", query, s, want)
		}
	}
}
