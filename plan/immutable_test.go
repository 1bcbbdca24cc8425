package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// instances are the types that a polymorphic argument is tried with.
var instances = strings.NewReplacer(
	"anycompatiblemultirange", "int4multirange", "anycompatiblerange", "int4range", "anycompatiblearray", "_int4", "anycompatiblenonarray", "int4", "anycompatible", "int4",
	"anymultirange", "int4multirange", "anyrange", "int4range", "anyarray", "_int4", "anynonarray", "int4", "anyelement", "int4", "anyenum", "mood", `any`, "int4",
)

// TestImmutableFunctions: a call of every immutable function and of every aggregate
// that the server has, with columns as arguments, is planned: natively, or for Postgres
// to evaluate. Left out are those that no query can call, as they have arguments of
// type internal or cstring, and aggregates WITHIN GROUP. What returns rows stands in
// FROM; aggregates are called over windows, too.
func TestImmutableFunctions(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE SCHEMA stepping`)
	rows, err := conn.Query(t.Context(), `
		SELECT p.proname, p.proretset OR p.proallargtypes IS NOT NULL, p.prokind = 'a', p.provariadic > 0 AND p.provariadic <> '"any"'::regtype, coalesce((SELECT array_agg(ty.typname::text ORDER BY a.n) FROM unnest(p.proargtypes) WITH ORDINALITY a(oid, n) JOIN pg_type ty ON ty.oid = a.oid), '{}')
		FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile = 'i'
			AND (p.prokind = 'f' OR p.prokind = 'a' AND p.pronargs > 0 AND (SELECT aggkind FROM pg_aggregate WHERE aggfnoid = p.oid) = 'n')
			AND (r.typtype <> 'p' OR r.typname LIKE 'any%' OR r.typname = 'record')
			AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type ty ON ty.oid = a WHERE ty.typtype = 'p' AND ty.typname NOT LIKE 'any%' OR ty.typname = '_cstring')
		ORDER BY p.proname, p.oid`)
	if err != nil {
		t.Fatal(err)
	}
	var views []plan.View
	signatures := map[string]string{}
	types := map[string]bool{}
	var name string
	var set, aggregate, variadic bool
	var args []string
	if _, err := pgx.ForEachRow(rows, []any{&name, &set, &aggregate, &variadic, &args}, func() error {
		signature := name + "(" + strings.Join(args, ",") + ")"
		for i, a := range args {
			if strings.HasPrefix(a, "any") {
				a = instances.Replace(a)
			}
			types[a] = true
			args[i] = `e."` + a + `"`
		}
		if variadic {
			args[len(args)-1] = "VARIADIC " + args[len(args)-1]
		}
		call := fmt.Sprintf(`pg_catalog.%q(%s)`, name, strings.Join(args, ", "))
		declare := func(query string) {
			view := fmt.Sprintf("v%d", len(views))
			signatures[view] = signature
			views = append(views, plan.View{Name: view, Query: query})
		}
		switch {
		case set:
			declare("SELECT e.id, v::text FROM every_type e, " + call + " AS v")
		case aggregate:
			declare("SELECT " + call + " AS v FROM every_type e")
			declare("SELECT e.id, " + call + " OVER (ORDER BY e.id) AS v FROM every_type e")
		default:
			declare("SELECT e.id, " + call + " AS v FROM every_type e")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	table := "CREATE TABLE every_type (id int PRIMARY KEY"
	for _, ty := range slices.Sorted(maps.Keys(types)) {
		table += fmt.Sprintf(`, %q %q`, ty, ty)
	}
	mustExec(t, conn, table+")")
	if len(views) < 1500 {
		t.Errorf("only %d functions", len(views))
	}
	for batch := range slices.Chunk(views, 300) {
		a, err := plan.Analyze(t.Context(), conn, batch, plan.Reserved{"stepping"})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range a.Problems {
			t.Errorf("%s is refused: %v", signatures[p.View], p)
		}
	}
}
