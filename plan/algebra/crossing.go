package algebra

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// crossing is a comparison in which the time and the row are mixed, and which turns
// once as time passes: now() - span < ts. The time at which it turns is a function of
// the row alone. It is not found by solving for it, which each pair of functions
// would do in another way, but by bisection of the comparison itself.
type crossing struct {
	at     expr.Expr // the first time at which it has turned, of the bound's type
	steady expr.Expr // says of a row whether the comparison turns once, and does not fail at some times only
	bound  *expr.Clock
	test   Test // of at and the bound
}

// The comparison is asked of times from the year 1 to the year 11000, in days since
// 2000. Out there the clock does not go.
const firstTurn, lastTurn = -730_000, 3_290_000

// crossingOf finds the crossing that a comparison is; nil if it is none.
func crossingOf(e expr.Expr) *crossing {
	n, ok := e.(*expr.Native)
	if !ok || n.Cmp == "" || n.Cmp == "=" || n.Cmp == "<>" {
		return nil
	}
	t := &turning{places: map[string]int{}}
	left, right := t.direction(n.Args[0]), t.direction(n.Args[1])
	if t.bound == nil || !t.bound.Calm || len(t.args) == 0 || left == unknown || right == unknown || left == right {
		return nil
	}
	unit := int64(1)
	switch t.bound.Type().Kind {
	case values.KindDate:
	case values.KindTimestamp, values.KindTimestampTZ:
		unit = 86_400_000_000
	default:
		return nil
	}
	// Of a comparison by less it is the right side that makes it true by growing.
	rises := left == falling || right == rising
	if strings.HasPrefix(n.Cmp, ">") {
		rises = !rises
	}
	c := &crossing{bound: t.bound, test: Test{Op: ">"}}
	if rises {
		c.test.Op = "<="
	}
	b := &bisection{
		cond: expr.Compile(t.local(n)), row: make([]values.Datum, len(t.args)+1),
		first: firstTurn * unit, last: lastTurn * unit, rises: rises,
	}
	for _, s := range t.spans {
		b.spans = append(b.spans, expr.Compile(t.local(s)))
	}
	native := func(name string, f func([]values.Datum) values.Datum, ty *values.Type) expr.Expr {
		return &expr.Native{Func: &fn.Func{FN: f}, Name: name + "(" + expr.String(n) + ")", Total: true, Args: t.args, T: ty}
	}
	c.at = native("turning time", b.at, t.bound.Type())
	c.steady = native("turns once", b.steady, values.BoolType)
	return c
}

// direction is how an expression moves as time passes.
type direction int8

const (
	still direction = iota
	rising
	falling
	unknown
)

// turning looks at how the parts of a comparison move.
type turning struct {
	bound *expr.Clock
	// args is what the comparison reads of the row: columns, and what Postgres makes
	// of them. Behind them the bisection's own row has the time.
	args   []expr.Expr
	places map[string]int
	spans  []expr.Expr // intervals by which a moving time is shifted
}

// moves are the functions that move with an argument (+), or against it (-), or by it
// alone if it stands still (s): then it is an interval, and only one without months
// keeps times in their order.
var moves = map[string]string{
	"timestamptz_mi": "+-", "timestamp_mi": "+-", "date_mi": "+-",
	"timestamptz_pl_interval": "+s", "timestamptz_mi_interval": "+s", "interval_pl_timestamptz": "s+",
	"timestamp_pl_interval": "+s", "timestamp_mi_interval": "+s", "interval_pl_timestamp": "s+",
	"date_pl_interval": "+s", "date_mi_interval": "+s", "interval_pl_date": "s+",
	"date_pli": "+-", "date_mii": "+-", "integer_pl_date": "++",
	"int4pl": "++", "int4mi": "+-", "interval_pl": "++", "interval_mi": "+-",
}

// direction looks at an expression. Functions that depend on the time zone are native
// where it has no summer time, or makes no difference; elsewhere they are unknown.
func (t *turning) direction(e expr.Expr) direction {
	switch e := e.(type) {
	case *expr.Clock:
		if t.bound != nil && (expr.String(t.bound) != expr.String(e) || t.bound.Type().SQL != e.Type().SQL) {
			return unknown
		}
		t.bound = e
		return rising
	case *expr.Native:
		if expr.HasClock(e) {
			return t.call(e)
		}
	}
	if expr.HasClock(e) {
		return unknown
	}
	t.read(e)
	return still
}

