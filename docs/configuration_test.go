package docs

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/config"
)

// TestSettings compares the table of settings with what an empty file gives.
func TestSettings(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "STEPPING_") {
			t.Setenv(name, value) // registers the restoration
			os.Unsetenv(name)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "stepping.yaml")
	if err := os.WriteFile(path, []byte(oneView), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := config.ParseSize("256MiB")
	if err != nil || c.State.Memory != memory {
		t.Errorf("state.memory is %d by default", c.State.Memory)
	}
	defaults := map[string]string{
		"source.dsn": "empty: libpq's variables", "source.slot": c.Source.Slot, "source.publication": c.Source.Publication,
		"source.manage_publication": strconv.FormatBool(c.Source.ManagePublication),
		"sink.dsn":                  "the source's", "sink.schema": c.Sink.Schema,
		"state.dir": "./" + strings.TrimPrefix(c.State.Dir, dir+"/"), "state.memory": "256MiB",
		"clock.tick": c.Clock.Tick.String(), "recursion_limit": strconv.FormatInt(c.RecursionLimit, 10), "http.listen": c.HTTP.Listen, "log.level": c.Log.Level, "log.format": c.Log.Format,
	}
	for _, row := range rows(t, readPaper(t, "configuration.md"), "settings") {
		cells := strings.Split(strings.Trim(row, "| "), "|")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		key := cells[0]
		want, ok := defaults[key]
		if !ok {
			t.Errorf("%s is no setting", key)
		}
		delete(defaults, key)
		if cells[3] != want {
			t.Errorf("%s: the default is %q, not %q", key, want, cells[3])
		}
		if cells[1] != config.EnvName(key) {
			t.Errorf("%s: the variable is %s, not %s", key, config.EnvName(key), cells[1])
		}
		if cells[2] != "" && cells[2] != "--"+config.FlagName(key) {
			t.Errorf("%s: the flag is --%s, not %s", key, config.FlagName(key), cells[2])
		}
		help := help(t, "run")
		if has := strings.Contains(help, "--"+config.FlagName(key)+" "); has != (cells[2] != "") {
			t.Errorf("%s: run has the flag: %t", key, has)
		}
	}
	for key := range defaults {
		t.Errorf("%s is missing", key)
	}
}
