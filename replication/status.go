package replication

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// ackSpacing keeps acknowledgements, of which a busy consumer makes hundreds a
// second, from costing the server more than they give it.
const ackSpacing = 20 * time.Millisecond

// firstPause is how soon a status update follows one that had a cause; the pauses
// then double up to the usual interval. Since 16 a walsender can miss the wake-up of a
// commit that falls between its look at the flushed position and its going to sleep,
// which is when it has just sent or heard something. It then sleeps until the next
// commit, or until we write.
const firstPause = 20 * time.Millisecond

// write sends status updates until the stream stops, then ends the connection.
func (s *Stream) write() {
	defer s.wg.Done()
	defer s.conn.Close()
	interval := time.NewTimer(0)
	defer interval.Stop()
	var sent time.Time
	var ackDue bool
	pause := s.options.StatusInterval
	for {
		ask := false
		select {
		case <-s.stop:
			s.finish()
			return
		case <-s.wakeWriter:
			reply := s.replyNow.Swap(false)
			ask = s.askServer.Swap(false)
			pause = firstPause / 2
			if wait := ackSpacing - time.Since(sent); !reply && !ask && wait > 0 {
				if !ackDue {
					ackDue = true
					interval.Reset(wait)
				}
				continue
			}
		case <-interval.C:
		}
		silent := time.Since(s.started) - time.Duration(s.lastByte.Load())
		if s.paused.Load() {
			silent = 0 // it is we who do not listen
		}
		if silent > s.options.Silence {
			s.lose(fmt.Errorf("%w for %s", ErrSilent, silent.Round(time.Millisecond)))
			return
		}
		if !s.send(ask || silent > s.options.Silence/2) {
			return
		}
		sent, ackDue = time.Now(), false
		pause = min(2*pause, s.options.StatusInterval)
		interval.Reset(pause)
	}
}

// send writes one status update; it reports whether the connection still takes
// any.
func (s *Stream) send(replyRequested bool) bool {
	s.unsaid.Store(false) // before the position is looked at
	s.conn.SetWriteDeadline(time.Now().Add(s.options.Silence))
	if _, err := s.conn.Write(s.status(replyRequested)); err != nil {
		s.lose(fmt.Errorf("send standby status: %w", err))
		return false
	}
	return true
}

// lose gives the connection up: closing it also ends the reader.
func (s *Stream) lose(err error) {
	s.queue.fail(err)
	s.conn.Close()
}

// status builds a standby status update. Its three positions are separate
// fields, and all are set: written is what has arrived, flushed and applied what
// the consumer has made durable.
func (s *Stream) status(replyRequested bool) []byte {
	acked := s.acked.Load()
	data := make([]byte, 0, 39)
	data = append(data, 'd', 0, 0, 0, 38, 'r')
	data = binary.BigEndian.AppendUint64(data, max(acked, s.received.Load()))
	data = binary.BigEndian.AppendUint64(data, acked)
	data = binary.BigEndian.AppendUint64(data, acked)
	data = binary.BigEndian.AppendUint64(data, uint64(time.Now().UnixMicro()-946684800*1_000_000))
	if replyRequested {
		return append(data, 1)
	}
	return append(data, 0)
}

// finish ends the stream in good order, so that the server reads the last
// acknowledgement and frees the slot, but does not wait long for that.
func (s *Stream) finish() {
	deadline := time.Now().Add(closeGrace)
	s.conn.SetDeadline(deadline)
	farewell, err := (&pgproto3.CopyDone{}).Encode(s.status(false))
	if err != nil {
		return
	}
	if _, err := s.conn.Write(farewell); err != nil {
		return
	}
	<-s.readerDone
	terminate, err := (&pgproto3.Terminate{}).Encode(nil)
	if err == nil {
		s.conn.Write(terminate)
	}
}
