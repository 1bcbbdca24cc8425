// Package check looks at everything that running a configuration needs, and says all that is
// wrong at once.
//
// It knows the configuration, what its views mean, and what the servers and this machine have to
// offer. It must not know how views are run, and changes nothing.
package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/migrations"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// Finding is one thing that Run looked at.
type Finding struct {
	Area    string `json:"area"` // config, source, view, sink, state or http
	OK      bool   `json:"ok"`
	Code    string `json:"code,omitempty"`  // a stable name of what is wrong
	Place   string `json:"place,omitempty"` // file:line:column
	Object  string `json:"object,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// String is the finding as one line, with its place first, as compilers do.
func (f Finding) String() string {
	var b strings.Builder
	if f.Place != "" {
		b.WriteString(f.Place + ": ")
	}
	b.WriteString(f.Area)
	if f.Object != "" {
		b.WriteString(" " + f.Object)
	}
	b.WriteString(": " + f.Message)
	return b.String()
}

// Report is everything that Run looked at.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Problems is how many findings are not fine.
func (r *Report) Problems() int {
	n := 0
	for _, f := range r.Findings {
		if !f.OK {
			n++
		}
	}
	return n
}

func (r *Report) fine(area, object, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Area: area, OK: true, Object: object, Message: fmt.Sprintf(format, args...)})
}

func (r *Report) wrong(f Finding) { r.Findings = append(r.Findings, f) }

// Config reports a configuration that could not be loaded.
func Config(err error) *Report {
	r := &Report{}
	var problems *config.Problems
	if !errors.As(err, &problems) {
		r.wrong(Finding{Area: "config", Message: err.Error()})
		return r
	}
	for _, p := range problems.List {
		f := Finding{Area: "config", Place: problems.File, Object: p.Key, Message: p.Message, Remedy: p.Remedy}
		if p.Line > 0 {
			f.Place = fmt.Sprintf("%s:%d:%d", problems.File, p.Line, max(p.Column, 1))
		}
		r.wrong(f)
	}
	return r
}

// Run looks at everything that running a configuration needs, and reports all
// of it at once. It changes nothing.
func Run(ctx context.Context, cfg *config.Config) *Report {
	r := &Report{}
	r.fine("config", "", "%s: %s", filepath.Base(cfg.Path), count(len(cfg.Views), "view"))
	analysis := r.source(ctx, cfg)
	r.sink(ctx, cfg, analysis)
	r.state(cfg.State.Dir)
	r.http(cfg.HTTP.Listen)
	return r
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// failed reports an error of a connection.
func (r *Report) failed(area string, cfg *config.Config, err error) {
	err = config.RedactError(err, string(cfg.Source.DSN), string(cfg.Sink.DSN))
	f := Finding{Area: area, Code: "error", Message: err.Error()}
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		f.Code, f.Remedy = pg.Code, pg.Hint
		if strings.HasPrefix(pg.Code, "28") {
			f.Remedy = "correct user and password; they come from " + area + ".dsn, " + config.EnvName(area+".dsn") + ", PGPASSFILE or PGPASSWORD"
		}
	case errors.As(err, &connect):
		f.Code = "connect"
		f.Remedy = "correct " + area + ".dsn (or " + config.EnvName(area+".dsn") + "), and see that the server is up and lets this host in"
	}
	r.wrong(f)
}

// source checks the server to be followed and what the views mean there.
func (r *Report) source(ctx context.Context, cfg *config.Config) *plan.Analysis {
	conn, err := replication.OpenSession(ctx, string(cfg.Source.DSN))
	if err != nil {
		r.failed("source", cfg, err)
		return nil
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	r.greet(ctx, conn, "source", cfg)
	analysis, err := configured.Analyze(ctx, cfg)
	if err != nil {
		r.failed("source", cfg, err)
		return nil
	}
	options := configured.CheckOptions(cfg, analysis)
	problems, err := replication.CheckSource(ctx, conn, options)
	if err != nil {
		r.failed("source", cfg, err)
	}
	for _, p := range problems {
		r.wrong(Finding{Area: "source", Code: p.Code, Object: p.Object, Message: p.Message, Remedy: p.Remedy})
	}
	if err == nil && len(problems) == 0 {
		r.fine("source", "", "logical replication is possible: slot %q, publication %q, %s",
			cfg.Source.Slot, cfg.Source.Publication, count(len(options.Tables), "table"))
	}
	r.views(cfg, analysis)
	return analysis
}

func (r *Report) greet(ctx context.Context, conn *pgx.Conn, area string, cfg *config.Config) {
	var version, database, role string
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_database(), current_user::text`).Scan(&version, &database, &role)
	if err != nil {
		r.failed(area, cfg, err)
		return
	}
	version, _, _ = strings.Cut(version, " ")
	r.fine(area, "", "PostgreSQL %s, database %q, as role %q", version, database, role)
}

