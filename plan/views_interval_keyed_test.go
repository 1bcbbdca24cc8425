package plan_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// intervalCases are joins on one comparison beside equal keys, and joins that share what they look in.
var intervalCases = []viewCase{
	// Beside equal keys, one comparison says where to look among the rows with them.
	{name: "interval_keyed_left", query: `SELECT a.id, b.id AS other FROM orders a LEFT JOIN orders b ON b.customer_id = a.customer_id AND b.day < a.day`},
	{name: "interval_keyed_full", query: `SELECT a.id, b.id AS other FROM orders a FULL JOIN everything b ON b.i2 = a.customer_id AND b.i4 >= a.qty`},
	{name: "interval_keyed_exists", query: `SELECT a.id FROM orders a WHERE EXISTS (SELECT FROM orders b WHERE b.customer_id = a.customer_id AND b.amount > a.amount)`},
	{name: "interval_keyed_not_exists", query: `SELECT a.id FROM orders a WHERE NOT EXISTS (SELECT FROM orders b WHERE b.customer_id = a.customer_id AND b.day > a.day AND b.qty <> a.qty)`},
	{name: "interval_keyed_range", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.b = b.b AND a.r << b.r`},
	{name: "interval_keyed_text", query: `SELECT a.id, b.id AS other FROM everything a LEFT JOIN everything b ON a.b = b.b AND a.tx < b.vc`},
	{name: "interval_keyed_null_keys", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.b IS NOT DISTINCT FROM b.b AND a.i4 > b.i4`},
	{name: "interval_keyed_fails", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON a.customer_id = b.customer_id AND 12 / (a.qty - 3) < b.qty WHERE a.id < 3`},
	{name: "interval_keyed_count", query: `SELECT a.id, (SELECT count(*) FROM orders b WHERE b.customer_id = a.customer_id AND b.day < a.day) AS n FROM orders a`},
	{name: "interval_keyed_average", query: `SELECT a.id FROM orders a WHERE a.amount > (SELECT avg(b.amount) FROM orders b WHERE b.customer_id = a.customer_id)`},
	{name: "interval_keyed_tier", query: `SELECT o.id, c.tier FROM orders o JOIN customers c ON c.id = o.customer_id AND o.qty > c.tier`},
	{name: "interval_keyed_single", query: `SELECT a.id, b.qty FROM orders a JOIN orders b ON a.id = b.id AND a.qty <= b.customer_id`},
	{name: "interval_keyed_recursive", query: `WITH RECURSIVE t(c, d) AS (SELECT customer_id, min(day) FROM orders GROUP BY 1 UNION SELECT o.customer_id, o.day FROM t JOIN orders o ON o.customer_id = t.c AND o.day > t.d) SELECT c, d FROM t`},
	{name: "interval_as_of", query: `SELECT a.id, x.id AS last, x.amount FROM orders a LEFT JOIN LATERAL (SELECT b.id, b.amount FROM orders b WHERE b.customer_id = a.customer_id AND b.day <= a.day AND b.id <> a.id ORDER BY b.day DESC, b.id DESC LIMIT 1) x ON true`},
	{name: "interval_as_of_scalar", query: `SELECT e.id, (SELECT o.amount FROM orders o WHERE o.customer_id = e.i4 AND o.qty < e.i8 ORDER BY o.qty DESC, o.id LIMIT 1) AS last FROM everything e`},
	// Joins by the same intervals of one table, and of it with itself.
	{name: "interval_shared", query: `SELECT a.id, b.id AS other, c.id AS third FROM everything a, everything b, everything c WHERE a.i2 BETWEEN b.i2 AND b.i4 AND c.i2 BETWEEN b.i2 AND b.i4 AND a.id <= c.id`},
	{name: "interval_shared_itself", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.r && b.r UNION ALL SELECT a.id, o.id FROM everything a JOIN orders o ON a.r @> o.qty
		UNION ALL SELECT a.id, b.id FROM everything a LEFT JOIN everything b ON b.r && a.r`},
}

// TestIntervalViewsEqualPostgres: joins that look within the rows of a key, or in one index, are what Postgres computes.
func TestIntervalViewsEqualPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	views, loose := caseViews(intervalCases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(3, 4)))
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
	for round := 0; round < 40 || round < 200 && len(unseen()) > 0; round++ {
		for range 1 + r.rnd.IntN(18) {
			r.write()
		}
		r.feed(3)
		r.check()
	}
	if names := unseen(); len(names) > 0 {
		t.Errorf("views that never had a row: %v", names)
	}
}
