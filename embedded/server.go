package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Superuser is the role that owns every cluster of this package.
const Superuser = "postgres"

const (
	startTimeout = 60 * time.Second
	// A fast shutdown waits until walsenders have sent everything, which never
	// ends while a consumer does not read; after this long Stop stops asking.
	fastStopTimeout = 20 * time.Second
)

// Options says which server to start. The zero value is a good one.
type Options struct {
	// Version is a major version, "14" to "18"; "" takes what is installed,
	// or DefaultVersion when nothing is.
	Version string
	// Settings are written to postgresql.conf, after and so over the defaults.
	Settings map[string]string
	// Locale is initdb's --locale; "" is C.UTF-8 on Linux and C elsewhere.
	// The encoding is always UTF8.
	Locale string
	// Durable keeps fsync and full_page_writes on.
	Durable bool
	// Trust lets every role connect over 127.0.0.1 without a password. Without
	// it the superuser has a random password, which DSN contains.
	Trust bool
	// NewSystem runs initdb instead of copying a template. Servers that come from
	// one template share their system identifier; this one has its own.
	NewSystem bool
	// Log receives one line for everything the package does that takes time or
	// touches the machine: which Postgres is used, downloads, installations.
	Log io.Writer
}

// Server is a running (or, after Kill or Shutdown, stopped) cluster.
// Its methods are safe for concurrent use.
type Server struct {
	install  Installation
	account  *account
	dir      string // temporary folder: data, sockets and log
	port     int
	password string

	mu       sync.Mutex
	cmd      *exec.Cmd
	exited   chan struct{} // closed when cmd has been waited for
	watchdog *watchdog
	stopped  bool
}

// Start finds or gets a Postgres, and starts a new cluster with it.
func Start(ctx context.Context, opts Options) (*Server, error) {
	log := logger{opts.Log}
	acct, err := serverAccount()
	if err != nil {
		return nil, fmt.Errorf("choose the server's user: %w", err)
	}
	inst, err := locate(ctx, opts.Version, acct, log)
	if err != nil {
		return nil, fmt.Errorf("find Postgres: %w", err)
	}
	log.printf("using PostgreSQL %s from %s", inst.Version, inst.BinDir)

	dir, err := acct.tempDir("stepping-pg-")
	if err != nil {
		return nil, fmt.Errorf("create the server's folder: %w", err)
	}
	s := &Server{install: inst, account: acct, dir: dir}
	// First of all, so that a death during the lines below leaves nothing either.
	if s.watchdog, err = startWatchdog(acct, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("start the watchdog: %w", err), os.RemoveAll(dir))
	}
	if err := s.create(ctx, opts, log); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.startOnFreePort(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL %s: %w", inst.Version, err), s.Stop())
	}
	log.printf("server listens on 127.0.0.1:%d, data in %s", s.port, s.DataDir())
	return s, nil
}

// create fills the data directory and writes its configuration.
func (s *Server) create(ctx context.Context, opts Options, log logger) error {
	password, err := fillDataDir(ctx, s.install, s.account, s.DataDir(), opts, log)
	if err != nil {
		return fmt.Errorf("create the cluster: %w", err)
	}
	s.password = password
	method := "scram-sha-256"
	if opts.Trust {
		method = "trust"
	}
	// The socket folder is mode 0700, so that trust there is for its owner alone.
	hba := "local all all trust\nlocal replication all trust\n" +
		"host all all 127.0.0.1/32 " + method + "\n" +
		"host replication all 127.0.0.1/32 " + method + "\n"
	if err := s.account.writeFile(filepath.Join(s.DataDir(), "pg_hba.conf"), []byte(hba)); err != nil {
		return fmt.Errorf("write pg_hba.conf: %w", err)
	}
	conf := filepath.Join(s.DataDir(), "postgresql.conf")
	if err := s.account.writeFile(conf, []byte(configuration(s.dir, opts))); err != nil {
		return fmt.Errorf("write postgresql.conf: %w", err)
	}
	return nil
}

