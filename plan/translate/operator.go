package translate

import (
	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/calls"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/ordering"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// operator translates a call written as an operator.
func (t *translator) operator(n *pgtree.Node, s *scope) expr.Expr {
	if isSet(n) {
		return t.function(n, s)
	}
	op, proc := t.operatorProc(n)
	if proc == nil {
		return nil
	}
	args := t.exprs(n.Nodes("args"), s)
	result := t.known(t.typ(n.OID("opresulttype"), -1, n.OID("opcollid")), args)
	if !t.stable(n, proc, args) {
		return nil
	}
	return t.applyOperator(n, op, proc, args, n.OID("inputcollid"), result)
}

func (t *translator) applyOperator(n *pgtree.Node, op *catalog.Operator, proc *catalog.Proc, args []expr.Expr, coll uint32, result *values.Type) expr.Expr {
	if e := t.calls.Comparison(op, proc, args); e != nil {
		return e
	}
	equal := len(args) == 2 && op.Equal && !calls.OtherCollation(args, coll) && fn.SameKey(args[0].Type(), args[1].Type())
	if e := t.native(proc, args, result, coll); e != nil {
		e.Equal, e.Cmp = equal, calls.KeyComparison(op, args)
		return e
	}
	if equal && op.Schema == "pg_catalog" && op.Name == "=" {
		return &expr.Native{Func: fn.KeyEquality(args[0].Type(), args[1].Type()), Name: proc.Signature, Total: true, Equal: true, Cmp: "=", Args: args, T: result}
	}
	if e := t.concatenation(n, proc, args, coll, result); e != nil {
		return e
	}
	byLabels, err := ordering.Compare(t.ctx, t.cat, op, args, coll)
	if err != nil {
		t.fail(err)
	}
	if byLabels != nil {
		return byLabels
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
	coll := n.OID("inputcollid")
	return expr.NewRemote([]string{"NULLIF(", t.collation(a, coll) + ", ", t.collation(b, coll) + ")"}, []expr.Expr{a, b}, false, a.Type())
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
			member := (op.Equal && useOr || op.NotEqual && !useOr) && fn.SameKey(args[0].Type(), elem)
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
