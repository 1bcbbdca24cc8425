package plan_test

import (
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// What Postgres writes of a view is not always the view: rows within rows are compared as
// records, whose NULLs are equal, and its text says nothing of that.
var adoptedDefinitions = []string{
	`SELECT id, (a, ROW(b, 1.0)) = (a, ROW(c, n)) AS x FROM rows_in_rows`,
	`SELECT id, (a, ROW(b)) <> (1, ROW(c)) AS x, NOT ROW(ROW(b, c)) = ROW(ROW(c, b)) AS y FROM rows_in_rows`,
	`SELECT id FROM rows_in_rows WHERE ROW(ROW(a, b)) = ROW(ROW(a, c)) OR (n, ROW(a, ROW(b))) IN ((1.0, ROW(a, ROW(c))), (2, ROW(NULL::int, ROW(b))))`,
	`SELECT l.id, (r.a, ROW(r.b, 'x = ROW('::text)) = (1, ROW(l.b, 'x = ROW('::text)) AS x FROM rows_in_rows l LEFT JOIN rows_in_rows r ON ROW(ROW(l.a)) = ROW(ROW(r.a)) AND r.id > 2`,
	`SELECT a, CASE WHEN (1, ROW(a, max(n))) = (1, ROW(a, NULL::numeric)) THEN 'none' ELSE 'some' END AS x FROM rows_in_rows GROUP BY a HAVING (2, ROW(a)) = (2, ROW(a))`,
	`SELECT id, (a, ROW(b)) IS DISTINCT FROM (a, ROW(c)) AS x, (a, ROW(b)) IS NOT DISTINCT FROM (1, ROW(c)) AS y, (a, ROW(b, n)) < (a, ROW(c, 1.0)) AS z, (a, ROW(b)) >= (1, ROW(c)) AS o FROM rows_in_rows`,
	`SELECT id, ROW(ROW(a, b) = ROW(1, NULL), ROW(ROW(b)) = ROW(ROW(c))) = ROW(NULL::bool, true) AS x, ROW(ROW(ROW(ROW(a)) = ROW(ROW(a)))) = ROW(ROW(true)) AS y FROM rows_in_rows`,
	`SELECT id, ROW(a, b) = ANY (SELECT 1, c FROM rows_in_rows) AS x, ROW(a, ROW(b)) IN (SELECT a, ROW(c) FROM rows_in_rows) AS y, ROW(a, b) = ANY (ARRAY[ROW(1, c), ROW(a, b)]) AS z FROM rows_in_rows`,
}

// TestAdoptedIsTheView asks Postgres for views and for the queries that are adopted in their
// places.
func TestAdoptedIsTheView(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE TABLE rows_in_rows (id int PRIMARY KEY, a int, b text, c text, n numeric);
		INSERT INTO rows_in_rows SELECT row_number() OVER (), a, b, c, n
		FROM (VALUES (1), (2), (NULL)) a(a), (VALUES ('x'), (NULL)) b(b), (VALUES ('x'), ('y'), (NULL)) c(c), (VALUES (1.0), (NULL)) n(n)`)
	for _, kind := range []string{"VIEW", "MATERIALIZED VIEW"} {
		for _, query := range adoptedDefinitions {
			mustExec(t, conn, "CREATE "+kind+" adoptable AS "+query)
			a, err := plan.Analyze(t.Context(), conn, []plan.View{{Name: "v", From: "public.adoptable"}}, plan.Reserved{"stepping"})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Problems) > 0 {
				t.Fatalf("%s\n%v", query, a.Problems)
			}
			var different, rows int
			err = conn.QueryRow(t.Context(), `WITH own AS (SELECT * FROM adoptable), adopted AS (`+a.Outputs[0].Query+`)
				SELECT (SELECT count(*) FROM ((TABLE own EXCEPT ALL TABLE adopted) UNION ALL (TABLE adopted EXCEPT ALL TABLE own)) d), (SELECT count(*) FROM own)`).Scan(&different, &rows)
			if err != nil {
				t.Fatalf("%s\n%v", a.Outputs[0].Query, err)
			}
			if different > 0 || rows == 0 {
				t.Errorf("%s of %d rows: %d differ from those of\n%s\nwhich is adopted as\n%s", kind, rows, different, query, a.Outputs[0].Query)
			}
			mustExec(t, conn, "DROP "+kind+" adoptable")
		}
	}
}

// TestAdoptedOrderOfRecords adopts what Postgres writes like another query.
func TestAdoptedOrderOfRecords(t *testing.T) {
	conn := connect(t, embedded.NewDB(t))
	mustExec(t, conn, `CREATE TABLE t (id int PRIMARY KEY, a int)`)
	for query, refused := range map[string]bool{
		`SELECT id FROM t WHERE ROW(ROW(id, a)) < ROW(ROW(a, 1))`:                    true,
		`SELECT id FROM t WHERE EXISTS (SELECT WHERE ROW(ROW(id)) >= ROW(ROW(a)))`:   true,
		`SELECT id FROM t WHERE ROW(id, a) < ROW(a, 1)`:                              false,
		`SELECT id FROM t WHERE ROW(id, ROW(a)) < ROW(a, ROW(1))`:                    false,
		`SELECT id FROM t WHERE (id, ROW(a, 1)) = (a, ROW(1, 1)) OR ROW(a) = ROW(1)`: false,
	} {
		mustExec(t, conn, "CREATE VIEW adoptable AS "+query)
		a, err := plan.Analyze(t.Context(), conn, []plan.View{{Name: "v", From: "adoptable"}}, plan.Reserved{"stepping"})
		if err != nil {
			t.Fatal(err)
		}
		said := len(a.Problems) == 1 && strings.Contains(a.Problems[0].Message, "order of rows within rows")
		if said != refused || !refused && len(a.Problems) > 0 {
			t.Errorf("%s: %v", query, a.Problems)
		}
		mustExec(t, conn, "DROP VIEW adoptable")
	}
}
