package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/circuit"
)

func (e *env) ints(name string, key []int) *Table {
	e.Helper()
	e.exec(`CREATE TABLE IF NOT EXISTS src (a int, b int)`)
	return e.publish(e.s, e.spec(name, "src", key))
}

func (e *env) content(table string) string {
	e.Helper()
	return e.text(fmt.Sprintf(`SELECT coalesce(string_agg((x.*)::text, ' ' ORDER BY a, b), '') FROM out.%s x`, quote(table)))
}

// intRow is a row of columns of type int4 with a weight.
func intRow(a, b, w int64) *circuit.Batch { return ints(2, []int64{a, b, w}) }

// A second instance is refused while the first runs; a stopped one that wakes up
// cannot write, even when it believes in the right position.
func TestFencing(t *testing.T) {
	e := setup(t)
	table := e.ints("v", []int{0})
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(1, 1, 1)})))
	var running *RunningError
	if _, err := Open(e.ctx, e.dsn, Options{}); !errors.As(err, &running) {
		t.Fatalf("second instance: %v", err)
	} else if running.PID != e.s.ours.pid || running.Application != "stepping-cdc" || !Retryable(err) {
		t.Errorf("described as %+v", running)
	}
	// The first loses its lock but not its connection, as behind a pooler.
	_, err := e.s.pg.Exec(e.ctx, "SELECT pg_advisory_unlock_all()").ReadAll()
	e.must(err)
	s2, err := Open(e.ctx, e.dsn, Options{})
	e.must(err)
	defer func() { _ = s2.Close(e.ctx) }()
	if s2.pos.LSN != e.s.pos.LSN {
		t.Errorf("second instance is at %s, first was at %s", s2.pos.LSN, e.s.pos.LSN)
	}
	err = e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(2, 2, 1)}))
	if !errors.Is(err, ErrFenced) || Retryable(err) {
		t.Errorf("fenced Apply: %v", err)
	}
	if _, err := e.s.Begin(e.ctx, e.s.pos); !errors.Is(err, ErrFenced) {
		t.Errorf("fenced Begin: %v", err)
	}
	if got := e.content("v"); got != "(1,1)" {
		t.Errorf("content %s", got)
	}
	t2, err := s2.Adopt(e.ctx, table.spec)
	e.must(err)
	e.must(s2.Apply(e.ctx, Commit{Prev: s2.pos, At: Position{LSN: s2.pos.LSN + 1}, Views: []ViewDelta{{t2, intRow(3, 3, 1)}}}))
	if got := e.content("v"); got != "(1,1) (3,3)" {
		t.Errorf("content %s", got)
	}
}

// Progress is compared as well as the epoch, and only grows.
func TestProgressIsComparedAndSwapped(t *testing.T) {
	e := setup(t)
	table := e.ints("v", nil)
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	e.must(e.s.Apply(e.ctx, c))
	if err := e.s.Apply(e.ctx, c); !errors.Is(err, ErrPosition) || !Retryable(err) {
		t.Errorf("applied twice: %v", err)
	}
	back := c
	back.Prev, back.At = c.At, Position{LSN: c.At.LSN - 1}
	if err := e.s.Apply(e.ctx, back); err == nil || !strings.Contains(err.Error(), "goes back") {
		t.Errorf("applied backwards: %v", err)
	}
	if got := e.content("v"); got != "(1,1)" {
		t.Errorf("content %s", got)
	}
	p, err := e.s.Progress(e.ctx)
	e.must(err)
	if p.Position != c.At || !p.CommittedAt.Equal(c.CommittedAt) || time.Since(p.AppliedAt) > time.Minute {
		t.Errorf("progress is %+v", p)
	}
}

