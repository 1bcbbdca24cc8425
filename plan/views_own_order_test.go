package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// ownSchema has types of Postgres' own kinds (composite, enum, array, range, varchar) with default operator classes of
// a user's, which Postgres prefers to those of the kind: others are equal, and in another order. And it has a class
// that is not the default, which sorts text by its length.
const ownSchema = `
CREATE SCHEMA app;
CREATE TYPE app.turn AS (a int, gone int, b text COLLATE "de-x-icu", c numrange);
ALTER TYPE app.turn DROP ATTRIBUTE gone;
CREATE TYPE app.size AS ENUM ('s', 'm', 'l', 'xl');
CREATE TYPE app.bag AS ENUM ('x', 'y', 'z');
CREATE TYPE app.reach AS RANGE (subtype = int8);
CREATE FUNCTION app.turn_of(x app.turn) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(-(x).a, 0)';
CREATE FUNCTION app.size_of(x app.size) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT CASE x WHEN 'm' THEN 3 WHEN 's' THEN 2 ELSE 1 END$$;
CREATE FUNCTION app.bag_of(x app.bag[]) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT -coalesce(cardinality(x), 0)';
CREATE FUNCTION app.reach_of(x app.reach) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(upper(x), 0)';
CREATE FUNCTION app.vc_of(x varchar) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT -length(x)';
CREATE FUNCTION app.len_of(x text) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT length(x)';
DO $$
DECLARE op record; ty record;
BEGIN
	FOR ty IN SELECT * FROM (VALUES ('turn', 'app.turn', '#', 'DEFAULT'), ('size', 'app.size', '#', 'DEFAULT'), ('bag', 'app.bag[]', '#', 'DEFAULT'), ('reach', 'app.reach', '#', 'DEFAULT'), ('vc', 'varchar', '~#', 'DEFAULT'), ('len', 'text', '#', '')) AS v(name, type, mark, dflt) LOOP
		FOR op IN SELECT * FROM (VALUES ('lt', '<', '>', '>='), ('le', '<=', '>=', '>'), ('eq', '=', '=', '<>'), ('ge', '>=', '<=', '<'), ('gt', '>', '<', '<=')) AS v(name, sign, back, no) LOOP
			EXECUTE format('CREATE FUNCTION app.%1$s_%2$s(a %3$s, b %3$s) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS %4$L', ty.name, op.name, ty.type, format('SELECT app.%1$s_of(a) %2$s app.%1$s_of(b)', ty.name, op.sign));
			EXECUTE format('CREATE OPERATOR app.%s%s (LEFTARG = %s, RIGHTARG = %3$s, FUNCTION = app.%4$s_%5$s, COMMUTATOR = OPERATOR(app.%6$s%2$s))', op.sign, ty.mark, ty.type, ty.name, op.name, op.back);
		END LOOP;
		EXECUTE format('CREATE FUNCTION app.%1$s_cmp(a %2$s, b %2$s) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS %3$L', ty.name, ty.type, format('SELECT sign(app.%1$s_of(a) - app.%1$s_of(b))::int', ty.name));
		EXECUTE format('CREATE OPERATOR CLASS app.%1$s_ops %4$s FOR TYPE %2$s USING btree AS OPERATOR 1 app.<%3$s, OPERATOR 2 app.<=%3$s, OPERATOR 3 app.=%3$s, OPERATOR 4 app.>=%3$s, OPERATOR 5 app.>%3$s, FUNCTION 1 app.%1$s_cmp(%2$s, %2$s)', ty.name, ty.type, ty.mark, ty.dflt);
	END LOOP;
END $$;
CREATE DOMAIN app.move AS app.turn;
CREATE TABLE things (id int PRIMARY KEY, grp int, p app.turn, m app.move, ps app.turn[], s app.size, ss app.size[], g app.bag[], r app.reach, v varchar(9) COLLATE "C", t text COLLATE "C");
`

// ownColumns are the columns of ownSchema whose order is a user's.
var ownColumns = []string{"p", "m", "ps", "s", "ss", "g", "r", "v"}

