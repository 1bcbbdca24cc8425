package fn

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// argKey names an argument of all functions of a name.
type argKey struct {
	function string
	arg      int
}

// extraArgs are values that an argument is to be given about half of the time:
// field names, formats, patterns.
var extraArgs = map[argKey][]string{}

// addArgs adds to extraArgs.
func addArgs(function string, arg int, texts ...string) {
	k := argKey{function, arg}
	extraArgs[k] = append(extraArgs[k], texts...)
}

// onlyExtra are arguments that take nothing but their extraArgs: Postgres loops
// for seconds over many repetitions of nothing, and a type modifier is not any number.
var onlyExtra = map[argKey]bool{{"repeat", 1}: true, {"numeric", 1}: true}

// randomPerPool is how many random values a pool has beside its edges.
const randomPerPool = 150

// poolTexts lists values of a type in text form, each of which every supported
// version of Postgres reads. Beside text, integers are small or extreme: they
// may be lengths.
func poolTexts(sql string, texty bool) []string {
	r := rand.New(rand.NewPCG(uint64(len(sql)), 7))
	if elem, isArray := strings.CutSuffix(sql, "[]"); isArray {
		return arrayTexts(r, poolTexts(elem, true))
	}
	if sql == "triple" {
		return recordTexts(r, "int4", "text", "numeric")
	}
	if bounds, isRange := rangeBounds[sql]; isRange {
		return rangeTexts(r, strings.Split(bounds, "|"))
	}
	texts := strings.Split(edges[sql], "|")
	if edges[sql] == "" {
		texts = nil
	}
	if sql == "text" || sql == "varchar" || sql == "bpchar" || sql == "name" {
		texts = append(texts, "", " ", "|", "a|b", "\t\n x")
	}
	random := randoms[sql]
	if random == nil {
		return texts
	}
	for range randomPerPool {
		s := random(r)
		if texty && strings.HasPrefix(sql, "int") {
			s = strconv.Itoa(r.IntN(25) - 8)
		}
		texts = append(texts, s)
	}
	return texts
}

// recordTexts are composite values of few different fields, so that many are
// equal in the first ones.
func recordTexts(r *rand.Rand, fields ...string) []string {
	var texts []string
	for range randomPerPool {
		var parts []string
		for _, f := range fields {
			pool := poolTexts(f, true)
			if s := pool[r.IntN(min(len(pool), 6))]; r.IntN(5) > 0 {
				parts = append(parts, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)+`"`)
			} else {
				parts = append(parts, "") // NULL
			}
		}
		texts = append(texts, "("+strings.Join(parts, ",")+")")
	}
	return texts
}

// rangeBounds are bounds of range types, ascending.
var rangeBounds = map[string]string{
	"int4range": "-2147483648|-8|-1|0|1|2|3|4|110|32768|2147483645|2147483646",
	"int8range": "-9223372036854775808|-8|-1|0|1|2|3|4|110|4294967296|9223372036854775806",
	"numrange":  "-Infinity|-1e100|-1.50|-1.5|-1|0|0.000|0.5|1|1.0|1.00|2|10|99.99|100|1e30|Infinity|NaN",
	"daterange": "-infinity|4713-01-01 BC|1999-12-31|2000-01-01|2000-01-02|2000-01-03|2024-02-29|5874897-12-30|infinity",
	"tsrange":   "-infinity|4713-01-01 BC|1999-12-31 23:59:59.999999|2000-01-01|2000-01-01 00:00:00.000001|2000-01-02|2024-02-29 12:00|infinity",
	"tstzrange": "-infinity|4713-01-01 00:00+00 BC|1999-12-31 23:59:59.999999+00|2000-01-01 00:00+00|2000-01-01 02:00:00.000001+02|2000-01-02 00:00+00|infinity",
}

func init() {
	for t, bounds := range rangeBounds {
		addArgs(t, 0, strings.Split(bounds, "|")...)
		addArgs(t, 1, strings.Split(bounds, "|")...)
		addArgs(t, 2, "[]", "[)", "(]", "()", "[]", "(]", "", "[", "[) ", "ab")
	}
	addArgs("int4range", 1, "2147483647")
	addArgs("int8range", 0, "9223372036854775807")
	addArgs("daterange", 1, "5874897-12-31")
}

