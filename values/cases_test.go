package values

import (
	"math"
	"slices"
	"strings"
)

// typeCase is a type with values at its edges, as SQL literals.
type typeCase struct {
	typ    *Type
	values []string
}

// readBySome are the values that servers read from a major version on and before another one.
var readBySome = []struct {
	from, before int
	typeCase
}{
	{15, math.MaxInt, typeCase{IntervalType, []string{"2562047788:00:54.775807", "-2562047788:00:54.775807"}}},
	{15, 17, typeCase{IntervalType, []string{
		"178956970 years 7 mons 2147483647 days 2562047788:00:54.775807",
		"-178956970 years -8 mons -2147483648 days -9223372036854775808 microseconds",
	}}},
	{17, math.MaxInt, typeCase{IntervalType, []string{"infinity", "-infinity"}}},
}

// cases are the values of both lists that a server of a major version reads.
func cases(major int, lists ...[]typeCase) (all []typeCase) {
	for _, list := range lists {
		all = append(all, list...)
	}
	for _, more := range readBySome {
		if major < more.from || major >= more.before {
			continue
		}
		for i := range all {
			if all[i].typ == more.typ {
				all[i].values = slices.Concat(all[i].values, more.values)
			}
		}
	}
	return all
}

// collated returns a copy of a type of text under collation C.
func collated(t *Type) *Type {
	c := *t
	c.Collation, c.CCollation = 950, true
	return &c
}

func arrayOf(t *Type) *Type {
	a := *ArrayOf(t)
	if isText(t.Kind) || t.Kind == KindJSONB {
		a.Elem = collated(t)
		a.Collation, a.CCollation = 950, true
	}
	return &a
}

var moodType = NewType(Facts{
	OID: 0, Typmod: -1, Schema: "public", Name: "mood", SQL: "mood", TypType: 'e', Category: 'E',
	Labels: []string{"sad", "ok", "happy", "", "zz top", "a"}, // '' is no label: never seen
})

// Composite types, which a server has after createTypes.
var (
	pairType = NewType(Facts{OID: 0, Typmod: -1, Schema: "public", Name: "pair", SQL: "pair", TypType: 'c', Category: 'C',
		Fields: []Field{{"a", Int4Type}, {"b", collated(TextType)}}})
	deepType = NewType(Facts{OID: 0, Typmod: -1, Schema: "public", Name: "deep", SQL: "deep", TypType: 'c', Category: 'C',
		Fields: []Field{{"p", pairType}, {"n", NumericType}, {"l", ArrayOf(Int4Type)}, {"f", Float8Type}}})
)

// createTypes makes the types of the cases, and lets composite ones have the
// numbers that the server gave them.
func (s *server) createTypes() {
	s.t.Helper()
	s.exec(`CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'zz top', 'a');
		CREATE TYPE pair AS (a int, b text COLLATE "C");
		CREATE TYPE deep AS (p pair, n numeric, l int[], f float8)`)
	for _, t := range []*Type{pairType, deepType} {
		t.OID = s.oid(s.query(0, `SELECT '`+t.Name+`'::regtype::oid`)[0][0])
	}
}

func opaque(oid uint32, name string) *Type {
	return NewType(Facts{OID: oid, Typmod: -1, Schema: "pg_catalog", Name: name, SQL: name, TypType: 'b', Category: 'U'})
}