// ownCases show of each group which rows are in it: which of equal values Postgres shows is its own choice.
func ownCases() []viewCase {
	var cases []viewCase
	add := func(name, query string) { cases = append(cases, viewCase{name: name, query: query}) }
	for _, c := range ownColumns {
		add("group_"+c, fmt.Sprintf(`SELECT count(*) AS n, array_agg(id ORDER BY id) AS ids FROM things GROUP BY %s`, c))
		add("distinct_"+c, fmt.Sprintf(`SELECT count(*) AS n, count(%[1]s) AS m FROM (SELECT DISTINCT %[1]s, grp FROM things) x`, c))
		add("count_"+c, fmt.Sprintf(`SELECT grp, count(DISTINCT %[1]s) AS n, cardinality(array_agg(DISTINCT ROW(%[1]s, 1))) AS m FROM things GROUP BY grp`, c))
		add("top_"+c, fmt.Sprintf(`SELECT id FROM things ORDER BY %s, id LIMIT 4`, c))
		add("top_desc_"+c, fmt.Sprintf(`SELECT id FROM things ORDER BY %s DESC NULLS LAST, id LIMIT 4`, c))
		add("top_row_"+c, fmt.Sprintf(`SELECT id FROM things ORDER BY ROW(%[1]s, grp), ARRAY[ROW(%[1]s)] DESC, id LIMIT 4`, c))
		add("ties_"+c, fmt.Sprintf(`SELECT id FROM things ORDER BY %s FETCH FIRST 2 ROWS WITH TIES`, c))
		add("distinct_on_"+c, fmt.Sprintf(`SELECT DISTINCT ON (%[1]s) id FROM things ORDER BY %[1]s, id`, c))
		add("distinct_on_rows_"+c, fmt.Sprintf(`SELECT DISTINCT ON (ROW(grp, %[1]s)) id FROM things ORDER BY ROW(grp, %[1]s), id DESC`, c))
		add("window_"+c, fmt.Sprintf(`SELECT id, rank() OVER (ORDER BY %[1]s) AS a, count(*) OVER (PARTITION BY %[1]s) AS b, sum(id) OVER (PARTITION BY grp ORDER BY %[1]s DESC) AS c, count(*) OVER (ORDER BY %[1]s GROUPS 1 PRECEDING) AS d FROM things`, c))
		add("sorted_"+c, fmt.Sprintf(`SELECT grp, array_agg(id ORDER BY %[1]s, id) AS a, ARRAY(SELECT y.id FROM things y WHERE y.grp = x.grp ORDER BY y.%[1]s DESC, y.id) AS b FROM things x GROUP BY grp`, c))
		add("union_"+c, fmt.Sprintf(`SELECT count(*) AS n FROM (SELECT %[1]s FROM things WHERE grp < 2 UNION SELECT %[1]s FROM things EXCEPT SELECT %[1]s FROM things WHERE grp = 2) x`, c))
		add("sets_"+c, fmt.Sprintf(`SELECT count(*) AS n, sum(id) AS s, GROUPING(%[1]s) AS g FROM things GROUP BY CUBE (%[1]s, grp)`, c))
		add("compared_"+c, fmt.Sprintf(`SELECT a.id, b.id AS other, a.%[1]s = b.%[1]s AS e, a.%[1]s < b.%[1]s AS l, greatest(a.%[1]s, b.%[1]s) IS NULL AS g, ROW(a.%[1]s, 1) = ROW(b.%[1]s, 1) AS r, ARRAY[a.%[1]s] <= ARRAY[b.%[1]s] AS o, a.%[1]s IS DISTINCT FROM b.%[1]s AS d FROM things a, things b WHERE a.grp = b.grp`, c))
		add("joined_"+c, fmt.Sprintf(`SELECT a.id, b.id AS other FROM things a JOIN things b ON a.%[1]s = b.%[1]s WHERE a.grp = 1`, c))
		add("in_"+c, fmt.Sprintf(`SELECT id FROM things a WHERE a.%[1]s IN (SELECT b.%[1]s FROM things b WHERE b.grp = 1) OR (a.%[1]s, a.id) IN (SELECT b.%[1]s, b.id FROM things b)`, c))
	}
	for _, c := range []string{"p", "s", "g", "r"} {
		add("own_equal_"+c, fmt.Sprintf(`SELECT a.id, b.id AS other FROM things a JOIN things b ON a.%[1]s OPERATOR(app.=#) b.%[1]s AND a.id < b.id`, c))
		add("own_less_"+c, fmt.Sprintf(`SELECT a.id, b.id AS other, a.%[1]s OPERATOR(app.<=#) b.%[1]s AS x FROM things a LEFT JOIN things b ON a.%[1]s OPERATOR(app.>#) b.%[1]s AND a.grp = b.grp`, c))
	}
	// The order, and what is equal in it, that a clause names is that of what it stands for.
	add("kind_s", `SELECT id FROM things ORDER BY s USING OPERATOR(pg_catalog.<), id LIMIT 4`)
	add("kind_most", `SELECT grp, max(s)::text AS a, min(g)::text AS b FROM things GROUP BY grp`)
	add("length_top", `SELECT id FROM things ORDER BY t USING OPERATOR(app.>#), id LIMIT 4`)
	add("length_on", `SELECT DISTINCT ON (t) id FROM things ORDER BY t USING OPERATOR(app.<#), id`)
	add("length_distinct", `SELECT count(*) AS n FROM (SELECT DISTINCT t FROM things ORDER BY t USING OPERATOR(app.<#)) x`)
	add("length_group", `SELECT count(*) AS n FROM things GROUP BY t ORDER BY t USING OPERATOR(app.<#)`)
	add("length_agg", `SELECT grp, cardinality(array_agg(DISTINCT t ORDER BY t USING OPERATOR(app.<#))) AS n, count(DISTINCT t) AS m FROM things GROUP BY grp`)
	add("length_window", `SELECT id, count(*) OVER (PARTITION BY t ORDER BY t USING OPERATOR(app.<#)) AS n FROM things`)
	return cases
}