// views reports the problems of the views' queries, and the views without.
func (r *Report) views(cfg *config.Config, analysis *plan.Analysis) {
	wrong := map[string]bool{}
	for _, p := range analysis.Problems {
		wrong[p.View] = true
		f := Finding{Area: "view", Code: string(p.Code), Object: p.View, Message: p.Message, Remedy: p.Remedy, Place: place(cfg, p.View, p.Line, p.Col)}
		r.wrong(f)
	}
	_, errs := configured.Specs(cfg, analysis)
	for _, err := range errs {
		wrong[err.View] = true
		r.wrong(Finding{Area: "view", Code: "output", Object: err.View, Place: place(cfg, err.View, 0, 0), Message: err.Err.Error()})
	}
	for _, o := range analysis.Outputs {
		if wrong[o.Name] {
			continue
		}
		var tables []string
		for _, t := range configured.TableRefs([]*plan.Output{o}) {
			tables = append(tables, t.String())
		}
		reads := "reads no table"
		if len(tables) > 0 {
			reads = "reads " + strings.Join(tables, ", ")
		}
		r.fine("view", o.Name, "%s, %s; %s", count(len(o.Columns), "column"), reads, keyText(o))
	}
}

// place is where in the file, as it was named, a view's query is at a line and column of its own.
func place(cfg *config.Config, view string, line, column int) string {
	for _, v := range cfg.Views {
		if v.Name == view {
			line, column := v.QueryPlace(placeOf(v.Query, line, column))
			return fmt.Sprintf("%s:%d:%d", cfg.File, line, column)
		}
	}
	return cfg.File
}

func keyText(o *plan.Output) string {
	switch {
	case o.Key == nil:
		return "rows are a multiset"
	case len(o.Key) == 0:
		return "one row at most"
	}
	var names []string
	for _, k := range o.Key {
		names = append(names, o.Columns[k].Name)
	}
	return "key (" + strings.Join(names, ", ") + ")"
}

// placeOf is the number, from 1, of a query's character at a line and column of
// the query without the white space around it.
func placeOf(query string, line, column int) int {
	if line < 1 {
		return 0
	}
	query = strings.TrimRight(query, " \t\r\n")
	lead := len([]rune(query)) - len([]rune(strings.TrimSpace(query)))
	at := lead
	rest := strings.TrimSpace(query)
	for ; line > 1; line-- {
		first, after, ok := strings.Cut(rest, "\n")
		if !ok {
			break
		}
		at += len([]rune(first)) + 1
		rest = after
	}
	return at + max(column, 1)
}

