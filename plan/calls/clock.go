package calls

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The present time is an input of the circuit like any table. now(),
// transaction_timestamp() and statement_timestamp() are that input;
// CURRENT_DATE and its like are casts of it
// (postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT).

// OfClock translates a function of the present time; nil for others.
func (cs *Calls) OfClock(proc *catalog.Proc, args []expr.Expr) expr.Expr {
	switch proc.Signature {
	case "now()", "transaction_timestamp()", "statement_timestamp()":
		return expr.NewClock()
	case "age(timestamp)", "age(timestamptz)":
		// An SQL function: age(current_date at midnight, $1).
		name := proc.ArgTypes[0]
		midnight := cs.Builtin(name+"(date)", args[0].Type(), cs.currentDate())
		return cs.Builtin("age("+name+","+name+")", values.IntervalType, midnight, args[0])
	}
	return nil
}

func (cs *Calls) currentDate() expr.Expr {
	return cs.Builtin("date(timestamptz)", values.DateType, expr.NewClock())
}

// Comparison rewrites comparisons with the clock so that one side is of the
// row alone and the other of the clock alone, in types of one order; nil if that
// is not needed or cannot be done exactly.
func (cs *Calls) Comparison(op *catalog.Operator, proc *catalog.Proc, args []expr.Expr) expr.Expr {
	if len(args) != 2 || op.Schema != "pg_catalog" || !expr.HasClock(args...) {
		return nil
	}
	if IsTimeComparison(proc.Name) {
		return cs.acrossTypes(op, args)
	}
	return cs.differences(op, proc, args)
}

// IsTimeComparison says whether a function compares times of two types. Such are STABLE, since
// they read local time through TimeZone.
func IsTimeComparison(name string) bool {
	for _, prefix := range []string{"date_", "timestamp_", "timestamptz_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			op, other, ok := strings.Cut(rest, "_")
			if ok && strings.Contains(" eq ne lt le gt ge cmp ", " "+op+" ") && (other == "timestamptz" || other == "timestamp" || other == "date") {
				return true
			}
		}
	}
	return false
}

// acrossTypes compares date, timestamp and timestamp with time zone in the latter
// of the two types. The cast of the row's side fails where that type ends, and the
// comparison does not; so out there a bound stands for the value. The clock's side
// is near the present, so it compares the same.
func (cs *Calls) acrossTypes(op *catalog.Operator, args []expr.Expr) expr.Expr {
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
			both[s] = cs.widen(args[s], wide)
			both[1-s] = cs.clamped(args[1-s], wide)
			name := map[values.Kind]string{values.KindTimestamp: "timestamp", values.KindTimestampTZ: "timestamptz"}[wide.Kind]
			suffix := map[string]string{"<": "_lt", "<=": "_le", "=": "_eq", "<>": "_ne", ">=": "_ge", ">": "_gt"}[op.Name]
			if name == "" || suffix == "" {
				return nil
			}
			e, ok := cs.Builtin(name+suffix+"("+name+","+name+")", values.BoolType, both...).(*expr.Native)
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
func (cs *Calls) widen(e expr.Expr, to *values.Type) expr.Expr {
	if e.Type().Kind == to.Kind {
		return e
	}
	return cs.Builtin(castNames[to.Kind]+"("+castNames[e.Type().Kind]+")", to, e)
}

// clamped is widen that does not fail: what lies beyond the years -4600 and 190000
// becomes one of them.
func (cs *Calls) clamped(e expr.Expr, to *values.Type) expr.Expr {
	const microsPerDay = 86_400_000_000
	from := e.Type()
	cast := cs.widen(e, to)
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
		test := cs.Builtin(name+"_"+op+"("+name+","+name+")", values.BoolType, e, limit(from, days))
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
func (cs *Calls) differences(op *catalog.Operator, proc *catalog.Proc, args []expr.Expr) expr.Expr {
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
			moved := cs.Builtin(diff.Name, diff.T, clock, fixed)
			row, bound := diff.Name, expr.Expr(nil)
			sides := []expr.Expr{fixed, x}
			if a == 0 {
				bound = cs.Builtin(minus, c.T, c, moved)
			} else {
				sides = []expr.Expr{x, fixed}
				bound = cs.Builtin(plus, c.T, c, moved)
			}
			both := make([]expr.Expr, 2)
			both[s], both[1-s] = cs.Builtin(row, diff.T, sides...), bound
			e, ok := cs.Builtin(compare, values.BoolType, both...).(*expr.Native)
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
