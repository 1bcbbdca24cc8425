package plan_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// localeCases depend on the locale of the database, or name one of the C library's.
var localeCases = []viewCase{
	{name: "cases", query: `SELECT id, upper(w) AS a, lower(w) AS b, initcap(w) AS c, upper(b) AS d, lower(n::text) AS e, upper(w COLLATE "C") AS f, lower(w COLLATE app.turkish) AS g, upper(w COLLATE app.german) AS h, initcap(v) AS i FROM words`},
	{name: "cases_grouped", query: `SELECT lower(w) AS w, count(*) AS n, max(v) AS v FROM words GROUP BY 1`},
	{name: "cases_distinct", query: `SELECT DISTINCT upper(w) AS w FROM words`},
	{name: "cases_joined", query: `SELECT a.id, b.id AS other FROM words a JOIN words b ON lower(a.w) = lower(b.v)`},
	{name: "cases_constant", query: `SELECT id FROM words WHERE lower(w) = lower('I') OR upper(v) = upper('i') OR w = initcap('ıi')`},
	{name: "like", query: `SELECT id, w LIKE 'a%' AS a, w LIKE '%i_' AS b, w LIKE v AS c, w NOT LIKE 'I%' AS d, b LIKE 'b%' AS e, n LIKE '%Z' AS f, w LIKE '%\\%' ESCAPE '#' AS g FROM words`},
	{name: "ilike", query: `SELECT id, w ILIKE 'I%' AS a, w ILIKE '%i' AS b, w ILIKE v AS c, w NOT ILIKE '%É%' AS d, b ILIKE 'B%' AS e, n ILIKE 'ß%' AS f, w ILIKE 'i%' COLLATE "C" AS g, w ILIKE '%ı' COLLATE app.turkish AS h FROM words`},
	{name: "ilike_filter", query: `SELECT id, w FROM words WHERE w ILIKE '%i%' AND v NOT ILIKE 'Z_'`},
	{name: "regexes", query: `SELECT id, w ~ '^[a-z]' AS a, w ~* '^[i-z]' AS b, w ~ '[[:alpha:]]$' AS c, w ~ '\w\W' AS d, regexp_replace(w, '[[:upper:]]', '<\&>', 'g') AS e, regexp_match(v, 'i', 'i') AS f, w ~* 'I' COLLATE app.turkish AS g, w SIMILAR TO '(a|i)%' AS h, w !~ '[[:punct:][:space:]]' AS i, substring(w FROM '[[:lower:]]+') AS j FROM words`},
	{name: "compare", query: `SELECT id, w < v AS a, w <= 'i' AS b, w > 'Z' AS c, w BETWEEN 'a' AND 'n' AS d, v NOT BETWEEN w AND 'z' AS e, b < w AS f, w < ANY (tags) AS g, (w, v) < (v, w) AS h, w ~<~ v AS i, w ~>=~ 'a' AS j, greatest(w, v, 'i') AS k, least(w, v) AS l, w < v COLLATE "C" AS m, w < v COLLATE app.german AS o, b > 'a ' AS p, n < w AS q, tags < ARRAY[w] AS r FROM words`},
	{name: "compare_equal", query: `SELECT id, w = v AS a, w <> lower(w) AS b, w IS DISTINCT FROM v AS c, b = w AS d, w IN ('a', v, 'I') AS e, nullif(w, upper(w)) AS f, CASE w WHEN v THEN 1 WHEN 'a' THEN 2 END AS g FROM words`},
	{name: "compare_filter", query: `SELECT id, w FROM words WHERE w >= 'b' AND w < 'n'`},
	{name: "compare_between", query: `SELECT id FROM words WHERE w BETWEEN 'A' AND 'z' OR v > 'é'`},
	{name: "compare_join", query: `SELECT a.id, b.id AS other FROM words a JOIN words b ON a.grp = b.id AND a.w < b.w`},
	{name: "compare_range_join", query: `SELECT a.id, count(b.id) AS n FROM words a LEFT JOIN words b ON b.w BETWEEN a.v AND a.w GROUP BY a.id`},
	{name: "compare_sub", query: `SELECT id FROM words a WHERE w > ALL (SELECT v FROM words b WHERE b.grp = a.grp AND b.id <> a.id) AND w IS NOT NULL`},
	{name: "ordered", query: `SELECT id, w FROM words ORDER BY w, id LIMIT 5`},
	{name: "ordered_desc", query: `SELECT id, v FROM words ORDER BY v COLLATE "default" DESC NULLS LAST, id OFFSET 2 LIMIT 5`},
	{name: "ordered_turkish", query: `SELECT id, w FROM words ORDER BY w COLLATE app.turkish, id LIMIT 5`},
	{name: "ordered_german", query: `SELECT id, w FROM words ORDER BY w COLLATE app.german DESC, id FETCH FIRST 3 ROWS WITH TIES`},
	{name: "ordered_char", query: `SELECT id, b FROM words ORDER BY b COLLATE "default", id LIMIT 4`},
	{name: "ordered_expression", query: `SELECT id FROM words ORDER BY upper(w), lower(v) DESC, id LIMIT 4`},
	{name: "extreme", query: `SELECT grp, min(w) AS a, max(w) AS b, min(lower(w)) AS c, max(b COLLATE "default") AS d, min(n COLLATE "default") AS e, max(v COLLATE app.german) AS f, min(tags COLLATE "default") AS g FROM words GROUP BY grp`, loose: true},
	{name: "extreme_window", query: `SELECT id, max(w) OVER (PARTITION BY grp) AS a, min(w) OVER (ORDER BY id ROWS 2 PRECEDING) AS b, rank() OVER (ORDER BY w) AS c, dense_rank() OVER (ORDER BY b COLLATE "default" DESC) AS d, lag(w) OVER (ORDER BY w, id) AS e FROM words`},
	{name: "listed", query: `SELECT grp, string_agg(w, ',' ORDER BY w, id) AS a, array_agg(DISTINCT v ORDER BY v DESC) AS b, percentile_disc(0.5) WITHIN GROUP (ORDER BY w) AS c, mode() WITHIN GROUP (ORDER BY lower(w)) AS d, rank('i') WITHIN GROUP (ORDER BY w) AS e FROM words GROUP BY grp`},
	{name: "distinct_first", query: `SELECT DISTINCT ON (lower(w)) lower(w) AS l, id, w FROM words ORDER BY lower(w), w DESC, id`},
	{name: "grouped", query: `SELECT w, b, count(*) AS n FROM words GROUP BY w, b HAVING max(v) > 'i'`},
	{name: "merged", query: `SELECT w FROM words UNION SELECT v FROM words WHERE v < 'o' EXCEPT SELECT initcap(w) FROM words ORDER BY 1 LIMIT 8`},
	{name: "closure_text", query: `WITH RECURSIVE t AS (SELECT id, w FROM words WHERE grp = 1 UNION SELECT a.id, a.w FROM t JOIN words a ON a.w > t.w AND a.id = t.id + 1) SELECT id, w FROM t`},
	{name: "texts", query: `SELECT id, position('i' in w) AS a, replace(w, 'I', 'i') AS b, translate(w, 'iI', 'ıİ') AS c, split_part(w, 'i', 1) AS d, trim(both 'iI' from w) AS e, starts_with(w, 'i') AS f, reverse(w) AS g, ascii(w) AS h, w || lower(v) AS i, quote_ident(w) AS j, format('%I', v) AS k, to_tsvector('simple', w) AS l, lpad(upper(w), 4, 'ı') AS m FROM words`},
	{name: "numbers_shown", query: `SELECT id, to_char(id * 1000.5, 'FM9G999D00') AS a, to_char(id, 'L999') AS b, m AS c, to_char(date '2024-05-01' + id, 'TMMonth TMDay') AS e FROM words`},
}

