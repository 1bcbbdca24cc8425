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
