package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFiguresAreReadAsWritten(t *testing.T) {
	want := []figure{
		{section: "catchup", what: "inserts: ratio", unit: "of the drain", runs: sample{1.25, 0.5, 3e6}, note: "a note, with \"quotes\""},
		{section: "growth", what: "EXISTS, 1k rows", unit: "µs a change", runs: sample{7}},
	}
	var b bytes.Buffer
	if err := writeFigures(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := readFigures(&b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, written %+v", got, want)
	}
	for _, bad := range []string{"", "experiment,figure,unit,median\na,b,c,1\n", "experiment,figure,unit,round,value,note\na,b,c,1,fast,\n"} {
		if _, err := readFigures(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as results", bad)
		}
	}
}

// TestRoundsAreGathered: rounds of several files become those of one figure each.
func TestRoundsAreGathered(t *testing.T) {
	var all []figure
	for round, figures := range [][]figure{
		{{section: "load", what: "rate", unit: "rows/s", runs: sample{1}}, {section: "load", what: "rate", unit: "MB/s", runs: sample{5}}},
		{{section: "load", what: "rate", unit: "rows/s", runs: sample{2, 3}}, {section: "live", what: "rate", unit: "rows/s", runs: sample{9}}},
	} {
		path := filepath.Join(t.TempDir(), "results.csv")
		if err := (&report{rows: figures}).writeCSV(path); err != nil {
			t.Fatal(err)
		}
		var err error
		if all, err = gathered(all, path); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	want := []sample{{1, 2, 3}, {5}, {9}}
	if len(all) != len(want) {
		t.Fatalf("%d figures: %+v", len(all), all)
	}
	for i := range want {
		if !reflect.DeepEqual(all[i].runs, want[i]) {
			t.Errorf("figure %d has the rounds %v, want %v", i, all[i].runs, want[i])
		}
	}
}

func TestCompare(t *testing.T) {
	write := func(name string, figures ...figure) string {
		r := report{rows: figures}
		path := filepath.Join(t.TempDir(), name)
		if err := r.writeCSV(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := write("old.csv",
		figure{section: "load", what: "faster", unit: "rows/s", runs: sample{100, 101, 102, 103}},
		figure{section: "load", what: "noise", unit: "rows/s", runs: sample{100, 104, 102, 106}},
		figure{section: "load", what: "gone", unit: "rows/s", runs: sample{1}})
	now := write("new.csv",
		figure{section: "load", what: "faster", unit: "rows/s", runs: sample{200, 202, 204, 206}},
		figure{section: "load", what: "noise", unit: "rows/s", runs: sample{101, 105, 103, 107}},
		figure{section: "live", what: "three rounds", unit: "ms", runs: sample{1, 2, 3}})
	var b bytes.Buffer
	if err := compareFiles(&b, old, now); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{"+100.0%", "(p=0.029 n=4+4)", "102 ± 1%", "~", "1 figures are only in the older file, 1 only in the newer",
		"1 of 2 figures changed; about 0.100 of them"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "Too few") {
		t.Errorf("four rounds are said to be too few:\n%s", got)
	}
	b.Reset()
	compare(&b, []figure{{what: "x", runs: sample{1, 2, 3}}}, []figure{{what: "x", runs: sample{4, 5, 6}}})
	if !strings.Contains(b.String(), "Too few rounds") {
		t.Errorf("three rounds are said to be enough:\n%s", b.String())
	}
	if err := compareFiles(&b, old, filepath.Join(t.TempDir(), "none.csv")); err == nil {
		t.Error("a file that is not there was compared")
	}
	if _, err := os.Stat(old); err != nil {
		t.Error(err)
	}
}
