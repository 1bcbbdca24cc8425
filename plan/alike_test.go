package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestRowsOfDifferentFields: a view fails if and only if Postgres does, for few rows of many types and few values.
func TestRowsOfDifferentFields(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE TABLE mixed (id int PRIMARY KEY, k int, a int, b text, n numeric)`)
	const rows = `(SELECT id, k, CASE k WHEN 0 THEN ROW(a) WHEN 1 THEN ROW(a, b) WHEN 2 THEN ROW(b) WHEN 3 THEN ROW(a, n) WHEN 4 THEN ROW(a, ROW(b, n)) WHEN 5 THEN ROW(a, ROW(b)) WHEN 6 THEN ROW(a, NULL::text, n)
		WHEN 7 THEN ROW(a, ARRAY[ROW(a), ROW(b)]) WHEN 8 THEN ROW(a, ARRAY[ROW(a), NULL, ROW(n)]) WHEN 9 THEN ROW(a, ARRAY[ROW(a)]) END AS x FROM mixed) y`
	var views []plan.View
	for name, query := range map[string]string{
		"distinct":  `SELECT x::text AS x FROM (SELECT DISTINCT x FROM ` + rows + `) z`,
		"group":     `SELECT x::text AS x, count(*) AS n FROM ` + rows + ` GROUP BY y.x`,
		"union":     `SELECT x::text AS x FROM (SELECT x FROM ` + rows + ` WHERE k < 5 UNION SELECT x FROM ` + rows + `) z`,
		"except":    `SELECT x::text AS x FROM (SELECT x FROM ` + rows + ` EXCEPT ALL SELECT x FROM ` + rows + ` WHERE k = 1) z`,
		"order":     `SELECT x::text AS x FROM (SELECT x FROM ` + rows + ` ORDER BY x LIMIT 100) z`,
		"first":     `SELECT id FROM (SELECT DISTINCT ON (x) x, id FROM ` + rows + ` ORDER BY x, id) z`,
		"window":    `SELECT id, dense_rank() OVER (ORDER BY x) AS n FROM ` + rows,
		"partition": `SELECT id, count(*) OVER (PARTITION BY x) AS n FROM ` + rows,
	} {
		views = append(views, plan.View{Name: "mixed_" + name, Query: query})
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	r := newRig(t, dsn, views, rnd)
	r.check()
	of := func(values ...string) string { return values[rnd.IntN(len(values))] }
	for round := range 120 {
		kinds := 1 + rnd.IntN(10)
		for range 1 + rnd.IntN(3) {
			id := rnd.IntN(6)
			mustExec(t, conn, fmt.Sprintf("DELETE FROM mixed WHERE id = %d", id))
			if rnd.IntN(4) > 0 {
				mustExec(t, conn, fmt.Sprintf("INSERT INTO mixed VALUES (%d, %d, %s, %s, %s)", id, (round/12+rnd.IntN(kinds))%11, of("NULL", "1", "2", "3"), of("NULL", "'a'", "'b'"), of("NULL", "1", "1.0", "2")))
			}
		}
		r.feed(2)
		r.check()
	}
	for _, v := range views {
		if r.filled[v.Name] == 0 || r.failed[v.Name] == 0 || len(r.missed[v.Name]) > 0 {
			t.Errorf("view %s had rows %d times, failed %d times, and missed %v", v.Name, r.filled[v.Name], r.failed[v.Name], r.missed[v.Name])
		}
	}
}
