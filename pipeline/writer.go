package pipeline

import (
	"context"
	"time"

	"github.com/stepping-cdc/stepping-cdc/sink"
)

// write hands an output commit to the sink. While more of the stream is waiting,
// it is written behind the computation of the next step, one at a time; else at
// once, since a reader may be waiting.
func (e *engine) write(ctx context.Context, commit sink.Commit) error {
	if err := e.drain(); err != nil {
		return err
	}
	if e.stream.Position().Queued == 0 {
		if err := e.sink.Apply(ctx, commit); err != nil {
			return err
		}
		e.at(pointWritten)
		e.progressed(positionOf(commit.At), commit.CommittedAt)
		return nil
	}
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
	return nil
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
