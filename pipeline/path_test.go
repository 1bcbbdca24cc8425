package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// variant is the same world at the same position, to be led on another way: with
// a copy of its state, of its outputs and of its slot.
func (w *world) variant(name string) *world {
	w.t.Helper()
	v := *w
	v.slot = w.slot + "_" + name
	v.dir = filepath.Join(w.t.TempDir(), name)
	cfg, err := pgx.ParseConfig(w.sink)
	if err != nil {
		w.t.Fatal(err)
	}
	db := cfg.Database + "_" + name
	v.sink = inDatabase(w.t, w.sink, db)
	w.exec("SELECT pg_copy_logical_replication_slot($1, $2)", w.slot, v.slot)
	w.exec("CREATE DATABASE " + db + " TEMPLATE " + cfg.Database)
	w.t.Cleanup(func() {
		if err := embedded.ForTest(w.t).DropDB(db); err != nil {
			w.t.Errorf("drop the copy of the outputs: %v", err)
		}
	})
	if err := os.CopyFS(v.dir, os.DirFS(w.dir)); err != nil {
		w.t.Fatal(err)
	}
	v.stop = nil
	return &v
}

// until runs the pipeline up to a position.
func (w *world) until(lsn decode.LSN, opts Options) {
	w.t.Helper()
	opts.UntilLSN = lsn
	w.start(opts)
	select {
	case err := <-w.done:
		w.stop = nil
		if err != nil {
			w.t.Fatalf("pipeline ended: %v", err)
		}
	case <-time.After(patience):
		w.t.Fatalf("%s is not reached after %v", lsn, patience)
	}
}

// outputs are the views' contents, to the byte.
func (w *world) outputs() map[string]string {
	w.t.Helper()
	conn := w.connect(w.sink)
	defer func() { _ = conn.Close(context.Background()) }()
	out := map[string]string{}
	for _, v := range w.views {
		out[v.Name] = ask[string](w, conn, fmt.Sprintf(`SELECT coalesce(string_agg(v::text, E'\n' ORDER BY v::text COLLATE "C"), '') FROM stepping.%s v`,
			pgx.Identifier{v.Name}.Sanitize()))
	}
	out["errors"] = ask[string](w, conn, `SELECT coalesce(string_agg(concat_ws('|', view, sqlstate, message, "row", weight), E'\n' ORDER BY view, "row", message), '') FROM stepping_cdc.errors`)
	return out
}

