package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

const (
	// instanceWait is how long a starting instance waits for another one's end.
	instanceWait = 10 * time.Second
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
	// steady is how long a session has to last for the next pause to be short.
	steady = 30 * time.Second
)

// Pipeline maintains the views of one configuration.
type Pipeline struct {
	cfg  *config.Config
	opts Options
	log  zerolog.Logger
	live Snapshot
	lost sink.Session    // of the last session
	anew map[string]bool // see engine

	failed, unfit map[string]string // see engine
}

// New makes a pipeline; Run runs it.
func New(cfg *config.Config, log zerolog.Logger, opts Options) *Pipeline {
	if opts.pieceBytes == 0 {
		opts.pieceBytes = shareOut(cfg.State.Memory).pieceBytes
	}
	if opts.stepBytes == 0 {
		opts.stepBytes = shareOut(cfg.State.Memory).stepBytes
	}
	if opts.partRows == 0 {
		opts.partRows = shareOut(cfg.State.Memory).partRows
	}
	if opts.groupBytes == 0 {
		opts.groupBytes = groupBytes
	}
	if opts.checkEvery == 0 {
		opts.checkEvery = checkEvery
	}
	return &Pipeline{cfg: cfg, opts: opts, log: log, anew: map[string]bool{}, failed: map[string]string{}, unfit: map[string]string{}}
}

// Progress is how far it is; for any goroutine.
func (p *Pipeline) Progress() Progress { return p.live.Get() }

// Run maintains the views until ctx ends, which is a clean stop and no error,
// or until the position of Options.UntilLSN. What may mend itself (a lost
// connection, a restarting server) is tried again with growing pauses. Other
// errors end it: *configured.ProblemsError, *replication.StopError and what is nobody's
// fault but ours.
func (p *Pipeline) Run(ctx context.Context) error {
	pause := firstPause
	for {
		started := time.Now()
		err := p.session(ctx)
		switch {
		case errors.Is(err, errDone):
			return nil
		case ctx.Err() != nil:
			// Whatever the interruption broke off: state and outputs are left as a
			// crash would leave them, which a restart continues.
			if err != nil && !errors.Is(err, ctx.Err()) {
				p.log.Debug().Err(config.RedactError(err, string(p.cfg.Source.DSN), string(p.cfg.Sink.DSN))).Msg("stopped while")
			}
			return nil
		case !again(err):
			return config.RedactError(err, string(p.cfg.Source.DSN), string(p.cfg.Sink.DSN))
		}
		var reload *reloadError
		if time.Since(started) > steady || errors.As(err, &reload) {
			pause = firstPause
		}
		p.log.Warn().Err(config.RedactError(err, string(p.cfg.Source.DSN), string(p.cfg.Sink.DSN))).Dur("pause", pause).Msg("starting again")
		p.live.update(func(s *Progress) { s.State = "reconnecting" })
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, longestPause)
	}
}

// again says whether another session may succeed.
func again(err error) bool {
	var stop *replication.StopError
	var problems *configured.ProblemsError
	var drift *sink.DriftError
	var reload *reloadError
	var unwritable *sink.ViewError
	switch {
	case errors.As(err, &reload), errors.As(err, &unwritable):
		return true
	case errors.As(err, &stop):
		return false
	case errors.As(err, &problems), errors.Is(err, sink.ErrFenced):
		return false
	case errors.Is(err, errStateLost), errors.As(err, &drift), errors.Is(err, state.ErrCorrupt):
		return true
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return retryableConnect(err)
	}
	return replication.Retryable(err) || sink.Retryable(err)
}

// retryableConnect tells a server that is not there yet from one that refuses us.
func retryableConnect(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code[:2] == "57" || pg.Code[:2] == "53"
	}
	return !replication.RefusedTLS(err)
}

// session is one life of the engine.
func (p *Pipeline) session(ctx context.Context) (err error) {
	e := &engine{started: time.Now(), full: p.cfg, cfg: p.cfg, opts: p.opts, log: p.log, live: &p.live, anew: p.anew, failed: p.failed, unfit: p.unfit, skip: map[uint32]int{}, lost: p.lost}
	e.group = newStride(p.opts.groupBytes, p.opts.groupBytes, p.opts.stepBytes)
	e.piece = newStride(mostChanges, mostChanges, p.opts.stepBytes)
	defer func() {
		if e.sink != nil {
			p.lost = e.sink.Session()
		}
		if closeErr := e.close(); closeErr != nil {
			p.log.Debug().Err(closeErr).Msg("ending the session")
		}
	}()
	p.live.update(func(s *Progress) { s.State = "starting" })
	err = e.prepare(ctx)
	if err == nil {
		p.opts.Resnapshot, p.opts.discard = false, false
		if e.joining == nil {
			e.announce()
		}
		err = e.follow(ctx)
	}
	if errors.Is(err, replication.ErrNoBinary) {
		p.opts.text = true
	}
	if errors.Is(err, state.ErrCorrupt) {
		p.log.Error().Err(err).Msg("the state is damaged; everything is computed anew and the outputs corrected by the difference")
		p.opts.discard = true
		return err
	}
	err = e.diagnose(context.WithoutCancel(ctx), err)
	err = withDrifts(err, e.drain())
	return e.repair(context.WithoutCancel(ctx), err)
}

