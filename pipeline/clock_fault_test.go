package pipeline

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wallClock are the functions that read or compare the time of day, and why a jump
// of the clock does no harm there.
var wallClock = map[string]string{
	"replication/status.go status":  "what we tell the server of our clock; it only shows it",
	"pipeline/log.go write":         "a commit's own time, carried along",
	"pipeline/log.go logHeads":      "a commit's own time, carried along",
	"pipeline/follow.go behind":     "compared with the source's clock, to wait 10 ms for more or not",
	"pipeline/verify/verify.go run": "a deadline, kept with its monotonic reading",
	"sink/sink.go lock":             "a deadline, kept with its monotonic reading",
	"sink/sink.go String":           "the views' time, which is the source's, shown",
	"dashboard/page.go freshness":   "shown: by the program's clock against the source's",
	"decode/parser.go time":         "a commit's own time",
	"pipeline/clock.go now":         "the source's clock, counted on by the monotonic one",
	"pipeline/clock.go untilTick":   "the same",
	"pipeline/follow.go observe":    "the views' time, which is the source's, shown",
	"dashboard/metrics.go Collect":  "the same",
	"pipeline/pace.go note":         "times of this process, kept as they were",
	"pipeline/pace.go pace":         "times of this process, kept as they were",
	"sink/apply.go moveProgress":    "a commit's own time, carried along",
}

// TestNoClockIsTrusted: setting the clock of the program's machine forwards or back
// changes nothing but what is shown. Time-outs and pauses are measured by Go's
// monotonic clock, which a jump does not touch, as long as nobody makes a time from
// numbers, or numbers from a time. So each place that does is listed here.
func TestNoClockIsTrusted(t *testing.T) {
	suspicious := []string{"Unix", "UnixMilli", "UnixMicro", "UnixNano", "Sub", "Before", "After"}
	found := map[string]bool{}
	for _, dir := range []string{"replication", "decode", "state", "sink", "pipeline", "dashboard"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "test/") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				ast.Inspect(f, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					sel, ok := call.Fun.(*ast.SelectorExpr)
					if !ok || !slices.Contains(suspicious, sel.Sel.Name) {
						return true
					}
					// time.After is a timer.
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && sel.Sel.Name == "After" {
						return true
					}
					found[strings.TrimPrefix(path, "../")+" "+f.Name.Name] = true
					return true
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for place := range found {
		if wallClock[place] == "" {
			t.Errorf("%s works with the time of day; is it right when the clock is set? Use time.Since of a time.Time that was kept as it was, or say here why not", place)
		}
	}
	for place := range wallClock {
		if !found[place] {
			t.Errorf("%s is listed, and is not there", place)
		}
	}
}
