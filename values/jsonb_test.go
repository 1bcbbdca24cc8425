package values

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

func randomJSON(r *rand.Rand, depth int) any {
	n := 7
	if depth == 0 {
		n = 5
	}
	switch r.IntN(n) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number([]string{"0", "-0", "1", "1.0", "1.50", "-1.5", "1e5", "1E-7", "123456789012345678901234567890", "0.10e1", "1e-0"}[r.IntN(11)])
	case 3, 4:
		return []string{"", "a", "b", "aa", "ü", "\n\t\r\b\f", `"\/`, "\x01\x1f\x7f", "𝄞", "<&>\u2028"}[r.IntN(10)]
	case 5:
		a := make([]any, r.IntN(4))
		for i := range a {
			a[i] = randomJSON(r, depth-1)
		}
		return a
	}
	m := map[string]any{}
	for range r.IntN(4) {
		m[[]string{"a", "b", "aa", "", "ü", "\x01", "c\"d"}[r.IntN(7)]] = randomJSON(r, depth-1)
	}
	return m
}

// Printing and order against the server on random documents.
func TestJSONBAgreesWithServer(t *testing.T) {
	s := newServer(t)
	r := rand.New(rand.NewPCG(7, 8))
	docs := []string{" { \"a\" : 1 ,\t\"a\":\n2 } ", `"\ud834\udd1e\u00e4\u0041"`, `[1 , 2]`, `{"a":{"b":[]}}`, `"\uD834\uDD1E"`}
	for range 300 {
		b, err := json.Marshal(randomJSON(r, 3))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(b))
	}
	rows := s.query(0, `SELECT d::jsonb FROM unnest($1::text[]) WITH ORDINALITY AS u(d, n) ORDER BY n`, textArray(docs))
	for i, row := range rows {
		if got, err := CanonicalJSONB(docs[i]); err != nil || got != string(row[0]) {
			t.Errorf("%s: %s, %v, want %s", docs[i], got, err, row[0])
		}
		if again, err := CanonicalJSONB(string(row[0])); err != nil || again != string(row[0]) {
			t.Errorf("%s: printed again as %s, %v", row[0], again, err)
		}
	}
	for _, bad := range []string{"", " ", "{", "[1,]", `{"a"}`, `{"a":1,}`, `01`, `1.`, `.5`, `+1`, `-`, `1e`, `nul`, `nullx`, `"a`, `"\x"`, `"\u00"`, `"\ud834"`, `"\ud834\u0041"`, `"\u0000"`,
		"\"\n\"", `[1] 2`, `'a'`, `{1:2}`, `NaN`, `"\u001\x10"`, strings.Repeat("[", 20000)} {
		if _, err := CanonicalJSONB(bad); err == nil {
			t.Errorf("%.40s was taken", bad)
		}
		if len(bad) < 100 {
			if state, _ := s.fails("SELECT " + quote(bad) + "::jsonb"); state[:2] != "22" {
				t.Errorf("%s: the server says %s", bad, state)
			}
		}
	}
	pairs := s.query(0, `WITH d AS (SELECT d::jsonb, n FROM unnest($1::text[]) WITH ORDINALITY AS u(d, n) WHERE n < 120)
		SELECT x.d, y.d, CASE WHEN x.d < y.d THEN -1 WHEN x.d > y.d THEN 1 ELSE 0 END FROM d x, d y`, textArray(docs))
	for _, p := range pairs {
		want := map[string]int{"-1": -1, "0": 0, "1": 1}[string(p[2])]
		if got := sign(Compare(JSONBType, String(string(p[0])), String(string(p[1])))); got != want {
			t.Fatalf("%s and %s compare %d, want %d", p[0], p[1], got, want)
		}
	}
}
