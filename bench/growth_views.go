package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// operator is one kind of state, as a view over tables t and u. n rows are in t, and u
// where the view reads it, before changes to t are measured.
type operator struct {
	name, query string
	key         func(r *rand.Rand, n, id int64) int64 // t.k of a new row, or of one that changes
	value       func(r *rand.Rand, n, k int64) int64  // t.v beside k; below 1,000 if nil
	pinned      func(id int64) bool                   // a row that is neither changed nor deleted
	other       func(n, id int64) (k, v int64)        // u.k and u.v of a row of u; nil if u is not read
	others      func(n int64) int64                   // how many rows u has; n if nil
	clock       bool                                  // each change is a row that comes and a moment at which one goes
	zone        string                                // the session's; the server's if empty
	last        bool                                  // only the rows with the greatest ids change
	whole       bool                                  // one partition is all there is, loaded at once
	most        int64                                 // rows, if loading more would take too long; 0: any number
}

// groups of ten rows of t each.
func tens(r *rand.Rand, n, _ int64) int64 { return r.Int64N(max(n/10, 1)) }

// one of n.
func anyOf(r *rand.Rand, n, _ int64) int64 { return r.Int64N(n) }

// a place on a line ten times as long as there are rows.
func place(r *rand.Rand, n, _ int64) int64 { return r.Int64N(10 * n) }

// among the lowest hundred of that line.
func low(r *rand.Rand, _, _ int64) int64 { return r.Int64N(100) }

// in one of ten groups, however many rows there are, above a few of its rows.
func oneOfTen(r *rand.Rand, _, _ int64) int64 { return r.Int64N(10) }

func few(r *rand.Rand, _, _ int64) int64 { return r.Int64N(100) }

// of as many as there are rows.
func wide(r *rand.Rand, n, _ int64) int64 { return r.Int64N(10 * n) }

func tenGroups(_, id int64) (k, v int64) { return id % 10, id }

func own(_, id int64) (k, v int64) { return id, id }

func sharedByTen(n, id int64) (k, v int64) { return id % max(n/10, 1), id }

// stretches of a line that lie one behind the other.
func stretches(_, id int64) (k, v int64) { return 10 * id, 10*id + 9 }

func points(_, id int64) (k, v int64) { return 10 * id, id }

func short15(_ *rand.Rand, _, k int64) int64 { return k + 15 }

func half(n int64) int64 { return n / 2 }

