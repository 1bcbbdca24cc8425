package plan

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// placeholder stands in for an expression that was refused.
var placeholder = &expr.Const{T: values.TextType}

// expr translates an expression over the FROM row or, above GROUP BY, over the
// aggregate's row.
func (t *translator) expr(n *pgtree.Node, s *scope) expr.Expr {
	if s.agg != nil {
		if e, ok := t.grouped(n, s); ok {
			return e
		}
	}
	e := t.node(n, s)
	if e == nil || !t.sendable(n, e) {
		return placeholder
	}
	return expr.Fold(e)
}

func (t *translator) exprs(ns []*pgtree.Node, s *scope) []expr.Expr {
	out := make([]expr.Expr, len(ns))
	for i, n := range ns {
		out[i] = t.expr(n, s)
	}
	return out
}

func (t *translator) node(n *pgtree.Node, s *scope) expr.Expr {
	switch n.Tag {
	case "VAR":
		return t.column(n, s)
	case "CONST":
		return t.constant(n)
	case "FUNCEXPR":
		return t.function(n, s)
	case "OPEXPR":
		return t.operator(n, s)
	case "DISTINCTEXPR":
		if a, b, eq := t.comparison(n, s); eq != nil {
			return &expr.Distinct{Eq: eq, A: a, B: b, T: values.BoolType}
		}
		return t.remoteInfix(n, s, "IS DISTINCT FROM", values.BoolType)
	case "NULLIFEXPR":
		return t.nullIf(n, s)
	case "SCALARARRAYOPEXPR":
		return t.anyAll(n, s)
	case "BOOLEXPR":
		op := map[string]expr.BoolKind{"and": expr.And, "or": expr.Or, "not": expr.Not}[n.Str("boolop")]
		return &expr.BoolOp{Op: op, Args: t.exprs(n.Nodes("args"), s), T: values.BoolType}
	case "CASEEXPR", "CASE":
		return t.caseExpr(n, s)
	case "CASETESTEXPR":
		if len(s.tests) > 0 {
			return s.tests[len(s.tests)-1]
		}
	case "COALESCEEXPR", "COALESCE":
		ty := t.typ(n.OID("coalescetype"), -1, n.OID("coalescecollid"))
		args := t.exprs(n.Nodes("args"), s)
		return &expr.Coalesce{Args: args, T: t.known(n, ty, args)}
	case "MINMAXEXPR", "MINMAX":
		return t.minMax(n, s)
	case "NULLTEST":
		if n.Bool("argisrow") {
			return t.rowNullTest(n, s)
		}
		return &expr.NullTest{Arg: t.expr(n.Node("arg"), s), Not: n.Int("nulltesttype") == 1, T: values.BoolType}
	case "ROWCOMPAREEXPR", "ROWCOMPARE":
		return t.rowCompare(n, s)
	case "ROWEXPR", "ROW":
		return t.row(n, s)
	case "FIELDSELECT":
		return t.field(n, s)
	case "BOOLEANTEST":
		is := []string{"TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN"}
		if k := n.Int("booltesttype"); k >= 0 && k < len(is) {
			return &expr.BoolTest{Arg: t.expr(n.Node("arg"), s), Is: is[k], T: values.BoolType}
		}
	case "RELABELTYPE":
		return t.relabel(t.expr(n.Node("arg"), s), t.typ(n.OID("resulttype"), int32(n.Int("resulttypmod")), n.OID("resultcollid")))
	case "COLLATEEXPR", "COLLATE":
		arg := t.expr(n.Node("arg"), s)
		return t.relabel(arg, t.typ(arg.Type().OID, arg.Type().Typmod, n.OID("collOid")))
	case "COERCEVIAIO":
		return t.viaIO(n, t.expr(n.Node("arg"), s), t.typ(n.OID("resulttype"), -1, n.OID("resultcollid")))
	case "COERCETODOMAIN": // a domain may refuse NULL
		ty := t.typ(n.OID("resulttype"), int32(n.Int("resulttypmod")), n.OID("resultcollid"))
		return expr.NewRemote([]string{"CAST(", " AS " + ty.SQL + ")"}, []expr.Expr{t.expr(n.Node("arg"), s)}, false, ty)
	case "ARRAYCOERCEEXPR":
		return t.remoteCast(t.expr(n.Node("arg"), s), t.typ(n.OID("resulttype"), int32(n.Int("resulttypmod")), n.OID("resultcollid")))
	case "ARRAYEXPR", "ARRAY":
		return t.array(n, s)
	case "SUBSCRIPTINGREF":
		return t.subscript(n, s)
	case "NAMEDARGEXPR":
		return t.expr(n.Node("arg"), s)
	case "SUBLINK":
		return t.sublink(n, s)
	case "WINDOWFUNC":
		return t.windowFunc(n, s)
	case "PARAM":
		// The sub-query's column in a comparison with it.
		if k := n.Int("paramid"); n.Int("paramkind") == paramSublink {
			ty := t.typ(n.OID("paramtype"), int32(n.Int("paramtypmod")), n.OID("paramcollid"))
			if len(s.answers) == 0 {
				return &expr.Const{T: ty}
			}
			a := s.answers[len(s.answers)-1]
			if cols := a.sub.Cols(); a.width+k <= len(cols) {
				ty = t.known(n, ty, columns(cols, []int{a.width + k - 1}))
			}
			return &expr.Col{Index: a.base + a.width + k - 1, T: ty}
		}
	case "AGGREF":
		return t.aggref(n, s)
	case "JSONCONSTRUCTOREXPR": // JSON_ARRAYAGG and JSON_OBJECTAGG (16 and later) are aggregates by another name
		if f := n.Node("func"); f != nil && f.Tag == "AGGREF" && n.Node("coercion") == nil {
			return t.expr(f, s)
		}
	case "GROUPINGFUNC":
		return t.groupingCall(n, s)
	case "SQLVALUEFUNCTION":
		if e := t.sqlValue(n); e != nil {
			return e
		}
	}
	return t.refuseExpr(n)
}

