package turn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// zoned is how a call moves that converts between moments and what clocks in a zone show. Either moves
// on evenly from one transition of the zone to the next.
func (a *analysis) zoned(z *fn.Zone, e *expr.Native) motion {
	var at, span expr.Expr
	sign := int64(1)
	switch head(e) {
	case "age":
		return a.age(e)
	case "interval_pl_timestamptz":
		span, at = e.Args[0], e.Args[1]
	case "timestamptz_mi_interval":
		sign = -1
		fallthrough
	case "timestamptz_pl_interval":
		at, span = e.Args[0], e.Args[1]
	default:
		at = e.Args[0]
	}
	m := a.motion(at)
	switch {
	case m.direction != rising || m.stepped || span != nil && expr.HasClock(span):
		return nowhere
	case span != nil:
		a.shiftedIn(z, at, span, sign)
	default:
		a.crosses(z, at, z.Spread())
	}
	return motion{direction: rising, rate: 1, stepped: e.T.Kind == values.KindDate}
}

// comesTo notes the transitions on the way of a compared time to the moment that it stands for.
// It says whether that moves in one direction between them.
func (a *analysis) comesTo(z *fn.Zone, at expr.Expr, m motion) bool {
	if m.direction == still || at.Type().Kind == values.KindTimestampTZ {
		return true
	}
	a.crosses(z, at, z.Spread())
	return m.direction == rising && !m.stepped
}

// crosses notes the transitions that a time comes to, on its way to what clocks show then or from that.
func (a *analysis) crosses(z *fn.Zone, at expr.Expr, slack int64) {
	local, unit := at.Type().Kind != values.KindTimestampTZ, int64(1)
	if at.Type().Kind == values.KindDate {
		unit = microsPerDay
	}
	a.breaks = append(a.breaks, aBreak{slack: slack, probe: native("transitions of "+z.String(), func(a []values.Datum) values.Datum {
		if t := a[0].Int64(); -math.MaxInt64/unit < t && t < math.MaxInt64/unit {
			return values.Int(z.Passed(values.Int(t*unit), local))
		}
		return values.Int(0) // infinite, as it stays
	}, values.Int8Type, at)})
}

// shiftedIn notes where a shift by months, and then by days, keeps no order or crosses a transition: each of
// them goes from a moment to the local time, and from the shifted local time back to a moment.
func (a *analysis) shiftedIn(z *fn.Zone, at, span expr.Expr, sign int64) {
	// stage is a count over what the shift has come to.
	stage := func(name string, slack int64, when func(months, days int64) bool, count func(at values.Datum, months, days int64) values.Datum) {
		parts := func(span values.Datum) (months, days int64) {
			m, d, _ := span.Interval()
			return sign * int64(m), sign * int64(d)
		}
		a.breaks = append(a.breaks, aBreak{
			probe: native(name+" in "+z.String(), func(a []values.Datum) values.Datum {
				months, days := parts(a[1])
				v := count(a[0], months, days)
				if v.IsErr() { // as the shift itself then is
					return values.Int(math.MinInt64)
				}
				return v
			}, values.Int8Type, at, span),
			when: native("shifts for "+name, func(a []values.Datum) values.Datum {
				return values.Bool(values.IntervalInfinity(a[0]) == 0 && when(parts(a[0])))
			}, values.BoolType, span),
			slack: slack,
		})
	}
	passed := func(at values.Datum, local bool) values.Datum {
		if at.IsErr() {
			return at
		}
		return values.Int(z.Passed(at, local))
	}
	// The local times that are reached.
	byMonths := func(at values.Datum, months int64) values.Datum { return z.LocalPlus(at, months, 0) }
	byDays := func(at values.Datum, months, days int64) values.Datum {
		if months != 0 {
			if at = byMonths(at, months); !at.IsErr() {
				at = z.Moment(at)
			}
		}
		if at.IsErr() {
			return at
		}
		return z.LocalPlus(at, 0, days)
	}
	some := func(months, days int64) bool { return months != 0 || days != 0 }
	anyMonths := func(months, _ int64) bool { return months != 0 }
	anyDays := func(_, days int64) bool { return days != 0 }

	stage("transitions", z.Spread(), some, func(at values.Datum, _, _ int64) values.Datum { return passed(at, false) })
	stage("days", 5*microsPerDay, anyMonths, func(at values.Datum, _, _ int64) values.Datum { return z.Date(at) })
	stage("transitions, by months", z.Spread(), anyMonths, func(at values.Datum, months, _ int64) values.Datum {
		return passed(byMonths(at, months), true)
	})
	stage("transitions, after months", z.Spread(), func(months, days int64) bool { return months != 0 && days != 0 }, func(at values.Datum, months, _ int64) values.Datum {
		if at = byMonths(at, months); !at.IsErr() {
			at = z.Moment(at)
		}
		return passed(at, false)
	})
	stage("transitions, by days", z.Spread(), anyDays, func(at values.Datum, months, days int64) values.Datum {
		return passed(byDays(at, months, days), true)
	})
}

// shownIn is a moment as the zone's clocks show it.
func shownIn(z *fn.Zone, at expr.Expr) expr.Expr {
	return native("shown in "+z.String(), func(a []values.Datum) values.Datum { return z.Local(a[0]) }, values.TimestampType, at)
}
