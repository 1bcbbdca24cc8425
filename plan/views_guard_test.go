package plan_test

// Sub-queries that fail, where CASE or COALESCE asks them for some rows only.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "guard_scalar", query: `SELECT e.l, CASE WHEN e.l > 100 THEN (SELECT x.a FROM loose x) END AS v FROM edges e`},
		viewCase{name: "guard_constant", query: `SELECT e.l, CASE WHEN e.l > 100 THEN (SELECT 1 / (x.a - x.a) FROM loose x LIMIT 1) ELSE 2 END AS v FROM edges e`},
		viewCase{name: "guard_correlated", query: `SELECT e.l, CASE WHEN e.l <> 0 THEN (SELECT max(x.a + 12 / e.l) FROM loose x) ELSE 2 END AS v FROM edges e`},
		viewCase{name: "guard_where_inside", query: `SELECT e.l, CASE WHEN e.l > 100 THEN (SELECT count(*) FROM loose x WHERE 1 / (x.a - e.l) = 0) ELSE 2 END AS v FROM edges e`},
		viewCase{name: "guard_exists", query: `SELECT e.l, CASE WHEN e.l > 100 THEN EXISTS (SELECT FROM loose x WHERE 1 / (x.a - e.l) = 0) ELSE false END AS v FROM edges e`},
		viewCase{name: "guard_in", query: `SELECT e.l, CASE WHEN NOT EXISTS (SELECT FROM loose WHERE a = 0) THEN 0 IN (SELECT 1 / x.a FROM loose x) ELSE false END AS v FROM edges e`},
		viewCase{name: "guard_else", query: `SELECT e.l, CASE WHEN EXISTS (SELECT FROM loose x WHERE x.a = e.l) THEN 1 WHEN e.r IS NULL THEN 2 ELSE (SELECT sum(6 / (x.a - e.l)) FROM loose x WHERE x.a < e.r) END AS v FROM edges e`},
		viewCase{name: "guard_case_of", query: `SELECT e.l, CASE e.l WHEN 1 THEN 5 WHEN 2 THEN (SELECT max(x.a + 10 / (e.l - 1)) FROM loose x) ELSE coalesce(e.r, (SELECT max(x.a / coalesce(e.r, 1)) FROM loose x)) END AS v FROM edges e`},
		viewCase{name: "guard_coalesce", query: `SELECT o.id, coalesce(nullif(o.qty, 0), (SELECT max(x.a + 1 / (coalesce(o.qty, 7) + 1)) FROM loose x), (SELECT x.a FROM loose x)) AS v FROM orders o WHERE EXISTS (SELECT FROM loose WHERE a IS NOT NULL)`},
		viewCase{name: "guard_group", query: `SELECT e.l, CASE WHEN count(*) > 100 THEN (SELECT max(1 / (x.a - e.l)) FROM loose x) ELSE sum(CASE WHEN e.r <> 0 THEN (SELECT count(*) FROM loose x WHERE 6 / e.r > x.a) END) END AS v FROM edges e GROUP BY e.l`},
		viewCase{name: "guard_nested", query: `SELECT e.l, CASE WHEN e.l <> 0 THEN CASE WHEN 6 / e.l > 2 THEN (SELECT max(x.a + 12 / (6 / e.l)) FROM loose x WHERE x.a >= e.l) ELSE 1 END END AS v FROM edges e`},
		viewCase{name: "guard_where", query: `SELECT e.l FROM edges e WHERE CASE WHEN e.l = 0 THEN true ELSE (SELECT count(*) FROM loose x WHERE x.a > 6 / e.l) > 1 END`},
		viewCase{name: "guard_on", query: `SELECT e.l, x.a FROM edges e LEFT JOIN loose x ON CASE WHEN e.l = 0 THEN x.a = 1 ELSE x.a > ALL (SELECT y.a / e.l FROM loose y WHERE y.a > 1) END`},
		viewCase{name: "guard_deep", query: `SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id AND CASE WHEN o.qty <> 0 THEN (SELECT max(x.a + 12 / o.qty) FROM loose x WHERE x.a <> c.tier) > 2 ELSE c.tier > 1 END) AS n FROM customers c`},
		viewCase{name: "guard_array", query: `SELECT e.l, CASE WHEN e.l > 3 THEN cardinality(ARRAY(SELECT x.ai FROM everything x WHERE x.i4 <> e.r)) END AS v FROM edges e WHERE e.l < 4`},
		viewCase{name: "guard_array_uncorrelated", query: `SELECT e.l FROM edges e WHERE CASE WHEN e.l > 100 THEN cardinality(ARRAY(SELECT ai FROM everything)) > 1 ELSE true END`},
		viewCase{name: "guard_array_kept", query: `SELECT e.l, CASE WHEN e.l > 2 THEN ARRAY(SELECT x.a FROM loose x WHERE x.a <> e.r ORDER BY 1) ELSE '{7}' END AS v, coalesce(e.r::text, (ARRAY(SELECT 1 / x.a FROM loose x WHERE e.l <> 1))::text) AS w FROM edges e WHERE e.r IS NOT NULL`},
		// What reads no row is asked before there is one.
		viewCase{name: "once_empty", query: `SELECT id FROM orders WHERE id = -77 AND (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0 UNION ALL SELECT a FROM loose`},
		viewCase{name: "once_count", query: `SELECT count(*) AS n FROM orders o, edges e WHERE o.id = e.l AND e.r = -77 AND (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0`},
		viewCase{name: "once_other_decides", query: `SELECT count(*) AS n FROM orders WHERE (SELECT count(*) FROM edges) < 0 AND (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0`},
		viewCase{name: "once_within", query: `SELECT count(*) AS n FROM (SELECT id FROM orders WHERE (SELECT count(*) FROM edges) < 0) o WHERE (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0`},
		viewCase{name: "once_exists", query: `SELECT count(*) AS n FROM orders WHERE EXISTS (SELECT FROM edges WHERE l = -77) AND (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0`},
		viewCase{name: "once_joined", query: `SELECT count(*) AS n FROM orders o JOIN edges e ON e.l = o.id AND (SELECT count(*) FROM edges) < 0 WHERE (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0`},
		viewCase{name: "once_guarded", query: `SELECT id FROM orders WHERE CASE WHEN (SELECT count(*) FROM loose WHERE a = 3) > 0 THEN (SELECT 6 / count(*) FROM loose WHERE a = 3) > 0 ELSE true END`},
	)
}
