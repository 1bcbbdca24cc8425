package tpch

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Refresh changes the data by transactions of a chosen size: new orders with
// their lines (the specification's RF1), orders deleted with theirs (RF2), and
// updates, which the specification does not have.
type Refresh struct {
	gen     *Generator
	created int64 // new orders so far
	deleted int64 // orders of the beginning that are gone, from the first on
	random  random
	order   Order
	orders  []byte
	lines   []byte
}

// NewRefresh begins the changes to data that Load has just loaded.
func NewRefresh(g *Generator) *Refresh {
	return &Refresh{gen: g, random: random{g.seed + 1}}
}

// NewOrder makes the next new order; it is valid until the next call.
func (r *Refresh) NewOrder() *Order {
	r.gen.NewOrder(r.created, &r.order)
	r.created++
	return &r.order
}

// Insert is a transaction of new orders with their lines, of at least so many
// rows; it returns how many.
func (r *Refresh) Insert(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
	return r.transaction(ctx, conn, func() (int, error) { return r.insert(ctx, conn, rows) })
}

// Update is a transaction that changes an order of the beginning and its lines.
func (r *Refresh) Update(ctx context.Context, conn *pgx.Conn) error {
	_, err := r.transaction(ctx, conn, func() (int, error) {
		key := r.baseKey(r.random.between(r.deleted, r.gen.orders-1))
		if _, err := conn.Exec(ctx, "UPDATE orders SET o_totalprice = o_totalprice + 1 WHERE o_orderkey = $1", key); err != nil {
			return 0, err
		}
		_, err := conn.Exec(ctx, "UPDATE lineitem SET l_quantity = l_quantity % 50 + 1, l_extendedprice = l_extendedprice + 1 WHERE l_orderkey = $1", key)
		return 0, err
	})
	return err
}

// Delete is a transaction that removes an order of the beginning with its lines.
func (r *Refresh) Delete(ctx context.Context, conn *pgx.Conn) error {
	_, err := r.transaction(ctx, conn, func() (int, error) { return r.delete(ctx, conn, 1) })
	return err
}

// Mixed is a transaction of three quarters inserts, an eighth updates and an
// eighth deletes.
func (r *Refresh) Mixed(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
	return r.transaction(ctx, conn, func() (int, error) {
		inserted, err := r.insert(ctx, conn, rows*3/4)
		if err != nil {
			return 0, err
		}
		updated, err := r.update(ctx, conn, rows/8)
		if err != nil {
			return 0, err
		}
		deleted, err := r.delete(ctx, conn, rows/8)
		return inserted + updated + deleted, err
	})
}

func (r *Refresh) transaction(ctx context.Context, conn *pgx.Conn, work func() (int, error)) (n int, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin refresh: %w", err)
	}
	if n, err = work(); err != nil {
		return 0, errors.Join(fmt.Errorf("refresh: %w", err), tx.Rollback(ctx))
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("commit refresh: %w", err)
	}
	return n, nil
}

func (r *Refresh) insert(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
	r.orders, r.lines = r.orders[:0], r.lines[:0]
	n := 0
	for n < rows {
		o := r.NewOrder()
		r.orders, r.lines = o.AppendRow(r.orders), o.AppendLines(r.lines)
		n += 1 + len(o.Lines)
	}
	if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(r.orders), "COPY orders FROM STDIN"); err != nil {
		return 0, err
	}
	_, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(r.lines), "COPY lineitem FROM STDIN")
	return n, err
}

// update changes lines of random orders of the beginning.
func (r *Refresh) update(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
	n := 0
	for n < rows {
		keys := make([]int64, max((rows-n+3)/4, 1))
		for i := range keys {
			keys[i] = r.baseKey(r.random.between(r.deleted, r.gen.orders-1))
		}
		tag, err := conn.Exec(ctx, `UPDATE lineitem SET l_quantity = l_quantity % 50 + 1, l_extendedprice = l_extendedprice + 1
			WHERE l_orderkey = ANY ($1)`, keys)
		if err != nil {
			return 0, err
		}
		n += int(tag.RowsAffected())
	}
	return n, nil
}