// operators are what grows. Where a group or a partition is recomputed as a whole, it has
// ten rows; where it need not be, all rows are one ("of all").
var operators = []operator{
	{name: "filter, project", key: anyOf,
		query: `SELECT id, v * 2 AS w FROM t WHERE v % 2 = 0`},
	{name: "join, one partner", key: anyOf, other: own,
		query: `SELECT t.id, t.v, u.v AS w FROM t JOIN u ON u.id = t.k`},
	{name: "join, ten partners", key: tens, other: sharedByTen,
		query: `SELECT t.id, u.id AS partner, t.v, u.v AS w FROM t JOIN u ON u.k = t.k`},
	{name: "left join", key: anyOf, other: own, others: half,
		query: `SELECT t.id, t.v, u.v AS w FROM t LEFT JOIN u ON u.id = t.k`},
	{name: "right join", key: anyOf, other: own, others: half,
		query: `SELECT t.id, u.v AS w FROM t RIGHT JOIN u ON u.id = t.k`},
	{name: "full join", key: anyOf, other: own, others: half,
		query: `SELECT t.id, t.v, u.v AS w FROM t FULL JOIN u ON u.id = t.k`},
	{name: "join on <", key: low, other: points,
		query: `SELECT t.id, u.id AS below FROM t JOIN u ON u.k < t.k`},
	{name: "join on =, <", key: oneOfTen, value: few, other: tenGroups,
		query: `SELECT t.id, u.id AS below FROM t JOIN u ON u.k = t.k AND u.v < t.v`},
	{name: "join on BETWEEN, points", key: place, other: stretches,
		query: `SELECT t.id, u.id AS stretch FROM t JOIN u ON t.k BETWEEN u.k AND u.v`},
	{name: "join on BETWEEN, bounds", key: place, value: short15, other: points,
		query: `SELECT t.id, u.id AS inside FROM t JOIN u ON u.k BETWEEN t.k AND t.v`},
	{name: "join on overlap", key: place, value: short15, other: stretches,
		query: `SELECT t.id, u.id AS stretch FROM t JOIN u ON t.k < u.v AND u.k < t.v`},
	{name: "join on && of ranges", key: place, value: short15, other: stretches,
		query: `SELECT t.id, u.id AS stretch FROM t JOIN u ON int8range(t.k, t.v) && int8range(u.k, u.v)`},
	{name: "left join on BETWEEN", key: place, other: stretches, others: half,
		query: `SELECT t.id, u.id AS stretch FROM t LEFT JOIN u ON t.k BETWEEN u.k AND u.v`},
	{name: "bound that moves", key: oneOfTen,
		query: `SELECT k, count(*) AS n, sum(v) AS total FROM t WHERE v < (SELECT 0.2 * avg(o.v) FROM t AS o WHERE o.k = t.k) GROUP BY k`},
	{name: "bounds that move", key: oneOfTen,
		query: `SELECT t.id FROM t JOIN (SELECT k, avg(v) - 100 AS low, avg(v) + 100 AS high FROM t GROUP BY k) AS mean ON mean.k = t.k AND t.v BETWEEN mean.low AND mean.high`},
	{name: "as-of join", key: place, other: points,
		query: `SELECT t.id, x.id AS before FROM t, LATERAL (SELECT u.id FROM u WHERE u.k <= t.k ORDER BY u.k DESC, u.id LIMIT 1) x`},
	{name: "EXISTS", key: anyOf, other: own, others: half,
		query: `SELECT t.id, t.v FROM t WHERE EXISTS (SELECT FROM u WHERE u.k = t.k)`},
	{name: "NOT EXISTS", key: anyOf, other: own, others: half,
		query: `SELECT t.id, t.v FROM t WHERE NOT EXISTS (SELECT FROM u WHERE u.k = t.k)`},
	{name: "NOT IN", key: anyOf, other: own, others: half,
		query: `SELECT t.id, t.v FROM t WHERE t.k NOT IN (SELECT u.k FROM u)`},
	{name: "scalar sub-query", key: tens, other: sharedByTen,
		query: `SELECT t.id, (SELECT max(u.v) FROM u WHERE u.k = t.k) AS most FROM t`},
	{name: "sum, count", key: tens,
		query: `SELECT k, count(*) AS n, sum(v) AS total FROM t GROUP BY k`},
	{name: "sum, count of all", key: tens,
		query: `SELECT count(*) AS n, sum(v) AS total FROM t`},
	{name: "sum of floats", key: tens,
		query: `SELECT k, sum(x) AS total FROM t GROUP BY k`},
	{name: "min, max of all", key: tens,
		query: `SELECT min(v) AS low, max(v) AS high FROM t`},
	{name: "count(DISTINCT) of all", key: tens,
		query: `SELECT count(DISTINCT k) AS n FROM t`},
	{name: "sum(DISTINCT)", key: tens,
		query: `SELECT k, sum(DISTINCT v) AS total FROM t GROUP BY k`},
	{name: "array_agg", key: tens,
		query: `SELECT k, array_agg(v ORDER BY id) AS a FROM t GROUP BY k`},
	{name: "string_agg", key: tens,
		query: `SELECT k, string_agg(s, ',' ORDER BY id) AS a FROM t GROUP BY k`},
	{name: "mode (Postgres)", key: tens, most: 100_000,
		query: `SELECT k, mode() WITHIN GROUP (ORDER BY v) AS often FROM t GROUP BY k`},
	{name: "range_agg (Postgres)", key: tens, most: 100_000,
		query: `SELECT k, upper(range_agg(int8range(v, v + 10))) AS last FROM t GROUP BY k`},
	{name: "percentile (Postgres)", key: tens,
		query: `SELECT k, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS median FROM t GROUP BY k`},
	{name: "GROUPING SETS", key: tens,
		query: `SELECT k, v % 10 AS d, count(*) AS n, sum(v) AS total FROM t GROUP BY GROUPING SETS ((k), (v % 10), ())`},
	{name: "unnest", key: anyOf, most: 100_000,
		query: `SELECT id, x.n, x.place FROM t, unnest(ARRAY[k, v]) WITH ORDINALITY AS x (n, place)`},
	{name: "DISTINCT", key: tens,
		query: `SELECT DISTINCT k FROM t`},
	{name: "UNION", key: tens, other: own, others: half,
		query: `SELECT k FROM t UNION SELECT k FROM u`},
	{name: "INTERSECT", key: tens, other: own, others: half,
		query: `SELECT k FROM t INTERSECT SELECT k FROM u`},
	{name: "INTERSECT ALL", key: tens, other: own, others: half,
		query: `SELECT k FROM t INTERSECT ALL SELECT k FROM u`},
	{name: "EXCEPT ALL", key: tens, other: own, others: half,
		query: `SELECT k FROM t EXCEPT ALL SELECT k FROM u`},
	{name: "LIMIT 10 of all", key: tens,
		query: `SELECT id, v FROM t ORDER BY v, id LIMIT 10`},
	{name: "LIMIT 10 OFFSET 10 of all", key: tens,
		query: `SELECT id, v FROM t ORDER BY v, id LIMIT 10 OFFSET 10`},
	{name: "WITH TIES of all", key: tens, value: wide,
		query: `SELECT id, v FROM t ORDER BY v FETCH FIRST 10 ROWS WITH TIES`},
	{name: "LIMIT 10 of all, by ICU", key: tens,
		query: `SELECT id, s FROM t ORDER BY s COLLATE "en-x-icu", id LIMIT 10`},
	{name: "LIMIT 3, LATERAL", key: tens, other: own, others: func(n int64) int64 { return max(n/10, 1) },
		query: `SELECT u.id, x.id AS first, x.v FROM u, LATERAL (SELECT t.id, t.v FROM t WHERE t.k = u.id ORDER BY t.v, t.id LIMIT 3) AS x`},
	{name: "DISTINCT ON", key: tens,
		query: `SELECT DISTINCT ON (k) k, id, v FROM t ORDER BY k, v, id`},
	{name: "row_number() <= 3", key: tens,
		query: `SELECT id, k, v FROM (SELECT id, k, v, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM t) AS placed WHERE place <= 3`},
	{name: "row_number()", key: tens,
		query: `SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM t`},
	{name: "rank()", key: tens,
		query: `SELECT id, k, rank() OVER (PARTITION BY k ORDER BY v) AS place FROM t`},
	{name: "percent_rank()", key: tens, most: 100_000,
		query: `SELECT id, k, percent_rank() OVER (PARTITION BY k ORDER BY v) AS place FROM t`},
	{name: "cume_dist()", key: tens,
		query: `SELECT id, k, cume_dist() OVER (PARTITION BY k ORDER BY v) AS place FROM t`},
	{name: "ntile()", key: tens,
		query: `SELECT id, k, ntile(4) OVER (PARTITION BY k ORDER BY v, id) AS quarter FROM t`},
	{name: "lag()", key: tens,
		query: `SELECT id, k, lag(v) OVER (PARTITION BY k ORDER BY v, id) AS before FROM t`},
	{name: "sessions, by lag() and sum()", key: tens, most: 100_000,
		query: `SELECT k, session, count(*) AS n, min(v) AS first, max(v) AS last FROM (
			SELECT k, v, sum(fresh) OVER (PARTITION BY k ORDER BY v, id) AS session FROM (
			SELECT id, k, v, CASE WHEN v - lag(v) OVER (PARTITION BY k ORDER BY v, id) < 100 THEN 0 ELSE 1 END AS fresh FROM t) AS told) AS summed
			GROUP BY k, session`},
	{name: "sum() OVER, running", key: tens,
		query: `SELECT id, k, sum(v) OVER (PARTITION BY k ORDER BY id) AS total FROM t`},
	{name: "row_number() of all, end", key: tens, last: true, whole: true,
		query: `SELECT id, row_number() OVER (ORDER BY id) AS place FROM t`},
	{name: "lag() of all", key: tens, whole: true,
		query: `SELECT id, lag(v) OVER (ORDER BY id) AS before FROM t`},
	{name: "sum() OVER 5 rows of all", key: tens, whole: true,
		query: `SELECT id, sum(v) OVER (ORDER BY id ROWS 4 PRECEDING) AS total FROM t`},
	{name: "sum() OVER 5 values of all", key: tens, whole: true,
		query: `SELECT id, sum(v) OVER (ORDER BY id RANGE 4 PRECEDING) AS total FROM t`},
	{name: "sum() OVER 3 groups of all", key: tens, whole: true,
		query: `SELECT id, sum(v) OVER (ORDER BY id / 3 GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS total FROM t`},
	{name: "sum() OVER 5 rows EXCLUDE, of all", key: tens, whole: true,
		query: `SELECT id, sum(v) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS total FROM t`},
	{name: "nth_value() OVER all up to here", key: tens, whole: true,
		query: `SELECT id, nth_value(v, 3) OVER (ORDER BY id) AS third FROM t`},
	{name: "last_value() OVER all", key: tens, value: wide, whole: true,
		query: `SELECT id, last_value(id) OVER (ORDER BY v, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last FROM t`},
	{name: "min() OVER all up to here", key: tens, whole: true,
		query: `SELECT id, min(v) OVER (ORDER BY id) AS low FROM t`},
	{name: "max() OVER all from here", key: tens, whole: true,
		query: `SELECT id, max(v) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS high FROM t`},
	{name: "max() OVER all", key: tens, whole: true,
		query: `SELECT id, v, max(v) OVER () AS high FROM t`},
	// Trees of ten nodes, of which the leaves move.
	{name: "WITH RECURSIVE", key: parent, pinned: func(id int64) bool { return id%10 < 5 },
		query: `WITH RECURSIVE above AS (SELECT id, k AS ancestor FROM t WHERE k >= 0
			UNION SELECT above.id, t.k FROM above JOIN t ON t.id = above.ancestor WHERE t.k >= 0) SELECT id, ancestor FROM above`},
	{name: "WITH RECURSIVE, CYCLE", key: parent, pinned: func(id int64) bool { return id%10 < 5 },
		query: `WITH RECURSIVE above AS (SELECT id, k AS ancestor FROM t WHERE k >= 0
			UNION ALL SELECT above.id, t.k FROM above JOIN t ON t.id = above.ancestor WHERE t.k >= 0) CYCLE ancestor SET again USING path
			SELECT id, ancestor, again FROM above`},
	{name: "last hour, by now()", key: anyOf, clock: true,
		query: `SELECT id, v FROM t WHERE at > now() - interval '1 hour'`},
	{name: "last hour by group, by now()", key: tens, clock: true,
		query: `SELECT k, count(*) AS n, sum(v) AS total FROM t WHERE at > now() - interval '1 hour' GROUP BY k`},
	{name: "a span of the row, by now()", key: anyOf, clock: true,
		query: `SELECT id, v FROM t WHERE now() - v * interval '1 second' < at`},
	{name: "a span of days of the row, in summer time", key: anyOf, clock: true, zone: "Europe/Berlin",
		query: `SELECT id, v FROM t WHERE now() - (v * interval '1 second' + interval '1 day') < at - interval '24 hours'`},
	{name: "the age in summer time", key: anyOf, clock: true, zone: "Europe/Berlin",
		query: `SELECT id, v FROM t WHERE age(now(), at) < v * interval '1 second'`},
	{name: "join on both sides and now()", key: anyOf, other: own, clock: true, most: 100_000,
		query: `SELECT t.id, u.id AS partner FROM t JOIN u ON u.id = t.k AND now() - (u.v % 60) * interval '1 minute' < t.at`},
	{name: "left join on both sides and now()", key: anyOf, other: own, clock: true, most: 100_000,
		query: `SELECT t.id, u.id AS partner FROM t LEFT JOIN u ON u.id = t.k AND now() - (u.v % 60) * interval '1 minute' < t.at`},
}

