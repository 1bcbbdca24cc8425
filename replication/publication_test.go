package replication_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

// published lists a publication's tables.
func published(t testing.TB, conn *pgx.Conn, name string) string {
	t.Helper()
	var list string
	err := conn.QueryRow(t.Context(), "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_publication_tables WHERE pubname = $1", name).Scan(&list)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPublicationIsKeptInStep(t *testing.T) {
	conn := replicationtest.Open(t, embedded.NewDB(t))
	replicationtest.Exec(t, conn, `CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.b (id int PRIMARY KEY);
		CREATE TABLE public."C ""d" (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE public.leaf PARTITION OF public."C ""d" FOR VALUES FROM (0) TO (9)`)
	name := `pub "'; DROP TABLE a`
	for _, tables := range [][]string{{"a"}, {"a", "b"}, {"b", `C "d`}, {}, {"a", "b", `C "d`}} {
		var refs []replication.TableRef
		for _, table := range tables {
			refs = append(refs, replicationtest.Ref(table, "id"))
		}
		f, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{Name: name, Slot: "none", Tables: refs, Manage: true})
		if err != nil {
			t.Fatal(err)
		}
		replicas := published(t, conn, name)
		for _, table := range tables {
			if f.Tables["public."+table] == "" || !strings.Contains(replicas, table) {
				t.Fatalf("%s is missing: %v, %s", table, f, replicas)
			}
		}
		if len(f.Tables) != len(tables) {
			t.Fatalf("%v of %v", f, tables)
		}
	}
	for range 2 {
		if err := replication.DropPublication(t.Context(), conn, name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDrift(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, `CREATE TABLE public.t (id int PRIMARY KEY, b int NOT NULL); CREATE TABLE public.u (id int PRIMARY KEY);
		CREATE TABLE public.p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE public.leaf PARTITION OF public.p FOR VALUES FROM (0) TO (9);
		CREATE TABLE public.other PARTITION OF public.p FOR VALUES FROM (10) TO (19)`)
	refs := []replication.TableRef{replicationtest.Ref("t"), replicationtest.Ref("p")}
	ensure := func() replication.Fingerprint {
		t.Helper()
		f, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{Name: "pub", Slot: "none", Tables: refs, Manage: true})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	tests := []struct {
		sql  string
		code replication.Code
	}{
		{"ALTER PUBLICATION pub DROP TABLE public.t; ALTER PUBLICATION pub ADD TABLE public.t", replication.PublicationChanged},
		{"DROP PUBLICATION pub; CREATE PUBLICATION pub FOR TABLE public.t, public.p WITH (publish_via_partition_root)", replication.PublicationChanged},
		{"ALTER PUBLICATION pub SET (publish = 'insert')", replication.PublicationChanged},
		{"DROP TABLE public.t; CREATE TABLE public.t (id int PRIMARY KEY, b int NOT NULL); ALTER PUBLICATION pub ADD TABLE public.t", replication.TableChanged},
		{"ALTER TABLE public.t REPLICA IDENTITY FULL", replication.IdentityChanged},
		{"ALTER TABLE public.t REPLICA IDENTITY DEFAULT, DROP CONSTRAINT t_pkey; ALTER TABLE public.t ADD PRIMARY KEY (b)", replication.IdentityChanged},
		{"ALTER TABLE public.leaf REPLICA IDENTITY FULL", replication.IdentityChanged},
	}
	for _, tt := range tests {
		stored := ensure()
		if err := replication.Drift(stored, ensure()); err != nil {
			t.Fatalf("without a change: %v", err)
		}
		replicationtest.Exec(t, conn, tt.sql)
		now, err := replication.ReadFingerprint(t.Context(), conn, "pub", refs)
		if err != nil {
			t.Fatalf("%s: %v", tt.sql, err)
		}
		t.Log(tt.sql)
		wantStop(t, replication.Drift(stored, now), tt.code)
		replicationtest.Exec(t, conn, "ALTER PUBLICATION pub SET (publish = 'insert, update, delete, truncate')")
	}
	stored := ensure()
	replicationtest.Exec(t, conn, "ALTER TABLE public.t ADD c int; ALTER PUBLICATION pub ADD TABLE public.u; ALTER PUBLICATION pub OWNER TO CURRENT_USER")
	if err := replication.Drift(stored, ensure()); err != nil {
		t.Fatalf("unused columns and tables come and go: %v", err)
	}
	// Upkeep of every day.
	for _, sql := range []string{
		"REINDEX TABLE CONCURRENTLY public.t", "REINDEX TABLE public.t", "VACUUM FULL public.t", "CLUSTER public.t USING t_pkey",
		"ALTER TABLE public.t ALTER b SET STATISTICS 500", "CREATE TABLE public.new PARTITION OF public.p FOR VALUES FROM (20) TO (29)", "ALTER TABLE public.new REPLICA IDENTITY FULL",
	} {
		replicationtest.Exec(t, conn, sql)
		if err := replication.Drift(stored, ensure()); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}

	replicationtest.Exec(t, conn, "ALTER TABLE public.new REPLICA IDENTITY NOTHING")
	wantStop(t, replication.Drift(stored, ensure()), replication.IdentityChanged)

	replicationtest.Exec(t, conn, "ALTER PUBLICATION pub DROP TABLE public.t")
	_, err := replication.ReadFingerprint(t.Context(), conn, "pub", refs)
	wantStop(t, err, replication.PublicationChanged)
	replicationtest.Exec(t, conn, "DROP TABLE public.t")
	_, err = replication.ReadFingerprint(t.Context(), conn, "pub", refs)
	wantStop(t, err, replication.TableChanged)
	replicationtest.Exec(t, conn, "DROP PUBLICATION pub")
	_, err = replication.ReadFingerprint(t.Context(), conn, "pub", refs)
	wantStop(t, err, replication.PublicationChanged)
}

func TestPublicationThatIsNotOurs(t *testing.T) {
	conn := replicationtest.Open(t, embedded.NewDB(t))
	replicationtest.Exec(t, conn, `CREATE TABLE public.t (id int PRIMARY KEY); CREATE PUBLICATION pub FOR ALL TABLES`)
	_, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{
		Name: "pub", Slot: "none", Tables: []replication.TableRef{replicationtest.Ref("t")}, Manage: true,
	})
	wantStop(t, err, replication.PublicationChanged)
	wantProblems(t, check(t, conn, replication.CheckOptions{}), "publication_all_tables pub")
}

// A publication that is ours to keep may have been there before, or have been
// altered: one that leaves rows or columns of a table out loses them silently.
func TestManagedPublicationThatFilters(t *testing.T) {
	conn := replicationtest.Open(t, embedded.NewDB(t))
	if embedded.ForTest(t).Major() < 15 {
		t.Log("filters and column lists came with 15")
		return
	}
	replicationtest.Exec(t, conn, `CREATE TABLE public.t (id int PRIMARY KEY, b int)`)
	for _, clause := range []string{"WHERE (id > 5)", "(id)"} {
		replicationtest.Exec(t, conn, "CREATE PUBLICATION pub FOR TABLE public.t "+clause+" WITH (publish_via_partition_root)")
		_, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{
			Name: "pub", Slot: "none", Tables: []replication.TableRef{replicationtest.Ref("t", "id")}, Manage: true,
		})
		wantStop(t, err, replication.PublicationChanged)
		replicationtest.Exec(t, conn, "DROP PUBLICATION pub")
	}
}

