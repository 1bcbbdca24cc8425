package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// load computes views from a snapshot as a new generation, ready to join the
// others at the snapshot's position.
func (e *engine) load(ctx context.Context, wanted []*plan.Output) error {
	e.live.update(func(p *Progress) { p.State = "loading" })
	conn, err := replication.Connect(ctx, string(e.cfg.Source.DSN))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	system, err := conn.IdentifySystem(ctx)
	if err != nil {
		return err
	}
	if len(e.all()) == 0 {
		e.manifest.SystemID, e.manifest.Timeline = system.SystemID, system.Timeline
	}
	if e.joining != nil {
		// One was loaded, but its turn has not come. It is loaded again with the
		// rest, at one position.
		joining := e.joining
		e.joining = nil
		erase(joining.id, e.batch)
		e.manifest.Generations = slices.DeleteFunc(e.manifest.Generations, func(g generationInfo) bool { return g.ID == joining.id })
		for _, v := range joining.views {
			if i := slices.IndexFunc(e.analysis.Outputs, func(o *plan.Output) bool { return v.spec != nil && o.Name == v.name }); i >= 0 {
				wanted = append(wanted, e.analysis.Outputs[i])
			}
		}
	}

	info := generationInfo{ID: e.manifest.NextID, Context: configured.Views(e.cfg)}
	for _, o := range wanted {
		info.Views = append(info.Views, viewInfo{Name: o.Name, Fingerprint: configured.Fingerprint(o, e.analysis.Settings)})
	}
	e.manifest.NextID++
	e.manifest.Generations = append(e.manifest.Generations, info)
	if err := e.writeManifest(); err != nil {
		return err
	}
	g, err := e.newLoad(info.ID, wanted)
	if err != nil {
		return err
	}
	if err := e.sayLoading(ctx, wanted); err != nil {
		return err
	}

	snapshot, err := e.createSlot(ctx, conn)
	if err != nil {
		return err
	}
	e.at(pointSlot)
	started := time.Now()
	e.log.Info().Stringer("lsn", snapshot.ConsistentPoint).Int("views", len(wanted)).Int("tables", len(g.tables)).Msg("loading a snapshot")
	var session *replication.Snapshot
	defer func() {
		if session != nil {
			_ = session.Close(context.WithoutCancel(ctx))
		}
	}()
	open := func() (err error) {
		session, err = replication.OpenSnapshot(ctx, string(e.cfg.Source.DSN), snapshot.SnapshotName)
		return err
	}
	if err := open(); err != nil {
		return err
	}
	e.store.StartLoad()
	// Who ends the program does not wait for room on the disk.
	defer context.AfterFunc(ctx, e.store.AbandonLoad)()
	rows, err := e.loadTables(ctx, g, session, false)
	if errors.Is(err, errTooManyPartners) {
		// All of it is thrown away, and is loaded again from the same snapshot. A connection that was copying a table is
		// of no more use.
		e.log.Info().Msg("a row is joined with very many others; loading small tables first")
		_ = session.Close(context.WithoutCancel(ctx))
		if err := open(); err != nil {
			return err
		}
		e.batch.Reset()
		erase(info.ID, e.batch)
		if err := e.writeManifest(); err != nil {
			return err
		}
		if g, err = e.newLoad(info.ID, wanted); err != nil {
			return err
		}
		rows, err = e.loadTables(ctx, g, session, true)
	}
	if err != nil {
		return err
	}
	stored := e.manifest.generation(info.ID)
	if stored.Storage, err = session.Storage(ctx, g.tables); err != nil {
		return err
	}
	stored.From, stored.Clock = snapshot.ConsistentPoint, g.clock
	g.from = snapshot.ConsistentPoint
	if len(e.gens) == 0 {
		e.position = g.from
		state.SetUint64(e.batch, metaPosition, uint64(g.from))
	}
	if err := e.writeManifest(); err != nil {
		return err
	}
	if err := e.store.Flush(ctx); err != nil {
		return err
	}
	if !e.store.EndLoad(ctx, time.Since(started)/mergeShare) {
		e.log.Debug().Msg("merging the state goes on")
	}
	e.at(pointLoaded)
	e.joining = g
	e.log.Info().Int64("rows", rows).Dur("took", time.Since(started)).Msg("snapshot loaded")
	return nil
}

