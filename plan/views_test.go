package plan_test

import "github.com/stepping-cdc/stepping-cdc/plan"

// viewCase is a view of the differential tests. A loose one is compared by
// SQL's equality and floats by a tolerance: Postgres shows whichever of equal
// values it met first, and adds up floats in any order.
type viewCase struct {
	name, query string
	loose       bool
	from        string
	since       int // the first server version that knows the query
}

var viewCases = []viewCase{
	// Columns and expressions.
	{name: "all_types", query: `SELECT * FROM everything`},
	{name: "arithmetic", query: `SELECT id, i4 + i2 AS a, i4 - 1 AS b, i8 * 1 AS c, i4 % 3 AS d, -i4 AS e, n + 1.50 AS f, n * n2 AS g, n2 / 3 AS h, f8 + 1 AS i, abs(i4) AS j,
		round(n2, 1) AS k, i4 & 3 AS l, i2 # 1 AS m, ~i4 AS nn, i4 << 2 AS o, trunc(n2) AS p, f4 * 2 AS q, sign(n) AS r, i4::numeric / 7 AS s, mod(i4, 2) AS tt
		FROM everything WHERE i8 BETWEEN -10 AND 10`},
	{name: "compare", query: `SELECT id, i4 < i2 AS a, n = n2 AS b, f8 > f4 AS c, tx <= vc AS d, bp = vc AS e, d < ts AS f, iv > '20 days' AS g, en >= 'ok' AS h, u <> '00000000-0000-0000-0000-000000000000' AS i,
		ba < '\x00ff' AS j, t = '24:00' AS k, tz < '12:00+00' AS l, jb = '{"a":1,"b":[1,2,null]}' AS m, ai < '{1,2,4}' AS nn, b <> true AS o, i8 = i4 AS p, nm = tx AS q, at = '{a}' AS r, ip = '10.0.0.1' AS s
		FROM everything`},
	{name: "three_valued", query: `SELECT id, b AND i4 > 1 AS a, b OR i4 > 1 AS b, NOT b AS c, b IS TRUE AS d, b IS NOT FALSE AS e, b IS UNKNOWN AS f, b IS NOT UNKNOWN AS f2, i4 IS NULL AS g, i4 IS NOT NULL AS h,
		i4 IS DISTINCT FROM i2 AS i, n IS NOT DISTINCT FROM n2 AS j, (i4 > 1) IS NOT TRUE AS k, b = NULL AS l, NULL AND b AS m FROM everything WHERE b IS NOT FALSE OR i4 IS NULL`},
	{name: "cases", query: `SELECT id, CASE WHEN i4 > 3 THEN 'big' WHEN i4 > 1 THEN 'mid' ELSE tx END AS a, CASE i4 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END AS b,
		CASE en WHEN 'sad' THEN 1 WHEN 'ok' THEN 2.5 ELSE n2 END AS c, CASE WHEN i4 <> 0 THEN 10 / i4 END AS d, coalesce(tx, vc, 'none') AS e, coalesce(i4, i2, 0) AS f, nullif(i4, 1) AS g, nullif(tx, 'a') AS h,
		greatest(i4, i2, 2) AS i, least(n, n2) AS j, greatest(d, '2024-01-01') AS k, least(tx, vc) AS l, CASE CASE i4 WHEN 1 THEN 'x' ELSE 'y' END WHEN 'x' THEN 1 ELSE 0 END AS m, greatest(NULL, b) AS nn FROM everything`},
	{name: "in_lists", query: `SELECT id, i4 IN (1, 2, 5) AS a, i4 NOT IN (1, NULL) AS b, tx IN ('a', 'b', vc) AS c, n IN (1, 'NaN', 2.5) AS d, i4 = ANY ('{1,2,NULL}') AS e, i4 <> ALL ('{1,3}') AS f, i4 = ANY (ai) AS g,
		tx LIKE ANY ('{a%,%b}') AS h, en IN ('ok', 'sad') AS i, i4 > ALL ('{}'::int[]) AS j, i2 IN (i4, i8) AS k, d IN ('2024-02-29', 'infinity') AS l, bp IN ('a', 'ab ') AS m, f8 IN (0, 'NaN') AS nn FROM everything`},
	{name: "long_lists", query: `SELECT id, i4 IN (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21) AS a, i4 NOT IN (0, 3, 5, 7, 9, 11, 13, 15, 17, 19, NULL) AS b, tx NOT IN ('a', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'é') AS c,
		n IN (1.000, 3, 5, 7, 9, 11, 13, 15, 17, 'NaN') AS d, bp IN ('a   ', 'q', 'w', 'e', 'r', 't', 'y', 'u', 'i', 'o') AS e, f8 IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 'NaN') AS f, i2 IN (1::int8, 3, 5, 7, 9, 11, 13, 15, 17, 19) AS g FROM everything WHERE i8 <> ALL ('{2,4,6,8,10,12,14,16,18,20}') OR i8 IS NULL`},
	{name: "text_functions", query: `SELECT id, tx || vc AS a, upper(tx) AS b, lower(tx) AS c, length(tx) AS d, substr(tx, 1, 2) AS e, trim(tx) AS f, replace(tx, 'a', 'zz') AS g, tx LIKE 'a%' AS h, tx ILIKE '%B' AS i,
		tx NOT LIKE '_' AS j, position('b' IN tx) AS k, left(tx, 1) AS l, right(tx, 1) AS m, lpad(tx, 4, '*') AS nn, reverse(tx) AS o, split_part(tx, ' ', 1) AS p, repeat(tx, 2) AS q, tx ~ '^a' AS r, regexp_replace(tx, '[ab]', '_', 'g') AS s,
		md5(tx) AS tt, substring(tx FROM 2) AS u, overlay(tx PLACING 'Z' FROM 1 FOR 1) AS v, concat(tx, i4, b) AS w, concat_ws('-', tx, vc) AS x, format('%s=%s', tx, i4) AS y, initcap(tx) AS z, octet_length(tx) AS aa, bp || '!' AS bb,
		starts_with(tx, 'a') AS cc, translate(tx, 'ab', 'x') AS dd, quote_literal(tx) AS ee, ascii(vc) AS ff, encode(ba, 'hex') AS gg, length(ba) AS hh, ba || '\x01' AS ii, to_hex(i4) AS jj, btrim(tx, 'a') AS kk, length(bp) AS ll, char_length(vc) AS mm FROM everything`},
	{name: "dates", query: `SELECT id, d + 1 AS a, d - 7 AS b, d - date '2024-01-01' AS c, ts + interval '1 month' AS e, iv * 2 AS g, extract(year FROM ts) AS h, extract(epoch FROM iv) AS i,
		date_part('dow', ts) AS k, iv + '1 day' AS m, t + interval '1 hour' AS o, ts::date AS p, to_char(ts, 'YYYY-MM-DD HH24') AS r, justify_days(iv) AS s
		FROM everything WHERE d BETWEEN '0001-01-01' AND '9999-01-01' AND ts BETWEEN '0001-01-01' AND '9999-01-01'`},
	{name: "dates_zoned", query: `SELECT id, d::timestamp AS a, tsz::date AS b, ts AT TIME ZONE 'Europe/Berlin' AS c, tsz AT TIME ZONE 'UTC' AS d, date_trunc('day', tsz) AS e, d::timestamptz AS f, ts::timestamptz AS g, tsz < ts AS h, tsz > d AS i, tsz::text AS j,
		tsz + '1 day' AS k, tz::time AS l, date_trunc('month', ts) AS m, make_date(2024, 1 + id % 12, 1) AS n, age(ts, timestamp '2020-01-01') AS o, ts - timestamp '2024-01-01' AS p FROM everything
		WHERE d BETWEEN '0001-01-01' AND '9999-01-01' AND ts BETWEEN '0001-01-01' AND '9999-01-01' AND tsz BETWEEN '0001-01-01' AND '9999-01-01'`},
	{name: "casts", query: `SELECT id, i4::text AS a, n::text AS b, i4::int8 AS c, i4::float8 AS d, n2::int AS e, b::int AS f, b::text AS g, d::text AS h, ts::text AS i, en::text AS j, ai::text AS k, jb::text AS l, js::text AS m, i4::numeric(5,1) AS o,
		tx::varchar(2) AS p, tx::char(3) AS q, vc::text AS r, bp::text AS s, u::text AS tt, iv::text AS u, f8::text AS v, i4::oid AS w, ip::text AS x, dm::int AS y, f4::float8 AS z, ba::text AS aa, t::text AS bb, i4::bool AS cc, r::text AS dd, nm::text AS ee, i4::char(1) AS ff FROM everything`},
	{name: "json", query: `SELECT id, jb->'a' AS a, jb->>'a' AS b, jb#>'{k,n}' AS c, jb ? 'a' AS d, jb @> '{"a":1}' AS e, jsonb_typeof(jb) AS f, js->>'a' AS g, js->'b'->1 AS h, jb || '{"z":1}' AS i, jsonb_build_object('id', id, 't', tx) AS j,
		to_jsonb(i4) AS k, jb['b'] AS m, jb - 'a' AS n, jb #>> '{b,0}' AS o FROM everything WHERE jb IS NULL OR jsonb_typeof(jb) = 'object'`},
	{name: "arrays", query: `SELECT id, ai[1] AS a, ai[1:2] AS b, array_length(ai, 1) AS c, ARRAY[i4, i2::int, 7] AS d, ai || i4 AS e, cardinality(ai) AS f, at[1] AS g, ARRAY[tx, vc::text] AS h, ai @> '{1}' AS i, ai && '{2,3}' AS j, array_to_string(at, ',', '*') AS k,
		ARRAY[[i4, 1], [2, 3]] AS l, array_position(at, 'a') AS m, ai::text[] AS nn, ai[2:] AS o, array_append(at, tx) AS p, string_to_array(tx, ' ') AS q FROM everything`},
	{name: "opaque", query: `SELECT id, ip << '10.0.0.0/8' AS a, host(ip) AS b, r @> 2 AS c, lower(r) AS d, pt AS e, pt[0] AS f, bits & B'1000' AS g, m AS h, upper(r) - 1 AS i, pt <-> point '(0,0)' AS j, m * 2 AS k FROM everything WHERE r IS NULL OR r && int4range(0, 9)`},
	{name: "user_functions", query: `SELECT id, app.twice(i2) AS a, app.label(tx) AS b, app.label(k => 5, x => vc) AS c, app.strict_label(tx) AS d, app.total(i2, 2, i4) AS e, app.total(VARIADIC ai) AS f, app.same(tx, vc::text) AS g,
		i4 OPERATOR(app.~~~) 2 AS h, app.twice(app.twice(i2)) AS i, CASE WHEN i4 <> 3 THEN app.fussy(i4) END AS j, app.label(app.label(tx, i4) || 'x') AS k, app.twice(3) AS l, app.label('const') AS m FROM everything`},
	{name: "remote_filter", query: `SELECT id, tx FROM everything WHERE app.label(tx, i4) <> 'a/1' AND tx ~ '[a-z]'`},
	{name: "collated", query: `SELECT id, tx COLLATE "C" < 'b' AS a, tx COLLATE "C" AS b, upper(tx COLLATE "C") AS c, greatest(tx COLLATE "C", 'b') AS d FROM everything WHERE tx COLLATE "C" > 'A'`},
	{name: "domains", query: `SELECT id, dm, dm + 1 AS a, coalesce(dm, 1) AS b, (abs(i4) + 1)::posint AS c FROM everything`},
	{name: "constants", query: `SELECT id, 1 AS a, 'x' AS b, NULL AS c, 1.50 AS d, true AS e, '{1,2}'::int[] AS f, date '2024-01-01' AS g, interval '1 day' AS h, 1 + 1 AS i, '{"a": 1}'::jsonb AS j FROM customers`},

	// Errors in data, and recovery.
	{name: "division", query: `SELECT id, 10 / qty AS a FROM orders`},
	{name: "guarded", query: `SELECT id, 10 / qty AS a FROM orders WHERE qty <> 0`},
	{name: "guarded_late", query: `SELECT s.id, s.a, c.name FROM (SELECT id, customer_id, 10 / qty AS a, qty FROM orders) s JOIN customers c ON c.id = s.customer_id WHERE s.qty <> 0`},
	{name: "bad_cast", query: `SELECT id, note::int AS a FROM orders WHERE note <> '' AND id = 1`},
	{name: "bad_cast_kept", query: `SELECT id, note::int AS a FROM orders WHERE note ~ '^\d+$'`},
	{name: "fussy", query: `SELECT id, app.fussy(qty) AS a FROM orders`},
	{name: "overflow", query: `SELECT id, i4 + 2147483647 AS a, i2 * 2::int2 AS b FROM everything WHERE id < 3`},
	{name: "error_in_group", query: `SELECT customer_id, sum(100 / qty) AS s FROM orders GROUP BY 1`},
	{name: "error_in_sum", query: `SELECT sum(i8)::int8 AS s FROM everything`},
	{name: "domain_check", query: `SELECT id, qty::posint AS a FROM orders`},

	// Joins.
	{name: "join", query: `SELECT o.id, c.name, o.amount FROM orders o JOIN customers c ON c.id = o.customer_id`},
	{name: "join_using", query: `SELECT * FROM (SELECT id AS product_id, name FROM products) p JOIN lines USING (product_id)`},
	{name: "join_natural", query: `SELECT * FROM (SELECT id AS order_id, note FROM orders) o NATURAL JOIN lines`},
	{name: "join_five", query: `SELECT c.region, o.id, p.name, l.qty, e.r FROM customers c, orders o, lines l, products p, edges e WHERE c.id = o.customer_id AND l.order_id = o.id AND p.id = l.product_id AND e.l = c.id AND o.amount > 0`},
	{name: "self_join", query: `SELECT a.l, b.r FROM edges a JOIN edges b ON a.r = b.l`},
	{name: "self_join_three", query: `SELECT a.l, c.r FROM edges a JOIN edges b ON a.r = b.l JOIN edges c ON b.r = c.l WHERE a.l <> c.r`},
	{name: "non_equi", query: `SELECT a.id AS x, b.id AS y FROM orders a JOIN orders b ON a.amount < b.amount AND a.id <> b.id`},
	{name: "cross", query: `SELECT c.id, p.name FROM customers c CROSS JOIN products p WHERE c.id < 3`},
	{name: "null_keys", query: `SELECT a.a, a.b, b.v FROM loose a JOIN loose2 b ON a.a = b.a`},
	{name: "join_expr", query: `SELECT o.id, c.id AS c FROM orders o JOIN customers c ON o.qty + 1 = c.id AND lower(o.note) = lower(c.region)`},
	{name: "join_numeric", query: `SELECT a.id, b.n, b.v FROM orders a JOIN loose2 b ON a.amount = b.n`, loose: false},
	{name: "join_mixed_numbers", query: `SELECT a.id, b.a FROM orders a JOIN loose2 b ON a.amount = b.a`},
	{name: "join_bpchar", query: `SELECT e.id, b.bp, b.v FROM everything e JOIN loose2 b ON e.bp = b.bp`},
	{name: "join_remote_key", query: `SELECT o.id, c.id AS c FROM orders o JOIN customers c ON app.label(o.note) = app.label(c.region)`},
	{name: "join_remote_cond", query: `SELECT a.l, b.r FROM edges a JOIN edges b ON a.r OPERATOR(app.~~~) b.l`},
	{name: "join_guarded_key", query: `SELECT o.id, c.name FROM orders o JOIN customers c ON o.note::int % 10 = c.id WHERE o.note ~ '^[0-9]+$'`},
	{name: "join_no_columns", query: `SELECT 1 AS one FROM customers, products`},
	{name: "join_dropped_column", query: `SELECT e.tx, e.vc, c.name FROM everything e JOIN customers c ON c.id = e.id`},
	{name: "constant_equality", query: `SELECT o.id, l.no FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.id = 3`},
	{name: "partitioned", query: `SELECT p.k, p.v, c.name FROM parts p JOIN customers c ON c.id = p.k`},
	{name: "join_float", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.f8 = b.f8`},
	{name: "join_json", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.jb = b.jb AND a.ai = b.ai`},
	{name: "join_interval", query: `SELECT a.id, b.id AS other FROM everything a JOIN everything b ON a.iv = b.iv`},

	// Aggregates.
	{name: "grouped", query: `SELECT customer_id, count(*) AS n, count(qty) AS q, sum(qty) AS s, avg(qty) AS a, min(amount) AS lo, max(amount) AS hi FROM orders GROUP BY customer_id`, loose: true},
	{name: "grouped_joined", query: `SELECT c.region, count(*) AS n, sum(o.amount) AS revenue, max(o.day) AS last FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.region`},
	{name: "grouped_expr", query: `SELECT qty % 2 AS odd, upper(note) || '!' AS x, count(*) + 1 AS n FROM orders GROUP BY qty % 2, upper(note)`},
	{name: "grouped_variants", query: `SELECT n, count(*) AS c, sum(a) AS s FROM loose2 GROUP BY n`, loose: true},
	{name: "grouped_bpchar", query: `SELECT bp, count(*) AS c FROM loose2 GROUP BY bp`},
	{name: "grouped_types", query: `SELECT b, d, iv, en, f8, count(*) AS c FROM everything GROUP BY b, d, iv, en, f8`, loose: true},
	{name: "grouped_json", query: `SELECT jb, ai, count(*) AS c FROM everything GROUP BY jb, ai`, loose: true},
	{name: "filtered", query: `SELECT customer_id, count(*) FILTER (WHERE qty > 1) AS a, sum(amount) FILTER (WHERE note = 'ok') AS b, max(qty) FILTER (WHERE amount > 0) AS c FROM orders GROUP BY 1`},
	{name: "distinct_aggregates", query: `SELECT customer_id, count(DISTINCT qty) AS a, sum(DISTINCT amount) AS b, count(DISTINCT note) FILTER (WHERE qty > 0) AS c, avg(DISTINCT qty) AS d, min(DISTINCT qty) AS e FROM orders GROUP BY customer_id`, loose: true},
	{name: "having", query: `SELECT customer_id, sum(qty) AS s FROM orders GROUP BY customer_id HAVING count(*) > 1 AND customer_id > 0`},
	{name: "having_only", query: `SELECT 1 AS one FROM orders HAVING count(*) > 3`},
	{name: "global", query: `SELECT count(*) AS n, sum(amount) AS s, min(day) AS d, avg(qty) AS a, bool_and(qty > 0) AS b, bool_or(qty > 5) AS c FROM orders`},
	{name: "global_nothing", query: `SELECT count(*) AS n, max(id) AS m FROM orders WHERE id > 100`},
	{name: "global_expr", query: `SELECT coalesce(sum(qty), 0) * 2 + count(*) AS x, CASE count(*) WHEN 0 THEN 'none' ELSE 'some' END AS y FROM orders`},
	{name: "numeric_aggregates", query: `SELECT count(n2) AS c, sum(n2) AS s, avg(n2) AS a, sum(n) AS t, max(n) AS hi, min(n) AS lo FROM everything`, loose: true},
	{name: "float_aggregates", query: `SELECT a, sum(c) AS s, avg(c) AS m, min(c) AS lo, max(c) AS hi FROM loose GROUP BY a`, loose: true},
	{name: "spread", query: `SELECT customer_id, stddev(amount) AS a, var_pop(amount) AS b, stddev_samp(qty) AS c, variance(qty) AS d FROM orders GROUP BY 1`},
	{name: "extremes", query: `SELECT b, min(d) AS a, max(ts) AS c, min(t) AS e, max(iv) AS f, min(en) AS g, max(i8) AS h, min(tsz) AS i, max(tz) AS j FROM everything GROUP BY b`, loose: true},
	{name: "text_extremes", query: `SELECT i4, min(tx) AS a, max(tx) AS b, min(tx COLLATE "C") AS c, max(vc) AS d, min(bp) AS e FROM everything GROUP BY i4`, loose: true},
	{name: "collated_extremes", query: `SELECT b, min(tx COLLATE "en-x-icu") AS a, max(tx COLLATE "en-x-icu") AS c, min(tx COLLATE "C") AS d, max(DISTINCT vc COLLATE "en-x-icu") FILTER (WHERE i4 > 1) AS e, count(*) AS n FROM everything GROUP BY b`},
	{name: "collated_global", query: `SELECT min(note COLLATE "en-x-icu") AS a, max(note COLLATE "en-x-icu" || id) AS b FROM orders`},
	{name: "collated_compare", query: `SELECT id, tx COLLATE "en-x-icu" < 'b' AS a, greatest(tx COLLATE "en-x-icu", vc, 'Ab') AS b, upper(tx COLLATE "en-x-icu") AS c, tx COLLATE "en-x-icu" IN ('a', 'B') AS d FROM everything WHERE tx COLLATE "en-x-icu" > 'A'`},
	{name: "collated_group", query: `SELECT tx COLLATE "en-x-icu" AS k, count(*) AS n FROM everything GROUP BY 1 HAVING min(vc COLLATE "en-x-icu") < 'b'`},
	{name: "opaque_extremes", query: `SELECT b, min(ip) AS a, max(m) AS c FROM everything GROUP BY b`},
	{name: "opaque_keys", query: `SELECT a.ip, count(*) AS n FROM everything a JOIN everything b ON a.ip = b.ip AND a.m = b.m GROUP BY a.ip`},
	{name: "error_beyond_join", query: `SELECT c.id, s.x FROM customers c JOIN (SELECT customer_id, 10 / qty AS x FROM orders) s ON s.customer_id = c.id WHERE c.tier = 77`},
	{name: "transitive", query: `SELECT o.id, l.qty, p.name FROM orders o, lines l, customers p WHERE l.order_id = o.id AND o.id = p.id AND p.id = 4`},
	{name: "interval_sums", query: `SELECT b, sum(iv) AS s FROM everything GROUP BY b`, loose: true},
	{name: "bit_aggregates", query: `SELECT customer_id, bit_and(qty) AS a, bit_or(qty) AS b, every(qty > 1) AS c FROM orders GROUP BY 1`},
	{name: "group_by_key", query: `SELECT c.id, c.region, c.name, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id`},
	{name: "group_by_key_expr", query: `SELECT c.id, upper(c.region) || c.name AS x, sum(o.qty) AS n FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id HAVING c.tier IS NOT NULL`},
	{name: "group_no_aggregate", query: `SELECT region FROM customers GROUP BY region`},
	{name: "group_hidden", query: `SELECT count(*) AS n FROM customers GROUP BY region`},
	{name: "group_case", query: `SELECT CASE qty WHEN 1 THEN 'one' ELSE 'more' END AS k, count(*) AS n FROM orders GROUP BY 1`},
	{name: "group_case_outside", query: `SELECT CASE qty WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'more' END AS k, count(*) AS n FROM orders GROUP BY qty`},
	{name: "group_of_group", query: `SELECT n, count(*) AS times FROM (SELECT customer_id, count(*) AS n FROM orders GROUP BY 1) s GROUP BY n`},
	{name: "group_remote", query: `SELECT app.label(note) AS k, count(*) AS n, max(app.label(note, qty) COLLATE "C") AS m FROM orders GROUP BY 1`},
	{name: "group_constant", query: `SELECT 'all' AS k, count(*) AS n FROM orders GROUP BY 1`},
	{name: "filter_above_group", query: `SELECT * FROM (SELECT customer_id, n2, count(*) AS n FROM (SELECT customer_id, amount AS n2 FROM orders) o GROUP BY 1, 2) s WHERE customer_id = 2 AND n2 > 1`, loose: true},
	{name: "join_of_groups", query: `SELECT a.customer_id, a.n, b.s FROM (SELECT customer_id, count(*) AS n FROM orders GROUP BY 1) a JOIN (SELECT customer_id, sum(qty) AS s FROM orders GROUP BY 1) b USING (customer_id)`},

	// DISTINCT, UNION, VALUES, sub-selects, CTEs.
	{name: "distinct", query: `SELECT DISTINCT region, tier FROM customers`},
	{name: "distinct_variants", query: `SELECT DISTINCT n FROM loose2`, loose: true},
	{name: "distinct_join", query: `SELECT DISTINCT c.region FROM customers c JOIN orders o ON o.customer_id = c.id`},
	{name: "distinct_key", query: `SELECT DISTINCT id, region FROM customers`},
	{name: "distinct_group", query: `SELECT DISTINCT count(*) AS n FROM orders GROUP BY customer_id`},
	{name: "union_all", query: `SELECT id, name FROM customers UNION ALL SELECT id, name FROM products`},
	{name: "union_types", query: `SELECT id AS x, name::varchar AS y FROM customers UNION ALL SELECT amount, note FROM orders UNION ALL SELECT 1, NULL`},
	{name: "union", query: `SELECT region FROM customers UNION SELECT note FROM orders`},
	{name: "union_mixed", query: `(SELECT l FROM edges UNION SELECT r FROM edges) UNION ALL SELECT a FROM loose`},
	{name: "union_dates", query: `SELECT day FROM orders UNION ALL SELECT ts FROM everything WHERE i4 = 1`},
	{name: "union_grouped", query: `SELECT x, count(*) AS n FROM (SELECT l AS x FROM edges UNION ALL SELECT r FROM edges) s GROUP BY x`},
	{name: "union_filtered", query: `SELECT * FROM (SELECT id, qty FROM orders UNION ALL SELECT a, 1 FROM loose) s WHERE id > 2`},
	{name: "values_only", query: `VALUES (1, 'a'), (2, NULL)`},
	{name: "values_join", query: `SELECT o.id, v.label FROM orders o JOIN (VALUES (1, 'one'), (2, 'two'), (2, 'zwei')) v(q, label) ON v.q = o.qty`},
	{name: "values_remote", query: `SELECT * FROM (VALUES (app.label('x')), ('y')) v(a), customers`},
	{name: "no_from", query: `SELECT 1 AS a, app.label('q', 2) AS b`},
	{name: "no_from_where", query: `SELECT 1 AS a WHERE false`},
	{name: "cte", query: `WITH big AS (SELECT * FROM orders WHERE qty > 1), per AS (SELECT customer_id, count(*) AS n FROM big GROUP BY 1) SELECT c.name, per.n FROM per JOIN customers c ON c.id = per.customer_id`},
	{name: "cte_twice", query: `WITH s AS (SELECT customer_id, sum(qty) AS q FROM orders GROUP BY 1) SELECT a.customer_id, b.customer_id AS other FROM s a JOIN s b ON a.q = b.q WHERE a.customer_id < b.customer_id`},
	{name: "cte_nested", query: `WITH a AS (SELECT id, qty FROM orders) SELECT * FROM (WITH b AS (SELECT id + 1 AS id FROM a) SELECT b.id, a.qty FROM b JOIN a ON a.id = b.id) s`},
	{name: "cte_materialized", query: `WITH a AS MATERIALIZED (SELECT region FROM customers) SELECT region, count(*) AS n FROM a GROUP BY 1`},
	{name: "subselects", query: `SELECT s.k, t.name FROM (SELECT DISTINCT customer_id AS k FROM orders WHERE qty > 0) s, (SELECT id, name FROM customers WHERE name IS NOT NULL) t WHERE s.k = t.id`},
	{name: "no_key", query: `SELECT a, b FROM loose WHERE a > 0`},
	{name: "no_key_copies", query: `SELECT a FROM loose`},
	{name: "where_false", query: `SELECT id FROM orders WHERE false`},
	{name: "where_null", query: `SELECT id FROM orders WHERE NULL`},
	{name: "order_by", query: `SELECT id, note FROM orders ORDER BY note DESC, id`},
	{name: "same_column_twice", query: `SELECT id AS a, id AS b, qty + 1 AS c, qty + 1 AS d FROM orders`},

	// Views over views.
	{name: "over_view", query: `SELECT region, n + 1 AS n FROM grouped_joined WHERE n > 1`},
	{name: "over_views", query: `SELECT g.customer_id, h.s FROM grouped g JOIN "having" h ON h.customer_id = g.customer_id`},
	{name: "over_source_view", query: `SELECT v.id, v.twice FROM app.inner_view v JOIN customers c ON c.id = v.id`},
	{name: "over_source_cube", query: `SELECT * FROM app.cube_of_equals`},
	{name: "adopted", from: "app.adopted", loose: true},
	{name: "adopted_mat", from: "app.adopted_mat"},
}

func caseViews(cases []viewCase) (views []plan.View, loose map[string]bool) {
	loose = map[string]bool{}
	for _, c := range cases {
		views = append(views, plan.View{Name: c.name, Query: c.query, From: c.from})
		loose[c.name] = c.loose
	}
	return views, loose
}
