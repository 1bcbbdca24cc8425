package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// maxInlined bounds the references to WITH queries that are translated
// each by itself, so that what surrounds them can go into them. Of those that read
// others twice, there would be twice as many with each level.
const maxInlined = 500

// inline translates what a reference to a WITH query stands for.
func (t *translator) inline(of *pgtree.Node, translate func() algebra.Node) algebra.Node {
	if n, ok := t.shared[of]; ok {
		return n
	}
	t.inlined++
	if t.inlined <= maxInlined {
		return translate()
	}
	n := &algebra.Shared{In: translate()}
	if t.shared == nil {
		t.shared = map[*pgtree.Node]algebra.Node{}
	}
	t.shared[of] = n
	return n
}

// cte translates a reference to a WITH query, by inlining it: equal
// sub-circuits are shared anyway. One that refers to what lies outside the query
// it belongs to is computed for the domain of the query that reads it, among whose
// columns these values are.
func (t *translator) cte(rte *pgtree.Node, s *scope) algebra.Node {
	up := rte.Int("ctelevelsup")
	at, name := s.up(up), rte.Str("ctename")
	if at == nil || at.ctes[name] == nil {
		t.fail(fmt.Errorf("no WITH query %q in reach", name))
	}
	if t.err != nil {
		return empty(t.unknownCols(rte.Node("eref").Strings("colnames")))
	}
	c := at.ctes[name]
	refs := t.cteRefs(name, at)
	var d *domain
	if len(refs) > 0 {
		if d = s.domain.around(refs, up); d == nil {
			t.fail(fmt.Errorf("WITH query %q reads what its reader does not", name))
			return empty(t.unknownCols(rte.Node("eref").Strings("colnames")))
		}
	}
	var n algebra.Node
	switch {
	case c.Bool("cterecursive"):
		n = t.recursive(c, at, d, refs)
	case d == nil:
		n = t.inline(c, func() algebra.Node { return t.selection(c.Node("ctequery"), at, nil) })
	default:
		n = t.selection(c.Node("ctequery"), at, d)
	}
	const always = 1 // CTEMaterializeAlways, of Postgres' parsenodes.h
	if never := c.Int("ctematerialized") > always; c.Int("ctematerialized") == always || c.Int("cterefcount") > 1 && !never {
		n = algebra.Own(n)
	}
	if dw := d.width(); dw > 0 && len(n.Cols()) >= dw {
		s.ofDomain(dw)
	}
	return n
}

// around is a query's domain as a WITH query refers to it that belongs to the query so
// many levels around; nil if not all of its references are in it.
func (d *domain) around(refs []outerRef, up int) *domain {
	if d == nil {
		return nil
	}
	out := &domain{node: d.node, at: map[outerRef]int{}}
	for _, r := range refs {
		here := r
		here.level += up - 1
		i, ok := d.at[here]
		if !ok {
			return nil
		}
		out.at[r] = i
	}
	return out
}

// ofDomain says that the relation which comes next in FROM leads with the columns
// of the query's own domain: as for a sub-query in FROM, its rows belong to those
// of the domain there.
func (s *scope) ofDomain(width int) {
	s.hidden = width
	s.meets = append(s.meets, algebra.SameAs(&expr.Col{Index: width - 1, Name: "identity", T: values.ByteaType}, len(s.from)+width-1)...)
}
