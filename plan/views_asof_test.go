package plan_test

// As-of joins: the nearest row before or after each one, in all the ways in which SQL says so, and
// what looks like one and is none.
func init() {
	viewCases = append(viewCases, []viewCase{
		{name: "asof_lateral", query: `SELECT o.id, x.id AS xid, x.qty FROM orders o, LATERAL (SELECT c.id, c.qty FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.day DESC, c.id LIMIT 1) x`},
		{name: "asof_lateral_strict", query: `SELECT o.id, x.id AS xid, x.qty FROM orders o, LATERAL (SELECT c.id, c.qty FROM orders c WHERE c.customer_id = o.customer_id AND c.day < o.day ORDER BY c.day DESC, c.qty, c.id LIMIT 1) x`},
		{name: "asof_lateral_left", query: `SELECT o.id, x.id AS xid, x.qty FROM orders o LEFT JOIN LATERAL (SELECT c.id, c.qty FROM orders c WHERE o.customer_id = c.customer_id AND o.day > c.day AND c.qty > 2 ORDER BY c.day DESC, c.id DESC LIMIT 1) x ON true`},
		{name: "asof_ties", query: `SELECT o.id, x.day FROM orders o, LATERAL (SELECT c.id, c.day FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.day DESC LIMIT 1) x`},
		{name: "asof_next", query: `SELECT o.id, x.id AS xid, x.day FROM orders o, LATERAL (SELECT c.id, c.day FROM orders c WHERE c.customer_id = o.customer_id AND c.day >= o.day + 1 ORDER BY c.day, c.id LIMIT 1) x`},
		{name: "asof_next_strict", query: `SELECT o.id, x.id AS xid FROM orders o, LATERAL (SELECT c.id FROM orders c WHERE c.day > o.day ORDER BY c.day, c.customer_id DESC NULLS LAST, c.id LIMIT 1) x`},
		{name: "asof_scalar", query: `SELECT o.id, (SELECT c.qty FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.day DESC, c.id LIMIT 1) AS q FROM orders o`},
		{name: "asof_of_all", query: `SELECT o.id, (SELECT c.id FROM orders c WHERE c.id < o.id ORDER BY c.id DESC LIMIT 1) AS before FROM orders o`},
		{name: "asof_distinct_on", query: `SELECT DISTINCT ON (o.id) o.id, o.qty, c.id AS xid, c.qty AS q2 FROM orders o JOIN orders c ON c.customer_id = o.customer_id AND c.day <= o.day ORDER BY o.id, c.day DESC, c.id`},
		{name: "asof_distinct_on_other", query: `SELECT DISTINCT ON (o.id) p.qty, o.id, c.id AS xid FROM customers c JOIN orders o ON c.id = o.customer_id JOIN orders p ON p.customer_id = c.id AND p.day < o.day ORDER BY o.id, p.day DESC, p.id`},
		{name: "asof_distinct_on_exchanged", query: `SELECT DISTINCT ON (c.id) o.id, c.day, c.id AS xid FROM orders o JOIN orders c ON c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.id, o.customer_id, o.day, o.id DESC`},
		{name: "asof_group_in_order", query: `SELECT DISTINCT ON (o.id) o.id, c.id AS xid FROM orders o JOIN orders c ON c.customer_id = o.customer_id AND c.qty < o.qty ORDER BY o.id, c.customer_id, o.day, c.qty DESC, c.id`},
		{name: "asof_two_keys", query: `SELECT o.id, x.day FROM orders o LEFT JOIN LATERAL (SELECT c.day, c.id FROM orders c WHERE c.customer_id = o.customer_id AND c.qty = o.qty AND c.id < o.id ORDER BY c.id DESC LIMIT 1) x ON true`},
		{name: "asof_numbers", query: `SELECT a.v, (SELECT b.a FROM loose2 b WHERE b.n <= a.n ORDER BY b.n DESC, b.a NULLS FIRST LIMIT 1) AS m FROM loose2 a`},
		// These are none.
		{name: "asof_not_with_ties", query: `SELECT o.id, x.id AS xid FROM orders o, LATERAL (SELECT c.id FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.day DESC FETCH FIRST 1 ROW WITH TIES) x`},
		{name: "asof_not_by_place", query: `SELECT o.id, x.id AS xid FROM orders o, LATERAL (SELECT c.id FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.qty DESC, c.id LIMIT 1) x`},
		{name: "asof_not_farthest", query: `SELECT o.id, x.id AS xid FROM orders o, LATERAL (SELECT c.id FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day ORDER BY c.day, c.id LIMIT 1) x`},
		{name: "asof_not_one_condition", query: `SELECT o.id, x.id AS xid FROM orders o, LATERAL (SELECT c.id FROM orders c WHERE c.customer_id = o.customer_id AND c.day <= o.day AND c.qty <> o.qty ORDER BY c.day DESC, c.id LIMIT 1) x`},
		{name: "asof_not_each_row", query: `SELECT DISTINCT ON (o.customer_id) o.id, c.id AS xid FROM orders o JOIN orders c ON c.customer_id = o.customer_id AND c.day <= o.day ORDER BY o.customer_id, c.day DESC, c.id, o.id`},
	}...)
}
