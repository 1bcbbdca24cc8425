package compile

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// window compiles functions over windows. What has one value for a whole partition is a
// grouping, joined to the rows. The others are computed by stretches if each of them sees
// no more than its Sight says. If one sees its whole partition, they are an ordered
// aggregate whose value is the list of the partition's rows with their results, and an
// operator that spreads the list out again: a change costs what its partition costs.
func (c *compiler) window(n *algebra.Window, id string) *compiled {
	cols := n.In.Cols()
	in := c.exact(c.clean(c.node(n.In), cols))
	totals := n.Totals()
	in = c.asked(in, n, totals)
	if slices.ContainsFunc(totals, func(i int) bool { return n.Funcs[i].Agg.Impl == nil }) {
		// What asks Postgres needs the step's context of an operator below.
		in = c.mapper(in, cols, nil, algebra.AllRefs(cols), id+" arguments", "Compute for "+n.Label())
	}
	rest := *n
	rest.Funcs = nil
	out := &compiled{stream: in.stream, width: len(cols), id: id, at: algebra.FirstN(len(cols) + len(n.Funcs)), errs: in.errs, held: in.held, dirty: true}
	total := map[int]int{}
	for i, f := range n.Funcs {
		if len(total) < len(totals) && totals[len(total)] == i {
			total[i] = len(total)
			continue
		}
		out.at[len(cols)+i] = len(cols) + len(rest.Funcs)
		rest.Funcs = append(rest.Funcs, f)
	}
	if len(rest.Funcs) > 0 {
		out.width += len(rest.Funcs)
		out.stream = c.placed(in, &rest, out.width)
	}
	for i, nth := range total {
		out.at[len(cols)+i] = out.width + nth
	}
	if len(totals) > 0 {
		out.stream = c.totals(in, n, out.stream, out.width, totals)
		out.width += len(totals)
	}
	if slices.ContainsFunc(rest.Funcs, func(f algebra.WindowFunc) bool { return canFail(f, in.held) }) {
		return c.clean(out, n.Cols()) // whatever is made of the result
	}
	return out
}

// asked is the window's input without the rows that fail for aggregates over whole partitions: those
// ask for the arguments of all rows.
func (c *compiler) asked(in *compiled, n *algebra.Window, totals []int) *compiled {
	var by []int
	for _, i := range totals {
		by = append(append(by, n.Funcs[i].Args...), n.Funcs[i].Filter)
	}
	isAsked := func(col int) bool { return slices.Contains(by, col) }
	if !slices.ContainsFunc(in.held, isAsked) {
		return in
	}
	out := *in
	out.held = slices.DeleteFunc(slices.Clone(in.held), isAsked)
	out.dirty = true
	out.id = fmt.Sprint(in.id, " with ", out.held, " held")
	return c.clean(&out, n.In.Cols())
}

// placed compiles functions for which it matters where in its partition a row is.
func (c *compiler) placed(in *compiled, n *algebra.Window, width int) circuit.Stream {
	cols := n.In.Cols()
	order := algebra.OrderKey(cols, n.Order)
	ranges := newRanges(n)
	sight, ok := n.Sight()
	if !ok {
		return c.listed(in, n, cols, n.Partition, width, order, func(e circuit.Entries) values.Datum {
			p := partition{rows: rowsOf(e), frame: n.Frame, ranges: ranges, held: in.held}
			return p.list(n.Funcs, order)
		})
	}
	past, future := newCarrying(n.Funcs, sight.Past, in.held), newCarrying(n.Funcs, sight.Future, in.held)
	spec := circuit.WindowSpec{
		Key: rowKey(cols, n.Partition), Order: order, Peers: sight.Peers,
		Before: sight.Before, After: sight.After, Units: sight.Groups,
		Results: func(before, behind []byte, stretch [][]values.Datum, from, to int, out *circuit.Batch) error {
			p := partition{rows: stretch, frame: n.Frame, ranges: ranges, held: in.held}
			if err := p.past.load(before, past); err != nil {
				return err
			}
			if err := p.future.load(behind, future); err != nil {
				return err
			}
			results := p.all(n.Funcs, order)
			for i := from; i < to; i++ {
				row := append(out.Grow(1)[:0], stretch[i]...)
				for _, res := range results {
					row = append(row, res[i])
				}
			}
			return nil
		},
	}
	if sight.Near {
		spec.SeesBack, spec.SeesAhead = ranges.seesBack, ranges.seesAhead
	}
	if len(sight.Past) > 0 {
		spec.Carry = past.carry(false)
	}
	if len(sight.Future) > 0 {
		spec.CarryBack = future.carry(true)
	}
	return c.b.Window(in.stream, width, n.Label(), spec)
}

// totals adds aggregates over each partition to rows that begin as the window's input
// does: a change that they do not show costs no more than itself.
func (c *compiler) totals(in *compiled, n *algebra.Window, rows circuit.Stream, width int, which []int) circuit.Stream {
	key := rowKey(n.In.Cols(), n.Partition)
	var scratch []byte
	spec := circuit.AggSpec{
		Key: key, GroupWidth: 1,
		Group: func(row, dst []values.Datum) {
			scratch, _ = key(scratch[:0], row)
			dst[0] = values.String(string(scratch))
		},
	}
	keep := algebra.FirstN(width)
	for i, w := range which {
		f := n.Funcs[w]
		spec.Aggregates = append(spec.Aggregates, c.aggregateSpec(*f.Agg, f.Args, f.Filter))
		keep = append(keep, width+1+i)
	}
	label := n.Label() + ", totals"
	totals := c.b.Aggregate(in.stream, label, spec)
	byKey := c.b.Index(totals, label+" by partition", func(dst []byte, row []values.Datum) ([]byte, bool) {
		return append(dst, row[0].Str()...), true
	})
	return c.b.Join(c.b.Index(rows, label+", rows", key), byKey, len(keep), label+", joined", pairs(nil, width, width+1+len(which), keep))
}
