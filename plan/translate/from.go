package translate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The FROM row of a query is the columns of its domain, if it has one, and those
// of all relations of its FROM clause in the order in which they are written,
// whatever the joins between them. Expressions are over that row.

// part is the node of one relation of FROM, or of a join of several: its columns
// are a stretch of the FROM row. An outer join whose condition, or whose
// relations, refer to what is around the query is another one for each row of the
// domain; so the domain goes into the join, on the side that keeps its rows, and
// leads the columns of a part that is bound to it.
type part struct {
	node  algebra.Node
	start int // first of its columns in the FROM row
	end   int
	bound bool
}

// from translates a FROM clause.
func (t *translator) from(f *pgtree.Node, s *scope) algebra.Node {
	dw := s.domain.width()
	if dw > 0 {
		s.from = append(s.from, s.domain.node.Cols()...)
	}
	s.sure = math.MaxInt
	s.whole, s.tableOIDs = querytree.WholeRows(s.query), querytree.Reading(s.query, tableOIDColumn)
	for _, n := range f.Nodes("fromlist") {
		s.parts = append(s.parts, t.fromItem(n, s, true))
	}
	parts := s.parts
	s.parts = nil
	if dw > 0 && (len(parts) == 0 || !parts[0].bound) {
		parts = append([]part{s.domainPart()}, parts...)
	}
	if len(parts) == 0 {
		return oneRow() // no FROM: one row without columns
	}
	all := s.inner(parts, s.meetsWithin(0, len(s.from), true))
	return s.shaped(all.node, all.to, false, 0, len(s.from)).node
}

// domainPart is the domain as a part of its own.
func (s *scope) domainPart() part { return part{node: s.domain.node, end: s.domain.width()} }

// fromItem translates one item of a FROM clause.
// Under inner joins alone (inner), a condition may as well be one of WHERE.
func (t *translator) fromItem(n *pgtree.Node, s *scope, inner bool) part {
	switch n.Tag {
	case "RANGETBLREF":
		i := n.Int("rtindex")
		s.hidden = 0
		rel := t.relation(s.rtes[i-1], s, s.tableOIDs[i])
		if s.whole[i] {
			rel = t.withWhole(rel, i, s)
		}
		p := part{node: rel, start: len(s.from)}
		s.start[i], s.cols[i] = p.start+s.hidden, len(rel.Cols())-s.hidden
		s.from = append(s.from, rel.Cols()...)
		p.end = len(s.from)
		return p
	case "JOINEXPR":
		if p, ok := t.dependentJoin(n, s); ok {
			return p
		}
		return t.join(n, s, inner)
	}
	t.fail(fmt.Errorf("an item of FROM of kind %s", n.Tag))
	return part{node: oneRow(), start: len(s.from), end: len(s.from)}
}

// join translates a join; its right side may refer to the left one (LATERAL).
func (t *translator) join(n *pgtree.Node, s *scope, inner bool) part {
	kind, quals := n.Int("jointype"), n.Node("quals")
	binding := s.binding
	s.binding = nil
	inner = inner && kind == querytree.InnerJoin
	sure := s.sure
	if kind == querytree.RightJoin || kind == querytree.FullJoin {
		s.sure = min(sure, len(s.parts))
	}
	l := t.fromItem(n.Node("larg"), s, inner)
	for _, c := range binding {
		if e := t.expr(c, s); expr.Total(e) {
			s.meets = append(s.meets, expr.Conjuncts(e)...)
		}
	}
	s.parts = append(s.parts, l)
	if s.sure = sure; kind == querytree.LeftJoin || kind == querytree.FullJoin {
		s.sure = min(sure, len(s.parts))
	}
	r := t.fromItem(n.Node("rarg"), s, inner)
	s.parts, s.sure = s.parts[:len(s.parts)-1], sure

	subqueries := quals != nil && querytree.Holds(quals, "SUBLINK")
	var conds []expr.Expr
	switch {
	case quals == nil:
	case inner && (subqueries || s.domain != nil):
		s.later = append(s.later, quals)
		subqueries = false
	case !subqueries:
		conds = expr.Conjuncts(t.expr(quals, s))
	}
	if !inner && s.domain != nil && (l.bound || r.bound || subqueries || s.reads(conds) || s.reads(s.overlapping(l.start, r.end))) {
		if kind != querytree.RightJoin {
			l = s.bind(l)
		}
		if kind == querytree.FullJoin || kind == querytree.RightJoin {
			r = s.bind(r)
		}
	}
	bound := l.bound || r.bound
	conds = append(conds, s.meetsWithin(l.start, r.end, bound)...)
	if kind != querytree.InnerJoin && (kind != querytree.LeftJoin && s.awaits(l) || kind != querytree.RightJoin && s.awaits(r)) {
		t.fail(errors.New("the side of an outer join that may be missing refers to what stands beside the join"))
	}
	switch {
	case subqueries && kind == querytree.InnerJoin:
		return t.joinWhere(quals, s, []part{l, r}, conds, bound)
	case kind == querytree.InnerJoin:
		j := s.inner([]part{l, r}, conds)
		return s.shaped(j.node, j.to, bound, l.start, r.end)
	case subqueries && kind == querytree.FullJoin:
		return t.outerJoinWhere(quals, s, []part{l, r}, []part{l, r}, conds)
	case kind == querytree.FullJoin:
		return s.full(l, r, conds, bound)
	}
	keep, other := l, r
	if kind == querytree.RightJoin { // a left join of the sides exchanged
		keep, other = r, l
	}
	if subqueries {
		return t.outerJoinWhere(quals, s, []part{keep, other}, []part{keep}, conds)
	}
	row := s.row(keep, other)
	on := append(expr.RemapAll(conds, row.to), row.same...)
	return s.shaped(algebra.NewOuterJoin(algebra.LeftJoin, keep.node, other.node, on), row.to, bound, l.start, r.end)
}

