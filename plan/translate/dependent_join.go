package translate

import (
	"maps"
	"math"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
)

// An outer join whose LATERAL items refer to what stands beside the whole join,
// as in
//
//	FROM a, b LEFT JOIN LATERAL (SELECT … WHERE … = a.x) c ON …
//
// is another join for each row of a: a row of b may have partners for one of them,
// and none for another. So the join is computed for a domain of its own, as a
// LATERAL sub-query is: that of what it refers to.

// dependentJoin translates an outer join that refers to what stands beside it;
// false if it does not.
func (t *translator) dependentJoin(n *pgtree.Node, s *scope) (part, bool) {
	within := relationsOf(n)
	padded := within // where there may be NULLs in place of rows: what refers from elsewhere meets the join's rows afterwards
	switch n.Int("jointype") {
	case querytree.InnerJoin:
		return part{}, false
	case querytree.LeftJoin:
		padded = relationsOf(n.Node("rarg"))
	case querytree.RightJoin:
		padded = relationsOf(n.Node("larg"))
	}
	if !slices.ContainsFunc(t.refsOfJoin(n, padded, within, s), func(r outerRef) bool { return r.level == 1 && !s.isOutside(r.rtindex) }) {
		return part{}, false
	}
	refs := t.refsOfJoin(n, within, within, s)
	binding := t.binding(n, within, s)
	for _, c := range binding {
		pgtree.Walk(c, func(n *pgtree.Node) bool {
			if r := (outerRef{level: 1, rtindex: n.Int("varno"), attno: n.Int("varattno")}); n.Tag == "VAR" && !within[r.rtindex] && !slices.Contains(refs, r) {
				refs = append(refs, r)
			}
			return true
		})
	}
	d, key := t.domainOf(refs, s)
	at := map[outerRef]int{} // as the join reads them, which is part of the query
	for r, i := range d.at {
		r.level--
		at[r] = i
	}
	d.at = at
	in := &scope{
		query: s.query, parent: s.parent, domain: d, rtes: s.rtes, start: map[int]int{}, cols: map[int]int{}, ctes: s.ctes,
		windows: s.windows, whole: s.whole, tableOIDs: s.tableOIDs, within: within, binding: binding, from: slices.Clone(d.node.Cols()),
	}
	if !s.missable() {
		in.sure = math.MaxInt
	}
	p := in.bind(t.join(n, in, false))

	base := len(s.from)
	for i, start := range in.start {
		s.start[i], s.cols[i] = base+start, in.cols[i]
	}
	s.meets = append(s.meets, algebra.SameAs(key, base+d.width()-1)...)
	s.from = append(s.from, p.node.Cols()...)
	return part{node: p.node, start: base, end: len(s.from)}, true
}

// missable says that a join around the relation that is being translated makes up a row where that has none:
// conditions of WHERE do not hold for it before that join.
func (s *scope) missable() bool { return s.sure <= len(s.parts) }

// binding are conditions of WHERE between what stands beside a left join and its left side. Those of them that cannot fail
// hold for that side as well, each row of which would meet all of the domain without them.
func (t *translator) binding(n *pgtree.Node, within map[int]bool, s *scope) []*pgtree.Node {
	quals := s.query.Node("jointree").Node("quals")
	if n.Int("jointype") != querytree.LeftJoin || quals == nil || s.missable() {
		return nil
	}
	left := relationsOf(n.Node("larg"))
	list := []*pgtree.Node{quals}
	if quals.Tag == "BOOLEXPR" && quals.Str("boolop") == "and" {
		list = quals.Nodes("args")
	}
	return slices.DeleteFunc(slices.Clone(list), func(q *pgtree.Node) bool {
		var beside, here, other bool
		pgtree.Walk(q, func(n *pgtree.Node) bool {
			if n.Tag == "VAR" {
				i := n.Int("varno")
				_, placed := s.start[i]
				switch {
				case n.Int("varlevelsup") > 0 || n.Int("varattno") <= 0:
					other = true
				case left[i]:
					here = true
				case placed:
					beside = true
				default:
					other = true
				}
			}
			other = other || n.Tag == "SUBLINK"
			return !other
		})
		return other || !beside || !here
	})
}

// isOutside says that a relation of the query's is none of those that are translated
// here: its columns are the domain's.
func (s *scope) isOutside(rtindex int) bool { return s.within != nil && !s.within[rtindex] }

// relationsOf are the relations and joins of an item of FROM.
func relationsOf(n *pgtree.Node) map[int]bool {
	all := map[int]bool{}
	pgtree.Walk(n, func(n *pgtree.Node) bool {
		if n.Tag == "RANGETBLREF" || n.Tag == "JOINEXPR" {
			all[n.Int("rtindex")] = true
		}
		return n.Tag != "QUERY"
	})
	return all
}

// refsOfJoin lists what a join in s, and these of its relations, read of what is around it, as if it were
// a query right inside s.
func (t *translator) refsOfJoin(n *pgtree.Node, relations, within map[int]bool, s *scope) []outerRef {
	var refs []outerRef
	add := func(r outerRef) {
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	read := func(n *pgtree.Node, depth int) bool {
		if n.Tag == "VAR" && n.Int("varlevelsup") == depth && within[n.Int("varno")] {
			return true // the join's own
		}
		return t.readsOuter(n, depth-1, s, add)
	}
	querytree.Walk(n, read) // its conditions, and those of joins in it
	for _, i := range slices.Sorted(maps.Keys(relations)) {
		rte := s.rtes[i-1]
		if rte.Int("rtekind") == querytree.Join {
			continue // its columns are its inputs'
		}
		read(rte, 0)
		querytree.Walk(rte, read)
	}
	return refs
}
