package replication

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/decode"
)

// Snapshot is a session that sees the source as an exported snapshot does. Any
// number of them may share one snapshot; each loads one table at a time. Only
// opening one needs the exporting connection to be still there.
type Snapshot struct {
	conn *pgx.Conn
}

// OpenSnapshot opens a session on an exported snapshot.
func OpenSnapshot(ctx context.Context, dsn, snapshot string) (*Snapshot, error) {
	conn, err := OpenSession(ctx, dsn)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT "+quoteLiteral(snapshot), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("open exported snapshot: %w", err)
	}
	return &Snapshot{conn: conn}, nil
}

// Close ends the session.
func (s *Snapshot) Close(ctx context.Context) error {
	if err := s.conn.Close(ctx); err != nil {
		return fmt.Errorf("close snapshot session: %w", err)
	}
	return nil
}

// Estimate is the planner's idea of a table's rows, for a progress bar; −1 when
// it has none.
func (s *Snapshot) Estimate(ctx context.Context, table *decode.Table) (int64, error) {
	var rows int64
	err := s.conn.QueryRow(ctx, `
		SELECT coalesce(sum(greatest(reltuples, 0)) FILTER (WHERE reltuples >= 0), -1)::int8
		FROM pg_class
		WHERE relkind = 'r' AND oid IN (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1::oid))`,
		table.OID).Scan(&rows)
	if err != nil {
		return 0, fmt.Errorf("estimate rows of %s: %w", qualified(table), err)
	}
	return rows, nil
}

// Size is the bytes of a table's files, but for values stored out of line: what is known of
// a table that was never analyzed.
func (s *Snapshot) Size(ctx context.Context, table *decode.Table) (int64, error) {
	var bytes int64
	err := s.conn.QueryRow(ctx, `
		SELECT coalesce(sum(pg_relation_size(oid)), 0)::int8
		FROM pg_class
		WHERE relkind = 'r' AND oid IN (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1::oid))`,
		table.OID).Scan(&bytes)
	if err != nil {
		return 0, fmt.Errorf("size of %s: %w", qualified(table), err)
	}
	return bytes, nil
}

// Load reads a table, the columns in use only, in batches of which each has as many rows as
// next says before it, or fewer. A batch is used again for the next one; its strings may be kept. It
// needs memory for about one batch, and stops when emit or the context says so; the session cannot
// be used after that.
func (s *Snapshot) Load(ctx context.Context, table *decode.Table, next func() int, emit func(*circuit.Batch) error) (rows int64, err error) {
	name := quote(table.Schema) + "." + quote(table.Name)
	var partitioned bool
	err = s.conn.QueryRow(ctx, `
		SELECT relkind = 'p' FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE c.oid = $1 AND nspname = $2 AND relname = $3`, table.OID, table.Schema, table.Name).Scan(&partitioned)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, tableChanged(qualified(table), "was dropped, renamed or created anew")
	}
	if err != nil {
		return 0, fmt.Errorf("load %s: %w", qualified(table), err)
	}
	r := &copyReader{columns: table.Columns, next: next, emit: emit}
	_, err = s.conn.PgConn().CopyTo(ctx, r, copyStatement(table, name, partitioned))
	if err == nil {
		err = s.checkFiles(ctx, table)
	}
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		return r.rows, fmt.Errorf("load %s: %w", qualified(table), err)
	}
	return r.rows, nil
}

// checkFiles makes sure that a table just read has been in the same files since the
// snapshot. To a snapshot taken before, a table that was truncated or rewritten by
// ALTER TABLE seems empty: https://www.postgresql.org/docs/current/mvcc-caveats.html.
// Having been read it is locked, so that this cannot happen any more. pg_class is
// read by the snapshot; the function tells the present.
func (s *Snapshot) checkFiles(ctx context.Context, table *decode.Table) error {
	var moved bool
	err := s.conn.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT FROM pg_class
			WHERE relkind = 'r' AND oid IN (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1::oid))
			  AND relfilenode IS DISTINCT FROM pg_relation_filenode(oid))`, table.OID).Scan(&moved)
	if err == nil && moved {
		err = ErrRewritten
	}
	return err
}

// copyStatement selects the columns in use; what has no binary form comes as text.
func copyStatement(table *decode.Table, name string, partitioned bool) string {
	var b strings.Builder
	b.WriteString("COPY (SELECT ")
	for i := range table.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(table.Columns[i].Name))
		if table.Columns[i].Type.NoBinary {
			b.WriteString("::pg_catalog.text")
		}
	}
	b.WriteString(" FROM ")
	if !partitioned {
		b.WriteString("ONLY ")
	}
	b.WriteString(name)
	b.WriteString(") TO STDOUT (FORMAT binary)")
	return b.String()
}

func qualified(table *decode.Table) string { return table.Schema + "." + table.Name }

func tableChanged(table, how string) error {
	return &StopError{
		Code: TableChanged, Message: fmt.Sprintf("table %s %s", table, how), Remedy: resnapshot,
	}
}
