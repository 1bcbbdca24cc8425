package replication

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/stepping-cdc/stepping-cdc/decode"
)

// StreamOptions say what to follow, from where, and within which bounds.
type StreamOptions struct {
	Slot        string
	Publication string
	Start       LSN // every transaction that commits from here on is delivered; 0: as the slot has it

	// Text asks for values in text format. Binary is the rule; it fails with
	// ErrNoBinary on values that have no binary form.
	Text bool

	ChunkBytes     int           // a transaction is cut into chunks of about this size; 0 means 1 MiB
	QueueBytes     int           // undelivered messages held in memory; 0 means 64 MiB
	StatusInterval time.Duration // 0: a quarter of wal_sender_timeout, 1 s at most
	Silence        time.Duration // without a byte for so long the server is lost; 0: wal_sender_timeout, or 60 s
}

// Stream is a running replication stream.
//
// Two goroutines share its connection, each with a direction of its own. The
// reader takes messages off the socket into a bounded queue; when the queue is
// full it stops reading. The writer sends status updates, at their intervals,
// when the server asks, and when there is something new to acknowledge; it waits
// neither for the reader nor for the consumer, so a blocked consumer never
// costs the connection. A read deadline would also end a concurrent write of the
// driver's own connection type; here the raw connection is used, whose
// directions are independent.
type Stream struct {
	conn     net.Conn
	reader   *reader // what frontend reads from
	frontend *pgproto3.Frontend
	options  StreamOptions
	started  time.Time
	queue    *queue

	acked     atomic.Uint64 // flushed and applied, by the consumer's word
	received  atomic.Uint64 // end of the WAL that the server has dealt with
	lastByte  atomic.Int64  // as time since started, which no setting of the clock changes
	paused    atomic.Bool   // the reader waits for room
	replyNow  atomic.Bool   // the server asked for a status
	unsaid    atomic.Bool   // something came since the last status
	askServer atomic.Bool   // we ask for the server's position

	wakeWriter chan struct{}
	readerDone chan struct{}
	stop       chan struct{}
	stopOnce   sync.Once
	wg         sync.WaitGroup

	assembly assembly
}

// Progress is how far a stream has come.
type Progress struct {
	WALEnd   LSN       // what the server had sent or skipped when it last told
	LastByte time.Time // when it was last heard of
	Acked    LSN
	Queued   int // events not yet taken
	Bytes    int // their size
}

// Start begins to stream. The connection belongs to the stream from here on,
// whatever the outcome.
func (c *Conn) Start(ctx context.Context, options StreamOptions) (*Stream, error) {
	options = options.withDefaults(c.SenderTimeout)
	if err := c.startReplication(ctx, options); err != nil {
		c.pg.Close(ctx)
		return nil, startError(options.Slot, err)
	}
	// No read is in progress, and what the frontend has already buffered stays
	// with it.
	hijacked, err := c.pg.Hijack()
	if err != nil {
		c.pg.Close(ctx)
		return nil, fmt.Errorf("take over replication connection: %w", err)
	}
	s := &Stream{
		conn: hijacked.Conn, reader: c.reader, frontend: hijacked.Frontend, options: options, started: time.Now(),
		queue: newQueue(options.QueueBytes), wakeWriter: make(chan struct{}, 1),
		readerDone: make(chan struct{}), stop: make(chan struct{}),
	}
	s.reader.dry = s.queue.announce
	s.acked.Store(uint64(options.Start))
	s.heard()
	s.wg.Add(2)
	go s.read()
	go s.write()
	return s, nil
}

// longestStatusInterval also bounds how late a commit can come: see firstPause.
const longestStatusInterval = time.Second

func (o StreamOptions) withDefaults(senderTimeout time.Duration) StreamOptions {
	if senderTimeout <= 0 {
		senderTimeout = time.Minute
	}
	if o.ChunkBytes == 0 {
		o.ChunkBytes = 1 << 20
	}
	if o.QueueBytes == 0 {
		o.QueueBytes = 64 << 20
	}
	if o.StatusInterval == 0 {
		o.StatusInterval = min(senderTimeout/4, longestStatusInterval)
	}
	if o.Silence == 0 {
		o.Silence = senderTimeout
	}
	return o
}

// startError gives the server's refusal of START_REPLICATION its meaning.
func startError(slot string, err error) error {
	switch sqlState(err) {
	case stateUndefinedObject:
		return slotMissing(slot, err)
	case stateObjectNotReady:
		return slotLost(slot, "", err)
	}
	return fmt.Errorf("start replication from slot %s: %w", slot, err)
}

