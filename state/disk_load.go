package state

import (
	"context"
	"math"
	"runtime"
	"time"
)

// A load writes more than merging keeps up with, and nobody waits for anything else
// meanwhile: so more is merged at once than when a commit is to be fresh. Nor does
// consolidating pay: hardly a key is written twice. So commits go to a layer without a
// tree (bulk), which takes several times as many keys before it is drained: the larger the
// files are that are flushed, the less often what is in them is merged, and the fewer are
// searched. And while little is sought in what it brings, layers wait in files of their own (spilled),
// to be merged together.

const (
	// settledAt is how many files on top of each other are few: Pebble merges
	// fewer ones only when others come.
	settledAt = 6
	// settleEvery is how often that is looked at.
	settleEvery = 20 * time.Millisecond
)

// mergers are how many merges may run at once. While Pebble opens the store it would start one, and then wait
// for it, as it looks for files that nobody needs any more; so merging begins with the first flush. Pebble wants
// to hear of one at least, and adds to the lower number what is behind.
func (d *Disk) mergers() (lower, upper int) {
	switch {
	case !d.opened.Load():
		return math.MinInt32, 1
	case d.loading.Load():
		return 1, max(2, runtime.NumCPU()/2)
	}
	return 1, 1
}

// StartLoad announces writes of much more than memory holds, until EndLoad. What a
// crash leaves is the store after some commit as ever, of fewer ones perhaps.
func (d *Disk) StartLoad() {
	f := &d.front
	f.mu.Lock()
	f.abandoned = false
	f.mu.Unlock()
	d.loading.Store(true)
}

// AbandonLoad gives up a load: who waits for room on the disk, or for a layer to be written, waits no longer.
func (d *Disk) AbandonLoad() {
	f := &d.front
	f.mu.Lock()
	defer f.mu.Unlock()
	f.abandoned = true
	f.idle.Broadcast()
}

// EndLoad waits, no longer than patience, until merging has caught up with what was
// loaded, and small traces are merged for good (settle): each search would look through all files that
// are left. It says whether that was done in time.
func (d *Disk) EndLoad(ctx context.Context, patience time.Duration) bool {
	defer d.loading.Store(false)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for d.sublevels() >= settledAt {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(settleEvery):
		}
	}
	if err := d.settle(ctx); err != nil && ctx.Err() == nil {
		d.lastErr.Store(&err) // nothing is lost: searches are slower
	}
	return ctx.Err() == nil
}

// sublevels is how many unmerged files one key may be in; 0 once the store is closed.
func (d *Disk) sublevels() int {
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		return 0
	}
	return int(d.db.Metrics().Levels[0].Sublevels)
}
