package pipeline

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// TestSlotIsKeptForFailover: where the server can hand a slot over to a standby, ours
// is made for it, and one that was not is changed.
func TestSlotIsKeptForFailover(t *testing.T) {
	w := newWorld(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)`)
	w.view("rows", `SELECT id FROM t`)
	w.run(Options{})
	w.check()
	const failover = "SELECT coalesce((to_jsonb(s)->>'failover')::bool, false) FROM pg_replication_slots s WHERE slot_name = $1"
	want := embedded.ForTest(t).Major() >= 17
	if got := ask[bool](w, w.conn, failover, w.slot); got != want {
		t.Fatalf("failover is %v, want %v", got, want)
	}
	if !want {
		return
	}
	w.halt()
	// A copy has the position, and not that mark.
	w.exec("SELECT pg_copy_logical_replication_slot($1, $2)", w.slot, w.slot+"_copy")
	w.slot += "_copy"
	if ask[bool](w, w.conn, failover, w.slot) {
		t.Fatal("a copied slot is for failover: the test shows nothing")
	}
	w.exec("INSERT INTO t VALUES (2)")
	w.run(Options{})
	w.check()
	if !ask[bool](w, w.conn, failover, w.slot) {
		t.Error("the slot was not changed")
	}
}
