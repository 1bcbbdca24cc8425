package state

import (
	"errors"
	"fmt"
	"time"
)

// spillLayer empties a layer that is full. As long as little is sought in what a load brings, its layers go to
// files, to be merged with later ones: in Pebble they would lie on top of each other, and be merged several times.
// drain is held.
func (d *Disk) spillLayer() error {
	f := &d.front
	f.mu.Lock()
	f.waitForRun()
	l, seq := f.active, d.committed.Load()
	entries := 0
	if l.bulk != nil {
		entries = l.bulk.entries()
	}
	// To look for a key in one more file takes about as long as to merge an entry once more.
	much := int(f.sought.Swap(0))*len(f.spilled) > entries
	if l.bulk == nil || f.broken != nil || much || f.spilledFull() || !d.takesTables() {
		f.mu.Unlock()
		return d.drainLayer()
	}
	f.freeze()
	f.spills++
	f.mu.Unlock()

	s, err := spill(d.fs, d.fs.PathJoin(d.dir, fmt.Sprintf(spilledPattern, f.spills)), l.bulk.runs, d.trace, f.block)
	if err != nil {
		d.tablesFailed(err, "it goes on without")
		return d.drainFrozen(seq)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draining, f.stowed = nil, seq
	f.idle.Broadcast()
	if len(s.blocks) == 0 {
		s.release() // all of it came to nothing
		return nil
	}
	f.spilled = append(f.spilled[:len(f.spilled):len(f.spilled)], s)
	return nil
}

// ingestSpilled is ingestLayer of more than memory would hold: so if it fails, there is nothing but to try it
// again, until there is room on the disk. Who commits waits meanwhile.
func (d *Disk) ingestSpilled(b *bulk, seq uint64) error {
	for {
		err := d.ingestLayer(b, seq)
		if err == nil || errors.Is(readError(err), ErrCorrupt) {
			return err
		}
		select {
		case <-d.stop:
			return err
		default:
			d.tablesFailed(err, "they are tried again, and what is loaded waits")
		}
		if d.front.isAbandoned() {
			return errors.Join(ErrAbandoned, err)
		}
		select {
		case <-d.stop:
			return err
		case <-time.After(againEvery):
		}
	}
}

func (f *front) isAbandoned() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.abandoned
}

// againEvery is how often tables that could not be written are tried again.
const againEvery = time.Second

// spilledFull says whether there are to be no more files.
func (f *front) spilledFull() bool {
	size := int64(0)
	for _, s := range f.spilled {
		size += s.end
	}
	return len(f.spilled) == mostSpilled || size > mostSpilledBytes || f.spilledIndex() > f.limit
}

// spilledIndex is how much memory says where blocks begin.
func (f *front) spilledIndex() (bytes int) {
	for _, s := range f.spilled {
		bytes += s.index
	}
	return bytes
}

// getSpilled is what all files say of a key, as a layer's get; mu is held, for reading at least.
func (f *front) getSpilled(key []byte) (entry []byte, done bool, w int64, err error) {
	if len(f.spilled) == 0 {
		return nil, false, 0, nil
	}
	page := spilledPages.Get().(*spilledPage)
	defer spilledPages.Put(page)
	for _, s := range f.spilled {
		e, err := s.get(key, page)
		if err != nil {
			return nil, false, 0, err
		}
		if e == nil {
			continue
		}
		if entry, err = combined(entry, e); err != nil {
			return nil, false, 0, err
		}
	}
	if entry == nil {
		return nil, false, 0, nil
	}
	entry, done, w = says(entry)
	return entry, done, w, nil
}

// removeSpilled lets go of the files, as all that is in them is in Pebble; mu is held.
func (f *front) removeSpilled() {
	for _, s := range f.spilled {
		s.release()
	}
	f.spilled = nil
}
