package sink

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// usualSilence is Options.Silence when 0.
const usualSilence = 15 * time.Second

// probeTimeout bounds the question over another connection.
const probeTimeout = 10 * time.Second

// guard is a connection that closes itself when its server is gone without a word.
//
// Postgres sends nothing while it works or waits for a lock, so a time limit on
// answers cannot tell a long commit from a half-open connection, which the operating
// system may take a quarter of an hour to notice. After a silence the guard asks over
// another connection what the session is doing, and gives this one up only if that
// session is not at work on anything.
type guard struct {
	net.Conn
	silence time.Duration
	atWork  func() bool

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool   // something was sent since something was last received
	turn    uint64 // counts sends and receipts: a verdict holds for one of them
}

func newGuard(conn net.Conn, silence time.Duration, atWork func() bool) *guard {
	g := &guard{Conn: conn, silence: silence, atWork: atWork}
	g.timer = time.AfterFunc(silence, g.check)
	g.timer.Stop()
	return g
}

// Write sends a request, or more of one.
func (g *guard) Write(p []byte) (int, error) {
	g.note(true)
	return g.Conn.Write(p)
}

// Read receives an answer, or the beginning of one.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.note(false)
	return n, err
}

// Close ends the connection.
func (g *guard) Close() error {
	g.note(false)
	return g.Conn.Close()
}

func (g *guard) note(waiting bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = waiting
	g.turn++
	if waiting {
		g.timer.Reset(g.silence)
	} else {
		g.timer.Stop()
	}
}

func (g *guard) check() {
	g.mu.Lock()
	turn, waiting := g.turn, g.waiting
	g.mu.Unlock()
	if !waiting {
		return
	}
	atWork := g.atWork()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.turn != turn:
	case atWork:
		g.timer.Reset(g.silence)
	default:
		_ = g.Conn.Close() // whoever waits for an answer learns of it
	}
}

// guarded is the configuration with which a connection is watched over. The session
// is known once it has taken its epoch; until then locks bound the waits.
func (s *Sink) guarded(session *guardedSession) *pgx.ConnConfig {
	cfg := s.cfg.Copy()
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return newGuard(conn, s.opts.Silence, func() bool { return s.atWork(session.get()) }), nil
	}
	return cfg
}

// guardedSession is set by the sink and read by its guard.
type guardedSession struct {
	mu sync.Mutex
	b  Session
}

func (g *guardedSession) set(b Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.b = b
}

func (g *guardedSession) get() Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b
}

// atWork asks the server, over a connection of its own, whether a session is busy. A
// session that waits for its client, and has for a while, has not heard us or has
// answered in vain. Without a clear answer it counts as busy; without any, as lost.
func (s *Sink) atWork(b Session) bool {
	if b.pid == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	var busy bool
	conn, err := pgx.ConnectConfig(ctx, s.cfg)
	if err == nil {
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
			WHERE a.pid = $1 AND a.backend_start = $2
			  AND (a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Client'
			       OR a.state_change > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $3)))`,
			b.pid, b.started, s.opts.Silence.Seconds()/2).Scan(&busy)
	}
	var refused *pgconn.PgError
	return busy || errors.As(err, &refused)
}
