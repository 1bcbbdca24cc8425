package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// set is the results of a function as an array. Postgres computes it, but for
// unnest, whose argument is one.
type set struct {
	array expr.Expr
	// wrapped: each element is a record around the result, of which there can be
	// no array of its own: an array, or a type without a binary form.
	wrapped bool
	rows    bool  // in FROM, the results' fields are columns
	nums    []int // numbers of these columns, with gaps where one was dropped
	columns int   // how many there are with those that were dropped
}

var setOfNothing = set{array: &expr.Const{T: values.ArrayOf(values.TextType)}}

// value is a result, given the element.
func (x *set) value(elem expr.Expr) expr.Expr {
	if x.wrapped {
		return &expr.FieldOf{Arg: elem, T: elem.Type().Fields[0].Type}
	}
	return elem
}

// recordAround is a record around a type.
func recordAround(t *values.Type) *values.Type {
	return values.RecordOf([]values.Field{{Name: "f1", Type: t}})
}

// setCall translates a call of a set-returning function. rtf is its entry in
// FROM, if it stands there, which may list the columns of its rows.
func (t *translator) setCall(n, rtf *pgtree.Node, s *scope) *set {
	n = t.asCall(n)
	proc, err := t.cat.Proc(t.ctx, n.OID("funcid"))
	if err != nil {
		t.fail(err)
		return nil
	}
	args := t.exprs(n.Nodes("args"), s)
	elem := t.known(t.typ(n.OID("funcresulttype"), -1, n.OID("funccollid")), args)
	names, elem := t.columnsOf(n, rtf, proc, args, elem)
	if elem == nil || !t.stable(n, proc, args) || !t.readsJSON(n, proc, args, elem) {
		return nil
	}
	if proc.Signature == "unnest(anyarray)" && args[0].Type().Kind == values.KindArray && (rtf == nil || !args[0].Type().Elem.Variant) {
		return t.asSet(args[0], false)
	}
	if elem.RecordOfNone() {
		return t.asSet(expr.DeferEach(expr.NewRemote(t.callSQL(n, proc, args), args, false, elem)), false)
	}
	wrapped := elem.Kind == values.KindArray || elem.NoBinary && elem.Kind != values.KindRecord
	of := elem
	if wrapped {
		of = recordAround(elem)
	}
	sql := t.callSQL(n, proc, args)
	last := len(sql) - 1 // of a call without arguments, the first as well
	around := func(before, after string) {
		sql[0] = before + sql[0]
		sql[last] += after
	}
	switch {
	case rtf == nil && names == "": // where a NULL stays one, and columns need no list
		if wrapped {
			around("ROW(", ")")
		}
		around("ARRAY(SELECT ", ")")
	default:
		// The alias is the row; a column of its name would hide it.
		alias := "r"
		for slices.ContainsFunc(elem.Fields, func(f values.Field) bool { return f.Name == alias }) {
			alias += "_"
		}
		row := alias
		if wrapped {
			row = "ROW(" + alias + ")"
		}
		around("ARRAY(SELECT "+row+" FROM ", " AS "+alias+names+")")
	}
	return t.asSet(expr.NewRemote(sql, args, proc.Strict && n.Bool("funcretset"), values.ArrayOf(of)), wrapped)
}

// asSet is the elements of an array as a set.
func (t *translator) asSet(array expr.Expr, wrapped bool) *set {
	x := &set{array: array, wrapped: wrapped}
	if elem := array.Type().Elem; elem.Kind == values.KindRecord && !wrapped {
		var err error
		x.rows = true
		if x.nums, err = t.cat.FieldNumbers(t.ctx, elem); err != nil {
			t.fail(err)
		}
		x.columns = len(elem.Fields)
	}
	return x
}

