// Package compile turns relational algebra into a circuit.
//
// It knows which operators of the circuit compute a node of the algebra, and how rows
// and keys of Datums are laid out for them. It must not know of query trees, of the
// catalogue beyond what a table's columns are, or of what becomes of the outputs.
package compile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// View is a view by what it means.
type View struct {
	Name string
	Plan algebra.Node // optimized
}

// Source is a table as the circuit reads it: the input named Name takes rows of
// the columns Attrs.
type Source struct {
	Name  string
	Table *catalog.Relation
	Attrs []int // indexes into Table.Columns, ascending
}

// Program is views compiled into one circuit. Its outputs are named as the
// views are; the output ErrorsOf(view) is the Z-set of rows that could not be
// computed: SQLSTATE, message, and the row's values as text.
type Program struct {
	Builder *circuit.Builder
	Sources []Source
	Clock   bool // there is a source ClockSource too
}

// ErrorsOf names the output with a view's errors.
func ErrorsOf(view string) string { return "errors of " + view }

// errorWidth is the number of columns of an error row.
const errorWidth = 3

// Compile builds one circuit of all views, with common parts shared. The
// evaluator serves what Go does not compute itself.
func Compile(views []View, eval expr.Evaluator) *Program {
	b := circuit.NewBuilder()
	c := &compiler{
		b: b, eval: newLabeler(b, eval), asker: &asker{eval: eval, ctx: context.Background()},
		prints: algebra.NewFingerprints(), keys: algebra.Keyring{}, done: map[string]*compiled{}, indexes: map[string]circuit.Indexed{}, byInterval: map[string]circuit.Intervals{},
		sources: map[uint32]*Source{}, scans: map[uint32]circuit.Stream{}, lost: map[circuit.Stream][]fault{}, gates: map[string]circuit.Stream{}, rows: map[circuit.Stream]circuit.Occupied{},
	}
	for _, v := range views {
		algebra.Walk(v.Plan, c.collect)
	}
	tables := make([]*Source, 0, len(c.sources))
	for _, s := range c.sources {
		slices.Sort(s.Attrs)
		tables = append(tables, s)
	}
	slices.SortFunc(tables, func(a, b *Source) int { return strings.Compare(a.Name, b.Name) })
	p := &Program{Builder: c.b}
	for _, s := range tables {
		c.scans[s.Table.OID] = c.b.Source(s.Name, len(s.Attrs))
		p.Sources = append(p.Sources, *s)
	}
	outs := make([]*compiled, len(views))
	for i, v := range views {
		outs[i] = c.exact(c.clean(c.node(v.Plan), v.Plan.Cols()))
	}
	for i, v := range views {
		c.b.Output(v.Name, outs[i].stream)
		if errs := c.counted(outs[i].errs); len(errs) > 0 {
			c.b.Errors(ErrorsOf(v.Name), c.sum(errs))
		}
	}
	p.Clock = c.clocked
	return p
}

type compiler struct {
	b          *circuit.Builder
	eval       *labeler
	asker      *asker
	prints     *algebra.Fingerprints
	keys       algebra.Keyring
	done       map[string]*compiled // by fingerprint
	indexes    map[string]circuit.Indexed
	byInterval map[string]circuit.Intervals
	sources    map[uint32]*Source
	scans      map[uint32]circuit.Stream
	lost       map[circuit.Stream][]fault // of relations that faults depend on: what became of rows of theirs
	gates      map[string]circuit.Stream  // which faults count
	rows       map[circuit.Stream]circuit.Occupied
	clock      circuit.Stream // if clocked
	clocked    bool
}

// compiled is a relation as a stream: its column i is column at[i] of the
// stream's rows. errs are the errors of everything below, each stream once.
type compiled struct {
	stream circuit.Stream
	width  int    // of the stream's rows
	id     string // identifies the stream
	at     []int
	errs   []fault
	dirty  bool // a column may hold an error: an aggregate's result
	// occupied: it has a row, or an error in its place, whatever the data.
	occupied bool
	// held are the columns of the stream whose errors are values (expr.Held).
	held []int
	// late: dirty, and so only by comparisons with the clock, and expressions of it,
	// that are raised where they are used.
	late bool
}

