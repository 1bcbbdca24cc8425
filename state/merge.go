package state

import (
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// weightMerger teaches Pebble that weights add up and that a zero sum is no
// key. Its name is recorded in the files; another name cannot open them.
var weightMerger = &pebble.Merger{
	Name: "stepping-cdc.weight",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		m := &weightSum{}
		return m, m.add(value)
	},
}

// weightSum is one merge under way; addition commutes, so newer and older
// operands are the same to it.
type weightSum struct {
	sum int64
	buf [10]byte
}

func (m *weightSum) add(value []byte) error {
	w, err := Weight(value)
	m.sum += w
	return err
}

func (m *weightSum) MergeNewer(value []byte) error { return m.add(value) }
func (m *weightSum) MergeOlder(value []byte) error { return m.add(value) }

func (m *weightSum) Finish(bool) ([]byte, io.Closer, error) {
	return appendWeight(m.buf[:0], m.sum), nil, nil
}

// DeletableFinish drops a zero sum, whether or not older operands exist below:
// adding zero to them changes nothing. (It would resurrect what lies under a
// Delete or Set of the same key, which is why a weight key never sees those.)
func (m *weightSum) DeletableFinish(includesBase bool) ([]byte, bool, io.Closer, error) {
	value, closer, err := m.Finish(includesBase)
	return value, m.sum == 0, closer, err
}
