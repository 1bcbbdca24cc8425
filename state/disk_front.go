package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// front is what lies between commits and Pebble: the layer that takes the writes
// and, while it is being drained, the one before it. Both are consolidated, so a
// key that changes with every commit is one entry, what came and went is none,
// and a reader does not walk over the past. (Those of a load are so when they are drained; before that
// they may wait in files, as spilled.)
//
// A drain freezes the layer and writes it to Pebble as one batch, together with
// the number of its last commit: what Pebble holds is always the store after some
// commit. Meanwhile readers see the frozen layer over Pebble as it was before, without it.
type front struct {
	mu        sync.RWMutex // held while a layer is read by its keys, or changes
	active    *layer
	draining  *layer     // nil: none
	spilled   []*spilled // layers of a load before that, in files, the oldest first; never changed, only replaced
	below     view       // what Pebble had before what is being written to it
	iters     iterPool   // of below
	broken    error      // the active layer holds half a batch
	abandoned bool       // a load was given up
	crowded   bool       // merging is far behind: only what is asked to be durable goes on to Pebble

	limit   int    // bytes from which on the active layer is drained
	bulk    int    // … of a load
	lent    func() // gives back what a load has of the cache; nil: there is none
	through int    // bytes of a batch from which on it goes to Pebble

	handed *handed // the last commit of a load, while its run is made; nil: none
	spare  *run    // what was handed over before, to be written again; or nil

	drain    sync.Mutex      // held while something is written to Pebble
	inMemory bool            // some of what was written to Pebble may not be on the disk
	flushed  <-chan struct{} // closed once it is; nil: that was not asked for
	idle     *sync.Cond      // of mu: a layer was frozen or drained, or never will be, or a run was made, or crowded has changed
	wake     chan struct{}
	ended    chan struct{} // the drainer has ended

	sought atomic.Int64 // how many keys were sought in what a load has not brought to Pebble
	spills int          // how many layers were spilled: names files
	block  int          // bytes of a block of these

	// Numbers of commits: the last one in Pebble, and the last one there or in a file; up to which to drain; up to
	// which to make durable, and up to which that has begun.
	drained, stowed, wanted, flushWanted, flushing uint64
}

func (f *front) init(memory int64) {
	f.active = newLayer()
	f.idle = sync.NewCond(&f.mu)
	f.wake = make(chan struct{}, 1)
	f.ended = make(chan struct{})
	f.limit = int(memory / 16)
	f.bulk = int(memtableSize(memory)) + f.limit
	f.through = f.limit / 2
	f.block = spilledBytes
}

// commitBatch makes a batch visible.
func (d *Disk) commitBatch(b *diskBatch) (uint64, error) {
	d.life.RLock()
	defer d.life.RUnlock()
	if d.closed {
		b.fail(ErrClosed)
	}
	if b.err != nil {
		return 0, b.err
	}
	f := &d.front
	loading := d.loading.Load()
	if loading && b.b.Empty() && b.Size() < f.bulk {
		return d.commitBulk(b)
	}
	b.plain()
	if b.err != nil {
		return 0, b.err
	}
	if loading || b.b.Len() >= f.through {
		return d.commitThrough(b)
	}
	if err := d.turnLayer(false); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waitForRoom()
	if f.broken != nil {
		return 0, f.broken
	}
	if err := f.active.apply(b.b); err != nil {
		f.broken = err
		return 0, err
	}
	seq := d.committed.Add(1)
	if f.active.used > f.limit && !f.active.repack() {
		f.wanted = seq
		f.rouse()
	}
	if b.grown {
		b.renew()
	} else {
		b.Reset()
	}
	return seq, nil
}

// waitForRoom waits, with mu held, until the active layer may take more: not while the
// drainer is behind, or merging.
func (f *front) waitForRoom() {
	for f.active.used > f.limit && (f.draining != nil || f.crowded) && f.broken == nil {
		f.idle.Wait()
	}
}

