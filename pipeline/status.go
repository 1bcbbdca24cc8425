package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
)

// Status is how the views of a configuration are, as the databases tell it: it
// needs no word from a running instance.
type Status struct {
	Position    string     `json:"lsn"`
	SourceEnd   string     `json:"source_lsn"`
	CommittedAt *time.Time `json:"committed_at,omitempty"`
	AppliedAt   *time.Time `json:"applied_at,omitempty"`
	// Clock is the time for which views that depend on it are; absent without them.
	Clock *time.Time `json:"clock,omitempty"`
	// LagBytes is how much WAL lies between the outputs and the source, LagSeconds
	// how long it took, or has taken so far, to close that gap.
	LagBytes   int64        `json:"lag_bytes"`
	LagSeconds float64      `json:"lag_seconds"`
	StateBytes int64        `json:"state_bytes"`
	Slot       *SlotStatus  `json:"slot"`
	Views      []ViewStatus `json:"views"`
	// Problems are the reasons for which not everything is fine.
	Problems []string `json:"problems,omitempty"`
}

// SlotStatus is how the replication slot is.
type SlotStatus struct {
	Name          string `json:"name"`
	Active        bool   `json:"active"`
	WALStatus     string `json:"wal_status"`
	Confirmed     string `json:"confirmed_lsn"`
	RetainedBytes int64  `json:"retained_bytes"`
	// SafeBytes is how much WAL may still be written before the slot is lost; null:
	// there is no such limit.
	SafeBytes  *int64 `json:"safe_bytes"`
	Lost       bool   `json:"lost"`
	LostReason string `json:"lost_reason,omitempty"`
}

// ViewStatus is how one view is.
type ViewStatus struct {
	Name      string     `json:"name"`
	State     string     `json:"state"` // of sink.State, or "absent"
	Rows      int64      `json:"rows"`
	Error     string     `json:"error,omitempty"`
	ErrorRows int64      `json:"error_rows,omitempty"` // of the source, that make it fail
	Cause     string     `json:"cause,omitempty"`      // what most of them fail with
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
	// Configured is false for a view that is in the database, but not (any more) in
	// the configuration.
	Configured bool `json:"configured"`
}

// absent is the state of a configured view that has never been loaded.
const absent = "absent"

// Healthy says that all configured views are live and their slot is in use.
func (s *Status) Healthy() bool { return len(s.Problems) == 0 }

// lagProbe is how long a status waits for the outputs to catch up, to tell a lag
// that is being worked off from an outage.
const lagProbe = 2 * time.Second

// ReadStatus asks the databases. With probe it measures the lag by waiting until
// the outputs hold everything committed so far, up to two seconds; without, it
// reads what is written down.
func ReadStatus(ctx context.Context, cfg *config.Config, probe bool) (*Status, error) {
	s, err := readStatus(ctx, cfg, probe)
	return s, config.RedactError(err, string(cfg.Source.DSN), string(cfg.Sink.DSN))
}

func readStatus(ctx context.Context, cfg *config.Config, probe bool) (*Status, error) {
	source, err := replication.OpenSession(ctx, string(cfg.Source.DSN))
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }()
	out := source
	if cfg.Sink.DSN != cfg.Source.DSN {
		if out, err = replication.OpenSession(ctx, string(cfg.Sink.DSN)); err != nil {
			return nil, err
		}
		defer func() { _ = out.Close(context.WithoutCancel(ctx)) }()
	}
	st := &Status{StateBytes: folderSize(cfg.State.Dir)}
	if err := st.readSlot(ctx, source, cfg.Source.Slot); err != nil {
		return nil, err
	}
	if err := st.readLag(ctx, source, out, probe && st.Slot != nil && st.Slot.Active); err != nil {
		return nil, err
	}
	// After the wait: the views are told as they are with all of that applied.
	if err := st.readViews(ctx, out, cfg); err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Status) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

