package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Support are the functions that an aggregate calls, as pg_aggregate names them
// (postgresql.org/docs/current/catalog-pg-aggregate.html): an aggregate's own
// volatility says nothing about them.
func (c *Catalog) Support(ctx context.Context, aggregate uint32) ([]*Proc, error) {
	rows, err := c.tx.Query(ctx, `
		SELECT DISTINCT p.oid FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc p
		       ON p.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn)
		WHERE a.aggfnoid = $1 ORDER BY p.oid`, aggregate)
	if err != nil {
		return nil, fmt.Errorf("read aggregate %d: %w", aggregate, err)
	}
	oids, err := pgx.CollectRows(rows, pgx.RowTo[uint32])
	if err != nil {
		return nil, fmt.Errorf("read aggregate %d: %w", aggregate, err)
	}
	out := make([]*Proc, len(oids))
	for i, oid := range oids {
		if out[i], err = c.Proc(ctx, oid); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SortOperator is the operator by which an aggregate picks the first of its values
// (pg_aggregate.aggsortop), as min and max do; nil for others.
func (c *Catalog) SortOperator(ctx context.Context, aggregate uint32) (*Operator, error) {
	var op uint32
	err := c.tx.QueryRow(ctx, `SELECT aggsortop::oid FROM pg_catalog.pg_aggregate WHERE aggfnoid = $1`, aggregate).Scan(&op)
	if err != nil {
		return nil, fmt.Errorf("read aggregate %d: %w", aggregate, err)
	}
	if op == 0 {
		return nil, nil
	}
	return c.Operator(ctx, op)
}

// Value computes an expression without variables. What Postgres says against it
// is the second result; the third is for everything else.
func (c *Catalog) Value(ctx context.Context, sql string, t *values.Type) (values.Datum, *pgconn.PgError, error) {
	tx, err := c.tx.Begin(ctx) // a savepoint
	if err != nil {
		return values.Null, nil, fmt.Errorf("compute a constant: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	format := int16(1)
	if t.NoBinary {
		format = 0
		sql = "CAST(" + sql + " AS pg_catalog.text)"
	}
	res := tx.Conn().PgConn().ExecParams(ctx, "SELECT "+sql, nil, nil, nil, []int16{format}).Read()
	var pgErr *pgconn.PgError
	if errors.As(res.Err, &pgErr) {
		return values.Null, pgErr, nil
	}
	if res.Err != nil {
		return values.Null, nil, fmt.Errorf("compute a constant: %w", res.Err)
	}
	if len(res.Rows) != 1 || res.Rows[0][0] == nil {
		return values.Null, nil, nil
	}
	v, err := values.DecodeBinary(t, res.Rows[0][0])
	if err != nil {
		return values.Null, nil, fmt.Errorf("compute a constant: %w", err)
	}
	return v, nil, nil
}
