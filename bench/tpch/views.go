package tpch

// View is a query to be kept.
type View struct {
	Name, Query string
	// Key are the columns that tell its rows apart; empty for a single row.
	Key string
}

// Views are TPC-H's queries 1, 3, 6 and 12 as views: an aggregate of nearly all
// lines into a handful of groups, a join of three tables into many groups, one
// sum over a narrow range, and a join with conditional sums.
var Views = []View{
	{Name: "q1", Key: "l_returnflag, l_linestatus", Query: `
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
       sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
       avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
FROM lineitem
WHERE l_shipdate <= DATE '1998-09-02'
GROUP BY l_returnflag, l_linestatus`},
	{Name: "q3", Key: "l_orderkey", Query: `
SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM customer JOIN orders ON c_custkey = o_custkey JOIN lineitem ON l_orderkey = o_orderkey
WHERE c_mktsegment = 'BUILDING' AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority`},
	{Name: "q6", Query: `
SELECT sum(l_extendedprice * l_discount) AS revenue
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
  AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24`},
	{Name: "q12", Key: "l_shipmode", Query: `
SELECT l_shipmode,
       sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high_line_count,
       sum(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low_line_count
FROM orders JOIN lineitem ON o_orderkey = l_orderkey
WHERE l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate
  AND l_receiptdate >= DATE '1994-01-01' AND l_receiptdate < DATE '1995-01-01'
GROUP BY l_shipmode`},
}

// NewLines has a row for every line of an order that is not of the beginning: a
// view whose output changes row by row.
var NewLines = View{Name: "new_lines", Key: "l_orderkey, l_linenumber", Query: `
SELECT l_orderkey, l_linenumber, o_custkey, l_extendedprice * (1 - l_discount) AS revenue
FROM lineitem JOIN orders ON o_orderkey = l_orderkey
WHERE ` + IsNew("l_orderkey")}
