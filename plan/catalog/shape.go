package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Shape is what plans take from a table beside its columns' names and types. ALTER TABLE
// and DROP INDEX change it, of which the stream tells nothing.
type Shape struct {
	Collations map[int]uint32 // of the columns, by attribute number
	Keys       [][]int        // by attribute number; the primary key first
}

// keysSQL finds what identifies a row at every commit: unique constraints and
// indexes over plain NOT NULL columns, without a predicate. Since PostgreSQL 18 a column may
// be marked so before its rows have been looked at
// (postgresql.org/docs/18/catalog-pg-attribute.html).
const keysSQL = `
	SELECT i.indrelid, k.key
	FROM pg_catalog.pg_index i
	CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(u.k::int4 ORDER BY u.o) AS key FROM unnest(i.indkey[0:i.indnkeyatts-1]) WITH ORDINALITY u(k, o)) k
	WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
	  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint x WHERE x.conindid = i.indexrelid AND x.contype = 'x')
	  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (k.key) AND NOT a.attnotnull)
	  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint n WHERE n.conrelid = i.indrelid AND n.contype = 'n' AND NOT n.convalidated AND n.conkey[1] = ANY (k.key))
	ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid`

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func readKeys(ctx context.Context, q querier, tables []uint32) (map[uint32][][]int, error) {
	keys := map[uint32][][]int{}
	rows, err := q.Query(ctx, keysSQL, tables)
	if err == nil {
		var table uint32
		var key []int
		_, err = pgx.ForEachRow(rows, []any{&table, &key}, func() error {
			keys[table], key = append(keys[table], key), nil
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of tables: %w", err)
	}
	return keys, nil
}

// ReadShapes reads the shapes of tables as they are now. It waits for no lock. A table that
// does not exist has none.
func ReadShapes(ctx context.Context, conn *pgx.Conn, tables []uint32) (map[uint32]Shape, error) {
	keys, err := readKeys(ctx, conn, tables)
	if err != nil {
		return nil, err
	}
	shapes := map[uint32]Shape{}
	rows, err := conn.Query(ctx, `SELECT attrelid, attnum, attcollation FROM pg_catalog.pg_attribute
		WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped`, tables)
	if err == nil {
		var table, collation uint32
		var number int
		_, err = pgx.ForEachRow(rows, []any{&table, &number, &collation}, func() error {
			if _, ok := shapes[table]; !ok {
				shapes[table] = Shape{map[int]uint32{}, keys[table]}
			}
			shapes[table].Collations[number] = collation
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the collations of tables' columns: %w", err)
	}
	return shapes, nil
}

// HasKey says whether the table has a key over certain columns, by attribute number.
func (s Shape) HasKey(key []int) bool {
	return slices.ContainsFunc(s.Keys, func(k []int) bool { return slices.Equal(k, key) })
}