// refuseExpr names an expression that is not translated.
func (t *translator) refuseExpr(n *pgtree.Node) expr.Expr {
	names := map[string]string{
		"SUBLINK": "a sub-query in an expression", "GROUPINGFUNC": "GROUPING()",
		"CONVERTROWTYPEEXPR": "a row conversion",
		"XMLEXPR":            "an XML expression", "PARAM": "a parameter",
	}
	if n.Tag == "SQLVALUEFUNCTION" {
		names := []string{"current_date", "current_time", "current_time", "current_timestamp", "current_timestamp",
			"localtime", "localtime", "localtimestamp", "localtimestamp", "current_role", "current_user", "user",
			"session_user", "current_catalog", "current_schema"}
		name := "a session value"
		if op := n.Int("op"); op < len(names) {
			name = names[op]
		}
		t.problem(n, CodeVolatile, name, name+" depends on who asks, not on the data", "")
		return nil
	}
	name := names[n.Tag]
	switch {
	case n.Tag == "WINDOWFUNC":
		proc, err := t.cat.Proc(t.ctx, n.OID("winfnoid"))
		if err != nil {
			t.fail(err)
			return nil
		}
		name = "window function " + proc.Name + "()"
	case n.Tag == "SUBLINK" && n.Int("subLinkType") == 0:
		name = "EXISTS"
	case name == "":
		name = "an expression of kind " + n.Tag
	}
	t.refuse(n, CodeUnsupported, name, "")
	return nil
}

// column resolves a Var to a column of the FROM row.
func (t *translator) column(n *pgtree.Node, s *scope) expr.Expr {
	if up := n.Int("varlevelsup"); up > 0 {
		return t.domainColumn(outerRef{up, n.Int("varno"), n.Int("varattno"), nil}, s)
	}
	rti, att := n.Int("varno"), n.Int("varattno")
	if rti < 1 || rti > len(s.rtes) {
		t.fail(fmt.Errorf("column of range table entry %d, of %d", rti, len(s.rtes)))
		return nil
	}
	rte := s.rtes[rti-1]
	switch {
	case att == 0:
		return t.wholeRow(n, rte, s)
	case att < 0:
		t.problem(n, CodeVolatile, "a system column", "a system column (ctid, xmin …) is not replicated", "leave it out")
		return nil
	case rte.Int("rtekind") == 2: // a join: its columns are its inputs'
		if vars := rte.Nodes("joinaliasvars"); att <= len(vars) {
			return t.expr(vars[att-1], s)
		}
	case rte.Int("rtekind") == 9: // 18's GROUP BY entry
		if vars := rte.Nodes("groupexprs"); att <= len(vars) {
			return t.expr(vars[att-1], s)
		}
	}
	start, ok := s.start[rti]
	col := att - 1
	if rte.Int("rtekind") == 0 {
		rel, err := t.cat.Relation(t.ctx, rte.OID("relid"))
		if err != nil {
			t.fail(err)
			return nil
		}
		col = rel.Column(att)
	}
	if !ok || col < 0 || col >= s.cols[rti] {
		return nil // of a relation that was refused, or not in reach: already told
	}
	c := s.from[start+col]
	return &expr.Col{Index: start + col, Name: c.Name, T: c.Type}
}

