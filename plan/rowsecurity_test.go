package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

// TestRowSecurityOfViews reads tables with row security through views of several
// owners: a view that shows less than the tables hold is refused, any other one is not.
func TestRowSecurityOfViews(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, `
		DO $$ DECLARE r text; BEGIN
			FOREACH r IN ARRAY ARRAY['rs_owner', 'rs_member', 'rs_other', 'rs_bypass'] LOOP
				IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN EXECUTE 'CREATE ROLE ' || r; END IF;
			END LOOP; END $$;
		GRANT rs_owner TO rs_member; ALTER ROLE rs_bypass BYPASSRLS;
		GRANT CREATE, USAGE ON SCHEMA public TO rs_owner, rs_member, rs_other, rs_bypass;
		CREATE TABLE plain (id int PRIMARY KEY); INSERT INTO plain SELECT generate_series(1, 5);
		CREATE TABLE guarded (id int PRIMARY KEY); INSERT INTO guarded SELECT generate_series(1, 5); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
		CREATE TABLE forced (id int PRIMARY KEY); INSERT INTO forced SELECT generate_series(1, 5); ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY;
		CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 2);
		CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (parent); INSERT INTO heir SELECT generate_series(1, 3); ALTER TABLE heir ENABLE ROW LEVEL SECURITY;
		CREATE POLICY few ON guarded USING (id < 3); CREATE POLICY few ON forced USING (id < 3); CREATE POLICY few ON heir USING (id < 2);
		ALTER TABLE plain OWNER TO rs_owner; ALTER TABLE guarded OWNER TO rs_owner; ALTER TABLE forced OWNER TO rs_owner; ALTER TABLE parent OWNER TO rs_owner; ALTER TABLE heir OWNER TO rs_owner;
		GRANT SELECT ON plain, guarded, forced, parent, heir TO PUBLIC`)
	tables := []string{"plain", "guarded", "forced", "parent", "heir"}
	rows := map[string]string{} // view → what it would hold if nothing were hidden
	names := tables
	for _, table := range tables {
		rows[table] = "SELECT count(*) FROM " + table
	}
	create := func(name, options, over, owner string) {
		mustExec(t, conn, fmt.Sprintf("CREATE VIEW %s %s AS SELECT * FROM %s; ALTER VIEW %[1]s OWNER TO %[4]s; GRANT SELECT ON %[1]s TO PUBLIC", name, options, over, owner))
		rows[name] = rows[over]
		names = append(names, name)
	}
	options := []string{"", "WITH (security_barrier)"}
	if majorVersion(t, conn) >= 15 {
		options = append(options, "WITH (security_invoker)")
	}
	var views []string
	for _, table := range tables {
		for i, option := range options {
			for _, owner := range []string{"rs_owner", "rs_member", "rs_other", "rs_bypass"} {
				name := fmt.Sprintf("%s_%s_%d", table, owner, i)
				create(name, option, table, owner)
				views = append(views, name)
			}
		}
	}
	for _, over := range views {
		for i, option := range options {
			for _, owner := range []string{"rs_owner", "rs_other"} {
				create(fmt.Sprintf("n_%s_%s_%d", over, owner, i), option, over, owner)
			}
		}
	}
	refused := 0
	for _, name := range names {
		var all, seen int
		if err := conn.QueryRow(t.Context(), "SELECT ("+rows[name]+"), (SELECT count(*) FROM "+name+")").Scan(&all, &seen); err != nil {
			t.Fatal(err)
		}
		for _, v := range []plan.View{{Name: "x", Query: "SELECT * FROM " + name}, {Name: "x", From: name}} {
			if v.From != "" && strings.HasPrefix(rows[name], "SELECT count(*) FROM "+name) {
				continue // a table
			}
			a, err := plan.Analyze(t.Context(), conn, []plan.View{v}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(a.Problems) > 0; got != (seen < all) {
				t.Errorf("%s%s shows %d rows of %d: %v", name, v.From, seen, all, a.Problems)
			}
			if len(a.Problems) > 0 {
				refused++
				if p := a.Problems[0]; !strings.Contains(p.Message, "row security hides rows") || p.Remedy == "" {
					t.Errorf("%s: %s (%s)", name, p.Message, p.Remedy)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing is refused")
	}
}
