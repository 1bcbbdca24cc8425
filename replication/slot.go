package replication

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
)

// SlotOptions say what kind of slot to create.
type SlotOptions struct {
	Temporary bool
	Failover  bool          // standbys may take the slot over; servers before 17 know no such thing
	Timeout   time.Duration // how long to wait for running writers; 0 means 60 s
}

// SlotSnapshot is a new slot and the snapshot that meets its stream. The snapshot
// lives until the connection is used again or closed.
type SlotSnapshot struct {
	Slot            string
	ConsistentPoint LSN // the stream holds every transaction that commits from here on
	SnapshotName    string
}

// askTimeout bounds finding out why a slot cannot be created: a server that does not
// answer that either is not waited for.
const askTimeout = 10 * time.Second

// CreateSlot creates a slot with an exported snapshot. The server lets every
// transaction that is writing end first; when that takes too long, the error is a
// StopError that names them, and no slot is left behind.
func (c *Conn) CreateSlot(ctx context.Context, name string, options SlotOptions) (SlotSnapshot, error) {
	if options.Timeout == 0 {
		options.Timeout = time.Minute
	}
	type result struct {
		snapshot SlotSnapshot
		err      error
	}
	done := make(chan result, 1)
	go func() {
		s, err := c.createSlot(ctx, name, options)
		done <- result{s, err}
	}()
	timer := time.NewTimer(options.Timeout)
	defer timer.Stop()
	var blockers []string
	var blockersErr error
	timedOut := false
	var r result
	select {
	case r = <-done:
	case <-timer.C:
		timedOut = true
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		blockers, blockersErr = c.blockers(asking)
		if err := c.pg.CancelRequest(asking); err != nil {
			c.pg.Conn().Close()
		}
		r = <-done // it may still have succeeded, just before
	}
	switch {
	case r.err == nil:
		return r.snapshot, nil
	case !timedOut || ctx.Err() != nil:
		return SlotSnapshot{}, fmt.Errorf("create slot %s: %w", name, r.err)
	}
	who := "transactions that are writing"
	if len(blockers) > 0 {
		who = strings.Join(blockers, "; ")
	}
	return SlotSnapshot{}, &StopError{
		Code:    SlotBlocked,
		Message: fmt.Sprintf("slot %s could not be created within %s, for it has to wait for %s", name, options.Timeout, who),
		Remedy:  "let these transactions end, then start again",
		Err:     blockersErr,
	}
}

// blockers names the transactions that keep a slot from being created, first the one
// that the server waits for now: it takes them one after another.
func (c *Conn) blockers(ctx context.Context) ([]string, error) {
	conn, err := OpenSession(ctx, c.dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `
		WITH writing AS (
			SELECT pid = ANY (pg_blocking_pids($1)) AS now, xact_start AS since,
			       format('process %s (user %s, application %s, state %s) since %s, last statement: %s',
			              pid, usename, coalesce(nullif(application_name, ''), '?'), coalesce(state, '?'),
			              date_trunc('second', xact_start), left(query, 100)) AS who
			FROM pg_stat_activity
			WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'walsender'
			UNION ALL
			SELECT false, prepared,
			       format('prepared transaction %L (owner %s, database %s) since %s; end it with ROLLBACK PREPARED %L',
			              gid, owner, database, date_trunc('second', prepared), gid)
			FROM pg_prepared_xacts)
		SELECT who FROM writing ORDER BY now DESC, since`, int32(c.pg.PID()))
	if err != nil {
		return nil, fmt.Errorf("list running transactions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Slot is a slot as the server has it now.
type Slot struct {
	Name           string
	Plugin         string
	Database       string
	Active         bool
	ActivePID      int32
	Temporary      bool
	Restart        LSN // WAL is kept from here on
	ConfirmedFlush LSN // changes before are never sent again
	WALStatus      string
	SafeWALSize    *int64 // bytes that may still be written before the slot is lost; nil for no limit
	Lost           bool
	LostReason     string
	Retained       int64 // bytes of WAL kept for it
	Failover       bool  // standbys may take it over
}

// SlotInfo reads a slot; nil when there is none.
func SlotInfo(ctx context.Context, conn *pgx.Conn, name string) (*Slot, error) {
	// Columns differ by version, so the row is read through JSON.
	row := conn.QueryRow(ctx, `
		SELECT slot_name, coalesce(plugin, ''), coalesce(database, ''), active, coalesce(active_pid, 0), temporary,
		       coalesce(restart_lsn, '0/0')::text, coalesce(confirmed_flush_lsn, '0/0')::text,
		       coalesce(wal_status, ''), safe_wal_size,
		       coalesce(to_jsonb(s)->>'invalidation_reason', ''),
		       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
		                                     ELSE pg_current_wal_lsn() END, restart_lsn), 0)::int8,
		       coalesce((to_jsonb(s)->>'failover')::bool, false)
		FROM pg_replication_slots s WHERE slot_name = $1`, name)
	var s Slot
	var restart, confirmed string
	err := row.Scan(&s.Name, &s.Plugin, &s.Database, &s.Active, &s.ActivePID, &s.Temporary,
		&restart, &confirmed, &s.WALStatus, &s.SafeWALSize, &s.LostReason, &s.Retained, &s.Failover)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read slot %s: %w", name, err)
	}
	if s.Restart, err = decode.ParseLSN(restart); err != nil {
		return nil, fmt.Errorf("read slot %s: %w", name, err)
	}
	if s.ConfirmedFlush, err = decode.ParseLSN(confirmed); err != nil {
		return nil, fmt.Errorf("read slot %s: %w", name, err)
	}
	if s.WALStatus == "lost" && s.LostReason == "" {
		s.LostReason = "wal_removed"
	}
	s.Lost = s.LostReason != ""
	return &s, nil
}

// KeepForFailover has standbys take over a slot that was not made for it. Servers
// before 17 know no such thing. The slot must not be in use.
func (c *Conn) KeepForFailover(ctx context.Context, slot *Slot) error {
	if slot.Failover || majorVersion(c.pg) < 17 {
		return nil
	}
	if err := c.alterSlot(ctx, slot.Name); err != nil {
		return fmt.Errorf("let standbys take over slot %s: %w", slot.Name, err)
	}
	return nil
}

// DropSlot drops a slot, once it is not in use; none there is no error.
func (c *Conn) DropSlot(ctx context.Context, name string) error {
	err := c.dropSlot(ctx, name)
	if err != nil && sqlState(err) != stateUndefinedObject {
		return fmt.Errorf("drop slot %s: %w", name, err)
	}
	return nil
}
