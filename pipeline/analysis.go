package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

// ControlSchema is where the control tables live.
const ControlSchema = "stepping_cdc"

// ProblemsError is everything that keeps the configured views from being
// maintained.
type ProblemsError struct {
	Views  []plan.Problem
	Source []replication.Problem
	Specs  []*SpecError
}

func (e *ProblemsError) Error() string {
	var lines []string
	for _, p := range e.Views {
		lines = append(lines, p.Error())
	}
	for _, p := range e.Source {
		lines = append(lines, p.String())
	}
	for _, err := range e.Specs {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

func (e *ProblemsError) empty() bool {
	return len(e.Views) == 0 && len(e.Source) == 0 && len(e.Specs) == 0
}

// Views are the configured views as the planner takes them.
func Views(cfg *config.Config) []plan.View {
	out := make([]plan.View, len(cfg.Views))
	for i, v := range cfg.Views {
		out[i] = plan.View{Name: v.Name, Query: v.Query, From: v.From, RecursionLimit: cfg.RecursionLimit}
	}
	return out
}

// Analyze asks the source what the configured views mean.
func Analyze(ctx context.Context, cfg *config.Config) (*plan.Analysis, error) {
	conn, err := pgx.Connect(ctx, string(cfg.Source.DSN))
	if err != nil {
		return nil, fmt.Errorf("connect to source: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return plan.Analyze(ctx, conn, Views(cfg), reserved(cfg))
}

// reserved are the schemas that hold our own tables.
func reserved(cfg *config.Config) plan.Reserved {
	return plan.Reserved{ControlSchema, cfg.Sink.Schema}
}

// TableRefs names the tables that views read, with the columns they use.
func TableRefs(outputs []*plan.Output) []replication.TableRef {
	used := map[*catalog.Relation]map[int]bool{}
	var order []*catalog.Relation
	var visit func(n algebra.Node)
	visit = func(n algebra.Node) {
		if s, ok := n.(*algebra.Scan); ok {
			if used[s.Table] == nil {
				used[s.Table] = map[int]bool{}
				order = append(order, s.Table)
			}
			for _, a := range s.Attrs {
				used[s.Table][a] = true
			}
		}
		for _, c := range n.Children() {
			visit(c)
		}
	}
	for _, o := range outputs {
		visit(o.Plan)
	}
	slices.SortFunc(order, func(a, b *catalog.Relation) int { return strings.Compare(a.SQL(), b.SQL()) })
	refs := make([]replication.TableRef, len(order))
	for i, t := range order {
		refs[i] = replication.TableRef{Schema: t.Schema, Name: t.Name}
		for j, c := range t.Columns {
			if used[t][j] {
				refs[i].Columns = append(refs[i].Columns, c.Name)
			}
		}
	}
	return refs
}

// SpecError is an output table that cannot be made.
type SpecError struct {
	View string
	Err  error
}

func (e *SpecError) Error() string { return "view " + e.View + ": " + e.Err.Error() }

func (e *SpecError) Unwrap() error { return e.Err }

// Specs are the output tables of analyzed views.
func Specs(cfg *config.Config, a *plan.Analysis) (map[string]*sink.ViewSpec, []*SpecError) {
	indexes := map[string][][]string{}
	for _, v := range cfg.Views {
		indexes[v.Name] = v.Indexes
	}
	specs := map[string]*sink.ViewSpec{}
	var errs []*SpecError
	for _, o := range a.Outputs {
		s := &sink.ViewSpec{
			Name: o.Name, Schema: cfg.Sink.Schema, Key: o.Key, Indexes: indexes[o.Name], Query: o.Query,
			Fingerprint: fingerprint(o, a.Settings), Settings: map[string]string{"TimeZone": a.Settings.TimeZone},
		}
		maps.Copy(s.Settings, o.Pinned)
		for _, c := range o.Columns {
			s.Columns = append(s.Columns, sink.Column{Name: c.Name, Type: c.Type})
		}
		if err := s.Validate(); err != nil {
			errs = append(errs, &SpecError{o.Name, err})
		}
		specs[o.Name] = s
	}
	return specs, errs
}

// CheckOptions say what the source is checked for.
func CheckOptions(cfg *config.Config, a *plan.Analysis) replication.CheckOptions {
	return replication.CheckOptions{
		Slot: cfg.Source.Slot, Publication: cfg.Source.Publication, ManagePublication: cfg.Source.ManagePublication,
		Tables: TableRefs(a.Outputs),
	}
}

// sameServer says whether source and sink are one server, so that positions of
// the source are also the sink's own.
func sameServer(cfg *config.Config) bool {
	if cfg.Sink.DSN == cfg.Source.DSN {
		return true
	}
	source, err1 := pgx.ParseConfig(string(cfg.Source.DSN))
	target, err2 := pgx.ParseConfig(string(cfg.Sink.DSN))
	return err1 == nil && err2 == nil && source.Host == target.Host && source.Port == target.Port
}
