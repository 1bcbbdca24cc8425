package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

const (
	// groupBytes is the usual Options.groupBytes.
	groupBytes = 4 << 20
	// flushEvery is how often the state is made durable, which is how long a
	// replay after a crash takes and how much WAL the slot holds back.
	flushEvery = 5 * time.Second
	// lingerFrom is from which delay on the program waits for linger, for more
	// transactions to share a step.
	lingerFrom = 100 * time.Millisecond
	linger     = 10 * time.Millisecond
	// sourceTimeout bounds the small questions to the source.
	sourceTimeout = 20 * time.Second
	// tickEvery is how often positions are looked after.
	tickEvery = time.Second
	// checkEvery is how often publication and tables are compared with what they
	// were, unless Options say.
	checkEvery = 5 * time.Second
)

// follow applies the stream until an error, the end of ctx, or errDone.
func (e *engine) follow(ctx context.Context) error {
	// A transaction in work is finished when the context ends: what it has begun
	// in state and sink belongs together.
	work := context.WithoutCancel(ctx)
	e.stopping = ctx.Done()
	rings := make(chan struct{}, 1)
	bellCtx, stopBell := context.WithCancel(ctx)
	defer stopBell()
	go e.ringing(bellCtx, rings)

	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	e.lastMend = time.Now()
	var due <-chan time.Time // the clock's next tick
	for {
		if due == nil && e.clocked() {
			due = time.After(e.untilTick())
		}
		if err := e.reached(work); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-e.writing:
			if err := e.settled(err); err != nil {
				return err
			}
		case <-due:
			due = nil
			if err := e.tick(work); err != nil {
				return err
			}
		case <-tick.C:
			if err := e.maintain(work); err != nil {
				return err
			}
		case <-rings:
			// Who waits may have just done what the stream does not tell.
			if err := e.drift(work, tickEvery); err != nil {
				return err
			}
			if err := e.nudge(work); err != nil {
				return err
			}
		case <-e.ready():
			ev, ok, err := e.next()
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := e.handle(work, ev); err != nil {
				return err
			}
		}
	}
}

// ready receives when next may have something new.
func (e *engine) ready() <-chan struct{} {
	if e.held != nil {
		return always
	}
	return e.stream.Ready()
}

// always is always ready.
var always = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// next takes the event that was held back, or the next one off the stream, if
// there is one.
func (e *engine) next() (replication.Event, bool, error) {
	if e.held != nil {
		ev := *e.held
		e.held = nil
		return ev, true, nil
	}
	ev, ok, err := e.stream.TryNext()
	if err != nil {
		return ev, false, &streamError{err}
	}
	return ev, ok, nil
}

// streamError marks an error that ended the stream: it may be the slot's.
type streamError struct{ err error }

func (e *streamError) Error() string { return e.err.Error() }
func (e *streamError) Unwrap() error { return e.err }

// reached ends the run where the options say.
func (e *engine) reached(ctx context.Context) error {
	if e.opts.UntilLSN == 0 || e.joining != nil || e.position < e.opts.UntilLSN && e.idle < e.opts.UntilLSN {
		return nil
	}
	if e.clocked() && max(e.position, e.idle) < e.progress {
		// Where the outputs have come, the stream has not told again yet: time stands
		// still until then.
		e.stream.RequestPosition()
		return nil
	}
	// Time goes on to the end as well.
	if err := e.tick(ctx); err != nil {
		return err
	}
	if e.clocked() {
		if err := e.showClock(ctx); err != nil {
			return err
		}
	}
	if e.progress < e.opts.UntilLSN {
		if err := e.moveProgress(ctx, max(e.idle, e.position)); err != nil {
			return err
		}
	}
	if err := e.drain(); err != nil {
		return err
	}
	return errDone
}