// rangeTexts are ranges whose bounds may be included, missing, equal or next to each other.
func rangeTexts(r *rand.Rand, bounds []string) []string {
	texts := []string{"empty", "(,)"}
	for range 2 * randomPerPool {
		i := r.IntN(len(bounds))
		j := i + r.IntN(min(len(bounds)-i, 1+r.IntN(len(bounds))))
		lower, upper := bounds[i], bounds[j]
		if r.IntN(8) == 0 {
			lower = ""
		}
		if r.IntN(8) == 0 {
			upper = ""
		}
		texts = append(texts, "[("[r.IntN(2):][:1]+lower+","+upper+"])"[r.IntN(2):][:1])
	}
	return texts
}

func arrayTexts(r *rand.Rand, elems []string) []string {
	texts := []string{"{}", "{NULL}", "{NULL,NULL}"}
	quote := func() string {
		if r.IntN(8) == 0 {
			return "NULL"
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(elems[r.IntN(len(elems))]) + `"`
	}
	list := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = quote()
		}
		return "{" + strings.Join(items, ",") + "}"
	}
	small := elems[:min(len(elems), 4)]
	for i := range randomPerPool {
		if i%2 == 0 { // few values, so that arrays have elements in common
			elems, small = small, elems
		}
		switch r.IntN(6) {
		case 0:
			n := 1 + r.IntN(3)
			texts = append(texts, "{"+list(n)+","+list(n)+"}")
		case 1:
			n := 1 + r.IntN(3)
			lower := r.IntN(7) - 3
			texts = append(texts, fmt.Sprintf("[%d:%d]=%s", lower, lower+n-1, list(n)))
		default:
			texts = append(texts, list(1+r.IntN(5)))
		}
		if i%2 == 0 {
			elems, small = small, elems
		}
	}
	return texts
}

