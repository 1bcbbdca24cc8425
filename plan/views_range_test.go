package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// RANGE frames with an offset.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "range_int", query: `SELECT id, count(*) OVER (ORDER BY i4 RANGE 2 PRECEDING) AS a, count(*) OVER (ORDER BY i4 DESC NULLS LAST RANGE BETWEEN 1 FOLLOWING AND 3 FOLLOWING) AS b, count(*) OVER (ORDER BY i2 NULLS FIRST RANGE BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) AS c,
			count(*) OVER (PARTITION BY b ORDER BY i8 RANGE BETWEEN UNBOUNDED PRECEDING AND 2 FOLLOWING) AS d, count(*) OVER (ORDER BY i8 DESC RANGE BETWEEN 9223372036854775807 PRECEDING AND 1 PRECEDING) AS e, count(*) OVER (ORDER BY i4 RANGE BETWEEN 3 FOLLOWING AND 1 FOLLOWING) AS f FROM everything`},
		viewCase{name: "range_float", query: `SELECT id, count(*) OVER (ORDER BY f8 RANGE BETWEEN 1.5 PRECEDING AND 0.5 FOLLOWING) AS a, count(*) OVER (ORDER BY f4 DESC RANGE BETWEEN 'Infinity' PRECEDING AND 1 FOLLOWING) AS b, count(*) OVER (ORDER BY f8 RANGE BETWEEN CURRENT ROW AND 'Infinity' FOLLOWING) AS c FROM everything`},
		viewCase{name: "range_numeric", query: `SELECT id, count(*) OVER (ORDER BY n RANGE BETWEEN 0.5 PRECEDING AND 1 FOLLOWING) AS a, count(*) OVER (ORDER BY n DESC NULLS LAST RANGE BETWEEN 'Infinity' PRECEDING AND 2.5 PRECEDING) AS b, count(*) OVER (ORDER BY n2 RANGE 3 PRECEDING EXCLUDE TIES) AS c FROM everything`},
		viewCase{name: "range_times", query: `SELECT id, count(*) OVER (ORDER BY d RANGE BETWEEN '1 month' PRECEDING AND '1 day' FOLLOWING) AS a, count(*) OVER (ORDER BY ts DESC RANGE '1 year' PRECEDING) AS b, count(*) OVER (ORDER BY tsz RANGE BETWEEN '00:00:00.000001' FOLLOWING AND '5 years' FOLLOWING) AS c,
			count(*) OVER (ORDER BY t RANGE BETWEEN '12 hours' PRECEDING AND '30 minutes' FOLLOWING) AS e, count(*) OVER (ORDER BY iv NULLS FIRST RANGE BETWEEN '1 day' PRECEDING AND '30 days' FOLLOWING EXCLUDE CURRENT ROW) AS f FROM everything`},
		viewCase{name: "range_values", query: `SELECT id, sum(qty) OVER (PARTITION BY customer_id ORDER BY day RANGE '1 day' PRECEDING) AS a, first_value(id) OVER (ORDER BY qty, id ROWS 1 PRECEDING) AS b, max(id) OVER (ORDER BY qty RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) AS c, min(id) OVER (ORDER BY amount RANGE BETWEEN 1.5 PRECEDING AND 1 PRECEDING) AS d FROM orders`},
		viewCase{name: "range_timetz", query: `SELECT id, count(*) OVER (ORDER BY tz RANGE '1 hour' PRECEDING) AS a, count(*) OVER (ORDER BY tz DESC RANGE BETWEEN '2 hours' PRECEDING AND '3 days 01:30' FOLLOWING) AS b, count(*) OVER (ORDER BY tz NULLS FIRST RANGE BETWEEN CURRENT ROW AND '178000000 years 2000000 hours' FOLLOWING) AS c, count(*) OVER (ORDER BY t RANGE BETWEEN '-1 day' PRECEDING AND '1 day' FOLLOWING) AS d FROM everything`},
		viewCase{name: "rows_computed", query: `SELECT id, count(*) OVER (ORDER BY id ROWS BETWEEN (SELECT count(*) FROM customers) PRECEDING AND 1 FOLLOWING) AS a, array_agg(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND (SELECT tier FROM customers WHERE tier >= 0 ORDER BY id LIMIT 1) FOLLOWING) AS b, sum(id) OVER (PARTITION BY qty ORDER BY day GROUPS (SELECT count(*) / 3 FROM customers) PRECEDING) AS c FROM orders`},
		viewCase{name: "rows_far", query: `SELECT id, count(*) OVER (ORDER BY id ROWS BETWEEN 9223372036854775807 PRECEDING AND 9223372036854775807 FOLLOWING) AS a, count(*) OVER (ORDER BY qty GROUPS BETWEEN 9223372036854775807 FOLLOWING AND UNBOUNDED FOLLOWING) AS b FROM orders`},
		viewCase{name: "rows_negative", query: `SELECT id, count(*) OVER (ORDER BY id ROWS (SELECT min(tier) FROM customers WHERE id < 2) PRECEDING) AS a FROM orders`},
		viewCase{name: "range_computed", query: `SELECT id, count(*) OVER (ORDER BY qty RANGE BETWEEN (SELECT count(*) FROM customers) PRECEDING AND (SELECT count(*) FROM products WHERE id < 3) FOLLOWING) AS a, count(*) OVER (ORDER BY day DESC RANGE BETWEEN CURRENT ROW AND (SELECT count(*) FROM customers) * interval '1 day' FOLLOWING) AS b FROM orders`},
		viewCase{name: "range_backwards", query: `SELECT id, count(*) OVER (ORDER BY qty RANGE (SELECT min(tier) FROM customers WHERE id < 2) PRECEDING) AS a FROM orders`},
		viewCase{name: "range_backwards_nulls", query: `SELECT id, count(*) OVER (ORDER BY nullif(qty, qty) RANGE (SELECT -1) PRECEDING) AS a, sum(id) OVER (PARTITION BY customer_id ORDER BY nullif(day, day) DESC RANGE BETWEEN (SELECT interval '-1 day') PRECEDING AND (SELECT interval '-1 day') FOLLOWING) AS b FROM orders`},
		viewCase{name: "range_backwards_mostly", query: `SELECT id, count(*) OVER (PARTITION BY customer_id ORDER BY CASE WHEN qty > 4 THEN qty END RANGE BETWEEN (SELECT -1) PRECEDING AND CURRENT ROW) AS a FROM orders`},
		viewCase{name: "frames_correlated", query: `SELECT c.id, x.* FROM customers c, LATERAL (SELECT o.id AS oid, count(*) OVER (ORDER BY o.id ROWS BETWEEN c.id PRECEDING AND c.id / 2 FOLLOWING) AS a, count(*) OVER (ORDER BY o.qty RANGE c.id PRECEDING) AS b FROM orders o WHERE o.customer_id <> c.id) x`},
		viewCase{name: "frames_grouped", query: `SELECT customer_id, sum(count(*)) OVER (ORDER BY customer_id ROWS (SELECT count(*) FROM products) PRECEDING) AS a FROM orders GROUP BY customer_id`},
	)
}

const zoneSchema = `CREATE TABLE moments (id int PRIMARY KEY, at timestamptz, k int); CREATE TABLE far (by interval, till interval)`

// zoneCases are frames over moments, under a time zone in which days have 23 and 25
// hours too.
var zoneCases = []viewCase{
	{name: "zone_day", query: `SELECT id, count(*) OVER (ORDER BY at RANGE BETWEEN '1 day' PRECEDING AND '1 day' FOLLOWING) AS a, count(*) OVER (ORDER BY at DESC RANGE '1 day' PRECEDING) AS b FROM moments`},
	{name: "zone_month", query: `SELECT id, sum(k) OVER (PARTITION BY k ORDER BY at NULLS FIRST RANGE BETWEEN '1 month -1 hour' PRECEDING AND CURRENT ROW) AS a, max(id) OVER (ORDER BY at RANGE BETWEEN '1 day' FOLLOWING AND '7 mons' FOLLOWING) AS b FROM moments`},
	{name: "zone_hours", query: `SELECT id, count(*) OVER (ORDER BY at RANGE '24 hours' PRECEDING) AS a FROM moments`},
	{name: "zone_computed", query: `SELECT id, count(*) OVER (ORDER BY at RANGE BETWEEN (SELECT by FROM far) PRECEDING AND (SELECT till FROM far) FOLLOWING) AS a FROM moments`},
}

// TestRangeUnderTimeZone: how far a day goes depends on the night.
func TestRangeUnderTimeZone(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, zoneSchema)
	mustExec(t, conn, "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Europe/Berlin'); END$$")
	views, loose := caseViews(zoneCases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(8, 9)))
	r.loose = loose
	for range 40 {
		night := []string{"2024-03-30 12:00", "2024-10-26 12:00", "2024-02-29 00:00", "2023-12-31 23:30"}[r.rnd.IntN(4)]
		moment := fmt.Sprintf("timestamptz '%s' + %d * interval '30 min'", night, r.rnd.IntN(100))
		if r.rnd.IntN(8) == 0 {
			moment = []string{"NULL", "'infinity'", "'-infinity'"}[r.rnd.IntN(3)]
		}
		mustExec(t, r.conn, fmt.Sprintf(`INSERT INTO moments VALUES (%d, %s, %d) ON CONFLICT (id) DO UPDATE SET at = excluded.at`, r.rnd.IntN(20), moment, r.rnd.IntN(3)))
		switch r.rnd.IntN(4) {
		case 0:
			mustExec(t, r.conn, fmt.Sprintf(`DELETE FROM moments WHERE id = %d`, r.rnd.IntN(20)))
		case 1:
			spans := []string{"1 day", "1 mon", "24:00", "-1 day", "1 day -02:00", "0"}
			mustExec(t, r.conn, fmt.Sprintf(`DELETE FROM far; INSERT INTO far VALUES ('%s', '%s')`, spans[r.rnd.IntN(6)], spans[r.rnd.IntN(6)]))
		}
		r.feed(2)
		r.check()
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
			t.Errorf("view %s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
		}
	}
	if r.failed["zone_computed"] == 0 {
		t.Error("no offset was negative or NULL")
	}
}
