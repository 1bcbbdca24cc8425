package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/circuit"
)

// ViewDelta is what changes in one output table.
type ViewDelta struct {
	Table *Table
	Delta *circuit.Batch
}

// Commit is one output transaction: everything that brings the outputs from one
// position to the next.
type Commit struct {
	At          Position // reached
	Prev        Position // that the outputs are at
	CommittedAt time.Time
	Views       []ViewDelta
	Statuses    []Status
	Errors      []ErrorDelta
}

// Apply runs the commit: all of it or, on error, nothing. There are two exceptions:
// ErrUnknown, after which Reconnect tells, and a *DriftError (see Wait), after which LSN does.
//
// A delta leads from one state of the view to another; a view may occur once.
// Small commits take one round trip; large ones pass in chunks of bounded memory.
func (s *Sink) Apply(ctx context.Context, c Commit) error {
	sent, err := s.Send(ctx, c)
	if err != nil {
		return err
	}
	return sent.Wait(ctx)
}

// Sent is a commit on its way to the server. Until Wait returns the Sink must not be
// used otherwise, nor the commit's batches.
type Sent struct {
	s       *Sink
	c       Commit
	large   []*delta                  // what is written by Wait, as it does not fit into one batch; nil: nothing
	batch   *batch                    // what was sent
	grown   rowCounts                 // what the progress row then tells
	results *pgconn.MultiResultReader // its answers
}

// Send is the first half of Apply, which Wait completes: what fits into one round trip
// is at the server when it returns, and will be committed whether or not somebody waits.
func (s *Sink) Send(ctx context.Context, c Commit) (*Sent, error) {
	deltas := s.scratch(len(c.Views))
	rows, bytes := 0, 0
	for i, v := range c.Views {
		d := deltas[i]
		if err := d.fill(v.Table, v.Delta); err != nil {
			return nil, err
		}
		rows += len(d.w)
		bytes += len(d.arena)
	}
	if rows > maxChunkRows || bytes > maxChunkBytes {
		return &Sent{s: s, c: c, large: deltas}, nil
	}
	if err := s.checkOrder(c.Prev, c.At); err != nil {
		return nil, err
	}
	s.trimStatements(ctx)
	b := &batch{s: s}
	var counts rowCounts
	for i, v := range c.Views {
		counts.add(v.Table, deltas[i].net)
	}
	grown, due := s.grown.plus(counts), rowCounts{}
	if len(grown.names) > mostGrown {
		grown, due = rowCounts{}, grown
	}
	if err := b.moveProgress(ctx, c.Prev, c.At, c.CommittedAt, grown); err != nil {
		return nil, err
	}
	for i, v := range c.Views {
		err := deltas[i].ops(v.Table, func(o op) error { return b.op(ctx, o) })
		if err != nil {
			return nil, fmt.Errorf("write output of view %q: %w", v.Table.spec.Name, err)
		}
	}
	if err := b.bookkeeping(ctx, due, c.Statuses, c.Errors); err != nil {
		return nil, err
	}
	// The messages up to the one Sync are one implicit transaction: section 55.2.3 of
	// the manual, "Extended Query", and 55.2.4, "Pipelining".
	return &Sent{s: s, c: c, grown: grown, batch: b, results: b.send(ctx)}, nil
}

// Wait tells what became of the commit. A *DriftError may be of a statement that wrote more or
// fewer rows than it should have: if what was sent fitted into one batch, the commit has
// happened then, and Drifts are those of all views.
func (w *Sent) Wait(ctx context.Context) error {
	if w.large != nil {
		return w.s.applyLarge(ctx, w.c, w.large)
	}
	if err := w.batch.answers(w.results); err != nil {
		return w.s.outcome("apply commit "+w.c.At.LSN.String(), err)
	}
	w.s.committed(w.c.At)
	w.s.grown = w.grown
	return w.batch.drifted()
}

// mostKept is how large a delta may be whose memory is kept for the next commit.
const mostKept = 64 << 10

