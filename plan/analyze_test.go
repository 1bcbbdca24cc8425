package plan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

func problems(t *testing.T, conn *pgx.Conn, views ...plan.View) string {
	t.Helper()
	a, err := plan.Analyze(t.Context(), conn, views, plan.Reserved{"stepping"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range a.Problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func expect(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(got, w) {
			t.Errorf("expected %q in\n%s", w, got)
		}
	}
	if n := strings.Count(got, "\n"); n != len(wants) {
		t.Errorf("%d problems, expected %d:\n%s", n, len(wants), got)
	}
}

// TestAllProblemsAtOnce: the problems of all views are told, not those of the
// first; and the analysis leaves nothing behind.
func TestAllProblemsAtOnce(t *testing.T) {
	conn := connect(t, embedded.NewDB(t))
	mustExec(t, conn, randomview.Schema)
	got := problems(t, conn,
		plan.View{Name: "a", Query: "SELECT id, timeofday(), random() AS r FROM orders"},
		plan.View{Name: "b", Query: "SELECT nothing FROM orders"},
		plan.View{Name: "good", Query: "SELECT id FROM orders"},
		plan.View{Name: "c", Query: "SELECT id FROM b"},
		plan.View{Name: "d", Query: "SELECT id FROM good, d"},
		plan.View{Name: "e", From: "app.missing"},
		plan.View{Name: "h 1", Query: "SELECT 1 AS id\nFROM \"h 2\""},
		plan.View{Name: "h 2", Query: "SELECT id FROM h3, good"},
		plan.View{Name: "h3", Query: "SELECT id FROM (SELECT id FROM \"h 1\") x"},
		plan.View{Name: "i", Query: "SELECT id FROM H3"},
		plan.View{Name: "j", Query: "SELECT id FROM app.h3"},
		plan.View{Name: "f", From: "public.orders"},
		plan.View{Name: "g", From: "not; a name"},
	)
	expect(t, got, `view a, line 1 column 12: timeofday() differs from row to row`, `view a, line 1 column 25: random() is VOLATILE`,
		`view b, line 1 column 8: column "nothing" does not exist`, `view c, line 1 column 16: view b, which it reads, has a problem of its own`,
		`view d, line 1 column 22: the view reads itself`, `view e: from: relation "app.missing" does not exist`,
		`view h 1, line 2 column 6: the view reads itself: h 1 → h 2 → h3 → h 1`, `view h 2, line 1 column 16: the view reads itself: h 2 → h3 → h 1 → h 2`,
		`view h3, line 1 column 32: the view reads itself: h3 → h 1 → h 2 → h3`, `view i, line 1 column 16: view h3, which it reads, has a problem of its own`,
		`view j, line 1 column 16: relation "app.h3" does not exist`,
		`view f: from: public.orders is not a view`, `view g: from: `)
	var left int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relpersistence = 't'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d temporary relations left, %v", left, err)
	}
}

// TestNames: a maintained view's name that also names a relation is refused
// where it is read without a schema, in whatever order the views are listed.
func TestNames(t *testing.T) {
	conn := connect(t, embedded.NewDB(t))
	mustExec(t, conn, randomview.Schema)
	over := plan.View{Name: "over", Query: "SELECT id FROM orders"}
	hides := plan.View{Name: "orders", Query: "SELECT id, qty FROM public.orders"}
	const want = `view over, line 1 column 16: "orders" can mean the maintained view or the relation public.orders`
	expect(t, problems(t, conn, hides, over), want)
	expect(t, problems(t, conn, over, hides), want)
	over.Query = "SELECT id FROM public.orders"
	expect(t, problems(t, conn, over, hides))
	odd := plan.View{Name: `odd "name'; DROP TABLE x`, Query: "SELECT id FROM public.orders"}
	expect(t, problems(t, conn, odd, plan.View{Name: "reads", Query: `SELECT id FROM "odd ""name'; DROP TABLE x"`}))
}

// TestPrivileges: what Postgres refuses the role is a problem of the view. (That
// it may read the tables themselves is for replication to check.)
func TestPrivileges(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema)
	mustExec(t, conn, `CREATE ROLE plan_reader LOGIN; GRANT SELECT ON customers TO plan_reader`)
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), `DROP OWNED BY plan_reader; DROP ROLE plan_reader`); err != nil {
			t.Error(err)
		}
	})
	mustExec(t, conn, `SET ROLE plan_reader`)
	expect(t, problems(t, conn, plan.View{Name: "w", Query: "SELECT id FROM customers"}, plan.View{Name: "x", Query: "SELECT * FROM app.inner_view"}),
		"view x, line 1 column 15: permission denied for schema app — grant")
	mustExec(t, conn, `RESET ROLE`)
}

// lost is an evaluator without a connection.
type lost struct {
	remote *remote.Evaluator
	down   bool
}

var errDown = errors.New("no connection")

func (l *lost) EvalRemote(ctx context.Context, call *expr.Remote, args [][]values.Datum) ([]values.Datum, error) {
	if l.down {
		return nil, errDown
	}
	return l.remote.EvalRemote(ctx, call, args)
}

// TestLostConnection: without Postgres a step that needs it fails, leaves no
// trace, and succeeds when tried again.
func TestLostConnection(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	for name, query := range map[string]string{
		"aggregate": `SELECT region, mode() WITHIN GROUP (ORDER BY name) AS first, count(*) AS n FROM customers GROUP BY region`,
		"order":     `SELECT region, min(name COLLATE "en-x-icu") AS first, count(*) AS n FROM customers GROUP BY region`,
	} {
		t.Run(name, func(t *testing.T) { lostConnection(t, dsn, query) })
	}
}

func lostConnection(t *testing.T, dsn, query string) {
	a := analyze(t, dsn, []plan.View{{Name: "v", Query: query}})
	eval := &lost{remote: remote.New(dsn, a.Settings)}
	t.Cleanup(func() { _ = eval.remote.Close(context.Background()) })
	prog := plan.Compile(a.Outputs, eval)
	store := state.NewMemory(state.Options{})
	c, err := prog.Builder.Build(store, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	step := func(id int64, name string) (rows int, err error) {
		batch := store.NewBatch()
		defer batch.Close()
		in := circuit.NewBatch(3, 1)
		in.Append([]values.Datum{values.Int(id), values.String("north"), values.String(name)}, 1)
		outs, err := c.Step(t.Context(), map[string]*circuit.Batch{prog.Sources[0].Name: in}, batch)
		if err != nil {
			return 0, err
		}
		for _, o := range outs {
			rows += o.Batch.Len()
			if o.Name != "v" {
				t.Errorf("output %s has rows", o.Name)
			}
		}
		_, err = batch.Commit()
		return rows, err
	}
	if n, err := step(1, "b"); err != nil || n != 1 {
		t.Fatalf("%d rows, %v", n, err)
	}
	eval.down = true
	for range 2 {
		if _, err := step(2, "a"); !errors.Is(err, errDown) {
			t.Fatalf("expected the connection's error, have %v", err)
		}
	}
	eval.down = false
	if n, err := step(2, "a"); err != nil || n != 2 {
		t.Fatalf("%d rows, %v", n, err)
	}
}
