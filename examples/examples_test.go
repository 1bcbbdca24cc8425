// Package examples_test keeps the examples true: their files exist, their SQL
// runs, and their views have rows.
package examples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/examples/shop"
)

func TestMain(m *testing.M) { os.Exit(embedded.RunTests(m)) }

const root = ".."

func loadShop(t *testing.T) *config.Config {
	t.Helper()
	cfg, err := config.Load("shop/stepping.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// shopDatabase is a database named "shop", as roles.sql and the compose file call
// it, on a server of its own.
func shopDatabase(t *testing.T) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	srv := embedded.StartForTest(t, embedded.Options{})
	run(t, srv.DSN("postgres"), "CREATE ROLE shop LOGIN SUPERUSER", "CREATE DATABASE shop OWNER shop")
	run(t, srv.DSNAs("shop", "", "shop"), shop.Schema, shop.Seed, read(t, "shop/roles.sql"))
	conn, err := pgx.Connect(ctx, srv.DSNAs("stepping", "stepping", "shop"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

func run(t *testing.T, dsn string, scripts ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, script := range scripts {
		if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
			t.Fatalf("%.60s…: %v", script, err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Everything the program will ask of the server, with the rights that roles.sql
// grants: the views, the publication, the slot and the schemas.
func TestShopRunsWithTheRightsItsRoleHas(t *testing.T) {
	ctx := context.Background()
	cfg := loadShop(t)
	conn := shopDatabase(t)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range cfg.Views {
		name := pgx.Identifier{v.Name}.Sanitize()
		if _, err := tx.Exec(ctx, "CREATE TEMP VIEW "+name+" AS "+v.Query); err != nil {
			t.Fatalf("view %s: %v", v.Name, err)
		}
		var rows int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+name).Scan(&rows); err != nil {
			t.Fatalf("view %s: %v", v.Name, err)
		}
		if rows == 0 {
			t.Errorf("view %s has no rows", v.Name)
		}
		for _, index := range v.Indexes {
			quoted := make([]string, len(index))
			for i, column := range index {
				quoted[i] = pgx.Identifier{column}.Sanitize()
			}
			if _, err := tx.Exec(ctx, "SELECT "+strings.Join(quoted, ", ")+" FROM "+name+" LIMIT 0"); err != nil {
				t.Fatalf("index of view %s: %v", v.Name, err)
			}
		}
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"CREATE PUBLICATION shop FOR TABLE customers, products, orders, order_lines, stock, payments",
		"CREATE SCHEMA stepping",
		"SELECT pg_create_logical_replication_slot('shop', 'pgoutput')",
		"SELECT pg_drop_replication_slot('shop')",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	var super bool
	if err := conn.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil || super {
		t.Errorf("the example's role is a superuser (error: %v)", err)
	}
}

// Two loads give the same rows: the seed is not random.
func TestSeedIsAlwaysTheSame(t *testing.T) {
	ctx := context.Background()
	var sums [2]string
	for i := range sums {
		dsn := embedded.NewDB(t)
		run(t, dsn, shop.Schema, shop.Seed)
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		var sum string
		if err := conn.QueryRow(ctx, `
			SELECT (SELECT md5(string_agg(c::text, ';' ORDER BY id)) FROM customers c)
			    || (SELECT md5(string_agg(p::text, ';' ORDER BY id)) FROM products p)
			    || (SELECT md5(string_agg(o::text, ';' ORDER BY id)) FROM orders o)
			    || (SELECT md5(string_agg(l::text, ';' ORDER BY order_id, line)) FROM order_lines l)
			    || (SELECT md5(string_agg(s::text, ';' ORDER BY product_id, warehouse)) FROM stock s)
			    || (SELECT md5(string_agg((order_id, method, amount, refunded, paid_at)::text, ';' ORDER BY order_id)) FROM payments)`).Scan(&sum); err != nil {
			t.Fatal(err)
		}
		sums[i] = sum
	}
	if sums[0] != sums[1] {
		t.Errorf("%s\n%s", sums[0], sums[1])
	}
}

// compose is what the test looks at in docker-compose.yml.
type compose struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Build       string            `yaml:"build"`
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
		DependsOn   map[string]struct {
			Condition string `yaml:"condition"`
		} `yaml:"depends_on"`
		Healthcheck struct {
			Test []string `yaml:"test"`
		} `yaml:"healthcheck"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

func TestComposeFile(t *testing.T) {
	text := read(t, filepath.Join(root, "docker-compose.yml"))
	var c compose
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	for name, service := range c.Services {
		for _, v := range service.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(source, ".") {
				if info, err := os.Stat(filepath.Join(root, source)); err != nil || !info.Mode().IsRegular() {
					t.Errorf("service %s mounts %s, which is not a file here (error: %v)", name, source, err)
				}
			} else if _, ok := c.Volumes[source]; !ok {
				t.Errorf("service %s mounts the volume %s, which is not declared", name, source)
			}
		}
		if service.Build != "" {
			if _, err := os.Stat(filepath.Join(root, service.Build, "Dockerfile")); err != nil {
				t.Errorf("service %s: %v", name, err)
			}
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("service %s opens port %s to other machines", name, port)
			}
		}
		for other, dependency := range service.DependsOn {
			if len(c.Services[other].Healthcheck.Test) == 0 || dependency.Condition != "service_healthy" {
				t.Errorf("service %s does not wait until %s is healthy", name, other)
			}
		}
		knownSettings(t, "service "+name, service.Environment)
	}
	if !strings.Contains(strings.Join(c.Services["postgres"].Command, " "), "wal_level=logical") {
		t.Error("the database is not set for logical replication")
	}
	// A docker client that has the compose plugin also judges the file.
	if exec.Command("docker", "compose", "version").Run() == nil {
		cmd := exec.Command("docker", "compose", "-f", "docker-compose.yml", "config", "--quiet")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("docker compose config: %v\n%s", err, out)
		}
	}
}

// The compose file's environment makes a configuration that loads.
func TestComposeConfigurationLoads(t *testing.T) {
	var c compose
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, "docker-compose.yml"))), &c); err != nil {
		t.Fatal(err)
	}
	for name, value := range c.Services["stepping"].Environment {
		t.Setenv(name, value)
	}
	for name, value := range dockerfileEnv(t) {
		t.Setenv(name, value)
	}
	cfg := loadShop(t)
	if cfg.HTTP.Listen != "0.0.0.0:8585" || cfg.State.Dir != "/var/lib/stepping/state" {
		t.Errorf("listens on %q, keeps state in %q", cfg.HTTP.Listen, cfg.State.Dir)
	}
	dsn, err := pgx.ParseConfig(string(cfg.Source.DSN))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Services[dsn.Host]; !ok || dsn.Database != c.Services["postgres"].Environment["POSTGRES_DB"] {
		t.Errorf("the program connects to %s, database %s, which the file does not start", dsn.Host, dsn.Database)
	}
	role := "CREATE ROLE " + dsn.User + " LOGIN REPLICATION PASSWORD '" + dsn.Password + "'"
	if !strings.Contains(read(t, "shop/roles.sql"), role) {
		t.Errorf("roles.sql does not have: %s", role)
	}
}

var envAssignment = regexp.MustCompile(`\b(STEPPING_[A-Z_]+)=(\S+)`)

func dockerfileEnv(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, m := range envAssignment.FindAllStringSubmatch(read(t, filepath.Join(root, "Dockerfile")), -1) {
		env[m[1]] = m[2]
	}
	return env
}

func knownSettings(t *testing.T, where string, env map[string]string) {
	t.Helper()
	known := map[string]bool{}
	for _, key := range []string{"source.dsn", "source.slot", "source.publication", "source.manage_publication", "sink.dsn", "sink.schema", "state.dir", "state.memory", "http.listen", "log.level", "log.format"} {
		known[config.EnvName(key)] = true
	}
	for name := range env {
		if strings.HasPrefix(name, "STEPPING_") && !known[name] {
			t.Errorf("%s sets %s, which is no setting", where, name)
		}
	}
}

func TestDockerfile(t *testing.T) {
	text := read(t, filepath.Join(root, "Dockerfile"))
	knownSettings(t, "the Dockerfile", dockerfileEnv(t))
	mod := read(t, filepath.Join(root, "go.mod"))
	m := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(mod)
	if m == nil || !strings.Contains(text, "FROM golang:"+m[1]+"-") {
		t.Errorf("the image is not built with the Go of go.mod, %v", m)
	}
	final := text[strings.LastIndex(text, "\nFROM "):]
	for _, want := range []string{"USER 65532:65532", "HEALTHCHECK", `ENTRYPOINT ["stepping-cdc"]`} {
		if !strings.Contains(final, want) {
			t.Errorf("the image lacks %s", want)
		}
	}
	// Nothing that the build copies is kept out of it.
	for p := range strings.FieldsSeq(read(t, filepath.Join(root, ".dockerignore"))) {
		if p == "go.mod" || p == "go.sum" || p == "cmd" || p == "**/*.sql" || p == "examples" {
			t.Errorf(".dockerignore keeps %s out of the build", p)
		}
	}
}