func (s *Status) readViews(ctx context.Context, conn *pgx.Conn, cfg *config.Config) error {
	known := map[string]ViewStatus{}
	rows, err := conn.Query(ctx, `SELECT v.name, v.state,
			v.rows + (SELECT coalesce(sum(d.n), 0)::int8 FROM stepping_cdc.progress p, unnest(p.grown, p.grown_by) AS d(name, n) WHERE d.name = v.name),
			coalesce(v.error, ''), v.updated_at,
			(SELECT coalesce(sum(e.weight), 0)::int8 FROM stepping_cdc.errors e WHERE e.view = v.name),
			coalesce((SELECT e.message FROM stepping_cdc.errors e WHERE e.view = v.name GROUP BY e.message ORDER BY sum(e.weight) DESC, e.message LIMIT 1), '')
		FROM stepping_cdc.views v ORDER BY v.name`)
	var names []string
	if err == nil {
		var v ViewStatus
		_, err = pgx.ForEachRow(rows, []any{&v.Name, &v.State, &v.Rows, &v.Error, &v.UpdatedAt, &v.ErrorRows, &v.Cause}, func() error {
			known[v.Name] = v
			names = append(names, v.Name)
			v.UpdatedAt = nil
			return nil
		})
	}
	if err != nil && !missing(err) {
		return fmt.Errorf("read control tables: %w", err)
	}
	configured := map[string]bool{}
	for _, c := range cfg.Views {
		configured[c.Name] = true
		v, ok := known[c.Name]
		if !ok {
			v = ViewStatus{Name: c.Name, State: absent}
		}
		v.Configured = true
		if v.State != string(sink.Live) {
			s.problem("view %s is %s", v.Name, v.State)
		}
		s.Views = append(s.Views, v)
	}
	for _, name := range names {
		if !configured[name] {
			s.Views = append(s.Views, known[name])
		}
	}
	return nil
}

// missing says that the control schema has not been made yet.
func missing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}

func (s *Status) readSlot(ctx context.Context, conn *pgx.Conn, name string) error {
	slot, err := replication.SlotInfo(ctx, conn, name)
	if err != nil {
		return err
	}
	if slot == nil {
		s.problem("slot %s does not exist", name)
		return nil
	}
	s.Slot = &SlotStatus{
		Name: slot.Name, Active: slot.Active, WALStatus: slot.WALStatus, Confirmed: slot.ConfirmedFlush.String(),
		RetainedBytes: slot.Retained, SafeBytes: slot.SafeWALSize, Lost: slot.Lost, LostReason: slot.LostReason,
	}
	switch {
	case slot.Lost:
		s.problem("slot %s is lost (%s): start with --resnapshot", name, slot.LostReason)
	case !slot.Active:
		s.problem("slot %s is not in use: \"stepping-cdc run\" is not running, or not connected", name)
	case slot.WALStatus == "unreserved":
		s.problem("slot %s is about to be lost: it keeps more WAL than max_slot_wal_keep_size", name)
	}
	return nil
}

// readLag compares the outputs' position with the source's end.
func (s *Status) readLag(ctx context.Context, source, out *pgx.Conn, probe bool) error {
	var end uint64
	if err := source.QueryRow(ctx, `SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::int8`).Scan(&end); err != nil {
		return fmt.Errorf("read the source's position: %w", err)
	}
	s.SourceEnd = decode.LSN(end).String()
	var lsn uint64
	read := func() error {
		// The clock came with a later version of the table.
		err := out.QueryRow(ctx, `SELECT (p.lsn - '0/0')::int8, p.committed_at, p.applied_at, (pg_catalog.to_jsonb(p) ->> 'clock')::timestamptz FROM stepping_cdc.progress p`).
			Scan(&lsn, &s.CommittedAt, &s.AppliedAt, &s.Clock)
		if err != nil && !missing(err) && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("read progress: %w", err)
		}
		return nil
	}
	if err := read(); err != nil {
		return err
	}
	if lsn < end && lsn > 0 && probe {
		start := time.Now()
		_, err := out.Exec(ctx, `SELECT stepping_cdc.wait_for($1::text::pg_lsn, $2::float8 * interval '1 ms')`,
			decode.LSN(end).String(), float64(lagProbe.Milliseconds()))
		var pg *pgconn.PgError
		if err != nil && !(errors.As(err, &pg) && pg.Code == "SC003") {
			return fmt.Errorf("wait for the outputs: %w", err)
		}
		s.LagSeconds = time.Since(start).Seconds()
		if err := read(); err != nil {
			return err
		}
	}
	s.Position = decode.LSN(lsn).String()
	if lsn >= end {
		return nil
	}
	s.LagBytes = int64(end - lsn)
	if s.AppliedAt != nil && lsn > 0 {
		s.LagSeconds = max(s.LagSeconds, time.Since(*s.AppliedAt).Seconds())
	}
	return nil
}

// folderSize adds up the files of a folder; 0 if there is none.
func folderSize(dir string) int64 {
	var n int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a file may vanish while we look
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	if err != nil {
		return 0
	}
	return n
}
