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

// How long one listen lasts: its snapshot holds back the removal of dead rows, by
// VACUUM and by those who update rows that change all the time. With 500 output
// commits a second, such rows had thousands of dead versions at listens of 2 s, which
// cost as much CPU time as writing them. So listens are short while there are commits.
const (
	bellSleep = 2 * time.Second
	busySleep = 100 * time.Millisecond
)

// bellGrace is how much later than due an answer may come.
const bellGrace = 15 * time.Second

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
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = bellApplication
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect the bell: %w", err)
	}
	for range bellTries {
		if err = pinBell(ctx, conn); !cancelled(err) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pin the bell's settings: %w", err), conn.Close(ctx))
	}
	return &Bell{conn: conn}, nil
}

// bellTries bounds how often rings may interrupt the opening of the bell.
const bellTries = 100

func pinBell(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.PgConn().Exec(ctx, `SET search_path = ''; SET statement_timeout = 0; SET idle_session_timeout = 0;
		SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = on;`+noTransactionTimeout).ReadAll()
	return err
}

// cancelled says that a ring, or someone else's pg_cancel_backend, ended a statement.
func cancelled(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

// Wait returns when the bell rings, at most a few hundred microseconds later.
// Rings close to one another count as one. busy says whether there are output
// commits at present.
func (b *Bell) Wait(ctx context.Context, busy func() bool) error {
	for {
		sleep := bellSleep
		if busy() {
			sleep = busySleep
		}
		rung, err := b.listen(ctx, sleep)
		if cancelled(err) && ctx.Err() == nil {
			return nil // before the function could catch it
		}
		if err != nil {
			return fmt.Errorf("listen for waiting readers: %w", lost(b.conn, err))
		}
		if rung {
			return nil
		}
	}
}

// listen sleeps once. A server that does not answer long after is gone.
func (b *Bell) listen(ctx context.Context, sleep time.Duration) (rung bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sleep+bellGrace)
	defer cancel()
	err = b.conn.QueryRow(ctx, `SELECT stepping_cdc.listen_for_bell($1)`, sleep.Seconds()).Scan(&rung)
	return rung, err
}

// Close ends the connection.
func (b *Bell) Close(ctx context.Context) error {
	if err := b.conn.Close(ctx); err != nil {
		return fmt.Errorf("close the bell: %w", err)
	}
	return nil
}
