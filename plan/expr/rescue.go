package expr

import (
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Rescue is its argument, or Else where that fails with an error that From accepts.
type Rescue struct {
	Arg, Else Expr
	From      func(*values.Error) bool
}

// Type is that of the argument.
func (e *Rescue) Type() *values.Type { return e.Arg.Type() }

// Children are the argument and Else.
func (e *Rescue) Children() []Expr { return []Expr{e.Arg, e.Else} }

// With is the same over others.
func (e *Rescue) With(c []Expr) Expr { return &Rescue{Arg: c[0], Else: c[1], From: e.From} }

func (e *Rescue) head() string { return "RESCUE" }

func compileRescue(e *Rescue) Eval {
	arg, instead, from := Compile(e.Arg), Compile(e.Else), e.From
	return func(row []values.Datum) values.Datum {
		v := arg(row)
		if v.IsErr() && from(v.Err()) {
			return instead(row)
		}
		return v
	}
}