// with is the same rows with other errors.
func (r *compiled) with(errs []fault) *compiled {
	out := *r
	out.errs = errs
	return &out
}

func (r *compiled) exprs(es []expr.Expr) []expr.Expr {
	to := make(map[int]int, len(r.at))
	for i, c := range r.at {
		to[i] = c
	}
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = expr.Remap(e, to)
	}
	return out
}

// collect notes which columns of which tables are read.
func (c *compiler) collect(n algebra.Node) {
	s, ok := n.(*algebra.Scan)
	if !ok {
		return
	}
	src := c.sources[s.Table.OID]
	if src == nil {
		src = &Source{Name: s.Table.SQL(), Table: s.Table}
		// The replica identity is needed to find old rows.
		if !s.Table.Full {
			src.Attrs = slices.Clone(s.Table.Identity)
		}
		c.sources[s.Table.OID] = src
	}
	for _, a := range s.Attrs {
		if !slices.Contains(src.Attrs, a) {
			src.Attrs = append(src.Attrs, a)
		}
	}
}

func (c *compiler) node(n algebra.Node) *compiled {
	id := c.prints.Of(n)
	if r, ok := c.done[id]; ok {
		return r
	}
	r := c.compile(n, id)
	c.done[id] = r
	return r
}

func (c *compiler) compile(n algebra.Node, id string) *compiled {
	switch n := n.(type) {
	case *algebra.Scan:
		src := c.sources[n.Table.OID]
		r := &compiled{stream: c.scans[n.Table.OID], width: len(src.Attrs), id: "scan " + src.Name}
		for _, a := range n.Attrs {
			r.at = append(r.at, slices.Index(src.Attrs, a))
		}
		return r
	case *algebra.Values:
		return c.values(n, id)
	case *algebra.Filter:
		in := c.node(n.In)
		cols := n.Cols()
		keep := make([]expr.Expr, len(cols))
		for i, col := range cols {
			keep[i] = &expr.Col{Index: i, Name: col.Name, T: col.Type}
		}
		return c.mapper(in, cols, n.Conds, keep, id, n.Label())
	case *algebra.Project:
		return c.project(n, id)
	case *algebra.EquiJoin:
		return c.join(n, id)
	case *algebra.OuterJoin:
		return c.outer(n, id)
	case *algebra.Repeat:
		return c.repeat(n, id)
	case *algebra.TopK:
		return c.topK(n, id)
	case *algebra.AsOf:
		return c.asOf(n, id)
	case *algebra.Window:
		return c.window(n, id)
	case *algebra.Spread:
		return c.spread(n, id)
	case *algebra.Moment:
		return c.moment(n, id)
	case *algebra.Against:
		return c.against(n, id)
	case *algebra.Turning:
		return c.turning(n, id)
	case *algebra.Aggregate:
		return c.aggregate(n, id)
	case *algebra.Recursive:
		return c.recursive(n, id)
	case *algebra.Shared:
		return c.node(n.In)
	case *algebra.Once:
		in, asked := c.node(n.In), c.clean(c.node(n.Asked), n.Asked.Cols())
		return in.with(addErrs(in.errs, asked.errs...))
	case *algebra.Distinct:
		in := c.exact(c.clean(c.node(n.In), n.Cols()))
		if n.Exact {
			return c.distinct(in, id, "Distinct by identity")
		}
		cols := n.Cols()
		key := n.Key
		if key == nil {
			key = algebra.FirstN(len(cols))
		}
		return &compiled{stream: c.b.Distinct(in.stream, n.Label()+" "+types(cols), rowKey(cols, key)), width: in.width, id: id, at: algebra.FirstN(in.width), errs: in.errs}
	case *algebra.UnionAll:
		r := &compiled{id: id}
		var streams []circuit.Stream
		for _, in := range n.Inputs {
			part := c.exact(c.clean(c.node(in), in.Cols()))
			streams = append(streams, part.stream)
			r.width = part.width
			r.errs = addErrs(r.errs, part.errs...)
			r.held = append(r.held, part.held...)
		}
		r.stream, r.at = c.b.Sum(streams...), algebra.FirstN(r.width)
		return r
	}
	panic(fmt.Sprintf("plan: %T was not rewritten before compiling", n))
}

