package pipeline

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/state"
)

// Options say how to run.
type Options struct {
	// UntilLSN stops once the outputs hold everything up to it; 0: never.
	UntilLSN decode.LSN
	// Resnapshot gives up slot and state and loads everything anew.
	Resnapshot bool
	// Progress is told how the loading of tables goes; may be nil.
	Progress func(LoadProgress)
	// Live is called once a session, when all views are live; may be nil.
	Live func()

	text       bool             // values come in text format: one of them has no other
	groupBytes int              // bounds the messages of transactions that share a step
	chunkBytes int              // cuts larger transactions; 0: as replication has it
	partRows   int              // of an output are held in memory by a step
	pieceBytes int              // of old rows, as well
	stepBytes  int              // that a step should hold; the next one is made smaller after one that does not
	discard    bool             // the state is damaged
	checkEvery time.Duration    // how often the source is compared with what it should be
	now        func() time.Time // instead of the source's clock; nil outside of tests
	held       func(bytes int)  // is told what steps held; nil outside of tests
	// reached is told the points at which a crash differs from one elsewhere; nil
	// outside of tests.
	reached func(point)
}

// point is a place in the order of durability (see the package comment).
type point string

const (
	pointSlot      point = "slot created"
	pointLoad      point = "part of a snapshot in the state"
	pointLoaded    point = "snapshot in the state"
	pointFilled    point = "output table filled"
	pointPublish   point = "before publishing"
	pointPublished point = "after publishing"
	pointJoined    point = "joined"
	pointStep      point = "step in the state, its output commit not answered"
	pointComputed  point = "step computed"
	pointSent      point = "output commit sent, its step not in the state"
	pointTick      point = "tick in the state, its output commit not answered"
	pointPart      point = "part of a step's output in the log"
	pointChunk     point = "part of a transaction in the state"
	pointReplay    point = "before a logged output commit"
	pointBehind    point = "output commit about to be written behind the next step"
	pointWritten   point = "output commit made"
	pointAck       point = "acknowledged"
	pointFlush     point = "flush of the state begun"
	pointChecked   point = "source compared with what it should be"
)

func (e *engine) at(p point) {
	if e.opts.reached != nil {
		e.opts.reached(p)
	}
}

// LoadProgress is how far the loading of one table is.
type LoadProgress struct {
	Table    string
	Rows     int64
	Estimate int64 // −1: unknown
	Done     bool
}

// errStateLost: the state cannot be continued; it is dropped, and the outputs
// are compared with what a new snapshot says.
var errStateLost = errors.New("state is lost")

// errDone: the position to stop at is reached.
var errDone = errors.New("done")

// engine is one session: from connecting to the first error or the end.
type engine struct {
	started time.Time
	full    *config.Config    // as it is written
	cfg     *config.Config    // without the views that are left out
	left    map[string]string // those, with the cause
	opts    Options
	log     zerolog.Logger
	live    *Snapshot // what the world may see of us

	source   *pgx.Conn // catalogue, slots, nudges; never busy for long
	sink     *sink.Sink
	lost     sink.Session // of the session before this one
	store    *state.Disk
	batch    state.Batch
	rebuilds []sink.Rebuild    // asked for, and done when nothing is left to join
	failed   map[string]string // views whose outputs could not be written, with the cause
	unfit    map[string]string // of these, those that failed again when they were loaded anew
	anew     map[string]bool   // views whose outputs could not be corrected: they are made again
	eval     *remote.Evaluator
	analysis *plan.Analysis
	specs    map[string]*sink.ViewSpec
	manifest *manifest
	gens     []*generation // applied to
	joining  *generation   // loaded, joins when the others reach its position
	stream   *replication.Stream
	writing  chan error    // tells the outcome of the output commit under way; nil: none
	written  sink.Commit   // that commit
	statuses []sink.Status // to be written with the next commit

	position decode.LSN // of the state
	clock    instant    // of the state
	seq      uint64     // the state's commit that reached it
	progress decode.LSN // of the sink

	progressClock instant // of the sink
	clockShown    time.Time
	serverTime    serverClock

	parted   map[*view]bool // of the step under way: part of their rows is in the log
	passed   int            // rows of the step under way, from operator to operator
	group    stride         // bytes of messages of transactions that share a step
	piece    stride         // changes of a transaction that takes several steps
	partial  partial
	held     *replication.Event // taken off the stream, still to be applied
	skip     map[uint32]int     // messages of the partial transaction still to skip
	stopping <-chan struct{}    // closed when the session is to end
	idle     decode.LSN         // nothing is left to deliver before

	flushing   []flush    // state commits on their way to the disk
	durable    decode.LSN // of the state
	trimmed    position   // the output log starts after
	announced  bool
	delayed    bool          // leastDelay is known
	leastDelay time.Duration // from commit to arrival
	pressure   pressure
	lastFlush  time.Time
	lastCheck  time.Time // of drift
	checkTook  time.Duration
	described  bool       // the stream has described a table since
	suspect    *suspicion // waits for the stream; nil: none
	lastMend   time.Time  // when the views left out were last looked at
	storageAt  decode.LSN // where the storage was last found as it should be
	awaited    decode.LSN // a reader waits for progress up to here; 0: none
	rungAgain  bool       // another one waits for more than that
}

// flush says which position the state's commit reached.
type flush struct {
	seq      uint64
	position decode.LSN
}

// Snapshot is what the world may see of a running pipeline, safe for concurrent
// use.
type Snapshot struct {
	p atomic.Pointer[Progress]
}

// Progress is how far a running pipeline is.
type Progress struct {
	State       string // starting, loading, catching up, live
	Position    decode.LSN
	Applied     decode.LSN
	Acked       decode.LSN
	WALEnd      decode.LSN
	Clock       time.Time // what now() is in the views; zero if none depends on it
	CommittedAt time.Time // commit time of the last transaction applied
	AppliedAt   time.Time
	Transactions,
	Changes int64
	StateBytes uint64
	StateCache uint64
}

// Get is the present; the zero Progress before the start.
func (s *Snapshot) Get() Progress {
	if p := s.p.Load(); p != nil {
		return *p
	}
	return Progress{State: "starting"}
}

func (s *Snapshot) update(f func(*Progress)) {
	p := s.Get()
	f(&p)
	s.p.Store(&p)
}

// announce tells, once, that all views are live.
func (e *engine) announce() {
	if e.opts.Live != nil && !e.announced {
		e.opts.Live()
	}
	e.announced = true
}

func (e *engine) progressed(at position, committed time.Time) {
	if at.clock != e.progressClock {
		e.clockShown = time.Now()
	}
	e.progress, e.progressClock = at.lsn, at.clock
	e.live.update(func(p *Progress) {
		p.Applied, p.AppliedAt = at.lsn, time.Now()
		if !committed.IsZero() {
			p.CommittedAt = committed
		}
	})
}

// close releases everything a session holds. The state is flushed, so that a
// restart has nothing to replay.
func (e *engine) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	errs := []error{e.drain()}
	if e.stream != nil {
		e.acknowledgeAll(ctx)
		errs = append(errs, e.stream.Close())
	}
	if e.batch != nil {
		errs = append(errs, e.batch.Close())
	}
	if e.store != nil {
		errs = append(errs, e.store.Flush(ctx), e.store.Close())
	}
	if e.eval != nil {
		errs = append(errs, e.eval.Close(ctx))
	}
	if e.sink != nil {
		errs = append(errs, e.sink.Close(ctx))
	}
	if e.source != nil {
		errs = append(errs, e.source.Close(ctx))
	}
	return errors.Join(errs...)
}

const closeTimeout = 10 * time.Second