// columnsOf finds the fields of a function's rows where its result type is record:
// a list of columns in FROM says so, or the function's OUT parameters do. names is
// what has to follow the alias in SQL.
func (t *translator) columnsOf(n, rtf *pgtree.Node, proc *catalog.Proc, args []expr.Expr, elem *values.Type) (names string, rows *values.Type) {
	if elem.Schema != "pg_catalog" || elem.Name != "record" || elem.Kind == values.KindRecord && (rtf == nil || len(rtf.Ints("funccoltypes")) == 0) {
		return "", elem
	}
	var fields []values.Field
	if rtf != nil && len(rtf.Ints("funccoltypes")) > 0 {
		typmods, colls := rtf.Ints("funccoltypmods"), rtf.Ints("funccolcollations")
		list := make([]string, len(typmods))
		columns := rtf.Strings("funccolnames")
		for i, oid := range rtf.Ints("funccoltypes") {
			ty := t.typ(uint32(oid), int32(typmods[i]), uint32(colls[i]))
			fields = append(fields, values.Field{Name: columns[i], Type: ty})
			list[i] = pgx.Identifier{columns[i]}.Sanitize() + " " + ty.SQL
		}
		return "(" + strings.Join(list, ", ") + ")", values.RecordOf(fields)
	}
	out, err := t.cat.OutTypes(t.ctx, proc.OID)
	if err != nil {
		t.fail(err)
		return "", nil
	}
	if len(out) == 0 && proc.Schema == "pg_catalog" && jsonReaders[proc.Name] {
		t.problem(n, CodeUnsupported, describe(proc), "Postgres cannot determine the row type of what "+describe(proc)+" returns here, and fails", "call it in FROM, with a list of its columns")
		return "", nil
	}
	if len(out) == 0 { // they are known at run time alone
		return "", elem
	}
	if slices.ContainsFunc(out, func(oid uint32) bool { return t.cat.Polymorphic(oid) }) {
		call := expr.NewRemote(t.callSQL(n, proc, args), args, false, elem)
		var pgErr *pgconn.PgError
		out, pgErr, err = t.cat.CallTypes(t.ctx, call.Query(func(i int) string { return "(NULL::" + call.Args[i].Type().SQL + ")" }))
		if err != nil {
			t.fail(err)
			return "", nil
		}
		if pgErr != nil {
			t.problem(n, CodeUnsupported, describe(proc), fmt.Sprintf("the columns of %s cannot be asked of Postgres: %s", describe(proc), pgErr.Message), "cast its arguments to types of their own")
			return "", nil
		}
	}
	var list []string
	for i, oid := range out {
		ty := t.typ(oid, -1, 0)
		if ty.Kind == values.KindText && ty.Collation == 0 { // what a function returns has the default collation
			ty = t.typ(oid, -1, 100)
		}
		fields = append(fields, values.Field{Name: fmt.Sprintf("c%d", i+1), Type: ty})
		list = append(list, fields[i].Name)
	}
	return "(" + strings.Join(list, ", ") + ")", values.RecordOf(fields)
}

// inFrom translates a function in FROM, which need not return a set: then it is a
// set of one.
func (t *translator) inFrom(rtf *pgtree.Node, s *scope) *set {
	n := rtf.Node("funcexpr")
	if n.Tag == "FUNCEXPR" && (n.Bool("funcretset") || t.typ(n.OID("funcresulttype"), -1, 0).Name == "record") {
		return t.setCall(n, rtf, s)
	}
	e := t.expr(n, s)
	if e == placeholder {
		return nil
	}
	ty := e.Type()
	wrapped := ty.Kind == values.KindArray || ty.NoBinary && ty.Kind != values.KindRecord
	if wrapped {
		e = &expr.Row{Fields: []expr.Expr{e}, T: recordAround(ty)}
	}
	return t.asSet(&expr.ArrayOf{Elems: []expr.Expr{e}, T: values.ArrayOf(e.Type())}, wrapped)
}

// spreadColumns gives the rows of a Spread the columns that the query sees: the
// fields of results that are rows.
func spreadColumns(n *algebra.Spread, sets []*set, names []string) algebra.Node {
	if !slices.ContainsFunc(sets, func(x *set) bool { return x.rows || x.wrapped }) {
		return n
	}
	cols := n.Cols()
	before := len(n.In.Cols())
	p := algebra.Pick(n, algebra.FirstN(before))
	add := func(e expr.Expr) {
		name := "value"
		if i := len(p.Exprs) - before; i < len(names) {
			name = names[i]
		}
		p.Exprs, p.Names = append(p.Exprs, e), append(p.Names, name)
	}
	for i, x := range sets {
		elem := algebra.Refs(cols, []int{before + i})[0]
		if !x.rows {
			add(x.value(elem))
			continue
		}
		for num := 1; num <= x.columns; num++ {
			if k := slices.Index(x.nums, num); k >= 0 {
				add(&expr.FieldOf{Arg: elem, Index: k, T: elem.Type().Fields[k].Type})
			} else {
				add(&expr.Const{T: values.Int4Type}) // dropped, and still counted
			}
		}
	}
	if n.Ordinality {
		add(algebra.Refs(cols, []int{len(cols) - 1})[0])
	}
	return p
}
