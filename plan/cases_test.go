package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// TestCases: exactly which rows of an output each transaction changes. A case is
// the tables, a line of "=", and the query; a commit is a transaction.
func TestCases(t *testing.T) {
	var r *rig
	datadriven.RunTest(t, "testdata/cases", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "case":
			ddl, query, ok := strings.Cut(d.Input, "\n=\n")
			if !ok {
				d.Fatalf(t, "no line of =")
			}
			dsn := embedded.NewDB(t)
			mustExec(t, connect(t, dsn), ddl)
			r = newRig(t, dsn, []plan.View{{Name: "v", Query: query}}, rand.New(rand.NewPCG(1, 1)))
			r.check()
			return showChanges(t, r, zset{})
		case "commit":
			before := maps.Clone(r.outputs["v"])
			mustExec(t, r.conn, d.Input)
			r.feed(1)
			r.check()
			return showChanges(t, r, before)
		}
		d.Fatalf(t, "unknown command %s", d.Cmd)
		return ""
	})
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
	return strings.Join(out, "\n")
}
