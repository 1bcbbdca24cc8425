package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// instant is a time in microseconds since 1970; 0: none.
type instant = int64

// position is how far state or outputs are: in the source's WAL, and in time if a
// view depends on it. Neither ever goes back, and what is shown is a function of the
// two.
type position struct {
	lsn   decode.LSN
	clock instant
}

// ofSink is the position in the sink's terms.
func (p position) ofSink() sink.Position { return sink.Position{LSN: sink.LSN(p.lsn), Clock: p.clock} }

func positionOf(p sink.Position) position { return position{decode.LSN(p.LSN), p.Clock} }

// before orders the positions of one path.
func (p position) before(q position) bool {
	return p.lsn < q.lsn || p.lsn == q.lsn && p.clock < q.clock
}

// clockEvery is how often the progress shows a time that changed nothing.
const clockEvery = 10 * time.Second

// readClockEvery is how often the source's clock is read.
const readClockEvery = 30 * time.Second

// serverClock is the source's clock, read now and then, and in between what the
// monotonic clock says has passed since: ours may be wrong, and may jump.
type serverClock struct {
	at   time.Time
	read time.Time
}

func (e *engine) readClock(ctx context.Context) error {
	var at time.Time
	if err := e.source.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&at); err != nil {
		return fmt.Errorf("read the source's clock: %w", err)
	}
	e.serverTime = serverClock{at, time.Now()}
	return nil
}

func (c serverClock) now() time.Time { return c.at.Add(time.Since(c.read)) }

// usualTick is the clock's where the configuration says none.
const usualTick = time.Second

func (e *engine) tickLength() time.Duration { return cmp.Or(e.cfg.Clock.Tick, usualTick) }

// now is the present in whole ticks.
func (e *engine) now() instant {
	at := e.serverTime.now()
	if e.opts.now != nil {
		at = e.opts.now()
	}
	return at.Truncate(e.tickLength()).UnixMicro()
}

// untilTick is how long it takes to the next one.
func (e *engine) untilTick() time.Duration {
	at := e.serverTime.now()
	return at.Truncate(e.tickLength()).Add(e.tickLength()).Sub(at)
}

// clocked says whether a view that is applied to depends on the time.
func (e *engine) clocked() bool {
	return slices.ContainsFunc(e.gens, func(g *generation) bool { return g.program.Clock })
}

// shown is where the outputs are.
func (e *engine) shown() position { return position{e.progress, e.progressClock} }

// clockRow is the clock's input: the time that goes, and the one that comes.
func clockRow(from, to instant) *circuit.Batch {
	const unixTo2000 = 946_684_800_000_000
	in := circuit.NewBatch(1, 2)
	if from != 0 {
		in.Append([]values.Datum{values.Int(from - unixTo2000)}, -1)
	}
	in.Append([]values.Datum{values.Int(to - unixTo2000)}, 1)
	return in
}

// tick moves the clock to the present, between transactions. While the outputs are
// ahead of the state, time stands still: the way there is taken again as far as the
// transactions go, and then the clock is set to theirs.
func (e *engine) tick(ctx context.Context) error {
	if !e.clocked() || e.partial.Commit != 0 {
		return nil
	}
	if max(e.position, e.idle) < e.progress {
		e.stream.RequestPosition()
		return nil
	}
	if err := e.align(ctx); err != nil {
		return err
	}
	to := e.now()
	if to <= e.clock {
		return nil
	}
	if err := e.moveClock(ctx, to); err != nil {
		return err
	}
	if time.Since(e.clockShown) < clockEvery {
		return nil
	}
	return e.showClock(ctx)
}

// align sets the state's clock to that of the outputs, where the state has come to
// what they hold. By which ticks they had come there is not known, which makes no
// difference but to a view that is errored: that one shows what it held at the last
// tick before the error.
func (e *engine) align(ctx context.Context) error {
	if !e.clocked() || e.clock >= e.progressClock {
		return nil
	}
	if err := e.moveClock(ctx, e.progressClock); err != nil {
		return err
	}
	lost := &reloadError{cause: "what the view showed when it became errored is not known after a crash"}
	for _, g := range e.gens {
		for i, v := range g.views {
			if v.table != nil && v.errors > 0 && g.program.Views[i].Clock {
				lost.views = append(lost.views, v.name)
			}
		}
	}
	if len(lost.views) > 0 {
		return lost
	}
	return nil
}

// moveClock runs one step of time alone.
func (e *engine) moveClock(ctx context.Context, to instant) error {
	var effects []effect
	at := position{max(e.position, e.progress), to}
	id := logID{at.lsn, uint64(to)}
	for _, g := range e.gens {
		outs, err := g.tick(ctx, e.clock, to, e.batch, e.parts(g, id))
		if err != nil {
			return err
		}
		effects = append(effects, e.effects(g, outs)...)
	}
	s := settlement{
		id: id, at: at, suppressed: to <= e.progressClock,
		quiet: len(effects) == 0 && len(e.statuses) == 0,
	}
	return e.settleStep(ctx, effects, s)
}

// tick runs one step of a generation in which the clock moves.
func (g *generation) tick(ctx context.Context, from, to instant, batch state.Batch, parts circuit.Parts) ([]circuit.Output, error) {
	if !g.program.Clock {
		return nil, nil
	}
	outs, err := g.circuit.StepInParts(ctx, map[string]*circuit.Batch{plan.ClockSource: clockRow(from, to)}, batch, parts)
	if err != nil {
		return nil, fmt.Errorf("views of generation %d at a tick: %w", g.id, err)
	}
	return outs, nil
}

// showClock writes the time that the outputs are right for, which may be later
// than when they last changed.
func (e *engine) showClock(ctx context.Context) error {
	if err := e.drain(); err != nil || e.clock <= e.progressClock {
		return err
	}
	// Between the outputs' position and the state's, if they differ, is nothing.
	at := position{max(e.position, e.progress), e.clock}
	commit := sink.Commit{At: at.ofSink(), Prev: e.shown().ofSink(), Statuses: e.takeStatuses()}
	if err := e.sink.Apply(ctx, commit); err != nil {
		return err
	}
	e.progressed(at, time.Time{})
	return nil
}

// joinClock brings the others and the generation that joins to one time.
func (e *engine) joinClock(ctx context.Context, g *generation) error {
	if !g.program.Clock {
		return nil
	}
	to := max(e.clock, g.clock)
	if e.progress <= g.from {
		to = max(to, e.progressClock) // which an earlier join may have moved
	}
	switch {
	case !e.clocked():
		e.clock = to
	case e.clock < to:
		if err := e.moveClock(ctx, to); err != nil {
			return err
		}
	}
	if g.clock == to {
		return nil
	}
	outs, err := g.tick(ctx, g.clock, e.clock, e.batch, circuit.Parts{})
	if err != nil {
		return err
	}
	g.clock = e.clock
	e.manifest.generation(g.id).Clock = e.clock
	if err := e.manifest.write(e.batch); err != nil {
		return err
	}
	return e.loaded(g, outs)
}
