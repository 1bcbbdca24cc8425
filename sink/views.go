package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// State is how a view is.
type State string

// The states of a view.
const (
	Loading State = "loading" // its table is being built
	Live    State = "live"    // exact as of progress
	Errored State = "errored" // keeps its last good contents while rows of the source make it fail
	Drifted State = "drifted" // changed by someone else; a rebuild is due
	Stopped State = "stopped" // no longer maintained
)

// Status is a change of a view's state.
type Status struct {
	View  string
	State State
	Error string // empty for none
}

// ErrorDelta is a change of the error Z-set: so many more, or fewer, source rows
// that make the view fail in this way.
type ErrorDelta struct {
	View     string
	SQLState string
	Message  string
	Row      string // the offending row, as text; empty when unknown
	Weight   int64
}

const (
	statusSQL = `UPDATE stepping_cdc.views v SET state = d.state, error = nullif(d.error, ''),
			updated_at = pg_catalog.clock_timestamp()
		FROM unnest($1::text[], $2::text[], $3::text[]) AS d(name, state, error) WHERE v.name = d.name`
	errorsSQL = `INSERT INTO stepping_cdc.errors AS e (view, sqlstate, message, "row", weight, seen_at)
		SELECT d.view, d.sqlstate, d.message, nullif(d."row", ''), d.weight, pg_catalog.clock_timestamp()
		FROM (SELECT u.view, u.sqlstate, u.message, u."row", sum(u.weight)::int8 AS weight
			FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[]) AS u(view, sqlstate, message, "row", weight)
			GROUP BY 1, 2, 3, 4) AS d
		ON CONFLICT (view, digest) DO UPDATE SET weight = e.weight + excluded.weight, seen_at = excluded.seen_at`
	settledErrorsSQL = `DELETE FROM stepping_cdc.errors WHERE weight = 0 AND view = ANY ($1::text[])`
)

func (b *batch) statuses(ctx context.Context, st []Status) error {
	if len(st) == 0 {
		return nil
	}
	var cols [3][]string
	for _, x := range st {
		cols[0] = append(cols[0], x.View)
		cols[1] = append(cols[1], string(x.State))
		cols[2] = append(cols[2], clean(x.Error))
	}
	err := b.add(ctx, statusSQL, [][]byte{appendTextArray(nil, cols[0]),
		appendTextArray(nil, cols[1]), appendTextArray(nil, cols[2])}, []int16{1, 1, 1})
	if err != nil {
		return fmt.Errorf("write statuses: %w", err)
	}
	return nil
}

func (b *batch) errors(ctx context.Context, errs []ErrorDelta) error {
	if len(errs) == 0 {
		return nil
	}
	var cols [4][]string
	for _, x := range errs {
		cols[0] = append(cols[0], x.View)
		cols[1] = append(cols[1], clean(x.SQLState))
		cols[2] = append(cols[2], clean(x.Message))
		cols[3] = append(cols[3], clean(x.Row))
	}
	params := make([][]byte, 0, 5)
	for _, c := range cols {
		params = append(params, appendTextArray(nil, c))
	}
	params = append(params, appendInt8Array(nil, len(errs), func(i int) int64 { return errs[i].Weight }))
	err := b.add(ctx, errorsSQL, params, []int16{1, 1, 1, 1, 1})
	if err == nil {
		err = b.add(ctx, settledErrorsSQL, params[:1], []int16{1})
	}
	if err != nil {
		return fmt.Errorf("write errors: %w", err)
	}
	return nil
}

// clean makes any text storable: Postgres refuses zero bytes and invalid UTF-8.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// SetStatus writes statuses in a transaction of its own.
func (s *Sink) SetStatus(ctx context.Context, st ...Status) error {
	b := &batch{s: s}
	if err := b.statuses(ctx, st); err != nil {
		return err
	}
	if err := b.run(ctx); err != nil {
		return fmt.Errorf("write statuses: %w", s.lost(err))
	}
	return nil
}

// Register lists a view with the number of rows that its table holds, in a transaction of
// its own if none is open; what was known of it by that name is replaced.
func (s *Sink) Register(ctx context.Context, spec *ViewSpec, state State, rows int64) error {
	if err := s.Settle(ctx); err != nil {
		return err
	}
	settings := spec.Settings
	if settings == nil {
		settings = map[string]string{}
	}
	js, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("register view %q: %w", spec.Name, err)
	}
	columns, err := spec.columnsJSON()
	if err != nil {
		return fmt.Errorf("register view %q: %w", spec.Name, err)
	}
	_, err = s.conn.Exec(ctx, `INSERT INTO stepping_cdc.views
			(name, state, query, rows, error, schema, columns, key, shape, fingerprint, settings, updated_at)
		VALUES ($1, $2, $3, $4, NULL, $5, $6::jsonb, $7::text[], $8, $9, $10::jsonb, clock_timestamp())
		ON CONFLICT (name) DO UPDATE SET state = excluded.state, query = excluded.query,
			rows = excluded.rows, error = NULL, schema = excluded.schema,
			columns = excluded.columns, key = excluded.key, shape = excluded.shape, fingerprint = excluded.fingerprint,
			settings = excluded.settings, updated_at = excluded.updated_at`,
		spec.Name, string(state), spec.Query, rows, spec.Schema, string(columns), spec.keyNames(),
		spec.Shape(), spec.Fingerprint, string(js))
	if err != nil {
		return fmt.Errorf("register view %q: %w", spec.Name, s.lost(err))
	}
	return nil
}

// ClearErrors empties a view's part of the error Z-set, before it is computed anew.
func (s *Sink) ClearErrors(ctx context.Context, view string) error {
	if _, err := s.conn.Exec(ctx, `DELETE FROM stepping_cdc.errors WHERE view = $1`, view); err != nil {
		return fmt.Errorf("clear errors of view %q: %w", view, s.lost(err))
	}
	return nil
}

// View is a row of stepping_cdc.views.
type View struct {
	Name        string
	State       State
	Query       string
	Rows        int64
	Error       string
	Schema      string
	Shape       string
	Fingerprint string
	Settings    map[string]string
	UpdatedAt   time.Time
}

// Views lists the registered views by name.
func (s *Sink) Views(ctx context.Context) ([]View, error) {
	rows, err := s.conn.Query(ctx, `SELECT name, state, query, rows, coalesce(error, ''), schema, shape, fingerprint,
		settings, updated_at FROM stepping_cdc.views ORDER BY name`)
	if err == nil {
		var views []View
		views, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (v View, err error) {
			var settings []byte
			err = r.Scan(&v.Name, &v.State, &v.Query, &v.Rows, &v.Error, &v.Schema, &v.Shape, &v.Fingerprint, &settings, &v.UpdatedAt)
			if err == nil {
				err = json.Unmarshal(settings, &v.Settings)
			}
			return v, err
		})
		if err == nil {
			return views, nil
		}
	}
	return nil, fmt.Errorf("list views: %w", s.lost(err))
}
