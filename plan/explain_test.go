package plan_test

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/explain"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// TestExplain compares what is shown of views.
func TestExplain(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), randomview.Schema)
	var views []plan.View
	var prog *plan.Program
	datadriven.RunTest(t, "testdata/explain", func(t *testing.T, d *datadriven.TestData) string {
		name := d.CmdArgs[0].Key
		if d.Cmd == "view" {
			views = append(views, plan.View{Name: name, Query: d.Input})
			return ""
		}
		if prog == nil {
			prog = plan.Compile(analyze(t, dsn, views).Outputs, nil)
		}
		for _, v := range prog.Views {
			if v.Name == name {
				var format string
				d.ScanArgs(t, "format", &format)
				s, err := explain.View(v, prog.Views, format)
				if err != nil {
					return "error: " + err.Error()
				}
				return s
			}
		}
		t.Fatalf("no view %s", name)
		return ""
	})
}
