package algebra

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Recursive is what a recursive query computes: its working table, over all
// iterations. In gives the table's rows, with the number of the iteration in
// which they arise as one more column, the last: the non-recursive term's are of
// iteration 0, and the recursive term makes rows of the next iteration from those
// of a WorkTable of the same Level. Of rows that are the same, unless All, only
// the one of the least iteration is there. Its own columns leave the iteration
// out.
type Recursive struct {
	In    Node
	Level int // greater than that of those within it
	All   bool
	// Key is the columns that tell rows apart, unless All; nil: all of them.
	Key   []int
	Limit int64 // iterations that there are at most
}

// WorkTable is the working table within its Recursive.
type WorkTable struct {
	Level   int    // 0 while its Recursive is being made
	Loop    string // identifies the Recursive among all; see Bind
	All     bool
	Columns []Column
}

// Children is the input.
func (n *Recursive) Children() []Node { return []Node{n.In} }

// With recurs over another input.
func (n *Recursive) With(c []Node) Node { m := *n; m.In = c[0]; return &m }

// Cols are the input's but for the iteration.
func (n *Recursive) Cols() []Column {
	cols := n.In.Cols()
	return cols[: len(cols)-1 : len(cols)-1]
}

// Label tells UNION from UNION ALL.
func (n *Recursive) Label() string {
	kind := "Recursion"
	if n.All {
		kind = "Recursion of all copies"
	} else if n.Key != nil {
		kind = fmt.Sprint("Recursion by ", n.Key)
	}
	return fmt.Sprintf("%s, level %d, %d iterations", kind, n.Level, n.Limit)
}

// Children are none: the loop is no part of the tree.
func (n *WorkTable) Children() []Node { return nil }

// With is the same table.
func (n *WorkTable) With([]Node) Node { return n }

// Cols are the table's, the iteration last.
func (n *WorkTable) Cols() []Column { return n.Columns }

// Label tells which loop's it is.
func (n *WorkTable) Label() string {
	s := fmt.Sprintf("Working table of level %d", n.Level)
	for _, c := range n.Columns {
		s += " " + c.Type.SQL
	}
	return s + " " + n.Loop
}

// Live is the relation of what a recursion is computed for, each row by itself, as its
// recursive term has it: in an iteration there are those whose working table has rows. It
// stands in a term that is being translated, and nowhere else.
type Live struct {
	Domain Node // its last column identifies a row; all of them lead the working table's
	work   *WorkTable
}

// NewLive makes the domain of a recursive term that reads the given table.
func NewLive(domain Node, work *WorkTable) *Live { return &Live{Domain: domain, work: work} }

// Children are none: what there is is seen when the recursion is made.
func (n *Live) Children() []Node { return nil }

// With is the same.
func (n *Live) With([]Node) Node { return n }

// Cols are the domain's.
func (n *Live) Cols() []Column { return n.Domain.Cols() }

// Label says what it is.
func (n *Live) Label() string { return "Domain of a recursive term" }

// Bind gives the working table within a recursion an identity of its own, so that
// what reads it differs from what reads another's.
func (n *Recursive) Bind(loop string) (bound *Recursive, table *WorkTable) {
	table = &WorkTable{Level: n.Level, Loop: loop, All: n.All, Columns: n.In.Cols()}
	in := replace(n.In, func(w *WorkTable) *WorkTable {
		if w.Level == n.Level && w.Loop == "" {
			return table
		}
		return w
	})
	return n.With([]Node{in}).(*Recursive), table
}

// replace exchanges the working tables of a plan.
func replace(n Node, with func(*WorkTable) *WorkTable) Node {
	return bottomUp(n, func(n Node) Node {
		if w, ok := n.(*WorkTable); ok {
			return with(w)
		}
		return n
	})
}

// NewWorkTable makes the stand-in for a working table while its recursive term is
// being translated: still without iterations.
func NewWorkTable(cols []Column, all bool) *WorkTable { return &WorkTable{Columns: cols, All: all} }

