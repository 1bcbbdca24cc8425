package compile

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// aggregate compiles grouping. What it reads of a row (group expressions,
// arguments, filters) is computed by a mapper below, so that an evaluation that
// fails ends among the errors; the aggregate itself only moves columns.
func (c *compiler) aggregate(n *algebra.Aggregate, id string) *compiled {
	in := c.clean(c.node(n.In), n.In.Cols())
	var feed []expr.Expr
	at := map[string]int{}
	place := func(e expr.Expr) int {
		key := expr.String(e) + ":" + e.Type().SQL
		i, ok := at[key]
		if !ok {
			i = len(feed)
			at[key] = i
			feed = append(feed, e)
		}
		return i
	}
	groupAt := make([]int, len(n.Group))
	for i, g := range n.Group {
		groupAt[i] = place(g)
	}
	spec := circuit.AggSpec{Global: n.Global, GroupWidth: len(n.Group)}
	for _, a := range n.Aggs {
		argAt := make([]int, len(a.Args))
		for i, e := range a.Args {
			argAt[i] = place(e)
		}
		filterAt := -1
		if a.Filter != nil {
			filterAt = place(a.Filter)
		}
		spec.Aggregates = append(spec.Aggregates, c.aggregateSpec(a, argAt, filterAt))
	}
	asks := slices.ContainsFunc(n.Aggs, func(a algebra.Agg) bool { return a.Impl == nil })
	if cols, ok := plain(feed); ok && !asks {
		// All plain columns: no mapper needed.
		for i := range groupAt {
			groupAt[i] = in.at[cols[groupAt[i]]]
		}
		spec.Aggregates = spec.Aggregates[:0]
		for _, a := range n.Aggs {
			argAt := make([]int, len(a.Args))
			for i, e := range a.Args {
				argAt[i] = in.at[e.(*expr.Col).Index]
			}
			filterAt := -1
			if a.Filter != nil {
				filterAt = in.at[a.Filter.(*expr.Col).Index]
			}
			spec.Aggregates = append(spec.Aggregates, c.aggregateSpec(a, argAt, filterAt))
		}
	} else {
		in = c.mapper(in, n.In.Cols(), nil, feed, id+" arguments", "Compute for "+n.Label())
	}
	if !n.Global {
		by := n.By
		if by == nil {
			by = algebra.FirstN(len(n.Group))
		}
		spec.Variants = n.By != nil
		ts, keyAt := make([]*values.Type, len(by)), make([]int, len(by))
		for i, g := range by {
			ts[i], keyAt[i] = n.Group[g].Type(), groupAt[g]
			spec.Variants = spec.Variants || !values.IdentityIsEquality(ts[i])
		}
		spec.Key = func(dst []byte, row []values.Datum) ([]byte, bool) {
			for i, a := range keyAt {
				dst = values.AppendKey(dst, ts[i], row[a])
			}
			return dst, true
		}
		if len(n.Group) > 0 {
			spec.Group = func(row, dst []values.Datum) {
				for i, a := range groupAt {
					dst[i] = row[a]
				}
			}
		}
	}
	s := c.b.Aggregate(in.stream, fmt.Sprint(n.Label(), " at ", groupAt), spec)
	width := len(n.Group) + len(n.Aggs)
	return &compiled{stream: s, width: width, id: id, at: algebra.FirstN(width), errs: in.errs, dirty: len(n.Aggs) > 0, occupied: n.Global}
}

func (c *compiler) aggregateSpec(a algebra.Agg, argAt []int, filterAt int) circuit.Aggregate {
	out := circuit.Aggregate{Width: len(argAt)}
	skipNull := a.Impl != nil && a.Impl.SkipNull || a.Distinct && a.Impl.Linear != nil
	out.Args = func(row, dst []values.Datum) bool {
		if filterAt >= 0 && !row[filterAt].IsTrue() {
			return false
		}
		for i, at := range argAt {
			dst[i] = row[at]
			if skipNull && dst[i].IsNull() {
				return false
			}
		}
		return true
	}
	ts := make([]*values.Type, len(a.Args))
	for i, e := range a.Args {
		ts[i] = e.Type()
	}
	keys := func(dst []byte, args []values.Datum) []byte {
		for i, t := range ts {
			dst = values.AppendKey(dst, t, args[i])
		}
		return dst
	}
	if a.Distinct && a.By != nil {
		cols := make([]algebra.Column, len(ts))
		for i, t := range ts {
			cols[i].Type = t
		}
		out.Distinct = rowKey(cols, a.By)
	} else if a.Distinct {
		out.Distinct = func(dst []byte, args []values.Datum) ([]byte, bool) { return keys(dst, args), true }
	}
	if a.Impl == nil {
		c.asker.asks = true
		c.b.Alone()
		out.Fold, out.Order = c.asker.whole(a), keys
		return out
	}
	if a.Impl.Linear != nil {
		out.Linear = func() circuit.Accumulator { return a.Impl.Linear() }
		return out
	}
	out.Fold = func(e circuit.Entries) values.Datum { return a.Impl.Fold(agg.Entries(e)) }
	out.Order = a.Impl.OrderKey
	if len(a.Sort) > 0 {
		cols := make([]algebra.Column, len(ts))
		for i, t := range ts {
			cols[i].Type = t
		}
		out.Order = algebra.OrderKey(cols, a.Sort)
	}
	return out
}
