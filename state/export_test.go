package state

import "context"

// Sweep runs one sweep now; it returns how many keys it saw and how many of
// them had no weight.
func (d *Disk) Sweep() (seen, dead int, err error) { return d.sweep(nil) }

// CompactAll compacts the whole store.
func (d *Disk) CompactAll() error {
	return d.db.Compact(context.Background(), []byte{0}, []byte{0xff, 0xff}, false)
}