// NewRecursive makes a recursion of its two terms, the second of which reads
// work, of the columns that tell rows apart, and of a limit to its iterations.
func NewRecursive(base, term Node, work *WorkTable, key []int, limit int64) (*Recursive, error) {
	cols := work.Columns
	c := &carrier{work: work, inner: map[int]bool{}, done: map[Node]Node{}, level: 1}
	var above func(n Node)
	above = func(n Node) {
		switch n := n.(type) {
		case *Recursive:
			c.level = max(c.level, n.Level+1)
		case *Live: // of a loop around this one, which takes the place of it
			Walk(n.Domain, above)
		}
	}
	Walk(base, above)
	Walk(term, above)
	carried := c.carry(term)
	if c.err != nil {
		return nil, c.err
	}
	zero := project(base, append(AllRefs(cols), &expr.Const{V: values.Int(0), T: values.Int8Type}))
	next := project(carried, append(AllRefs(cols), following(len(cols))))
	return &Recursive{In: &UnionAll{Inputs: []Node{zero, next}}, Level: c.level, All: work.All, Key: key, Limit: limit}, nil
}

const iteration = "iteration"

func iterationAt(i int) expr.Expr { return &expr.Col{Index: i, Name: iteration, T: values.Int8Type} }

// following is the number of the iteration after the one in column i.
func following(i int) expr.Expr {
	return &expr.Native{
		Name: "next iteration", Total: true, T: values.Int8Type, Args: []expr.Expr{iterationAt(i)},
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum { return values.Int(v.Int64() + 1) }},
	}
}

// project names columns after those of the input; what is computed is an
// iteration.
func project(n Node, exprs []expr.Expr) *Project {
	p := &Project{In: n, Exprs: exprs}
	for _, e := range exprs {
		name := iteration
		if c, ok := e.(*expr.Col); ok {
			name = c.Name
		}
		p.Names = append(p.Names, name)
	}
	return p
}

// carrier carries the iteration of a working table through the operators of a
// recursive term, as one more column, the last. A term is evaluated for each
// iteration by itself; so what it groups, ranks or pairs is, with all
// iterations in one relation, grouped, ranked and paired within each.
type carrier struct {
	work  *WorkTable
	level int
	inner map[int]bool // loops within the term that the iteration is carried through
	done  map[Node]Node
	err   error
}

// carries says whether a plan reads the working table.
func (c *carrier) carries(n Node) bool {
	found := false
	Walk(n, func(n Node) {
		switch n := n.(type) {
		case *WorkTable:
			found = found || n == c.work || n.Loop == "" && c.inner[n.Level]
		case *Live:
			found = found || n.work == c.work
		}
	})
	return found
}

// table is the working table with its iteration.
func (c *carrier) table() *WorkTable {
	cols := c.work.Columns
	return &WorkTable{
		Level: c.level, All: c.work.All,
		Columns: append(cols[:len(cols):len(cols)], Column{Name: iteration, Type: values.Int8Type}),
	}
}

// everywhere is a relation that does not depend on the working table, once for
// each iteration: the recursive term is evaluated for those that have rows, and
// for the first.
func (c *carrier) everywhere(n Node) Node {
	return &Join{Inputs: []Node{n, c.iterations()}}
}

// iterations are those that have rows, and the first.
func (c *carrier) iterations() Node {
	table := c.table()
	at := len(table.Columns) - 1
	zero := &Values{Columns: table.Columns[at:], Rows: [][]expr.Expr{{&expr.Const{V: values.Int(0), T: values.Int8Type}}}}
	return &Distinct{In: &UnionAll{Inputs: []Node{zero, project(table, []expr.Expr{iterationAt(at)})}}}
}

// live is the rows of a domain with the iterations in which the term is evaluated for
// them: those in which there are rows for them, and the first.
func (c *carrier) live(n *Live) Node {
	table := c.table()
	width := len(n.Cols())
	identity, zero := Refs(n.Cols(), []int{width - 1})[0], &expr.Const{V: values.Int(0), T: values.Int8Type}
	iterations := &Distinct{In: &UnionAll{Inputs: []Node{
		project(n.Domain, []expr.Expr{identity, zero}),
		project(table, []expr.Expr{Refs(table.Columns, []int{width - 1})[0], iterationAt(len(table.Columns) - 1)}),
	}}}
	j := &Join{Inputs: []Node{n.Domain, iterations}, Conds: []expr.Expr{sameIdentity(width-1, width)}}
	return project(j, append(AllRefs(n.Cols()), iterationAt(width+1)))
}

