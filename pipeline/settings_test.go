package pipeline

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestSettingsChange presets a database's sessions otherwise while the program is down: the views
// that depend on such a setting are loaded anew, and are what a session of the role sees now.
func TestSettingsChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE texts (id int PRIMARY KEY, s text, n numeric);
		INSERT INTO texts VALUES (1, 'the running cats', 1234.5), (2, 'a cat runs', -1), (3, NULL, NULL)`)
	w.view("searched", `SELECT id, to_tsvector(s)::text AS v, s @@ to_tsquery('cat') AS found FROM texts`)
	w.view("shown", `SELECT id, to_char(n, 'FM9G999D00') AS n, to_char(timestamp '2024-05-01' + n * interval '1 day', 'TMMonth') AS month FROM texts`)
	w.view("plain", `SELECT count(*) AS n FROM texts`)
	cfg, err := pgx.ParseConfig(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	database := pgx.Identifier{cfg.Database}.Sanitize()
	fingerprints := func(not string) map[string]string {
		return ask[map[string]string](w, w.out, "SELECT json_object_agg(name, fingerprint) FROM stepping_cdc.views WHERE name <> $1", not)
	}
	w.run(Options{})
	w.check()
	for _, c := range []struct {
		set, view string // what is preset, and the view that depends on it
	}{
		{"default_text_search_config = 'english'", "searched"},
		{"default_text_search_config = 'german'", "searched"},
		{"lc_numeric = 'POSIX'", "shown"},
		{"lc_time = 'POSIX'", "shown"},
	} {
		all, others := fingerprints(""), fingerprints(c.view)
		w.halt()
		w.exec("ALTER DATABASE " + database + " SET " + c.set)
		w.exec("UPDATE texts SET s = s || ' cats', n = n + 1 WHERE id = 2")
		w.reconnect()
		w.run(Options{})
		w.check()
		w.exec("DELETE FROM texts WHERE id = 1; INSERT INTO texts VALUES (1, 'the running cats', 1234.5)")
		w.check()
		now := fingerprints("")
		if now[c.view] == all[c.view] {
			t.Errorf("%s: view %s is not loaded anew", c.set, c.view)
		}
		for name, before := range others {
			if now[name] != before {
				t.Errorf("%s: view %s is loaded anew", c.set, name)
			}
		}
	}
}
