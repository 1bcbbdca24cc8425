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
	oid := t.BaseOID
	if t.Kind == values.KindText {
		oid = values.TextType.OID
	}
	var op uint32
	err := c.tx.QueryRow(ctx, `
		SELECT a.amopopr
		FROM pg_catalog.pg_type t
		JOIN pg_catalog.pg_opclass o ON o.opcintype = CASE t.typtype WHEN 'r' THEN 'pg_catalog.anyrange'::pg_catalog.regtype
			WHEN 'm' THEN 'pg_catalog.anymultirange'::pg_catalog.regtype WHEN 'e' THEN 'pg_catalog.anyenum'::pg_catalog.regtype ELSE t.oid END
		JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
		JOIN pg_catalog.pg_amop a ON a.amopfamily = o.opcfamily AND a.amoplefttype = o.opcintype AND a.amoprighttype = o.opcintype AND a.amopstrategy = 1
		WHERE o.opcdefault AND t.oid = $1`, oid).Scan(&op)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the order of type %s: %w", t.SQL, err)
	}
	return c.Operator(ctx, op)
}
