package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/plan"
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
		verdict.Similar = rest.cancelSimilar(types)
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
	zone := v.analysis.Settings.TimeZone
	if pinned := v.settings[view]["TimeZone"]; pinned != "" {
		zone = pinned
	}
	if _, err := conn.Exec(ctx, `SAVEPOINT reading`); err != nil {
		return 0, err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_catalog.set_config('TimeZone', $1, true), pg_catalog.set_config($2, $3, true)`, zone, plan.ClockSetting, v.clock); err != nil {
		return 0, err
	}
	w := &lines{row: row}
	_, err := conn.PgConn().CopyTo(ctx, w, "COPY ("+query+") TO STDOUT")
	if err != nil && conn.IsClosed() {
		return 0, err
	}
	if _, rollback := conn.Exec(ctx, `ROLLBACK TO SAVEPOINT reading`); rollback != nil {
		return 0, rollback
	}
	return w.rows, err
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