// Whatever a user does to an output table is noticed at the next write that meets
// it, and names the view.
func TestDrift(t *testing.T) {
	shared := setup(t)
	for _, c := range []struct {
		name, meddle string
		key          []int
		delta        *circuit.Batch
		cause        string
	}{
		{"row deleted, update", `DELETE FROM out.v`, []int{0}, ints(2, []int64{1, 1, -1}, []int64{1, 2, 1}), "0 rows"},
		{"row deleted, delete", `DELETE FROM out.v`, []int{0}, intRow(1, 1, -1), "0 rows"},
		{"row deleted, multiset", `DELETE FROM out.v`, nil, intRow(1, 1, -1), "0 rows"},
		{"row edited, multiset", `UPDATE out.v SET b = 7`, nil, intRow(1, 1, -1), "0 rows"},
		{"row added, keyed", `INSERT INTO out.v VALUES (1, 5)`, []int{0}, intRow(1, 1, -1), "2 rows"},
		{"table dropped", `DROP TABLE out.v`, nil, intRow(2, 2, 1), ""},
		{"column added", `ALTER TABLE out.v ADD x int`, nil, intRow(2, 2, 1), "columns"},
		{"column dropped", `ALTER TABLE out.v DROP b`, []int{0}, intRow(2, 2, 1), ""},
		{"column altered", `ALTER TABLE out.v ALTER b TYPE text`, []int{0}, intRow(2, 2, 1), "type"},
		{"constraint", `ALTER TABLE out.v ADD CHECK (b < 2)`, nil, intRow(2, 2, 1), "check constraint"},
		{"trigger that raises", `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
			CREATE TRIGGER no BEFORE INSERT ON out.v FOR EACH ROW EXECUTE FUNCTION no()`, nil, intRow(2, 2, 1), "no"},
		{"trigger that skips", `CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER skip BEFORE INSERT ON out.v FOR EACH ROW EXECUTE FUNCTION skip()`, nil, intRow(2, 2, 1), "0 rows"},
	} {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, prepared %t", c.name, prepared), func(t *testing.T) {
				e := &env{TB: t, ctx: shared.ctx, dsn: shared.dsn, db: shared.db, s: shared.s}
				e.exec(`DROP SCHEMA IF EXISTS out CASCADE; DROP FUNCTION IF EXISTS no(); DROP FUNCTION IF EXISTS skip()`)
				table, other := e.ints("v", c.key), e.ints("other", nil)
				e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(1, 1, 1)})))
				if prepared { // the statements' plans are older than the change
					for _, d := range []*circuit.Batch{intRow(9, 9, 1), ints(2, []int64{9, 9, -1}, []int64{9, 8, 1}), intRow(9, 8, -1)} {
						e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, d})))
					}
				}
				at := e.s.pos.LSN
				e.exec(c.meddle)
				err := e.s.Apply(e.ctx, e.next(ViewDelta{other, intRow(4, 4, 1)}, ViewDelta{table, c.delta}))
				var drift *DriftError
				if !errors.As(err, &drift) || drift.View != "v" || !strings.Contains(drift.Cause, c.cause) || Retryable(err) {
					t.Fatalf("got %v", err)
				}
				// What the server itself refuses undoes the commit. A number of rows is seen
				// afterwards.
				change := intRow(4, 4, 1)
				if committed := strings.HasSuffix(c.cause, "rows"); committed {
					if got := e.content("other"); got != "(4,4)" || e.s.pos.LSN == at {
						t.Errorf("the other view has %q, progress %s", got, e.s.pos.LSN)
					}
					change = ints(2, []int64{4, 4, -1}, []int64{4, 5, 1})
				} else if got := e.content("other"); got != "" || e.s.pos.LSN != at {
					t.Errorf("the other view was written: %s, progress %s", got, e.s.pos.LSN)
				}
				// The others go on; the drifted one says so.
				next := e.next(ViewDelta{other, change})
				next.Statuses = []Status{{View: "v", State: Drifted, Error: drift.Error()}}
				e.must(e.s.Apply(e.ctx, next))
				if got := e.text(`SELECT state || ': ' || error FROM stepping_cdc.views WHERE name = 'v'`); got != "drifted: "+drift.Error() {
					t.Errorf("listed as %s", got)
				}
			})
		}
	}
}

// Of all outputs that a commit finds changed it tells at once: it has happened, so none of them would be
// found again.
func TestDriftOfSeveral(t *testing.T) {
	e := setup(t)
	a, b, other := e.ints("a", []int{0}), e.ints("b", nil), e.ints("other", nil)
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{a, intRow(1, 1, 1)}, ViewDelta{b, intRow(1, 1, 1)})))
	e.exec(`DELETE FROM out.a; DELETE FROM out.b`)
	err := e.s.Apply(e.ctx, e.next(ViewDelta{a, intRow(1, 1, -1)}, ViewDelta{other, intRow(4, 4, 1)}, ViewDelta{b, intRow(1, 1, -1)}))
	var views []string
	for _, drift := range Drifts(err) {
		views = append(views, drift.View)
	}
	if got := strings.Join(views, " "); got != "a b" || e.content("other") != "(4,4)" {
		t.Fatalf("%q are found changed: %v", got, err)
	}
}

