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
		call.Rank.Dictionaries(call.Args[0].Type(), func(o *expr.Order, of *values.Type) {
			if id := o.String(); l.rankings[id] == nil {
				l.rankings[id] = l.b.Ranking("Order of "+id, l.ranks(o, of))
			}
		})
	}
}

// EvalRemote implements expr.Evaluator.
func (l *labeler) EvalRemote(ctx context.Context, call *expr.Remote, args [][]values.Datum) ([]values.Datum, error) {
	if call.Rank == nil {
		return l.eval.EvalRemote(ctx, call, args)
	}
	vals := make([]values.Datum, len(args))
	for i, a := range args {
		vals[i] = a[0]
	}
	labels, err := l.labels(ctx, call.Rank, call.Args[0].Type(), vals)
	if err != nil {
		return nil, fmt.Errorf("sort by %s: %w", call.Rank.Name, err)
	}
	return labels, nil
}

// labels gives the labels of values of a type, of NULL that it is NULL.
func (l *labeler) labels(ctx context.Context, o *expr.Order, t *values.Type, vals []values.Datum) ([]values.Datum, error) {
	switch {
	case o.Elem != nil:
		return l.labelElements(ctx, o, t, vals)
	case o.Fields != nil:
		return l.labelFields(ctx, o, t, vals)
	}
	out := make([]values.Datum, len(vals))
	var asked []string
	for _, v := range vals {
		if !v.IsNull() {
			asked = append(asked, string(values.AppendRow(nil, []values.Datum{v})))
		}
	}
	labels, err := l.rankings[o.String()].Labels(ctx, asked)
	if err != nil {
		return nil, err
	}
	for i, v := range vals {
		if !v.IsNull() {
			out[i], labels = values.String(labels[0]), labels[1:]
		}
	}
	return out, nil
}

// labelElements asks for the labels of all arrays' elements at once.
func (l *labeler) labelElements(ctx context.Context, o *expr.Order, t *values.Type, vals []values.Datum) ([]values.Datum, error) {
	arrays := make([]values.Array, len(vals))
	var elems []values.Datum
	for i, v := range vals {
		if v.IsNull() {
			continue
		}
		var err error
		if arrays[i], err = values.ReadArray(v); err != nil {
			return nil, err
		}
		if elems, err = values.Elements(elems, t, v); err != nil {
			return nil, err
		}
	}
	labels, err := l.labels(ctx, o.Elem, t.Elem, elems)
	if err != nil {
		return nil, err
	}
	of := o.LabelType(t)
	out := make([]values.Datum, len(vals))
	for i, v := range vals {
		if v.IsNull() {
			continue
		}
		n := arrays[i].Len()
		if out[i], err = values.MakeArrayDims(of, arrays[i].Dims(), labels[:n]); err != nil {
			return nil, err
		}
		labels = labels[n:]
	}
	return out, nil
}

// labelFields puts labels in the place of those fields of records that have an
// order.
func (l *labeler) labelFields(ctx context.Context, o *expr.Order, t *values.Type, vals []values.Datum) ([]values.Datum, error) {
	records := make([][]values.Datum, len(vals))
	for i, v := range vals {
		if v.IsNull() {
			continue
		}
		var err error
		if records[i], err = values.Fields(nil, v); err != nil {
			return nil, err
		}
		if len(records[i]) != len(o.Fields) {
			return nil, fmt.Errorf("a record of %d fields, want %d", len(records[i]), len(o.Fields))
		}
	}
	column := make([]values.Datum, len(vals))
	for f, order := range o.Fields {
		if order == nil {
			continue
		}
		for i, r := range records {
			if column[i] = values.Null; r != nil {
				column[i] = r[f]
			}
		}
		labels, err := l.labels(ctx, order, t.Fields[f].Type, column)
		if err != nil {
			return nil, err
		}
		for i, r := range records {
			if r != nil {
				r[f] = labels[i]
			}
		}
	}
	out := make([]values.Datum, len(vals))
	for i, r := range records {
		if r != nil {
			out[i] = values.MakeRecord(r)
		}
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
