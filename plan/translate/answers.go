package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// answers is a translated sub-query: the columns of its domain, the last of which
// is the identity, then its own.
type answers struct {
	sub   algebra.Node
	key   expr.Expr // over the outer row: meets the identity; nil without a domain
	width int       // columns of the domain
	base  int       // columns of the outer row when conditions over both were written
}

// same is the condition that an answer is the one to an outer row of the given
// width.
func (a *answers) same(width int) []expr.Expr { return algebra.SameAs(a.key, width+a.width-1) }

// mark adds to the outer row a column that is true where rows of sub answer it
// under the conditions (over the outer row and sub's), and NULL elsewhere.
func (a *answers) mark(s *scope, sub algebra.Node, conds []expr.Expr) expr.Expr {
	width := len(s.node.Cols())
	if len(conds) == 0 {
		// Whoever has any answer at all.
		var have algebra.Node
		if a.key == nil {
			have = &algebra.Distinct{In: algebra.Pick(sub, nil), Exact: true, Key: []int{}}
		} else {
			have = algebra.DistinctBy(algebra.Pick(sub, []int{a.width - 1}), 0)
		}
		s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, algebra.Mark(have, values.True), algebra.SameAs(a.key, width))
		return &expr.Col{Index: len(s.node.Cols()) - 1, T: values.BoolType}
	}
	// The columns that decide are a domain of their own: the question is asked
	// once for each combination.
	read := map[int]bool{}
	for _, e := range append(a.same(a.base), conds...) {
		expr.Columns(e, read)
	}
	var asked []int
	cols := s.node.Cols()
	to := map[int]int{}
	for i := range a.base {
		if read[i] {
			to[i] = len(asked)
			asked = append(asked, i)
		}
	}
	n := len(asked) + 1 // with their identity
	for i := range sub.Cols() {
		to[a.base+i] = n + i
	}
	identity := algebra.IdentityOf(algebra.Refs(cols, asked))
	question := algebra.Pick(s.narrow(s.kept, algebra.Refs(cols, asked)), asked)
	question.Exprs, question.Names = append(question.Exprs, identity), append(question.Names, "identity")
	semi := algebra.NewOuterJoin(algebra.SemiJoin, algebra.DistinctBy(question, len(asked)), sub, expr.RemapAll(append(a.same(a.base), conds...), to))
	found := algebra.Mark(algebra.Pick(semi, []int{len(asked)}), values.True)
	s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, found, algebra.SameAs(identity, width))
	return &expr.Col{Index: width + 1, T: values.BoolType}
}

func isNotNull(e expr.Expr) expr.Expr { return &expr.NullTest{Arg: e, Not: true, T: values.BoolType} }

func isNull(e expr.Expr) expr.Expr { return &expr.NullTest{Arg: e, T: values.BoolType} }

// quantified is x op ANY (…) or, with all, x op ALL (…): three-valued. What
// decides at once is a match (of ANY) or a miss (of ALL); else a comparison that
// is NULL leaves the answer open.
func (a *answers) quantified(s *scope, test expr.Expr, all bool) expr.Expr {
	decides := test
	if all {
		decides = &expr.BoolOp{Op: expr.Not, Args: []expr.Expr{test}, T: values.BoolType}
	}
	decided := isNotNull(a.mark(s, a.sub, expr.Conjuncts(decides)))
	open := a.open(s, test)
	constant := func(v values.Datum) expr.Expr { return &expr.Const{V: v, T: values.BoolType} }
	return &expr.Case{
		Whens: []expr.Expr{decided, constant(values.Bool(!all)), open, constant(values.Null)},
		Else:  constant(values.Bool(all)), T: values.BoolType,
	}
}

