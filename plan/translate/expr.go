package translate

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
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
	if e == nil {
		return placeholder
	}
	if n == s.part {
		return expr.Fold(e)
	}
	if r, ok := e.(*expr.Remote); ok && !telling(r.T) {
		return t.pending(n, r)
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

// lazily translates the arguments of COALESCE: each is asked for if those before
// it are NULL.
func (t *translator) lazily(ns []*pgtree.Node, s *scope) []expr.Expr {
	out := make([]expr.Expr, len(ns))
	before := len(s.guards)
	for i, n := range ns {
		out[i] = t.expr(n, s)
		s.guards = append(s.guards, isNull(out[i]))
	}
	s.guards = s.guards[:before]
	return out
}

// boolArgs translates the arguments of AND and OR: each is asked for if those before it do
// not decide.
func (t *translator) boolArgs(op expr.BoolKind, ns []*pgtree.Node, s *scope) []expr.Expr {
	undecided := "NOT TRUE"
	if op == expr.And {
		undecided = "NOT FALSE"
	}
	out := make([]expr.Expr, len(ns))
	before := len(s.guards)
	for i, n := range ns {
		out[i] = t.expr(n, s)
		s.guards = append(s.guards, &expr.BoolTest{Arg: out[i], Is: undecided, T: values.BoolType})
	}
	s.guards = s.guards[:before]
	return out
}

func (t *translator) node(n *pgtree.Node, s *scope) expr.Expr {
	switch n.Tag {
	case ordinal:
		return s.ordinalOf(n)
	case "VAR":
		return t.column(n, s)
	case trackedTag:
		return t.trackedColumn(n, s)
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
		return &expr.BoolOp{Op: op, Args: t.boolArgs(op, n.Nodes("args"), s), T: values.BoolType}
	case "CASEEXPR", "CASE":
		return t.caseExpr(n, s)
	case "CASETESTEXPR":
		if len(s.tests) > 0 {
			return s.tests[len(s.tests)-1]
		}
		t.misplaced(n, "what CASE compares")
		return nil
	case "COALESCEEXPR", "COALESCE":
		ty := t.typ(n.OID("coalescetype"), -1, n.OID("coalescecollid"))
		args := t.lazily(n.Nodes("args"), s)
		return &expr.Coalesce{Args: args, T: t.known(ty, args)}
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
	case "CONVERTROWTYPEEXPR":
		return t.convertRow(n, s)
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
		return t.arrayCoerce(n, t.expr(n.Node("arg"), s), t.typ(n.OID("resulttype"), int32(n.Int("resulttypmod")), n.OID("resultcollid")))
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
				if column := cols[a.width+k-1].Type; column.Anonymous() {
					ty = column
				}
			}
			return &expr.Col{Index: a.base + a.width + k - 1, T: ty}
		}
	case "AGGREF":
		return t.aggref(n, s)
	case "JSONCONSTRUCTOREXPR":
		return t.jsonConstructor(n, s)
	case "JSONISPREDICATE":
		return t.isJSON(n, s)
	case "XMLEXPR":
		return t.xmlCall(n, s)
	case "JSONVALUEEXPR":
		return t.expr(n.Node("formatted_expr"), s)
	case "JSONEXPR":
		return t.jsonCall(n, s)
	case "GROUPINGFUNC":
		return t.groupingCall(n, s)
	case "SQLVALUEFUNCTION":
		if e := t.sqlValue(n); e != nil {
			return e
		}
		if op := n.Int("op"); op < len(sessionValues) {
			t.problem(n, CodeVolatile, sessionValues[op], sessionValues[op]+" depends on who asks, not on the data", "")
			return nil
		}
	}
	return t.unknown(n)
}

// misplaced records that an expression stands where it has no value. No query that Postgres
// has accepted holds one; but whether a part of an expression is a grouping column is found by
// translating it, and that part may be one without a value of its own (grouped).
func (t *translator) misplaced(n *pgtree.Node, construct string) {
	t.problem(n, CodeUnsupported, construct, construct+" has no value in this place", "")
}

// unknown is an expression of a kind that no query has.
func (t *translator) unknown(n *pgtree.Node) expr.Expr {
	t.fail(fmt.Errorf("an expression of kind %s", n.Tag))
	return nil
}

// sqlValue translates CURRENT_DATE and the rest of that syntax, in the order of
// Postgres' SQLValueFunctionOp; nil for those that are not of the clock.
func (t *translator) sqlValue(n *pgtree.Node) expr.Expr {
	casts := []struct{ cast, precision string }{
		{"date(timestamptz)", ""},
		{"timetz(timestamptz)", ""}, {"timetz(timestamptz)", "timetz(timetz,int4)"},
		{"", ""}, {"", "timestamptz(timestamptz,int4)"},
		{"time(timestamptz)", ""}, {"time(timestamptz)", "time(time,int4)"},
		{"timestamp(timestamptz)", ""}, {"timestamp(timestamptz)", "timestamp(timestamp,int4)"},
	}
	op := n.Int("op")
	if op >= len(casts) {
		return nil
	}
	ty := t.typ(n.OID("type"), -1, 0)
	var e expr.Expr = expr.NewClock()
	if c := casts[op].cast; c != "" {
		e = t.calls.Builtin(c, ty, e)
	}
	if c := casts[op].precision; c != "" {
		typmod := &expr.Const{V: values.Int(int64(n.Int("typmod"))), T: values.Int4Type}
		e = t.calls.Builtin(c, t.typ(n.OID("type"), int32(n.Int("typmod")), 0), e, typmod)
	}
	return e
}

