package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
)

// Tx is an output transaction in the making, for commits too large for one Apply.
// While it is open the Sink must not be used otherwise. After an error of any
// method but Rollback, call Rollback.
type Tx struct {
	s        *Sink
	prev     Position
	counts   rowCounts
	statuses []Status
	errors   []ErrorDelta
	undo     []func() // in memory, of what a rollback undoes in the database
	done     bool
}

// Begin starts an output transaction at the position the outputs are at, and
// locks out every other writer until it ends.
func (s *Sink) Begin(ctx context.Context, prev Position) (*Tx, error) {
	if err := s.checkOrder(prev, prev); err != nil {
		return nil, fmt.Errorf("begin output transaction: %w", err)
	}
	s.trimStatements(ctx)
	b := &batch{s: s}
	if err := b.add(ctx, "BEGIN", nil, nil); err != nil {
		return nil, fmt.Errorf("begin output transaction: %w", err)
	}
	// What the transaction tells stepping_cdc.views stands on what there was to tell before.
	tx, grown := &Tx{s: s, prev: prev}, s.grown
	var err error
	if len(grown.names) > 0 {
		err = b.settle(ctx)
	} else {
		err = b.add(ctx, lockProgressSQL, [][]byte{int8Param(int64(prev.LSN)), int8Param(s.epoch)}, allBinary)
	}
	if err == nil {
		err = b.run(ctx)
	}
	s.grown = rowCounts{}
	tx.undo = append(tx.undo, func() { s.grown = grown })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin output transaction: %w", s.lost(err)), tx.Rollback(ctx))
	}
	return tx, nil
}

// Apply writes a delta. Each delta leads from one valid state of the view to
// another, so a transaction may pass in any number of them.
func (tx *Tx) Apply(ctx context.Context, t *Table, b *circuit.Batch) error {
	d, err := newDelta(t, b)
	if err != nil {
		return err
	}
	return tx.apply(ctx, t, d)
}

func (tx *Tx) apply(ctx context.Context, t *Table, d *delta) error {
	b := &batch{s: tx.s}
	pending := 0
	err := d.ops(t, func(o op) error {
		if o.kind == stInsert && len(d.inserts) >= copyRows && !t.codec.text {
			return nil // below, by COPY
		}
		if err := b.op(ctx, o); err != nil {
			return err
		}
		if pending += len(o.rows); pending < maxChunkRows {
			return nil
		}
		pending = 0
		return b.run(ctx)
	})
	if err == nil {
		err = b.run(ctx)
	}
	if err == nil && len(d.inserts) >= copyRows && !t.codec.text {
		err = tx.s.copyRows(ctx, t, d)
	}
	if err != nil {
		return fmt.Errorf("write output of view %q: %w", t.spec.Name, tx.s.lost(err))
	}
	tx.counts.add(t, d.net)
	return nil
}

// SetStatus has views' statuses written with the transaction.
func (tx *Tx) SetStatus(st ...Status) { tx.statuses = append(tx.statuses, st...) }

// AddErrors has changes of the error Z-set written with the transaction.
func (tx *Tx) AddErrors(e ...ErrorDelta) { tx.errors = append(tx.errors, e...) }

// Commit moves progress to a position and commits. The transaction's start leaves
// progress where it was, as the loading of tables does that nobody sees yet.
func (tx *Tx) Commit(ctx context.Context, at Position, committedAt time.Time) error {
	s := tx.s
	fail := func(err error) error {
		return errors.Join(fmt.Errorf("commit outputs at %s: %w", at, s.lost(err)), tx.Rollback(ctx))
	}
	if err := s.checkOrder(tx.prev, at); err != nil {
		return fail(err)
	}
	b := &batch{s: s}
	if at != tx.prev {
		if err := b.moveProgress(ctx, tx.prev, at, committedAt, rowCounts{}); err != nil {
			return fail(err)
		}
	}
	if err := b.bookkeeping(ctx, tx.counts, tx.statuses, tx.errors); err != nil {
		return fail(err)
	}
	if err := b.run(ctx); err != nil {
		return fail(err)
	}
	tag, err := s.pg.Exec(ctx, "COMMIT").ReadAll()
	if err == nil && (len(tag) != 1 || tag[0].CommandTag.String() != "COMMIT") {
		err = errors.New("the server rolled back instead")
	}
	tx.done = true
	if err != nil {
		tx.undoInMemory()
		return s.outcome("commit outputs at "+at.LSN.String(), err)
	}
	s.committed(at)
	return nil
}

// Rollback undoes the transaction; after Commit it does nothing.
func (tx *Tx) Rollback(ctx context.Context) error {
	if tx.done {
		return nil
	}
	tx.done = true
	tx.undoInMemory()
	if tx.s.pg.IsClosed() {
		return nil // the server has rolled back, or will
	}
	if _, err := tx.s.pg.Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll(); err != nil {
		return fmt.Errorf("roll back outputs: %w", tx.s.lost(err))
	}
	return nil
}

func (tx *Tx) undoInMemory() {
	for i := len(tx.undo) - 1; i >= 0; i-- {
		tx.undo[i]()
	}
	tx.undo = nil
}
