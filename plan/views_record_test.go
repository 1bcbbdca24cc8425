package plan_test

// Composite values.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "record_columns", query: `SELECT * FROM things`},
		viewCase{name: "record_fields", query: `SELECT id, (p).a AS a, (p).b AS b, (s).p AS c, ((s).p).a AS d, (s).l[1] AS e, (s).n + 1 AS f, (g).b AS g, (ROW(k, w)::pair).b AS h, (s).n AS i, (ps[1]).a AS j FROM things`},
		viewCase{name: "record_compare", query: `SELECT id, p = q AS a, p <> q AS b, p < q AS c, p >= q AS d, p IS DISTINCT FROM q AS e, p = ROW(1, 'a'::text) AS f, p = '(1,a)'::pair AS g, s = s AS h, p IN (q, '(1,)'::pair) AS i, s > ROW(NULL, NULL, NULL, 1)::span AS j,
			p = ANY (ps) AS k, ps = ARRAY[p, q] AS l, ps @> ARRAY[q] AS m, p *= q AS n, coalesce(p, q) AS o, nullif(p, q) AS pp, CASE WHEN k > 1 THEN p ELSE q END AS r, p = g::pair AS ss FROM things`},
		viewCase{name: "record_null", query: `SELECT id, p IS NULL AS a, p IS NOT NULL AS b, s IS NULL AS c, s IS NOT NULL AS d, (s).p IS NULL AS e, ROW(p, q) IS NULL AS f, num_nulls(p, q) AS g, NOT p IS NULL AS h, g IS NULL AS i, p IS DISTINCT FROM NULL AS j FROM things`},
		viewCase{name: "record_made", query: `SELECT id, ROW(k, w)::pair AS a, ROW(NULL, p, ARRAY[k], 1.50)::span AS b, ARRAY[p, q] AS c, (k, w)::pair = p AS d, ROW(k, w)::goodpair AS e, ARRAY[ROW(k, w)::pair, p] AS f, array_append(ps, p) AS g, ROW(1, 'a b')::pair AS h FROM things WHERE ps IS NULL OR array_ndims(ps) = 1`},
		viewCase{name: "record_constants", query: `SELECT id, '(1,"x y")'::pair AS a, '(2024-01-01,"(5,)","{1,NULL,3}",-1.50)'::span AS b, '{"(1,a)",NULL,"(,b)"}'::pair[] AS c, '(,)'::pair AS d, NULL::pair AS e FROM things WHERE p IS DISTINCT FROM '(2,a)'::pair`},
		viewCase{name: "record_grouped", query: `SELECT p, count(*) AS n, count(q) AS m, count(DISTINCT q) AS d, sum(k) AS s FROM things GROUP BY p`},
		viewCase{name: "record_grouped_two", query: `SELECT s, g, min(id) AS n FROM things GROUP BY s, g`, loose: true},
		viewCase{name: "record_distinct", query: `SELECT DISTINCT p, ps FROM things`},
		viewCase{name: "record_union", query: `SELECT p FROM things UNION SELECT q FROM things EXCEPT SELECT ROW(k, w)::pair FROM things`},
		viewCase{name: "record_join", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON a.p = b.q AND a.id <> b.id`},
		viewCase{name: "record_row_join", query: `SELECT a.id, b.id AS other FROM things a JOIN things b ON ROW(a.k, a.w) = ROW(b.k, b.w)`},
		viewCase{name: "record_array_agg", query: `SELECT k, array_agg(p ORDER BY id) AS a, array_agg(ROW(id, w)::pair ORDER BY id) AS b, json_agg(p ORDER BY id) AS c FROM things GROUP BY k`},
		viewCase{name: "record_array_agg_pinned", query: `SELECT k, array_agg(p) AS a FROM (SELECT DISTINCT k, p FROM things WHERE (p).a = 1 AND (p).b IS NULL) t GROUP BY k`},
		viewCase{name: "record_order", query: `SELECT id, row_number() OVER (ORDER BY p COLLATE "C", id) AS n FROM (SELECT id, ((p).b) AS p FROM things) t`},
		viewCase{name: "record_topk", query: `SELECT id, p FROM (SELECT id, ROW((p).a, k) AS o, p FROM things) t ORDER BY o, id LIMIT 4`},
		viewCase{name: "record_window", query: `SELECT id, lag(p) OVER (ORDER BY id) AS a, (lag(ROW(k, w)) OVER (ORDER BY id)) = ROW(k, w) AS b, count(*) OVER (PARTITION BY q) AS c, first_value(s) OVER (PARTITION BY p ORDER BY id) AS d FROM things`},
		viewCase{name: "record_from_text", query: `SELECT id, ('(' || coalesce(k::text, '') || ',x)')::pair AS a, CASE WHEN w IS NULL THEN w::pair ELSE p END AS b, json_populate_record(p, '{"a": 7}') AS c FROM things`},
		viewCase{name: "record_texts", query: `SELECT id, p::text AS a, s::text AS b, row_to_json(p) AS c, to_jsonb(s) AS d, ROW(k, w)::text AS e, row_to_json(ROW(k, w, p)) AS f, ps::text AS g, p::text::pair AS h, json_build_object('p', p, 'r', ROW(k, ROW(w, p))) AS i FROM things`},
		viewCase{name: "whole_row", query: `SELECT o AS r, o.id FROM orders o WHERE o.qty > 1`},
		viewCase{name: "whole_row_json", query: `SELECT o.id, row_to_json(o) AS a, to_jsonb(o) AS b, (o.*)::text AS c, o IS NULL AS d FROM orders o`},
		viewCase{name: "whole_row_sub", query: `SELECT x.id, row_to_json(x) AS a FROM (SELECT id, qty AS "Q y", note FROM orders) x`},
		viewCase{name: "whole_row_outer", query: `SELECT c.id, o AS o, o IS NULL AS a, x IS NULL AS b, to_jsonb(x) AS d, to_jsonb(o) AS e, count(o) OVER () AS f FROM customers c LEFT JOIN orders o ON o.customer_id = c.id LEFT JOIN (SELECT qty AS tier, NULL::int AS nothing FROM orders WHERE qty > 2) x ON x.tier = c.tier`},
		viewCase{name: "whole_row_count", query: `SELECT c.id, count(o) AS a, count(DISTINCT o) AS b, array_agg(o ORDER BY o.id) AS d, json_agg(o ORDER BY o.id) AS e FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id`},
		viewCase{name: "whole_row_grouped", query: `SELECT e, count(*) AS n FROM edges e GROUP BY e`},
		viewCase{name: "whole_row_compare", query: `SELECT a.l, b.r FROM edges a, edges b WHERE a = b OR a < b AND a.l = b.r`},
		viewCase{name: "whole_row_in", query: `SELECT a.l FROM edges a WHERE a IN (SELECT b FROM edges b WHERE b.l > 1)`},
		viewCase{name: "whole_row_correlated", query: `SELECT c.id, (SELECT row_to_json(c) FROM orders o WHERE o.id = c.id) AS a, (SELECT o FROM orders o WHERE o.id = c.id) AS b, ((SELECT o FROM orders o WHERE o.id = c.id)).note AS d FROM customers c`},
		viewCase{name: "whole_row_cte", query: `WITH t AS (SELECT l, r FROM edges) SELECT to_jsonb(t) AS j, (t).l AS l FROM t`},
		viewCase{name: "whole_row_join", query: `SELECT to_jsonb(j) AS j FROM (customers c JOIN edges e ON e.l = c.id) AS j`},
		viewCase{name: "whole_row_values", query: `SELECT to_jsonb(v) AS v, c.id FROM customers c, (VALUES (1, 'a'), (2, 'b')) v(n, t) WHERE v.n = c.tier`},
		viewCase{name: "whole_row_view", query: `SELECT v AS v, to_jsonb(v) AS j FROM app.inner_view v`},
		viewCase{name: "whole_row_maintained", query: `SELECT to_jsonb(v) AS j, (v).id AS id FROM whole_row_sub v`},
		viewCase{name: "whole_row_function", query: `SELECT e.id, to_jsonb(u) AS j, u IS NULL AS n FROM everything e, unnest(e.ai) WITH ORDINALITY AS u(x, n)`},
		viewCase{name: "json_agg_records", query: `SELECT k, json_agg(x ORDER BY x.id) AS a, jsonb_agg(ROW(x.id, x.w) ORDER BY x.id) AS b, jsonb_object_agg(x.id, x) AS c FROM (SELECT id, k, w, p FROM things) x GROUP BY k`},
		viewCase{name: "record_path", query: `SELECT e.l, e.r, ROW(e.l) = ANY (ARRAY[ROW(e.r), ROW(3)]) AS cycle, array_length(array_append(ARRAY[ROW(e.l, e.r)], ROW(e.r, e.l)), 1) AS depth FROM edges e`},
		viewCase{name: "record_coalesce", query: `SELECT id, coalesce(x, ROW(0, 'none'::text)) < ROW(3, w) AS a, coalesce(x, ROW(0, 'none'::text))::text AS b FROM (SELECT id, w, CASE WHEN k > 1 THEN ROW(k, w) END AS x FROM things) t`},
	)
}

// Records that differ in the names of their fields, of which Postgres chooses one: JSON shows which.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "named_subscript", query: `SELECT to_json((ARRAY[ROW(1, 2), x])[1]) AS a, to_json((ARRAY[ROW(1, 2), x])[x.id]) AS b, to_json(coalesce((ARRAY[ROW(id, qty), x, NULL])[qty], ROW(1))) AS c, ((ARRAY[ROW(1, 2), x])[qty])::text AS d,
			(ARRAY[ROW(1, 2), x])[qty] = x AS e, (ARRAY[ROW(1, 2), x])[qty] IS NULL AS f, (ARRAY[ROW(1, 2), x])[qty] < ROW(2, 3) AS g FROM (SELECT id, qty FROM orders) x`},
		viewCase{name: "named_greatest", query: `SELECT id, to_json(greatest(x, y)) AS a, to_json(least(ROW(id, note), y, x)) AS b, row_to_json(nullif(greatest(y, x), x)) AS c FROM (SELECT id AS "a'b", note AS "c""d" FROM orders WHERE id > 2) x, LATERAL (SELECT o.id, o.note FROM orders o WHERE o.qty = x."a'b" AND o.note <> x."c""d") y`},
		viewCase{name: "named_mixed", query: `SELECT x.id, to_json((ARRAY[ROW(1, 'a'::text), x, ROW(now_qty, '2') , y, ROW(), ROW(x.id, ROW(1, 'n'::text))])[x.now_qty]) AS a FROM (SELECT id, note, qty AS now_qty FROM orders) x, LATERAL (SELECT x.now_qty AS id, x.note) y`},
		viewCase{name: "named_function", query: `SELECT id, to_json(app.same(x, ROW(id, qty))) AS a, to_json(app.same(CASE WHEN id > 3 THEN x ELSE ROW(id, qty) END, x)) AS b FROM (SELECT id, qty FROM orders) x`},
		viewCase{name: "named_in_names", query: `SELECT to_json((ARRAY[r, s])[1 + id % 2]) AS a FROM (SELECT t.id, ROW(x.id, x)::record AS r, y AS s FROM orders t, LATERAL (SELECT t.id, t.qty) x, LATERAL (SELECT t.id AS one, x AS two) y) z`},
		viewCase{name: "named_grouped", query: `SELECT qty, to_json((ARRAY[min(id), max(id)])) AS a, to_json((array_agg(CASE WHEN id > 2 THEN x ELSE ROW(id, qty) END ORDER BY id))[1]) AS b FROM (SELECT id, qty FROM orders) x GROUP BY qty`},
	)
}

// Arrays of such records, and records around them, that Postgres computes.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "named_slice", query: `SELECT to_json((ARRAY[ROW(1, 2), x, NULL, y])[1:x.id]) AS a, to_json((ARRAY[ROW(1, 2), x])[x.qty:]) AS b, (ARRAY[ROW(1, 2), x])[1:x.id] = ARRAY[ROW(1, 2), x] AS c, cardinality(coalesce((ARRAY[ROW(1, 2), x])[1:x.qty], ARRAY[x])) AS d,
			to_json(coalesce((ARRAY[[ROW(1, 2), x], [x, y]])[1:1], ARRAY[y])) AS e FROM (SELECT id, qty FROM orders) x, LATERAL (SELECT x.qty AS a, x.id AS b) y`},
		viewCase{name: "named_slice_read", query: `SELECT to_json(s) AS a, to_json(s[1]) AS b, (s[1])::text AS c, to_json(x) AS d, s IS NULL AS e FROM (SELECT (ARRAY[ROW(1, 2), NULL, x])[1:x.id] AS s, x FROM (SELECT id, qty FROM orders) x) t`},
		viewCase{name: "named_within", query: `SELECT to_json(app.same(ROW(r, 1), ROW(s, 2))) AS a, to_json(app.same(ROW(ROW(r)), ROW(ROW(s)))) AS b, to_json(greatest(ROW(id, r), ROW(id, s))) AS c, app.same(ROW(r, 1), ROW(s, 2))::text AS d FROM (SELECT t.id, x AS r, y AS s FROM orders t, LATERAL (SELECT t.id, t.qty) x, LATERAL (SELECT t.id AS one, t.qty AS two) y) z`},
		viewCase{name: "named_arrays_within", query: `SELECT to_json((ARRAY[ROW(ARRAY[r, s], 1), ROW(ARRAY[s], 2), ROW(ARRAY[r, NULL], 3), ROW(NULL::record[], 4)])[1 + id % 4]) AS a, to_json((ARRAY[ROW(ARRAY[r, s], 1), ROW((ARRAY[s])[2:], 2), ROW(ARRAY[ROW('a'::text)], 3)])[id:]) AS b FROM (SELECT t.id, x AS r, y AS s FROM orders t, LATERAL (SELECT t.id, t.qty) x, LATERAL (SELECT t.id AS one, t.qty AS two) y) z`},
		viewCase{name: "named_case_within", query: `SELECT to_json(app.same(a, a)) AS a, to_json((ARRAY[a, b])[2:1 + id]) AS b, (ARRAY[a, b])[1:id]::text AS c FROM (SELECT t.id, ROW(CASE WHEN t.qty > 1 THEN x END, y) AS a, ROW(CASE WHEN t.qty > 1 THEN y ELSE x END, CASE WHEN t.id > 2 THEN x END) AS b FROM (SELECT id, qty FROM orders) t, LATERAL (SELECT t.id, t.qty) x, LATERAL (SELECT t.id AS "o""n'e", t.qty AS two) y) z`},
		viewCase{name: "named_array_agg", query: `SELECT qty, to_json((array_agg(CASE WHEN id > 2 THEN x ELSE ROW(id, qty) END ORDER BY id))[2:3]) AS a, to_json((array_agg(ROW(CASE WHEN id > 2 THEN x ELSE ROW(id, qty) END, id) ORDER BY id))[2:]) AS b FROM (SELECT id, qty FROM orders) x GROUP BY qty`},
		viewCase{name: "named_none_within", query: `SELECT to_json(ARRAY[ROW(NULL::record, id), ROW(NULL::record, 1)]) AS a, to_json((ARRAY[ROW(NULL::record, id), ROW(ROW(id), 1), ROW(NULL::record[], qty)])[id:]) AS b FROM orders`},
		viewCase{name: "named_json_within", query: `SELECT to_json((ARRAY[ROW(i, ROW(j, t)), ROW(i, x)])[1:id]) AS a FROM (SELECT id, jb AS i, jb::pg_catalog.json AS j, tx AS t, x FROM everything, LATERAL (SELECT jb::pg_catalog.json AS j, tx AS "t\\é
u") x) z`},
	)
}

// Arrays of records without a type of their own.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "records_json", query: `SELECT id, array_to_json(ARRAY[ROW(id, qty), ROW(7, NULL::int)]) AS a, to_jsonb(ARRAY(SELECT ROW(e.l, e.r) FROM edges e WHERE e.l = o.id ORDER BY e.r)) AS b FROM orders o`},
		viewCase{name: "records_json_named", query: `SELECT o.id, to_jsonb(ARRAY(SELECT x FROM (SELECT e.l AS left, e.r AS "the right" FROM edges e WHERE e.l = o.id) x ORDER BY x)) AS a FROM orders o`},
		viewCase{name: "records_json_agg", query: `SELECT customer_id, to_json(array_agg(ROW(id, note) ORDER BY id)) AS a, to_json(array_agg(ROW(day, ROW(qty, amount)) ORDER BY id)) AS b FROM orders GROUP BY 1`},
		viewCase{name: "records_subscript", query: `SELECT id, (ARRAY[ROW(id, qty), ROW(qty, id)])[2]::text AS a, cardinality(ARRAY[ROW(id, qty)] || ROW(1, 2)) AS b, (array_agg(ROW(id, note)) OVER (ORDER BY id))::text AS c FROM orders`},
		viewCase{name: "records_nulls", query: `SELECT o.id, to_json(array_agg(x ORDER BY x.l, x.r)) AS a FROM orders o LEFT JOIN (SELECT l, r FROM edges) x ON x.l = o.id GROUP BY o.id`},
		viewCase{name: "records_types", query: `SELECT id, to_json(ARRAY[ROW(tsz, ts, d, iv, en), ROW(NULL::timestamptz, ts, d, iv, 'ok'::mood)]) AS a, to_json(ARRAY[ROW(ai, jb, ip)]) AS b, ARRAY[ROW(r, at, bits)]::text AS c, ARRAY[ROW(ROW(pt), n)]::text AS d FROM everything`},
		viewCase{name: "records_nested", query: `SELECT id, row_to_json(ROW(id, ARRAY[ROW(qty, note)])) AS a, to_json(ARRAY[ROW(id, ARRAY[ROW(qty, note), NULL])]) AS b FROM orders`},
		viewCase{name: "records_text", query: `SELECT id, ROW(numrange(i4, NULL), tsz)::text AS a, ROW(ip, r)::text AS b, ARRAY[ROW(numrange(id, NULL), tx)]::text AS c FROM everything`},
		viewCase{name: "records_compared", query: `SELECT id, ARRAY[ROW(id, note)] = ARRAY[ROW(customer_id, note)] AS a, ARRAY[ROW(id, note)] < ARRAY[ROW(customer_id, note)] AS b, ROW(id, note) = ANY (ARRAY[ROW(customer_id, note), ROW(1, 'ok'::text)]) AS c,
			ARRAY[ROW(id, numrange(qty, NULL))] >= ARRAY[ROW(customer_id, numrange(id, NULL))] AS d, ARRAY[ROW(id, note COLLATE "en-x-icu")] < ARRAY[ROW(id, 'm'::text COLLATE "en-x-icu")] AS e, greatest(ARRAY[ROW(id, qty)], ARRAY[ROW(qty, id)])::text AS f FROM orders`},
		viewCase{name: "records_functions", query: `SELECT id, array_length(ARRAY[ROW(id, qty)], 1) AS a, array_position(ARRAY[ROW(id, qty)], ROW(qty, qty)) AS b, array_remove(ARRAY[ROW(id, qty), ROW(1, 1)], ROW(1, 1))::text AS c, jsonb_build_object('k', ARRAY[ROW(id, qty)]) AS d, concat(ARRAY[ROW(id, note)], 'x') AS e FROM orders`},
		viewCase{name: "records_distinct", query: `SELECT count(*) AS n FROM (SELECT DISTINCT ARRAY[ROW(qty, note)] AS a FROM orders) x`},
		viewCase{name: "records_grouped", query: `SELECT ARRAY[ROW(qty, numrange(qty, NULL))]::text AS a, count(*) AS n FROM orders GROUP BY ARRAY[ROW(qty, numrange(qty, NULL))]`},
		viewCase{name: "records_joined", query: `SELECT a.id, b.id AS other FROM orders a JOIN orders b ON ARRAY[ROW(a.qty, a.note)] = ARRAY[ROW(b.qty, b.note)]`},
	)
}
