package replication_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

// A transaction_timeout that a role presets would end the exported snapshot, and
// the decoding of a transaction larger than it allows.
func TestTransactionTimeoutOfTheRole(t *testing.T) {
	srv := embedded.ForTest(t)
	dsn := srv.NewDB(t)
	admin := replicationtest.Open(t, dsn)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if srv.Major() < 17 {
		t.Log("transaction_timeout came with 17")
		return
	}
	replicationtest.Exec(t, admin, "ALTER DATABASE "+pgx.Identifier{config.Database}.Sanitize()+" SET transaction_timeout = '100ms'")
	slot, err := connect(t, dsn).CreateSlot(t.Context(), replicationtest.SlotName(t), replication.SlotOptions{Temporary: true})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := replication.OpenSession(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close(t.Context())
	replicationtest.Exec(t, snapshot, "BEGIN; SELECT pg_sleep(0.3); COMMIT")
	again, err := replication.OpenSnapshot(t.Context(), dsn, slot.SnapshotName)
	if err != nil {
		t.Fatalf("the exported snapshot is gone: %v", err)
	}
	if err := again.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A role may preset anything; snapshot and stream read the same values all the
// same, text format included.
func TestHostileRoleSettings(t *testing.T) {
	srv := embedded.ForTest(t)
	dsn := srv.NewDB(t)
	role := "hostile_role"
	admin := replicationtest.Open(t, dsn)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	replicationtest.Exec(t, admin, fmt.Sprintf(`CREATE ROLE %s LOGIN SUPERUSER`, role))
	t.Cleanup(func() {
		replicationtest.Exec(cleanupTB{t}, replicationtest.Open(cleanupTB{t}, dsn), "DROP OWNED BY "+role+"; DROP ROLE "+role)
	})
	for _, setting := range []string{
		"DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'", "IntervalStyle = 'iso_8601'", "bytea_output = 'escape'",
		"extra_float_digits = -5", "client_encoding = 'LATIN1'", "search_path = 'public'", "row_security = on",
		"statement_timeout = '1ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'",
		"default_transaction_read_only = on", "default_transaction_isolation = 'serializable'",
	} {
		replicationtest.Exec(t, admin, fmt.Sprintf("ALTER ROLE %s SET %s", role, setting))
	}
	replicationtest.Exec(t, admin, `CREATE TABLE public.t (id int PRIMARY KEY, d date, tt timestamptz, iv interval, y bytea, f8 float8, s text)`)
	insert := `INSERT INTO public.t VALUES (%d, '2024-02-03', '2024-02-03 04:05:06+00', '1 mon 2 days 3 s', '\x00ff', 1/3.0, 'žluť €')`
	replicationtest.Exec(t, admin, fmt.Sprintf(insert, 1))
	for _, text := range []bool{false, true} {
		hostile := srv.DSNAs(role, "", config.Database)
		f := replicationtest.NewFollower(t, hostile, replication.StreamOptions{Text: text}, replicationtest.Table(t, admin, "t"))
		replicationtest.Exec(t, admin, fmt.Sprintf(insert, 2))
		replicationtest.Exec(t, admin, "UPDATE public.t SET f8 = -f8")
		if err := f.Follow(t); err != nil {
			t.Fatal(err)
		}
		f.Trace.Check(t, admin)
		f.Stream.Close()
		if err := connect(t, dsn).DropSlot(t.Context(), f.Slot); err != nil {
			t.Fatal(err)
		}
		replicationtest.Exec(t, admin, "DELETE FROM public.t WHERE id = 2")
	}
}
