package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
)

// Recursive queries over small graphs that change all the time: with cycles,
// copies, NULLs, and values that are equal but do not look alike. UNION ALL over
// them ends by a bound in the query.
var recursiveCases = []viewCase{
	{name: "closure", query: `WITH RECURSIVE t AS (SELECT l, r FROM e UNION SELECT e.l, t.r FROM e JOIN t ON e.r = t.l) SELECT * FROM t`},
	{name: "closure_quadratic_free", query: `WITH RECURSIVE t(a, b) AS (SELECT l, r FROM e WHERE l IS NOT NULL UNION SELECT t.a, e.r FROM t, e WHERE e.l = t.b) SELECT a, count(*) AS n, max(b) AS m FROM t GROUP BY a`},
	{name: "reachable", query: `WITH RECURSIVE t(x) AS (SELECT id FROM p WHERE boss IS NULL UNION SELECT e.r FROM t JOIN e ON e.l = t.x) SELECT x FROM t`},
	{name: "reachable_null", query: `WITH RECURSIVE t(x) AS (SELECT l FROM e UNION SELECT e.r FROM t JOIN e ON e.l IS NOT DISTINCT FROM t.x) SELECT x FROM t`},
	{name: "ancestors", query: `WITH RECURSIVE up AS (SELECT id, boss, 1 AS depth FROM p UNION ALL SELECT up.id, p.boss, up.depth + 1 FROM up JOIN p ON p.id = up.boss WHERE up.depth < 5) SELECT id, boss, depth FROM up WHERE boss IS NOT NULL`},
	{name: "materials", query: `WITH RECURSIVE m(part, sub, qty, level) AS (SELECT part, sub, qty, 1 FROM b UNION ALL SELECT m.part, b.sub, m.qty * b.qty, level + 1 FROM m JOIN b ON b.part = m.sub WHERE level < 4)
		SELECT part, sub, sum(qty) AS total, count(*) AS ways FROM m GROUP BY part, sub`},
	{name: "paths", query: `WITH RECURSIVE s(id, path) AS (SELECT id, ARRAY[id] FROM p WHERE boss IS NULL UNION ALL SELECT p.id, s.path || p.id FROM s JOIN p ON p.boss = s.id WHERE NOT p.id = ANY (s.path)) SELECT * FROM s`},
	{name: "simple_paths", query: `WITH RECURSIVE s(x, path) AS (SELECT DISTINCT l, ARRAY[l] FROM e WHERE l < 3 UNION ALL SELECT e.r, path || e.r FROM s JOIN e ON e.l = s.x WHERE e.r <> ALL (path)) SELECT x, array_length(path, 1) AS hops, count(*) AS n FROM s GROUP BY 1, 2`},
	{name: "hops", query: `WITH RECURSIVE s(l, r, n) AS (SELECT DISTINCT l, r, 1 FROM e UNION SELECT s.l, e.r, n + 1 FROM s JOIN e ON e.l = s.r WHERE n < 4) SELECT l, r, min(n) AS hops FROM s GROUP BY l, r`},
	{name: "counter", query: `WITH RECURSIVE c(id, n) AS (SELECT id, lo FROM g UNION ALL SELECT c.id, n + 1 FROM c JOIN g USING (id) WHERE n < g.hi) SELECT id, n FROM c`},
	{name: "counter_constant", query: `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 7) SELECT n, count(g.id) AS k FROM c LEFT JOIN g ON g.lo = c.n GROUP BY n`},
	{name: "counter_values", query: `WITH RECURSIVE c(n) AS (VALUES (1), (3) UNION SELECT n * 2 FROM c WHERE n < 20) SELECT c.n FROM c JOIN g ON g.hi >= c.n`},
	{name: "representatives", query: `WITH RECURSIVE t(x, y) AS (SELECT n, 0 FROM num UNION SELECT num.m, y + 1 FROM t JOIN num ON num.n = t.x WHERE y < 2) SELECT x::numeric(10,2) AS x, y FROM t`},
	// Values that only Postgres tells apart.
	{name: "union_of_ranges", query: `WITH RECURSIVE t(x, r) AS (SELECT l, numrange(l, NULL) FROM e UNION SELECT e.r, numrange(e.r, NULL) FROM t JOIN e ON e.l = t.x) SELECT x, r::text AS r FROM t`},
	{name: "union_of_ranges_alone", query: `WITH RECURSIVE t(r) AS (SELECT numrange(l, NULL) FROM e WHERE l < 3 UNION SELECT numrange(e.r, NULL) FROM t JOIN e ON numrange(e.l, NULL) = t.r) SELECT r FROM t`},
	{name: "union_of_range_rows", query: `WITH RECURSIVE t(x, r) AS (SELECT l, ARRAY[numrange(l, r)] FROM e WHERE l <= r UNION SELECT e.r, t.r || numrange(e.r, NULL) FROM t JOIN e ON e.l = t.x WHERE cardinality(t.r) < 3) SELECT x, r::text AS r FROM t`},
	{name: "union_of_ranges_for_each", query: `SELECT p.id, (WITH RECURSIVE t(r) AS (SELECT numrange(p.boss, NULL) UNION SELECT numrange(e.r, NULL) FROM t JOIN e ON e.l = lower(t.r)) SELECT count(*) FROM t) AS n FROM p`},
	{name: "union_of_nothing_shown", query: `WITH RECURSIVE t(r, x) AS (SELECT numrange(l, NULL), 1 FROM e UNION SELECT r, 1 FROM t) SELECT count(*) AS n, sum(x) AS s FROM t`},
	{name: "cycle_of_ranges", query: `WITH RECURSIVE t(x, r) AS (SELECT l, numrange(l, NULL) FROM e WHERE l < 3 UNION ALL SELECT e.r, numrange(e.r, NULL) FROM t JOIN (SELECT DISTINCT * FROM e) e ON e.l = t.x) CYCLE r SET looped USING path SELECT x, r::text AS r, looped, path::text AS path FROM t`},
	{name: "cycle_of_ranges_union", query: `WITH RECURSIVE t(x, r) AS (SELECT l, numrange(l, NULL) FROM e WHERE l < 3 UNION SELECT e.r, numrange(e.r, NULL) FROM t JOIN e ON e.l = t.x) CYCLE x, r SET looped USING path SELECT x, looped, path::text AS path FROM t`},
	{name: "search_of_ranges", query: `WITH RECURSIVE t(x, r, i) AS (SELECT l, numrange(l, NULL), 0 FROM e UNION SELECT e.r, numrange(e.r, NULL), i + 1 FROM t JOIN e ON e.l = t.x WHERE i < 2) SEARCH DEPTH FIRST BY r, x SET o SELECT x, r::text AS r, o::text AS o FROM t ORDER BY o, x LIMIT 7`},
	{name: "search_of_ranges_breadth", query: `WITH RECURSIVE t(x, r, i) AS (SELECT l, numrange(l, NULL), 0 FROM e UNION ALL SELECT e.r, numrange(e.r, NULL), i + 1 FROM t JOIN e ON e.l = t.x WHERE i < 2) SEARCH BREADTH FIRST BY r, x SET o SELECT x, r::text AS r FROM t ORDER BY o, x LIMIT 7`},
	{name: "search_shown", query: `WITH RECURSIVE t(x, i) AS (SELECT l, 0 FROM e UNION SELECT e.r, i + 1 FROM t JOIN e ON e.l = t.x WHERE i < 2) SEARCH BREADTH FIRST BY x SET o CYCLE x, i SET looped USING path SELECT x, row_to_json(o) AS o, to_json(path) AS path FROM t`},
	{name: "representatives_shown", query: `WITH RECURSIVE t(x) AS (SELECT n FROM num UNION SELECT num.m FROM t JOIN num ON num.n = t.x) SELECT x FROM t`, loose: true},
	{name: "distinct_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT DISTINCT l, 0 FROM e UNION ALL SELECT DISTINCT e.r, i + 1 FROM t JOIN e ON e.l = t.x WHERE i < 4) SELECT * FROM t`},
	{name: "distinct_on_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT DISTINCT l, 0 FROM e UNION ALL SELECT * FROM (SELECT DISTINCT ON (t.x) e.r, i + 1 FROM t JOIN e ON e.l = t.x WHERE i < 4 ORDER BY t.x, e.r) s) SELECT * FROM t`},
	{name: "window_in_term", query: `WITH RECURSIVE t(x, k, i) AS (SELECT id, 1::bigint, 0 FROM p UNION ALL SELECT e.r, row_number() OVER (PARTITION BY t.x ORDER BY e.r, k), i + 1 FROM t JOIN (SELECT DISTINCT * FROM e) e ON e.l = t.x WHERE i < 3) SELECT x, k, i, count(*) AS n FROM t GROUP BY 1, 2, 3`},
	{name: "rank_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT DISTINCT l, 0 FROM e UNION SELECT s.r, s.i FROM (SELECT e.r, t.i + 1 AS i, rank() OVER (ORDER BY e.r DESC NULLS LAST) AS k FROM t JOIN e ON e.l = t.x WHERE t.i < 4) s WHERE s.k <= 2) SELECT * FROM t`},
	{name: "group_in_term", query: `WITH RECURSIVE t(x, n, i) AS (SELECT id, 1::bigint, 0 FROM p UNION ALL SELECT s.x, s.n, s.i + 1 FROM (SELECT e.r AS x, sum(u.n)::bigint AS n, max(u.i) AS i FROM (SELECT * FROM t) u JOIN e ON e.l = u.x GROUP BY e.r) s WHERE s.i < 3) SELECT * FROM t`},
	{name: "count_in_term", query: `WITH RECURSIVE t(n, i) AS (SELECT id::bigint, 0 FROM p UNION ALL SELECT s.n, s.i FROM (SELECT count(*) + coalesce(max(u.n), 0) AS n, coalesce(max(u.i), 0) + 1 AS i FROM (SELECT * FROM t) u) s WHERE s.i < 4) SELECT n, i FROM t`},
	{name: "count_nothing_in_term", query: `WITH RECURSIVE t(n, i) AS (SELECT id::bigint, 0 FROM p WHERE boss = 2 UNION SELECT s.n, s.i + 1 FROM (SELECT count(u.n) FILTER (WHERE u.n > 1) AS n, coalesce(max(u.i), 7) AS i, array_agg(u.n) AS a, bool_or(u.n > 2) AS b FROM (SELECT * FROM t) u) s WHERE s.i < 9) SELECT n, i FROM t`},
	{name: "sums_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT l, 0 FROM e UNION SELECT e.r + (s.n % 3)::int, s.i + 1 FROM e, (SELECT sum(u.x) AS n, max(u.i) AS i FROM (SELECT * FROM t) u HAVING count(*) > 1) s WHERE s.i < 3) SELECT x, i FROM t`},
	{name: "division_in_term", query: `WITH RECURSIVE t(n, i) AS (SELECT id, 0 FROM p UNION ALL SELECT s.n, s.i FROM (SELECT (12 / count(*))::int AS n, max(u.i) + 1 AS i FROM (SELECT * FROM t) u) s WHERE s.i < 4) SELECT n, i FROM t`},
	{name: "full_join_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT id, 0 FROM p UNION (WITH u AS (SELECT * FROM t) SELECT coalesce(e.r, -1), i + 1 FROM u FULL JOIN e ON e.l = u.x WHERE coalesce(i, 0) < 3)) SELECT x, i FROM t`},
	{name: "full_join_in_term_right", query: `WITH RECURSIVE t(x, i) AS (SELECT id, 0 FROM p UNION (WITH u AS (SELECT * FROM t) SELECT coalesce(g.id, v.x, 0), coalesce(v.i, u.i, 3) + 1 FROM g FULL JOIN u ON g.id = u.x FULL JOIN u v ON v.x = g.lo AND v.i < 2 WHERE coalesce(v.i, u.i, 3) < 3)) SELECT x, i FROM t`},
	{name: "anti_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT l, 0 FROM e WHERE l > 3 UNION ALL (WITH u AS (SELECT * FROM t) SELECT g.id, 1 FROM g WHERE NOT EXISTS (SELECT FROM u) UNION ALL SELECT e.r, i + 1 FROM e JOIN u ON e.l = u.x WHERE i < 3)) SELECT x, i FROM t`},
	{name: "top_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT id, 0 FROM p UNION ALL SELECT s.* FROM (SELECT e.r, u.i + 1 FROM (SELECT * FROM t) u JOIN e ON e.l = u.x WHERE u.i < 4 ORDER BY e.r, u.i LIMIT 3) s) SELECT * FROM t`},
	// Conditions from outside on what the recursive term passes on, and on what it does not.
	{name: "from_root", query: `WITH RECURSIVE t(root, x) AS (SELECT l, r FROM e UNION SELECT t.root, e.r FROM t JOIN e ON e.l = t.x) SELECT x FROM t WHERE root = 2`},
	{name: "from_root_all", query: `WITH RECURSIVE t(root, x, n) AS (SELECT l, r, 0 FROM e UNION ALL SELECT t.root, e.r, n + 1 FROM e JOIN t ON e.l = t.x WHERE n < 3) SELECT x, n, count(*) AS c FROM t WHERE root IN (1, 4) AND n <> 1 AND x IS NOT NULL GROUP BY x, n`},
	{name: "from_root_exchanged", query: `WITH RECURSIVE t(a, b) AS (SELECT l, r FROM e UNION SELECT t.b, t.a FROM t JOIN e ON e.l = t.a) SELECT a, b FROM t WHERE a = 2`},
	{name: "from_root_or", query: `WITH RECURSIVE t(root, name, x) AS (SELECT id, name, id FROM p UNION SELECT t.root, t.name, e.r FROM e, t WHERE e.l = t.x) SELECT * FROM t WHERE (root < 3 OR name IS NULL) AND x > 1`},
	{name: "from_root_null", query: `WITH RECURSIVE t(root, x) AS (SELECT l, r FROM e UNION SELECT t.root, e.r FROM t JOIN e ON e.l = t.x) SELECT x FROM t WHERE root IS NULL OR root IS DISTINCT FROM x AND root > 3`},
	{name: "from_root_twice", query: `WITH RECURSIVE t(root, x) AS (SELECT l, r FROM e UNION SELECT t.root, e.r FROM t JOIN e ON e.l = t.x) SELECT a.x FROM t a JOIN t b USING (x) WHERE a.root = 2 AND b.root = 3`},
	{name: "from_root_distinct_in_term", query: `WITH RECURSIVE t(root, x, i) AS (SELECT l, r, 0 FROM e UNION ALL SELECT s.* FROM (SELECT DISTINCT ON (u.x) u.root, e.r, u.i + 1 FROM (SELECT * FROM t) u JOIN e ON e.l = u.x WHERE u.i < 3 ORDER BY u.x, u.root, e.r) s) SELECT x, i FROM t WHERE root = 2`},
	{name: "from_root_window_in_term", query: `WITH RECURSIVE t(root, x, k, i) AS (SELECT l, r, 0::bigint, 0 FROM e UNION SELECT t.root, e.r, rank() OVER (ORDER BY t.root, e.r), i + 1 FROM t JOIN e ON e.l = t.x WHERE i < 3) SELECT x, k, i FROM t WHERE root = 2`},
	{name: "from_root_table_twice", query: `WITH RECURSIVE t(root, x, i) AS (SELECT l, r, 0 FROM e UNION (WITH u AS (SELECT * FROM t) SELECT u.root, v.x, u.i + 1 FROM u JOIN u v ON u.x = v.root AND v.i = u.i WHERE u.i < 3)) SELECT x, i FROM t WHERE root = 2`},
	{name: "from_root_exists_in_term", query: `WITH RECURSIVE t(root, x) AS (SELECT l, r FROM e UNION SELECT t.root, e.r FROM t JOIN e ON e.l = t.x WHERE NOT EXISTS (SELECT FROM g WHERE g.id = t.x)) SELECT x FROM t WHERE root = 2`},
	{name: "from_root_of_numbers", query: `WITH RECURSIVE t(root, x) AS (SELECT n, m FROM num UNION SELECT t.root, num.m FROM t JOIN num ON num.n = t.x) SELECT count(*) AS n FROM t WHERE root = 1 AND x IS NOT NULL`},
	{name: "from_root_having", query: `WITH RECURSIVE t(root, x) AS (SELECT id, id FROM p WHERE boss IS NULL UNION SELECT t.root, p.id FROM p JOIN t ON p.boss = t.x) SELECT root, count(*) AS n FROM t GROUP BY root HAVING root > 1`},
	{name: "from_root_cycle", query: `WITH RECURSIVE t(root, x) AS (SELECT l, r FROM e WHERE l < 4 UNION ALL SELECT t.root, e.r FROM t JOIN (SELECT DISTINCT * FROM e) e ON e.l = t.x) CYCLE x SET again USING path SELECT x, again FROM t WHERE root = 2`},
	{name: "twice", query: `WITH RECURSIVE t AS (SELECT l, r FROM e UNION SELECT e.l, t.r FROM e JOIN t ON e.r = t.l) SELECT a.l, b.r, count(*) AS n FROM t a JOIN t b ON a.r = b.l GROUP BY 1, 2`},
	{name: "mutual_reach", query: `WITH RECURSIVE t AS (SELECT l, r FROM e UNION SELECT t.l, e.r FROM t JOIN e ON e.l = t.r) SELECT a.l, a.r FROM t a JOIN t b ON a.l = b.r AND a.r = b.l WHERE a.l < a.r`},
	{name: "not_reached", query: `WITH RECURSIVE t(x) AS (SELECT id FROM p WHERE boss IS NULL UNION SELECT p.id FROM p JOIN t ON p.boss = t.x) SELECT p.id, p.name FROM p WHERE NOT EXISTS (SELECT FROM t WHERE t.x = p.id)`},
	{name: "in_exists", query: `WITH RECURSIVE t(x) AS (SELECT l FROM e UNION SELECT e.r FROM t JOIN e ON e.l = t.x WHERE EXISTS (SELECT FROM p WHERE p.id = t.x) AND e.r NOT IN (SELECT g.id FROM g WHERE g.lo > t.x)) SELECT x FROM t`},
	{name: "scalar_in_term", query: `WITH RECURSIVE t(x, c) AS (SELECT id, 0::bigint FROM p UNION SELECT e.r, (SELECT count(*) FROM b WHERE b.part = t.x) FROM t JOIN e ON e.l = t.x) SELECT * FROM t`},
	{name: "lateral_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT id, 0 FROM p UNION SELECT s.r, i + 1 FROM t CROSS JOIN LATERAL (SELECT e.r FROM e WHERE e.l = t.x ORDER BY e.r LIMIT 1) s WHERE i < 6) SELECT x, i FROM t`},
	{name: "left_join_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT id, 0 FROM p UNION SELECT coalesce(e.r, -t.x), i + 1 FROM t LEFT JOIN e ON e.l = t.x AND e.r > 1 WHERE i < 4) SELECT * FROM t`},
	{name: "spread_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT id, 0 FROM p UNION SELECT u.x, i + 1 FROM t JOIN e ON e.l = t.x CROSS JOIN LATERAL unnest(ARRAY[e.r, t.x]) AS u(x) WHERE i < 5) SELECT * FROM t`},
	{name: "union_in_term", query: `WITH RECURSIVE t(x) AS (SELECT id FROM p WHERE boss IS NULL UNION (SELECT e.r FROM e JOIN t ON e.l = t.x UNION ALL SELECT g.id FROM g WHERE g.hi > 4)) SELECT x FROM t`},
	{name: "intersect_in_term", query: `WITH RECURSIVE t(x) AS (SELECT l FROM e UNION (SELECT e.r FROM e JOIN t ON e.l = t.x INTERSECT SELECT id FROM p)) SELECT x FROM t`},
	{name: "except_in_term", query: `WITH RECURSIVE t(x, i) AS (SELECT l, 0 FROM e UNION (SELECT e.r, i + 1 FROM e JOIN t ON e.l = t.x WHERE i < 5 EXCEPT SELECT id, lo FROM g)) SELECT * FROM t`},
	{name: "term_with_cte", query: `WITH RECURSIVE t(x, y) AS (SELECT l, r FROM e UNION (WITH u AS (SELECT x, y FROM t) SELECT a.x, b.y FROM u a JOIN u b ON a.y = b.x)) SELECT * FROM t`},
	{name: "several", query: `WITH RECURSIVE roots AS (SELECT id FROM p WHERE boss IS NULL), t(x) AS (SELECT id FROM roots UNION SELECT p.id FROM p JOIN t ON p.boss = t.x),
		u(x, y) AS (SELECT x, x FROM t UNION SELECT u.x, e.r FROM u JOIN e ON e.l = u.y) SELECT u.x, count(*) AS n FROM u JOIN t USING (x) GROUP BY u.x`},
	{name: "nested", query: `WITH RECURSIVE o(x) AS (SELECT id FROM p WHERE boss IS NULL UNION SELECT c.r FROM o JOIN (WITH RECURSIVE i(l, r) AS (SELECT l, r FROM e UNION SELECT i.l, b.sub FROM i JOIN b ON b.part = i.r) SELECT * FROM i) c ON c.l = o.x) SELECT x FROM o`},
	{name: "nested_dependent", query: `WITH RECURSIVE o(x) AS (SELECT id FROM p WHERE boss IS NULL UNION SELECT c.x FROM (WITH RECURSIVE i(x, n) AS (SELECT e.r, 1 FROM e JOIN o ON e.l = o.x UNION SELECT b.sub, n + 1 FROM i JOIN b ON b.part = i.x WHERE n < 3) SELECT * FROM i) c) SELECT x FROM o`},
	{name: "in_subquery", query: `SELECT p.id, (WITH RECURSIVE t(x) AS (SELECT l FROM e UNION SELECT e.r FROM t JOIN e ON e.l = t.x) SELECT count(*) FROM t WHERE t.x < p.id) AS n FROM p`},
	{name: "lateral", query: `SELECT p.id, s.n, s.m FROM p, LATERAL (WITH RECURSIVE t(x) AS (SELECT p.boss UNION SELECT e.r FROM t JOIN e ON e.l = t.x) SELECT count(*) AS n, max(x) AS m FROM t) s`},
	{name: "lateral_chain", query: `SELECT g.id, c.k FROM g CROSS JOIN LATERAL (WITH RECURSIVE s(k) AS (SELECT g.lo UNION ALL SELECT k + 1 FROM s WHERE k < g.hi) SELECT k FROM s) c`},
	{name: "lateral_twice", query: `SELECT p.id, s.x, s.y FROM p, LATERAL (WITH RECURSIVE t(x) AS (SELECT p.id UNION SELECT e.r FROM t JOIN e ON e.l = t.x AND e.r <> p.boss), u AS (SELECT x, p.name FROM t) SELECT a.x, b.x AS y FROM t a JOIN u b ON b.x > a.x) s`},
	{name: "correlated", query: `SELECT p.id, (WITH RECURSIVE t(x, i) AS (SELECT e.r, 1 FROM e WHERE e.l = p.id UNION SELECT e.r, i + 1 FROM t JOIN e ON e.l = t.x WHERE i < p.boss) SELECT max(x) FROM t) AS m,
		EXISTS (WITH RECURSIVE t(x) AS (SELECT p.id UNION SELECT b.sub FROM t JOIN b ON b.part = t.x WHERE b.sub IS NOT NULL) SELECT FROM t WHERE x = p.boss) AS found FROM p`},
	{name: "correlated_numeric", query: `SELECT a.n::text AS n, (WITH RECURSIVE t(x) AS (SELECT a.n UNION SELECT num.m FROM t JOIN num ON num.n = t.x) SELECT count(*) FROM t WHERE x IS NOT NULL) AS c FROM num a`},
	{name: "correlated_in_term", query: `WITH RECURSIVE o(x) AS (SELECT id FROM p WHERE boss IS NULL UNION SELECT s.y FROM o, LATERAL (WITH RECURSIVE t(y) AS (SELECT o.x UNION SELECT e.r FROM t JOIN e ON e.l = t.y) SELECT b.sub AS y FROM t JOIN b ON b.part = t.y) s) SELECT x FROM o`},
	{name: "correlated_below", query: `SELECT p.id, s.n, s.m FROM p, LATERAL (WITH RECURSIVE t(x) AS (SELECT p.boss UNION SELECT e.r FROM t JOIN e ON e.l = t.x) SELECT count(*) AS n, (SELECT max(x) FROM t WHERE t.x < p.id) AS m FROM (SELECT x FROM t) u WHERE x IN (SELECT g.lo FROM g, t v WHERE v.x = g.id) OR u.x > 1) s`},
	{name: "correlated_below_two", query: `SELECT p.id, (SELECT count(*) FROM (WITH mine AS (SELECT e.r, p.name FROM e WHERE e.l = p.id AND g.hi > e.r) SELECT a.r FROM mine a WHERE EXISTS (SELECT FROM mine b WHERE b.r > a.r) AND (SELECT count(*) FROM (SELECT r FROM mine) c) > 1) s) AS n FROM p JOIN g ON g.lo <= p.id`},
	{name: "correlated_chain_of_two", query: `SELECT p.id, s.x, s.k FROM p, LATERAL (WITH a AS (SELECT e.r AS x FROM e WHERE e.l = p.id), b AS (SELECT a.x, (SELECT count(*) FROM a o WHERE o.x <= a.x) AS k FROM a) SELECT b.x, b.k FROM b WHERE NOT EXISTS (SELECT FROM (SELECT max(k) AS m FROM b) z WHERE z.m < b.x)) s`},
	{name: "correlated_term_below", query: `SELECT p.id, s.x, s.i FROM p, LATERAL (WITH RECURSIVE t(x, i) AS (SELECT p.boss, 0 UNION SELECT e.r, u.i + 1 FROM (SELECT x, i FROM t WHERE i < p.id) u JOIN e ON e.l = u.x) SELECT x, i FROM t) s`},
	{name: "correlated_count_in_term", query: `SELECT p.id, s.n, s.i FROM p, LATERAL (WITH RECURSIVE t(n, i) AS (SELECT e.r::bigint, 0 FROM e WHERE e.l = p.id UNION ALL SELECT v.n, v.i FROM (SELECT count(*) + max(u.n) AS n, coalesce(max(u.i), 0) + 1 AS i FROM (SELECT * FROM t) u) v WHERE v.i < 2 + p.boss % 3) SELECT n, i FROM t) s`},
	{name: "correlated_division_in_term", query: `SELECT p.id, s.n, s.i FROM p, LATERAL (WITH RECURSIVE t(n, i) AS (SELECT p.boss, 0 UNION ALL SELECT v.n, v.i FROM (SELECT (12 / count(*))::int AS n, max(u.i) + 1 AS i FROM (SELECT * FROM t) u) v WHERE v.i < p.boss) SELECT n, i FROM t) s`},
	{name: "correlated_anti_in_term", query: `SELECT p.id, s.x, s.i FROM p, LATERAL (WITH RECURSIVE t(x, i) AS (SELECT l, 0 FROM e WHERE l = p.boss UNION ALL (WITH u AS (SELECT * FROM t) SELECT g.id, 1 FROM g WHERE NOT EXISTS (SELECT FROM u) AND g.lo < p.id UNION ALL SELECT e.r, i + 1 FROM e JOIN u ON e.l = u.x WHERE i < p.id % 4)) SELECT x, i FROM t) s`},
	{name: "correlated_full_join_in_term", query: `SELECT p.id, s.x, s.i FROM p, LATERAL (WITH RECURSIVE t(x, i) AS (SELECT p.boss, 0 UNION (WITH u AS (SELECT * FROM t WHERE x <> p.id) SELECT coalesce(e.r, -1), coalesce(i, 2) + 1 FROM u FULL JOIN (SELECT * FROM e WHERE l < 3) e ON e.l = u.x WHERE coalesce(i, 2) < 3)) SELECT x, i FROM t) s`},
	{name: "correlated_scalar_in_term", query: `SELECT p.id, s.x, s.c FROM p, LATERAL (WITH RECURSIVE t(x, c) AS (SELECT p.boss, 0::bigint UNION (WITH u AS (SELECT * FROM t) SELECT e.r, (SELECT count(*) FROM u o WHERE o.x <= u.x) FROM u JOIN e ON e.l = u.x)) SELECT x, c FROM t) s`},
	{name: "correlated_nested_recursions", query: `SELECT p.id, (WITH RECURSIVE o(x) AS (SELECT p.boss UNION SELECT c.y FROM o, LATERAL (WITH RECURSIVE i(y, n) AS (SELECT o.x, 0 UNION SELECT e.r, n + 1 FROM (SELECT * FROM i WHERE n < p.id) i JOIN e ON e.l = i.y) SELECT y FROM i WHERE y > ALL (SELECT g.lo FROM g WHERE g.id = o.x)) c) SELECT count(*) FROM o WHERE x IN (SELECT x FROM o o2 WHERE o2.x <> p.id)) AS n FROM p`},
	{name: "correlated_numeric_below", query: `SELECT a.n::text AS n, s.c, s.d FROM num a, LATERAL (WITH RECURSIVE t(x) AS (SELECT a.n UNION SELECT num.m FROM t JOIN num ON num.n = t.x) SELECT (SELECT count(*) FROM t) AS c, (SELECT count(*) FROM t u WHERE u.x = a.m) AS d) s`},
	{name: "correlated_plain", query: `SELECT p.id, s.n FROM p, LATERAL (WITH mine AS (SELECT e.r FROM e WHERE e.l = p.id) SELECT count(*) AS n FROM mine a JOIN mine b ON a.r <= b.r) s`},
	{name: "correlated_union", query: `SELECT p.id, s.r FROM p, LATERAL (WITH mine AS (SELECT e.r FROM e WHERE e.l = p.id) SELECT r FROM mine UNION SELECT r + 1 FROM mine) s`},
	{name: "cycle", query: `WITH RECURSIVE t(l, r) AS (SELECT l, r FROM e UNION ALL SELECT t.l, e.r FROM t JOIN e ON e.l = t.r) CYCLE r SET looped USING path SELECT l, r, looped, count(*) AS n FROM t GROUP BY l, r, looped`},
	{name: "cycle_union", query: `WITH RECURSIVE t(l, r) AS (SELECT l, r FROM e WHERE l < 3 UNION SELECT e.l, e.r FROM t JOIN e ON e.l = t.r) CYCLE l, r SET state TO 'again' DEFAULT 'new' USING path SELECT l, r, state FROM t`},
	{name: "cycle_numeric", query: `WITH RECURSIVE t(x) AS (SELECT n FROM num UNION ALL SELECT num.m FROM t, num WHERE num.n = t.x) CYCLE x SET c TO 1 DEFAULT 0 USING way SELECT x + 0.00 AS x, c, count(*) AS n FROM t GROUP BY 1, 2`, loose: true},
	{name: "depth_first", query: `WITH RECURSIVE t(id, boss) AS (SELECT id, boss FROM p WHERE boss IS NULL UNION ALL SELECT p.id, p.boss FROM p JOIN t ON p.boss = t.id) SEARCH DEPTH FIRST BY id SET o SELECT id, boss FROM t ORDER BY o LIMIT 4`},
	{name: "breadth_first", query: `WITH RECURSIVE t(id, boss) AS (SELECT id, boss FROM p WHERE boss IS NULL UNION SELECT p.id, p.boss FROM p JOIN t ON p.boss = t.id) SEARCH BREADTH FIRST BY id SET o SELECT id, row_number() OVER (ORDER BY o) AS n FROM t`},
	{name: "search_and_cycle", query: `WITH RECURSIVE t(l, r) AS (SELECT DISTINCT l, r FROM e WHERE l IS NOT NULL UNION ALL SELECT e.l, e.r FROM t JOIN (SELECT DISTINCT l, r FROM e) e ON e.l = t.r) SEARCH BREADTH FIRST BY l, r SET o CYCLE l SET looped USING path SELECT DISTINCT ON (l) l, r, looped FROM t ORDER BY l, o, r, looped`},
	{name: "cycle_path_shown", query: `WITH RECURSIVE t(l, r) AS (SELECT DISTINCT l, r FROM e WHERE l IS NOT NULL UNION SELECT e.l, e.r FROM t JOIN e ON e.l = t.r) SEARCH DEPTH FIRST BY r, l SET o CYCLE r, l SET looped USING path SELECT path::text AS path, o::text AS o, array_length(path, 1) AS n, o < path AS same FROM t`},
	{name: "cycle_correlated", query: `SELECT p.id, (WITH RECURSIVE t(x) AS (SELECT p.boss UNION ALL SELECT e.r FROM t JOIN e ON e.l = t.x) CYCLE x SET looped USING path SELECT count(*) FROM t WHERE looped) AS loops FROM p`},
	// Rows around rows, one more in each iteration.
	{name: "rows_around_rows", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE n < 6) SELECT n, r::text AS a, row_to_json(r) AS b, r IS NULL AS c, r IS NOT NULL AS d, num_nulls(r) AS e FROM t`},
	{name: "rows_around_rows_alone", query: `WITH RECURSIVE r AS (SELECT ROW(1) AS v, 0 AS n UNION ALL SELECT ROW(v), n + 1 FROM r WHERE n < 12) SELECT g.id, n, to_jsonb(v) AS v FROM r JOIN g ON g.hi = n`},
	{name: "rows_around_rows_of_a_tree", query: `WITH RECURSIVE t(id, r, i) AS (SELECT id, ROW(name), 0 FROM p WHERE boss IS NULL UNION ALL SELECT p.id, ROW(p.name, t.r, t.id), i + 1 FROM p JOIN t ON p.boss = t.id WHERE i < 6) SELECT id, to_json(r) AS r, r::text AS x FROM t`},
	{name: "rows_around_rows_some", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, CASE WHEN hi > 2 THEN ROW(hi) END FROM g UNION ALL SELECT n + 1, CASE n % 4 WHEN 0 THEN ROW(r, n::text) WHEN 1 THEN r WHEN 2 THEN ROW(n, r, r) END FROM t WHERE n < 9) SELECT n, to_json(r) AS a, r::text AS b, r IS NULL AS c FROM t`},
	{name: "rows_around_rows_columns", query: `WITH RECURSIVE t(n, r, s, u) AS (SELECT lo, ROW(id), ROW(hi, 1.50), ROW(lo) FROM g UNION ALL SELECT n + 1, ROW(s, n), ROW(r, 'x'::text), ROW(hi, lo) FROM t JOIN g ON g.id = n WHERE n < 5) SELECT n, to_json(r) AS a, s::text AS b, to_json(u) AS c, to_json(ROW(r, s)) AS d FROM t`},
	{name: "rows_around_rows_inside", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, ROW(hi)) FROM g UNION ALL SELECT n + 1, ROW(ROW(r, n), ROW(lo, ARRAY[n, NULL]), ROW('a', NULL, ROW(r))) FROM t JOIN g ON g.id = n % 3 WHERE n < 4) SELECT n, to_json(r) AS a, r::text AS b FROM t`},
	{name: "rows_around_rows_named", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, x FROM (SELECT id, lo, hi AS "Hi""" FROM g) x UNION ALL SELECT n + 1, x FROM (SELECT n, t.r AS "the Row", p.name AS r, p FROM t JOIN p ON p.id = t.n WHERE t.n < 5) x) SELECT n, to_json(r) AS a FROM t`},
	{name: "rows_around_rows_compared", query: `WITH RECURSIVE t(id, n, r) AS (SELECT id, lo, ROW(hi) FROM g UNION ALL SELECT id, n + 1, ROW(r) FROM t WHERE n < 4) SELECT a.id, b.id AS other, a.n, a.r = b.r AS e, a.r < b.r AS l, a.r IS DISTINCT FROM b.r AS d, least(a.r, b.r)::text AS m FROM t a JOIN t b ON a.n = b.n JOIN g x ON x.id = a.id JOIN g y ON y.id = b.id AND y.lo = x.lo`},
	{name: "rows_around_rows_collated", query: `WITH RECURSIVE t(id, n, r) AS (SELECT id, 0, ROW(name COLLATE "en-x-icu") FROM p UNION ALL SELECT id, n + 1, ROW(r, upper(r::text) COLLATE "C") FROM t WHERE n < 2) SELECT a.id, b.id AS other, a.n, a.r < b.r AS l FROM t a JOIN t b ON a.n = b.n`},
	{name: "rows_around_rows_dissimilar", query: `WITH RECURSIVE t(id, n, r) AS (SELECT id, lo, ROW(hi) FROM g UNION ALL SELECT id, n + 1, ROW(r) FROM t WHERE n < 4) SELECT a.id, b.id AS other FROM t a JOIN t b ON a.r = b.r`},
	{name: "rows_around_rows_in_term", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE length(r::text) < 14 AND n < 5) SELECT n, r::text AS r, (r).f1 AS f FROM t`},
	{name: "rows_around_rows_field_wrong", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE n < 4) SELECT n, (r).f2 AS f FROM t`},
	{name: "rows_around_rows_aggregates", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE n < 5) SELECT n, json_agg(r ORDER BY r::text) AS a, count(r) AS c, array_agg(r ORDER BY r::text)::text AS b, to_json((array_agg(r ORDER BY r::text))[1]) AS d, string_agg(r::text, ';' ORDER BY r::text) AS s FROM t GROUP BY n`},
	{name: "rows_around_rows_arrays", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE n < 4) SELECT n, to_json(ARRAY[r, ROW(n), NULL]) AS a, cardinality(ARRAY[r, r]) AS b, (ARRAY[ROW(1), r])[2]::text AS c, ARRAY(SELECT u.r FROM t u WHERE u.n = t.n ORDER BY u.r::text)::text AS d, coalesce(r, ROW(1))::text AS f FROM t`},
	{name: "rows_around_rows_window", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE n < 4) SELECT n, r::text AS r, lag(r) OVER (ORDER BY n, r::text)::text AS a, to_json(first_value(r) OVER (PARTITION BY n ORDER BY r::text)) AS b FROM t`},
	{name: "rows_around_rows_sub_query", query: `SELECT p.id, (WITH RECURSIVE t(n, r) AS (SELECT p.boss, ROW(p.name) UNION ALL SELECT n + 1, ROW(t.r, e.r) FROM t JOIN e ON e.l = t.n WHERE n < p.id) SELECT string_agg(t.r::text, ' ' ORDER BY n, t.r::text) FROM t) AS s FROM p`},
	{name: "rows_around_rows_nested", query: `WITH RECURSIVE o(n, r) AS (SELECT lo, ROW(id) FROM g UNION ALL SELECT n + 1, s FROM (SELECT n, (WITH RECURSIVE i(k, s) AS (SELECT 0, ROW(o.r, n) UNION ALL SELECT k + 1, ROW(s, k) FROM i WHERE k < 2) SELECT to_json(s)::text FROM i WHERE k = 2) AS j, ROW(r) AS s FROM o) o WHERE n < 4 AND j <> '') SELECT n, r::text AS r FROM o`},
	{name: "rows_around_rows_two_queries", query: `WITH RECURSIVE a(n, r) AS (SELECT lo, ROW(id) FROM g UNION ALL SELECT n + 1, ROW(r) FROM a WHERE n < 3), b(n, r) AS (SELECT n, ROW(r, 'b'::text) FROM a UNION ALL SELECT n + 1, ROW(n, r) FROM b WHERE n < 5) SELECT n, r::text AS r FROM b UNION ALL SELECT n, to_json(r)::text FROM a`},
	{name: "rows_around_rows_joined", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(id, hi) FROM g UNION ALL SELECT n + 1, ROW(n, r) FROM t WHERE n < 4) SELECT e.l, x.r IS NULL AS m, to_json(x.r) AS r, to_json(x) AS w FROM e LEFT JOIN t x ON x.n = e.l`},
	{name: "rows_around_rows_of_many_types", query: `WITH RECURSIVE t(n, r) AS (SELECT 0, ROW(n, m) FROM num UNION ALL SELECT n + 1, ROW(r, 1.50::numeric(5,1), ARRAY['a,', NULL], NULL, point(1, n), numrange(n, NULL), '{"a": 1}'::jsonb, date '2024-01-01' + n) FROM t WHERE n < 3) SELECT n, r::text AS a, to_json(r) AS b FROM t`},
	{name: "rows_around_rows_of_calls", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, CASE WHEN hi > 1 THEN any_row(hi) END FROM g UNION ALL SELECT n + 1, CASE WHEN n % 2 = 0 THEN ROW(r, any_row(n)) ELSE any_row(n - 2) END FROM t WHERE n < 5) SELECT n, to_json(r) AS a, r::text AS b, r IS NULL AS c FROM t`},
	{name: "rows_around_rows_twice", query: `WITH RECURSIVE t(n, r) AS (SELECT lo, ROW(hi) FROM g UNION ALL SELECT n + 1, ROW(r, r) FROM t WHERE n < 5) SELECT n, md5(r::text) AS a FROM t`},
	{name: "of_a_view", query: `WITH RECURSIVE t AS (SELECT l, r FROM links UNION SELECT t.l, k.r FROM t JOIN links k ON k.l = t.r) SELECT * FROM t`},
	{name: "text_paths", query: `WITH RECURSIVE t(id, path) AS (SELECT id, name FROM p WHERE boss IS NULL UNION ALL SELECT p.id, t.path || '/' || coalesce(p.name, '?') FROM t JOIN p ON p.boss = t.id WHERE length(t.path) < 20) SELECT * FROM t`},
	{name: "failing", query: `WITH RECURSIVE t(x, q) AS (SELECT id, 1 FROM p UNION SELECT e.r, 12 / (e.r - 2) FROM t JOIN e ON e.l = t.x) SELECT * FROM t`},
	{name: "remote", query: `WITH RECURSIVE t(x) AS (SELECT id FROM p UNION SELECT app_twice(e.r) / 2 FROM t JOIN e ON e.l = t.x) SELECT x FROM t`},
	{name: "adopted", from: "chain"},
	{name: "types", query: `WITH RECURSIVE cls(id) AS (SELECT part FROM b), dep(id, on_id) AS (SELECT part, sub FROM b UNION SELECT d.id, b.sub FROM dep d JOIN b ON b.part = d.on_id)
		SELECT p.id, x.deps FROM p LEFT JOIN (SELECT id, array_agg(on_id ORDER BY on_id) AS deps FROM dep WHERE on_id <> id GROUP BY id) x USING (id)`},
}

func init() {
	clockCases = append(clockCases,
		viewCase{name: "recursive", query: `WITH RECURSIVE t(x) AS (SELECT id FROM people UNION SELECT e.id FROM t JOIN events e ON e.person = t.x AND e.ts > now() - interval '7 days') SELECT x FROM t`},
		viewCase{name: "recursive_ages", query: `WITH RECURSIVE t(x, d) AS (SELECT id, current_date FROM people UNION SELECT e.id, least(t.d, e.d) FROM t JOIN events e ON e.person = t.x WHERE e.d < current_date) SELECT x, d FROM t`},
	)
}

const recursiveSchema = `
CREATE TABLE e (l int, r int);
CREATE TABLE p (id int PRIMARY KEY, boss int, name text);
CREATE TABLE b (part int, sub int, qty int);
CREATE TABLE g (id int PRIMARY KEY, lo int, hi int);
CREATE TABLE num (n numeric, m numeric);
CREATE VIEW links AS SELECT l, r FROM e UNION SELECT boss, id FROM p WHERE boss IS NOT NULL;
CREATE RECURSIVE VIEW chain (id, top) AS SELECT id, id FROM p WHERE boss IS NULL UNION SELECT p.id, chain.top FROM p JOIN chain ON p.boss = chain.id;
CREATE FUNCTION any_row(n int) RETURNS record LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN CASE WHEN n > 1 THEN ROW(n, 'x'::text) WHEN n = 1 THEN ROW(true) END; END$$;
CREATE FUNCTION app_twice(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN x * 2; END$$;
`

// recursiveWrite is a random write to the tables of recursiveSchema.
func recursiveWrite(rnd *rand.Rand) string {
	node := func() string {
		if rnd.IntN(12) == 0 {
			return "NULL"
		}
		return fmt.Sprint(rnd.IntN(6))
	}
	number := func() string { return []string{"1", "1.0", "1.00", "2", "2.50", "2.5", "NULL"}[rnd.IntN(7)] }
	some := func(table string) string {
		return fmt.Sprintf("ctid IN (SELECT ctid FROM %s ORDER BY hashint4(%d + (ctid::text::point)[1]::int) LIMIT %d)", table, rnd.Int32N(1<<20), 1+rnd.IntN(2))
	}
	table := []string{"e", "e", "p", "b", "g", "num"}[rnd.IntN(6)]
	if rnd.IntN(200) == 0 {
		return "TRUNCATE " + table
	}
	if rnd.IntN(4) == 0 {
		return "DELETE FROM " + table + " WHERE " + some(table)
	}
	update := rnd.IntN(3) == 0
	switch table {
	case "e":
		if update {
			return "UPDATE e SET r = " + node() + " WHERE " + some(table)
		}
		return fmt.Sprintf("INSERT INTO e SELECT %s, %s WHERE (SELECT count(*) FROM e) < 10", node(), node())
	case "p":
		if update {
			return "UPDATE p SET boss = " + node() + " WHERE " + some(table)
		}
		return fmt.Sprintf("INSERT INTO p VALUES (%d, %s, 'n%d') ON CONFLICT DO NOTHING", rnd.IntN(6), node(), rnd.IntN(3))
	case "b":
		if update {
			return fmt.Sprintf("UPDATE b SET qty = %d WHERE %s", rnd.IntN(4), some(table))
		}
		return fmt.Sprintf("INSERT INTO b SELECT %s, %s, %d WHERE (SELECT count(*) FROM b) < 7", node(), node(), rnd.IntN(4))
	case "g":
		if update {
			return fmt.Sprintf("UPDATE g SET hi = %d WHERE %s", rnd.IntN(9), some(table))
		}
		return fmt.Sprintf("INSERT INTO g VALUES (%d, %d, %s) ON CONFLICT DO NOTHING", rnd.IntN(6), rnd.IntN(4), node())
	}
	if update {
		return "UPDATE num SET m = " + number() + " WHERE " + some(table)
	}
	return fmt.Sprintf("INSERT INTO num SELECT %s, %s WHERE (SELECT count(*) FROM num) < 8", number(), number())
}

func TestRecursiveViewsEqualPostgres(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), recursiveSchema)
	views, loose := caseViews(recursiveCases)
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(5, 6)))
	r.loose = loose
	r.check()
	for range 60 {
		for range 1 + r.rnd.IntN(8) {
			mustExec(t, r.conn, recursiveWrite(r.rnd))
		}
		r.feed(3)
		r.check()
	}
	failing := []string{"failing", "rows_around_rows_dissimilar", "rows_around_rows_field_wrong", "tracked_dissimilar", "tracked_longer"}
	for _, v := range views {
		if fails := slices.Contains(failing, v.Name); r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 && !fails || r.failed[v.Name] == 0 && fails {
			t.Errorf("view %s: compared %d times, %d rows, failed %d times", v.Name, r.agreed[v.Name], r.filled[v.Name], r.failed[v.Name])
		}
	}
	for _, name := range failing[1:] {
		if missed := r.missed[name]; len(missed) > 0 {
			t.Errorf("view %s has no error where Postgres says %s", name, missed[0])
		}
	}
}

// TestRecursionWithoutEnd: rows beyond the last iteration are errors in the
// data, until the data no longer make them.
func TestRecursionWithoutEnd(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), recursiveSchema)
	r := newRig(t, dsn, []plan.View{{Name: "endless", Query: `WITH RECURSIVE t(x, n) AS (SELECT id, 0 FROM p UNION ALL SELECT e.r, n + 1 FROM t JOIN e ON e.l = t.x) SELECT x, n FROM t`}}, rand.New(rand.NewPCG(1, 1)))
	mustExec(t, r.conn, `INSERT INTO p VALUES (1); INSERT INTO e VALUES (1, 2)`)
	r.feed(1)
	r.check()
	mustExec(t, r.conn, `INSERT INTO e VALUES (2, 1)`)
	r.feed(1)
	errs := r.outputs[plan.ErrorsOf("endless")]
	if len(errs) != 1 {
		t.Fatalf("%d errors", len(errs))
	}
	for key, w := range errs {
		if s := showKey(key); w != 1 || !strings.HasPrefix(s, "54000 | recursion did not end after 10000 iterations, the configuration's recursion_limit | x=1, n=10000") {
			t.Fatalf("%d × %s", w, s)
		}
	}
	mustExec(t, r.conn, `DELETE FROM e WHERE l = 2`)
	r.feed(1)
	r.check() // and there are no errors any more
	if len(r.outputs["endless"]) != 2 {
		t.Fatalf("%d rows", len(r.outputs["endless"]))
	}
	// Copies that double with each iteration are not counted until they overflow.
	mustExec(t, r.conn, `INSERT INTO e VALUES (2, 2), (2, 2)`)
	r.feed(1)
	if errs := r.outputs[plan.ErrorsOf("endless")]; len(errs) != 1 {
		t.Fatalf("%d errors", len(errs))
	}
	mustExec(t, r.conn, `DELETE FROM e WHERE l = 2`)
	r.feed(1)
	r.check()
}

// TestRecursionLimit: a view has as many iterations as it is told, and is another
// view with another number of them.
func TestRecursionLimit(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), recursiveSchema)
	query := `WITH RECURSIVE t(n) AS (SELECT id FROM p UNION SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t`
	views := []plan.View{{Name: "few", Query: query, RecursionLimit: 8}, {Name: "enough", Query: query, RecursionLimit: 9}}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 1)))
	if a, b := r.prog.Views[0].Plan, r.prog.Views[1].Plan; algebra.Fingerprint(a) == algebra.Fingerprint(b) {
		t.Error("the limit makes no difference")
	}
	mustExec(t, r.conn, `INSERT INTO p VALUES (1)`)
	r.feed(1)
	if n, errs := len(r.outputs["enough"]), len(r.outputs[plan.ErrorsOf("enough")]); n != 9 || errs != 0 {
		t.Errorf("%d rows and %d errors", n, errs)
	}
	mustExec(t, r.conn, `UPDATE p SET id = 0`)
	r.feed(1)
	for key := range r.outputs[plan.ErrorsOf("few")] {
		if !strings.Contains(key, "after 8 iterations, the configuration's recursion_limit") {
			t.Error(showKey(key))
		}
	}
	if len(r.outputs[plan.ErrorsOf("few")]) == 0 {
		t.Error("no error")
	}
}
