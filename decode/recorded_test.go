package decode_test

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

var record = flag.Bool("record", false, "write what the server sends to testdata/recorded.txt")

const recordedFile = "testdata/recorded.txt"

// session is one recorded stream: how it was asked for, and its messages.
type session struct {
	name     string
	parallel bool
	messages []string
}

// recorded reads the streams recorded from a real server: a line "# name", then
// a message a line, in hexadecimal.
func recorded(t testing.TB) []session {
	t.Helper()
	file, err := os.Open(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []session
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "# "); ok {
			all = append(all, session{name: name, parallel: strings.Contains(name, "parallel")})
			continue
		}
		b, err := hex.DecodeString(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		s := &all[len(all)-1]
		s.messages = append(s.messages, string(b))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// history exercises every message: a big transaction to be streamed, with a
// sub-transaction rolled back, and prepared ones committed and rolled back.
var history = []string{
	`INSERT INTO k VALUES (1, 'one', NULL), (2, repeat('x', 20), 2.50)`,
	`UPDATE k SET n = 3 WHERE id = 1`, `UPDATE k SET id = 9 WHERE id = 1`, `DELETE FROM k WHERE id = 9`,
	`INSERT INTO f VALUES (1, 'sad'), (NULL, NULL)`, `UPDATE f SET m = 'ok'`, `DELETE FROM f`,
	`BEGIN; INSERT INTO big SELECT i, repeat('y', 8) FROM generate_series(1, 1500) i; SAVEPOINT s;
	 INSERT INTO big SELECT i, repeat('z', 8) FROM generate_series(2001, 3500) i; ROLLBACK TO s; TRUNCATE k CASCADE; COMMIT`,
	`BEGIN; INSERT INTO big SELECT i, '' FROM generate_series(4001, 5500) i; ROLLBACK`,
	`BEGIN; INSERT INTO k VALUES (5, 'p', 1); PREPARE TRANSACTION 'first'`, `COMMIT PREPARED 'first'`,
	`BEGIN; INSERT INTO k VALUES (6, 'p', 1); PREPARE TRANSACTION 'second'`, `ROLLBACK PREPARED 'second'`,
	`BEGIN; INSERT INTO big SELECT i, '' FROM generate_series(6001, 7500) i; PREPARE TRANSACTION 'third'`, `COMMIT PREPARED 'third'`,
	`SELECT pg_logical_emit_message(true, 'prefix', 'inside'), pg_logical_emit_message(false, 'prefix', '')`,
	`SELECT pg_replication_origin_create('elsewhere'), pg_replication_origin_session_setup('elsewhere')`,
	`BEGIN; SELECT pg_replication_origin_xact_setup('0/1234', now()); INSERT INTO k VALUES (7, 'o', 1); COMMIT`,
	`SELECT pg_replication_origin_session_reset(), pg_replication_origin_drop('elsewhere')`,
}

// TestEveryProtocolVersion parses what this server sends in each version.
func TestEveryProtocolVersion(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{Settings: map[string]string{
		"max_prepared_transactions": "5", "logical_decoding_work_mem": "64kB",
	}})
	streams := []struct {
		version, slots int // protocol version; server version since
		twoPhase       bool
		options        string
		want           string
	}{
		{1, 14, false, `'messages', 'true'`, "BCRYIUDTMO"},
		{1, 14, false, `'messages', 'true', 'binary', 'true'`, "BCRYIUDTMO"},
		{2, 14, false, `'messages', 'true', 'streaming', 'on'`, "BCRYIUDTMOSEcA"},
		{3, 15, true, `'two_phase', 'on', 'streaming', 'on'`, "BCRYIUDTOSEcAbPKrp"},
		{4, 16, true, `'two_phase', 'on', 'streaming', 'parallel', 'binary', 'true'`, "BCRYIUDTOSEcAbPKrp"},
	}
	dsn := srv.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, `SET search_path = public; CREATE TYPE mood AS ENUM ('sad', 'ok');
		CREATE TABLE k (id int PRIMARY KEY, v text, n numeric); CREATE TABLE big (id int PRIMARY KEY, v text);
		CREATE TABLE f (id int, m mood); ALTER TABLE f REPLICA IDENTITY FULL;
		CREATE PUBLICATION pub FOR TABLE k, big, f`)
	for _, twoPhase := range []bool{false, true} {
		replicationtest.Exec(t, conn, fmt.Sprintf("SELECT pg_create_logical_replication_slot('slot_%v', 'pgoutput', false, %[1]v)", twoPhase))
	}
	for _, sql := range history {
		replicationtest.Exec(t, conn, sql)
	}
	var out strings.Builder
	for _, s := range streams {
		if srv.Major() < s.slots {
			t.Logf("version %d is not spoken by PostgreSQL %d", s.version, srv.Major())
			continue
		}
		name := fmt.Sprintf("PostgreSQL %d, proto_version %d, %s", srv.Major(), s.version, s.options)
		rows, err := conn.Query(t.Context(), fmt.Sprintf(`SELECT data FROM pg_logical_slot_peek_binary_changes('slot_%v', NULL, NULL,
			'publication_names', 'pub', 'proto_version', '%d', %s)`, s.twoPhase, s.version, s.options))
		if err != nil {
			t.Fatal(err)
		}
		messages, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "# %s\n", name)
		p := decode.Parser{ParallelStreaming: s.version == 4}
		var m decode.Message
		var seen []byte
		changes := 0
		for _, b := range messages {
			if err := p.Parse(string(b), &m); err != nil {
				t.Fatalf("%s: %x: %v", name, b, err)
			}
			if !slices.Contains(seen, b[0]) {
				seen = append(seen, b[0])
			}
			if m.Type == decode.MsgInsert {
				changes++
			}
			if m.Type != decode.MsgInsert || changes%50 < 3 { // a sample of the many alike
				fmt.Fprintf(&out, "%x\n", b)
			}
		}
		for _, c := range []byte(s.want) {
			if !slices.Contains(seen, c) {
				t.Errorf("%s: no message %q among %q", name, c, seen)
			}
		}
	}
	if *record && !t.Failed() {
		if err := os.WriteFile(recordedFile, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