// scratch is n empty deltas, in the memory of those of the last commit.
func (s *Sink) scratch(n int) []*delta {
	for len(s.deltas) < n {
		s.deltas = append(s.deltas, nil)
	}
	for i, d := range s.deltas[:n] {
		if d == nil || cap(d.arena) > mostKept {
			s.deltas[i] = &delta{}
		} else {
			d.reset()
		}
	}
	return s.deltas[:n]
}

func (s *Sink) applyLarge(ctx context.Context, c Commit, deltas []*delta) (err error) {
	tx, err := s.Begin(ctx, c.Prev)
	if err != nil {
		return err
	}
	for i, v := range c.Views {
		if err := tx.apply(ctx, v.Table, deltas[i]); err != nil {
			return errors.Join(err, tx.Rollback(ctx))
		}
		deltas[i] = nil // as large as the output's change: free it early
	}
	tx.statuses, tx.errors = c.Statuses, c.Errors
	return tx.Commit(ctx, c.At, c.CommittedAt)
}

// checkOrder guards law 2: prefixes only grow, and time does; and each commit
// stands on the one before. A caller that takes another position for that of the
// outputs has lost a commit, which the database cannot know.
func (s *Sink) checkOrder(prev, next Position) error {
	switch {
	case prev != s.pos:
		return fmt.Errorf("%w: an output commit from %s, and they are at %s", ErrPosition, prev, s.pos)
	case next.LSN < prev.LSN:
		return fmt.Errorf("output commit goes back from %s to %s", prev, next)
	case next.Clock != 0 && next.Clock < prev.Clock:
		return fmt.Errorf("output commit goes back in time from %s to %s", prev, next)
	}
	return nil
}