// A new transaction after a rebuild has the outputs as they should be.
func TestRebuildReplacesTheTable(t *testing.T) {
	e := setup(t)
	live := e.ints("v", []int{0})
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{live, intRow(1, 1, 1)})))
	e.exec(`CREATE ROLE "re ader"; GRANT SELECT ON out.v TO "re ader" WITH GRANT OPTION; GRANT UPDATE (b) ON out.v TO PUBLIC`)
	defer e.exec(`DROP OWNED BY "re ader"; DROP ROLE "re ader"`)
	e.exec(`ALTER TABLE out.v ADD extra int`)
	if _, err := e.s.Adopt(e.ctx, live.spec); err == nil || !strings.Contains(err.Error(), `column "extra" was added`) {
		t.Errorf("adopted an altered table: %v", err)
	}
	built, err := e.s.Create(e.ctx, e.spec("v", "src", nil))
	e.must(err)
	tx, err := e.s.Begin(e.ctx, e.s.pos)
	e.must(err)
	e.must(tx.Apply(e.ctx, built, intRow(5, 5, 2)))
	e.must(tx.Commit(e.ctx, e.s.pos, time.Time{}))
	e.must(e.s.Index(e.ctx, built))
	if got := e.text(`SELECT count(*)::text FROM out.v`); got != "1" {
		t.Errorf("the old table shows %s rows meanwhile", got)
	}
	for _, commit := range []bool{false, true} {
		tx, err = e.s.Begin(e.ctx, e.s.pos)
		e.must(err)
		e.must(tx.Publish(e.ctx, built))
		e.must(tx.Apply(e.ctx, built, intRow(6, 6, 1)))
		if commit {
			e.must(tx.Commit(e.ctx, e.after(1), time.Now()))
		} else {
			e.must(tx.Rollback(e.ctx))
		}
		if built.Building() == commit {
			t.Errorf("building is %t after commit %t", built.Building(), commit)
		}
	}
	if got := e.content("v"); got != "(5,5) (5,5) (6,6)" {
		t.Errorf("content %s", got)
	}
	e.must(e.s.Settle(e.ctx))
	if got := e.text(`SELECT rows::text FROM stepping_cdc.views`); got != "3" {
		t.Errorf("views.rows is %s", got)
	}
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{built, intRow(5, 5, -2)})))
	if got := e.text(`SELECT has_table_privilege('re ader', 'out.v', 'SELECT WITH GRANT OPTION')::text || has_column_privilege('re ader', 'out.v', 'b', 'UPDATE')`); got != "truetrue" {
		t.Errorf("grants were lost: %s", got)
	}
	if _, err := e.s.Adopt(e.ctx, live.spec); !errors.Is(err, ErrReshaped) {
		t.Errorf("adopted a table of another key: %v", err)
	}
	e.exec(`CREATE TABLE out.theirs (a int, b int)`)
	if _, err := e.s.Adopt(e.ctx, e.spec("theirs", "src", nil)); !errors.Is(err, ErrForeign) {
		t.Errorf("adopted a stranger's table: %v", err)
	}
	if _, err := e.s.Adopt(e.ctx, e.spec("none", "src", nil)); !errors.Is(err, ErrAbsent) {
		t.Errorf("adopted nothing: %v", err)
	}
	e.must(e.s.Drop(e.ctx, true, "v"))
	if got := e.text(`SELECT (to_regclass('out.v') IS NULL)::text || (SELECT count(*) FROM stepping_cdc.views)`); got != "true0" {
		t.Errorf("after the drop: %s", got)
	}
}

// proxy passes a connection through and loses the server's answers on command.
type proxy struct {
	addr string
	mute atomic.Bool // answers are thrown away, and the connection is cut
}

func startProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.pass(c, to) })
		}
	})
	return p
}

