package decode_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/replication"
	"github.com/stepping-cdc/stepping-cdc/replication/replicationtest"
)

// follow makes tables, follows those named, and returns the follower.
func follow(t *testing.T, options replication.StreamOptions, ddl string, names ...string) *replicationtest.Follower {
	t.Helper()
	dsn := embedded.NewDB(t)
	conn := replicationtest.Open(t, dsn)
	replicationtest.Exec(t, conn, "SET search_path = public; "+ddl)
	var tables []decode.Table
	for _, name := range names {
		name, columns, _ := strings.Cut(name, ":")
		var list []string
		if columns != "" {
			list = strings.Split(columns, ",")
		}
		tables = append(tables, replicationtest.Table(t, conn, name, list...))
	}
	f := replicationtest.NewFollower(t, dsn, options, tables...)
	replicationtest.Exec(t, f.Conn, "SET search_path = public")
	return f
}

// Every step is one script: after each, the trace must equal the source.
func TestEveryIdentity(t *testing.T) {
	tables := map[string]string{
		"default": `CREATE TABLE t (id int PRIMARY KEY, a text, n numeric, unused text)`,
		"full":    `CREATE TABLE t (id int, a text, n numeric, unused text); ALTER TABLE t REPLICA IDENTITY FULL`,
		"index": `CREATE TABLE t (id int NOT NULL, a text, n numeric, unused text, PRIMARY KEY (id) DEFERRABLE);
			CREATE UNIQUE INDEX i ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX i`,
		"two key columns": `CREATE TABLE t (id int, a text, n numeric, unused text, PRIMARY KEY (a, id))`,
		"numeric key":     `CREATE TABLE t (id int, a text, n numeric PRIMARY KEY, unused text)`,
		"partitioned": `CREATE TABLE t (id int PRIMARY KEY, a text, n numeric, unused text) PARTITION BY RANGE (id);
			CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5);
			CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5) TO (1000) PARTITION BY RANGE (id);
			CREATE TABLE t21 (unused text, n numeric, a text, id int NOT NULL);
			ALTER TABLE t2 ATTACH PARTITION t21 FOR VALUES FROM (5) TO (1000)`,
	}
	steps := []string{
		`INSERT INTO t VALUES (4, 'four', 4.00, 'x'), (6, '', 6, 'x')`,
		`UPDATE t SET a = 'vier' WHERE id = 4`,
		`UPDATE t SET unused = 'y'`,
		`UPDATE t SET id = 7 WHERE id = 4`,
		`UPDATE t SET n = n * 1.0 WHERE id = 6`,
		`INSERT INTO t VALUES (10, 'a', 10, NULL); UPDATE t SET id = 11 WHERE id = 10; UPDATE t SET a = 'b' WHERE id = 11; DELETE FROM t WHERE id = 11`,
		`DELETE FROM t WHERE id = 7; INSERT INTO t VALUES (7, 'seven', 7.7, NULL)`,
		`BEGIN; INSERT INTO t VALUES (20, 'a', 20, NULL); SAVEPOINT s; UPDATE t SET a = 'lost'; ROLLBACK TO s;
		 UPDATE t SET a = 'kept' WHERE id = 20; SAVEPOINT r; DELETE FROM t WHERE id = 20; RELEASE r; COMMIT`,
		`BEGIN; INSERT INTO t VALUES (30, 'never', 30, NULL); ROLLBACK`,
		`INSERT INTO t VALUES (31, 'a', 31, NULL); TRUNCATE t; INSERT INTO t VALUES (31, 'again', 31.0, NULL), (3, 'c', 3, NULL)`,
		`UPDATE t SET a = upper(a)`,
		`TRUNCATE t`,
		`INSERT INTO t VALUES (1, repeat('key', 50), 'NaN', NULL)`,
	}
	for name, ddl := range tables {
		t.Run(name, func(t *testing.T) {
			f := follow(t, replication.StreamOptions{}, ddl+`; INSERT INTO t VALUES (1, 'one', 1.0, 'u'), (2, 'two', 2, 'u')`, "t:id,a,n")
			f.Trace.Check(t, f.Conn)
			for _, step := range steps {
				replicationtest.Exec(t, f.Conn, step)
				if err := f.Follow(t); err != nil {
					t.Fatalf("%s: %v", step, err)
				}
				f.Trace.Check(t, f.Conn)
			}
		})
	}
}

