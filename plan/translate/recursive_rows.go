package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// recordColumns are the columns of a recursive query that are rows without a type of their own: which types there are
// in a column is known once the recursive term makes no others of those that it is given. Where that has no
// end, as it makes rows around those of the last iteration, the column is an expr.Nest.
type recordColumns struct {
	types  []*values.Type // nil if there are none
	nested []bool
	nest   *expr.Nest // of all columns, as each may be within the others
	grows  []bool     // in the last round
	rounds int
}

// maxVariants bounds the rounds in which the types are found.
const maxVariants = 6

// another says whether the query is to be translated with the types that were found last.
func (r *recordColumns) another() bool {
	if r.rounds++; r.rounds <= maxVariants {
		return true
	}
	if r.nest == nil {
		r.nest, r.nested, r.rounds = expr.NewNest(), r.grows, 1
	}
	return r.rounds <= maxVariants && !r.nest.Failed()
}

// begin gives the columns of the non-recursive term the types.
func (r *recordColumns) begin(base *algebra.Project) {
	r.grows = make([]bool, len(base.Exprs))
	if r.types == nil {
		r.types, r.nested = make([]*values.Type, len(base.Exprs)), make([]bool, len(base.Exprs))
	}
	for i := range base.Exprs {
		r.bring(base, i)
	}
}

func (r *recordColumns) bring(p *algebra.Project, i int) {
	switch {
	case r.nested[i]:
		p.Exprs[i] = r.nest.Row(p.Exprs[i])
	case r.types[i] != nil:
		p.Exprs[i] = expr.AsVariant(p.Exprs[i], r.types[i])
	}
}

// goOn gives them to the columns of the recursive term, too; false if it makes rows of other types.
func (r *recordColumns) goOn(base, next *algebra.Project) bool {
	for i := range min(len(base.Exprs), len(next.Exprs)) {
		if !r.nested[i] {
			have := base.Exprs[i].Type()
			r.types[i] = values.CommonRecord([]*values.Type{have, next.Exprs[i].Type()})
			r.grows[i] = r.types[i] != nil && !(have.Anonymous() && values.SameShape(r.types[i], have.Innermost()))
		}
		r.bring(next, i)
	}
	settled := r.nest == nil || r.nest.Settled() && !r.nest.Failed()
	return settled && !slices.Contains(r.grows, true)
}
