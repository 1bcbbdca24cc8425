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
	c.Clock = at
	e.must(e.s.Apply(e.ctx, c))
	p, err := e.s.Progress(e.ctx)
	if err != nil || p.Position != (Position{c.LSN, at}) {
		t.Errorf("progress %+v, %v; want %s at %d", p, err, c.LSN, at)
	}

	// Time may pass where nothing was committed.
	e.must(e.s.Apply(e.ctx, Commit{LSN: c.LSN, PrevLSN: c.LSN, Clock: at + 1, Views: []ViewDelta{{table, intRow(2, 2, 1)}}}))
	tx, err := e.s.Begin(e.ctx, c.LSN)
	e.must(err)
	e.must(tx.Apply(e.ctx, table, intRow(3, 3, 1)))
	tx.SetClock(at + 2)
	e.must(tx.Commit(e.ctx, c.LSN, time.Time{}))
	if got, err := e.s.Flush(e.ctx); err != nil || got != (Position{c.LSN, at + 2}) {
		t.Errorf("durable %+v, %v", got, err)
	}
	if err := e.s.Apply(e.ctx, Commit{LSN: c.LSN + 1, PrevLSN: c.LSN, Clock: at + 1}); err == nil {
		t.Error("an output commit went back in time")
	}

	// What a later instance finds.
	p2, err := e.s.Reconnect(e.ctx)
	if err != nil || p2.Position != (Position{c.LSN, at + 2}) {
		t.Errorf("found again %+v, %v", p2, err)
	}
	e.exec(`UPDATE stepping_cdc.progress SET clock = clock + interval '1 us'`)
	err = e.s.Apply(e.ctx, Commit{LSN: c.LSN + 1, PrevLSN: c.LSN, Clock: at + 9, Views: []ViewDelta{{table, intRow(4, 4, 1)}}})
	if !errors.Is(err, ErrFenced) {
		t.Errorf("commit over another's clock: %v", err)
	}
}
