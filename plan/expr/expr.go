// Package expr is the intermediate form of scalar expressions: resolved to
// types and functions, over the columns of one row, and compiled into closures.
//
// It knows three-valued logic, CASE, COALESCE and the rest of SQL's syntax-like
// constructs, how errors travel as values, and how a call that Go does not
// implement is handed to Postgres (Remote). It must not know of catalogues,
// query trees or relations.
package expr

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Expr is one node of an expression. Expressions are immutable.
type Expr interface {
	Type() *values.Type
	Children() []Expr
	// With is the same node over other children, as many as Children gives.
	With(children []Expr) Expr
	// head names the node and all its parameters but the children; two nodes
	// with equal heads and equal children are the same expression.
	head() string
}

// Col is a column of the input row.
type Col struct {
	Index int
	Name  string // for explain only
	T     *values.Type
}

// Const is a constant. Its value may be an error Datum: the result of folding
// an expression that fails, raised only where it is used.
type Const struct {
	V values.Datum
	T *values.Type
}

// Native is a call of a function that Go implements.
type Native struct {
	Func  *fn.Func
	Name  string // signature, for explain and identity
	Total bool   // cannot raise an error, so it may be evaluated early
	// Equal marks an equality whose two sides have one key encoding
	// (values.AppendKey), so that it can serve as a join key.
	Equal bool
	// Cmp is the operator ("<", "<=", "=", "<>", ">=", ">") if the call compares its
	// two arguments as their keys compare; "" else.
	Cmp string
	// Injective says that equal results are those of the very same arguments.
	Injective bool
	Args      []Expr
	T         *values.Type
}

// Remote is a piece of SQL that Postgres evaluates, immutable in its arguments.
// SQL has one more piece than there are arguments: SQL[0] arg0 SQL[1] arg1 ….
type Remote struct {
	SQL    []string
	Args   []Expr
	Strict bool // NULL if any argument is NULL, without asking
	// Passing says that the same is hardly ever asked again.
	Passing bool
	Func    string // signature of the function it is a call of; "" where it is more, or not built in
	// Rank, of a label, is the order that it stands for.
	Rank *Order
	T    *values.Type
}

// BoolOp is AND, OR (n-ary) or NOT (unary).
type BoolOp struct {
	Op   BoolKind
	Args []Expr
	T    *values.Type
}

// BoolKind is the connective of a BoolOp.
type BoolKind string

// The connectives.
const (
	And BoolKind = "AND"
	Or  BoolKind = "OR"
	Not BoolKind = "NOT"
)

// Case is a searched CASE: conditions and results in turn, then the default.
type Case struct {
	Whens []Expr // cond, result, cond, result …
	Else  Expr
	T     *values.Type
}

// Coalesce is the first argument that is not NULL.
type Coalesce struct {
	Args []Expr
	T    *values.Type
}

// MinMax is GREATEST or LEAST; NULLs are passed over.
type MinMax struct {
	Greatest bool
	Args     []Expr
	T        *values.Type
}

// NullIf is NULL where Eq(A, B) is true, else A. Eq is over columns 0 and 1 of
// a row of its own (both arguments), so that A is evaluated once.
type NullIf struct {
	Eq   Expr
	A, B Expr
	T    *values.Type
}

// NullTest is IS NULL or IS NOT NULL.
type NullTest struct {
	Arg Expr
	Not bool
	T   *values.Type
}

// BoolTest is IS [NOT] TRUE, FALSE or UNKNOWN.
type BoolTest struct {
	Arg Expr
	Is  string // "TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN"
	T   *values.Type
}

// Distinct is A IS DISTINCT FROM B, by the equality Eq over columns 0 and 1.
type Distinct struct {
	Eq   Expr
	A, B Expr
	T    *values.Type
}

// AnyAll is left op ANY (list) or left op ALL (list); Op is over columns 0
// (left) and 1 (one element).
type AnyAll struct {
	Op  Expr
	All bool
	// Member marks = ANY and <> ALL whose sides have one key encoding: whether
	// the left side is an element can be asked of a set.
	Member bool
	Left   Expr
	Array  Expr // of an array type; an ArrayOf is not built as a value
	T      *values.Type
}

// ArrayOf is ARRAY[…] of elements, one-dimensional.
type ArrayOf struct {
	Elems []Expr
	T     *values.Type
}

