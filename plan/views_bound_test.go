package plan_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// boundCases are joins with a bound that is an aggregate of a group, and of which the view shows nothing but who is on which side of it.
var boundCases = []viewCase{
	{name: "bound_below", query: `SELECT a.id FROM orders a JOIN (SELECT customer_id, avg(qty) AS mean FROM orders GROUP BY 1) g USING (customer_id) WHERE a.qty < g.mean`},
	{name: "bound_not_above", query: `SELECT a.id, a.note FROM orders a JOIN (SELECT customer_id, max(day) AS last FROM orders GROUP BY 1) g USING (customer_id) WHERE a.day <= g.last`},
	{name: "bound_above", query: `SELECT a.customer_id, count(*) AS n, sum(a.amount) AS total FROM orders a WHERE a.amount > (SELECT avg(b.amount) FROM orders b WHERE b.customer_id = a.customer_id) GROUP BY 1`},
	{name: "bound_not_below", query: `SELECT a.id FROM everything a JOIN (SELECT b, min(n) AS least FROM everything GROUP BY 1) g USING (b) WHERE a.n >= g.least`},
	{name: "bound_part", query: `SELECT sum(a.amount) AS total FROM orders a WHERE a.qty < (SELECT 0.5 * avg(b.qty) FROM orders b WHERE b.customer_id = a.customer_id)`},
	{name: "bound_part_outside", query: `SELECT sum(a.amount) AS total FROM orders a WHERE a.qty < 0.5 * (SELECT avg(b.qty) FROM orders b WHERE b.customer_id = a.customer_id)`},
	{name: "bound_between", query: `SELECT a.id FROM orders a JOIN (SELECT customer_id, avg(qty) - 1 AS low, avg(qty) + 1 AS high FROM orders GROUP BY 1) g USING (customer_id) WHERE a.qty BETWEEN g.low AND g.high`},
	{name: "bound_between_backwards", query: `SELECT a.id FROM everything a JOIN (SELECT i2, avg(i4) AS low, min(i8) AS high FROM everything GROUP BY 1) g ON a.b = (g.i2 > 1) WHERE a.i4 BETWEEN g.low AND g.high`},
	{name: "bound_within", query: `SELECT a.id FROM everything a, (SELECT min(f8) AS low, max(f8) AS high FROM everything WHERE b) g WHERE a.f8 > g.low AND a.f8 < g.high`},
	{name: "bound_float4", query: `SELECT a.id FROM everything a, (SELECT max(f8) AS high FROM everything WHERE i2 > 1) g WHERE a.f4 <= g.high`},
	{name: "bound_of_all", query: `SELECT count(*) AS n FROM everything a WHERE a.n > (SELECT avg(b.i4) FROM everything b)`},
	{name: "bound_counts", query: `SELECT c.tier, count(*) AS n FROM customers c JOIN orders o ON o.qty > c.tier GROUP BY c.tier`},
	{name: "bound_counts_left", query: `SELECT c.id, count(o.id) AS n FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.qty >= c.tier GROUP BY c.id`},
	{name: "bound_and_more", query: `SELECT a.id FROM orders a JOIN (SELECT customer_id, avg(qty) AS mean, count(*) AS n FROM orders GROUP BY 1) g USING (customer_id) WHERE a.qty < g.mean AND a.qty <= g.n AND a.id <> g.mean`},
	{name: "bound_not_exists", query: `SELECT a.id FROM orders a WHERE NOT EXISTS (SELECT FROM (SELECT customer_id, max(qty) AS most FROM orders GROUP BY 1) g WHERE g.customer_id = a.customer_id AND a.qty < g.most)`},
	{name: "bound_full", query: `SELECT a.id, g.customer_id FROM orders a FULL JOIN (SELECT customer_id, avg(qty) AS mean FROM orders GROUP BY 1) g ON a.customer_id = g.customer_id AND a.qty < g.mean`},
	{name: "bound_times", query: `SELECT a.id FROM everything a JOIN (SELECT b, max(ts) AS last FROM everything GROUP BY b) g ON a.b IS NOT DISTINCT FROM g.b WHERE a.d < g.last`},
	{name: "bound_text", query: `SELECT a.id FROM everything a JOIN (SELECT b, max(tx COLLATE "C") AS last FROM everything GROUP BY b) g USING (b) WHERE a.vc COLLATE "C" < g.last`},
	{name: "bound_range", query: `SELECT a.id FROM orders a, (SELECT int4range(min(qty), max(qty), '[]') AS r FROM orders WHERE customer_id < 3 HAVING min(qty) IS NOT NULL) g WHERE g.r @> a.qty`},
	{name: "bound_fails", query: `SELECT a.id FROM orders a JOIN (SELECT customer_id, 12 / (max(qty) - 4) AS part FROM orders GROUP BY 1) g USING (customer_id) WHERE a.qty < g.part`},
	{name: "bound_recursive", query: `WITH RECURSIVE t(c, d) AS (SELECT customer_id, min(qty) FROM orders GROUP BY 1 UNION SELECT o.qty, o.qty FROM t JOIN orders o ON o.customer_id > t.c WHERE o.qty > 1) SELECT c, d FROM t`},
}

// TestBoundsThatMoveEqualPostgres: what a moved bound is not read across is what does not change.
func TestBoundsThatMoveEqualPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	views, loose := caseViews(boundCases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(17, 6)))
	r.loose = loose
	r.check()
	unseen := func() (names []string) {
		for _, v := range views {
			if r.filled[v.Name] == 0 {
				names = append(names, v.Name)
			}
		}
		return names
	}
	for round := 0; round < 60 || round < 200 && len(unseen()) > 0; round++ {
		for range 1 + r.rnd.IntN(9) {
			r.write()
		}
		r.feed(2)
		r.check()
	}
	if names := unseen(); len(names) > 0 {
		t.Errorf("views that never had a row: %v", names)
	}
}