// handle applies an event, with as many of those that wait behind it as fit
// into one step.
func (e *engine) handle(ctx context.Context, ev replication.Event) error {
	var group []replication.Event
	bytes := 0
	lingered := false
	var idle decode.LSN // told while the group gathered: for after it
	flushGroup := func() error {
		if len(group) == 0 {
			return nil
		}
		began := time.Now()
		err := e.applyGroup(ctx, group)
		e.pressure.note(began, time.Now(), len(group))
		e.stream.Pace(e.pressure.pace(e.pressure.ended))
		e.live.update(func(p *Progress) { p.Transactions += int64(len(group)) })
		group, bytes = group[:0], 0
		if err != nil || idle == 0 {
			return err
		}
		return e.idleAt(ctx, idle)
	}
	for {
		whole := ev.First && ev.Last && ev.CommitLSN != e.partial.Commit
		// What the sink has already, and what it has not, are never one step; nor
		// is what a joining generation sees and what it does not.
		if len(group) > 0 && !ev.Idle() {
			last := &group[len(group)-1]
			if !whole || bytes+ev.Bytes > e.group.now ||
				(last.EndLSN <= e.progress) != (ev.EndLSN <= e.progress) ||
				e.joining != nil && ev.CommitLSN >= e.joining.from {
				// Later: under a steady load this would never end, and there are
				// positions to look after.
				e.held = &ev
				return flushGroup()
			}
		}
		switch {
		case ev.Idle() && len(group) > 0:
			idle = ev.EndLSN
		case ev.Idle():
			if err := e.idleAt(ctx, ev.EndLSN); err != nil {
				return err
			}
		default:
			if e.joining != nil && ev.CommitLSN >= e.joining.from {
				if err := e.join(ctx); err != nil {
					return err
				}
			}
			switch {
			case ev.CommitLSN < e.position:
				// Sent again: the state has it.
			case e.partial.Commit != 0 && ev.CommitLSN != e.partial.Commit:
				return fmt.Errorf("%w: the transaction at %s, applied in part, does not come again", errStateLost, e.partial.Commit)
			case whole && (ev.Bytes <= e.group.now || e.group.now == e.group.most):
				group = append(group, ev)
				bytes += ev.Bytes
			default:
				// Too large for a step, by its messages or by what came of others. One at a
				// time: a transaction may have any number of chunks, and there are positions
				// to look after meanwhile.
				return e.applyChunk(ctx, &ev)
			}
		}
		if bytes >= e.group.now {
			return flushGroup()
		}
		next, ok, err := e.next()
		if err == nil && !ok && len(group) > 0 && !lingered {
			// Small transactions that come one by one after a pause are cheaper
			// together, and none of them is fresh any more.
			if e.behind(group) {
				lingered = true
				time.Sleep(linger)
				next, ok, err = e.next()
			}
		}
		if err != nil || !ok {
			if flushErr := flushGroup(); flushErr != nil {
				return flushErr
			}
			return err
		}
		ev = next
	}
}

// behind says that transactions were committed so long before they arrived that
// the sender has more of them. The clocks of source and program may differ: what
// counts is by how much the delay exceeds the least one seen.
func (e *engine) behind(group []replication.Event) bool {
	last := &group[len(group)-1]
	delay := last.Received.Sub(last.CommitTime)
	if !e.delayed || delay < e.leastDelay {
		e.delayed, e.leastDelay = true, delay
	}
	return delay-e.leastDelay > lingerFrom
}

// idleAt notes that the stream has nothing more before a position.
func (e *engine) idleAt(ctx context.Context, lsn decode.LSN) error {
	if e.joining != nil && lsn >= e.joining.from {
		if err := e.join(ctx); err != nil {
			return err
		}
	}
	if lsn > e.idle {
		e.idle = lsn
	}
	switch {
	case e.awaited == 0 || e.partial.Commit != 0:
	case e.idle < e.awaited:
		// The server answered before it had read what was just flushed.
		e.stream.RequestPosition()
	default:
		e.awaited = 0
		if err := e.judge(ctx); err != nil {
			return err
		}
		if err := e.moveProgress(ctx, e.idle); err != nil || !e.rungAgain {
			return err
		}
		e.rungAgain = false
		return e.nudge(ctx)
	}
	return nil
}

