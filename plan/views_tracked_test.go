package plan_test

// SEARCH and CYCLE over recursive terms that make one row of several. Postgres tells rows apart, and
// groups them, without the columns that the clauses add, and keeps one row's of these. Which one is left open, so
// here all paths to a row of one iteration are alike: that from a person's boss to the person is the only one,
// or the row has its way in a column; or what is compared does not depend on the path.
func init() {
	recursiveCases = append(recursiveCases, []viewCase{
		{name: "tracked_distinct", query: `WITH RECURSIVE t(root, id) AS (SELECT id, id FROM p UNION ALL SELECT DISTINCT t.root, p.id FROM t JOIN p ON p.boss = t.id LEFT JOIN e ON e.l = p.id) CYCLE id SET looped USING path SELECT root, id, looped, path::text AS path FROM t`},
		{name: "tracked_distinct_union", query: `WITH RECURSIVE t(root, id) AS (SELECT id, id FROM p UNION SELECT DISTINCT t.root, p.id FROM t JOIN p ON p.boss = t.id, e) SEARCH DEPTH FIRST BY id SET o CYCLE root, id SET state TO 'again' DEFAULT 'new' USING path SELECT root, id, state, o::text AS o, path::text AS path FROM t`},
		{name: "tracked_distinct_ways", query: `WITH RECURSIVE t(x, way) AS (SELECT DISTINCT l, ARRAY[l] FROM e UNION ALL SELECT DISTINCT e.r, way || e.r FROM t JOIN e ON e.l IS NOT DISTINCT FROM t.x) CYCLE x SET looped USING path SELECT x, way, looped, path::text AS path FROM t`},
		{name: "tracked_distinct_breadth", query: `WITH RECURSIVE t(x) AS (SELECT l FROM e UNION ALL SELECT DISTINCT e.r FROM t JOIN e ON e.l = t.x AND e.r > t.x) SEARCH BREADTH FIRST BY x SET o SELECT x, o::text AS o FROM t`},
		{name: "tracked_distinct_numeric", query: `WITH RECURSIVE t(x, i) AS (SELECT n, 0 FROM num UNION ALL SELECT DISTINCT num.m, i + 1 FROM t JOIN num ON num.n = t.x WHERE i < 3) SEARCH BREADTH FIRST BY i SET o SELECT x + 0.000 AS x, o::text AS o FROM t`, loose: true},
		{name: "tracked_distinct_ranges", query: `WITH RECURSIVE t(x, r) AS (SELECT id, numrange(id, NULL) FROM p WHERE boss IS NULL UNION ALL SELECT DISTINCT p.id, numrange(p.id, NULL) FROM t JOIN p ON p.boss = t.x, g) SEARCH DEPTH FIRST BY r SET o CYCLE r SET looped USING path SELECT x, o::text AS o, looped FROM t`},
		{name: "tracked_group", query: `WITH RECURSIVE t(root, id) AS (SELECT id, id FROM p UNION ALL SELECT t.root, p.id FROM t JOIN p ON p.boss = t.id LEFT JOIN e ON e.l = p.id GROUP BY 1, 2) CYCLE id SET looped USING path SELECT root, id, looped, path::text AS path FROM t`},
		{name: "tracked_group_both", query: `WITH RECURSIVE t(root, id) AS (SELECT id, id FROM p UNION SELECT t.root, p.id FROM t JOIN p ON p.boss = t.id, e GROUP BY p.id, t.root HAVING p.id > 1) SEARCH DEPTH FIRST BY root, id SET o CYCLE id SET looped USING path SELECT root, id, looped, o::text AS o, path::text AS path FROM t`},
		{name: "tracked_group_key", query: `WITH RECURSIVE t(root, id, name) AS (SELECT id, id, name FROM p UNION ALL SELECT t.root, p.id, p.name || t.root FROM t JOIN p ON p.boss = t.id, g GROUP BY p.id, t.root) CYCLE id SET looped USING path SELECT root, id, name, looped, path::text AS path FROM t`},
		{name: "tracked_group_sets", query: `WITH RECURSIVE t(root, id) AS (SELECT id, id FROM p WHERE boss IS NULL UNION ALL SELECT t.root, p.id FROM t JOIN p ON p.boss = t.id, g GROUP BY GROUPING SETS ((t.root, p.id), (p.id))) SEARCH DEPTH FIRST BY id SET o SELECT root, id, o::text AS o FROM t`},
		{name: "tracked_group_spread", query: `WITH RECURSIVE t(root, id, n, i) AS (SELECT id, id, 0, 0 FROM p UNION ALL SELECT t.root, p.id, generate_series(1, 2), i FROM t JOIN p ON p.boss = t.id WHERE n < 2 GROUP BY t.root, p.id, i) CYCLE id SET looped USING path SELECT root, id, n, looped, path::text AS path FROM t`},
		{name: "tracked_group_distinct", query: `WITH RECURSIVE t(root, id) AS (SELECT id, id FROM p UNION ALL SELECT DISTINCT t.root, p.id FROM t JOIN p ON p.boss = t.id LEFT JOIN e ON e.l = p.id GROUP BY t.root, p.id) CYCLE id SET looped USING path SELECT root, id, looped, path::text AS path FROM t`},
		{name: "tracked_group_sub_query", query: `WITH RECURSIVE t(root, id, n) AS (SELECT id, id, 0::bigint FROM p UNION ALL SELECT t.root, p.id, (SELECT count(*) FROM e WHERE e.l = p.id) FROM t JOIN p ON p.boss = t.id, g GROUP BY t.root, p.id) CYCLE id SET looped USING path SELECT root, id, n, looped FROM t`},
		{name: "tracked_correlated", query: `SELECT p.id, (WITH RECURSIVE t(x, way) AS (SELECT p.boss, '' UNION ALL SELECT DISTINCT e.r, way || e.r FROM t JOIN e ON e.l = t.x) CYCLE x SET looped USING path SELECT count(*) FROM t WHERE looped) AS loops,
			(WITH RECURSIVE t(x) AS (SELECT p.boss UNION ALL SELECT e.r FROM t JOIN e ON e.l = t.x AND e.r > t.x GROUP BY e.r HAVING e.r > p.id) SEARCH BREADTH FIRST BY x SET o SELECT count(*) FROM t) AS n FROM p`},
	}...)
}
