package decode

import (
	"time"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// ChangeKind is what happened to a row, or to all rows of a table.
type ChangeKind uint8

const (
	Insert ChangeKind = iota
	Update
	Delete
	Truncate
)

// Change is one change of a registered table, its rows reduced to the columns
// in use.
type Change struct {
	Table   int // index of registration
	Kind    ChangeKind
	OldKind OldKind
	// checkNew: see mapping.
	checkNew bool
	// Message is its place among the messages about rows and TRUNCATEs that came with
	// it, of all tables. In a transaction that is the same in every session.
	Message int32

	Old []values.Datum // nil without OldKind; under OldKey only key columns are filled in
	New []values.Datum // nil for Delete and Truncate
	// Unchanged marks the columns of New that the stream left out, because their
	// TOASTed value is still the old one; nil where there are none.
	Unchanged Bitmap
}

// Bitmap is a set of column numbers.
type Bitmap []uint64

// Has says whether column i is in the set.
func (b Bitmap) Has(i int) bool { return i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0 }

// Tx is one committed transaction.
type Tx struct {
	XID        uint32
	CommitLSN  LSN // where its commit record starts: what orders transactions
	EndLSN     LSN // the byte after: the position to store and to acknowledge
	CommitTime time.Time

	// From and To delimit its changes in Changes.List. A transaction that came in
	// chunks has one Tx a chunk.
	From, To    int
	First, Last bool // its beginning, its end lies in this chunk
}

// Changes collects decoded transactions. Rows are cut from common blocks that
// are never overwritten, so they may be kept.
type Changes struct {
	Txs  []Tx
	List []Change
	// Messages is how many messages about rows and TRUNCATEs came.
	Messages int

	block []values.Datum
}

// Reset forgets all transactions; rows handed out stay valid.
func (c *Changes) Reset() {
	clear(c.List)
	c.Txs, c.List, c.Messages = c.Txs[:0], c.List[:0], 0
}

const (
	smallestBlock = 64
	largestBlock  = 8192
)

// row cuts an all-NULL row off the current block.
func (c *Changes) row(width int) []values.Datum {
	if cap(c.block)-len(c.block) < width {
		n := min(max(2*cap(c.block), smallestBlock), largestBlock)
		c.block = make([]values.Datum, 0, max(n, width))
	}
	n := len(c.block)
	c.block = c.block[:n+width]
	return c.block[n : n+width : n+width]
}