// full is a full join: a padded row has the domain's columns of the other side.
func (s *scope) full(l, r part, conds []expr.Expr, bound bool) part {
	row := s.row(l, r)
	var node algebra.Node = algebra.NewOuterJoin(algebra.FullJoin, l.node, r.node, append(expr.RemapAll(conds, row.to), row.same...))
	if bound {
		cols, lw := node.Cols(), len(l.node.Cols())
		p := algebra.Pick(node, algebra.FirstN(len(cols)))
		left := isNotNull(p.Exprs[s.domain.width()-1])
		for i := range s.domain.width() {
			p.Exprs[i] = &expr.Case{Whens: []expr.Expr{left, p.Exprs[i]}, Else: p.Exprs[lw+i], T: cols[i].Type}
		}
		node = p
	}
	return s.shaped(node, row.to, bound, l.start, r.end)
}

// joinWhere is an inner join under a condition that holds sub-queries: these are
// answered for the pairs that the other conditions leave.
func (t *translator) joinWhere(quals *pgtree.Node, s *scope, parts []part, conds []expr.Expr, bound bool) part {
	j := s.inner(parts, conds)
	pairs := &algebra.Project{In: j.node}
	for i, c := range s.from { // in the places of the FROM row, which the condition is over
		var e expr.Expr = &expr.Const{T: c.Type}
		if at, ok := j.to[i]; ok {
			e = &expr.Col{Index: at, Name: c.Name, T: c.Type}
		}
		pairs.Exprs, pairs.Names = append(pairs.Exprs, e), append(pairs.Names, c.Name)
	}
	s.stand(pairs)
	t.where([]*pgtree.Node{quals}, s)
	start, end := parts[0].start, parts[0].end
	for _, p := range parts {
		start, end = min(start, p.start), max(end, p.end)
	}
	to := map[int]int{}
	for i := range s.from {
		to[i] = i
	}
	out := s.shaped(s.node, to, bound, start, end)
	s.stand(nil)
	return out
}

// outerJoinWhere is an outer join under a condition that holds sub-queries: the
// pairs that meet it, and the rows of the sides to be kept that are in none of them.
func (t *translator) outerJoinWhere(quals *pgtree.Node, s *scope, sides, keep []part, conds []expr.Expr) part {
	pairs := t.joinWhere(quals, s, sides, conds, keep[0].bound)
	all := &algebra.UnionAll{Inputs: []algebra.Node{pairs.node}}
	for _, side := range keep {
		all.Inputs = append(all.Inputs, s.alone(side, pairs))
	}
	pairs.node = all
	return pairs
}

// alone is the rows of a side of a join that are in none of its pairs, as rows like
// those.
func (s *scope) alone(side, pairs part) algebra.Node {
	row, kept := s.row(pairs), s.row(side)
	var inPairs []int
	padded := &algebra.Project{}
	for i, c := range s.from {
		at, ok := row.to[i]
		if !ok {
			continue
		}
		var e expr.Expr = &expr.Const{T: c.Type}
		if k, ok := kept.to[i]; ok {
			e = &expr.Col{Index: k, Name: c.Name, T: c.Type}
			inPairs = append(inPairs, at)
		}
		padded.Exprs, padded.Names = append(padded.Exprs, e), append(padded.Names, c.Name)
	}
	found := &algebra.Project{In: pairs.node, Exprs: []expr.Expr{algebra.IdentityOf(algebra.Refs(pairs.node.Cols(), inPairs))}, Names: []string{"identity"}}
	width := len(side.node.Cols())
	padded.In = algebra.NewOuterJoin(algebra.AntiJoin, side.node, algebra.DistinctBy(found, 0), algebra.SameAs(algebra.IdentityOf(algebra.Refs(side.node.Cols(), algebra.FirstN(width))), width))
	return padded
}