// sessionValues are the kinds of SQLVALUEFUNCTION (SQLValueFunctionOp of Postgres' primnodes.h).
var sessionValues = []string{
	"current_date", "current_time", "current_time", "current_timestamp", "current_timestamp",
	"localtime", "localtime", "localtimestamp", "localtimestamp", "current_role", "current_user", "user",
	"session_user", "current_catalog", "current_schema",
}

// column resolves a Var to a column of the FROM row.
func (t *translator) column(n *pgtree.Node, s *scope) expr.Expr {
	if up := n.Int("varlevelsup"); up > 0 || s.isOutside(n.Int("varno")) {
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
	case att < 0 && att != tableOIDColumn:
		t.problem(n, CodeVolatile, "a system column", "a system column (ctid, xmin …) is not replicated", "leave it out")
		return nil
	case rte.Int("rtekind") == querytree.Join: // a join: its columns are its inputs'
		if vars := rte.Nodes("joinaliasvars"); att <= len(vars) {
			return t.expr(vars[att-1], s)
		}
	case rte.Int("rtekind") == querytree.Group:
		if vars := rte.Nodes("groupexprs"); att <= len(vars) {
			return t.expr(vars[att-1], s)
		}
	}
	start, ok := s.start[rti]
	col := att - 1
	if rte.Int("rtekind") == querytree.Relation {
		rel, err := t.cat.Relation(t.ctx, rte.OID("relid"))
		if err != nil {
			t.fail(err)
			return nil
		}
		if col = rel.Column(att); att == tableOIDColumn {
			col = len(rel.Columns)
		}
	}
	if !ok || col < 0 || col >= s.cols[rti] {
		return nil // of a relation that was refused, or not in reach: already told
	}
	c := s.from[start+col]
	return &expr.Col{Index: start + col, Name: c.Name, T: c.Type}
}

// function translates a call, natively if Go has the function.
func (t *translator) function(n *pgtree.Node, s *scope) expr.Expr {
	if col, ok := s.spread[n]; ok {
		return col
	}
	n = t.asCall(n)
	proc, err := t.cat.Proc(t.ctx, n.OID("funcid"))
	if err != nil {
		t.fail(err)
		return nil
	}
	if n.Bool("funcretset") {
		if s.discovering() {
			t.exprs(n.Nodes("args"), s)
			return &expr.Const{T: t.typ(n.OID("funcresulttype"), -1, n.OID("funccollid"))}
		}
		t.misplaced(n, describe(proc))
		return nil
	}
	nodes := n.Nodes("args")
	args := t.exprs(nodes, s)
	if e := t.calls.OfClock(proc, args); e != nil {
		return e
	}
	_, result := t.columnsOf(n, nil, proc, args, t.known(t.typ(n.OID("funcresulttype"), -1, n.OID("funccollid")), args))
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
	clause, err := t.cat.Collate(t.ctx, arg.Type(), oid)
	if err != nil {
		t.fail(err)
	}
	return clause
}

// native is the Go form of a call, or nil.
func (t *translator) native(proc *catalog.Proc, args []expr.Expr, result *values.Type, collation uint32) *expr.Native {
	call, err := t.calls.Native(proc, args, result, collation)
	if err != nil {
		t.fail(err)
	}
	return call
}

func (t *translator) caseExpr(n *pgtree.Node, s *scope) expr.Expr {
	e := &expr.Case{T: t.typ(n.OID("casetype"), -1, n.OID("casecollid"))}
	if arg := n.Node("arg"); arg != nil {
		s.tests = append(s.tests, t.expr(arg, s))
		defer func() { s.tests = s.tests[:len(s.tests)-1] }()
	}
	before := len(s.guards)
	for _, w := range n.Nodes("args") {
		met := t.expr(w.Node("expr"), s)
		missed := len(s.guards)
		s.guards = append(s.guards, &expr.BoolTest{Arg: met, Is: "TRUE", T: values.BoolType})
		e.Whens = append(e.Whens, met, t.expr(w.Node("result"), s))
		s.guards = append(s.guards[:missed], &expr.BoolTest{Arg: met, Is: "NOT TRUE", T: values.BoolType})
	}
	if d := n.Node("defresult"); d != nil {
		e.Else = t.expr(d, s)
	} else {
		e.Else = &expr.Const{T: e.T}
	}
	s.guards = s.guards[:before]
	results := []expr.Expr{e.Else}
	for i := 1; i < len(e.Whens); i += 2 {
		results = append(results, e.Whens[i])
	}
	e.T = t.known(e.T, results)
	e.Else = results[0]
	for i := 1; i < len(e.Whens); i += 2 {
		e.Whens[i] = results[(i+1)/2]
	}
	return e
}

func (t *translator) minMax(n *pgtree.Node, s *scope) expr.Expr {
	ty := t.typ(n.OID("minmaxtype"), -1, n.OID("minmaxcollid"))
	args := t.exprs(n.Nodes("args"), s)
	ty = t.known(ty, args)
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

func (t *translator) array(n *pgtree.Node, s *scope) expr.Expr {
	ty := t.typ(n.OID("array_typeid"), -1, n.OID("array_collid"))
	elems := t.exprs(n.Nodes("elements"), s)
	ty = t.known(ty, elems)
	if !n.Bool("multidims") && ty.Kind == values.KindArray && !ty.NoBinary {
		return &expr.ArrayOf{Elems: elems, T: ty}
	}
	sql := []string{"ARRAY["}
	if len(elems) == 0 {
		sql[0] += "]::" + ty.SQL
	}
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
		return t.unknown(n)
	}
	s.part = n.Node("refexpr") // of the array that Postgres computes, it sends the part
	args := []expr.Expr{t.expr(s.part, s)}
	ty := t.known(t.typ(n.OID("refrestype"), -1, n.OID("refcollid")), args)
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
