package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	shop "github.com/stepping-cdc/stepping-cdc/examples/shop"
)

const program = "stepping-cdc"

// world is one paper's server, with a database "shop" that the role "app" owns.
type world struct {
	t     *testing.T
	dir   string
	env   []string
	srv   *embedded.Server
	super *pgx.Conn
	conns map[string]*pgx.Conn // by role
	stop  func()               // ends what runs in the background; nil: nothing does
}

func newWorld(t *testing.T, dir string, filled bool) *world {
	t.Helper()
	srv := embedded.StartForTest(t, embedded.Options{})
	w := &world{t: t, dir: dir, srv: srv, conns: map[string]*pgx.Conn{}}
	admin := w.connect(srv.DSN("postgres"))
	w.must(admin, "CREATE ROLE app LOGIN REPLICATION PASSWORD 'app'")
	w.must(admin, "CREATE DATABASE shop OWNER app")
	w.super = w.connect(srv.DSN("shop"))
	w.conns["superuser"] = w.super
	if filled {
		w.must(w.as(""), shop.Schema)
		w.must(w.as(""), shop.Seed)
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "STEPPING_") {
			w.env = append(w.env, kv)
		}
	}
	w.env = append(w.env, "STEPPING_HTTP_LISTEN=off", "STEPPING_LOG_FORMAT=console", "TZ=UTC")
	return w
}

// as is a role's connection.
func (w *world) as(role string) *pgx.Conn {
	w.t.Helper()
	if role == "" {
		role = "app"
	}
	if w.conns[role] == nil {
		w.conns[role] = w.connect(w.srv.DSNAs(role, role, "shop"))
	}
	return w.conns[role]
}

func (w *world) connect(dsn string) *pgx.Conn {
	w.t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.RuntimeParams["TimeZone"] = "UTC"
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (w *world) must(conn *pgx.Conn, sql string) {
	w.t.Helper()
	if _, err := w.query(conn, sql); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// query runs statements one by one and prints results as psql does. One by one,
// since those sent together are one transaction.
func (w *world) query(conn *pgx.Conn, sql string) (string, error) {
	var out strings.Builder
	for _, statement := range statements(sql) {
		results, err := conn.PgConn().Exec(context.Background(), statement).ReadAll()
		for _, r := range results {
			if len(r.FieldDescriptions) > 0 {
				out.WriteString(table(r))
			}
		}
		if err != nil {
			return out.String(), err
		}
	}
	return out.String(), nil
}

// statements splits a script at semicolons that end a line.
func statements(sql string) []string {
	var all []string
	var s strings.Builder
	quoted := false // inside $$ … $$
	for line := range strings.Lines(sql) {
		s.WriteString(line)
		if strings.Count(line, "$$")%2 == 1 {
			quoted = !quoted
		}
		code, _, _ := strings.Cut(line, "--")
		if !quoted && strings.HasSuffix(strings.TrimSpace(code), ";") {
			all = append(all, s.String())
			s.Reset()
		}
	}
	if strings.TrimSpace(s.String()) != "" {
		all = append(all, s.String())
	}
	return all
}

// numeric are the types that psql aligns to the right.
var numeric = map[uint32]bool{20: true, 21: true, 23: true, 26: true, 700: true, 701: true, 1700: true}

// table prints a result in psql's format.
func table(r *pgconn.Result) string {
	widths := make([]int, len(r.FieldDescriptions))
	for i, f := range r.FieldDescriptions {
		widths[i] = len([]rune(f.Name))
		for _, row := range r.Rows {
			widths[i] = max(widths[i], len([]rune(string(row[i]))))
		}
	}
	var out strings.Builder
	line := func(cells []string) {
		out.WriteString(strings.TrimRight(" "+strings.Join(cells, " | "), " ") + "\n")
	}
	cells := make([]string, len(widths))
	rules := make([]string, len(widths))
	for i, f := range r.FieldDescriptions {
		pad := widths[i] - len([]rune(f.Name))
		cells[i] = strings.Repeat(" ", pad/2) + f.Name + strings.Repeat(" ", pad-pad/2)
		rules[i] = strings.Repeat("-", widths[i]+2)
	}
	line(cells)
	out.WriteString(strings.Join(rules, "+") + "\n")
	for _, row := range r.Rows {
		for i, v := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(string(v))))
			if numeric[r.FieldDescriptions[i].DataTypeOID] {
				cells[i] = pad + string(v)
			} else {
				cells[i] = string(v) + pad
			}
		}
		line(cells)
	}
	plural := "s"
	if len(r.Rows) == 1 {
		plural = ""
	}
	fmt.Fprintf(&out, "(%d row%s)\n\n", len(r.Rows), plural)
	return out.String()
}

