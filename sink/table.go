package sink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/migrations"
)

// Table is an output table, live or still being built. It stays valid across
// Reconnect.
type Table struct {
	spec     *ViewSpec
	identity identity
	schema   string
	name     string
	rel      string // schema and name, quoted
	rowType  uint32 // pg_type.oid of the table's rows
	codec    rowCodec
	building bool
	texts    map[stmtKey]string
}

type stmtKey struct {
	kind  stmtKind
	nulls uint64
}

// Spec is what the table was made or adopted by.
func (t *Table) Spec() *ViewSpec { return t.spec }

// Building says that the table is not yet published.
func (t *Table) Building() bool { return t.building }

func newTable(spec *ViewSpec, schema, name string, building bool) *Table {
	t := &Table{spec: spec, identity: spec.identity(), building: building}
	t.codec.text = spec.textual()
	for _, c := range spec.Columns {
		t.codec.types = append(t.codec.types, c.Type)
	}
	t.place(schema, name)
	return t
}

func (t *Table) place(schema, name string) {
	t.schema, t.name, t.rel = schema, name, quote(schema, name)
	t.texts = map[stmtKey]string{}
}

// sql is the statement's text, built once.
func (t *Table) sql(kind stmtKind, nulls uint64) string {
	k := stmtKey{kind, nulls}
	text, ok := t.texts[k]
	if !ok {
		text = t.statement(kind, nulls)
		t.texts[k] = text
	}
	return text
}

// buildName is where a view's table is built, beside the live one if there is any.
func buildName(view string) string {
	sum := sha256.Sum256([]byte(view))
	return "build_" + hex.EncodeToString(sum[:12])
}

