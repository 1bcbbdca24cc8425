package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// prepare connects, checks, and brings publication, slot, generations and
// outputs to where the stream can start.
func (e *engine) prepare(ctx context.Context) error {
	var err error
	if e.source, err = replication.OpenSession(ctx, string(e.cfg.Source.DSN)); err != nil {
		return err
	}
	// A nudge is a commit that must reach the disk, whatever the role presets.
	if _, err := e.source.Exec(ctx, `SET synchronous_commit = local`); err != nil {
		return fmt.Errorf("prepare the source's session: %w", err)
	}
	if err := e.analyze(ctx); err != nil {
		return err
	}
	if e.sink, err = sink.Open(ctx, string(e.cfg.Sink.DSN), sink.Options{Wait: instanceWait, Lost: e.lost, SourceElsewhere: !configured.SameServer(e.cfg)}); err != nil {
		return err
	}
	progress, err := e.sink.Progress(ctx)
	if err != nil {
		return err
	}
	e.progressed(position{decode.LSN(progress.LSN), progress.Clock}, progress.CommittedAt)
	if err := e.readClock(ctx); err != nil {
		return err
	}
	e.eval = remote.New(string(e.cfg.Source.DSN), e.analysis.Settings)
	e.eval.Remember(shareOut(e.cfg.State.Memory).results)
	if err := e.openState(ctx); err != nil {
		return err
	}
	if err := e.checkPosition(ctx); err != nil {
		return err
	}
	if err := e.askedRebuilds(ctx); err != nil {
		return err
	}
	wanted, err := e.reopen(ctx)
	if err != nil {
		return err
	}
	if err := e.publication(ctx); err != nil {
		return err
	}
	if len(wanted) > 0 {
		if err := e.load(ctx, wanted); err != nil {
			return err
		}
	}
	if err := e.stopRemoved(ctx); err != nil {
		return err
	}
	if err := e.start(ctx); err != nil {
		return err
	}
	return e.rebuilt(ctx)
}

