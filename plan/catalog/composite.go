package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// fields are those of the row type of a relation or a composite type.
func (c *Catalog) fields(ctx context.Context, relation uint32) ([]values.Field, error) {
	type attribute struct {
		name      string
		typ, coll uint32
		typmod    int32
	}
	rows, err := c.tx.Query(ctx, `
		SELECT attname, atttypid, atttypmod, attcollation FROM pg_catalog.pg_attribute
		WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, relation)
	if err != nil {
		return nil, fmt.Errorf("read the fields of row type %d: %w", relation, err)
	}
	attrs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a attribute, err error) {
		err = row.Scan(&a.name, &a.typ, &a.typmod, &a.coll)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the fields of row type %d: %w", relation, err)
	}
	fields := make([]values.Field, len(attrs))
	for i, a := range attrs {
		fields[i].Name = a.name
		if fields[i].Type, err = c.Type(ctx, a.typ, a.typmod, a.coll); err != nil {
			return nil, fmt.Errorf("field %s: %w", a.name, err)
		}
	}
	return fields, nil
}

// FieldNumbers are the attribute numbers of a composite type's fields, which have
// gaps where attributes were dropped. Of a record there are none: its fields are
// numbered from 1.
func (c *Catalog) FieldNumbers(ctx context.Context, t *values.Type) ([]int, error) {
	if t.Anonymous() {
		nums := make([]int, len(t.Fields))
		for i := range nums {
			nums[i] = i + 1
		}
		return nums, nil
	}
	rows, err := c.tx.Query(ctx, `
		SELECT a.attnum::pg_catalog.int4 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.typrelid = a.attrelid
		WHERE t.oid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, t.BaseOID)
	if err != nil {
		return nil, fmt.Errorf("read the fields of type %s: %w", t.SQL, err)
	}
	nums, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n int, err error) {
		err = row.Scan(&n)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the fields of type %s: %w", t.SQL, err)
	}
	return nums, nil
}

// OutTypes are the types of the columns of a function that returns records: those
// of its OUT parameters or of RETURNS TABLE.
func (c *Catalog) OutTypes(ctx context.Context, proc uint32) ([]uint32, error) {
	var out []uint32
	err := c.tx.QueryRow(ctx, `
		SELECT ARRAY(SELECT a.typ FROM unnest(p.proallargtypes, p.proargmodes) WITH ORDINALITY AS a(typ, mode, o) WHERE a.mode IN ('o', 'b', 't') ORDER BY a.o)
		FROM pg_catalog.pg_proc p WHERE p.oid = $1`, proc).Scan(&out)
	if err != nil {
		return nil, fmt.Errorf("read the results of function %d: %w", proc, err)
	}
	return out, nil
}

// CallTypes are the types of the columns of a call whose results depend on the types of
// its arguments. What Postgres says against it is the second result.
func (c *Catalog) CallTypes(ctx context.Context, call string) ([]uint32, *pgconn.PgError, error) {
	tx, err := c.tx.Begin(ctx) // a savepoint
	if err != nil {
		return nil, nil, fmt.Errorf("describe %s: %w", call, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	described, err := tx.Conn().PgConn().Prepare(ctx, "", "SELECT r.* FROM "+call+" AS r", nil)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return nil, pgErr, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("describe %s: %w", call, err)
	}
	out := make([]uint32, len(described.Fields))
	for i, f := range described.Fields {
		out[i] = f.DataTypeOID
	}
	return out, nil, nil
}

// Polymorphic says that a type stands for whatever an argument's is
// (postgresql.org/docs/current/extend-type-system.html#EXTEND-TYPES-POLYMORPHIC), and
// record for any composite type.
func (c *Catalog) Polymorphic(oid uint32) bool {
	switch oid {
	case 2283, 2277, 2776, 3500, 3831, 4537, 5077, 5078, 5079, 5080, 4538, 2249:
		return true
	}
	return false
}
