package replication_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

func check(t testing.TB, conn *pgx.Conn, options replication.CheckOptions) []replication.Problem {
	t.Helper()
	if options.Slot == "" {
		options.Slot = replicationtest.SlotName(t)
	}
	if options.Publication == "" {
		options.Publication, options.ManagePublication = "pub", true
	}
	problems, err := replication.CheckSource(t.Context(), conn, options)
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

// wantProblems asserts exactly these "code object" pairs, each with a message
// and a remedy.
func wantProblems(t testing.TB, problems []replication.Problem, want ...string) {
	t.Helper()
	var have []string
	for _, p := range problems {
		have = append(have, p.Code+" "+p.Object)
		if p.Message == "" || p.Remedy == "" {
			t.Errorf("without message or remedy: %+v", p)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("\nhave %q\nwant %q", have, want)
	}
}

func TestProblemsOfTables(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, `SET search_path = public;
		CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE good_full (id int); ALTER TABLE good_full REPLICA IDENTITY FULL;
		CREATE TABLE keyless (id int);
		CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
		CREATE TABLE lazy (id int PRIMARY KEY DEFERRABLE);
		CREATE TABLE indexed (id int NOT NULL); CREATE UNIQUE INDEX i ON indexed (id);
		ALTER TABLE indexed REPLICA IDENTITY USING INDEX i; DROP INDEX i;
		CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
		CREATE VIEW v AS SELECT 1 AS id; CREATE MATERIALIZED VIEW mv AS SELECT 1 AS id; CREATE SEQUENCE seq;
		CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent); CREATE TABLE own_key (PRIMARY KEY (id)) INHERITS (parent);
		CREATE TABLE generated (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
		CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
		CREATE TABLE odd_root (id int) PARTITION BY RANGE (id);
		CREATE TABLE odd_leaf PARTITION OF odd_root FOR VALUES FROM (0) TO (10);
		ALTER TABLE ONLY odd_root REPLICA IDENTITY FULL;
		CREATE TABLE alien_root (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE UNLOGGED TABLE alien_leaf PARTITION OF alien_root FOR VALUES FROM (0) TO (10);
		CREATE TABLE "Odd ""Name; DROP TABLE good" (id int)`)
	refs := []replication.TableRef{
		replicationtest.Ref("good", "id"), replicationtest.Ref("good_full", "id"), replicationtest.Ref("absent"),
		replicationtest.Ref("keyless"), replicationtest.Ref("nothing"), replicationtest.Ref("lazy"), replicationtest.Ref("indexed"),
		replicationtest.Ref("unlogged"), replicationtest.Ref("v"), replicationtest.Ref("mv"), replicationtest.Ref("seq"),
		replicationtest.Ref("parent"), replicationtest.Ref("child"), replicationtest.Ref("own_key"), replicationtest.Ref("generated", "id", "twice", "thrice"),
		replicationtest.Ref("root"), replicationtest.Ref("leaf"), replicationtest.Ref("odd_root"), replicationtest.Ref("alien_root"),
		replicationtest.Ref(`Odd "Name; DROP TABLE good`), {Schema: "pg_catalog", Name: "pg_class"},
	}
	problems := check(t, conn, replication.CheckOptions{Tables: refs})
	want := []string{
		"table_missing public.absent", "replica_identity public.keyless", "replica_identity public.nothing",
		"replica_identity public.lazy", "replica_identity public.indexed", "table_unlogged public.unlogged",
		"table_kind public.v", "table_kind public.mv", "table_kind public.seq", "replica_identity public.child",
		"column_missing public.generated.thrice", "partition_and_root public.leaf", "partition_identity public.odd_root",
		"partition_kind public.alien_root", `replica_identity public.Odd "Name; DROP TABLE good`, "table_system pg_catalog.pg_class",
	}
	if embedded.ForTest(t).Major() < 18 {
		want = append(want, "column_generated public.generated.twice")
	}
	wantProblems(t, problems, want...)
	// The remedies of identities are statements; they have to work.
	for _, p := range problems {
		if p.Code == "replica_identity" {
			sql, _, _ := strings.Cut(p.Remedy, ",")
			replicationtest.Exec(t, conn, sql)
		}
	}
	for _, p := range check(t, conn, replication.CheckOptions{Tables: refs}) {
		if p.Code == "replica_identity" {
			t.Errorf("remedy did not help: %+v", p)
		}
	}
}

func TestProblemsOfTheRole(t *testing.T) {
	srv := embedded.ForTest(t)
	dsn := srv.NewDB(t)
	admin := replicationtest.Open(t, dsn)
	role := "checked_" + replicationtest.SlotName(t)[:10]
	replicationtest.Exec(t, admin, fmt.Sprintf(`CREATE ROLE %s LOGIN; CREATE SCHEMA hidden;
		CREATE TABLE public.t (id int PRIMARY KEY, secret text); CREATE TABLE hidden.h (id int PRIMARY KEY);
		CREATE TABLE public.rls (id int PRIMARY KEY); ALTER TABLE public.rls ENABLE ROW LEVEL SECURITY;
		GRANT SELECT (id) ON public.t TO %[1]s; GRANT SELECT ON public.rls TO %[1]s`, role))
	t.Cleanup(func() {
		admin := replicationtest.Open(cleanupTB{t}, dsn)
		replicationtest.Exec(cleanupTB{t}, admin, fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %[1]s", role))
	})
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn := replicationtest.Open(t, srv.DSNAs(role, "", config.Database))
	tables := []replication.TableRef{
		{Schema: "public", Name: "t", Columns: []string{"id", "secret"}},
		{Schema: "hidden", Name: "h", Columns: []string{"id"}},
		{Schema: "public", Name: "rls", Columns: []string{"id"}},
	}
	all := []string{
		"replication_role " + role, "publication_privilege pub", "row_security public.rls",
		"select_privilege public.t", "select_privilege hidden.h",
		"table_owner public.t", "table_owner hidden.h", "table_owner public.rls",
	}
	problems := check(t, conn, replication.CheckOptions{Tables: tables})
	wantProblems(t, problems, all...)
	// Every remedy that is a statement mends its own problem.
	for _, p := range problems {
		sql := p.Remedy
		switch p.Code {
		case "publication_privilege", "table_owner":
			sql, _, _ = strings.Cut(sql, "; or ")
		}
		replicationtest.Exec(t, admin, sql)
	}
	wantProblems(t, check(t, conn, replication.CheckOptions{Tables: tables}))
	if _, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{Name: "pub", Slot: "none", Tables: tables, Manage: true}); err != nil {
		t.Fatal(err)
	}
}

// cleanupTB lets helpers run in a Cleanup, where the test's context is over.
type cleanupTB struct{ testing.TB }

func (cleanupTB) Context() context.Context { return context.Background() }

func TestProblemsOfTheServer(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{
		"wal_level": "replica", "max_replication_slots": "1", "max_wal_senders": "1",
	}})
	dsn := srv.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, "SELECT pg_create_physical_replication_slot('taken')")
	connect(t, dsn)
	wantProblems(t, check(t, conn, replication.CheckOptions{}),
		"wal_level wal_level", "replication_slots max_replication_slots", "wal_senders max_wal_senders")
	wantProblems(t, check(t, conn, replication.CheckOptions{Slot: "taken"}),
		"wal_level wal_level", "slot_foreign taken", "wal_senders max_wal_senders")
}

