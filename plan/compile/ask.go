package compile

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// asker lets an aggregate ask Postgres for the value of a group. A Fold can
// neither see the step's context nor fail: the context comes from the operator
// below it, and a question that got no answer becomes a value that the operator
// above recognizes, which then fails the step. Such values are all different, so
// that the aggregate never takes a group's row for unchanged because of them.
type asker struct {
	eval  expr.Evaluator
	ctx   context.Context
	err   error
	asked uint64
	asks  bool // there is such an aggregate
}

// unanswered is the SQLSTATE of a question without an answer; no server uses it.
const unanswered = "XX???"

func (a *asker) ask(call *expr.Remote, args []values.Datum) values.Datum {
	out, err := a.eval.EvalRemote(a.ctx, call, [][]values.Datum{args})
	if err == nil && len(out) != 1 {
		err = fmt.Errorf("%d answers to one question", len(out))
	}
	if err != nil {
		a.err = err
		a.asked++
		return values.Errorf(unanswered, "%d", a.asked)
	}
	return out[0]
}

// failure is the error behind an unanswered question.
func (a *asker) failure() error {
	if a.err == nil {
		return errors.New("aggregate in Postgres: a question without an answer was kept")
	}
	return fmt.Errorf("aggregate in Postgres: %w", a.err)
}

// whole makes the function of an aggregate that Postgres computes over all rows
// of the group, an array for each argument.
func (a *asker) whole(n algebra.Agg) func(circuit.Entries) values.Datum {
	call := n.Remote
	columns := make([][]values.Datum, len(call.Args))
	return func(entries circuit.Entries) values.Datum {
		for i := range columns {
			columns[i] = columns[i][:0]
		}
		for ok := entries.First(); ok; ok = entries.Next() {
			for i, v := range entries.Args() {
				if t := n.Args[i].Type(); t.TextInArrays() && !v.IsNull() {
					text, err := values.AppendText(nil, t, v)
					if err != nil {
						return values.Errorf("XX000", "%v", err)
					}
					v = values.String(string(text))
				}
				for range entries.Weight() {
					columns[i] = append(columns[i], v)
				}
			}
		}
		if len(columns[0]) == 0 {
			return n.Empty
		}
		group := make([]values.Datum, len(columns))
		for i, c := range columns {
			array, err := values.MakeArray(call.Args[i].Type(), c)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			group[i] = array
		}
		return a.ask(call, group)
	}
}
