package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// logHead heads the output log of one output commit.
type logHead struct {
	id   logID // of its last transaction
	at   position
	time time.Time
}

// errorView marks the log, or load, of a view's error Z-set.
const errorView = 0x8000

// errorColumns are SQLSTATE, message and row.
const errorColumns = 3

func (h logHead) write(b state.Batch) {
	v := binary.BigEndian.AppendUint64(nil, uint64(h.at.lsn))
	v = binary.BigEndian.AppendUint64(v, uint64(h.at.clock))
	if h.time.IsZero() {
		v = binary.BigEndian.AppendUint64(v, 0)
	} else {
		v = binary.BigEndian.AppendUint64(v, uint64(h.time.UnixMicro()))
	}
	b.Set(logHeadKey(h.id), v)
}

// logHeads lists the logged output commits that end after a position, in order.
func logHeads(store state.Store, after position) ([]logHead, error) {
	var heads []logHead
	err := scan(store, []byte{keyLogHead}, func(key, value []byte) error {
		if len(key) != 17 || len(value) != 24 {
			return fmt.Errorf("%w: output log", state.ErrCorrupt)
		}
		h := logHead{
			id: logID{decode.LSN(binary.BigEndian.Uint64(key[1:])), binary.BigEndian.Uint64(key[9:])},
			at: position{decode.LSN(binary.BigEndian.Uint64(value)), instant(binary.BigEndian.Uint64(value[8:]))},
		}
		if at := binary.BigEndian.Uint64(value[16:]); at != 0 {
			h.time = time.UnixMicro(int64(at))
		}
		if after.before(h.at) {
			heads = append(heads, h)
		}
		return nil
	})
	return heads, err
}

// trimLog drops the log up to a position, but for the transaction that is
// applied in part. Where nothing is logged nothing is deleted: a deletion there would
// lie behind the traces and the position before them, so that a flush of hardly
// anything else would have all of them merged.
func trimLog(store state.Store, b state.Batch, upTo position, p partial) error {
	state.SetUint64(b, metaTrimmed, uint64(upTo.lsn))
	state.SetUint64(b, metaTrimTime, uint64(upTo.clock))
	end := logID{upTo.lsn, uint64(upTo.clock) + 1} // after the tick that led there
	if p.Commit != 0 && p.Commit <= end.lsn {
		end = logID{p.Commit, 0}
	}
	for _, logged := range [...]struct{ lower, upper []byte }{
		{[]byte{keyLog}, logPrefix(end)},
		{[]byte{keyLogHead}, logHeadKey(end)},
	} {
		it := store.NewIter(logged.lower, logged.upper)
		found := it.First()
		if err := errors.Join(it.Error(), it.Close()); err != nil {
			return fmt.Errorf("read output log: %w", err)
		}
		if found {
			b.DeleteRange(logged.lower, logged.upper)
		}
	}
	return nil
}

// replay writes one logged output commit to the sink.
func (e *engine) replay(ctx context.Context, h logHead) error {
	if err := e.drain(); err != nil {
		return err
	}
	tx, err := e.sink.Begin(ctx, e.shown().ofSink())
	if err != nil {
		return err
	}
	for _, g := range e.gens {
		for _, v := range g.views {
			if v.table == nil {
				continue
			}
			prefix := logViewKey(h.id, g.id, v.index)
			if err := e.applyRows(ctx, tx, v, prefix); err != nil {
				return e.abandon(ctx, tx, err)
			}
			err := readRows(e.store, logViewKey(h.id, g.id, v.index|errorView), errorColumns, func(b *circuit.Batch) error {
				tx.AddErrors(errorDeltas(v.name, b)...)
				return nil
			})
			if err != nil {
				return e.abandon(ctx, tx, err)
			}
			tx.SetStatus(v.status())
		}
	}
	e.at(pointReplay)
	if err := tx.Commit(ctx, h.at.ofSink(), h.time); err != nil {
		return err
	}
	e.at(pointWritten)
	e.progressed(h.at, h.time)
	return nil
}

func (e *engine) abandon(ctx context.Context, tx *sink.Tx, err error) error {
	if rollback := tx.Rollback(ctx); rollback != nil {
		e.log.Debug().Err(rollback).Msg("rolling back outputs")
	}
	return err
}

// applyRows writes the weighted rows kept under a prefix of the state to a
// view's table. A small delta goes at once. A large one goes in chunks, all
// deletions first, since each chunk must lead to a valid state of the view.
func (e *engine) applyRows(ctx context.Context, tx *sink.Tx, v *view, prefix []byte) error {
	width := len(v.spec.Columns)
	first := circuit.NewBatch(width, 0)
	large := false
	err := readRows(e.store, prefix, width, func(b *circuit.Batch) error {
		if first.Len() > 0 {
			large = true
			return errStop
		}
		first.Data = append(first.Data, b.Data...)
		first.W = append(first.W, b.W...)
		return nil
	})
	if err != nil && err != errStop {
		return err
	}
	if !large {
		if first.Len() == 0 {
			return nil
		}
		return tx.Apply(ctx, v.table, first)
	}
	for _, negative := range []bool{true, false} {
		part := circuit.NewBatch(width, rowsChunk)
		err := readRows(e.store, prefix, width, func(b *circuit.Batch) error {
			part.Reset()
			for i := range b.Len() {
				if b.W[i] < 0 == negative {
					part.Append(b.Row(i), b.W[i])
				}
			}
			if part.Len() == 0 {
				return nil
			}
			return tx.Apply(ctx, v.table, part)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errStop ends a scan early.
var errStop = fmt.Errorf("stop")

// moveRows adds the rows under one prefix of the state to another one.
func moveRows(store state.Store, batch state.Batch, from, to []byte) error {
	key := append([]byte(nil), to...)
	err := scan(store, from, func(k, value []byte) error {
		w, err := state.Weight(value)
		if err != nil {
			return err
		}
		key = append(key[:len(to)], k[len(from):]...)
		batch.AddWeight(key, w)
		return nil
	})
	if err == nil {
		batch.DeleteRange(from, state.PrefixEnd(from))
	}
	return err
}

// status is how a view is, by its errors.
func (v *view) status() sink.Status {
	if v.errors > 0 {
		return sink.Status{View: v.name, State: sink.Errored, Error: fmt.Sprintf("%d rows of the source make the view fail; see stepping_cdc.errors", v.errors)}
	}
	return sink.Status{View: v.name, State: sink.Live}
}

// sumWeights is the number of rows in a Z-set.
func sumWeights(b *circuit.Batch) (n int64) {
	for _, w := range b.W {
		n += w
	}
	return n
}

// copyBatch makes a batch that outlives the step that made b.
func copyBatch(b *circuit.Batch) *circuit.Batch {
	return &circuit.Batch{Width: b.Width, Data: append([]values.Datum(nil), b.Data...), W: append([]int64(nil), b.W...)}
}
