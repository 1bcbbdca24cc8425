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
// much of it: its messages, which come in chunks, or the rows that go by it. A DELETE
// names them by their key and a TRUNCATE not at all, so that a small chunk may mean any
// number of wide rows. Each step, a piece, is committed with the number of messages
// applied so far; of a TRUNCATE, with the base trace without the rows that are gone.

// errTooMuch gives up a step of whole transactions that would hold too much.
var errTooMuch = errors.New("a step would hold too many old rows")

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
	for _, g := range e.gens {
		list, err := e.changes(g, ev)
		if err != nil {
			return err
		}
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
			if done = next; len(list) == 0 {
				break
			}
			if err := e.commitPiece(); err != nil {
				return err
			}
			select {
			case <-e.stopping: // goes on from here with the next start
				return context.Canceled
			default:
			}
		}
	}
	if err := e.commitPiece(); err != nil {
		return err
	}
	if !ev.Last {
		return nil
	}
	return e.settle(ctx, ev)
}

// applyPiece applies as many of a transaction's changes as one step of the generation
// should hold, and returns how many these are: none, if it is part of a TRUNCATE.
func (e *engine) applyPiece(ctx context.Context, g *generation, ev *replication.Event, list []decode.Change) (n int, err error) {
	// In the log are the pieces before it, which a crash must not lose: so what a
	// piece changes is held until its end.
	var outs []circuit.Output
	g.deltas.Reset()
	if list[0].Kind == decode.Truncate {
		whole := false
		if outs, whole, err = g.truncate(ctx, list[0].Table, e.batch, e.opts.pieceBytes); whole {
			n = 1
		}
	} else {
		end := slices.IndexFunc(list, func(c decode.Change) bool { return c.Kind == decode.Truncate })
		if end < 0 {
			end = len(list)
		}
		if n, err = g.deltas.AddWithin(list[:end], e.opts.pieceBytes); err != nil {
			return 0, e.inconsistent(err)
		}
		outs, err = g.step(ctx, e.batch, circuit.Parts{}, e.opts.pieceBytes)
	}
	if err != nil {
		return 0, err
	}
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
	return n, nil
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
