package replication_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

const plainTable = `CREATE TABLE public.t (id int PRIMARY KEY, a text)`

// follow follows a table t in a database of its own.
func follow(t *testing.T, dsn string, options replication.StreamOptions) *replicationtest.Follower {
	t.Helper()
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, plainTable)
	return replicationtest.NewFollower(t, dsn, options, replicationtest.Table(t, conn, "t"))
}

func confirmed(t testing.TB, f *replicationtest.Follower) replication.LSN {
	t.Helper()
	slot, err := replication.SlotInfo(t.Context(), f.Conn, f.Slot)
	if err != nil || slot == nil {
		t.Fatalf("slot: %v, %v", slot, err)
	}
	return slot.ConfirmedFlush
}

func TestLargeTransactionComesInChunks(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{ChunkBytes: 32 << 10, QueueBytes: 64 << 10})
	replicationtest.Exec(t, f.Conn, `INSERT INTO public.t SELECT i, repeat('x', 100) FROM generate_series(1, 10000) i`)
	var chunks, bytes int
	for last := false; !last; {
		e, err := f.Stream.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Idle() {
			continue
		}
		if e.First != (chunks == 0) || e.CommitLSN == 0 || e.XID == 0 || (e.EndLSN != 0) != e.Last {
			t.Fatalf("chunk %d: first %v, last %v, commit %s, end %s", chunks, e.First, e.Last, e.CommitLSN, e.EndLSN)
		}
		if e.Bytes > 33<<10 {
			t.Fatalf("chunk of %d bytes", e.Bytes)
		}
		if p := f.Stream.Position(); p.Bytes > 64<<10 {
			t.Fatalf("%d bytes queued", p.Bytes)
		}
		chunks, bytes, last = chunks+1, bytes+e.Bytes, e.Last
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	if chunks < 30 || bytes < 10000*100 {
		t.Fatalf("%d chunks, %d bytes", chunks, bytes)
	}
	f.Trace.Check(t, f.Conn)
}

// Read at a pace, the stream has everything, in order.
func TestPace(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	f.Stream.Pace(200 * time.Millisecond)
	for i := range 100 {
		replicationtest.Exec(t, f.Conn, fmt.Sprintf("INSERT INTO public.t VALUES (%d, 'x')", i))
	}
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	if len(f.Txs) != 100 {
		t.Fatalf("%d transactions", len(f.Txs))
	}
	f.Trace.Check(t, f.Conn)
}

// What was acknowledged does not come again; what was not, does.
func TestRestartContinuesAtTheAcknowledgement(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	for i := range 3 {
		replicationtest.Exec(t, f.Conn, fmt.Sprintf("INSERT INTO public.t VALUES (%d, 'x')", i))
	}
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	if len(f.Txs) != 3 {
		t.Fatalf("%d transactions", len(f.Txs))
	}
	second := f.Txs[1]
	f.Stream.Ack(second.EndLSN)
	f.Stream.Ack(f.Txs[0].EndLSN) // ignored
	f.Stream.Close()
	if got := confirmed(t, f); got != second.EndLSN {
		t.Fatalf("confirmed %s, acknowledged %s", got, second.EndLSN)
	}
	f.Position, f.Trace = second.EndLSN, replicationtest.NewTrace(f.Trace.Tables)
	f.Txs = nil
	f.Restart(t)
	e, err := f.Stream.Next(t.Context())
	for err == nil && e.Idle() {
		e, err = f.Stream.Next(t.Context())
	}
	if err != nil || e.CommitLSN <= second.CommitLSN {
		t.Fatalf("first after restart: %s, %v", e.CommitLSN, err)
	}
	if e.CommitLSN < second.EndLSN {
		t.Fatalf("came again: %s, acknowledged %s", e.CommitLSN, second.EndLSN)
	}
}

// A start below what was confirmed is where duplicates would hide; a start at a
// transaction's EndLSN must leave exactly that transaction out.
func TestStartAtEndLSN(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (1, 'x')")
	f.MustFollow(t)
	end := f.Txs[0].EndLSN
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (2, 'x')")
	f.Position = end
	f.Restart(t)
	f.Txs = nil
	f.MustFollow(t) // a repeated insert would be an error
	if len(f.Txs) != 1 || f.Txs[0].CommitLSN < end {
		t.Fatalf("%+v after %s", f.Txs, end)
	}
}

func TestIdleEventsAdvanceTheSlot(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	replicationtest.Exec(t, f.Conn, "CREATE TABLE public.unpublished (id int); INSERT INTO public.unpublished SELECT generate_series(1, 1000)")
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	if len(f.Txs) != 0 {
		t.Fatalf("transactions: %+v", f.Txs)
	}
	f.Stream.Ack(f.Position)
	eventually(t, "slot advances", func() bool { return confirmed(t, f) >= f.Position })
}

