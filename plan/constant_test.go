package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

// literals are constants of every supported type: a literal with a cast is
// evaluated by the parser, so the query tree holds its image.
var literals = map[string][]string{
	"bool":        {"t", "f"},
	"int2":        {"0", "-32768", "32767"},
	"int4":        {"0", "-2147483648", "2147483647"},
	"int8":        {"0", "-9223372036854775808", "9223372036854775807"},
	"oid":         {"0", "4294967295"},
	"float4":      {"0", "-0", "1.5", "NaN", "Infinity", "-Infinity", "3.4028235e38", "1e-45"},
	"float8":      {"0", "-0", "0.1", "NaN", "Infinity", "-Infinity", "1.7976931348623157e308", "5e-324"},
	"numeric":     {"0", "0.00", "1", "1.0", "-1.50", "NaN", "Infinity", "-Infinity", "12345678901234567890.12345678901234567890", "1e-100", "-1e100", "0.0001", "9999", "10000", "1e63", "1e64", "123.4567e-70", strings.Repeat("9", 300) + "." + strings.Repeat("7", 200)},
	"text":        {"", "a", "a b ", "日本語", `back\slash (paren) {brace} [x] <>`, "line\nbreak\ttab", `"quoted"`, strings.Repeat("x", 200), strings.Repeat("long ", 4000)},
	"varchar(5)":  {"", "abc"},
	"char(4)":     {"", "ab", "abcd"},
	"name":        {"", "some_name", "é"},
	`"char"`:      {"a", "\\377"},
	"bytea":       {`\x`, `\x00`, `\x00ff10`, `\x` + strings.Repeat("ab", 300)},
	"uuid":        {"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	"date":        {"2024-02-29", "infinity", "-infinity", "0044-03-15 BC", "1999-12-31"},
	"time":        {"00:00", "24:00", "12:34:56.789012"},
	"timetz":      {"00:00+00", "12:00:00.5+05:30", "24:00-12"},
	"timestamp":   {"2024-02-29 12:34:56.789", "infinity", "-infinity", "0001-01-01 00:00 BC"},
	"timestamptz": {"2024-02-29 12:34:56.789+02", "infinity", "-infinity"},
	"interval":    {"0", "1 year 2 mons -3 days 04:05:06.7", "-1 day", "178000000 years"},
	"mood":        {"sad", "meh", "happy"},
	"posint":      {"1"},
	"json":        {`{"a": 1,  "b":[1,2]}`, `""`, ` null `},
	"jsonb": {`{}`, `[]`, `null`, `true`, `"x"`, `1.50`, `-1e50`, `{"b": [1, {"c": [null, false, "é\n\"q\""]}], "a": 1.0, "": {"": {}}}`,
		"[" + strings.Repeat(`{"key": "value", "n": 12345.678}, `, 100) + "1]"},
	"int4[]":           {"{}", "{1,2,3}", "{NULL,1,NULL}", "{{1,2},{3,4}}", "[0:1]={7,8}", "[-1:0][2:3]={{1,2},{3,NULL}}"},
	"int2[]":           {"{1,-2,3}"},
	"int8[]":           {"{1,NULL,9223372036854775807}"},
	"bool[]":           {"{t,f,NULL,t}"},
	"float8[]":         {"{1.5,NaN,-0}"},
	"text[]":           {"{}", `{a,"b c",NULL,"NULL","",é}`, `{{a},{b}}`, "{" + strings.Repeat("word,", 50) + strings.Repeat("y", 300) + "}"},
	"char(3)[]":        {"{a,ab,NULL}"},
	"numeric[]":        {"{1.0,1.00,NaN,-123456789.123456789}"},
	"bytea[]":          {`{"\\x00ff",NULL}`},
	"uuid[]":           {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}"},
	"date[]":           {"{2024-01-01,infinity}"},
	"timestamptz[]":    {`{"2024-01-01 00:00+00",NULL}`},
	"timetz[]":         {"{12:00+01,13:00-02}"},
	"interval[]":       {`{"1 day",NULL,"2 mons"}`},
	"mood[]":           {"{ok,NULL,sad}"},
	"jsonb[]":          {`{"{\"a\": [1, 2]}",NULL,"1.5"}`},
	"name[]":           {"{a,b}"},
	"inet":             {"10.0.0.1", "10.1.0.0/16", "::1", "fe80::/10"},
	"cidr":             {"10.0.0.0/8", "2001:db8::/32"},
	"macaddr":          {"08:00:2b:01:02:03"},
	"macaddr8":         {"08:00:2b:01:02:03:04:05"},
	"bit(5)":           {"10110"},
	"varbit":           {"", "1", "101010101"},
	"money":            {"12.34", "-5"},
	"point":            {"(1.5,-2)"},
	"box":              {"(1,2),(3,4)"},
	"lseg":             {"[(1,2),(3,4)]"},
	"circle":           {"<(1,2),3>"},
	"line":             {"{1,2,3}"},
	"int4range":        {"empty", "[1,5)", "(,3)", "[2,)", "(,)"},
	"int8range":        {"[1,9223372036854775807)"},
	"numrange":         {"[1.50,2.5]", "(,12345678901234567890)"},
	"daterange":        {"[2024-01-01,2024-02-01)"},
	"tsrange":          {"[2024-01-01 12:00,2024-01-02)"},
	"tstzrange":        {"(2024-01-01 00:00+00,]"},
	"int4multirange":   {"{}", "{[1,5)}", "{(,3),[4,5),[7,)}", "{[1,2),[3,4),[5,6),[7,8),[9,10),[11,12),[13,14)}"},
	"int8multirange":   {"{(,1),[5,9223372036854775807)}"},
	"nummultirange":    {"{[1.50,2.5),(3,12345678901234567890],(123456789012345678901,)}", "{(0.1,0.25),(1e40,1e50],[1e60,1e61),[2e61,2.00e62),(3e62,)}"},
	"datemultirange":   {"{[2024-01-01,2024-02-01),[2025-01-01,)}"},
	"tsmultirange":     {"{[2024-01-01 12:00,2024-01-02),(2025-01-01,2026-01-01]}"},
	"tstzmultirange":   {"{(,2024-01-01 00:00+00],[2025-01-01 00:00+00,)}"},
	"times_multirange": {"{[00:00,01:00),(02:00,24:00]}"},
	"boolmultirange":   {"{[f,f],(t,)}"},
	"int2multirange":   {"{[1,2),[3,4),[5,6),[7,8),[9,10)}"},
	"words_multirange": {"{[a,b),[c,\"d e\")}"},
	"int4multirange[]": {`{"{[1,2)}",NULL}`, `{"{[1,2),[3,4)}","{}","{(,1)}"}`},
	"numrange[]":       {`{"[1.5,2)",NULL,empty,"(,123456789012345678901.5)"}`},
	"inet[]":           {"{10.0.0.1,::1,NULL,10.0.0.0/8}"},
	"point[]":          {`{"(1,2)",NULL,"(3,4)"}`},
	"macaddr[]":        {"{08:00:2b:01:02:03,08:00:2b:01:02:04}"},
	"bit(3)[]":         {"{101,NULL,111}"},
	`"char"[]`:         {"{a,b}"},
	"money[]":          {"{1.5,-2}"},
	"pg_lsn[]":         {"{16/B374D848,0/1}"},
	"int2[][]":         {"{{1,2},{3,NULL}}"},
	"posint[]":         {"{1,2,NULL}"},
	"pair[]":           {`{"(1,a)",NULL}`},
	"pg_lsn":           {"16/B374D848"},
	// Only their own functions can read the images of these.
	"polygon":    {"((0,0),(1,1),(2,0))"},
	"path":       {"[(0,0),(1,1)]", "((0,0),(1,1))"},
	"tsvector":   {"", "fox:1A dog:2,3", `'it''s' 'back\\\\slash'`},
	"tsquery":    {"", "fox & !dog:A | 'a b'", "a <-> b:*"},
	"int2vector": {"1 2 3"},
	"word":       {"", "ab", "it's", `back\slash 'x'`, "$x$ -- /* é", strings.Repeat("long ", 600)},
	"word[]":     {"{}", `{ab,NULL,"c d"}`},
	"tagged":     {"(1,ab)", `(,"it's")`, "(,)"},
	"tagged[]":   {`{"(1,ab)",NULL}`},
	"word_range": {"[a,b)", "empty"},
	"tsquery[]":  {`{"a & b",NULL}`},
	"short_word": {"ab"},
	"xid8":       {"42"},
	"xml":        {"", "plain", "<a/>", `<?xml version="1.0" encoding="UTF-8"?><a b="\'"> \\ é</a>`, `<?xml version="1.0" standalone="yes"?><a/>`, "<a/><b>&lt;</b>"},
	"jsonpath": {
		"$", "strict $", "lax $.a", `$."a b"."é\"\\\n"`, "$.*", "$[*]", "$.**", "$.**{2}", "$.**{1 to last}", "$.**{last}", "$.**{2 to 5}.k",
		"$[0]", "$[0, 2 to 4, last - 1 to last]", "$[$.n]", `$.a[*] ? (@.b > 1 && (@.c == "x" || !(@.d <= 2.50)))`,
		`$ ? (@ starts with "ab")`, `$ ? (@ starts with $x)`, `$ ? (@.a like_regex "^a\\d+'" flag "iq")`, `$ ? (@ like_regex "x")`,
		`$ ? (exists (@.a ? (@ != null)))`, `$ ? ((@.a == true) is unknown)`, `!($.a == 1)`, `($.a == 1).type()`, `(!($.a == 1)).type()`, `(exists ($.b)).type()`,
		"1", "-1.50", "(1).type()", "(-1.5).abs()", "null", "true", "false", `"x"`, `"x".size()`, "1e100", "0.00001",
		"$.a + 1 * 2 - -$.b / (3 % +$.c)", "(1 + 2) * 3", "1 + 2 * 3", "-(1 + $.a)", "(-$.a).floor()", "($.a + 1).ceiling().double()",
		"$.keyvalue().key", `$.datetime()`, `$.datetime("HH24:MI") > $x.datetime()`, "$.a.type() == \"number\"", "$[last].size()", "$.x.y.z[1].*",
		"$.t ? (@ < $max).abs()", `$ ? (@.a > 1) ? (@.b < 2)[0]`,
	},
}

// literalsOf17 are constants that servers before 17 do not know.
var literalsOf17 = []string{
	"$.bigint()", "$.boolean()", "$.date()", "$.decimal()", "$.decimal(10)", "$.decimal(10, -2)", "$.integer().abs()", "$.number()", "$.string().size()",
	"$.time()", "$.time(3)", "$.time_tz()", "$.time_tz(0)", "$.timestamp()", "$.timestamp(6) < $b", "$.timestamp_tz()", "$.a.timestamp_tz(1).string()",
}

// wordType is a base type of the user's own, with what is made of it.
const wordType = `
	CREATE TYPE word;
	CREATE FUNCTION word_in(cstring) RETURNS word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
	CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
	CREATE FUNCTION word_recv(internal) RETURNS word LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
	CREATE FUNCTION word_send(word) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
	CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, RECEIVE = word_recv, SEND = word_send, LIKE = text);
	CREATE CAST (word AS text) WITHOUT FUNCTION;
	CREATE FUNCTION word_cmp(word, word) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'byteacmp';
	CREATE FUNCTION word_lt(word, word) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'bytealt';
	CREATE FUNCTION word_le(word, word) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'byteale';
	CREATE FUNCTION word_eq(word, word) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'byteaeq';
	CREATE FUNCTION word_ge(word, word) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'byteage';
	CREATE FUNCTION word_gt(word, word) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'byteagt';
	CREATE OPERATOR < (LEFTARG = word, RIGHTARG = word, FUNCTION = word_lt);
	CREATE OPERATOR <= (LEFTARG = word, RIGHTARG = word, FUNCTION = word_le);
	CREATE OPERATOR = (LEFTARG = word, RIGHTARG = word, FUNCTION = word_eq);
	CREATE OPERATOR >= (LEFTARG = word, RIGHTARG = word, FUNCTION = word_ge);
	CREATE OPERATOR > (LEFTARG = word, RIGHTARG = word, FUNCTION = word_gt);
	CREATE OPERATOR CLASS word_ops DEFAULT FOR TYPE word USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 word_cmp(word, word);
	CREATE TYPE tagged AS (n int, w word);
	CREATE TYPE word_range AS RANGE (subtype = word);
	CREATE DOMAIN short_word AS word CHECK (length(VALUE::text) < 5);`

// TestLiterals finds constants that only Postgres can read in the text of the view, or of the view in
// it, however they are written there.
func TestLiterals(t *testing.T) {
	dsn := embedded.NewDB(t)
	mustExec(t, connect(t, dsn), wordType+`
		CREATE TABLE t (id int PRIMARY KEY, w word);
		INSERT INTO t VALUES (1, 'ab'), (2, 'it''s'), (3, 'a\b'), (4, 'E''x'), (5, '$$'), (6, NULL), (7, 'a"b');
		CREATE VIEW inner_one AS SELECT id, w = 'it''s' AS a, w = E'a\\b' AS b, w = $x$it's$x$ AS c FROM t WHERE w > 'a' OR w = 'E''x';
		CREATE VIEW outer_one AS SELECT *, 'ab'::word AS d FROM inner_one`)
	queries := []string{
		`SELECT id FROM t WHERE w = 'ab'`,
		`SELECT id FROM t WHERE w IN ('ab', 'it''s') OR w = ANY ('{"a\\b",x}') -- 'comment'`,
		`SELECT id, w = E'it\'s' AS a, w = e'a\\b' AS b, w = $x$E'x$x$ AS c, w = $$ab$$ AS d, w /* it's */ = 'a"b' AS "quote's" FROM t`,
		`SELECT id, coalesce(w, '') AS w, CASE WHEN w < 'b' THEN 'ab'::word ELSE '$$' END AS x FROM t`,
		`SELECT * FROM outer_one WHERE c IS NOT NULL`,
		`SELECT w, count(*) FROM (SELECT w FROM t UNION ALL VALUES ('ab'::word), ('new')) x GROUP BY w HAVING w > 'aa'`,
		`SELECT id FROM t WHERE (w, id) < ('it''s'::word, 2)`,
	}
	var views []plan.View
	for i, q := range queries {
		views = append(views, plan.View{Name: fmt.Sprintf("v%d", i), Query: q})
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 1)))
	r.feed(1)
	r.check()
	for _, v := range views {
		if r.filled[v.Name] == 0 {
			t.Errorf("%s had no rows", v.Query)
		}
	}
}

// TestConstants takes constants of every type through the query tree.
func TestConstants(t *testing.T) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, randomview.Schema+`
		CREATE TYPE times AS RANGE (subtype = time); CREATE TYPE bools AS RANGE (subtype = bool, multirange_type_name = boolmultirange);
		CREATE TYPE int2range AS RANGE (subtype = int2); CREATE TYPE words AS RANGE (subtype = text, collation = "C");`+wordType)
	var views []plan.View
	for typ, texts := range literals {
		if typ == "jsonpath" && majorVersion(t, conn) >= 17 {
			texts = slices.Concat(texts, literalsOf17)
		}
		for i, text := range append(texts, "\x00NULL") {
			literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
			if text == "\x00NULL" {
				literal = "NULL"
			}
			views = append(views, plan.View{Name: fmt.Sprintf("%s %d", typ, i), Query: fmt.Sprintf("SELECT %s::%s AS c", literal, typ)})
		}
	}
	r := newRig(t, dsn, views, rand.New(rand.NewPCG(1, 1)))
	r.check()
	for _, v := range views {
		if r.filled[v.Name] != 1 {
			t.Errorf("%s: %d rows", v.Query, r.filled[v.Name])
		}
	}
}