// TestOrdersOfOnesOwn: values of which an operator class of a user's says what is equal and what is less.
func TestOrdersOfOnesOwn(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, ownSchema)
	var views []plan.View
	for _, c := range ownCases() {
		views = append(views, plan.View{Name: c.name, Query: c.query})
	}
	rnd := rand.New(rand.NewPCG(31, 32))
	r := newRig(t, dsn, views, rnd)
	r.check()
	for range 15 {
		for range 1 + rnd.IntN(20) {
			writeOwn(t, r.conn, rnd)
		}
		r.feed(3)
		r.check()
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
			t.Errorf("view %s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
		}
	}
}

// writeOwn changes a row at random.
func writeOwn(t testing.TB, conn *pgx.Conn, rnd *rand.Rand) {
	t.Helper()
	id := rnd.IntN(14)
	if rnd.IntN(4) == 0 {
		mustExec(t, conn, fmt.Sprintf(`DELETE FROM things WHERE id = %d`, id))
		return
	}
	pick := func(of string) string {
		all := strings.Split(of, "|")
		return all[rnd.IntN(len(all))]
	}
	turn := `NULL|(1,a,)|(1,B,"[1,2)")|(1,b,"[1.0,2)")|(2,a,)|(2,,)|(,x,)|(0,y,)|(,,)`
	size := `NULL|s|m|l|xl`
	list := func(of string) string {
		var l []string
		for range rnd.IntN(3) {
			if x := pick(of); x == "NULL" {
				l = append(l, x)
			} else {
				l = append(l, `"`+strings.ReplaceAll(x, `"`, `\"`)+`"`)
			}
		}
		return "{" + strings.Join(l, ",") + "}"
	}
	vals := []string{pick("0|1|2|NULL"), pick(turn), pick(turn), list(turn), pick(size), list(size), pick(`NULL|{}|{x}|{y}|{x,y}|{y,x}|{x,x,z}|{NULL}|{{x},{y}}`), pick(`NULL|empty|[1,5)|[2,5)|[1,4]|(,7)|[1,)`), pick(`NULL||a|B|b|ab|ba|abc`), pick(`NULL||a|B|b|ab|ba|abc`)}
	for i, v := range vals {
		if v != "NULL" {
			vals[i] = "'" + v + "'"
		}
	}
	row := strings.Join(vals, ", ")
	mustExec(t, conn, fmt.Sprintf(`INSERT INTO things VALUES (%d, %s) ON CONFLICT (id) DO UPDATE SET (grp, p, m, ps, s, ss, g, r, v, t) = (SELECT grp, p, m, ps, s, ss, g, r, v, t FROM (SELECT EXCLUDED.*) x)`, id, row))
}
