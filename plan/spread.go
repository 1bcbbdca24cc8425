package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// A set-returning function is a function that returns an array, and an operator
// that spreads the array out. Postgres computes the array, but for unnest, whose
// argument is one.

// setCall translates a call of a set-returning function of scalars to the array
// of its results.
func (t *translator) setCall(n *pgtree.Node, s *scope) (array expr.Expr, elem *values.Type) {
	if n.Tag != "FUNCEXPR" {
		t.refuse(n, CodeUnsupported, "an expression as a function in FROM", "write it as a sub-query")
		return nil, nil
	}
	proc, err := t.cat.Proc(t.ctx, n.OID("funcid"))
	if err != nil {
		t.fail(err)
		return nil, nil
	}
	elem = t.typ(n.OID("funcresulttype"), -1, n.OID("funccollid"))
	composite := strings.HasSuffix(elem.Name, "record") || t.cat.Composite(t.ctx, elem.OID)
	if composite || elem.Kind == values.KindArray || elem.NoBinary {
		t.refuse(n, CodeUnsupported, "set-returning function "+describe(proc)+" of rows", "")
		return nil, nil
	}
	args := t.exprs(n.Nodes("args"), s)
	if !t.stable(n, proc, args) {
		return nil, nil
	}
	if proc.Signature == "unnest(anyarray)" && args[0].Type().Kind == values.KindArray {
		return args[0], elem
	}
	sql := t.callSQL(n, proc, args)
	sql[0] = "ARRAY(SELECT " + sql[0]
	sql[len(sql)-1] += ")"
	return expr.NewRemote(sql, args, proc.Strict, values.ArrayOf(elem)), elem
}

// rangeFunction translates a function in FROM. One that reads columns beside it
// is computed for their domain, as a LATERAL sub-query is.
func (t *translator) rangeFunction(rte *pgtree.Node, names []string, s *scope) algebra.Node {
	n := &algebra.Spread{Ordinality: rte.Bool("funcordinality")}
	for i, f := range rte.Nodes("functions") {
		array, elem := t.setOrScalar(f.Node("funcexpr"), s)
		if array == nil {
			return empty(t.unknownCols(names))
		}
		name := "value"
		if i < len(names) {
			name = names[i]
		}
		n.Arrays = append(n.Arrays, array)
		n.Elements = append(n.Elements, algebra.Column{Name: name, Type: elem})
	}
	if n.Ordinality {
		n.Elements = append(n.Elements, algebra.Column{Name: "ordinality", Type: values.Int8Type})
	}
	read := map[int]bool{}
	for _, a := range n.Arrays {
		expr.Columns(a, read)
	}
	if len(read) == 0 {
		n.In = oneRow()
		return n
	}
	var cols []int
	for c := range s.from {
		if read[c] {
			cols = append(cols, c)
		}
	}
	over := columns(s.from, cols)
	t.checkKeys(rte, "a function of columns beside it", over)
	key := identityOf(over)
	named := append(make([]algebra.Column, 0, len(cols)+1), pickCols(s.from, cols)...)
	named = append(named, algebra.Column{Name: "identity", Type: values.ByteaType})
	base, placed := t.beside(s, append(slices.Clone(over), key))
	n.In = distinctBy(project(base, placed, named), len(cols))
	to := map[int]int{}
	for i, c := range cols {
		to[c] = i
	}
	n.Arrays = remap(n.Arrays, to)
	s.hidden = len(cols) + 1
	s.meets = append(s.meets, sameAs(key, len(s.from)+len(cols))...)
	return n
}

func pickCols(all []algebra.Column, which []int) []algebra.Column {
	out := make([]algebra.Column, len(which))
	for i, c := range which {
		out[i] = all[c]
	}
	return out
}

// setOrScalar translates a function in FROM, which need not return a set: then it
// is a set of one.
func (t *translator) setOrScalar(n *pgtree.Node, s *scope) (expr.Expr, *values.Type) {
	if n.Bool("funcretset") || n.Tag != "FUNCEXPR" {
		return t.setCall(n, s)
	}
	e := t.expr(n, s)
	if e.Type().Kind == values.KindArray || e.Type().NoBinary {
		t.refuse(n, CodeUnsupported, "a function in FROM that returns "+e.Type().SQL, "write it as a sub-query")
		return nil, nil
	}
	return &expr.ArrayOf{Elems: []expr.Expr{e}, T: values.ArrayOf(e.Type())}, e.Type()
}

// spreadTargets spreads the set-returning calls of a target list, side by side.
func (t *translator) spreadTargets(q *pgtree.Node, s *scope) {
	if q.Bool("hasWindowFuncs") {
		t.refuse(nil, CodeUnsupported, "a set-returning function beside a window function", "compute the window function in a sub-query in FROM")
		return
	}
	n := &algebra.Spread{}
	width := len(s.node.Cols())
	s.spread = map[*pgtree.Node]expr.Expr{}
	for _, te := range q.Nodes("targetList") {
		pgtree.Walk(te, func(c *pgtree.Node) bool {
			if c.Tag != "FUNCEXPR" || !c.Bool("funcretset") {
				return c.Tag != "QUERY"
			}
			array, elem := t.setCall(c, s)
			if array == nil {
				array, elem = &expr.Const{T: values.TextType}, values.TextType
			}
			s.spread[c] = &expr.Col{Index: width + len(n.Arrays), T: elem}
			n.Arrays = append(n.Arrays, array)
			n.Elements = append(n.Elements, algebra.Column{Name: "value", Type: elem})
			return false
		})
	}
	if len(s.node.Cols()) != width {
		t.refuse(nil, CodeUnsupported, "a set-returning function of a sub-query", "compute one of them in a sub-query in FROM")
		return
	}
	n.In = s.node
	s.stand(n)
}

// spread compiles a Spread: a mapper that computes the arrays, and an operator
// that takes them apart.
func (c *compiler) spread(n *algebra.Spread, id string) *compiled {
	cols := n.In.Cols()
	in := c.mapper(c.node(n.In), cols, nil, append(allColumns(cols), n.Arrays...), id+" arrays", "Arrays for "+n.Label())
	width := len(cols) + len(n.Elements)
	s := c.b.Map(in.stream, width, n.Label(), func(_ context.Context, rows, out *circuit.Batch) error {
		elems := make([][]values.Datum, len(n.Arrays))
		for i := range rows.Len() {
			row := rows.Row(i)
			longest := 0
			for j, a := range n.Arrays {
				elems[j] = elems[j][:0]
				if v := row[len(cols)+j]; !v.IsNull() {
					var err error
					if elems[j], err = values.Elements(elems[j], a.Type(), v); err != nil {
						return fmt.Errorf("spread an array: %w", err)
					}
				}
				longest = max(longest, len(elems[j]))
			}
			for k := range longest {
				to := out.Grow(rows.W[i])
				copy(to, row[:len(cols)])
				for j := range elems {
					if k < len(elems[j]) {
						to[len(cols)+j] = elems[j][k]
					}
				}
				if n.Ordinality {
					to[width-1] = values.Int(int64(k + 1))
				}
			}
		}
		return nil
	})
	return &compiled{stream: s, width: width, id: id, at: identity(width), errs: in.errs}
}