// function translates a call, natively if Go has the function.
func (t *translator) function(n *pgtree.Node, s *scope) expr.Expr {
	proc, err := t.cat.Proc(t.ctx, n.OID("funcid"))
	if err != nil {
		t.fail(err)
		return nil
	}
	if n.Bool("funcretset") {
		if col, ok := s.spread[n]; ok {
			return col
		}
		if s.discovering() {
			t.exprs(n.Nodes("args"), s)
			return &expr.Const{T: t.typ(n.OID("funcresulttype"), -1, n.OID("funccollid"))}
		}
		t.refuse(n, CodeUnsupported, "set-returning function "+proc.Name+"() in this place", "call it in FROM")
		return nil
	}
	nodes := n.Nodes("args")
	args := t.exprs(nodes, s)
	if e := t.clockFunction(proc, args); e != nil {
		return e
	}
	_, result := t.columnsOf(n, nil, proc, t.known(n, t.typ(n.OID("funcresulttype"), -1, n.OID("funccollid")), args))
	if result == nil {
		return nil
	}
	if !t.stable(n, proc, args) || !t.readsJSON(n, proc, args, result) {
		return nil
	}
	named := false
	for _, a := range nodes {
		named = named || a.Tag == "NAMEDARGEXPR"
	}
	if e := t.native(proc, args, result, n.OID("inputcollid")); e != nil && !named && !n.Bool("funcvariadic") {
		return e
	}
	call := expr.NewRemote(t.callSQL(n, proc, args), args, proc.Strict, result)
	call.Func = proc.Signature
	return call
}

// callSQL writes a call around its arguments.
func (t *translator) callSQL(n *pgtree.Node, proc *catalog.Proc, args []expr.Expr) []string {
	nodes := n.Nodes("args")
	sql := []string{pgx.Identifier{proc.Schema, proc.Name}.Sanitize() + "("}
	for i, a := range nodes {
		var before string
		if n.Bool("funcvariadic") && i == len(nodes)-1 {
			before = "VARIADIC "
		}
		if a.Tag == "NAMEDARGEXPR" {
			before += pgx.Identifier{a.Str("name")}.Sanitize() + " => "
		}
		sql[i] += before
		sql = append(sql, t.collation(args[i], n.OID("inputcollid")))
		if i < len(nodes)-1 {
			sql[i+1] += ", "
		}
	}
	sql[len(sql)-1] += ")"
	return sql
}

// collation is the clause that a remote call needs after an argument so that
// the call's collation is the query's.
func (t *translator) collation(arg expr.Expr, oid uint32) string {
	const defaultCollation = 100
	if oid == 0 || oid == defaultCollation || arg.Type().Collation == 0 {
		return ""
	}
	coll, err := t.cat.Collation(t.ctx, oid)
	if err != nil {
		t.fail(err)
		return ""
	}
	return " COLLATE " + coll.SQL()
}

// native is the Go form of a call, or nil.
func (t *translator) native(proc *catalog.Proc, args []expr.Expr, result *values.Type, collation uint32) *expr.Native {
	if proc.Signature == "" || len(args) != len(proc.ArgTypes) {
		return nil
	}
	types := make([]*values.Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
	}
	f := fn.Lookup(proc.Signature, types, result)
	if f == nil || !t.meets(f.Need, collation) {
		return nil
	}
	return &expr.Native{Func: f, Name: proc.Signature, Total: proc.Leakproof || totalNames[proc.Name], Args: args, T: result}
}

