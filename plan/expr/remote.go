package expr

import (
	"context"
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Evaluator computes Remote nodes in Postgres, a batch at a time.
type Evaluator interface {
	// EvalRemote returns one result for each row of arguments; an evaluation
	// that fails gives an error Datum. The error is for what is not the data's
	// fault (the connection), and may be retried.
	EvalRemote(ctx context.Context, call *Remote, args [][]values.Datum) ([]values.Datum, error)
}

// NewRemote builds a Remote node. A Remote argument is merged into it, so that
// nested calls travel once.
func NewRemote(sql []string, args []Expr, strict bool, t *values.Type) *Remote {
	r := &Remote{SQL: []string{sql[0]}, Strict: strict, T: t}
	for i, a := range args {
		last := len(r.SQL) - 1
		inner, remote := a.(*Remote)
		if t := a.Type(); !remote && (t.Kind == values.KindRecord || t.Anonymous()) {
			pieces, fields := Parts(a)
			whole := NewRemote(pieces, fields, false, t)
			r.SQL[last] += "(" + whole.SQL[0]
			r.SQL = append(r.SQL, whole.SQL[1:]...)
			r.SQL[len(r.SQL)-1] += ")" + sql[i+1]
			r.Args = append(r.Args, whole.Args...)
			r.Strict = false
			continue
		}
		if remote {
			r.SQL[last] += "(" + inner.SQL[0]
			r.SQL = append(r.SQL, inner.SQL[1:]...)
			r.SQL[len(r.SQL)-1] += ")" + sql[i+1]
			r.Args = append(r.Args, inner.Args...)
			r.Strict = r.Strict && inner.Strict
			continue
		}
		r.Args = append(r.Args, a)
		r.SQL = append(r.SQL, sql[i+1])
	}
	return r
}

// Query is the SQL with its arguments written by the given function.
func (e *Remote) Query(arg func(i int) string) string {
	var b strings.Builder
	b.WriteString(e.SQL[0])
	for i := range e.Args {
		b.WriteString(arg(i))
		b.WriteString(e.SQL[i+1])
	}
	return b.String()
}

// HasRemote says whether any of the expressions needs Postgres.
func HasRemote(exprs []Expr) bool { return anyIs[*Remote](exprs) }

// anyIs says whether any of the expressions holds a node of a kind.
func anyIs[T Expr](exprs []Expr) bool {
	found := false
	for _, e := range exprs {
		Walk(e, func(e Expr) {
			_, is := e.(T)
			found = found || is
		})
	}
	return found
}

// Extract takes the Remote nodes out of exprs over rows of the given width. The
// i-th call's result stands in column width+i of an extended row; its arguments
// read that row's earlier columns only. Equal calls are made once.
func Extract(exprs []Expr, width int) (calls []*Remote, rest []Expr) {
	at := map[string]int{}
	rest = make([]Expr, len(exprs))
	for i, e := range exprs {
		rest[i] = Map(e, func(e Expr) Expr {
			r, ok := e.(*Remote)
			if !ok {
				return e
			}
			id := String(r)
			n, seen := at[id]
			if !seen {
				n = len(calls)
				at[id] = n
				calls = append(calls, r)
			}
			return &Col{Index: width + n, T: r.T}
		})
	}
	return calls, rest
}

// Stage evaluates extracted calls over many rows.
type Stage struct {
	calls []*Remote
	args  [][]Eval
	eval  Evaluator
}

// NewStage prepares calls for evaluation.
func NewStage(calls []*Remote, eval Evaluator) *Stage {
	s := &Stage{calls: calls, eval: eval}
	for _, c := range calls {
		s.args = append(s.args, compileAll(c.Args))
	}
	return s
}

// Run returns the extended rows: each input row followed by the calls' results.
// An argument that is an error is handed on as the result.
func (s *Stage) Run(ctx context.Context, n int, row func(i int) []values.Datum) ([][]values.Datum, error) {
	ext := make([][]values.Datum, n)
	for i := range ext {
		r := row(i)
		ext[i] = append(make([]values.Datum, 0, len(r)+len(s.calls)), r...)
	}
	for c, call := range s.calls {
		var asked []int
		var args [][]values.Datum
	rows:
		for i := range ext {
			vals := make([]values.Datum, len(s.args[c]))
			null := false
			for j, a := range s.args[c] {
				vals[j] = a(ext[i])
				if vals[j].IsErr() {
					ext[i] = append(ext[i], vals[j])
					continue rows
				}
				null = null || vals[j].IsNull()
			}
			ext[i] = append(ext[i], values.Null)
			if null && call.Strict {
				continue
			}
			asked, args = append(asked, i), append(args, vals)
		}
		if len(asked) == 0 {
			continue
		}
		results, err := s.eval.EvalRemote(ctx, call, args)
		if err != nil {
			return nil, fmt.Errorf("evaluate %s in Postgres: %w", call.Query(func(i int) string { return fmt.Sprintf("$%d", i+1) }), err)
		}
		for k, i := range asked {
			ext[i][len(ext[i])-1] = results[k]
		}
	}
	return ext, nil
}
