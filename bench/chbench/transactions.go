package chbench

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// kinds are the transactions by name: those of TPC-C, and the cancelling of an order.
var kinds = map[string]func(*Generator, context.Context) error{
	"new order":    func(g *Generator, ctx context.Context) error { return g.newOrder(ctx, g.warehouse(), g.district()) },
	"payment":      (*Generator).payment,
	"delivery":     func(g *Generator, ctx context.Context) error { return g.delivery(ctx, g.warehouse()) },
	"order status": (*Generator).orderStatus,
	"stock level":  (*Generator).stockLevel,
	"cancel":       (*Generator).cancel,
}

// Mixed runs n transactions, nearly in TPC-C's proportions (clause 5.2.3), in
// which orders and payments are most of them, and returns how many of each kind.
func (g *Generator) Mixed(ctx context.Context, n int) (map[string]int, error) {
	ran := map[string]int{}
	for range n {
		kind := "new order"
		switch r := g.rnd.IntN(100); {
		case r < 40:
			kind = "payment"
		case r < 50:
			kind = "delivery"
		case r < 54:
			kind = "order status"
		case r < 58:
			kind = "stock level"
		case r < 62:
			kind = "cancel"
		}
		if err := kinds[kind](g, ctx); err != nil {
			return ran, err
		}
		ran[kind]++
	}
	return ran, nil
}

// transaction runs do in a transaction.
func (g *Generator) transaction(ctx context.Context, name string, do func(pgx.Tx) error) error {
	if err := pgx.BeginFunc(ctx, g.conn, do); err != nil && !errors.Is(err, errRollback) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// errRollback rolls a transaction back that is meant to be.
var errRollback = errors.New("rolled back as intended")

// newOrder is an order of two to five lines. One in twenty names an item that
// does not exist, and is rolled back after all has been written (clause 2.4).
func (g *Generator) newOrder(ctx context.Context, w, d int) error {
	lines, c, at := 2+g.rnd.IntN(4), g.customer(), g.now()
	fails := g.rnd.IntN(20) == 0
	return g.transaction(ctx, "new order", func(tx pgx.Tx) error {
		var o int
		err := tx.QueryRow(ctx, `UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = $1 AND d_id = $2 RETURNING d_next_o_id - 1`, w, d).Scan(&o)
		if err != nil {
			return err
		}
		local := 1
		var b pgx.Batch
		for i, item := range g.rnd.Perm(items)[:lines] {
			supply, quantity := w, 1+g.rnd.IntN(10)
			if g.rnd.IntN(10) == 0 {
				supply, local = w%warehouses+1, 0
			}
			b.Queue(`UPDATE stock SET s_quantity = CASE WHEN s_quantity >= $3 + 10 THEN s_quantity - $3 ELSE s_quantity - $3 + 91 END,
				s_ytd = s_ytd + $3, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $4 WHERE s_i_id = $1 AND s_w_id = $2`,
				item+1, supply, quantity, 1-btoi(supply == w))
			b.Queue(`INSERT INTO order_line SELECT $1, $2, $3, $4, i_id, $6, NULL, $7::int, $7 * i_price, $8 FROM item WHERE i_id = $5`,
				o, d, w, i+1, item+1, supply, quantity, g.letters(24))
		}
		b.Queue(`INSERT INTO orders VALUES ($1, $2, $3, $4, $5, NULL, $6, $7)`, o, d, w, c, at, lines, local)
		b.Queue(`INSERT INTO new_order VALUES ($1, $2, $3)`, o, d, w)
		if err := tx.SendBatch(ctx, &b).Close(); err != nil {
			return err
		}
		if fails {
			return errRollback
		}
		return nil
	})
}

// payment is by a customer, in one of six cases through the other warehouse. The
// data of a customer with bad credit get longer, up to a limit (clause 2.5).
func (g *Generator) payment(ctx context.Context) error {
	w, d, c, at, amount := g.warehouse(), g.district(), g.customer(), g.now(), g.money(1, 200)
	cw := w
	if g.rnd.IntN(6) == 0 {
		cw = w%warehouses + 1
	}
	return g.transaction(ctx, "payment", func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue(`UPDATE warehouse SET w_ytd = w_ytd + $2 WHERE w_id = $1`, w, amount)
		b.Queue(`UPDATE district SET d_ytd = d_ytd + $3 WHERE d_w_id = $1 AND d_id = $2`, w, d, amount)
		b.Queue(`UPDATE customer SET c_balance = c_balance - $4, c_ytd_payment = c_ytd_payment + $4, c_payment_cnt = c_payment_cnt + 1,
			c_data = CASE c_credit WHEN 'BC' THEN left(concat_ws(' ', c_id, c_d_id, c_w_id, $5::int, $6::int, $4, c_data), 60) ELSE c_data END
			WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3`, cw, d, c, amount, d, w)
		b.Queue(`INSERT INTO history SELECT $1, $2, $3, $2, $4, $5, $6, w_name || '    ' || d_name FROM warehouse JOIN district ON d_w_id = w_id
			WHERE w_id = $4 AND d_id = $2`, c, d, cw, w, at, amount)
		return tx.SendBatch(ctx, &b).Close()
	})
}

