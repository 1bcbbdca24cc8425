package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
)

// clearEnv takes away what the machine's environment would add.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "STEPPING_") {
			t.Setenv(name, value) // registers the restoration
			os.Unsetenv(name)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stepping.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const oneView = "views:\n  - name: v\n    query: SELECT 1\n"

func TestEverythingSet(t *testing.T) {
	clearEnv(t)
	path := write(t, `# a comment
source:
  dsn: postgres://app:geheim@db.example:5433/shop?sslmode=require
  slot: my_slot
  publication: My Publication
  manage_publication: false
sink:
  dsn: host=sink dbname=out password='ge heim'
  schema: Öffentlich
state:
  dir: ../state
  memory: 1.5GiB
clock:
  tick: 500ms
recursion_limit: 77
http:
  listen: "[::1]:80"
log:
  level: debug
  format: json
views:
  - name: revenue_by_region
    query: |
      SELECT c.region, count(*)
      FROM customers c GROUP BY c.region;
    indexes: [[revenue], [region, "Revenue"]]
  - name: Stock Ж
    from: public.stock_view
`)
	cfg, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		File: path, Path: path,
		Source: Source{
			DSN:  "postgres://app:geheim@db.example:5433/shop?sslmode=require",
			Slot: "my_slot", Publication: "My Publication",
		},
		Sink:  Sink{DSN: "host=sink dbname=out password='ge heim'", Schema: "Öffentlich"},
		State: State{Dir: filepath.Join(filepath.Dir(filepath.Dir(path)), "state"), Memory: 3 << 29},
		Clock: Clock{Tick: 500 * time.Millisecond}, RecursionLimit: 77,
		HTTP: HTTP{Listen: "[::1]:80"},
		Log:  Log{Level: "debug", Format: "json"},
		Views: []View{
			{
				Name: "revenue_by_region", Query: "SELECT c.region, count(*)\nFROM customers c GROUP BY c.region",
				Indexes: [][]string{{"revenue"}, {"region", "Revenue"}}, Line: 22, Column: 5,
			},
			{Name: "Stock Ж", From: "public.stock_view", Line: 27, Column: 5},
		},
	}
	if diff := cmp.Diff(want, cfg, cmpopts.IgnoreUnexported(View{})); diff != "" {
		t.Error(diff)
	}
}

func TestDefaults(t *testing.T) {
	clearEnv(t)
	path := write(t, oneView+"source:\nsink: {schema: }\n")
	cfg, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		File: path, Path: path,
		Source: Source{Slot: "stepping_cdc", Publication: "stepping_cdc", ManagePublication: true},
		Sink:   Sink{Schema: "stepping"},
		State:  State{Dir: filepath.Join(filepath.Dir(path), "stepping-state"), Memory: 256 << 20},
		Clock:  Clock{Tick: time.Second}, RecursionLimit: 10_000,
		HTTP:  HTTP{Listen: "127.0.0.1:8585"},
		Log:   Log{Level: "info", Format: "auto"},
		Views: []View{{Name: "v", Query: "SELECT 1", Line: 2, Column: 5}},
	}
	if diff := cmp.Diff(want, cfg, cmpopts.IgnoreUnexported(View{})); diff != "" {
		t.Error(diff)
	}
}

func TestFlagOverEnvironmentOverFileOverDefault(t *testing.T) {
	clearEnv(t)
	path := write(t, oneView+"source: {slot: from_file, publication: from_file, dsn: 'host=from_file'}\n")
	t.Setenv("STEPPING_SOURCE_SLOT", "from_env")
	t.Setenv("STEPPING_SOURCE_DSN", "host=from_env")
	t.Setenv("STEPPING_SOURCE_MANAGE_PUBLICATION", "false")
	t.Setenv("STEPPING_HTTP_LISTEN", "off")
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags.String("source-slot", "flag_default", "")
	flags.String("source-publication", "flag_default", "")
	flags.String("log-level", "flag_default", "")
	if err := flags.Parse([]string{"--source-slot", "from_flag"}); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(path, flags)
	if err != nil {
		t.Fatal(err)
	}
	want := Source{DSN: "host=from_env", Slot: "from_flag", Publication: "from_file"}
	if diff := cmp.Diff(want, cfg.Source); diff != "" {
		t.Error(diff)
	}
	if cfg.Sink.DSN != "host=from_env" {
		t.Errorf("the sink's DSN is %q, want the source's", string(cfg.Sink.DSN))
	}
	if cfg.HTTP.Listen != "" {
		t.Errorf("http is off, and listens on %q", cfg.HTTP.Listen)
	}
	if cfg.Log.Level != "info" {
		t.Errorf("the default of a flag that was not given won: %q", cfg.Log.Level)
	}
}

