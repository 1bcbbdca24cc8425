package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// effect is what a step does to one view.
type effect struct {
	gen    *generation
	view   *view
	rows   *circuit.Batch // nil: none
	errors *circuit.Batch // nil: none
	before int64          // size of its error Z-set
	parted bool           // more of its rows are in the output log already
}

func (f *effect) after() int64 {
	if f.errors == nil {
		return f.before
	}
	return f.before + sumWeights(f.errors)
}

// turns says whether the view becomes errored or recovers.
func (f *effect) turns() bool { return (f.before > 0) != (f.after() > 0) }

// applyGroup applies whole transactions, in one step and one output commit.
func (e *engine) applyGroup(ctx context.Context, events []replication.Event) error {
	last := &events[len(events)-1]
	if last.EndLSN > e.progress {
		if err := e.align(ctx); err != nil {
			return err
		}
	}
	id := transactionID(last.CommitLSN)
	effects, err := e.compute(ctx, events, id)
	if errors.Is(err, errTooMuch) {
		e.gaveUp(&e.group, messageBytes(events), e.gens...)
		if err := e.giveUpStep(); err != nil {
			return err
		}
		if len(events) == 1 {
			return e.applyChunk(ctx, last)
		}
		half := len(events) / 2
		if err := e.applyGroup(ctx, events[:half]); err != nil {
			return err
		}
		return e.applyGroup(ctx, events[half:])
	}
	if err != nil {
		return err
	}
	if len(events) > 1 && e.turning(effects) {
		if err := e.giveUpStep(); err != nil {
			return err
		}
		for j := range events {
			if err := e.applyGroup(ctx, events[j:j+1]); err != nil {
				return err
			}
		}
		return nil
	}
	held := e.stepHeld(e.gens...)
	err = e.settleStep(ctx, effects, settlement{
		id: id, at: position{last.EndLSN, e.clock}, time: last.CommitTime,
		suppressed: last.EndLSN <= e.progress,
	})
	if err == nil {
		e.tookStep(&e.group, messageBytes(events), held, e.gens...)
	}
	return err
}

func messageBytes(events []replication.Event) (n int) {
	for i := range events {
		n += events[i].Bytes
	}
	return n
}

// giveUpStep forgets a step, in order to take it again in smaller ones.
func (e *engine) giveUpStep() error {
	e.batch.Reset()
	if err := e.dropParts(); err != nil {
		return err
	}
	// Of what the first try found, only that views have stopped is not found again.
	return e.manifest.write(e.batch)
}

// settlement is the end of a step: where it leads, and what it is in the log.
type settlement struct {
	id         logID
	at         position
	time       time.Time // when its last transaction was committed
	suppressed bool      // the outputs have it
	quiet      bool      // there is nothing to write
}