// Next waits for the next event. After an error nothing follows: Close the
// stream.
func (s *Stream) Next(ctx context.Context) (Event, error) { return s.queue.next(ctx) }

// TryNext takes the next event if it is there already.
func (s *Stream) TryNext() (Event, bool, error) { return s.queue.take() }

// Ack tells the server that everything before lsn is durable here. It never
// waits; a position behind an earlier one is ignored.
func (s *Stream) Ack(lsn LSN) {
	for {
		old := s.acked.Load()
		if uint64(lsn) <= old {
			return
		}
		if s.acked.CompareAndSwap(old, uint64(lsn)) {
			wake(s.wakeWriter)
			return
		}
	}
}

// RequestPosition asks the server for its position at once; the answer comes as
// an idle event, if no transaction comes first.
func (s *Stream) RequestPosition() {
	s.askServer.Store(true)
	wake(s.wakeWriter)
}

// Pace sets how far apart the stream reads from its connection at least: 0, which it
// begins with, to have each change at once. It reads on without a pause while more
// is waiting than it takes at once.
func (s *Stream) Pace(pace time.Duration) { s.reader.pace.Store(int64(pace)) }

// Position tells how far the stream has come.
func (s *Stream) Position() Progress {
	events, bytes := s.queue.size()
	return Progress{
		WALEnd: LSN(s.received.Load()), LastByte: s.started.Add(time.Duration(s.lastByte.Load())),
		Acked: LSN(s.acked.Load()), Queued: events, Bytes: bytes,
	}
}

// closeGrace is how long an orderly end may take before the connection is cut.
const closeGrace = 2 * time.Second

// Close sends the last acknowledgement and ends the stream. It may be repeated.
func (s *Stream) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	// The writer may be held up by a server that does not read.
	s.conn.SetWriteDeadline(time.Now().Add(closeGrace))
	s.wg.Wait()
	return nil
}

// heard notes a sign of life.
func (s *Stream) heard() { s.lastByte.Store(int64(time.Since(s.started))) }

// read takes messages off the connection until it ends.
func (s *Stream) read() {
	defer s.wg.Done()
	defer close(s.readerDone)
	s.queue.fail(s.readMessages())
	s.stopOnce.Do(func() { close(s.stop) })
}

func (s *Stream) readMessages() error {
	for {
		msg, err := s.frontend.Receive()
		if err != nil {
			return fmt.Errorf("read replication stream: %w", err)
		}
		s.heard()
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			if !s.stopping() { // else only the way to the server's farewell
				err = s.copyData(m.Data)
			}
		case *pgproto3.NoticeResponse:
			// Since 18 a missing publication is a warning, and its changes are dropped.
			if m.Code == stateObjectNotReady {
				err = publicationMissing(s.options.Publication, errors.New(m.Message))
			}
		case *pgproto3.ErrorResponse:
			err = s.serverError(pgconn.ErrorResponseToPgError(m))
		case *pgproto3.CopyDone:
			// The slot is free only when what follows it comes.
		case *pgproto3.CommandComplete, *pgproto3.ReadyForQuery:
			err = ErrStreamEnded
		case *pgproto3.ParameterStatus:
		default:
			err = fmt.Errorf("read replication stream: unexpected message %T", msg)
		}
		if err != nil {
			return err
		}
	}
}

func (s *Stream) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// serverError gives an error in mid-stream its meaning. The slot was there at the
// start, so what is undefined is the publication.
func (s *Stream) serverError(err *pgconn.PgError) error {
	switch err.Code {
	case stateUndefinedObject:
		return publicationMissing(s.options.Publication, err)
	case stateObjectNotReady:
		return slotLost(s.options.Slot, "", err)
	case stateUndefinedFunction:
		return fmt.Errorf("read replication stream: %w: %w", ErrNoBinary, err)
	}
	// It has no code of its own. https://www.postgresql.org/docs/current/view-pg-replication-slots.html
	if strings.Contains(err.Message, "has already been removed") {
		return &StopError{
			Code: SlotLost, Err: err,
			Message: fmt.Sprintf("the server has removed WAL that replication slot %s needs: %s", s.options.Slot, err.Message),
			Remedy:  "drop the slot, then " + resnapshot,
		}
	}
	return fmt.Errorf("read replication stream: %w", err)
}

