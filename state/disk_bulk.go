package state

// A commit of a load hands its writes over and returns: the run that they become is made, and merged with
// others, while the next step is computed. Whoever reads waits for it, whoever drains or commits
// also for merging.

// handed is a commit that was handed over.
type handed struct {
	raw  *run // its entries, as they came
	seq  uint64
	read bool          // its run is in the layer
	made chan struct{} // closed then, or if that fails
}

// commitBulk is commitBatch of a load.
func (d *Disk) commitBulk(b *diskBatch) (uint64, error) {
	if err := d.turnLayer(true); err != nil {
		return 0, err
	}
	f := &d.front
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waitForRun()
	// Once the layer is full the drainer takes it, if it is let: it wants to when no run is being
	// made, and this goroutine would have the next one made before it looks.
	for f.active.used > f.bulk && f.broken == nil {
		if f.abandoned {
			return 0, ErrAbandoned
		}
		f.idle.Wait()
	}
	if f.broken != nil {
		return 0, f.broken
	}
	h := &handed{raw: b.raw, seq: d.committed.Add(1), made: make(chan struct{})}
	f.handed = h
	if b.raw, f.spare = f.spare, nil; b.raw == nil {
		b.raw = newRun(0, 0)
	}
	b.Reset()
	go f.makeRun(h)
	return h.seq, nil
}

// makeRun puts what was handed over into the layer, and merges runs of which there are
// many. If it cannot, nothing is read or committed any more.
func (f *front) makeRun(h *handed) {
	r, err := runOf(h.raw)
	h.raw = f.emptied(h.raw) // before merging takes memory
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.active // as long as a run is made, no other one takes its place
	if err == nil {
		l.used += l.bulk.add(r)
		close(h.made)
		h.read = true
		err = f.mergeRuns(l)
	} else {
		close(h.made)
	}
	if err != nil {
		f.broken = err
	}
	if l.used > f.bulk {
		f.wanted = max(f.wanted, h.seq)
		f.rouse()
	}
	f.handed, f.spare = nil, h.raw
	f.idle.Broadcast()
}

// emptied is a run to be written again, with no more room than a batch keeps.
func (f *front) emptied(r *run) *run {
	if r.reset(); cap(r.data) > 2*f.limit {
		return newRun(0, 0)
	}
	return r
}

// mergeRuns merges runs of the active layer as long as that is due. It is called with mu held,
// which others have while it merges: what is read meanwhile is the same before and after.
func (f *front) mergeRuns(l *layer) error {
	for {
		from, size, entries := l.bulk.due()
		runs := l.bulk.runs[from:]
		if len(runs) == 0 {
			return nil
		}
		f.mu.Unlock()
		merged, err := mergedRun(runs, size, entries)
		f.mu.Lock()
		if err != nil {
			return err
		}
		l.used += l.bulk.replace(from, merged)
	}
}

// waitForRun waits, with mu held, until no run is being made.
func (f *front) waitForRun() {
	for f.handed != nil {
		f.idle.Wait()
	}
}

// rlock locks mu for reading all that was committed.
func (f *front) rlock() error {
	for {
		f.mu.RLock()
		h, err := f.handed, f.broken
		if err == nil && (h == nil || h.read) {
			return nil
		}
		f.mu.RUnlock()
		if err != nil {
			return err
		}
		<-h.made
	}
}
