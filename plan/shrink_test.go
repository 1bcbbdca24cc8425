package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// shrinkWrong cuts the first of the queries that is wrong on its own down to a smallest
// one that Postgres takes and that is wrong in the same way. It takes minutes.
func shrinkWrong(t *testing.T, queries []string) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema+randomview.MoreSchema+randomview.InSummerTime)
	conn = connect(t, dsn)
	for _, query := range queries {
		first := wrongness(t, dsn, conn, query)
		if first == "" {
			continue
		}
		small := shrink(query, func(q string) bool {
			w := wrongness(t, dsn, conn, q)
			return w != "" && kindOf(w) == kindOf(first)
		})
		t.Logf("shrunk to\n%s\n%s", small, wrongness(t, dsn, conn, small))
		return
	}
	t.Log("none is wrong without the others")
}

// alone is a view's query with those of others that it mentions in their places.
func alone(views []plan.View, name string) string {
	query := queryOf(views, name)
	for _, v := range slices.Backward(views) {
		query = strings.ReplaceAll(query, "FROM "+v.Name+")", "FROM ("+v.Query+") "+v.Name+")")
	}
	return query
}

// kindOf tells ways of being wrong apart, errors by their SQLSTATE.
func kindOf(wrong string) string {
	return strings.SplitN(wrong, ":", 2)[0] + sqlState.FindString(wrong)
}

var sqlState = regexp.MustCompile(`error: [0-9A-Z]{5}\b`)

// wrongness says what is wrong with a view, over some rounds of random writes.
func wrongness(t *testing.T, dsn string, conn *pgx.Conn, query string) (wrong string) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, "BEGIN; CREATE TEMP VIEW v AS "+query+"; ROLLBACK"); err != nil {
		_, _ = conn.Exec(t.Context(), "ROLLBACK")
		return ""
	}
	sub := &quiet{TB: t}
	defer sub.close()
	defer func() {
		if p := recover(); p != nil {
			if wrong = sub.said; wrong == "" {
				wrong = fmt.Sprintf("panic: %v", p)
			}
		}
	}()
	a, err := plan.Analyze(ctx, connect(sub, dsn), []plan.View{{Name: "v", Query: query}}, plan.Reserved{"stepping", "stepping_cdc"})
	if err != nil || len(a.Problems) > 0 {
		return ""
	}
	r := rigOf(sub, dsn, a, rand.New(rand.NewPCG(1, 2)))
	r.loose["v"] = true
	r.written = randomview.ViewTables
	mustExec(sub, r.conn, "SET statement_timeout = '5s'; SET max_parallel_workers_per_gather = 0")
	for range 8 {
		for range 6 + r.rnd.IntN(12) {
			r.write()
		}
		r.shrink()
		r.feed(3)
		if r.prog.Clock {
			r.tick(randomview.Time(r.rnd, r.clock))
		}
		for _, v := range a.Outputs {
			if diff := r.differs(v); diff != "" {
				return "differs: " + diff
			}
		}
	}
	return ""
}

// quiet is a test whose failure is caught: it panics.
type quiet struct {
	testing.TB
	said     string
	cleanups []func()
}

func (q *quiet) Helper()             {}
func (q *quiet) Cleanup(f func())    { q.cleanups = append(q.cleanups, f) }
func (q *quiet) Logf(string, ...any) {}
func (q *quiet) Failed() bool        { return q.said != "" }
func (q *quiet) Fatal(args ...any)   { q.said = "fatal " + fmt.Sprint(args...); panic(q) }
func (q *quiet) Fatalf(format string, args ...any) {
	q.said = "fatal " + fmt.Sprintf(format, args...)
	panic(q)
}
func (q *quiet) close() {
	for i := len(q.cleanups) - 1; i >= 0; i-- {
		q.cleanups[i]()
	}
}

var token = regexp.MustCompile(`'(?:[^']|'')*'|"[^"]*"|[\w.]+|::|[<>=!@#%^&|*~?+-]+|\s+|.`)

// shrink takes parts of a query away while wrong says that it is still wrong.
func shrink(query string, wrong func(string) bool) string {
	tokens := token.FindAllString(query, -1)
	try := func(candidate []string) bool {
		if q := strings.Join(candidate, ""); wrong(q) {
			tokens = candidate
			return true
		}
		return false
	}
	splice := func(i, j int, with ...string) []string {
		out := append([]string{}, tokens[:i]...)
		return append(append(out, with...), tokens[j:]...)
	}
	for again := true; again; {
		again = false
		// Whole expressions and sub-queries: by a constant, or by what is inside them.
		for i := 0; i < len(tokens); i++ {
			j := groupEnd(tokens, i)
			if j <= i+1 {
				continue
			}
			for _, with := range []string{"", "NULL", "1", "true", "'a'"} {
				if try(splice(i, j, with)) {
					again = true
					break
				}
			}
			if j = groupEnd(tokens, i); j > i+1 && tokens[i] == "(" && try(splice(i, j, tokens[i+1:j-1]...)) {
				again = true
			}
		}
		for size := min(len(tokens)/2, 40); size > 0; size-- {
			for i := 0; i+size <= len(tokens); i++ {
				if strings.TrimSpace(strings.Join(tokens[i:i+size], "")) == "" {
					continue
				}
				if try(splice(i, i+size)) {
					again = true
				}
			}
		}
	}
	return strings.Join(strings.Fields(strings.Join(tokens, "")), " ")
}

// groupEnd is where the parenthesis, CASE or call that begins at i ends; i itself if
// none does.
func groupEnd(tokens []string, i int) int {
	open, end := "(", ")"
	j := i
	switch {
	case tokens[i] == "CASE":
		open, end = "CASE", "END"
	case tokens[i] == "(":
	case i+1 < len(tokens) && tokens[i+1] == "(" && regexp.MustCompile(`^\w+$`).MatchString(tokens[i]):
		j = i + 1
	default:
		return i
	}
	for depth := 0; j < len(tokens); j++ {
		switch tokens[j] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return j + 1
			}
		}
	}
	return i
}
