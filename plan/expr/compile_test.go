package expr_test

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

func col(i int, t *values.Type) expr.Expr { return &expr.Col{Index: i, T: t} }

func constant(d values.Datum, t *values.Type) expr.Expr { return &expr.Const{V: d, T: t} }

func call(t testing.TB, signature string, result *values.Type, args ...expr.Expr) *expr.Native {
	t.Helper()
	types := make([]*values.Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
	}
	f := fn.Lookup(signature, types, result)
	if f == nil {
		t.Fatalf("no function %s", signature)
	}
	return &expr.Native{Func: f, Name: signature, Args: args, T: result}
}

func member(t testing.TB, n int64, null, all bool) *expr.AnyAll {
	t.Helper()
	array := &values.Type{Kind: values.KindArray, Elem: values.Int4Type, Typmod: -1, Name: "_int4", SQL: "integer[]"}
	var elems []values.Datum
	for i := range n {
		elems = append(elems, values.Int(2*i))
	}
	if null {
		elems = append(elems, values.Null)
	}
	list, err := values.MakeArray(array, elems)
	if err != nil {
		t.Fatal(err)
	}
	signature := "int4eq(int4,int4)"
	if all {
		signature = "int4ne(int4,int4)"
	}
	return &expr.AnyAll{
		Op:  call(t, signature, values.BoolType, col(0, values.Int4Type), col(1, values.Int4Type)),
		All: all, Left: col(0, values.Int4Type), Array: constant(list, array), T: values.BoolType,
	}
}

// TestMember compares the look-up in a set with comparing each element.
func TestMember(t *testing.T) {
	for _, n := range []int64{0, 1, 8, 9, 10, 1000} {
		for _, null := range []bool{false, true} {
			for _, all := range []bool{false, true} {
				slow := member(t, n, null, all)
				quick := *slow
				quick.Member = true
				for _, v := range []values.Datum{values.Null, values.Int(0), values.Int(1), values.Int(18), values.Int(1998), values.Int(-5), values.Errorf("22012", "x")} {
					row := []values.Datum{v}
					if a, b := expr.Compile(slow)(row), expr.Compile(&quick)(row); a != b {
						t.Errorf("%d elements, null %v, all %v, %v: %v by comparing, %v by look-up", n, null, all, v, a, b)
					}
				}
			}
		}
	}
}

// TestBoolean checks the tables of three-valued logic with errors: a value that
// decides wins over an error behind it.
func TestBoolean(t *testing.T) {
	e := values.Errorf("22012", "division by zero")
	for _, c := range []struct{ a, b, and, or values.Datum }{
		{values.True, values.True, values.True, values.True},
		{values.True, values.False, values.False, values.True},
		{values.False, values.False, values.False, values.False},
		{values.True, values.Null, values.Null, values.True},
		{values.False, values.Null, values.False, values.Null},
		{values.Null, values.Null, values.Null, values.Null},
		{values.True, e, e, values.True},
		{values.False, e, values.False, e},
		{values.Null, e, e, e},
		{e, e, e, e},
	} {
		for _, row := range [][]values.Datum{{c.a, c.b}, {c.b, c.a}} {
			if row[0].IsErr() {
				c.and, c.or = e, e
			}
			args := []expr.Expr{col(0, values.BoolType), col(1, values.BoolType)}
			if got := expr.Compile(&expr.BoolOp{Op: expr.And, Args: args, T: values.BoolType})(row); got != c.and {
				t.Errorf("%v AND %v is %v, want %v", row[0], row[1], got, c.and)
			}
			if got := expr.Compile(&expr.BoolOp{Op: expr.Or, Args: args, T: values.BoolType})(row); got != c.or {
				t.Errorf("%v OR %v is %v, want %v", row[0], row[1], got, c.or)
			}
		}
	}
}

// TestFold: an error among constants stays where it is, and is raised only if
// its branch is taken.
func TestFold(t *testing.T) {
	fails := call(t, "int4div(int4,int4)", values.Int4Type, constant(values.Int(1), values.Int4Type), constant(values.Int(0), values.Int4Type))
	e := expr.Fold(&expr.Case{
		Whens: []expr.Expr{call(t, "int4gt(int4,int4)", values.BoolType, col(0, values.Int4Type), constant(values.Int(0), values.Int4Type)), fails},
		Else:  call(t, "int4pl(int4,int4)", values.Int4Type, constant(values.Int(1), values.Int4Type), constant(values.Int(2), values.Int4Type)),
		T:     values.Int4Type,
	})
	if got, want := expr.String(e), "CASE(int4gt(int4,int4)(#0, '0'::integer):boolean, error(division by zero (SQLSTATE 22012)), '3'::integer)"; got != want {
		t.Errorf("folded to %s, want %s", got, want)
	}
	f := expr.Compile(e)
	if v := f([]values.Datum{values.Int(0)}); v != values.Int(3) {
		t.Errorf("the branch not taken: %v", v)
	}
	if v := f([]values.Datum{values.Int(1)}); !v.IsErr() {
		t.Errorf("the branch taken: %v", v)
	}
}

func BenchmarkEval(b *testing.B) {
	int4, boolean := values.Int4Type, values.BoolType
	colCol := call(b, "int4pl(int4,int4)", int4, col(0, int4), col(1, int4))
	colConst := call(b, "int4gt(int4,int4)", boolean, col(0, int4), constant(values.Int(3), int4))
	nested := call(b, "int4gt(int4,int4)", boolean, call(b, "int4mul(int4,int4)", int4, colCol, col(1, int4)), constant(values.Int(10), int4))
	quick := member(b, 1000, false, false)
	quick.Member = true
	for _, c := range []struct {
		name string
		e    expr.Expr
	}{
		{"column+column", colCol},
		{"column>constant", colConst},
		{"nested", nested},
		{"and", &expr.BoolOp{Op: expr.And, Args: []expr.Expr{colConst, nested}, T: boolean}},
		{"case", &expr.Case{Whens: []expr.Expr{colConst, colCol}, Else: col(0, int4), T: int4}},
		{"in10", member(b, 8, false, false)},
		{"in1000", quick},
		{"numeric+numeric", call(b, "numeric_add(numeric,numeric)", values.NumericType, col(2, values.NumericType), col(2, values.NumericType))},
		{"text=text", call(b, "texteq(text,text)", boolean, col(3, values.TextType), col(3, values.TextType))},
	} {
		f := expr.Compile(c.e)
		row := []values.Datum{values.Int(4), values.Int(7), values.Make("", 1234, 2), values.String("hello")}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f(row)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
		})
	}
}
