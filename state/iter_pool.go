package state

import (
	"bytes"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// iterPool keeps iterators of Pebble that are not used at the moment. Between
// drains Pebble's contents do not change, so an iterator of it is as good as a new
// one, and has its files open and its blocks at hand.
type iterPool struct {
	mu     sync.Mutex
	epoch  uint64 // the last change of what iterators see, or should hold on to
	unused []*pooledIter
}

type pooledIter struct {
	*pebble.Iterator
	epoch        uint64
	lower, upper []byte // nil: open
}

// poolSize is how many iterators are kept. An unused one holds on to a few blocks
// of the cache.
const poolSize = 32

// get makes or finds an iterator within bounds.
func (p *iterPool) get(of view, lower, upper []byte) (*pooledIter, error) {
	it, epoch := p.take(lower)
	if it == nil {
		// The last level holds most keys: without its filters SeekPrefix gains little.
		made, err := of.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper, UseL6Filters: true})
		if err != nil {
			return nil, err
		}
		return &pooledIter{made, epoch, lower, upper}, nil
	}
	if !bytes.Equal(it.lower, lower) || !bytes.Equal(it.upper, upper) || (it.upper == nil) != (upper == nil) {
		it.SetBounds(lower, upper)
	}
	it.lower, it.upper = lower, upper
	return it, nil
}

// take prefers an iterator that has read the same range.
func (p *iterPool) take(lower []byte) (*pooledIter, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := len(p.unused) - 1
	if best < 0 {
		return nil, p.epoch
	}
	for i := best; i >= 0; i-- {
		if bytes.Equal(p.unused[i].lower, lower) {
			best = i
			break
		}
		if i == 0 && len(p.unused) < poolSize {
			return nil, p.epoch // there is room for one more
		}
	}
	it := p.unused[best]
	p.unused = append(p.unused[:best], p.unused[best+1:]...)
	return it, p.epoch
}

// put takes an iterator back.
func (p *iterPool) put(it *pooledIter) error {
	if err := it.Error(); err != nil {
		return it.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if it.epoch != p.epoch || len(p.unused) == poolSize {
		return it.Close()
	}
	p.unused = append(p.unused, it)
	return nil
}

// clear lets go of all iterators, those in use once they are put back.
func (p *iterPool) clear() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	var errs []error
	for _, it := range p.unused {
		errs = append(errs, it.Close())
	}
	clear(p.unused)
	p.unused = p.unused[:0]
	return errors.Join(errs...)
}
