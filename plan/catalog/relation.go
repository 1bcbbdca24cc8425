package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Relation is a table or view.
type Relation struct {
	OID     uint32
	Schema  string
	Name    string
	Kind    string // pg_class.relkind: r, p, v, m, f …
	Temp    bool
	RowType uint32   // pg_class.reltype
	Columns []Column // in attribute order; dropped ones are left out
	Keys    [][]int  // unique over columns that are all NOT NULL, as indexes into Columns; the primary key first
	RowSec  bool     // row-level security is enabled

	// Full says that the table has REPLICA IDENTITY FULL; Identity are the
	// columns of its replica identity otherwise, nil if it has none.
	Full     bool
	Identity []int
}

// Column is a column of a relation.
type Column struct {
	Num       int // attnum
	Name      string
	Type      *values.Type
	Collation uint32 // attcollation
	// Generation is the tree of the expression that a generated column is computed by,
	// if the stream leaves the column out.
	Generation string
	// Virtual says that it is computed when it is read, by the expression of the table
	// that the query names, not of the one that the row is in.
	Virtual bool
}

// SQL is the relation's qualified name as SQL writes it.
func (r *Relation) SQL() string { return pgx.Identifier{r.Schema, r.Name}.Sanitize() }

// Column finds a column by attribute number; -1 if there is none.
func (r *Relation) Column(attnum int) int {
	for i, c := range r.Columns {
		if c.Num == attnum {
			return i
		}
	}
	return -1
}

