package turn

import (
	"bytes"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// direction is how an expression moves as time passes.
type direction int8

const (
	still direction = iota
	rising
	falling
	unknown
)

// motion is a direction, and how fast it goes.
type motion struct {
	direction
	rate    float64 // by how much a number moves in a microsecond; 0 for what goes in steps
	stepped bool    // goes in steps that may be longer than a day
}

var nowhere = motion{direction: unknown}

// analysis looks at how the parts of an expression move.
type analysis struct {
	leaf   *expr.Clock
	breaks []aBreak
}

// moves are the functions that move with an argument (+), or against it (-), or by it
// alone if it stands still (s), being an interval.
var moves = map[string]string{
	"timestamptz_mi": "+-", "timestamp_mi": "+-", "date_mi": "+-",
	"timestamptz_pl_interval": "+s", "timestamptz_mi_interval": "+s", "interval_pl_timestamptz": "s+",
	"timestamp_pl_interval": "+s", "timestamp_mi_interval": "+s", "interval_pl_timestamp": "s+",
	"date_pl_interval": "+s", "date_mi_interval": "+s", "interval_pl_date": "s+",
	"date_pli": "++", "date_mii": "+-", "integer_pl_date": "++",
	"interval_pl": "++", "interval_mi": "+-",
	"int4pl": "++", "int4mi": "+-", "int8pl": "++", "int8mi": "+-",
	"numeric_add": "++", "numeric_sub": "+-", "numeric_uminus": "-",
	"float8pl": "++", "float8mi": "+-", "float8um": "-",
	"timestamp(date)": "+", "numeric(int4)": "+", "int8(int4)": "+", "float8(int4)": "+", "float8(numeric)": "+",
	"timestamp(timestamptz)": "+", "timestamptz(timestamp)": "+", "timestamptz(date)": "+",
}

// differs are differences that went round before version 16, rather than fail, where they
// are too long. From the time as such to any other there is no way as long.
var differs = map[string]bool{"timestamptz_mi": true, "timestamp_mi": true}

func isClock(e expr.Expr) bool { _, ok := e.(*expr.Clock); return ok }

// scales multiply or divide by a constant.
var scales = map[string]bool{
	"numeric_mul": true, "numeric_div": true, "float8mul": true, "float8div": true, "int4mul": true, "int8mul": true,
}

// motion looks at an expression.
func (a *analysis) motion(e expr.Expr) motion {
	if !expr.HasClock(e) {
		return motion{}
	}
	switch e := e.(type) {
	case *expr.Clock:
		if a.leaf != nil && !same(a.leaf, e) {
			return nowhere
		}
		a.leaf = e
		if e.Type().Kind == values.KindDate {
			return motion{direction: rising, rate: 1.0 / microsPerDay}
		}
		return motion{direction: rising, rate: 1}
	case *expr.Native:
		if e.Func.Strict {
			return a.call(e)
		}
	}
	return nowhere
}

func same(a, b *expr.Clock) bool {
	return expr.String(a) == expr.String(b) && a.Type().SQL == b.Type().SQL
}

func head(e *expr.Native) string {
	name, _, _ := strings.Cut(e.Name, "(")
	return name
}

func (a *analysis) call(e *expr.Native) motion {
	name := head(e)
	if z := e.Func.Zone; z != nil && steps[name] != "field" {
		return a.zoned(z, e)
	}
	signs, ok := moves[e.Name]
	if !ok {
		signs, ok = moves[name]
	}
	switch {
	case name == "extract" || name == "date_part":
		return a.field(e)
	case name == "age":
		return a.age(e)
	case scales[name]:
		return a.scaled(e)
	case steps[name] != "":
		if a.step(e) == nil {
			return nowhere
		}
		return a.stepping(e)
	case !ok || len(signs) != len(e.Args):
		return nowhere
	}
	var out motion
	for i, arg := range e.Args {
		m := a.motion(arg)
		switch {
		case m.direction == unknown || signs[i] == 's' && m.direction != still:
			return nowhere
		case m.direction == still:
			continue
		case differs[name] && !isClock(arg):
			return nowhere
		case signs[i] == '-':
			m.direction = rising + falling - m.direction
		}
		if out.direction != still && m.direction != out.direction {
			return nowhere
		}
		out = motion{m.direction, out.rate + m.rate, out.stepped || m.stepped}
	}
	if s := strings.IndexByte(signs, 's'); s >= 0 {
		return a.shifted(e.Args[1-s], e.Args[s], out)
	}
	switch e.Name {
	case "date_mi(date,date)":
		out.rate = 1.0 / microsPerDay
	case "timestamp(date)":
		out.rate = 1
	}
	return out
}

// shifted is a time that is moved by a span. Months keep no order: a month after the noon
// of January 30 is later than one after the midnight that follows. Within a day they do.
func (a *analysis) shifted(at, span expr.Expr, m motion) motion {
	if m.direction != rising || m.stepped {
		return nowhere
	}
	probe := at
	if at.Type().Kind != values.KindDate {
		probe = units("day", at, microsPerDay)
	}
	a.breaks = append(a.breaks, aBreak{probe: probe, when: hasMonths(span), slack: 5 * microsPerDay})
	return motion{direction: rising, rate: 1}
}

// scaled is a number times or divided by a constant.
func (a *analysis) scaled(e *expr.Native) motion {
	for i := range e.Args {
		by, ok := e.Args[1-i].(*expr.Const)
		if !ok || by.V.IsNull() || by.V.IsErr() || i == 1 && strings.HasSuffix(head(e), "div") {
			continue
		}
		m := a.motion(e.Args[i])
		f, ok := number(by)
		if !ok || f == 0 || m.direction == unknown {
			return nowhere
		}
		if strings.HasSuffix(head(e), "div") {
			f = 1 / f
		}
		if f < 0 {
			f, m.direction = -f, rising+falling-m.direction
		}
		m.rate *= f
		return m
	}
	return nowhere
}

func number(c *expr.Const) (float64, bool) {
	switch c.T.Kind {
	case values.KindInt2, values.KindInt4, values.KindInt8:
		return float64(c.V.Int64()), true
	case values.KindFloat8:
		f := c.V.Float64()
		return f, f-f == 0
	case values.KindNumeric:
		f := values.NumericToFloat8(c.V)
		return f.Float64(), !f.IsErr() && f.Float64()-f.Float64() == 0
	}
	return 0, false
}

// age counts months, and days beyond them. As an interval it goes back by up to a day when another
// month is full.
func (a *analysis) age(e *expr.Native) motion {
	if len(e.Args) != 2 {
		return nowhere
	}
	end, begin := a.motion(e.Args[0]), a.motion(e.Args[1])
	m := motion{direction: rising, rate: 1}
	at := e.Args[0]
	switch {
	case end.direction == rising && begin.direction == still && !end.stepped:
	case begin.direction == rising && end.direction == still && !begin.stepped:
		m.direction, at = falling, e.Args[1]
	default:
		return nowhere
	}
	if z := e.Func.Zone; z != nil {
		// Where the earlier moment is shown as the later one, an age has a month too many, or
		// too few, less as many days.
		a.crosses(z, at, 32*microsPerDay+z.Spread())
		at = shownIn(z, at)
	}
	a.breaks = append(a.breaks, aBreak{probe: fuller(m.direction, e, at), slack: 5 * microsPerDay})
	return m
}

// The functions below are of the analysis alone.

func native(name string, f func(a []values.Datum) values.Datum, t *values.Type, args ...expr.Expr) expr.Expr {
	return &expr.Native{Func: &fn.Func{Strict: true, FN: f}, Name: name, Args: args, T: t}
}

// units counts units of time in a timestamp or in a difference of two.
func units(name string, e expr.Expr, unit int64) expr.Expr {
	return native(name+" of", func(a []values.Datum) values.Datum {
		micros := a[0].Int64()
		if e.Type().Kind == values.KindInterval {
			_, days, us := a[0].Interval()
			micros = int64(days)*microsPerDay + us
			return values.Int(micros / unit) // as its fields are: towards zero
		}
		n := micros / unit
		if micros%unit < 0 {
			n--
		}
		return values.Int(n)
	}, values.Int8Type, e)
}

// hasMonths says whether an interval has months.
func hasMonths(span expr.Expr) expr.Expr {
	return native("has months", func(a []values.Datum) values.Datum {
		months, _, _ := a[0].Interval()
		return values.Bool(months != 0)
	}, values.BoolType, span)
}

// monthOf counts the months of a timestamp.
func monthOf(e expr.Expr) expr.Expr {
	return native("month of", func(a []values.Datum) values.Datum {
		if a[0].Int64() == values.TimestampInfinity || a[0].Int64() == values.TimestampMinusInfinity {
			return a[0]
		}
		day, _ := values.SplitTimestamp(a[0].Int64())
		y, m, _ := values.CivilFromDays(day)
		return values.Int(y*12 + int64(m))
	}, values.Int8Type, e)
}

// monthsOf counts the whole months of an age.
func monthsOf(e expr.Expr) expr.Expr {
	return native("months of", func(a []values.Datum) values.Datum {
		months, _, _ := a[0].Interval()
		return values.Int(int64(months))
	}, values.Int8Type, e)
}

// fuller changes when an age that rises or falls is of another number of months, or when another month
// begins, of which the age may have borrowed days. Each moves in one direction, and so does
// their sum, or their difference.
func fuller(d direction, age, at expr.Expr) expr.Expr {
	sign, name := int64(1), "months and month"
	if d == falling {
		sign, name = -1, "month less months"
	}
	return native(name, func(a []values.Datum) values.Datum {
		return values.Int(a[1].Int64() + sign*a[0].Int64())
	}, values.Int8Type, monthsOf(age), monthOf(at))
}

// order is how two values compare: -1, 0 or 1.
func order(x, y expr.Expr) expr.Expr {
	return native("order", func(a []values.Datum) values.Datum {
		var left, right [64]byte
		l, r := values.AppendKey(left[:0], x.Type(), a[0]), values.AppendKey(right[:0], y.Type(), a[1])
		return values.Int(int64(bytes.Compare(l, r)))
	}, values.Int4Type, x, y)
}