// moveProgress tells readers that nothing happened up to a position.
func (e *engine) moveProgress(ctx context.Context, lsn decode.LSN) error {
	if err := e.drain(); err != nil || lsn <= e.progress {
		return err
	}
	// The state's clock may have stood still since the outputs' was moved.
	at := position{lsn, e.clock}
	if e.clocked() {
		at.clock = max(e.clock, e.progressClock)
	}
	commit := sink.Commit{At: at.ofSink(), Prev: e.shown().ofSink(), Statuses: e.takeStatuses()}
	if err := e.sink.Apply(ctx, commit); err != nil {
		return err
	}
	e.progressed(at, time.Time{})
	return nil
}

// ringing hands on the calls of readers that wait in stepping_cdc.wait_for().
func (e *engine) ringing(ctx context.Context, rings chan<- struct{}) {
	for ctx.Err() == nil {
		bell, err := sink.OpenBell(ctx, string(e.cfg.Sink.DSN))
		for err == nil {
			if err = bell.Wait(ctx, e.busy); err == nil {
				select {
				case rings <- struct{}{}:
				default:
				}
			}
		}
		if bell != nil {
			if closeErr := bell.Close(context.WithoutCancel(ctx)); closeErr != nil {
				e.log.Debug().Err(closeErr).Msg("closing the bell")
			}
		}
		if ctx.Err() == nil {
			e.log.Info().Err(err).Msg("the bell is lost; readers that wait are served at the next tick")
			select {
			case <-ctx.Done():
			case <-time.After(tickEvery):
			}
		}
	}
}

// busy says whether there are output commits at present.
func (e *engine) busy() bool { return time.Since(e.live.Get().AppliedAt) < time.Second }