// project merges a projection with a filter below it; plain columns cost
// nothing at all.
func (c *compiler) project(n *algebra.Project, id string) *compiled {
	f, filtered := n.In.(*algebra.Filter)
	if cols, ok := plain(n.Exprs); ok && !(filtered && c.node(f.In).late) {
		in := c.node(n.In)
		r := *in
		r.at = make([]int, len(cols))
		for i, col := range cols {
			r.at[i] = in.at[col]
		}
		return &r
	}
	if filtered {
		return c.mapper(c.node(f.In), f.Cols(), f.Conds, n.Exprs, id, f.Label()+", "+n.Label())
	}
	return c.mapper(c.node(n.In), n.In.Cols(), nil, n.Exprs, id, n.Label())
}

func plain(es []expr.Expr) ([]int, bool) {
	cols := make([]int, len(es))
	for i, e := range es {
		c, ok := e.(*expr.Col)
		if !ok {
			return nil, false
		}
		cols[i] = c.Index
	}
	return cols, true
}

// exact makes the stream's rows have just the relation's columns, in order.
func (c *compiler) exact(r *compiled) *compiled {
	if slices.Equal(r.at, algebra.FirstN(r.width)) {
		return r
	}
	id := fmt.Sprintf("%s pick %v", r.id, r.at)
	if done, ok := c.done[id]; ok {
		return done.with(r.errs)
	}
	at := r.at
	var held []int
	for i, a := range at {
		if slices.Contains(r.held, a) {
			held = append(held, i)
		}
	}
	s := c.b.Map(r.stream, len(at), fmt.Sprint("Pick ", at), func(_ context.Context, in, out *circuit.Batch) error {
		for i := range in.Len() {
			row, to := in.Row(i), out.Grow(in.W[i])
			for j, a := range at {
				to[j] = row[a]
			}
		}
		return nil
	})
	done := &compiled{stream: s, width: len(at), id: id, at: algebra.FirstN(len(at)), errs: r.errs, held: held, occupied: r.occupied}
	c.done[id] = done
	return done
}

// mapper compiles conditions and expressions into one linear operator. Rows
// whose evaluation fails go to its second output, but where what fails is held.
func (c *compiler) mapper(in *compiled, cols []algebra.Column, conds, exprs []expr.Expr, id, label string) *compiled {
	conds, exprs = in.exprs(conds), in.exprs(exprs)
	m := newMapper(conds, exprs, in.width, cols, in.at, c.eval)
	m.asker = c.asker
	r := &compiled{width: len(exprs), id: id, at: algebra.FirstN(len(exprs)), errs: in.errs, occupied: in.occupied && len(conds) == 0}
	label = fmt.Sprint(label, " at ", in.at)
	canFail := in.dirty
	for _, e := range conds {
		canFail = canFail || !expr.Total(e)
	}
	for i, e := range exprs {
		switch e := e.(type) {
		case *expr.Held:
			r.held = append(r.held, i)
			continue
		case *expr.Col:
			if slices.Contains(in.held, e.Index) {
				r.held = append(r.held, i)
			}
		}
		canFail = canFail || !expr.Total(e)
	}
	m.held = r.held
	if !canFail {
		r.stream = c.b.Map(in.stream, r.width, label, func(ctx context.Context, b, out *circuit.Batch) error {
			return m.run(ctx, b, out, nil)
		})
		return r
	}
	good, bad := c.b.Map2(in.stream, r.width, errorWidth, label, m.run)
	r.stream = good
	r.errs = addErrs(in.errs, always(bad))
	return r
}

// clean makes sure that no column holds an error, but those that are held: rows where one does go
// to the errors.
func (c *compiler) clean(r *compiled, cols []algebra.Column) *compiled {
	if !r.dirty {
		return r
	}
	keep := make([]expr.Expr, len(cols))
	for i, col := range cols {
		keep[i] = &expr.Col{Index: i, Name: col.Name, T: col.Type}
	}
	id := fmt.Sprintf("%s clean %v", r.id, r.at)
	if done, ok := c.done[id]; ok {
		return done
	}
	done := c.mapper(r, cols, nil, keep, id, "Divert errors")
	c.done[id] = done
	return done
}

