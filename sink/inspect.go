package sink

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// meddledSQL says what, beside its columns, somebody has made of the table c; an empty text:
// nothing. What is not logged is empty after a crash of its server.
const meddledSQL = `CASE WHEN c.relkind <> 'r' THEN 'it is no ordinary table'
	WHEN c.relpersistence <> 'p' THEN 'it is not logged'
	WHEN EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) THEN 'it has a trigger'
	WHEN EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid) THEN 'it has a rule'
	WHEN c.relrowsecurity THEN 'it has row security'
	WHEN EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent)) THEN 'it takes part in inheritance'
	ELSE '' END`

// Inspect looks whether live tables are still those that were adopted or published,
// as far as the catalogue tells. The answer is a *DriftError for the first that is
// not.
func (s *Sink) Inspect(ctx context.Context, tables []*Table) error {
	var schemas, names []string
	for _, t := range tables {
		schemas = append(schemas, t.schema)
		names = append(names, t.name)
	}
	rows, err := s.conn.Query(ctx, `SELECT u.n, coalesce(c.reltype, 0), a.names, a.types,
			`+meddledSQL+`
		FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u(schema, name, n)
		LEFT JOIN (pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace) ON s.nspname = u.schema AND c.relname = u.name
		CROSS JOIN LATERAL (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}') AS names,
				coalesce(array_agg(a.atttypid ORDER BY a.attnum), '{}') AS types
			FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) a
		ORDER BY u.n`, schemas, names)
	var drift error
	if err == nil {
		var n int
		var rowType uint32
		var columns []string
		var types []uint32
		var meddled string
		_, err = pgx.ForEachRow(rows, []any{&n, &rowType, &columns, &types, &meddled}, func() error {
			t := tables[n-1]
			cause := meddled
			switch {
			case rowType == 0:
				cause = "it was dropped"
			case rowType != t.rowType:
				cause = "it was replaced by another table"
			case cause == "":
				cause = compareColumns(t.spec, columns)
			}
			if cause == "" && !slices.Equal(types, t.codec.oids) {
				cause = "a column's type was altered"
			}
			if cause != "" && drift == nil {
				drift = &DriftError{View: t.spec.Name, Cause: cause}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("look at the output tables: %w", s.lost(err))
	}
	return drift
}
