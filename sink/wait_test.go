package sink

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/migrations"
)

// A waiter rings the bell from inside its own transaction; the one who hears it
// moves progress, and the waiter goes on.
func TestBell(t *testing.T) {
	e := setup(t)
	bell, err := OpenBell(e.ctx, e.dsn)
	e.must(err)
	defer func() { e.must(bell.Close(e.ctx)) }()
	rings := make(chan error)
	go func() {
		for range 3 {
			rings <- bell.Wait(e.ctx, func() bool { return false })
		}
	}()
	for i := range 3 {
		waited := make(chan error, 1)
		start := time.Now()
		target := (e.s.LSN() + 1).String()
		go func() {
			_, err := e.db.Exec(e.ctx, `SELECT stepping_cdc.wait_for($1::text::pg_lsn, '1 min')`, target)
			waited <- err
		}()
		e.must(<-rings)
		heard := time.Since(start)
		select {
		case err := <-waited:
			t.Fatalf("returned before the outputs were there: %v", err)
		default:
		}
		c := e.next()
		c.At = e.after(1)
		e.must(e.s.Apply(e.ctx, c))
		e.must(<-waited)
		if all := time.Since(start); all > 20*time.Second {
			t.Errorf("wait %d: heard after %v, over after %v", i, heard, all)
		}
	}
}

// A role may be changed for another one, or preset "role": then the bell's session is
// not one that wait_for() may reach, and waiters are heard a little later.
func TestBellOfAnotherRole(t *testing.T) {
	e := setup(t)
	const role = "bell_of_another_role"
	e.exec(`DROP ROLE IF EXISTS ` + role)
	e.exec(`CREATE ROLE ` + role + ` LOGIN SUPERUSER`)
	defer e.exec(`DROP ROLE ` + role)
	cfg, err := pgx.ParseConfig(e.dsn)
	e.must(err)
	bell, err := OpenBell(e.ctx, embedded.ForTest(t).DSNAs(role, "", cfg.Database))
	e.must(err)
	defer func() { e.must(bell.Close(context.WithoutCancel(e.ctx))) }()
	ctx, cancel := context.WithCancel(e.ctx)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_, _ = e.db.Exec(ctx, `SELECT stepping_cdc.wait_for('FFFF/0', '1 min')`)
	}()
	e.must(bell.Wait(e.ctx, func() bool { return false }))
	cancel()
	<-waited
	e.db = e.connect() // for the cleanup
}

// Rings while the bell is being opened do not keep it from that.
func TestBellIsOpenedWhileItRings(t *testing.T) {
	e := setup(t)
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	waiters := make(chan struct{})
	go func() {
		defer close(waiters)
		for ctx.Err() == nil {
			_, _ = e.db.Exec(ctx, `SELECT count(stepping_cdc.ring_bell()) FROM generate_series(1, 100)`)
		}
	}()
	for range 20 {
		bell, err := OpenBell(e.ctx, e.dsn)
		e.must(err)
		e.must(bell.Wait(e.ctx, func() bool { return false }))
		e.must(bell.Close(e.ctx))
	}
	cancel()
	<-waiters
}