// TestLocalesOfTheCLibrary runs localeCases and collateCases in databases whose own
// locale is one of glibc's: its order is not that of bytes, and in Turkish i is not
// the lower case of I. Such locales are compiled into a folder for the server.
func TestLocalesOfTheCLibrary(t *testing.T) {
	dir, err := os.MkdirTemp("", "stepping-locales-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // the server may run as somebody else
		t.Fatal(err)
	}
	if _, err := os.Stat("/usr/share/i18n/locales/tr_TR"); err != nil { // the package that has them brings locale-gen
		if _, err := embedded.Program(t.Context(), "locales", []string{"locale-gen"}, os.Stderr); err != nil {
			t.Fatal(err)
		}
	}
	for _, locale := range []string{"de_DE", "tr_TR"} {
		// Exit status 1 is for warnings: judge by what is there.
		out, err := exec.CommandContext(t.Context(), "localedef", "-i", locale, "-f", "UTF-8", filepath.Join(dir, locale+".UTF-8")).CombinedOutput()
		if _, missing := os.Stat(filepath.Join(dir, locale+".UTF-8", "LC_COLLATE")); missing != nil {
			t.Fatalf("compile locale %s: %v\n%s", locale, err, out)
		}
	}
	t.Setenv("LOCPATH", dir)
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{"lc_monetary": "C", "max_connections": "50"}})
	for _, locale := range []string{"de_DE.UTF-8", "tr_TR.UTF-8"} {
		t.Run(locale, func(t *testing.T) {
			dsn := srv.NewDB(t)
			name := strings.ToLower(locale[:2]) + "_locale"
			mustExec(t, connect(t, dsn), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LOCALE '"+locale+"'")
			cfg, err := pgx.ParseConfig(dsn)
			if err != nil {
				t.Fatal(err)
			}
			dsn = strings.Replace(dsn, "/"+cfg.Database, "/"+name, 1)
			mustExec(t, connect(t, dsn), collateSchema+`
				CREATE COLLATION app.turkish (provider = libc, locale = 'tr_TR.UTF-8'); CREATE COLLATION app.german (provider = libc, locale = 'de_DE.UTF-8');`)
			views, loose := caseViews(append(localeCases[:len(localeCases):len(localeCases)], collateCases...))
			rnd := rand.New(rand.NewPCG(21, 22))
			r := newRig(t, dsn, views, rnd)
			r.loose = loose
			r.check()
			for range 40 {
				for range 1 + rnd.IntN(20) {
					writeWords(t, r.conn, rnd, 30)
				}
				r.feed(3)
				r.check()
			}
			for _, v := range views {
				if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
					t.Errorf("view %s: compared %d times, %d rows", v.Name, r.agreed[v.Name], r.filled[v.Name])
				}
			}
		})
	}
}