// settleStep commits a step to the state, with its output log, and writes it to
// the outputs. Either may become durable first; so with nothing else to do the state
// is committed while the outputs' server is at work.
func (e *engine) settleStep(ctx context.Context, effects []effect, s settlement) error {
	suppressed := s.suppressed
	commit := sink.Commit{At: s.at.ofSink(), Prev: e.shown().ofSink(), CommittedAt: s.time}
	head := logHead{id: s.id, at: s.at, time: s.time}
	logged := false // rows in the log that are not in commit
	for i := range effects {
		f := &effects[i]
		v := f.view
		was, is := f.before > 0, f.after() > 0
		if f.errors != nil {
			e.batch.AddWeight(viewKey(keyErrors, f.gen.id, v.index), sumWeights(f.errors))
			v.errors = f.after()
		}
		quarantine := viewKey(keyQuarantine, f.gen.id, v.index)
		logKey := logViewKey(head.id, f.gen.id, v.index)
		switch {
		case is:
			if f.parted {
				if err := moveRows(e.store, e.batch, logKey, quarantine); err != nil {
					return err
				}
			}
			if f.rows != nil {
				addRows(e.batch, quarantine, f.rows, 1)
			}
			f.rows, f.parted = nil, false
		case was && !is && suppressed:
			e.batch.DeleteRange(quarantine, state.PrefixEnd(quarantine))
		case was && !is:
			if err := moveRows(e.store, e.batch, quarantine, logKey); err != nil {
				return err
			}
			logged = true
		}
		if suppressed || v.table == nil {
			if f.parted {
				e.batch.DeleteRange(logKey, state.PrefixEnd(logKey))
			}
			continue
		}
		logged = logged || f.parted
		if f.rows != nil {
			addRows(e.batch, logKey, f.rows, 1)
			commit.Views = append(commit.Views, sink.ViewDelta{Table: v.table, Delta: f.rows})
		}
		if f.errors != nil {
			addRows(e.batch, logViewKey(head.id, f.gen.id, v.index|errorView), f.errors, 1)
			commit.Errors = append(commit.Errors, errorDeltas(v.name, f.errors)...)
			commit.Statuses = append(commit.Statuses, v.status())
		}
	}
	if !suppressed && !s.quiet {
		head.write(e.batch)
	}
	e.keepParts()
	e.at(pointComputed)
	direct := !suppressed && !s.quiet && !logged
	var sent *sink.Sent
	if direct {
		commit.Statuses = append(commit.Statuses, e.takeStatuses()...)
		var err error
		if sent, err = e.send(ctx, commit); err != nil {
			return err
		}
	}
	if err := e.commitState(s.at); err != nil {
		if sent != nil { // the next session finds out where the outputs are
			err = withDrifts(err, sent.Wait(ctx))
		}
		return err
	}
	if s.id.tick != noTick {
		e.at(pointTick)
	} else {
		e.at(pointStep)
	}
	switch {
	case sent != nil:
		return e.wrote(commit, sent.Wait(ctx))
	case direct:
		e.writeBehind(ctx, commit)
	case logged && !suppressed && !s.quiet:
		return e.replay(ctx, head)
	}
	return nil
}

// turning says whether a view becomes errored, recovers, or may do both, in the
// step just computed: where exactly must not depend on how the stream was cut. A
// view that is errored before and after may have recovered in between, and no
// trace of it is left in the sum; so any change of what it reads counts.
func (e *engine) turning(effects []effect) bool {
	for i := range effects {
		if effects[i].turns() {
			return true
		}
	}
	for _, g := range e.gens {
		for _, v := range g.views {
			if v.errors > 0 && slices.ContainsFunc(g.deltas.Touched, func(t int) bool { return v.usesColumn(t, "") }) {
				return true
			}
		}
	}
	return false
}

// compute runs one step of every generation over whole transactions, which have
// this ID in the output log.
func (e *engine) compute(ctx context.Context, events []replication.Event, id logID) ([]effect, error) {
	room := e.opts.pieceBytes
	divisible := len(events) > 1
	for _, g := range e.gens {
		g.deltas.Reset()
		for i := range events {
			list, err := e.changes(g, &events[i])
			if err != nil {
				return nil, err
			}
			n, err := g.deltas.AddWithin(list, room)
			if err != nil {
				return nil, e.inconsistent(err)
			}
			if n < len(list) {
				return nil, errTooMuch
			}
			divisible = divisible || len(list) > 1 || len(list) == 1 && list[0].Kind == decode.Truncate
		}
		room = max(room-g.deltas.LookedUp(), 0)
	}
	var effects []effect
	bound := e.bound(divisible, e.gens...)
	for _, g := range e.gens {
		parts := e.parts(g, id)
		parts.Passed = bound
		outs, err := g.step(ctx, e.batch, parts, e.opts.pieceBytes)
		if err != nil {
			return nil, err
		}
		effects = append(effects, e.effects(g, outs)...)
	}
	return effects, nil
}