// sameIdentity is the condition that two columns identify the same row of a domain.
func sameIdentity(a, b int) expr.Expr {
	at := func(i int) expr.Expr { return &expr.Col{Index: i, Name: "identity", T: values.ByteaType} }
	return &expr.Native{
		Func: fn.Lookup("byteaeq(bytea,bytea)", []*values.Type{values.ByteaType, values.ByteaType}, values.BoolType),
		Name: "byteaeq(bytea,bytea)", Total: true, Equal: true, T: values.BoolType, Args: []expr.Expr{at(a), at(b)},
	}
}

// either carries the iteration through a plan, or repeats it for each.
func (c *carrier) either(n Node) Node {
	if c.carries(n) {
		return c.carry(n)
	}
	return c.everywhere(n)
}

// carry is for plans that read the working table.
func (c *carrier) carry(n Node) Node {
	to, ok := c.done[n]
	if !ok {
		to = c.extend(n)
		c.done[n] = to
	}
	return to
}

func (c *carrier) extend(n Node) Node {
	if !c.carries(n) {
		return c.everywhere(n)
	}
	width := len(n.Cols())
	switch n := n.(type) {
	case *WorkTable:
		if n == c.work {
			return c.table()
		}
		// Of a loop within: its own iteration stays the last of the table's columns.
		cols := n.Columns
		outer := Column{Name: iteration, Type: values.Int8Type}
		wide := &WorkTable{Level: n.Level, All: n.All, Columns: append(cols[:width-1:width-1], outer, cols[width-1])}
		return project(wide, append(AllRefs(cols[:width-1]), iterationAt(width), iterationAt(width-1)))
	case *Live:
		return c.live(n)
	case *Filter:
		return &Filter{In: c.carry(n.In), Conds: n.Conds}
	case *Project:
		exprs := append(n.Exprs[:width:width], iterationAt(len(n.In.Cols())))
		return &Project{In: c.carry(n.In), Exprs: exprs, Names: append(n.Names[:width:width], iteration)}
	case *Join:
		// Conditions of a join within a join may be over the columns of both.
		return c.join(flatten(n))
	case *OuterJoin:
		return c.outer(n)
	case *Aggregate:
		return c.aggregate(n)
	case *Distinct:
		m := &Distinct{In: c.carry(n.In), Exact: n.Exact}
		if n.Key != nil {
			m.Key = append(n.Key[:len(n.Key):len(n.Key)], width)
		}
		return m
	case *UnionAll:
		m := &UnionAll{}
		for _, in := range n.Inputs {
			m.Inputs = append(m.Inputs, c.either(in))
		}
		return m
	case *TopK:
		m := *n
		m.In, m.Partition = c.carry(n.In), append(n.Partition[:len(n.Partition):len(n.Partition)], width)
		return &m
	case *Window:
		m := *n
		at := len(n.In.Cols())
		m.In, m.Partition = c.carry(n.In), append(n.Partition[:len(n.Partition):len(n.Partition)], at)
		return last(&m, at)
	case *Spread:
		m := *n
		m.In = c.carry(n.In)
		return last(&m, len(n.In.Cols()))
	case *Repeat:
		return &Repeat{In: c.carry(n.In), Count: n.Count}
	case *Shared:
		return &Shared{In: c.carry(n.In)}
	case *Once:
		return &Once{In: c.carry(n.In), Asked: n.Asked}
	case *Recursive:
		c.inner[n.Level] = true
		defer delete(c.inner, n.Level)
		in := c.carry(n.In)
		w := len(n.In.Cols())
		cols := in.Cols()
		swapped := append(AllRefs(cols[:w-1]), iterationAt(w), iterationAt(w-1))
		return n.With([]Node{project(in, swapped)})
	}
	if c.err == nil {
		c.err = fmt.Errorf("no iteration is carried through %q", n.Label()) // there is no other operator
	}
	return &Values{}
}

// last moves a column of a node to the end.
func last(n Node, at int) Node {
	cols := n.Cols()
	exprs := AllRefs(cols)
	exprs = append(append(exprs[:at:at], exprs[at+1:]...), exprs[at])
	return project(n, exprs)
}

