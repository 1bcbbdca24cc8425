// Package verify compares output tables with their queries, as Postgres evaluates them.
//
// It knows connections, snapshots and multisets of rows. It must not know how outputs are
// maintained: it would share the mistakes that it is to find.
package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/moment"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

// Options say what Views compares, and when.
type Options struct {
	Views []string // none: all
	// LSN is what the outputs have to hold at least; 0: everything committed so far.
	LSN decode.LSN
	// Timeout bounds the wait for that, and the search for a moment in which
	// nothing is under way; 0: 30 s.
	Timeout time.Duration
	// Lock makes such a moment: it holds up writers of the views' tables, for as
	// long as the outputs need to catch up.
	Lock bool
	// AtRest compares at once. It is for outputs that nobody writes any more and a
	// source that does not change.
	AtRest bool
	// Samples is how many rows that differ are kept of each view; 0: 5.
	Samples int
}

// Verdict is the outcome of a comparison.
type Verdict string

// The outcomes of a comparison.
const (
	Equal   Verdict = "equal"
	Differs Verdict = "differs"
	Absent  Verdict = "absent"  // there is no output table (yet)
	Failing Verdict = "errored" // Postgres cannot compute the query either
)

// ViewVerdict is what a comparison found of one view.
type ViewVerdict struct {
	View       string  `json:"view"`
	Verdict    Verdict `json:"verdict"`
	OutputRows int64   `json:"output_rows"`
	QueryRows  int64   `json:"query_rows"`
	// Missing rows are the query's alone, Extra ones the output table's.
	Missing int64 `json:"missing"`
	Extra   int64 `json:"extra"`
	// Similar is how many rows are not the same to the byte, but equal as SQL
	// compares them, or up to the rounding of floating-point sums.
	Similar int64    `json:"similar,omitempty"`
	Samples []Sample `json:"samples,omitempty"`
	Error   string   `json:"error,omitempty"`
	// State is how stepping_cdc.views says that the view is, where that is a reason to
	// differ: not live; Error then is what it says there.
	State sink.State `json:"state,omitempty"`
}

// Result is the outcome of Views.
type Result struct {
	LSN       decode.LSN    `json:"-"`
	Position  string        `json:"lsn"`
	Snapshots int           `json:"snapshots"` // taken until one could be judged
	Views     []ViewVerdict `json:"views"`
}

// Equal says that every view compared is equal to its query.
func (v *Result) Equal() bool {
	return !slices.ContainsFunc(v.Views, func(x ViewVerdict) bool { return x.Verdict != Equal })
}

// ErrBusy says that no snapshot was found in which the outputs held everything
// that the source shows.
var ErrBusy = errors.New("the source is written to so often that no moment was found in which the outputs held everything (see verify --lock)")

// Views compares output tables with their queries as multisets.
//
// Both sides are read under one snapshot, so "equal" needs no argument. "Differs"
// does: on a source that is written to, a snapshot mostly shows transactions that
// are still on their way to the outputs, and nothing can hold the two together
// from outside without holding up the source's writers. So a view that differs is
// found to differ only if nothing was on its way to it:
//
//	the snapshot is taken; it shows progress P;
//	the source's WAL position X is read: all that the snapshot shows ended before it;
//	progress has reached X. Is the output table still what the snapshot shows,
//	and no transaction committed later known to be applied, then there was none
//	between P and X that changes it: the snapshot shows the prefix up to P.
//
// That has to happen under three snapshots, since a transaction becomes visible to
// others a moment after it has become part of the WAL, in which we may already have
// applied it. A view that changes all the time, thousands of times a second, leaves
// no such moment, and the answer is ErrBusy. Lock makes one: with a SHARE lock on
// the views' tables (readers go on, writers wait), the outputs catch up, the
// snapshot is taken, and the lock is released before anything is compared.
//
// Where the sink is another database there are two snapshots, the sink's taken
// first, and the same reasoning holds for "differs".
//
// The snapshot is held while the queries run, which holds back VACUUM.
func Views(ctx context.Context, cfg *config.Config, opts Options) (*Result, error) {
	v := &verifier{cfg: cfg, opts: opts}
	if v.opts.Timeout == 0 {
		v.opts.Timeout = 30 * time.Second
	}
	if v.opts.Samples == 0 {
		v.opts.Samples = 5
	}
	defer v.close(context.WithoutCancel(ctx))
	out, err := v.run(ctx)
	return out, config.RedactError(err, string(cfg.Source.DSN), string(cfg.Sink.DSN))
}

