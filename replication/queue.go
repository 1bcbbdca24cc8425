package replication

import (
	"context"
	"sync"
	"time"
)

// Event is a stretch of the stream: some or all of one transaction's messages, or
// the news that nothing is left to deliver before a position.
type Event struct {
	// Messages are pgoutput messages in order, never overwritten afterwards; nil in
	// an idle event.
	Messages []string

	First, Last bool // the transaction's Begin, its Commit is in Messages
	XID         uint32
	CommitLSN   LSN // orders transactions; known from the first chunk on
	CommitTime  time.Time

	// EndLSN is the position reached: after the transaction (set in its last chunk),
	// or the end of the WAL that an idle event covers.
	EndLSN LSN

	// Truncates are the TRUNCATEs in Messages.
	Truncates []Truncate

	Bytes    int       // of Messages
	Received time.Time // when its last message came
}

// Truncate is one TRUNCATE that the stream tells of.
type Truncate struct {
	Relations []uint32
	Record    LSN // where its WAL record is
}

// Idle says that the event carries a position alone.
func (e *Event) Idle() bool { return e.Messages == nil }

// queue hands events from the reading goroutine to the consumer. It is bounded by
// bytes; one event larger than the bound still fits into an empty queue.
type queue struct {
	mu     sync.Mutex
	events []Event
	bytes  int
	limit  int
	err    error // why nothing follows what is queued

	filled  chan struct{} // capacity 1: something to take
	drained chan struct{} // capacity 1: room
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, filled: make(chan struct{}, 1), drained: make(chan struct{}, 1)}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// announce wakes the consumer for what was pushed: once for all that came together,
// which it can then take together.
func (q *queue) announce() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) > 0 {
		wake(q.filled)
	}
}

// push adds an event unless the queue is full; announce makes it known. Idle events
// at the end of the queue are one: the last position counts.
func (q *queue) push(e Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.Idle() {
		if n := len(q.events); n > 0 && q.events[n-1].Idle() {
			q.events[n-1] = e
			return true
		}
	} else if q.bytes > 0 && q.bytes+e.Bytes > q.limit {
		return false
	}
	q.events = append(q.events, e)
	q.bytes += e.Bytes
	return true
}

// fail lets the consumer have what is queued, then err.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	wake(q.filled)
}

// take removes the first event; false when there is none yet.
func (q *queue) take() (Event, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return Event{}, false, q.err
	}
	e := q.events[0]
	q.events[0] = Event{}
	q.events = q.events[1:]
	if len(q.events) == 0 {
		q.events = nil
	}
	q.bytes -= e.Bytes
	wake(q.drained)
	if len(q.events) > 0 || q.err != nil {
		wake(q.filled)
	}
	return e, true, nil
}

// next waits for an event.
func (q *queue) next(ctx context.Context) (Event, error) {
	for {
		e, ok, err := q.take()
		if ok || err != nil {
			return e, err
		}
		select {
		case <-q.filled:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// size is what is queued now.
func (q *queue) size() (events, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events), q.bytes
}
