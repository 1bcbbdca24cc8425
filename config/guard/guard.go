// Package guard watches over connections that wait for answers of any length.
//
// It knows one connection and how to ask its server about it. It must not know what
// the connection is for.
package guard

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/config/pollconn"
)

// Silence is the usual one.
const Silence = 15 * time.Second

// probeTimeout bounds the question over another connection.
const probeTimeout = 10 * time.Second

// Session is a server process, told apart from a later one of the same number. The
// zero Session is none.
type Session struct {
	PID     int32
	Started time.Time
}

// Guard is of one connection: make it with Config, then say which session it has.
type Guard struct {
	cfg     *pgx.ConnConfig
	silence time.Duration

	mu sync.Mutex
	b  Session
}

// New guards a connection that is made as cfg says. Silence is how long an answer may
// take before the server is asked, over another connection, whether it is at work on it.
func New(cfg *pgx.ConnConfig, silence time.Duration) *Guard {
	return &Guard{cfg: cfg, silence: silence}
}

// Config is the configuration with which the connection is watched over.
func (g *Guard) Config() *pgx.ConnConfig {
	cfg := g.cfg.Copy()
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return newGuarded(pollconn.New(conn), g.silence, g.atWork), nil
	}
	return cfg
}

// Watch begins to watch over a session. Until then nothing is asked.
func (g *Guard) Watch(b Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.b = b
}

// atWork asks the server, over a connection of its own, whether the session is busy. A
// session that waits for its client, and has for a while, has not heard us or has
// answered in vain. Without a clear answer it counts as busy; without any, as lost.
func (g *Guard) atWork() bool {
	g.mu.Lock()
	b := g.b
	g.mu.Unlock()
	if b.PID == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	var busy bool
	conn, err := pgx.ConnectConfig(ctx, g.cfg)
	if err == nil {
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
			WHERE a.pid = $1 AND a.backend_start = $2
			  AND (a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Client'
			       OR a.state_change > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $3)))`,
			b.PID, b.Started, g.silence.Seconds()/2).Scan(&busy)
	}
	var refused *pgconn.PgError
	return busy || errors.As(err, &refused)
}

// guarded is a connection that closes itself when its server is gone without a word.
//
// Postgres sends nothing while it works or waits for a lock, so a time limit on
// answers cannot tell a long commit from a half-open connection, which the operating
// system may take a quarter of an hour to notice. After a silence the guard asks over
// another connection what the session is doing, and gives this one up only if that
// session is not at work on anything.
type guarded struct {
	net.Conn
	silence time.Duration
	atWork  func() bool

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool   // something was sent since something was last received
	turn    uint64 // counts sends and receipts: a verdict holds for one of them
}

func newGuarded(conn net.Conn, silence time.Duration, atWork func() bool) *guarded {
	g := &guarded{Conn: conn, silence: silence, atWork: atWork}
	g.timer = time.AfterFunc(silence, g.check)
	g.timer.Stop()
	return g
}

// Write sends a request, or more of one.
func (g *guarded) Write(p []byte) (int, error) {
	g.note(true)
	return g.Conn.Write(p)
}

// Read receives an answer, or the beginning of one.
func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.note(false)
	return n, err
}

// Close ends the connection.
func (g *guarded) Close() error {
	g.note(false)
	return g.Conn.Close()
}

func (g *guarded) note(waiting bool) {
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

func (g *guarded) check() {
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
