package pipeline

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its own certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), name+".crt")}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// install gives a server a certificate for a host, good until a time, and restarts it
// with TLS.
func (a *authority) install(srv *embedded.Server, host string, until time.Time) {
	a.t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{host}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	giveFile(a.t, srv, "server.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	giveFile(a.t, srv, "server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	giveFile(a.t, srv, "postgresql.auto.conf", "ssl = on\n")
	if err := srv.Restart(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

// giveFile writes a file of the server's own into its data directory.
func giveFile(t *testing.T, srv *embedded.Server, name, text string) {
	t.Helper()
	path := filepath.Join(srv.DataDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	giveToServer(t, srv, path)
}

// giveToServer makes the server's account the owner of a file.
func giveToServer(t *testing.T, srv *embedded.Server, path string) {
	t.Helper()
	info, err := os.Stat(srv.DataDir())
	if err != nil {
		t.Fatal(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return
	}
	if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}

// TestTLS: what the connection string asks for is what is done. A server that does not
// have it is refused at once, and not tried for ever.
func TestTLS(t *testing.T) {
	t.Parallel()
	srv := embedded.StartForTest(t, embedded.Options{})
	w := newWorldOn(t, srv.NewDB(t), `CREATE TABLE a (k int PRIMARY KEY, v int); INSERT INTO a VALUES (1, 1);
		CREATE ROLE app LOGIN SUPERUSER PASSWORD 'geheim'`)
	w.view("v", `SELECT k, v FROM a`)
	hba := func(app string) {
		giveFile(t, srv, "pg_hba.conf", "host all postgres 127.0.0.1/32 trust\nhost replication postgres 127.0.0.1/32 trust\n"+app)
	}
	hba("host all app 127.0.0.1/32 scram-sha-256\n")
	w.exec("SELECT pg_reload_conf()")
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	as := func(params string) {
		u, err := url.Parse(w.dsn)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("app", "geheim")
		u.RawQuery = params
		w.sourceVia, w.sinkVia = u.String(), u.String()
	}
	refused := func(what, params, says string) {
		t.Helper()
		as(params)
		began := time.Now()
		w.start(Options{})
		err := w.fails()
		t.Logf("%s: %v", what, err)
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q is not said: %v", what, says, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: refused after %s", what, took)
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the password is shown", what)
		}
	}
	verify := "sslmode=verify-full&sslrootcert=" + url.QueryEscape(ours.file)
	refused("no TLS on the server", "sslmode=require", "refused TLS")
	refused("no TLS on the server", verify, "refused TLS")

	later := time.Now().Add(time.Hour)
	ours.install(srv, "127.0.0.1", later)
	hba("hostssl all app 127.0.0.1/32 scram-sha-256\n")
	w.reconnect()
	w.exec("SELECT pg_reload_conf()")
	w.eventually("TLS only", "SELECT count(*) = 1 FROM pg_hba_file_rules WHERE type = 'hostssl'")
	refused("wrong CA", "sslmode=verify-full&sslrootcert="+url.QueryEscape(other.file), "unknown authority")
	refused("wrong CA", "sslmode=verify-ca&sslrootcert="+url.QueryEscape(other.file), "unknown authority")
	refused("no TLS wanted", "sslmode=disable", "no encryption")
	for _, params := range []string{verify, verify + "&channel_binding=require", "sslmode=require"} {
		as(params)
		w.run(Options{})
		if plain := ask[int](w, w.conn, "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.usename = 'app' AND NOT s.ssl"); plain > 0 {
			t.Errorf("%s: %d sessions are not encrypted", params, plain)
		}
		if n := ask[int](w, w.conn, "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.usename = 'app'"); n < 3 {
			t.Errorf("%s: %d sessions", params, n)
		}
		w.exec("INSERT INTO a SELECT max(k) + 1, 7 FROM a")
		w.check()
		w.halt()
	}
	ours.install(srv, "db.other.example", later)
	w.reconnect()
	refused("wrong host", verify, "127.0.0.1")
	ours.install(srv, "127.0.0.1", time.Now().Add(-time.Hour))
	w.reconnect()
	refused("expired", verify, "expired")

	// While it runs, the certificate goes wrong: refused at the next connection.
	ours.install(srv, "127.0.0.1", later)
	w.reconnect()
	as(verify)
	w.run(Options{})
	other.install(srv, "127.0.0.1", later)
	if err := w.fails(); !strings.Contains(err.Error(), "unknown authority") {
		t.Error(err)
	}
	ours.install(srv, "127.0.0.1", later)
	w.reconnect()
	w.run(Options{})
	w.exec(fmt.Sprintf("INSERT INTO a VALUES (%d, 1)", 1000))
	w.check()
}
