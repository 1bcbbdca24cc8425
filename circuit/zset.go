package circuit

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Z-sets, "sets with integer weights" (the paper's section on relational
// algebra in DBSP), are an abelian group under addition of weights. A Batch is
// one written down row by row; these functions treat it as a whole, with rows
// being equal when their encodings are.

// Consolidate makes the batch canonical: each row once, in the order of its
// encoding, with a weight that is not zero.
func (b *Batch) Consolidate() error {
	var s sorter
	return s.consolidate(b)
}

// AddAll adds another Z-set of the same width.
func (b *Batch) AddAll(o *Batch) {
	b.Data = append(b.Data, o.Data...)
	b.W = append(b.W, o.W...)
}

// Negate gives every weight the other sign.
func (b *Batch) Negate() {
	for i := range b.W {
		b.W[i] = -b.W[i]
	}
}

// Clone is a copy.
func (b *Batch) Clone() *Batch {
	return &Batch{Width: b.Width, Data: slices.Clone(b.Data), W: slices.Clone(b.W)}
}

// Distinct is the set of the rows with positive weight: each with weight one.
func (b *Batch) Distinct() *Batch {
	in := b.Clone()
	in.Consolidate()
	out := NewBatch(b.Width, 0)
	for i, w := range in.W {
		if w > 0 {
			out.Append(in.Row(i), 1)
		}
	}
	return out
}

// Equal says whether two batches are the same Z-set.
func (b *Batch) Equal(o *Batch) bool {
	d := b.Clone()
	d.Negate()
	d.AddAll(o)
	d.Consolidate()
	return d.Len() == 0
}

// IsZero says whether all weights of the batch sum to nothing.
func (b *Batch) IsZero() bool { return b.Equal(NewBatch(b.Width, 0)) }

// sorter consolidates batches and keeps its memory between them.
type sorter struct {
	d    delta
	data []values.Datum
	w    []int64
}

func (s *sorter) consolidate(b *Batch) error {
	if b.Len() <= 1 {
		if b.Len() == 1 && b.W[0] == 0 {
			b.Reset()
		}
		return nil
	}
	s.d.empty()
	for i, w := range b.W {
		off := len(s.d.arena)
		s.d.arena = values.AppendRow(s.d.arena, b.Row(i))
		// The place of the row in the batch travels in the field for keys.
		if err := s.d.seal(off, off+i, off, w); err != nil {
			return err
		}
	}
	s.d.consolidate()
	s.data, s.w = s.data[:0], s.w[:0]
	for _, e := range s.d.entries {
		s.data = append(s.data, b.Row(int(e.key))...)
		s.w = append(s.w, e.w)
	}
	b.Data = append(b.Data[:0], s.data...)
	b.W = append(b.W[:0], s.w...)
	return nil
}
