// Package demo shows the program at work: a throw-away Postgres with the example
// shop in it, sessions that write to the shop, the views that follow, and at the
// end a comparison of every output table with its query.
//
// It is a package of its own, and not part of the command, so that it can be
// tested. It uses nothing but its own temporary folder and its own server, never a
// cluster or a configuration of the user's: see isolate.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/dashboard"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/examples/shop"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
	"github.com/stepping-cdc/stepping-cdc/pipeline/verify"
)

// Options say how to show it.
type Options struct {
	// For is how long the shop is written to.
	For time.Duration
	// HTTP is where the dashboard listens; "" for none.
	HTTP string
	// Keep leaves everything running, without writers, until the context ends.
	Keep bool
	// Out gets the report. On a terminal it is redrawn once a second.
	Out      io.Writer
	Terminal bool
	// Log gets the pipeline's log.
	Log zerolog.Logger
}

// ErrDiffers says that an output table was not equal to its query.
var ErrDiffers = errors.New("an output table differs from its query")

// Run runs the demonstration.
func Run(ctx context.Context, opts Options) (err error) {
	if err := isolate(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "stepping-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprintln(opts.Out, "starting a Postgres of its own in a temporary folder")
	server, err := embedded.Start(ctx, embedded.Options{Log: opts.Out})
	if err != nil {
		return interrupted(ctx, fmt.Errorf("start Postgres: %w", err))
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := createShop(ctx, server); err != nil {
		return interrupted(ctx, err)
	}
	cfg, err := configure(dir, server.DSN("shop"))
	if err != nil {
		return err
	}
	fmt.Fprintf(opts.Out, "PostgreSQL %s with a shop in it; %d views\n", server.Version(), len(cfg.Views))
	d := &demo{opts: opts, cfg: cfg, server: server}
	return d.run(ctx)
}

// isolate removes from the environment whatever could lead this process to
// another server or another configuration: our own settings and libpq's. What
// remains says where Postgres' programs are, not which server to use.
func isolate() error {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name == "STEPPING_PG_BIN" || name == "STEPPING_CACHE_DIR" {
			continue
		}
		if strings.HasPrefix(name, "STEPPING_") || strings.HasPrefix(name, "PG") {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("clear %s: %w", name, err)
			}
		}
	}
	return nil
}

// interrupted: an end that was asked for is no failure.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func createShop(ctx context.Context, server *embedded.Server) error {
	run := func(db string, scripts ...string) error {
		conn, err := pgx.Connect(ctx, server.DSN(db))
		if err != nil {
			return fmt.Errorf("connect to the demo's server: %w", err)
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		for _, sql := range scripts {
			if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				return fmt.Errorf("create the shop: %w", err)
			}
		}
		return nil
	}
	if err := run("postgres", "CREATE DATABASE shop"); err != nil {
		return err
	}
	return run("shop", shop.Schema, shop.Seed)
}

// configure reads the example's configuration and points it to the demo's server.
func configure(dir, dsn string) (*config.Config, error) {
	path := filepath.Join(dir, config.DefaultPath)
	if err := os.WriteFile(path, []byte(shop.Config), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		return nil, err
	}
	cfg.Source.DSN, cfg.Sink.DSN = config.DSN(dsn), config.DSN(dsn)
	cfg.State.Dir = filepath.Join(dir, "state")
	return cfg, nil
}

type demo struct {
	opts   Options
	cfg    *config.Config
	server *embedded.Server
	ended  chan struct{} // the pipeline has, with err
	err    error
}

// run maintains the views while the shop is written to, then compares.
func (d *demo) run(ctx context.Context) error {
	live := make(chan struct{})
	// Live may be told again after a lost connection.
	p := pipeline.New(d.cfg, d.opts.Log, pipeline.Options{Live: sync.OnceFunc(func() { close(live) })})
	// The pipeline outlives the writers, also when a signal ends them.
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	d.ended = make(chan struct{})
	go func() {
		d.err = p.Run(following)
		close(d.ended)
	}()
	closeDashboard := d.dashboard(p)
	defer closeDashboard()

	err := d.stages(ctx, p, live)
	stop()
	<-d.ended
	return errors.Join(err, d.err)
}

