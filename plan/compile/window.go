package compile

import (
	"encoding/binary"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// window compiles functions over windows. If one of them sees its whole partition, they
// are an ordered aggregate whose value is the list of the partition's rows with
// their results, and an operator that spreads the list out again: a change costs
// what its partition costs.
func (c *compiler) window(n *algebra.Window, id string) *compiled {
	cols := n.In.Cols()
	in := c.exact(c.clean(c.node(n.In), cols))
	width := len(cols) + len(n.Funcs)
	var s circuit.Stream
	if sight, ok := n.Sight(); ok {
		s = c.sighted(in, n, sight)
	} else {
		order := algebra.OrderKey(cols, n.Order)
		s = c.listed(in, n, cols, n.Partition, width, order, func(e circuit.Entries) values.Datum { return newPartition(e, order).list(n) })
	}
	return &compiled{stream: s, width: width, id: id, at: algebra.FirstN(width), errs: in.errs, dirty: true}
}

// partition is the rows of one partition, or a stretch of them, in order; copies stand side
// by side.
type partition struct {
	past   past // what is before them
	rows   [][]values.Datum
	group  []int  // number of the row's peer group
	starts []int  // first row of each peer group; last, the number of rows
	span   []span // of each peer group's frame, under RANGE with an offset
}

func newPartition(e circuit.Entries, order func([]byte, []values.Datum) []byte) *partition {
	p := &partition{}
	for ok := e.First(); ok; ok = e.Next() {
		row := slices.Clone(e.Args())
		for range e.Weight() {
			p.rows = append(p.rows, row)
		}
	}
	p.groups(order)
	return p
}

// list writes the rows with their results, as spread reads them.
func (p *partition) list(n *algebra.Window) values.Datum {
	if n.Frame.By() != nil {
		p.spans(n)
	}
	results := p.all(n)
	for i := range results {
		for row, g := range p.group {
			if p.span != nil && p.span[g].failed.IsErr() {
				results[i][row] = p.span[g].failed
			}
		}
	}
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

// frame is the rows [from, to) that row i's frame spans, exclusions apart.
func (p *partition) frame(f algebra.Frame, i int) (from, to int) {
	n, g := len(p.rows), p.group[i]
	groups := len(p.starts) - 1
	clamp := func(v int64, limit int) int { return int(min(max(v, 0), int64(limit))) }
	switch {
	case p.span != nil:
		from, to = p.span[g].from, p.span[g].to
	case f.Mode == algebra.FrameRows:
		from, to = clamp(int64(i)+p.offset(f.Start), n), clamp(int64(i)+p.offset(f.End)+1, n)
	default:
		from = p.starts[clamp(int64(g)+p.offset(f.Start), groups)]
		to = p.starts[clamp(int64(g)+p.offset(f.End)+1, groups)]
	}
	if f.Start.Unbounded {
		from = 0
	}
	if f.End.Unbounded {
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
func (p *partition) excluded(f algebra.Frame, i int) (from, to, except int) {
	g := p.group[i]
	switch f.Exclude {
	case algebra.ExcludeCurrent:
		return i, i + 1, -1
	case algebra.ExcludeGroup:
		return p.starts[g], p.starts[g+1], -1
	case algebra.ExcludeTies:
		return p.starts[g], p.starts[g+1], i
	}
	return 0, 0, -1
}

// visible lists the rows of row i's frame.
func (p *partition) visible(f algebra.Frame, i int) []int {
	from, to := p.frame(f, i)
	xf, xt, except := p.excluded(f, i)
	var out []int
	for r := from; r < to; r++ {
		if r < xf || r >= xt || r == except {
			out = append(out, r)
		}
	}
	return out
}

// all computes all functions for all rows.
func (p *partition) all(n *algebra.Window) [][]values.Datum {
	results := make([][]values.Datum, len(n.Funcs))
	for i, f := range n.Funcs {
		results[i] = p.results(i, f, n.Frame)
	}
	return results
}

// results computes one function, the window's nth, for all rows.
func (p *partition) results(nth int, f algebra.WindowFunc, frame algebra.Frame) []values.Datum {
	if f.Agg != nil {
		return p.aggregates(nth, f, frame)
	}
	out := make([]values.Datum, len(p.rows))
	if f.Name == firstValue && p.past.values != nil && frame.Start.Unbounded {
		for i := range out {
			out[i] = p.past.values[nth]
		}
		return out
	}
	compute := windowFuncs[f.Name]
	for i := range out {
		out[i] = compute(p, f, frame, i)
	}
	return out
}

// aggregates computes an aggregate over each row's frame. One that subtracts
// slides: rows that enter are added, rows that leave are taken away.
func (p *partition) aggregates(nth int, f algebra.WindowFunc, frame algebra.Frame) []values.Datum {
	out := make([]values.Datum, len(p.rows))
	read := newReader(f)
	if f.Agg.Impl.Linear == nil {
		for i := range out {
			var l argList
			for _, r := range p.visible(frame, i) {
				if read.load(p.rows[r]) {
					l.entries = append(l.entries, slices.Clone(read.args))
				}
			}
			if !f.Agg.Impl.Sequence { // which shows the frame's order
				l.sort(f.Agg.Impl.OrderKey)
			}
			out[i] = f.Agg.Impl.Fold(&l)
		}
		return out
	}
	acc := p.past.begin(nth, f)
	add := func(from, to int, w int64) {
		for r := from; r < to; r++ {
			if read.load(p.rows[r]) {
				acc.Add(read.args, w)
			}
		}
	}
	at, end := 0, 0 // acc holds the rows [at, end)
	for i := range out {
		from, to := p.frame(frame, i)
		if from >= end || to <= at {
			add(at, end, -1)
			at, end = from, from
		}
		if from < at {
			add(from, at, 1)
		} else {
			add(at, from, -1)
		}
		if to > end {
			add(end, to, 1)
		} else {
			add(to, end, -1)
		}
		at, end = from, to
		xf, xt, except := p.excluded(frame, i)
		xf, xt = max(xf, from), min(xt, to)
		outside := func(w int64) {
			for r := xf; r < xt; r++ {
				if r != except {
					add(r, r+1, w)
				}
			}
		}
		outside(-1)
		out[i] = acc.Result()
		outside(1)
	}
	return out
}

// argList is a frame's arguments as an ordered aggregate walks them.
type argList struct {
	entries [][]values.Datum
	keys    [][]byte
	at      int
}

func (l *argList) sort(order func([]byte, []values.Datum) []byte) {
	type keyed struct {
		key  []byte
		args []values.Datum
	}
	sorted := make([]keyed, len(l.entries))
	for i, a := range l.entries {
		sorted[i] = keyed{values.AppendRow(order(nil, a), a), a}
	}
	slices.SortStableFunc(sorted, func(a, b keyed) int { return slices.Compare(a.key, b.key) })
	for i, s := range sorted {
		l.entries[i] = s.args
	}
}

func (l *argList) move(to int) bool {
	l.at = to
	return to >= 0 && to < len(l.entries)
}

// First implements agg.Entries, as do the others.
func (l *argList) First() bool { return l.move(0) }

// Last is the last entry.
func (l *argList) Last() bool { return l.move(len(l.entries) - 1) }

// Next is the next entry.
func (l *argList) Next() bool { return l.move(l.at + 1) }

// Prev is the one before.
func (l *argList) Prev() bool { return l.move(l.at - 1) }

// Args are the entry's arguments.
func (l *argList) Args() []values.Datum { return l.entries[l.at] }

// Weight is one: copies are entries of their own.
func (l *argList) Weight() int64 { return 1 }

var _ agg.Entries = (*argList)(nil)

const firstValue = "first_value(anyelement)"

// windowFuncs compute what algebra.WindowFuncs lists.
var windowFuncs = map[string]func(p *partition, f algebra.WindowFunc, frame algebra.Frame, i int) values.Datum{
	"row_number()": func(p *partition, _ algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return values.Int(p.past.rows + int64(i+1))
	},
	"rank()": func(p *partition, _ algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return values.Int(p.past.rows + int64(p.starts[p.group[i]]+1))
	},
	"dense_rank()": func(p *partition, _ algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return values.Int(p.past.groups + int64(p.group[i]+1))
	},
	"percent_rank()": func(p *partition, _ algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		if len(p.rows) <= 1 {
			return values.Float(0)
		}
		return values.Float(float64(p.starts[p.group[i]]) / float64(len(p.rows)-1))
	},
	"cume_dist()": func(p *partition, _ algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return values.Float(float64(p.starts[p.group[i]+1]) / float64(len(p.rows)))
	},
	"ntile(int4)": ntile,
	"lag(anyelement)": func(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return p.shifted(f, i, -1)
	},
	"lead(anyelement)": func(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return p.shifted(f, i, 1)
	},
	"lag(anyelement,int4)": func(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return p.shifted(f, i, -1)
	},
	"lead(anyelement,int4)": func(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return p.shifted(f, i, 1)
	},
	"lag(anycompatible,int4,anycompatible)": func(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return p.shifted(f, i, -1)
	},
	"lead(anycompatible,int4,anycompatible)": func(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
		return p.shifted(f, i, 1)
	},
	firstValue: func(p *partition, f algebra.WindowFunc, frame algebra.Frame, i int) values.Datum {
		if v := p.visible(frame, i); len(v) > 0 {
			return p.rows[v[0]][f.Args[0]]
		}
		return values.Null
	},
	"last_value(anyelement)": func(p *partition, f algebra.WindowFunc, frame algebra.Frame, i int) values.Datum {
		if v := p.visible(frame, i); len(v) > 0 {
			return p.rows[v[len(v)-1]][f.Args[0]]
		}
		return values.Null
	},
	"nth_value(anyelement,int4)": func(p *partition, f algebra.WindowFunc, frame algebra.Frame, i int) values.Datum {
		nth := p.rows[i][f.Args[1]]
		if nth.IsNull() {
			return values.Null
		}
		if nth.Int64() <= 0 {
			return values.Errorf("22016", "argument of nth_value must be greater than zero")
		}
		if v := p.visible(frame, i); nth.Int64() <= int64(len(v)) {
			return p.rows[v[nth.Int64()-1]][f.Args[0]]
		}
		return values.Null
	},
}

// shifted is a value of the row so many before or after row i.
func (p *partition) shifted(f algebra.WindowFunc, i int, direction int64) values.Datum {
	by := int64(1)
	if len(f.Args) > 1 {
		d := p.rows[i][f.Args[1]]
		if d.IsNull() {
			return values.Null
		}
		by = d.Int64()
	}
	if at := int64(i) + direction*by; at >= 0 && at < int64(len(p.rows)) {
		return p.rows[at][f.Args[0]]
	}
	if len(f.Args) > 2 {
		return p.rows[i][f.Args[2]]
	}
	return values.Null
}

// ntile divides the partition into buckets whose sizes differ by one at most,
// the larger ones first. Their number is that of the partition's first row.
func ntile(p *partition, f algebra.WindowFunc, _ algebra.Frame, i int) values.Datum {
	buckets := p.rows[0][f.Args[0]]
	if buckets.IsNull() {
		return values.Null
	}
	n, b := int64(len(p.rows)), buckets.Int64()
	if b <= 0 {
		return values.Errorf("22014", "argument of ntile must be greater than zero")
	}
	size, larger := n/b, n%b
	if at := int64(i); at < larger*(size+1) {
		return values.Int(at/(size+1) + 1)
	} else if size > 0 {
		return values.Int(larger + (at-larger*(size+1))/size + 1)
	}
	return values.Int(int64(i) + 1)
}
