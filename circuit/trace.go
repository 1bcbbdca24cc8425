package circuit

import (
	"bytes"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// cursor reads a trace: the integral of a stream up to the step before, z⁻¹I in
// the paper's letters, as it lies in the store under a prefix. Operators visit
// keys in ascending order, so that one iterator moves forward through all.
type cursor struct {
	n  *node
	it state.Iterator
	// forward: no keys exist from `from` up to where the iterator stands.
	forward bool
	from    []byte
	target  []byte // scratch for the key sought
	prefix  int    // length of the trace's prefix
}

// open makes the cursor ready for a step. No iterator is made before it is
// needed.
func (c *cursor) open(s *step, n *node, prefix []byte) {
	if c.it != nil {
		return
	}
	c.n, c.forward = n, false
	c.target = append(c.target[:0], prefix...)
	c.prefix = len(prefix)
	lower := bytes.Clone(prefix)
	c.it = s.store.NewIter(lower, state.PrefixEnd(lower))
}

// close releases the iterator and hands up what went wrong in it.
func (c *cursor) close(err error) error {
	if c.it == nil {
		return err
	}
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

// nearSteps is how often seek tries the next key before it searches: a batch
// that touches most keys of a range then costs a scan of it.
const nearSteps = 3

// seek moves to the first key ≥ k (k without the trace's prefix).
func (c *cursor) seek(k []byte) {
	c.target = append(c.target[:c.prefix], k...)
	if c.forward && bytes.Compare(c.target, c.from) >= 0 {
		for range nearSteps {
			if !c.it.Valid() || bytes.Compare(c.it.Key(), c.target) >= 0 {
				c.from = append(c.from[:0], c.target...)
				return
			}
			c.n.stats.KeysRead++
			c.it.Next()
		}
		if !c.it.Valid() || bytes.Compare(c.it.Key(), c.target) >= 0 {
			c.from = append(c.from[:0], c.target...)
			return
		}
	}
	c.n.stats.KeysRead++
	c.it.SeekGE(c.target)
	c.forward = true
	c.from = append(c.from[:0], c.target...)
}

// seekLast moves to the last key that begins with k, if there is one, else to
// some key that does not or to none.
func (c *cursor) seekLast(k []byte) {
	c.target = append(c.target[:c.prefix], k...)
	c.forward = false
	c.n.stats.KeysRead++
	if end := state.PrefixEnd(c.target); end != nil {
		c.it.SeekLT(end)
	} else {
		c.it.Last()
	}
}

// next moves forward one key.
func (c *cursor) next() {
	c.n.stats.KeysRead++
	if c.forward {
		c.from = append(append(c.from[:0], c.it.Key()...), 0) // just after it
	}
	c.it.Next()
}

// prev moves back one key.
func (c *cursor) prev() {
	c.n.stats.KeysRead++
	c.forward = false
	c.it.Prev()
}

// under says whether the cursor stands on a key that begins with k.
func (c *cursor) under(k []byte) bool {
	return c.it.Valid() && bytes.HasPrefix(c.it.Key()[c.prefix:], k)
}

// key is the key without the trace's prefix; weight its weight.
func (c *cursor) key() []byte { return c.it.Key()[c.prefix:] }

func (c *cursor) weight() (int64, error) { return state.Weight(c.it.Value()) }
