package algebra

import "github.com/stepping-cdc/stepping-cdc/plan/expr"

// settled is a projection that is over no other one: what cannot fail there need not be held.
func settled(p *Project) *Project {
	out := *p
	out.Exprs = make([]expr.Expr, len(p.Exprs))
	for i, e := range p.Exprs {
		if h, held := e.(*expr.Held); held && expr.Total(h.Arg) {
			e = h.Arg
		}
		out.Exprs[i] = e
	}
	return &out
}

// holds says whether a projection holds what is computed below it, and may fail.
func holds(above, below *Project) bool {
	for _, e := range above.Exprs {
		h, held := e.(*expr.Held)
		if !held {
			continue
		}
		read := map[int]bool{}
		expr.Columns(h, read)
		for c := range read {
			if !expr.Total(below.Exprs[c]) {
				return true
			}
		}
	}
	return false
}
