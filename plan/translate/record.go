package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Composite values: ROW(…), whole rows, fields
// (postgresql.org/docs/current/rowtypes.html). A value of a named type is what
// that type says. One without, of type record, is known by its fields alone,
// which its static type lists; Postgres' catalogue has no more than the name
// record for it, so its type follows from the expression that makes it.

// row translates ROW(…), which may be cast to a type of its own.
func (t *translator) row(n *pgtree.Node, s *scope) expr.Expr {
	args := t.exprs(n.Nodes("args"), s)
	ty := t.typ(n.OID("row_typeid"), -1, 0)
	if ty.Kind != values.KindRecord || ty.Anonymous() {
		for i, a := range n.Nodes("args") { // what compares records looks at their types
			if a.Tag != "CONST" {
				continue
			}
			if own := t.typ(a.OID("consttype"), -1, 0); own.Unknown() {
				args[i] = t.relabel(args[i], own)
			}
		}
		return expr.RowOf(n.Strings("colnames"), args)
	}
	nums, err := t.cat.FieldNumbers(t.ctx, ty)
	if err != nil {
		t.fail(err)
		return nil
	}
	e := &expr.Row{T: ty}
	for _, num := range nums { // of a dropped attribute there is a NULL
		if num > len(args) {
			return nil
		}
		e.Fields = append(e.Fields, args[num-1])
	}
	return e
}

// field translates (x).f.
func (t *translator) field(n *pgtree.Node, s *scope) expr.Expr {
	arg := t.expr(n.Node("arg"), s)
	ty := arg.Type()
	if ty.Call != nil {
		return t.fieldOfVariant(n, arg)
	}
	if ty.Kind != values.KindRecord {
		if arg == placeholder || s.discovering() || len(t.problems) > 0 { // of what was refused, nothing is known
			return &expr.Const{T: t.typ(n.OID("resulttype"), int32(n.Int("resulttypmod")), n.OID("resultcollid"))}
		}
		t.fail(fmt.Errorf("a field of a value of type %s", ty.SQL))
		return nil
	}
	if ty.Variant {
		return t.fieldOfVariant(n, arg)
	}
	nums, err := t.cat.FieldNumbers(t.ctx, ty)
	if err != nil {
		t.fail(err)
		return nil
	}
	i := slices.Index(nums, n.Int("fieldnum"))
	if i < 0 || i >= len(ty.Fields) {
		t.fail(fmt.Errorf("field %d of a value of type %s", n.Int("fieldnum"), ty.SQL))
		return nil
	}
	return expr.FieldsOf(arg)[i]
}

// fieldOfVariant translates (x).f of a column with records of several types: Postgres has
// taken it for a record like those in the first SELECT of a UNION, and fails on others.
func (t *translator) fieldOfVariant(n *pgtree.Node, arg expr.Expr) expr.Expr {
	at, want := n.Int("fieldnum"), t.typ(n.OID("resulttype"), int32(n.Int("resulttypmod")), n.OID("resultcollid"))
	wrong := func(format string, args ...any) expr.Expr {
		return &expr.Const{V: values.Errorf("42804", format, args...), T: want}
	}
	return expr.ByVariant(arg, want, &expr.Const{T: want}, func(record expr.Expr) expr.Expr {
		if record.Type().Call != nil {
			return pendingField(record, at, want)
		}
		fields := expr.FieldsOf(record)
		switch {
		case at > len(fields):
			return wrong("attribute number %d exceeds number of columns %d", at, len(fields))
		case fields[at-1].Type().OID != want.OID:
			return wrong("attribute %d of type record has wrong type", at)
		}
		return fields[at-1]
	})
}

// convertRow casts a row to the type of a table that its own table inherits from: the
// fields of the same names.
func (t *translator) convertRow(n *pgtree.Node, s *scope) expr.Expr {
	arg, ty := t.expr(n.Node("arg"), s), t.typ(n.OID("resulttype"), -1, 0)
	row := &expr.Row{T: ty}
	for _, f := range ty.Fields {
		i := slices.IndexFunc(arg.Type().Fields, func(own values.Field) bool { return own.Name == f.Name })
		if i < 0 {
			t.fail(fmt.Errorf("a row of %s has no %q, which one of %s has", arg.Type().SQL, f.Name, ty.SQL))
			return nil
		}
		row.Fields = append(row.Fields, expr.FieldsOf(arg)[i])
	}
	return &expr.Case{Whens: []expr.Expr{isNull(arg), &expr.Const{T: ty}}, Else: row, T: ty}
}

// known is the type of a result that the catalogue calls a record, or an array of
// records: the one of the arguments that are so. If those are of several types, it is one
// that has them as variants, to which the arguments are brought.
func (t *translator) known(ty *values.Type, args []expr.Expr) *values.Type {
	if !isRecord(ty) {
		return ty
	}
	var of []*values.Type
	for _, a := range args {
		of = append(of, a.Type())
	}
	elem := values.CommonRecord(of)
	if elem == nil {
		return ty
	}
	for i, a := range args {
		args[i] = expr.AsVariant(a, elem)
	}
	if ty.Name == "record" {
		return elem
	}
	return values.ArrayOf(elem)
}

