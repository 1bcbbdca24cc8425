package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestFramesOverGaps: the first row of a frame that begins at a value may be far behind it, and the last of one that
// ends there far before it.
func TestFramesOverGaps(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE TABLE marks (id int PRIMARY KEY, g int, v int)`)
	var views []plan.View
	for i, frame := range []string{"1 FOLLOWING AND UNBOUNDED FOLLOWING", "3 FOLLOWING AND UNBOUNDED FOLLOWING", "0 FOLLOWING AND UNBOUNDED FOLLOWING", "2 PRECEDING AND UNBOUNDED FOLLOWING", "UNBOUNDED PRECEDING AND 1 PRECEDING", "UNBOUNDED PRECEDING AND 3 PRECEDING", "UNBOUNDED PRECEDING AND 2 FOLLOWING", "1 FOLLOWING AND 9 FOLLOWING"} {
		for j, without := range []string{"", " EXCLUDE CURRENT ROW", " EXCLUDE TIES"} {
			for k, order := range []string{"id", "id DESC", "v NULLS FIRST", "v DESC"} {
				of := "id"
				if k > 1 {
					of = "v" // peers have the same
				}
				views = append(views, plan.View{Name: fmt.Sprintf("gap_%d_%d_%d", i, j, k), Query: fmt.Sprintf(
					`SELECT id, first_value(%[1]s) OVER w AS a, last_value(%[1]s) OVER w AS b, nth_value(%[1]s, 2) OVER w AS c, count(*) OVER w AS d FROM marks WINDOW w AS (PARTITION BY g ORDER BY %[2]s RANGE BETWEEN %[3]s%[4]s)`, of, order, frame, without)})
			}
		}
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 2)))
	for range 120 {
		id := r.rnd.IntN(30)
		write := fmt.Sprintf("DELETE FROM marks WHERE id = %d", id)
		if r.rnd.IntN(3) > 0 {
			write = fmt.Sprintf("INSERT INTO marks VALUES (%d, %d, %s) ON CONFLICT (id) DO UPDATE SET v = excluded.v", id, id%2, []string{"NULL", "1", "2", "20", "20", "40"}[r.rnd.IntN(6)])
		}
		mustExec(t, conn, write)
		r.feed(1)
		r.check()
	}
}