// The bell's session writes nothing into the server's log when it is rung.
func TestBellIsQuiet(t *testing.T) {
	e := setup(t)
	bell, err := OpenBell(e.ctx, e.dsn)
	e.must(err)
	defer func() { _ = bell.Close(context.WithoutCancel(e.ctx)) }()
	ctx, cancel := context.WithTimeout(e.ctx, 20*time.Second)
	rings := make(chan struct{})
	defer func() { cancel(); <-rings }()
	go func() {
		defer close(rings)
		for ctx.Err() == nil {
			if _, err := e.db.Exec(ctx, `SELECT stepping_cdc.ring_bell()`); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	// Not the bare statement's error but the function's answer.
	var rung bool
	for range 20 {
		if err := bell.conn.QueryRow(ctx, `SELECT stepping_cdc.listen_for_bell(5)`).Scan(&rung); err == nil && rung {
			return
		}
	}
	t.Error("every ring ended the statement with an error")
}

// A commit counts as durable once the sink's WAL is flushed behind it, not before.
func TestDurable(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_writer_delay": "10s", "autovacuum": "off", "bgwriter_delay": "10s"}})
	e := &env{TB: t, ctx: context.Background(), dsn: srv.NewDB(t)}
	e.db = e.connect()
	var err error
	e.s, err = Open(e.ctx, e.dsn, Options{})
	e.must(err)
	defer func() { e.must(e.s.Close(e.ctx)) }()
	table := e.ints("v", nil)
	_, err = e.s.Flush(e.ctx)
	e.must(err)
	base := e.s.pos.LSN
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	e.must(e.s.Apply(e.ctx, c))
	if got, err := e.s.Durable(e.ctx); err != nil || got.LSN != base {
		t.Errorf("durable right after an asynchronous commit: %s, %v; want %s", got.LSN, err, base)
	}
	c2 := e.next(ViewDelta{table, intRow(2, 2, 1)})
	e.must(e.s.Apply(e.ctx, c2))
	e.exec(`CREATE TABLE synchronous_commit_of_another ()`)
	if got, err := e.s.Durable(e.ctx); err != nil || got != c.At && got != c2.At {
		t.Errorf("durable after another session's flush: %s, %v; want %s", got, err, c.At)
	}
	if got, err := e.s.Flush(e.ctx); err != nil || got.LSN != c2.At.LSN {
		t.Errorf("durable after Flush: %s, %v; want %s", got.LSN, err, c2.At.LSN)
	}
	if got, err := e.s.Durable(e.ctx); err != nil || got.LSN != c2.At.LSN {
		t.Errorf("durable at rest: %s, %v; want %s", got.LSN, err, c2.At.LSN)
	}
}

// The error Z-set holds sums: what goes away with the same weight is gone.
func TestErrorsAddUp(t *testing.T) {
	e := setup(t)
	e.must(e.s.Register(e.ctx, &ViewSpec{Name: "v", Schema: "out"}, Live, 0))
	c := e.next()
	c.Errors = []ErrorDelta{
		{"v", "22012", "division by zero", "(1,0)", 2}, {"v", "22012", "division by zero", "(2,0)", 1},
		{"v", "22012", "division by zero", "(2,0)", 1}, {"v", "22P02", "bad\x00\xff", "", 1},
	}
	c.Statuses = []Status{{"v", Errored, "division by zero"}}
	e.must(e.s.Apply(e.ctx, c))
	const list = `SELECT coalesce(string_agg(format('%s %s %s', sqlstate, "row", weight), '; ' ORDER BY 1, "row"), '') FROM stepping_cdc.errors`
	if got := e.text(list); got != "22012 (1,0) 2; 22012 (2,0) 2; 22P02  1" {
		t.Errorf("got %s", got)
	}
	c = e.next()
	c.Errors = []ErrorDelta{{"v", "22012", "division by zero", "(1,0)", -2}, {"v", "22012", "division by zero", "(2,0)", -1}, {"v", "22P02", "bad\x00\xff", "", -1}}
	e.must(e.s.Apply(e.ctx, c))
	if got := e.text(list); got != "22012 (2,0) 1" {
		t.Errorf("got %s", got)
	}
	views, err := e.s.Views(e.ctx)
	e.must(err)
	if len(views) != 1 || views[0].State != Errored || views[0].Error != "division by zero" {
		t.Errorf("views: %+v", views)
	}
	e.must(e.s.ClearErrors(e.ctx, "v"))
	if got := e.text(list); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestSpecsThatCannotBeStored(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (a int, b int, acl aclitem, p point)`)
	for want, change := range map[string]func(*ViewSpec){
		"longer than 63 bytes":  func(v *ViewSpec) { v.Name = strings.Repeat("é", 32) },
		"view name is empty":    func(v *ViewSpec) { v.Name = "" },
		"occurs twice":          func(v *ViewSpec) { v.Columns[1].Name = "a" },
		"Postgres' own":         func(v *ViewSpec) { v.Columns[0].Name = "ctid" },
		"zero byte":             func(v *ViewSpec) { v.Columns[0].Name = "a\x00" },
		"no columns":            func(v *ViewSpec) { v.Columns = nil },
		"no such column":        func(v *ViewSpec) { v.Indexes = [][]string{{"z"}} },
		"does not exist":        func(v *ViewSpec) { v.Key = []int{9} },
		"without binary format": func(*ViewSpec) {},
	} {
		spec := e.spec("v", "src", nil)
		change(spec)
		if _, err := e.s.Create(e.ctx, spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// Types without a binary format travel as text.
func TestTextualRows(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (id int, acl aclitem, acls aclitem[], s text, n numeric)`)
	e.exec(`INSERT INTO src SELECT i, 'postgres=arwdDxt/postgres', ARRAY['postgres=r/postgres'::aclitem, NULL], E'q"\\,{}()\n' || i, 1.50 FROM generate_series(1, 3) i`)
	e.exec(`INSERT INTO src DEFAULT VALUES; INSERT INTO src VALUES (3, NULL, NULL, '', NULL)`)
	table := e.publish(e.s, e.spec("v", "src", []int{0}))
	all := e.rowsAsText(table)
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, all})))
	const differ = `SELECT count(*)::text FROM (SELECT (s.*)::text FROM src s EXCEPT ALL SELECT (v.*)::text FROM out.v) x`
	if got := e.text(differ); got != "0" {
		t.Errorf("%s rows differ", got)
	}
	for i := range all.W {
		all.W[i] = -1
	}
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, all})))
	if got := e.text(`SELECT count(*)::text FROM out.v`); got != "0" {
		t.Errorf("%s rows left", got)
	}
}

