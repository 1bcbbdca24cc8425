package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestRestartAndKillKeepDataAndPort(t *testing.T) {
	ctx := context.Background()
	srv := StartForTest(t, Options{Durable: true})
	port, dir := srv.Port(), srv.DataDir()
	write := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(ctx, srv.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	write("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
	first := srv.Pid()
	if err := srv.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if srv.Pid() == first || srv.Pid() == 0 {
		t.Errorf("after Restart the process is %d, before it was %d", srv.Pid(), first)
	}
	write("INSERT INTO kept VALUES (2)")
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}
	if srv.Pid() != 0 {
		t.Errorf("after Kill process %d still runs", srv.Pid())
	}
	if err := srv.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(srv.Log(), "database system was not properly shut down") {
		t.Errorf("Kill left a clean cluster; log:\n%s", srv.Log())
	}
	if err := srv.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if srv.Port() != port || srv.DataDir() != dir {
		t.Errorf("port and folder went from %d %s to %d %s", port, dir, srv.Port(), srv.DataDir())
	}
	conn := connect(t, srv.DSN("postgres"))
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows are left, want 2 (error: %v)", n, err)
	}
	if got := show(t, conn, "fsync"); got != "on" {
		t.Errorf("fsync of a durable server is %s", got)
	}
}

func TestStopRemovesEverythingAndMayBeRepeated(t *testing.T) {
	srv := StartForTest(t, Options{})
	// A session that is open must not hold up a fast shutdown.
	connect(t, srv.DSN("postgres"))
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(srv.DataDir())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if !portIsFree(srv.Port()) {
		t.Errorf("port %d is still taken", srv.Port())
	}
	if err := srv.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	if err := srv.Restart(context.Background()); err == nil {
		t.Error("a stopped server was restarted")
	}
}

// TestTemporaryFolderOfAnotherUser: the server's user need not be allowed to write to TMPDIR.
func TestTemporaryFolderOfAnotherUser(t *testing.T) {
	private, err := os.MkdirTemp("", "stepping-tmpdir-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(private); err != nil {
			t.Errorf("something is left: %v", err)
		}
	})
	if err := os.Chmod(private, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", private)
	srv := StartForTest(t, Options{})
	if err := srv.Stop(); err != nil {
		t.Error(err)
	}
}

// childEnv makes the test binary start a server, tell its folder, port and
// process, and hang, for its parent to kill.
const childEnv = "STEPPING_EMBEDDED_TEST_CHILD"

func init() {
	if os.Getenv(childEnv) == "" {
		return
	}
	srv, err := Start(context.Background(), Options{Version: os.Getenv(TestVersionEnv), Trust: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(srv.SocketDir(), srv.Port(), srv.Pid())
	select {}
}

func TestNothingIsLeftAfterSIGKILL(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("read the child's line: %v", err)
	}
	var dir string
	var port, pid int
	if _, err := fmt.Sscan(line, &dir, &port, &pid); err != nil {
		t.Fatalf("read the child's line %q: %v", line, err)
	}
	if portIsFree(port) || syscall.Kill(pid, 0) != nil {
		t.Fatalf("no server runs as process %d on port %d", pid, port)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended well before it was killed")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := os.Stat(dir)
		if errors.Is(err, os.ErrNotExist) && portIsFree(port) && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("20 s after the death of its parent: folder %s (%v), process %d", dir, err, pid)
		}
	}
}

func TestServerIsNeverRoot(t *testing.T) {
	info, err := os.Stat(ForTest(t).DataDir())
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 {
		t.Error("the data directory belongs to root")
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory's mode is %v", info.Mode())
	}
}

