package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/replication"
)

// checkShape ends the session if views mean something else than when they were analyzed:
// if a table that is read with those that inherit from it has other heirs, one whose
// rows are read as values has a column more, or a function, a domain or a database view is
// defined otherwise. Of that the stream tells nothing, nor of rows in a table that is not
// published yet.
func (e *engine) checkShape(ctx context.Context) error {
	parents, whole := map[uint32]bool{}, map[uint32]bool{}
	var defined []catalog.Object
	for _, g := range e.all() {
		for _, v := range g.views {
			for _, t := range v.heirs {
				parents[t.Parent.OID] = true
			}
			for oid := range v.whole {
				whole[oid] = true
			}
			for _, d := range v.defined {
				defined = append(defined, d.Object)
			}
		}
	}
	var heirs map[uint32][]uint32
	var columns map[uint32][]int
	var hashes map[catalog.Object]string
	var err error
	if len(parents) > 0 {
		heirs, err = replication.ReadHeirs(ctx, e.source, slices.Sorted(maps.Keys(parents)))
	}
	if err == nil && len(whole) > 0 {
		columns, err = replication.ReadColumns(ctx, e.source, slices.Sorted(maps.Keys(whole)))
	}
	if err == nil && len(defined) > 0 {
		hashes, err = catalog.ReadDefinitions(ctx, e.source, defined)
	}
	if err != nil {
		return err
	}
	re := &reloadError{}
	for _, g := range e.all() {
		info := e.manifest.generation(g.id)
		for _, v := range g.views {
			if info.Views[v.index].Forgotten || v.spec == nil {
				continue
			}
			if cause := v.reshaped(heirs, columns, hashes); cause != "" {
				re.views, re.cause = append(re.views, v.name), cause
			}
		}
	}
	if len(re.views) == 0 {
		return nil
	}
	return re
}

// reshaped says what is no longer as the view was analyzed; "" if nothing is.
func (v *view) reshaped(heirs map[uint32][]uint32, columns map[uint32][]int, hashes map[catalog.Object]string) string {
	for _, t := range v.heirs {
		if !slices.Equal(heirs[t.Parent.OID], t.Heirs) {
			return fmt.Sprintf("other tables inherit from %s.%s than before", t.Parent.Schema, t.Parent.Name)
		}
	}
	for _, oid := range slices.Sorted(maps.Keys(v.whole)) {
		if t := v.whole[oid]; !slices.EqualFunc(columns[oid], t.Columns, func(number int, c catalog.Column) bool { return number == c.Num }) {
			return fmt.Sprintf("the rows of %s.%s have other columns than before", t.Schema, t.Name)
		}
	}
	for _, d := range v.defined {
		if hashes[d.Object] != d.Hash {
			return d.Name + " is defined otherwise than before"
		}
	}
	return ""
}
