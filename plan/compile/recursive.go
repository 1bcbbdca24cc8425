package compile

import (
	"context"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// recursionRows bounds the rows of one recursion that change at once, and
// recursionBytes what they take; more do not fit into memory.
const (
	recursionRows  = 1 << 24
	recursionBytes = 1 << 30
)

// recursive compiles a loop. Errors in it are errors of the view, whatever the
// iteration.
func (c *compiler) recursive(n *algebra.Recursive, id string) *compiled {
	bound, table := n.Bind(id)
	cols := table.Columns
	width := len(cols)
	spec := circuit.RecursionSpec{Limit: n.Limit, MaxRows: recursionRows, MaxBytes: recursionBytes}
	label := fmt.Sprintf("Recursion with all copies over %s, %d iterations", types(cols), spec.Limit)
	if !n.All {
		key := n.Key
		if key == nil {
			key = algebra.FirstN(width - 1)
		}
		spec.Key = rowKey(cols, key)
		label = fmt.Sprintf("Recursion over %s, %d iterations", types(cols), spec.Limit)
	}
	work, overdue := c.b.Recursion(width, label, spec)
	of := c.prints.Of(table)
	c.done[of] = &compiled{stream: work, width: width, id: of, at: algebra.FirstN(width)}
	in := c.exact(c.clean(c.node(bound.In), cols))
	c.b.Close(work, in.stream)
	late := newMapper(nil, nil, width, cols[:width-1], algebra.FirstN(width), c.eval)
	endless := c.b.Map(overdue, errorWidth, "Errors of "+label, func(_ context.Context, in, out *circuit.Batch) error {
		for i, w := range in.W {
			row := in.Row(i)
			message := fmt.Sprintf("recursion did not end after %d iterations, the configuration's recursion_limit", spec.Limit)
			if row[width-1].Int64() < spec.Limit {
				message = fmt.Sprintf("recursion makes more than %d copies of a row", circuit.MaxCopies)
			}
			to := out.Grow(w)
			to[0], to[1], to[2] = values.String(programLimitExceeded), values.String(message), values.String(late.describe(row))
		}
		return nil
	})
	// What reads the result does not care in which iteration a row arose, and is
	// not told when that changes.
	return c.exact(&compiled{stream: work, width: width, id: id, at: algebra.FirstN(width - 1), errs: addErrs(in.errs, always(endless))})
}

// programLimitExceeded is the SQLSTATE of that name.
const programLimitExceeded = "54000"