// Dots in names do not make two tables one.
func TestTablesWhoseNamesLookAlike(t *testing.T) {
	conn := replicationtest.Open(t, embedded.NewDB(t))
	replicationtest.Exec(t, conn, `CREATE SCHEMA a; CREATE SCHEMA "a.b"; CREATE TABLE a."b.c" (id int PRIMARY KEY); CREATE TABLE "a.b".c (id int PRIMARY KEY)`)
	refs := []replication.TableRef{{Schema: "a", Name: "b.c"}, {Schema: "a.b", Name: "c"}}
	for n := 1; n <= 2; n++ {
		f, err := replication.EnsurePublication(t.Context(), conn, replication.PublicationOptions{Name: "pub", Slot: "none", Tables: refs[:n], Manage: true})
		if err != nil || len(f.Tables) != n || len(strings.Fields(published(t, conn, "pub"))) != n {
			t.Fatalf("%v, %v", f, err)
		}
	}
}

// Publishing takes a lock that a VACUUM in progress holds for hours.
func TestPublishingDoesNotWaitForEver(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn, vacuum := replicationtest.Open(t, dsn), replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, `CREATE TABLE public.t (id int PRIMARY KEY); CREATE TABLE public.u (id int PRIMARY KEY)`)
	lock := func(table string) {
		replicationtest.Exec(t, vacuum, "BEGIN; LOCK TABLE "+table+" IN SHARE UPDATE EXCLUSIVE MODE")
	}
	ensure := func(tables ...string) error {
		options := replication.PublicationOptions{Name: "pub", Slot: "none", Manage: true, LockTimeout: 50 * time.Millisecond}
		for _, name := range tables {
			options.Tables = append(options.Tables, replicationtest.Ref(name))
		}
		_, err := replication.EnsurePublication(t.Context(), conn, options)
		return err
	}
	for _, step := range []struct {
		locked string
		tables []string
	}{{"public.t", []string{"t"}}, {"public.u", []string{"t", "u"}}, {"public.u", []string{"t"}}} {
		lock(step.locked)
		if err := ensure(step.tables...); !replication.Retryable(err) {
			t.Fatalf("to %v with %s locked: %v", step.tables, step.locked, err)
		}
		replicationtest.Exec(t, vacuum, "COMMIT")
		if err := ensure(step.tables...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublicationCreatedAfterTheSlot(t *testing.T) {
	dsn := embedded.NewDB(t)
	f := follow(t, dsn, replication.StreamOptions{})
	replicationtest.Exec(t, f.Conn, "DROP PUBLICATION pub; INSERT INTO public.t VALUES (1, 'lost')")
	ensure := func() error {
		_, err := replication.EnsurePublication(t.Context(), f.Conn, replication.PublicationOptions{
			Name: "pub", Slot: f.Slot, Tables: []replication.TableRef{replicationtest.Ref("t")}, Manage: true,
		})
		return err
	}
	wantStop(t, ensure(), replication.PublicationChanged)
	// The stream says so by itself: an error up to 17, a notice since 18.
	wantStop(t, f.Follow(t), replication.PublicationChanged)
}

// While a slot follows the publication, a table is added only once its writers
// have ended: else their later changes would go unseen.
func TestAddingATableWaitsForItsWriters(t *testing.T) {
	dsn := embedded.NewDB(t)
	f := follow(t, dsn, replication.StreamOptions{})
	replicationtest.Exec(t, f.Conn, "CREATE TABLE public.u (id int PRIMARY KEY)")
	writer := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, writer, "BEGIN; INSERT INTO public.u VALUES (1)")
	add := func() error {
		_, err := replication.EnsurePublication(t.Context(), f.Conn, replication.PublicationOptions{
			Name: "pub", Slot: f.Slot, Manage: true, LockTimeout: 100 * time.Millisecond,
			Tables: []replication.TableRef{replicationtest.Ref("t"), replicationtest.Ref("u")},
		})
		return err
	}
	if err := add(); err == nil || !replication.Retryable(err) || !strings.Contains(err.Error(), "public.u") {
		t.Fatalf("with a writer: %v", err)
	}
	replicationtest.Exec(t, writer, "COMMIT")
	if err := add(); err != nil {
		t.Fatal(err)
	}
	if got := published(t, f.Conn, "pub"); got != "t u" {
		t.Fatal(got)
	}
	replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (1, 'x')")
	f.MustFollow(t)
}
