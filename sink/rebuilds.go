package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Rebuild is a view that is to be computed anew, and when that was asked for.
type Rebuild struct {
	View string
	At   time.Time
}

// Rebuilds lists the views that are to be computed anew.
func (s *Sink) Rebuilds(ctx context.Context) ([]Rebuild, error) {
	rows, err := s.conn.Query(ctx, `SELECT view, requested_at FROM stepping_cdc.rebuilds ORDER BY view`)
	if err == nil {
		var list []Rebuild
		if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Rebuild]); err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("list views to rebuild: %w", s.lost(err))
}

// Rebuilt takes what was done off the list. What was asked for again meanwhile stays.
func (s *Sink) Rebuilt(ctx context.Context, done []Rebuild) error {
	for _, r := range done {
		if _, err := s.conn.Exec(ctx, `DELETE FROM stepping_cdc.rebuilds WHERE view = $1 AND requested_at = $2`, r.View, r.At); err != nil {
			return fmt.Errorf("note that view %q is rebuilt: %w", r.View, s.lost(err))
		}
	}
	return nil
}

// AskRebuild asks the instance that runs, or the next one, to compute views anew,
// over a connection of the caller's. It answers which of them have been asked for: a
// view that never had an output is not among them.
func AskRebuild(ctx context.Context, conn *pgx.Conn, views []string) (asked []string, err error) {
	rows, err := conn.Query(ctx, `INSERT INTO stepping_cdc.rebuilds (view)
		SELECT name FROM stepping_cdc.views WHERE name = ANY ($1::text[]) ORDER BY name
		ON CONFLICT (view) DO UPDATE SET requested_at = excluded.requested_at RETURNING view`, views)
	if err == nil {
		asked, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err == nil {
		err = Ring(ctx, conn)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for a rebuild: %w", err)
	}
	return asked, nil
}

// Ring wakes the instance that runs, if it listens just now.
func Ring(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SELECT stepping_cdc.ring_bell()`); err != nil {
		return fmt.Errorf("ring the bell: %w", err)
	}
	return nil
}

// Running says whether an instance holds the outputs.
func Running(ctx context.Context, conn *pgx.Conn) (bool, error) {
	_, err := runningInstance(ctx, conn)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
