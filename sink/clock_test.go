package sink

import (
	"errors"
	"testing"
	"time"
)

// The clock is part of the outputs' position: written with them, found again, never
// going back, and another hand on it fences the writer off.
func TestClockIsComparedAndSwapped(t *testing.T) {
	e := setup(t)
	table := e.ints("v", nil)
	at := time.Date(2024, 10, 27, 0, 59, 59, 123457000, time.UTC).UnixMicro()
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	c.At.Clock = at
	e.must(e.s.Apply(e.ctx, c))
	p, err := e.s.Progress(e.ctx)
	if err != nil || p.Position != c.At {
		t.Errorf("progress %+v, %v; want %s at %d", p, err, c.At.LSN, at)
	}

	// Time may pass where nothing was committed.
	e.must(e.s.Apply(e.ctx, Commit{At: Position{c.At.LSN, at + 1}, Prev: c.At, Views: []ViewDelta{{table, intRow(2, 2, 1)}}}))
	tx, err := e.s.Begin(e.ctx, e.s.pos)
	e.must(err)
	e.must(tx.Apply(e.ctx, table, intRow(3, 3, 1)))
	e.must(tx.Commit(e.ctx, Position{c.At.LSN, at + 2}, time.Time{}))
	if got, err := e.s.Flush(e.ctx); err != nil || got != (Position{c.At.LSN, at + 2}) {
		t.Errorf("durable %+v, %v", got, err)
	}
	if err := e.s.Apply(e.ctx, Commit{At: Position{c.At.LSN + 1, at + 1}, Prev: e.s.pos}); err == nil {
		t.Error("an output commit went back in time")
	}

	// A writer that believes to have written what it has not is stopped, be it by an
	// LSN or by time alone.
	for _, prev := range []Position{{c.At.LSN, at + 1}, {c.At.LSN, at + 3}, {c.At.LSN + 1, at + 2}, {c.At.LSN, 0}} {
		err := e.s.Apply(e.ctx, Commit{At: Position{c.At.LSN + 1, at + 9}, Prev: prev, Views: []ViewDelta{{table, intRow(9, 9, 1)}}})
		if !errors.Is(err, ErrPosition) {
			t.Errorf("%v: a commit from %s, but the outputs are at %s", err, prev, e.s.pos)
		}
		if _, err := e.s.Begin(e.ctx, prev); !errors.Is(err, ErrPosition) {
			t.Errorf("a transaction from %s, but the outputs are at %s", prev, e.s.pos)
		}
	}

	// What a later instance finds.
	p2, err := e.s.Reconnect(e.ctx)
	if err != nil || p2.Position != (Position{c.At.LSN, at + 2}) {
		t.Errorf("found again %+v, %v", p2, err)
	}
	e.exec(`UPDATE stepping_cdc.progress SET lsn = lsn - 1`)
	if err := e.s.Apply(e.ctx, e.next()); !errors.Is(err, ErrFenced) {
		t.Errorf("commit over another's position: %v", err)
	}
	e.exec(`UPDATE stepping_cdc.progress SET lsn = lsn + 1`)
	e.exec(`UPDATE stepping_cdc.progress SET clock = clock + interval '1 us'`)
	err = e.s.Apply(e.ctx, Commit{At: Position{c.At.LSN + 1, at + 9}, Prev: e.s.pos, Views: []ViewDelta{{table, intRow(4, 4, 1)}}})
	if !errors.Is(err, ErrFenced) {
		t.Errorf("commit over another's clock: %v", err)
	}
}
