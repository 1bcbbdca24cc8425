package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/pipeline/configured"
)

// TestPreparedTransactions: two-phase commits and rollbacks, across restarts, and
// logical messages, inside transactions and out of them.
func TestPreparedTransactions(t *testing.T) {
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	w.run(Options{})
	w.check()
	prepare := func(id string) {
		w.exec("BEGIN")
		w.exec("UPDATE accounts SET balance = balance - 5 WHERE id = 1")
		w.exec("INSERT INTO entries VALUES (9, 1, -5), (9, 2, 5), (9, 3, 0), (9, 4, 0)")
		w.exec("SELECT pg_logical_emit_message(true, 'p', 'in a transaction')")
		w.exec("UPDATE accounts SET balance = balance + 5 WHERE id = 2")
		w.exec("UPDATE ticks SET n = n + 1 WHERE teller = 9")
		w.exec(fmt.Sprintf("PREPARE TRANSACTION '%s %s'", w.slot, id))
	}
	for i, end := range []string{"COMMIT", "ROLLBACK", "COMMIT"} {
		id := fmt.Sprint(i)
		prepare(id)
		w.exec("SELECT pg_logical_emit_message(false, 'p', 'outside')")
		w.exec("INSERT INTO entries VALUES (8, 7, 0)")
		w.check() // what is prepared is not committed
		if i == 2 {
			w.halt()
			w.run(Options{})
			w.check()
		}
		w.exec(fmt.Sprintf("%s PREPARED '%s %s'", end, w.slot, id))
		w.check()
	}
}

