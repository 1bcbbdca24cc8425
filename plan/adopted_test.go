package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// anotherQuery is what is said of a view whose text is not faithful.
const anotherQuery = "is another query than the view itself"

// refusals are the problems of views that are adopted from a schema.
func refusals(t *testing.T, dsn, schema string, names []string) map[string]plan.Problem {
	t.Helper()
	var views []plan.View
	for _, name := range names {
		views = append(views, plan.View{Name: "adopted " + name, From: pgx.Identifier{schema, name}.Sanitize()})
	}
	a, err := plan.Analyze(t.Context(), connect(t, dsn), views, plan.Reserved{"stepping", "stepping_cdc"})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]plan.Problem{}
	for _, p := range a.Problems {
		out[strings.TrimPrefix(p.View, "adopted ")] = p
	}
	return out
}

// TestAdoptedViews: each view of viewCases can be adopted from the database, also after its
// tables were altered in ways that do not alter what it means; but not those whose text is
// another query.
func TestAdoptedViews(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema+`; CREATE SCHEMA shown; SET search_path = shown, public`)
	unfaithful := []string{
		"cube_of_one_twice", "rollup_of_equal", // the first of equal columns, twice
		"join_row_kept",      // the record of a join gets other names for its columns of one name
		"xml_table_defaults", // what is cast implicitly is cast otherwise
	}
	if majorVersion(t, conn) >= 17 {
		// Their trees are not what Postgres reads from its own text, alike in meaning as they may be.
		unfaithful = append(unfaithful, "json_query", "json_path_methods", "json_table_all")
	}
	frozen := []string{"whole_row_join", "join_row_missing", "join_row_missing_left", "join_row_missing_full", "join_row_missing_sub"} // the record of a join keeps the columns that there were
	var names []string
	pending := viewCases
	for len(pending) > 0 {
		var again []viewCase
		for _, c := range pending {
			if c.from != "" || c.since > majorVersion(t, conn) {
				continue
			}
			_, err := conn.Exec(t.Context(), "CREATE VIEW shown."+pgx.Identifier{c.name}.Sanitize()+" AS "+c.query)
			var pgErr *pgconn.PgError
			switch {
			case errors.As(err, &pgErr) && pgErr.Code == "42P01": // it reads a view that is not there yet
				again = append(again, c)
			case err != nil:
				t.Fatalf("%s: %v", c.name, err)
			default:
				names = append(names, c.name)
			}
		}
		if len(again) == len(pending) {
			t.Fatalf("%d views cannot be declared: %s …", len(again), again[0].query)
		}
		pending = again
	}
	check := func(unfaithful []string) {
		t.Helper()
		problems := refusals(t, dsn, "shown", names)
		for name, p := range problems {
			if p.Construct == "an order of rows within rows" { // refused for what it is: TestAdoptedOrderOfRecords
				continue
			}
			if !slices.Contains(unfaithful, name) || p.Remedy == "" {
				t.Errorf("view %s: %v", name, p)
			}
		}
		for _, name := range unfaithful {
			if problems[name].Message == "" && slices.Contains(names, name) {
				t.Errorf("view %s is adopted, which is another query", name)
			}
		}
	}
	check(unfaithful)
	for _, table := range []string{"orders", "customers", "everything", "edges", "products"} {
		mustExec(t, conn, `ALTER TABLE `+table+` ADD COLUMN since_then int`)
	}
	mustExec(t, conn, `ALTER TABLE orders RENAME customer_id TO buyer; ALTER TABLE customers RENAME TO buyers; ALTER TABLE lines RENAME order_id TO "Order"; ALTER FUNCTION app.label(text, int) RENAME TO labelled`)
	check(append(frozen, unfaithful...))
}

