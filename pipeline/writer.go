package pipeline

import (
	"context"
	"time"

	"github.com/stepping-cdc/stepping-cdc/sink"
)

// send hands an output commit to the sink at once, since a reader may be waiting. While
// more of the stream is waiting it does not (nil): then the commit is to be written behind
// the computation of the next step, one at a time.
func (e *engine) send(ctx context.Context, commit sink.Commit) (*sink.Sent, error) {
	if err := e.drain(); err != nil || e.stream.Position().Queued > 0 {
		return nil, err
	}
	sent, err := e.sink.Send(ctx, commit)
	if err != nil {
		return nil, err
	}
	e.at(pointSent)
	return sent, nil
}

// wrote notes the outcome of an output commit that was sent.
func (e *engine) wrote(commit sink.Commit, err error) error {
	if err != nil {
		return err
	}
	e.at(pointWritten)
	e.progressed(positionOf(commit.At), commit.CommittedAt)
	return nil
}

// writeBehind has an output commit written while the next step is computed.
func (e *engine) writeBehind(ctx context.Context, commit sink.Commit) {
	for i := range commit.Views {
		// The circuit uses its output batches again.
		commit.Views[i].Delta = copyBatch(commit.Views[i].Delta)
	}
	done := make(chan error, 1)
	go func() {
		e.at(pointBehind)
		done <- e.sink.Apply(ctx, commit)
	}()
	e.writing, e.written = done, commit
	at := positionOf(commit.At)
	e.progress, e.progressClock, e.clockShown = at.lsn, at.clock, time.Now()
}

// drain waits for the output commit that is being written. Whoever uses the
// sink drains first.
func (e *engine) drain() error {
	if e.writing == nil {
		return nil
	}
	return e.settled(<-e.writing)
}

// settled notes the outcome of the output commit that was being written.
func (e *engine) settled(err error) error {
	e.writing = nil
	if err != nil {
		return err
	}
	e.progressed(positionOf(e.written.At), e.written.CommittedAt)
	e.written = sink.Commit{}
	return nil
}
