package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/config/guard"
	"github.com/stepping-cdc/stepping-cdc/migrations"
)

// LSN is a position in the source's WAL, unless said otherwise.
type LSN = pglogrepl.LSN

// Options of Open.
type Options struct {
	Application string        // application_name; "stepping-cdc" when empty
	Wait        time.Duration // how long to wait for another instance to end
	LockTimeout time.Duration // of each lock an output transaction takes; 30 s when 0
	// Silence is how long an answer may take before the server is asked, over another
	// connection, whether it is at work on it; 15 s when 0.
	Silence time.Duration
	// Lost is a session of this process that may not have ended at the server, as its
	// connection broke off without a word. It is not waited for.
	Lost Session
	// SourceElsewhere says that the source is another server, or may be.
	SourceElsewhere bool
}

// Position is how far the outputs are: in the source's WAL and, for views that
// depend on the present time, in time. Clock is in microseconds since 1970; 0: there
// are none.
type Position struct {
	LSN   LSN
	Clock int64
}

// String is the LSN and, where there is one, the time.
func (p Position) String() string {
	if p.Clock == 0 {
		return p.LSN.String()
	}
	return p.LSN.String() + " at " + time.UnixMicro(p.Clock).UTC().Format(time.RFC3339Nano)
}

// Progress is what stepping_cdc.progress says.
type Progress struct {
	Position
	CommittedAt time.Time // zero before the first commit
	AppliedAt   time.Time
}

// Sink is one writer of the outputs: a connection and the epoch it took. Its
// methods must not be called at the same time.
type Sink struct {
	cfg   *pgx.ConnConfig
	opts  Options
	conn  *pgx.Conn
	pg    *pgconn.PgConn
	epoch int64
	pos   Position  // progress as of the last commit
	grown rowCounts // what the progress row tells, and stepping_cdc.views is yet to be told
	ours  Session

	prepared map[stmtID]*pgconn.StatementDescription
	dur      durability
	deltas   []*delta // of the last commit, for their memory; nil: none
}

// Session is a server process, told apart from a later one of the same number. The
// zero Session is none.
type Session struct {
	pid     int32
	started time.Time
}

// Session is the one that this Sink writes in.
func (s *Sink) Session() Session { return s.ours }

// pinned are the settings of the sink's session: a role or a database may have
// preset any of them. The planner is held to nested loops over the index by which
// rows are found; statements are planned once and must stay good as tables grow. A server whose client
// is gone without a word ends the session soon, for it holds the lock of instances.
const pinned = `SET synchronous_commit = off; SET search_path = ''; SET client_encoding = 'UTF8';
SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET bytea_output = 'hex';
SET extra_float_digits = 3; SET xmloption = content; SET array_nulls = on; SET transform_null_equals = off;
SET standard_conforming_strings = on; SET client_min_messages = warning; SET row_security = off;
SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;
SET default_transaction_deferrable = off; SET statement_timeout = 0; SET idle_session_timeout = 0;
SET idle_in_transaction_session_timeout = '10min'; SET default_table_access_method = heap;
SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
SET enable_mergejoin = off; SET enable_nestloop = on; SET enable_indexscan = on; SET enable_tidscan = on;
SET jit = off; SET max_parallel_workers_per_gather = 0;
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = '25s'`

// noTransactionTimeout pins a setting that servers before 17 do not know.
const noTransactionTimeout = ` SELECT pg_catalog.set_config('transaction_timeout', '0', false)
	WHERE pg_catalog.current_setting('server_version_num')::int >= 170000`