// delivery delivers the oldest new order of each district (clause 2.7).
func (g *Generator) delivery(ctx context.Context, w int) error {
	carrier, at := 1+g.rnd.IntN(10), g.now()
	return g.transaction(ctx, "delivery", func(tx pgx.Tx) error {
		for d := 1; d <= districts; d++ {
			var o int
			err := tx.QueryRow(ctx, `DELETE FROM new_order WHERE no_w_id = $1 AND no_d_id = $2
				AND no_o_id = (SELECT min(no_o_id) FROM new_order WHERE no_w_id = $1 AND no_d_id = $2) RETURNING no_o_id`, w, d).Scan(&o)
			if errors.Is(err, pgx.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			var b pgx.Batch
			b.Queue(`UPDATE orders SET o_carrier_id = $4 WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3`, w, d, o, carrier)
			b.Queue(`UPDATE order_line SET ol_delivery_d = $4 WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3`, w, d, o, at)
			b.Queue(`UPDATE customer SET c_delivery_cnt = c_delivery_cnt + 1,
				c_balance = c_balance + (SELECT sum(ol_amount) FROM order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3)
				WHERE (c_w_id, c_d_id, c_id) = (SELECT o_w_id, o_d_id, o_c_id FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3)`, w, d, o)
			if err := tx.SendBatch(ctx, &b).Close(); err != nil {
				return err
			}
		}
		return nil
	})
}

// orderStatus reads the lines of a customer's last order (clause 2.6).
func (g *Generator) orderStatus(ctx context.Context) error {
	w, d, c := g.warehouse(), g.district(), g.customer()
	return g.transaction(ctx, "order status", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT c_balance, c_last, o_entry_d, o_carrier_id, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d
			FROM customer LEFT JOIN (orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id)
			  ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_id = (SELECT max(o_id) FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3)
			WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3`, w, d, c)
		return err
	})
}

// stockLevel counts the items of a district's latest orders that run low (clause 2.8).
func (g *Generator) stockLevel(ctx context.Context) error {
	w, d, low := g.warehouse(), g.district(), 10+g.rnd.IntN(11)
	return g.transaction(ctx, "stock level", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT count(DISTINCT s_i_id) FROM district
			JOIN order_line ON ol_w_id = d_w_id AND ol_d_id = d_id AND ol_o_id BETWEEN d_next_o_id - 20 AND d_next_o_id - 1
			JOIN stock ON s_w_id = d_w_id AND s_i_id = ol_i_id WHERE d_w_id = $1 AND d_id = $2 AND s_quantity < $3`, w, d, low)
		return err
	})
}

// cancel takes a district's latest order back, if it has not been delivered.
func (g *Generator) cancel(ctx context.Context) error {
	w, d := g.warehouse(), g.district()
	return g.transaction(ctx, "cancel", func(tx pgx.Tx) error {
		var o int
		err := tx.QueryRow(ctx, `DELETE FROM new_order WHERE no_w_id = $1 AND no_d_id = $2
			AND no_o_id = (SELECT max(no_o_id) FROM new_order WHERE no_w_id = $1 AND no_d_id = $2) RETURNING no_o_id`, w, d).Scan(&o)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		var b pgx.Batch
		b.Queue(`UPDATE stock SET s_quantity = s_quantity + ol_quantity, s_ytd = s_ytd - ol_quantity, s_order_cnt = s_order_cnt - 1,
			s_remote_cnt = s_remote_cnt - (ol_supply_w_id <> ol_w_id)::int
			FROM order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3 AND s_w_id = ol_supply_w_id AND s_i_id = ol_i_id`, w, d, o)
		b.Queue(`DELETE FROM order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3`, w, d, o)
		b.Queue(`DELETE FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3`, w, d, o)
		return tx.SendBatch(ctx, &b).Close()
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
