package plan_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/bench/chbench"
	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// chbenchWrites change what TPC-C's transactions leave alone; # is the number of
// the round.
var chbenchWrites = []string{
	`UPDATE item SET i_data = reverse(i_data), i_price = i_price + 1 WHERE i_id % 7 = #`,
	`UPDATE supplier SET su_nationkey = 65 + (su_nationkey - 64) % 8 WHERE su_suppkey % 4 = #`,
	`UPDATE supplier SET su_comment = CASE WHEN su_comment LIKE '%bad%' THEN 'good' ELSE 'too bad' END WHERE su_suppkey % 6 = #`,
	`UPDATE nation SET n_regionkey = (n_regionkey + 1) % 4 WHERE n_nationkey % 8 = #`,
	`UPDATE customer SET c_state = 'GX', c_phone = '7' || substr(c_phone, 2) WHERE c_id % 9 = #`,
	`UPDATE order_line SET ol_delivery_d = ol_delivery_d + ol_number * interval '5 hours' WHERE ol_o_id % 8 = #`,
	`UPDATE stock SET s_quantity = s_quantity / 8 WHERE s_i_id % 5 = #`,
	`UPDATE orders SET o_c_id = o_c_id % 12 + 1, o_carrier_id = 2 WHERE o_id % 6 = # AND o_carrier_id IS NOT NULL`,
	`DELETE FROM supplier WHERE su_suppkey % 19 = #`,
	`DELETE FROM item WHERE i_id % 23 = #`,
}

// TestCHBenchmark maintains the queries of the CH-benCHmark, and more of the kind,
// under its transactions, and under changes of the data that those only read.
func TestCHBenchmark(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	g := chbench.New(7, conn)
	if err := g.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dsn, namedQueries(t, "testdata/chbench.sql", "testdata/chbench_more.sql"), rand.New(rand.NewPCG(5, 22)))
	var h history
	round := func() {
		t.Helper()
		r.feed(3)
		r.check()
		h.see(r)
	}
	round()
	for n := range 5 {
		if _, err := g.Mixed(t.Context(), 40); err != nil {
			t.Fatal(err)
		}
		round()
		for _, sql := range chbenchWrites {
			mustExec(t, conn, strings.ReplaceAll(sql, "#", strconv.Itoa(n)))
		}
		round()
	}
	h.alive(r)
}
