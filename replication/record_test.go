package replication_test

import (
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

// TestTruncatedBy reads who wrote TRUNCATE's records, also those whose header is cut
// by the end of a page of the WAL, or of a segment: it has to be whom the catalogue
// names.
func TestTruncatedBy(t *testing.T) {
	const page, segment = 8192, 16 << 20
	srv := embedded.ForTest(t)
	dsn := embedded.NewDB(t)
	f := follow(t, dsn, replication.StreamOptions{})
	number := func(sql string, args ...any) (n int) {
		t.Helper()
		if err := f.Conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	position := func() int { return number("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") }
	message := func(bytes int) {
		number("SELECT pg_logical_emit_message(false, '', repeat('x', $1)) - '0/0'::pg_lsn", bytes)
	}
	role := replicationtest.SlotName(t) // the right to replicate is enough
	replicationtest.Exec(t, f.Conn, "CREATE ROLE "+role+" LOGIN REPLICATION")
	t.Cleanup(func() { replicationtest.Exec(cleanupTB{t}, replicationtest.Open(cleanupTB{t}, dsn), "DROP ROLE "+role) })
	truncatedBy := func(record replication.LSN) (uint32, error) {
		t.Helper()
		conn, err := replication.Connect(t.Context(), srv.DSNAs(role, "", f.Conn.Config().Database))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		return conn.TruncatedBy(t.Context(), record)
	}
	before := 0 // what the second TRUNCATE writes before its record
	for i, place := range []struct{ block, rest int }{{page, 5000}, {page, 8}, {page, 16}, {page, 24}, {page, 32}, {segment, 8}, {segment, 16}} {
		for try := 0; ; try++ {
			if try == 100 {
				t.Fatalf("no record %d bytes before the end of %d", place.rest, place.block)
			}
			replicationtest.Exec(t, f.Conn, "BEGIN")
			replicationtest.Exec(t, f.Conn, "INSERT INTO public.t VALUES (1)")
			for range i % 3 {
				replicationtest.Exec(t, f.Conn, "SAVEPOINT s")
			}
			replicationtest.Exec(t, f.Conn, "TRUNCATE public.t")
			xid := number("SELECT xmin::text::int8 FROM pg_class WHERE oid = 'public.t'::regclass")
			for {
				// A message takes 64 bytes and a page's header at most beside its text.
				left := place.block - (position()+before+place.rest)%place.block
				if left > 3*page {
					message(min(left-3*page, 1<<20))
				} else if left > page {
					message(left - page/2)
				} else {
					message(max(left-56-try%4*8, 0))
					break
				}
			}
			at := position()
			replicationtest.Exec(t, f.Conn, "TRUNCATE public.t")
			replicationtest.Exec(t, f.Conn, "COMMIT")
			var records []replication.LSN
			for last := false; !last; {
				e, err := f.Stream.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, tr := range e.Truncates {
					records = append(records, tr.Record)
				}
				last = e.Last
			}
			if len(records) != 2 {
				t.Fatalf("%d TRUNCATEs", len(records))
			}
			record := records[1]
			before = int(record) - at
			rest := place.block - int(record)%place.block
			if rest != place.rest && place.rest < 100 {
				continue
			}
			if got, err := truncatedBy(record); err != nil || int(got) != xid {
				t.Errorf("record at %s, %d bytes before the end of %d: %d, %v; want %d", record, rest, place.block, got, err, xid)
			}
			break
		}
	}
	if xid, err := truncatedBy(f.Position); err == nil {
		t.Errorf("a record that is no TRUNCATE's: %d", xid)
	}
}
