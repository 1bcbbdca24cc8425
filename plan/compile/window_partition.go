package compile

import (
	"encoding/binary"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// partition is the rows of one partition, or a stretch of them, in order; copies stand side
// by side.
type partition struct {
	rows         [][]values.Datum
	frame        algebra.Frame
	ranges       *ranges // nil but under RANGE with an offset
	held         []int   // columns whose errors are values
	past, future known   // what is before the rows, and behind them

	group  []int   // number of the row's peer group
	starts []int   // first row of each peer group; last, the number of rows
	near   []reach // of each peer group's frame, under RANGE with an offset
}

// rowsOf are the rows of a whole partition.
func rowsOf(e circuit.Entries) (rows [][]values.Datum) {
	for ok := e.First(); ok; ok = e.Next() {
		row := slices.Clone(e.Args())
		for range e.Weight() {
			rows = append(rows, row)
		}
	}
	return rows
}

// size is how many rows the partition has, with those that are not at hand.
func (p *partition) size() int64 { return p.past.rows + int64(len(p.rows)) + p.future.rows }

// list writes the rows with their results, as spread reads them.
func (p *partition) list(funcs []algebra.WindowFunc, order func([]byte, []values.Datum) []byte) values.Datum {
	results := p.all(funcs, order)
	var list, enc []byte
	var row []values.Datum
	for i, r := range p.rows {
		row = append(row[:0], r...)
		for _, res := range results {
			row = append(row, res[i])
		}
		enc = values.AppendRow(enc[:0], row)
		list = binary.AppendUvarint(list, 1)
		list = binary.AppendUvarint(list, uint64(len(enc)))
		list = append(list, enc...)
	}
	return values.String(string(list))
}

// all computes all functions for all rows.
func (p *partition) all(funcs []algebra.WindowFunc, order func([]byte, []values.Datum) []byte) [][]values.Datum {
	p.groups(order)
	if p.ranges != nil {
		p.near = p.ranges.spans(p)
	}
	results := make([][]values.Datum, len(funcs))
	for nth, f := range funcs {
		if f.Agg != nil {
			results[nth] = p.aggregates(nth, f)
		} else {
			results[nth] = make([]values.Datum, len(p.rows))
			compute := windowFuncs[f.Name]
			for i := range p.rows {
				results[nth][i] = compute(p, f, nth, i)
			}
		}
		for i, g := range p.group {
			if p.near != nil && p.near[g].failed.IsErr() {
				results[nth][i] = p.near[g].failed
			}
		}
	}
	return results
}

// groups finds the peer groups of the rows.
func (p *partition) groups(order func([]byte, []values.Datum) []byte) {
	var last, key []byte
	for i, row := range p.rows {
		// Copies are one slice.
		if i == 0 || len(row) == 0 || &row[0] != &p.rows[i-1][0] {
			key = order(key[:0], row)
		}
		if i == 0 || string(key) != string(last) {
			p.starts = append(p.starts, i)
			last = append(last[:0], key...)
		}
		p.group = append(p.group, len(p.starts)-1)
	}
	p.starts = append(p.starts, len(p.rows))
}

// span is the rows [from, to) that row i's frame spans, exclusions apart.
func (p *partition) span(i int) (from, to int) {
	n, g := len(p.rows), p.group[i]
	groups := len(p.starts) - 1
	clamp := func(v int64, limit int) int { return int(min(max(v, 0), int64(limit))) }
	start, end := p.frame.Start, p.frame.End
	switch {
	case p.near != nil:
		from, to = p.near[g].from, p.near[g].to
	case p.frame.Mode == algebra.FrameRows:
		from, to = clamp(int64(i)+p.offset(start), n), clamp(int64(i)+p.offset(end)+1, n)
	default:
		from = p.starts[clamp(int64(g)+p.offset(start), groups)]
		to = p.starts[clamp(int64(g)+p.offset(end)+1, groups)]
	}
	if start.Unbounded {
		from = 0
	}
	if end.Unbounded {
		to = n
	}
	return from, max(from, to)
}

// offset is by how many rows or groups a bound is away: more than there can be is
// as good as any.
func (p *partition) offset(b algebra.Bound) int64 {
	const far = 1 << 62
	by := b.Offset
	if b.Computed != nil {
		by = p.rows[0][b.Computed.Number].Int64()
		if b.Preceding {
			by = -by
		}
	}
	return min(max(by, -far), far)
}

// excluded is the rows [from, to) that row i's frame leaves out, but for except
// (−1: none).
func (p *partition) excluded(i int) (from, to, except int) {
	g := p.group[i]
	switch p.frame.Exclude {
	case algebra.ExcludeCurrent:
		return i, i + 1, -1
	case algebra.ExcludeGroup:
		return p.starts[g], p.starts[g+1], -1
	case algebra.ExcludeTies:
		return p.starts[g], p.starts[g+1], i
	}
	return i, i, -1
}

// visible is the rows of row i's frame.
func (p *partition) visible(i int) (v parts) {
	from, to := p.span(i)
	xf, xt, except := p.excluded(i)
	if xf == xt {
		return parts{{from, to}}
	}
	xf, xt = min(max(xf, from), to), min(max(xt, from), to)
	v = parts{{from, xf}, {}, {xt, to}}
	if except >= from && except < to {
		v[1] = [2]int{except, except + 1}
	}
	return v
}

// parts are rows [from, to) of a partition, thrice.
type parts [3][2]int

func (v parts) len() (n int) {
	for _, part := range v {
		n += part[1] - part[0]
	}
	return n
}

// at is the row at a place; −1 if there are not so many.
func (v parts) at(place int) int {
	for _, part := range v {
		if n := part[1] - part[0]; place >= n {
			place -= n
		} else if place >= 0 {
			return part[0] + place
		}
	}
	return -1
}

func (v parts) each(f func(from, to int)) {
	for _, part := range v {
		if part[0] < part[1] {
			f(part[0], part[1])
		}
	}
}