// totalNames are functions that never raise an error although Postgres does
// not mark them leakproof.
var totalNames = map[string]bool{
	"numeric_eq": true, "numeric_ne": true, "numeric_lt": true, "numeric_le": true, "numeric_gt": true, "numeric_ge": true,
	"textlike": true, "textnlike": true, "bpcharlike": true, "bpcharnlike": true, "textcat": true, "lower": true, "upper": true,
	"record_eq": true, "record_ne": true, "record_lt": true, "record_le": true, "record_gt": true, "record_ge": true,
	"date_lt_timestamp": true, "date_le_timestamp": true, "date_gt_timestamp": true, "date_ge_timestamp": true, "date_eq_timestamp": true, "date_ne_timestamp": true,
}

// meets says whether the circumstances under which a native function is exact
// are given.
func (t *translator) meets(need fn.Need, collation uint32) bool {
	if need&fn.NeedUTC != 0 && !t.settings.UTC() {
		return false
	}
	if need&(fn.NeedCOrder|fn.NeedCCtype|fn.NeedDeterministic) == 0 {
		return true
	}
	if collation == 0 {
		return need&(fn.NeedCOrder|fn.NeedCCtype) == 0
	}
	coll, err := t.cat.Collation(t.ctx, collation)
	if err != nil {
		t.fail(err)
		return false
	}
	return (need&fn.NeedCOrder == 0 || coll.ByBytes) &&
		(need&fn.NeedCCtype == 0 || coll.PlainClasses) &&
		(need&fn.NeedDeterministic == 0 || !coll.NonDeterministic)
}

// operator translates a call written as an operator.
func (t *translator) operator(n *pgtree.Node, s *scope) expr.Expr {
	op, proc := t.operatorProc(n)
	if proc == nil {
		return nil
	}
	args := t.exprs(n.Nodes("args"), s)
	result := t.known(n, t.typ(n.OID("opresulttype"), -1, n.OID("opcollid")), args)
	if !t.stable(n, proc, args) {
		return nil
	}
	return t.applyOperator(n, op, proc, args, n.OID("inputcollid"), result)
}

func (t *translator) applyOperator(n *pgtree.Node, op *catalog.Operator, proc *catalog.Proc, args []expr.Expr, coll uint32, result *values.Type) expr.Expr {
	if e := t.clockComparison(op, proc, args); e != nil {
		return e
	}
	equal := len(args) == 2 && op.Equal && sameKey(args[0].Type(), args[1].Type())
	if e := t.native(proc, args, result, coll); e != nil {
		e.Equal, e.Cmp = equal, keyComparison(op, args)
		return e
	}
	if equal && op.Schema == "pg_catalog" && op.Name == "=" {
		return &expr.Native{Func: keyEquality(args[0].Type(), args[1].Type()), Name: proc.Signature, Total: true, Equal: true, Cmp: "=", Args: args, T: result}
	}
	if e := t.concatenation(n, proc, args, coll, result); e != nil {
		return e
	}
	name := " OPERATOR(" + pgx.Identifier{op.Schema}.Sanitize() + "." + op.Name + ") "
	sql := []string{"", ""}
	if len(args) == 1 {
		sql[0] = name
	} else {
		sql[1] = t.collation(args[0], coll) + name
		sql = append(sql, t.collation(args[1], coll))
	}
	call := expr.NewRemote(sql, args, proc.Strict, result)
	call.Func = proc.Signature
	return call
}

func (t *translator) operatorProc(n *pgtree.Node) (*catalog.Operator, *catalog.Proc) {
	return t.operatorByOID(n.OID("opno"))
}

func (t *translator) operatorByOID(opno uint32) (*catalog.Operator, *catalog.Proc) {
	op, err := t.cat.Operator(t.ctx, opno)
	if err != nil {
		t.fail(err)
		return nil, nil
	}
	proc, err := t.cat.Proc(t.ctx, op.Func)
	if err != nil {
		t.fail(err)
		return nil, nil
	}
	return op, proc
}

