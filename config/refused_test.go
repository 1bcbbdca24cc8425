package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// refused are files with everything that Load has to say about them, without the
// file's name.
var refused = []struct {
	name, text string
	want       []string
}{
	{"empty", "", []string{
		"views: there is no view; add one: a list element with a name and a query"}},
	{"only a comment", "# nothing\n", []string{
		"views: there is no view; add one: a list element with a name and a query"}},
	{"no views", "source: {}\nviews: []\n", []string{
		"2:1: views: there is no view; add one: a list element with a name and a query"}},
	{"views without elements", "views:\n", []string{
		"1:1: views: there is no view; add one: a list element with a name and a query"}},
	{"not a mapping", "- a\n", []string{
		"1:1: must be a mapping, and is a list; known keys here are source, sink, state, clock, recursion_limit, http, log, views",
		"views: there is no view; add one: a list element with a name and a query"}},
	{"text", "SELECT 1\n", []string{
		"1:1: must be a mapping, and is text; known keys here are source, sink, state, clock, recursion_limit, http, log, views",
		"views: there is no view; add one: a list element with a name and a query"}},
	{"unknown top key", "sorce: {}\n" + oneView, []string{
		`1:1: sorce: unknown key; did you mean "source"?`}},
	{"upper case", "Source: {}\n" + oneView, []string{
		`1:1: Source: unknown key; did you mean "source"?`}},
	{"unknown key, nothing near", "telemetry: {}\n" + oneView, []string{
		"1:1: telemetry: unknown key; known keys here are source, sink, state, clock, recursion_limit, http, log, views"}},
	{"key of a section at the top", "dsn: x\n" + oneView, []string{
		"1:1: dsn: unknown key; dsn belongs under source"}},
	{"unknown key in a section", "source:\n  slto: x\n  manage-publication: true\n" + oneView, []string{
		`2:3: source.slto: unknown key; did you mean "slot"?`,
		`3:3: source.manage-publication: unknown key; did you mean "manage_publication"?`}},
	{"unknown key in a view", "views:\n  - name: v\n    qurey: SELECT 1\n", []string{
		"2:5: views[0]: the view has neither a query nor a from; add query: SELECT …, or from: schema.view to adopt an existing view",
		`3:5: views[0].qurey: unknown key; did you mean "query"?`}},
	{"section that is a value", "source: postgres://db\n" + oneView, []string{
		"1:9: source: must be a mapping, and is text; known keys here are dsn, slot, publication, manage_publication"}},
	{"setting that is a list", "source: {slot: [a]}\n" + oneView, []string{
		"1:16: source.slot: must be a single value, and is a list"}},
	{"setting that is a mapping", "source: {slot: {a: b}}\n" + oneView, []string{
		"1:16: source.slot: must be a single value, and is a mapping"}},
	{"key twice", "source: {slot: a, slot: b}\n" + oneView, []string{
		"1:19: source.slot: the key is there twice, first in line 1; keep one"}},
	{"views twice", oneView + oneView, []string{
		"4:1: views: the key is there twice, first in line 1; keep one"}},
	{"key that is a list", "? [a]\n: b\n" + oneView, []string{
		"1:3: a key must be a word, and is a list; known keys here are source, sink, state, clock, recursion_limit, http, log, views"}},
	{"merge key", "source: {<<: {slot: a}}\n" + oneView, []string{
		"1:10: source.<<: YAML's merge key is not supported; write the keys out"}},
	{"aliases", "source: {slot: &a x, publication: *a}\nviews:\n  - &v {name: v, query: SELECT 1}\n  - *v\n", []string{
		"1:35: source.publication: YAML aliases are not supported; write the value out",
		"4:5: views[1]: YAML aliases are not supported; write the value out"}},
	{"alias bomb", "a: &a [x, x]\nb: &b [*a, *a]\nviews: *b\n", []string{
		"1:1: a: unknown key; known keys here are source, sink, state, clock, recursion_limit, http, log, views",
		"2:1: b: unknown key; known keys here are source, sink, state, clock, recursion_limit, http, log, views",
		"3:8: views: YAML aliases are not supported; write the value out"}},
	{"alias of itself", "views: &v\n  - *v\n", []string{
		"2:5: views[0]: YAML aliases are not supported; write the value out"}},
	{"unknown anchor", "views: *nowhere\n", []string{
		"not valid YAML: unknown anchor 'nowhere' referenced; check the indentation, the colons and the quotes there"}},
	{"bad YAML", "source:\n  slot: x\n bad\n" + oneView, []string{
		"3: not valid YAML: did not find expected key; check the indentation, the colons and the quotes there"}},
	{"tabs", "source:\n\tslot: x\n", []string{
		"2: not valid YAML: found character that cannot start any token; check the indentation, the colons and the quotes there"}},
	{"control characters", "source: \x01\n", []string{
		"not valid YAML: control characters are not allowed; check the indentation, the colons and the quotes there"}},
	{"two documents", oneView + "---\nviews: []\n", []string{
		"4:1: the file has more than one YAML document; remove the line \"---\" and what follows, or merge the two"}},
	{"broken second document", oneView + "---\n{\n", []string{
		"6: not valid YAML: did not find expected node content; check the indentation, the colons and the quotes there"}},
	{"not UTF-8", "views:\n  - name: \xff\n", []string{
		"2: the file is not UTF-8; save it in the encoding UTF-8"}},
	{"UTF-16", "\xff\xfev\x00", []string{
		"1: the file is not UTF-8; save it in the encoding UTF-8"}},
	{"slot", "source: {slot: My-Slot}\n" + oneView, []string{
		`1:16: source.slot: "My-Slot" cannot name a replication slot; use 1 to 63 lower-case letters, digits and underscores`}},
	{"long slot", "source: {slot: " + strings.Repeat("a", 64) + "}\n" + oneView, []string{
		`1:16: source.slot: "` + strings.Repeat("a", 64) + `" cannot name a replication slot; use 1 to 63 lower-case letters, digits and underscores`}},
	{"empty publication", "source: {publication: ''}\n" + oneView, []string{
		"1:23: source.publication: must not be empty; give it a name"}},
	{"NUL in a publication", `source: {publication: "a\0b"}` + "\n" + oneView, []string{
		"1:23: source.publication: contains a NUL character; remove it"}},
	{"long publication", "source: {publication: " + strings.Repeat("ä", 32) + "}\n" + oneView, []string{
		`1:23: source.publication: "` + strings.Repeat("ä", 32) + `" has 64 bytes, and Postgres cuts names off after 63; choose a shorter one`}},
	{"manage_publication", "source: {manage_publication: yes please}\n" + oneView, []string{
		`1:30: source.manage_publication: "yes please" is neither true nor false; write true or false`}},
	{"control schema as sink", "sink: {schema: stepping_cdc}\n" + oneView, []string{
		"1:16: sink.schema: stepping_cdc is the schema of the program's own tables; choose another for the outputs"}},
	{"catalogue as sink", "sink: {schema: pg_catalog}\n" + oneView, []string{
		`1:16: sink.schema: "pg_catalog" is a schema of Postgres itself; choose another for the outputs`}},
	{"information schema as sink", "sink: {schema: information_schema}\n" + oneView, []string{
		`1:16: sink.schema: "information_schema" is a schema of Postgres itself; choose another for the outputs`}},
	{"empty schema", "sink: {schema: ''}\n" + oneView, []string{
		"1:16: sink.schema: must not be empty; give it a name"}},
	{"state dir", "state: {dir: ' '}\n" + oneView, []string{
		"1:14: state.dir: must not be empty; name a folder, like ./stepping-state"}},
	{"NUL in state dir", `state: {dir: "a\0"}` + "\n" + oneView, []string{
		"1:14: state.dir: contains a NUL character; remove it"}},
	{"memory", "state: {memory: lots}\n" + oneView, []string{
		`1:17: state.memory: "lots" is not a size; write a size like 256MiB or 2GB`}},
	{"little memory", "state: {memory: 1MiB}\n" + oneView, []string{
		"1:17: state.memory: 1MiB is too little; give it 16MiB or more"}},
	{"endless memory", "state: {memory: 99999999TiB}\n" + oneView, []string{
		`1:17: state.memory: "99999999TiB" is larger than any memory; write a size like 256MiB or 2GB`}},
	{"tick", "clock: {tick: often}\n" + oneView, []string{
		`1:15: clock.tick: "often" is not a duration; write a duration like 100ms, 1s or 1m`}},
	{"tick without a unit", "clock: {tick: 5}\n" + oneView, []string{
		`1:15: clock.tick: "5" is not a duration; write a duration like 100ms, 1s or 1m`}},
	{"short tick", "clock: {tick: 1ms}\n" + oneView, []string{
		"1:15: clock.tick: 1ms is not between 10ms and 1h; write a duration like 100ms, 1s or 1m"}},
	{"long tick", "clock: {tick: 2h}\n" + oneView, []string{
		"1:15: clock.tick: 2h is not between 10ms and 1h; write a duration like 100ms, 1s or 1m"}},
	{"odd tick", "clock: {tick: 7s}\n" + oneView, []string{
		"1:15: clock.tick: 7s does not divide a day; write a duration like 100ms, 1s or 1m"}},
	{"recursion limit", "recursion_limit: many\n" + oneView, []string{
		`1:18: recursion_limit: "many" is not a number; write a number from 1 to 1000000000`}},
	{"recursion limit of nothing", "recursion_limit: 0\n" + oneView, []string{
		"1:18: recursion_limit: 0 is out of range; write a number from 1 to 1000000000"}},
	{"endless recursion limit", "recursion_limit: 99999999999999999999\n" + oneView, []string{
		"1:18: recursion_limit: 99999999999999999999 is out of range; write a number from 1 to 1000000000"}},
	{"recursion limit with keys", "recursion_limit: {max: 3}\n" + oneView, []string{
		"1:18: recursion_limit: must be a single value, and is a mapping"}},
	{"listen without port", "http: {listen: localhost}\n" + oneView, []string{
		`1:16: http.listen: "localhost" is not an address; write host:port, like 127.0.0.1:8585, or off`}},
	{"listen port", "http: {listen: ':65536'}\n" + oneView, []string{
		`1:16: http.listen: "65536" is not a port from 0 to 65535; write host:port, like 127.0.0.1:8585, or off`}},
	{"listen host", "http: {listen: 'http://a:80'}\n" + oneView, []string{
		`1:16: http.listen: "http://a:80" is not an address; write host:port, like 127.0.0.1:8585, or off`}},
	{"listen host with a blank", "http: {listen: 'a b:80'}\n" + oneView, []string{
		`1:16: http.listen: "a b" is not a host; write host:port, like 127.0.0.1:8585, or off`}},
	{"log level", "log: {level: warning}\n" + oneView, []string{
		`1:14: log.level: "warning" is not known; choose one of trace, debug, info, warn, error`}},
	{"log level, near", "log: {level: debgu}\n" + oneView, []string{
		`1:14: log.level: "debgu" is not known; did you mean "debug"?`}},
	{"log format", "log: {format: xml}\n" + oneView, []string{
		`1:15: log.format: "xml" is not known; choose one of auto, console, json`}},
	{"dsn port", "source: {dsn: 'postgres://app:geheim@db:99999/shop'}\n" + oneView, []string{
		`1:15: source.dsn: cannot parse the connection string: invalid port; see libpq's chapter "Connection Strings"`}},
	{"dsn with an unescaped password", "source: {dsn: 'postgres://app:ge/he:im@db/shop'}\n" + oneView, []string{
		"1:15: source.dsn: the connection string cannot be parsed; write postgres://user@host:port/database or host=… dbname=…; in a URL, write special characters of a password as %XX"}},
	{"dsn that is none", "sink: {dsn: my database geheim}\n" + oneView, []string{
		"1:13: sink.dsn: the connection string cannot be parsed; write postgres://user@host:port/database or host=… dbname=…; in a URL, write special characters of a password as %XX"}},
	{"dsn with an open quote", "source: {dsn: \"password='geheim host=x\"}\n" + oneView, []string{
		"1:15: source.dsn: the connection string cannot be parsed; write postgres://user@host:port/database or host=… dbname=…; in a URL, write special characters of a password as %XX"}},
	{"views that are no list", "views: {a: SELECT 1}\n", []string{
		"1:8: views: must be a list, and is a mapping; write a list of views, each with a name and a query"}},
	{"view that is text", "views:\n  - SELECT 1\n", []string{
		"2:5: views[0]: must be a mapping, and is text; known keys here are name, query, from, indexes"}},
	{"empty view", "views:\n  -\n", []string{
		"2:4: views[0]: the view is empty; give it a name and a query"}},
	{"nameless", "views:\n  - query: SELECT 1\n", []string{
		"2:5: views[0]: the view has no name; add name: …, the name of its output table"}},
	{"empty name", "views:\n  - {name: '', query: SELECT 1}\n", []string{
		"2:12: views[0].name: must not be empty; give it a name"}},
	{"name that is a number", "views:\n  - {name: 007, query: SELECT 1}\n", []string{
		"2:12: views[0].name: must be text, and is a number; put it in quotes"}},
	{"name that is a date", "views:\n  - {name: 2024-01-01, query: SELECT 1}\n", []string{
		"2:12: views[0].name: must be text, and is a date; put it in quotes"}},
	{"name that is a truth value", "views:\n  - {name: true, query: SELECT 1}\n", []string{
		"2:12: views[0].name: must be text, and is a truth value; put it in quotes"}},
	{"name with a tag", "views:\n  - {name: !secret x, query: SELECT 1}\n", []string{
		"2:12: views[0].name: must be text, and is of the type !secret; put it in quotes"}},
	{"name that is a list", "views:\n  - {name: [a], query: SELECT 1}\n", []string{
		"2:12: views[0].name: must be a single value, and is a list"}},
	{"long name", "views:\n  - {name: " + strings.Repeat("n", 64) + ", query: SELECT 1}\n", []string{
		`2:12: views[0].name: "` + strings.Repeat("n", 64) + `" has 64 bytes, and Postgres cuts names off after 63; choose a shorter one`}},
	{"NUL in a name", "views:\n  - {name: \"a\\0\", query: SELECT 1}\n", []string{
		"2:12: views[0].name: contains a NUL character; remove it"}},
	{"name twice", "views:\n  - {name: a, query: SELECT 1}\n  - {name: a, query: SELECT 2}\n", []string{
		`3:12: views[1].name: another view is called "a", in line 2; rename one of them`}},
	{"neither query nor from", "views:\n  - name: a\n", []string{
		"2:5: views[0]: the view has neither a query nor a from; add query: SELECT …, or from: schema.view to adopt an existing view"}},
	{"both query and from", "views:\n  - name: a\n    query: SELECT 1\n    from: b\n", []string{
		"4:11: views[0]: the view has both a query and a from; keep query for a query of its own, from to adopt an existing view"}},
	{"empty query", "views:\n  - {name: a, query: ' ; '}\n", []string{
		"2:22: views[0].query: must not be empty; write the SELECT whose result is to be kept"}},
	{"NUL in a query", "views:\n  - {name: a, query: \"SELECT '\\0'\"}\n", []string{
		"2:22: views[0].query: contains a NUL character; remove it"}},
	{"query that is a list", "views:\n  - {name: a, query: [SELECT 1]}\n", []string{
		"2:22: views[0].query: must be a single value, and is a list"}},
	{"empty from", "views:\n  - {name: a, from: ''}\n", []string{
		"2:21: views[0].from: must not be empty; name an existing view or materialized view, like public.stock_view"}},
	{"index that is text", "views:\n  - {name: a, query: SELECT 1, indexes: x}\n", []string{
		"2:41: views[0].indexes: must be a list, and is text; write a list of column lists, like [[region], [region, revenue]]"}},
	{"index that is a flat list", "views:\n  - {name: a, query: SELECT 1, indexes: [x]}\n", []string{
		"2:42: views[0].indexes[0]: must be a list, and is text; write a list of columns, like [region, revenue]"}},
	{"index without columns", "views:\n  - {name: a, query: SELECT 1, indexes: [[]]}\n", []string{
		"2:42: views[0].indexes[0]: the index has no column; list its columns, like [region, revenue]"}},
	{"index with an empty column", "views:\n  - {name: a, query: SELECT 1, indexes: [['']]}\n", []string{
		"2:42: views[0].indexes[0][0]: must not be empty; give it a name"}},
	{"index with a number", "views:\n  - {name: a, query: SELECT 1, indexes: [[1]]}\n", []string{
		"2:43: views[0].indexes[0][0]: must be text, and is a number; put it in quotes"}},
	{"column twice", "views:\n  - {name: a, query: SELECT 1, indexes: [[x, x]]}\n", []string{
		`2:42: views[0].indexes[0]: column "x" is there twice; keep one`}},
	{"index twice", "views:\n  - {name: a, query: SELECT 1, indexes: [[x], [x]]}\n", []string{
		"2:47: views[0].indexes[1]: the same index is there twice; keep one"}},
	{"many at once", "sorce: {}\nsource: {slot: A}\nhttp: {listen: x}\nviews:\n  - query: SELECT 1\n", []string{
		`1:1: sorce: unknown key; did you mean "source"?`,
		`2:16: source.slot: "A" cannot name a replication slot; use 1 to 63 lower-case letters, digits and underscores`,
		`3:16: http.listen: "x" is not an address; write host:port, like 127.0.0.1:8585, or off`,
		"5:5: views[0]: the view has no name; add name: …, the name of its output table"}},
	{"huge", strings.Repeat("# padding\n", maxFileSize/10+1), []string{
		"the file is larger than 4 MiB; a configuration holds settings and queries; check that this is the right file"}},
}

func TestRefused(t *testing.T) {
	clearEnv(t)
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			cfg, err := Load(path, nil)
			if _, ok := errors.AsType[*Problems](err); !ok {
				t.Fatalf("got %+v and error %v", cfg, err)
			}
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("shows the password: %v", err)
			}
			var got []string
			for line := range strings.SplitSeq(err.Error(), "\n") {
				line = strings.TrimPrefix(line, path+":")
				got = append(got, strings.TrimPrefix(line, " "))
			}
			// Problems without a place come first.
			want := append([]string{}, c.want...)
			if len(want) > 1 && strings.HasPrefix(want[len(want)-1], "views:") {
				want = append(want[len(want)-1:], want[:len(want)-1]...)
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	_, err := Load(missing, nil)
	if want := missing + ": cannot read the configuration: no such file or directory; create the file, or name another one with --config"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	dir := t.TempDir()
	_, err = Load(dir, nil)
	if want := dir + ": cannot read the configuration: is a directory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
