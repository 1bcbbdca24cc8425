package tpch

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// Load creates and fills the tables in the connection's current schema, and
// returns how many rows they have.
func (g *Generator) Load(ctx context.Context, conn *pgx.Conn) (int64, error) {
	var rows int64
	for _, t := range Tables {
		n, err := g.loadTable(ctx, conn, t)
		if err != nil {
			return 0, fmt.Errorf("load table %s: %w", t.Name, err)
		}
		rows += n
	}
	return rows, nil
}

func (g *Generator) loadTable(ctx context.Context, conn *pgx.Conn, t Table) (int64, error) {
	if _, err := conn.Exec(ctx, t.Create()); err != nil {
		return 0, err
	}
	n, err := copyFrom(ctx, conn, t.Name, func(w io.Writer) error { return g.Write(w, t.Name) })
	if err != nil {
		return 0, err
	}
	for _, sql := range []string{t.AddKey(), "VACUUM (ANALYZE) " + t.Name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// copyFrom streams what write writes into a table.
func copyFrom(ctx context.Context, conn *pgx.Conn, table string, write func(io.Writer) error) (int64, error) {
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		// What went wrong reaches CopyFrom, which reads the other end.
		_ = w.CloseWithError(write(w))
	}()
	tag, err := conn.PgConn().CopyFrom(ctx, r, "COPY "+table+" FROM STDIN")
	_ = r.CloseWithError(io.ErrClosedPipe) // lets the writer go if COPY ended early
	<-written
	return tag.RowsAffected(), err
}
