package replication_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

// TestStorage does to tables as a whole what the stream leaves out, and what it
// does not: each is a move, or is none.
func TestStorage(t *testing.T) {
	conn := replicationtest.Open(t, embedded.NewDB(t))
	const schema = `
		DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; SET search_path = s;
		CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN feeling AS mood; CREATE TYPE pair AS (x int, y feeling[]);
		CREATE TABLE t (id int PRIMARY KEY, b int NOT NULL, c text, unused text, n pair); INSERT INTO t SELECT i, i, i, i FROM generate_series(1, 9) i;
		CREATE TABLE p (id int, v text, unused int) PARTITION BY RANGE (id);
		CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (10);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
		CREATE TABLE p1a PARTITION OF p1 FOR VALUES FROM (10) TO (15); CREATE TABLE p1b PARTITION OF p1 FOR VALUES FROM (15) TO (20);
		CREATE TABLE loose (id int NOT NULL, v text, unused int); CREATE TABLE full_one (id int NOT NULL, v text, unused int);
		INSERT INTO full_one VALUES (25); INSERT INTO p VALUES (1), (11), (16)`
	for _, tt := range []struct {
		sql  string
		want string // part of the only move; empty: none
	}{
		{"INSERT INTO p VALUES (2); DELETE FROM t; ANALYZE", ""},
		{"TRUNCATE p0", "partition p0 was truncated"},
		{"TRUNCATE p1", "partition p1a was truncated"},
		{"TRUNCATE p1b", "partition p1b was truncated"},
		{"ALTER TABLE p DETACH PARTITION p0", "partition p0 was detached"},
		{"ALTER TABLE p1 DETACH PARTITION p1b", "partition p1b was detached"},
		{"ALTER TABLE p DETACH PARTITION p1", "partition p1a was detached"},
		{"DROP TABLE p0", "partition p0 was detached or dropped"},
		{"ALTER TABLE p DETACH PARTITION p0; INSERT INTO p0 VALUES (7); ALTER TABLE p ATTACH PARTITION p0 FOR VALUES FROM (0) TO (10)", "partition p0 was attached"},
		{"ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (10) TO (20)", "partition p1a was attached"},
		{"ALTER TABLE p ATTACH PARTITION full_one FOR VALUES FROM (20) TO (30)", "partition full_one was attached"},
		{"ALTER TABLE p ATTACH PARTITION loose FOR VALUES FROM (20) TO (30)", ""},
		{"ALTER TABLE p ATTACH PARTITION loose FOR VALUES FROM (20) TO (30); INSERT INTO p VALUES (21)", "partition loose was attached"}, // in doubt
		{"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30)", ""},
		{"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30); INSERT INTO p VALUES (21)", ""},
		{"BEGIN; CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30); INSERT INTO p VALUES (21); COMMIT", ""},
		{"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30) PARTITION BY RANGE (id); CREATE TABLE p2a PARTITION OF p2 DEFAULT; INSERT INTO p VALUES (21)", ""},
		{"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30); ALTER TABLE p2 SET (fillfactor = 50); CREATE INDEX ON p2 (id); ANALYZE p2; INSERT INTO p VALUES (21)", ""},
		{"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30); TRUNCATE p2", "partition p2 was truncated"}, // it may have had rows
		{"BEGIN; CREATE TABLE p2 (LIKE p INCLUDING ALL, CHECK (id IS NOT NULL)); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (20) TO (30); COMMIT", ""},
		{"BEGIN; CREATE TABLE p2 (LIKE p); INSERT INTO p2 VALUES (21); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (20) TO (30); COMMIT", "partition p2 was attached"},
		{"CREATE TABLE p2 (LIKE p) PARTITION BY RANGE (id); CREATE TABLE p2a PARTITION OF p2 DEFAULT; INSERT INTO p2 VALUES (21); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (20) TO (30)", "partition p2a was attached"},
		{"CREATE UNLOGGED TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30)", "partition p2 is a foreign or unlogged table"},
		{"CREATE FOREIGN DATA WRAPPER w; CREATE SERVER sv FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30) SERVER sv", "partition p2 is a foreign"},
		{"ALTER TABLE p0 SET UNLOGGED", "partition p0 is a foreign or unlogged table"},
		{"VACUUM FULL p0", "partition p0 was truncated or rewritten"},
		{"ALTER TABLE p ALTER v TYPE text USING v || '!'", "partition p0 was truncated or rewritten"},
		{"ALTER TABLE p DROP COLUMN unused, ADD COLUMN more int DEFAULT 3", ""},
		{"ALTER TABLE p DROP COLUMN v, ADD COLUMN v text DEFAULT 'x'", "column v was replaced"},
		{"TRUNCATE p", ""}, // the stream tells
		{"INSERT INTO p VALUES (3); TRUNCATE p; INSERT INTO p VALUES (4)", ""},
		{"BEGIN; TRUNCATE p; TRUNCATE full_one; INSERT INTO full_one VALUES (26); ALTER TABLE p ATTACH PARTITION full_one FOR VALUES FROM (20) TO (30); COMMIT", "partition full_one was attached"},
		{"TRUNCATE p; TRUNCATE p0", "partition p0 was truncated"},
		{"BEGIN; SAVEPOINT a; TRUNCATE p; COMMIT", "partition p0 was truncated"}, // in doubt: it is another transaction number
		{"VACUUM FULL t", ""}, {"CLUSTER t USING t_pkey", ""}, {"TRUNCATE t", ""}, {"ALTER TABLE t ALTER b SET STATISTICS 500", ""},
		{"ALTER TABLE t ALTER unused TYPE varchar(9)", ""}, {"ALTER TABLE t ALTER c SET DEFAULT 'x'", ""},
		{"ALTER TABLE t ALTER unused TYPE varchar(9), ALTER c SET DEFAULT 'x'", "column c was altered"}, // in doubt
		{"ALTER TABLE t DROP COLUMN unused, ADD COLUMN unused text DEFAULT 'x'", ""},
		{"ALTER TABLE t ALTER b TYPE int USING b * 2", "column b was altered"},
		{"ALTER TABLE t DROP COLUMN c, ADD COLUMN c text DEFAULT 'x'", "column c was replaced"},
		{"ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", "the enum or composite type of column n"},
		{"ALTER TYPE mood ADD VALUE 'meh' BEFORE 'ok'", "the enum or composite type of column n"},
		{"ALTER TABLE t RENAME b TO x", "column b was dropped or renamed"},
		{"ALTER TABLE t RENAME b TO x; ALTER TABLE t RENAME x TO b", ""},
		{"CREATE TABLE child () INHERITS (t)", ""},
	} {
		for _, sql := range strings.Split(schema, ";") {
			replicationtest.Exec(t, conn, sql)
		}
		was := storage(t, conn)
		truncated := map[uint32]bool{}
		for _, sql := range strings.Split(tt.sql, ";") {
			if sql = strings.TrimSpace(sql); sql == "TRUNCATE p" || sql == "TRUNCATE t" {
				var xid uint32
				if err := conn.QueryRow(t.Context(), "SELECT pg_current_xact_id()::text::int8").Scan(&xid); err != nil {
					t.Fatal(err)
				}
				if conn.PgConn().TxStatus() == 'I' {
					xid++ // the statement's own transaction is the next one
				}
				truncated[xid] = true
			}
			replicationtest.Exec(t, conn, sql)
		}
		now := storage(t, conn)
		if err := now.MarkEmpty(t.Context(), conn, was); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range was.Moves(now, func(_, xid uint32) bool { return truncated[xid] }) {
			got = append(got, m.What)
		}
		switch {
		case tt.want == "" && len(got) > 0, tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
			t.Errorf("%s: %q, want %q", tt.sql, got, tt.want)
		}
		if moves := now.Moves(storage(t, conn), func(uint32, uint32) bool { return false }); len(moves) > 0 {
			t.Errorf("%s: again %v", tt.sql, moves)
		}
		replicationtest.Exec(t, conn, "DROP FOREIGN DATA WRAPPER IF EXISTS w CASCADE")
	}
}

// storage reads that of the tables t and p, with all columns in use but one.
func storage(t *testing.T, conn *pgx.Conn) replication.Storage {
	t.Helper()
	var tables []decode.Table
	for name, columns := range map[string][]string{"t": {"id", "b", "c", "n"}, "p": {"id", "v"}} {
		table := decode.Table{Schema: "s", Name: name}
		if err := conn.QueryRow(t.Context(), "SELECT ('s.' || $1)::regclass::oid", name).Scan(&table.OID); err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			table.Columns = append(table.Columns, decode.Column{Name: c})
		}
		tables = append(tables, table)
	}
	s, err := replication.ReadStorage(t.Context(), conn, tables)
	if err != nil {
		t.Fatal(err)
	}
	if len(s) != 2 || len(s[tables[0].OID].Columns) == 0 {
		t.Fatalf("%v", s)
	}
	return s
}