// open says whether any comparison is NULL. One of strict operators can be so only
// where a side of an operator is NULL: so it is looked for among the rows that have a
// NULL, which may be few or none, instead of among all pairs.
func (a *answers) open(s *scope, test expr.Expr) expr.Expr {
	outer, inner, ok := a.sides(test)
	if !ok {
		return isNotNull(a.mark(s, a.sub, []expr.Expr{isNull(test)}))
	}
	anyNull := func(args []expr.Expr) expr.Expr {
		nulls := make([]expr.Expr, len(args))
		for i, arg := range args {
			nulls[i] = isNull(arg)
		}
		if len(nulls) == 1 {
			return nulls[0]
		}
		return &expr.BoolOp{Op: expr.Or, Args: nulls, T: values.BoolType}
	}
	withNull := &algebra.Filter{In: a.sub, Conds: []expr.Expr{expr.Shift(anyNull(inner), -a.base)}}
	if len(outer) > 1 {
		among := isNotNull(a.mark(s, withNull, []expr.Expr{isNull(test)}))
		asked := isNotNull(a.mark(s, a.sub, []expr.Expr{anyNull(outer), isNull(test)}))
		return &expr.BoolOp{Op: expr.Or, Args: []expr.Expr{among, asked}, T: values.BoolType}
	}
	// Of one operator, either side's NULL is enough, whatever is on the other.
	hasNull := isNotNull(a.mark(s, withNull, nil))
	hasAny := isNotNull(a.mark(s, a.sub, nil))
	return &expr.BoolOp{Op: expr.Or, T: values.BoolType, Args: []expr.Expr{
		hasNull, &expr.BoolOp{Op: expr.And, T: values.BoolType, Args: []expr.Expr{hasAny, isNull(outer[0])}},
	}}
}

// sides are the arguments of a comparison of the outer row with the sub-query's, field
// by field; ok says that it is one of strict operators that cannot fail, each with one
// argument of either.
func (a *answers) sides(test expr.Expr) (outer, inner []expr.Expr, ok bool) {
	switch e := test.(type) {
	case *expr.BoolOp:
		if e.Op == expr.Not {
			return a.sides(e.Args[0])
		}
		for _, arg := range e.Args {
			o, i, ok := a.sides(arg)
			if !ok {
				return nil, nil, false
			}
			outer, inner = append(outer, o...), append(inner, i...)
		}
		return outer, inner, true
	case *expr.Native:
		if e.Func.Strict && e.Total && len(e.Args) == 2 && sideOf(e.Args[0], a.base) == outerSide && sideOf(e.Args[1], a.base) == subSide {
			return e.Args[:1], e.Args[1:2], true
		}
	}
	return nil, nil, false
}

const (
	neitherSide = iota
	outerSide
	subSide
)

// sideOf says which side's columns an expression over an outer row of the given
// width and a sub-query's row reads, if only one's.
func sideOf(e expr.Expr, width int) int {
	read := map[int]bool{}
	expr.Columns(e, read)
	found := neitherSide
	for c := range read {
		side := outerSide
		if c >= width {
			side = subSide
		}
		if found != neitherSide && found != side {
			return neitherSide
		}
		found = side
	}
	return found
}

// scalar is a sub-query's one value, NULL if it has none; more than one is an
// error in the data.
func (a *answers) scalar(s *scope) expr.Expr {
	value := a.sub.Cols()[a.width]
	sub := a.sub
	if !singleRow(sub, a.width) {
		sub = &algebra.Aggregate{
			In: sub, Group: algebra.AllRefs(sub.Cols()[:a.width]),
			Aggs: []algebra.Agg{{
				Name: "single_value(any)", Impl: singleValue, T: value.Type,
				Args: []expr.Expr{&expr.Col{Index: a.width, Name: value.Name, T: value.Type}},
			}},
		}
	}
	width := len(s.node.Cols())
	s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, sub, a.same(width))
	return &expr.Col{Index: width + a.width, Name: value.Name, T: value.Type}
}

// singleRow says that a sub-query has one row at most for each of its domain's,
// whose columns are the first.
func singleRow(sub algebra.Node, width int) bool {
	return slices.ContainsFunc(algebra.Keys(algebra.Optimize(sub)), func(key []int) bool {
		return !slices.ContainsFunc(key, func(c int) bool { return c >= width })
	})
}

// singleValue is the value of a group of one.
var singleValue = &agg.Aggregate{
	OrderKey: func(dst []byte, args []values.Datum) []byte { return values.AppendRow(dst, args) },
	Fold: func(e agg.Entries) values.Datum {
		if !e.First() {
			return values.Null
		}
		v := e.Args()[0]
		if e.Weight() > 1 || e.Next() {
			return values.Errorf("21000", "more than one row returned by a subquery used as an expression")
		}
		return v
	},
}