// read makes arguments of what an expression reads.
func (t *turning) read(e expr.Expr) {
	switch e.(type) {
	case *expr.Col, *expr.Remote:
		id := expr.String(e) + e.Type().SQL
		if _, seen := t.places[id]; !seen {
			t.places[id] = len(t.args)
			t.args = append(t.args, e)
		}
		return
	}
	for _, c := range e.Children() {
		t.read(c)
	}
}

func (t *turning) call(e *expr.Native) direction {
	name, _, _ := strings.Cut(e.Name, "(")
	if name == "extract" || name == "date_part" {
		return t.field(e)
	}
	signs, ok := moves[name]
	if !ok || len(signs) != len(e.Args) || !e.Func.Strict {
		return unknown
	}
	out := still
	for i, a := range e.Args {
		d := t.direction(a)
		switch {
		case d == unknown || signs[i] == 's' && d != still:
			return unknown
		case signs[i] == 's':
			t.spans = append(t.spans, a)
			continue
		case signs[i] == '-' && d != still:
			d = rising + falling - d
		}
		if out != still && d != still && d != out {
			return unknown
		}
		out = max(out, d)
	}
	return out
}

// field is the length of a difference of times, or the days of it.
func (t *turning) field(e *expr.Native) direction {
	field, ok := e.Args[0].(*expr.Const)
	diff, call := e.Args[1].(*expr.Native)
	if !ok || field.V.IsNull() || field.V.IsErr() || !call {
		return unknown
	}
	switch diff.Name {
	case "timestamptz_mi(timestamptz,timestamptz)", "timestamp_mi(timestamp,timestamp)":
		if f := field.V.Str(); f == "epoch" || f == "day" {
			return t.call(diff)
		}
	}
	return unknown
}

// local is an expression over the bisection's own row.
func (t *turning) local(e expr.Expr) expr.Expr {
	switch e.(type) {
	case *expr.Clock:
		return &expr.Col{Index: len(t.args), Name: "now", T: e.Type()}
	case *expr.Col, *expr.Remote:
		return &expr.Col{Index: t.places[expr.String(e)+e.Type().SQL], T: e.Type()}
	}
	children := e.Children()
	if len(children) == 0 {
		return e
	}
	to := make([]expr.Expr, len(children))
	for i, c := range children {
		to[i] = t.local(c)
	}
	return e.With(to)
}

// bisection finds where a condition turns.
type bisection struct {
	cond        expr.Eval
	spans       []expr.Eval
	row         []values.Datum
	first, last int64
	rises       bool
}

func (b *bisection) ask(t int64) values.Datum {
	b.row[len(b.row)-1] = values.Int(t)
	return b.cond(b.row)
}

// at is the first time at which the condition has turned: the first of all if it had
// before, and one that does not come if it never does. A condition that is NULL or an
// error is so at any time.
func (b *bisection) at(args []values.Datum) values.Datum {
	copy(b.row, args)
	early, late := b.ask(b.first), b.ask(b.last)
	switch {
	case early.IsErr() || early.IsNull():
		return early
	case late.IsErr() || late.IsNull():
		return late
	case early.IsTrue() == b.rises:
		return values.Int(b.first)
	case late.IsTrue() != b.rises:
		return values.Int(b.last + 1)
	}
	before, from := b.first, b.last // not turned, turned
	for from-before > 1 {
		mid := before + (from-before)/2
		v := b.ask(mid)
		if v.IsErr() {
			return v
		}
		if v.IsTrue() == b.rises {
			from = mid
		} else {
			before = mid
		}
	}
	return values.Int(from)
}

// steady says whether at is all there is to know. A shift by months keeps no order: a
// month after the noon of January 30 is later than one after the midnight that
// follows. And near the end of what a timestamp can be, the condition fails at some
// times and not at others.
func (b *bisection) steady(args []values.Datum) values.Datum {
	copy(b.row, args)
	for _, s := range b.spans {
		if v := s(b.row); !v.IsNull() && !v.IsErr() {
			if months, _, _ := v.Interval(); months != 0 {
				return values.Bool(false)
			}
		}
	}
	early, late := b.ask(b.first), b.ask(b.last)
	return values.Bool(early.IsErr() == late.IsErr() && early.IsNull() == late.IsNull() &&
		(early.IsErr() || early.IsNull() || early.IsTrue() == late.IsTrue() || late.IsTrue() == b.rises))
}
