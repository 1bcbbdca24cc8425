package replication_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

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
