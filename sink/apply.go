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

// Apply runs the commit: all of it or, on error, nothing. The one exception is
// ErrUnknown, after which Reconnect tells.
//
// A delta leads from one state of the view to another; a view may occur once.
// Small commits take one round trip; large ones pass in chunks of bounded memory.
func (s *Sink) Apply(ctx context.Context, c Commit) error {
	deltas := make([]*delta, len(c.Views))
	rows, bytes := 0, 0
	for i, v := range c.Views {
		d, err := newDelta(v.Table, v.Delta)
		if err != nil {
			return err
		}
		deltas[i] = d
		rows += len(d.w)
		bytes += len(d.arena)
	}
	if rows > maxChunkRows || bytes > maxChunkBytes {
		return s.applyLarge(ctx, c, deltas)
	}
	if err := s.checkOrder(c.Prev, c.At); err != nil {
		return err
	}
	s.trimStatements(ctx)
	b := &batch{s: s}
	if err := b.moveProgress(ctx, c.Prev, c.At, c.CommittedAt); err != nil {
		return err
	}
	var counts rowCounts
	for i, v := range c.Views {
		err := deltas[i].ops(v.Table, func(o op) error { return b.op(ctx, o) })
		if err != nil {
			return fmt.Errorf("write output of view %q: %w", v.Table.spec.Name, err)
		}
		counts.add(v.Table, deltas[i].net)
	}
	if err := b.bookkeeping(ctx, counts, c.Statuses, c.Errors); err != nil {
		return err
	}
	// The messages up to the one Sync are one implicit transaction: section 55.2.3 of
	// the manual, "Extended Query", and 55.2.4, "Pipelining".
	if err := b.run(ctx); err != nil {
		return s.outcome("apply commit "+c.At.LSN.String(), err)
	}
	s.committed(c.At)
	return nil
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
		UPDATE stepping_cdc.progress SET lsn = '0/0'::pg_lsn + $1::int8::numeric, committed_at = coalesce($2, committed_at), applied_at = pg_catalog.clock_timestamp(),
			clock = 'epoch'::timestamptz + $5::int8 * interval '1 us'
		WHERE lsn = '0/0'::pg_lsn + $3::int8::numeric AND epoch = $4 AND clock IS NOT DISTINCT FROM 'epoch'::timestamptz + $6::int8 * interval '1 us' RETURNING 1)
	SELECT stepping_cdc.check_progress((SELECT count(*) FROM u), '0/0'::pg_lsn + $3::int8::numeric, $4)`
	lockProgressSQL = `WITH u AS (
		SELECT 1 FROM stepping_cdc.progress WHERE lsn = '0/0'::pg_lsn + $1::int8::numeric AND epoch = $2 FOR UPDATE)
	SELECT stepping_cdc.check_progress((SELECT count(*) FROM u), '0/0'::pg_lsn + $1::int8::numeric, $2)`
	addRowsSQL = `UPDATE stepping_cdc.views v SET rows = v.rows + d.n, updated_at = pg_catalog.clock_timestamp()
		FROM unnest($1::text[], $2::int8[]) AS d(name, n) WHERE v.name = d.name`
)

// batch collects statements for one round trip and remembers whose they are.
type batch struct {
	s     *Sink
	b     pgconn.Batch
	views []string
}

func (b *batch) add(ctx context.Context, sql string, params [][]byte, formats []int16) error {
	return b.addFor(ctx, "", stmtID{sql: sql}, params, formats)
}

func (b *batch) addFor(ctx context.Context, view string, id stmtID, params [][]byte, formats []int16) error {
	sd, err := b.s.prepare(ctx, id)
	if err != nil {
		return classify(err, view)
	}
	b.b.ExecStatement(sd, params, formats, nil)
	b.views = append(b.views, view)
	return nil
}

func (b *batch) op(ctx context.Context, o op) error {
	return b.addFor(ctx, o.table.spec.Name, stmtID{o.table.sql(o.kind, o.nulls), o.table.rowType}, o.params(), o.formats())
}

// moveProgress comes first: it takes the lock on the progress row that defeats
// any other writer before anything is written.
func (b *batch) moveProgress(ctx context.Context, from, to Position, at time.Time) error {
	var committed []byte
	if !at.IsZero() {
		committed = []byte(at.UTC().Format("2006-01-02 15:04:05.999999Z07:00"))
	}
	return b.add(ctx, moveProgressSQL,
		[][]byte{int8Param(int64(to.LSN)), committed, int8Param(int64(from.LSN)), int8Param(b.s.epoch), clockParam(to.Clock), clockParam(from.Clock)},
		[]int16{1, 0, 1, 1, 1, 1})
}

func clockParam(clock int64) []byte {
	if clock == 0 {
		return nil
	}
	return int8Param(clock)
}

// bookkeeping writes the rows of the control tables that change with a commit.
func (b *batch) bookkeeping(ctx context.Context, counts rowCounts, st []Status, errs []ErrorDelta) error {
	if len(counts.names) > 0 {
		err := b.add(ctx, addRowsSQL, [][]byte{appendTextArray(nil, counts.names),
			appendInt8Array(nil, len(counts.n), func(i int) int64 { return counts.n[i] })}, []int16{1, 1})
		if err != nil {
			return fmt.Errorf("write row counts: %w", err)
		}
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
	results := b.s.pg.ExecBatch(ctx, &b.b)
	n := 0
	var failed error
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil && failed == nil {
			failed = classify(err, b.viewOf(n))
		}
		n++
	}
	if err := results.Close(); err != nil && failed == nil {
		failed = classify(err, b.viewOf(n))
	}
	b.b, b.views = pgconn.Batch{}, nil
	return failed
}

func (b *batch) viewOf(n int) string {
	if n < len(b.views) {
		return b.views[n]
	}
	return ""
}

// rowCounts gathers by how many rows each live output grows.
type rowCounts struct {
	names []string
	n     []int64
}

func (c *rowCounts) add(t *Table, net int64) {
	if net == 0 || t.building {
		return
	}
	for i, name := range c.names {
		if name == t.spec.Name {
			c.n[i] += net
			return
		}
	}
	c.names = append(c.names, t.spec.Name)
	c.n = append(c.n, net)
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
