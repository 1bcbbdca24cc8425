package translate

import (
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// withTies is LIMIT_OPTION_WITH_TIES of Postgres' nodes.h.
const withTies = 1

// limited applies LIMIT and OFFSET, for each row of the domain.
func (t *translator) limited(q *pgtree.Node, s *scope, in algebra.Node) algebra.Node {
	if q.Get("limitCount") == nil && q.Get("limitOffset") == nil {
		return in
	}
	sorted, order := t.sortedInput(q, s, in)
	top := &algebra.TopK{
		In: sorted, Partition: s.domain.partition(), Order: order,
		Limit: algebra.NoLimit, Ties: q.Int("limitOption") == withTies,
	}
	// The numbers cannot read the query's own columns, but those of queries around
	// it, and sub-queries: they are expressions over the domain.
	b := newScope(q, s.parent, s.domain)
	b.ctes = s.ctes
	if s.domain == nil {
		b.stand(oneRow())
	} else {
		b.from = s.domain.node.Cols()
		b.stand(s.domain.node)
	}
	limit, offset := t.bound(q.Node("limitCount"), "LIMIT", "2201W", b), t.bound(q.Node("limitOffset"), "OFFSET", "2201X", b)
	l, constantLimit := limit.(*expr.Const)
	o, constantOffset := offset.(*expr.Const)
	if constantLimit && constantOffset {
		if !l.V.IsNull() {
			top.Limit = l.V.Int64()
		}
		if !o.V.IsNull() {
			top.Offset = o.V.Int64()
		}
		return without(top, in.Cols())
	}
	// Each row is told the numbers that hold for it.
	bounds := &algebra.Project{In: b.node, Exprs: []expr.Expr{limit, offset}, Names: []string{"limit", "offset"}}
	width := len(sorted.Cols())
	var conds []expr.Expr
	if dw := s.domain.width(); dw > 0 {
		identity := &expr.Col{Index: dw - 1, Name: "identity", T: values.ByteaType}
		bounds.Exprs, bounds.Names = append(bounds.Exprs, identity), append(bounds.Names, "identity")
		conds = algebra.SameAs(identity, width+2)
	}
	if !constantLimit {
		known := limit
		if checked, ok := limit.(*expr.Native); ok && constantOffset {
			known = checked.Args[0] // one that is negative is found where it is told to the rows
		}
		bounds.In = &algebra.Filter{In: b.node, Conds: []expr.Expr{limitsToSome(known, offset)}}
	}
	top.In = &algebra.Join{Inputs: []algebra.Node{sorted, bounds}, Conds: conds}
	top.Numbers = &algebra.Numbers{Limit: width, Offset: width + 1}
	return once(without(top, in.Cols()), s, b.node, limitsToSome(limit, offset))
}

// bound translates LIMIT or OFFSET to a number, NULL where there is none. A negative
// one is an error with the given SQLSTATE.
func (t *translator) bound(n *pgtree.Node, name, sqlstate string, s *scope) expr.Expr {
	if n == nil {
		return &expr.Const{T: values.Int8Type}
	}
	e := t.expr(n, s)
	if c, ok := e.(*expr.Const); ok && !c.V.IsErr() {
		if !c.V.IsNull() && c.V.Int64() < 0 {
			t.problem(n, CodeSyntax, name, name+" must not be negative", "")
		}
		return e
	}
	negative := values.Errorf(sqlstate, "%s must not be negative", name)
	return &expr.Native{
		Name: name + "(int8)", Args: []expr.Expr{e}, T: values.Int8Type,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			if v.Int64() < 0 {
				return negative
			}
			return v
		}},
	}
}

// limitsToSome says of a limit that it is not 0: under one that is, Postgres computes nothing but the offset.
func limitsToSome(limit, offset expr.Expr) expr.Expr {
	return &expr.Native{
		Name: "limits_to_some(int8,int8)", Args: []expr.Expr{limit, offset}, Total: true, T: values.BoolType,
		Func: &fn.Func{F2: func(limit, _ values.Datum) values.Datum { return values.Bool(limit.IsNull() || limit.Int64() != 0) }},
	}
}
