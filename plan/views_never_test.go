package plan_test

// Parts that no row can come from, and what has found no partner: their errors are not
// the view's. Every e.r is 0 in some batch, and 6 / e.r fails then.
func init() {
	const fails = `(SELECT l, 6 / r AS x FROM edges GROUP BY 1, 2)`
	viewCases = append(viewCases,
		viewCase{name: "never_where", query: `SELECT x FROM ` + fails + ` e WHERE false`},
		viewCase{name: "never_where_null", query: `SELECT x FROM ` + fails + ` e WHERE NULL`},
		viewCase{name: "never_strict", query: `SELECT x FROM ` + fails + ` e WHERE x < NULL::int OR l = NULL`},
		viewCase{name: "never_inner", query: `SELECT a.a, e.x FROM loose a JOIN ` + fails + ` e ON false`},
		viewCase{name: "never_left", query: `SELECT a.a, e.x FROM loose a LEFT JOIN ` + fails + ` e ON NULL`},
		viewCase{name: "never_right", query: `SELECT a.a, e.x FROM ` + fails + ` e RIGHT JOIN loose a ON a.a = NULL`},
		viewCase{name: "never_full", query: `SELECT a.a, a.b, e.l FROM loose a FULL JOIN edges e ON false`},
		viewCase{name: "never_full_one", query: `SELECT a.a, e.l FROM loose a FULL JOIN (SELECT l FROM ` + fails + ` e WHERE false) e ON e.l = a.a`},
		viewCase{name: "never_semi", query: `SELECT a FROM loose a WHERE EXISTS (SELECT FROM ` + fails + ` e WHERE e.l = a.a AND false)`},
		viewCase{name: "never_anti", query: `SELECT a FROM loose a WHERE NOT EXISTS (SELECT FROM ` + fails + ` e WHERE e.l = a.a AND NULL)`},
		viewCase{name: "never_union", query: `SELECT a, b FROM loose UNION ALL SELECT x, 'x' FROM ` + fails + ` e WHERE false UNION ALL SELECT a, 'b' FROM loose WHERE a > 1`},
		viewCase{name: "never_union_all", query: `SELECT l AS y FROM edges WHERE false UNION SELECT x FROM ` + fails + ` e WHERE NULL`},
		viewCase{name: "never_intersect", query: `(SELECT a FROM loose INTERSECT SELECT x FROM ` + fails + ` e WHERE false) UNION ALL SELECT l FROM edges`},
		viewCase{name: "never_count", query: `SELECT count(*), sum(x) FROM ` + fails + ` e WHERE false`},
		viewCase{name: "never_groups", query: `SELECT l, count(*) FROM ` + fails + ` e WHERE false GROUP BY 1`},
		viewCase{name: "never_grouping_sets", query: `SELECT l, count(*), sum(x) FROM ` + fails + ` e WHERE false GROUP BY GROUPING SETS ((l), ())`},
		viewCase{name: "never_limit", query: `SELECT a FROM loose WHERE a IN (SELECT x FROM ` + fails + ` e ORDER BY x LIMIT 0) OR a > 1`},
		viewCase{name: "never_scalar", query: `SELECT a, (SELECT x FROM ` + fails + ` e WHERE e.l = a.a AND false) AS x FROM loose a`},
		viewCase{name: "never_window", query: `SELECT l, sum(x) OVER (ORDER BY l) FROM ` + fails + ` e WHERE false`},
		viewCase{name: "never_recursive_base", query: `WITH RECURSIVE t(l, r) AS (SELECT l, r FROM edges WHERE false UNION SELECT e.l, 6 / e.r FROM t JOIN edges e ON e.l = t.r) SELECT * FROM t`},
		viewCase{name: "never_recursive_term", query: `WITH RECURSIVE t(l, r) AS (SELECT l, r FROM edges UNION SELECT e.l, 6 / e.r FROM t JOIN edges e ON e.l = t.r AND false) SELECT * FROM t`},
		viewCase{name: "never_recursive_term_all", query: `WITH RECURSIVE t(l, r) AS (SELECT l, r FROM edges UNION ALL SELECT e.l, 6 / e.r FROM t JOIN edges e ON e.l = t.r AND NULL) SELECT l, count(*) FROM t GROUP BY 1`},
		viewCase{name: "never_asked", query: `SELECT a, pg_catalog.quote_nullable(b) FROM loose WHERE a < NULL::int`},

		// Keys that fail are computed of what the other conditions leave.
		viewCase{name: "key_after_partner", query: `SELECT e.l, x.a, y.a AS z FROM edges e JOIN loose2 y ON y.a = 6 / e.r JOIN loose x ON x.a = e.l AND e.r <> 0`},
		viewCase{name: "key_after_two", query: `SELECT o.id, c.id AS c, p.id AS p FROM products p JOIN customers c ON p.id = 6 / c.tier JOIN orders o ON o.customer_id = c.id AND c.tier <> 0 AND c.tier > -100`},
		viewCase{name: "key_both_fail", query: `SELECT e.l, x.a FROM edges e JOIN loose x ON 6 / nullif(e.r, 0) = x.a + 1 AND x.a < 100 WHERE e.l IN (SELECT a FROM loose2)`},
		viewCase{name: "key_beside_key", query: `SELECT e.l, x.a, x.b FROM edges e JOIN loose x ON x.a = e.l AND x.c = 6 / nullif(e.r, 0)`},
		viewCase{name: "key_between_pairs", query: `SELECT a.l, c.l AS m FROM edges a JOIN loose b ON b.a = a.l JOIN edges c ON c.r + 1 = a.r + b.a JOIN loose2 d ON d.a = c.l`},
		viewCase{name: "key_of_three", query: `SELECT e.l, x.a, y.a AS z FROM edges e, loose x, loose2 y WHERE x.a % 7 = y.a % 7 AND e.l % 7 = x.a % 7 AND e.r >= y.a`},
	)
}