// withDrifts adds to an error what the outcome of an output commit tells of outputs that were changed.
// The commit has happened, so nobody else will tell.
func withDrifts(err, outcome error) error {
	for _, drift := range sink.Drifts(outcome) {
		err = errors.Join(err, drift)
	}
	return err
}

// diagnose finds out what an error of the stream really means.
func (e *engine) diagnose(ctx context.Context, err error) error {
	var stream *streamError
	if !errors.As(err, &stream) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	return replication.Diagnose(ctx, e.source, e.cfg.Source.Slot, err)
}

// repair prepares the next session to mend what this one found broken.
func (e *engine) repair(ctx context.Context, err error) error {
	if e.manifest == nil || e.store == nil {
		return err
	}
	drifts := sink.Drifts(err)
	for _, drift := range drifts {
		e.log.Error().Err(drift).Str("view", drift.View).Msg("the output table was changed by someone else; it is built anew")
		if e.joining != nil && slices.ContainsFunc(e.joining.views, func(v *view) bool { return v.name == drift.View && v.corrected }) {
			e.anew[drift.View] = true // as when rows are in it twice that a key tells apart
		}
		e.forget(ctx, sink.Drifted, drift.Error(), drift.View)
	}
	var reload *reloadError
	var unwritable *sink.ViewError
	switch {
	case errors.As(err, &reload):
		e.log.Warn().Strs("views", reload.views).Str("cause", reload.cause).
			Msg("views are loaded anew, and their outputs corrected by the difference")
		for _, name := range reload.views {
			delete(e.failed, name)
			delete(e.unfit, name)
		}
		e.forget(ctx, sink.Loading, reload.cause, reload.views...)
	case errors.As(err, &unwritable):
		name := unwritable.View
		if time.Since(e.started) > steady {
			delete(e.failed, name) // what was done then has helped
		}
		if e.failed[name] != "" {
			e.unfit[name] = unwritable.Error()
		}
		e.failed[name] = unwritable.Error()
		e.log.Error().Err(err).Str("view", name).Bool("again", e.unfit[name] != "").
			Msg("the output cannot be written; the view is loaded anew once, and left out if that does not help")
		e.forget(ctx, sink.Drifted, unwritable.Error(), name)
	case errors.Is(err, errStateLost):
		e.log.Error().Err(err).Msg("the state cannot be continued; everything is computed anew and the outputs corrected by the difference")
		e.batch.Reset()
		e.dropAll()
	case len(drifts) == 0:
		return err
	}
	if writeErr := e.writeManifest(); writeErr != nil {
		return fmt.Errorf("%w (and %w)", err, writeErr)
	}
	return err
}

// forget has the next session load views anew, and says so.
func (e *engine) forget(ctx context.Context, state sink.State, cause string, views ...string) {
	e.batch.Reset()
	var st []sink.Status
	for _, v := range views {
		e.manifest.forget(v)
		st = append(st, sink.Status{View: v, State: state, Error: cause})
	}
	if e.sink == nil || e.sink.Closed() {
		return
	}
	err := e.drain()
	if err == nil {
		err = e.sink.SetStatus(ctx, st...)
	}
	if err != nil {
		e.log.Debug().Err(err).Msg("noting the state of views")
	}
}

// forget makes a view one that no generation computes; the next session loads
// it anew.
func (m *manifest) forget(view string) {
	m.forgetIf(func(v *viewInfo) bool { return v.Name == view })
}

// forgetPublished is forget but for a view that was loaded since, and is yet to be shown.
func (m *manifest) forgetPublished(view string) {
	m.forgetIf(func(v *viewInfo) bool { return v.Name == view && v.Published })
}

func (m *manifest) forgetIf(is func(*viewInfo) bool) {
	for i := range m.Generations {
		for j := range m.Generations[i].Views {
			if v := &m.Generations[i].Views[j]; is(v) {
				v.Forgotten = true
			}
		}
	}
}
