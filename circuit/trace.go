package circuit

import (
	"bytes"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// cursor reads a trace: the integral of a stream up to the step before, z⁻¹I in
// the paper's letters, as it lies in the store under a prefix.
//
// Operators visit keys in ascending order. Where few of a trace's keys are
// visited, or many that it does not have, each is best sought by itself: the
// store knows cheaply what it has not. Where most are, as in loading, it is best
// to scan. So a cursor that seeks tries now and then, and goes on scanning while
// the next key is near.
type cursor struct {
	n      *node
	it     state.Iterator
	target []byte // the key sought, with the trace's prefix
	prefix int    // length of the trace's prefix
	lower  []byte // the iterator's bounds: never changed, only replaced
	upper  []byte
	still  bool // not moved since target was sought
	met    bool // something was found
	beyond bool // when it was open before, nothing was, up to the trace's end
	seeks  int  // until it tries to scan

	// scanning: no keys exist from `from` up to where the iterator stands. hasty: the next
	// key is not tried.
	scanning bool
	hasty    bool
	from     []byte
}

// open makes the cursor ready for a step. No iterator is made before it is
// needed.
func (c *cursor) open(s *step, n *node, prefix []byte) { c.openIn(s.reads(n), n, prefix) }

// openIn is open for a reader of the state that is not the node's usual one.
func (c *cursor) openIn(from reader, n *node, prefix []byte) {
	if c.it != nil {
		return
	}
	c.n, c.scanning, c.still, c.met, c.seeks = n, false, false, false, seeksPerScan
	c.target = append(c.target[:0], prefix...)
	c.prefix = len(prefix)
	if c.lower == nil || !bytes.Equal(c.lower, prefix) { // mostly the same ones as ever
		c.lower = bytes.Clone(prefix)
		c.upper = state.PrefixEnd(c.lower)
	}
	c.it = from.NewIter(c.lower, c.upper)
}

// close releases the iterator and hands up what went wrong in it.
func (c *cursor) close(err error) error {
	if c.it == nil {
		return err
	}
	c.beyond = c.ended() && !c.met
	if err == nil {
		err = c.it.Error()
	}
	if cerr := c.it.Close(); err == nil {
		err = cerr
	}
	c.it = nil
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	return nil
}

const (
	// nearSteps is how often seek tries the next key of a scan.
	nearSteps = 3
	// seeksPerScan is after how many keys sought a cursor tries to scan.
	seeksPerScan = 16
)

// seek moves to the first key that begins with k; k is a key in the sense of
// KeyFunc, given without the trace's prefix. If there is none the cursor stands
// elsewhere: ask under.
func (c *cursor) seek(k []byte) {
	if c.still && bytes.Equal(c.target[c.prefix:], k) {
		return
	}
	c.target = append(c.target[:c.prefix], k...)
	c.still = true
	if c.scanning && bytes.Compare(c.target, c.from) >= 0 && c.near() {
		c.from = append(c.from[:0], c.target...)
		return
	}
	c.n.stats.KeysRead++
	if c.seeks--; c.seeks >= 0 {
		c.scanning = false
		c.it.SeekPrefix(c.target)
		return
	}
	c.scan(false)
}

// expect tells how many keys are going to be sought. If they are many, and those sought when the cursor was open before all lay
// beyond the trace's end, the first one begins a scan: in a trace that is empty, or ends before it, that is all there is to do.
func (c *cursor) expect(keys int) {
	if keys > seeksPerScan && c.beyond {
		c.seeks = 0
	}
}

// ended says that there is nothing from the key sought on, whatever it begins with. It is known while scanning.
func (c *cursor) ended() bool { return c.scanning && !c.it.Valid() }

// scan seeks the target, and the iterator knows from there on what there is not.
func (c *cursor) scan(hasty bool) {
	if c.scanning, c.hasty = true, hasty; !hasty {
		c.seeks = seeksPerScan // in case it fails
	}
	c.it.SeekGE(c.target)
	c.from = append(c.from[:0], c.target...)
}

// reach is seekGE of a key that may be near.
func (c *cursor) reach(k []byte) {
	c.target = append(c.target[:c.prefix], k...)
	c.still = false
	if c.scanning && bytes.Compare(c.target, c.from) >= 0 && c.near() {
		c.from = append(c.from[:0], c.target...)
		return
	}
	c.n.stats.KeysRead++
	c.seeks--
	c.scan(c.seeks >= 0)
}

// near goes on scanning to target, unless that is far.
func (c *cursor) near() bool {
	for i := 0; i < nearSteps && !c.hasty; i++ {
		if c.reached() {
			return true
		}
		c.n.stats.KeysRead++
		c.it.Next()
	}
	return c.reached()
}

func (c *cursor) reached() bool { return !c.it.Valid() || bytes.Compare(c.it.Key(), c.target) >= 0 }

// seekLast moves to the last key that begins with k, if there is one, else to
// some key that does not or to none.
func (c *cursor) seekLast(k []byte) {
	c.target = append(c.target[:c.prefix], k...)
	c.scanning, c.still = false, false
	c.n.stats.KeysRead++
	if end := state.PrefixEnd(c.target); end != nil {
		c.it.SeekLT(end)
	} else {
		c.it.Last()
	}
}

// seekGE moves to the first key from k on, whatever it begins with.
func (c *cursor) seekGE(k []byte) {
	c.target = append(c.target[:c.prefix], k...)
	c.scanning, c.still = false, false
	c.n.stats.KeysRead++
	c.it.SeekGE(c.target)
}

// seekLT moves to the last key before k, whatever it begins with.
func (c *cursor) seekLT(k []byte) {
	c.target = append(c.target[:c.prefix], k...)
	c.scanning, c.still = false, false
	c.n.stats.KeysRead++
	c.it.SeekLT(c.target)
}

// next moves forward one key.
func (c *cursor) next() {
	c.n.stats.KeysRead++
	c.still = false
	if c.scanning {
		c.from = append(append(c.from[:0], c.it.Key()...), 0) // just after it
	}
	c.it.Next()
}

// prev moves back one key.
func (c *cursor) prev() {
	c.n.stats.KeysRead++
	c.scanning, c.still = false, false
	c.it.Prev()
}

// under says whether the cursor stands on a key that begins with k.
func (c *cursor) under(k []byte) bool {
	ok := c.it.Valid() && bytes.HasPrefix(c.it.Key()[c.prefix:], k)
	c.met = c.met || ok
	return ok
}

// key is the key without the trace's prefix; weight its weight, where it has one,
// and value what it has otherwise.
func (c *cursor) key() []byte { return c.it.Key()[c.prefix:] }

func (c *cursor) weight() (int64, error) { return state.Weight(c.it.Value()) }
func (c *cursor) value() []byte          { return c.it.Value() }
