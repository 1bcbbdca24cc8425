package pipeline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/pipeline/check"
)

// problems are the findings that are not fine, as "code object".
func problems(r *check.Report) []string {
	var out []string
	for _, f := range r.Findings {
		if !f.OK {
			out = append(out, f.Code+" "+f.Object)
		}
	}
	return out
}

// remedy is what the report says to do about a problem.
func remedy(r *check.Report, code string) string {
	for _, f := range r.Findings {
		if f.Code == code {
			return f.Remedy
		}
	}
	return ""
}

// A role without any right is told all it lacks at once; each remedy, carried
// out, takes its problem away.
func TestCheckNamesTheGrantsThatAreMissing(t *testing.T) {
	f := newFixture(t, `CREATE TABLE a (k int PRIMARY KEY)`, "v: SELECT k FROM a")
	role := "poor" + strings.ReplaceAll(f.cfg.Source.Slot, "s", "")
	f.exec("CREATE ROLE " + role + " LOGIN; GRANT SELECT ON a TO " + role)
	cc, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	dsn := config.DSN(embedded.ForTest(t).DSNAs(role, "", cc.Database))
	f.cfg.Source.DSN, f.cfg.Sink.DSN = dsn, dsn

	r := check.Run(t.Context(), f.cfg)
	got := problems(r)
	for _, p := range []string{"replication_role " + role, "database_privilege stepping", "database_privilege stepping_cdc"} {
		if !strings.Contains(strings.Join(got, "\n"), p) {
			t.Errorf("%s is not reported: %v", p, got)
		}
	}
	_, grant, _ := strings.Cut(remedy(r, "database_privilege"), ", or ")
	f.exec(remedy(r, "replication_role") + "; " + grant + "; ALTER TABLE a OWNER TO " + role)
	t.Cleanup(func() { f.exec("DROP OWNED BY " + role + " CASCADE; DROP ROLE " + role) })
	if got := problems(check.Run(t.Context(), f.cfg)); len(got) > 0 {
		t.Errorf("after the remedies: %v", got)
	}
	f.exec("CREATE SCHEMA stepping")
	r = check.Run(t.Context(), f.cfg)
	if diff := cmp.Diff([]string{"schema_privilege stepping"}, problems(r)); diff != "" {
		t.Error(diff)
	}
	f.exec(remedy(r, "schema_privilege"))
	if got := problems(check.Run(t.Context(), f.cfg)); len(got) > 0 {
		t.Errorf("after the remedies: %v", got)
	}
}

func TestCheckOfTheStateFolder(t *testing.T) {
	f := newFixture(t, `CREATE TABLE a (k int PRIMARY KEY)`, "v: SELECT k FROM a")
	if got := problems(check.Run(t.Context(), f.cfg)); len(got) > 0 {
		t.Errorf("%v", got)
	}
	if _, err := os.Stat(f.cfg.State.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the check made the folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.cfg.State.Dir = filepath.Join(file, "state")
	if diff := cmp.Diff([]string{"state_dir " + f.cfg.State.Dir}, problems(check.Run(t.Context(), f.cfg))); diff != "" {
		t.Error(diff)
	}
}

// What a check finds fine runs.
func TestCheckOfARunningConfiguration(t *testing.T) {
	f := newFixture(t, pairs, "v: SELECT g, sum(n) FROM a GROUP BY g", "w: SELECT count(*) FROM v")
	f.start()
	if got := problems(check.Run(t.Context(), f.cfg)); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestCheckNamesWhatIsInTheWay: a table that is not ours, and a type, as a table is one as well; and what
// keeps an output from being made has the view's place and its name, once.
func TestCheckNamesWhatIsInTheWay(t *testing.T) {
	f := newFixture(t, `CREATE SCHEMA stepping; CREATE TABLE stepping.theirs (k int); CREATE TYPE stepping.mood AS ENUM ('a'); CREATE TYPE stepping.roomy AS ENUM ('a')`,
		"theirs: SELECT 1 AS k", "mood: SELECT 1 AS k", "_roomy: SELECT 1 AS k", "nothing: SELECT")
	r := check.Run(t.Context(), f.cfg)
	if diff := cmp.Diff([]string{"output nothing", "output_foreign stepping.theirs", "output_foreign stepping.mood"}, problems(r)); diff != "" {
		t.Error(diff)
	}
	for _, x := range r.Findings {
		if x.Object == "nothing" && (x.Place == "" || strings.Contains(x.Message, "nothing")) {
			t.Errorf("%+v", x)
		}
	}
}
