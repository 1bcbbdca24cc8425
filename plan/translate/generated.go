package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
)

// generated computes the generated columns of a table that the stream leaves out, from
// those that node holds, as if the table were a view of it: those of them that are asked
// for.
func (t *translator) generated(rel *catalog.Relation, node algebra.Node, asked func(catalog.Column) bool) algebra.Node {
	cols := node.Cols()
	rte := pgtree.NewNode("RANGETBLENTRY", map[string]int{"rtekind": querytree.Relation, "relid": int(rel.OID)})
	s := &scope{rtes: []*pgtree.Node{rte}, start: map[int]int{1: 0}, cols: map[int]int{1: len(cols)}, from: cols, node: node}
	p := &algebra.Project{In: node, Exprs: algebra.AllRefs(cols)}
	computed := false
	for i, c := range rel.Columns {
		p.Names = append(p.Names, c.Name)
		if c.Generation == "" || !asked(c) {
			continue
		}
		computed = true
		tree, err := pgtree.Parse(c.Generation)
		n, ok := tree.(*pgtree.Node)
		if err != nil || !ok {
			t.fail(fmt.Errorf("the expression of column %s of %s: %v", c.Name, rel.SQL(), err))
			return node
		}
		e := t.expr(n, s)
		if e == nil { // already told
			e = &expr.Const{T: c.Type}
		}
		p.Exprs[i] = t.coerce(n, e, c.Type)
	}
	for _, c := range cols[len(rel.Columns):] {
		p.Names = append(p.Names, c.Name)
	}
	if !computed {
		return node
	}
	return p
}

// Which generated columns are computed: an heir's row has those that are stored by the
// heir's expressions, and those that are virtual by the expressions of the table that
// is read (postgresql.org/docs/18/ddl-generated-columns.html).
func anyGenerated(catalog.Column) bool       { return true }
func storedGenerated(c catalog.Column) bool  { return !c.Virtual }
func virtualGenerated(c catalog.Column) bool { return c.Virtual }