// bind gives a part for each row of the domain.
func (s *scope) bind(p part) part {
	if p.bound {
		return p
	}
	j := s.inner([]part{s.domainPart(), p}, s.meetsWithin(p.start, p.end, true))
	return s.shaped(j.node, j.to, true, p.start, p.end)
}

// row is parts side by side.
type row struct {
	node algebra.Node
	to   map[int]int // columns of the FROM row → of this one
	same []expr.Expr // over this row: its bound parts are of one row of the domain
}

func (s *scope) row(parts ...part) row {
	dw := s.domain.width()
	out := row{to: map[int]int{}}
	width := 0
	for _, p := range parts {
		lead := 0
		if p.bound {
			lead = dw
			if at, ok := out.to[dw-1]; ok {
				out.same = append(out.same, algebra.SameAs(&expr.Col{Index: at, Name: "identity", T: values.ByteaType}, width+dw-1)...)
			} else {
				for i := range dw {
					out.to[i] = width + i
				}
			}
		}
		for i := p.start; i < p.end; i++ {
			out.to[i] = width + lead + i - p.start
		}
		width += lead + p.end - p.start
	}
	return out
}

// inner joins parts on conditions over the FROM row.
func (s *scope) inner(parts []part, conds []expr.Expr) row {
	out := s.row(parts...)
	if len(parts) == 1 && len(conds) == 0 {
		out.node = parts[0].node
		return out
	}
	j := &algebra.Join{Conds: append(expr.RemapAll(conds, out.to), out.same...)}
	for _, p := range parts {
		j.Inputs = append(j.Inputs, p.node)
	}
	out.node = j
	return out
}

// shaped is a part of a node's columns, to says which.
func (s *scope) shaped(n algebra.Node, to map[int]int, bound bool, start, end int) part {
	var cols []int
	if bound {
		for i := range s.domain.width() {
			cols = append(cols, to[i])
		}
	}
	for i := start; i < end; i++ {
		cols = append(cols, to[i])
	}
	straight := len(cols) == len(n.Cols())
	for i, c := range cols {
		straight = straight && i == c
	}
	if !straight {
		n = algebra.Pick(n, cols)
	}
	return part{node: n, start: start, end: end, bound: bound}
}

// reads says whether any of the expressions reads a column of the domain.
func (s *scope) reads(exprs []expr.Expr) bool {
	read := map[int]bool{}
	for _, e := range exprs {
		expr.Columns(e, read)
	}
	for c := range read {
		if c < s.domain.width() {
			return true
		}
	}
	return false
}

// overlapping lists the meets that read columns of the stretch [from, to) and
// else only those of the domain.
func (s *scope) overlapping(from, to int) []expr.Expr {
	var out []expr.Expr
	for _, c := range s.meets {
		if s.inside(c, from, to, true) {
			out = append(out, c)
		}
	}
	return out
}

// inside says whether an expression reads columns of [from, to) alone, or, if
// bound, of the domain.
func (s *scope) inside(e expr.Expr, from, to int, bound bool) bool {
	read := map[int]bool{}
	expr.Columns(e, read)
	for c := range read {
		if (c < from || c >= to) && (!bound || c >= s.domain.width()) {
			return false
		}
	}
	return true
}

// awaits says that rows of a part are yet to meet those of others that they were computed for.
func (s *scope) awaits(p part) bool {
	return slices.ContainsFunc(s.meets, func(c expr.Expr) bool {
		read := map[int]bool{}
		expr.Columns(c, read)
		for i := range read {
			if i >= p.start && i < p.end {
				return true
			}
		}
		return false
	})
}

// meetsWithin takes the meets that are over the columns [from, to) of the FROM
// row alone, or, if bound, of the domain.
func (s *scope) meetsWithin(from, to int, bound bool) []expr.Expr {
	var within, rest []expr.Expr
	for _, c := range s.meets {
		if s.inside(c, from, to, bound) {
			within = append(within, c)
		} else {
			rest = append(rest, c)
		}
	}
	s.meets = rest
	return within
}