// TestHostileSettings: whatever a database presets, snapshot, stream and outputs
// agree with what its sessions see.
func TestHostileSettings(t *testing.T) {
	w := newWorld(t, `CREATE TABLE h (id int PRIMARY KEY, d date, ts timestamptz, iv interval, y bytea, f float8, m money, s text);
		CREATE TABLE nowhere_else (id int PRIMARY KEY);`)
	cfg, err := pgx.ParseConfig(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{
		"DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'", "IntervalStyle = sql_standard", "bytea_output = escape",
		"extra_float_digits = -10", "synchronous_commit = remote_apply", "default_transaction_isolation = serializable",
		"default_transaction_read_only = on", "default_transaction_deferrable = on", "statement_timeout = '1s'", "lock_timeout = '1s'",
		"idle_in_transaction_session_timeout = '50ms'", "standard_conforming_strings = off", "row_security = off",
		"enable_indexscan = off", "xmloption = document", "client_encoding = latin1", "plan_cache_mode = force_custom_plan",
		"escape_string_warning = off", "array_nulls = off", "lc_monetary = 'C'", "default_toast_compression = pglz",
	} {
		w.exec("ALTER DATABASE " + pgx.Identifier{cfg.Database}.Sanitize() + " SET " + set)
	}
	w.reconnect() // as an application that is preset the same way
	w.exec("SET default_transaction_read_only = off; SET synchronous_commit = local; SET client_encoding = utf8; SET standard_conforming_strings = on")
	w.exec("SET statement_timeout = 0")
	write := func(from int) {
		w.exec(fmt.Sprintf(`INSERT INTO h SELECT i, DATE '2024-01-31' + i, TIMESTAMPTZ '2024-02-03 04:05:06+00' + i * INTERVAL '7 hours', i * INTERVAL '1 mon 2 days 3 s',
			decode('00ff5c', 'hex'), i / 3.0, i * 1.5, 'it''s \ €' FROM generate_series(%d, %d) i`, from, from+20))
	}
	write(1)
	w.view("all_h", `SELECT id, d, ts, iv, y, f, m, s FROM h`)
	w.view("days", `SELECT date_trunc('day', ts) AS day, count(*) AS n, sum(f) AS f, min(iv) AS iv FROM h GROUP BY 1`)
	w.view("texts", `SELECT id, ts::date AS a, to_char(ts, 'YYYY-MM-DD HH24:MI TZH') AS c FROM h`)
	w.run(Options{})
	w.exec("SET default_transaction_isolation = 'read committed'")
	w.check()
	write(100)
	w.exec("UPDATE h SET id = -id, f = f * 2 WHERE id % 3 = 0")
	w.exec("DELETE FROM h WHERE id % 5 = 0")
	w.check()
	w.halt()
	write(200)
	w.run(Options{})
	w.check()
}

// TestHostileNames: everything that has a name has a bad one. What is quoted badly
// would drop the canary.
func TestHostileNames(t *testing.T) {
	const evil = `x"; DROP TABLE canary; --'`
	long := "x" + strings.Repeat("ž", 31) // 63 bytes
	q := func(name string) string { return pgx.Identifier{name}.Sanitize() }
	w := newWorld(t, "CREATE TABLE canary (a int); INSERT INTO canary VALUES (1)")
	names := []string{evil, `it's`, `a;b`, long, "select", "name Ünïcode 名前", `back\slash`, "$1", " ", "%s", "{a,b}", "new\nline"}
	for i, n := range names {
		schema := q(n)
		w.exec("CREATE SCHEMA " + schema)
		w.exec(fmt.Sprintf("CREATE TABLE %s.%s (%s int PRIMARY KEY, %s text)", schema, schema, schema, q(n[:1]+"_")))
		w.exec(fmt.Sprintf("INSERT INTO %s.%s VALUES (1, 'a'), (2, 'b')", schema, schema))
		w.view(n, fmt.Sprintf("SELECT %s, %s AS %s FROM %s.%s WHERE %s > 0", schema, q(n[:1]+"_"), q(fmt.Sprint(n[:1], i)), schema, schema, schema))
	}
	w.adjust = func(c *config.Config) { c.Source.Publication = evil }
	w.run(Options{})
	w.check()
	for _, n := range names {
		w.exec(fmt.Sprintf("INSERT INTO %s.%s VALUES (3, 'c'); UPDATE %s.%s SET %s = 9 WHERE %s = 1", q(n), q(n), q(n), q(n), q(n), q(n)))
	}
	w.check()
	w.halt()
	if err := Drop(t.Context(), w.config(), true, func(string) {}); err != nil {
		t.Error(err)
	}
	if n := ask[int](w, w.conn, "SELECT count(*) FROM canary"); n != 1 {
		t.Error("the canary is dead")
	}
	// Longer than a name can be: refused, not cut.
	w.view(strings.Repeat("n", 64), "SELECT a FROM canary")
	w.start(Options{})
	var problems *configured.ProblemsError
	if err := w.fails(); !errors.As(err, &problems) || !strings.Contains(err.Error(), "63") {
		t.Errorf("a name of 64 bytes: %v", err)
	}
}

// TestPublicationForAllTables would publish the outputs as well: refused at the start,
// before anything is made.
func TestPublicationForAllTables(t *testing.T) {
	w := shopWorld(t)
	w.adjust = func(c *config.Config) { c.Source.ManagePublication = false }
	w.exec("CREATE PUBLICATION stepping_cdc FOR ALL TABLES WITH (publish_via_partition_root = true)")
	w.start(Options{})
	var problems *configured.ProblemsError
	if err := w.fails(); !errors.As(err, &problems) || !strings.Contains(err.Error(), "FOR ALL TABLES") {
		t.Fatal(err)
	}
	if slot := w.confirmed(); slot != "" {
		t.Errorf("a slot was made, at %s", slot)
	}
}

// TestDeadlockOnTheOutputs: somebody locks outputs in the other order, and the
// server chooses our commit as the one to end.
func TestDeadlockOnTheOutputs(t *testing.T) {
	w := bankOn(t, embedded.ForTest(t), embedded.ForTest(t))
	w.run(Options{})
	w.check()
	a := w.startAuditor()
	w.load(1, 40) // the statements are prepared
	w.wait()
	other := w.connect(w.sink)
	execOn(t, other, "SET deadlock_timeout = '1min'; BEGIN; LOCK stepping.every_entry IN SHARE MODE")
	w.load(2, 3)
	w.eventually("our commit waits", "SELECT count(*) > 0 FROM pg_locks l JOIN stepping_cdc.instance i ON i.pid = l.pid WHERE NOT l.granted")
	since := time.Now()
	execOn(t, other, "SELECT * FROM stepping_cdc.progress FOR UPDATE")
	if took := time.Since(since); took < 100*time.Millisecond {
		t.Errorf("no deadlock: it took %s", took)
	}
	w.load(3, 3)
	execOn(t, other, "COMMIT")
	var r recoveries
	w.recovers(&r, "deadlock", since)
	w.check()
	a.end()
}

// TestMissingPrivileges: each right is taken away in turn. The start says which
// one is missing and how to give it, and leaves nothing behind.
func TestMissingPrivileges(t *testing.T) {
	srv := embedded.ForTest(t)
	w := newWorld(t, `CREATE TABLE a (k int PRIMARY KEY, v int); INSERT INTO a VALUES (1, 1)`)
	cfg, err := pgx.ParseConfig(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	role, db := w.slot+"_role", pgx.Identifier{cfg.Database}.Sanitize()
	w.exec(fmt.Sprintf(`CREATE ROLE %s LOGIN REPLICATION; ALTER TABLE a OWNER TO %s; GRANT CREATE ON DATABASE %s TO %s; GRANT CREATE ON SCHEMA public TO %s`, role, role, db, role, role))
	t.Cleanup(func() { w.exec(fmt.Sprintf("DROP OWNED BY %s CASCADE; DROP ROLE %s", role, role)) })
	own := srv.DSNAs(role, "", cfg.Database)
	w.sourceVia, w.sinkVia = own, own
	w.view("v", `SELECT k, v FROM public.a`)
	for _, right := range []struct{ take, give, says string }{
		{"ALTER ROLE ROLE NOREPLICATION", "ALTER ROLE ROLE REPLICATION", "REPLICATION"},
		{"ALTER TABLE a OWNER TO postgres; GRANT SELECT ON a TO ROLE", "ALTER TABLE a OWNER TO ROLE", `GRANT "postgres" TO`},
		{"REVOKE SELECT ON a FROM ROLE", "GRANT SELECT ON a TO ROLE", "GRANT SELECT"},
		{"REVOKE CREATE ON DATABASE DB FROM ROLE", "GRANT CREATE ON DATABASE DB TO ROLE", "GRANT CREATE ON DATABASE"},
		{"REVOKE USAGE ON SCHEMA public FROM PUBLIC, ROLE", "GRANT USAGE ON SCHEMA public TO PUBLIC", "permission denied for schema public"},
	} {
		named := strings.NewReplacer("ROLE ROLE", "ROLE "+role, "ROLE", role, "DB", db)
		w.exec(named.Replace(right.take))
		w.start(Options{})
		err := w.fails()
		t.Logf("%s: %v", right.take, err)
		if !strings.Contains(err.Error(), right.says) {
			t.Errorf("%s: %q is not said: %v", right.take, right.says, err)
		}
		if slot := w.confirmed(); slot != "" {
			t.Errorf("%s: a slot was left behind", right.take)
		}
		w.exec(named.Replace(right.give))
	}
	w.run(Options{})
	w.exec("INSERT INTO a VALUES (2, 2)")
	w.check()
	w.halt()
}
