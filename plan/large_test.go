package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// largeQueries are queries of a size that only programs write.
func largeQueries() []viewCase {
	repeat := func(n int, sep string, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, sep)
	}
	nested := "SELECT id, qty FROM orders"
	exists := "true"
	for i := range 100 {
		nested = fmt.Sprintf("SELECT id, qty + %d AS qty FROM (%s) x%d WHERE qty <> %d", i%2, nested, i, 1000+i)
	}
	for i := range 30 {
		exists = fmt.Sprintf("EXISTS (SELECT FROM orders o%[1]d WHERE o%[1]d.id >= o.id AND %[2]s)", i, exists)
	}
	return []viewCase{
		{name: "deep_views", query: `SELECT * FROM level100`},
		{name: "union_branches", query: repeat(200, " UNION ALL ", func(i int) string { return fmt.Sprintf("SELECT id, %d AS k FROM orders WHERE qty = %[1]d", i) })},
		{name: "union_distinct", query: repeat(200, " UNION ", func(i int) string { return fmt.Sprintf("SELECT id + %d AS id FROM orders", i%7) })},
		{name: "long_list", query: "SELECT id FROM orders WHERE id IN (" + repeat(10_000, ", ", func(i int) string { return fmt.Sprint(3 * i) }) + ")"},
		{name: "long_text_list", query: "SELECT id FROM orders WHERE note NOT IN (" + repeat(10_000, ", ", func(i int) string { return fmt.Sprintf("'k%d'", i) }) + ")"},
		{name: "long_or", query: "SELECT id FROM orders WHERE " + repeat(1000, " OR ", func(i int) string { return fmt.Sprintf("(id = %d AND qty < %d)", 2*i, i) })},
		{name: "long_values", query: "SELECT v.k, o.qty FROM (VALUES " + repeat(2000, ", ", func(i int) string { return fmt.Sprintf("(%d, 'v%d')", i, i) }) + ") v(k, t) JOIN orders o ON o.id = v.k"},
		{name: "nested_selects", query: nested},
		{name: "nested_exists", query: "SELECT id FROM orders o WHERE " + exists},
		{name: "many_scalars", query: "SELECT id, " + repeat(60, ", ", func(i int) string {
			return fmt.Sprintf("(SELECT count(*) FROM orders p WHERE p.id > o.id + %d) AS c%[1]d", i)
		}) + " FROM orders o"},
		{name: "many_joins", query: "SELECT o0.id FROM orders o0 " + repeat(39, " ", func(i int) string { return fmt.Sprintf("JOIN orders o%d ON o%[1]d.id = o%d.id", i+1, i) })},
		{name: "many_columns", query: "SELECT " + repeat(1000, ", ", func(i int) string { return fmt.Sprintf("qty + %d AS c%[1]d", i) }) + " FROM orders"},
		{name: "many_ctes", query: "WITH c0 AS (SELECT id FROM orders)" + repeat(25, "", func(i int) string {
			return fmt.Sprintf(", c%d AS (SELECT a.id FROM c%d a JOIN c%[2]d b USING (id))", i+1, i)
		}) + " SELECT id FROM c25"},
		{name: "long_sum", query: "SELECT id, " + repeat(500, " + ", func(i int) string { return fmt.Sprintf("qty * %d::bigint", i) }) + " AS s FROM orders"},
	}
}

// TestLargeQueries: what a query costs to analyze and to compile grows with its
// text, not with the number of ways through it.
func TestLargeQueries(t *testing.T) {
	const limit = 20 * time.Second // of a busy machine; the slowest takes about one
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema+"CREATE VIEW level0 AS SELECT id, qty FROM orders;")
	for i := range 100 {
		mustExec(t, conn, fmt.Sprintf("CREATE VIEW level%d AS SELECT id, qty FROM level%d WHERE qty IS DISTINCT FROM %d", i+1, i, 1000+i))
	}
	for _, c := range largeQueries() {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			r := newRig(t, dsn, []plan.View{{Name: c.name, Query: c.query}}, rand.New(rand.NewPCG(1, 1)))
			r.feed(1)
			r.check()
			mustExec(t, r.conn, "TRUNCATE orders; INSERT INTO orders (id, qty, note) SELECT i, i % 5, 'k' || i FROM generate_series(0, 9) i")
			r.feed(1)
			r.check()
			if took := time.Since(begin); took > limit {
				t.Errorf("took %s", took)
			} else {
				t.Log(took)
			}
		})
	}
}