// newLoad is a generation of which nothing is loaded.
func (e *engine) newLoad(id uint32, wanted []*plan.Output) (*generation, error) {
	g, err := newGeneration(id, wanted, e.eval, e.store)
	if err != nil {
		return nil, err
	}
	for _, v := range g.views {
		v.spec = e.specs[v.name]
	}
	return g, nil
}

// loadTables loads a generation's tables, in the order that is best or, if that was errTooManyPartners,
// in one in which few rows have many partners. It returns how many rows they have.
func (e *engine) loadTables(ctx context.Context, g *generation, session *replication.Snapshot, smallFirst bool) (rows int64, err error) {
	// The first step also emits constants and the aggregates over nothing.
	inputs := map[string]*circuit.Batch{}
	if g.program.Clock {
		g.clock = max(e.now(), e.clock, e.progressClock)
		inputs[plan.ClockSource] = clockRow(0, g.clock)
	}
	if _, err := e.loadStep(ctx, g, inputs, false); err != nil {
		return 0, err
	}
	// From here on each step is committed, or the circuit is thrown away.
	g.circuit.StartLoad(e.opts.stepBytes / 2)
	defer g.circuit.EndLoad()
	order, err := loadOrder(ctx, g, session, smallFirst)
	if err != nil {
		return 0, err
	}
	for _, t := range order {
		n, err := e.loadTable(ctx, g, t, session, smallFirst)
		if err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}

// sayLoading has those of the views that are live say that they are not: their
// outputs are of an earlier definition, or stand still. The others' state has its cause.
func (e *engine) sayLoading(ctx context.Context, wanted []*plan.Output) error {
	list, err := e.sink.Views(ctx)
	if err != nil {
		return err
	}
	var st []sink.Status
	for _, v := range list {
		if v.State == sink.Live && slices.ContainsFunc(wanted, func(o *plan.Output) bool { return o.Name == v.Name }) {
			st = append(st, sink.Status{View: v.Name, State: sink.Loading})
		}
	}
	return e.sink.SetStatus(ctx, st...)
}

// mergeShare is the part of a load's time, as 1 in so many, that merging the state's
// files may take afterwards, before the views are live.
const mergeShare = 10

// createSlot exports a snapshot: of the permanent slot if that has still to be
// made, else of a temporary one, since only a new slot has a snapshot.
func (e *engine) createSlot(ctx context.Context, conn *replication.Conn) (replication.SlotSnapshot, error) {
	slot, err := replication.SlotInfo(ctx, e.source, e.cfg.Source.Slot)
	if err != nil {
		return replication.SlotSnapshot{}, err
	}
	if slot == nil {
		if len(e.gens) > 0 {
			return replication.SlotSnapshot{}, &replication.StopError{
				Code: replication.SlotMissing, Message: "slot " + e.cfg.Source.Slot + " does not exist any more",
				Remedy: "start with --resnapshot to load all tables anew; the outputs are then corrected by the difference",
			}
		}
		return conn.CreateSlot(ctx, e.cfg.Source.Slot, replication.SlotOptions{Failover: true})
	}
	return conn.CreateSlot(ctx, fmt.Sprintf("%.40s_load_%d", e.cfg.Source.Slot, e.source.PgConn().PID()), replication.SlotOptions{Temporary: true})
}

// loadOrder is the generation's tables as they are best loaded.
func loadOrder(ctx context.Context, g *generation, session *replication.Snapshot, smallFirst bool) ([]int, error) {
	sizes := make([]int64, len(g.tables))
	for i := range g.tables {
		var err error
		if sizes[i], err = session.Size(ctx, &g.tables[i]); err != nil {
			return nil, err
		}
	}
	if smallFirst {
		return g.program.SmallFirst(sizes), nil
	}
	return g.program.LoadOrder(sizes), nil
}

func (e *engine) loadTable(ctx context.Context, g *generation, table int, session *replication.Snapshot, smallFirst bool) (int64, error) {
	t := &g.tables[table]
	name := t.Schema + "." + t.Name
	report := func(p LoadProgress) {
		if e.opts.Progress != nil {
			e.opts.Progress(p)
		}
	}
	estimate, err := session.Estimate(ctx, t)
	if err != nil {
		return 0, err
	}
	var done int64
	report(LoadProgress{Table: name, Estimate: estimate})
	source := g.program.Sources[table].Name
	// What a row of another table costs says nothing of this one's.
	stride := newStride(firstRows, replication.LoadRows, e.opts.stepBytes)
	rows, err := session.Load(ctx, t, func() int { return stride.now }, func(b *circuit.Batch) error {
		for lo := 0; lo < b.Len(); {
			part := b.Slice(lo, min(lo+stride.now, b.Len()))
			g.base.load(table, part, e.batch)
			held, err := e.loadStep(ctx, g, map[string]*circuit.Batch{source: part}, part.Len() > 1 || !smallFirst)
			if errors.Is(err, errTooMuch) {
				if part.Len() == 1 {
					return errTooManyPartners
				}
				e.gaveUp(&stride, part.Len(), g)
				e.batch.Reset()
				continue
			}
			if err != nil {
				return err
			}
			e.at(pointLoad)
			e.tookStep(&stride, part.Len(), held, g)
			lo += part.Len()
		}
		done += int64(b.Len())
		report(LoadProgress{Table: name, Rows: done, Estimate: estimate})
		return nil
	})
	if err != nil {
		return rows, err
	}
	g.circuit.Release() // the next table goes through other operators
	report(LoadProgress{Table: name, Rows: rows, Estimate: estimate, Done: true})
	return rows, nil
}

// loadStep runs one step of loading; the outputs gather in the state. It returns how much
// memory the step took; if it may be taken in smaller ones, it is errTooMuch with too much.
func (e *engine) loadStep(ctx context.Context, g *generation, inputs map[string]*circuit.Batch, divisible bool) (held int, err error) {
	outs, err := g.circuit.StepInParts(ctx, inputs, e.batch, circuit.Parts{Passed: e.bound(divisible, g), Workers: workers(inputs)})
	if err != nil {
		return 0, err
	}
	held = e.stepHeld(g)
	return held, e.loaded(g, outs)
}

// loaded commits a step of a generation that has not joined the others.
func (e *engine) loaded(g *generation, outs []circuit.Output) error {
	for _, f := range g.effects(outs) {
		if f.rows != nil {
			addRows(e.batch, viewKey(keyLoad, g.id, f.view.index), f.rows, 1)
		}
		if f.errors != nil {
			addRows(e.batch, viewKey(keyLoad, g.id, f.view.index|errorView), f.errors, 1)
			e.batch.AddWeight(viewKey(keyErrors, g.id, f.view.index), sumWeights(f.errors))
			f.view.errors = f.after()
		}
	}
	if _, err := e.batch.Commit(); err != nil {
		return fmt.Errorf("commit state: %w", err)
	}
	return nil
}

// join makes the loaded generation one of those that apply the stream. All are
// at its position now: its output tables appear in the output commit that says
// so. An output table that exists already, of a state that was lost, is
// corrected by the difference.
func (e *engine) join(ctx context.Context) error {
	if err := e.drain(); err != nil {
		return err
	}
	g := e.joining
	if e.progress <= g.from {
		if err := e.align(ctx); err != nil {
			return err
		}
	}
	if err := e.joinClock(ctx, g); err != nil {
		return err
	}
	if err := e.drain(); err != nil { // the tick that brought the others to the joint time
		return err
	}
	info := e.manifest.generation(g.id)
	if e.progress > g.from {
		// The outputs went past this point before a crash took the note of it from
		// the state: the tables are in place.
		for _, v := range g.views {
			if v.spec == nil {
				continue
			}
			var err error
			if v.table, err = e.sink.Adopt(ctx, v.spec); err != nil {
				return fmt.Errorf("%w: %w", errStateLost, err)
			}
		}
		for _, v := range g.views {
			if v.table != nil && v.errors > 0 {
				return fmt.Errorf("%w: the outputs have passed the snapshot of view %s, which fails in it", errStateLost, v.name)
			}
		}
	} else if err := e.publish(ctx, g); err != nil {
		return err
	}
	for i := range info.Views {
		info.Views[i].Published = true
		delete(e.anew, info.Views[i].Name)
	}
	for _, v := range g.views {
		if v.errors > 0 {
			if err := moveRows(e.store, e.batch, v.loaded(g), viewKey(keyQuarantine, g.id, v.index)); err != nil {
				return err
			}
		}
	}
	prefix := generationKey(keyLoad, g.id)
	e.batch.DeleteRange(prefix, state.PrefixEnd(prefix))
	state.SetUint64(e.batch, metaPosition, uint64(max(e.position, g.from)))
	state.SetUint64(e.batch, metaClock, uint64(e.clock))
	e.position = max(e.position, g.from)
	if err := e.writeManifest(); err != nil {
		return err
	}
	// From here on the stream may be acknowledged past the snapshot.
	if err := e.anchor(ctx); err != nil {
		return err
	}
	if err := e.store.Flush(ctx); err != nil {
		return err
	}
	e.at(pointJoined)
	e.durable = e.position
	if len(e.gens) > 0 {
		// The server describes each table once a session; the others have heard it.
		g.decoder = decode.NewDecoder(g.tables, e.gens[0].decoder.Relations())
	}
	e.gens = append(e.gens, g)
	e.joining = nil
	e.live.update(func(p *Progress) { p.State = "live" })
	e.announce()
	e.log.Info().Stringer("lsn", g.from).Msg("views are live")
	return e.rebuilt(ctx)
}

// anchor makes the outputs durable as they are, and notes in the state that what
// led here cannot be replayed: outputs that are found at an earlier position are
// computed anew. The note becomes durable no later than what follows it.
func (e *engine) anchor(ctx context.Context) error {
	if _, err := e.sink.Flush(ctx); err != nil {
		return err
	}
	if err := trimLog(e.store, e.batch, e.shown(), e.partial); err != nil {
		return err
	}
	if _, err := e.batch.Commit(); err != nil {
		return fmt.Errorf("trim output log: %w", err)
	}
	e.trimmed = e.shown()
	return nil
}

// publish writes the outputs of a loaded generation in one output commit.
func (e *engine) publish(ctx context.Context, g *generation) error {
	// Tables are made and filled where nobody sees them; what exists is compared.
	for _, v := range g.views {
		if v.spec == nil {
			continue
		}
		var table *sink.Table
		err := error(sink.ErrAbsent)
		if !e.anew[v.name] {
			table, err = e.sink.Adopt(ctx, v.spec)
		}
		var drift *sink.DriftError
		switch {
		case err == nil:
			v.corrected = true
		case errors.Is(err, sink.ErrAbsent), errors.Is(err, sink.ErrReshaped), errors.As(err, &drift):
			if table, err = e.sink.Create(ctx, v.spec); err != nil {
				return err
			}
		default:
			return err
		}
		v.table = table
		if v.corrected {
			err = e.subtract(ctx, g, v)
		} else {
			err = e.fill(ctx, g, v)
		}
		if err != nil {
			return err
		}
		e.at(pointFilled)
	}
	tx, err := e.sink.Begin(ctx, e.shown().ofSink())
	if err != nil {
		return err
	}
	if err := e.publishIn(ctx, tx, g); err != nil {
		return e.abandon(ctx, tx, err)
	}
	e.at(pointPublish)
	at := position{max(g.from, e.progress), e.clock}
	if err := tx.Commit(ctx, at.ofSink(), time.Time{}); err != nil {
		return err
	}
	e.at(pointPublished)
	e.progressed(at, time.Time{})
	return nil
}

// fill fills and indexes a table that nobody sees yet.
func (e *engine) fill(ctx context.Context, g *generation, v *view) error {
	if v.errors == 0 {
		tx, err := e.sink.Begin(ctx, e.shown().ofSink())
		if err != nil {
			return err
		}
		if err := e.applyRows(ctx, tx, v, v.loaded(g)); err != nil {
			return e.abandon(ctx, tx, err)
		}
		if err := tx.Commit(ctx, e.shown().ofSink(), time.Time{}); err != nil {
			return err
		}
	}
	return e.sink.Index(ctx, v.table)
}

func (e *engine) publishIn(ctx context.Context, tx *sink.Tx, g *generation) error {
	for _, v := range g.views {
		if v.spec == nil {
			continue
		}
		var err error
		if v.corrected {
			err = e.sink.Register(ctx, v.spec, sink.Live, v.held)
			if err == nil && v.errors == 0 {
				err = e.applyRows(ctx, tx, v, v.loaded(g))
			}
		} else {
			err = tx.Publish(ctx, v.table)
		}
		if err != nil {
			return err
		}
		if err := e.sink.ClearErrors(ctx, v.name); err != nil {
			return err
		}
		err = readRows(e.store, viewKey(keyLoad, g.id, v.index|errorView), errorColumns, func(b *circuit.Batch) error {
			tx.AddErrors(errorDeltas(v.name, b)...)
			return nil
		})
		if err != nil {
			return err
		}
		tx.SetStatus(v.status())
	}
	return nil
}

// loaded is where the rows are that bring the output table of a loaded view up
// to the snapshot: all of them, or what an existing table differs by.
func (v *view) loaded(g *generation) []byte {
	if v.corrected {
		return diffKey(g, v)
	}
	return viewKey(keyLoad, g.id, v.index)
}

// diffKey is where the difference between loaded and existing output gathers.
func diffKey(g *generation, v *view) []byte {
	return viewKey(keyLoad, g.id, v.index|diffView)
}

// diffView marks the difference of a view's output.
const diffView = 0x4000

// subtract computes, in the state, what was loaded less what the output table
// holds.
func (e *engine) subtract(ctx context.Context, g *generation, v *view) error {
	loaded, diff := viewKey(keyLoad, g.id, v.index), diffKey(g, v)
	v.held = 0
	e.batch.DeleteRange(diff, state.PrefixEnd(diff))
	if _, err := e.batch.Commit(); err != nil {
		return fmt.Errorf("compare output of %s: %w", v.name, err)
	}
	commit := func() error {
		if e.batch.Size() < diffBatch {
			return nil
		}
		_, err := e.batch.Commit()
		return err
	}
	key := slices.Clone(diff)
	err := scan(e.store, loaded, func(k, value []byte) error {
		w, err := state.Weight(value)
		if err != nil {
			return err
		}
		key = append(key[:len(diff)], k[len(loaded):]...)
		e.batch.AddWeight(key, w)
		return commit()
	})
	if err == nil {
		err = e.sink.ReadRows(ctx, v.table, func(b *circuit.Batch) error {
			for i := range b.Len() {
				v.held += b.W[i]
				key = values.AppendRow(key[:len(diff)], b.Row(i))
				e.batch.AddWeight(key, -b.W[i])
			}
			return commit()
		})
	}
	if err == nil {
		_, err = e.batch.Commit()
	}
	if err != nil {
		return fmt.Errorf("compare output of %s: %w", v.name, err)
	}
	return nil
}

const diffBatch = 4 << 20
