package state

import "context"

// Sweep runs one sweep now; it returns how many keys it saw and how many of
// them had no weight.
func (d *Disk) Sweep() (seen, dead int, err error) { return d.sweep(nil) }

// CompactAll compacts the whole store.
func (d *Disk) CompactAll() error {
	return d.db.Compact(context.Background(), []byte{0}, []byte{0xff, 0xff}, false)
}

// CutFiles is how many files are parts of ones that were cut when tables were taken in.
func (d *Disk) CutFiles() uint64 { return d.db.Metrics().NumVirtual() }

// Tables is how many files there are.
func (d *Disk) Tables() uint64 {
	n := uint64(0)
	for _, l := range d.db.Metrics().Levels {
		n += uint64(l.TablesCount)
	}
	return n
}

// Spill writes what a load has in memory to a file, in blocks of so many bytes, or drains it where that cannot be.
// It says whether there is a file.
func (d *Disk) Spill(block int) (bool, error) {
	f := &d.front
	f.drain.Lock()
	defer f.drain.Unlock()
	f.sought.Store(0)
	f.block = block
	defer func() { f.block = spilledBytes }()
	if seq := d.committed.Load(); seq == f.stowed {
		return false, nil
	}
	if err := d.spillLayer(); err != nil {
		return false, err
	}
	return len(f.spilled) > 0, nil
}

// SpilledIndex is how much memory they take.
func (d *Disk) SpilledIndex() int {
	d.front.mu.RLock()
	defer d.front.mu.RUnlock()
	return d.front.spilledIndex()
}

// Spilled is how many files there are of layers that were spilled.
func (d *Disk) Spilled() int {
	d.front.mu.RLock()
	defer d.front.mu.RUnlock()
	return len(d.front.spilled)
}

// Passed is how many keys of Pebble's files an iterator of a Disk has come by.
func Passed(it Iterator) uint64 {
	stats := it.(*diskIter).below.Stats()
	return stats.InternalStats.PointCount
}

// SettleNothing has the end of a load merge nothing for good.
func (d *Disk) SettleNothing() { d.settles = 0 }
