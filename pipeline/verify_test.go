package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

// fixture is a configuration over a database of its own.
type fixture struct {
	t    *testing.T
	dsn  string
	conn *pgx.Conn
	cfg  *config.Config
}

// newFixture makes a configuration of views, each given as "name: query".
func newFixture(t *testing.T, setup string, views ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, dsn: embedded.NewDB(t)}
	var err error
	if f.conn, err = pgx.Connect(t.Context(), f.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.conn.Close(context.Background()) })
	f.exec(setup)
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "source: {slot: s%d}\nhttp: {listen: \"off\"}\nviews:\n", time.Now().UnixNano())
	for _, v := range views {
		name, query, _ := strings.Cut(v, ": ")
		fmt.Fprintf(&yaml, "  - name: %s\n    query: |\n      %s\n", name, query)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "stepping.yaml")
	if err := os.WriteFile(path, []byte(yaml.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if f.cfg, err = config.Load(path, nil); err != nil {
		t.Fatal(err)
	}
	f.cfg.Source.DSN, f.cfg.Sink.DSN = config.DSN(f.dsn), config.DSN(f.dsn)
	return f
}

func (f *fixture) exec(sql string) {
	f.t.Helper()
	if _, err := f.conn.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

// start runs the pipeline until stop is called, which the end of the test does.
func (f *fixture) start() (stop func()) {
	f.t.Helper()
	live := make(chan struct{})
	p := pipeline.New(f.cfg, zerolog.New(zerolog.NewTestWriter(f.t)).Level(zerolog.WarnLevel),
		pipeline.Options{Live: sync.OnceFunc(func() { close(live) })})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Errorf("run: %v", err)
		}
	})
	f.t.Cleanup(stop)
	select {
	case <-live:
	case err := <-ended:
		f.t.Fatalf("run: %v", err)
	case <-time.After(30 * time.Second):
		f.t.Fatal("views do not get live")
	}
	return stop
}

