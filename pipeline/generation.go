package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// generation is a set of views computed together.
type generation struct {
	id      uint32
	from    decode.LSN
	clock   instant // at which it was loaded
	program *plan.Program
	views   []*view
	byName  map[string]*view // output and error names → view

	tables  []decode.Table
	keys    map[uint32][][]int // see basis
	decoder *decode.Decoder
	base    *base
	deltas  *decode.Deltas
	changes decode.Changes
	circuit *circuit.Circuit
}

// view is one view of a generation.
type view struct {
	index  int
	name   string
	table  *sink.Table // nil: its output is not wanted (any more)
	spec   *sink.ViewSpec
	errors int64 // size of its error Z-set
	// corrected: its table existed when it was loaded and gets the difference
	corrected bool
	held      int64                        // rows in that table, before it gets it
	reads     map[int]map[string]bool      // the tables that it reads, with the columns
	over      []string                     // the maintained views that it reads
	heirs     []catalog.Inheritance        // the tables that it reads with those that inherit from them
	whole     map[uint32]*catalog.Relation // the tables whose rows it reads as values
	defined   []catalog.Definition         // what it means by name beside its tables
}

// usesColumn says whether the view reads a column of a table, or, without one, the
// table.
func (v *view) usesColumn(table int, column string) bool {
	columns, ok := v.reads[table]
	return ok && (column == "" || columns[column])
}

// newGeneration compiles views over the state under the generation's prefixes.
func newGeneration(id uint32, outputs []*plan.Output, eval expr.Evaluator, store state.Store) (*generation, error) {
	g := &generation{id: id, program: plan.Compile(outputs, eval), byName: map[string]*view{}}
	for i, o := range outputs {
		v := &view{index: i, name: o.Name, reads: map[int]map[string]bool{}, over: o.Views, heirs: o.Heirs, whole: o.Whole, defined: o.Defined}
		for _, ref := range configured.TableRefs([]*plan.Output{o}) {
			for j, s := range g.program.Sources {
				if s.Table.Schema == ref.Schema && s.Table.Name == ref.Name {
					v.reads[j] = map[string]bool{}
					for _, c := range ref.Columns {
						v.reads[j][c] = true
					}
				}
			}
		}
		g.views = append(g.views, v)
		g.byName[o.Name] = v
		g.byName[plan.ErrorsOf(o.Name)] = v
	}
	for _, s := range g.program.Sources {
		t := decode.Table{OID: s.Table.OID, Schema: s.Table.Schema, Name: s.Table.Name, Full: s.Table.Full, Partitioned: s.Table.Kind == "p"}
		key := map[int]bool{}
		for _, k := range s.Table.Identity {
			key[k] = !s.Table.Full
		}
		for _, a := range s.Attrs {
			c := s.Table.Columns[a]
			t.Columns = append(t.Columns, decode.Column{Name: c.Name, Type: c.Type, Key: key[a]})
		}
		g.tables = append(g.tables, t)
	}
	g.keys = g.basis()
	g.base = newBase(id, store, g.tables)
	g.deltas = decode.NewDeltas(g.tables, g.base)
	g.decoder = decode.NewDecoder(g.tables, nil)
	var err error
	if g.circuit, err = g.program.Builder.Build(store, generationKey(keyCircuit, id)); err != nil {
		return nil, err
	}
	for _, v := range g.views {
		value, ok, err := store.Get(nil, viewKey(keyErrors, id, v.index))
		if err != nil {
			return nil, err
		}
		if ok {
			if v.errors, err = state.Weight(value); err != nil {
				return nil, err
			}
		}
	}
	return g, nil
}

// erase removes everything a generation keeps.
func erase(id uint32, b state.Batch) {
	for _, kind := range []byte{keyCircuit, keyBase, keyQuarantine, keyErrors, keyLoad} {
		prefix := generationKey(kind, id)
		b.DeleteRange(prefix, state.PrefixEnd(prefix))
	}
}

