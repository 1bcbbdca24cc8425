package pipeline

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(runChild())
	}
	// Parallel tests wait more than they work.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(embedded.RunTests(m))
}

// patience is how long anything may take on a busy machine.
const patience = 90 * time.Second

// testTick is how often time passes for views that depend on it.
const testTick = 100 * time.Millisecond

// world is one database with a pipeline on it.
type world struct {
	t    *testing.T
	dsn  string // of the source
	sink string // of the outputs
	// How the pipeline reaches them, if not directly.
	sourceVia, sinkVia string
	adjust             func(*config.Config) // nil: nothing is

	slot  string
	dir   string // of the state
	conn  *pgx.Conn
	out   *pgx.Conn
	views []config.View
	loose map[string]bool   // views of which Postgres does not define every digit
	exact map[string]string // see exactSums
	done  chan error        // tells how the running pipeline ended
	stop  func() error
}

func newWorld(t *testing.T, ddl string) *world {
	t.Helper()
	return newWorldOn(t, embedded.NewDB(t), ddl)
}

func newWorldOn(t *testing.T, dsn, ddl string) *world {
	t.Helper()
	w := &world{t: t, dsn: dsn, sink: dsn, slot: slotName(dsn), dir: filepath.Join(t.TempDir(), "state"), loose: map[string]bool{}, exact: map[string]string{}}
	w.conn = w.connect(w.dsn)
	w.out = w.conn
	w.exec(ddl)
	t.Cleanup(w.halt)
	return w
}

func (w *world) connect(dsn string) *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// reconnect replaces connections that a fault has ended.
func (w *world) reconnect() {
	w.t.Helper()
	same := w.conn == w.out
	w.conn = w.connect(w.dsn)
	w.out = w.conn
	if !same {
		w.out = w.connect(w.sink)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	execOn(w.t, w.conn, sql, args...)
}

func execOn(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if len(args) == 0 {
		args = []any{pgx.QueryExecModeSimpleProtocol}
	}
	if _, err := conn.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask reads one value.
func ask[T any](w *world, conn *pgx.Conn, sql string, args ...any) (v T) {
	w.t.Helper()
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func (w *world) view(name, query string) {
	w.views = append(w.views, config.View{Name: name, Query: query})
}

func (w *world) config() *config.Config {
	cfg := &config.Config{
		Source: config.Source{DSN: config.DSN(cmp.Or(w.sourceVia, w.dsn)), Slot: w.slot, Publication: "stepping_cdc", ManagePublication: true},
		Sink:   config.Sink{DSN: config.DSN(cmp.Or(w.sinkVia, w.sink)), Schema: "stepping"},
		State:  config.State{Dir: w.dir, Memory: 32 << 20},
		Clock:  config.Clock{Tick: testTick},
		Views:  w.views,
	}
	if w.adjust != nil {
		w.adjust(cfg)
	}
	return cfg
}

// slotName is a slot of the database's own: slots belong to the whole server.
func slotName(dsn string) string {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		panic(err)
	}
	name := []byte("sc_" + strings.ToLower(cfg.Database))
	for i, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			name[i] = '_'
		}
	}
	return string(name)
}

// inDatabase is the connection string for another database of the same server.
func inDatabase(t *testing.T, dsn, database string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}

// start starts the pipeline; live receives when its views are.
func (w *world) start(opts Options) (live <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	ch, done := make(chan struct{}, 1), make(chan error, 1)
	opts.Live = func() {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
	log := zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.InfoLevel)
	if os.Getenv("STEPPING_QUIET") != "" {
		log = zerolog.Nop()
	}
	go func() { done <- New(w.config(), log, opts).Run(ctx) }()
	w.done = done
	w.stop = func() error {
		cancel()
		w.stop = nil
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
			return errors.New("it does not stop")
		}
	}
	return ch
}

// run starts the pipeline and returns once the views are live.
func (w *world) run(opts Options) {
	w.t.Helper()
	live := w.start(opts)
	select {
	case <-live:
	case err := <-w.done:
		w.stop = nil
		w.t.Fatalf("pipeline ended: %v", err)
	case <-time.After(patience):
		w.t.Fatalf("views are not live after %v", patience)
	}
}