// integrals are digests of the state: traces, base traces, quarantines and error
// counts.
func (w *world) integrals() map[byte]string {
	w.t.Helper()
	store, err := state.Open(w.dir, state.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	out := map[byte]string{}
	for _, kind := range []byte{keyCircuit, keyBase, keyQuarantine, keyErrors} {
		h, n := sha256.New(), 0
		err := scan(store, []byte{kind}, func(k, v []byte) error {
			fmt.Fprintf(h, "%d %d ", len(k), len(v))
			h.Write(k)
			h.Write(v)
			n++
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
		out[kind] = fmt.Sprintf("%d keys, %s", n, hex.EncodeToString(h.Sum(nil)[:8]))
	}
	return out
}

// sameAs compares outputs and state with another way's.
func (w *world) sameAs(other *world, what string) {
	w.t.Helper()
	w.sameOutputs(other, what)
	if x, y := w.integrals(), other.integrals(); !maps.Equal(x, y) {
		w.t.Errorf("%s: state differs: %v, %v", what, x, y)
	}
}

// sameOutputs compares outputs with another way's.
func (w *world) sameOutputs(other *world, what string) {
	w.t.Helper()
	a, b := w.outputs(), other.outputs()
	for name := range a {
		if a[name] != b[name] {
			w.t.Errorf("%s: output %s differs:\n%.800s\n--\n%.800s", what, name, onlyIn(a[name], b[name]), onlyIn(b[name], a[name]))
		}
	}
}

func onlyIn(a, b string) []byte {
	have := map[string]bool{}
	for _, l := range bytes.Split([]byte(b), []byte("\n")) {
		have[string(l)] = true
	}
	var out []byte
	for _, l := range bytes.Split([]byte(a), []byte("\n")) {
		if !have[string(l)] {
			out = append(append(out, l...), '\n')
		}
	}
	return out
}

// newSink is a database that knows the types of the source, by other numbers.
func newSink(t *testing.T) string {
	dsn := embedded.NewDB(t)
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	execOn(t, conn, "CREATE DOMAIN posint AS int CHECK (VALUE > 0); CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
	return dsn
}

// TestPathIndependence leads one world on through the same history in different
// groups, chunks and restarts, and by a snapshot (law 3).
func TestPathIndependence(t *testing.T) { pathIndependence(t, randomViews, (*world).sameAs) }

// TestPathIndependenceOfLabels does it with views whose state holds labels: these
// may differ, and nothing else.
func TestPathIndependenceOfLabels(t *testing.T) {
	pathIndependence(t, labelledViews, (*world).sameOutputs)
}

func pathIndependence(t *testing.T, views []randomView, same func(w, other *world, what string)) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 0))
	w := newWorld(t, randomSchema)
	w.sink = newSink(t)
	w.addRandomViews(views)
	w.view("failing", `SELECT id, 100 / qty AS x FROM orders`)
	w.view("failing_sum", `SELECT account_id, sum(100 / qty) AS x FROM orders GROUP BY 1`)
	w.exec("UPDATE orders SET qty = 1 WHERE qty = 0")
	w.run(Options{})
	w.halt()
	single, large, chunked, pieces, given, restarted, parted := w.variant("single"), w.variant("large"), w.variant("chunked"), w.variant("pieces"), w.variant("given"), w.variant("restarted"), w.variant("parted")

	history := func(n int) decode.LSN {
		randomSession(w.conn, rnd, n)
		w.exec("INSERT INTO events SELECT i % 7, 'bulk', i / 7.0, i % 3, NULL FROM generate_series(1, 800) i")
		// Errors come and go, within one group and across.
		w.exec("INSERT INTO orders (id, account_id, qty) VALUES (100, 1, 0) ON CONFLICT (id) DO UPDATE SET qty = 0")
		w.exec("UPDATE orders SET qty = 7 WHERE qty = 0")
		w.exec("UPDATE orders SET qty = 0 WHERE id = 100")
		randomSession(w.conn, rnd, n)
		w.exec("BEGIN; DELETE FROM events WHERE b = 'bulk' AND a < 3; SAVEPOINT x; TRUNCATE orders; ROLLBACK TO x; UPDATE events SET f = f + 0.1; COMMIT")
		randomSession(w.conn, rnd, n)
		w.exec("INSERT INTO orders (id, account_id, qty) VALUES (100, 1, 0) ON CONFLICT (id) DO UPDATE SET qty = 0")
		return decode.LSN(ask[uint64](w, w.conn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8"))
	}
	for phase := range 2 {
		lsn := history(12)
		if phase == 1 {
			w.exec("UPDATE orders SET qty = 3 WHERE qty = 0")
			lsn = decode.LSN(ask[uint64](w, w.conn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8"))
		}
		single.until(lsn, Options{groupBytes: 1})
		large.until(lsn, Options{groupBytes: 64 << 20})
		chunked.until(lsn, Options{groupBytes: 1 << 10, chunkBytes: 600})
		pieces.until(lsn, Options{groupBytes: 1 << (8 + rnd.IntN(12)), pieceBytes: 1 << (6 + rnd.IntN(8))})
		given.until(lsn, Options{stepBytes: 1 << (8 + rnd.IntN(10))})
		parted.until(lsn, Options{groupBytes: 1 << (8 + rnd.IntN(12)), partRows: 1 + rnd.IntN(8)})
		for range 3 {
			restarted.start(Options{groupBytes: 1 << (6 + rnd.IntN(14)), chunkBytes: 1 << (8 + rnd.IntN(10)), partRows: 1 + rnd.IntN(40), pieceBytes: 1 << (6 + rnd.IntN(12)), stepBytes: 1 << (8 + rnd.IntN(12))})
			time.Sleep(time.Duration(rnd.IntN(1500)) * time.Millisecond)
			restarted.halt()
		}
		restarted.until(lsn, Options{groupBytes: 1 << 16, chunkBytes: 1 << 10})
		same(single, large, "one transaction a step, all in one")
		same(single, chunked, "one transaction a step, in chunks")
		same(single, pieces, "one transaction a step, in pieces by old rows")
		same(single, given, "one transaction a step, steps given up that hold too much")
		same(single, parted, "one transaction a step, outputs in parts")
		same(single, restarted, "one transaction a step, with restarts")
		if t.Failed() {
			t.Fatalf("phase %d of seed %d", phase, s)
		}
	}
	// The same by a snapshot.
	snapshot := *w
	snapshot.slot, snapshot.dir, snapshot.sink = w.slot+"_snapshot", filepath.Join(t.TempDir(), "snapshot"), newSink(t)
	snapshot.until(decode.LSN(ask[uint64](w, w.conn, "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8")), Options{})
	same(single, &snapshot, "streamed, loaded from a snapshot")
}