func (c *compiler) values(n *algebra.Values, id string) *compiled {
	rows := circuit.NewBatch(len(n.Columns), len(n.Rows))
	for _, r := range n.Rows {
		row := rows.Grow(1)
		for i, e := range r {
			row[i] = expr.Compile(e)(nil)
		}
	}
	return &compiled{stream: c.b.Constant(rows, n.Label()), width: rows.Width, id: id, at: algebra.FirstN(rows.Width), occupied: len(n.Rows) > 0}
}

// index arranges a relation by key expressions; equal arrangements are shared.
// Under sameness of kind identical, keys meet when they are the same values,
// NULLs included; else when SQL's equality is true of them.
func (c *compiler) index(in *compiled, keys []expr.Expr, kind sameness) circuit.Indexed {
	keys = in.exprs(keys)
	label := "Index by "
	if kind == identical {
		label = "Index by identity of "
	}
	for i, k := range keys {
		if i > 0 {
			label += ", "
		}
		label += expr.String(k) + " as " + k.Type().SQL
	}
	id := in.id + " " + label
	if ix, ok := c.indexes[id]; ok {
		return ix
	}
	evals := compileAll(keys)
	key := equalKey(evals, keys)
	if kind == identical {
		key = identicalKey(evals)
	}
	ix := c.b.Index(in.stream, label, key)
	c.indexes[id] = ix
	return ix
}

// sameness says when keys of a join meet.
type sameness int

const (
	equal sameness = iota
	identical
)

func equalKey(evals []expr.Eval, keys []expr.Expr) circuit.KeyFunc {
	types := make([]*values.Type, len(keys))
	for i, k := range keys {
		types[i] = k.Type()
	}
	return func(dst []byte, row []values.Datum) ([]byte, bool) {
		for i, k := range evals {
			v := k(row)
			if v.IsNull() || v.IsErr() { // an equality with NULL is not true
				return dst, false
			}
			dst = values.AppendKey(dst, types[i], v)
		}
		return dst, true
	}
}

func identicalKey(evals []expr.Eval) circuit.KeyFunc {
	one := make([]values.Datum, 1)
	return func(dst []byte, row []values.Datum) ([]byte, bool) {
		for _, k := range evals {
			one[0] = k(row)
			dst = values.AppendRow(dst, one)
		}
		return dst, true
	}
}

func (c *compiler) join(n *algebra.EquiJoin, id string) *compiled {
	l, r := c.node(n.L), c.node(n.R)
	if _, ok := n.R.(*algebra.Moment); !ok || len(n.RKeys) > 0 || !l.late {
		l = c.clean(l, n.L.Cols())
	}
	if _, ok := n.R.(*algebra.Moment); !ok || len(n.RKeys) > 0 {
		r = c.clean(r, n.R.Cols())
	}
	return c.meet(c.side(l, n.L, n.LKeys), c.side(r, n.R, n.RKeys), equal, n.Conds, n.Out, id, n.Label())
}

// side is one input of a join with its keys.
type side struct {
	*compiled
	cols []algebra.Column
	keys []expr.Expr
	// unique: it is known that at most one row has the same keys.
	unique bool
}

func (c *compiler) side(r *compiled, of algebra.Node, keys []expr.Expr) *side {
	return &side{r, of.Cols(), keys, c.keys.Unique(of, keys)}
}

