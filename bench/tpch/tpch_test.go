package tpch

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

func write(t *testing.T, g *Generator, table string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := g.Write(&b, table); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSeedDecidesAll(t *testing.T) {
	for _, table := range Tables {
		first := write(t, New(0.001, 7), table.Name)
		if !bytes.Equal(first, write(t, New(0.001, 7), table.Name)) {
			t.Errorf("%s: the same seed makes other rows", table.Name)
		}
		fixed := table.Name == "region" || table.Name == "nation"
		if !fixed && bytes.Equal(first, write(t, New(0.001, 8), table.Name)) {
			t.Errorf("%s: another seed makes the same rows", table.Name)
		}
	}
}

func TestUnknownTable(t *testing.T) {
	if err := New(0.001, 1).Write(&bytes.Buffer{}, "lineitems"); err == nil {
		t.Error("a table that does not exist was written")
	}
}

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, embedded.NewDB(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	return conn
}

func count(t *testing.T, conn *pgx.Conn, sql string) int {
	t.Helper()
	var n int
	if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM "+sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// violations are conditions of clause 4.2.3 that no row may break.
var violations = []string{
	`lineitem l LEFT JOIN orders ON o_orderkey = l_orderkey WHERE o_orderkey IS NULL`,
	`lineitem LEFT JOIN partsupp ON ps_partkey = l_partkey AND ps_suppkey = l_suppkey WHERE ps_partkey IS NULL`,
	`lineitem JOIN part ON p_partkey = l_partkey WHERE l_extendedprice <> l_quantity * p_retailprice`,
	`lineitem JOIN orders ON o_orderkey = l_orderkey WHERE l_shipdate <= o_orderdate OR l_receiptdate <= l_shipdate`,
	`lineitem WHERE (l_linestatus = 'O') <> (l_shipdate > DATE '1995-06-17')`,
	`lineitem WHERE (l_returnflag = 'N') <> (l_receiptdate > DATE '1995-06-17')`,
	`orders LEFT JOIN customer ON c_custkey = o_custkey WHERE c_custkey IS NULL OR o_custkey % 3 = 0`,
	`orders LEFT JOIN lineitem ON o_orderkey = l_orderkey WHERE l_orderkey IS NULL`,
	`orders JOIN (SELECT l_orderkey, sum(trunc(l_extendedprice * (1 + l_tax) * (1 - l_discount), 2)) AS total,
		CASE WHEN bool_and(l_linestatus = 'F') THEN 'F' WHEN bool_and(l_linestatus = 'O') THEN 'O' ELSE 'P' END AS status
		FROM lineitem GROUP BY 1) l ON l_orderkey = o_orderkey WHERE total <> o_totalprice OR status <> o_orderstatus`,
	`partsupp LEFT JOIN supplier ON s_suppkey = ps_suppkey LEFT JOIN part ON p_partkey = ps_partkey WHERE s_suppkey IS NULL OR p_partkey IS NULL`,
	`customer LEFT JOIN nation ON n_nationkey = c_nationkey LEFT JOIN region ON r_regionkey = n_regionkey WHERE r_regionkey IS NULL`,
	`orders WHERE o_orderdate NOT BETWEEN '1992-01-01' AND '1998-08-02'`,
}

func TestLoad(t *testing.T) {
	ctx, conn := context.Background(), connect(t)
	for _, scale := range []float64{0.001, 0.015} {
		if _, err := conn.Exec(ctx, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
			t.Fatal(err)
		}
		g := New(scale, 1)
		rows, err := g.Load(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, table := range Tables {
			total += count(t, conn, table.Name)
		}
		if int64(total) != rows {
			t.Errorf("scale %g: %d rows are there, %d were reported", scale, total, rows)
		}
		if n := count(t, conn, "orders"); int64(n) != g.Orders() || n != int(1_500_000*scale) {
			t.Errorf("scale %g: %d orders", scale, n)
		}
		for _, sql := range violations {
			if n := count(t, conn, sql); n != 0 {
				t.Errorf("scale %g: %d rows of %s", scale, n, sql)
			}
		}
		for _, v := range append([]View{}, Views...) {
			if count(t, conn, "("+v.Query+") v") == 0 {
				t.Errorf("scale %g: view %s is empty", scale, v.Name)
			}
		}
	}
}

func TestRefresh(t *testing.T) {
	ctx, conn := context.Background(), connect(t)
	g := New(0.002, 1)
	if _, err := g.Load(ctx, conn); err != nil {
		t.Fatal(err)
	}
	both := func() int { return count(t, conn, "orders") + count(t, conn, "lineitem") }
	r := NewRefresh(g)

	before := both()
	n, err := r.Insert(ctx, conn, 500)
	if err != nil {
		t.Fatal(err)
	}
	if got := both() - before; got != n || n < 500 || n > 510 {
		t.Errorf("Insert: %d rows more, %d reported", got, n)
	}
	before = both()
	if n, err = r.InsertSingly(ctx, conn, 1200); err != nil {
		t.Fatal(err)
	}
	if got := both() - before; got != n || n < 1200 {
		t.Errorf("InsertSingly: %d rows more, %d reported", got, n)
	}
	var transactions int
	err = conn.QueryRow(ctx, "SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM orders UNION ALL SELECT xmin FROM lineitem) x").Scan(&transactions)
	if err != nil {
		t.Fatal(err)
	}
	if transactions < n {
		t.Errorf("InsertSingly: %d transactions for %d rows", transactions, n)
	}
	if n, err = r.Mixed(ctx, conn, 400); err != nil {
		t.Fatal(err)
	}
	if n < 400 || n > 430 {
		t.Errorf("Mixed changed %d rows", n)
	}
	for _, sql := range violations {
		// Updates change prices.
		if !bytes.Contains([]byte(sql), []byte("price")) && count(t, conn, sql) != 0 {
			t.Errorf("refreshed data has rows of %s", sql)
		}
	}

	lines, err := r.OrdersFirst(ctx, conn, 20)
	if err != nil {
		t.Fatal(err)
	}
	insert, err := NewLineInserter(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		if err := insert.Insert(ctx, &lines[i]); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, conn, "("+NewLines.Query+") v"); got != count(t, conn, "lineitem WHERE "+IsNew("l_orderkey")) || got < len(lines) {
		t.Errorf("view new_lines has %d rows", got)
	}
}

func BenchmarkLineitem(b *testing.B) {
	g := New(0.01, 1)
	for b.Loop() {
		var n counter
		if err := g.Write(&n, "lineitem"); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
