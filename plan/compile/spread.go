package compile

import (
	"context"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// spread compiles a Spread: a mapper that computes the arrays, and an operator
// that takes them apart.
func (c *compiler) spread(n *algebra.Spread, id string) *compiled {
	cols := n.In.Cols()
	in := c.mapper(c.node(n.In), cols, nil, append(algebra.AllRefs(cols), n.Arrays...), id+" arrays", "Arrays for "+n.Label())
	width := len(cols) + len(n.Elements)
	s := c.b.Map(in.stream, width, n.Label(), func(_ context.Context, rows, out *circuit.Batch) error {
		elems := make([][]values.Datum, len(n.Arrays))
		for i := range rows.Len() {
			row := rows.Row(i)
			longest := 0
			for j, a := range n.Arrays {
				elems[j] = elems[j][:0]
				if v := row[len(cols)+j]; !v.IsNull() {
					var err error
					if elems[j], err = values.Elements(elems[j], a.Type(), v); err != nil {
						return fmt.Errorf("spread an array: %w", err)
					}
				}
				longest = max(longest, len(elems[j]))
			}
			for k := range longest {
				to := out.Grow(rows.W[i])
				copy(to, row[:len(cols)])
				for j := range elems {
					if k < len(elems[j]) {
						to[len(cols)+j] = elems[j][k]
					}
				}
				if n.Ordinality {
					to[width-1] = values.Int(int64(k + 1))
				}
			}
		}
		return nil
	})
	return &compiled{stream: s, width: width, id: id, at: algebra.FirstN(width), errs: in.errs}
}
