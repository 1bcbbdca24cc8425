package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/remote"
)

const collateSchema = `
CREATE SCHEMA app;
CREATE COLLATION app.digits (provider = icu, locale = 'und-u-kn-true');
CREATE COLLATION app.shifted (provider = icu, locale = 'und-u-ka-shifted');
CREATE COLLATION app.upper (provider = icu, locale = 'de-u-kf-upper');
CREATE COLLATION app.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE DOMAIN app.title AS text COLLATE app.digits CHECK (length(VALUE) < 400);
CREATE TABLE words (id int PRIMARY KEY, grp int, w text, v varchar(300) COLLATE "de-x-icu", b char(6) COLLATE "en-US-x-icu", n name,
	d app.title, tags text[], j jsonb, ip inet, r numrange, m money);
`

// collateCases are sorted by what only Postgres can sort. Those that show one of
// several equal values are loose.
var collateCases = []viewCase{
	{name: "explicit_arrays_join", query: `SELECT a.id, b.id AS other FROM words a JOIN words b ON a.tags = b.tags COLLATE app.loose WHERE a.id < b.id`},
	{name: "explicit_arrays", query: `SELECT id, tags && ARRAY['a', 'B'] COLLATE app.loose AS o, tags @> ARRAY['A'] COLLATE app.loose AS c, tags < ARRAY['b'] COLLATE "en-US-x-icu" AS l, tags <> ARRAY['A', 'b'] COLLATE app.loose AS ne, array_position(tags, 'B' COLLATE app.loose) AS p FROM words`},
	{name: "explicit_arrays_distinct", query: `SELECT id FROM words WHERE tags IS NOT DISTINCT FROM ARRAY['A'] COLLATE app.loose OR (w, tags) = ('B' COLLATE app.loose, ARRAY['b'] COLLATE app.loose) OR tags <= ALL (SELECT tags COLLATE app.loose FROM words WHERE tags IS NOT NULL)`},
	{name: "explicit_nullif", query: `SELECT id, nullif(w COLLATE app.loose, 'A') AS a, nullif(w, 'b' COLLATE app.loose) AS b, nullif(tags, ARRAY['A'] COLLATE app.loose) AS t, nullif(b COLLATE app.loose, 'B') AS c FROM words`},
	{name: "top_en", query: `SELECT id, w FROM words ORDER BY w COLLATE "en-US-x-icu", id LIMIT 5`},
	{name: "top_default", query: `SELECT id, w FROM words ORDER BY w, id LIMIT 4`},
	{name: "top_shared", query: `SELECT id, w FROM words ORDER BY w COLLATE "en-US-x-icu" DESC, id DESC LIMIT 6`},
	{name: "top_nulls_first", query: `SELECT id FROM words ORDER BY v NULLS FIRST, id LIMIT 6`},
	{name: "top_nulls_last", query: `SELECT id FROM words ORDER BY w COLLATE app.shifted DESC NULLS LAST, id OFFSET 1 LIMIT 6`},
	{name: "top_offset", query: `SELECT id, v FROM words ORDER BY v, id OFFSET 5`},
	{name: "top_ties", query: `SELECT id, b FROM words ORDER BY b FETCH FIRST 3 ROWS WITH TIES`},
	{name: "top_ties_loose", query: `SELECT id FROM words ORDER BY w COLLATE app.loose DESC NULLS LAST FETCH FIRST 2 ROWS WITH TIES`},
	{name: "top_name", query: `SELECT id FROM words ORDER BY n COLLATE "en-US-x-icu" DESC, id LIMIT 5`},
	{name: "top_domain", query: `SELECT id, d FROM words ORDER BY d, id LIMIT 5`},
	{name: "top_expression", query: `SELECT id FROM words ORDER BY lower(w) COLLATE app.upper, v || '-' || grp, id LIMIT 5`},
	{name: "top_remote", query: `SELECT id FROM words ORDER BY initcap(v), id LIMIT 5`},
	{name: "top_groups", query: `SELECT w COLLATE "de-x-icu" AS w, count(*) AS n FROM words GROUP BY 1 ORDER BY 1 DESC LIMIT 3`},
	// A column that is grouped by, read under another collation or type than its own.
	{name: "grouped_loose", query: `SELECT w, count(*) AS n FROM words GROUP BY w HAVING w COLLATE app.loose IN ('a', 'B', max(v))`},
	{name: "grouped_loose_key", query: `SELECT id, w COLLATE app.loose = v COLLATE app.loose AS a, w COLLATE app.loose <> 'A' AS b, w COLLATE app.shifted < v AS c FROM words GROUP BY id HAVING w COLLATE app.loose IN (v, 'A') OR w COLLATE "de-x-icu" > v`},
	{name: "grouped_orders", query: `SELECT v, min(id) AS id, v COLLATE app.digits < 'b' COLLATE app.digits AS a, v::text COLLATE "C" < 'b' AS b, upper(v COLLATE "de-x-icu") AS c FROM words GROUP BY v`},
	{name: "grouped_expression", query: `SELECT w || v AS x, (w || v) COLLATE app.loose = 'AB' AS a, CASE (w || v) COLLATE app.loose WHEN 'a' THEN 1 END AS b, count(*) FILTER (WHERE w COLLATE app.loose = 'a') AS n FROM words GROUP BY w || v`},
	{name: "grouped_sets", query: `SELECT w, v, grouping(w, v) AS g, count(*) AS n FROM words GROUP BY ROLLUP (w, v) HAVING w COLLATE app.loose = 'a' OR v COLLATE app.loose <= 'b'`},
	{name: "grouped_ordered", query: `SELECT v FROM words GROUP BY v ORDER BY v COLLATE app.upper DESC, v LIMIT 4`},
	{name: "top_distinct", query: `SELECT DISTINCT v FROM words ORDER BY v LIMIT 4`},
	{name: "top_union", query: `SELECT w COLLATE app.digits AS x FROM words UNION SELECT d FROM words ORDER BY 1 LIMIT 7`},
	// Of columns of two collations, the one that is not the database's own is the result's.
	{name: "mixed_union", query: `SELECT w FROM words UNION SELECT d FROM words ORDER BY 1 LIMIT 7`},
	{name: "mixed_union_all", query: `SELECT w, id FROM words WHERE grp = 1 UNION ALL SELECT d, id FROM words ORDER BY 1, 2 LIMIT 7`},
	{name: "mixed_except", query: `SELECT w FROM words EXCEPT SELECT d FROM words ORDER BY 1 DESC LIMIT 5`},
	{name: "mixed_intersect", query: `SELECT x FROM (SELECT w AS x FROM words INTERSECT SELECT d FROM words) t ORDER BY x LIMIT 5`},
	{name: "mixed_extreme", query: `SELECT max(x) AS a, min(x) AS b FROM (SELECT w AS x FROM words UNION ALL SELECT d FROM words) t`},
	{name: "mixed_rank", query: `SELECT x, rank() OVER (ORDER BY x) AS n FROM (SELECT w AS x FROM words UNION SELECT d FROM words) t`},
	{name: "mixed_compare", query: `SELECT x FROM (SELECT w AS x FROM words UNION ALL SELECT d FROM words) t WHERE x < 'n' ORDER BY x LIMIT 9`},
	{name: "mixed_values", query: `SELECT a.id, (SELECT max(x) FROM (VALUES (a.w), (a.d)) t(x)) AS m FROM words a`},
	{name: "mixed_values_top", query: `SELECT a.id, b.x FROM words a, LATERAL (SELECT x FROM (VALUES (a.w), (a.d), ('n')) t(x) ORDER BY x LIMIT 1) b`},
	{name: "mixed_case", query: `SELECT max(CASE WHEN grp = 1 THEN w ELSE d END) AS a, max(coalesce(w, d)) AS b, min(nullif(d, w)) AS c, max(greatest(w, d)) AS d, max(ARRAY[w, d]) AS e, min(w || d) AS f FROM words`},
	{name: "mixed_case_top", query: `SELECT id FROM words ORDER BY CASE WHEN grp = 1 THEN w ELSE d END, id LIMIT 5`},
	{name: "mixed_cte", query: `WITH t AS (SELECT w AS x FROM words UNION SELECT d FROM words) SELECT x FROM t ORDER BY x LIMIT 6`},
	{name: "mixed_loose", query: `SELECT count(*) AS n, max(length(x)) > 0 AS m FROM (SELECT DISTINCT lower(w) AS x FROM words UNION SELECT lower(d) FROM words) t WHERE x < 'k' COLLATE app.loose`},
	{name: "mixed_join", query: `SELECT w, count(*) AS n FROM (SELECT w FROM words) a FULL JOIN (SELECT d AS w FROM words) b USING (w) GROUP BY w ORDER BY w LIMIT 6`},
	{name: "top_nested", query: `SELECT t.id, s.w FROM (SELECT id FROM words ORDER BY w COLLATE app.upper, id LIMIT 5) t JOIN words s ON s.id = t.id + 1`},
	{name: "top_scalar", query: `SELECT a.id, (SELECT b.id FROM words b WHERE b.grp = a.grp ORDER BY b.v DESC NULLS LAST, b.id LIMIT 1) AS last FROM words a`},
	{name: "top_lateral", query: `SELECT a.id, b.w FROM words a, LATERAL (SELECT w FROM words x WHERE x.grp = a.id ORDER BY x.w COLLATE app.digits, x.id LIMIT 2) b`},
	{name: "top_using", query: `SELECT id FROM words ORDER BY w COLLATE "en-US-x-icu" USING >, v USING ~<~, id LIMIT 6`},
	{name: "top_some", query: `SELECT id FROM words ORDER BY w COLLATE app.digits DESC, id LIMIT (SELECT count(*) / 2 FROM words WHERE grp = 1)`},
	{name: "top_some_lateral", query: `SELECT a.id, b.v FROM words a, LATERAL (SELECT v FROM words x WHERE x.grp = a.grp ORDER BY x.v DESC, x.id LIMIT a.grp) b`},
	{name: "distinct_on", query: `SELECT DISTINCT ON (grp) grp, id, w FROM words ORDER BY grp, w COLLATE app.digits DESC, id`},
	{name: "distinct_on_text", query: `SELECT DISTINCT ON (v) v, id FROM words ORDER BY v, d, id`},
	{name: "distinct_on_limit", query: `SELECT DISTINCT ON (grp) grp, id FROM words ORDER BY grp DESC, v, id LIMIT 2`},
	{name: "row_number", query: `SELECT id, row_number() OVER (PARTITION BY grp ORDER BY w COLLATE "en-US-x-icu", id) AS n FROM words`},
	{name: "ranks", query: `SELECT id, rank() OVER (ORDER BY v) AS a, dense_rank() OVER (PARTITION BY grp % 2 ORDER BY b DESC) AS b, cume_dist() OVER (ORDER BY w COLLATE app.shifted) AS c, ntile(3) OVER (ORDER BY d, id) AS e FROM words`},
	{name: "ranks_loose", query: `SELECT id, dense_rank() OVER (ORDER BY w COLLATE app.loose) AS a, count(*) OVER (ORDER BY v COLLATE app.loose DESC) AS b FROM words`},
	{name: "neighbours", query: `SELECT id, lag(w) OVER o AS a, lead(id, 2) OVER o AS b, first_value(v) OVER o AS c, nth_value(id, 2) OVER (ORDER BY v, id ROWS 3 PRECEDING) AS e FROM words WINDOW o AS (PARTITION BY grp ORDER BY w COLLATE "de-x-icu" DESC, id)`},
	{name: "frames", query: `SELECT id, sum(id) OVER (ORDER BY v) AS a, sum(id) OVER (ORDER BY b GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) AS b, array_agg(id) OVER (PARTITION BY grp ORDER BY d, id) AS c FROM words`},
	{name: "window_extremes", query: `SELECT id, max(w COLLATE "en-US-x-icu") OVER (PARTITION BY grp) AS a, min(v) OVER (ORDER BY id ROWS 2 PRECEDING) AS b, max(d) FILTER (WHERE grp > 1) OVER (ORDER BY id) AS c FROM words`},
	{name: "window_error", query: `SELECT id, ntile(grp) OVER (ORDER BY v, id) AS a FROM words WHERE id < 4`},
	{name: "window_top", query: `SELECT id, grp FROM (SELECT id, grp, row_number() OVER (PARTITION BY grp ORDER BY w COLLATE "en-US-x-icu" DESC NULLS LAST, id) AS n FROM words) x WHERE n <= 2`},
	{name: "extremes", query: `SELECT grp, min(w COLLATE "en-US-x-icu") AS a, max(w COLLATE app.digits) AS b, min(v) FILTER (WHERE id > 3) AS c, max(DISTINCT d) AS e, max(w) AS f, count(*) AS n FROM words GROUP BY grp`},
	{name: "extremes_global", query: `SELECT min(v) AS a, max(v || w COLLATE app.upper) AS b, max(ip) AS c, min(tags COLLATE "de-x-icu") AS e FROM words`},
	{name: "extremes_loose", query: `SELECT grp, max(b) AS a, min(m) AS b FROM words GROUP BY grp`},
	{name: "joined_nested", query: `SELECT a.id, b.id AS b FROM words b JOIN words a ON upper(CASE WHEN a.w COLLATE app.loose < a.v THEN a.w ELSE a.v END) < b.w COLLATE app.loose`},
	{name: "extreme_equal", query: `SELECT grp, lower(max(w COLLATE app.loose)) = lower(max(w COLLATE app.loose)) AS a FROM words GROUP BY grp`},
	{name: "arrays", query: `SELECT grp, array_agg(w ORDER BY w COLLATE "en-US-x-icu", id) AS a, string_agg(DISTINCT v, ',' ORDER BY v) AS b, array_agg(id ORDER BY d DESC NULLS LAST, w COLLATE app.shifted, id) AS c, array_agg(DISTINCT v ORDER BY v DESC) AS e FROM words GROUP BY grp`},
	{name: "array_sub", query: `SELECT a.id, ARRAY(SELECT b.v FROM words b WHERE b.grp = a.id ORDER BY b.v DESC, b.id) AS vs FROM words a`},
	{name: "other_types", query: `SELECT id, rank() OVER (ORDER BY ip) AS a, rank() OVER (ORDER BY r DESC) AS b, rank() OVER (ORDER BY j) AS c, rank() OVER (ORDER BY m) AS e, rank() OVER (ORDER BY tags COLLATE app.digits) AS f FROM words`},
	{name: "other_top", query: `SELECT id, r FROM words ORDER BY r DESC NULLS LAST, ip, j, id LIMIT 4`},
	{name: "in_a_loop", query: `WITH RECURSIVE t AS (SELECT id, w, 0 AS k FROM words WHERE grp = 1 UNION ALL
		SELECT x.id, x.w, x.k + 1 FROM (SELECT id, w, k, rank() OVER (ORDER BY w COLLATE "en-US-x-icu", id) AS n FROM t) x WHERE x.n <= 4 - x.k AND x.k < 3) SELECT id, w, k FROM t`},
}

