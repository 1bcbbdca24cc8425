package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// analyze finds out what the views mean, and whether they and the source are fit.
//
// A view that was maintained before and no longer can be is left out: it is
// stopped, its output keeps what it holds, and the others go on. A view that never
// was maintained, or a problem that is of no view in particular, ends the run.
func (e *engine) analyze(ctx context.Context) error {
	e.left = maps.Clone(e.unfit)
	e.cfg = without(e.cfg, e.unfit)
	if len(e.cfg.Views) == 0 {
		problems := &configured.ProblemsError{}
		for view, cause := range e.unfit {
			problems.Specs = append(problems.Specs, &configured.SpecError{View: view, Err: errors.New(cause)})
		}
		return problems
	}
	for {
		problems, err := e.examine(ctx, e.cfg)
		if err != nil || problems.Empty() {
			return err
		}
		views := problems.ByView(e.analysis)
		known, err := knownViews(ctx, e.cfg)
		if err != nil {
			return err
		}
		for view := range views {
			if !known[view] {
				return problems
			}
		}
		if len(views) == 0 || len(views) == len(e.cfg.Views) {
			return problems
		}
		for _, view := range slices.Sorted(maps.Keys(views)) {
			e.log.Error().Str("view", view).Str("cause", views[view]).Msg("view is left out: its output stays as it is")
			e.left[view] = views[view]
		}
		e.cfg = without(e.cfg, views)
	}
}

// examine analyzes the views of a configuration and checks the source for them.
func (e *engine) examine(ctx context.Context, cfg *config.Config) (*configured.ProblemsError, error) {
	var err error
	if e.analysis, err = configured.Analyze(ctx, cfg); err != nil {
		return nil, err
	}
	problems := &configured.ProblemsError{Views: e.analysis.Problems}
	e.specs, problems.Specs = configured.Specs(cfg, e.analysis)
	problems.Source, err = replication.CheckSource(ctx, e.source, configured.CheckOptions(cfg, e.analysis))
	return problems, err
}

// knownViews are those that have been maintained at some time.
func knownViews(ctx context.Context, cfg *config.Config) (map[string]bool, error) {
	conn, err := replication.OpenSession(ctx, string(cfg.Sink.DSN))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	known := map[string]bool{}
	rows, err := conn.Query(ctx, `SELECT name FROM stepping_cdc.views`)
	if err == nil {
		var name string
		_, err = pgx.ForEachRow(rows, []any{&name}, func() error {
			known[name] = true
			return nil
		})
	}
	if missing(err) {
		err = nil
	}
	return known, err
}

// without is a configuration less some of its views.
func without(cfg *config.Config, views map[string]string) *config.Config {
	less := *cfg
	less.Views = slices.DeleteFunc(slices.Clone(cfg.Views), func(v config.View) bool {
		_, out := views[v.Name]
		return out
	})
	return &less
}

// mendChecks is how many intervals of checks pass until views that were stopped are
// looked at again.
const mendChecks = 6

// mend ends the session when views that were left out, or stopped by a change of a
// table, can be maintained again.
func (e *engine) mend(ctx context.Context) error {
	stopped := maps.Clone(e.left)
	maps.DeleteFunc(stopped, func(view, _ string) bool { return e.unfit[view] != "" }) // nothing of it has changed
	for _, g := range e.gens {
		for _, v := range g.views {
			if v.spec != nil && v.table == nil {
				stopped[v.name] = ""
			}
		}
	}
	if len(stopped) == 0 || time.Since(e.lastMend) < mendChecks*e.opts.checkEvery {
		return nil
	}
	e.lastMend = time.Now()
	probe := &engine{log: e.log, source: e.source}
	problems, err := probe.examine(ctx, e.full)
	if err != nil {
		return err
	}
	views := problems.ByView(probe.analysis)
	if len(views) == 0 && !problems.Empty() {
		return nil
	}
	re := &reloadError{cause: "what stopped the view has been mended"}
	for _, name := range slices.Sorted(maps.Keys(stopped)) {
		if _, still := views[name]; !still {
			re.views = append(re.views, name)
		}
	}
	if len(re.views) == 0 {
		return nil
	}
	return re
}
