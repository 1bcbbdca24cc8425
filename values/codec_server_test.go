package values

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// load makes a table v(ord, val) of a case's values and a NULL.
func (s *server) load(c typeCase) {
	s.t.Helper()
	s.exec(`DROP TABLE IF EXISTS v`)
	typ := sqlType(c.typ)
	if typ == "json" {
		s.exec(`CREATE TABLE v (ord int, val json)`)
	} else if isText(c.typ.Kind) {
		s.exec(fmt.Sprintf(`CREATE TABLE v (ord int, val %s COLLATE "C")`, typ))
	} else if c.typ.Kind == KindArray && isText(c.typ.Elem.Kind) {
		s.exec(fmt.Sprintf(`CREATE TABLE v (ord int, val %s COLLATE "C")`, typ))
	} else {
		s.exec(fmt.Sprintf(`CREATE TABLE v (ord int, val %s)`, typ))
	}
	var rows []string
	for i, v := range c.values {
		rows = append(rows, fmt.Sprintf("(%d, %s)", i, quote(v)))
	}
	s.exec(fmt.Sprintf(`INSERT INTO v VALUES %s, (%d, NULL)`, strings.Join(rows, ", "), len(c.values)))
}

// Every codec against the server: what it sends in binary and in text is read as
// one Datum, which is written as both again.
func TestCodecsAgreeWithServer(t *testing.T) {
	s := newServer(t)
	s.createTypes()
	for _, c := range cases(s.major, typeCases) {
		s.load(c)
		bin := s.query(1, `SELECT val FROM v WHERE num_nulls(val) = 0 ORDER BY ord`)
		text := s.query(0, `SELECT val FROM v WHERE num_nulls(val) = 0 ORDER BY ord`)
		if len(bin) != len(c.values) || len(text) != len(bin) {
			t.Fatalf("%s: %d rows", c.typ.Name, len(bin))
		}
		for i := range bin {
			checkCodecs(t, c.typ, bin[i][0], string(text[i][0]))
		}
	}
}

func checkCodecs(t *testing.T, typ *Type, bin []byte, text string) {
	t.Helper()
	d, err := DecodeBinary(typ, bin)
	if err != nil {
		t.Errorf("%s %s: %v", typ.Name, text, err)
		return
	}
	if d2, err := DecodeBinaryString(typ, string(bin)); err != nil || d2 != d {
		t.Errorf("%s %s: as string %+v, %v; as bytes %+v", typ.Name, text, d2, err, d)
	}
	if d2, err := DecodeText(typ, text); err != nil || d2 != d {
		t.Errorf("%s %s: from text %+v, %v; from binary %+v", typ.Name, text, d2, err, d)
	}
	if b, err := AppendBinary([]byte("x"), typ, d); err != nil || !bytes.Equal(b[1:], bin) {
		t.Errorf("%s %s: binary %x, %v, want %x", typ.Name, text, b[1:], err, bin)
	}
	if b, err := AppendText([]byte("x"), typ, d); err != nil || string(b[1:]) != text {
		t.Errorf("%s: text %s, %v, want %s", typ.Name, b[1:], err, text)
	}
	row := []Datum{d, Null, d}
	back, err := DecodeRow(AppendRow(nil, row), nil)
	if err != nil || len(back) != 3 || back[0] != d || back[1] != Null || back[2] != d {
		t.Errorf("%s %s: as a row %+v, %v", typ.Name, text, back, err)
	}
}

// Keys and Compare against the server's ranks.
func TestOrderAgreesWithServer(t *testing.T) {
	s := newServer(t)
	s.createTypes()
	for _, c := range cases(s.major, typeCases, opaqueCases) {
		if c.typ.Kind == KindJSON {
			continue // has no order
		}
		if !Equatable(c.typ) {
			t.Errorf("%s is not equatable", c.typ.Name)
		}
		s.load(c)
		bin := s.query(1, `SELECT val FROM v ORDER BY ord`)
		rank := s.query(0, `SELECT dense_rank() OVER (ORDER BY val), val FROM v ORDER BY ord`)
		keys := make([][]byte, len(bin))
		data := make([]Datum, len(bin))
		ranks := make([]int, len(bin))
		for i := range bin {
			fmt.Sscan(string(rank[i][0]), &ranks[i])
			if bin[i][0] != nil {
				var err error
				if data[i], err = DecodeBinary(c.typ, bin[i][0]); err != nil {
					t.Fatal(err)
				}
			}
			keys[i] = AppendKey(nil, c.typ, data[i])
		}
		for i := range keys {
			for j := range keys {
				want := ranks[i] - ranks[j]
				got := bytes.Compare(keys[i], keys[j])
				if (got == 0) != (want == 0) || Comparable(c.typ) && sign(got) != sign(want) {
					t.Errorf("%s: keys of %s and %s compare %d, want %d", c.typ.Name, rank[i][1], rank[j][1], got, sign(want))
				}
				if i != j && bytes.HasPrefix(keys[i], keys[j]) && want != 0 {
					t.Errorf("%s: key of %s starts that of %s", c.typ.Name, rank[j][1], rank[i][1])
				}
				if data[i].IsNull() || data[j].IsNull() {
					continue
				}
				cmp := Compare(c.typ, data[i], data[j])
				if (cmp == 0) != (want == 0) || Comparable(c.typ) && sign(cmp) != sign(want) {
					t.Errorf("%s: %s and %s compare %d, want %d", c.typ.Name, rank[i][1], rank[j][1], cmp, sign(want))
				}
				if IdentityIsEquality(c.typ) && want == 0 && data[i] != data[j] {
					t.Errorf("%s: %s and %s are equal, not identical", c.typ.Name, rank[i][1], rank[j][1])
				}
			}
		}
	}
}

func sign(n int) int { return cmpInt(int64(n), 0) }