func (p *proxy) pass(c net.Conn, to string) {
	defer func() { _ = c.Close() }()
	up, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go func() {
		_, _ = io.Copy(up, c)
		_ = up.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := up.Read(buf)
		if err != nil || p.mute.Load() {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// The commit happens and its answer is lost, or it never arrives: the progress
// that Reconnect returns tells which.
func TestUnknownOutcome(t *testing.T) {
	e := setup(t)
	e.must(e.s.Close(e.ctx))
	cfg, err := pgx.ParseConfig(e.dsn)
	e.must(err)
	p := startProxy(t, fmt.Sprintf("%s:%d", cfg.Host, cfg.Port))
	host, port, err := net.SplitHostPort(p.addr)
	e.must(err)
	e.s, err = Open(e.ctx, fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable", host, port, cfg.User, cfg.Database), Options{Wait: 5 * time.Second})
	e.must(err)
	defer func() { _ = e.s.Close(context.WithoutCancel(e.ctx)) }()
	table := e.ints("v", []int{0})
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(0, 0, 1)})))

	p.mute.Store(true)
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	if err := e.s.Apply(e.ctx, c); !errors.Is(err, ErrUnknown) || !Retryable(err) {
		t.Fatalf("lost answer: %v", err)
	}
	p.mute.Store(false)
	prog, err := e.s.Reconnect(e.ctx)
	e.must(err)
	if prog.Position != c.At || e.content("v") != "(0,0) (1,1)" {
		t.Errorf("lost answer: progress %s, content %s", prog.LSN, e.content("v"))
	}

	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(9, 9, 1)}))) // prepares the statement
	// The commit is stuck behind a lock when the connection goes: taking the new
	// epoch ends it, so that it cannot come true later.
	lock, err := e.db.Begin(e.ctx)
	e.must(err)
	_, err = lock.Exec(e.ctx, `LOCK TABLE out.v IN SHARE MODE`)
	e.must(err)
	c = e.next(ViewDelta{table, intRow(2, 2, 1)})
	ctx, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
	defer cancel()
	if err := e.s.Apply(ctx, c); !errors.Is(err, ErrUnknown) {
		t.Fatalf("stuck commit: %v", err)
	}
	prog, err = e.s.Reconnect(e.ctx)
	e.must(err)
	e.must(lock.Rollback(e.ctx))
	if prog.Position != c.Prev || e.content("v") != "(0,0) (1,1) (9,9)" {
		t.Errorf("stuck commit: progress %s, content %s", prog.LSN, e.content("v"))
	}
	e.must(e.s.Apply(e.ctx, c))
	if got := e.content("v"); got != "(0,0) (1,1) (2,2) (9,9)" {
		t.Errorf("content %s", got)
	}

	// The backend is killed between commits.
	_, err = e.db.Exec(e.ctx, `SELECT pg_terminate_backend($1)`, e.s.ours.pid)
	e.must(err)
	for e.text(`SELECT count(*)::text FROM pg_stat_activity WHERE pid = $1`, e.s.ours.pid) != "0" {
	}
	c = e.next(ViewDelta{table, intRow(3, 3, 1)})
	if err := e.s.Apply(e.ctx, c); !Retryable(err) {
		t.Fatalf("killed backend: %v", err)
	}
	_, err = e.s.Reconnect(e.ctx)
	e.must(err)
	e.must(e.s.Apply(e.ctx, c))
}

// Time-outs and deadlocks on the outputs may be tried again, on the same connection.
func TestLockConflictsAreRetryable(t *testing.T) {
	e := setup(t)
	table := e.ints("v", []int{0})
	_, err := e.s.pg.Exec(e.ctx, `SET lock_timeout = '50ms'`).ReadAll()
	e.must(err)
	lock, err := e.db.Begin(e.ctx)
	e.must(err)
	_, err = lock.Exec(e.ctx, `LOCK TABLE out.v IN ACCESS EXCLUSIVE MODE`)
	e.must(err)
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	err = e.s.Apply(e.ctx, c)
	var pg *pgconn.PgError
	if !Retryable(err) || !errors.As(err, &pg) || pg.Code != "55P03" {
		t.Fatalf("lock time-out: %v", err)
	}
	e.must(lock.Rollback(e.ctx))
	e.must(e.s.Apply(e.ctx, c))
	for code, want := range map[string]bool{"40P01": true, "40001": true, "57P01": true, "08006": true, "53300": true, "42601": false, "22012": false} {
		if got := Retryable(fmt.Errorf("apply: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("Retryable(%s) is %t", code, got)
		}
	}
}

// A role that presets everything it can does not change what is written.
func TestHostileRoleSettings(t *testing.T) {
	e := setup(t)
	e.exec(hostile)
	before := e.multiset("src")
	cfg, err := pgx.ParseConfig(e.dsn)
	e.must(err)
	db := quote(cfg.Database)
	for _, set := range []string{"search_path = nowhere", "DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'", "IntervalStyle = sql_standard",
		"bytea_output = escape", "extra_float_digits = -10", "synchronous_commit = remote_apply", "default_transaction_isolation = serializable",
		"default_transaction_read_only = on", "statement_timeout = '1ms'", "lock_timeout = '1ms'", "standard_conforming_strings = off",
		"enable_indexscan = off", "xmloption = document", "client_encoding = latin1", "row_security = off", "plan_cache_mode = force_custom_plan"} {
		e.exec("ALTER DATABASE " + db + " SET " + set)
	}
	e.must(e.s.Close(e.ctx))
	// One millisecond may be too short for the statement that ends such limits: then
	// it is tried again, as the program does.
	for range 20 {
		if e.s, err = Open(e.ctx, e.dsn, Options{Wait: 5 * time.Second}); err == nil || !Retryable(err) {
			break
		}
	}
	e.must(err)
	table := e.publish(e.s, e.spec("v", "public.src", []int{0}))
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, e.rows(table, "SELECT * FROM public.src")})))
	after := e.multiset("out.v")
	if !slices.Equal(sortedKeys(before), sortedKeys(after)) {
		t.Errorf("%d rows differ in text from %d", len(after), len(before))
	}
	if got, err := e.s.conn.Exec(e.ctx, `SELECT 1 WHERE current_setting('synchronous_commit') = 'off'`); err != nil || got.RowsAffected() != 1 {
		t.Errorf("synchronous_commit is not off: %v", err)
	}
}

func sortedKeys(m map[string]int64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