// halt stops the pipeline in good order.
func (w *world) halt() {
	w.t.Helper()
	if w.stop != nil {
		if err := w.stop(); err != nil {
			w.t.Errorf("pipeline ended: %v", err)
		}
	}
}

// fails waits for the pipeline to end by itself and returns why.
func (w *world) fails() error {
	w.t.Helper()
	select {
	case err := <-w.done:
		w.stop = nil
		if err == nil {
			w.t.Fatal("pipeline ended without an error")
		}
		return err
	case <-time.After(patience):
		w.t.Fatalf("pipeline has not ended after %v", patience)
	}
	return nil
}

// stops waits for the pipeline to stop for a reason with a code.
func (w *world) stops(code replication.Code) {
	w.t.Helper()
	err := w.fails()
	var stop *replication.StopError
	if !errors.As(err, &stop) || stop.Code != code {
		w.t.Fatalf("pipeline ended with %v, want %s", err, code)
	}
	if stop.Remedy == "" {
		w.t.Errorf("no remedy: %v", err)
	}
}

// wait returns when the outputs hold everything committed so far.
func (w *world) wait() {
	w.t.Helper()
	lsn := ask[string](w, w.conn, "SELECT pg_current_wal_insert_lsn()::text")
	_, err := w.out.Exec(context.Background(), "SELECT stepping_cdc.wait_for($1::pg_lsn, $2::interval)", lsn, patience.String())
	if err != nil {
		select {
		case ended := <-w.done:
			w.done <- ended
			w.t.Fatalf("%v; pipeline ended: %v", err, ended)
		default:
		}
		w.t.Fatal(err)
	}
}

// eventually waits for a condition on the outputs' side.
func (w *world) eventually(what, sql string, args ...any) {
	w.t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if last = w.out.QueryRow(context.Background(), sql, args...).Scan(&ok); last == nil && ok {
			return
		}
	}
	w.t.Fatalf("%s: not so after %v (%v)", what, patience, last)
}

// state waits for a view to be in a state.
func (w *world) state(view, state string) {
	w.t.Helper()
	w.eventually(view+" is "+state, "SELECT state = $2 FROM stepping_cdc.views WHERE name = $1", view, state)
}

// check compares every output with its query, once everything is applied.
func (w *world) check() {
	w.t.Helper()
	w.wait()
	// A partitioned table that is truncated inside a savepoint is loaded anew, and
	// nobody waits for a view that is being loaded.
	if ask[bool](w, w.out, `SELECT EXISTS (SELECT FROM stepping_cdc.views WHERE state = 'loading')`) {
		w.eventually("all views are loaded", `SELECT NOT EXISTS (SELECT FROM stepping_cdc.views WHERE state = 'loading')`)
		w.wait()
	}
	for _, v := range w.views {
		w.compare(v.Name)
	}
	w.numbers()
}

// numbers compares what the control tables tell of the outputs' numbers of rows with these,
// under one snapshot.
func (w *world) numbers() {
	w.t.Helper()
	if wrong := ask[string](w, w.out, `SELECT coalesce(string_agg(format('%s: %s + %s, has %s', v.name, v.rows, g.n, t.n), '; '), '')
		FROM stepping_cdc.views v
		CROSS JOIN LATERAL (SELECT coalesce(sum(d.n), 0) AS n FROM stepping_cdc.progress p, unnest(p.grown, p.grown_by) AS d(name, n)
			WHERE d.name = v.name) AS g
		CROSS JOIN LATERAL (SELECT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', v.schema, v.name), false, true, '')))[1]::text::bigint AS n) AS t
		WHERE v.state IN ('live', 'errored') AND v.rows + g.n <> t.n`); wrong != "" {
		w.t.Errorf("numbers of rows: %s", wrong)
	}
}

// query is a view's query for Postgres. A view that reads another one has that as
// a temporary view of the session.
func (w *world) query(name string) string {
	w.t.Helper()
	for _, v := range w.views {
		if v.Name == name {
			if v.From != "" {
				return "SELECT * FROM " + v.From
			}
			return v.Query
		}
	}
	w.t.Fatalf("no view %s", name)
	return ""
}

// loseState removes the state, as a lost disk does.
func (w *world) loseState() {
	w.t.Helper()
	if err := os.RemoveAll(w.dir); err != nil {
		w.t.Fatal(err)
	}
}
