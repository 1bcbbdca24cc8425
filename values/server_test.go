package values

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

// server is a connection to a fresh database under the settings that the codecs
// expect, whose default collation is C (jsonb orders by it).
type server struct {
	t    testing.TB
	conn *pgconn.PgConn

	major int
}

func newServer(t testing.TB) *server {
	t.Helper()
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, embedded.NewDB(t))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	name := "values_" + admin.Config().Database
	if _, err := admin.Exec(ctx, fmt.Sprintf(`CREATE DATABASE %q TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`, name)); err != nil {
		t.Fatal(err)
	}
	srv := embedded.ForTest(t)
	conn, err := pgconn.Connect(ctx, srv.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
		again, err := pgx.Connect(ctx, srv.DSN("postgres"))
		if err != nil {
			t.Error(err)
			return
		}
		defer again.Close(ctx)
		if _, err := again.Exec(ctx, fmt.Sprintf(`DROP DATABASE %q WITH (FORCE)`, name)); err != nil {
			t.Error(err)
		}
	})
	s := &server{t: t, conn: conn}
	s.exec(`SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';
		SET extra_float_digits = 3; SET bytea_output = 'hex'`)
	version, err := strconv.Atoi(string(s.query(0, `SELECT current_setting('server_version_num')`)[0][0]))
	if err != nil {
		t.Fatal(err)
	}
	s.major = version / 10000
	SetInfiniteIntervals(s.major >= 17)
	return s
}

func (s *server) exec(sql string) {
	s.t.Helper()
	if _, err := s.conn.Exec(context.Background(), sql).ReadAll(); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// query returns all rows in one format: 0 text, 1 binary; NULL is nil.
func (s *server) query(format int16, sql string, params ...[]byte) [][][]byte {
	s.t.Helper()
	r := s.conn.ExecParams(context.Background(), sql, params, nil, nil, []int16{format}).Read()
	if r.Err != nil {
		s.t.Fatalf("%.300s: %v", sql, r.Err)
	}
	return r.Rows
}

// fails runs a statement that must fail, and returns its SQLSTATE and message.
func (s *server) fails(sql string) (state, message string) {
	s.t.Helper()
	r := s.conn.ExecParams(context.Background(), sql, nil, nil, nil, nil).Read()
	e, ok := r.Err.(*pgconn.PgError)
	if !ok {
		s.t.Fatalf("%s: no error, but %q", sql, r.Rows)
	}
	return e.Code, e.Message
}

// textArray writes a text[] literal.
func textArray(items []string) []byte {
	elems := make([]Datum, len(items))
	for i, s := range items {
		elems[i] = String(s)
	}
	t := TypeOf(1009)
	d, err := MakeArray(t, elems)
	if err != nil {
		panic(err)
	}
	b, err := AppendText(nil, t, d)
	if err != nil {
		panic(err)
	}
	return b
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
