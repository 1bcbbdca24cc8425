package plan_test

// Aggregates over windows that Go does not compute.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "window_json", query: `SELECT id, json_agg(note) OVER (ORDER BY id) AS a, jsonb_agg(qty) FILTER (WHERE qty > 1) OVER (PARTITION BY customer_id ORDER BY id DESC) AS b, jsonb_object_agg(id, note) OVER (PARTITION BY day) AS c FROM orders`},
		viewCase{name: "window_json_frame", query: `SELECT id, json_agg(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) AS a, json_agg(id) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) AS b FROM orders`},
		viewCase{name: "window_own_aggregate", query: `SELECT id, app.times(qty) OVER (ORDER BY id ROWS 2 PRECEDING) AS p, app.times(qty) OVER () AS t, app.times(qty) FILTER (WHERE qty > 100) OVER (ORDER BY id) AS n, qty + app.times(qty) OVER (PARTITION BY customer_id) AS s FROM orders`},
		viewCase{name: "window_arrays", query: `SELECT id, array_agg(at) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS a, json_agg(ai) OVER (ORDER BY id) AS b, json_agg(r) OVER (ORDER BY id) AS c, range_agg(r) OVER (ORDER BY id)::text AS d FROM everything WHERE cardinality(at) > 0`},
		viewCase{name: "window_rows", query: `SELECT k, json_agg(t) OVER (PARTITION BY k ORDER BY id) AS a, jsonb_agg(p) OVER (ORDER BY id) AS b FROM (SELECT id, k, p, w FROM things) t`},
		viewCase{name: "window_regression", query: `SELECT id, regr_count(qty, id) OVER (PARTITION BY customer_id) AS n, corr(qty, id) OVER (PARTITION BY customer_id ORDER BY id) AS c FROM orders`, loose: true},
		viewCase{name: "window_remote_groups", query: `SELECT customer_id, json_agg(sum(qty)) OVER (ORDER BY customer_id) AS a FROM orders GROUP BY customer_id`},
		viewCase{name: "window_remote_sub", query: `SELECT c.id, (SELECT max(x.j::text) FROM (SELECT json_agg(o.qty + c.tier) OVER (ORDER BY o.id) AS j FROM orders o) x) AS m FROM customers c`},
		viewCase{name: "window_filter_guards", query: `SELECT id, sum(12 / qty) FILTER (WHERE qty <> 0) OVER (ORDER BY id) AS a, json_agg(12 / qty) FILTER (WHERE qty <> 0) OVER (ORDER BY id) AS b FROM orders`},
		viewCase{name: "window_objectagg", since: 16, query: `SELECT id, JSON_OBJECTAGG(id: note ABSENT ON NULL RETURNING text) OVER (ORDER BY id) AS a, JSON_ARRAYAGG(qty NULL ON NULL RETURNING jsonb) FILTER (WHERE id > 2) OVER (PARTITION BY customer_id ORDER BY id) AS b, length(JSON_ARRAYAGG(note RETURNING text) OVER ()) AS c FROM orders`},
		viewCase{name: "window_objectagg_unique", since: 16, query: `SELECT id, JSON_OBJECTAGG(qty: id WITH UNIQUE KEYS RETURNING jsonb) OVER (ORDER BY id) AS a FROM orders WHERE id < 3 AND qty IS NOT NULL`},
		viewCase{name: "infinite_intervals", since: 17, query: `SELECT tier, sum(v) AS s, avg(v) AS a, min(v) AS mi, max(v) AS ma, count(DISTINCT v) AS n, sum(-v) AS neg FROM (SELECT tier, CASE WHEN region = 'a' OR id < 2 THEN 'infinity' WHEN name = 'B' THEN '-1 mon 3 days'::interval ELSE id * '1.5 days'::interval END AS v FROM customers) x GROUP BY tier`},
		viewCase{name: "infinite_interval_sums", since: 17, query: `SELECT id, ts + v AS a, v - iv AS b, d - v AS c, v * i2 AS e, v > iv AS f, isfinite(v) AS g, extract(epoch FROM v) AS h, age(ts, tsz::timestamp) AS i, date_trunc('day', v) AS j, to_char(v, 'DD') AS k FROM (SELECT *, CASE WHEN b THEN 'infinity'::interval WHEN b IS NULL THEN '-infinity' ELSE '5 mons' END AS v FROM everything WHERE ts NOT IN ('infinity', '-infinity') AND d NOT IN ('infinity', '-infinity') AND i2 <> 0 AND tsz < 'infinity') x`},
	)
}