// openState opens the store; one that is damaged is removed, since all of it
// can be computed again.
func (e *engine) openState(ctx context.Context) error {
	open := func() (err error) {
		e.store, err = state.Open(e.cfg.State.Dir, state.Options{Memory: shareOut(e.cfg.State.Memory).store, OnEvent: e.stateEvent, Trace: traceOf})
		if err != nil {
			return err
		}
		e.manifest, err = readManifest(e.store)
		if err == nil {
			err = e.readState()
		}
		return err
	}
	if e.opts.discard {
		if err := state.Remove(e.cfg.State.Dir); err != nil {
			return err
		}
	}
	err := open()
	if errors.Is(err, state.ErrCorrupt) || err == nil && e.opts.Resnapshot {
		if err != nil {
			e.log.Warn().Err(err).Msg("the state is lost; views are computed anew from a snapshot and the outputs corrected by the difference")
		}
		if e.store != nil {
			if closeErr := e.store.Close(); closeErr != nil {
				e.log.Debug().Err(closeErr).Msg("closing the damaged state")
			}
			e.store = nil
		}
		if err := state.Remove(e.cfg.State.Dir); err != nil {
			return err
		}
		err = open()
	}
	if err != nil {
		return err
	}
	e.batch = e.store.NewBatch()
	if e.opts.Resnapshot {
		e.opts.Resnapshot = false // once
		if err := e.giveUpSlot(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) stateEvent(ev state.Event) {
	if ev.Err != nil {
		e.log.Warn().Err(ev.Err).Str("event", ev.Name).Msg("state: " + ev.Text)
		return
	}
	e.log.Debug().Str("event", ev.Name).Msg("state: " + ev.Text)
}

// giveUpSlot drops slot and publication, so that everything starts anew.
func (e *engine) giveUpSlot(ctx context.Context) error {
	conn, err := replication.Connect(ctx, string(e.cfg.Source.DSN))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	slot, err := replication.SlotInfo(ctx, e.source, e.cfg.Source.Slot)
	if err != nil {
		return err
	}
	if slot != nil {
		if err := conn.DropSlot(ctx, e.cfg.Source.Slot); err != nil {
			return err
		}
	}
	if e.cfg.Source.ManagePublication {
		if err := replication.DropPublication(ctx, e.source, e.cfg.Source.Publication); err != nil {
			return err
		}
	}
	if err := e.sink.ResetProgress(ctx); err != nil {
		return err
	}
	e.progressed(position{}, time.Time{})
	return nil
}

// reopen opens the generations of the state whose views still mean the same,
// drops the others, and returns the views that none of them computes.
func (e *engine) reopen(ctx context.Context) (wanted []*plan.Output, err error) {
	if e.manifest == nil {
		e.manifest = &manifest{NextID: 1, Slot: e.cfg.Source.Slot}
	}
	if e.progress < e.trimmed.lsn || e.progressClock != 0 && e.shown().before(e.trimmed) {
		e.log.Warn().Stringer("progress", e.progress).Stringer("log", e.trimmed.lsn).
			Msg("the outputs are older than the output log; they are computed anew and corrected by the difference")
		e.dropAll()
	}
	covered := map[string]bool{}
	for _, info := range slices.Clone(e.manifest.Generations) {
		ok, err := e.reopenGeneration(ctx, info, covered)
		if err != nil {
			return nil, err
		}
		if !ok {
			erase(info.ID, e.batch)
			e.manifest.Generations = slices.DeleteFunc(e.manifest.Generations, func(g generationInfo) bool { return g.ID == info.ID })
		}
	}
	if len(e.manifest.Generations) == 0 {
		// Nothing is left that the old position would be of.
		e.position, e.durable, e.partial = 0, 0, partial{Applied: map[uint32]int{}}
		e.clock = 0
		e.batch.Delete(metaPosition)
		e.batch.Delete(metaPartial)
		if err := trimLog(e.store, e.batch, e.shown(), e.partial); err != nil {
			return nil, err
		}
	}
	if !e.clocked() {
		e.clock = 0
		e.batch.Delete(metaClock)
	}
	if err := e.writeManifest(); err != nil {
		return nil, err
	}
	for _, o := range e.analysis.Outputs {
		if !covered[o.Name] {
			wanted = append(wanted, o)
		}
	}
	return wanted, nil
}

func (e *engine) dropAll() {
	for _, g := range e.manifest.Generations {
		erase(g.ID, e.batch)
	}
	e.manifest.Generations = nil
}

// reopenGeneration opens one generation of the state; false: it is of no use.
func (e *engine) reopenGeneration(ctx context.Context, info generationInfo, covered map[string]bool) (bool, error) {
	if info.From == 0 {
		return false, nil // was being loaded
	}
	a := e.analysis
	if !slices.Equal(info.Context, configured.Views(e.cfg)) {
		conn, err := pgx.Connect(ctx, string(e.cfg.Source.DSN))
		if err != nil {
			return false, fmt.Errorf("connect to source: %w", err)
		}
		a, err = plan.Analyze(ctx, conn, info.Context, configured.Reserved(e.cfg))
		_ = conn.Close(context.WithoutCancel(ctx))
		if err != nil {
			return false, err
		}
	}
	var outputs []*plan.Output
	for _, v := range info.Views {
		i := slices.IndexFunc(a.Outputs, func(o *plan.Output) bool { return o.Name == v.Name })
		if i < 0 || configured.Fingerprint(a.Outputs[i], a.Settings) != v.Fingerprint {
			return false, nil
		}
		outputs = append(outputs, a.Outputs[i])
	}
	g, err := newGeneration(info.ID, outputs, e.eval, e.store)
	if err != nil {
		return false, nil // another version of this program built the circuit
	}
	g.from, g.clock = info.From, info.Clock
	useful := false
	for i, v := range g.views {
		spec := e.specs[v.name]
		if spec == nil || spec.Fingerprint != info.Views[i].Fingerprint || covered[v.name] || info.Views[i].Forgotten {
			// Its table goes its own way from here on.
			info.Views[i].Forgotten = true
			continue
		}
		v.spec = spec
		if !info.Views[i].Published {
			useful = true
			continue
		}
		table, err := e.sink.Adopt(ctx, spec)
		var drift *sink.DriftError
		switch {
		case err == nil:
			v.table = table
			covered[v.name] = true
			useful = true
		case errors.Is(err, sink.ErrAbsent), errors.Is(err, sink.ErrReshaped), errors.As(err, &drift):
			e.log.Warn().Err(err).Str("view", v.name).Msg("the output table is built anew")
			info.Views[i].Forgotten = true
		default:
			return false, err
		}
	}
	if !useful {
		return false, nil
	}
	if e.unpublished(info) {
		for _, v := range g.views {
			if v.spec != nil {
				covered[v.name] = true
			}
		}
		e.joining = g
	} else {
		e.gens = append(e.gens, g)
	}
	return true, nil
}

// unpublished says that a generation was loaded, but has not joined the others.
func (e *engine) unpublished(info generationInfo) bool {
	for _, v := range info.Views {
		if v.Published {
			return false
		}
	}
	return true
}

func (e *engine) writeManifest() error {
	if err := e.manifest.write(e.batch); err != nil {
		return err
	}
	if _, err := e.batch.Commit(); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// publication brings the publication in step with the tables of all
// generations and of the views to be loaded.
func (e *engine) publication(ctx context.Context) error {
	refs := configured.TableRefs(e.analysis.Outputs)
	for _, g := range e.all() {
		for _, t := range g.tables {
			if !slices.ContainsFunc(refs, func(r replication.TableRef) bool { return r.Schema == t.Schema && r.Name == t.Name }) {
				ref := replication.TableRef{Schema: t.Schema, Name: t.Name}
				for _, c := range t.Columns {
					ref.Columns = append(ref.Columns, c.Name)
				}
				refs = append(refs, ref)
			}
		}
	}
	if err := e.checkPublication(ctx); err != nil {
		return err
	}
	fp, err := replication.EnsurePublication(ctx, e.source, replication.PublicationOptions{
		Name: e.cfg.Source.Publication, Slot: e.cfg.Source.Slot, Tables: refs, Manage: e.cfg.Source.ManagePublication,
	})
	if err != nil {
		return err
	}
	e.manifest.Publication = fp
	return e.writeManifest()
}

// checkDrift looks for changes of the source that leave no trace in the stream.
func (e *engine) checkDrift(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	err := e.checkPublication(ctx)
	if err := e.checkShape(ctx); err != nil {
		return err // also for a table that is gone from the publication
	}
	if err != nil {
		return err
	}
	if err := e.checkBasis(ctx); err != nil {
		return err
	}
	return e.checkStorage(ctx)
}

// checkPublication makes sure that the publication and its tables are still those
// that the state was made from.
func (e *engine) checkPublication(ctx context.Context) error {
	var tables []replication.TableRef
	for _, g := range e.all() {
		for _, t := range g.tables {
			tables = append(tables, replication.TableRef{Schema: t.Schema, Name: t.Name})
		}
	}
	if len(tables) == 0 || len(e.manifest.Publication.Tables) == 0 {
		return nil
	}
	now, err := replication.ReadFingerprint(ctx, e.source, e.cfg.Source.Publication, tables)
	if err != nil {
		return err
	}
	if err := replication.Drift(e.manifest.Publication, now); err != nil {
		return err
	}
	e.manifest.Publication = now // a partition that came since is missed when it goes
	return nil
}

// all are the generations that apply the stream, and the one that will.
func (e *engine) all() []*generation {
	if e.joining == nil {
		return e.gens
	}
	return append(e.gens[:len(e.gens):len(e.gens)], e.joining)
}

// stopRemoved marks views that are no longer configured, or left out.
func (e *engine) stopRemoved(ctx context.Context) error {
	views, err := e.sink.Views(ctx)
	if err != nil {
		return err
	}
	var st []sink.Status
	for _, v := range views {
		cause, left := e.left[v.Name]
		if !left {
			cause = "no longer configured"
		}
		if e.specs[v.Name] == nil && (v.State != sink.Stopped || left && v.Error != cause) {
			st = append(st, sink.Status{View: v.Name, State: sink.Stopped, Error: cause})
		}
	}
	if len(st) == 0 {
		return nil
	}
	return e.sink.SetStatus(ctx, st...)
}

// checkPosition stops before anything is touched where the stream cannot go on from
// the state: after a failover, what looks like a state to be dropped and loaded anew
// may be the wrong server.
func (e *engine) checkPosition(ctx context.Context) error {
	if e.manifest == nil || !slices.ContainsFunc(e.manifest.Generations, func(g generationInfo) bool { return g.From > 0 }) {
		return nil
	}
	conn, err := replication.Connect(ctx, string(e.cfg.Source.DSN))
	if err != nil {
		return err
	}
	_, err = conn.CheckPosition(ctx, e.source, e.cfg.Source.Slot, replication.Position{
		SystemID: e.manifest.SystemID, Timeline: e.manifest.Timeline, LSN: e.position,
	})
	return errors.Join(err, conn.Close(ctx))
}

// start checks the positions and opens the stream.
func (e *engine) start(ctx context.Context) error {
	if e.progress > e.position || e.clocked() && e.progressClock > e.clock {
		// The way there is taken again without writing; the log will not have it.
		if err := e.anchor(ctx); err != nil {
			return err
		}
	}
	// What the sink lost is in the output log.
	heads, err := logHeads(e.store, e.shown())
	if err != nil {
		return err
	}
	for _, h := range heads {
		if h.at.lsn > e.position {
			continue // cannot be: the log is written with the position
		}
		if err := e.replay(ctx, h); err != nil {
			return err
		}
	}
	conn, err := replication.Connect(ctx, string(e.cfg.Source.DSN))
	if err != nil {
		return err
	}
	from := e.position
	checkpoint := replication.Position{SystemID: e.manifest.SystemID, Timeline: e.manifest.Timeline, LSN: from}
	system, err := conn.CheckPosition(ctx, e.source, e.cfg.Source.Slot, checkpoint)
	if err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	slot, err := replication.SlotInfo(ctx, e.source, e.cfg.Source.Slot)
	if err == nil && slot != nil {
		err = conn.KeepForFailover(ctx, slot)
	}
	if err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	if system.Timeline != e.manifest.Timeline {
		e.manifest.Timeline = system.Timeline
		if err := e.writeManifest(); err != nil {
			return errors.Join(err, conn.Close(ctx))
		}
	}
	if e.joining != nil && len(e.gens) == 0 {
		if err := e.join(ctx); err != nil {
			return errors.Join(err, conn.Close(ctx))
		}
	}
	e.stream, err = conn.Start(ctx, replication.StreamOptions{
		Slot: e.cfg.Source.Slot, Publication: e.cfg.Source.Publication, Start: from, Text: e.opts.text, ChunkBytes: e.opts.chunkBytes,
		QueueBytes: shareOut(e.cfg.State.Memory).queue,
	})
	if err != nil {
		return err
	}
	e.log.Info().Stringer("lsn", from).Int("views", len(e.specs)).Msg("following the source")
	return nil
}
