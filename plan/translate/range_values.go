package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// values translates a VALUES list. What is not a constant (a call that Postgres
// evaluates, or that fails) is computed from a relation of one row; if rows refer to
// what is around the query, all are computed from the query's domain.
func (t *translator) values(rte *pgtree.Node, names []string, s *scope) algebra.Node {
	out := &algebra.Values{}
	var rows [][]expr.Expr
	read := map[int]bool{}
	lists, _ := rte.Get("values_lists").(pgtree.List)
	types, typmods, colls := rte.Ints("coltypes"), rte.Ints("coltypmods"), rte.Ints("colcollations")
	for _, l := range lists {
		var row []expr.Expr
		items, _ := l.(pgtree.List)
		for i, v := range items {
			if n, ok := v.(*pgtree.Node); ok {
				e := t.expr(n, s)
				if i < len(types) && uint32(types[i]) == e.Type().OID { // they are of one type, and may differ in the collation
					e = t.coerce(n, e, t.typ(uint32(types[i]), int32(typmods[i]), uint32(colls[i])))
				}
				expr.Columns(e, read)
				row = append(row, e)
			}
		}
		if out.Columns == nil {
			for i, e := range row {
				name := fmt.Sprintf("column%d", i+1)
				if i < len(names) {
					name = names[i]
				}
				out.Columns = append(out.Columns, algebra.Column{Name: name, Type: e.Type()})
			}
		}
		rows = append(rows, row)
	}
	for i := range out.Columns {
		var of []*values.Type
		for _, row := range rows {
			of = append(of, row[i].Type())
		}
		to := values.CommonRecord(of)
		if to == nil {
			continue
		}
		for _, row := range rows {
			row[i] = expr.AsVariant(row[i], to)
		}
		out.Columns[i].Type = rows[0][i].Type()
	}
	if len(read) > 0 && s.domain != nil {
		return s.valuesOf(rows, out.Columns)
	}
	var computed []algebra.Node
	for _, row := range rows {
		if allConstant(row) {
			out.Rows = append(out.Rows, row)
		} else {
			computed = append(computed, algebra.Compute(oneRow(), row, out.Columns))
		}
	}
	switch {
	case len(computed) == 0:
		return out
	case len(computed) == 1 && len(out.Rows) == 0:
		return computed[0]
	case len(out.Rows) == 0:
		return &algebra.UnionAll{Inputs: computed}
	}
	return &algebra.UnionAll{Inputs: append([]algebra.Node{out}, computed...)}
}

// valuesOf computes rows over the FROM row, of which so far only the domain's
// columns can be read, for each row of the domain.
func (s *scope) valuesOf(rows [][]expr.Expr, cols []algebra.Column) algebra.Node {
	lead := s.domain.node.Cols()
	s.ofDomain(len(lead))
	all := append(lead[:len(lead):len(lead)], cols...)
	u := &algebra.UnionAll{}
	for _, row := range rows {
		u.Inputs = append(u.Inputs, algebra.Compute(s.domain.node, append(algebra.Refs(lead, algebra.FirstN(len(lead))), row...), all))
	}
	if len(u.Inputs) == 1 {
		return u.Inputs[0]
	}
	return u
}

func allConstant(row []expr.Expr) bool {
	for _, e := range row {
		if c, ok := e.(*expr.Const); !ok || c.V.IsErr() {
			return false
		}
	}
	return true
}
