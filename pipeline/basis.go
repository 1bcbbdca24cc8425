package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
)

// basis is by what the plans of a generation tell the rows of its tables apart: their keys,
// by attribute numbers.
func (g *generation) basis() map[uint32][][]int {
	keys := map[uint32][][]int{}
	for _, s := range g.program.Sources {
		for _, key := range s.Table.Keys {
			numbers := make([]int, len(key))
			for i, c := range key {
				numbers[i] = s.Table.Columns[c].Num
			}
			keys[s.Table.OID] = append(keys[s.Table.OID], numbers)
		}
	}
	return keys
}

// checkBasis ends the session if what plans rest on is no longer so: a column has another collation,
// or a unique index or NOT NULL is gone. Of that the stream tells nothing.
func (e *engine) checkBasis(ctx context.Context) error {
	var tables []uint32
	for _, g := range e.all() {
		for _, t := range g.tables {
			tables = append(tables, t.OID)
		}
	}
	if len(tables) == 0 {
		return nil
	}
	shapes, err := catalog.ReadShapes(ctx, e.source, tables)
	if err != nil {
		return err
	}
	for _, g := range e.all() {
		re := e.recollated(g, shapes)
		if re == nil {
			if re, err = e.unkeyed(ctx, g, shapes); err != nil {
				return err
			}
		}
		if re != nil {
			return re
		}
	}
	return nil
}

// maintained says whether anybody wants a generation's view.
func (e *engine) maintained(g *generation, v *view) bool {
	return v.spec != nil && !e.manifest.generation(g.id).Views[v.index].Forgotten
}

// recollated finds the views that use columns which have another collation now.
func (e *engine) recollated(g *generation, shapes map[uint32]catalog.Shape) *reloadError {
	for i, s := range g.program.Sources {
		for _, a := range s.Attrs {
			c := s.Table.Columns[a]
			if now, ok := shapes[s.Table.OID].Collations[c.Num]; !ok || now == c.Collation {
				continue
			}
			re := &reloadError{cause: fmt.Sprintf("table %s.%s: the collation of column %s was changed", s.Table.Schema, s.Table.Name, c.Name)}
			for _, v := range g.views {
				if e.maintained(g, v) && v.usesColumn(i, c.Name) {
					re.views = append(re.views, v.name)
				}
			}
			if len(re.views) > 0 {
				return re
			}
		}
	}
	return nil
}

// unkeyed finds the views that are planned otherwise now that tables have fewer keys.
func (e *engine) unkeyed(ctx context.Context, g *generation, shapes map[uint32]catalog.Shape) (*reloadError, error) {
	i := slices.IndexFunc(g.tables, func(t decode.Table) bool {
		now, ok := shapes[t.OID]
		return ok && slices.ContainsFunc(g.keys[t.OID], func(key []int) bool { return !now.HasKey(key) })
	})
	if i < 0 {
		return nil, nil
	}
	conn, err := pgx.Connect(ctx, string(e.cfg.Source.DSN))
	if err != nil {
		return nil, fmt.Errorf("connect to source: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	info := e.manifest.generation(g.id)
	a, err := plan.Analyze(ctx, conn, info.Context, configured.Reserved(e.cfg))
	if err != nil {
		return nil, err
	}
	re := &reloadError{cause: fmt.Sprintf("table %s.%s: a unique index or NOT NULL is gone, by which its rows were told apart", g.tables[i].Schema, g.tables[i].Name)}
	for _, v := range g.views {
		o := slices.IndexFunc(a.Outputs, func(o *plan.Output) bool { return o.Name == v.name })
		if o >= 0 && e.maintained(g, v) && configured.Fingerprint(a.Outputs[o], a.Settings) != info.Views[v.index].Fingerprint {
			re.views = append(re.views, v.name)
		}
	}
	if len(re.views) > 0 {
		return re, nil
	}
	for _, t := range g.tables { // nothing rested on those that are gone
		if now, ok := shapes[t.OID]; ok {
			g.keys[t.OID] = slices.DeleteFunc(g.keys[t.OID], func(key []int) bool { return !now.HasKey(key) })
		}
	}
	return nil, nil
}
