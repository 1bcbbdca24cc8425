package pipeline

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// kind is what a connection through a proxy is for, by its start-up packet.
type kind string

const (
	kindStream kind = "stream" // a walsender's
	kindSink   kind = "sink"
	kindBell   kind = "bell"
	kindSQL    kind = "sql" // the source's catalogue, loads, functions
	everyKind  kind = ""
)

// proxy is a network between the program and a server, with a network's faults.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	links   map[*link]bool
	lost    []*link // half-open
	dialled int
	rules   rules
	hole    bool // new connections are never answered
	answer  func(*link) (lose bool)
	request func(*link, []byte) (lose bool)
}

// rules are how the network is, at its best.
type rules struct {
	latency time.Duration
	rate    int // bytes a second; 0: any
	slice   int // largest packet; 0: any
}

// link is one connection, with its two ends.
type link struct {
	kind           kind
	client, server net.Conn

	mu   sync.Mutex
	hole bool // what is sent vanishes, and nobody is told
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, links: map[*link]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		p.each(everyKind, func(l *link) { l.close(false) })
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, l := range p.lost {
			l.close(false)
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

// through is a connection string by way of the proxy.
func (p *proxy) through(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

// serve passes one connection on.
func (p *proxy) serve(client net.Conn) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(client, head); err != nil {
		_ = client.Close()
		return
	}
	packet := append(head, make([]byte, max(0, min(int(binary.BigEndian.Uint32(head)), 1<<16)-4))...)
	if _, err := io.ReadFull(client, packet[4:]); err != nil {
		_ = client.Close()
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{kind: kindOf(packet), client: client, server: server}
	p.mu.Lock()
	p.dialled++
	if l.hole = p.hole; l.hole {
		p.lost = append(p.lost, l)
	} else {
		p.links[l] = true
	}
	p.mu.Unlock()
	if !l.inHole() {
		_, _ = server.Write(packet)
	}
	go p.pass(l, server, client)
	p.pass(l, client, server)
}

func kindOf(startup []byte) kind {
	switch {
	case bytes.Contains(startup, []byte("replication\x00")):
		return kindStream
	case bytes.Contains(startup, []byte("application_name\x00stepping-cdc bell\x00")):
		return kindBell
	case bytes.Contains(startup, []byte("application_name\x00stepping-cdc\x00")):
		return kindSink
	}
	return kindSQL
}

// parcel is what arrived at a time.
type parcel struct {
	at   time.Time
	data []byte
}

// pass carries one direction of a connection.
func (p *proxy) pass(l *link, from, to net.Conn) {
	parcels := make(chan parcel, 1024)
	go func() {
		defer close(parcels)
		for {
			buf := make([]byte, 16<<10)
			n, err := from.Read(buf)
			if n > 0 {
				parcels <- parcel{time.Now(), buf[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range parcels {
		p.mu.Lock()
		r, answer, request := p.rules, p.answer, p.request
		p.mu.Unlock()
		if from == l.server && answer != nil && answer(l) || from == l.client && request != nil && request(l, c.data) {
			l.close(true)
			break
		}
		if l.inHole() {
			continue
		}
		time.Sleep(time.Until(c.at.Add(r.latency)))
		for data := c.data; len(data) > 0; {
			n := len(data)
			if r.slice > 0 {
				n = min(n, r.slice)
			}
			if _, err := to.Write(data[:n]); err != nil {
				break
			}
			data = data[n:]
			if r.rate > 0 {
				time.Sleep(time.Duration(n) * time.Second / time.Duration(r.rate))
			}
		}
	}
	for range parcels { // what is still on its way, and the reader's end
	}
	if !l.inHole() {
		l.close(false)
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}
}

func (l *link) inHole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hole
}

// close ends both sides, in order or with a reset.
func (l *link) close(reset bool) {
	for _, c := range []net.Conn{l.client, l.server} {
		if tcp, ok := c.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// each does something to all connections of a kind, and says how many they were.
func (p *proxy) each(k kind, do func(*link)) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for l := range p.links {
		if k == everyKind || l.kind == k {
			n++
			do(l)
		}
	}
	return n
}

// cut ends connections in order: both sides see the end of the stream.
func (p *proxy) cut(k kind) int { return p.each(k, func(l *link) { l.close(false) }) }

// reset ends connections by a reset packet.
func (p *proxy) reset(k kind) int { return p.each(k, func(l *link) { l.close(true) }) }

// lose makes the connections of a kind half-open: what either side sends vanishes.
func (p *proxy) lose(k kind) int {
	return p.each(k, func(l *link) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.hole = true
		delete(p.links, l)
		p.lost = append(p.lost, l)
	})
}

// await waits until there are connections of a kind.
func (p *proxy) await(t *testing.T, k kind) {
	t.Helper()
	for until := time.Now().Add(patience); p.each(k, func(*link) {}) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("no connection of kind %q is made", k)
		}
	}
}

// set changes how the network is.
func (p *proxy) set(do func(*proxy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do(p)
}

// connections is how many were made so far.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialled
}

// address is host and port of a connection string.
func address(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(u.Host, "/")
}
