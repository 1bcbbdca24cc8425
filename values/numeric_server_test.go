package values

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

var edgeNumerics = []string{
	"0", "0.000", "1", "-1", "1.0", "1.00", "0.1", "3", "-3.0", "7", "1e-20", "-1e-20", "1.5", "2.5", "-2.5", "0.5", "-0.5", "0.05",
	"9999", "10000", "9999.5", "0.9999", "0.00009999", "99999999999999999999", "123456789.123456789", "9223372036854775807",
	"-9223372036854775808", "9223372036854775808", "-9223372036854775809", "4611686018427387904", "3037000500", "1e18", "1e19", "1e30", "1e100",
	"-1e100", "1e-100", "123456789012345678901234567890.123456789", "0.0000000000000000000000000000000001", "NaN", "Infinity", "-Infinity",
	"2147483647.5", "-2147483648.5", "32767.4", "32767.5", "1000000", "0.000001", "6", "60", "600",
}

// randomNumeric mixes few and many digits, and scales on and off the borders of
// base-10000 digits and of machine words.
func randomNumeric(r *rand.Rand) string {
	if r.IntN(12) == 0 {
		return edgeNumerics[r.IntN(len(edgeNumerics))]
	}
	n := 1 + r.IntN(12)
	if r.IntN(3) == 0 {
		n = 1 + r.IntN(60)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
		if r.IntN(4) == 0 {
			b[i] = "09"[r.IntN(2)]
		}
	}
	s := string(b)
	if scale := r.IntN(8); scale > 0 {
		if r.IntN(4) == 0 {
			scale += r.IntN(30)
		}
		if scale >= n {
			s = "0." + strings.Repeat("0", scale-n) + s
		} else {
			s = s[:n-scale] + "." + s[n-scale:]
		}
	}
	if r.IntN(2) == 0 {
		s = "-" + s
	}
	return s
}

// Arithmetic on many pairs: digits and display scale are those of the server.
func TestNumericArithmeticAgreesWithServer(t *testing.T) {
	s := newServer(t)
	r := rand.New(rand.NewPCG(1, 2))
	var as, bs []string
	for _, a := range edgeNumerics {
		for _, b := range edgeNumerics {
			as, bs = append(as, a), append(bs, b)
		}
	}
	for range 6000 {
		as, bs = append(as, randomNumeric(r)), append(bs, randomNumeric(r))
	}
	rows := s.query(0, `SELECT a, b, a + b, a - b, a * b,
			CASE WHEN b <> 0 OR a = 'NaN' THEN a / b END, CASE WHEN b <> 0 OR a = 'NaN' THEN a % b END, CASE WHEN b <> 0 OR a = 'NaN' THEN div(a, b) END,
			CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END
		FROM (SELECT a::numeric, b::numeric FROM unnest($1::text[], $2::text[]) AS u(a, b)) u`, textArray(as), textArray(bs))
	ops := []struct {
		name string
		f    func(a, b Datum) Datum
	}{{"+", NumericAdd}, {"-", NumericSub}, {"*", NumericMul}, {"/", NumericDiv}, {"%", NumericMod}, {"div", NumericDivTrunc}}
	for _, row := range rows {
		a, b := ParseNumeric(string(row[0])), ParseNumeric(string(row[1]))
		for i, op := range ops {
			got := op.f(a, b)
			if row[2+i] == nil {
				if e := got.Err(); e == nil || *e != (Error{"22012", "division by zero"}) {
					t.Fatalf("%s %s %s = %+v, want an error", row[0], op.name, row[1], got)
				}
				continue
			}
			if got.IsErr() || NumericString(got) != string(row[2+i]) {
				t.Fatalf("%s %s %s = %s %v, want %s", row[0], op.name, row[1], NumericString(got), got.Err(), row[2+i])
			}
			checkForm(t, got)
		}
		if got := strconv.Itoa(sign(NumericCmp(a, b))); got != string(row[8]) {
			t.Fatalf("cmp %s %s = %s, want %s", row[0], row[1], got, row[8])
		}
	}
}

// checkForm: one representation a value, which both codecs give back.
func checkForm(t *testing.T, d Datum) {
	t.Helper()
	if again := ParseNumeric(NumericString(d)); again != d {
		t.Fatalf("%s is %+v, parsed again %+v", NumericString(d), d, again)
	}
	b, err := AppendBinary(nil, NumericType, d)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeBinary(NumericType, b); err != nil || again != d {
		t.Fatalf("%s is %+v, from binary %+v, %v", NumericString(d), d, again, err)
	}
}