// turnLayer has the active layer be that of a load, or not. Who commits calls it: so
// nothing comes into the layer meanwhile.
func (d *Disk) turnLayer(bulk bool) error {
	f := &d.front
	f.mu.RLock()
	is := f.active.bulk != nil
	f.mu.RUnlock()
	if is == bulk {
		return nil
	}
	f.drain.Lock()
	defer f.drain.Unlock()
	if err := d.drainLayer(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spare = nil
	if f.active = newLayer(); bulk {
		f.active = newBulkLayer()
		// Three times what its layers are larger than others: for one that fills, for one that is on its way, and
		// for runs that are merged, or what Pebble has of a layer that cannot go to the disk at once.
		f.lent = d.cache.Reserve(3 * (f.bulk - f.limit))
	} else if f.lent != nil {
		f.lent()
		f.lent = nil
	}
	return nil
}

// commitThrough writes a large batch to Pebble, behind what the layer holds: it is
// about as fast to Pebble as to the layer, and has to go there anyway.
func (d *Disk) commitThrough(b *diskBatch) (uint64, error) {
	f := &d.front
	f.mu.Lock()
	for f.crowded && f.broken == nil {
		f.idle.Wait()
	}
	f.mu.Unlock()
	f.drain.Lock()
	defer f.drain.Unlock()
	if err := d.drainLayer(); err != nil {
		return 0, err
	}
	seq := d.committed.Load() + 1
	b.Set(commitKey, binary.BigEndian.AppendUint64(b.scratch[:0], seq))
	if b.err != nil {
		return 0, b.err
	}
	f.mu.Lock()
	below, err := d.hold()
	f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	err = b.write(f.through)
	d.batched()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return 0, errors.Join(err, d.release(below))
	}
	f.drained, f.stowed = seq, seq
	d.committed.Store(seq)
	b.Reset()
	return seq, d.release(below)
}

// view is what iterators are made of.
type view interface {
	NewIter(*pebble.IterOptions) (*pebble.Iterator, error)
}

// pinned is Pebble as an iterator of it has seen it, with the files that there were. An iterator of a snapshot would have
// to pass over all that is newer in the files that have come since: of tables that are taken in, perhaps millions of
// keys for one that is sought.
type pinned struct{ *pebble.Iterator }

// NewIter makes an iterator of the same.
func (p pinned) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	return p.Clone(pebble.CloneOptions{IterOptions: o})
}

// hold has readers see Pebble as it is now, whatever is written there, until
// release; mu is held for both. That is for more than what is visible when: Pebble
// may flush a large batch before it counts as visible, and merge what it adds with
// what was there before. An iterator made in between would see neither.
func (d *Disk) hold() (pinned, error) {
	it, err := d.db.NewIter(nil)
	if err != nil {
		return pinned{}, err
	}
	d.front.below = pinned{it}
	return pinned{it}, nil
}

func (d *Disk) release(below pinned) error {
	d.front.below = d.db
	err := d.front.iters.clear()
	if below.Iterator != nil { // else it could not be held
		err = errors.Join(err, below.Close())
	}
	return err
}