// edges are values by type, separated by bars.
var edges = map[string]string{
	"bool":   "t|f",
	"int2":   "0|1|-1|2|7|-8|15|16|31|32|100|32767|-32768|-32767|32766|181|182",
	"int4":   "0|1|-1|2|7|-8|31|32|33|63|64|100|32767|32768|-32768|-32769|2147483647|-2147483648|-2147483647|46340|46341",
	"int8":   "0|1|-1|2|7|-8|32767|-32769|2147483647|2147483648|-2147483649|4294967295|4294967296|9223372036854775807|-9223372036854775808|-9223372036854775807|3037000500|9007199254740993",
	"oid":    "0|1|25|2147483647|2147483648|4294967295",
	"float4": "0|-0|1|-1|0.5|1.5|2.5|-0.5|-1.5|-2.5|NaN|Infinity|-Infinity|3.4028235e38|-3.4028235e38|1e-45|-1e-45|1.17549435e-38|0.1|1e10|1e20|32767.4|32767.5|-32768.5|-32769|2147483648|2147483520|-2147483648|9.223372e18|-9.223372e18|16777216|123456.7",
	"float8": "0|-0|1|-1|0.5|1.5|2.5|3.5|-0.5|-1.5|-2.5|NaN|Infinity|-Infinity|1.7976931348623157e308|-1.7976931348623157e308|5e-324|-5e-324|2.2250738585072014e-308|1e-200|1e200|0.1|0.2|0.3|1e15|1e16|1e21|1e22|32767.5|32767.49|-32768.5|-32768.51|2147483647.5|2147483647.4999|-2147483648.5|-2147483648.6|9223372036854774784|9223372036854775807|-9223372036854775808|4503599627370497.5|9007199254740993|3.4028235677973366e38|3.4e38|7e-46|1e-46|123456.789|99999.95",
	"numeric": "0|0.0|0.000|1|-1|1.0|1.00|-1.5|0.5|1.5|2.5|-0.5|-2.5|0.05|0.049|NaN|Infinity|-Infinity|10|100|1000|9999|10000|0.0001|0.00001|" +
		"32767.4|32767.5|-32768.4|-32768.5|2147483647.4|2147483647.5|-2147483648.5|9223372036854775807|9223372036854775807.4|9223372036854775807.5|9223372036854775808|-9223372036854775808|-9223372036854775808.5|-9223372036854775809|" +
		"123456789012345678901234567890.123456789|-99999999999999999999999999999999999999|0.00000000000000000000000000001|1e30|1e-30|1e309|1e-330|3.5e38|1e-50|12345678.9|1e100|3|7|0.333333333333333333|9.9999|99999.99999",
	"uuid":        "00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12",
	"mood":        "sad|ok|happy|Großartig|a b|1|2|3|4|5",
	"text":        "a|b|ab|abc|ABC|aB|ß|ä|Ä|äöü|日本語|🙂|a🙂b|é|%|_|a%|%b|a_c|\\|'|\"|$1|0|1|-1|1.5|true|null|x y|foo|bar|  lead|trail  |\\x41|hello world|Hello World|a,b,c|aaa|aaaa",
	"bytea":       `\x|\x00|\xff|\x0001|\x61|\x6162|\xdeadbeef|\x00ff00|\x616263646566`,
	"date":        "2000-01-01|1970-01-01|infinity|-infinity|2024-02-29|2023-02-28|1999-12-31|2024-12-30|2025-01-01|0001-01-01|0001-12-31 BC|4713-01-01 BC|5874897-12-31|9999-12-31|2026-07-04|1582-10-15",
	"time":        "00:00:00|24:00:00|23:59:59.999999|12:34:56|00:00:00.000001|01:02:03.5",
	"timetz":      "00:00:00+00|24:00:00-15:59|23:59:59.999999+15:59|12:34:56+02|12:34:56-02|00:00:00.000001+05:30",
	"timestamp":   "2000-01-01 00:00:00|infinity|-infinity|1970-01-01|2024-02-29 12:34:56.789012|1999-12-31 23:59:59.999999|0001-01-01|4714-11-24 00:00:00 BC|294276-12-31 23:59:59.999999|0044-03-15 12:00 BC|2024-03-31 01:30|2024-12-30 00:00|2026-01-31 10:00",
	"timestamptz": "2000-01-01 00:00:00+00|infinity|-infinity|1970-01-01+00|2024-02-29 12:34:56.789012+02|1999-12-31 23:59:59.999999-08|0001-01-01+00|4714-11-24 00:00:00+00 BC|294276-12-31 23:59:59.999999+00|2024-03-31 01:30+00|2026-01-31 10:00+00",
	"interval":    "0|1 day|-1 day|1 month|-1 month|1 year|30 days|24:00:00|-00:00:01|00:00:00.000001|1 year 2 mons 3 days 04:05:06.789|-1 year -2 mons +3 days -04:05:06.789|178000000 years|-178000000 years|2147483647 days|-2147483648 days|2562047788:00:54.775807|-2562047788:00:54.775807|13 months|1 mon -1 day|1 week|36 hours|720:00:00",
	"name":        "a|b|abc|Ä|日本語|foo",
	"varchar":     "a|b|ab|abc|ABC|ß|日本語|trail  |  lead",
	"bpchar":      "a|b|ab|abc|ABC|ß|日本語|trail  |  lead|a  ",
	"json": `null|true|false|1|1.50|-0|"a"|""|"a\"b"|"\u00e4"|"\ud83d\ude42"|{}|[]|{"a":1}| {"a" : 1 , "b":[1, 2,{"c":null}] , "a":"dup"} |[1, "two" ,3.0,null,[4, 5]]|{"a":{"b":{"c":"deep"}}}|{"":0}|{"a b":"x","ä":"ü"}|{"\u0061":"escaped key"}|["a","b"]|{"b":null}|"\u0000"|{"a":"\u0000"}|["\ud800"]|["\udc00x"]|{"x":"\ud800\u0061","a":1}|[[1,2],[3]]|  7  |  "s"  |  null |{"a":[0,{"b":[true,false]}],"0":"zero","1":"one"}|` +
		`{"k":"line\nbreak\ttab\/slash\\ \b\f\r"}|[{"a":1},{"a":2}]|[ ]|{ }|"a]b}c,d:e"|{"]":"}","a":"{["}`,
	"jsonb": `null|true|false|1|1.0|1.00|-0|"a"|""|"a\"b"|"ä"|"🙂"|{}|[]|{"a":1}|{"a":1.0}|{"a":1,"b":[1,2,{"c":null}]}|[1,"two",3.0,null,[4,5]]|{"a":{"b":{"c":"deep"}}}|{"":0}|{"a b":"x","ä":"ü"}|["a","b"]|["b","a"]|["a"]|{"b":null}|[[1,2],[3]]|[1]|[1,1]|[1,2]|[[1]]|[[]]|[{}]|[null]|1e20|123456789.123456789|{"a":[0,{"b":[true,false]}],"0":"zero","1":"one"}|` +
		`{"k":"line\nbreak\ttab/slash\\ \b\f\r\u0001"}|[{"a":1},{"a":2}]|[{"a":1}]|"a]b}c,d:e"|{"]":"}","a":"{["}|[true]|[false,null]|{"a":null}|{"a":[]}|{"a":{}}|{"a":{"b":{}}}|{"aa":1,"b":2}|{"b":2}|"b"|2`,
}