// concatenation translates text || anything: the text form, then ||.
func (t *translator) concatenation(n *pgtree.Node, proc *catalog.Proc, args []expr.Expr, coll uint32, result *values.Type) expr.Expr {
	if proc.Schema != "pg_catalog" || proc.Name != "textanycat" && proc.Name != "anytextcat" {
		return nil
	}
	parts := make([]expr.Expr, len(args))
	for i, a := range args {
		if parts[i] = a; a.Type().Kind != values.KindText {
			parts[i] = t.viaIO(n, a, result)
		}
	}
	textcat := catalog.Proc{Schema: "pg_catalog", Name: "textcat", ArgTypes: []string{"text", "text"}, Signature: "textcat(text,text)"}
	if e := t.native(&textcat, parts, result, coll); e != nil {
		return e
	}
	return nil
}

// keyEquality is the equality of types that have no function of their own in Go
// but whose keys decide it.
func keyEquality(a, b *values.Type) *fn.Func {
	var x, y []byte
	return &fn.Func{Strict: true, F2: func(v, w values.Datum) values.Datum {
		x, y = values.AppendKey(x[:0], a, v), values.AppendKey(y[:0], b, w)
		return values.Bool(bytes.Equal(x, y))
	}}
}

// sameKey says whether values of two types that compare equal have the same
// key encoding.
func sameKey(a, b *values.Type) bool {
	if !values.Equatable(a) || !values.Equatable(b) {
		return false
	}
	if a.Kind == values.KindRecord {
		return fn.Lookup("record_eq(record,record)", []*values.Type{a, b}, values.BoolType) != nil
	}
	return keyFamily(a.Kind) == keyFamily(b.Kind) && (a.Kind != values.Opaque || a.BaseOID == b.BaseOID)
}

func keyFamily(k values.Kind) values.Kind {
	switch k {
	case values.KindInt2, values.KindInt4, values.KindInt8, values.KindOID:
		return values.KindInt8
	case values.KindFloat4, values.KindFloat8:
		return values.KindFloat8
	}
	return k
}

// comparison translates the operands of an equality and, if Go has it, the
// equality itself over columns 0 and 1.
func (t *translator) comparison(n *pgtree.Node, s *scope) (a, b, eq expr.Expr) {
	args := t.exprs(n.Nodes("args"), s)
	_, proc := t.operatorProc(n)
	if proc == nil || len(args) != 2 || !t.stable(n, proc, args) {
		return placeholder, placeholder, nil
	}
	if e := t.native(proc, pairOf(args[0].Type(), args[1].Type()), values.BoolType, n.OID("inputcollid")); e != nil {
		return args[0], args[1], e
	}
	return args[0], args[1], nil
}

func pairOf(a, b *values.Type) []expr.Expr {
	return []expr.Expr{&expr.Col{Index: 0, T: a}, &expr.Col{Index: 1, T: b}}
}

func (t *translator) remoteInfix(n *pgtree.Node, s *scope, infix string, result *values.Type) expr.Expr {
	args := t.exprs(n.Nodes("args"), s)
	coll := n.OID("inputcollid")
	return expr.NewRemote([]string{"", t.collation(args[0], coll) + " " + infix + " ", t.collation(args[1], coll)}, args, false, result)
}

func (t *translator) nullIf(n *pgtree.Node, s *scope) expr.Expr {
	a, b, eq := t.comparison(n, s)
	if eq != nil {
		return &expr.NullIf{Eq: eq, A: a, B: b, T: a.Type()}
	}
	return expr.NewRemote([]string{"NULLIF(", ", ", ")"}, []expr.Expr{a, b}, false, a.Type())
}

func (t *translator) anyAll(n *pgtree.Node, s *scope) expr.Expr {
	args := t.exprs(n.Nodes("args"), s)
	op, proc := t.operatorProc(n)
	if proc == nil || len(args) != 2 || !t.stable(n, proc, args) {
		return nil
	}
	useOr := n.Bool("useOr")
	coll := n.OID("inputcollid")
	if elem := args[1].Type().Elem; elem != nil {
		if e := t.native(proc, pairOf(args[0].Type(), elem), values.BoolType, coll); e != nil {
			member := (op.Equal && useOr || op.NotEqual && !useOr) && sameKey(args[0].Type(), elem)
			return &expr.AnyAll{Op: e, All: !useOr, Member: member, Left: args[0], Array: args[1], T: values.BoolType}
		}
	}
	quantifier := "ALL"
	if useOr {
		quantifier = "ANY"
	}
	name := t.collation(args[0], coll) + " OPERATOR(" + pgx.Identifier{op.Schema}.Sanitize() + "." + op.Name + ") " + quantifier + " ("
	return expr.NewRemote([]string{"", name, ")"}, args, false, values.BoolType)
}

