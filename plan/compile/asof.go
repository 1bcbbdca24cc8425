package compile

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// asOf compiles a join with the nearest row. The circuit's operator looks for the first one from a
// place on; where the last one before is meant, places are turned around, byte by byte.
func (c *compiler) asOf(n *algebra.AsOf, id string) *compiled {
	l, r := c.exact(c.clean(c.node(n.L), n.L.Cols())), c.exact(c.clean(c.node(n.R), n.R.Cols()))
	s := c.b.AsOfJoin(l.stream, r.stream, len(n.Out), n.Label(), circuit.AsOfSpec{
		LeftGroup:  equalKey(compileAll(n.LKeys), n.LKeys),
		RightGroup: equalKey(compileAll(n.RKeys), n.RKeys),
		LeftAt:     placeKey(n.LAt, n.Back),
		RightAt:    placeKey(n.RAt, n.Back),
		Strict:     n.Strict,
		Order:      tieKey(n),
		Emit:       pairs(nil, l.width, l.width+r.width, n.Out),
	})
	return &compiled{stream: s, width: len(n.Out), id: id, at: algebra.FirstN(len(n.Out)), errs: addErrs(l.errs, c.given(r.errs, l)...)}
}

// placeKey is a place in the order of values, or back.
func placeKey(e expr.Expr, back bool) circuit.KeyFunc {
	of, t := expr.Compile(e), e.Type()
	return func(dst []byte, row []values.Datum) ([]byte, bool) {
		v := of(row)
		if v.IsNull() || v.IsErr() {
			return dst, false
		}
		at := len(dst)
		dst = values.AppendKey(dst, t, v)
		if back {
			for i := at; i < len(dst); i++ {
				dst[i] = ^dst[i]
			}
		}
		return dst, true
	}
}

// tieKey orders rows of the right side at one place; nil if their encodings do.
func tieKey(n *algebra.AsOf) circuit.KeyFunc {
	cols := n.R.Cols()
	whole := slices.Equal(n.Row, algebra.FirstN(len(cols)))
	if len(n.Order) == 0 && whole {
		return nil
	}
	order := algebra.OrderKey(cols, n.Order)
	return func(dst []byte, row []values.Datum) ([]byte, bool) {
		dst = order(dst, row)
		if !whole {
			for _, c := range n.Row {
				dst = values.AppendRow(dst, row[c:c+1])
			}
		}
		return dst, true
	}
}
