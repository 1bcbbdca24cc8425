package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
)

// present is where the source's WAL ends.
func (v *verifier) present(ctx context.Context) (decode.LSN, error) {
	var lsn uint64
	err := v.position.QueryRow(ctx, `SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::int8`).Scan(&lsn)
	if err != nil {
		return 0, fmt.Errorf("read the source's position: %w", err)
	}
	return decode.LSN(lsn), nil
}

// await waits until the outputs hold everything up to a position.
func (v *verifier) await(ctx context.Context, lsn decode.LSN, deadline time.Time) error {
	timeout := max(time.Until(deadline), 100*time.Millisecond)
	_, err := v.aside.Exec(ctx, `SELECT stepping_cdc.wait_for($1::text::pg_lsn, $2::float8 * interval '1 ms')`, lsn.String(), float64(timeout.Milliseconds()))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "SC003" {
		return fmt.Errorf("the outputs do not catch up (is \"stepping-cdc run\" running?): %w", err)
	}
	if err != nil {
		return fmt.Errorf("wait for the outputs: %w", configured.NotYet(err))
	}
	return nil
}

// snapshot is where source and outputs are in the transactions that read.
type snapshot struct {
	lsn   decode.LSN // of the outputs
	last  int64      // when the last transaction applied had been committed; 0: not known
	end   decode.LSN // of the source, a moment later
	still bool       // nothing was on its way
}

// snapshot begins the transactions that read.
func (v *verifier) snapshot(ctx context.Context, deadline time.Time) (snap snapshot, err error) {
	snap.still = v.opts.Lock || v.opts.AtRest
	if v.opts.Lock {
		unlock, err := v.lock(ctx)
		if err != nil {
			return snap, err
		}
		defer unlock()
		now, err := v.present(ctx)
		if err == nil {
			err = v.await(ctx, now, deadline)
		}
		if err != nil {
			return snap, err
		}
	}
	const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	if _, err := v.output.Exec(ctx, begin); err != nil {
		return snap, fmt.Errorf("take a snapshot: %w", err)
	}
	// The first statement takes it.
	if snap.lsn, snap.last, err = progressOf(ctx, v.output); err != nil {
		return snap, err
	}
	if v.clocked() {
		if v.clock, err = clockOf(ctx, v.output); err != nil {
			return snap, err
		}
	}
	if v.source != v.output {
		if _, err := v.source.Exec(ctx, begin); err != nil {
			return snap, fmt.Errorf("take a snapshot: %w", err)
		}
		if _, err := v.source.Exec(ctx, `SELECT 1`); err != nil {
			return snap, fmt.Errorf("take a snapshot: %w", err)
		}
	}
	snap.end, err = v.present(ctx)
	return snap, err
}

// progressOf reads progress: the position, and when the last transaction that
// was applied had been committed, in microseconds; 0 where that is not told.
func progressOf(ctx context.Context, conn *pgx.Conn) (lsn decode.LSN, committed int64, err error) {
	var n uint64
	var at *int64
	err = conn.QueryRow(ctx, `SELECT (lsn - '0/0')::int8, (extract(epoch FROM committed_at) * 1000000)::int8 FROM stepping_cdc.progress`).Scan(&n, &at)
	if err != nil {
		return 0, 0, fmt.Errorf("read progress: %w", err)
	}
	if at != nil {
		committed = *at
	}
	return decode.LSN(n), committed, nil
}

// clockOf reads the time for which the outputs are.
func clockOf(ctx context.Context, conn *pgx.Conn) (string, error) {
	var clock *string
	err := conn.QueryRow(ctx, `SELECT (clock AT TIME ZONE 'UTC')::text || '+00' FROM stepping_cdc.progress`).Scan(&clock)
	if err != nil {
		return "", fmt.Errorf("read the outputs' clock: %w", err)
	}
	if clock == nil {
		return "", errors.New("the outputs have no time yet for which to compare views that depend on it")
	}
	return *clock, nil
}

// lock holds up the writers of the views' tables.
func (v *verifier) lock(ctx context.Context) (unlock func(), err error) {
	var names []string
	for _, t := range configured.TableRefs(v.views) {
		names = append(names, pgx.Identifier{t.Schema, t.Name}.Sanitize())
	}
	conn, err := v.connect(ctx, string(v.cfg.Source.DSN))
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = conn.Close(context.WithoutCancel(ctx)) }
	sql := fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = '%d ms'; LOCK TABLE %s IN SHARE MODE", lockWait.Milliseconds(), strings.Join(names, ", "))
	if len(names) == 0 {
		return unlock, nil
	}
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		unlock()
		return nil, fmt.Errorf("lock the views' tables: %w", err)
	}
	return unlock, nil
}

// lockWait bounds how long writers queue up behind a lock that is not granted.
const lockWait = 3 * time.Second

func (v *verifier) release(ctx context.Context) error {
	if _, err := v.output.Exec(ctx, "ROLLBACK"); err != nil {
		return fmt.Errorf("end the snapshot: %w", err)
	}
	if v.source == v.output {
		return nil
	}
	if _, err := v.source.Exec(ctx, "ROLLBACK"); err != nil {
		return fmt.Errorf("end the snapshot: %w", err)
	}
	return nil
}