func (t *translator) caseExpr(n *pgtree.Node, s *scope) expr.Expr {
	e := &expr.Case{T: t.typ(n.OID("casetype"), -1, n.OID("casecollid"))}
	if arg := n.Node("arg"); arg != nil {
		s.tests = append(s.tests, t.expr(arg, s))
		defer func() { s.tests = s.tests[:len(s.tests)-1] }()
	}
	for _, w := range n.Nodes("args") {
		e.Whens = append(e.Whens, t.expr(w.Node("expr"), s), t.expr(w.Node("result"), s))
	}
	if d := n.Node("defresult"); d != nil {
		e.Else = t.expr(d, s)
	} else {
		e.Else = &expr.Const{T: e.T}
	}
	results := []expr.Expr{e.Else}
	for i := 1; i < len(e.Whens); i += 2 {
		results = append(results, e.Whens[i])
	}
	e.T = t.known(n, e.T, results)
	return e
}

func (t *translator) minMax(n *pgtree.Node, s *scope) expr.Expr {
	ty := t.typ(n.OID("minmaxtype"), -1, n.OID("minmaxcollid"))
	args := t.exprs(n.Nodes("args"), s)
	ty = t.known(n, ty, args)
	greatest := n.Int("op") == 0
	if values.Comparable(ty) {
		return &expr.MinMax{Greatest: greatest, Args: args, T: ty}
	}
	sql := []string{"LEAST("}
	if greatest {
		sql[0] = "GREATEST("
	}
	for i, a := range args {
		sql = append(sql, t.collation(a, n.OID("inputcollid"))+", ")
		if i == len(args)-1 {
			sql[i+1] = strings.TrimSuffix(sql[i+1], ", ") + ")"
		}
	}
	return expr.NewRemote(sql, args, false, ty)
}

// relabel gives an expression another type that has the same images.
func (t *translator) relabel(e expr.Expr, ty *values.Type) expr.Expr {
	from := e.Type()
	same := from.Kind == ty.Kind && (ty.Kind != values.Opaque && ty.Kind != values.KindRecord || from.BaseOID == ty.BaseOID)
	if !same {
		return t.remoteCast(e, ty)
	}
	switch e := e.(type) {
	case *expr.Const:
		return &expr.Const{V: e.V, T: ty}
	case *expr.Col:
		c := *e
		c.T = ty
		return &c
	}
	return &expr.Coalesce{Args: []expr.Expr{e}, T: ty}
}

// coerce brings a set operation's column to the common type.
func (t *translator) coerce(n *pgtree.Node, e expr.Expr, ty *values.Type) expr.Expr {
	from := e.Type()
	if from.OID == ty.OID {
		return e
	}
	cast, err := t.cat.Cast(t.ctx, from.BaseOID, ty.BaseOID)
	if err != nil {
		t.fail(err)
		return e
	}
	switch cast.Method {
	case "b":
		return t.relabel(e, ty)
	case "i":
		return t.viaIO(n, e, ty)
	case "f":
		proc, err := t.cat.Proc(t.ctx, cast.Func)
		if err != nil {
			t.fail(err)
			return e
		}
		if t.stable(n, proc, []expr.Expr{e}) {
			if f := t.native(proc, []expr.Expr{e}, ty, ty.Collation); f != nil {
				return f
			}
		}
	}
	if from.BaseOID == ty.BaseOID {
		return t.relabel(e, ty)
	}
	return t.remoteCast(e, ty)
}

// viaIO translates a cast by way of the text form.
func (t *translator) viaIO(n *pgtree.Node, e expr.Expr, ty *values.Type) expr.Expr {
	if f := fn.CoerceViaIO(e.Type(), ty); f != nil && t.meets(f.Need, 0) {
		return &expr.Native{Func: f, Name: "cast(" + e.Type().SQL + "," + ty.SQL + ")", Args: []expr.Expr{e}, T: ty}
	}
	if !t.settled(n, e.Type()) || !t.settled(n, ty) {
		return placeholder
	}
	return t.remoteCast(guardClock(e, ty), ty)
}

