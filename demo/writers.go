package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sessions is how many write at a time, pause how long each rests between two
// transactions, on average.
const (
	sessions = 4
	pause    = 8 * time.Millisecond
)

// totals is what the writers have done.
type totals struct {
	Transactions, Rows int64
}

// writers are sessions that run the shop.
type writers struct {
	group              sync.WaitGroup
	transactions, rows atomic.Int64
	mu                 sync.Mutex
	err                error
}

func (w *writers) total() totals { return totals{w.transactions.Load(), w.rows.Load()} }

// wait waits for all sessions to end.
func (w *writers) wait() error {
	w.group.Wait()
	return w.err
}

// startWriters starts the sessions; they end with the context.
func startWriters(ctx context.Context, dsn string) (*writers, error) {
	w := &writers{}
	conns := make([]*pgx.Conn, sessions)
	for i := range conns {
		var err error
		if conns[i], err = pgx.Connect(ctx, dsn); err != nil {
			for _, c := range conns[:i] {
				_ = c.Close(context.WithoutCancel(ctx))
			}
			return nil, fmt.Errorf("connect a writer: %w", err)
		}
	}
	for _, c := range conns {
		w.group.Go(func() { w.session(ctx, c) })
	}
	return w, nil
}

func (w *writers) session(ctx context.Context, conn *pgx.Conn) {
	work := context.WithoutCancel(ctx) // a transaction is finished
	defer func() { _ = conn.Close(work) }()
	for {
		rest := time.NewTimer(time.Duration(rand.ExpFloat64() * float64(pause)))
		select {
		case <-ctx.Done():
			rest.Stop()
			return
		case <-rest.C:
		}
		rows, err := transact(work, conn, pick())
		var pg *pgconn.PgError
		switch {
		case err == nil:
			w.transactions.Add(1)
			w.rows.Add(rows)
		case errors.As(err, &pg) && pg.Code[:2] == "40":
			// A deadlock or the like: the shop goes on.
		default:
			w.mu.Lock()
			w.err = errors.Join(w.err, fmt.Errorf("write to the shop: %w", err))
			w.mu.Unlock()
			return
		}
	}
}

// transact runs the statements of one happening in one transaction.
func transact(ctx context.Context, conn *pgx.Conn, statements []string) (rows int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range statements {
			tag, err := tx.Exec(ctx, sql)
			if err != nil {
				return err
			}
			rows += tag.RowsAffected()
		}
		return nil
	})
	return rows, err
}

// happening is something that happens in a shop, and how often.
type happening struct {
	weight     int
	statements []string
}

// anOrder picks an order in some state that no other session is busy with.
func anOrder(status string) string {
	return `(SELECT id FROM orders WHERE status = '` + status + `' AND id >= (SELECT min(id) + floor(random() * (max(id) - min(id) + 1)) FROM orders)
		ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)`
}

var happenings = []happening{
	// Someone orders one to four products.
	{30, []string{`WITH o AS (
			INSERT INTO orders (customer_id, note)
			SELECT 1 + floor(random() * 200), CASE WHEN random() < 0.1 THEN 'please gift-wrap' END
			RETURNING id),
		p AS (SELECT id, price, row_number() OVER () AS line FROM (
			SELECT id, price FROM products WHERE active ORDER BY random() LIMIT 1 + floor(random() * 4)::int) q)
		INSERT INTO order_lines (order_id, line, product_id, quantity, unit_price, discount)
		SELECT o.id, p.line, p.id, 1 + floor(random() * 4), p.price, CASE WHEN random() < 0.2 THEN 0.100 ELSE 0 END FROM o, p`}},
	// An order is paid.
	{25, []string{`WITH o AS (UPDATE orders SET status = 'paid' WHERE id = ` + anOrder("open") + ` RETURNING id)
		INSERT INTO payments (order_id, method, amount)
		SELECT o.id, (ARRAY['card', 'transfer', 'voucher'])[1 + floor(random() * 3)::int],
		       (SELECT coalesce(sum(round(l.quantity * l.unit_price * (1 - l.discount), 2)), 0) FROM order_lines l WHERE l.order_id = o.id)
		FROM o`}},
	// A paid order leaves a warehouse, whose stock goes down.
	{20, []string{`WITH o AS (UPDATE orders SET status = 'shipped' WHERE id = ` + anOrder("paid") + ` RETURNING id),
		w AS (SELECT (ARRAY['Hamburg', 'Lyon', 'Porto'])[1 + floor(random() * 3)::int] AS name)
		UPDATE stock s SET quantity = s.quantity - l.quantity
		FROM o, w, order_lines l WHERE l.order_id = o.id AND s.product_id = l.product_id AND s.warehouse = w.name`}},
	{15, []string{`UPDATE orders SET status = 'delivered' WHERE id = ` + anOrder("shipped")}},
	// Goods come in, where they are missed.
	{3, []string{`UPDATE stock SET quantity = quantity + 20 WHERE quantity < reorder_level AND product_id = 1 + floor(random() * 60)`}},
	{4, []string{`UPDATE products SET price = greatest(0.99, round(price * (0.95 + random() * 0.1)::numeric, 2)) WHERE id = 1 + floor(random() * 60)`}},
	{4, []string{`UPDATE orders SET status = 'cancelled' WHERE id = ` + anOrder("open")}},
	// A cancelled order is deleted, with its lines.
	{3, []string{`DELETE FROM orders WHERE id = ` + anOrder("cancelled")}},
	{3, []string{`UPDATE payments SET refunded = true WHERE order_id = ` + anOrder("delivered")}},
	{1, []string{`UPDATE products SET active = NOT active WHERE id = 1 + floor(random() * 60)`}},
	// A customer moves.
	{2, []string{`UPDATE customers SET region = (ARRAY['north', 'south', 'east', 'west'])[1 + floor(random() * 4)::int] WHERE id = 1 + floor(random() * 200)`}},
}

func pick() []string {
	sum := 0
	for _, h := range happenings {
		sum += h.weight
	}
	n := rand.IntN(sum)
	for _, h := range happenings {
		if n < h.weight {
			return h.statements
		}
		n -= h.weight
	}
	return nil
}
