package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/moment"
	"github.com/stepping-cdc/stepping-cdc/sink"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Sample is a row that one side lacks.
type Sample struct {
	Side   string    `json:"side"` // "missing" or "extra"
	Copies int64     `json:"copies"`
	Row    []*string `json:"row"` // as text; null is NULL
}

// compare compares one view under the snapshot.
func (v *verifier) compare(ctx context.Context, o *plan.Output) (ViewVerdict, error) {
	verdict := ViewVerdict{View: o.Name, Verdict: Equal}
	table := v.table(o)
	query := "SELECT * FROM pg_temp." + pgx.Identifier{o.Name}.Sanitize()
	var sums multiset
	var err error
	verdict.QueryRows, err = v.read(ctx, v.source, o.Name, query, sums.subtract)
	if pg := sqlError(err); pg != nil {
		verdict.Verdict, verdict.Error = Failing, pg.Message+" (SQLSTATE "+pg.Code+")"
		return verdict, nil
	}
	if err != nil {
		return verdict, err
	}
	verdict.OutputRows, err = v.read(ctx, v.output, o.Name, table, sums.add)
	if pg := sqlError(err); pg != nil {
		verdict.Verdict, verdict.Error = Absent, pg.Message
		return verdict, nil
	}
	if err != nil || sums.empty() {
		return verdict, err
	}
	// Once more, for the rows that make the difference.
	var rest residue
	collect := func(w int64) func([]byte) {
		return func(row []byte) {
			if sums.differs(row) {
				rest.add(row, w)
			}
		}
	}
	if _, err = v.read(ctx, v.output, o.Name, table, collect(1)); err != nil {
		return verdict, err
	}
	if _, err = v.read(ctx, v.source, o.Name, query, collect(-1)); err != nil {
		return verdict, err
	}
	types := make([]*values.Type, len(o.Columns))
	for i, c := range o.Columns {
		types[i] = c.Type
	}
	if !rest.full {
		equal, err := v.classes(ctx, &rest, types)
		if err != nil {
			return verdict, err
		}
		verdict.Similar = rest.cancelSimilar(types, equal)
	}
	verdict.Extra, verdict.Missing = rest.counts()
	if verdict.Extra+verdict.Missing > 0 {
		verdict.Verdict = Differs
		verdict.Samples = samples(&rest, v.opts.Samples)
	}
	if rest.full {
		verdict.Error = "more rows differ than were kept; the counts are too low"
	}
	return verdict, nil
}

// classes asks Postgres which of the texts in the columns of rows are equal, where
// only it knows that: of each such column, the number of a text's class. It is nil for
// other columns, and where Postgres has no answer either.
func (v *verifier) classes(ctx context.Context, r *residue, types []*values.Type) ([]map[string]int64, error) {
	out := make([]map[string]int64, len(types))
	for i, t := range types {
		if values.Equatable(t) || len(r.rows) == 0 {
			continue
		}
		seen := map[string]bool{}
		var texts []string
		for row := range r.rows {
			if f := copyFields([]byte(row)); len(f) == len(types) && f[i] != nil && !seen[*f[i]] {
				seen[*f[i]] = true
				texts = append(texts, *f[i])
			}
		}
		numbers, err := v.classNumbers(ctx, t, texts)
		if sqlError(err) != nil {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask which values of type %s are equal: %w", t.SQL, err)
		}
		out[i] = make(map[string]int64, len(texts))
		for k, text := range texts {
			out[i][text] = numbers[k]
		}
	}
	return out, nil
}

// classNumbers numbers texts so that those of equal values have the same number. A
// type without an order fails, and leaves the snapshot usable.
func (v *verifier) classNumbers(ctx context.Context, t *values.Type, texts []string) (numbers []int64, err error) {
	err = savepoint(ctx, v.source, func() error {
		numbers, err = classNumbers(ctx, v.source, t, texts)
		return err
	})
	return numbers, err
}

func classNumbers(ctx context.Context, conn *pgx.Conn, t *values.Type, texts []string) (numbers []int64, err error) {
	value := "CAST(u.v AS " + t.SQL + ")"
	if t.Collation != 0 {
		var schema, name string
		if err := conn.QueryRow(ctx, `SELECT n.nspname, c.collname FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = $1`, t.Collation).Scan(&schema, &name); err != nil {
			return nil, err
		}
		value += " COLLATE " + pgx.Identifier{schema, name}.Sanitize()
	}
	err = conn.QueryRow(ctx, `SELECT coalesce(pg_catalog.array_agg(r.n ORDER BY r.o), '{}') FROM (
		SELECT u.o, pg_catalog.dense_rank() OVER (ORDER BY `+value+`) AS n FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS u(v, o)) r`, texts).Scan(&numbers)
	return numbers, err
}

func samples(r *residue, n int) []Sample {
	rows := make([]string, 0, len(r.rows))
	for row := range r.rows {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	var out []Sample
	for _, row := range rows[:min(n, len(rows))] {
		s := Sample{Side: "extra", Copies: r.rows[row], Row: copyFields([]byte(row))}
		if s.Copies < 0 {
			s.Side, s.Copies = "missing", -s.Copies
		}
		out = append(out, s)
	}
	return out
}

// read reads rows in COPY's text format. A failing query leaves the snapshot
// usable.
func (v *verifier) read(ctx context.Context, conn *pgx.Conn, view, query string, row func([]byte)) (int64, error) {
	settings := map[string]string{"TimeZone": v.analysis.Settings.TimeZone}
	for name, value := range v.settings[view] {
		if value != "" && (name == "TimeZone" || conn == v.source) { // an output table computes nothing
			settings[name] = value
		}
	}
	settings[moment.ClockSetting] = v.clock
	w := &lines{row: row}
	err := savepoint(ctx, conn, func() error {
		for name, value := range settings {
			if _, err := conn.Exec(ctx, `SELECT pg_catalog.set_config($1, $2, true)`, name, value); err != nil {
				return err
			}
		}
		_, err := conn.PgConn().CopyTo(ctx, w, "COPY ("+query+") TO STDOUT")
		return err
	})
	return w.rows, err
}

// savepoint does something of which nothing stays: neither a failure nor a setting
// touches the snapshot that the connection's transaction holds.
func savepoint(ctx context.Context, conn *pgx.Conn, do func() error) error {
	if _, err := conn.Exec(ctx, `SAVEPOINT reading`); err != nil {
		return err
	}
	err := do()
	if err != nil && conn.IsClosed() {
		return err
	}
	if _, rollback := conn.Exec(ctx, `ROLLBACK TO SAVEPOINT reading`); rollback != nil {
		return rollback
	}
	return err
}

// sqlError is the server's word about a query, nil for lost connections and the
// like.
func sqlError(err error) *pgconn.PgError {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || sink.Retryable(err) || strings.HasPrefix(pg.Code, "57") {
		return nil
	}
	return pg
}
