// Package algebra is relational algebra over multisets: what a view means,
// between Postgres' query tree and the circuit.
//
// It knows the operators, their columns and keys, and the rewrites that make a
// plan cheap to maintain. It must not know of catalogue queries, query trees or
// circuits.
package algebra

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// Column is an output column of a node.
type Column struct {
	Name   string
	Type   *values.Type
	Hidden bool // added by a rewrite: no part of a row as people know it
}

// Node is an operator over multisets of rows. Nodes are immutable.
type Node interface {
	Cols() []Column
	Children() []Node
	With(children []Node) Node
	// Label names the operator and its parameters. Two nodes with equal labels
	// and equal children are the same relation.
	Label() string
}

// Scan reads columns of a table.
type Scan struct {
	Table *catalog.Relation
	Attrs []int // indexes into Table.Columns
}

// Values is a constant relation.
type Values struct {
	Rows    [][]expr.Expr // without columns
	Columns []Column
}

// Filter keeps the rows for which all conditions are true.
type Filter struct {
	In    Node
	Conds []expr.Expr
}

// Project computes expressions.
type Project struct {
	In    Node
	Exprs []expr.Expr
	Names []string
	// Own: they are computed for each row, whatever reads them (expr.Held).
	Own bool
}

// Own is a relation whose columns are computed for each of its rows.
func Own(n Node) Node {
	p, ok := n.(*Project)
	if !ok {
		return n
	}
	out := *p
	out.Own = true
	return &out
}

// Join is the inner join of any number of inputs; its columns are theirs, one
// after the other. It is what a query says; Order turns it into EquiJoins.
type Join struct {
	Inputs []Node
	Conds  []expr.Expr
}

// EquiJoin is the inner join of two inputs on equal keys (none: every pair),
// with further conditions over the columns of both. Out picks and orders the
// columns kept.
type EquiJoin struct {
	L, R         Node
	LKeys, RKeys []expr.Expr // over L and over R
	Conds        []expr.Expr // over L ++ R
	Out          []int       // into L ++ R
}

// Aggregate groups by expressions: one row a group of the group expressions,
// then the aggregates. Without group expressions and with Global it is one row,
// also over nothing.
type Aggregate struct {
	In    Node
	Group []expr.Expr
	// By are the group expressions that tell groups apart, where others do not:
	// their values are equal within a group, and that row of them is shown whose
	// encoding is the least. nil: all of them.
	By     []int
	Aggs   []Agg
	Global bool
}

// Agg is one aggregate call.
type Agg struct {
	Name     string         // signature
	Impl     *agg.Aggregate // nil: Postgres computes it
	Remote   *expr.Remote   // over arrays of a group's values, one for each argument, if Impl is nil
	Args     []expr.Expr    // what ORDER BY in the call reads comes last
	Filter   expr.Expr      // nil: none
	Distinct bool
	// By are the Args that tell arguments of DISTINCT apart; nil: all of them.
	By []int
	// Sort is ORDER BY in the call, over Args; nil where the order makes no
	// difference, or where there is none to keep: then it is that of the keys.
	// Rows that it leaves equal come in the order of their encoded Args.
	Sort []SortKey
	// Empty is what Postgres makes of nothing, if Impl is nil.
	Empty values.Datum
	T     *values.Type
}

// OrNothing is the aggregate, which is in a column, of a group that was found, and else
// what it is over nothing.
func (a Agg) OrNothing(column, found expr.Expr) expr.Expr {
	nothing := a.Empty
	if a.Impl != nil && a.Impl.Linear != nil {
		nothing = a.Impl.Linear().Result()
	}
	if nothing.IsNull() {
		return column
	}
	return &expr.Case{Whens: []expr.Expr{found, column}, Else: &expr.Const{V: nothing, T: a.T}, T: a.T}
}

// Distinct keeps one of each row, by SQL's notion of sameness or, if Exact, one
// of each that looks the same. Key is the columns that tell its rows apart by SQL's
// equality; nil if that takes all of them or, of an exact one, if there are none.
type Distinct struct {
	In    Node
	Exact bool
	Key   []int
}

