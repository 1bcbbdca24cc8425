package algebra

import (
	"fmt"
	"strings"
)

// Shared is its input, for several readers: all of its columns are kept, and no
// condition of one reader goes below, so that it is computed once for all.
type Shared struct{ In Node }

// Children is the input.
func (n *Shared) Children() []Node { return []Node{n.In} }

// With shares another input.
func (n *Shared) With(c []Node) Node { return &Shared{In: c[0]} }

// Cols are the input's.
func (n *Shared) Cols() []Column { return n.In.Cols() }

// Label is the operator alone.
func (n *Shared) Label() string { return "Shared" }

// showSort writes ORDER BY.
func showSort(keys []SortKey) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = fmt.Sprintf("#%d", k.Col)
		if k.Desc {
			out[i] += " desc"
		}
		if k.NullsFirst {
			out[i] += " nulls first"
		}
	}
	return strings.Join(out, ", ")
}
