package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

const lazySchema = `
CREATE TABLE marks (id int PRIMARY KEY, g int, n int, note text);
CREATE SCHEMA app;
CREATE FUNCTION app.fussy(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF n = 0 THEN RAISE EXCEPTION 'fussy' USING ERRCODE = 'P0077'; END IF; RETURN 12 / n; END$$;
`

// lazyCalls are calls over a window of which an argument, @, fails for some rows.
var lazyCalls = []string{
	"lag(@)", "lag(@, 2)", "lead(@)", "lead(@, 2)", "lag(@, 0)", "lag(@, -1)", "lag(@, NULL)", "lag(id, @)", "lead(@, g)", "lag(id, 1, @)", "lead(@, 1, @)", "lag(id, 100, @)",
	"first_value(@)", "last_value(@)", "nth_value(@, 2)", "nth_value(@, 3)", "nth_value(id, @)", "nth_value(@, g)", "ntile(@)", "ntile(abs(@) + 1)",
	"sum(@)", "count(@)", "avg(@)", "min(@)", "max(@)", "bool_and(@ > 1)", "bit_or(@)", "array_agg(@)", "string_agg(note || @, ',')", "max(note || @)", "json_agg(@)", "range_agg(int4range(0, abs(@)))",
	"sum(id) FILTER (WHERE @ > 1)", "max(id) FILTER (WHERE @ > 1)", "sum(@) FILTER (WHERE n <> 0)", "count(*) FILTER (WHERE @ > id)", "sum(@) FILTER (WHERE @ > 1)", "json_agg(id) FILTER (WHERE @ > 1)",
	"sum(@) OVER w + lag(@)", "coalesce(lag(@) OVER w, lead(id) OVER w) + lag(id)",
}

// lazyView is some such calls over one window.
func lazyView(r *rand.Rand) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	fails := one("12 / n", "12 / n", "12 / (n - 1)", "app.fussy(n)", "(CASE WHEN id % 2 = 0 THEN 12 / n ELSE 3 END)")
	kinds := []string{"UNBOUNDED PRECEDING", "%s PRECEDING", "CURRENT ROW", "%s FOLLOWING", "UNBOUNDED FOLLOWING"}
	from := r.IntN(4)
	to := max(1, from) + r.IntN(5-max(1, from))
	bound := func(kind int, offsets ...string) string {
		return strings.Replace(kinds[kind], "%s", one(offsets...), 1)
	}
	frame := fmt.Sprintf(" %s BETWEEN %s AND %s", one("ROWS", "ROWS", "GROUPS", "RANGE"), bound(from, "1", "2", "(SELECT 1)"), bound(to, "2", "3")) + one("", "", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES")
	if r.IntN(4) == 0 {
		frame = ""
	}
	order := " ORDER BY id" + one("", " DESC")
	if r.IntN(8) == 0 && frame == "" {
		order = " ORDER BY 12 / (n - 5), id"
	}
	if r.IntN(8) == 0 && !strings.Contains(frame, "RANGE") { // rows of different fields
		order = " ORDER BY CASE WHEN id > 8 THEN ROW(1, g) ELSE ROW(2, note) END, id"
	}
	read := "marks"
	if r.IntN(3) == 0 {
		frame = strings.ReplaceAll(frame, "(SELECT 1)", "1") // a sub-query beside a sub-select is joined to what that computes
		read = one("SELECT id, g, n, note, @ AS x FROM marks WHERE id <> 3", "SELECT id, g, n, note, @ AS x FROM marks WHERE id <> 3",
			"SELECT m.id, g, n, note, @ AS x FROM marks m JOIN (VALUES (1), (2), (3), (5)) v(k) ON k = n", "SELECT *, @ AS x FROM (SELECT DISTINCT * FROM marks) m",
			"SELECT id, g, n, note, @ AS x FROM marks ORDER BY id", "SELECT DISTINCT id, g, n, note, @ AS x FROM marks", "SELECT id, g, n, note, @ AS x FROM marks GROUP BY id",
			"SELECT id, g, n, note, @ AS x FROM marks ORDER BY id LIMIT 99", "SELECT id, g, n, note, @ AS x, rank() OVER (ORDER BY id) AS r FROM marks", "WITH m AS MATERIALIZED (SELECT *, @ AS x FROM marks) SELECT * FROM m")
		read, fails = "("+strings.ReplaceAll(read, "@", fails)+") marks", "x"
	}
	var out []string
	for n := range 1 + r.IntN(3) {
		call := strings.ReplaceAll(lazyCalls[r.IntN(len(lazyCalls))], "@", fails)
		over := "w"
		if r.IntN(4) == 0 && read == "marks" { // of a sub-select's column, each window but the first asks for all rows
			over = one("(ORDER BY n, id)", "(PARTITION BY note ORDER BY g DESC, id)")
		}
		out = append(out, fmt.Sprintf("%s OVER %s AS v%d", strings.ReplaceAll(call, "OVER w", "OVER "+over), over, n))
	}
	return fmt.Sprintf("SELECT id, %s FROM %s WINDOW w AS (%s%s%s)", strings.Join(out, ", "), read, one("", "PARTITION BY g", "PARTITION BY g", "PARTITION BY 12 / (n - 5), g", "PARTITION BY CASE WHEN g = 1 THEN ROW(1, g) ELSE ROW(2, note) END"), order, frame)
}

// TestWindowArgumentsFailAsPostgres: an argument of a window function that fails is an error if a row asks for
// it, and only then. STEPPING_SEED says which windows, STEPPING_FRAMES how many times others.
func TestWindowArgumentsFailAsPostgres(t *testing.T) {
	forSeeds(t, 2, windowArgumentsFail)
}

func windowArgumentsFail(t *testing.T, seed uint64) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, lazySchema)
	rnd := rand.New(rand.NewPCG(seed, 78))
	var views []plan.View
	for i := range 60 {
		views = append(views, plan.View{Name: fmt.Sprintf("lazy_%d", i), Query: lazyView(rnd)})
	}
	r := newRig(t, dsn, views, rnd)
	write := func() string {
		id := rnd.IntN(16)
		switch rnd.IntN(8) {
		case 0, 1:
			return fmt.Sprintf("DELETE FROM marks WHERE id = %d", id)
		case 2:
			return "UPDATE marks SET n = 3 WHERE n < 2"
		case 3:
			return fmt.Sprintf("UPDATE marks SET n = %d WHERE id = %d", rnd.IntN(3), id)
		}
		return fmt.Sprintf("INSERT INTO marks VALUES (%d, %s, %s, 'x') ON CONFLICT (id) DO UPDATE SET g = excluded.g, n = excluded.n", id, []string{"NULL", "1", "1", "2"}[rnd.IntN(4)], []string{"NULL", "0", "1", "2", "2", "3", "4", "-3", "24"}[rnd.IntN(9)])
	}
	calm := 0
	for range 60 {
		for range 1 + rnd.IntN(3) {
			mustExec(t, r.conn, write())
		}
		r.feed(2)
		for _, v := range r.prog.Views {
			if diff := r.differs(v); diff != "" {
				t.Errorf("%s differs\n%s\n%s", v.Name, v.Query, diff)
			}
			if missed := r.missed[v.Name]; len(missed) > 0 {
				t.Errorf("%s has no error, Postgres says %s\n%s", v.Name, missed[0], v.Query)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, v := range views {
		if r.agreed[v.Name] > 0 && r.failed[v.Name] > 0 {
			calm++
		}
	}
	if calm < len(views)/2 {
		t.Errorf("only %d of %d views did and did not fail", calm, len(views))
	}
}
