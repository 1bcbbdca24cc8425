package circuit

import (
	"slices"
	"time"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// Stats counts what an operator did since the circuit was built.
type Stats struct {
	RowsIn       int64
	RowsOut      int64
	KeysRead     int64 // of state
	KeysWritten  int64
	BytesWritten int64
	Time         time.Duration // its own, without its readers'
}

// NodeInfo describes a node, for explaining and measuring.
type NodeInfo struct {
	ID       int
	Op       string // "source", "map", "join" …
	Label    string
	Width    int
	Inputs   []int
	Stateful bool
	Stats    Stats
}

// stateful marks the operators that keep something between steps.
type stateful interface{ keepsState() }

// Nodes lists the circuit's nodes in an order in which inputs come first, but
// for the ones that close a loop.
func (c *Circuit) Nodes() []NodeInfo {
	infos := make([]NodeInfo, len(c.nodes))
	for i, n := range c.nodes {
		_, keeps := n.op.(stateful)
		infos[i] = NodeInfo{
			ID: n.id, Op: n.op.kind(), Label: n.label, Width: n.width,
			Inputs: slices.Clone(n.inputs), Stateful: keeps, Stats: n.stats,
		}
	}
	return infos
}

// StateSize estimates the bytes on disk of a node's state.
func (c *Circuit) StateSize(node int) (uint64, error) {
	p := c.nodes[node].prefix
	return c.store.SizeOf(p, state.PrefixEnd(p))
}