// sameIteration is the condition that two columns are of one iteration.
func sameIteration(a, b int) expr.Expr {
	eq := fn.Lookup("int8eq(int8,int8)", []*values.Type{values.Int8Type, values.Int8Type}, values.BoolType)
	return &expr.Native{
		Func: eq, Name: "int8eq(int8,int8)", Total: true, Equal: true, T: values.BoolType,
		Args: []expr.Expr{iterationAt(a), iterationAt(b)},
	}
}

func (c *carrier) join(n *Join) Node {
	m := &Join{}
	to := map[int]int{}
	at, width, first := 0, 0, -1
	var same []expr.Expr
	for _, in := range n.Inputs {
		w := len(in.Cols())
		for i := range w {
			to[width+i] = at + i
		}
		carried := in
		if c.carries(in) {
			carried = c.carry(in)
			if first < 0 {
				first = at + w
			} else {
				same = append(same, sameIteration(first, at+w))
			}
			at++
		}
		m.Inputs = append(m.Inputs, carried)
		at, width = at+w, width+w
	}
	m.Conds = append(expr.RemapAll(n.Conds, to), same...)
	exprs := append(expr.RemapAll(AllRefs(n.Cols()), to), iterationAt(first))
	return project(m, exprs)
}

func (c *carrier) outer(n *OuterJoin) Node {
	lw := len(n.L.Cols())
	m := &OuterJoin{Kind: n.Kind, L: c.either(n.L), R: n.R}
	to := map[int]int{}
	for i := range lw {
		to[i] = i
	}
	for i := range n.R.Cols() {
		to[lw+i] = lw + 1 + i
	}
	m.Conds = expr.RemapAll(n.Conds, to)
	if right := lw + 1 + len(n.R.Cols()); c.carries(n.R) || n.Kind == FullJoin {
		m.R = c.either(n.R)
		m.Conds = append(m.Conds, sameIteration(lw, right))
		if n.Kind == FullJoin {
			return c.full(n, m, to, lw, right)
		}
	}
	for _, o := range n.Out {
		m.Out = append(m.Out, to[o])
	}
	m.Out = append(m.Out, lw)
	return m
}

// full is a full join m with the iteration in two columns, of which the one or the
// other may be missing; to says where the columns of n are.
func (c *carrier) full(n, m *OuterJoin, to map[int]int, left, right int) Node {
	m.Out = FirstN(right + 1)
	exprs := make([]expr.Expr, 0, len(n.Out)+1)
	cols := m.Cols()
	for _, o := range n.Out {
		exprs = append(exprs, Refs(cols, []int{to[o]})...)
	}
	isLeft := &expr.NullTest{Arg: iterationAt(left), Not: true, T: values.BoolType}
	return project(m, append(exprs, &expr.Case{Whens: []expr.Expr{isLeft, iterationAt(left)}, Else: iterationAt(right), T: values.Int8Type}))
}

func (c *carrier) aggregate(n *Aggregate) Node {
	at := len(n.Group)
	m := &Aggregate{In: c.carry(n.In), Aggs: n.Aggs, Group: append(n.Group[:at:at], iterationAt(len(n.In.Cols())))}
	if n.By != nil {
		m.By = append(n.By[:len(n.By):len(n.By)], at)
	}
	if n.Global {
		return c.global(m)
	}
	return last(m, at)
}

// global is aggregates without GROUP BY, of which each iteration has one row, even one
// without rows to aggregate.
func (c *carrier) global(m *Aggregate) Node {
	exprs := append(AllRefs(m.Cols()), &expr.Const{V: values.True, T: values.BoolType})
	names := make([]string, 0, len(exprs))
	for _, col := range m.Cols() {
		names = append(names, col.Name)
	}
	have := &Project{In: m, Exprs: exprs, Names: append(names, "mark")}
	join := NewOuterJoin(LeftJoin, c.iterations(), have, []expr.Expr{sameIteration(0, 1)})
	cols := join.Cols()
	found := &expr.NullTest{Arg: Refs(cols, []int{len(cols) - 1})[0], Not: true, T: values.BoolType}
	out := &Project{In: join}
	for i, a := range m.Aggs {
		e := a.OrNothing(Refs(cols, []int{2 + i})[0], found)
		out.Exprs, out.Names = append(out.Exprs, e), append(out.Names, cols[2+i].Name)
	}
	out.Exprs, out.Names = append(out.Exprs, iterationAt(0)), append(out.Names, iteration)
	return out
}