type verifier struct {
	cfg  *config.Config
	opts Options

	analysis *plan.Analysis
	views    []*plan.Output
	settings map[string]map[string]string // by view, as pinned when it was made
	source   *pgx.Conn                    // evaluates the queries
	output   *pgx.Conn                    // reads the output tables; may be the same
	aside    *pgx.Conn                    // the sink, outside of the snapshot
	position *pgx.Conn                    // the source, outside of the snapshot
	clock    string                       // what now() is to be in the queries
	conns    []*pgx.Conn
}

// attempts is under how many snapshots a view has to differ.
const attempts = 3

func (v *verifier) run(ctx context.Context) (*Result, error) {
	if err := v.open(ctx); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(v.opts.Timeout)
	if !v.opts.AtRest {
		if v.opts.LSN == 0 {
			var err error
			if v.opts.LSN, err = v.present(ctx); err != nil {
				return nil, err
			}
		}
		if err := v.await(ctx, v.opts.LSN, deadline); err != nil {
			return nil, err
		}
	}
	result := &Result{}
	verdicts := map[string]ViewVerdict{}
	differed := map[string]int{}
	for open := v.views; len(open) > 0; {
		result.Snapshots++
		before := len(open)
		var err error
		if open, err = v.round(ctx, open, deadline, result, verdicts, differed); err != nil {
			return nil, err
		}
		if len(open) < before {
			deadline = time.Now().Add(v.opts.Timeout) // the comparison itself takes its time
		}
		if time.Now().After(deadline) {
			// One that did differ, and had no second chance, differs.
			for _, o := range open {
				if differed[o.Name] == 0 {
					return nil, ErrBusy
				}
			}
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(rand.N(10 * time.Millisecond)):
		}
	}
	states, err := v.states(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range v.views {
		x := verdicts[o.Name]
		if state, ok := states[o.Name]; ok && x.Verdict == Differs {
			x.State, x.Error = state.State, state.Error
		}
		result.Views = append(result.Views, x)
	}
	// What cannot be maintained can in most cases not be computed either.
	failing := map[string]bool{}
	for _, p := range v.analysis.Problems {
		if !failing[p.View] && (len(v.opts.Views) == 0 || slices.Contains(v.opts.Views, p.View)) {
			failing[p.View] = true
			result.Views = append(result.Views, ViewVerdict{View: p.View, Verdict: Failing, Error: p.Message})
		}
	}
	return result, nil
}

// round compares views under one snapshot. It returns those about which nothing
// is certain yet.
func (v *verifier) round(ctx context.Context, views []*plan.Output, deadline time.Time, result *Result,
	verdicts map[string]ViewVerdict, differed map[string]int,
) (open []*plan.Output, err error) {
	snap, err := v.snapshot(ctx, deadline)
	if err != nil {
		return nil, err
	}
	result.LSN, result.Position = snap.lsn, snap.lsn.String()
	for _, o := range views {
		verdict, err := v.compare(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("compare view %s: %w", o.Name, err)
		}
		settled := true
		if verdict.Verdict == Differs && !snap.still {
			if settled, err = v.settled(ctx, o, snap, deadline); err != nil {
				return nil, fmt.Errorf("compare view %s: %w", o.Name, err)
			}
			if settled {
				differed[o.Name]++
			}
			if differed[o.Name] < attempts {
				open = append(open, o)
			}
		}
		if settled {
			verdicts[o.Name] = verdict
		}
	}
	return open, v.release(ctx)
}

// settled says whether a view's output had nothing on its way to it when the
// snapshot was taken.
func (v *verifier) settled(ctx context.Context, o *plan.Output, snap snapshot, deadline time.Time) (bool, error) {
	if err := v.await(ctx, snap.end, deadline); err != nil {
		return false, err
	}
	_, last, err := progressOf(ctx, v.aside)
	if err != nil || last != snap.last && last != 0 && snap.last != 0 {
		return false, err
	}
	var moved multiset
	if _, err := v.read(ctx, v.output, o.Name, v.table(o), moved.add); err != nil {
		return false, err
	}
	if _, err := v.aside.Exec(ctx, `BEGIN READ ONLY`); err != nil {
		return false, err
	}
	_, err = v.read(ctx, v.aside, o.Name, v.table(o), moved.subtract)
	if _, rollback := v.aside.Exec(ctx, `ROLLBACK`); err == nil {
		err = rollback
	}
	return moved.empty(), err
}

// table is the query for an output table.
func (v *verifier) table(o *plan.Output) string {
	return "SELECT * FROM " + pgx.Identifier{v.cfg.Sink.Schema, o.Name}.Sanitize()
}

// open connects and declares the views.
func (v *verifier) open(ctx context.Context) error {
	var err error
	if v.analysis, err = configured.Analyze(ctx, v.cfg); err != nil {
		return err
	}
	for _, name := range v.opts.Views {
		if !slices.ContainsFunc(v.cfg.Views, func(c config.View) bool { return c.Name == name }) {
			return fmt.Errorf("no view is named %q in %s", name, v.cfg.Path)
		}
	}
	for _, o := range v.analysis.Outputs {
		if len(v.opts.Views) == 0 || slices.Contains(v.opts.Views, o.Name) {
			v.views = append(v.views, o)
		}
	}
	connect := func(dsn config.DSN) *pgx.Conn {
		var conn *pgx.Conn
		if err == nil {
			conn, err = v.connect(ctx, string(dsn))
		}
		return conn
	}
	v.source = connect(v.cfg.Source.DSN)
	v.output = v.source
	v.aside = connect(v.cfg.Sink.DSN)
	v.position = v.aside
	if v.cfg.Sink.DSN != v.cfg.Source.DSN {
		v.output = connect(v.cfg.Sink.DSN)
		v.position = connect(v.cfg.Source.DSN)
	}
	if err != nil {
		return err
	}
	if err := v.readSettings(ctx); err != nil {
		return err
	}
	return v.declare(ctx)
}

// connect opens a session under the settings that the views' functions run under.
func (v *verifier) connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("connect to compare: %w", err)
	}
	for name, value := range map[string]string{
		"application_name": "stepping-cdc verify", "TimeZone": v.analysis.Settings.TimeZone, "DateStyle": "ISO, MDY",
		"IntervalStyle": "postgres", "search_path": v.analysis.Settings.SearchPath, "bytea_output": "hex", "extra_float_digits": "1",
		"client_encoding": "UTF8", "xmloption": "content", "xmlbinary": "base64", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
		"default_transaction_isolation": "read committed", "default_transaction_read_only": "off", "row_security": "off", "lock_timeout": "0",
	} {
		cfg.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to compare: %w", err)
	}
	v.conns = append(v.conns, conn)
	return conn, nil
}