func TestTableWithoutKeyHoldsDuplicates(t *testing.T) {
	f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL;
		INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, NULL)`, "t:a")
	for _, step := range []string{
		`INSERT INTO t VALUES (1, 'y'), (2, 'y')`,
		`DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 1)`,
		`UPDATE t SET a = 3 WHERE a = 2`,
		`INSERT INTO t VALUES (9, ''); TRUNCATE t; INSERT INTO t VALUES (5, ''), (5, ''); TRUNCATE t; INSERT INTO t VALUES (6, '')`,
	} {
		replicationtest.Exec(t, f.Conn, step)
		f.MustFollow(t)
	}
}

func TestUnchangedToast(t *testing.T) {
	long := "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i)"
	for _, identity := range []string{"DEFAULT", "FULL"} {
		t.Run(identity, func(t *testing.T) {
			f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id int PRIMARY KEY, v text, w text, n int);
				ALTER TABLE t REPLICA IDENTITY `+identity+`; INSERT INTO t VALUES (1, `+long+`, `+long+`, 1)`, "t")
			for _, step := range []string{
				`UPDATE t SET n = 2`,
				`UPDATE t SET id = 2`,
				`UPDATE t SET w = w || 'more'`,
				`INSERT INTO t VALUES (3, ` + long + `, NULL, 0); UPDATE t SET n = 1 WHERE id = 3; UPDATE t SET id = 4, n = 5 WHERE id = 3`,
				`DELETE FROM t WHERE id = 2`,
			} {
				replicationtest.Exec(t, f.Conn, step)
				f.MustFollow(t)
			}
		})
	}
}

// A key may itself be out of line: an index holds what compresses below a third
// of a page, the table keeps it in TOAST all the same.
func TestToastedKey(t *testing.T) {
	f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id text PRIMARY KEY, n int, v text);
		ALTER TABLE t ALTER id SET STORAGE EXTERNAL; ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
		INSERT INTO t VALUES (repeat('k', 2500), 1, repeat('v', 9000))`, "t")
	for _, step := range []string{`UPDATE t SET n = 2`, `UPDATE t SET id = repeat('j', 2400)`, `UPDATE t SET n = 3`, `DELETE FROM t`} {
		replicationtest.Exec(t, f.Conn, step)
		f.MustFollow(t)
	}
}

func TestManyTypesBinaryAndText(t *testing.T) {
	for _, text := range []bool{false, true} {
		t.Run(fmt.Sprintf("text=%v", text), func(t *testing.T) {
			f := follow(t, replication.StreamOptions{Text: text}, `
				CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS int CHECK (value > 0);
				CREATE TABLE t (id bigint PRIMARY KEY, b bool, i2 int2, f4 float4, f8 float8, n numeric(20,4), v varchar(10), c char(5),
					y bytea, u uuid, d date, ti time, tz timetz, ts timestamp, tt timestamptz, iv interval, m mood, p positive,
					j json, jb jsonb, a int[], ta text[], na numeric[])`, "t")
			replicationtest.Exec(t, f.Conn, `INSERT INTO t VALUES
				(1, true, -5, 1.5, 'Infinity', 12.3, 'vc', 'ab', '\x00ff', '11111111-2222-3333-4444-555555555555', '2024-02-29', '24:00:00',
				 '12:00:00+05:30', 'infinity', '0044-03-15 BC', '1 mon -2 days 03:04:05.000006', 'ok', 7,
				 '{"a": 1}', '{"b": [1, 2.50, null]}', '{1,NULL,3}', '[2:3]={"x y",""}', '{1.0,NaN}')`)
			replicationtest.Exec(t, f.Conn, `INSERT INTO t (id) VALUES (2)`)
			replicationtest.Exec(t, f.Conn, `UPDATE t SET f8 = '-0', n = 'NaN', ts = '-infinity' WHERE id = 1`)
			f.MustFollow(t)
		})
	}
}

func TestUnusedColumnsComeAndGo(t *testing.T) {
	f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id int PRIMARY KEY, a text, x int, y int)`, "t:id,a")
	for _, step := range []string{
		`INSERT INTO t VALUES (1, 'a', 1, 1)`,
		`ALTER TABLE t DROP COLUMN x`, `INSERT INTO t VALUES (2, 'b', 2)`,
		`BEGIN; INSERT INTO t VALUES (3, 'c', 3); ALTER TABLE t ADD z text DEFAULT 'z', ALTER y TYPE text; INSERT INTO t VALUES (4, 'd', 'e', 'f'); COMMIT`,
		`UPDATE t SET z = 'zz'`, `UPDATE t SET a = a || '!'`,
	} {
		replicationtest.Exec(t, f.Conn, step)
		f.MustFollow(t)
	}
}

