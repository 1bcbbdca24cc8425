package compile

import (
	"context"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// labeler is the evaluator of a circuit's expressions: labels come from a
// dictionary for each order, which the circuit keeps, and all else from Postgres.
type labeler struct {
	b        *circuit.Builder
	eval     expr.Evaluator
	rankings map[string]*circuit.Ranking // by order and type
}

func newLabeler(b *circuit.Builder, eval expr.Evaluator) *labeler {
	return &labeler{b: b, eval: eval, rankings: map[string]*circuit.Ranking{}}
}

// know adds the dictionaries that calls need.
func (l *labeler) know(calls []*expr.Remote) {
	for _, call := range calls {
		if call.Rank == nil {
			continue
		}
		if id := call.Rank.String(); l.rankings[id] == nil {
			l.rankings[id] = l.b.Ranking("Order of "+id, l.ranks(call.Rank, call.Args[0].Type()))
		}
	}
}

// EvalRemote implements expr.Evaluator.
func (l *labeler) EvalRemote(ctx context.Context, call *expr.Remote, args [][]values.Datum) ([]values.Datum, error) {
	if call.Rank == nil {
		return l.eval.EvalRemote(ctx, call, args)
	}
	vals := make([]string, len(args))
	for i, a := range args {
		vals[i] = string(values.AppendRow(nil, a))
	}
	labels, err := l.rankings[call.Rank.String()].Labels(ctx, vals)
	if err != nil {
		return nil, fmt.Errorf("sort by %s: %w", call.Rank.Name, err)
	}
	out := make([]values.Datum, len(labels))
	for i, label := range labels {
		out[i] = values.String(label)
	}
	return out, nil
}

// ranks makes the function that asks Postgres for the order of values.
func (l *labeler) ranks(order *expr.Order, t *values.Type) circuit.RankFunc {
	call, array := order.Call, order.Call.Args[0].Type()
	return func(ctx context.Context, vals []string) ([]int, error) {
		elems := make([]values.Datum, len(vals))
		var row []values.Datum
		for i, v := range vals {
			var err error
			if row, err = values.DecodeRow([]byte(v), row[:0]); err != nil {
				return nil, err
			}
			if elems[i] = row[0]; t.TextInArrays() {
				text, err := values.AppendText(nil, t, row[0])
				if err != nil {
					return nil, err
				}
				elems[i] = values.String(string(text))
			}
		}
		all, err := values.MakeArray(array, elems)
		if err != nil {
			return nil, err
		}
		out, err := l.eval.EvalRemote(ctx, call, [][]values.Datum{{all}})
		if err != nil {
			return nil, err
		}
		if len(out) != 1 || out[0].IsNull() {
			return nil, fmt.Errorf("%d answers to one question, or none", len(out))
		}
		if e := out[0].Err(); e != nil {
			return nil, e
		}
		if elems, err = values.Elements(elems[:0], call.T, out[0]); err != nil {
			return nil, err
		}
		if len(elems) != len(vals) {
			return nil, fmt.Errorf("an answer of %d values for %d", len(elems), len(vals))
		}
		ranks := make([]int, len(elems))
		for i, e := range elems {
			n := int(e.Int64())
			switch {
			case !order.Total:
				ranks[i] = n
			case n < 1 || n > len(ranks):
				return nil, fmt.Errorf("place %d of %d", n, len(ranks))
			default:
				ranks[n-1] = i
			}
		}
		return ranks, nil
	}
}