// nasty is text that collations sort in ways of their own.
func nasty(rnd *rand.Rand) *string {
	parts := []string{"a", "A", "b", "B", "c", "z", "Z", "ä", "a\u0308", "é", "e\u0301", "É", "ß", "ss", "ø", "o", "ñ", "n", "ı", "I", "i", "İ",
		"0", "1", "2", "10", "9", "09", " ", "  ", "-", "_", ".", ",", "'", `\`, "\t", "\u00a0", "\u200b", "\u00ad", "😀", "👩\u200d💻", "日本", "日", "\u0301", "\U0001F1E9\U0001F1EA", "Œ", "oe", "١", "Ⅳ"}
	switch rnd.IntN(12) {
	case 0:
		return nil
	case 1:
		s := ""
		return &s
	}
	var s strings.Builder
	for range 1 + rnd.IntN(4) {
		s.WriteString(parts[rnd.IntN(len(parts))])
	}
	out := s.String()
	if rnd.IntN(20) == 0 {
		out = strings.Repeat(out, 10)
	}
	return &out
}

// writeWords changes some rows at random.
func writeWords(t testing.TB, conn *pgx.Conn, rnd *rand.Rand, ids int) {
	t.Helper()
	short := func(n int) *string {
		s := nasty(rnd)
		if s != nil {
			if r := []rune(*s); len(r) > n {
				*s = string(r[:n])
			}
		}
		return s
	}
	pick := func(vals ...any) any { return vals[rnd.IntN(len(vals))] }
	id := rnd.IntN(ids)
	sql, args := "", []any(nil)
	switch n := rnd.IntN(40); {
	case n == 0:
		sql = "TRUNCATE words"
	case n < 8:
		sql, args = "DELETE FROM words WHERE id = $1", []any{id}
	case n < 14:
		sql, args = "UPDATE words SET w = $2, v = $3 WHERE id = $1", []any{id, nasty(rnd), nasty(rnd)}
	case n < 16:
		sql, args = "UPDATE words SET w = upper(w), v = v || ' ', b = upper(b), d = w WHERE grp = $1", []any{id % 4}
	default:
		sql = `INSERT INTO words VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10::text::inet, $11::text::numrange, $12::text::money) ON CONFLICT (id) DO UPDATE
			SET grp = EXCLUDED.grp, w = EXCLUDED.w, v = EXCLUDED.v, b = EXCLUDED.b, n = EXCLUDED.n, d = EXCLUDED.d, tags = EXCLUDED.tags, j = EXCLUDED.j, ip = EXCLUDED.ip, r = EXCLUDED.r, m = EXCLUDED.m`
		var doc any
		if s := nasty(rnd); s != nil {
			doc = pick(`1.0`, `1.00`, `{"a": 2}`, `[]`, "null", nil, fmt.Sprintf(`{"k": %q}`, strings.ReplaceAll(*s, `\`, "")), `"`+strings.NewReplacer(`\`, "", "\t", "").Replace(*s)+`"`)
		}
		args = []any{id, rnd.IntN(4), nasty(rnd), nasty(rnd), short(6), short(12), nasty(rnd), []*string{nasty(rnd), nasty(rnd)}[:rnd.IntN(3)], doc,
			pick(nil, "10.0.0.1", "10.0.0.0/8", "::1", "10.0.0.1/8", "192.168.1.1"),
			pick(nil, "empty", "[1,3)", "[1.0,3)", "(,5]", "[2,)", "[1,3]"), pick(nil, "1", "-2", "10", "9")}
	}
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil && !strings.Contains(err.Error(), "check constraint") {
		t.Fatalf("%v\n%s %v", err, sql, args)
	}
}

// collateDB is a database whose own collation is ICU's, where there can be such.
func collateDB(t testing.TB) string {
	t.Helper()
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version >= 150000 {
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		name := cfg.Database + "_icu"
		mustExec(t, conn, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'")
		t.Cleanup(func() {
			conn, err := pgx.ConnectConfig(context.Background(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
		dsn = strings.Replace(dsn, "/"+cfg.Database, "/"+name, 1)
	}
	mustExec(t, connect(t, dsn), collateSchema)
	return dsn
}

// restart builds the circuit anew over its state.
func (r *rig) restart(dsn string, settings plan.Settings) {
	r.t.Helper()
	eval := remote.New(dsn, settings)
	r.t.Cleanup(func() { _ = eval.Close(context.Background()) })
	r.prog = plan.Compile(r.prog.Views, eval)
	var err error
	if r.circuit, err = r.prog.Builder.Build(r.store, []byte("v")); err != nil {
		r.t.Fatal(err)
	}
}

// TestCollationsEqualPostgres runs the views of collateCases over random writes of
// nasty text, with restarts, and then the same by another path.
func TestCollationsEqualPostgres(t *testing.T) {
	dsn := collateDB(t)
	views, loose := caseViews(collateCases)
	rnd := rand.New(rand.NewPCG(11, 12))
	r := newRig(t, dsn, views, rnd)
	r.loose = loose
	r.check()
	settings := analyze(t, dsn, views).Settings
	for round := range 60 {
		for range 1 + rnd.IntN(20) {
			writeWords(t, r.conn, rnd, 30)
		}
		r.feed(3)
		r.check()
		if round%15 == 14 {
			r.restart(dsn, settings)
		}
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
			t.Errorf("view %s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
		}
	}
	if r.failed["window_error"] == 0 {
		t.Error("view window_error never had an error in its data")
	}
	short := newRig(t, dsn, views, rnd)
	short.feed(1)
	r.sameAs(short)
}
