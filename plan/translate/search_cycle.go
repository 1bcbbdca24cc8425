package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// SEARCH and CYCLE add columns to a recursive query, in this order: the position
// in the search, the mark of a cycle, the path that led to the row
// (postgresql.org/docs/current/queries-with.html#QUERIES-WITH-SEARCH). Postgres
// stores the clauses and rewrites the query when it is run; here they become
// expressions of the two terms, over records that never leave the circuit:
//
//	SEARCH DEPTH FIRST   ARRAY[ROW(cols)]          position || ROW(cols)
//	SEARCH BREADTH FIRST ROW(0, cols)              ROW(position's depth + 1, cols)
//	CYCLE mark           default                   CASE WHEN ROW(cols) = ANY (path) THEN value ELSE default END
//	CYCLE path           ARRAY[ROW(cols)]          path || ROW(cols)
//
// and rows that close a cycle are not continued.
type tracking struct {
	columns []tracked
	stop    expr.Expr // over a row of the working table: it may be continued
}

// tracked is one added column: its first value over the columns of the
// non-recursive term, and its next one over the recursive term's, which are
// followed by the values before of all added columns.
type tracked struct {
	name  string
	first expr.Expr
	next  func(before expr.Expr) expr.Expr
}

// tracking reads the clauses of a recursive query whose non-recursive term has the
// given columns, from the start-th on its own.
func (t *translator) tracking(c *pgtree.Node, cols []algebra.Column, start int) *tracking {
	search, cycle := c.Node("search_clause"), c.Node("cycle_clause")
	if search == nil && cycle == nil {
		return &tracking{}
	}
	names := c.Strings("ctecolnames")
	row := func(list []string, before ...expr.Expr) *expr.Row {
		fields, called := before, []string(nil)
		if len(before) > 0 {
			called = []string{"*DEPTH*"} // as Postgres calls it
		}
		for _, name := range list {
			if i := start + slices.Index(names, name); i >= start && i < len(cols) {
				fields = append(fields, &expr.Col{Index: i, Name: name, T: cols[i].Type})
			}
		}
		return expr.RowOf(append(called, list...), fields)
	}
	path := func(name string, of *expr.Row) tracked {
		array := values.ArrayOf(of.T)
		return tracked{
			name: name, first: &expr.ArrayOf{Elems: []expr.Expr{of}, T: array},
			next: func(before expr.Expr) expr.Expr {
				const signature = "array_append(anycompatiblearray,anycompatible)"
				return &expr.Native{Name: signature, Total: true, Func: fn.Lookup(signature, []*values.Type{array, of.T}, array), Args: []expr.Expr{before, of}, T: array}
			},
		}
	}
	if t.unhashed(c, names, cols[min(start, len(cols)):]) {
		return &tracking{}
	}
	tr := &tracking{}
	if search != nil {
		list, name := search.Strings("search_col_list"), search.Str("search_seq_column")
		if search.Bool("search_breadth_first") {
			tr.columns = append(tr.columns, breadth(name, func(depth expr.Expr) *expr.Row { return row(list, depth) }))
		} else {
			tr.columns = append(tr.columns, path(name, row(list)))
		}
	}
	if cycle != nil {
		of := row(cycle.Strings("cycle_col_list"))
		mark := t.typ(cycle.OID("cycle_mark_type"), int32(cycle.Int("cycle_mark_typmod")), cycle.OID("cycle_mark_collation"))
		value, rest := t.expr(cycle.Node("cycle_mark_value"), &scope{query: c}), t.expr(cycle.Node("cycle_mark_default"), &scope{query: c})
		t.checkKeys(c, "a mark of CYCLE", []expr.Expr{value})
		at := len(cols) + len(tr.columns)
		on := path(cycle.Str("cycle_path_column"), of)
		same := t.onPath(c, of, &expr.Col{Index: at + 1, Name: on.name, T: on.first.Type()})
		tr.columns = append(tr.columns, tracked{
			name: cycle.Str("cycle_mark_column"), first: rest,
			next: func(expr.Expr) expr.Expr { return &expr.Case{Whens: []expr.Expr{same, value}, Else: rest, T: mark} },
		}, on)
		isValue := &expr.Native{
			Name: "same mark", Total: true, Func: fn.KeyEquality(mark, mark), T: values.BoolType,
			Args: []expr.Expr{&expr.Col{Index: at, Name: cycle.Str("cycle_mark_column"), T: mark}, value},
		}
		tr.stop = &expr.BoolOp{Op: expr.Not, Args: []expr.Expr{isValue}, T: values.BoolType}
	}
	return tr
}

