package algebra

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// FrameMode is the unit that a window frame is measured in.
type FrameMode string

// The units (postgresql.org/docs/current/sql-expressions.html#SYNTAX-WINDOW-FUNCTIONS).
const (
	FrameRows   FrameMode = "rows"
	FrameRange  FrameMode = "range"
	FrameGroups FrameMode = "groups"
)

// Bound is one end of a frame: so many units after the current row (before it,
// if negative), so far away in the values of the one column that orders (By), or
// unbounded.
type Bound struct {
	Unbounded bool
	Offset    int64
	By        *expr.Const // RANGE with an offset
	Preceding bool        // By, or Computed, is before the current row
	Computed  *Computed
}

// Computed are columns of the input that say what a Bound does not know by itself;
// −1 where there is none.
type Computed struct {
	Number int // in place of Offset, or of By's value: alike in all rows of a partition
	Edge   int // the value of the column that orders at which the frame ends
	// Moving says that Edge is not a function of the column that orders, but of the partition.
	Moving bool
}

// String tells bounds apart.
func (b Bound) String() string {
	if c := b.Computed; c != nil {
		b.Computed = nil
		return fmt.Sprintf("%s number #%d, edge #%d, moving %v, preceding %v", b.String(), c.Number, c.Edge, c.Moving, b.Preceding)
	}
	switch {
	case b.By != nil && b.Preceding:
		return expr.String(b.By) + " preceding"
	case b.By != nil:
		return expr.String(b.By) + " following"
	}
	return fmt.Sprintf("{%v %d}", b.Unbounded, b.Offset)
}

// Exclusion says which rows around the current one a frame leaves out.
type Exclusion string

// The exclusions.
const (
	ExcludeNothing Exclusion = ""
	ExcludeCurrent Exclusion = "current row"
	ExcludeGroup   Exclusion = "group"
	ExcludeTies    Exclusion = "ties"
)

// Frame is the rows of a partition that a function sees from the current one.
// Numbers other than 0 are in rows or groups.
type Frame struct {
	Mode       FrameMode
	Start, End Bound
	Exclude    Exclusion
}

// By is an offset in values, if the frame has one.
func (f Frame) By() *expr.Const {
	if f.Start.By != nil {
		return f.Start.By
	}
	return f.End.By
}

// remap is the frame with its computed columns elsewhere.
func (f Frame) remap(to func(int) int) Frame {
	for _, b := range []*Bound{&f.Start, &f.End} {
		if b.Computed == nil {
			continue
		}
		c := *b.Computed
		for _, col := range []*int{&c.Number, &c.Edge} {
			if *col >= 0 {
				*col = to(*col)
			}
		}
		b.Computed = &c
	}
	return f
}

// Shift is the frame with its computed columns so many further.
func (f Frame) Shift(by int) Frame { return f.remap(func(c int) int { return c + by }) }

// WindowFunc is one function over a window: an aggregate, or one of the window
// functions by name.
type WindowFunc struct {
	Name   string // signature
	Agg    *Agg   // nil for a window function; its Args are not used
	Args   []int  // columns of the input
	Filter int    // column of the input; −1: none
	Fixed  bool   // lag and lead look By rows away from every row; ntile makes By buckets; nth_value shows the By-th row
	By     int64
	T      *values.Type
}

// Window adds to each row of the input the results of functions over its
// partition, in order.
type Window struct {
	In        Node
	Partition []int
	Order     []SortKey
	Frame     Frame
	Funcs     []WindowFunc
	// Droppable says that the server has no frame, whose offsets and ends could fail, if all functions
	// that are needed are FramelessFuncs. Else it finds where frames end, whatever looks at them.
	Droppable bool
}

// Children is the input.
func (n *Window) Children() []Node { return []Node{n.In} }

// With looks through the same window at another input.
func (n *Window) With(c []Node) Node { m := *n; m.In = c[0]; return &m }

// Cols are the input's, then one for each function.
func (n *Window) Cols() []Column {
	cols := append([]Column{}, n.In.Cols()...)
	for _, f := range n.Funcs {
		name, _, _ := strings.Cut(f.Name, "(")
		cols = append(cols, Column{Name: name, Type: f.T})
	}
	return cols
}

// Label lists functions and window.
func (n *Window) Label() string {
	funcs := make([]string, len(n.Funcs))
	for i, f := range n.Funcs {
		funcs[i] = fmt.Sprint(f.Name, f.Args, " ", f.T.SQL)
		if f.Agg != nil {
			funcs[i] += " " + f.Agg.Label()
		}
		if f.Filter >= 0 {
			funcs[i] += fmt.Sprintf(" filter #%d", f.Filter)
		}
	}
	label := fmt.Sprintf("Window %s of each %v by %v, %v", strings.Join(funcs, ", "), n.Partition, n.Order, n.Frame)
	if s, ok := n.Sight(); ok {
		label += ", " + s.String()
	}
	return label
}

func (p *pusher) pushWindow(n *Window, conds []expr.Expr) Node {
	below, above := ofPartition(n.In, n.Partition, conds)
	return filter(n.With([]Node{n.firstRows(p.push(n.In, below), above)}), above)
}

func (p *pruner) pruneWindow(n *Window, need []int) Node {
	width := len(n.In.Cols())
	var cols, kept []int
	m := &Window{Droppable: n.Droppable}
	for _, c := range need {
		if c < width {
			cols = append(cols, c)
		}
	}
	cols = append(cols, n.Partition...)
	for _, k := range n.Order {
		cols = append(cols, k.Col)
	}
	frame := n.Frame
	if n.Droppable && !slices.ContainsFunc(need, func(c int) bool { return c >= width && !slices.Contains(FramelessFuncs, n.Funcs[c-width].Name) }) {
		frame = Frame{Mode: FrameRange, Start: Bound{Unbounded: true}}
	}
	frame.remap(func(c int) int { cols = append(cols, c); return c })
	for i, f := range n.Funcs {
		if contains(need, width+i) {
			cols = append(cols, f.Args...)
			if f.Filter >= 0 {
				cols = append(cols, f.Filter)
			}
			m.Funcs = append(m.Funcs, f)
			kept = append(kept, width+i)
		}
	}
	used := withColumns(cols)
	if len(m.Funcs) == 0 {
		return pick(p.prune(n.In, used), used, need)
	}
	at := index(used)
	m.In, m.Frame = p.prune(n.In, used), frame.remap(func(c int) int { return at[c] })
	for _, p := range n.Partition {
		m.Partition = append(m.Partition, at[p])
	}
	for _, k := range n.Order {
		k.Col = at[k.Col]
		m.Order = append(m.Order, k)
	}
	for i := range m.Funcs {
		f := &m.Funcs[i]
		args := make([]int, len(f.Args))
		for j, a := range f.Args {
			args[j] = at[a]
		}
		f.Args = args
		if f.Filter >= 0 {
			f.Filter = at[f.Filter]
		}
	}
	return pick(m, append(append([]int{}, used...), kept...), need)
}

// WindowFuncs are Postgres' window functions, by signature
// (postgresql.org/docs/current/functions-window.html).
var WindowFuncs = append([]string{
	"lag(anyelement)", "lag(anyelement,int4)", "lag(anycompatible,int4,anycompatible)",
	"lead(anyelement)", "lead(anyelement,int4)", "lead(anycompatible,int4,anycompatible)",
	firstValue, lastValue, nthValue,
}, FramelessFuncs...)

// FramelessFuncs are those of them by whose support functions Postgres knows that they look at no frame.
var FramelessFuncs = []string{"row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(int4)"}
