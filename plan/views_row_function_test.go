package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// rowFunctions are types some of whose attributes were dropped, at each place of them, and functions that return rows.
const rowFunctions = `
CREATE TYPE turn AS (gone int, a int, gone2 int, b text);
ALTER TYPE turn DROP ATTRIBUTE gone, DROP ATTRIBUTE gone2;
CREATE TYPE tail AS (a int, gone int, gone2 int);
ALTER TYPE tail DROP ATTRIBUTE gone, DROP ATTRIBUTE gone2;
CREATE TYPE nothing AS (gone int);
ALTER TYPE nothing DROP ATTRIBUTE gone;
CREATE TYPE span AS RANGE (subtype = timestamptz);
CREATE TYPE turns AS RANGE (subtype = turn);
CREATE FUNCTION several(anyarray) RETURNS SETOF anyelement LANGUAGE sql IMMUTABLE AS 'SELECT unnest($1)';
CREATE FUNCTION tails(int) RETURNS SETOF tail LANGUAGE sql IMMUTABLE AS 'SELECT ROW(i)::tail FROM generate_series(1, $1) i';
CREATE TABLE things (gone int, id int PRIMARY KEY, n int, ts timestamptz, t turn, ts_ turn[], l tail[], jb json[]);
ALTER TABLE things DROP gone;
`

// TestRowsOfFunctions: rows that functions return, in FROM and elsewhere, of types with dropped attributes and of none.
func TestRowsOfFunctions(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, rowFunctions)
	var views []plan.View
	for name, query := range map[string]string{
		"columns":        `SELECT x.id, e.a, e.b FROM things x, unnest(ts_) AS e`,
		"row":            `SELECT x.id, e::text AS a, to_json(e) AS b, e AS c FROM things x, unnest(ts_) AS e`,
		"row_renamed":    `SELECT x.id, to_json(e) AS a FROM things x LEFT JOIN unnest(ts_) AS e(k, l) ON true`,
		"row_numbered":   `SELECT x.id, e::text AS a, to_json(e) AS b FROM things x, unnest(ts_) WITH ORDINALITY AS e`,
		"row_beside":     `SELECT x.id, to_json(e) AS a FROM things x, ROWS FROM (unnest(ts_), generate_series(1, 2)) AS e`,
		"row_filled":     `SELECT x.id, to_json(e) AS a FROM things x, json_populate_record(t, '{"a": 2}') AS e`,
		"row_of_join":    `SELECT to_json(u) AS a FROM ((SELECT id, ts_ FROM things) x CROSS JOIN unnest(ts_) AS e(k, l)) AS u`,
		"row_of_table":   `SELECT to_json(x) AS a, (x.t).b FROM things x`,
		"tail":           `SELECT x.id, e.* FROM things x, unnest(l) AS e`,
		"tail_numbered":  `SELECT x.id, e.a, e.ordinality FROM things x, unnest(l) WITH ORDINALITY AS e`,
		"tail_beside":    `SELECT x.id, e.*, to_json(e) AS j FROM things x, ROWS FROM (unnest(l), generate_series(1, 3)) WITH ORDINALITY AS e`,
		"tail_twice":     `SELECT x.id, e.*, to_json(e) AS j FROM things x, ROWS FROM (generate_series(4, 4 + n), unnest(l), tails(n)) WITH ORDINALITY AS e(k, l, m, o)`,
		"tail_left":      `SELECT x.id, to_json(e) AS j FROM things x LEFT JOIN unnest(l) AS e ON e.a > 2`,
		"tail_asked":     `SELECT x.id, e.* FROM things x, tails(n) WITH ORDINALITY AS e`,
		"nothing":        `SELECT x.id, e.*, to_json(e) AS j FROM things x, unnest(ARRAY[ROW()::nothing, NULL]) WITH ORDINALITY AS e`,
		"target":         `SELECT id, several(ts_) AS a, several(ARRAY[n, NULL]) AS b FROM things`,
		"target_records": `SELECT id, several(ARRAY[ROW(id, n), NULL])::text AS a FROM things`,
		"target_named":   `SELECT x.id, to_json(several((ARRAY[ROW(1, 2), x])[1:x.n])) AS a FROM (SELECT id, n FROM things) x`,
		"target_arrays":  `SELECT id, several(ARRAY[ts_[1:1], NULL])::text AS a, several(jb)::text AS b FROM things`,
		"target_nulls":   `SELECT id, (several(ts_)).a AS a, several(ts_) IS NULL AS b FROM things`,
		"range_text":     `SELECT id, span(ts, ts, '[]')::text AS a, to_json(span(ts, NULL)) AS b, ('[' || coalesce(ts::text, '') || ',)')::span AS c, turns(t, t, '[]')::text AS d, span_multirange(span(ts, NULL))::text AS e FROM things`,
	} {
		views = append(views, plan.View{Name: "rows_" + name, Query: query})
	}
	rnd := rand.New(rand.NewPCG(7, 9))
	r := newRig(t, dsn, views, rnd)
	r.check()
	of := func(values ...string) string { return values[rnd.IntN(len(values))] }
	for range 30 {
		id := rnd.IntN(6)
		mustExec(t, conn, fmt.Sprintf("DELETE FROM things WHERE id = %d", id))
		if rnd.IntN(4) > 0 {
			turns := []string{"NULL", "'(,)'", "'(1,)'", "'(2,x)'"}
			mustExec(t, conn, fmt.Sprintf("INSERT INTO things VALUES (%d, %s, %s, %s, %s, %s, %s)", id, of("NULL", "0", "1", "2"), of("NULL", "'2024-01-01'", "'infinity'"), of(turns...),
				of("NULL", "'{}'", fmt.Sprintf("ARRAY[%s, %s]::turn[]", of(turns...), of(turns...))), of("NULL", "'{}'", "ARRAY[NULL, ROW(3)]::tail[]", "ARRAY[ROW(1)]::tail[]"), of("NULL", "'{}'", `ARRAY['{"a": 1}', NULL]::json[]`)))
		}
		r.feed(2)
		r.check()
	}
	for _, v := range views {
		if r.filled[v.Name] == 0 || len(r.missed[v.Name]) > 0 {
			t.Errorf("view %s had %d rows, and missed %v", v.Name, r.filled[v.Name], r.missed[v.Name])
		}
	}
}