// configuration returns the text of postgresql.conf. The port is given on the
// command line, as it is chosen at start.
func configuration(socketDir string, opts Options) string {
	settings := map[string]string{
		"listen_addresses":          "127.0.0.1",
		"unix_socket_directories":   socketDir,
		"wal_level":                 "logical",
		"max_replication_slots":     "100",
		"max_wal_senders":           "100",
		"max_connections":           "200",
		"max_prepared_transactions": "20",
		"shared_buffers":            "64MB",
		"max_wal_size":              "2GB",
		// Where many slots are made and moved on at once, a server may remove WAL that a new one needs:
		// https://www.postgresql.org/message-id/TY4PR01MB1690772562282F0F09BDAF52C9490A%40TY4PR01MB16907.jpnprd01.prod.outlook.com
		"wal_keep_size":              "256MB",
		"dynamic_shared_memory_type": "posix",
		"timezone":                   "UTC",
		"log_timezone":               "UTC",
		"lc_messages":                "C",
		"logging_collector":          "off",
		"log_destination":            "stderr",
	}
	if !opts.Durable {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	for k, v := range opts.Settings {
		settings[strings.ToLower(k)] = v
	}
	names := make([]string, 0, len(settings))
	for k := range settings {
		names = append(names, k)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, k := range names {
		fmt.Fprintf(&b, "%s = '%s'\n", k, strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`).Replace(settings[k]))
	}
	return b.String()
}

// startOnFreePort tries other ports when one is taken between choice and use.
func (s *Server) startOnFreePort(ctx context.Context) error {
	var err error
	for range 5 {
		if s.port, err = freePort(); err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		s.mu.Lock()
		err = s.launch(ctx)
		s.mu.Unlock()
		if err == nil || ctx.Err() != nil || portIsFree(s.port) {
			return err
		}
	}
	return err
}

// launch starts the postmaster and waits until it accepts connections.
// The caller holds s.mu.
func (s *Server) launch(ctx context.Context) error {
	logFile, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer logFile.Close()
	cmd := exec.Command(filepath.Join(s.install.BinDir, "postgres"), "-D", s.DataDir(), "-p", strconv.Itoa(s.port))
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.Dir = s.dir
	cmd.Env = serverEnv()
	// Its own session: a Ctrl-C at the terminal is for us, and we stop the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.account.credential()}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("execute postgres: %w", err)
	}
	exited := make(chan struct{})
	s.cmd, s.exited = cmd, exited
	go func() {
		// How it ended is in cmd.ProcessState; that it did is what others wait for.
		_ = cmd.Wait()
		close(exited)
	}()

	deadline := time.NewTimer(startTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.ready(cmd.Process.Pid) {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("postgres ended at once (%s); its log:\n%s", cmd.ProcessState, s.logTail())
		case <-ctx.Done():
			s.signalAndWait(syscall.SIGQUIT, fastStopTimeout)
			return ctx.Err()
		case <-deadline.C:
			s.signalAndWait(syscall.SIGQUIT, fastStopTimeout)
			return fmt.Errorf("postgres was not ready after %s; its log:\n%s", startTimeout, s.logTail())
		case <-tick.C:
		}
	}
}

// ready reads the postmaster's own account of itself: line 8 of postmaster.pid
// (miscinit.h LOCK_FILE_LINE_PM_STATUS) is "ready" once it accepts connections.
func (s *Server) ready(pid int) bool {
	b, err := os.ReadFile(filepath.Join(s.DataDir(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(b), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

// DSN returns the connection string of a database, as the superuser.
func (s *Server) DSN(db string) string {
	return s.DSNAs(Superuser, s.password, db)
}

// DSNAs returns the connection string of a database for another role.
func (s *Server) DSNAs(user, password, db string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + db,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Port is the TCP port on 127.0.0.1; it stays the same through restarts.
func (s *Server) Port() int { return s.port }

// DataDir is the cluster's data directory.
func (s *Server) DataDir() string { return filepath.Join(s.dir, "data") }

// SocketDir is the folder of the unix socket.
func (s *Server) SocketDir() string { return s.dir }

// BinDir is the folder of the server's programs.
func (s *Server) BinDir() string { return s.install.BinDir }

// Version is the server's version, like "15.20".
func (s *Server) Version() string { return s.install.Version }

// Major is the server's major version, like 15.
func (s *Server) Major() int { return s.install.Major }

// Pid is the postmaster's process id, or 0 while it is down.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return 0
	}
	return s.cmd.Process.Pid
}

// Log returns the end of the server's log.
func (s *Server) Log() string { return s.logTail() }

// Stop shuts the server down and removes its files. It may be called again.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	var err error
	if s.running() && !s.signalAndWait(syscall.SIGINT, fastStopTimeout) &&
		!s.signalAndWait(syscall.SIGQUIT, fastStopTimeout) && !s.signalAndWait(syscall.SIGKILL, fastStopTimeout) {
		err = fmt.Errorf("stop PostgreSQL: process %d does not end", s.cmd.Process.Pid)
	}
	if s.watchdog != nil {
		err = errors.Join(err, s.watchdog.release())
	}
	if rmErr := os.RemoveAll(s.dir); rmErr != nil {
		err = errors.Join(err, fmt.Errorf("remove the server's folder: %w", rmErr))
	}
	return err
}

// Shutdown stops the server in fast mode and keeps its data; Restart starts it again.
func (s *Server) Shutdown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shutdown()
}

func (s *Server) shutdown() error {
	if s.running() && !s.signalAndWait(syscall.SIGINT, startTimeout) {
		return fmt.Errorf("stop PostgreSQL: it did not end within %s; its log:\n%s", startTimeout, s.logTail())
	}
	return nil
}

// Kill stops the server in immediate mode: no checkpoint, the next start
// recovers from the WAL as after a crash. Its data is kept for Restart.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running() && !s.signalAndWait(syscall.SIGQUIT, fastStopTimeout) {
		return fmt.Errorf("kill PostgreSQL: process %d does not end", s.cmd.Process.Pid)
	}
	return nil
}

// Restart starts the server again on the same port, after a fast shutdown if it runs.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errors.New("restart PostgreSQL: the server was stopped for good")
	}
	if err := s.shutdown(); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	return nil
}

func (s *Server) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// signalAndWait reports whether the postmaster ended within the time.
func (s *Server) signalAndWait(sig syscall.Signal, timeout time.Duration) bool {
	// An error means that the process is gone already, which exited tells.
	_ = s.cmd.Process.Signal(sig)
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-s.exited:
		return true
	case <-t.C:
		return false
	}
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

func (s *Server) logTail() string {
	b, err := os.ReadFile(s.logPath())
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	const most = 8 << 10
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}

// freePort chooses a free port below the usual range of outgoing connections
// (32768 and up on Linux, 49152 and up elsewhere), so that it is still free
// when a test restarts the server.
func freePort() (int, error) {
	for range 200 {
		n, err := rand.Int(rand.Reader, big.NewInt(12000))
		if err != nil {
			return 0, err
		}
		if port := 20000 + int(n.Int64()); portIsFree(port) {
			return port, nil
		}
	}
	return 0, errors.New("200 ports between 20000 and 32000 are all taken")
}

func portIsFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// serverEnv is our environment without what would change the server's behaviour.
func serverEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG") ||
			strings.HasPrefix(kv, "STEPPING_") || strings.HasPrefix(kv, "HOME=") || strings.HasPrefix(kv, "TZ=") {
			continue
		}
		env = append(env, kv)
	}
	if runtime.GOOS == "darwin" {
		// Without a locale macOS's postmaster becomes multithreaded and refuses to start.
		env = append(env, "LC_ALL=C")
	}
	return env
}

// logger writes lines to w, which may be nil.
type logger struct{ w io.Writer }

func (l logger) printf(format string, args ...any) {
	if l.w != nil {
		fmt.Fprintf(l.w, "embedded: "+format+"\n", args...)
	}
}
