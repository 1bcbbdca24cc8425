package plan

import (
	"github.com/stepping-cdc/stepping-cdc/plan/compile"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/translate"
)

// Problem says why a view cannot be maintained.
type Problem = translate.Problem

// Settings are those of the session that views may depend on.
type Settings = translate.Settings

// ClockSource names the circuit's input for the present time.
const ClockSource = compile.ClockSource

// ErrorsOf names the output with a view's errors.
func ErrorsOf(view string) string { return compile.ErrorsOf(view) }

// Program is views compiled into one circuit.
type Program struct {
	*compile.Program
	Views []*Output
}

// Compile builds one circuit of all views, with common parts shared. The
// evaluator serves what Go does not compute itself.
func Compile(views []*Output, eval expr.Evaluator) *Program {
	in := make([]compile.View, len(views))
	for i, v := range views {
		in[i] = compile.View{Name: v.Name, Plan: v.Plan}
	}
	return &Program{Program: compile.Compile(in, eval), Views: views}
}
