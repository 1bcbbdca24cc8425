package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Changes of a partitioned table's rows are told as the table's own. In which partition a row is
// follows from its key. So the table is read like a view that computes it.

// ofPartitions reads a partitioned table with the partitions that its rows are in, behind its own columns.
func (t *translator) ofPartitions(rel *catalog.Relation) algebra.Node {
	refused := func(err error) algebra.Node {
		t.fail(err)
		return empty(append(t.relCols(rel), algebra.Column{Name: "tableoid", Type: values.OIDType}))
	}
	query, err := t.cat.PartitionQuery(t.ctx, rel)
	if err != nil {
		return refused(err)
	}
	tree, pgErr, err := t.cat.QueryTree(t.ctx, query)
	if err == nil && pgErr != nil {
		err = pgErr
	}
	if err != nil {
		return refused(fmt.Errorf("the partitions of %s: %w", rel.SQL(), err))
	}
	q, err := querytree.Parse(tree)
	if err != nil {
		return refused(fmt.Errorf("the partitions of %s: %w", rel.SQL(), err))
	}
	t.partitioned[rel.OID] = true
	within := t.within
	t.within = rel.SQL()
	in := t.selection(q, nil, nil)
	t.within = within
	cols := in.Cols()
	p := algebra.Pick(in, algebra.FirstN(len(cols)))
	last := len(cols) - 1
	p.Exprs[last] = &expr.Native{
		Name: "partition_of(" + rel.SQL() + ")", Args: []expr.Expr{p.Exprs[last]}, T: values.OIDType,
		Func: &fn.Func{F1: func(v values.Datum) values.Datum {
			if v.IsNull() {
				return values.Errorf(checkViolation, "no partition of %s had room for the row when the view was planned", rel.SQL())
			}
			return v
		}},
	}
	return p
}

// checkViolation is the SQLSTATE of a row for which there is no partition.
const checkViolation = "23514"
