package plan_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// evaluated are expressions of which a part fails for some rows: 12 / n and 12 / m.
var evaluated = []string{
	"k + 12 / n", "12 / n + k", "NULL::int + 12 / n", "(k + 12 / n) * m", "k::bigint + 12 / n", "k::text || 12 / n", "substr(k::text, 12 / n, 2)", "lpad(k::text, 12 / n, k::text)", "make_date(k, 12 / n, m)",
	"nullif(k, 12 / n)", "nullif(12 / n, k)", "coalesce(k, 12 / n)", "coalesce(12 / n, k)", "greatest(k, 12 / n)", "k IS DISTINCT FROM 12 / n", "(k > 12 / n) IS NOT TRUE", "(12 / n) IS NULL",
	"k = ANY (ARRAY[id, 12 / n])", "id = ANY (ARRAY[id, 12 / n])", "k < ALL (ARRAY[1, 12 / n])", "12 / n = ANY (ARRAY[k, m])", "id IN (k, id, 12 / n)", "k NOT IN (3, 12 / n, 4)",
	"k BETWEEN m AND 12 / n", "k BETWEEN 12 / n AND m", "k NOT BETWEEN m AND 12 / n",
	"12 / n > 2 AND k > 1", "k > 1 AND 12 / n > 2", "12 / n > 2 OR k > 1", "k > 1 OR 12 / n > 2", "k > 1 OR 12 / n > 2 OR id > 3", "NOT (k > 1 AND 12 / n > 2)", "k > 1 AND (m > 1 OR 12 / n > 2) AND 12 / m > 1",
	"(k, 12 / n) < (1, 2)", "(12 / n, k) >= (1, 2)", "(k, m, 12 / n) > (1, 1, 1)", "(k, 12 / n) = (1, 2)", "(12 / n, k) <> (1, 2)", "(k, 12 / n) IS DISTINCT FROM (m, 3)", "(k, 12 / n) IN ((1, 2), (2, 12 / m))",
	"CASE WHEN 12 / n > 2 AND k > 1 THEN 1 WHEN k > 1 OR 12 / m > 1 THEN 2 END", "CASE k WHEN 1 THEN 2 WHEN 12 / n THEN 3 ELSE 12 / m END", "ARRAY[k, 12 / n]", "(ARRAY[k, 12 / n])[1]", "app.fussy(n) + k", "k + app.fussy(n)", "app.fussy(k + 12 / m)", "app.fussy(n) > 1 OR k > 1",
}

// TestEvaluatedAsPostgres: an expression fails if it fails in Postgres, for all rows of few values.
func TestEvaluatedAsPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE TABLE few (id int PRIMARY KEY, k int, n int, m int);`+regexp.MustCompile(`(?s)CREATE SCHEMA.*`).FindString(lazySchema))
	var views []plan.View
	for i, e := range evaluated {
		for form, query := range map[string]string{
			"shown":    `SELECT id, %s AS x FROM few`,
			"counted":  `SELECT k, count(%s) AS n FROM few GROUP BY k`,
			"filtered": `SELECT count(*) FILTER (WHERE (%s) IS NOT NULL) AS n FROM few`,
			"asked":    `SELECT id FROM few WHERE (%s) IS NOT NULL`,
			"grouped":  `SELECT (%s)::text AS x, count(*) AS n FROM few GROUP BY 1`,
			"lag":      `SELECT id, lag(%s) OVER (ORDER BY id) AS x FROM few`,
		} {
			views = append(views, plan.View{Name: fmt.Sprintf("%s_%d", form, i), Query: fmt.Sprintf(query, e)})
		}
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 2)))
	values := []string{"NULL", "0", "2"}
	for i := range 27 {
		row := fmt.Sprintf("(%s::int, %s::int, %s::int)", values[i%3], values[i/3%3], values[i/9])
		mustExec(t, conn, "DELETE FROM few; INSERT INTO few SELECT i, v.* FROM generate_series(1, 2) i, (VALUES "+row+") v")
		r.feed(1)
		r.check()
		for _, v := range r.prog.Views {
			if missed := r.missed[v.Name]; len(missed) > 0 {
				t.Errorf("of %s, %s has no error, Postgres says %s\n%s", row, v.Name, missed[0], v.Query)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}
