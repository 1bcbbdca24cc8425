// Package turn finds when an expression of a row and of the present time takes
// another value: ts > now() - span turns once in each row, extract(day FROM now() - ts)
// once a day. The time at which it does is a function of the row. It is not found by
// solving for it, which each combination of functions would do in another way, but by
// bisection of the expression itself, of which no more need be known than in which
// direction it moves as time passes, and over which stretches.
//
// The package knows which functions move how, and what of time keeps no order. It must
// not know of relations and circuits.
package turn

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Turn is an expression that has the same value for a while, and what tells when it has
// another one.
type Turn struct {
	// Leaf is what it reads of the time. Here, time is the value of that: a date, if it is
	// current_date.
	Leaf *expr.Clock
	// Value is the expression.
	Value expr.Expr
	// probe changes whenever the value does, and goes in one direction over each stretch
	// between two breaks, and from any time to one that is later by the slack.
	probe  expr.Expr
	breaks []aBreak
}

// aBreak ends stretches over which an expression moves in one direction: whenever its
// probe changes, which itself rises or falls between the breaks before it in the list.
type aBreak struct {
	probe expr.Expr
	// when says of a row whether there are such breaks in it; nil if there always are.
	when expr.Expr
	// slack is how long it may take, in microseconds, until order is restored.
	slack int64
}

const (
	microsPerDay  = 86_400_000_000
	microsPerHour = 3_600_000_000
)

// Of finds the turn that an expression is; nil if it is none: if it does not move, or
// changes all the time, or nothing is known of how.
func Of(e expr.Expr) *Turn {
	n, ok := e.(*expr.Native)
	if !ok || !expr.HasClock(n) {
		return nil
	}
	if t := of(n); t != nil {
		return t
	}
	opened, _ := open(n).(*expr.Native)
	if opened == nil || expr.String(opened) == expr.String(n) {
		return nil
	}
	return of(opened)
}

func of(n *expr.Native) *Turn {
	a := &analysis{}
	probe := a.probe(n)
	if probe == nil || a.leaf == nil || !a.leaf.Calm {
		return nil
	}
	switch a.leaf.Type().Kind {
	case values.KindDate, values.KindTimestamp, values.KindTimestampTZ:
		return &Turn{Leaf: a.leaf, Value: n, probe: probe, breaks: a.once()}
	}
	return nil
}

// open puts expressions of the time in the place of what they are computed from: the
// clock as such.
func open(e expr.Expr) expr.Expr {
	return expr.Map(e, func(e expr.Expr) expr.Expr {
		c, ok := e.(*expr.Clock)
		if !ok || expr.HasRemote([]expr.Expr{c.H}) {
			return e
		}
		return expr.Substitute(c.H, []expr.Expr{expr.NewClock()})
	})
}

// once is the breaks without those that were found again, in what is read twice.
func (a *analysis) once() []aBreak {
	var out []aBreak
	seen := map[string]int{}
	for _, b := range a.breaks {
		id := expr.String(b.probe)
		if b.when != nil {
			id += " if " + expr.String(b.when)
		}
		if at, ok := seen[id]; ok {
			out[at].slack = max(out[at].slack, b.slack)
			continue
		}
		seen[id] = len(out)
		out = append(out, b)
	}
	return out
}

// Parts are all expressions that a Finder computes, for what has to be computed
// beforehand; With is the turn over others.
func (t *Turn) Parts() []expr.Expr {
	out := []expr.Expr{t.Value, t.probe}
	for _, b := range t.breaks {
		out = append(out, b.probe)
		if b.when != nil {
			out = append(out, b.when)
		}
	}
	return out
}

// With is the turn with other parts, in the order in which Parts gives them.
func (t *Turn) With(parts []expr.Expr) *Turn {
	out := &Turn{Leaf: t.Leaf, Value: parts[0], probe: parts[1]}
	parts = parts[2:]
	for _, b := range t.breaks {
		b.probe, parts = parts[0], parts[1:]
		if b.when != nil {
			b.when, parts = parts[0], parts[1:]
		}
		out.breaks = append(out.breaks, b)
	}
	return out
}