// UnionAll is the sum of its inputs, which agree in number and types of columns.
type UnionAll struct {
	Inputs []Node
	// Parts says that they are rows of one relation, none of them in two: what tells
	// the rows of each apart is a key of the relation.
	Parts bool
}

func (n *Scan) Children() []Node      { return nil }
func (n *Values) Children() []Node    { return nil }
func (n *Filter) Children() []Node    { return []Node{n.In} }
func (n *Project) Children() []Node   { return []Node{n.In} }
func (n *Join) Children() []Node      { return n.Inputs }
func (n *EquiJoin) Children() []Node  { return []Node{n.L, n.R} }
func (n *Aggregate) Children() []Node { return []Node{n.In} }
func (n *Distinct) Children() []Node  { return []Node{n.In} }
func (n *UnionAll) Children() []Node  { return n.Inputs }

func (n *Scan) With([]Node) Node        { return n }
func (n *Values) With([]Node) Node      { return n }
func (n *Filter) With(c []Node) Node    { return &Filter{In: c[0], Conds: n.Conds} }
func (n *Project) With(c []Node) Node   { m := *n; m.In = c[0]; return &m }
func (n *Join) With(c []Node) Node      { return &Join{Inputs: c, Conds: n.Conds} }
func (n *EquiJoin) With(c []Node) Node  { m := *n; m.L, m.R = c[0], c[1]; return &m }
func (n *Aggregate) With(c []Node) Node { m := *n; m.In = c[0]; return &m }
func (n *Distinct) With(c []Node) Node  { m := *n; m.In = c[0]; return &m }
func (n *UnionAll) With(c []Node) Node  { return &UnionAll{Inputs: c, Parts: n.Parts} }

// Cols of a scan are the table's columns.
func (n *Scan) Cols() []Column {
	out := make([]Column, len(n.Attrs))
	for i, a := range n.Attrs {
		out[i] = Column{Name: n.Table.Columns[a].Name, Type: n.Table.Columns[a].Type}
	}
	return out
}

// Cols are the constant relation's columns.
func (n *Values) Cols() []Column { return n.Columns }

// Cols are the input's.
func (n *Filter) Cols() []Column { return n.In.Cols() }

// Cols are the expressions.
func (n *Project) Cols() []Column {
	out := make([]Column, len(n.Exprs))
	for i, e := range n.Exprs {
		out[i] = Column{Name: n.Names[i], Type: e.Type()}
	}
	return out
}

// Cols are those of all inputs.
func (n *Join) Cols() []Column {
	var out []Column
	for _, in := range n.Inputs {
		out = append(out, in.Cols()...)
	}
	return out
}

// Cols are the picked columns of both inputs.
func (n *EquiJoin) Cols() []Column {
	all := append(append([]Column{}, n.L.Cols()...), n.R.Cols()...)
	out := make([]Column, len(n.Out))
	for i, c := range n.Out {
		out[i] = all[c]
	}
	return out
}

// Cols are the group expressions, then the aggregates.
func (n *Aggregate) Cols() []Column {
	var out []Column
	for i, g := range n.Group {
		name := fmt.Sprintf("group%d", i+1)
		if c, ok := g.(*expr.Col); ok && c.Name != "" {
			name = c.Name
		}
		out = append(out, Column{Name: name, Type: g.Type()})
	}
	for _, a := range n.Aggs {
		name, _, _ := strings.Cut(a.Name, "(")
		out = append(out, Column{Name: name, Type: a.T})
	}
	return out
}

// Cols are the input's.
func (n *Distinct) Cols() []Column { return n.In.Cols() }

// Cols are the first input's.
func (n *UnionAll) Cols() []Column { return n.Inputs[0].Cols() }

// Label names the table and its columns.
func (n *Scan) Label() string {
	names := make([]string, len(n.Attrs))
	for i, a := range n.Attrs {
		names[i] = n.Table.Columns[a].Name
	}
	return fmt.Sprintf("Scan %s (%s)", n.Table.SQL(), strings.Join(names, ", "))
}

