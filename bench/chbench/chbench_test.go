package chbench

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// violations are rows that there must never be: TPC-C's conditions of
// consistency (clause 3.3.2), as far as cancelled orders leave them.
var violations = []string{
	`warehouse WHERE w_ytd <> (SELECT sum(d_ytd) FROM district WHERE d_w_id = w_id)`,
	`warehouse WHERE w_ytd <> (SELECT coalesce(sum(h_amount), 0) FROM history WHERE h_w_id = w_id)`,
	`district WHERE d_next_o_id <= (SELECT max(o_id) FROM orders WHERE o_w_id = d_w_id AND o_d_id = d_id)`,
	`orders WHERE o_ol_cnt <> (SELECT count(*) FROM order_line WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id)`,
	`orders FULL JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id WHERE o_id IS NULL OR (no_o_id IS NULL) <> (o_carrier_id IS NOT NULL)`,
	`orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE (ol_delivery_d IS NULL) <> (o_carrier_id IS NULL)`,
	`stock WHERE s_order_cnt <> (SELECT count(*) FROM order_line WHERE ol_supply_w_id = s_w_id AND ol_i_id = s_i_id)`,
	`stock WHERE s_ytd <> (SELECT coalesce(sum(ol_quantity), 0) FROM order_line WHERE ol_supply_w_id = s_w_id AND ol_i_id = s_i_id)`,
	`customer WHERE c_ytd_payment - 10 <> (SELECT coalesce(sum(h_amount), 0) FROM history WHERE h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id)`,
}

func TestTransactionsKeepTheDataConsistent(t *testing.T) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, embedded.NewDB(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	count := func(from string) (n int) {
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+from).Scan(&n); err != nil {
			t.Fatalf("%v\n%s", err, from)
		}
		return n
	}
	consistent := func(when string) {
		for _, from := range violations {
			if n := count(from); n != 0 {
				t.Errorf("%s there are %d rows of %s", when, n, from)
			}
		}
	}
	g := New(7, conn)
	if err := g.Load(ctx); err != nil {
		t.Fatal(err)
	}
	consistent("after loading")
	before := count("orders")
	ran, err := g.Mixed(ctx, 150)
	if err != nil {
		t.Fatal(err)
	}
	consistent("after transactions")
	for kind := range kinds {
		if ran[kind] == 0 {
			t.Errorf("no %s ran", kind)
		}
	}
	if count("history") != ran["payment"] {
		t.Errorf("%d payments, history has %d", ran["payment"], count("history"))
	}
	if got, most := count("orders")-before, ran["new order"]; got >= most || got < most*2/3 {
		t.Errorf("%d orders more after %d new ones and %d cancelled", got, most, ran["cancel"])
	}
}