func TestNumericFunctionsAgreeWithServer(t *testing.T) {
	s := newServer(t)
	r := rand.New(rand.NewPCG(3, 4))
	as := append([]string(nil), edgeNumerics...)
	for range 1500 {
		as = append(as, randomNumeric(r))
	}
	ns := []int64{0, 1, 2, 3, 4, 5, 8, 20, -1, -2, -4, -5, -25, 2000, -2000, 5000}
	query := "SELECT a, -a, abs(a), sign(a), ceil(a), floor(a), a::text, scale(a), trim_scale(a), a::float8::text"
	for _, n := range ns {
		query += fmt.Sprintf(", round(a, %d), trunc(a, %d)", n, n)
	}
	rows := s.query(0, query+` FROM (SELECT a::numeric FROM unnest($1::text[]) AS u(a)) u`, textArray(as))
	for _, row := range rows {
		a := ParseNumeric(string(row[0]))
		check := func(name string, got Datum, want []byte) {
			t.Helper()
			if got.IsErr() || NumericString(got) != string(want) {
				t.Fatalf("%s(%s) = %s %v, want %s", name, row[0], NumericString(got), got.Err(), want)
			}
			checkForm(t, got)
		}
		check("-", NumericNeg(a), row[1])
		check("abs", NumericAbs(a), row[2])
		check("sign", NumericSign(a), row[3])
		check("ceil", NumericCeil(a), row[4])
		check("floor", NumericFloor(a), row[5])
		check("text", a, row[6])
		if scale, ok := NumericScale(a); ok != (row[7] != nil) || ok && strconv.Itoa(int(scale)) != string(row[7]) {
			t.Fatalf("scale(%s) = %d", row[0], scale)
		}
		check("trim_scale", NumericTrimScale(a), row[8])
		f := NumericToFloat8(a)
		if got := string(AppendFloat8(nil, f.Float64())); f.IsErr() || got != string(row[9]) {
			t.Fatalf("%s::float8 = %s, want %s", row[0], got, row[9])
		}
		for i, n := range ns {
			check(fmt.Sprintf("round %d", n), NumericRound(a, n), row[10+2*i])
			check(fmt.Sprintf("trunc %d", n), NumericTrunc(a, n), row[11+2*i])
		}
	}
}

// outcome runs one expression on the server: its text, or SQLSTATE and message.
func (s *server) outcome(expr string) string {
	s.t.Helper()
	rows, err := s.conn.Exec(s.t.Context(), "SELECT "+expr).ReadAll()
	if err != nil {
		state, message := s.fails("SELECT " + expr)
		return state + " " + message
	}
	return string(rows[0].Rows[0][0])
}

