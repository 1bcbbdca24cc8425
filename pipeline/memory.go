package pipeline

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/rs/zerolog"
)

// shares is what state.memory comes to. The state has all of it; what waits on the
// way there, and what Postgres has computed, are bounded by parts of it and come on
// top, a quarter together.
type shares struct {
	store    int64 // bytes of the store's cache and buffers
	queue    int   // bytes of messages received and not applied
	results  int   // bytes of results of Postgres that are remembered
	partRows int   // rows of an output that a step holds
	// pieceBytes of old rows are looked up for one step.
	pieceBytes int
	stepBytes  int // what a step should hold of rows on their way
}

func shareOut(memory int64) shares {
	if memory == 0 {
		memory = 256 << 20
	}
	part := int(min(max(memory/8, 4<<20), 64<<20))
	return shares{
		store: memory, queue: part, results: part,
		partRows:   int(min(max(memory>>12, 1<<12), 1<<16)), // wide ones of 4 KiB fill it
		pieceBytes: int(min(max(memory/16, 1<<20), 16<<20)),
		stepBytes:  int(min(max(memory/8, 8<<20), 32<<20)),
	}
}

// limit is how much memory the collector is told to keep to.
func (s shares) limit() int64 { return s.store + int64(s.queue+s.results) + spareMemory }

// spareMemory is for what does not depend on state.memory: views and their circuits, a
// batch of a snapshot or of a backlog in its forms on the way to the state, the
// buffers of merging.
const spareMemory = 64 << 20

// A collector that is held to less than the program needs would do nothing but
// collect: so the limit is raised by a part of itself whenever collecting has taken one
// collectorShare of the time that the program was at work, and comes down in smaller
// steps when it is easy again.
const (
	collectorEvery = 2 * time.Second
	collectorShare = 3
	collectorEasy  = 20 // one such share, or less
	collectorRaise = 8
	collectorLower = 64
	// collectorAtWork is how much collecting there has to be to be judged at all.
	collectorAtWork = 400 * time.Millisecond
)

// LimitMemory has Go's collector keep the process to what state.memory comes to and a
// fixed amount besides, until ctx ends. Left to itself it would let the heap, most of which
// is the state's caches and buffers, grow to twice what is in use. GOMEMLIMIT and
// GOGC in the environment are somebody's decision, and left alone.
func LimitMemory(ctx context.Context, memory int64, log zerolog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return
	}
	k := newMemoryKeeper(shareOut(memory).limit())
	debug.SetMemoryLimit(k.limit)
	go func() {
		tick := time.NewTicker(collectorEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			before := k.limit
			k.look(readCollector())
			if k.limit != before {
				debug.SetMemoryLimit(k.limit)
			}
			if k.limit > before {
				log.Info().Int64("limit_mib", k.limit>>20).Int64("state_memory_mib", memory>>20).
					Msg("the program needs more memory than state.memory leaves for it: collecting garbage took too much of its time")
			}
		}
	}()
}

// memoryKeeper decides on the limit.
type memoryKeeper struct {
	least, limit int64
	last         collectorTimes
}

func newMemoryKeeper(limit int64) *memoryKeeper { return &memoryKeeper{least: limit, limit: limit} }

// collectorTimes are CPU times since the start, in seconds.
type collectorTimes struct{ collecting, working float64 }

// look moves the limit by what was done since the last look.
func (k *memoryKeeper) look(now collectorTimes) {
	collecting, working := now.collecting-k.last.collecting, now.working-k.last.working
	k.last = now
	switch all := collecting + working; {
	case collecting*collectorShare >= all && collecting >= collectorAtWork.Seconds() && k.limit < math.MaxInt64/2:
		k.limit += k.limit / collectorRaise
	case collecting*collectorEasy <= all:
		k.limit = max(k.least, k.limit-k.limit/collectorLower)
	}
}

// readCollector asks the runtime. What its idle workers collect is nobody's loss.
func readCollector() collectorTimes {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
		{Name: "/cpu/classes/user:cpu-seconds"},
	}
	metrics.Read(samples)
	return collectorTimes{
		collecting: samples[0].Value.Float64() - samples[1].Value.Float64(),
		working:    samples[2].Value.Float64(),
	}
}