// randoms make random values of a type.
var randoms = map[string]func(r *rand.Rand) string{
	"int2":   func(r *rand.Rand) string { return strconv.FormatInt(randomInt(r, 16), 10) },
	"int4":   func(r *rand.Rand) string { return strconv.FormatInt(randomInt(r, 32), 10) },
	"int8":   func(r *rand.Rand) string { return strconv.FormatInt(randomInt(r, 64), 10) },
	"oid":    func(r *rand.Rand) string { return strconv.FormatUint(uint64(r.Uint32()>>r.UintN(32)), 10) },
	"float4": randomFloat4,
	"float8": randomFloat8,
	"numeric": func(r *rand.Rand) string {
		return randomNumeric(r)
	},
	"text":    randomText,
	"varchar": randomText,
	"bpchar":  randomText,
	"name":    randomText,
	"bytea": func(r *rand.Rand) string {
		b := make([]byte, r.IntN(12))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return `\x` + hex.EncodeToString(b)
	},
	"uuid": func(r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) },
	"date": func(r *rand.Rand) string {
		return fmt.Sprintf("%04d-%02d-%02d", 1+r.IntN(3000), 1+r.IntN(12), 1+r.IntN(28))
	},
	"time":      randomTime,
	"timetz":    func(r *rand.Rand) string { return randomTime(r) + fmt.Sprintf("%+03d", r.IntN(31)-15) },
	"timestamp": randomTimestamp,
	"timestamptz": func(r *rand.Rand) string {
		return randomTimestamp(r) + fmt.Sprintf("%+03d", r.IntN(31)-15)
	},
	"interval": func(r *rand.Rand) string {
		return fmt.Sprintf("%d mons %d days %s%d:%02d:%02d.%06d", r.IntN(60)-30, r.IntN(100)-50, "-"[:r.IntN(2)],
			r.IntN(400)>>r.UintN(9), r.IntN(60), r.IntN(60), r.IntN(1000000))
	},
	"json":  func(r *rand.Rand) string { return randomJSON(r, 3, " ") },
	"jsonb": func(r *rand.Rand) string { return randomJSON(r, 3, "") },
}

// randomInt draws from all magnitudes of a width.
func randomInt(r *rand.Rand, bits uint) int64 {
	return int64(r.Uint64()) >> (64 - bits + r.UintN(bits))
}

func randomFloat8(r *rand.Rand) string {
	f := (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(40)-20))
	switch r.IntN(4) {
	case 0:
		f = float64(r.IntN(4000)-2000) / 16
	case 1:
		f = math.Float64frombits(r.Uint64())
		if f != f {
			f = 3.25
		}
	}
	return strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "Inf", "Infinity", 1)
}

func randomFloat4(r *rand.Rand) string {
	f := float32((r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(40)-20)))
	switch r.IntN(4) {
	case 0:
		f = float32(r.IntN(4000)-2000) / 16
	case 1:
		f = math.Float32frombits(r.Uint32())
		if f != f {
			f = 3.25
		}
	}
	return strings.Replace(strconv.FormatFloat(float64(f), 'g', -1, 32), "Inf", "Infinity", 1)
}

