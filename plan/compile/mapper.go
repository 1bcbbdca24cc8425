package compile

import (
	"context"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// mapper is a compiled filter and projection.
type mapper struct {
	stage *expr.Stage // nil without remote calls
	conds []expr.Eval
	exprs []expr.Eval
	cols  []algebra.Column // of the input relation, for error reports
	at    []int            // where they are in the stream's rows
	held  []int            // of exprs: their errors are values
	asker *asker           // of the aggregates below and above
}

// newMapper compiles conditions and expressions over the rows of a stream that
// holds the given columns at the given places.
func newMapper(conds, exprs []expr.Expr, width int, cols []algebra.Column, at []int, eval *labeler) *mapper {
	m := &mapper{cols: cols, at: at}
	all := append(conds[:len(conds):len(conds)], exprs...)
	if expr.HasRemote(all) {
		calls, rest := expr.Extract(all, width)
		eval.know(calls)
		eval.b.Alone() // there is one connection to ask over
		m.stage = expr.NewStage(calls, eval)
		conds, exprs = rest[:len(conds)], rest[len(conds):]
	}
	m.conds, m.exprs = compileAll(conds), compileAll(exprs)
	return m
}

// run is the operator's function. With bad nil no evaluation can fail.
func (m *mapper) run(ctx context.Context, in, good, bad *circuit.Batch) error {
	if m.asker.asks {
		m.asker.ctx = ctx
	}
	var ext [][]values.Datum
	if m.stage != nil {
		var err error
		if ext, err = m.stage.Run(ctx, in.Len(), in.Row); err != nil {
			return err
		}
	}
rows:
	for i := range in.Len() {
		row := in.Row(i)
		if ext != nil {
			row = ext[i]
		}
		var failed values.Datum
		for _, c := range m.conds {
			v := c(row)
			if v.IsErr() {
				failed = v
				continue // another condition may yet drop the row
			}
			if !v.IsTrue() {
				continue rows
			}
		}
		if failed.IsErr() {
			if err := m.report(bad, failed, in.Row(i), in.W[i]); err != nil {
				return err
			}
			continue
		}
		to := good.Grow(in.W[i])
		for j, e := range m.exprs {
			v := e(row)
			if v.IsErr() && slices.Contains(m.held, j) {
				if v.Err().SQLState == unanswered {
					return m.asker.failure()
				}
			} else if v.IsErr() && bad != nil {
				good.Data, good.W = good.Data[:len(good.Data)-good.Width], good.W[:len(good.W)-1]
				if err := m.report(bad, v, in.Row(i), in.W[i]); err != nil {
					return err
				}
				continue rows
			}
			to[j] = v
		}
	}
	return nil
}

// report writes an error row: SQLSTATE, message, and the row that failed. It
// fails if the value is no fault of the data.
func (m *mapper) report(bad *circuit.Batch, failed values.Datum, row []values.Datum, w int64) error {
	err := failed.Err()
	if err.SQLState == unanswered {
		return m.asker.failure()
	}
	to := bad.Grow(w)
	to[0] = values.String(err.SQLState)
	to[1] = values.String(err.Message)
	to[2] = values.String(m.describe(row))
	return nil
}

// describe shows the row that failed for people.
func (m *mapper) describe(row []values.Datum) string {
	var b []byte
	for i, col := range m.cols {
		if col.Hidden || expr.HoldsLabels(col.Type) {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, col.Name...)
		b = append(b, '=')
		switch d := row[m.at[i]]; {
		case d.IsNull():
			b = append(b, "NULL"...)
		case d.IsErr():
			b = append(b, "error"...)
		default:
			text, err := values.AppendText(b, col.Type, d)
			if err != nil {
				b = append(b, '?')
				continue
			}
			b = text
		}
	}
	return string(b)
}
