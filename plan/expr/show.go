package expr

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Show writes an expression for people, much like SQL. Unlike String it does
// not tell similar expressions apart. column names a column.
func Show(e Expr, column func(i int) string) string {
	return (&shower{column}).show(e)
}

type shower struct{ column func(i int) string }

// infix are the operators behind the names of functions: those that end so are
// written between their arguments.
var infix = []struct{ suffix, op string }{
	{"_pl_interval", "+"}, {"_mi_interval", "-"}, {"_pli", "+"}, {"_mii", "-"},
	{"_eq", "="}, {"_ne", "<>"}, {"_lt", "<"}, {"_le", "<="}, {"_gt", ">"}, {"_ge", ">="},
	{"_add", "+"}, {"_sub", "-"}, {"_mul", "*"}, {"_div", "/"}, {"_mod", "%"},
	{"eq", "="}, {"ne", "<>"}, {"lt", "<"}, {"le", "<="}, {"gt", ">"}, {"ge", ">="},
	{"pl", "+"}, {"mi", "-"}, {"mul", "*"}, {"div", "/"}, {"mod", "%"},
	{"textcat", "||"}, {"textlike", "LIKE"}, {"textnlike", "NOT LIKE"},
}

func operatorOf(name string) string {
	for _, i := range infix {
		rest, ok := strings.CutSuffix(name, i.suffix)
		if !ok {
			continue
		}
		switch strings.TrimRight(rest, "0123456789_") {
		case "", "int", "float", "numeric", "text", "date", "timestamp", "timestamptz", "time", "timetz", "interval", "bool", "bpchar", "uuid", "enum",
			"bytea", "name", "jsonb", "array", "oid", "network", "cash", "date_", "timestamp_", "label":
			return i.op
		}
	}
	return ""
}

func (s *shower) list(es []Expr, sep string) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = s.show(e)
	}
	return strings.Join(parts, sep)
}

// over shows a comparison whose columns 0 and 1 stand for other expressions.
func (s *shower) over(eq Expr, a, b string) string {
	return Show(eq, func(i int) string { return []string{a, b}[i] })
}

func (s *shower) show(e Expr) string {
	switch e := e.(type) {
	case *Col:
		if name := s.column(e.Index); name != "" {
			return name
		}
		return e.head()
	case *Clock:
		return Show(e.H, func(int) string { return "now()" })
	case *Held:
		return s.show(e.Arg)
	case *Const:
		switch {
		case e.V.IsNull():
			return "NULL"
		case e.V.IsErr():
			return e.head()
		}
		switch text, _, _ := strings.Cut(strings.TrimPrefix(e.head(), "'"), "'::"); e.T.Kind {
		case values.KindInt2, values.KindInt4, values.KindInt8, values.KindNumeric, values.KindBool:
			return text
		case values.KindText:
			return "'" + text + "'"
		}
		return e.head()
	case *Native:
		name := e.head()
		if op := operatorOf(name); op != "" && len(e.Args) == 2 {
			return "(" + s.show(e.Args[0]) + " " + op + " " + s.show(e.Args[1]) + ")"
		}
		if name == "cast" && len(e.Args) == 1 {
			return s.show(e.Args[0]) + "::" + e.T.SQL
		}
		return name + "(" + s.list(e.Args, ", ") + ")"
	case *Remote:
		if e.Rank != nil {
			return "place of " + s.show(e.Args[0]) + " in the order of " + e.Rank.Name
		}
		return "postgres[" + e.Query(func(i int) string { return s.show(e.Args[i]) }) + "]"
	case *BoolOp:
		if e.Op == Not {
			return "NOT " + s.show(e.Args[0])
		}
		return "(" + s.list(e.Args, " "+string(e.Op)+" ") + ")"
	case *Case:
		out := "CASE"
		for i := 0; i < len(e.Whens); i += 2 {
			out += " WHEN " + s.show(e.Whens[i]) + " THEN " + s.show(e.Whens[i+1])
		}
		return out + " ELSE " + s.show(e.Else) + " END"
	case *Coalesce:
		if len(e.Args) == 1 { // a change of type alone
			return s.show(e.Args[0])
		}
	case *NullTest:
		return "(" + s.show(e.Arg) + " " + e.head() + ")"
	case *BoolTest:
		return "(" + s.show(e.Arg) + " " + e.head() + ")"
	case *Distinct:
		return "(" + s.show(e.A) + " IS DISTINCT FROM " + s.show(e.B) + ")"
	case *NullIf:
		return "NULLIF(" + s.show(e.A) + ", " + s.show(e.B) + ")"
	case *AnyAll:
		quantifier := "ANY"
		if e.All {
			quantifier = "ALL"
		}
		return s.over(e.Op, s.show(e.Left), quantifier+" "+s.show(e.Array))
	case *FieldOf:
		if fields := e.Arg.Type().Fields; e.Index < len(fields) {
			return "(" + s.show(e.Arg) + ")." + fields[e.Index].Name
		}
	case *Row:
		return "ROW(" + s.list(e.Fields, ", ") + ")"
	case *ArrayOf:
		return "ARRAY[" + s.list(e.Elems, ", ") + "]"
	}
	return fmt.Sprint(e.head(), "(", s.list(e.Children(), ", "), ")")
}
