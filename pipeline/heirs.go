package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/replication"
)

// checkHeirs ends the session if a table that is read with those that inherit from it
// has other heirs than the views were analyzed with. Of that the stream tells nothing,
// nor of rows in a table that is not published yet.
func (e *engine) checkHeirs(ctx context.Context) error {
	parents := map[uint32]bool{}
	for _, g := range e.all() {
		for _, v := range g.views {
			for _, t := range v.heirs {
				parents[t.Parent.OID] = true
			}
		}
	}
	if len(parents) == 0 {
		return nil
	}
	now, err := replication.ReadHeirs(ctx, e.source, slices.Sorted(maps.Keys(parents)))
	if err != nil {
		return err
	}
	re := &reloadError{}
	for _, g := range e.all() {
		info := e.manifest.generation(g.id)
		for _, v := range g.views {
			if info.Views[v.index].Forgotten || v.spec == nil || slices.Contains(re.views, v.name) {
				continue
			}
			for _, t := range v.heirs {
				if !slices.Equal(now[t.Parent.OID], t.Heirs) {
					re.views = append(re.views, v.name)
					re.cause = fmt.Sprintf("other tables inherit from %s.%s than before", t.Parent.Schema, t.Parent.Name)
					break
				}
			}
		}
	}
	if len(re.views) == 0 {
		return nil
	}
	return re
}
