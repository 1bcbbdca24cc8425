package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/values"
)

const closureQuery = `WITH RECURSIVE t AS (SELECT l, r FROM e UNION SELECT e.l, t.r FROM e JOIN t ON e.r = t.l) SELECT * FROM t`

// TestRecursiveDeltas: exactly which rows change, transaction by transaction.
func TestRecursiveDeltas(t *testing.T) {
	type step struct{ sql, want string }
	for _, c := range []struct {
		name, schema, query string
		steps               []step
	}{
		{"closure", `CREATE TABLE e (l int, r int)`, closureQuery, []step{
			{"INSERT INTO e VALUES (0, 1), (1, 2), (2, 3)", "+(0, 1) +(0, 2) +(0, 3) +(1, 2) +(1, 3) +(2, 3)"},
			{"INSERT INTO e VALUES (0, 4), (1, 5)", "+(0, 4) +(0, 5) +(1, 5)"},
			{"INSERT INTO e VALUES (0, 1), (1, 2), (2, 3), (0, 4), (1, 5)", ""},
			{"DELETE FROM e WHERE ctid = (SELECT min(ctid) FROM e WHERE l = 1 AND r = 2)", ""},
			{"DELETE FROM e WHERE l = 1 AND r = 2", "-(0, 2) -(0, 3) -(1, 2) -(1, 3)"},
		}},
		{"diamond", `CREATE TABLE e (l int, r int)`, closureQuery, []step{
			{"INSERT INTO e VALUES (0, 1), (0, 2), (1, 3), (2, 3)", "+(0, 1) +(0, 2) +(0, 3) +(1, 3) +(2, 3)"},
			{"DELETE FROM e WHERE l = 1 AND r = 3", "-(1, 3)"},
		}},
		{"cycles", `CREATE TABLE e (l int, r int)`, closureQuery, []step{
			{"INSERT INTO e VALUES (3, 3)", "+(3, 3)"},
			{"INSERT INTO e VALUES (3, 0)", "+(3, 0)"},
			{"DELETE FROM e WHERE r = 0", "-(3, 0)"},
			{"INSERT INTO e VALUES (0, 1), (1, 2), (2, 0)", "+(0, 0) +(0, 1) +(0, 2) +(1, 0) +(1, 1) +(1, 2) +(2, 0) +(2, 1) +(2, 2)"},
			{"DELETE FROM e WHERE l = 2", "-(0, 0) -(1, 0) -(1, 1) -(2, 0) -(2, 1) -(2, 2)"},
		}},
		{"types", `CREATE TABLE class (id text); CREATE TABLE attr (id text, key text, value text)`,
			`WITH RECURSIVE dep(id, on_id) AS (SELECT a.id, a.value FROM attr a JOIN class c ON c.id = a.value
				UNION SELECT d.id, a.value FROM dep d JOIN attr a ON a.id = d.on_id JOIN class c ON c.id = a.value)
			SELECT c.id, d.deps FROM class c LEFT JOIN (SELECT id, array_agg(on_id ORDER BY on_id) AS deps FROM dep GROUP BY id) d ON d.id = c.id`,
			[]step{
				{"INSERT INTO class VALUES ('A'), ('B'), ('C'), ('D'), ('E'); INSERT INTO attr VALUES ('B', 'x', 'A'), ('C', 'y', 'B'), ('D', 'z', 'A')",
					"+(A, NULL) +(B, {A}) +(C, {A,B}) +(D, {A}) +(E, NULL)"},
				{"DELETE FROM class WHERE id = 'E'", "-(E, NULL)"},
				{"DELETE FROM class WHERE id = 'B'; DELETE FROM attr WHERE id = 'B'", "+(C, NULL) -(B, {A}) -(C, {A,B})"},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := embedded.NewDB(t)
			mustExec(t, connect(t, dsn), c.schema)
			r := newRig(t, dsn, []plan.View{{Name: "v", Query: c.query}}, rand.New(rand.NewPCG(1, 1)))
			for _, s := range c.steps {
				before := zset{}
				for k, w := range r.outputs["v"] {
					before[k] = w
				}
				mustExec(t, r.conn, s.sql)
				r.feed(1)
				r.check()
				if got := showChanges(t, r, before); got != s.want {
					t.Fatalf("%s\n%s\nwant\n%s", s.sql, got, s.want)
				}
			}
		})
	}
}

// showChanges lists how the output of the rig's first view differs from before.
func showChanges(t *testing.T, r *rig, before zset) string {
	t.Helper()
	var out []string
	show := func(key string, w int64) {
		row, err := values.DecodeRow([]byte(key), nil)
		if err != nil {
			t.Fatal(err)
		}
		var cols []string
		for i, c := range r.prog.Views[0].Columns {
			text := []byte("NULL")
			if !row[i].IsNull() {
				if text, err = values.AppendText(nil, c.Type, row[i]); err != nil {
					t.Fatal(err)
				}
			}
			cols = append(cols, string(text))
		}
		sign := "+"
		if w < 0 {
			sign, w = "-", -w
		}
		s := fmt.Sprintf("%s(%s)", sign, strings.Join(cols, ", "))
		if w > 1 {
			s += fmt.Sprintf("×%d", w)
		}
		out = append(out, s)
	}
	now := r.outputs["v"]
	for key, w := range now {
		if w != before[key] {
			show(key, w-before[key])
		}
	}
	for key, w := range before {
		if _, ok := now[key]; !ok {
			show(key, -w)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