// parent is the node above another. The first ten nodes of a tree form a heap, and
// a leaf may be below any of the inner nodes of its tree.
func parent(r *rand.Rand, n, id int64) int64 {
	root, place := id-id%10, id%10
	switch {
	case id >= n: // it came later: anywhere
		return r.Int64N(max(n/10, 1))*10 + r.Int64N(5)
	case place == 0:
		return -1
	case place < 5:
		return root + (place-1)/2
	default:
		return root + r.Int64N(5)
	}
}

// growthSchema creates the tables.
const growthSchema = `CREATE TABLE t (id bigint PRIMARY KEY, k bigint NOT NULL, v bigint NOT NULL, at timestamptz NOT NULL, x float8 NOT NULL, s text NOT NULL);
	CREATE TABLE u (id bigint PRIMARY KEY, k bigint NOT NULL, v bigint NOT NULL)`

// decades are the sizes of the state.
func (l *lab) decades() []int64 {
	out := []int64{1e3, 1e4, 1e5, 1e6}
	switch {
	case len(l.opts.sizes) > 0:
		return l.opts.sizes
	case l.opts.quick:
		return out[:3]
	}
	return out
}

// operatorNames lists them.
func operatorNames() string {
	names := make([]string, len(operators))
	for i := range operators {
		names[i] = operators[i].name
	}
	return strings.Join(names, "; ")
}

func sized(n int64) string { return fmt.Sprintf("%s rows", short(float64(n))) }