func (e *env) rowsAsText(t *Table) *circuit.Batch {
	e.Helper()
	return e.rows(t, `SELECT id, acl::text, acls::text, s, n FROM public.src`)
}

// Rows are found by the index, also by plans made while the table was empty.
func TestWritesUseTheIndex(t *testing.T) {
	e := setup(t)
	e.exec(`CREATE TABLE src (a int, b int, s text)`)
	for _, key := range [][]int{{0, 1}, {2}, nil} {
		table := e.publish(e.s, e.spec("v"+strings.Repeat("x", len(key)), "src", key))
		for kind := stUpdate; kind <= stDeleteImageOne; kind++ {
			if kind == stInsertOne || (kind == stDeleteImage || kind == stDeleteImageOne) != (key == nil) {
				continue
			}
			for _, nulls := range []uint64{0, 1} {
				sql := strings.NewReplacer("<> $2", "<> 1", ", $2) FROM x", ", 1) FROM x").Replace(table.statement(kind, nulls))
				args, types, find := "('{}')", "", "Tid Scan"
				switch kind {
				case stDeleteImage:
					sql = strings.ReplaceAll(sql, "$3", "$2")
					args = "('{}', '{}')"
				case stDeleteImageOne:
					args, types = "(NULL)", "("+table.rel+")"
				case stUpdateOne, stDeleteOne:
					args, types, find = "(NULL)", "("+table.rel+")", "" // by the index alone
				}
				_, err := e.s.pg.Exec(e.ctx, "PREPARE p"+types+" AS "+sql).ReadAll()
				e.must(err)
				res, err := e.s.pg.Exec(e.ctx, "EXPLAIN EXECUTE p"+args).ReadAll()
				e.must(err)
				var plan strings.Builder
				for _, r := range res[0].Rows {
					plan.Write(r[0])
					plan.WriteByte('\n')
				}
				if !strings.Contains(plan.String(), "Index Cond") || !strings.Contains(plan.String(), find) || strings.Contains(plan.String(), "Seq Scan") {
					t.Errorf("key %v, statement %d:\n%s", key, kind, plan.String())
				}
				_, err = e.s.pg.Exec(e.ctx, "DEALLOCATE p").ReadAll()
				e.must(err)
			}
		}
	}
}

// Closing an open context ends a wait for another instance with its error.
func TestOpenHonoursItsContext(t *testing.T) {
	e := setup(t)
	ctx, cancel := context.WithTimeout(e.ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, e.dsn, Options{Wait: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// On a server that is not the source's, wait_for() asks for a position.
func TestWaitForElsewhere(t *testing.T) {
	e := setup(t)
	for _, elsewhere := range []bool{true, true, false, true, false} {
		e.must(e.s.Close(e.ctx))
		var err error
		e.s, err = Open(e.ctx, e.dsn, Options{Wait: 10 * time.Second, SourceElsewhere: elsewhere})
		e.must(err)
		_, err = e.db.Exec(e.ctx, `SELECT stepping_cdc.wait_for(timeout => '1 ms')`)
		var pg *pgconn.PgError
		want := map[bool]string{true: "42883", false: migrations.StateWaitTimeout}[elsewhere]
		if !errors.As(err, &pg) || pg.Code != want {
			t.Errorf("elsewhere %t: %v", elsewhere, err)
		}
		e.exec(`SELECT stepping_cdc.wait_for('0/0')`)
	}
	e.must(e.s.Close(e.ctx))
}
