package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// A transaction passes through the circuit in several steps where one would hold too
// much of it: its messages, which come in chunks, the rows that go by it, or what the views
// make of them. A DELETE names rows by their key and a TRUNCATE not at all, so that a small
// chunk may mean any number of wide rows; and each of them may be joined with any number of
// others. Each step, a piece, is committed with the number of messages
// applied so far; of a TRUNCATE, with the base trace without the rows that are gone.

// applyChunk applies part of a transaction, or all of it, in pieces. Its output
// changes only gather in the log; the last chunk settles and writes them.
func (e *engine) applyChunk(ctx context.Context, ev *replication.Event) error {
	if ev.First && e.partial.Commit != ev.CommitLSN {
		if ev.CommitLSN >= e.progress {
			if err := e.align(ctx); err != nil {
				return err
			}
		}
		e.partial = partial{Commit: ev.CommitLSN, Applied: map[uint32]int{}}
		clear(e.skip)
	}
	changes := 0
	for _, g := range e.gens {
		list, err := e.changes(g, ev)
		if err != nil {
			return err
		}
		changes = max(changes, len(list))
		// What a session before this one has applied is skipped.
		done := min(e.skip[g.id], g.changes.Messages)
		e.skip[g.id] -= done
		for len(list) > 0 && int(list[0].Message) < done {
			list = list[1:]
		}
		for {
			if len(list) > 0 {
				n, err := e.applyPiece(ctx, g, ev, list)
				if err != nil {
					return err
				}
				list = list[n:]
			}
			next := g.changes.Messages
			if len(list) > 0 {
				next = int(list[0].Message)
			}
			e.partial.Applied[g.id] += next - done
			done = next
			// Each for itself: the next one may be given up, with what is in the batch.
			if err := e.commitPiece(); err != nil {
				return err
			}
			if len(list) == 0 {
				break
			}
			select {
			case <-e.stopping: // goes on from here with the next start
				return context.Canceled
			default:
			}
		}
	}
	if changes <= e.piece.now { // so many fit into a step by now
		e.group.now = min(max(e.group.now, ev.Bytes), e.group.most)
	}
	if !ev.Last {
		return nil
	}
	return e.settle(ctx, ev)
}

// applyPiece applies as many of a transaction's changes as one step of the generation
// should hold, and returns how many these are: none, if it is part of a TRUNCATE. Nothing
// but what is found again is in the batch before.
func (e *engine) applyPiece(ctx context.Context, g *generation, ev *replication.Event, list []decode.Change) (n int, err error) {
	var outs []circuit.Output
	took := 0
	for {
		if n, took, outs, err = e.computePiece(ctx, g, list); !errors.Is(err, errTooMuch) {
			break
		}
		e.gaveUp(&e.piece, took, g)
		if err := e.giveUpStep(); err != nil {
			return 0, err
		}
	}
	if err != nil {
		return 0, err
	}
	held := e.stepHeld(g)
	for _, f := range g.effects(outs) {
		if f.rows != nil {
			addRows(e.batch, logViewKey(transactionID(ev.CommitLSN), g.id, f.view.index), f.rows, 1)
		}
		if f.errors != nil {
			addRows(e.batch, logViewKey(transactionID(ev.CommitLSN), g.id, f.view.index|errorView), f.errors, 1)
			e.batch.AddWeight(viewKey(keyErrors, g.id, f.view.index), sumWeights(f.errors))
			f.view.errors = f.after()
		}
	}
	e.tookStep(&e.piece, took, held, g)
	return n, nil
}

// computePiece runs a step for the first of a transaction's changes: so many, and so many of
// changes, or of rows of a TRUNCATE, were taken.
func (e *engine) computePiece(ctx context.Context, g *generation, list []decode.Change) (n, took int, outs []circuit.Output, err error) {
	// In the log are the pieces before it, which a crash must not lose: so what a
	// piece changes is held until its end.
	g.deltas.Reset()
	if list[0].Kind == decode.Truncate {
		table := list[0].Table
		rows := circuit.NewBatch(len(g.tables[table].Columns), 0)
		whole, err := g.base.take(table, rows, e.piece.now, e.opts.pieceBytes, e.batch)
		if err != nil {
			return 0, 0, nil, err
		}
		if whole {
			n = 1
		}
		inputs := map[string]*circuit.Batch{g.program.Sources[table].Name: rows}
		outs, err = g.compute(ctx, inputs, e.batch, circuit.Parts{Passed: e.bound(rows.Len() > 1, g)})
		return n, rows.Len(), outs, err
	}
	list = list[:min(len(list), e.piece.now)]
	if i := slices.IndexFunc(list, func(c decode.Change) bool { return c.Kind == decode.Truncate }); i > 0 {
		list = list[:i]
	}
	if n, err = g.deltas.AddWithin(list, e.opts.pieceBytes); err != nil {
		return 0, 0, nil, e.inconsistent(err)
	}
	outs, err = g.step(ctx, e.batch, circuit.Parts{Passed: e.bound(n > 1, g)}, e.opts.pieceBytes)
	return n, n, outs, err
}

// commitPiece commits what was applied of a transaction so far.
func (e *engine) commitPiece() error {
	e.partial.write(e.batch)
	if _, err := e.batch.Commit(); err != nil {
		return fmt.Errorf("commit state: %w", err)
	}
	e.at(pointChunk)
	return nil
}

// settle ends a transaction that was applied in chunks.
func (e *engine) settle(ctx context.Context, ev *replication.Event) error {
	suppressed := ev.EndLSN <= e.progress
	head := logHead{id: transactionID(ev.CommitLSN), at: position{ev.EndLSN, e.clock}, time: ev.CommitTime}
	for _, g := range e.gens {
		for _, v := range g.views {
			logKey := logViewKey(head.id, g.id, v.index)
			quarantine := viewKey(keyQuarantine, g.id, v.index)
			var added int64
			err := readRows(e.store, logViewKey(head.id, g.id, v.index|errorView), errorColumns, func(b *circuit.Batch) error {
				added += sumWeights(b)
				return nil
			})
			if err != nil {
				return err
			}
			was, is := v.errors-added > 0, v.errors > 0
			switch {
			case is:
				err = moveRows(e.store, e.batch, logKey, quarantine)
			case was && suppressed:
				e.batch.DeleteRange(quarantine, state.PrefixEnd(quarantine))
			case was:
				err = moveRows(e.store, e.batch, quarantine, logKey)
			}
			if err != nil {
				return err
			}
		}
	}
	if suppressed {
		e.batch.DeleteRange(logPrefix(head.id), state.PrefixEnd(logPrefix(head.id)))
	} else {
		head.write(e.batch)
	}
	if err := e.commitState(head.at); err != nil {
		return err
	}
	if suppressed {
		return nil
	}
	return e.replay(ctx, head)
}