func (e *Col) Type() *values.Type      { return e.T }
func (e *Const) Type() *values.Type    { return e.T }
func (e *Native) Type() *values.Type   { return e.T }
func (e *Remote) Type() *values.Type   { return e.T }
func (e *BoolOp) Type() *values.Type   { return e.T }
func (e *Case) Type() *values.Type     { return e.T }
func (e *Coalesce) Type() *values.Type { return e.T }
func (e *MinMax) Type() *values.Type   { return e.T }
func (e *NullIf) Type() *values.Type   { return e.T }
func (e *NullTest) Type() *values.Type { return e.T }
func (e *BoolTest) Type() *values.Type { return e.T }
func (e *Distinct) Type() *values.Type { return e.T }
func (e *AnyAll) Type() *values.Type   { return e.T }
func (e *ArrayOf) Type() *values.Type  { return e.T }

func (e *Col) Children() []Expr      { return nil }
func (e *Const) Children() []Expr    { return nil }
func (e *Native) Children() []Expr   { return e.Args }
func (e *Remote) Children() []Expr   { return e.Args }
func (e *BoolOp) Children() []Expr   { return e.Args }
func (e *Case) Children() []Expr     { return append(e.Whens[:len(e.Whens):len(e.Whens)], e.Else) }
func (e *Coalesce) Children() []Expr { return e.Args }
func (e *MinMax) Children() []Expr   { return e.Args }
func (e *NullIf) Children() []Expr   { return []Expr{e.A, e.B} }
func (e *NullTest) Children() []Expr { return []Expr{e.Arg} }
func (e *BoolTest) Children() []Expr { return []Expr{e.Arg} }
func (e *Distinct) Children() []Expr { return []Expr{e.A, e.B} }
func (e *AnyAll) Children() []Expr   { return []Expr{e.Left, e.Array} }
func (e *ArrayOf) Children() []Expr  { return e.Elems }

func (e *Col) With([]Expr) Expr      { return e }
func (e *Const) With([]Expr) Expr    { return e }
func (e *Native) With(c []Expr) Expr { n := *e; n.Args = c; return &n }
func (e *Remote) With(c []Expr) Expr { n := *e; n.Args = c; return &n }
func (e *BoolOp) With(c []Expr) Expr { n := *e; n.Args = c; return &n }
func (e *Case) With(c []Expr) Expr {
	return &Case{Whens: c[:len(c)-1], Else: c[len(c)-1], T: e.T}
}
func (e *Coalesce) With(c []Expr) Expr { return &Coalesce{Args: c, T: e.T} }
func (e *MinMax) With(c []Expr) Expr   { n := *e; n.Args = c; return &n }
func (e *NullIf) With(c []Expr) Expr   { n := *e; n.A, n.B = c[0], c[1]; return &n }
func (e *NullTest) With(c []Expr) Expr { n := *e; n.Arg = c[0]; return &n }
func (e *BoolTest) With(c []Expr) Expr { n := *e; n.Arg = c[0]; return &n }
func (e *Distinct) With(c []Expr) Expr { n := *e; n.A, n.B = c[0], c[1]; return &n }
func (e *AnyAll) With(c []Expr) Expr   { n := *e; n.Left, n.Array = c[0], c[1]; return &n }
func (e *ArrayOf) With(c []Expr) Expr  { return &ArrayOf{Elems: c, T: e.T} }

func (e *Col) head() string {
	if e.Name != "" {
		return e.Name + "#" + strconv.Itoa(e.Index)
	}
	return "#" + strconv.Itoa(e.Index)
}

func (e *Const) head() string {
	switch {
	case e.V.IsNull():
		return "NULL::" + e.T.SQL
	case e.V.IsErr():
		return "error(" + e.V.Err().Error() + ")"
	}
	text, err := values.AppendText(nil, e.T, e.V)
	if err != nil { // an opaque image: no text form without asking Postgres
		return "x'" + hex.EncodeToString([]byte(e.V.Str())) + "'::" + e.T.SQL
	}
	return "'" + string(text) + "'::" + e.T.SQL
}

func (e *Native) head() string {
	name, _, _ := strings.Cut(e.Name, "(")
	return name
}
func (e *Remote) head() string {
	if e.Rank != nil {
		return "label:" + e.Rank.String()
	}
	return "postgres:" + strings.Join(e.SQL, "$")
}
func (e *BoolOp) head() string   { return string(e.Op) }
func (e *Case) head() string     { return "CASE" }
func (e *Coalesce) head() string { return "COALESCE" }
func (e *MinMax) head() string {
	if e.Greatest {
		return "GREATEST"
	}
	return "LEAST"
}
func (e *NullIf) head() string { return "NULLIF[" + e.Eq.head() + "]" }
func (e *NullTest) head() string {
	if e.Not {
		return "IS NOT NULL"
	}
	return "IS NULL"
}
func (e *BoolTest) head() string { return "IS " + e.Is }
func (e *Distinct) head() string { return "IS DISTINCT FROM[" + e.Eq.head() + "]" }
func (e *AnyAll) head() string {
	if e.All {
		return "ALL[" + e.Op.head() + "]"
	}
	return "ANY[" + e.Op.head() + "]"
}
func (e *ArrayOf) head() string { return "ARRAY" }

