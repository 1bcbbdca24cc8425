package sink

import (
	"context"
	"fmt"
)

// durability follows which commits, made without waiting for the disk, have
// reached it. Positions are of two kinds: those of the source, which commits
// carry, and those of the sink's own WAL, which say when they are on disk.
type durability struct {
	durable Position // of the source: known to be on the sink's disk
	applied Position // of the source: committed
	marks   []mark   // ascending in both
}

// mark says: once the sink's WAL is on disk up to wal, so is everything up to pos.
type mark struct {
	pos Position
	wal LSN
}

// Durable returns the largest position of the source up to which the outputs are
// on the sink's disk: what may be acknowledged. It asks the server at most once and
// waits for nothing, so call it now and then; on an idle sink Flush ends the wait.
func (s *Sink) Durable(ctx context.Context) (Position, error) {
	d := &s.dur
	if d.durable == d.applied {
		return d.durable, nil
	}
	var flushed, inserted int64
	err := s.conn.QueryRow(ctx, `SELECT (pg_current_wal_flush_lsn() - '0/0')::int8, (pg_current_wal_insert_lsn() - '0/0')::int8`).
		Scan(&flushed, &inserted)
	if err != nil {
		return d.durable, fmt.Errorf("read the sink's flushed position: %w", s.lost(err))
	}
	// The insert position read now lies behind every commit made before.
	if n := len(d.marks); n == 0 || d.marks[n-1].pos != d.applied {
		d.marks = append(d.marks, mark{d.applied, LSN(inserted)})
	}
	for len(d.marks) > 0 && d.marks[0].wal <= LSN(flushed) {
		d.durable = d.marks[0].pos
		d.marks = d.marks[1:]
	}
	return d.durable, nil
}

// Flush makes everything committed so far durable, by a small commit that waits
// for the disk, and returns the position that may be acknowledged. It settles as well.
func (s *Sink) Flush(ctx context.Context) (Position, error) {
	if err := s.Settle(ctx); err != nil {
		return s.dur.durable, err
	}
	_, err := s.pg.Exec(ctx, `BEGIN; SET LOCAL synchronous_commit = local;
		UPDATE stepping_cdc.instance SET flushed_at = clock_timestamp(); COMMIT`).ReadAll()
	if err != nil {
		if !s.pg.IsClosed() && s.pg.TxStatus() != 'I' {
			_, _ = s.pg.Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll() // the first error tells
		}
		return s.dur.durable, fmt.Errorf("flush outputs: %w", s.lost(err))
	}
	s.dur = durability{durable: s.dur.applied, applied: s.dur.applied}
	return s.dur.durable, nil
}
