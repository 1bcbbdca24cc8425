package config

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: no file makes the parser panic, every problem has a message and lies
// within the file, and what is accepted keeps its promises.
func FuzzParse(f *testing.F) {
	for _, c := range refused {
		if len(c.text) < 1<<16 {
			f.Add([]byte(c.text))
		}
	}
	f.Add([]byte(oneView))
	f.Add([]byte("0\r\r:"))
	f.Add([]byte("%0\n&"))
	f.Add([]byte("views:\n  - name: x\n    query: |2\n       SELECT\n\n      1\n    indexes: [[a, b]]\n"))
	f.Add([]byte("views: [{name: x, query: >-\n  a\n  b}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		cfg, problems := parse(data, "/tmp", nil)
		lines := 2
		for _, lineBreak := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} { // YAML 1.1, section 5.4
			lines += bytes.Count(data, []byte(lineBreak))
		}
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.Line > lines || p.Column < 0 {
				t.Errorf("problem %+v of a file with %d lines", p, lines)
			}
		}
		if len(problems) > 0 {
			return
		}
		if len(cfg.Views) == 0 || cfg.State.Memory < minMemory || !slotName.MatchString(cfg.Source.Slot) {
			t.Errorf("accepted %+v", cfg)
		}
		names := map[string]bool{}
		for _, v := range cfg.Views {
			if names[v.Name] || v.Name == "" || len(v.Name) > maxIdentifier || (v.Query == "") == (v.From == "") {
				t.Errorf("accepted view %+v", v)
			}
			names[v.Name] = true
			for position := range utf8.RuneCountInString(v.Query) + 3 {
				if line, column := v.QueryPlace(position); line < 1 || line > lines || column < 1 {
					t.Errorf("position %d of %q is at %d:%d", position, v.Query, line, column)
				}
				if position > 200 {
					break
				}
			}
		}
	})
}

// FuzzRedact: whatever the password and the rest of the string, a password in a
// well-formed string is never shown, nor is one in a string that is not.
func FuzzRedact(f *testing.F) {
	f.Add("app", "geheim", "db", "shop")
	f.Add("a", "p@q:r/s?t#u", "h", "d")
	f.Add("", "' password='x", "h=1", "\\")
	f.Add("", "0000'0", "0", "")
	f.Fuzz(func(t *testing.T, user, password, host, db string) {
		// A marker that appears nowhere else by chance.
		secret := "S3cr3tM4rk" + password + "S3cr3tM4rk"
		quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret) + "'"
		for _, dsn := range []string{
			"postgres://" + user + ":" + secret + "@" + host + "/" + db,
			"postgres://" + url.PathEscape(user) + ":" + url.QueryEscape(secret) + "@" + host + "/" + db,
			"postgres://" + host + "/" + db + "?password=" + url.QueryEscape(secret),
			"user=" + user + " password=" + quoted + " host=" + host,
		} {
			// A user or host with separators of its own can make the marker part of
			// another, shown parameter; such strings name no password.
			if strings.ContainsAny(user+host+db, "=?&:/@ '\\#") {
				continue
			}
			if got := Redact(dsn); strings.Contains(got, "S3cr3tM4rk") {
				t.Errorf("Redact(%q) = %q", dsn, got)
			}
			if got := DSN(dsn).String(); strings.Contains(got, "S3cr3tM4rk") {
				t.Errorf("%q prints as %q", dsn, got)
			}
		}
	})
}