// TestAdoptedGroupingSets: of the views with grouping sets over equal expressions, exactly those
// are refused whose text Postgres reads as another query; materialized ones, too.
func TestAdoptedGroupingSets(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE SCHEMA shown; CREATE TABLE t (a int, b int, v varchar, j jsonb)`)
	refused := map[string]string{ // the place by name
		"cube":        `SELECT a AS x, a AS y, count(*) AS n FROM t GROUP BY CUBE (1, 2)`,
		"rollup":      `SELECT a + 1 AS x, a + 1 AS y, count(*) AS n FROM t GROUP BY ROLLUP (1, 2)`,
		"sets":        `SELECT a AS x, a AS y, count(*) AS n FROM t GROUP BY GROUPING SETS ((1), (2), ())`,
		"second_only": `SELECT a AS x, a AS y, b, count(*) AS n FROM t GROUP BY ROLLUP (3, 2), 1`,
		"within":      `SELECT s.x + 1 AS z, s.n FROM (SELECT a AS x, a AS y, count(*) AS n FROM t GROUP BY CUBE (1, 2)) s WHERE s.y IS NULL`,
		"in_cte":      `WITH c AS (SELECT a AS x, a AS y, count(*) AS n FROM t GROUP BY CUBE (1, 2)) SELECT * FROM c`,
		"in_union":    `SELECT 1 AS one UNION ALL SELECT x FROM (SELECT a AS x, a AS y FROM t GROUP BY CUBE (1, 2)) s`,
		"in_sublink":  `SELECT b FROM t WHERE b IN (SELECT coalesce(x, 0) + coalesce(y, 0) FROM (SELECT a AS x, a AS y FROM t GROUP BY CUBE (1, 2)) s)`,
	}
	kept := map[string]string{
		"cube_of_one":    `SELECT a, count(*) AS n FROM t GROUP BY CUBE (a, a)`,
		"rollup_of_one":  `SELECT a AS x, a AS y, count(*) AS n FROM t GROUP BY ROLLUP (a, a)`,
		"cube_of_two":    `SELECT a, b, count(*) AS n, GROUPING(b, a) AS g FROM t GROUP BY CUBE (a, b)`,
		"equal_outside":  `SELECT a AS x, a AS y, b, count(*) AS n FROM t GROUP BY ROLLUP (1, 3)`,
		"sets_of_first":  `SELECT a AS x, b, a AS y FROM t GROUP BY GROUPING SETS ((1, 2), (2), ())`,
		"between":        `SELECT a, b FROM t WHERE a BETWEEN 1 AND 3 AND b > 1 AND v IN ('a', 'b') AND v NOT IN ('c', 'd') AND a = ANY (SELECT b FROM t)`,
		"order_of_equal": `SELECT a AS x, a AS y, b FROM t ORDER BY 2, 1, 3 LIMIT 5`,
	}
	if majorVersion(t, conn) < 18 { // which keeps the list of the grouped expressions, each with a column of its own
		kept["group_of_equal"] = `SELECT a AS x, a AS y, count(*) AS n, row_number() OVER (PARTITION BY a ORDER BY count(*)) AS r FROM t GROUP BY 1, 2 ORDER BY 2, 1`
	}
	var names []string
	for _, queries := range []map[string]string{refused, kept} {
		for name, query := range queries {
			names = append(names, name, "m_"+name)
			mustExec(t, conn, "CREATE VIEW shown."+name+" AS "+query+"; CREATE MATERIALIZED VIEW shown.m_"+name+" AS "+query)
		}
	}
	problems := refusals(t, dsn, "shown", names)
	for _, name := range names {
		p, isRefused := problems[name]
		if _, expected := refused[strings.TrimPrefix(name, "m_")]; isRefused != expected {
			t.Errorf("view %s: refused %v: %v", name, isRefused, p)
		}
		if isRefused && (!strings.Contains(p.Message, anotherQuery) || p.Line == 0 || p.Remedy == "") {
			t.Errorf("view %s: %v", name, p)
		}
	}
}

// TestAdoptedNames: the text of an adopted view is not taken for another query because a
// maintained view has the name of a table in it.
func TestAdoptedNames(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int PRIMARY KEY); CREATE VIEW shown AS SELECT a FROM t`)
	a, err := plan.Analyze(t.Context(), conn, []plan.View{{Name: "t", Query: "SELECT a FROM u"}, {Name: "v", From: "shown"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Problems) != 1 || a.Problems[0].View != "v" {
		t.Errorf("problems: %v", a.Problems)
	}
}