// String is a readable form that also identifies the expression: two
// expressions of one type with equal strings compute the same.
func String(e Expr) string {
	var b strings.Builder
	write(&b, e)
	return b.String()
}

func write(b *strings.Builder, e Expr) {
	b.WriteString(e.head())
	if n, ok := e.(*Native); ok {
		// The signature, not only the name: overloads differ by type.
		b.WriteString(strings.TrimPrefix(n.Name, n.head()))
		if n.Func.Zone != nil {
			fmt.Fprintf(b, "[%s]", n.Func.Zone)
		}
	}
	c := e.Children()
	if len(c) == 0 {
		return
	}
	b.WriteByte('(')
	for i, a := range c {
		if i > 0 {
			b.WriteString(", ")
		}
		write(b, a)
	}
	b.WriteByte(')')
	switch e.(type) {
	case *Native, *Remote, *ArrayOf:
		// The result type can differ for equal arguments (polymorphic calls).
		fmt.Fprintf(b, ":%s", e.Type().SQL)
	}
}

// Map rebuilds an expression bottom-up: f sees each node after its children
// were mapped.
func Map(e Expr, f func(Expr) Expr) Expr {
	c := e.Children()
	if len(c) == 0 {
		return f(e)
	}
	mapped := make([]Expr, len(c))
	changed := false
	for i, a := range c {
		mapped[i] = Map(a, f)
		changed = changed || mapped[i] != a
	}
	if changed {
		e = e.With(mapped)
	}
	return f(e)
}

// Walk visits every node, parents first.
func Walk(e Expr, f func(Expr)) {
	f(e)
	for _, c := range e.Children() {
		Walk(c, f)
	}
}

// Columns adds the numbers of the columns that e reads to set.
func Columns(e Expr, set map[int]bool) {
	Walk(e, func(e Expr) {
		if c, ok := e.(*Col); ok {
			set[c.Index] = true
		}
	})
}

// Remap renumbers columns: column i becomes to[i].
func Remap(e Expr, to map[int]int) Expr {
	return Map(e, func(e Expr) Expr {
		if c, ok := e.(*Col); ok {
			n := *c
			n.Index = to[c.Index]
			return &n
		}
		return e
	})
}

// RemapAll renumbers the columns of several expressions.
func RemapAll(es []Expr, to map[int]int) []Expr {
	out := make([]Expr, len(es))
	for i, e := range es {
		out[i] = Remap(e, to)
	}
	return out
}

// Shift adds by to every column number.
func Shift(e Expr, by int) Expr {
	return Map(e, func(e Expr) Expr {
		if c, ok := e.(*Col); ok {
			n := *c
			n.Index += by
			return &n
		}
		return e
	})
}

// Substitute replaces column i by exprs[i].
func Substitute(e Expr, exprs []Expr) Expr {
	return Map(e, func(e Expr) Expr {
		if c, ok := e.(*Col); ok {
			return exprs[c.Index]
		}
		return e
	})
}

// Conjuncts splits a condition at its top-level ANDs.
func Conjuncts(e Expr) []Expr {
	if b, ok := e.(*BoolOp); ok && b.Op == And {
		var out []Expr
		for _, a := range b.Args {
			out = append(out, Conjuncts(a)...)
		}
		return out
	}
	return []Expr{e}
}

// Conjoin joins conditions by AND; nil for none.
func Conjoin(conds []Expr) Expr {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return conds[0]
	}
	return &BoolOp{Op: And, Args: conds, T: values.BoolType}
}

// Total says whether e can never raise an error, so that it may be evaluated
// for rows that the query itself might never have shown it.
func Total(e Expr) bool {
	total := true
	Walk(e, func(e Expr) {
		switch e := e.(type) {
		case *Native:
			total = total && e.Total
		case *Remote:
			total = total && e.Rank != nil
		case *Clock:
			total = total && e.Calm
		case *Const:
			total = total && !e.V.IsErr()
		case *AnyAll:
			total = total && Total(e.Op)
		case *NullIf:
			total = total && Total(e.Eq)
		case *Distinct:
			total = total && Total(e.Eq)
		}
	})
	return total
}
