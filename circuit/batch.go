package circuit

import "github.com/stepping-cdc/stepping-cdc/values"

// Batch is a Z-set, not necessarily consolidated: rows of one width, each with
// a weight (a positive number of copies, or a negative one for copies taken
// away). The same row may occur several times; its weight is the sum.
//
// Rows lie one after the other in a single slice, so that a batch of thousands
// is two allocations.
type Batch struct {
	Width int
	Data  []values.Datum // len = Width * Len()
	W     []int64        // len = Len()
}

// NewBatch makes an empty batch of rows of the given width with room for n.
func NewBatch(width, n int) *Batch {
	return &Batch{Width: width, Data: make([]values.Datum, 0, width*n), W: make([]int64, 0, n)}
}

// Len is the number of entries, which is not the sum of weights.
func (b *Batch) Len() int { return len(b.W) }

// Row is the i-th row; it aliases the batch.
func (b *Batch) Row(i int) []values.Datum {
	return b.Data[i*b.Width : (i+1)*b.Width : (i+1)*b.Width]
}

// Slice is the rows from lo up to hi as a batch; it aliases this one and is not to be
// added to.
func (b *Batch) Slice(lo, hi int) *Batch {
	return &Batch{Width: b.Width, Data: b.Data[lo*b.Width : hi*b.Width : hi*b.Width], W: b.W[lo:hi:hi]}
}

// Append adds a row (copied) with a weight.
func (b *Batch) Append(row []values.Datum, w int64) {
	b.Data = append(b.Data, row...)
	b.W = append(b.W, w)
}

// Grow adds an empty row with a weight and returns it to be filled in.
func (b *Batch) Grow(w int64) []values.Datum {
	n := len(b.Data)
	for range b.Width {
		b.Data = append(b.Data, values.Null)
	}
	b.W = append(b.W, w)
	return b.Data[n : n+b.Width : n+b.Width]
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.Data, b.W = b.Data[:0], b.W[:0] }
