package replication

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// TableRef names a source table and its columns in use.
type TableRef struct {
	Schema  string
	Name    string
	Columns []string
}

// String tells tables apart: names with a dot in them are quoted.
func (t TableRef) String() string {
	if strings.Contains(t.Schema+t.Name, ".") {
		return t.sql()
	}
	return t.Schema + "." + t.Name
}

func (t TableRef) sql() string { return quote(t.Schema) + "." + quote(t.Name) }

// Description is what the catalogue says about a table, as far as following it
// is concerned.
type Description struct {
	OID          uint32 // 0: there is no such table
	Kind         string // pg_class.relkind
	Persistence  string // pg_class.relpersistence
	Partition    bool
	HiddenRows   bool   // row security applies to this role
	Readable     bool   // SELECT on all columns in use, USAGE on the schema
	Owned        bool   // this role may publish it
	Owner        string // who else may
	Identity     string // pg_class.relreplident
	KeyColumns   []string
	Generated    map[string]string // column → attgenerated, of the generated ones
	Missing      []string          // columns in use that it does not have
	Ancestors    []uint32          // partitioned tables it is part of
	OddLeaves    []string          // partitions whose replica identity differs from its own
	AlienLeaves  []string          // partitions that are foreign tables or unlogged
	SystemObject bool
}

// Full says whether old rows come complete.
func (d *Description) Full() bool { return d.Identity == "f" }

// DescribeTables reads the catalogue for tables, in their order. The identity's
// columns belong into every decode.Table.
func DescribeTables(ctx context.Context, conn *pgx.Conn, tables []TableRef) ([]Description, error) {
	result := make([]Description, len(tables))
	batch := &pgx.Batch{}
	for i := range tables {
		d := &result[i]
		columns := tables[i].Columns
		if columns == nil {
			columns = []string{}
		}
		batch.Queue(describeSQL, tables[i].Schema, tables[i].Name, columns).QueryRow(func(row pgx.Row) error {
			var generated [][]string
			err := row.Scan(&d.OID, &d.Kind, &d.Persistence, &d.Partition, &d.HiddenRows, &d.Readable,
				&d.Owned, &d.Owner, &d.Identity, &d.KeyColumns, &generated, &d.Missing, &d.Ancestors,
				&d.OddLeaves, &d.AlienLeaves, &d.SystemObject)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			d.Generated = make(map[string]string, len(generated))
			for _, g := range generated {
				d.Generated[g[0]] = g[1]
			}
			return err
		})
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("describe source tables: %w", err)
	}
	return result, nil
}

// describeSQL describes one table: $1 its schema, $2 its name, $3 its columns in
// use. Names are compared, not resolved, which would take USAGE on the schema.
//
// A partition's rows are logged by its own replica identity, but announced under
// that of the root, so the two have to agree.
const describeSQL = `
SELECT c.oid, c.relkind::text, c.relpersistence::text, c.relispartition,
       row_security_active(c.oid),
       has_schema_privilege(c.relnamespace, 'USAGE') AND coalesce((
           SELECT bool_and(has_column_privilege(c.oid, a.attnum, 'SELECT'))
           FROM pg_attribute a
           WHERE a.attrelid = c.oid AND a.attname = ANY ($3::text[]) AND a.attnum > 0 AND NOT a.attisdropped
       ), has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')),
       pg_has_role(c.relowner, 'USAGE'), pg_get_userbyid(c.relowner)::text,
       c.relreplident::text,
       coalesce((
           SELECT array_agg(a.attname::text ORDER BY k.n)
           FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n), pg_attribute a
           WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND k.n <= i.indnkeyatts
             AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
             AND a.attrelid = c.oid AND a.attnum = k.attnum
       ), '{}'),
       coalesce((
           SELECT array_agg(ARRAY[a.attname::text, a.attgenerated::text])
           FROM pg_attribute a
           WHERE a.attrelid = c.oid AND a.attname = ANY ($3::text[]) AND a.attgenerated <> '' AND NOT a.attisdropped
       ), '{}'),
       coalesce((
           SELECT array_agg(u ORDER BY u) FROM unnest($3::text[]) u
           WHERE NOT EXISTS (SELECT FROM pg_attribute a
                             WHERE a.attrelid = c.oid AND a.attname = u AND a.attnum > 0 AND NOT a.attisdropped)
       ), '{}'),
       coalesce((SELECT array_agg(relid::oid) FROM pg_partition_ancestors(c.oid) WHERE relid <> c.oid), '{}'),
       coalesce((
           SELECT array_agg(t.relid::regclass::text ORDER BY t.relid)
           FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
           WHERE c.relkind = 'p' AND t.isleaf AND t.relid <> c.oid
             AND l.relreplident <> c.relreplident AND l.relreplident <> 'f'
       ), '{}'),
       coalesce((
           SELECT array_agg(t.relid::regclass::text ORDER BY t.relid)
           FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
           WHERE c.relkind = 'p' AND t.isleaf AND t.relid <> c.oid
             AND (l.relkind <> 'r' OR l.relpersistence <> 'p')
       ), '{}'),
       c.oid < 16384 OR n.nspname LIKE 'pg\_%' OR n.nspname = 'information_schema'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2`
