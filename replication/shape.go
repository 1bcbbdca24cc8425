package replication

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ReadHeirs lists, of tables, those that inherit from each, at any distance, by their
// numbers. Temporary ones are left out, which only their own sessions see. It waits
// for no lock. A table that does not exist has none.
func ReadHeirs(ctx context.Context, conn *pgx.Conn, tables []uint32) (map[uint32][]uint32, error) {
	heirs := make(map[uint32][]uint32, len(tables))
	rows, err := conn.Query(ctx, `
		WITH RECURSIVE heir AS (
			SELECT i.inhparent AS root, i.inhrelid AS oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = ANY ($1::oid[])
			UNION
			SELECT h.root, i.inhrelid FROM heir h JOIN pg_catalog.pg_inherits i ON i.inhparent = h.oid)
		SELECT h.root, h.oid FROM heir h JOIN pg_catalog.pg_class c ON c.oid = h.oid WHERE c.relpersistence <> 't' ORDER BY h.root, h.oid`, tables)
	if err == nil {
		var root, oid uint32
		_, err = pgx.ForEachRow(rows, []any{&root, &oid}, func() error {
			heirs[root] = append(heirs[root], oid)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what inherits from the source tables: %w", err)
	}
	return heirs, nil
}

// ReadColumns lists the numbers of tables' columns, ascending. It waits for no lock. A
// table that does not exist has none.
func ReadColumns(ctx context.Context, conn *pgx.Conn, tables []uint32) (map[uint32][]int, error) {
	columns := make(map[uint32][]int, len(tables))
	rows, err := conn.Query(ctx, `
		SELECT attrelid, attnum FROM pg_catalog.pg_attribute
		WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum`, tables)
	if err == nil {
		var table uint32
		var number int
		_, err = pgx.ForEachRow(rows, []any{&table, &number}, func() error {
			columns[table] = append(columns[table], number)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the source tables' columns: %w", err)
	}
	return columns, nil
}
