package expr

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Defer makes a row of a call, of whose fields nothing is known but what it may be of, a
// value that stays a call (values.Pending). Postgres is asked whether it is NULL, and so whether
// it fails, where the call stands.
func Defer(call *Remote, of *values.Type) Expr {
	types := make([]*values.Type, len(call.Args))
	for i, a := range call.Args {
		types[i] = a.Type()
	}
	row := &Row{Fields: call.Args, T: values.Pending(values.Call{SQL: call.SQL, Of: of}, types)}
	there := *call
	last := len(call.SQL) - 1
	there.SQL = append([]string{}, call.SQL...)
	there.SQL[0] = "pg_catalog.num_nulls(" + there.SQL[0]
	there.SQL[last] += ") = 0"
	there.Strict, there.Func, there.T = false, "", values.BoolType
	return &Case{Whens: []Expr{&there, row}, Else: &Const{T: row.T}, T: row.T}
}

// pendingParts are the arguments of a row that is a call, as Parts gives them.
func pendingParts(e Expr) (sql []string, args []Expr) {
	call := e.Type().Call.SQL
	sql, args = []string{"CASE WHEN ", " THEN NULL ELSE " + call[0]}, []Expr{&NullTest{Arg: e, T: values.BoolType}}
	for i, f := range FieldsOf(e) {
		inner, more := Parts(f)
		sql[len(sql)-1] += "(" + inner[0]
		sql, args = append(sql, inner[1:]...), append(args, more...)
		sql[len(sql)-1] += ")" + call[i+1]
	}
	sql[len(sql)-1] += " END"
	return sql, args
}

// DeferEach is the array of the rows of a set-returning call. A row stays the call of all, and its number.
func DeferEach(call *Remote) Expr {
	n := len(call.Args)
	types := make([]*values.Type, n+1)
	for i, a := range call.Args {
		types[i] = a.Type()
	}
	types[n] = values.Int4Type
	all := append([]string{}, call.SQL...)
	all[0], all[n] = "(ARRAY(SELECT "+all[0], all[n]+"))["
	to := values.ArrayOf(values.Pending(values.Call{SQL: append(all, "]")}, types))
	there := *call
	there.SQL = append([]string{}, call.SQL...)
	there.SQL[0] = "ARRAY(SELECT pg_catalog.num_nulls(x.r) = 0 FROM (SELECT " + there.SQL[0]
	there.SQL[n] += " AS r) AS x)"
	there.Strict, there.Func, there.T = false, "", values.ArrayOf(values.BoolType)
	return &Native{
		Name: "each_of(" + strings.Join(call.SQL, "?") + ")", Args: append([]Expr{&there}, call.Args...), T: to,
		Func: &fn.Func{FN: func(args []values.Datum) values.Datum {
			rows, err := values.Elements(nil, there.T, args[0])
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			fields := append([]values.Datum{}, args...)
			for i, r := range rows {
				if rows[i] = values.Null; r == values.True {
					rows[i] = values.MakeRecord(append(fields[1:n+1:n+1], values.Int(int64(i+1))))
				}
			}
			out, err := values.MakeArray(to, rows)
			if err != nil {
				return values.Errorf("54000", "%v", err)
			}
			return out
		}},
	}
}
