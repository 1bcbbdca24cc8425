package plan_test

// What the versions of Postgres have brought that is not SQL/JSON.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "literals_16", since: 16, query: `SELECT id, 0x1F + id AS a, 0o17 * 1_000 AS b, 0b1010 AS c, 1_000.5 * id AS d FROM customers`},
		viewCase{name: "functions_16", since: 16, query: `SELECT id, erf(f8) AS a, erfc(1 / 3.0) AS b, date_add(tsz, iv) AS c, date_subtract(tsz, '1 day', 'Europe/Rome') AS d, generate_series(tsz, tsz + interval '1 day', '12 h', 'Asia/Tokyo') AS g, xmlserialize(CONTENT xmlelement(NAME a, xmlelement(NAME b, i4)) AS text INDENT) AS x FROM everything WHERE tsz > '2000-01-01' AND tsz < 'infinity' AND iv < '40 days'`},
		viewCase{name: "aggregates_16", since: 16, query: `SELECT region, any_value(tier) IS NULL AS a, range_agg(int4multirange(int4range(id, id + 2))) AS r, range_intersect_agg(int4multirange(int4range(0, id + 2))) AS i FROM customers GROUP BY region`},
		// Functions that look at no frame: from 16 on nor does Postgres, whatever its offsets.
		viewCase{name: "window_frameless_16", since: 16, query: `SELECT id, rank() OVER a AS a, ntile(2) OVER a AS b, cume_dist() OVER b AS c, percent_rank() OVER c AS d, dense_rank() OVER (ORDER BY tier RANGE BETWEEN -1 PRECEDING AND CURRENT ROW) AS e
			FROM customers WINDOW a AS (ORDER BY id ROWS BETWEEN -1 PRECEDING AND CURRENT ROW), b AS (ORDER BY id GROUPS (SELECT min(id) - 10 FROM customers) PRECEDING), c AS (ORDER BY id ROWS BETWEEN CURRENT ROW AND (SELECT -max(id) FROM customers) FOLLOWING)`},
		viewCase{name: "functions_17", since: 17, query: `SELECT id, to_bin(i4) AS a, to_oct(i4) AS b, uuid_extract_version(u) AS c, uuid_extract_timestamp(u) AS d, unicode_assigned(tx) AS e, xmltext(tx)::text AS f, ts AT LOCAL AS g, tsz AT LOCAL AS h, tz AT LOCAL AS i FROM everything`},
		viewCase{name: "functions_18", since: 18, query: `SELECT id, array_sort(at) AS a, array_sort(ARRAY[i2, id], true) AS b, array_reverse(at) AS c, casefold(tx) AS d, crc32(ba) AS e, crc32c(ba) AS f, gamma(id + 0.5) AS g, lgamma(id + 1) AS h, jsonb_strip_nulls(jb, true) AS i, json_strip_nulls(js, true) AS j, i4::bytea AS k, reverse(ba) AS l, (i8::bytea)::int8 AS m FROM everything WHERE coalesce(array_ndims(at), 1) = 1`},
		viewCase{name: "extremes_18", since: 18, query: `SELECT b, max(ba) AS a, min(ba) AS c, max(ROW(i2, i4))::text AS d, max(at) AS e FROM everything GROUP BY b`, loose: true},
	)
}