func outcomeOf(t *testing.T, typ *Type, d Datum) string {
	t.Helper()
	if e := d.Err(); e != nil {
		return e.SQLState + " " + e.Message
	}
	b, err := AppendText(nil, typ, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Casts and errors, worded as the server words them.
func TestNumericCastsAgreeWithServer(t *testing.T) {
	s := newServer(t)
	values := append([]string{"9223372036854775807.4", "9223372036854775807.5", "-9223372036854775808.5", "1e400", "-1e400", "1e-400", "3.5e38", "1e-50", "16777217", "0.1"},
		edgeNumerics...)
	for _, v := range values {
		a, lit := ParseNumeric(v), quote(v)+"::numeric"
		for _, c := range []struct {
			expr string
			typ  *Type
			got  Datum
		}{
			{lit + "::int8", Int8Type, NumericToInt8(a)},
			{lit + "::int4", Int4Type, NumericToInt4(a)},
			{lit + "::int2", Int2Type, NumericToInt2(a)},
			{lit + "::float8", Float8Type, NumericToFloat8(a)},
			{lit + "::float4", Float4Type, NumericToFloat4(a)},
		} {
			if want, got := s.outcome(c.expr), outcomeOf(t, c.typ, c.got); got != want {
				t.Errorf("%s: %s, want %s", c.expr, got, want)
			}
		}
		for _, tm := range [][2]int32{{5, 2}, {10, 0}, {20, 10}, {3, -2}, {2, 4}, {1000, 0}, {38, 20}, {1, 0}, {5, 5}} {
			if s.major < 15 && (tm[1] < 0 || tm[1] > tm[0]) {
				continue // no such type there
			}
			expr := fmt.Sprintf("%s::numeric(%d,%d)", lit, tm[0], tm[1])
			typmod := (tm[0]<<16 | tm[1]&0x7ff) + 4
			if want, got := s.outcome(expr), outcomeOf(t, NumericType, NumericApplyTypmod(a, typmod)); got != want {
				t.Errorf("%s: %s, want %s", expr, got, want)
			}
		}
	}
	for _, v := range []string{"", " ", "x", "1x", "1 ", " 1", "+1", "-", ".", "1.", ".5", "1e", "1e+", "1e5", "1e-5", "1.50e1", "1.5e+3", "nan", " NaN ", "+NaN", "-NaN", "inf", "+Inf",
		"-infinity", "infinit", "1e131071", "1e131072", "1e-16383", "1e-16384", "1e1000000", "1e2000000000", "0e5", "0e-5", "--1", "1.2.3", "0.0e131072", "1\t", `a"b`, "日本"} {
		expr := quote(v) + "::numeric"
		want := s.outcome(expr)
		if got := outcomeOf(t, NumericType, ParseNumeric(v)); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
	big := ParseNumeric("1e131000")
	for _, c := range []struct {
		expr string
		got  Datum
	}{
		{"1e131000::numeric * 1e131000", NumericMul(big, big)},
		{"1e131000::numeric * 1e71", NumericMul(big, ParseNumeric("1e71"))},
		{"1e131000::numeric * 1e72", NumericMul(big, ParseNumeric("1e72"))},
		{"9e131071::numeric + 9e131071", NumericAdd(ParseNumeric("9e131071"), ParseNumeric("9e131071"))},
		{"1e131000::numeric / 1e-100", NumericDiv(big, ParseNumeric("1e-100"))},
		{"1.5e-16383::numeric * 1", NumericMul(ParseNumeric("1.5e-16383"), ParseNumeric("1"))},
		{"1e-16383::numeric * 0.5", NumericMul(ParseNumeric("1e-16383"), ParseNumeric("0.5"))},
		{"1e-16000::numeric * 1e-383", NumericMul(ParseNumeric("1e-16000"), ParseNumeric("1e-383"))},
		{"1e-10000::numeric / 3", NumericDiv(ParseNumeric("1e-10000"), ParseNumeric("3"))},
	} {
		if want, got := s.outcome(c.expr), outcomeOf(t, NumericType, c.got); got != want {
			t.Errorf("%s: %.60s, want %.60s", c.expr, got, want)
		}
	}
}

// randomFloat mixes the whole range with integers, short decimals and halves
// between neighbours, where printing the shortest digits is hard.
func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(5) {
	case 0:
		return float64(r.Int64()>>r.IntN(63)) * float64(1-2*r.IntN(2))
	case 1:
		return float64(r.IntN(1e6)) / 100
	case 2:
		return math.Ldexp(1, r.IntN(2000)-1000)
	case 3:
		f, _ := strconv.ParseFloat(fmt.Sprintf("%de%d", r.IntN(100000), r.IntN(40)-10), 64)
		return f
	}
	return math.Float64frombits(r.Uint64())
}

func TestFloatTextAgreesWithServer(t *testing.T) {
	s := newServer(t)
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		typ     *Type
		round   func(float64) float64
		numeric func(float64) Datum
	}{
		{Float8Type, func(f float64) float64 { return f }, NumericFromFloat8},
		{Float4Type, func(f float64) float64 { return float64(float32(f)) }, NumericFromFloat4},
	} {
		array := ArrayOf(c.typ)
		elems := []Datum{Float(1e23), Float(c.round(9007199254740993)), Float(c.round(33554432))}
		for range 20000 {
			elems = append(elems, Float(c.round(randomFloat(r))))
		}
		d, err := MakeArray(array, elems)
		if err != nil {
			t.Fatal(err)
		}
		bin, err := AppendBinary(nil, array, d)
		if err != nil {
			t.Fatal(err)
		}
		res := s.conn.ExecParams(t.Context(), fmt.Sprintf(`SELECT f, f::numeric FROM unnest($1::%s) AS u(f)`, array.SQL),
			[][]byte{bin}, nil, []int16{1}, nil).Read()
		if res.Err != nil || len(res.Rows) != len(elems) {
			t.Fatal(len(res.Rows), res.Err)
		}
		for i, row := range res.Rows {
			checkCodecs(t, c.typ, mustBinary(t, c.typ, elems[i]), string(row[0]))
			if got := NumericString(c.numeric(elems[i].Float64())); got != string(row[1]) {
				t.Errorf("%s::numeric = %s, want %s", row[0], got, row[1])
			}
		}
	}
}

func mustBinary(t *testing.T, typ *Type, d Datum) []byte {
	t.Helper()
	b, err := AppendBinary(nil, typ, d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
