package plan_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/plan"
)

// namedQueries reads files of queries, each after a line "-- name: …" of its own.
func namedQueries(t testing.TB, paths ...string) []plan.View {
	t.Helper()
	var views []plan.View
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "-- name: ")[1:] {
			name, query, _ := strings.Cut(part, "\n")
			views = append(views, plan.View{Name: name, Query: query})
		}
	}
	return views
}

// history counts in how many rounds each view's output was another one than before.
type history struct {
	last    map[string]zset
	changed map[string]int
}

// see notes what the rig's outputs are now.
func (h *history) see(r *rig) {
	if h.last == nil {
		h.last, h.changed = map[string]zset{}, map[string]int{}
	}
	for _, v := range r.prog.Views {
		now := r.outputs[v.Name]
		if last, seen := h.last[v.Name]; seen && !maps.Equal(last, now) {
			h.changed[v.Name]++
		}
		h.last[v.Name] = maps.Clone(now)
	}
}

// alive fails the test for each view that was empty or the same throughout.
func (h *history) alive(r *rig) {
	r.t.Helper()
	for _, v := range r.prog.Views {
		if r.filled[v.Name] == 0 {
			r.t.Errorf("%s never had a row", v.Name)
		}
		if h.changed[v.Name] == 0 {
			r.t.Errorf("%s never changed", v.Name)
		}
		r.t.Logf("%s: %d rows in all, changed %d times", v.Name, r.filled[v.Name], h.changed[v.Name])
	}
}