// unhashed records that a query is one that Postgres fails for: UNION tells rows apart by the added columns as well, and of
// rows in rows that have no type of their own it has no hash.
func (t *translator) unhashed(c *pgtree.Node, names []string, cols []algebra.Column) bool {
	if c.Node("ctequery").Node("setOperations").Bool("all") {
		return false
	}
	var tracked []string
	if search := c.Node("search_clause"); search != nil {
		tracked = search.Strings("search_col_list")
	}
	if cycle := c.Node("cycle_clause"); cycle != nil {
		tracked = append(tracked, cycle.Strings("cycle_col_list")...)
	}
	for _, name := range tracked {
		if i := slices.Index(names, name); i >= 0 && i < len(cols) && cols[i].Type.Anonymous() {
			t.problem(c, CodeSyntax, "SEARCH or CYCLE", "with UNION, Postgres cannot compute SEARCH or CYCLE by a column that is a row without a type: it has no hash of rows in rows", "write UNION ALL, or cast the row to a composite type")
			return true
		}
	}
	return false
}

// onPath says whether a row is on a path. Postgres compares it with one after the other, and fails where it comes to two of different
// fields that are alike so far.
func (t *translator) onPath(c *pgtree.Node, row, path expr.Expr) expr.Expr {
	if ty := row.Type(); ty.MixesVariants() && telling(ty) {
		return expr.NewRemote([]string{"", " OPERATOR(pg_catalog.=) ANY (", ")"}, []expr.Expr{row, path}, false, values.BoolType)
	}
	row, path = t.sameness(c, "CYCLE", row), t.sameness(c, "CYCLE", path)
	return &expr.AnyAll{
		Op:     &expr.Native{Name: "record_eq(record,record)", Total: true, Equal: true, Func: fn.KeyEquality(row.Type(), row.Type()), Args: pairOf(row.Type(), row.Type()), T: values.BoolType},
		Member: true, Left: row, Array: path, T: values.BoolType,
	}
}

// breadth is the position in a search by levels.
func breadth(name string, row func(depth expr.Expr) *expr.Row) tracked {
	return tracked{
		name: name, first: row(&expr.Const{V: values.Int(0), T: values.Int8Type}),
		next: func(before expr.Expr) expr.Expr {
			deeper := &expr.Native{
				Name: "one deeper", Total: true, T: values.Int8Type, Args: []expr.Expr{&expr.FieldOf{Arg: before, T: values.Int8Type}},
				Func: &fn.Func{Strict: true, F1: func(d values.Datum) values.Datum { return values.Int(d.Int64() + 1) }},
			}
			return row(deeper)
		},
	}
}

// begin adds the columns to the non-recursive term.
func (tr *tracking) begin(base *algebra.Project) *algebra.Project {
	if len(tr.columns) == 0 {
		return base
	}
	p := algebra.Compute(base, algebra.AllRefs(base.Cols()), base.Cols())
	for _, c := range tr.columns {
		p.Exprs, p.Names = append(p.Exprs, c.first), append(p.Names, c.name)
	}
	return p
}

// table is the rows of the working table that may be continued.
func (tr *tracking) table(work algebra.Node) algebra.Node {
	if tr.stop == nil {
		return work
	}
	return &algebra.Filter{In: work, Conds: []expr.Expr{tr.stop}}
}

