package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// generated computes the generated columns of a table that the stream leaves out, from
// those that it holds, as if the table were a view of it.
func (t *translator) generated(rte *pgtree.Node, rel *catalog.Relation, scan *algebra.Scan) algebra.Node {
	cols := scan.Cols()
	s := &scope{rtes: []*pgtree.Node{rte}, start: map[int]int{1: 0}, cols: map[int]int{1: len(cols)}, from: cols, node: scan}
	p := &algebra.Project{In: scan, Exprs: algebra.AllRefs(cols)}
	computed := false
	for i, c := range rel.Columns {
		p.Names = append(p.Names, c.Name)
		if c.Generation == "" {
			continue
		}
		computed = true
		tree, err := pgtree.Parse(c.Generation)
		n, ok := tree.(*pgtree.Node)
		if err != nil || !ok {
			t.fail(fmt.Errorf("the expression of column %s of %s: %v", c.Name, rel.SQL(), err))
			return scan
		}
		e := t.expr(n, s)
		if e == nil { // already told
			e = &expr.Const{T: c.Type}
		}
		p.Exprs[i] = t.coerce(n, e, c.Type)
	}
	if !computed {
		return scan
	}
	return p
}