// isRecord says whether a type is what the catalogue calls record, or an array of such.
func isRecord(ty *values.Type) bool {
	return ty.Schema == "pg_catalog" && (ty.Name == "record" || ty.Name == "_record")
}

// withWhole adds to a relation of FROM a column that holds its row as a value. It
// is made here, below all joins: of a row that an outer join makes up it is NULL,
// while ROW(…) of its columns is not.
func (t *translator) withWhole(rel algebra.Node, rti int, s *scope) algebra.Node {
	rte, cols := s.rtes[rti-1], rel.Cols()
	p := algebra.Pick(rel, algebra.FirstN(len(cols)))
	names, fields := rte.Node("eref").Strings("colnames"), p.Exprs[s.hidden:]
	switch {
	case rte.Int("rtekind") == querytree.Function:
		names, fields = withoutDropped(names, fields[:min(len(names), len(fields))]) // without the number that it may have besides
	case rte.Int("rtekind") == querytree.Subquery: // without what it is only sorted by
		fields = fields[:min(len(names), len(fields))]
	case s.tableOIDs[rti]:
		fields = fields[:len(fields)-1]
	}
	whole := expr.RowOf(names, fields)
	if rte.Int("rtekind") == querytree.Relation {
		table, err := t.cat.Relation(t.ctx, rte.OID("relid"))
		if err != nil {
			t.fail(err)
			return rel
		}
		whole.T = rowType(t.typ(table.RowType, -1, 0), whole.T)
		if table.Kind == "r" || table.Kind == "p" {
			t.whole[table.OID] = table
		}
	}
	if oid := querytree.RowType(rte); oid != 0 {
		whole.T = rowType(t.typ(oid, -1, 0), whole.T)
	}
	p.Exprs, p.Names = append(slices.Clip(p.Exprs), whole), append(p.Names, rte.Node("eref").Str("aliasname"))
	return p
}

// withoutDropped leaves out what stands for dropped attributes of a composite type, whose rows a
// function in FROM returns: columns without a name, which no others are.
func withoutDropped(names []string, fields []expr.Expr) (left []string, of []expr.Expr) {
	for i, f := range fields {
		if names[i] != "" {
			left, of = append(left, names[i]), append(of, f)
		}
	}
	return left, of
}

// rowType is the type of a row if it has one of its own.
func rowType(own, record *values.Type) *values.Type {
	if own.Kind == values.KindRecord && len(own.Fields) == len(record.Fields) {
		return own
	}
	return record
}

// wholeRow reads a relation's row as a value.
func (t *translator) wholeRow(n *pgtree.Node, rte *pgtree.Node, s *scope) expr.Expr {
	rti := n.Int("varno")
	if rte.Int("rtekind") == querytree.Join {
		return t.joinRow(rti, rte, s)
	}
	return s.wholeColumn(rti)
}

// wholeColumn is the column that holds a relation's row; nil if it was refused.
func (s *scope) wholeColumn(rti int) expr.Expr {
	start, ok := s.start[rti]
	i := start + s.cols[rti] - 1
	if !ok || i < start {
		return nil
	}
	return &expr.Col{Index: i, Name: s.from[i].Name, T: s.from[i].Type}
}

// joinRow reads the row of a join with an alias. Where an outer join makes it up it is
// NULL since 16; before, it is a row of NULLs.
func (t *translator) joinRow(rti int, rte *pgtree.Node, s *scope) expr.Expr {
	row := expr.RowOf(rte.Node("eref").Strings("colnames"), t.exprs(rte.Nodes("joinaliasvars"), s))
	if t.version < nullJoinRows || !querytree.MayBeMissing(s.query, rti) {
		return row
	}
	there := &expr.BoolOp{Op: expr.Or, T: values.BoolType}
	for _, i := range querytree.Joined(s.query, rti) {
		whole := s.wholeColumn(i)
		if whole == nil {
			return nil // refused
		}
		there.Args = append(there.Args, isNotNull(whole))
	}
	return &expr.Case{Whens: []expr.Expr{there, row}, Else: &expr.Const{T: row.T}, T: row.T}
}

// nullJoinRows is the version that made rows of joins NULL where they are missing.
const nullJoinRows = 16

// readsJSON looks after the functions that turn JSON into rows: what they do
// depends on the input functions of the row's types.
func (t *translator) readsJSON(n *pgtree.Node, proc *catalog.Proc, args []expr.Expr, result *values.Type) bool {
	if proc.Schema != "pg_catalog" || !jsonReaders[proc.Name] {
		return true
	}
	last := 0 // json_to_record(json)
	if len(args) > 1 {
		last = 1 // json_populate_record(base, json)
	}
	args[last] = guardClock(args[last], result)
	return t.settled(n, result)
}

var jsonReaders = map[string]bool{
	"json_populate_record": true, "jsonb_populate_record": true, "json_populate_recordset": true, "jsonb_populate_recordset": true,
	"json_to_record": true, "jsonb_to_record": true, "json_to_recordset": true, "jsonb_to_recordset": true,
}