// guardClock fails a cast of text to a date or time that means the present
// ('now', 'today' …): its value would be that of the moment of evaluation.
func guardClock(e expr.Expr, ty *values.Type) expr.Expr {
	if !holdsTime(ty) {
		return e
	}
	strict := &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
		if word := clockWord(v.Str()); word != "" {
			return values.Errorf("0A000", "%q means a time that passes: %s", word, strings.TrimSpace(v.Str()))
		}
		return v
	}}
	return &expr.Native{Func: strict, Name: "not_the_present(text)", Args: []expr.Expr{e}, T: e.Type()}
}

// holdsTime says whether values of a type hold dates or times.
func holdsTime(ty *values.Type) bool {
	switch ty.Kind {
	case values.KindDate, values.KindTime, values.KindTimeTZ, values.KindTimestamp, values.KindTimestampTZ:
		return true
	case values.KindArray:
		return holdsTime(ty.Elem)
	case values.KindRecord:
		return slices.ContainsFunc(ty.Fields, func(f values.Field) bool { return holdsTime(f.Type) })
	case values.Opaque:
		// Ranges of them, of a user's own as well.
		return strings.HasSuffix(ty.Name, "range") && !strings.HasPrefix(ty.Name, "int") && !strings.HasPrefix(ty.Name, "num")
	}
	return false
}

// clockWord finds a word for the present in the text of a date or time. Words
// are what Postgres' own parser takes for them: runs of letters, in any case.
func clockWord(s string) string {
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' }) {
		switch w {
		case "now", "today", "tomorrow", "yesterday":
			return w
		}
	}
	return ""
}

func (t *translator) remoteCast(e expr.Expr, ty *values.Type) expr.Expr {
	return expr.NewRemote([]string{"CAST(", " AS " + ty.SQL + ")"}, []expr.Expr{e}, true, ty)
}

func (t *translator) array(n *pgtree.Node, s *scope) expr.Expr {
	ty := t.typ(n.OID("array_typeid"), -1, n.OID("array_collid"))
	elems := t.exprs(n.Nodes("elements"), s)
	ty = t.known(n, ty, elems)
	if !n.Bool("multidims") && ty.Kind == values.KindArray && !ty.NoBinary {
		return &expr.ArrayOf{Elems: elems, T: ty}
	}
	sql := []string{"ARRAY["}
	for i := range elems {
		sep := ", "
		if i == len(elems)-1 {
			sep = "]::" + ty.SQL
		}
		sql = append(sql, sep)
	}
	return expr.NewRemote(sql, elems, false, ty)
}

// subscript translates a[i], a[i:j] and jsonb's j['key'], through Postgres.
func (t *translator) subscript(n *pgtree.Node, s *scope) expr.Expr {
	if n.Node("refassgnexpr") != nil {
		return t.refuseExpr(n)
	}
	ty := t.typ(n.OID("refrestype"), -1, n.OID("refcollid"))
	args := []expr.Expr{t.expr(n.Node("refexpr"), s)}
	sql := []string{"(", ")"}
	upper, _ := n.Get("refupperindexpr").(pgtree.List)
	lower, _ := n.Get("reflowerindexpr").(pgtree.List)
	bound := func(v pgtree.Value) {
		if b, ok := v.(*pgtree.Node); ok {
			args = append(args, t.expr(b, s))
			sql = append(sql, "")
		}
	}
	for i := range upper {
		sql[len(sql)-1] += "["
		if i < len(lower) {
			bound(lower[i])
			sql[len(sql)-1] += ":"
		}
		bound(upper[i])
		sql[len(sql)-1] += "]"
	}
	return expr.NewRemote(sql, args, false, ty)
}

// describe names a function for people.
func describe(p *catalog.Proc) string {
	name := p.Name
	if p.Schema != "pg_catalog" {
		name = p.Schema + "." + name
	}
	return name + "(" + strings.Join(p.ArgTypes, ", ") + ")"
}
