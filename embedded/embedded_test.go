package embedded

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { os.Exit(RunTests(m)) }

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func show(t *testing.T, conn *pgx.Conn, setting string) string {
	t.Helper()
	var v string
	if err := conn.QueryRow(context.Background(), "SELECT current_setting($1)", setting).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSharedServerIsSetForLogicalReplication(t *testing.T) {
	conn := connect(t, NewDB(t))
	for setting, want := range map[string]string{
		"wal_level":             "logical",
		"max_replication_slots": "100",
		"max_wal_senders":       "100",
		"fsync":                 "off",
		"server_encoding":       "UTF8",
		"listen_addresses":      "127.0.0.1",
		"data_directory":        ForTest(t).DataDir(),
	} {
		if got := show(t, conn, setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
}
