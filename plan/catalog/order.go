package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Less is the operator < by which values of a type are sorted where none is named:
// that of its default btree operator class
// (postgresql.org/docs/current/indexes-opclass.html). It is nil for a type without
// one. Ranges and multiranges share the class of their pseudo-type; varchar is
// text.
func (c *Catalog) Less(ctx context.Context, t *values.Type) (*Operator, error) {
	oid := ordered(t)
	var op uint32
	err := c.tx.QueryRow(ctx, `SELECT a.amopopr`+defaultOrder+` WHERE a.amopstrategy = 1 AND t.oid = $1`, oid).Scan(&op)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the order of type %s: %w", t.SQL, err)
	}
	return c.Operator(ctx, op)
}

// ordered is the type by whose class values of t are sorted.
func ordered(t *values.Type) uint32 {
	if t.Kind == values.KindText && !t.OwnOrder {
		return values.TextType.OID
	}
	return t.BaseOID
}

// ownOrder says of a type t whether somebody has made it a default btree operator class of its own: before one of
// its kind Postgres takes one of the very type.
const ownOrder = `EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
	WHERE o.opcdefault AND o.opcintype = t.oid AND o.oid >= ` + firstNormalOID + `)`

// firstNormalOID is the least number that a server gives to what users make (FirstNormalObjectId).
const firstNormalOID = "16384"

// defaultOrder joins a type t with the operators a of its default btree operator
// class.
const defaultOrder = `
	FROM pg_catalog.pg_type t
	JOIN pg_catalog.pg_opclass o ON o.opcdefault AND o.opcintype = CASE
		WHEN ` + ownOrder + ` THEN t.oid
		WHEN t.typtype = 'r' THEN 'pg_catalog.anyrange'::pg_catalog.regtype WHEN t.typtype = 'm' THEN 'pg_catalog.anymultirange'::pg_catalog.regtype
		WHEN t.typtype = 'e' THEN 'pg_catalog.anyenum'::pg_catalog.regtype WHEN t.typtype = 'c' THEN 'pg_catalog.record'::pg_catalog.regtype
		WHEN t.typcategory = 'A' THEN 'pg_catalog.anyarray'::pg_catalog.regtype ELSE t.oid END
	JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
	JOIN pg_catalog.pg_amop a ON a.amopfamily = o.opcfamily AND a.amoplefttype = o.opcintype AND a.amoprighttype = o.opcintype`

// Comparison is what an operator says of the usual order of a type: "<", "<=", "=",
// ">=", ">" or, of the negator of its equality, "<>"; "" for other operators.
func (c *Catalog) Comparison(ctx context.Context, op *Operator, t *values.Type) (string, error) {
	oid := ordered(t)
	var strategy int
	err := c.tx.QueryRow(ctx, `SELECT CASE a.amopopr WHEN $2 THEN a.amopstrategy ELSE 0 END`+defaultOrder+`
		WHERE t.oid = $1 AND (a.amopopr = $2 OR a.amopstrategy = 3 AND a.amopopr = (SELECT oprnegate FROM pg_catalog.pg_operator WHERE oid = $2))`, oid, op.OID).Scan(&strategy)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what operator %s says of the order of type %s: %w", op.Name, t.SQL, err)
	}
	return [...]string{"<>", "<", "<=", "=", ">=", ">"}[strategy], nil
}
