package state

import (
	"math/bits"

	"github.com/cockroachdb/pebble/v2"
)

// bulk is what a layer of a load has instead of a tree: the writes of each commit as a
// run, of which the newest are merged into larger ones. Hardly a key of a load is
// written twice, and most are not read before they are on the disk; so they are kept in as
// little memory as can be, and put in order when they are drained.
type bulk struct {
	runs []*run // the oldest first
}

const (
	// mergedRuns is how many runs of about one size become one.
	mergedRuns = 8
	// mostRuns is how many there are; an iterator counts those of two layers, files of others, and
	// what is below, by the bits of a number.
	mostRuns = 15
	// leastClass is of how many entries, as bits, runs are of one size.
	leastClass = 12
)

func newBulkLayer() *layer { return &layer{tree: newTree(), bulk: &bulk{}} }

// class is equal for runs of about one size.
func (r *run) class() int { return max(bits.Len(uint(r.len()))-leastClass, 0) / 3 }

// add appends a run.
func (b *bulk) add(r *run) (grown int) {
	if r.len() == 0 {
		return 0
	}
	b.runs = append(b.runs, r)
	return r.size()
}

// entries is how many there are.
func (b *bulk) entries() (n int) {
	for _, r := range b.runs {
		n += r.len()
	}
	return n
}

// due says from which run on all are to become one, of how many bytes and entries at most;
// from is their number if none are.
func (b *bulk) due() (from, size, entries int) {
	from = len(b.runs)
	if from == 0 {
		return
	}
	newest := b.runs[from-1].class()
	for from > 0 && (b.runs[from-1].class() <= newest || len(b.runs) > mostRuns) {
		from--
		size, entries = size+len(b.runs[from].data), entries+b.runs[from].len()
	}
	if len(b.runs)-from < mergedRuns {
		from = len(b.runs)
	}
	return
}

// replace puts one run where those were of which it was made. It returns by how many
// bytes all of them have grown.
func (b *bulk) replace(from int, merged *run) (grown int) {
	for _, r := range b.runs[from:] {
		grown -= r.size()
	}
	// Iterators may read the array that there was.
	b.runs = append(append(make([]*run, 0, mostRuns+2), b.runs[:from]...), merged)
	return grown + merged.size()
}

// get is what all runs say of a key; nil is nothing.
func (b *bulk) get(key []byte) (entry []byte, err error) {
	for _, r := range b.runs {
		i := r.search(0, r.len(), key)
		if i == r.len() {
			continue
		}
		if e := r.at(i); string(e.key) == string(key) {
			if entry, err = combined(entry, e.value); err != nil {
				return nil, err
			}
		}
	}
	return entry, nil
}

// drainTo writes all runs to a batch, in the order of the keys: Pebble need not sort
// what is large.
func (b *bulk) drainTo(to *pebble.Batch) error {
	return mergeRuns(b.runs, func(of *run, i, j int) error {
		for ; i < j; i++ {
			if err := drainEntry(to, of.at(i), false); err != nil {
				return err
			}
		}
		return nil
	})
}