// passed makes the recursive term, the right side of a recursive query, hand on the
// added columns of the working table's row behind its own. Like Postgres, it
// has to find the working table in the FROM clause of that very query.
func (tr *tracking) passed(t *translator, c *pgtree.Node, s *scope) {
	if len(tr.columns) == 0 {
		return
	}
	name, op := c.Str("ctename"), s.query.Node("setOperations")
	side := op.Node("rarg")
	at := side.Int("rtindex") - 1
	if side.Tag != "RANGETBLREF" || op.Node("larg").Tag != "RANGETBLREF" {
		t.fail(fmt.Errorf("SEARCH or CYCLE of WITH query %q, a term of which is no SELECT", name)) // Postgres has refused it
		return
	}
	q := s.rtes[at].Node("subquery")
	const clause = "SEARCH or CYCLE"
	switch {
	case q.Bool("hasAggs") || q.Bool("hasWindowFuncs"):
		t.problem(c, CodeSyntax, clause, "with a SEARCH or CYCLE clause, Postgres cannot compute a recursive term with aggregates or windows", "compute them in a sub-query, or over the result")
		return
	case slices.ContainsFunc(querytree.GroupingSets(q), func(set []int) bool { return len(set) == 0 }):
		t.problem(c, CodeSyntax, clause, "with a SEARCH or CYCLE clause, Postgres cannot compute a recursive term with an empty grouping set: of no rows there is no path", "leave the set out")
		return
	}
	table := slices.IndexFunc(q.Nodes("rtable"), func(rte *pgtree.Node) bool {
		return rte.Bool("self_reference") && rte.Str("ctename") == name && rte.Int("ctelevelsup") == 2
	})
	if table < 0 {
		t.problem(c, CodeSyntax, "SEARCH or CYCLE", "with a SEARCH or CYCLE clause, the recursive reference to WITH query \""+name+"\" must be at the top level of its right-hand SELECT", "")
		return
	}
	targets, _ := q.Get("targetList").(pgtree.List)
	before := len(op.Ints("colTypes"))
	if len(targets) > before {
		t.problem(c, CodeSyntax, clause, "with a SEARCH or CYCLE clause, Postgres cannot compute a recursive term that groups by what is not among its columns", "make it a column")
		return
	}
	targets = slices.Clone(targets)
	var vars strings.Builder
	for i := range tr.columns {
		fmt.Fprintf(&vars, "{VAR :varno %d :varattno %d :varlevelsup 0 :location -1} ", table+1, before+i+1)
	}
	for i := range tr.columns {
		v, err := pgtree.Parse(fmt.Sprintf("{TARGETENTRY :expr {%s :column %d :columns (%s)} :resno %d :resname tracked :ressortgroupref 0 :resjunk false}",
			trackedTag, i, strings.TrimSpace(vars.String()), before+i+1))
		if err != nil {
			t.fail(err)
			return
		}
		targets = append(targets, v)
	}
	q = q.With("targetList", targets)
	if len(q.Nodes("distinctClause")) > 0 {
		// Postgres does not tell rows apart by the added columns: this is DISTINCT ON.
		q = q.With("hasDistinctOn", pgtree.Token("true"))
	}
	s.rtes[at] = s.rtes[at].With("subquery", q)
}

// trackedTag is the kind of the nodes that stand for added columns in a term's target list. Postgres
// writes none such.
const trackedTag = "TRACKED"

// trackedColumn is an added column as it is in the working table. Of a group of rows it is one's, which
// SQL leaves open; all added columns are the same row's.
func (t *translator) trackedColumn(n *pgtree.Node, s *scope) expr.Expr {
	vars, at := n.Nodes("columns"), n.Int("column")
	if s.agg == nil {
		return t.expr(vars[at], s)
	}
	g := s.agg
	s.agg = nil
	row := expr.RowOf(nil, t.exprs(vars, s))
	s.agg = g
	const signature = "any_value(anyelement)"
	a := algebra.Agg{Name: signature, Args: []expr.Expr{row}, T: row.T, Impl: agg.Lookup(signature, []*values.Type{row.T}, row.T)}
	return &expr.FieldOf{Arg: g.column(g.aggregate(a)), Index: at, T: row.Fields[at].Type()}
}

// goOn computes the columns of the recursive term, of which the first width are its
// own.
func (tr *tracking) goOn(term *algebra.Project, width int) *algebra.Project {
	cols := term.Cols()
	if len(tr.columns) == 0 || len(cols) != width+len(tr.columns) {
		return term
	}
	p := algebra.Compute(term, algebra.AllRefs(cols[:width]), cols[:width])
	for i, c := range tr.columns {
		before := &expr.Col{Index: width + i, Name: c.name, T: cols[width+i].Type}
		p.Exprs, p.Names = append(p.Exprs, c.next(before)), append(p.Names, c.name)
	}
	return p
}
