package turn

import (
	"regexp"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// acrossTypes are comparisons of times of two types.
var acrossTypes = regexp.MustCompile(`^(date|timestamp|timestamptz)_(eq|ne|lt|le|gt|ge)_(date|timestamp|timestamptz)\(`)

// probe is what tells of the turns of a comparison, or of a value that goes in steps;
// nil if it is neither.
func (a *analysis) probe(n *expr.Native) expr.Expr {
	if !n.Func.Strict {
		return nil
	}
	if n.Cmp == "" && !acrossTypes.MatchString(n.Name) {
		return a.step(n)
	}
	l, r := a.motion(n.Args[0]), a.motion(n.Args[1])
	if l.direction == unknown || r.direction == unknown || l.direction == r.direction {
		return nil
	}
	if z := n.Func.Zone; z != nil && !(a.comesTo(z, n.Args[0], l) && a.comesTo(z, n.Args[1], r)) {
		return nil
	}
	if n.Cmp == "=" || n.Cmp == "<>" {
		return order(n.Args[0], n.Args[1])
	}
	if across := acrossTypes.FindStringSubmatch(n.Name); across != nil && (across[2] == "eq" || across[2] == "ne") {
		return orderAcross(n, across[2])
	}
	return n
}

// orderAcross is how two times of different types compare, which are asked whether they are equal: -1, 0 or 1.
func orderAcross(n *expr.Native, equality string) expr.Expr {
	asked := func(op string) expr.Expr {
		c := *n
		c.Name = strings.Replace(n.Name, "_"+equality+"_", "_"+op+"_", 1)
		if n.Func.Zone != nil {
			c.Func = n.Func.Zone.Lookup(c.Name)
		} else {
			c.Func = fn.Lookup(c.Name, []*values.Type{n.Args[0].Type(), n.Args[1].Type()}, n.T)
		}
		return &c
	}
	return native("order across types", func(a []values.Datum) values.Datum {
		switch less, more := a[0], a[1]; {
		case less.IsTrue():
			return values.Int(-1)
		case more.IsTrue():
			return values.Int(1)
		default:
			return values.Int(0)
		}
	}, values.Int4Type, asked("lt"), asked("gt"))
}

// steps are functions that make steps of what moves.
var steps = map[string]string{
	"date": "time", "date_trunc": "field", "extract": "field", "date_part": "field",
	"floor": "number", "ceil": "number", "ceiling": "number", "round": "number", "trunc": "number",
	"int2": "number", "int4": "number", "int8": "number",
}

// shortest is how long a step takes at least, in microseconds, for its end to be awaited: if
// most rows change with most ticks, to look at all of them costs less.
const shortest = 10_000_000

// step is what tells of the steps of a value; nil if it has none.
func (a *analysis) step(n *expr.Native) expr.Expr {
	switch steps[head(n)] {
	case "number":
		if len(n.Args) != 1 {
			return nil
		}
		if m := a.motion(n.Args[0]); m.direction != unknown && m.rate*shortest <= 1 {
			return n
		}
	case "time":
		if z := n.Func.Zone; z != nil {
			if a.zoned(z, n).direction == rising {
				return n
			}
		} else if len(n.Args) == 1 && a.motion(n.Args[0]).direction == rising {
			return n
		}
	case "field":
		return a.fieldSteps(n)
	}
	return nil
}

// stepping is how a value moves that has steps.
func (a *analysis) stepping(n *expr.Native) motion {
	if head(n) == "date_trunc" && n.T.Kind == values.KindInterval {
		return a.motion(n.Args[1]) // that of a difference goes in steps, too
	}
	m := a.motion(n.Args[len(n.Args)-1])
	m.rate, m.stepped = 0, true
	return m
}

// fieldSteps is what tells of the steps of a field of a moving time, difference or age.
func (a *analysis) fieldSteps(n *expr.Native) expr.Expr {
	if len(n.Args) != 2 {
		return nil
	}
	c, ok := n.Args[0].(*expr.Const)
	if !ok || c.V.IsNull() || c.V.IsErr() {
		return nil
	}
	field, of := strings.ToLower(c.V.Str()), n.Args[1]
	unit := map[string]int64{"minute": 60_000_000, "hour": microsPerHour, "day": microsPerDay}[field]
	switch of.Type().Kind {
	case values.KindTimestamp, values.KindTimestampTZ:
		m, z := a.motion(of), n.Func.Zone
		if m.direction != rising || z != nil && m.stepped {
			return nil
		}
		if z != nil {
			a.crosses(z, of, z.Spread())
			of = shownIn(z, of)
		}
		months := false
		switch field {
		case "week", "dow", "isodow", "doy", "isoyear":
			unit = microsPerDay
		case "month", "quarter", "year", "decade", "century", "millennium":
			months = true
		}
		switch {
		case !months && unit == 0:
			return nil
		case z != nil && head(n) == "date_trunc":
			return n // an hour that comes again, when clocks have gone back, is another one
		case months:
			return monthOf(of)
		default:
			return units(field, of, unit)
		}
	case values.KindInterval:
		call, ok := of.(*expr.Native)
		if !ok {
			return nil
		}
		switch call.Name {
		case "timestamptz_mi(timestamptz,timestamptz)", "timestamp_mi(timestamp,timestamp)":
			if m := a.motion(of); unit != 0 && m.direction != unknown {
				return units(field, of, unit)
			}
		case "age(timestamp,timestamp)", "age(timestamptz,timestamptz)":
			switch field {
			case "month", "quarter", "year", "decade", "century", "millennium":
				before := len(a.breaks)
				m := a.motion(of)
				if call.Func.Zone == nil {
					a.breaks = a.breaks[:before] // the months of an age never go back
				}
				if m.direction != unknown {
					return monthsOf(of)
				}
			}
		}
	}
	return nil
}

// field is a field that moves in one direction: the seconds of a time or of a difference of times, the
// days of that, or the years of an age.
func (a *analysis) field(n *expr.Native) motion {
	if len(n.Args) != 2 {
		return nowhere
	}
	c, ok := n.Args[0].(*expr.Const)
	if !ok || c.V.IsNull() || c.V.IsErr() {
		return nowhere
	}
	field := strings.ToLower(c.V.Str())
	switch n.Args[1].Type().Kind {
	case values.KindTimestamp, values.KindTimestampTZ:
		m := a.motion(n.Args[1])
		if field != "epoch" {
			return nowhere
		}
		m.rate /= 1e6
		return m
	}
	call, ok := n.Args[1].(*expr.Native)
	if !ok {
		return nowhere
	}
	switch call.Name {
	case "timestamptz_mi(timestamptz,timestamptz)", "timestamp_mi(timestamp,timestamp)":
		switch m := a.motion(call); field {
		case "epoch":
			m.rate /= 1e6
			return m
		case "day":
			return motion{direction: m.direction, stepped: true}
		}
	case "age(timestamp,timestamp)", "age(timestamptz,timestamptz)":
		if field == "year" && a.fieldSteps(n) != nil {
			before := len(a.breaks)
			m := a.motion(call)
			if call.Func.Zone == nil {
				a.breaks = a.breaks[:before]
			}
			return motion{direction: m.direction, stepped: true}
		}
	}
	return nowhere
}
