package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

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
