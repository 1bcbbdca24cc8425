package translate

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// The present time is an input of the circuit like any table. now(),
// transaction_timestamp() and statement_timestamp() are that input;
// CURRENT_DATE and its like are casts of it
// (postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT).

// clockFunction translates a function of the present time; nil for others.
func (t *translator) clockFunction(proc *catalog.Proc, args []expr.Expr) expr.Expr {
	switch proc.Signature {
	case "now()", "transaction_timestamp()", "statement_timestamp()":
		return expr.NewClock()
	case "age(timestamp)", "age(timestamptz)":
		// An SQL function: age(current_date at midnight, $1).
		name := proc.ArgTypes[0]
		midnight := t.builtin(name+"(date)", args[0].Type(), t.currentDate())
		return t.builtin("age("+name+","+name+")", values.IntervalType, midnight, args[0])
	}
	return nil
}

func (t *translator) currentDate() expr.Expr {
	return t.builtin("date(timestamptz)", values.DateType, expr.NewClock())
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
		e = t.builtin(c, ty, e)
	}
	if c := casts[op].precision; c != "" {
		typmod := &expr.Const{V: values.Int(int64(n.Int("typmod"))), T: values.Int4Type}
		e = t.builtin(c, t.typ(n.OID("type"), int32(n.Int("typmod")), 0), e, typmod)
	}
	return e
}

// builtin calls a strict function of pg_catalog by its signature.
func (t *translator) builtin(signature string, result *values.Type, args ...expr.Expr) expr.Expr {
	name, rest, _ := strings.Cut(signature, "(")
	proc := &catalog.Proc{
		Schema: "pg_catalog", Name: name, Signature: signature, Strict: true,
		ArgTypes: strings.Split(strings.TrimSuffix(rest, ")"), ","),
	}
	if e := t.native(proc, args, result, 0); e != nil {
		return expr.Fold(e)
	}
	sql := []string{pgx.Identifier{"pg_catalog", name}.Sanitize() + "("}
	for i := range args {
		sql = append(sql, map[bool]string{true: ")", false: ", "}[i == len(args)-1])
	}
	e := expr.NewRemote(sql, args, true, result)
	e.Func = signature
	return expr.Fold(e)
}

// shiftsByHours says that a call adds an interval without days and months, which is as
// long in all time zones, to a timestamp with time zone.
func shiftsByHours(name string, args []expr.Expr) bool {
	switch name {
	case "timestamptz_pl_interval", "timestamptz_mi_interval":
		return hours(args[1])
	case "interval_pl_timestamptz":
		return hours(args[0])
	}
	return false
}

// hours says that an interval never has days and months, as far as can be told from how
// it is computed. An infinite one, which has, is as long everywhere, too.
func hours(e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Const:
		if e.V.IsNull() || e.V.IsErr() || e.T.Kind != values.KindInterval {
			return false
		}
		months, days, _ := e.V.Interval()
		return months == 0 && days == 0
	case *expr.Native:
		switch name, _, _ := strings.Cut(e.Name, "("); name {
		case "interval_mul", "interval_div", "interval_um":
			return hours(e.Args[0])
		case "mul_d_interval":
			return hours(e.Args[1])
		case "interval_pl", "interval_mi":
			return hours(e.Args[0]) && hours(e.Args[1])
		case "make_interval":
			for _, a := range e.Args[:4] { // years, months, weeks, days
				if c, ok := a.(*expr.Const); !ok || c.V != values.Int(0) {
					return false
				}
			}
			return true
		}
	}
	return false
}

// keyOrdered are the types whose keys order as Postgres' operators do, whatever
// the collation.
func keyOrdered(k values.Kind) bool {
	switch k {
	case values.KindInt2, values.KindInt4, values.KindInt8, values.KindFloat4, values.KindFloat8, values.KindNumeric,
		values.KindDate, values.KindTime, values.KindTimeTZ, values.KindTimestamp, values.KindTimestampTZ, values.KindInterval:
		return true
	}
	return false
}