func (v *verifier) close(ctx context.Context) {
	for _, c := range v.conns {
		_ = c.Close(ctx)
	}
}

// readSettings reads which settings each view was made under.
func (v *verifier) readSettings(ctx context.Context) error {
	v.settings = map[string]map[string]string{}
	rows, err := v.aside.Query(ctx, `SELECT name, settings FROM stepping_cdc.views`)
	if err == nil {
		var name string
		var settings map[string]string
		_, err = pgx.ForEachRow(rows, []any{&name, &settings}, func() error {
			v.settings[name] = settings
			settings = nil
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read control tables: %w", configured.NotYet(err))
	}
	return nil
}

// states reads which views are not live, and why.
func (v *verifier) states(ctx context.Context) (map[string]sink.Status, error) {
	rows, err := v.aside.Query(ctx, `SELECT name, state, coalesce(error, '') FROM stepping_cdc.views WHERE state <> $1`, sink.Live)
	if err != nil {
		return nil, fmt.Errorf("read control tables: %w", err)
	}
	states := map[string]sink.Status{}
	var s sink.Status
	_, err = pgx.ForEachRow(rows, []any{&s.View, &s.State, &s.Error}, func() error {
		states[s.View] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read control tables: %w", err)
	}
	return states, nil
}

// declare creates the views as temporary ones, so that one can read another by
// its name; they vanish with the session.
func (v *verifier) declare(ctx context.Context) error {
	pending := v.analysis.Outputs
	for len(pending) > 0 {
		var again []*plan.Output
		var last error
		for _, o := range pending {
			_, err := v.source.Exec(ctx, "CREATE TEMPORARY VIEW "+pgx.Identifier{o.Name}.Sanitize()+" AS "+o.Query, pgx.QueryExecModeExec)
			if err != nil {
				again, last = append(again, o), fmt.Errorf("declare view %s: %w", o.Name, err)
			}
		}
		if len(again) == len(pending) {
			return last
		}
		pending = again
	}
	if !v.clocked() && !slices.ContainsFunc(v.analysis.Outputs, func(o *plan.Output) bool { return o.Locks }) {
		return nil
	}
	return moment.Declare(ctx, v.source, v.analysis.Outputs)
}

// clocked says whether a view depends on the present time.
func (v *verifier) clocked() bool {
	return slices.ContainsFunc(v.analysis.Outputs, func(o *plan.Output) bool { return o.Clock })
}