// sink checks what the role may do where the outputs live.
func (r *Report) sink(ctx context.Context, cfg *config.Config, analysis *plan.Analysis) {
	conn, err := replication.OpenSession(ctx, string(cfg.Sink.DSN))
	if err != nil {
		if cfg.Sink.DSN != cfg.Source.DSN {
			r.failed("sink", cfg, err)
		}
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if cfg.Sink.DSN != cfg.Source.DSN {
		r.greet(ctx, conn, "sink", cfg)
	}
	before := r.Problems()
	for _, schema := range []string{cfg.Sink.Schema, configured.ControlSchema} {
		if err := r.schema(ctx, conn, schema); err != nil {
			r.failed("sink", cfg, err)
			return
		}
	}
	if _, err := migrations.Version(ctx, conn); err != nil {
		r.failed("sink", cfg, err)
	}
	if analysis != nil {
		for _, o := range analysis.Outputs {
			if err := r.output(ctx, conn, cfg.Sink.Schema, o.Name); err != nil {
				r.failed("sink", cfg, err)
				return
			}
		}
	}
	if r.Problems() == before {
		r.fine("sink", "", "output tables can be kept in schema %q", cfg.Sink.Schema)
	}
}

// schema checks that tables can be made in a schema.
func (r *Report) schema(ctx context.Context, conn *pgx.Conn, schema string) error {
	var exists, inSchema, inDatabase bool
	var role, database string
	err := conn.QueryRow(ctx, `
		SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE'), false),
		       has_database_privilege(current_database(), 'CREATE'), current_user::text, current_database()
		FROM (SELECT $1::text AS name) s LEFT JOIN pg_namespace n ON n.nspname = s.name`, schema).
		Scan(&exists, &inSchema, &inDatabase, &role, &database)
	if err != nil {
		return fmt.Errorf("check schema %s: %w", schema, err)
	}
	quoted := pgx.Identifier{schema}.Sanitize()
	quotedRole := pgx.Identifier{role}.Sanitize()
	switch {
	case exists && !inSchema:
		r.wrong(Finding{Area: "sink", Code: "schema_privilege", Object: schema, Message: "role " + role + " may not create tables in the schema",
			Remedy: fmt.Sprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s", quoted, quotedRole)})
	case !exists && !inDatabase:
		r.wrong(Finding{Area: "sink", Code: "database_privilege", Object: schema, Message: "the schema does not exist and role " + role + " may not create it",
			Remedy: fmt.Sprintf("CREATE SCHEMA %s AUTHORIZATION %s, or GRANT CREATE ON DATABASE %s TO %s",
				quoted, quotedRole, pgx.Identifier{database}.Sanitize(), quotedRole)})
	}
	return nil
}

// output checks that the name of an output table is free, or taken by ours.
func (r *Report) output(ctx context.Context, conn *pgx.Conn, schema, name string) error {
	var kind, comment string
	// A table is a type of its name as well; only those of arrays make room.
	err := conn.QueryRow(ctx, `SELECT c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
		UNION ALL
		SELECT 'type', '' FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = $1 AND t.typname = $2 AND t.typrelid = 0
			AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`, schema, name).Scan(&kind, &comment)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for table %s.%s: %w", schema, name, err)
	}
	if kind != "r" || !strings.HasPrefix(comment, "stepping-cdc") {
		r.wrong(Finding{Area: "sink", Code: "output_foreign", Object: schema + "." + name, Message: "exists and was not made by stepping-cdc",
			Remedy: "rename the view, or choose another sink.schema"})
	}
	return nil
}

// state checks that the folder can be written.
func (r *Report) state(dir string) {
	info, err := os.Stat(dir)
	parent := dir
	for errors.Is(err, os.ErrNotExist) && parent != filepath.Dir(parent) {
		parent = filepath.Dir(parent)
		info, err = os.Stat(parent)
	}
	switch {
	case err != nil:
		r.wrong(Finding{Area: "state", Code: "state_dir", Object: dir, Message: err.Error(), Remedy: "set state.dir to a folder on a local disk"})
	case !info.IsDir():
		r.wrong(Finding{Area: "state", Code: "state_dir", Object: dir, Message: parent + " is not a folder", Remedy: "set state.dir to a folder on a local disk"})
	case unix.Access(parent, unix.W_OK|unix.X_OK) != nil:
		r.wrong(Finding{Area: "state", Code: "state_dir", Object: dir, Message: parent + " cannot be written by this user",
			Remedy: "change its owner, or set state.dir to another folder"})
	case parent != dir:
		r.fine("state", dir, "will be created")
	default:
		r.fine("state", dir, "is there, %s free", freeSpace(dir))
	}
}

func freeSpace(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "an unknown amount"
	}
	return config.FormatSize(int64(st.Bavail) * int64(st.Bsize))
}

// http checks that the address can be listened on; an instance that runs has it.
func (r *Report) http(listen string) {
	if listen == "" {
		return
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		r.wrong(Finding{Area: "http", Object: listen, Message: err.Error(), Remedy: "write host:port, or off"})
		return
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		r.fine("http", listen, "dashboard and metrics, open to every host that reaches this one (they have no password)")
		return
	}
	r.fine("http", listen, "dashboard and metrics")
}
