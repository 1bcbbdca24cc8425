package fn

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// inputTexts are spellings that input functions read, or refuse, in ways of
// their own.
var inputTexts = []string{
	"", " ", "0", "1", "-1", "+1", "--1", "+-1", " 12 ", "\t7\n", "1 2", "0x1F", "0X1f", "0x", "0x_1", "0o17", "0b101", "1_000", "1__0", "_1", "1_",
	"32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "2147483648x", "2147483650x", "21474836480x", "-2147483648", "-2147483649",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999999", "99999999999999999999999x",
	"1.0", "1.50", ".5", "5.", ".", "-.5", "1e5", "1E5", "1e+5", "1e-5", "1e", "1e+", "1e 5", "1.5e3", "1e400", "1e-400", "1e400x", " 1e400 ", " 1e400x", "-1e400", "1e-500 x",
	"4e38", "1e-46", "1.17549435e-38", "5e-324", "2e-324", "3e-324", "1.7976931348623157e308", "1.7976931348623159e308", "3.4028235e38", "3.4028236e38",
	"NaN", "nan", "NAN", "-nan", "+nan", "nan(1)", "nan(", "Infinity", "infinity", "-Infinity", "+Infinity", "inf", "-inf", "+inf", "infinit", "infx",
	"0x1p3", "0x1.8", "0x.p1", "1_0.5", "1.5_0", "1._5", "1_.5", "0x1_F", "1e1_0", "1e2147483647", "1e-2147483648", "1e99999999999999999999", "0e99999",
	"t", "f", "tr", "tru", "true", "TRUE", "truex", "fa", "false", "y", "ye", "yes", "n", "no", "o", "of", "off", "on", "onn", "OFF", "10", "00", "01",
	"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}", "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
	"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "a0eebc999c0b4ef8bb6d6bb9bd380a11-", "{a0eebc999c0b4ef8bb6d6bb9bd380a11", " a0eebc999c0b4ef8bb6d6bb9bd380a11",
	"sad", "SAD", "a b", " sad", "Großartig", "ä", "日本", "123abc", "abc", "1,5", "0.1", "0.30000000000000004", "123456789012345678901234567890.12345",
	"-0", "-0.0", "0.00", "000123", "1\u00a0", "\u00a01",
}

func TestInputFunctionsEqualPostgres(t *testing.T) {
	o := newOracle(t)
	r := rand.New(rand.NewPCG(5, 6))
	for _, to := range []string{"bool", "int2", "int4", "int8", "numeric", "float4", "float8", "uuid", "mood"} {
		for _, from := range []string{"text", "bpchar"} {
			t.Run(from+" to "+to, func(t *testing.T) {
				o.t = t
				texts := inputTexts
				for range 400 { // texts with one byte too many, too few or another
					s := []byte(inputTexts[r.IntN(len(inputTexts))])
					const alphabet = "0123456789eE+-._ xXntTfFab{}"
					at := r.IntN(len(s) + 1)
					switch c := alphabet[r.IntN(len(alphabet))]; {
					case strings.IndexFunc(string(s), func(r rune) bool { return r > 127 }) >= 0:
					case r.IntN(3) == 0 && at < len(s):
						s = append(s[:at], s[at+1:]...)
					case r.IntN(2) == 0 && at < len(s):
						s[at] = c
					default:
						s = append(s[:at:at], append([]byte{c}, s[at:]...)...)
					}
					texts = append(texts[:len(texts):len(texts)], string(s))
				}
				o.compareCoercion(t, from, to, o.pool(from, texts))
			})
		}
	}
}

func TestOutputFunctionsEqualPostgres(t *testing.T) {
	o := newOracle(t)
	for _, from := range []string{"int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid", "bytea", "date", "time", "timetz",
		"timestamp", "timestamptz", "interval", "json", "jsonb", "mood", "int4[]", "text[]", "numeric[]", "float8[]", "timestamptz[]", "varchar", "name"} {
		t.Run(from, func(t *testing.T) {
			o.t = t
			o.compareCoercion(t, from, "text", o.pool(from, poolTexts(from, false)))
		})
	}
	if CoerceViaIO(o.typeOf("bytea"), o.typeOf("int4")) != nil {
		t.Error("a coercion without text on either side")
	}
}

func (o *oracle) compareCoercion(t *testing.T, from, to string, pool []arg) {
	t.Helper()
	f := CoerceViaIO(o.typeOf(from), o.typeOf(to))
	if f == nil {
		t.Fatal("not native")
	}
	rows := [][]arg{{{}}}
	for _, a := range pool {
		rows = append(rows, []arg{a})
	}
	o.compare(t, f, "CAST(a0 AS "+to+")", []string{from}, o.typeOf(to), rows)
}