func TestProblemsOfFlagsAndEnvironmentNameTheirOrigin(t *testing.T) {
	clearEnv(t)
	path := write(t, oneView)
	t.Setenv("STEPPING_SOURCE_SLOT", "Bad Slot")
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags.String("http-listen", "", "")
	if err := flags.Parse([]string{"--http-listen", "nowhere"}); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, flags)
	want := path + `: source.slot: "Bad Slot" cannot name a replication slot (given by the environment variable STEPPING_SOURCE_SLOT); use 1 to 63 lower-case letters, digits and underscores
` + path + `: http.listen: "nowhere" is not an address (given by --http-listen); write host:port, like 127.0.0.1:8585, or off`
	problems, ok := errors.AsType[*Problems](err)
	if !ok || len(problems.List) != 2 {
		t.Fatalf("got %v", err)
	}
	for line := range strings.SplitSeq(want, "\n") {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%q is not in:\n%v", line, err)
		}
	}
}

func TestLibpqsOwnSettings(t *testing.T) {
	clearEnv(t)
	dir := t.TempDir()
	service := filepath.Join(dir, "services")
	if err := os.WriteFile(service, []byte("[shop]\nhost=db.example\ndbname=shop\nuser=app\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", service)
	t.Setenv("PGSERVICE", "shop")
	cfg, err := Load(write(t, oneView), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Source.DSN != "" {
		t.Errorf("DSN = %q", string(cfg.Source.DSN))
	}
	t.Setenv("PGSERVICE", "no_such_service")
	_, err = Load(write(t, oneView), nil)
	if err == nil || !strings.Contains(err.Error(), "source.dsn: cannot parse the connection string: failed to read service") {
		t.Errorf("a service that does not exist: %v", err)
	}
}

func TestQueryPlace(t *testing.T) {
	clearEnv(t)
	path := write(t, "views:\n"+
		"  - name: literal\n    query: |\n      SELECT 'ä',\n        x\n\n      FROM t\n"+
		"  - name: plain\n    query: SELECT x FROM t\n"+
		"  - {name: quoted, query: \"SELECT ü FROM t\"}\n"+
		"  - name: folded\n    query: >\n      SELECT x\n      FROM t\n"+
		"  - name: escaped\n    query: \"SELECT\\tx\"\n")
	cfg, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view   int
		word   string
		line   int
		column int
	}{
		{0, "SELECT", 4, 7}, {0, "'ä'", 4, 14}, {0, ",", 4, 17}, {0, "x", 5, 9}, {0, "FROM", 7, 7}, {0, "t", 7, 12},
		{1, "SELECT", 9, 12}, {1, "FROM", 9, 21},
		{2, "SELECT", 10, 28}, {2, "FROM", 10, 37},
		{3, "FROM", 12, 12},
		{4, "x", 16, 12},
	} {
		v := cfg.Views[c.view]
		before, _, found := strings.Cut(v.Query, c.word)
		if !found {
			t.Fatalf("%q is not in %q", c.word, v.Query)
		}
		if line, column := v.QueryPlace(len([]rune(before)) + 1); line != c.line || column != c.column {
			t.Errorf("view %s, %q: %d:%d, want %d:%d", v.Name, c.word, line, column, c.line, c.column)
		}
	}
	if line, column := cfg.Views[0].QueryPlace(10000); line != 7 || column != 13 {
		t.Errorf("past the end: %d:%d", line, column)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	clearEnv(t)
	path := write(t, oneView+"source: {dsn: 'postgres://app:geheim@db/shop'}\n")
	cfg, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(cfg.Source), fmt.Sprintf("%+v", *cfg), fmt.Sprintf("%#v", cfg.Source), fmt.Sprintf("%q %s %v", cfg.Source.DSN, cfg.Source.DSN, cfg.Source.DSN), string(js)} {
		if strings.Contains(text, "geheim") || !strings.Contains(text, "app:xxxxx@db") {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "268435456": 256 << 20, "256MiB": 256 << 20, "256 mib": 256 << 20, "2GB": 2e9, "1.5k": 1536, " 1TiB ": 1 << 40, "7b": 7,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "MiB", "1e9", "-1", "1..2", "0x10", "1 2", "1PB", "99999999999TiB", "inf", "nan", "1_000"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %d", s, got)
		}
	}
}
