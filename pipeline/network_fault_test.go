package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// liveAgain is how long after a fault the outputs may need to hold what was
// committed after it: if all connections are half-open, two may be noticed one after
// the other, within 25 s each.
const liveAgain = 50 * time.Second

// recoveries are the times that faults took.
type recoveries struct {
	took  []time.Duration
	which []string
}

// log says what it was like.
func (r *recoveries) log(t *testing.T) {
	t.Helper()
	if len(r.took) == 0 {
		return
	}
	worst := slices.Index(r.took, slices.Max(r.took))
	sorted := slices.Sorted(slices.Values(r.took))
	t.Logf("%d faults; live again after %s (median), %s at most (%s)", len(sorted),
		sorted[len(sorted)/2].Round(time.Millisecond), sorted[len(sorted)-1].Round(time.Millisecond), r.which[worst])
}

// recovers waits until the outputs hold what is committed now, and notes how long
// that took since a moment.
func (w *world) recovers(r *recoveries, what string, since time.Time) {
	w.t.Helper()
	w.load(uint64(since.UnixNano()), 2)
	// Past what the stream brings: a reader has to be heard, too.
	w.exec("SELECT pg_logical_emit_message(true, 'elsewhere', '')")
	lsn := ask[string](w, w.conn, "SELECT pg_current_wal_insert_lsn()::text")
	for {
		_, err := w.out.Exec(context.Background(), "SELECT stepping_cdc.wait_for($1::pg_lsn, '3s')", lsn)
		if err == nil {
			break
		}
		select {
		case ended := <-w.done:
			w.done <- ended
			w.t.Fatalf("%s: pipeline ended: %v", what, ended)
		default:
		}
		if time.Since(since) > patience {
			w.t.Fatalf("%s: %v", what, err)
		}
	}
	took := time.Since(since)
	r.took, r.which = append(r.took, took), append(r.which, what)
	w.t.Logf("%s: live again after %s", what, took.Round(time.Millisecond))
	if took > liveAgain {
		w.t.Errorf("%s: live again only after %s", what, took)
	}
}

// networkBank is a bank whose pipeline reaches its one server through a proxy.
func networkBank(t *testing.T, timeout string) (*world, *proxy) {
	t.Helper()
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_sender_timeout": timeout}})
	w := bankOn(t, srv, srv)
	p := startProxy(t, address(t, w.dsn))
	w.sourceVia, w.sinkVia = p.through(t, w.dsn), p.through(t, w.sink)
	return w, p
}

// TestConnectionFaults cuts, resets and loses each kind of connection, and all of
// them, under load.
func TestConnectionFaults(t *testing.T) {
	t.Parallel()
	for _, kinds := range [][]kind{{kindStream, kindSQL, kindBell}, {kindSink}, {everyKind}} {
		t.Run(fmt.Sprint("of", kinds), func(t *testing.T) {
			t.Parallel()
			w, p := networkBank(t, "2s")
			w.run(Options{})
			w.check()
			a := w.startAuditor()
			ws := w.startWriters(seed(t), 1, slowTransfer)
			var r recoveries
			for _, k := range kinds {
				for _, fault := range []struct {
					name string
					do   func(kind) int
				}{{"cut", p.cut}, {"reset", p.reset}, {"half-open", p.lose}} {
					what := strings.TrimSpace(fmt.Sprintf("%s %s", fault.name, k))
					p.await(t, k)
					since := time.Now()
					if fault.do(k) == 0 {
						t.Errorf("%s: there was none", what)
					}
					w.recovers(&r, what, since)
				}
			}
			ws.end()
			w.check()
			a.end()
			r.log(t)
		})
	}
}

// TestNetworkAway has all packets vanish for a while, those of new connections too:
// under load and when nothing is to be done.
func TestNetworkAway(t *testing.T) {
	t.Parallel()
	w, p := networkBank(t, "2s")
	w.run(Options{})
	w.check()
	a := w.startAuditor()
	var r recoveries
	for _, what := range []string{"network away, idle", "network away, load"} {
		var ws *writers
		if what == "network away, load" {
			ws = w.startWriters(seed(t), 1, slowTransfer)
		}
		p.set(func(p *proxy) { p.hole = true })
		p.lose(everyKind)
		time.Sleep(8 * time.Second)
		p.set(func(p *proxy) { p.hole = false })
		w.recovers(&r, what, time.Now())
		if ws != nil {
			ws.end()
		}
	}
	w.check()
	a.end()
}