// byteOrdered are types that have native comparisons only under collations which order
// as their keys do.
func byteOrdered(k values.Kind) bool {
	switch k {
	case values.KindText, values.KindName, values.KindBPChar, values.KindBytea, values.KindUUID, values.KindBool, values.KindOID:
		return true
	}
	return false
}

// keyComparison is the operator, which has a native form, if it compares as keys do.
func keyComparison(op *catalog.Operator, args []expr.Expr) string {
	if op.Schema != "pg_catalog" || len(args) != 2 || !fn.SameKey(args[0].Type(), args[1].Type()) {
		return ""
	}
	switch op.Name {
	case "=", "<>":
		if op.Equal || op.NotEqual {
			return op.Name
		}
	case "<", "<=", ">", ">=":
		a, b := args[0].Type().Kind, args[1].Type().Kind
		if keyOrdered(a) && keyOrdered(b) || byteOrdered(a) && byteOrdered(b) {
			return op.Name
		}
	}
	return ""
}

// clockComparison rewrites comparisons with the clock so that one side is of the
// row alone and the other of the clock alone, in types of one order; nil if that
// is not needed or cannot be done exactly.
func (t *translator) clockComparison(op *catalog.Operator, proc *catalog.Proc, args []expr.Expr) expr.Expr {
	if len(args) != 2 || op.Schema != "pg_catalog" || !expr.HasClock(args...) {
		return nil
	}
	if isTimeComparison(proc.Name) {
		return t.acrossTypes(op, args)
	}
	return t.differences(op, proc, args)
}

// acrossTypes compares date, timestamp and timestamp with time zone in the latter
// of the two types. The cast of the row's side fails where that type ends, and the
// comparison does not; so out there a bound stands for the value. The clock's side
// is near the present, so it compares the same.
func (t *translator) acrossTypes(op *catalog.Operator, args []expr.Expr) expr.Expr {
	rank := func(ty *values.Type) int {
		return map[values.Kind]int{values.KindDate: 1, values.KindTimestamp: 2, values.KindTimestampTZ: 3}[ty.Kind]
	}
	for s := range 2 {
		if c, ok := args[s].(*expr.Clock); ok && c.Calm && !expr.HasClock(args[1-s]) {
			wide := args[s].Type()
			if rank(args[1-s].Type()) > rank(wide) {
				wide = args[1-s].Type()
			}
			both := make([]expr.Expr, 2)
			both[s] = t.widen(args[s], wide)
			both[1-s] = t.clamped(args[1-s], wide)
			name := map[values.Kind]string{values.KindTimestamp: "timestamp", values.KindTimestampTZ: "timestamptz"}[wide.Kind]
			suffix := map[string]string{"<": "_lt", "<=": "_le", "=": "_eq", "<>": "_ne", ">=": "_ge", ">": "_gt"}[op.Name]
			if name == "" || suffix == "" {
				return nil
			}
			e, ok := t.builtin(name+suffix+"("+name+","+name+")", values.BoolType, both...).(*expr.Native)
			if !ok {
				return nil
			}
			e.Cmp, e.Equal, e.Total = op.Name, op.Name == "=", true
			return e
		}
	}
	return nil
}

var castNames = map[values.Kind]string{values.KindDate: "date", values.KindTimestamp: "timestamp", values.KindTimestampTZ: "timestamptz"}

// widen casts a date or timestamp to a later type.
func (t *translator) widen(e expr.Expr, to *values.Type) expr.Expr {
	if e.Type().Kind == to.Kind {
		return e
	}
	return t.builtin(castNames[to.Kind]+"("+castNames[e.Type().Kind]+")", to, e)
}

