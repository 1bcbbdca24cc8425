package plan_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestFramesFailAsPostgres: frames whose offsets or ends cannot be computed fail if they fail in Postgres,
// whether a function looks at them or not. From 16 on, it has none where all functions are rank() and the like.
// (Of no rows at all, we say nothing.)
func TestFramesFailAsPostgres(t *testing.T) {
	const (
		noNumber = `(SELECT CASE WHEN count(*) > 1 THEN 1 END::int FROM marks WHERE g = 1)`
		negative = `(SELECT count(*)::int - 2 FROM marks WHERE g = 1)`
	)
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, framesSchema+framesOwn)
	var views []plan.View
	for frame, over := range map[string]string{
		"far":          `ORDER BY ts RANGE '1 mon' PRECEDING`,
		"far_end":      `ORDER BY ts RANGE BETWEEN CURRENT ROW AND '1 mon' FOLLOWING`,
		"null":         `ORDER BY i RANGE ` + noNumber + ` PRECEDING`,
		"negative":     `ORDER BY i RANGE ` + negative + ` PRECEDING`,
		"rows":         `ORDER BY i ROWS ` + negative + ` PRECEDING`,
		"groups":       `ORDER BY i GROUPS BETWEEN CURRENT ROW AND ` + noNumber + ` FOLLOWING`,
		"own_null":     `ORDER BY len USING OPERATOR(app.<#) RANGE ` + noNumber + ` PRECEDING`,
		"own_negative": `ORDER BY len USING OPERATOR(app.<#) RANGE BETWEEN UNBOUNDED PRECEDING AND ` + negative + ` FOLLOWING`,
		"own_constant": `ORDER BY len USING OPERATOR(app.<#) RANGE -1 PRECEDING`,
	} {
		for name, query := range map[string]string{
			"count":      `SELECT id, count(*) OVER w AS a FROM marks WINDOW w AS (`,
			"lag":        `SELECT lag(1) OVER w AS a FROM marks WINDOW w AS (`,
			"rank":       `SELECT id, rank() OVER w AS a, cume_dist() OVER w AS b FROM marks WINDOW w AS (`,
			"count_rank": `SELECT id, rank() OVER w AS a, count(*) OVER w AS b FROM marks WINDOW w AS (`,
		} {
			views = append(views, plan.View{Name: frame + "_" + name, Query: query + over + ")"})
			views = append(views, plan.View{Name: frame + "_" + name + "_a", Query: "SELECT a FROM (" + query + over + ")) x"})
		}
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 2)))
	for _, write := range []string{
		"INSERT INTO marks (id, g, len, i) VALUES (1, 1, NULL, 3)",
		"INSERT INTO marks (id, g, len, i, ts) VALUES (2, 1, 'a', 3, '4714-11-24 BC')",
		"INSERT INTO marks (id, g, len, i, ts) VALUES (3, 2, 'aa', 4, '4714-11-26 BC'), (4, 1, 'b', 5, '294276-12-31')",
		"UPDATE marks SET g = 2 WHERE id > 1",
		"UPDATE marks SET ts = '2024-01-01', g = 1",
		"DELETE FROM marks",
	} {
		mustExec(t, conn, write)
		r.feed(2)
		r.check()
		for _, v := range r.prog.Views {
			_, err := r.rows("SELECT * FROM pg_temp."+v.Name, v.Columns)
			if err != nil && len(r.outputs[plan.ErrorsOf(v.Name)]) == 0 && len(r.tables[0]) > 0 {
				t.Errorf("%s, after %s: Postgres says %v\n%s", v.Name, write, err, v.Query)
			}
		}
	}
}
