package pipeline

import (
	"cmp"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/config"
)

// TestDefinitionsChange redefines, while views are maintained and while they are not, what
// these mean by name: functions, domains and database views, directly and through others. Of
// that the stream tells nothing, and the outputs heal by themselves. What makes no difference loads
// nothing anew.
func TestDefinitionsChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
		CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, s text); INSERT INTO t SELECT i, i - 5, 's' || i FROM generate_series(1, 9) i;
		CREATE DOMAIN small AS int; CREATE DOMAIN smaller AS small; CREATE TYPE holder AS (a smaller, b text);
		CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
		CREATE FUNCTION inner_one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END';
		CREATE FUNCTION outer_one(int, plus int DEFAULT 0) RETURNS int IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT inner_one($1) * 10 + $2; END;
		CREATE FUNCTION fits(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 < 100'; CREATE DOMAIN fitting AS int CHECK (fits(VALUE));
		CREATE FUNCTION equal_mod(int, int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 3 = $2 % 3'; CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = equal_mod);
		CREATE FUNCTION add_up(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + coalesce($2, 0)'; CREATE AGGREGATE totals(int) (SFUNC = add_up, STYPE = int, INITCOND = '0');
		CREATE TYPE grade AS ENUM ('low', 'high'); CREATE TABLE graded (id int PRIMARY KEY, g grade); INSERT INTO graded VALUES (1, 'low'), (2, 'high'), (3, NULL);
		CREATE VIEW lower_view AS SELECT id, n FROM t WHERE n > 0; CREATE VIEW upper_view AS SELECT count(*) AS c FROM lower_view;
		CREATE VIEW adopted_view AS SELECT id, s FROM t WHERE n < 3`)
	w.view("plain", `SELECT sum(n) AS s FROM t`)
	w.view("calls", `SELECT id, twice(n) AS d FROM t`)
	w.view("above", `SELECT sum(d) AS s FROM calls`)
	w.view("nested", `SELECT outer_one(n) AS o, count(*) AS c FROM t GROUP BY 1`)
	w.view("cast_to", `SELECT id, n::smaller AS v FROM t`)
	w.view("held", `SELECT id, (jsonb_populate_record(NULL::holder, jsonb_build_object('a', n))).a + 0 AS a FROM t`)
	w.view("checked", `SELECT id, (n * 10)::fitting::int AS v FROM t`)
	w.view("operated", `SELECT a.id, b.id AS other FROM t a JOIN t b ON a.n === b.n`)
	w.view("aggregated", `SELECT id % 2 AS k, totals(n) AS s FROM t GROUP BY 1`)
	w.view("viewed", `SELECT c FROM upper_view`)
	w.view("enumerated", `SELECT count(*) AS n, enum_range(NULL::grade)::text AS labels FROM t`)
	w.view("of_grade", `SELECT id, g, enum_range(g, NULL)::text AS above, enum_last(g) AS last FROM graded`)
	w.views = append(w.views, config.View{Name: "adopted", From: "public.adopted_view"})
	opts := Options{checkEvery: tickEvery}
	w.run(opts)
	w.healsBut("{}")
	for i, step := range []struct {
		sql   string
		fails string // views that fail by it, while the others are equal
		same  bool   // nothing is loaded anew
	}{
		{sql: `CREATE OR REPLACE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 3 * $1'`},
		{sql: `CREATE OR REPLACE FUNCTION inner_one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 - 1; END'`},
		{sql: `CREATE OR REPLACE FUNCTION outer_one(int, plus int DEFAULT 7) RETURNS int IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT inner_one($1) * 10 + $2; END`},
		{sql: `ALTER DOMAIN small ADD CONSTRAINT few CHECK (VALUE < 3) NOT VALID`, fails: "{cast_to,held}"},
		{sql: `ALTER DOMAIN small DROP CONSTRAINT few`},
		{sql: `ALTER DOMAIN smaller ADD CONSTRAINT many CHECK (VALUE > -1000); UPDATE t SET n = n + 1 WHERE id = 2`},
		{sql: `CREATE OR REPLACE FUNCTION fits(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 < 10'`, fails: "{checked}"},
		{sql: `ALTER DOMAIN fitting DROP CONSTRAINT fitting_check`},
		{sql: `CREATE OR REPLACE FUNCTION equal_mod(int, int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 4 = $2 % 4'`},
		{sql: `CREATE OR REPLACE FUNCTION add_up(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 2 * coalesce($2, 0)'`},
		{sql: `CREATE OR REPLACE AGGREGATE totals(int) (SFUNC = add_up, STYPE = int, INITCOND = '5')`},
		{sql: `ALTER TYPE grade ADD VALUE 'middle' AFTER 'low'`},
		{sql: `ALTER TYPE grade RENAME VALUE 'high' TO 'best'`},
		{sql: `CREATE OR REPLACE VIEW lower_view AS SELECT id, n FROM t WHERE n > 1`},
		{sql: `CREATE OR REPLACE VIEW adopted_view AS SELECT id, s FROM t WHERE n < 4`},
		{sql: `ALTER FUNCTION twice(int) RENAME TO thrice; CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 4 * $1'`},
		{sql: `DROP VIEW upper_view; CREATE VIEW upper_view AS SELECT count(*) + 1 AS c FROM lower_view`},
		{sql: `ALTER FUNCTION twice(int) COST 7; REVOKE ALL ON FUNCTION add_up(int, int) FROM PUBLIC; COMMENT ON DOMAIN small IS 'small'; CREATE OR REPLACE VIEW lower_view AS SELECT id, n FROM t WHERE n > 1;
			ALTER DOMAIN smaller VALIDATE CONSTRAINT many; ALTER TABLE t ALTER s SET STATISTICS 7`, same: true},
	} {
		t.Log(step.sql)
		before := w.sessions()
		down := i%3 == 2 && !step.same
		if down {
			w.halt()
		}
		w.exec(step.sql)
		w.exec("UPDATE t SET n = n + 1 WHERE id = 9; UPDATE t SET n = n - 1 WHERE id = 9; UPDATE t SET s = s || '!' WHERE id < 5")
		switch {
		case down:
			w.run(opts)
		case !step.same:
			w.eventually("another session", "SELECT epoch > $1 FROM stepping_cdc.instance", before)
		}
		w.healsBut(cmp.Or(step.fails, "{}"))
		w.exec("UPDATE t SET n = n % 5 WHERE id % 2 = 0; INSERT INTO t SELECT max(id) + 1, 2, 'more' FROM t; DELETE FROM t WHERE id = (SELECT min(id) FROM t)")
		w.healsBut(cmp.Or(step.fails, "{}"))
		if step.same && w.sessions() != before {
			t.Errorf("%s: something was loaded anew", step.sql)
		}
	}
	// What is no function of its arguments any more cannot be kept.
	w.exec(`ALTER FUNCTION twice(int) VOLATILE`)
	w.state("calls", "stopped")
	w.state("above", "stopped")
	w.wait()
	w.compare("nested")
}

// healsBut waits until some views are errored, given as an array, and all others are live and
// equal their queries.
func (w *world) healsBut(errored string) {
	w.t.Helper()
	w.exec("CREATE OR REPLACE TEMPORARY VIEW calls AS " + w.query("calls")) // which another view reads
	different := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		w.wait()
		different = ask[string](w, w.out, `SELECT coalesce(string_agg(name || ' is ' || state, ', '), '') FROM stepping_cdc.views
			WHERE state <> CASE WHEN name = ANY ($1::text::text[]) THEN 'errored' ELSE 'live' END`, errored)
		for _, v := range w.views {
			if strings.Contains(errored, v.Name) || different != "" {
				continue
			}
			want, _, err := w.rows(w.conn, w.query(v.Name))
			if err != nil {
				w.t.Fatal(err)
			}
			got, _, err := w.rows(w.out, "SELECT * FROM stepping."+v.Name)
			if err != nil {
				w.t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				different = v.Name + " differs"
			}
		}
		if different == "" {
			return
		}
	}
	w.t.Fatalf("the outputs do not heal: %s", different)
}
