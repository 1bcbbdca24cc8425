package sink

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// freezer passes connections through and, on command, keeps those there are open
// without passing anything, as a half-open connection does.
type freezer struct {
	addr   string
	frozen atomic.Int64 // connections up to this number
	refuse atomic.Bool  // new connections are accepted and never answered
}

func startFreezer(t testing.TB, to string) *freezer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{addr: l.Addr().String()}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for n := int64(1); ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				_ = c.Close()
				return
			}
			t.Cleanup(func() { _, _ = c.Close(), up.Close() })
			if f.refuse.Load() {
				continue
			}
			go f.pass(n, c, up)
			go f.pass(n, up, c)
		}
	})
	return f
}

func (f *freezer) pass(n int64, from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		k, err := from.Read(buf)
		frozen := n <= f.frozen.Load()
		if k > 0 && !frozen {
			_, _ = to.Write(buf[:k])
		}
		if err != nil && frozen {
			return
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// throughFreezer opens the sink through a freezer.
func throughFreezer(e *env, silence time.Duration) *freezer {
	e.Helper()
	e.must(e.s.Close(e.ctx))
	cfg, err := pgx.ParseConfig(e.dsn)
	e.must(err)
	f := startFreezer(e.TB, fmt.Sprintf("%s:%d", cfg.Host, cfg.Port))
	host, port, err := net.SplitHostPort(f.addr)
	e.must(err)
	dsn := fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable connect_timeout=1", host, port, cfg.User, cfg.Database)
	e.s, err = Open(e.ctx, dsn, Options{Wait: 5 * time.Second, Silence: silence})
	e.must(err)
	e.Cleanup(func() { _ = e.s.Close(context.Background()) })
	return f
}

func TestHalfOpenConnectionIsNoticed(t *testing.T) {
	e := setup(t)
	f := throughFreezer(e, 200*time.Millisecond)
	table := e.ints("v", []int{0})
	lose := func(c Commit) {
		t.Helper()
		if err := e.s.Apply(e.ctx, c); !Retryable(err) || !e.s.Closed() || e.ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	f.frozen.Store(1)
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	lose(c)
	prog, err := e.s.Reconnect(e.ctx)
	e.must(err)
	if prog.Position != c.Prev {
		t.Fatalf("progress %s", prog.LSN)
	}
	e.must(e.s.Apply(e.ctx, c))

	// Nor can anything be asked over another connection.
	f.refuse.Store(true)
	f.frozen.Store(1000)
	lose(e.next(ViewDelta{table, intRow(2, 2, 1)}))
}

// A commit that takes many times the silence, behind a lock or at work, is left alone.
func TestLongCommitIsNoHalfOpenConnection(t *testing.T) {
	e := setup(t)
	const silence = 200 * time.Millisecond
	throughFreezer(e, silence)
	table := e.ints("v", []int{0})
	lock, err := e.db.Begin(e.ctx)
	e.must(err)
	_, err = lock.Exec(e.ctx, `LOCK TABLE out.v IN SHARE MODE`)
	e.must(err)
	done := make(chan error, 1)
	c := e.next(ViewDelta{table, intRow(1, 1, 1)})
	go func() { done <- e.s.Apply(e.ctx, c) }()
	_, err = lock.Exec(e.ctx, `SELECT pg_sleep($1)`, (10 * silence).Seconds())
	e.must(err)
	e.must(lock.Rollback(e.ctx))
	e.must(<-done)
	_, err = e.s.pg.Exec(e.ctx, `SELECT count(*) FROM generate_series(1, 3000000)`).ReadAll()
	e.must(err)
	// Nor is one at rest.
	e.exec(`SELECT pg_sleep($1)`, (4 * silence).Seconds())
	e.must(e.s.Apply(e.ctx, e.next(ViewDelta{table, intRow(2, 2, 1)})))
}