// meet joins two relations on their keys and further conditions over the columns
// of both, of which it keeps out.
func (c *compiler) meet(l, r *side, kind sameness, conds []expr.Expr, keep []int, id, label string) *compiled {
	errs := addErrs(c.given(l.errs, r.compiled), c.given(r.errs, l.compiled)...)

	// The joined row is the left stream's row, then the right one's.
	both := &compiled{width: l.width + r.width}
	both.at = append(both.at, l.at...)
	for _, a := range r.at {
		both.at = append(both.at, l.width+a)
	}
	placed := both.exprs(conds)
	late := l.late || r.late
	total := !expr.HasRemote(placed) && !(late && len(conds) > 0)
	for _, e := range placed {
		total = total && expr.Total(e)
	}
	if total {
		out := make([]int, len(keep))
		for i, o := range keep {
			out[i] = both.at[o]
		}
		s := c.pairing(l, r, kind, conds, placed, out, len(out), fmt.Sprint(label, " at ", both.at), pairs(expr.Conjoin(placed), l.width, both.width, out))
		return &compiled{stream: s, width: len(out), id: id, at: algebra.FirstN(len(out)), errs: errs, dirty: late, late: late}
	}
	// A condition that can fail, or that Postgres evaluates, is an operator of
	// its own above the join.
	cols := append(append([]algebra.Column{}, l.cols...), r.cols...)
	all := algebra.FirstN(both.width)
	f := pairs(nil, l.width, both.width, all)
	if !late && !expr.HasRemote(placed) {
		if joined, conds := c.meetBounded(l, r, kind, conds, placed, keep, both, id, label); joined != nil {
			joined.errs = errs
			return c.mapper(joined, append(cols, algebra.Column{Name: "bounded", Type: values.BoolType, Hidden: true}), conds, algebra.Refs(cols, keep), id, label)
		}
		f = possiblePairs(compileAll(placed), l.width, both.width)
	}
	s := c.pairing(l, r, kind, conds, placed, both.at, both.width, fmt.Sprint(label, " all of ", both.at), f)
	joined := &compiled{stream: s, width: both.width, id: id + " before conditions", at: both.at, errs: errs, dirty: late, late: late}
	return c.mapper(joined, cols, conds, algebra.Refs(cols, keep), id, label)
}

// columnsOf is the columns that expressions refer to, and more.
func columnsOf(es []expr.Expr, more []int) []int {
	used := map[int]bool{}
	for _, e := range es {
		expr.Columns(e, used)
	}
	return slices.AppendSeq(slices.Clone(more), maps.Keys(used))
}

// pairs is the function of a join: it tests a total condition on the pair and
// keeps the columns out of it.
func pairs(cond expr.Expr, lw, width int, out []int) circuit.JoinFunc {
	if cond == nil {
		return func(l, r []values.Datum, to *circuit.Batch, w int64) {
			row := to.Grow(w)
			for i, o := range out {
				if o < lw {
					row[i] = l[o]
				} else {
					row[i] = r[o-lw]
				}
			}
		}
	}
	test := expr.Compile(cond)
	pair := make([]values.Datum, width)
	return func(l, r []values.Datum, to *circuit.Batch, w int64) {
		copy(pair, l)
		copy(pair[lw:], r)
		if !test(pair).IsTrue() {
			return
		}
		row := to.Grow(w)
		for i, o := range out {
			row[i] = pair[o]
		}
	}
}

// possiblePairs is pairs for conditions that can fail, which an operator above decides:
// it leaves out the pairs of which one is not true, as the other would.
func possiblePairs(conds []expr.Eval, lw, width int) circuit.JoinFunc {
	pair := make([]values.Datum, width)
	return func(l, r []values.Datum, to *circuit.Batch, w int64) {
		copy(pair, l)
		copy(pair[lw:], r)
		for _, c := range conds {
			if v := c(pair); !v.IsErr() && !v.IsTrue() {
				return
			}
		}
		copy(to.Grow(w), pair)
	}
}

func types(cols []algebra.Column) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Type.SQL
	}
	return strings.Join(out, ", ")
}

// rowKey is the key of some columns of a row by SQL's notion of sameness (NULLs
// are the same).
func rowKey(cols []algebra.Column, key []int) circuit.KeyFunc {
	ts := make([]*values.Type, len(key))
	for i, k := range key {
		ts[i] = cols[k].Type
	}
	return func(dst []byte, row []values.Datum) ([]byte, bool) {
		for i, k := range key {
			dst = values.AppendKey(dst, ts[i], row[k])
		}
		return dst, true
	}
}

func compileAll(es []expr.Expr) []expr.Eval {
	out := make([]expr.Eval, len(es))
	for i, e := range es {
		out[i] = expr.Compile(e)
	}
	return out
}
