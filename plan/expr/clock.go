package expr

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Clock is an expression of the present time and constants alone: H, over a row
// whose one column is the time of the transaction. Fold makes it as large as it
// gets; from outside it is a leaf.
type Clock struct {
	H Expr
	// Calm: it cannot fail and gives no infinity, whatever the time in the next
	// thousands of years, so it may be evaluated early.
	Calm bool
}

// NewClock is the time itself.
func NewClock() *Clock {
	return &Clock{H: &Col{Index: 0, Name: "now", T: values.TimestampTZType}, Calm: true}
}

// Type is that of H.
func (e *Clock) Type() *values.Type { return e.H.Type() }

// Children are none.
func (e *Clock) Children() []Expr { return nil }

// With is itself.
func (e *Clock) With([]Expr) Expr { return e }

func (e *Clock) head() string { return "clock[" + String(e.H) + "]" }

// HasClock says whether any of the expressions depends on the present time.
func HasClock(es ...Expr) bool { return anyIs[*Clock](es) }

// lift makes one Clock of an expression of clocks and constants; nil if it is
// none.
func lift(e Expr) Expr {
	clocked := false
	calm := calmCall(e)
	children := e.Children()
	inner := make([]Expr, len(children))
	for i, c := range children {
		switch c := c.(type) {
		case *Const:
			inner[i] = c
			calm = calm && !c.V.IsNull() && !c.V.IsErr()
		case *Clock:
			clocked = true
			inner[i] = c.H
			calm = calm && c.Calm
		default:
			return nil
		}
	}
	if !clocked {
		return nil
	}
	if r, ok := e.(*Remote); ok {
		if r.Rank != nil {
			return nil
		}
		return &Clock{H: NewRemote(r.SQL, inner, r.Strict, r.T), Calm: calm}
	}
	return &Clock{H: e.With(inner), Calm: calm}
}

// calmShifts move a time by a constant; calmCasts are conversions between times.
// Neither fails, nor gives an infinity, over times near the present.
var (
	calmShifts = map[string]bool{
		"timestamptz_pl_interval": true, "timestamptz_mi_interval": true, "interval_pl_timestamptz": true,
		"timestamp_pl_interval": true, "timestamp_mi_interval": true, "interval_pl_timestamp": true,
		"date_pl_interval": true, "date_mi_interval": true, "interval_pl_date": true,
		"date_pli": true, "date_mii": true, "integer_pl_date": true,
	}
	calmCasts = map[string]bool{
		"date(timestamptz)": true, "date(timestamp)": true, "timestamp(timestamptz)": true, "timestamp(date)": true,
		"timestamptz(date)": true, "timestamptz(timestamp)": true,
		"timestamptz(timestamptz,int4)": true, "timestamp(timestamp,int4)": true,
	}
)

// calmCall says whether a call over calm arguments is calm.
func calmCall(e Expr) bool {
	name, args := "", e.Children()
	switch e := e.(type) {
	case *Native:
		if e.Total {
			return true
		}
		name = e.Name
	case *Remote:
		name = e.Func
	default:
		return false
	}
	if calmCasts[name] {
		return true
	}
	name, _, _ = strings.Cut(name, "(")
	if !calmShifts[name] {
		return false
	}
	for _, a := range args {
		if c, ok := a.(*Const); ok && !smallShift(c) {
			return false
		}
	}
	return true
}

// smallShift says whether a constant is no more than about a hundred years.
func smallShift(c *Const) bool {
	const months, days, micros = 1200, 36600, 36600 * 86_400_000_000
	if c.V.IsNull() || c.V.IsErr() {
		return false
	}
	switch c.T.Kind {
	case values.KindInt4:
		return -days < c.V.Int64() && c.V.Int64() < days
	case values.KindInterval:
		m, d, us := c.V.Interval()
		return -months < m && m < months && -days < d && d < days && -micros < us && us < micros
	}
	return false
}
