-- What else people ask of orders and stock, over the tables of the CH-benCHmark:
-- sub-queries in every clause, outer joins in outer joins, windows over groups.
-- One fails where a customer has paid twice.

-- name: rollup_rank
SELECT grouping(w_name) + grouping(d_name) AS level, w_name, d_name, sum(ol_amount) AS total, rank() OVER (PARTITION BY grouping(w_name) + grouping(d_name), CASE WHEN grouping(d_name) = 0 THEN w_name END ORDER BY sum(ol_amount) DESC) AS r
FROM order_line JOIN district ON d_w_id = ol_w_id AND d_id = ol_d_id JOIN warehouse ON w_id = d_w_id GROUP BY ROLLUP (w_name, d_name)

-- name: cumulative_both
WITH sold AS (SELECT ol_i_id AS item, o_entry_d::date AS day, sum(sum(ol_amount)) OVER (PARTITION BY ol_i_id ORDER BY o_entry_d::date) AS total FROM orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id GROUP BY 1, 2),
delivered AS (SELECT ol_i_id AS item, ol_delivery_d::date AS day, sum(sum(ol_amount)) OVER (PARTITION BY ol_i_id ORDER BY ol_delivery_d::date ROWS UNBOUNDED PRECEDING) AS total FROM order_line WHERE ol_delivery_d IS NOT NULL GROUP BY 1, 2)
SELECT * FROM (SELECT item, day, s.total AS s, d.total AS d, max(s.total) OVER w AS s_max, max(d.total) OVER w AS d_max FROM sold s FULL JOIN delivered d USING (item, day) WINDOW w AS (PARTITION BY item ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) x WHERE s_max > d_max OR d_max IS NULL

-- name: above_average_of_group
SELECT o.o_w_id, o.o_d_id, o.o_id FROM orders o WHERE (SELECT sum(ol_amount) FROM order_line WHERE ol_w_id = o.o_w_id AND ol_d_id = o.o_d_id AND ol_o_id = o.o_id) > (SELECT avg(s) FROM (SELECT sum(ol_amount) AS s FROM order_line l JOIN orders p ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE p.o_c_id = o.o_c_id GROUP BY ol_w_id, ol_d_id, ol_o_id) t)

-- name: shared_cte
WITH r AS (SELECT c_w_id, c_d_id, c_id, sum(ol_amount) AS spent FROM customer LEFT JOIN orders ON (o_w_id, o_d_id, o_c_id) = (c_w_id, c_d_id, c_id) LEFT JOIN order_line ON (ol_w_id, ol_d_id, ol_o_id) = (o_w_id, o_d_id, o_id) GROUP BY 1, 2, 3)
SELECT a.*, (SELECT count(*) FROM r b WHERE b.spent > a.spent) AS richer, a.spent - (SELECT avg(spent) FROM r c WHERE c.c_w_id = a.c_w_id) AS d FROM r a WHERE a.spent IS NULL OR a.spent >= (SELECT percentile_disc(0.3) WITHIN GROUP (ORDER BY spent) FROM r)

-- name: sublink_in_on
SELECT c_w_id, c_d_id, c_id, o_id FROM customer LEFT JOIN orders ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id AND EXISTS (SELECT FROM new_order WHERE no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id AND c_balance > 0)

-- name: not_in_null
SELECT i_id FROM item WHERE i_id NOT IN (SELECT CASE WHEN ol_delivery_d IS NULL AND ol_quantity > 9 AND ol_number = 3 THEN NULL ELSE ol_i_id END FROM order_line WHERE ol_w_id = 1)

-- name: nested_outer
SELECT i_id, s_w_id, su_name, n_name, r_name FROM item LEFT JOIN (stock JOIN supplier ON su_suppkey = mod(s_w_id * s_i_id, 20) LEFT JOIN (nation JOIN region ON r_regionkey = n_regionkey AND r_name <> 'Asia') ON n_nationkey = su_nationkey) ON s_i_id = i_id AND s_quantity < 50

-- name: sublink_group
SELECT (SELECT n_name FROM nation WHERE n_nationkey = ascii(c_state)) AS nation, count(*) AS n, sum((SELECT count(*) FROM orders WHERE o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id)) AS orders FROM customer GROUP BY 1 HAVING sum(c_balance) > (SELECT min(h_amount) FROM history)

-- name: filter_sublink
SELECT ol_i_id, count(*) FILTER (WHERE EXISTS (SELECT FROM stock WHERE s_i_id = ol_i_id AND s_w_id = ol_w_id AND s_quantity > 40)) AS n, max(CASE WHEN ol_quantity > (SELECT avg(ol_quantity) FROM order_line) THEN ol_amount END) AS m FROM order_line GROUP BY ol_i_id

-- name: window_sublink
SELECT o_w_id, o_d_id, o_id, lag(o_c_id) OVER (PARTITION BY (SELECT c_credit FROM customer WHERE c_w_id = o_w_id AND c_d_id = o_d_id AND c_id = o_c_id) ORDER BY o_entry_d, o_w_id, o_d_id) AS before FROM orders

-- name: order_by_sublink
SELECT su_suppkey FROM supplier ORDER BY (SELECT sum(s_ytd) FROM stock WHERE mod(s_w_id * s_i_id, 20) = su_suppkey) DESC NULLS LAST, su_suppkey LIMIT 4 OFFSET 1

-- name: sets
(SELECT o_c_id FROM orders WHERE o_w_id = 1 UNION ALL SELECT h_c_id FROM history WHERE h_w_id = 1) EXCEPT ALL (SELECT o_c_id FROM orders WHERE o_w_id = 2 INTERSECT SELECT h_c_id FROM history) UNION SELECT -1 FROM new_order

-- name: cte_limit
WITH top AS (SELECT ol_i_id, sum(ol_quantity) AS q FROM order_line GROUP BY 1 ORDER BY q DESC, ol_i_id LIMIT 5) SELECT o_id, o_d_id, o_w_id, array_agg(ol_i_id ORDER BY q DESC, ol_i_id) AS a FROM orders JOIN order_line ON (ol_w_id, ol_d_id, ol_o_id) = (o_w_id, o_d_id, o_id) JOIN top USING (ol_i_id) GROUP BY o_w_id, o_d_id, o_id

-- name: lateral_agg
SELECT c_w_id, c_d_id, c_id, x.*, y.n FROM customer, LATERAL (SELECT count(*) AS orders, max(o_entry_d) AS latest FROM orders WHERE o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id) x LEFT JOIN LATERAL (SELECT count(*) AS n FROM order_line WHERE ol_delivery_d >= x.latest HAVING count(*) > 2) y ON y.n < 40

-- name: pairs
SELECT a.ol_i_id AS a, b.ol_i_id AS b, count(*) AS n, sum(a.ol_amount + b.ol_amount) AS s FROM order_line a JOIN order_line b USING (ol_w_id, ol_d_id, ol_o_id) WHERE a.ol_i_id < b.ol_i_id GROUP BY 1, 2 HAVING count(*) > 1

-- name: too_many_rows
SELECT c_id, (SELECT h_amount FROM history WHERE h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id) AS h FROM customer

-- name: divide
SELECT d_w_id, d_id, d_ytd / (SELECT count(*) FROM new_order WHERE no_w_id = d_w_id AND no_d_id = d_id) AS x FROM district

-- name: running_stock
SELECT s_w_id, s_i_id, s_quantity - coalesce(sum(ol_quantity) FILTER (WHERE ol_delivery_d IS NULL), 0) AS free, CASE WHEN count(ol_o_id) = 0 THEN 'idle' ELSE string_agg(ol_w_id || '-' || ol_d_id || '-' || ol_o_id, ' ' ORDER BY ol_w_id, ol_d_id, ol_o_id) END AS o FROM stock LEFT JOIN order_line ON ol_supply_w_id = s_w_id AND ol_i_id = s_i_id GROUP BY s_w_id, s_i_id

-- name: distinct_on_join
SELECT DISTINCT ON (c_w_id, c_d_id, c_id) c_w_id, c_d_id, c_id, h_amount, o_id FROM customer LEFT JOIN history ON (h_c_w_id, h_c_d_id, h_c_id) = (c_w_id, c_d_id, c_id) LEFT JOIN orders ON (o_w_id, o_d_id, o_c_id) = (c_w_id, c_d_id, c_id) AND o_entry_d <= h_date ORDER BY c_w_id, c_d_id, c_id, h_amount DESC NULLS LAST, o_id NULLS FIRST

-- name: all_or_any
SELECT i_id FROM item WHERE i_price > ALL (SELECT ol_amount / nullif(ol_quantity - 5, 0) FROM order_line WHERE ol_i_id = i_id) OR i_price < ANY (SELECT su_acctbal / 100 FROM supplier WHERE su_comment LIKE '%bad%' AND su_nationkey % 3 = i_id % 3)

-- name: char_padding
SELECT c_state, c_credit || '|' AS c, length(c_state) AS l, count(DISTINCT c_phone) AS n, min(c_state) AS m FROM customer WHERE c_credit = 'BC ' OR c_phone LIKE '7%' GROUP BY c_state, c_credit

-- name: median_by_nation
SELECT n_name, percentile_cont(0.5) WITHIN GROUP (ORDER BY c_balance) AS median, mode() WITHIN GROUP (ORDER BY c_last) AS m, rank(0) WITHIN GROUP (ORDER BY c_balance) AS r FROM nation LEFT JOIN customer ON n_nationkey = ascii(c_state) GROUP BY n_name

-- name: transitive_orders
WITH RECURSIVE linked(i, j, hops) AS (SELECT a.ol_i_id, b.ol_i_id, 1 FROM order_line a JOIN order_line b USING (ol_w_id, ol_d_id, ol_o_id) WHERE a.ol_i_id < 6 AND a.ol_i_id <> b.ol_i_id AND b.ol_i_id < 15 UNION SELECT l.i, b.ol_i_id, l.hops + 1 FROM linked l JOIN order_line a ON a.ol_i_id = l.j JOIN order_line b USING (ol_w_id, ol_d_id, ol_o_id) WHERE b.ol_i_id < 15 AND l.hops < 3) SELECT i, j, min(hops) AS hops FROM linked GROUP BY i, j

-- name: orders_as_json
SELECT o_w_id, o_d_id, o_id, to_jsonb(o) - 'o_entry_d' AS o, (SELECT jsonb_object_agg(ol_number, ol_amount) FROM order_line WHERE (ol_w_id, ol_d_id, ol_o_id) = (o_w_id, o_d_id, o_id)) AS lines FROM orders o WHERE o_carrier_id IS NULL

-- name: values_join
SELECT v.label, count(*) AS n, sum(ol_amount) AS s FROM order_line JOIN (VALUES (1, 3, 'small'), (4, 7, 'medium'), (8, NULL, 'large')) v(low, high, label) ON ol_quantity >= v.low AND (ol_quantity <= v.high OR v.high IS NULL) GROUP BY v.label

-- name: moving
SELECT day, n, avg(n) OVER (ORDER BY day ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS moving, n - first_value(n) OVER (ORDER BY day GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS change, ntile(4) OVER (ORDER BY n, day) AS quarter FROM (SELECT o_entry_d::date AS day, count(*) AS n FROM orders GROUP BY 1) d