// Label lists the rows; of none, their width: relations are told apart by labels.
func (n *Values) Label() string {
	if len(n.Rows) == 0 {
		return fmt.Sprintf("No rows of %d columns", len(n.Columns))
	}
	rows := make([]string, len(n.Rows))
	for i, r := range n.Rows {
		rows[i] = "(" + list(r) + ")"
	}
	return "Values " + strings.Join(rows, ", ")
}

// Label lists the conditions.
func (n *Filter) Label() string { return "Filter " + list(n.Conds) }

// Label lists the expressions.
func (n *Project) Label() string { return "Project " + list(n.Exprs) }

// Label lists the conditions.
func (n *Join) Label() string { return "Join " + list(n.Conds) }

// Label lists keys and conditions.
func (n *EquiJoin) Label() string {
	keys := make([]string, len(n.LKeys))
	for i := range n.LKeys {
		keys[i] = expr.String(n.LKeys[i]) + " = " + expr.String(n.RKeys[i])
	}
	s := "Join on " + strings.Join(keys, ", ")
	if len(keys) == 0 {
		s = "Join of all pairs"
	}
	if len(n.Conds) > 0 {
		s += " if " + list(n.Conds)
	}
	return s + fmt.Sprint(" keep ", n.Out)
}

// Label lists group expressions and aggregates.
func (n *Aggregate) Label() string {
	aggs := make([]string, len(n.Aggs))
	for i, a := range n.Aggs {
		aggs[i] = a.Label()
	}
	s := "Aggregate " + strings.Join(aggs, ", ")
	if !n.Global {
		s += " by " + list(n.Group)
	}
	if n.By != nil {
		s += fmt.Sprint(" told apart by ", n.By)
	}
	return s
}

// Label is the call; equal labels over one input are one aggregate.
func (a Agg) Label() string {
	name, _, _ := strings.Cut(a.Name, "(")
	s := name + "("
	if a.Distinct {
		s += "DISTINCT "
	}
	if a.By != nil {
		s += fmt.Sprint("by ", a.By, " ")
	}
	s += list(a.Args)
	if len(a.Sort) > 0 {
		s += " order by " + showSort(a.Sort)
	}
	s += "):" + a.T.SQL
	if a.Remote != nil {
		s += " " + expr.String(a.Remote)
	}
	if a.Filter != nil {
		s += " filter " + expr.String(a.Filter)
	}
	return s
}

// Label says by what rows are told apart.
func (n *Distinct) Label() string {
	switch {
	case n.Exact:
		return "Distinct by identity"
	case n.Key != nil:
		return fmt.Sprint("Distinct by ", n.Key)
	}
	return "Distinct"
}

// Label is the operator alone.
func (n *UnionAll) Label() string { return "Union all" }

func list(es []expr.Expr) string {
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = expr.String(e)
	}
	return strings.Join(out, ", ")
}

// Fingerprint identifies a relation: equal fingerprints, equal contents, today and
// in another process.
func Fingerprint(n Node) string {
	f := NewFingerprints()
	f.Of(n)
	return strings.Join(f.texts, "\n")
}

// Fingerprints tell the relations of one or more plans apart, by numbers that mean
// nothing elsewhere. The nodes above mention a relation by its number: texts that
// held each other's would grow with every path through the plan.
type Fingerprints struct {
	of      map[Node]string
	numbers map[string]string // operator over numbered inputs → number
	texts   []string          // these, in order
}

// NewFingerprints has given no numbers yet.
func NewFingerprints() *Fingerprints {
	return &Fingerprints{of: map[Node]string{}, numbers: map[string]string{}}
}

// Of is the number of a relation: of equal ones, the same.
func (f *Fingerprints) Of(n Node) string {
	if id, ok := f.of[n]; ok {
		return id
	}
	text := ""
	for _, in := range n.Children() {
		text += f.Of(in) + " "
	}
	text += n.Label()
	id, ok := f.numbers[text]
	if !ok {
		f.texts = append(f.texts, text)
		id = fmt.Sprint("#", len(f.texts))
		f.numbers[text] = id
	}
	f.of[n] = id
	return id
}