func TestPasswordIsNeededWithoutTrust(t *testing.T) {
	ctx := context.Background()
	srv, err := Start(ctx, Options{Version: os.Getenv(TestVersionEnv)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	connect(t, srv.DSN("postgres"))
	_, err = pgx.Connect(ctx, srv.DSNAs(Superuser, "wrong", "postgres"))
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "28P01" {
		t.Errorf("connecting with a wrong password: %v", err)
	}
	if strings.Contains(srv.DSN("postgres"), ":@") {
		t.Error("the connection string has no password")
	}
}

func TestSettingsAndSystemIdentifier(t *testing.T) {
	ctx := context.Background()
	srv := StartForTest(t, Options{
		NewSystem: true, Locale: "C",
		Settings: map[string]string{"Cluster_Name": `it's a \ test`, "max_connections": "42"},
	})
	conn := connect(t, srv.DSN("postgres"))
	if got := show(t, conn, "max_connections"); got != "42" {
		t.Errorf("max_connections = %s", got)
	}
	var system, shared, collate, name string
	const identifier = "SELECT system_identifier::text FROM pg_control_system()"
	if err := conn.QueryRow(ctx, identifier).Scan(&system); err != nil {
		t.Fatal(err)
	}
	if err := connect(t, NewDB(t)).QueryRow(ctx, identifier).Scan(&shared); err != nil {
		t.Fatal(err)
	}
	if system == shared {
		t.Errorf("both servers are system %s", system)
	}
	if err := conn.QueryRow(ctx, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'").Scan(&collate); err != nil || collate != "C" {
		t.Errorf("the collation is %q (error: %v)", collate, err)
	}
	if err := conn.QueryRow(ctx, "SELECT setting FROM pg_settings WHERE name = 'cluster_name'").Scan(&name); err != nil || name != `it's a \ test` {
		t.Errorf("the setting arrived as %q (error: %v)", name, err)
	}
}

func TestBadSettingIsReportedWithTheServersLog(t *testing.T) {
	_, err := Start(context.Background(), Options{
		Version: os.Getenv(TestVersionEnv), Settings: map[string]string{"no_such_setting": "1"},
	})
	if err == nil || !strings.Contains(err.Error(), `unrecognized configuration parameter "no_such_setting"`) {
		t.Errorf("got %v", err)
	}
}

func TestStartHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if srv, err := Start(ctx, Options{Version: os.Getenv(TestVersionEnv)}); err == nil {
		srv.Stop()
		t.Error("started with a cancelled context")
	}
}

// cleanups is a TB whose cleanups run when the test says so.
type cleanups struct {
	*testing.T
	funcs []func()
}

func (c *cleanups) Cleanup(f func()) { c.funcs = append(c.funcs, f) }

func (c *cleanups) run() {
	for _, f := range slices.Backward(c.funcs) {
		f()
	}
}

func TestNewDBIsDroppedWithItsSlotsAndSessions(t *testing.T) {
	ctx := context.Background()
	inner := &cleanups{T: t}
	dsn := NewDB(inner)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	db := conn.Config().Database
	for i := range 2 {
		if _, err := conn.Exec(ctx, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", fmt.Sprintf("%.40s_%d", db, i)); err != nil {
			t.Fatal(err)
		}
	}
	// One of the slots is in use by a walsender.
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["replication"] = "database"
	walsender, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer walsender.Close(ctx)
	walsender.Frontend().SendQuery(&pgproto3.Query{String: fmt.Sprintf(
		`START_REPLICATION SLOT %.40s_0 LOGICAL 0/0 (proto_version '1', publication_names 'none')`, db)})
	if err := walsender.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := walsender.ReceiveMessage(ctx); err != nil {
		t.Fatal(err)
	}
	inner.run()
	var left int
	if err := connect(t, ForTest(t).DSN("postgres")).QueryRow(ctx, `
		SELECT (SELECT count(*) FROM pg_database WHERE datname = $1)
		     + (SELECT count(*) FROM pg_replication_slots WHERE database = $1)`, db).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d databases and slots are left", left)
	}
}

func TestFreePortIsFree(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if portIsFree(port) {
		t.Errorf("port %d is said to be free while it is listened to", port)
	}
}
