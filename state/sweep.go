package state

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// The sweeper deletes keys whose weights have come to zero (merge.go says why
// nobody else does). It goes through the whole store, so it goes only after
// compactions have read several times as much: its share of the work stays
// small. Finding little makes it rarer.
const (
	sweepMinBytes  = 64 << 20 // read by compactions before a sweep, at least
	sweepMinFactor = 4        // times the store's size
	sweepMaxFactor = 64
	sweepChunk     = 256 // keys deleted under one lock
)

// sweepDue says whether compactions have read enough since the last sweep.
func (d *Disk) sweepDue() bool {
	read := d.compacted.Load() - d.sweptAt
	return read >= sweepMinBytes && read >= d.sweepFactor*d.db.Metrics().DiskSpaceUsage()
}

// sweeper runs sweeps until stop is closed.
func (d *Disk) sweeper(stop <-chan struct{}) {
	defer close(d.swept)
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if !d.sweepDue() {
			continue
		}
		d.sweptAt = d.compacted.Load()
		seen, dead, err := d.sweep(stop)
		if err != nil {
			d.lastErr.Store(&err)
			continue
		}
		if dead*20 < seen {
			d.sweepFactor = min(d.sweepFactor*2, sweepMaxFactor)
		} else {
			d.sweepFactor = sweepMinFactor
		}
	}
}

// sweep goes through the store once.
func (d *Disk) sweep(stop <-chan struct{}) (seen, dead int, err error) {
	it, err := d.db.NewIter(nil)
	if err != nil {
		return 0, 0, readError(err)
	}
	var found [][]byte
	for ok := it.First(); ok; ok = it.Next() {
		seen++
		if len(it.Value()) == 0 {
			found = append(found, bytes.Clone(it.Key()))
		}
		if len(found) == sweepChunk || seen%(1<<14) == 0 {
			select {
			case <-stop:
				return seen, dead, readError(it.Close())
			default:
			}
			if err := d.deleteDead(found); err != nil {
				return seen, dead, errors.Join(err, it.Close())
			}
			dead += len(found)
			found = found[:0]
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return seen, dead, readError(err)
	}
	return seen, dead + len(found), d.deleteDead(found)
}

// deleteDead deletes those of the keys that are still without weight, while
// nothing else is written to Pebble. Readers see no difference: what a layer adds
// to such a key, it adds to nothing.
func (d *Disk) deleteDead(keys [][]byte) error {
	if len(keys) == 0 {
		return nil
	}
	d.front.drain.Lock()
	defer d.front.drain.Unlock()
	if len(d.front.spilled) > 0 {
		return nil // nothing is written to Pebble before them but tables
	}
	b := d.db.NewBatch()
	defer b.Close()
	for _, key := range keys {
		raw, closer, err := d.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return readError(err)
		}
		isDead := len(raw) == 0
		if err := closer.Close(); err != nil {
			return readError(err)
		}
		if isDead {
			if err := b.Delete(key, nil); err != nil {
				return fmt.Errorf("delete weightless key: %w", err)
			}
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("delete weightless keys: %w", err)
	}
	d.batched()
	return nil
}