func TestRequestedPositionComesAtOnce(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	for {
		if _, ok, err := f.Stream.TryNext(); err != nil {
			t.Fatal(err)
		} else if !ok {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	f.Stream.RequestPosition()
	e, err := f.Stream.Next(ctx)
	if err != nil || !e.Idle() || e.EndLSN < f.Position {
		t.Fatalf("%+v, %v", e, err)
	}
}

// shortTimeout is a database whose walsenders give a silent client up soon.
func shortTimeout(t *testing.T) string {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_sender_timeout": "1s"}})
	return srv.NewDB(t)
}

// A consumer that takes nothing for several times wal_sender_timeout, with more
// than the queue holds on its way, keeps its connection.
func TestBlockedConsumerStaysConnected(t *testing.T) {
	f := follow(t, shortTimeout(t), replication.StreamOptions{QueueBytes: 64 << 10, ChunkBytes: 16 << 10})
	replicationtest.Exec(t, f.Conn, `INSERT INTO public.t SELECT i, repeat('x', 2000) FROM generate_series(1, 10000) i`)
	time.Sleep(3500 * time.Millisecond)
	if p := f.Stream.Position(); p.Bytes > 64<<10 || p.Queued == 0 {
		t.Fatalf("%+v", p)
	}
	f.MustFollow(t)
}

// proxy forwards connections until it is frozen: then it keeps them open and
// forwards nothing, as a half-open connection does.
type proxy struct {
	listener net.Listener
	frozen   atomic.Bool
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				return
			}
			t.Cleanup(func() { client.Close(); server.Close() })
			go p.forward(client, server)
			go p.forward(server, client)
		}
	}()
	return p
}

func (p *proxy) forward(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if p.frozen.Load() {
			io.Copy(io.Discard, from)
			return
		}
		if n > 0 {
			to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func TestHalfOpenConnectionIsNoticed(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_sender_timeout": "1s"}})
	dsn := srv.NewDB(t)
	port := fmt.Sprint(srv.Port())
	p := startProxy(t, "127.0.0.1:"+port)
	_, proxyPort, _ := net.SplitHostPort(p.listener.Addr().String())
	f := follow(t, strings.Replace(dsn, port, proxyPort, 1), replication.StreamOptions{})
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond) // idle, but alive
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	p.frozen.Store(true)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var err error
	for err == nil {
		_, err = f.Stream.Next(ctx)
	}
	if !errors.Is(err, replication.ErrSilent) || !replication.Retryable(err) {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("noticed after %s", took)
	}
}

func TestTerminatedWalsenderIsRetryable(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	replicationtest.Exec(t, f.Conn, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+f.Slot+"'")
	var err error
	for err == nil {
		_, err = f.Stream.Next(t.Context())
	}
	if !replication.Retryable(err) {
		t.Fatal(err)
	}
	if diagnosed := replication.Diagnose(t.Context(), f.Conn, f.Slot, err); diagnosed != err {
		t.Fatalf("diagnosed as %v", diagnosed)
	}
	f.Restart(t)
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (1, 'x')")
	f.MustFollow(t)
}

// Arrays of a type without a send function break a binary stream, whether any
// view uses them or not.
func TestValueWithoutBinaryForm(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	replicationtest.Exec(t, f.Conn, "ALTER TABLE public.t ADD acl aclitem[]")
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t SELECT 1, 'x', relacl FROM pg_class WHERE relname = 'pg_class'")
	err := f.Follow(t)
	if !errors.Is(err, replication.ErrNoBinary) || !replication.Retryable(err) {
		t.Fatal(err)
	}
	f.Options.Text = true
	f.Restart(t)
	f.MustFollow(t)
}

// An idle stream tells its status often: that is what wakes a walsender which has
// missed a commit.
func TestIdleStreamTellsItsStatus(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	var last, now time.Time
	read := func() time.Time {
		t.Helper()
		err := f.Conn.QueryRow(t.Context(), `SELECT coalesce(reply_time, 'epoch') FROM pg_stat_replication
			WHERE pid = (SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1)`, f.Slot).Scan(&now)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	last = read()
	for i := range 3 {
		eventually(t, "a status update", func() bool { return read().After(last) })
		if gap := now.Sub(last); i > 0 && gap > 5*time.Second {
			t.Fatalf("%s between two updates", gap)
		}
		last = now
	}
}

func TestFreshness(t *testing.T) {
	f := follow(t, embedded.NewDB(t), replication.StreamOptions{})
	if err := f.Follow(t); err != nil {
		t.Fatal(err)
	}
	var worst, sum time.Duration
	const n = 50
	for i := range n {
		began := time.Now()
		replicationtest.Exec(t, f.Conn, fmt.Sprintf("INSERT INTO public.t VALUES (%d, 'x')", i))
		committed := time.Now()
		for {
			e, err := f.Stream.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e.Last {
				if e.Received.Before(began) {
					t.Fatal("received before it was written")
				}
				break
			}
		}
		late := time.Since(committed)
		worst, sum = max(worst, late), sum+late
	}
	if worst > 3*time.Second { // far below the time in which anything else would wake the walsender
		t.Errorf("worst of %s", worst)
	}
	t.Logf("from COMMIT's answer to the event: mean %s, worst %s", sum/n, worst)
	if sum/n > 100*time.Millisecond {
		t.Fatalf("mean of %s", sum/n)
	}
}