func TestSlotNamesAreChecked(t *testing.T) {
	conn := replicationtest.Open(t, embedded.NewDB(t))
	for _, name := range []string{"Upper", "semi;colon", "quo\"te", strings.Repeat("x", 64), "ümlaut"} {
		wantProblems(t, check(t, conn, replication.CheckOptions{Slot: name}), "slot_name "+name)
	}
}

func TestProblemsOfAnUnmanagedPublication(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, `CREATE TABLE public.t (id int PRIMARY KEY, a text, b text); CREATE TABLE public.u (id int PRIMARY KEY)`)
	options := replication.CheckOptions{
		Publication: "dba's", Tables: []replication.TableRef{replicationtest.Ref("t", "id", "b"), replicationtest.Ref("u", "id")},
	}
	missing := check(t, conn, options)
	wantProblems(t, missing, "publication_missing dba's")
	replicationtest.Exec(t, conn, missing[0].Remedy)
	wantProblems(t, check(t, conn, options))
	if _, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{Name: "dba's", Slot: "none", Tables: options.Tables}); err != nil {
		t.Fatal(err)
	}

	// Whether partitions' changes come as the whole table's is of no account to others.
	replicationtest.Exec(t, conn, `CREATE TABLE public.p (id int PRIMARY KEY) PARTITION BY LIST (id);
		CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES IN (1);
		DROP PUBLICATION "dba's"; CREATE PUBLICATION "dba's" FOR TABLE public.t, public.u, public.p`)
	wantProblems(t, check(t, conn, options))
	leaf, whole := options, options
	whole.Tables = append(slices.Clone(options.Tables), replicationtest.Ref("p", "id"))
	wantProblems(t, check(t, conn, whole), "publication_via_root dba's")
	leaf.Tables = []replication.TableRef{replicationtest.Ref("p1", "id")}
	wantProblems(t, check(t, conn, leaf), "publication_table public.p1")

	replicationtest.Exec(t, conn, `DROP PUBLICATION "dba's"; CREATE PUBLICATION "dba's" FOR TABLE public.t, public.p WITH (publish = 'insert')`)
	options = whole
	problems := check(t, conn, options)
	wantProblems(t, problems, "publication_operations dba's", "publication_via_root dba's", "publication_table public.u")
	for _, p := range problems {
		replicationtest.Exec(t, conn, p.Remedy)
	}
	wantProblems(t, check(t, conn, options))

	replicationtest.Exec(t, conn, `DROP PUBLICATION "dba's"; CREATE PUBLICATION "dba's" FOR ALL TABLES WITH (publish_via_partition_root)`)
	wantProblems(t, check(t, conn, options), "publication_all_tables dba's")
	if embedded.ForTest(t).Major() < 15 {
		return
	}
	replicationtest.Exec(t, conn, `DROP PUBLICATION "dba's"; CREATE PUBLICATION "dba's"
		FOR TABLE public.t (id, a), public.u WHERE (id > 0), public.p WITH (publish_via_partition_root)`)
	wantProblems(t, check(t, conn, options), "publication_columns public.t.b", "publication_filter public.u")
	_, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{Name: "dba's", Slot: "none", Tables: options.Tables})
	wantStop(t, err, replication.PublicationChanged)
	replicationtest.Exec(t, conn, `DROP PUBLICATION "dba's"; CREATE PUBLICATION "dba's" FOR TABLES IN SCHEMA public WITH (publish_via_partition_root)`)
	wantProblems(t, check(t, conn, options))
}
