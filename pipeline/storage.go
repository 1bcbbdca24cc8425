package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

// suspicion is a storage of the source in which something is not explained, and
// the position that the stream has to reach before it is judged: by then it has
// told everything that it will ever tell about it.
type suspicion struct {
	storage replication.Storage
	at      decode.LSN
}

// reloadError ends a session in order to load views anew.
type reloadError struct {
	views []string
	cause string
}

func (e *reloadError) Error() string {
	return fmt.Sprintf("%s: %s has to be loaded anew", e.cause, strings.Join(e.views, ", "))
}

// checkStorage looks for what was done to source tables as a whole without a word
// in the stream.
func (e *engine) checkStorage(ctx context.Context) error {
	if e.suspect != nil {
		return nil // that one comes first
	}
	var tables []decode.Table
	for _, g := range e.all() {
		tables = append(tables, g.tables...)
	}
	if len(tables) == 0 {
		return nil
	}
	now, err := replication.ReadStorage(ctx, e.source, tables)
	if err != nil {
		return err
	}
	for _, g := range e.all() {
		if err := now.MarkEmpty(ctx, e.source, e.manifest.generation(g.id).Storage); err != nil {
			return err
		}
	}
	// All that could be seen was committed before the WAL's end, as it is now.
	var end int64
	if err := e.source.QueryRow(ctx, `SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_catalog.pg_lsn`).Scan(&end); err != nil {
		return fmt.Errorf("read the source's position: %w", err)
	}
	if len(e.moved(now)) == 0 {
		return e.trustStorage(now, decode.LSN(end))
	}
	e.suspect = &suspicion{now, decode.LSN(end)}
	return e.nudge(ctx)
}

// judge decides on a suspicion when the stream has come far enough.
func (e *engine) judge(ctx context.Context) error {
	if e.suspect == nil || e.partial.Commit != 0 || max(e.position, e.idle) < e.suspect.at {
		return nil
	}
	if err := e.readTruncations(ctx); err != nil {
		return err
	}
	s := e.suspect
	e.suspect = nil
	moved := e.moved(s.storage)
	if len(moved) == 0 {
		return e.trustStorage(s.storage, s.at)
	}
	re := &reloadError{}
	var causes []string
	for _, m := range moved {
		if !slices.Contains(re.views, m.view) {
			re.views = append(re.views, m.view)
		}
		if !slices.Contains(causes, m.cause) {
			causes = append(causes, m.cause)
		}
	}
	re.cause = strings.Join(causes, "; ")
	return re
}

// movedView is a view whose table was changed unseen.
type movedView struct{ view, cause string }

// moved lists the views that are maintained and concerned by what the stream,
// as far as it came, does not explain.
func (e *engine) moved(now replication.Storage) (list []movedView) {
	for _, g := range e.all() {
		info := e.manifest.generation(g.id)
		for _, m := range info.Storage.Moves(now, e.manifest.truncated) {
			table := slices.IndexFunc(g.tables, func(t decode.Table) bool { return t.OID == m.Table })
			for _, v := range g.views {
				if info.Views[v.index].Forgotten || v.spec == nil || !v.usesColumn(table, m.Column) {
					continue
				}
				list = append(list, movedView{v.name, fmt.Sprintf("table %s.%s: %s, of which the stream tells nothing",
					g.tables[table].Schema, g.tables[table].Name, m.What)})
			}
		}
	}
	return list
}

// trustStorage makes a storage the one to compare with.
func (e *engine) trustStorage(now replication.Storage, at decode.LSN) error {
	changed := false
	for _, g := range e.all() {
		info := e.manifest.generation(g.id)
		own := replication.Storage{}
		for _, t := range g.tables {
			if s, ok := now[t.OID]; ok {
				own[t.OID] = s
			}
		}
		if !info.Storage.Equal(own) {
			info.Storage = own
			changed = true
		}
	}
	// A transaction is seen by others a moment after its commit is in the WAL: so
	// truncations are remembered for another round.
	list := slices.DeleteFunc(slices.Clone(e.manifest.Truncations), func(t truncation) bool { return t.Commit < e.storageAt })
	changed = changed || len(list) != len(e.manifest.Truncations)
	e.manifest.Truncations = list
	e.storageAt = at
	if !changed {
		return nil
	}
	return e.writeManifest()
}

// checkShare is the part of the time, as 1 in so many, that looking for drift may
// take: on a slow line it is a second or more, in which nothing else is done.
const checkShare = 20

// drift compares the source with what it should be, unless that was done lately;
// when the stream has described a table, soon.
func (e *engine) drift(ctx context.Context, every time.Duration) error {
	began := time.Now()
	since := time.Since(e.lastCheck)
	if since < max(tickEvery, checkShare*e.checkTook) || since < every && !e.described {
		return nil
	}
	defer func() {
		e.lastCheck, e.checkTook = time.Now(), time.Since(began)
	}()
	e.described = false
	if err := e.checkDrift(ctx); err != nil {
		return err
	}
	if err := e.checkOutputs(ctx); err != nil {
		return err
	}
	if e.suspect == nil {
		e.at(pointChecked)
	}
	return nil
}

// checkOutputs looks at the output tables, and for those that are to be built anew.
func (e *engine) checkOutputs(ctx context.Context) error {
	if err := e.drain(); err != nil {
		return err
	}
	var tables []*sink.Table
	for _, g := range e.gens {
		for _, v := range g.views {
			if v.table != nil {
				tables = append(tables, v.table)
			}
		}
	}
	if err := e.sink.Inspect(ctx, tables); err != nil {
		return err
	}
	return e.checkRebuilds(ctx)
}
