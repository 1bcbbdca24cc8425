package tpch

import (
	"strings"
	"testing"
)

func TestDense(t *testing.T) {
	for i := 0; i < len(dense); i += 2 {
		if !strings.Contains(queries, dense[i]) {
			t.Errorf("no query has %q", dense[i])
		}
	}
	standard, dense := Queries(), Dense()
	if len(standard) != 22 || len(dense) != 22 {
		t.Fatalf("%d and %d queries", len(standard), len(dense))
	}
	for i, name := range map[int]string{1: "q2", 16: "q17", 19: "q20"} {
		if standard[i].Name != name || dense[i].Name != name || standard[i].Query == dense[i].Query {
			t.Errorf("%s: %s\n%s: %s", standard[i].Name, standard[i].Query, dense[i].Name, dense[i].Query)
		}
	}
}
