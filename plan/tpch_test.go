package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/bench/tpch"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestTPCH maintains the 22 queries of TPC-H, with parameters that small data meet, over generated data and writes to
// all of its tables.
func TestTPCH(t *testing.T) {
	var views []plan.View
	for _, v := range tpch.Dense() {
		views = append(views, plan.View{Name: v.Name, Query: v.Query})
	}
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	if _, err := tpch.New(0.001, 7).Load(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 22)))
	r.feed(3)
	r.check()
	for round := range 6 {
		n := round + 2
		for _, sql := range []string{
			`DELETE FROM lineitem WHERE (l_orderkey + l_linenumber) %% 17 = %d`,
			`UPDATE lineitem SET l_quantity = l_quantity + 1, l_discount = 0.06 WHERE l_orderkey %% 13 = %d`,
			`UPDATE lineitem SET l_receiptdate = l_commitdate + (l_linenumber %% 3 - 1) WHERE l_orderkey %% 11 = %d`,
			`DELETE FROM orders WHERE o_orderkey %% 19 = %d`,
			`UPDATE orders SET o_custkey = 1 + (o_custkey * 7) %% 150, o_orderpriority = '1-URGENT' WHERE o_orderkey %% 7 = %d`,
			`UPDATE customer SET c_acctbal = -c_acctbal, c_nationkey = (c_nationkey + 1) %% 25 WHERE c_custkey %% 5 = %d %% 5`,
			`UPDATE partsupp SET ps_supplycost = ps_supplycost - 1, ps_availqty = ps_availqty / 2 WHERE ps_partkey %% 9 = %d`,
			`UPDATE part SET p_size = 1 + (p_size + 7) %% 50 WHERE p_partkey %% 6 = %d %% 6`,
			`UPDATE supplier SET s_nationkey = (s_nationkey + %d) %% 25, s_comment = 'Customer Complaints' WHERE s_suppkey %% 2 = 0`,
			`UPDATE nation SET n_regionkey = (n_regionkey + 1) %% 5 WHERE n_nationkey %% 8 = %d`,
		} {
			mustExec(t, conn, fmt.Sprintf(sql, n))
		}
		r.feed(4)
		r.check()
	}
	for _, v := range views {
		if r.filled[v.Name] == 0 {
			t.Errorf("%s never had a row", v.Name)
		}
	}
}