func (f *fixture) verify(opts verify.Options) *verify.Result {
	f.t.Helper()
	v, err := verify.Views(f.t.Context(), f.cfg, opts)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

// want checks the verdict on one view.
func want(t *testing.T, v *verify.Result, view string, verdict verify.Verdict) verify.ViewVerdict {
	t.Helper()
	for _, x := range v.Views {
		if x.View == view {
			if x.Verdict != verdict {
				t.Errorf("%s is %s, want %s: %+v", view, x.Verdict, verdict, x)
			}
			return x
		}
	}
	t.Fatalf("no verdict on %s: %+v", view, v)
	return verify.ViewVerdict{}
}

const pairs = `CREATE TABLE a (k int PRIMARY KEY, g int, n numeric, f float8);
	INSERT INTO a SELECT i, i % 3, i, i / 10.0 FROM generate_series(1, 30) i`

// Views that read one another are compared by their definitions, not by the
// output tables of the views they read.
func TestVerifyTellsWhichTableWasTamperedWith(t *testing.T) {
	f := newFixture(t, pairs, "sums: SELECT g, sum(n) AS s FROM a GROUP BY g", "total: SELECT sum(s) AS s FROM sums", "bag: SELECT g FROM a")
	stop := f.start()
	if v := f.verify(verify.Options{}); !v.Equal() || len(v.Views) != 3 {
		t.Fatalf("%+v", v)
	}
	stop()
	f.exec(`UPDATE stepping.sums SET s = s + 1 WHERE g = 1; INSERT INTO stepping.bag VALUES (2), (2)`)
	v := f.verify(verify.Options{AtRest: true})
	want(t, v, "total", verify.Equal)
	x := want(t, v, "sums", verify.Differs)
	if x.Missing != 1 || x.Extra != 1 || len(x.Samples) != 2 {
		t.Errorf("sums: %+v", x)
	}
	x = want(t, v, "bag", verify.Differs)
	if x.Missing != 0 || x.Extra != 2 || x.OutputRows != 32 || x.QueryRows != 30 || x.Samples[0].Copies != 2 || x.Samples[0].Side != "extra" {
		t.Errorf("bag: %+v", x)
	}
	if only := f.verify(verify.Options{AtRest: true, Views: []string{"total"}}); !only.Equal() || len(only.Views) != 1 {
		t.Errorf("%+v", only)
	}
}

func TestVerifyForgivesScaleAndRoundingAlone(t *testing.T) {
	f := newFixture(t, pairs, "v: SELECT k, n, f FROM a")
	f.start()()
	f.exec(`UPDATE stepping.v SET n = n + 0.00 WHERE k < 4; UPDATE stepping.v SET f = f * 1.0000000000000002 WHERE k = 7`)
	v := f.verify(verify.Options{AtRest: true})
	if x := want(t, v, "v", verify.Equal); x.Similar != 4 {
		t.Errorf("%+v", x)
	}
	f.exec(`UPDATE stepping.v SET n = n + 0.01 WHERE k = 9`)
	v = f.verify(verify.Options{AtRest: true})
	if x := want(t, v, "v", verify.Differs); x.Similar != 4 || x.Missing != 1 || x.Extra != 1 {
		t.Errorf("%+v", x)
	}
}

// What is equal by an order that only Postgres knows is so for verify as well.
func TestVerifyAsksWhatIsEqual(t *testing.T) {
	f := newFixture(t, pairs, `v: SELECT k, numrange(n, NULL) AS r, ARRAY[numrange(NULL, n)] AS rs FROM a`)
	f.start()()
	f.exec(`UPDATE stepping.v SET r = numrange(lower(r) + 0.000, NULL) WHERE k < 4; UPDATE stepping.v SET rs = ARRAY[numrange(NULL, upper(rs[1]) + 0.000)] WHERE k = 7`)
	v := f.verify(verify.Options{AtRest: true})
	if x := want(t, v, "v", verify.Equal); x.Similar != 4 {
		t.Errorf("%+v", x)
	}
	f.exec(`UPDATE stepping.v SET r = numrange(lower(r) + 0.01, NULL) WHERE k = 9`)
	v = f.verify(verify.Options{AtRest: true})
	if x := want(t, v, "v", verify.Differs); x.Similar != 4 || x.Missing != 1 || x.Extra != 1 {
		t.Errorf("%+v", x)
	}
}

// To ask, or to have no answer, does not end the snapshot that the other views are compared under.
func TestVerifyAsksForMoreThanOneView(t *testing.T) {
	const asking = ": SELECT k, numrange(n, NULL) AS r FROM a"
	f := newFixture(t, pairs, "first"+asking, "plain: SELECT k, g FROM a", "boxes: SELECT k, point(g, g) AS p FROM a", "second"+asking, "rest: SELECT k FROM a")
	f.start()()
	f.exec(`UPDATE stepping.first SET r = numrange(lower(r) + 0.000, NULL) WHERE k < 4; UPDATE stepping.second SET r = numrange(lower(r) + 0.00, NULL) WHERE k < 3; UPDATE stepping.boxes SET p = '(-1, -1)' WHERE k = 2`)
	v := f.verify(verify.Options{AtRest: true})
	if x := want(t, v, "first", verify.Equal); x.Similar != 3 {
		t.Errorf("%+v", x)
	}
	if x := want(t, v, "second", verify.Equal); x.Similar != 2 {
		t.Errorf("%+v", x)
	}
	if x := want(t, v, "boxes", verify.Differs); x.Missing != 1 || x.Extra != 1 {
		t.Errorf("%+v", x)
	}
	want(t, v, "plain", verify.Equal)
	want(t, v, "rest", verify.Equal)
}

// A view whose query fails is not equal to anything; the others still are.
func TestVerifyOfFailingAndAbsentViews(t *testing.T) {
	f := newFixture(t, pairs, "ratio: SELECT k, 10 / (g - 5) AS q FROM a", "fine: SELECT k FROM a", "gone: SELECT g FROM a")
	stop := f.start()
	f.exec(`UPDATE a SET g = 5 WHERE k = 2`)
	v := f.verify(verify.Options{})
	if x := want(t, v, "ratio", verify.Failing); !strings.Contains(x.Error, "division by zero") {
		t.Errorf("%+v", x)
	}
	want(t, v, "fine", verify.Equal)
	stop()
	f.exec(`DROP TABLE stepping.gone`)
	v = f.verify(verify.Options{AtRest: true})
	want(t, v, "gone", verify.Absent)
	want(t, v, "fine", verify.Equal)
}

// A view that is no longer maintained differs for that reason, which is said with
// the rows; one that is maintained differs for none that we know.
func TestVerifySaysWhichViewIsStopped(t *testing.T) {
	f := newFixture(t, pairs+"; CREATE TABLE b (k int PRIMARY KEY)", "sums: SELECT g, sum(n) AS n FROM a GROUP BY g", "keys: SELECT k FROM b")
	f.start()
	f.exec(`ALTER TABLE a ALTER n TYPE float8; UPDATE a SET n = n + 1 WHERE k = 2; INSERT INTO b VALUES (1)`)
	f.verify(verify.Options{})
	f.exec(`UPDATE stepping.keys SET k = 2`)
	v := f.verify(verify.Options{})
	if x := want(t, v, "keys", verify.Differs); x.State != "" || x.Error != "" {
		t.Errorf("%+v", x)
	}
	if x := want(t, v, "sums", verify.Differs); x.State != sink.Stopped || !strings.Contains(x.Error, "public.a") || x.Missing == 0 {
		t.Errorf("%+v", x)
	}
}

// writing changes the table all the time until the test stops it.
func (f *fixture) writing(pause time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for i := range 2 {
		group.Go(func() {
			conn, err := pgx.Connect(ctx, f.dsn)
			if err != nil {
				f.t.Error(err)
				return
			}
			defer conn.Close(context.Background())
			for n := 0; ctx.Err() == nil; n++ {
				_, err := conn.Exec(context.Background(), `UPDATE a SET n = n + 1, g = (g + 1) % 3 WHERE k = $1`, 1+(2*n+i)%30)
				if err != nil {
					f.t.Error(err)
					return
				}
				time.Sleep(pause)
			}
		})
	}
	return sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
}

func TestVerifyWhileTheSourceIsWrittenTo(t *testing.T) {
	f := newFixture(t, pairs, "sums: SELECT g, sum(n) AS s, count(*) FROM a GROUP BY g", "rows: SELECT k, g, n FROM a")
	f.start()
	stop := f.writing(20 * time.Millisecond)
	defer stop()
	for range 5 {
		if v := f.verify(verify.Options{}); !v.Equal() {
			t.Fatalf("%+v", v)
		}
	}
	stop()
	stop = f.writing(0)
	defer stop()
	for range 5 {
		if v := f.verify(verify.Options{Lock: true}); !v.Equal() || v.Snapshots != 1 {
			t.Fatalf("%+v", v)
		}
	}
}

// A table that is wrong is found to be wrong also while the others move.
func TestVerifyFindsTamperingUnderLoad(t *testing.T) {
	f := newFixture(t, pairs+`; CREATE TABLE b (k int PRIMARY KEY); INSERT INTO b VALUES (1), (2)`,
		"rows: SELECT k, g, n FROM a", "other: SELECT k FROM b")
	f.start()
	f.exec(`UPDATE stepping.other SET k = 3 WHERE k = 1`)
	stop := f.writing(20 * time.Millisecond)
	defer stop()
	v := f.verify(verify.Options{})
	want(t, v, "rows", verify.Equal)
	want(t, v, "other", verify.Differs)
}

func TestVerifyWithoutARunningInstance(t *testing.T) {
	f := newFixture(t, pairs, "rows: SELECT k FROM a")
	f.start()()
	f.exec(`INSERT INTO a VALUES (99)`)
	_, err := verify.Views(t.Context(), f.cfg, verify.Options{Timeout: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), `is "stepping-cdc run" running?`) {
		t.Fatalf("%v", err)
	}
}

// TestVerifyLocksNothing: a view's locking clause is not for verify, which only reads.
func TestVerifyLocksNothing(t *testing.T) {
	f := newFixture(t, pairs+`; CREATE VIEW locking AS SELECT k, n FROM a WHERE n IS NOT NULL FOR SHARE`,
		"locked: SELECT k, n FROM a FOR NO KEY UPDATE OF a NOWAIT", "reading: SELECT locking.k FROM locking WHERE n > 0 FOR UPDATE")
	f.start()
	f.exec(`INSERT INTO a (k, g, n) VALUES (98, 1, 5)`)
	v := f.verify(verify.Options{})
	want(t, v, "locked", verify.Equal)
	want(t, v, "reading", verify.Equal)
}

func TestVerifyWithASinkOfItsOwn(t *testing.T) {
	f := newFixture(t, pairs, "sums: SELECT g, sum(n) AS s FROM a GROUP BY g", "total: SELECT sum(s) FROM sums")
	f.cfg.Sink.DSN = config.DSN(embedded.NewDB(t))
	f.start()
	stop := f.writing(20 * time.Millisecond)
	defer stop()
	for range 3 {
		if v := f.verify(verify.Options{}); !v.Equal() {
			t.Fatalf("%+v", v)
		}
	}
	if v := f.verify(verify.Options{Lock: true}); !v.Equal() {
		t.Fatalf("%+v", v)
	}
}

// However busy the source is, the answer is never a difference that is none.
func TestVerifyOfABusySource(t *testing.T) {
	f := newFixture(t, pairs, "rows: SELECT k, n FROM a")
	f.start()
	for range 3 {
		defer f.writing(0)()
	}
	v, err := verify.Views(t.Context(), f.cfg, verify.Options{Timeout: time.Second})
	switch {
	case err == nil:
		want(t, v, "rows", verify.Equal)
	case !errors.Is(err, verify.ErrBusy) && !strings.Contains(err.Error(), "catch up"):
		t.Fatal(err)
	}
}
