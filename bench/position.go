package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// position is the source's WAL position, as pg_lsn text.
func position(ctx context.Context, conn *pgx.Conn) (string, error) {
	var lsn string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&lsn); err != nil {
		return "", fmt.Errorf("read the source's position: %w", err)
	}
	return lsn, nil
}

// poll is how often progress is looked at, and so the error of what is measured by it.
const poll = 2 * time.Millisecond

// passed waits until progress is past a position that was read before the last
// transaction began. wait_for() is not used: it would hurry the follower on.
func passed(ctx context.Context, conn *pgx.Conn, lsn string, p *process) error {
	_, err := passedAt(ctx, conn, lsn, p)
	return err
}

// passedAt waits as passed does and returns when the output commit was that did it,
// by its own timestamp.
func passedAt(ctx context.Context, conn *pgx.Conn, lsn string, p *process) (at time.Time, err error) {
	for {
		var yes bool
		err := conn.QueryRow(ctx, "SELECT lsn > $1::text::pg_lsn, pg_xact_commit_timestamp(xmin) FROM stepping_cdc.progress", lsn).Scan(&yes, &at)
		if err != nil {
			return at, fmt.Errorf("read progress: %w", err)
		}
		if yes {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return at, ctx.Err()
		case <-p.exited:
			return at, fmt.Errorf("the follower ended: %w; its log is %s", p.waitErr, p.log.Name())
		case <-time.After(poll):
		}
	}
}
