package pipeline

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// A step that changes very many rows of an output, since one row has changed that
// they all join with, does not hold them in memory: parts of them are committed to
// the output log while it is still computed, and written from there when it is done,
// in one output commit. Until the step itself is committed they are of no meaning: a
// note in the state says which entries of the log these are, and who finds it when
// it opens the state removes them. Nothing else reads or cuts the log meanwhile.

// parts takes the outputs of a step of a generation which has this ID in the log.
func (e *engine) parts(g *generation, id logID) circuit.Parts {
	return circuit.Parts{Rows: e.opts.partRows, Take: func(output string, rows *circuit.Batch) (bool, error) {
		v := g.byName[output]
		if v.isErrors(output) {
			return false, nil // whether the view is errored is seen from all of them
		}
		b := e.store.NewBatch()
		defer func() { _ = b.Close() }() // it is committed or of no use
		if len(e.parted) == 0 {
			b.Set(metaParted, logPrefix(id))
			e.parted = map[*view]bool{}
		}
		if !e.parted[v] {
			e.log.Info().Str("view", v.name).Int("rows", rows.Len()).Msg("one change makes more rows of the view change than are held in memory; it is written in parts, and shown at once")
		}
		e.parted[v] = true
		addRows(b, logViewKey(id, g.id, v.index), rows, 1)
		if _, err := b.Commit(); err != nil {
			return false, fmt.Errorf("commit state: %w", err)
		}
		e.at(pointPart)
		return true, nil
	}}
}

// keepParts makes what the step has in the log part of it, with its commit.
func (e *engine) keepParts() {
	if len(e.parted) > 0 {
		e.batch.Delete(metaParted)
		e.parted = nil
	}
}

// dropParts removes from the log the parts of a step that does not happen.
func (e *engine) dropParts() error {
	prefix, ok, err := e.store.Get(nil, metaParted)
	if err != nil || !ok {
		return err
	}
	b := e.store.NewBatch()
	defer func() { _ = b.Close() }() // it is committed or of no use
	b.DeleteRange(prefix, state.PrefixEnd(prefix))
	b.Delete(metaParted)
	if _, err := b.Commit(); err != nil {
		return fmt.Errorf("commit state: %w", err)
	}
	e.parted = nil
	return nil
}
