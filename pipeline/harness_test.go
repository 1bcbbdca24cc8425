package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// world is one database with a pipeline on it.
type world struct {
	t     *testing.T
	dsn   string
	dir   string
	conn  *pgx.Conn
	views []config.View
	stop  func() error
}

func newWorld(t *testing.T, ddl string) *world {
	t.Helper()
	w := &world{t: t, dsn: embedded.NewDB(t), dir: t.TempDir()}
	w.conn = w.connect()
	w.exec(ddl)
	t.Cleanup(func() { w.halt() })
	return w
}

func (w *world) connect() *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(context.Background(), w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (w *world) exec(sql string) {
	w.t.Helper()
	if _, err := w.conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) view(name, query string) {
	w.views = append(w.views, config.View{Name: name, Query: query})
}

func (w *world) config() *config.Config {
	return &config.Config{
		Source: config.Source{DSN: config.DSN(w.dsn), Slot: slotName(w.dsn), Publication: "stepping_cdc", ManagePublication: true},
		Sink:   config.Sink{DSN: config.DSN(w.dsn), Schema: "stepping"},
		State:  config.State{Dir: filepath.Join(w.dir, "state"), Memory: 64 << 20},
		Views:  w.views,
	}
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

// run starts the pipeline and returns once the views are live.
func (w *world) run(opts Options) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	live, done := make(chan struct{}), make(chan error, 1)
	first := true
	opts.Live = func() {
		if first {
			close(live)
		}
		first = false
	}
	log := zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.InfoLevel)
	go func() { done <- New(w.config(), log, opts).Run(ctx) }()
	w.stop = func() error {
		cancel()
		w.stop = nil
		return <-done
	}
	select {
	case <-live:
	case err := <-done:
		done <- err
		w.t.Fatalf("pipeline ended: %v", err)
	case <-time.After(30 * time.Second):
		w.t.Fatal("views are not live after 30 s")
	}
}

func (w *world) halt() {
	w.t.Helper()
	if w.stop != nil {
		if err := w.stop(); err != nil {
			w.t.Errorf("pipeline ended: %v", err)
		}
	}
}

// check compares every output with its query, once everything is applied.
func (w *world) check() {
	w.t.Helper()
	ctx := context.Background()
	if _, err := w.conn.Exec(ctx, "SELECT stepping_cdc.wait_for(timeout => '20s')"); err != nil {
		w.t.Fatal(err)
	}
	for _, v := range w.views {
		var diff int
		var sample string
		err := w.conn.QueryRow(ctx, fmt.Sprintf(`
			WITH _a AS (%[1]s), _b AS (SELECT * FROM stepping.%[2]s),
			     x AS ((SELECT _a::text AS r FROM _a EXCEPT ALL SELECT _b::text FROM _b)),
			     y AS ((SELECT _b::text AS r FROM _b EXCEPT ALL SELECT _a::text FROM _a))
			SELECT (SELECT count(*) FROM x) + (SELECT count(*) FROM y),
			       coalesce((SELECT 'missing ' || min(r) FROM x), '') || coalesce((SELECT ' extra ' || min(r) FROM y), '')`,
			v.Query, pgx.Identifier{v.Name}.Sanitize())).Scan(&diff, &sample)
		if err != nil {
			w.t.Fatalf("view %s: %v", v.Name, err)
		}
		if diff != 0 {
			w.t.Errorf("view %s: %d rows differ: %s", v.Name, diff, sample)
		}
	}
}
