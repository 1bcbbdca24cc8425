package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Sub-queries in expressions are unnested by the general method of Neumann and
// Kemper, "Unnesting Arbitrary Queries" (BTW 2015). A sub-query that refers to
// the query around it is a function of the values it refers to. The distinct
// combinations of those values are a relation, the domain. The sub-query is
// translated once, with its domain as the first relation of its FROM clause: the
// domain's columns stand in for the outer references, and lead the result.
// Joining that result with the outer rows on the very same values gives each row
// its answer.
//
// The rows of a domain are told apart by what the values are, not by SQL's
// equality: NULL is like NULL, and 1.0 unlike 1.00, since a sub-query can tell
// them apart. So a domain's last column is their identity, the bytes of all of
// them, which is what joins and groups go by.

// outerRef identifies a column of an enclosing query, or an aggregate over its
// rows or GROUPING of them: level 1 is the next one.
type outerRef struct {
	level, rtindex, attno int
	aggregate             *pgtree.Node
}

// domain is the relation of the values that a sub-query is computed for.
type domain struct {
	node algebra.Node
	wide algebra.Node // what node may as well be the distinct rows of, if the sub-query cannot fail
	// guarded is what node has to be the distinct rows of if it can: those for which
	// the expression around the sub-query asks it.
	guarded algebra.Node
	at      map[outerRef]int // columns of node; the last one is the identity
}

// width is the number of columns that lead the sub-query's result.
func (d *domain) width() int {
	if d == nil {
		return 0
	}
	return len(d.node.Cols())
}