func (d *demo) stages(ctx context.Context, p *pipeline.Pipeline, live <-chan struct{}) error {
	select {
	case <-live:
	case <-d.ended:
		return errEnded
	case <-ctx.Done():
		return nil
	}
	if err := d.trade(ctx, p); err != nil {
		return err
	}
	if err := d.verify(ctx); err != nil {
		return err
	}
	if !d.opts.Keep || ctx.Err() != nil {
		return nil
	}
	fmt.Fprintf(d.opts.Out, "\nPostgres stays until Ctrl-C:\n  psql '%s'\n  SELECT * FROM stepping.revenue_by_region;\n", d.server.DSN("shop"))
	select {
	case <-ctx.Done():
		return nil
	case <-d.ended:
		return errEnded
	}
}

// errEnded: nobody has asked the pipeline to end.
var errEnded = errors.New("the views are not maintained any more")

// dashboard starts the dashboard, if there is to be one. Without it the demo goes
// on: the port may be taken by a program of the user's.
func (d *demo) dashboard(p *pipeline.Pipeline) (closeIt func()) {
	if d.opts.HTTP == "" {
		return func() {}
	}
	server, err := dashboard.Listen(d.opts.HTTP, dashboard.Options{
		Progress: p.Progress,
		Status:   func(ctx context.Context) (*pipeline.Status, error) { return pipeline.ReadStatus(ctx, d.cfg, false) },
	})
	if err != nil {
		fmt.Fprintf(d.opts.Out, "no dashboard: %v\n", err)
		return func() {}
	}
	fmt.Fprintf(d.opts.Out, "dashboard: http://%s\n", server.Address())
	return func() { _ = server.Close() }
}

// trade has the shop written to, and reports.
func (d *demo) trade(ctx context.Context, p *pipeline.Pipeline) error {
	writing, stop := context.WithTimeout(ctx, d.opts.For)
	defer stop()
	w, err := startWriters(writing, d.server.DSN("shop"))
	if err != nil {
		return interrupted(writing, err)
	}
	err = d.watch(ctx, writing, p, w)
	stop()
	return errors.Join(err, w.wait())
}

// watch reports until the writers' time is over.
func (d *demo) watch(ctx, writing context.Context, p *pipeline.Pipeline, w *writers) error {
	r, err := newReport(ctx, d.opts, d.server.DSN("shop"))
	if err != nil {
		return interrupted(ctx, err)
	}
	defer r.close()
	tick, sample := time.NewTicker(time.Second), time.NewTicker(sampleEvery)
	defer tick.Stop()
	defer sample.Stop()
	for {
		select {
		case <-writing.Done():
			r.end(w.total())
			return nil
		case <-d.ended:
			return errEnded
		case <-sample.C:
			r.sample(p.Progress())
		case <-tick.C:
			if err := r.show(w.total()); err != nil {
				return interrupted(ctx, err)
			}
		}
	}
}

// verify compares every output table with its query.
func (d *demo) verify(ctx context.Context) error {
	fmt.Fprintln(d.opts.Out, "\nwriters stopped; comparing every table with its query, as Postgres computes it:")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	result, err := verify.Views(ctx, d.cfg, verify.Options{})
	if err != nil {
		return err
	}
	for _, v := range result.Views {
		fmt.Fprintf(d.opts.Out, "  %-18s %-8s %6d rows", v.View, v.Verdict, v.OutputRows)
		if v.Verdict == verify.Differs {
			fmt.Fprintf(d.opts.Out, ", the query %d: %d missing, %d too many", v.QueryRows, v.Missing, v.Extra)
		}
		fmt.Fprintln(d.opts.Out, "", v.Error)
	}
	if !result.Equal() {
		return ErrDiffers
	}
	fmt.Fprintf(d.opts.Out, "all %d views are equal at %s\n", len(result.Views), result.Position)
	return nil
}