func randomNumeric(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteByte('-')
	}
	digits := func(n int) {
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
	}
	digits(1 + r.IntN(1+r.IntN(30)))
	if n := r.IntN(1 + r.IntN(20)); n > 0 {
		b.WriteByte('.')
		digits(n)
	}
	return b.String()
}

var letters = []string{"a", "b", "c", "A", "B", "Z", "z", "0", "9", " ", "  ", ".", ",", "-", "_", "%", "é", "ß", "Ω", "日", "🙂", "'", `"`, `\`, "\n"}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(10) {
		b.WriteString(letters[r.IntN(len(letters))])
	}
	return b.String()
}

func randomTime(r *rand.Rand) string {
	return fmt.Sprintf("%02d:%02d:%02d.%06d", r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000000))
}

func randomTimestamp(r *rand.Rand) string {
	return fmt.Sprintf("%04d-%02d-%02d ", 1+r.IntN(3000), 1+r.IntN(12), 1+r.IntN(28)) + randomTime(r)
}

// randomJSON makes a document; space stands around its tokens.
func randomJSON(r *rand.Rand, depth int, space string) string {
	pad := strings.Repeat(space, r.IntN(2))
	kind := r.IntN(8)
	if depth == 0 {
		kind = r.IntN(6)
	}
	switch kind {
	case 0:
		return pad + []string{"null", "true", "false"}[r.IntN(3)] + pad
	case 1:
		return pad + strconv.Itoa(r.IntN(5)) + pad
	case 2:
		return pad + []string{"1.0", "1.00", "-2.50", "1e3", "0.0", "12345678901234567890"}[r.IntN(6)] + pad
	case 3, 4, 5:
		return pad + `"` + []string{"a", "b", "c", "", "x y", "ä", `\"`, `\\`, `\n`}[r.IntN(9)] + `"` + pad
	}
	items := make([]string, r.IntN(4))
	for i := range items {
		items[i] = randomJSON(r, depth-1, space)
		if kind == 6 {
			items[i] = pad + `"` + []string{"a", "b", "c", "ab", "0", "1"}[r.IntN(6)] + `"` + pad + ":" + items[i]
		}
	}
	if kind == 6 {
		return pad + "{" + strings.Join(items, ",") + pad + "}" + pad
	}
	return pad + "[" + strings.Join(items, ",") + pad + "]" + pad
}

func init() {
	addArgs("repeat", 1, "-2147483648", "-1", "0", "1", "2", "3", "7", "100", "1000")
	for _, n := range []string{"json", "jsonb"} {
		for _, suffix := range []string{"", "_text"} {
			addArgs(n+"_object_field"+suffix, 1, "a", "b", "c", "0", "")
			addArgs(n+"_array_element"+suffix, 1, "0", "1", "2", "-1", "-2")
			addArgs(n+"_extract_path"+suffix, 1, "{}", "{a}", "{b}", "{a,b}", "{a,0}", "{0}", "{0,a}", "{1}", "{-1}", "{b,2,c}",
				"{a,b,c}", "{NULL}", "{a,NULL}", "{+1}", `{" 1"}`, "{1x}", "{99999999999}", `{""}`, "{-2147483648}")
		}
	}
	addArgs("jsonb_exists", 1, "a", "b", "c", "", "0")
	addArgs("jsonb_exists_any", 1, "{a}", "{a,b}", "{}", "{NULL}", "{NULL,a}", "{zz,b}")
	addArgs("jsonb_exists_all", 1, "{a}", "{a,b}", "{}", "{NULL}", "{NULL,a}", "{zz,b}")
	addArgs("round", 1, "0", "1", "2", "-1", "-2", "3", "5", "20", "-20", "-5")
	addArgs("trunc", 1, "0", "1", "2", "-1", "-2", "3", "5", "20", "-20", "-5")
	// numeric(p,s) as a typmod is ((p << 16) | (s & 0x7ff)) + 4.
	addArgs("numeric", 1, "-1", "327686", "655366", "65540", "131077", "1310734", "3276804", "262148")
	addArgs("array_length", 1, "1", "2", "0", "-1")
	addArgs("array_lower", 1, "1", "2")
	addArgs("array_upper", 1, "1", "2")
}