// outcome names the error of a commit: unknown when no answer came.
func (s *Sink) outcome(what string, err error) error {
	if err == nil {
		return nil
	}
	if s.pg.IsClosed() {
		return fmt.Errorf("%s: %w: %w", what, ErrUnknown, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (s *Sink) committed(pos Position) {
	s.pos = pos
	s.dur.applied = pos
}

const (
	moveProgressSQL = `WITH u AS (
		UPDATE stepping_cdc.progress SET lsn = $1, committed_at = coalesce($2, committed_at), applied_at = pg_catalog.clock_timestamp(), clock = $5,
			grown = $7, grown_by = $8
		WHERE lsn = $3 AND epoch = $4 AND clock IS NOT DISTINCT FROM $6 RETURNING 1)
	SELECT stepping_cdc.check_progress(count(*), $3, $4) FROM u HAVING count(*) <> 1`

	lockProgressSQL = `WITH u AS (
		SELECT 1 FROM stepping_cdc.progress WHERE lsn = $1 AND epoch = $2 FOR UPDATE)
	SELECT stepping_cdc.check_progress(count(*), $1, $2) FROM u HAVING count(*) <> 1`
)

// batch collects statements for one round trip and remembers whose they are.
type batch struct {
	s     *Sink
	b     pgconn.Batch
	views []string
	wants []int64 // rows that each statement must write, or anyNumber
	drift []error // *DriftError, of each view of which a statement wrote another number
}

// anyNumber is the number of rows of a statement that may write as many as it will.
const anyNumber = -1

func (b *batch) add(ctx context.Context, sql string, params [][]byte, formats []int16) error {
	return b.addFor(ctx, "", stmtID{sql: sql}, nil, params, formats, anyNumber)
}

func (b *batch) addFor(ctx context.Context, view string, id stmtID, types []uint32, params [][]byte, formats []int16, want int64) error {
	sd, err := b.s.prepare(ctx, id, types)
	if err != nil {
		return classify(err, view)
	}
	b.b.ExecStatement(sd, params, formats, nil)
	b.views, b.wants = append(b.views, view), append(b.wants, want)
	return nil
}

func (b *batch) op(ctx context.Context, o op) error {
	return b.addFor(ctx, o.table.spec.Name, stmtID{o.table.sql(o.kind, o.nulls), o.table.rowType}, o.types(), o.params(), o.formats(), o.want())
}

// moveProgress comes first: it takes the lock on the progress row that defeats
// any other writer before anything else is written. It writes there as well by how much
// outputs have grown that stepping_cdc.views is yet to be told.
func (b *batch) moveProgress(ctx context.Context, from, to Position, at time.Time, grown rowCounts) error {
	var committed []byte
	if !at.IsZero() {
		committed = instantParam(at.UnixMicro())
	}
	params := append(make([][]byte, 0, 8), int8Param(int64(to.LSN)), committed, int8Param(int64(from.LSN)), int8Param(b.s.epoch), clockParam(to.Clock), clockParam(from.Clock))
	return b.add(ctx, moveProgressSQL, append(params, grown.params()...), allBinary)
}

func clockParam(clock int64) []byte {
	if clock == 0 {
		return nil
	}
	return instantParam(clock)
}

// instantParam is a timestamptz, given in microseconds since 1970.
func instantParam(micros int64) []byte { return int8Param(micros - postgresEpoch) }

// postgresEpoch is 2000-01-01 in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

// bookkeeping writes the rows of the control tables that change with a commit.
func (b *batch) bookkeeping(ctx context.Context, counts rowCounts, st []Status, errs []ErrorDelta) error {
	if err := b.rows(ctx, counts); err != nil {
		return fmt.Errorf("write row counts: %w", err)
	}
	if err := b.statuses(ctx, st); err != nil {
		return err
	}
	return b.errors(ctx, errs)
}

// run sends the batch and reads every answer.
func (b *batch) run(ctx context.Context) error {
	if len(b.views) == 0 {
		return nil
	}
	if err := b.answers(b.send(ctx)); err != nil {
		return err
	}
	return b.drifted()
}

func (b *batch) send(ctx context.Context) *pgconn.MultiResultReader {
	return b.s.pg.ExecBatch(ctx, &b.b)
}

// answers reads every answer to the batch, and empties it. Whether each statement has written
// as many rows as it must is seen here, and not by the server: so a small commit, of which the
// batch is all, is not undone if one has not. To have the statement fail instead takes the server
// a fifth of such a commit, and what it tells is the same: somebody has meddled with the output
// before, and it is to be built anew.
func (b *batch) answers(results *pgconn.MultiResultReader) error {
	n := 0
	var failed error
	for results.NextResult() {
		tag, err := results.ResultReader().Close()
		if err != nil && failed == nil {
			failed = classify(err, b.viewOf(n))
		}
		if err == nil && b.wants[n] != anyNumber && tag.RowsAffected() != b.wants[n] {
			b.miscounted(b.views[n], tag.RowsAffected(), b.wants[n])
		}
		n++
	}
	if err := results.Close(); err != nil && failed == nil {
		failed = classify(err, b.viewOf(n))
	}
	b.b, b.views, b.wants = pgconn.Batch{}, nil, nil
	return failed
}

// miscounted notes that a statement has written another number of rows than it must: for each view
// the first one.
func (b *batch) miscounted(view string, got, want int64) {
	for _, d := range Drifts(errors.Join(b.drift...)) {
		if d.View == view {
			return
		}
	}
	b.drift = append(b.drift, miscounted(view, got, want))
}

// drifted is the error of all views of which that was noted. None is left out: a commit that has
// happened does not meet them again.
func (b *batch) drifted() error { return errors.Join(b.drift...) }

func (b *batch) viewOf(n int) string {
	if n < len(b.views) {
		return b.views[n]
	}
	return ""
}

// maxStatements bounds the prepared statements of the session.
const maxStatements = 500

// trimStatements forgets all prepared statements when there are too many, as a
// view with many nullable key columns could make them.
func (s *Sink) trimStatements(ctx context.Context) {
	if len(s.prepared) < maxStatements {
		return
	}
	// A failure shows up in the statements that follow.
	if _, err := s.pg.Exec(ctx, "DEALLOCATE ALL").ReadAll(); err == nil {
		s.prepared = map[stmtID]*pgconn.StatementDescription{}
	}
}