var typeCases = []typeCase{
	{BoolType, []string{"t", "f"}},
	{Int2Type, []string{"0", "1", "-1", "109", "110", "255", "256", "-255", "-256", "-257", "32767", "-32768"}},
	{Int4Type, []string{"0", "1", "-1", "109", "110", "365", "366", "65535", "65536", "16777216", "2147483647", "-2147483648"}},
	{Int8Type, []string{"0", "1", "-1", "-256", "-65536", "-65537", "4294967296", "1099511627776", "-1099511627776",
		"281474976710656", "72057594037927936", "9223372036854775807", "-9223372036854775808"}},
	{OIDType, []string{"0", "1", "2147483648", "4294967295"}},
	{Float4Type, []string{"0", "-0", "1", "-1", "1.5", "0.1", "123456", "1234567", "1e6", "0.0001", "0.00001", "3.4028235e38",
		"1e-45", "-1e-45", "1.17549435e-38", "NaN", "Infinity", "-Infinity", "16777216", "8388608", "1e10", "3.3554432e7"}},
	{Float8Type, []string{"0", "-0", "1", "-1", "1.5", "0.1", "1e14", "1e15", "123456789012345", "1234567890123456", "1e-4", "1e-5",
		"1.7976931348623157e308", "5e-324", "-5e-324", "2.2250738585072014e-308", "NaN", "Infinity", "-Infinity", "1e23", "9007199254740993",
		"4503599627370497.5", "8.5e15", "0.30000000000000004", "1e22", "2e22", "-1e23"}},
	{NumericType, []string{"0", "0.0", "0.000", "-0.00", "1", "1.0", "1.00", "-1", "-1.0", "10", "100", "0.1", "0.10", "0.01", "0.00001", "1e-20", "1.5e-20",
		"-1e-20", "12345678.9012345678", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"9223372036854775807.0", "922337203685477580.7", "9999", "10000", "10001", "9999.9999", "10000.0000", "0.0001", "0.00012", "1e30",
		"123456789012345678901234567890.123456789", "123456789012345678901234567890.1234567890", "1e-100", "1e1000", "-1e1000", "1e131071", "1e-16383",
		"NaN", "Infinity", "-Infinity", "10000000000000000000", "18446744073709551616", "1234567890123456789", "1234567890123456789.0",
		"12345678901234567890.5", "-12345678901234567890.5", "-12345678901234567890.50", "-12345678901234567890", "5", "50", "500000000"}},
	{collated(TextType), []string{"", " ", "a", "b", "aa", "a ", "A", "ä", "日本", "a\x01b", "a\x01", "NULL", `back\slash`, `"quoted"`, "tab\tnl\n", "𝄞", "{}", "a,b"}},
	{collated(VarcharType), []string{"", "a", "a ", "b"}},
	{NameType, []string{"", "a", "pg_class", "Z"}},
	{collated(BPCharType), []string{"", " ", "a", "a ", "a  ", "b", "a b", "A"}},
	{ByteaType, []string{`\x`, `\x00`, `\x0000`, `\x0001`, `\x00ff`, `\x01`, `\xff`, `\xff00`, `\xffff`, `\xdeadbeef`}},
	{UUIDType, []string{"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
	{DateType, []string{"2000-01-01", "1999-12-31", "1970-01-01", "2024-02-29", "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31",
		"10000-01-01", "1900-03-01", "infinity", "-infinity"}},
	{TimeType, []string{"00:00:00", "24:00:00", "23:59:59.999999", "12:34:56.7", "00:00:00.000001"}},
	{TimeTZType, []string{"00:00:00+00", "24:00:00+00", "12:00:00+01", "12:00:00-01", "11:00:00+00", "10:00:00-01", "12:34:56.789+05:30", "12:34:56-03:30:15",
		"00:00:00+15:59:59", "00:00:00-15:59:59"}},
	{TimestampType, []string{"2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56.789", "0001-01-01 00:00:00 BC", "4714-11-24 00:00:00 BC",
		"294276-12-31 23:59:59.999999", "infinity", "-infinity"}},
	{TimestampTZType, []string{"2000-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "2024-02-29 12:34:56.789+02", "0044-03-15 10:00:00+00 BC",
		"4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity"}},
	{IntervalType, []string{"0", "1 day", "24:00:00", "1 mon", "30 days", "29 days 24:00:00", "-1 mon", "1 mon -30 days", "-1 day +25:00:00", "1 day -25:00:00",
		"1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06.789", "1 mon -1 day", "-00:00:00.000001", "178000000 years",
		"-178000000 years", "-1 years", "2147483647 days", "-2147483648 days", "1 microsecond", "100:00:00",
		"-1 mon +1 day 00:00:01", "1 day 00:00:01", "2 years", "12 mons", "-1 mon 1 sec"}},
	{moodType, []string{"sad", "ok", "happy", "zz top", "a"}},
	{JSONType, []string{`{"b": 1,  "a":2}`, `[]`, `null`, `"x"`}},
	{collated(JSONBType), []string{`null`, `true`, `false`, `1`, `1.0`, `1.00`, `-1`, `1e2`, `100`, `1E-3`, `""`, `"a"`, `"b"`, `"aa"`, `"é"`, `[]`, `[[]]`, `{}`, `[1]`, `[1.0]`, `[1, 2]`, `[null]`,
		`["a"]`, `[true]`, `[false]`, `[{}]`, `{"a": 1}`, `{"a": 1.0}`, `{"b": 1}`, `{"aa": 1, "b": 2}`, `{"b": 2, "aa": 1}`, `{"a": 1, "a": 2}`, `{"a": []}`, `{"a": {}}`,
		`{"a": {"b": [1, {"c": null}]}}`, `"\n\t\"\\\b\f\r"`, `"\u0001\u001f\u007f"`, `"\ud834\udd1e"`, `"\/"`, `123456789012345678901234567890`, `{"": ""}`, `-0`, `-0.0`, `[[], 1]`, `["b", "a"]`}},
	{arrayOf(Int4Type), []string{"{}", "{1}", "{1,2}", "{2}", "{1,NULL}", "{NULL}", "{{1,2},{3,4}}", "{1,2,3,4}", "{{1,2,3,4}}", "[0:1]={1,2}", "[2:3]={1,2}",
		"[-1:0][2:3]={{1,2},{3,4}}", "{{{1},{2}},{{3},{4}}}", "{{{1,2},{3,4}}}", "[1:1][-2:-1]={{1,2}}", "{{1},{2}}"}},
	{arrayOf(TextType), []string{"{}", `{""}`, `{a}`, `{NULL}`, `{"NULL"}`, `{null}`, `{"null"}`, `{"a b","c,d","e\"f","g\\h","{i}"}`, `{a,b}`, `{a,NULL,b}`, `{"a\nb"}`, `{ab}`, `{{a,"b c"},{NULL,d}}`, "{\"\t\"}"}},
	{arrayOf(NumericType), []string{"{1}", "{1.0}", "{1.00,2}", "{NaN}", "{Infinity,-Infinity}", "{12345678901234567890.5}"}},
	{arrayOf(Float8Type), []string{"{0}", "{-0}", "{NaN}", "{1e23}", "{NaN,1}"}},
	{arrayOf(BPCharType), []string{`{a}`, `{"a "}`, `{b}`}},
	{arrayOf(TimestampTZType), []string{`{"2000-01-01 00:00:00+00"}`, `{infinity}`}},
	{arrayOf(IntervalType), []string{`{"1 mon"}`, `{"30 days"}`, `{"-1 days"}`}},
	{arrayOf(JSONBType), []string{`{"{\"a\": 1}"}`, `{1,1.0}`, `{1.0,1}`, `{"[]","null"}`}},
	{arrayOf(ByteaType), []string{`{"\\x00"}`, `{"\\x0001",NULL}`, `{"\\x"}`}},
	{arrayOf(BoolType), []string{`{t,f}`, `{f}`}},
	{pairType, []string{`(1,a)`, `(1,)`, `(,a)`, `(,)`, `(1,"")`, `(2,a)`, `(-1,b)`, `(1,"a b")`, `(1,"a""b\\c,(d)")`, `(1,é)`, `(1,"	")`}},
	{deepType, []string{`("(1,a)",1.0,{},NaN)`, `("(1,a)",1.00,{},NaN)`, `(,1,{1},0)`, `(,1,{1},-0)`, `("(,)",,"{1,NULL}",)`, `(,,,)`, `("(1,b)",NaN,"{{1,2},{3,4}}",1)`}},
	{ArrayOf(pairType), []string{`{}`, `{"(1,a)"}`, `{"(1,a)",NULL}`, `{"(1,a)","(,)"}`, `{"(1,b)"}`, `{{"(1,a)"},{"(2,\"x y\")"}}`, `[0:1]={"(1,a)","(1,\"\")"}`}},
	{ArrayOf(deepType), []string{`{"(\"(1,a)\",1.0,{},NaN)"}`, `{"(\"(1,a)\",1.00,{},NaN)"}`, `{"(,,,)"}`}},
}

// opaqueCases are the types carried unread whose equality is that of bytes.
var opaqueCases = []typeCase{
	{opaque(869, "inet"), []string{"10.0.0.1", "10.0.0.1/8", "10.0.0.0/8", "::1", "::1/64", "::ffff:10.0.0.1", "0.0.0.0/0"}},
	{opaque(650, "cidr"), []string{"10.0.0.0/8", "10.0.0.0/16", "::/0", "10.0.0.1/32"}},
	{opaque(829, "macaddr"), []string{"08:00:2b:01:02:03", "ff:00:2b:01:02:03", "00:00:00:00:00:00"}},
	{opaque(774, "macaddr8"), []string{"08:00:2b:01:02:03:04:05", "ff:00:2b:01:02:03:04:05", "08:00:2b:01:02:03"}},
	{opaque(1560, "bit"), []string{"0", "1"}},
	{opaque(1562, "varbit"), []string{"", "0", "1", "00", "10", "1010101011", "10101010110"}},
	{opaque(18, "char"), []string{"a", "z", "A", `\200`, `\377`}},
	{opaque(5069, "xid8"), []string{"0", "1", "18446744073709551615", "9223372036854775808"}},
	{opaque(27, "tid"), []string{"(0,0)", "(1,0)", "(0,65535)", "(4294967295,1)"}},
	{opaque(3220, "pg_lsn"), []string{"0/0", "0/16B3748", "FFFFFFFF/FFFFFFFF", "1/0"}},
	{opaque(790, "money"), []string{"0", "-1.5", "92233720368547758.07", "1"}},
	{opaque(2205, "regclass"), []string{"pg_class", "pg_type", "0", "4294967295"}},
	{rangeType(3904, "int4range"), []string{"empty", "[1,3)", "[1,2]", "(0,3)", "(,3)", "[1,)", "(,)", "(0,2]"}},
	{rangeType(3912, "daterange"), []string{"[2000-01-01,2000-01-02]", "[2000-01-01,2000-01-03)", "empty", "[2000-01-01,infinity)", "[2000-01-01,)"}},
	{rangeType(3908, "tsrange"), []string{"[2000-01-01,2000-01-02]", "[2000-01-01,2000-01-02)", "(2000-01-01,2000-01-02)", "[,2000-01-01]", "(,2000-01-01]", "(2000-01-01,2000-01-01)", "empty"}},
	{rangeType(4533, "tsmultirange"), []string{"{[2000-01-01,2000-01-02),[2000-01-02,2000-01-03)}", "{[2000-01-01,2000-01-03)}", "{}"}},
	{rangeType(4451, "int4multirange"), []string{"{[1,3),[3,5)}", "{[1,5)}", "{[1,2],[3,4]}", "{}"}},
}

func rangeType(oid uint32, name string) *Type {
	tt := byte('r')
	if strings.HasSuffix(name, "multirange") {
		tt = 'm'
	}
	return NewType(Facts{OID: oid, Typmod: -1, Schema: "pg_catalog", Name: name, SQL: name, TypType: tt, Category: 'R'})
}

// sqlType names a type in a cast; "char" must be quoted, and format_type's name of
// bpchar carries no length.
func sqlType(t *Type) string {
	if t.Name == "char" {
		return `"char"`
	}
	if t.Name == "bit" {
		return "bit(1)"
	}
	return t.SQL
}
