// Package configured says what the views of a configuration are: what they mean to the source,
// which of its tables they read, and which output tables they have.
//
// It knows the configuration, plan, and how the source and the sink are told of tables. It
// must not know what is done with the views: whether they run, are checked or compared.
package configured

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	return plan.Analyze(ctx, conn, Views(cfg), Reserved(cfg))
}

// Reserved are the schemas that hold our own tables.
func Reserved(cfg *config.Config) plan.Reserved {
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
			Fingerprint: Fingerprint(o, a.Settings), Settings: map[string]string{"TimeZone": a.Settings.TimeZone},
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

// SameServer says whether source and sink are one server, so that positions of
// the source are also the sink's own.
func SameServer(cfg *config.Config) bool {
	if cfg.Sink.DSN == cfg.Source.DSN {
		return true
	}
	source, err1 := pgx.ParseConfig(string(cfg.Source.DSN))
	target, err2 := pgx.ParseConfig(string(cfg.Sink.DSN))
	return err1 == nil && err2 == nil && source.Host == target.Host && source.Port == target.Port
}

// Fingerprint identifies what a view computes and how its output looks.
func Fingerprint(o *plan.Output, settings plan.Settings) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%v\n", algebra.Fingerprint(o.Plan), settings.TimeZone, o.Key)
	for _, name := range slices.Sorted(maps.Keys(o.Pinned)) {
		fmt.Fprintf(h, "%s %s\n", name, o.Pinned[name])
	}
	for _, t := range o.Heirs {
		if len(t.Heirs) > 0 {
			fmt.Fprintf(h, "%s %v\n", t.Parent.SQL(), t.Heirs)
		}
	}
	for _, d := range o.Defined {
		fmt.Fprintf(h, "%s %s\n", d.Name, d.Hash)
	}
	for _, c := range o.Columns {
		fmt.Fprintf(h, "%q %s %d\n", c.Name, c.Type.SQL, c.Type.Collation)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