// outerRefs lists what a query of s reads of enclosing ones, each once, in order of
// appearance: itself, or by way of the WITH queries of enclosing ones that it reads.
func (t *translator) outerRefs(q *pgtree.Node, s *scope) []outerRef {
	var refs []outerRef
	add := func(r outerRef) {
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	var visit func(v pgtree.Value, depth int)
	visit = func(v pgtree.Value, depth int) {
		pgtree.Walk(v, func(n *pgtree.Node) bool {
			switch n.Tag {
			case "QUERY":
				for _, c := range n.Values() {
					visit(c, depth+1)
				}
				return false
			case "VAR":
				if up := n.Int("varlevelsup") - depth; up > 0 {
					add(outerRef{up, n.Int("varno"), n.Int("varattno"), nil})
				}
			case "AGGREF", "GROUPINGFUNC":
				if up := n.Int("agglevelsup") - depth; up > 0 {
					add(outerRef{level: up, aggregate: n})
					return false
				}
			case "RTE", "RANGETBLENTRY": // since 16
				if up := n.Int("ctelevelsup") - depth; n.Int("rtekind") == rteCTE && up > 0 {
					for _, r := range t.cteRefs(n.Str("ctename"), s.up(up-1)) {
						r.level += up - 1
						add(r)
					}
				}
			}
			return true
		})
	}
	for _, c := range q.Values() {
		visit(c, 0)
	}
	return refs
}

// cteRefs is what a WITH query of a scope reads of what is around the scope's query.
func (t *translator) cteRefs(name string, at *scope) []outerRef {
	if at == nil || at.ctes[name] == nil {
		return nil
	}
	c := at.ctes[name]
	if refs, ok := t.refs[c]; ok {
		return refs
	}
	if t.reading[c] { // a recursive query reads itself: what else it reads is found anyway
		t.cyclic[c] = true
		return nil
	}
	t.reading[c] = true
	refs := t.outerRefs(c.Node("ctequery"), at)
	delete(t.reading, c)
	if delete(t.cyclic, c); len(t.cyclic) == 0 { // else there may be more
		t.refs[c] = refs
	}
	return refs
}

// up is the scope so many levels around s; nil if there are not as many.
func (s *scope) up(levels int) *scope {
	for range levels {
		if s == nil {
			return nil
		}
		s = s.parent
	}
	return s
}

// outer translates a reference to an enclosing query's column, from the view
// of a sub-query right inside s, to an expression over s's row.
func (t *translator) outer(r outerRef, s *scope) expr.Expr {
	if r.level == 1 && r.aggregate != nil {
		return t.expr(t.raised(r.aggregate), s)
	}
	if r.level == 1 {
		v := pgtree.NewNode("VAR", map[string]int{"varno": r.rtindex, "varattno": r.attno, "varlevelsup": 0})
		return t.expr(v, s)
	}
	up := r
	up.level--
	return t.domainColumn(up, s)
}

// raised is an aggregate of an outer query as that query reads it: always the same
// node, by which it is known.
func (t *translator) raised(n *pgtree.Node) *pgtree.Node {
	up := t.outerAggs[n]
	if up == nil {
		up = pgtree.Raise(n, n.Int("agglevelsup"))
		if t.outerAggs == nil {
			t.outerAggs = map[*pgtree.Node]*pgtree.Node{}
		}
		t.outerAggs[n] = up
	}
	return up
}

// domainColumn is the column of s's own domain that stands for an outer one.
func (t *translator) domainColumn(r outerRef, s *scope) expr.Expr {
	if s.domain == nil {
		return nil
	}
	i, ok := s.domain.at[r]
	if !ok {
		return nil
	}
	if s.agg != nil {
		return groupCol(s.agg, i) // the domain's columns are the first groups
	}
	c := s.from[i]
	return &expr.Col{Index: i, Name: c.Name, T: c.Type}
}

// newDomain makes the domain of a sub-query of s, and the expression over s's row
// that meets its identity; nil if the sub-query refers to nothing outside.
func (t *translator) newDomain(q *pgtree.Node, s *scope) (*domain, expr.Expr) {
	refs := t.outerRefs(q, s)
	if len(refs) == 0 {
		return nil, nil
	}
	return t.domainOf(refs, s)
}

// domainOf makes a domain of what a sub-query of s refers to. Of nothing, it is one
// row if s has any.
func (t *translator) domainOf(refs []outerRef, s *scope) (*domain, expr.Expr) {
	d := &domain{at: map[outerRef]int{}}
	var exprs []expr.Expr
	var cols []algebra.Column
	for _, r := range refs {
		e := t.outer(r, s)
		if e == nil {
			e = placeholder
		}
		d.at[r] = len(exprs)
		exprs = append(exprs, e)
		cols = append(cols, algebra.Column{Name: "outer", Type: e.Type()})
	}
	key := identityOf(exprs)
	cols = append(cols, algebra.Column{Name: "identity", Type: values.ByteaType})
	from, over := s.narrow(s.kept, exprs), append(exprs, key)
	if from == nil && s.agg == nil {
		// In FROM: the references are to what stands beside it, or further out.
		from, over = t.beside(s, over)
	}
	d.node = empty(cols)
	if from != nil {
		d.node = distinctBy(project(from, over, cols), len(exprs))
		if base := s.narrow(s.base, exprs); s.base != nil && base != from {
			d.wide = project(base, over, cols)
		}
		if len(s.guards) > 0 && s.node != nil {
			guards := slices.Clone(s.guards)
			from = s.narrow(s.kept, append(guards, exprs...))
			d.guarded = project(&algebra.Filter{In: from, Conds: guards}, over, cols)
		}
	}
	return d, key
}

// narrow is the smaller one of a plan and s.node, if the expressions are over it.
func (s *scope) narrow(n algebra.Node, exprs []expr.Expr) algebra.Node {
	if n == nil {
		return s.node
	}
	read := map[int]bool{}
	for _, e := range exprs {
		expr.Columns(e, read)
	}
	width := len(n.Cols())
	for c := range read {
		if c >= width {
			return s.node
		}
	}
	return n
}

// answered translates a sub-query of s for its domain. If it cannot fail, it is
// answered for the rows that other sub-queries drop as well: k conditions then
// are k plans, where each would contain all those before it. If it can, it is
// answered for those rows alone for which CASE or COALESCE asks it. one says that
// more than one row is a failure.
func (t *translator) answered(q *pgtree.Node, s *scope, one bool) (*domain, expr.Expr, algebra.Node) {
	d, key := t.newDomain(q, s)
	sub := t.selection(q, s, d)
	if len(t.problems) > 0 || d == nil && len(s.guards) == 0 {
		return d, key, sub
	}
	var stop algebra.Node
	if d != nil {
		stop = d.node
	}
	total := algebra.Total(sub, stop)
	switch {
	case len(s.guards) > 0 && (!total || one && !singleRow(sub, d.width())):
		if d == nil {
			d, key = t.domainOf(nil, s)
			sub = t.selection(q, s, d)
		}
		d.node.(*algebra.Distinct).In = d.guarded
	case d != nil && d.wide != nil && total:
		d.node.(*algebra.Distinct).In = d.wide
	}
	return d, key, sub
}

// distinctBy keeps one of each row, which its column key identifies.
func distinctBy(n algebra.Node, key int) algebra.Node {
	return &algebra.Distinct{In: n, Exact: true, Key: []int{key}}
}

// sameAs is the condition that an identity computed of one row is that of
// another, in column col.
func sameAs(key expr.Expr, col int) []expr.Expr {
	if key == nil {
		return nil
	}
	eq := fn.Lookup("byteaeq(bytea,bytea)", []*values.Type{values.ByteaType, values.ByteaType}, values.BoolType)
	return []expr.Expr{&expr.Native{
		Func: eq, Name: "byteaeq(bytea,bytea)", Total: true, Equal: true, T: values.BoolType,
		Args: []expr.Expr{key, &expr.Col{Index: col, Name: "identity", T: values.ByteaType}},
	}}
}

// identityOf is an expression whose values are equal when the arguments' values
// are the same.
func identityOf(args []expr.Expr) expr.Expr {
	return &expr.Native{
		Name: "identity()", Total: true, Injective: true, Args: args, T: values.ByteaType,
		Func: &fn.Func{FN: func(args []values.Datum) values.Datum { return values.String(string(values.AppendRow(nil, args))) }},
	}
}

// The kinds of sub-query (SubLinkType of Postgres' primnodes.h).
const (
	linkExists = iota
	linkAll
	linkAny
	linkRow
	linkExpr
	_ // of UPDATE alone
	linkArray
)

// sublink translates a sub-query in an expression: it joins its answers to the
// row that the expression is over, and reads them from there.
func (t *translator) sublink(n *pgtree.Node, s *scope) expr.Expr {
	q := n.Node("subselect")
	kind := n.Int("subLinkType")
	if s.node == nil {
		t.fail(fmt.Errorf("a sub-query where there is no row that it could be answered for"))
		return nil
	}
	if s.discovering() {
		t.newDomain(q, s)
		// What counts now is only what it reads of the aggregate's row.
		if x := n.Node("testexpr"); x != nil {
			t.expr(x, s)
		}
		return &expr.Const{T: t.sublinkType(n)}
	}
	if kind == linkArray {
		return t.arrayOf(n, q, s)
	}
	if e, ok := s.linked[n]; ok {
		return e
	}
	defer t.compared(n, s)()
	dom, key, sub := t.answered(q, s, kind == linkExpr || kind == linkRow)
	a := &answers{sub: sub, key: key, width: dom.width(), base: len(s.node.Cols())}
	if len(a.sub.Cols()) < a.width {
		return nil // refused below
	}
	switch kind {
	case linkExists:
		return isNotNull(a.mark(s, a.sub, nil))
	case linkExpr:
		return a.scalar(s)
	}
	if kind == linkRow {
		a.scalars(s)
	}
	s.answers = append(s.answers, a)
	test := t.expr(n.Node("testexpr"), s)
	s.answers = s.answers[:len(s.answers)-1]
	if kind == linkRow {
		return test
	}
	return a.quantified(s, test, kind == linkAll)
}

// compared answers the sub-queries on the other side of a comparison with a sub-query,
// so that what is compared are columns of the outer row, until forget is called.
func (t *translator) compared(n *pgtree.Node, s *scope) (forget func()) {
	var known []*pgtree.Node
	if test := n.Node("testexpr"); test != nil {
		pgtree.Walk(test, func(c *pgtree.Node) bool {
			if c.Tag != "SUBLINK" {
				return c.Tag != "QUERY"
			}
			e := t.expr(c, s)
			if s.linked == nil {
				s.linked = map[*pgtree.Node]expr.Expr{}
			}
			s.linked[c] = e
			known = append(known, c)
			return false
		})
	}
	return func() {
		for _, c := range known {
			delete(s.linked, c)
		}
	}
}

// sublinkType is the type of a sub-query's value.
func (t *translator) sublinkType(n *pgtree.Node) *values.Type {
	if kind := n.Int("subLinkType"); kind == linkExpr || kind == linkArray {
		for _, te := range n.Node("subselect").Nodes("targetList") {
			e := te.Node("expr")
			for _, field := range []string{
				"vartype", "consttype", "funcresulttype", "opresulttype", "aggtype", "casetype", "coalescetype",
				"minmaxtype", "resulttype", "array_typeid", "paramtype", "refrestype",
			} {
				if oid := e.OID(field); oid != 0 && kind == linkArray {
					return arrayOver(t.typ(oid, -1, 0))
				} else if oid != 0 {
					return t.typ(oid, -1, 0)
				}
			}
			break
		}
	}
	return values.BoolType
}

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
func (a *answers) same(width int) []expr.Expr { return sameAs(a.key, width+a.width-1) }

// mark adds to the outer row a column that is true where rows of sub answer it
// under the conditions (over the outer row and sub's), and NULL elsewhere.
func (a *answers) mark(s *scope, sub algebra.Node, conds []expr.Expr) expr.Expr {
	width := len(s.node.Cols())
	if len(conds) == 0 {
		// Whoever has any answer at all.
		var have algebra.Node
		if a.key == nil {
			have = &algebra.Distinct{In: pick(sub, nil), Exact: true, Key: []int{}}
		} else {
			have = distinctBy(pick(sub, []int{a.width - 1}), 0)
		}
		s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, marked(have, values.True), sameAs(a.key, width))
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
	identity := identityOf(algebra.Refs(cols, asked))
	question := pick(s.narrow(s.kept, algebra.Refs(cols, asked)), asked)
	question.Exprs, question.Names = append(question.Exprs, identity), append(question.Names, "identity")
	semi := algebra.NewOuterJoin(algebra.SemiJoin, distinctBy(question, len(asked)), sub, expr.RemapAll(append(a.same(a.base), conds...), to))
	found := marked(pick(semi, []int{len(asked)}), values.True)
	s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, found, sameAs(identity, width))
	return &expr.Col{Index: width + 1, T: values.BoolType}
}

func pick(n algebra.Node, cols []int) *algebra.Project {
	all := n.Cols()
	p := &algebra.Project{In: n, Exprs: algebra.Refs(all, cols)}
	for _, c := range cols {
		p.Names = append(p.Names, all[c].Name)
	}
	return p
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
