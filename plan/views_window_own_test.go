package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// windowsOwn are window functions that are not Postgres' own to us: their code is the server's.
const windowsOwn = `
CREATE FUNCTION app.own_number() RETURNS bigint LANGUAGE internal IMMUTABLE WINDOW AS 'window_row_number';
CREATE FUNCTION app.own_rank() RETURNS bigint LANGUAGE internal IMMUTABLE WINDOW AS 'window_rank';
CREATE FUNCTION app.own_cume_dist() RETURNS float8 LANGUAGE internal IMMUTABLE WINDOW AS 'window_cume_dist';
CREATE FUNCTION app.own_ntile(buckets int) RETURNS int LANGUAGE internal IMMUTABLE STRICT WINDOW AS 'window_ntile';
CREATE FUNCTION app.own_lag(v anyelement, by int, instead anyelement DEFAULT NULL) RETURNS anyelement LANGUAGE internal IMMUTABLE WINDOW AS 'window_lag_with_offset_and_default';
CREATE FUNCTION app.own_lead(v text) RETURNS text LANGUAGE internal IMMUTABLE STRICT WINDOW AS 'window_lead';
CREATE FUNCTION app.own_first(v anyelement) RETURNS anyelement LANGUAGE internal IMMUTABLE STRICT WINDOW AS 'window_first_value';
CREATE FUNCTION app.own_last(v anyelement) RETURNS anyelement LANGUAGE internal IMMUTABLE STRICT WINDOW AS 'window_last_value';
CREATE FUNCTION app.own_nth(v anyelement, n int) RETURNS anyelement LANGUAGE internal IMMUTABLE STRICT WINDOW AS 'window_nth_value';
CREATE FUNCTION app.own_firsts(VARIADIC v int[]) RETURNS int[] LANGUAGE internal IMMUTABLE STRICT WINDOW AS 'window_first_value';
`

// TestOwnWindowFunctions: window functions of a user's, beside Postgres' own.
func TestOwnWindowFunctions(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, framesSchema+framesOwn+windowsOwn)
	var views []plan.View
	for name, query := range map[string]string{
		"ranks":     `SELECT id, app.own_rank() OVER w AS a, rank() OVER w AS b, app.own_number() OVER w AS c, app.own_cume_dist() OVER w AS d, app.own_rank() OVER (PARTITION BY g ORDER BY i) AS e FROM marks WINDOW w AS (PARTITION BY g ORDER BY i DESC NULLS LAST, id)`,
		"peers":     `SELECT id, app.own_rank() OVER (PARTITION BY g ORDER BY i NULLS FIRST) AS a, app.own_cume_dist() OVER (ORDER BY len COLLATE "C") AS b FROM marks`,
		"unordered": `SELECT g, app.own_rank() OVER (PARTITION BY g) AS a, app.own_cume_dist() OVER () AS b FROM marks`,
		"shifted":   `SELECT id, app.own_lag(len, 1) OVER w AS a, app.own_lag(v => i, by => 2, instead => -1) OVER w AS b, app.own_lead(len) OVER w AS c, app.own_lag(ARRAY[i, id], 1) OVER w AS d, app.own_lag(ts, 1) OVER w AS e FROM marks WINDOW w AS (PARTITION BY g ORDER BY id)`,
		"rows":      `SELECT id, app.own_first(id) OVER w AS a, app.own_last(id) OVER w AS b, app.own_nth(id, 2) OVER w AS c, count(*) OVER w AS d FROM marks WINDOW w AS (PARTITION BY g ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW)`,
		"before":    `SELECT id, app.own_first(id) OVER w AS a, app.own_last(id) OVER w AS b FROM marks WINDOW w AS (PARTITION BY g ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING)`,
		"none":      `SELECT id, app.own_first(id) OVER w AS a FROM marks WINDOW w AS (PARTITION BY g ORDER BY id ROWS BETWEEN 0 PRECEDING AND 1 PRECEDING)`,
		"groups":    `SELECT id, app.own_first(i) OVER w AS a, app.own_last(i) OVER w AS b, max(id) OVER w AS c FROM marks WINDOW w AS (PARTITION BY g ORDER BY i GROUPS BETWEEN 1 FOLLOWING AND (SELECT count(*) FROM marks WHERE g = 1) FOLLOWING)`,
		"range":     `SELECT id, app.own_first(i) OVER w AS a, app.own_last(i) OVER w AS b, min(id) OVER w AS c FROM marks WINDOW w AS (PARTITION BY g ORDER BY i DESC RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)`,
		"range_own": `SELECT id, app.own_first(length(len)) OVER w AS a, app.own_last(length(len)) OVER w AS b, count(*) OVER w AS c FROM marks WINDOW w AS (PARTITION BY g ORDER BY len USING OPERATOR(app.<#) RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP)`,
		"around":    `SELECT g, n FROM (SELECT g, app.own_rank() OVER (PARTITION BY g ORDER BY id) AS n, app.own_ntile(3) OVER (ORDER BY id) AS unread FROM marks) x WHERE g < 3 AND n <= 2`,
		"fails":     `SELECT id, app.own_ntile(i) OVER (PARTITION BY g ORDER BY id) AS a FROM marks`,
		"variadic":  `SELECT id, app.own_firsts(i, id) OVER (PARTITION BY g ORDER BY id) AS a, app.own_firsts(VARIADIC ARRAY[id]) OVER (ORDER BY id) AS b FROM marks`,
		"of_groups": `SELECT g, app.own_lag(count(*), 1) OVER (ORDER BY g NULLS FIRST) AS a FROM marks GROUP BY g`,
	} {
		views = append(views, plan.View{Name: "own_" + name, Query: query})
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(3, 5)))
	for range 60 {
		sql := fmt.Sprintf("DELETE FROM marks WHERE id = %d", r.rnd.IntN(12))
		if r.rnd.IntN(3) > 0 {
			of := func(values ...string) string { return values[r.rnd.IntN(len(values))] }
			sql = fmt.Sprintf("INSERT INTO marks (id, g, i, len, ts) VALUES (%d, %s, %s, %s, '2024-01-01') ON CONFLICT (id) DO UPDATE SET g = excluded.g, i = excluded.i, len = excluded.len",
				r.rnd.IntN(12), of("NULL", "1", "1", "2", "3"), of("NULL", "0", "1", "2", "3", "4", "5"), of("NULL", "''", "'a'", "'b'", "'cc'", "'ddd'"))
		}
		mustExec(t, conn, sql)
		r.feed(2)
		r.check()
	}
	for _, v := range views {
		if r.filled[v.Name] == 0 {
			t.Errorf("view %s never had a row", v.Name)
		}
	}
	if r.failed["own_fails"] == 0 || len(r.missed) > 0 {
		t.Errorf("own_fails failed %d times; missed are %v", r.failed["own_fails"], r.missed)
	}
}