// decode reads messages into the generation's changes.
func (g *generation) decode(messages []string) error {
	g.changes.Reset()
	return g.decoder.Decode(messages, &g.changes)
}

// step applies the deltas gathered so far: it moves base traces and circuit, and
// returns the outputs' deltas. With more rows to go by a TRUNCATE than so many bytes it
// is errTooMuch, and the batch is of no use.
func (g *generation) step(ctx context.Context, batch state.Batch, parts circuit.Parts, room int) ([]circuit.Output, error) {
	inputs := map[string]*circuit.Batch{}
	for _, i := range g.deltas.Touched {
		inputs[g.program.Sources[i].Name] = g.deltas.Tables[i].Rows
	}
	g.base.apply(g.deltas, batch)
	// What a truncated table held goes first. It is gathered here, since a circuit
	// takes one delta a step.
	err := g.deltas.ExpandTruncate(truncateChunk, func(table int, rows *circuit.Batch) error {
		for i := range rows.Len() {
			room -= decode.RowBytes(rows.Row(i))
		}
		if room < 0 {
			return errTooMuch
		}
		in := inputs[g.program.Sources[table].Name]
		in.Data = append(in.Data, rows.Data...)
		in.W = append(in.W, rows.W...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.compute(ctx, inputs, batch, parts)
}

func (g *generation) compute(ctx context.Context, inputs map[string]*circuit.Batch, batch state.Batch, parts circuit.Parts) ([]circuit.Output, error) {
	parts.Workers = workers(inputs)
	outs, err := g.circuit.StepInParts(ctx, inputs, batch, parts)
	if errors.Is(err, circuit.ErrOrderChanged) {
		re := &reloadError{cause: err.Error()}
		for _, v := range g.views {
			re.views = append(re.views, v.name)
		}
		return nil, re
	}
	if err != nil {
		return nil, fmt.Errorf("views of generation %d: %w", g.id, err)
	}
	return outs, nil
}

const truncateChunk = 256

// isErrors says whether a circuit output is the error Z-set of v.
func (v *view) isErrors(output string) bool { return output != v.name }

// errorDeltas reads rows of an error Z-set.
func errorDeltas(name string, rows *circuit.Batch) []sink.ErrorDelta {
	out := make([]sink.ErrorDelta, rows.Len())
	for i := range out {
		r := rows.Row(i)
		out[i] = sink.ErrorDelta{View: name, SQLState: r[0].Str(), Message: r[1].Str(), Row: r[2].Str(), Weight: rows.W[i]}
	}
	return out
}

// addRows adds rows, as weights, under a prefix.
func addRows(batch state.Batch, prefix []byte, rows *circuit.Batch, sign int64) {
	key := append([]byte(nil), prefix...)
	for i := range rows.Len() {
		key = values.AppendRow(key[:len(prefix)], rows.Row(i))
		batch.AddWeight(key, sign*rows.W[i])
	}
}

// readRows visits the rows kept under a prefix, in batches. The batch is reused.
func readRows(store state.Store, prefix []byte, width int, visit func(*circuit.Batch) error) error {
	b := circuit.NewBatch(width, rowsChunk)
	var row []values.Datum
	err := scan(store, prefix, func(key, value []byte) error {
		w, err := state.Weight(value)
		if err != nil {
			return err
		}
		if row, err = values.DecodeRow(key[len(prefix):], row[:0]); err != nil || len(row) != width {
			return fmt.Errorf("%w: a row of %d columns, not %d (%v)", state.ErrCorrupt, len(row), width, err)
		}
		b.Append(row, w)
		if b.Len() < rowsChunk {
			return nil
		}
		err = visit(b)
		b.Reset()
		return err
	})
	if err == nil && b.Len() > 0 {
		err = visit(b)
	}
	return err
}

const rowsChunk = 8192