// clamped is widen that does not fail: what lies beyond the years -4600 and 190000
// becomes one of them.
func (t *translator) clamped(e expr.Expr, to *values.Type) expr.Expr {
	const microsPerDay = 86_400_000_000
	from := e.Type()
	cast := t.widen(e, to)
	if cast == e {
		return e
	}
	if n, ok := cast.(*expr.Native); ok {
		n.Total = true
	}
	limit := func(ty *values.Type, days int64) expr.Expr {
		if ty.Kind != values.KindDate {
			days *= microsPerDay
		}
		return &expr.Const{V: values.Int(days), T: ty}
	}
	when := func(op string, days int64) []expr.Expr {
		name := castNames[from.Kind]
		test := t.builtin(name+"_"+op+"("+name+","+name+")", values.BoolType, e, limit(from, days))
		if n, ok := test.(*expr.Native); ok {
			n.Total = true
		}
		return []expr.Expr{test, limit(to, days)}
	}
	return &expr.Case{Whens: append(when("gt", 68_000_000), when("lt", -2_400_000)...), Else: cast, T: to}
}

// differences compares now − x with a constant as E − x with the constant less
// now − E, E being a fixed time, and x − now likewise. Differences of times have no
// months, intervals compare by their length, and lengths add up: so it says the
// same. It fails for the same x, since that x is infinite matters alone.
func (t *translator) differences(op *catalog.Operator, proc *catalog.Proc, args []expr.Expr) expr.Expr {
	suffix := map[string]string{"<": "lt", "<=": "le", "=": "eq", "<>": "ne", ">=": "ge", ">": "gt"}[op.Name]
	for s := range 2 {
		diff, ok := args[s].(*expr.Native)
		c, constant := args[1-s].(*expr.Const)
		if !ok || !constant || !smallConstant(c) || suffix == "" {
			continue
		}
		var kind string // of the difference
		switch diff.Name {
		case "timestamptz_mi(timestamptz,timestamptz)", "timestamp_mi(timestamp,timestamp)":
			kind = "interval"
		case "date_mi(date,date)":
			kind = "int4"
		}
		minus := map[string]string{"interval": "interval_mi(interval,interval)", "int4": "int4mi(int4,int4)"}[kind]
		plus := map[string]string{"interval": "interval_pl(interval,interval)", "int4": "int4pl(int4,int4)"}[kind]
		compare := map[string]string{"interval": "interval_" + suffix + "(interval,interval)", "int4": "int4" + suffix + "(int4,int4)"}[kind]
		if kind == "" || proc.Signature != compare {
			continue
		}
		for a := range 2 {
			clock, ok := diff.Args[a].(*expr.Clock)
			x := diff.Args[1-a]
			if !ok || !clock.Calm || expr.HasClock(x) {
				continue
			}
			fixed := &expr.Const{V: values.Int(0), T: clock.Type()}
			moved := t.builtin(diff.Name, diff.T, clock, fixed)
			row, bound := diff.Name, expr.Expr(nil)
			sides := []expr.Expr{fixed, x}
			if a == 0 {
				bound = t.builtin(minus, c.T, c, moved)
			} else {
				sides = []expr.Expr{x, fixed}
				bound = t.builtin(plus, c.T, c, moved)
			}
			both := make([]expr.Expr, 2)
			both[s], both[1-s] = t.builtin(row, diff.T, sides...), bound
			e, ok := t.builtin(compare, values.BoolType, both...).(*expr.Native)
			if !ok {
				return nil
			}
			e.Cmp, e.Equal = op.Name, op.Name == "="
			return e
		}
	}
	return nil
}

// smallConstant says that a constant can be added to a difference from the present
// without an overflow.
func smallConstant(c *expr.Const) bool {
	const small, micros = 1e8, 1e17
	if c.V.IsNull() || c.V.IsErr() {
		return false
	}
	switch c.T.Kind {
	case values.KindInt4:
		return -small < c.V.Int64() && c.V.Int64() < small
	case values.KindInterval:
		months, days, us := c.V.Interval()
		return -small < months && months < small && -small < days && days < small && -micros < us && us < micros
	}
	return false
}