// Relation reads a relation with its columns and keys.
func (c *Catalog) Relation(ctx context.Context, oid uint32) (*Relation, error) {
	if r, ok := c.relations[oid]; ok {
		return r, nil
	}
	r := &Relation{OID: oid}
	err := c.tx.QueryRow(ctx, `
		SELECT n.nspname, c.relname, c.relkind::text, c.relpersistence = 't', c.relrowsecurity, c.reltype
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1`, oid).
		Scan(&r.Schema, &r.Name, &r.Kind, &r.Temp, &r.RowSec, &r.RowType)
	if err != nil {
		return nil, fmt.Errorf("read relation %d: %w", oid, err)
	}
	type attr struct {
		col    Column
		typ    uint32
		typmod int32
	}
	rows, err := c.tx.Query(ctx, `
		SELECT attnum, attname, atttypid, atttypmod, attcollation
		FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, oid)
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", r.SQL(), err)
	}
	attrs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a attr, err error) {
		err = row.Scan(&a.col.Num, &a.col.Name, &a.typ, &a.typmod, &a.col.Collation)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", r.SQL(), err)
	}
	for _, a := range attrs {
		if a.col.Type, err = c.Type(ctx, a.typ, a.typmod, a.col.Collation); err != nil {
			return nil, fmt.Errorf("column %s of %s: %w", a.col.Name, r.SQL(), err)
		}
		r.Columns = append(r.Columns, a.col)
	}
	if err := c.readGenerated(ctx, r); err != nil {
		return nil, err
	}
	if err := c.readKeys(ctx, r); err != nil {
		return nil, err
	}
	if err := c.readIdentity(ctx, r); err != nil {
		return nil, err
	}
	c.relations[oid] = r
	return r, nil
}

// readKeys finds the keys of a relation all of whose columns are known.
func (c *Catalog) readKeys(ctx context.Context, r *Relation) error {
	keys, err := readKeys(ctx, c.tx, []uint32{r.OID})
	if err != nil {
		return fmt.Errorf("%s: %w", r.SQL(), err)
	}
next:
	for _, key := range keys[r.OID] {
		var cols []int
		for _, num := range key {
			i := r.Column(num)
			if i < 0 {
				continue next // a system column
			}
			cols = append(cols, i)
		}
		r.Keys = append(r.Keys, cols)
	}
	return nil
}

// readIdentity finds what an UPDATE or DELETE sends of the old row
// (postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY).
func (c *Catalog) readIdentity(ctx context.Context, r *Relation) error {
	var key []int32
	err := c.tx.QueryRow(ctx, `
		SELECT c.relreplident = 'f',
		       coalesce((SELECT pg_catalog.array_agg(k::int4 ORDER BY o)
		                 FROM pg_catalog.pg_index i, unnest(i.indkey[0:i.indnkeyatts-1]) WITH ORDINALITY u(k, o)
		                 WHERE i.indrelid = c.oid AND i.indisvalid
		                   AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)), '{}')
		FROM pg_catalog.pg_class c WHERE c.oid = $1`, r.OID).Scan(&r.Full, &key)
	if err != nil {
		return fmt.Errorf("read the replica identity of %s: %w", r.SQL(), err)
	}
	for _, num := range key {
		if i := r.Column(int(num)); i >= 0 {
			r.Identity = append(r.Identity, i)
		}
	}
	return nil
}

// Reader is the role as whom the tables of a view are read: its owner, unless the view
// is security_invoker, or one of our own; 0 is who asks
// (postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-NOTES).
func (c *Catalog) Reader(ctx context.Context, view uint32) (role uint32, err error) {
	err = c.tx.QueryRow(ctx, `
		SELECT CASE WHEN relpersistence = 't' OR EXISTS (
			SELECT FROM pg_catalog.pg_options_to_table(reloptions) WHERE option_name = 'security_invoker' AND option_value::bool
		) THEN 0 ELSE relowner END FROM pg_catalog.pg_class WHERE oid = $1`, view).Scan(&role)
	if err != nil {
		return 0, fmt.Errorf("read the owner of view %d: %w", view, err)
	}
	return role, nil
}

// HidesRows says whether row security hides rows of a table from a role, and gives the
// role's name (postgresql.org/docs/current/ddl-rowsecurity.html).
func (c *Catalog) HidesRows(ctx context.Context, table, role uint32) (hides bool, name string, err error) {
	err = c.tx.QueryRow(ctx, `
		SELECT c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')), r.rolname
		FROM pg_catalog.pg_class c, pg_catalog.pg_roles r WHERE c.oid = $1 AND r.oid = $2`, table, role).Scan(&hides, &name)
	if err != nil {
		return false, "", fmt.Errorf("read the row security of relation %d: %w", table, err)
	}
	return hides, name, nil
}

// ViewTree is the stored query tree of a view or materialized view, as text.
func (c *Catalog) ViewTree(ctx context.Context, oid uint32) (string, error) {
	var tree string
	err := c.tx.QueryRow(ctx, `
		SELECT ev_action::text FROM pg_catalog.pg_rewrite WHERE ev_class = $1 AND ev_type = '1' AND rulename = '_RETURN'`, oid).Scan(&tree)
	if err != nil {
		return "", fmt.Errorf("read the definition of relation %d: %w", oid, err)
	}
	return tree, nil
}

// ViewText is the definition of a view, as Postgres writes it out.
func (c *Catalog) ViewText(ctx context.Context, oid uint32) (string, error) {
	var text string
	if err := c.tx.QueryRow(ctx, `SELECT pg_catalog.pg_get_viewdef($1::oid)`, oid).Scan(&text); err != nil {
		return "", fmt.Errorf("read the text of relation %d: %w", oid, err)
	}
	return text, nil
}

// QueryTree is the tree of a query that no view has. What Postgres says against it is the second result.
func (c *Catalog) QueryTree(ctx context.Context, query string) (string, *pgconn.PgError, error) {
	tx, err := c.tx.Begin(ctx) // a savepoint
	if err != nil {
		return "", nil, fmt.Errorf("analyze %s: %w", query, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	const name = `pg_temp."stepping_cdc query"`
	err = tx.Conn().PgConn().ExecParams(ctx, "CREATE TEMPORARY VIEW "+name+" AS "+query, nil, nil, nil, nil).Read().Err
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return "", pgErr, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("analyze %s: %w", query, err)
	}
	var oid uint32
	if err := tx.QueryRow(ctx, `SELECT $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid`, name).Scan(&oid); err != nil {
		return "", nil, fmt.Errorf("analyze %s: %w", query, err)
	}
	tree, err := c.ViewTree(ctx, oid)
	return tree, nil, err
}