// nudge has the server tell its position at once, for a reader that waits. What
// was committed before must be on the server's disk to be sent; a small write
// that waits for the disk sees to that. Readers that call meanwhile have their turn
// afterwards: if they moved the goal, on a slow line it would never be reached.
func (e *engine) nudge(ctx context.Context) error {
	if e.awaited != 0 {
		e.rungAgain = true
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	var flushed int64
	err := e.source.QueryRow(ctx, `SELECT pg_catalog.pg_logical_emit_message(true, 'stepping_cdc', '') - '0/0'::pg_catalog.pg_lsn`).Scan(&flushed)
	if err != nil {
		return fmt.Errorf("ask the source to flush: %w", err)
	}
	e.awaited = decode.LSN(flushed)
	e.stream.RequestPosition()
	return nil
}

// maintain makes the state durable now and then, acknowledges what is durable
// on both sides, and cuts the output log.
func (e *engine) maintain(ctx context.Context) error {
	if e.awaited != 0 {
		e.stream.RequestPosition()
	}
	if err := e.drain(); err != nil {
		return err
	}
	if err := e.sink.Settle(ctx); err != nil {
		return err
	}
	e.stream.Pace(e.pressure.pace(time.Now()))
	durableSeq := e.store.Durable()
	for len(e.flushing) > 0 && e.flushing[0].seq <= durableSeq {
		e.durable = e.flushing[0].position
		e.flushing = e.flushing[1:]
	}
	durable, err := e.sink.Durable(ctx)
	if err != nil {
		return err
	}
	if err := e.readTruncations(ctx); err != nil {
		return err
	}
	sinkDurable := position{decode.LSN(durable.LSN), durable.Clock}
	e.acknowledge(sinkDurable.lsn)
	e.at(pointAck)
	e.observe()
	if e.clocked() && time.Since(e.serverTime.read) > readClockEvery {
		if err := e.readClock(ctx); err != nil {
			return err
		}
	}
	if err := e.judge(ctx); err != nil {
		return err
	}
	if err := e.drift(ctx, e.opts.checkEvery); err != nil {
		return err
	}
	if err := e.mend(ctx); err != nil {
		return err
	}
	if time.Since(e.lastFlush) < flushEvery {
		return nil
	}
	e.lastFlush = time.Now()
	// On an idle database the position moves on without transactions.
	if e.idle > e.position && e.partial.Commit == 0 {
		if err := e.commitState(position{e.idle, e.clock}); err != nil {
			return err
		}
	}
	if e.trimmed.before(sinkDurable) {
		if err := trimLog(e.store, e.batch, sinkDurable, e.partial); err != nil {
			return err
		}
		if _, err := e.batch.Commit(); err != nil {
			return fmt.Errorf("trim output log: %w", err)
		}
		e.trimmed = sinkDurable
	}
	if err := e.startFlush(); err != nil {
		return err
	}
	if len(e.statuses) > 0 {
		return e.sink.SetStatus(ctx, e.takeStatuses()...)
	}
	return nil
}

// startFlush begins to make the state durable as it is.
func (e *engine) startFlush() error {
	if e.position <= e.durable || len(e.flushing) > 0 && e.flushing[len(e.flushing)-1].position >= e.position {
		return nil
	}
	e.flushing = append(e.flushing, flush{e.store.Committed(), e.position})
	if err := e.store.StartFlush(); err != nil {
		return fmt.Errorf("flush state: %w", err)
	}
	e.at(pointFlush)
	return nil
}

// acknowledge confirms to the slot what both sides keep. Where the sink has all
// that there was to write, positions without transactions count as well.
func (e *engine) acknowledge(sinkDurable decode.LSN) {
	lsn := e.durable
	if sinkDurable < e.progress && sinkDurable < lsn {
		lsn = sinkDurable
	}
	if e.joining == nil && lsn > 0 {
		e.stream.Ack(lsn)
	}
}

// acknowledgeAll ends a session in order: everything durable, everything
// acknowledged. Failing that, a restart replays.
func (e *engine) acknowledgeAll(ctx context.Context) {
	if e.store == nil || e.sink == nil || e.sink.Closed() || e.joining != nil {
		return
	}
	if err := e.store.Flush(ctx); err != nil {
		e.log.Warn().Err(err).Msg("the state was not flushed; a restart replays what is missing")
		return
	}
	durable, err := e.sink.Flush(ctx)
	if err != nil {
		e.log.Warn().Err(err).Msg("the outputs were not flushed; a restart replays what is missing")
		return
	}
	e.durable = e.position
	e.acknowledge(decode.LSN(durable.LSN))
}

// observe publishes the present for status and metrics.
func (e *engine) observe() {
	pos, m := e.stream.Position(), e.store.Metrics()
	e.live.update(func(p *Progress) {
		p.Position, p.WALEnd, p.Acked = e.position, pos.WALEnd, pos.Acked
		if p.Clock = (time.Time{}); e.clocked() {
			p.Clock = time.UnixMicro(e.clock)
		}
		p.StateBytes, p.StateCache = m.DiskBytes, m.MemoryBytes
		if e.joining == nil {
			p.State = "live"
		}
	})
}

// readState loads positions from the state.
func (e *engine) readState() error {
	read := func(key []byte) (decode.LSN, error) {
		v, _, err := state.GetUint64(e.store, key)
		return decode.LSN(v), err
	}
	var err1, err2, err3 error
	e.position, err1 = read(metaPosition)
	e.trimmed.lsn, err2 = read(metaTrimmed)
	clock, _, err4 := state.GetUint64(e.store, metaClock)
	trimmed, _, err5 := state.GetUint64(e.store, metaTrimTime)
	e.clock, e.trimmed.clock = instant(clock), instant(trimmed)
	e.partial, err3 = readPartial(e.store)
	err6 := e.dropParts()
	e.durable = e.position
	e.skip = map[uint32]int{}
	for gen, n := range e.partial.Applied {
		e.skip[gen] = n
	}
	return errors.Join(err1, err2, err3, err4, err5, err6)
}
