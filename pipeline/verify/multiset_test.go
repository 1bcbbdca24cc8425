package verify

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// A comparison in constant memory finds exactly what counting rows finds.
func TestMultisetFindsTheDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SampledFrom([]string{"", "a", "b", "a\tb", `\N`, "c", "d"})
		left, right := rapid.SliceOf(row).Draw(t, "left"), rapid.SliceOf(row).Draw(t, "right")
		want := map[string]int64{}
		var m multiset
		for _, r := range left {
			want[r]++
			m.add([]byte(r))
		}
		for _, i := range rand.Perm(len(right)) {
			want[right[i]]--
			m.subtract([]byte(right[i]))
		}
		for r, w := range want {
			if w == 0 {
				delete(want, r)
			}
		}
		if m.empty() != (len(want) == 0) {
			t.Fatalf("empty: %t, want %v", m.empty(), want)
		}
		var rest residue
		for _, r := range left {
			if m.differs([]byte(r)) {
				rest.add([]byte(r), 1)
			}
		}
		for _, r := range right {
			if m.differs([]byte(r)) {
				rest.add([]byte(r), -1)
			}
		}
		for r, w := range want {
			if rest.rows[r] != w {
				t.Fatalf("residue %v, want %v", rest.rows, want)
			}
		}
		if len(rest.rows) != len(want) {
			t.Fatalf("residue %v, want %v", rest.rows, want)
		}
	})
}

func TestResidueIsBounded(t *testing.T) {
	var r residue
	long := make([]byte, 1<<20)
	for i := range residueBytes>>20 + 2 {
		copy(long, fmt.Sprint(i, " "))
		r.add(long, 1)
	}
	if !r.full || r.bytes > residueBytes+2<<20 {
		t.Fatalf("full: %t, bytes: %d", r.full, r.bytes)
	}
}

func TestSimilarRowsCancel(t *testing.T) {
	numeric := &values.Type{OID: 1700, BaseOID: 1700, Typmod: -1, Kind: values.KindNumeric, Name: "numeric"}
	float8 := &values.Type{OID: 701, BaseOID: 701, Typmod: -1, Kind: values.KindFloat8, Name: "float8"}
	text := &values.Type{OID: 25, BaseOID: 25, Typmod: -1, Collation: 100, Kind: values.KindText, Name: "text"}
	for name, c := range map[string]struct {
		types []*values.Type
		rows  map[string]int64
		pairs int64
		left  map[string]int64
	}{
		"scale":              {[]*values.Type{numeric, text}, map[string]int64{"1.0\tx": 2, "1.00\tx": -2}, 2, map[string]int64{}},
		"another value":      {[]*values.Type{numeric, text}, map[string]int64{"1.0\tx": 1, "1.01\tx": -1}, 0, map[string]int64{"1.0\tx": 1, "1.01\tx": -1}},
		"text is exact":      {[]*values.Type{numeric, text}, map[string]int64{"1.0\tx": 1, "1.00\ty": -1}, 0, map[string]int64{"1.0\tx": 1, "1.00\ty": -1}},
		"too few":            {[]*values.Type{numeric, text}, map[string]int64{"1.0\tx": 3, "1.00\tx": -2}, 2, map[string]int64{"1.0\tx": 1}},
		"rounding":           {[]*values.Type{text, float8}, map[string]int64{"x\t0.30000000000000004": 1, "x\t0.3": -1}, 1, map[string]int64{}},
		"not rounding":       {[]*values.Type{text, float8}, map[string]int64{"x\t0.3001": 1, "x\t0.3": -1}, 0, map[string]int64{"x\t0.3001": 1, "x\t0.3": -1}},
		"infinity":           {[]*values.Type{text, float8}, map[string]int64{"x\tInfinity": 1, "x\t1e308": -1}, 0, map[string]int64{"x\tInfinity": 1, "x\t1e308": -1}},
		"NULL is no number":  {[]*values.Type{numeric, text}, map[string]int64{"\\N\tx": 1, "0\tx": -1}, 0, map[string]int64{"\\N\tx": 1, "0\tx": -1}},
		"the same side":      {[]*values.Type{numeric, text}, map[string]int64{"1.0\tx": 1, "1.00\tx": 1}, 0, map[string]int64{"1.0\tx": 1, "1.00\tx": 1}},
		"nothing is inexact": {[]*values.Type{text, text}, map[string]int64{"a\tx": 1, "a\ty": -1}, 0, map[string]int64{"a\tx": 1, "a\ty": -1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := residue{rows: c.rows}
			if pairs := r.cancelSimilar(c.types, nil); pairs != c.pairs {
				t.Errorf("%d pairs, want %d", pairs, c.pairs)
			}
			if diff := cmp.Diff(c.left, r.rows); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}

// Rows come whole, however the connection cuts its messages.
func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([ab\\]*\n)*`).Draw(t, "text")
		var got []byte
		l := &lines{row: func(r []byte) { got = append(append(got, r...), '\n') }}
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if _, err := l.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if string(got) != text {
			t.Fatalf("%q, want %q", got, text)
		}
	})
}

func TestCopyFields(t *testing.T) {
	got := copyFields([]byte(`a\tb` + "\t" + `\N` + "\t\t" + `\\N\n`))
	var text []string
	for _, f := range got {
		if f == nil {
			text = append(text, "NULL")
		} else {
			text = append(text, *f)
		}
	}
	if diff := cmp.Diff([]string{"a\tb", "NULL", "", "\\N\n"}, text); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
