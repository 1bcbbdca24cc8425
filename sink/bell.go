package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// bellApplication is the application_name by which ring_bell() finds the session.
const bellApplication = "stepping-cdc bell"

// bellSleep is how long one listen lasts: short, as its snapshot holds back VACUUM.
const bellSleep = 2 * time.Second

// Bell is a connection of its own that learns at once when someone calls
// stepping_cdc.wait_for() and finds the outputs not far enough.
//
// What to do then: have the source write and flush something to its WAL, so that
// everything committed before is sent (a commit may still wait for the disk, or lie
// before WAL that nothing flushes), ask the walsender for its position, and move
// progress to it.
type Bell struct {
	conn *pgx.Conn
}

// OpenBell connects the bell to the sink's database, as the same role.
func OpenBell(ctx context.Context, dsn string) (*Bell, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse sink's connection string: %w", err)
	}
	cfg.RuntimeParams["application_name"] = bellApplication
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect the bell: %w", err)
	}
	_, err = conn.PgConn().Exec(ctx, `SET search_path = ''; SET statement_timeout = 0; SET idle_session_timeout = 0;
		SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = on`).ReadAll()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pin the bell's settings: %w", err), conn.Close(ctx))
	}
	return &Bell{conn: conn}, nil
}

// Wait returns when the bell rings, at most a few hundred microseconds later.
// Rings close to one another count as one.
func (b *Bell) Wait(ctx context.Context) error {
	for {
		var rung bool
		err := b.conn.QueryRow(ctx, `SELECT stepping_cdc.listen_for_bell($1)`, bellSleep.Seconds()).Scan(&rung)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "57014" && ctx.Err() == nil {
			return nil // cancelled before the function could catch it
		}
		if err != nil {
			return fmt.Errorf("listen for waiting readers: %w", lost(b.conn, err))
		}
		if rung {
			return nil
		}
	}
}

// Close ends the connection.
func (b *Bell) Close(ctx context.Context) error {
	if err := b.conn.Close(ctx); err != nil {
		return fmt.Errorf("close the bell: %w", err)
	}
	return nil
}
