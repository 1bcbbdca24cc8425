package expr

import "github.com/stepping-cdc/stepping-cdc/values"

// Held is a column whose errors are values: a row with one is none that failed. Those who read
// the column decide which rows' errors are asked for. It stands at the top of an expression only.
type Held struct{ Arg Expr }

// Hold is the expression, held. A constant error is one of every query that has it.
func Hold(e Expr) Expr {
	if _, constant := e.(*Const); constant {
		return e
	}
	return &Held{e}
}

// Type is that of the argument.
func (e *Held) Type() *values.Type { return e.Arg.Type() }

// Children are the argument.
func (e *Held) Children() []Expr { return []Expr{e.Arg} }

// With holds another one.
func (e *Held) With(c []Expr) Expr { return Hold(c[0]) }

func (e *Held) head() string { return "HELD" }
