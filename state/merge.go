package state

import (
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// How values lie in Pebble: one written by Set has a byte 0xff behind it, a
// weight is a zigzag varint (whose last byte is below 0x80), and a weight of
// zero is empty. So a reader knows them apart by the last byte, and passes over
// the empty ones: they are not there.
//
// Pebble can drop a merged value by itself (DeletableValueMerger), but up to
// v2.1.7 its compactions then lose their place, and panic or bring back a value
// that was merged away: cockroachdb/pebble#6168. So zeros stay in the files
// until the sweeper deletes them like any key.
const setTag = 0xff

// stored is what a raw value of Pebble means; ok is false for a zero weight.
func stored(raw []byte) (value []byte, ok bool) {
	if len(raw) == 0 {
		return nil, false
	}
	if last := len(raw) - 1; raw[last] == setTag {
		return raw[:last:last], true
	}
	return raw, true
}

// weightMerger teaches Pebble that weights add up. Its name is recorded in the
// files; a store with another one cannot be opened.
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
	if len(value) == 0 {
		return nil
	}
	w, err := Weight(value)
	m.sum += w
	return err
}

func (m *weightSum) MergeNewer(value []byte) error { return m.add(value) }
func (m *weightSum) MergeOlder(value []byte) error { return m.add(value) }

func (m *weightSum) Finish(bool) ([]byte, io.Closer, error) {
	if m.sum == 0 {
		return m.buf[:0], nil, nil
	}
	return appendWeight(m.buf[:0], m.sum), nil, nil
}