func TestTableThatNoLongerFits(t *testing.T) {
	tests := []struct {
		name, ddl, change string
		kind              decode.SchemaKind
	}{
		{"dropped", "", `ALTER TABLE t DROP COLUMN a; INSERT INTO t VALUES (5)`, decode.ColumnMissing},
		{"renamed", "", `ALTER TABLE t RENAME a TO b; INSERT INTO t VALUES (5, 'x')`, decode.ColumnMissing},
		{"retyped", "", `ALTER TABLE t ALTER a TYPE varchar(5); INSERT INTO t VALUES (5, 'x')`, decode.ColumnRetyped},
		{"within a transaction", "", `BEGIN; INSERT INTO t VALUES (4, 'x'); ALTER TABLE t ALTER a TYPE varchar(5); INSERT INTO t VALUES (5, 'x'); COMMIT`, decode.ColumnRetyped},
		{"table renamed", "", `ALTER TABLE t RENAME TO tt; INSERT INTO tt VALUES (5, 'x')`, decode.TableRenamed},
		{"table created anew", "", `DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a text); ALTER PUBLICATION pub ADD TABLE t; INSERT INTO t VALUES (5, 'x')`, decode.TableRecreated},
		{"identity nothing", "", `ALTER TABLE t REPLICA IDENTITY NOTHING; INSERT INTO t VALUES (5, 'x')`, decode.IdentityWeakened},
		{"key gone", "", `ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (5, 'x')`, decode.IdentityWeakened},
		{"another key", "", `ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (a); INSERT INTO t VALUES (5, 'x')`, decode.IdentityWeakened},
		{"no longer full", "ALTER TABLE t REPLICA IDENTITY FULL", `ALTER TABLE t REPLICA IDENTITY DEFAULT; INSERT INTO t VALUES (5, 'x')`, decode.IdentityWeakened},
		{"full and the key gone", "", `ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (1, 'x')`, decode.KeyDuplicated},
		{"full and the key not unique", "", `INSERT INTO t VALUES (2, 'two'); ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t DROP CONSTRAINT t_pkey; UPDATE t SET id = 1 WHERE id = 2`, decode.KeyDuplicated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one');
				CREATE TABLE other (id int PRIMARY KEY);`+tt.ddl, "other", "t")
			replicationtest.Exec(t, f.Conn, tt.change)
			replicationtest.Exec(t, f.Conn, "INSERT INTO other VALUES (1)")
			err := f.Follow(t)
			var se *decode.SchemaError
			if !errors.As(err, &se) || se.Kind != tt.kind || se.Table != 1 || se.Name != "t" {
				t.Fatalf("want %s of t, have %v", tt.kind, err)
			}
		})
	}
}

// TestLostColumns: what becomes of a used column does not keep the other columns'
// values from arriving, and it stays lost when it comes back.
func TestLostColumns(t *testing.T) {
	for _, full := range []string{"", "; ALTER TABLE t REPLICA IDENTITY FULL"} {
		t.Run(full, func(t *testing.T) { loseColumns(t, full) })
	}
}

func loseColumns(t *testing.T, full string) {
	f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id int PRIMARY KEY, a text, b int, c int)`+full, "t")
	d := decode.NewDecoder(f.Trace.Tables, nil)
	var lost []string
	var rows []string
	step := func(sql string) {
		t.Helper()
		replicationtest.Exec(t, f.Conn, sql)
		for {
			e, err := f.Stream.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e.Idle() {
				continue
			}
			var out decode.Changes
			err = d.Decode(e.Messages, &out)
			if failed := decode.SchemaErrors(err); err != nil && len(failed) == 0 {
				t.Fatal(err)
			} else {
				for _, se := range failed {
					if !se.ColumnOnly {
						t.Fatalf("%v is not of a column alone", se)
					}
					lost = append(lost, se.Column+" "+string(se.Kind))
				}
			}
			for _, c := range out.List {
				row := fmt.Sprint(c.New[0].Int64())
				for _, v := range c.New[1:] {
					row += fmt.Sprint(" ", !v.IsNull())
				}
				rows = append(rows, row)
			}
			return
		}
	}
	step(`INSERT INTO t VALUES (1, 'x', 1, 1)`)
	step(`BEGIN; INSERT INTO t VALUES (2, 'x', 1, 1); ALTER TABLE t DROP COLUMN a, ALTER b TYPE int8; INSERT INTO t (id, b, c) VALUES (3, 1, 1); UPDATE t SET c = 5 WHERE id = 1; COMMIT`)
	step(`BEGIN; ALTER TABLE t ALTER b TYPE int4, ADD COLUMN a text; INSERT INTO t VALUES (4, 1, 1, 'x'); COMMIT`)
	if want := []string{"a column_missing", "b column_retyped"}; !slices.Equal(lost, want) {
		t.Errorf("lost %v, want %v", lost, want)
	}
	if want := []string{"1 true true true", "2 true true true", "3 false false true", "1 false false true", "4 false false true"}; !slices.Equal(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
}

func TestDetachedTableLeavesTheOthers(t *testing.T) {
	f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE other (id int PRIMARY KEY)`, "t", "other")
	replicationtest.Exec(t, f.Conn, `BEGIN; INSERT INTO other VALUES (1); ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (1);
		INSERT INTO other VALUES (2); TRUNCATE u, other; INSERT INTO other VALUES (3); ALTER TABLE u RENAME TO t; COMMIT`)
	var d *decode.Decoder
	var out decode.Changes
	for {
		e, err := f.Stream.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Idle() {
			continue
		}
		d = decode.NewDecoder(f.Trace.Tables, nil)
		err = d.Decode(e.Messages, &out)
		if failed := decode.SchemaErrors(err); len(failed) != 1 || failed[0].Table != 0 {
			t.Fatalf("want one schema error of table 0, have %v", err)
		}
		break
	}
	deltas := decode.NewDeltas(f.Trace.Tables, f.Trace)
	if err := deltas.Add(out.List); err != nil {
		t.Fatal(err)
	}
	if err := f.Trace.Apply(deltas); err != nil {
		t.Fatal(err)
	}
	if rows := deltas.Tables[1].Rows; rows.Len() != 1 || rows.Row(0)[0].Int64() != 3 || !deltas.Tables[1].Truncated {
		t.Fatalf("other: %v", rows)
	}
	d.Detach(0)
	replicationtest.Exec(t, f.Conn, "BEGIN; INSERT INTO t VALUES (2); INSERT INTO other VALUES (4); COMMIT")
	for {
		e, err := f.Stream.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Idle() {
			continue
		}
		out.Reset()
		if err := d.Decode(e.Messages, &out); err != nil || len(out.List) != 1 || out.List[0].Table != 1 {
			t.Fatalf("after detaching: %v, %v", out.List, err)
		}
		return
	}
}

func TestDecoderThatJoinsASession(t *testing.T) {
	f := follow(t, replication.StreamOptions{}, `CREATE TABLE t (id int PRIMARY KEY, a text, b int)`, "t")
	replicationtest.Exec(t, f.Conn, "INSERT INTO t VALUES (1, 'a', 1)")
	next := func() replication.Event {
		for {
			e, err := f.Stream.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !e.Idle() {
				return e
			}
		}
	}
	var out decode.Changes
	first := decode.NewDecoder(f.Trace.Tables, nil)
	if err := first.Decode(next().Messages, &out); err != nil {
		t.Fatal(err)
	}
	second := decode.NewDecoder([]decode.Table{replicationtest.Table(t, f.Conn, "t", "b")}, first.Relations())
	replicationtest.Exec(t, f.Conn, "INSERT INTO t VALUES (2, 'b', 22)")
	out.Reset()
	if err := second.Decode(next().Messages, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.List) != 1 || out.List[0].New[0].Int64() != 22 {
		t.Fatalf("have %v", out.List)
	}
}

// Random transactions, cut into small chunks, with restarts in between.
func TestRandomTransactions(t *testing.T) {
	f := follow(t, replication.StreamOptions{ChunkBytes: 300}, `
		CREATE TABLE k (id int PRIMARY KEY, v text, n int);
		CREATE TABLE f (id int, v text, n int); ALTER TABLE f REPLICA IDENTITY FULL`, "k", "f")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	value := func() string {
		if rng.IntN(4) == 0 {
			return fmt.Sprintf("(SELECT string_agg(md5((i + %d)::text), '') FROM generate_series(1, 200) i)", rng.IntN(100))
		}
		return fmt.Sprintf("'v%d'", rng.IntN(5))
	}
	statement := func() string {
		table := []string{"k", "f"}[rng.IntN(2)]
		id, to := rng.IntN(20), rng.IntN(20)
		switch rng.IntN(12) {
		case 0, 1, 2, 3:
			return fmt.Sprintf("INSERT INTO %s SELECT %d, %s, %d WHERE NOT EXISTS (SELECT FROM k WHERE id = %[2]d)", table, id, value(), rng.IntN(3))
		case 4, 5:
			return fmt.Sprintf("UPDATE %s SET n = n + 1 WHERE id < %d", table, id)
		case 6, 7:
			return fmt.Sprintf("UPDATE %s SET v = %s WHERE id = %d", table, value(), id)
		case 8:
			return fmt.Sprintf("UPDATE %s SET id = %d WHERE id = %d AND NOT EXISTS (SELECT FROM k WHERE id = %[2]d)", table, to, id)
		case 9, 10:
			return fmt.Sprintf("DELETE FROM %s WHERE id = %d", table, id)
		}
		if rng.IntN(4) > 0 {
			return "SAVEPOINT s; DELETE FROM k; ROLLBACK TO s"
		}
		return "TRUNCATE " + []string{table, "k, f"}[rng.IntN(2)]
	}
	for range 40 {
		for range 1 + rng.IntN(3) {
			script := []string{"BEGIN"}
			for range 1 + rng.IntN(8) {
				script = append(script, statement())
			}
			replicationtest.Exec(t, f.Conn, strings.Join(append(script, "COMMIT"), "; "))
		}
		f.MustFollow(t)
		switch rng.IntN(6) {
		case 0:
			f.Stream.Ack(f.Position)
		case 1:
			f.Restart(t)
		}
	}
	if f.Chunks <= len(f.Txs)/2 {
		t.Fatalf("%d chunks only", f.Chunks)
	}
}