// changes decodes an event and returns its changes, but those that a generation which
// was loaded later has in its snapshot. They are valid until the next call.
func (e *engine) changes(g *generation, ev *replication.Event) ([]decode.Change, error) {
	if err := g.decode(ev.Messages); err != nil {
		schema := decode.SchemaErrors(err)
		if len(schema) == 0 {
			return nil, err
		}
		for _, s := range schema {
			if err := e.stopViews(g, s); err != nil {
				return nil, err
			}
		}
	}
	e.described = e.described || g.decoder.Described()
	if ev.CommitLSN < g.from {
		return nil, nil
	}
	return g.changes.List, e.noteTruncations(g, ev)
}

// inconsistent gives a contradiction between stream and state its consequence.
func (e *engine) inconsistent(err error) error {
	if errors.Is(err, decode.ErrInconsistent) {
		return fmt.Errorf("%w: %w", errStateLost, err)
	}
	return err
}

// effects are a step's, those included of which all rows are in the log.
func (e *engine) effects(g *generation, outs []circuit.Output) []effect {
	effects := g.effects(outs)
	for _, v := range g.views {
		if !e.parted[v] {
			continue
		}
		i := slices.IndexFunc(effects, func(f effect) bool { return f.view == v })
		if i < 0 {
			i = len(effects)
			effects = append(effects, effect{gen: g, view: v, before: v.errors})
		}
		effects[i].parted = true
	}
	return effects
}

// effects sorts a circuit's outputs by view.
func (g *generation) effects(outs []circuit.Output) []effect {
	var effects []effect
	at := map[*view]int{}
	for _, o := range outs {
		v := g.byName[o.Name]
		i, ok := at[v]
		if !ok {
			i = len(effects)
			at[v] = i
			effects = append(effects, effect{gen: g, view: v, before: v.errors})
		}
		if v.isErrors(o.Name) {
			effects[i].errors = o.Batch
		} else {
			effects[i].rows = o.Batch
		}
	}
	return effects
}

// commitState ends a step: the state is now at a position.
func (e *engine) commitState(at position) error {
	if e.partial.Commit != 0 {
		e.partial = partial{Applied: map[uint32]int{}}
		clear(e.skip)
		e.partial.write(e.batch)
	}
	state.SetUint64(e.batch, metaPosition, uint64(at.lsn))
	state.SetUint64(e.batch, metaClock, uint64(at.clock))
	seq, err := e.batch.Commit()
	if err != nil {
		return fmt.Errorf("commit state: %w", err)
	}
	e.position, e.clock, e.seq = at.lsn, at.clock, seq
	return nil
}

// stopViews stops the views that read a table, or only a column, which the stream
// no longer describes as they know it, and the views over them.
func (e *engine) stopViews(g *generation, cause *decode.SchemaError) error {
	column := cause.Column
	if !cause.ColumnOnly {
		g.decoder.Detach(cause.Table)
		column = ""
	}
	stopped := map[string]bool{}
	stop := func(v *view, why string) {
		if v.table == nil {
			return
		}
		stopped[v.name] = true
		e.log.Error().Str("view", v.name).Str("cause", why).Msg("view stopped: a table it reads was changed")
		v.table = nil
		e.manifest.forget(v.name)
		e.statuses = append(e.statuses, sink.Status{View: v.name, State: sink.Stopped, Error: why})
	}
	for _, v := range g.views {
		if v.usesColumn(cause.Table, column) {
			stop(v, cause.Error())
		}
	}
	for _, other := range e.gens {
		for _, v := range other.views {
			i := slices.IndexFunc(v.over, func(name string) bool { return stopped[name] })
			if i >= 0 && !stopped[v.name] {
				stop(v, "view "+v.over[i]+", which it reads, was stopped: "+cause.Error())
			}
		}
	}
	// With the step, since it goes past changes that these views have not seen.
	return e.manifest.write(e.batch)
}

func (e *engine) takeStatuses() []sink.Status {
	st := e.statuses
	e.statuses = nil
	return st
}