// copyData handles a message of the streaming protocol.
// https://www.postgresql.org/docs/current/protocol-replication.html
func (s *Stream) copyData(data []byte) error {
	switch {
	case len(data) >= 25 && data[0] == 'w': // XLogData
		e, complete, err := s.assembly.add(LSN(uint64At(data[1:])), data[25:], s.options.ChunkBytes)
		if err != nil {
			return err
		}
		if !complete {
			return nil
		}
		if e.EndLSN != 0 {
			s.advance(e.EndLSN)
		}
		if s.unsaid.CompareAndSwap(false, true) {
			wake(s.wakeWriter)
		}
		return s.deliver(e)
	case len(data) == 18 && data[0] == 'k': // primary keep-alive
		end := LSN(uint64At(data[1:]))
		s.advance(end)
		if data[17] != 0 {
			s.replyNow.Store(true)
			wake(s.wakeWriter)
		}
		if s.assembly.open {
			return nil // its position precedes the transaction's commit
		}
		return s.deliver(Event{EndLSN: end, Received: time.Now()})
	}
	return fmt.Errorf("read replication stream: malformed message of %d bytes", len(data))
}

func (s *Stream) advance(lsn LSN) {
	if uint64(lsn) > s.received.Load() {
		s.received.Store(uint64(lsn)) // the reader alone writes it
	}
}

// deliver queues an event; while there is no room it does not read on.
func (s *Stream) deliver(e Event) error {
	if s.queue.push(e) {
		return nil
	}
	s.queue.announce()
	s.paused.Store(true)
	defer func() {
		s.heard()
		s.paused.Store(false)
	}()
	for {
		select {
		case <-s.queue.drained:
		case <-s.stop:
			return nil
		}
		if s.queue.push(e) {
			return nil
		}
	}
}

func uint64At(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0])<<56 | uint64(b[1])<<48 | uint64(b[2])<<40 | uint64(b[3])<<32 |
		uint64(b[4])<<24 | uint64(b[5])<<16 | uint64(b[6])<<8 | uint64(b[7])
}

// assembly gathers messages into events.
type assembly struct {
	arena decode.Arena
	event Event
	open  bool // between Begin and Commit
}

// add takes one pgoutput message, of the WAL record at lsn. It answers with an event
// when a transaction or a chunk of it is complete.
func (a *assembly) add(lsn LSN, data []byte, chunk int) (Event, bool, error) {
	msg := a.arena.Copy(data)
	if msg == "" {
		return Event{}, false, errors.New("read replication stream: empty message")
	}
	switch decode.MessageType(msg[0]) {
	case decode.MsgBegin:
		m, err := parseOne(msg)
		if err != nil {
			return Event{}, false, err
		}
		if a.open {
			return Event{}, false, errors.New("read replication stream: transaction inside a transaction")
		}
		a.open = true
		a.event = Event{
			First: true, XID: m.XID, CommitLSN: m.FinalLSN, CommitTime: m.Time,
			Messages: make([]string, 0, 4),
		}
	case decode.MsgCommit:
		m, err := parseOne(msg)
		if err != nil {
			return Event{}, false, err
		}
		if !a.open {
			return Event{}, false, errors.New("read replication stream: commit of no transaction")
		}
		a.append(msg)
		e := a.event
		a.open, a.event = false, Event{}
		e.Last, e.EndLSN, e.Received = true, m.EndLSN, time.Now()
		if e.First && len(e.Messages) == 2 {
			// Version 14 sends transactions that touch no published table, empty.
			e = Event{EndLSN: e.EndLSN, Received: e.Received}
		}
		return e, true, nil
	}
	if !a.open {
		return Event{}, false, fmt.Errorf("read replication stream: message %q outside a transaction", msg[0])
	}
	if decode.MessageType(msg[0]) == decode.MsgTruncate {
		m, err := parseOne(msg)
		if err != nil {
			return Event{}, false, err
		}
		a.event.Truncates = append(a.event.Truncates, Truncate{m.RelIDs, lsn})
	}
	a.append(msg)
	if a.event.Bytes < chunk {
		return Event{}, false, nil
	}
	e := a.event
	e.Received = time.Now()
	a.event.First, a.event.Bytes, a.event.Truncates = false, 0, nil
	a.event.Messages = make([]string, 0, len(e.Messages)+8)
	return e, true, nil
}

func (a *assembly) append(msg string) {
	a.event.Messages = append(a.event.Messages, msg)
	a.event.Bytes += len(msg)
}

// parseOne reads a message by itself.
func parseOne(msg string) (decode.Message, error) {
	var p decode.Parser
	var m decode.Message
	err := p.Parse(msg, &m)
	return m, err
}