// Create makes the table of a view, empty, where nobody sees it: in the control
// schema. Tx.Publish puts it in its place. What an earlier attempt left is dropped.
// Indexes come with Index, so that a large load need not maintain them; a load
// with deletes or updates wants them first.
func (s *Sink) Create(ctx context.Context, spec *ViewSpec) (*Table, error) {
	if err := spec.Validate(); err != nil {
		return nil, fmt.Errorf("output table of view %q: %w", spec.Name, err)
	}
	t := newTable(spec, migrations.Schema, buildName(spec.Name), true)
	defs, err := s.columnDefs(ctx, spec)
	if err != nil {
		return nil, err
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		// The fill factor leaves room for updated rows on their own page (HOT).
		_, err := tx.Exec(ctx, fmt.Sprintf("DROP TABLE IF EXISTS %[1]s; CREATE TABLE %[1]s (%[2]s) WITH (fillfactor = 70)",
			t.rel, strings.Join(defs, ", ")), pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		actual, err := s.describe(ctx, tx, t)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("COMMENT ON TABLE %s IS %s", t.rel, literal(spec.comment()+" "+actual)), pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create output table of view %q: %w", spec.Name, s.lost(err))
	}
	return t, nil
}

// columnDefs writes the columns as DDL names them.
func (s *Sink) columnDefs(ctx context.Context, spec *ViewSpec) ([]string, error) {
	defs := make([]string, len(spec.Columns))
	for i, c := range spec.Columns {
		// A name that does not resolve under the empty search path is asked for by number.
		var typ, collation *string
		err := s.conn.QueryRow(ctx, `SELECT
				CASE WHEN to_regtype($1) IS NOT NULL THEN $1
				     WHEN $2::oid < 16384 OR EXISTS (SELECT FROM pg_type WHERE oid = $2 AND ($2 <> $4 OR typname = $5))
				     THEN format_type($2, $3) END,
				(SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname)
				 FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
				 WHERE c.oid = $6 AND c.oid <> 'pg_catalog."default"'::regcollation)`,
			c.Type.SQL, c.Type.OID, c.Type.Typmod, c.Type.BaseOID, c.Type.Name, c.Type.Collation).Scan(&typ, &collation)
		if err != nil {
			return nil, fmt.Errorf("look up type %s: %w", c.Type.SQL, s.lost(err))
		}
		if typ == nil {
			return nil, fmt.Errorf("column %q of view %q: type %s does not exist in the sink", c.Name, spec.Name, c.Type.SQL)
		}
		defs[i] = quote(c.Name) + " " + *typ
		if collation != nil {
			defs[i] += " COLLATE " + *collation
		}
	}
	return defs, nil
}

// describe reads the table's row type and column types, and returns a mark of its
// columns as they really are.
func (s *Sink) describe(ctx context.Context, q querier, t *Table) (actual string, err error) {
	rows, err := q.Query(ctx, `SELECT c.reltype, a.atttypid, a.attname, format_type(a.atttypid, a.atttypmod),
			coalesce((SELECT n.nspname || '.' || l.collname FROM pg_collation l
				JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation), '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum`, t.schema, t.name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	var names []string
	t.codec.oids = t.codec.oids[:0]
	for rows.Next() {
		var oid uint32
		var name, typ, collation string
		if err := rows.Scan(&t.rowType, &oid, &name, &typ, &collation); err != nil {
			rows.Close()
			return "", err
		}
		t.codec.oids = append(t.codec.oids, oid)
		names = append(names, name)
		fmt.Fprintf(h, "%q %q %q\n", name, typ, collation)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	if cause := compareColumns(t.spec, names); cause != "" {
		return "", &DriftError{View: t.spec.Name, Cause: cause}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// compareColumns says in words how the table's columns differ from the view's.
func compareColumns(spec *ViewSpec, have []string) string {
	want := map[string]bool{}
	for _, c := range spec.Columns {
		want[c.Name] = true
	}
	got := map[string]bool{}
	for _, name := range have {
		got[name] = true
		if !want[name] {
			return fmt.Sprintf("column %q was added or renamed", name)
		}
	}
	for i, c := range spec.Columns {
		if !got[c.Name] {
			return fmt.Sprintf("column %q was dropped or renamed", c.Name)
		}
		if have[i] != c.Name {
			return fmt.Sprintf("column %q is not in its place", c.Name)
		}
	}
	return ""
}

// Adopt takes over the live table of a view. ErrAbsent: there is none. ErrForeign:
// it is someone else's. ErrReshaped: it was made for another shape of the view. A
// *DriftError: someone has altered it. All but ErrForeign are mended by building
// the view anew.
func (s *Sink) Adopt(ctx context.Context, spec *ViewSpec) (*Table, error) {
	if err := spec.Validate(); err != nil {
		return nil, fmt.Errorf("output table of view %q: %w", spec.Name, err)
	}
	t := newTable(spec, spec.Schema, spec.Name, false)
	comment, err := s.ownComment(ctx, s.conn, spec.Schema, spec.Name)
	if err != nil {
		return nil, err
	}
	shape, actual, _ := strings.Cut(strings.TrimPrefix(comment, commentPrefix), " ")
	if shape != spec.Shape() {
		return nil, fmt.Errorf("output table of view %q: %w", spec.Name, ErrReshaped)
	}
	now, err := s.describe(ctx, s.conn, t)
	if err == nil && now != actual {
		err = &DriftError{View: spec.Name, Cause: "a column's type or collation was altered"}
	}
	var meddled string
	if err == nil {
		err = s.conn.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT FROM stepping_cdc.views v WHERE v.name = c.relname) THEN `+meddledSQL+`
				ELSE 'its row of stepping_cdc.views is gone' END FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
			t.schema, t.name).Scan(&meddled)
	}
	if err == nil && meddled != "" {
		err = &DriftError{View: spec.Name, Cause: meddled}
	}
	if err != nil {
		return nil, fmt.Errorf("adopt output table of view %q: %w", spec.Name, s.lost(err))
	}
	return t, nil
}

// ErrReshaped says that an output table was made for another shape of its view:
// other columns, or another key.
var ErrReshaped = errors.New("made for an earlier definition of the view")

// ownComment reads the mark of a table of ours.
func (s *Sink) ownComment(ctx context.Context, q querier, schema, name string) (string, error) {
	var kind string
	var comment *string
	err := q.QueryRow(ctx, `SELECT c.relkind::text, obj_description(c.oid, 'pg_class')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2`, schema, name).Scan(&kind, &comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", fmt.Errorf("%s: %w", quote(schema, name), ErrAbsent)
	case err != nil:
		return "", fmt.Errorf("look for table %s: %w", quote(schema, name), s.lost(err))
	case kind != "r" || comment == nil || !strings.HasPrefix(*comment, commentPrefix):
		return "", fmt.Errorf("%s: %w", quote(schema, name), ErrForeign)
	}
	return *comment, nil
}

// Index creates the table's missing indexes and gathers its statistics.
func (s *Sink) Index(ctx context.Context, t *Table) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT coalesce(obj_description(i.indexrelid, 'pg_class'), '') FROM pg_index i
			JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relname = $2 AND i.indisvalid`, t.schema, t.name)
		if err != nil {
			return err
		}
		have, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		exists := map[string]bool{}
		for _, c := range have {
			exists[c] = true
		}
		for _, def := range t.indexes() {
			// The definition's mark is in the comment; the name is left to Postgres,
			// which picks a free one.
			mark := indexMark(def)
			if exists[mark] {
				continue
			}
			exists[mark] = true
			_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE INDEX ON %s %s`, t.rel, def), pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				return fmt.Errorf("create index %s: %w", def, err)
			}
			var name string
			err = tx.QueryRow(ctx, `SELECT quote_ident(n.nspname) || '.' || quote_ident(x.relname)
				FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
				JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
				WHERE n.nspname = $1 AND c.relname = $2 ORDER BY x.oid::int8 DESC LIMIT 1`, t.schema, t.name).Scan(&name)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf(`COMMENT ON INDEX %s IS %s`, name, literal(mark)), pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "ANALYZE "+t.rel, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("index output of view %q: %w", t.spec.Name, limit(s.lost(err), t.spec.Name))
	}
	return nil
}

func indexMark(def string) string {
	sum := sha256.Sum256([]byte(def))
	return "stepping-cdc index " + hex.EncodeToString(sum[:8])
}

// inTx runs f in a transaction of its own.
func (s *Sink) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.conn, f)
}
