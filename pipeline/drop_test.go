package pipeline_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
)

func (f *fixture) drop(outputs bool) ([]string, error) {
	var removed []string
	err := pipeline.Drop(f.t.Context(), f.cfg, outputs, func(what string) {
		kind, _, _ := strings.Cut(what, " ")
		removed = append(removed, kind)
	})
	return removed, err
}

func (f *fixture) one(sql string) string {
	f.t.Helper()
	var out string
	if err := f.conn.QueryRow(f.t.Context(), sql).Scan(&out); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func TestDrop(t *testing.T) {
	f := newFixture(t, pairs, "v: SELECT g, sum(n) FROM a GROUP BY g")
	stop := f.start()
	if _, err := f.drop(true); err == nil || !strings.Contains(err.Error(), `stop "stepping-cdc run" first`) {
		t.Errorf("while it runs: %v", err)
	}
	if !f.verify(verify.Options{}).Equal() {
		t.Error("the refused drop has changed something")
	}
	stop()
	// Without outputs, their tables stay.
	removed, err := f.drop(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"schema", "slot", "publication", "state"}, removed); diff != "" {
		t.Error(diff)
	}
	if n := f.one(`SELECT count(*)::text FROM stepping.v`); n != "3" {
		t.Errorf("%s rows are left", n)
	}
	if _, err := os.Stat(f.cfg.State.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("state: %v", err)
	}
	if removed, err = f.drop(true); err != nil || removed != nil {
		t.Errorf("again: %v, %v", removed, err)
	}
}

// Nothing of somebody else's goes: a table that is not ours, a schema with
// something else in it, a publication kept by a DBA, a slot of another plugin.
func TestDropLeavesWhatIsNotOurs(t *testing.T) {
	f := newFixture(t, pairs, "v: SELECT k FROM a")
	f.start()()
	f.exec(`CREATE TABLE stepping.mine (x int)`)
	f.cfg.Source.ManagePublication = false
	removed, err := f.drop(true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"table", "schema", "slot", "state"}, removed); diff != "" {
		t.Error(diff)
	}
	if n := f.one(`SELECT count(*)::text FROM stepping.mine`) + f.one(`SELECT count(*)::text FROM pg_publication`); n != "01" {
		t.Errorf("%s", n)
	}

	f.exec(`SELECT pg_create_physical_replication_slot('` + f.cfg.Source.Slot + `')`)
	t.Cleanup(func() { f.conn.Exec(context.Background(), `SELECT pg_drop_replication_slot($1)`, f.cfg.Source.Slot) })
	if _, err := f.drop(true); err == nil || !strings.Contains(err.Error(), "belongs to something else") {
		t.Errorf("%v", err)
	}
}
