package algebra

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// SortKey is one element of ORDER BY: a column, its direction and where NULLs go.
type SortKey struct {
	Col        int
	Desc       bool
	NullsFirst bool
}

// OrderKey appends bytes that sort as ORDER BY does.
func OrderKey(cols []Column, keys []SortKey) func(dst []byte, row []values.Datum) []byte {
	return func(dst []byte, row []values.Datum) []byte {
		for _, k := range keys {
			v := row[k.Col]
			// Where NULLs go is said apart from the direction.
			if v.IsNull() == k.NullsFirst {
				dst = append(dst, 0)
			} else {
				dst = append(dst, 1)
			}
			if v.IsNull() {
				continue
			}
			at := len(dst)
			dst = values.AppendKey(dst, cols[k.Col].Type, v)
			if k.Desc {
				for i := at; i < len(dst); i++ {
					dst[i] = ^dst[i]
				}
			}
		}
		return dst
	}
}

// NoLimit is a TopK without an upper bound.
const NoLimit = -1

// TopK keeps, of each partition, the rows from Offset on, Limit of them, in an
// order; with Ties also those that are equal to the last one. Among rows that the
// order leaves equal, the one with the lesser encoding comes first.
type TopK struct {
	In            Node
	Partition     []int
	Order         []SortKey
	Offset, Limit int64
	Ties          bool
	// Numbers are columns that hold Limit and Offset instead, alike in all rows of
	// a partition; NULL is no limit, or no offset. nil: they are constants.
	Numbers *Numbers
}

// Numbers are the columns of a TopK's limit and offset.
type Numbers struct{ Limit, Offset int }

// Children is the input.
func (n *TopK) Children() []Node { return []Node{n.In} }

// With takes the rows of another input.
func (n *TopK) With(c []Node) Node { m := *n; m.In = c[0]; return &m }

// Cols are the input's.
func (n *TopK) Cols() []Column { return n.In.Cols() }

// Label lists order and bounds.
func (n *TopK) Label() string {
	keys := make([]string, len(n.Order))
	for i, k := range n.Order {
		keys[i] = fmt.Sprintf("#%d", k.Col)
		if k.Desc {
			keys[i] += " desc"
		}
		if k.NullsFirst {
			keys[i] += " nulls first"
		}
	}
	s := fmt.Sprintf("Top %d from %d by %s", n.Limit, n.Offset, strings.Join(keys, ", "))
	if n.Limit == NoLimit {
		s = fmt.Sprintf("All from %d by %s", n.Offset, strings.Join(keys, ", "))
	}
	if n.Numbers != nil {
		s = fmt.Sprintf("Top #%d from #%d by %s", n.Numbers.Limit, n.Numbers.Offset, strings.Join(keys, ", "))
	}
	if n.Ties {
		s += " with ties"
	}
	if len(n.Partition) > 0 {
		s += fmt.Sprint(" of each ", n.Partition)
	}
	return s
}

func (p *pusher) pushTopK(n *TopK, conds []expr.Expr) Node {
	below, above := ofPartition(n.In, n.Partition, conds)
	return filter(n.With([]Node{p.push(n.In, below)}), above)
}

func contains(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

func (p *pruner) pruneTopK(n *TopK, need []int) Node {
	cols := append(append([]int{}, need...), n.Partition...)
	for _, k := range n.Order {
		cols = append(cols, k.Col)
	}
	if n.Numbers != nil {
		cols = append(cols, n.Numbers.Limit, n.Numbers.Offset)
	}
	used := withColumns(cols)
	at := index(used)
	m := *n
	m.In = p.prune(n.In, used)
	m.Partition = nil
	for _, p := range n.Partition {
		m.Partition = append(m.Partition, at[p])
	}
	m.Order = nil
	for _, k := range n.Order {
		k.Col = at[k.Col]
		m.Order = append(m.Order, k)
	}
	if n.Numbers != nil {
		m.Numbers = &Numbers{Limit: at[n.Numbers.Limit], Offset: at[n.Numbers.Offset]}
	}
	return pick(&m, used, need)
}

func (k Keyring) topKKeys(n *TopK) [][]int {
	keys := k.of(n.In)
	if n.Numbers == nil && (n.Limit == 0 || n.Limit == 1 && !n.Ties) {
		keys = append([][]int{append([]int{}, n.Partition...)}, keys...)
	}
	return keys
}