// delete removes orders of the beginning, the first ones first, with their lines.
func (r *Refresh) delete(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
	n := 0
	for n < rows {
		keys := make([]int64, max((rows-n+4)/5, 1))
		if r.deleted+int64(len(keys)) >= r.gen.orders {
			return n, errors.New("all orders of the beginning are deleted; use a larger scale")
		}
		for i := range keys {
			keys[i] = r.baseKey(r.deleted)
			r.deleted++
		}
		for _, sql := range []string{"DELETE FROM lineitem WHERE l_orderkey = ANY ($1)", "DELETE FROM orders WHERE o_orderkey = ANY ($1)"} {
			tag, err := conn.Exec(ctx, sql, keys)
			if err != nil {
				return 0, err
			}
			n += int(tag.RowsAffected())
		}
	}
	return n, nil
}

func (r *Refresh) baseKey(i int64) int64 { return i/8*32 + i%8 + 1 }

// InsertSingly inserts new orders and lines by a transaction a row, without
// waiting for one before sending the next.
func (r *Refresh) InsertSingly(ctx context.Context, conn *pgx.Conn, rows int) (int, error) {
	if err := prepareInserts(ctx, conn); err != nil {
		return 0, err
	}
	n := 0
	for n < rows {
		pipeline := conn.PgConn().StartPipeline(ctx)
		sent := 0
		for sent < 500 && n+sent < rows {
			o := r.NewOrder()
			pipeline.SendQueryPrepared(insertOrder, fields(o.AppendRow(nil)), nil, nil)
			if err := pipeline.Sync(); err != nil {
				return 0, errors.Join(err, pipeline.Close())
			}
			for i := range o.Lines {
				pipeline.SendQueryPrepared(insertLine, fields(o.Lines[i].AppendRow(nil)), nil, nil)
				if err := pipeline.Sync(); err != nil {
					return 0, errors.Join(err, pipeline.Close())
				}
			}
			sent += 1 + len(o.Lines)
		}
		if err := drainPipeline(pipeline); err != nil {
			return 0, fmt.Errorf("insert rows singly: %w", err)
		}
		n += sent
	}
	return n, nil
}

// drainPipeline reads all answers of a pipeline and closes it.
func drainPipeline(p *pgconn.Pipeline) error {
	for {
		answer, err := p.GetResults()
		if err != nil {
			return errors.Join(err, p.Close())
		}
		if reader, ok := answer.(*pgconn.ResultReader); ok {
			if _, err := reader.Close(); err != nil {
				return errors.Join(err, p.Close())
			}
		}
		if answer == nil {
			return p.Close()
		}
	}
}

// Names of the prepared statements.
const (
	insertOrder = "tpch_insert_order"
	insertLine  = "tpch_insert_line"
)

func prepareInserts(ctx context.Context, conn *pgx.Conn) error {
	for name, sql := range map[string]string{
		insertOrder: "INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		insertLine:  "INSERT INTO lineitem VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
	} {
		if _, err := conn.Prepare(ctx, name, sql); err != nil {
			return fmt.Errorf("prepare inserts: %w", err)
		}
	}
	return nil
}

// fields splits a row of COPY's text format into parameters in text format.
func fields(row []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(row, []byte{'\n'}), []byte{'\t'})
}

// OrdersFirst commits new orders without lines, and returns their lines, at least
// so many, to be inserted by a LineInserter.
func (r *Refresh) OrdersFirst(ctx context.Context, conn *pgx.Conn, lines int) ([]Line, error) {
	var out []Line
	r.orders = r.orders[:0]
	for len(out) < lines {
		o := r.NewOrder()
		r.orders = o.AppendRow(r.orders)
		out = append(out, o.Lines...)
	}
	if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(r.orders), "COPY orders FROM STDIN"); err != nil {
		return nil, fmt.Errorf("insert orders: %w", err)
	}
	return out, nil
}

// LineInserter inserts single lines, a transaction each.
type LineInserter struct{ conn *pgconn.PgConn }

// NewLineInserter prepares a connection.
func NewLineInserter(ctx context.Context, conn *pgx.Conn) (*LineInserter, error) {
	return &LineInserter{conn.PgConn()}, prepareInserts(ctx, conn)
}

// Insert returns when the line is committed.
func (i *LineInserter) Insert(ctx context.Context, l *Line) error {
	if r := i.conn.ExecPrepared(ctx, insertLine, fields(l.AppendRow(nil)), nil, nil).Read(); r.Err != nil {
		return fmt.Errorf("insert line: %w", r.Err)
	}
	return nil
}
