package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Inheritance is a table that is read with those that inherit from it, and which ones
// these are.
type Inheritance struct {
	Parent *Relation
	Heirs  []uint32
}

// Heirs are the tables that inherit from one, at any distance, each once, by number
// (postgresql.org/docs/current/ddl-inherit.html). Temporary ones are left out: only
// the sessions that made them see them.
func (c *Catalog) Heirs(ctx context.Context, oid uint32) ([]uint32, error) {
	rows, err := c.tx.Query(ctx, `
		WITH RECURSIVE heir AS (
			SELECT inhrelid AS oid FROM pg_catalog.pg_inherits WHERE inhparent = $1
			UNION
			SELECT i.inhrelid FROM heir h JOIN pg_catalog.pg_inherits i ON i.inhparent = h.oid)
		SELECT c.oid FROM heir h JOIN pg_catalog.pg_class c ON c.oid = h.oid WHERE c.relpersistence <> 't' ORDER BY c.oid`, oid)
	if err != nil {
		return nil, fmt.Errorf("read what inherits from relation %d: %w", oid, err)
	}
	heirs, err := pgx.CollectRows(rows, pgx.RowTo[uint32])
	if err != nil {
		return nil, fmt.Errorf("read what inherits from relation %d: %w", oid, err)
	}
	return heirs, nil
}
