package sink

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// An immediate crash of the sink's server takes asynchronous commits with it, but
// none that Durable had named; what is left is a prefix, and the rest can be
// applied again.
func TestCrashLosesOnlyWhatWasNotDurable(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_writer_delay": "10s", "autovacuum": "off"}})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	e := &env{TB: t, ctx: ctx, dsn: srv.NewDB(t)}
	e.db = e.connect()
	var err error
	e.s, err = Open(ctx, e.dsn, Options{})
	e.must(err)
	defer func() { _ = e.s.Close(ctx) }()
	table := e.ints("v", []int{0})
	var commits []Commit
	apply := func(n int64) {
		c := e.next(ViewDelta{table, intRow(n, n, 1)})
		e.must(e.s.Apply(ctx, c))
		commits = append(commits, c)
	}
	lost := 0
	for round := range int64(3) {
		for i := range int64(5) {
			apply(round*10 + i)
		}
		durable, err := e.s.Flush(ctx)
		e.must(err)
		for i := range int64(5) {
			apply(round*10 + 5 + i)
		}
		if got, err := e.s.Durable(ctx); err != nil || got.LSN < durable.LSN {
			t.Fatalf("durable fell from %s to %s, %v", durable.LSN, got.LSN, err)
		} else {
			durable = got
		}
		e.must(srv.Kill())
		e.must(srv.Restart(ctx))
		p, err := e.s.Reconnect(ctx)
		e.must(err)
		e.db = e.connect()
		if p.LSN < durable.LSN {
			t.Errorf("round %d: progress fell to %s, %s was durable", round, p.LSN, durable.LSN)
		}
		for _, c := range commits { // the replay from the output log
			if c.Prev == p.Position {
				e.must(e.s.Apply(ctx, c))
				p.Position = c.At
				lost++
			}
		}
		if got, want := e.text(`SELECT count(*) || ' ' || sum(a) FROM out.v`), e.text(`SELECT count(*) || ' ' || sum(i) FROM generate_series(0, $1::int) i`, round*10+9); got != want {
			t.Errorf("round %d: content %s, want %s", round, got, want)
		}
	}
	if lost == 0 {
		t.Error("no crash took a commit: the test has shown nothing")
	}
}

// The configured indexes are made once, and stay with the table that takes over.
func TestIndexes(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (a int, b int, "C d" text)`)
	spec := e.spec("v", "src", nil)
	spec.Indexes = [][]string{{"b"}, {"C d", "a"}, {"b"}}
	e.publish(e.s, spec)
	const list = `SELECT string_agg(regexp_replace(indexdef, '.* USING ', ''), '; ' ORDER BY 1) FROM pg_indexes WHERE schemaname = 'out'`
	want := e.text(list)
	if want == "" || e.text(`SELECT count(*)::text FROM pg_indexes WHERE schemaname = 'out'`) != "3" {
		t.Fatalf("indexes: %s", want)
	}
	spec.Indexes = append(spec.Indexes, []string{"a", "b"}) // a changed configuration
	adopted, err := e.s.Adopt(e.ctx, spec)
	e.must(err)
	e.must(e.s.Index(e.ctx, adopted))
	if got := e.text(`SELECT count(*)::text FROM pg_indexes WHERE schemaname = 'out'`); got != "4" {
		t.Errorf("%s indexes after one was added", got)
	}
	e.must(e.s.Index(e.ctx, e.publish(e.s, spec)))
	if got := e.text(`SELECT count(*)::text FROM pg_indexes WHERE schemaname = 'out'`); got != "4" {
		t.Errorf("%s indexes after a rebuild", got)
	}
}

// A transaction may bring a view forward several times, as a large one does in chunks.
func TestManyDeltasInOneTransaction(t *testing.T) {
	e := setup(t)
	keyed, multi := e.ints("keyed", []int{0}), e.ints("multi", nil)
	tx, err := e.s.Begin(e.ctx, e.s.pos)
	e.must(err)
	for _, table := range []*Table{keyed, multi} {
		e.must(tx.Apply(e.ctx, table, ints(2, []int64{1, 1, 1}, []int64{2, 2, 1})))
		e.must(tx.Apply(e.ctx, table, ints(2, []int64{1, 1, -1}, []int64{1, 2, 1})))
		e.must(tx.Apply(e.ctx, table, ints(2, []int64{1, 2, -1}, []int64{2, 2, -1}, []int64{2, 3, 1})))
		e.must(tx.Apply(e.ctx, table, circuit.NewBatch(2, 0)))
	}
	tx.SetStatus(Status{View: "multi", State: Stopped})
	tx.AddErrors(ErrorDelta{View: "keyed", SQLState: "22003", Message: "out of range", Weight: 1})
	e.must(tx.Commit(e.ctx, e.after(9), time.Now()))
	if k, m := e.content("keyed"), e.content("multi"); k != "(2,3)" || m != "(2,3)" {
		t.Errorf("keyed %s, multi %s", k, m)
	}
	if got := e.text(`SELECT string_agg(name || ' ' || state || ' ' || rows, ', ' ORDER BY name) || (SELECT count(*) FROM stepping_cdc.errors) FROM stepping_cdc.views`); got != "keyed live 1, multi stopped 11" {
		t.Errorf("views: %s", got)
	}
}

// After a reset the outputs start again from the beginning of positions; who is
// fenced off cannot reset.
func TestResetProgress(t *testing.T) {
	e := setup(t)
	table := e.ints("v", nil)
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(1, 1, 1)})))
	e.must(e.s.ResetProgress(e.ctx))
	if p, err := e.s.Progress(e.ctx); err != nil || p.LSN != 0 || !p.CommittedAt.IsZero() {
		t.Errorf("progress %+v, %v", p, err)
	}
	e.must(e.s.Apply(e.ctx, Commit{At: Position{LSN: 3}, Views: []ViewDelta{{table, intRow(2, 2, 1)}}}))
	e.exec(`UPDATE stepping_cdc.progress SET epoch = epoch + 1`)
	if err := e.s.ResetProgress(e.ctx); !errors.Is(err, ErrFenced) {
		t.Errorf("reset by a fenced instance: %v", err)
	}
}