func errorText(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err.Error() + "\n"
	}
	text := "ERROR:  " + pg.Message + "\n"
	if pg.Hint != "" {
		text += "HINT:  " + pg.Hint + "\n"
	}
	return text
}

var built struct {
	once sync.Once
	path string
	err  error
}

// binary builds the program once.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "stepping-docs")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, program)
		out, err := exec.Command("go", "build", "-o", built.path, "../cmd/stepping-cdc").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// command runs the program as a reader would, and returns what it prints. Roles are
// the source's, and the sink's if it is another.
func (w *world) command(args []string, roles string) string {
	w.t.Helper()
	source, target, other := strings.Cut(roles, ", ")
	if source == "" {
		source = "app"
	}
	cmd := exec.Command(binary(w.t), args...)
	cmd.Dir, cmd.Env = w.dir, append(w.env[:len(w.env):len(w.env)], "STEPPING_SOURCE_DSN="+w.srv.DSNAs(source, source, "shop"))
	if other {
		cmd.Env = append(cmd.Env, "STEPPING_SINK_DSN="+w.srv.DSNAs(target, target, "shop"))
	}
	if len(args) > 0 && args[0] == "run" {
		return w.background(cmd)
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return w.local(string(out))
}

var trailing = regexp.MustCompile(`(?m)[ \t]+$`)

// local takes the temporary folder's name, and blanks that nobody sees, out.
func (w *world) local(s string) string {
	return trailing.ReplaceAllString(strings.ReplaceAll(s, w.dir+"/", ""), "")
}

// log is a process's output, for two goroutines.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// background starts "stepping-cdc run", in the place of the one that runs already,
// and waits until all views are live, or until it ends.
func (w *world) background(cmd *exec.Cmd) string {
	w.t.Helper()
	if w.stop != nil {
		w.stop()
	}
	out := &log{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	w.stop = func() {
		w.stop = nil
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			w.t.Errorf("%s does not stop:\n%s", program, out)
		}
	}
	w.t.Cleanup(func() {
		if w.stop != nil {
			w.stop()
		}
	})
	deadline := time.Now().Add(time.Minute)
	for !ready(out.String()) {
		select {
		case <-done:
			return w.local(out.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the views are not live:\n%s", out)
		}
	}
	return w.local(out.String())
}

// ready says whether all views are live and followed, by the log.
func ready(log string) bool {
	return strings.Contains(log, "following the source") && strings.Count(log, "views are live") >= strings.Count(log, "loading a snapshot")
}

// volatile is what differs from run to run.
var volatile = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b`), "LSN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:?\d\d)?|Z)?`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d(\.\d+)?\b`), "CLOCK"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ns|µs|ms| ms| s|s)\b`), "DURATION"},
	{regexp.MustCompile(`(took|pause)=\d+(\.\d+)?`), "$1=DURATION"},
	{regexp.MustCompile(`\b\d+(\.\d+)? [KMGT]?i?B\b`), "SIZE"},
	{regexp.MustCompile(`PostgreSQL \d+(\.\d+)?`), "PostgreSQL VERSION"},
	{regexp.MustCompile(`process \d+`), "process N"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`-{2,}`), "-"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

// normal is a text without what differs from run to run.
func normal(s string) string {
	for _, v := range volatile {
		s = v.pattern.ReplaceAllString(s, v.with)
	}
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, "\n")
}

// runGo compiles and runs a program that uses the packages of this module.
func runGo(t *testing.T, source string) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", "example")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "./"+file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