// rouse wakes the drainer.
func (f *front) rouse() {
	select {
	case f.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// startFlush has everything up to a commit drained and made durable.
func (f *front) startFlush(seq uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted, f.flushWanted = max(f.wanted, seq), max(f.flushWanted, seq)
	f.rouse()
	return f.broken
}

// crowding looks how far merging is behind. While it is too far, what is written
// waits, but not what has to become durable: that would make whoever waits for a
// flush wait longer, the larger the state is.
func (d *Disk) crowding() {
	sublevels := d.db.Metrics().Levels[0].Sublevels
	f := &d.front
	f.mu.Lock()
	defer f.mu.Unlock()
	switch was := f.crowded; {
	case was && sublevels < crowdedFrom:
		f.crowded = false
		f.idle.Broadcast()
		f.rouse()
	case !was && sublevels >= crowdedFrom:
		f.crowded = true
		d.onEvent(Event{Name: "stall", Text: fmt.Sprintf("writes wait for merging, with %d files on top of each other", sublevels)})
	}
}

// crowdedFrom is from how many unmerged files on, in which one key may be, writes
// wait for merging.
const crowdedFrom = 40

// drainer drains and flushes as wanted until the store is closed.
func (d *Disk) drainer() {
	f := &d.front
	defer close(f.ended)
	for {
		select {
		case <-d.stop:
			return
		case <-f.wake:
		}
		if err := d.drainWanted(); err != nil {
			err = readError(err)
			d.lastErr.Store(&err)
			d.wakeFlushers()
		}
	}
}

// failed is why nothing is read, committed or drained any more, if so.
func (f *front) failed() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.broken
}

func (d *Disk) drainWanted() error {
	f := &d.front
	f.drain.Lock()
	defer f.drain.Unlock()
	f.mu.RLock()
	flush := f.flushing < f.flushWanted
	full := f.stowed < f.wanted && !f.crowded
	f.mu.RUnlock()
	var err error
	switch {
	case flush:
		err = d.drainLayer()
	case full:
		err = d.spillLayer()
	}
	if err != nil {
		return err
	}
	if flush {
		if _, err := d.db.AsyncFlush(); err != nil {
			return err
		}
		f.mu.Lock()
		f.flushing = f.drained
		f.mu.Unlock()
	}
	return nil
}

// drainLayer empties the layer into Pebble, behind what was spilled; drain is held.
func (d *Disk) drainLayer() error {
	f := &d.front
	f.mu.Lock()
	f.waitForRun()
	seq := d.committed.Load()
	if f.broken != nil || seq == f.drained {
		defer f.mu.Unlock()
		return f.broken
	}
	f.freeze()
	f.mu.Unlock()
	return d.drainFrozen(seq)
}

// drainFrozen is drainLayer of a layer that is frozen, whose last commit is seq.
func (d *Disk) drainFrozen(seq uint64) error {
	f := &d.front
	f.mu.Lock()
	below, err := d.hold()
	f.mu.Unlock()
	if err == nil {
		err = d.writeLayer(f.draining, seq)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		// What was committed since stands on what is lost now.
		f.broken = fmt.Errorf("drain state: %w", err)
		err = errors.Join(f.broken, d.release(below))
	} else {
		f.draining, f.drained, f.stowed = nil, seq, seq
		f.removeSpilled()
		err = d.release(below)
	}
	f.idle.Broadcast()
	return err
}

// freeze has the active layer be the one that is drained, and another one take its place; mu is held.
func (f *front) freeze() {
	f.draining = f.active
	if f.active = newLayer(); f.draining.bulk != nil {
		f.active = newBulkLayer()
	}
	f.idle.Broadcast()
}

// writeLayer writes a frozen layer to Pebble, behind what was spilled. If tables cannot be written, because the disk is
// full perhaps, Pebble gets a batch: it keeps that in memory, and tries again to flush it.
func (d *Disk) writeLayer(l *layer, seq uint64) error {
	if len(d.front.spilled) > 0 {
		return d.ingestSpilled(l.bulk, seq)
	}
	if l.bulk != nil && d.takesTables() {
		err := d.ingestLayer(l.bulk, seq)
		if err == nil {
			return nil
		}
		d.tablesFailed(err, "it goes on without")
	}
	size := l.used
	if l.bulk == nil {
		size /= 2 // most of it is the tree
	}
	b := d.db.NewBatchWithSize(size)
	err := l.drainTo(b)
	if err == nil {
		var buf [9]byte
		value := append(binary.BigEndian.AppendUint64(buf[:0], seq), setTag)
		err = b.Set(appendWhole(nil, commitKey), value, nil)
	}
	if err == nil {
		err = b.Commit(pebble.NoSync)
		d.batched()
	}
	return errors.Join(err, b.Close())
}

// get reads a key, as it lies in Pebble; mu is held. ok is false if it is not there.
func (f *front) get(dst, key []byte) (value []byte, ok bool, err error) {
	var sum int64
	added := false
	for part := range 3 { // the newest first
		var entry []byte
		var done bool
		var w int64
		switch part {
		case 0:
			entry, done, w, err = f.active.get(key)
		case 1:
			entry, done, w, err = f.draining.get(key)
		default:
			entry, done, w, err = f.getSpilled(key)
		}
		if err != nil {
			return dst, false, err
		}
		if w != 0 {
			sum, added = sum+w, true
		}
		if !done {
			continue
		}
		switch {
		case entry == nil || entry[0] == entryGone:
		case entry[0] == entryWeight:
			sum += entryNumber(entry)
		case added:
			return dst, false, errWeightOnValue
		default:
			value, _ := stored(entry[1:])
			return append(dst, value...), true, nil
		}
		if sum == 0 {
			return dst, false, nil
		}
		return appendWeight(dst, sum), true, nil
	}
	// An iterator that is at hand has its files open: cheaper than Pebble's Get.
	it, err := f.iters.get(f.below, nil, nil)
	if err != nil {
		return dst, false, err
	}
	var raw []byte
	if it.SeekPrefixGE(key) && bytes.Equal(it.Key(), key) {
		raw = it.Value()
	}
	value, ok = stored(raw)
	switch {
	case !added:
		dst = append(dst, value...)
	case ok && raw[len(raw)-1] == setTag:
		err = errWeightOnValue
	default:
		var w int64
		if ok {
			w, err = Weight(value)
		}
		if ok = sum+w != 0; ok {
			dst = appendWeight(dst, sum+w)
		}
	}
	err = errors.Join(err, it.Error(), f.iters.put(it))
	return dst, ok && err == nil, err
}

// used is how much memory the layers take.
func (f *front) used() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n := f.active.used + f.spilledIndex()
	if f.draining != nil {
		n += f.draining.used
	}
	return uint64(n)
}