// TestSlowNetwork: late, thin, or in small pieces, everything arrives.
func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	w, p := networkBank(t, "6s")
	w.run(Options{})
	w.load(0, 30) // the statements are prepared
	w.check()
	a := w.startAuditor()
	var r recoveries
	for what, rules := range map[string]rules{
		"200 ms latency": {latency: 200 * time.Millisecond}, "64 kB/s": {rate: 64 << 10}, "sliced packets": {slice: 7},
	} {
		p.set(func(p *proxy) { p.rules = rules })
		before := p.connections()
		since := time.Now()
		w.load(1, 20)
		w.recovers(&r, what, since)
		if n := p.connections() - before; n > 0 {
			t.Errorf("%s: %d new connections", what, n)
		}
	}
	p.set(func(p *proxy) { p.rules = rules{} })
	w.check()
	a.end()
	r.log(t)
}

// TestCommitAnswerLost: output commits whose answer never comes back, and some that
// never arrive. The progress row tells them apart.
func TestCommitAnswerLost(t *testing.T) {
	t.Parallel()
	w, p := networkBank(t, "2s")
	w.run(Options{})
	w.check()
	a := w.startAuditor()
	watch := w.connect(w.sink)
	progress := func() (lsn uint64, err error) {
		err = watch.QueryRow(context.Background(), "SELECT (lsn - '0/0')::int8 FROM stepping_cdc.progress").Scan(&lsn)
		return lsn, err
	}
	var r recoveries
	for i := range 6 {
		before, err := progress()
		if err != nil {
			t.Fatal(err)
		}
		happened := make(chan uint64, 1)
		p.set(func(p *proxy) {
			if i%3 == 2 {
				// The request itself is lost, before the server sees it.
				p.request = func(l *link, data []byte) bool {
					if l.kind != kindSink || data[0] != 'B' {
						return false
					}
					select {
					case happened <- before:
						return true
					default:
						return false
					}
				}
				return
			}
			p.answer = func(l *link) bool {
				if l.kind != kindSink {
					return false
				}
				// The sink's requests follow one another: the first answer after
				// progress has moved is that of the commit that moved it.
				now, err := progress()
				if err != nil || now == before {
					return false
				}
				select {
				case happened <- now:
					return true
				default:
					return false
				}
			}
		})
		since := time.Now()
		if i%2 == 0 {
			w.load(uint64(i), 3)
		} else {
			w.large() // by an explicit COMMIT
		}
		select {
		case at := <-happened:
			if i%3 != 2 && at <= before {
				t.Errorf("no commit has happened")
			}
		case <-time.After(patience):
			t.Fatal("no output commit was made")
		}
		p.set(func(p *proxy) { p.answer, p.request = nil, nil })
		w.recovers(&r, fmt.Sprintf("commit %d", i), since)
	}
	w.check()
	a.end()
	r.log(t)
}

// TestOutputLockedForLong: the writer stands still for several times
// wal_sender_timeout; the stream keeps its connection.
func TestOutputLockedForLong(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"wal_sender_timeout": "1s"}})
	w := bankOn(t, srv, srv)
	w.run(Options{})
	w.check()
	a := w.startAuditor()
	walsender := func() int {
		return ask[int](w, w.conn, "SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1", w.slot)
	}
	before := walsender()
	locker := w.connect(w.sink)
	execOn(t, locker, "BEGIN; LOCK stepping.every_entry IN SHARE MODE")
	for range 5 {
		w.large()
		time.Sleep(time.Second)
	}
	select {
	case err := <-w.done:
		t.Fatalf("pipeline ended: %v", err)
	default:
	}
	since := time.Now()
	execOn(t, locker, "ROLLBACK")
	var r recoveries
	w.recovers(&r, "locked for 5 x wal_sender_timeout", since)
	if after := walsender(); after != before {
		t.Errorf("the stream was disconnected: walsender %d, then %d", before, after)
	}
	w.check()
	a.end()
}