// Open connects, brings the control schema up to date and takes over the outputs.
// It fails with a *RunningError while another instance holds them. Instances that
// no longer hold them, but believe so, are fenced off from here on.
func Open(ctx context.Context, dsn string, opts Options) (*Sink, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	if opts.Application == "" {
		opts.Application = "stepping-cdc"
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = 30 * time.Second
	}
	if opts.Silence == 0 {
		opts.Silence = guard.Silence
	}
	cfg.RuntimeParams["application_name"] = opts.Application
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	s := &Sink{cfg: cfg, opts: opts}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// connectTimeout is how long connecting may take, unless the connection string says:
// a server that accepts a connection may still never answer.
const connectTimeout = 20 * time.Second

func parse(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse sink's connection string: %w", err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	return cfg, nil
}

func (s *Sink) connect(ctx context.Context) (err error) {
	// The session is known once it has taken its epoch; until then locks bound the waits.
	watch := guard.New(s.cfg, s.opts.Silence)
	conn, err := pgx.ConnectConfig(ctx, watch.Config())
	if err != nil {
		return fmt.Errorf("connect to sink: %w", err)
	}
	defer func() {
		if err != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	if _, err := conn.PgConn().Exec(ctx, pinned).ReadAll(); err != nil {
		return fmt.Errorf("pin sink's settings: %w", lost(conn, err))
	}
	set := fmt.Sprintf("SET lock_timeout = %d;", s.opts.LockTimeout.Milliseconds()) + noTransactionTimeout
	if _, err := conn.PgConn().Exec(ctx, set).ReadAll(); err != nil {
		return fmt.Errorf("pin sink's settings: %w", lost(conn, err))
	}
	if err := s.lock(ctx, conn); err != nil {
		return err
	}
	if err := migrations.Up(ctx, conn); err != nil {
		return fmt.Errorf("prepare control schema: %w", lost(conn, err))
	}
	if err := adjustWaitFor(ctx, conn, s.opts.SourceElsewhere); err != nil {
		return err
	}
	if err := s.takeEpoch(ctx, conn); err != nil {
		return err
	}
	watch.Watch(guard.Session{PID: s.ours.pid, Started: s.ours.started})
	s.conn, s.pg = conn, conn.PgConn()
	s.prepared = map[stmtID]*pgconn.StatementDescription{}
	s.dur = durability{applied: s.pos}
	return nil
}

// lockKey is the session advisory lock by which running instances see each other.
// It is a courtesy: what keeps writers apart is the epoch.
const lockKey = 0x57E9_C0DD

func (s *Sink) lock(ctx context.Context, conn *pgx.Conn) error {
	for deadline := time.Now().Add(s.opts.Wait); ; {
		var got bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(lockKey)).Scan(&got); err != nil {
			return fmt.Errorf("lock outputs: %w", lost(conn, err))
		}
		if got {
			return nil
		}
		e, err := runningInstance(ctx, conn)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("look for the running instance: %w", lost(conn, err))
		}
		if err == nil && e.PID == s.opts.Lost.pid && e.Since.Equal(s.opts.Lost.started) {
			if err := endBackend(ctx, conn, s.opts.Lost); err != nil {
				return err
			}
		}
		if err == nil && time.Now().After(deadline) {
			return &e
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the running instance to end: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// runningInstance finds the session that holds the outputs; pgx.ErrNoRows: none does.
func runningInstance(ctx context.Context, conn *pgx.Conn) (e RunningError, err error) {
	err = conn.QueryRow(ctx, `SELECT a.pid, coalesce(a.application_name, ''),
				coalesce(host(a.client_addr), 'a local socket'), coalesce(a.backend_start, now())
			FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
			WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = $1 AND l.objsubid = 1
			  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		uint32(lockKey)).Scan(&e.PID, &e.Application, &e.Client, &e.Since)
	return e, err
}

// takeEpoch raises the epoch. The row lock makes it wait for an output transaction
// that another instance, or an earlier connection of ours, still has in flight; one
// that comes later finds the epoch changed. So the position read here is final.
func (s *Sink) takeEpoch(ctx context.Context, conn *pgx.Conn) error {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var lsn uint64
		var clock *int64
		err := tx.QueryRow(ctx, `UPDATE stepping_cdc.progress SET epoch = epoch + 1
			RETURNING epoch, (lsn - '0/0')::int8, (extract(epoch FROM clock) * 1000000)::int8`).Scan(&s.epoch, &lsn, &clock)
		if err != nil {
			return err
		}
		s.pos = Position{LSN: LSN(lsn)}
		if clock != nil {
			s.pos.Clock = *clock
		}
		for _, sql := range []string{takeOverRowsSQL, takenOverSQL} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		s.grown = rowCounts{}
		return tx.QueryRow(ctx, `UPDATE stepping_cdc.instance SET epoch = $1, pid = pg_backend_pid(),
				application = $2, host = $3, started_at = clock_timestamp()
			RETURNING pid, (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())`,
			s.epoch, s.opts.Application, host).Scan(&s.ours.pid, &s.ours.started)
	})
	if err != nil {
		return fmt.Errorf("take over the outputs: %w", lost(conn, err))
	}
	return nil
}

// Reconnect replaces a lost connection and returns the progress, which decides
// whether a commit with unknown outcome happened: it did if the progress is its
// LSN, it did not if the progress is still its Prev. Tables stay valid.
func (s *Sink) Reconnect(ctx context.Context) (Progress, error) {
	old := s.ours
	_ = s.conn.Close(ctx)
	s.opts.Lost = old
	wait := s.opts.Wait
	s.opts.Wait = max(wait, 5*time.Second) // for that backend to be gone
	defer func() { s.opts.Wait = wait }()
	if err := s.connect(ctx); err != nil {
		return Progress{}, err
	}
	return s.Progress(ctx)
}

// endBackend ends a backend of ours whose client side is gone and which may not
// have noticed: it would hold the lock until the operating system gives up.
func endBackend(ctx context.Context, conn *pgx.Conn, b Session) error {
	_, err := conn.Exec(ctx, `SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
		WHERE a.pid = $1 AND a.backend_start = $2`, b.pid, b.started)
	if err != nil {
		return fmt.Errorf("end the lost session %d: %w", b.pid, lost(conn, err))
	}
	return nil
}

// Progress reads the progress row.
func (s *Sink) Progress(ctx context.Context) (Progress, error) {
	var lsn uint64
	var clock *int64
	var committed, applied *time.Time
	err := s.conn.QueryRow(ctx, `SELECT (lsn - '0/0')::int8, (extract(epoch FROM clock) * 1000000)::int8, committed_at, applied_at FROM stepping_cdc.progress`).
		Scan(&lsn, &clock, &committed, &applied)
	if err != nil {
		return Progress{}, fmt.Errorf("read progress: %w", s.lost(err))
	}
	p := Progress{Position: Position{LSN: LSN(lsn)}}
	if clock != nil {
		p.Clock = *clock
	}
	if committed != nil {
		p.CommittedAt = *committed
	}
	if applied != nil {
		p.AppliedAt = *applied
	}
	return p, nil
}

// LSN is the position of the outputs as this instance left or found them.
func (s *Sink) LSN() LSN { return s.pos.LSN }

// Close ends the connection. Commits that are not yet durable become so, or not,
// as the server decides; call Flush before for certainty.
func (s *Sink) Close(ctx context.Context) error {
	if err := s.conn.Close(ctx); err != nil {
		return fmt.Errorf("close sink: %w", err)
	}
	return nil
}

// Closed says that the connection is lost and Reconnect is due.
func (s *Sink) Closed() bool { return s.pg.IsClosed() }

func (s *Sink) lost(err error) error { return lost(s.conn, err) }

// lost marks an error after which the connection is unusable.
func lost(conn *pgx.Conn, err error) error {
	if err != nil && conn.IsClosed() {
		return &connLost{err}
	}
	return err
}

// stmtID is a prepared statement's text and the row type its parameter has: a
// table that replaces another under the same name has another one.
type stmtID struct {
	sql     string
	rowType uint32
}

// prepare returns the prepared statement, preparing it on first use. types are those
// of its parameters that do not follow from its text.
func (s *Sink) prepare(ctx context.Context, id stmtID, types []uint32) (*pgconn.StatementDescription, error) {
	if sd, ok := s.prepared[id]; ok {
		return sd, nil
	}
	sd, err := s.pg.Prepare(ctx, fmt.Sprintf("sc%d", len(s.prepared)+1), id.sql, types)
	if err != nil {
		return nil, s.lost(err)
	}
	s.prepared[id] = sd
	return sd, nil
}
