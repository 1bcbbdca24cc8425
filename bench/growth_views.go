package main

import (
	"fmt"
	"math/rand/v2"
)

// operator is one kind of state, as a view over tables t and u:
//
//	t (id bigint PRIMARY KEY, k bigint, v bigint, at timestamptz)
//	u (id bigint PRIMARY KEY, k bigint, v bigint)
//
// n rows are in t, and u where the view reads it, before changes to t are measured.
type operator struct {
	name, query string
	key         func(r *rand.Rand, n, id int64) int64 // t.k of a new row, or of one that changes
	pinned      func(id int64) bool                   // a row that is neither changed nor deleted
	other       func(n, id int64) int64               // u.k of a row of u; nil if u is not read
	others      func(n int64) int64                   // how many rows u has; n if nil
	clock       bool                                  // each change is a row that comes and a moment at which one goes
}

// groups of ten rows of t each.
func tens(r *rand.Rand, n, _ int64) int64 { return r.Int64N(max(n/10, 1)) }

// one of n.
func anyOf(r *rand.Rand, n, _ int64) int64 { return r.Int64N(n) }

func own(_, id int64) int64 { return id }

// operators are what grows. None reads more of its state for a change than the rows
// of a group: so their costs should grow with the depth of the store alone.
var operators = []operator{
	{name: "join, one partner", key: anyOf, other: own,
		query: `SELECT t.id, t.v, u.v AS w FROM t JOIN u ON u.id = t.k`},
	{name: "join, ten partners", key: tens, other: func(n, id int64) int64 { return id % max(n/10, 1) },
		query: `SELECT t.id, u.id AS partner, t.v, u.v AS w FROM t JOIN u ON u.k = t.k`},
	{name: "left join", key: anyOf, other: own, others: func(n int64) int64 { return n / 2 },
		query: `SELECT t.id, t.v, u.v AS w FROM t LEFT JOIN u ON u.id = t.k`},
	{name: "EXISTS", key: anyOf, other: own, others: func(n int64) int64 { return n / 2 },
		query: `SELECT t.id, t.v FROM t WHERE EXISTS (SELECT FROM u WHERE u.k = t.k)`},
	{name: "sum and count", key: tens,
		query: `SELECT k, count(*) AS n, sum(v) AS total FROM t GROUP BY k`},
	{name: "min and max", key: tens,
		query: `SELECT k, min(v) AS low, max(v) AS high FROM t GROUP BY k`},
	{name: "count(DISTINCT)", key: tens,
		query: `SELECT k, count(DISTINCT v) AS n FROM t GROUP BY k`},
	{name: "DISTINCT", key: tens,
		query: `SELECT DISTINCT k FROM t`},
	{name: "top 3 of a group", key: tens,
		query: `SELECT id, k, v FROM (SELECT id, k, v, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM t) AS placed WHERE place <= 3`},
	{name: "row_number()", key: tens,
		query: `SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM t`},
	// Trees of ten nodes, of which the leaves move.
	{name: "recursion", key: parent, pinned: func(id int64) bool { return id%10 < 5 },
		query: `WITH RECURSIVE above AS (SELECT id, k AS ancestor FROM t WHERE k >= 0
			UNION SELECT above.id, t.k FROM above JOIN t ON t.id = above.ancestor WHERE t.k >= 0) SELECT id, ancestor FROM above`},
	{name: "last hour", key: anyOf, clock: true,
		query: `SELECT id, v FROM t WHERE at > now() - interval '1 hour'`},
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
const growthSchema = `CREATE TABLE t (id bigint PRIMARY KEY, k bigint NOT NULL, v bigint NOT NULL, at timestamptz NOT NULL);
	CREATE TABLE u (id bigint PRIMARY KEY, k bigint NOT NULL, v bigint NOT NULL)`

// decades are the sizes of the state.
func (l *lab) decades() []int64 {
	out := []int64{1e3, 1e4, 1e5, 1e6}
	if l.opts.quick {
		return out[:3]
	}
	return out
}

func sized(n int64) string { return fmt.Sprintf("%s rows", short(float64(n))) }