// beside joins those parts of a FROM clause that stand before the one being
// translated, and its domain, whose columns are read by expressions over the FROM
// row, and gives the expressions over that, for the rows that WHERE leaves of them. Where all joins are inner ones, the
// conditions of WHERE between those parts hold as well: they keep what would be
// a product small.
func (t *translator) beside(s *scope, exprs []expr.Expr) (algebra.Node, []expr.Expr) {
	read := map[int]bool{}
	for _, e := range exprs {
		expr.Columns(e, read)
	}
	var parts []part
	domain := false
	for c := range read {
		domain = domain || c < s.domain.width()
	}
	for _, p := range s.parts {
		for i := p.start; i < p.end; i++ {
			if read[i] {
				parts = append(parts, p)
				domain = domain && !p.bound
				break
			}
		}
	}
	if domain {
		parts = append([]part{s.domainPart()}, parts...)
	}
	if len(parts) == 0 {
		return oneRow(), exprs
	}
	known := s.row(parts...).to
	var conds []expr.Expr
	for _, c := range append(t.whereBetween(s, parts), s.meets...) {
		cols := map[int]bool{}
		expr.Columns(c, cols)
		all := true
		for i := range cols {
			_, ok := known[i]
			all = all && ok
		}
		if all {
			conds = append(conds, c)
		}
	}
	j := s.inner(parts, conds)
	if left := t.already(read, s); len(left) > 0 {
		j.node = &algebra.Filter{In: j.node, Conds: expr.RemapAll(left, j.to)}
	}
	return j.node, expr.RemapAll(exprs, j.to)
}

// already are the conditions of WHERE over those parts of FROM of which the given
// columns are. What they drop needs no function or sub-query, which might fail for it;
// but not where an outer join would make up another row for the one that it then lacks.
func (t *translator) already(read map[int]bool, s *scope) []expr.Expr {
	whole := map[int]bool{}
	for _, p := range s.parts[:min(s.sure, len(s.parts))] {
		for c := p.start; c < p.end; c++ {
			for k := p.start; read[c] && k < p.end; k++ {
				whole[k] = true
			}
		}
	}
	var conds []expr.Expr
	var visit func(n *pgtree.Node)
	visit = func(n *pgtree.Node) {
		if n.Tag == "BOOLEXPR" && n.Str("boolop") == "and" {
			for _, a := range n.Nodes("args") {
				visit(a)
			}
			return
		}
		here := true
		pgtree.Walk(n, func(n *pgtree.Node) bool {
			if n.Tag == "VAR" {
				_, placed := s.start[n.Int("varno")]
				here = here && placed && n.Int("varlevelsup") == 0
			}
			here = here && n.Tag != "SUBLINK"
			return here
		})
		if !here {
			return
		}
		e := t.expr(n, s)
		cols := map[int]bool{}
		expr.Columns(e, cols)
		for c := range cols {
			if !whole[c] {
				return
			}
		}
		conds = append(conds, expr.Conjuncts(e)...)
	}
	if quals := s.query.Node("jointree").Node("quals"); quals != nil {
		visit(quals)
	}
	return conds
}

// whereBetween lists the conditions of WHERE that cannot fail and are over
// relations that are in FROM by now, if all joins are inner ones.
func (t *translator) whereBetween(s *scope, parts []part) []expr.Expr {
	quals := s.query.Node("jointree").Node("quals")
	if quals == nil || len(parts) < 2 || !s.innerOnly() {
		return nil
	}
	list := []*pgtree.Node{quals}
	if quals.Tag == "BOOLEXPR" && quals.Str("boolop") == "and" {
		list = quals.Nodes("args")
	}
	var out []expr.Expr
	for _, q := range list {
		known := !querytree.Holds(q, "SUBLINK")
		pgtree.Walk(q, func(n *pgtree.Node) bool {
			if n.Tag == "VAR" && n.Int("varlevelsup") == 0 {
				_, ok := s.start[n.Int("varno")]
				known = known && ok && n.Int("varattno") > 0
			}
			return known
		})
		if !known {
			continue
		}
		if e := t.expr(q, s); expr.Total(e) {
			out = append(out, e)
		}
	}
	return out
}

// innerOnly says that all joins of a query are inner ones.
func (s *scope) innerOnly() bool {
	inner := true
	pgtree.Walk(s.query.Node("jointree"), func(n *pgtree.Node) bool {
		inner = inner && (n.Tag != "JOINEXPR" || n.Int("jointype") == querytree.InnerJoin)
		return n.Tag != "QUERY"
	})
	return inner
}
