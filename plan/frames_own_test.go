package plan_test

// framesOwn has types whose operator classes measure frames by functions of a user's own: text by its length,
// numbers by how far they are from 0, and Postgres' own classes of text and of float8 with more offsets than
// it has. What an in_range function gets is the value of another row, that of the current one and the offset.
const framesOwn = `
CREATE SCHEMA app;
CREATE FUNCTION app.len_cmp(a text, b text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$SELECT sign(length(a) - length(b))::int$$;
CREATE FUNCTION app.far_cmp(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$SELECT sign(abs(a::int8) - abs(b::int8))::int$$;
DO $$
DECLARE op record; ty record;
BEGIN
	FOR ty IN SELECT * FROM (VALUES ('len', 'text', '#'), ('far', 'int', '@')) AS v(name, type, mark) LOOP
		FOR op IN SELECT * FROM (VALUES ('lt', '<', '>', '>='), ('le', '<=', '>=', '>'), ('eq', '=', '=', '<>'), ('ge', '>=', '<=', '<'), ('gt', '>', '<', '<=')) AS v(name, sign, back, no) LOOP
			EXECUTE format('CREATE FUNCTION app.%s_%s(a %s, b %s) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS %L', ty.name, op.name, ty.type, ty.type, format('SELECT app.%s_cmp(a, b) %s 0', ty.name, op.sign));
			EXECUTE format('CREATE OPERATOR app.%s%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = app.%s_%s, COMMUTATOR = OPERATOR(app.%s%s))', op.sign, ty.mark, ty.type, ty.type, ty.name, op.name, op.back, ty.mark);
		END LOOP;
	END LOOP;
END $$;
CREATE FUNCTION app.len_in_range(val text, base text, by int, sub bool, less bool) RETURNS bool LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE edge int := CASE WHEN sub THEN length(base) - by ELSE length(base) + by END;
BEGIN
	IF by < 0 THEN RAISE EXCEPTION 'no such length' USING ERRCODE = '22013'; END IF;
	RETURN CASE WHEN less THEN length(val) <= edge ELSE length(val) >= edge END;
END $$;
CREATE FUNCTION app.far_in_range(val int, base int, by numeric, sub bool, less bool) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
	$$SELECT CASE WHEN less THEN abs(val::int8) <= edge ELSE abs(val::int8) >= edge END FROM (SELECT CASE WHEN sub THEN abs(base::int8) - by ELSE abs(base::int8) + by END AS edge) e$$;
CREATE FUNCTION app.first_in_range(val text, base text, by int, sub bool, less bool) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
	$$SELECT CASE WHEN less THEN ascii(val) <= edge ELSE ascii(val) >= edge END FROM (SELECT CASE WHEN sub THEN ascii(base) - by ELSE ascii(base) + by END AS edge) e$$;
CREATE FUNCTION app.percent_in_range(val float8, base float8, by int, sub bool, less bool) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
	$$SELECT CASE WHEN less THEN val <= edge ELSE val >= edge END FROM (SELECT CASE WHEN sub THEN base - by / 100.0::float8 ELSE base + by / 100.0::float8 END AS edge) e$$;
CREATE OPERATOR CLASS app.len_ops FOR TYPE text USING btree AS
	OPERATOR 1 app.<#, OPERATOR 2 app.<=#, OPERATOR 3 app.=#, OPERATOR 4 app.>=#, OPERATOR 5 app.>#, FUNCTION 1 app.len_cmp(text, text), FUNCTION 3 (text, int) app.len_in_range(text, text, int, bool, bool);
CREATE OPERATOR CLASS app.far_ops FOR TYPE int USING btree AS
	OPERATOR 1 app.<@, OPERATOR 2 app.<=@, OPERATOR 3 app.=@, OPERATOR 4 app.>=@, OPERATOR 5 app.>@, FUNCTION 1 app.far_cmp(int, int), FUNCTION 3 (int, numeric) app.far_in_range(int, int, numeric, bool, bool);
ALTER OPERATOR FAMILY text_ops USING btree ADD FUNCTION 3 (text, int) app.first_in_range(text, text, int, bool, bool);
ALTER OPERATOR FAMILY float_ops USING btree ADD FUNCTION 3 (float8, int) app.percent_in_range(float8, float8, int, bool, bool);
ALTER TABLE marks ADD len text, ADD far int, ADD first text COLLATE "C", ADD pct float8;
`

// framesOwnViews are measured so where there is more around the window: an offset of another row, one that is no good
// for some data, groups, a recursive query.
var framesOwnViews = map[string]string{
	"own_lateral": `SELECT m.id, x.* FROM marks m, LATERAL (SELECT b.id AS other, count(*) OVER (ORDER BY b.len USING OPERATOR(app.<#) RANGE coalesce(m.s::int & 3, 1) PRECEDING) AS n FROM marks b WHERE b.g = m.g) x`,
	"own_fails":   `SELECT id, sum(id) OVER (PARTITION BY g ORDER BY len USING OPERATOR(app.<#) RANGE BETWEEN (SELECT count(*)::int - 3 FROM marks WHERE g = 2) PRECEDING AND 1 FOLLOWING) AS s FROM marks`,
	"own_grouped": `SELECT abs(far::int8) AS a, sum(count(*)) OVER (ORDER BY min(far) USING OPERATOR(app.>@) RANGE BETWEEN 1 PRECEDING AND 2.5 FOLLOWING) AS n FROM marks GROUP BY 1`,
	"own_loop": `WITH RECURSIVE t(n, id, len, c) AS (SELECT 0, id, len, 0::int8 FROM marks UNION ALL
		SELECT n + 1, id, len, count(*) OVER (PARTITION BY n ORDER BY len USING OPERATOR(app.<#) RANGE BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t WHERE n < 2 AND c < 9) SELECT * FROM t`,
	"own_few": `SELECT * FROM (SELECT id, g, max(i) OVER (PARTITION BY g ORDER BY len USING OPERATOR(app.<#) RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS m, rank() OVER (PARTITION BY g ORDER BY len USING OPERATOR(app.<#)) AS r FROM marks) x WHERE g = 1 AND r < 5`,
}

func init() {
	framedColumns = append(framedColumns,
		framed{name: "len", values: "|a|b|bb|cc|ccc|éé|dddddd", offsets: "0|1|2|5", order: "#"},
		framed{name: "far", values: "0|1|-1|2|-2|3|-5|7|-2147483648", offsets: "0|0.5|1|2.0|2147483648|1e30", order: "@"},
		framed{name: "first", values: "a|ab|b|c|cd|f|z|é", offsets: "0|1|2|30"},
		framed{name: "pct", values: "0|-0|0.5|1|1.25|2|NaN|Infinity|-Infinity", offsets: "0|25|50|100"},
	)
}
