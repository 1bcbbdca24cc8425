package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/dashboard"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
	"github.com/stepping-cdc/stepping-cdc/pipeline/check"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
)

// told gathers everything that the program says, in any way.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *told) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *told) add(what string, v any) {
	text, err := json.Marshal(v)
	fmt.Fprintf(s, "%s: %+v %#v %s %v\n", what, v, v, text, err)
}

// TestPasswordIsNeverShown takes one password through every way of failing, and
// every way of looking: logs, errors, reports, page, metrics, control tables and the
// files of the state.
func TestPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	const password = "Ge#heim/wort:1@2?3 ä"
	srv := embedded.StartForTest(t, embedded.Options{})
	admin, err := pgx.Connect(t.Context(), srv.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()
	f := &fixture{t: t, dsn: srv.NewDB(t)}
	if f.conn, err = pgx.Connect(t.Context(), f.dsn); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.conn.Close(context.Background()) }()
	f.exec(`CREATE TABLE a (k int PRIMARY KEY, v int); INSERT INTO a VALUES (1, 1);
		CREATE ROLE app LOGIN SUPERUSER PASSWORD '` + password + `'`)
	// From here on passwords count.
	hba := filepath.Join(srv.DataDir(), "pg_hba.conf")
	if err := os.WriteFile(hba, []byte("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.exec("SELECT pg_reload_conf()")
	time.Sleep(500 * time.Millisecond)

	u, err := url.Parse(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	cc, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	at := func(user, pass, host, database, params string) config.DSN {
		c := *u
		c.User, c.Host, c.Path, c.RawQuery = url.UserPassword(user, pass), host, "/"+database, params
		return config.DSN(c.String())
	}
	good := at("app", password, u.Host, cc.Database, "sslmode=disable")
	said := &told{}
	log := zerolog.New(said).Level(zerolog.TraceLevel)
	cfg := func(dsn config.DSN) *config.Config {
		return &config.Config{
			Source: config.Source{DSN: dsn, Slot: "secrets", Publication: "stepping_cdc", ManagePublication: true},
			Sink:   config.Sink{DSN: dsn, Schema: "stepping"},
			State:  config.State{Dir: filepath.Join(t.TempDir(), "state"), Memory: 16 << 20},
			Views:  []config.View{{Name: "v", Query: "SELECT k, 10 / v AS x FROM a"}},
		}
	}
	// whole runs every door that connects, and looks at all it says.
	whole := func(what string, c *config.Config, patience time.Duration, meanwhile func()) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		p := pipeline.New(c, log, pipeline.Options{})
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		page := httptest.NewServer(dashboard.Handler(dashboard.Options{
			Progress: p.Progress,
			Status:   func(ctx context.Context) (*pipeline.Status, error) { return pipeline.ReadStatus(ctx, c, false) },
		}))
		defer page.Close()
		meanwhile()
		for _, path := range []string{"/", "/metrics", "/healthz", "/readyz"} {
			r, err := http.Get(page.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			_, _ = body.ReadFrom(r.Body)
			_ = r.Body.Close()
			fmt.Fprintf(said, "%s: %s: %s\n", what, path, body.String())
		}
		asking, end := context.WithTimeout(t.Context(), patience)
		defer end()
		said.add(what+": check", check.Run(asking, c))
		for name, door := range map[string]func() (any, error){
			"status":  func() (any, error) { return pipeline.ReadStatus(asking, c, false) },
			"verify":  func() (any, error) { return verify.Views(asking, c, verify.Options{}) },
			"analyze": func() (any, error) { return configured.Analyze(asking, c) },
		} {
			v, err := door()
			if err != nil {
				// As the commands print it.
				err = config.RedactError(err, string(c.Source.DSN), string(c.Sink.DSN))
				said.add(what+": "+name, err.Error())
			} else if name != "analyze" {
				said.add(what+": "+name, v)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			fmt.Fprintf(said, "%s: run: %v\n", what, err)
		}
		said.add(what, c)
	}
	idle := func() { time.Sleep(200 * time.Millisecond) }
	const short = 2 * time.Second
	host, _, _ := strings.Cut(u.Host, ":")
	whole("wrong password", cfg(at("app", password+"x", u.Host, cc.Database, "sslmode=disable")), short, idle)
	whole("no such role", cfg(at("nobody", password, u.Host, cc.Database, "sslmode=disable")), short, idle)
	whole("no such database", cfg(at("app", password, u.Host, "nowhere", "sslmode=disable")), short, idle)
	whole("nobody listens", cfg(at("app", password, host+":1", cc.Database, "sslmode=disable")), short, idle)
	whole("no TLS", cfg(at("app", password, u.Host, cc.Database, "sslmode=require")), short, idle)
	whole("bad parameter", cfg(at("app", password, u.Host, cc.Database, "sslmode=perhaps")), short, idle)
	whole("bad port", cfg(config.DSN("postgres://app:"+password+"@"+u.Host+"/x")), short, idle)
	whole("as keywords", cfg(config.DSN(fmt.Sprintf("host=%s port=1 user=app password='%s' dbname=%s", host, password, cc.Database))), short, idle)
	mixed := cfg(good)
	mixed.Sink.DSN = at("app", password, host+":1", cc.Database, "sslmode=disable")
	whole("sink is away", mixed, short, idle)

	running := cfg(good)
	whole("it works", running, 15*time.Second, func() {
		f.awaitRow("SELECT state = 'live' FROM stepping_cdc.views")
		f.exec("INSERT INTO a VALUES (2, 0)") // an error in data
		f.awaitRow("SELECT state = 'errored' FROM stepping_cdc.views")
		f.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
		f.exec("DELETE FROM a WHERE v = 0")
		f.awaitRow("SELECT state = 'live' FROM stepping_cdc.views")
		var dump string
		if err := f.conn.QueryRow(t.Context(), `SELECT concat((SELECT string_agg(v::text, '') FROM stepping_cdc.views v), (SELECT string_agg(i::text, '') FROM stepping_cdc.instance i),
			(SELECT string_agg(p::text, '') FROM stepping_cdc.progress p), (SELECT string_agg(concat(application_name, query), '') FROM pg_stat_activity WHERE usename = 'app'))`).Scan(&dump); err != nil {
			t.Fatal(err)
		}
		said.add("control tables and sessions", dump)
	})
	// The state's files are nobody else's.
	err = filepath.WalkDir(running.State.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && d.IsDir() && st.Mode&0o077 != 0 {
			t.Errorf("%s is open to others: %o", path, st.Mode&0o777)
		}
		if d.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			_, err = said.Write(text)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	text := said.text.String()
	if !strings.Contains(text, "password authentication failed") || !strings.Contains(text, "refused TLS") || !strings.Contains(text, "stepping_cdc_live") || !strings.Contains(text, "connection refused") {
		t.Error("not all ways of failing were taken")
	}
	for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password), url.UserPassword("", password).String()[1:], "Ge#heim", "Ge%23heim", "heim/wort", "heim%2Fwort"} {
		for i := strings.Index(text, form); i >= 0; i = -1 {
			t.Errorf("%q is shown: …%s…", form, text[max(0, i-300):min(len(text), i+100)])
		}
	}
	t.Logf("%d bytes were looked through", len(text))
}

// awaitRow waits for a query to say true.
func (f *fixture) awaitRow(sql string) {
	f.t.Helper()
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if err := f.conn.QueryRow(f.t.Context(), sql).Scan(&ok); err == nil && ok {
			return
		}
	}
	f.t.Fatalf("in vain: %s", sql)
}
