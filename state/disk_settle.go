package state

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// A load leaves tables on top of each other, fewer than Pebble would merge by itself. A key of a
// trace that is small is then sought in each of them, although all of it is in memory: that is most of what
// such a search costs. So the end of a load merges the tables of small traces, which takes little. In
// a large trace it is reading blocks that costs, each of them once.

// pile is tables whose ranges of keys overlap, directly or by others.
type pile struct {
	lower, upper []byte // its first and last key
	bytes        uint64
	high         bool // two of its tables overlap
}

// settle merges piles of tables, small ones first and no more than a quarter of the budget of memory in all.
// It ends when ctx does; what was begun goes on behind it.
func (d *Disk) settle(ctx context.Context) error {
	d.life.RLock() // a store is not closed under a merge that was asked for
	defer d.life.RUnlock()
	if d.closed {
		return nil
	}
	levels, err := d.db.SSTables()
	if err != nil {
		return err
	}
	left := d.settles
	for _, p := range piles(levels) {
		if p.bytes > left || ctx.Err() != nil {
			break
		}
		left -= p.bytes
		if err := d.db.Compact(ctx, p.lower, appendWhole(nil, p.upper), true); err != nil {
			return err
		}
	}
	return nil
}

// piles are those of which there is something to merge, by their size.
func piles(levels [][]pebble.SSTableInfo) []pile {
	tables := slices.Concat(levels...)
	slices.SortFunc(tables, func(a, b pebble.SSTableInfo) int {
		return bytes.Compare(a.Smallest.UserKey, b.Smallest.UserKey)
	})
	var all []pile
	for _, t := range tables {
		lower, upper := t.Smallest.UserKey, t.Largest.UserKey
		n := len(all) - 1
		if n < 0 || bytes.Compare(lower, all[n].upper) > 0 {
			all = append(all, pile{lower: lower, upper: upper, bytes: t.Size})
			continue
		}
		p := &all[n]
		p.bytes, p.high = p.bytes+t.Size, true
		if bytes.Compare(upper, p.upper) > 0 {
			p.upper = upper
		}
	}
	all = slices.DeleteFunc(all, func(p pile) bool { return !p.high })
	slices.SortFunc(all, func(a, b pile) int { return cmp.Compare(a.bytes, b.bytes) })
	return all
}
