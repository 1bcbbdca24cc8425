package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	r := &report{command: "go run ./bench", data: "No data."}
	r.section("load", "a snapshot")
	r.add("snapshot", "rows/s", sample{10, 30, 20}, "note")
	r.add("nothing", "rows/s", nil, "")
	r.versus("snapshot", "rows/s", sample{10, 30, 20}, sample{40, 50, 45})
	r.section("growth", "sizes")
	r.one("one", "µs", 1.5, "")
	r.picture("growth.svg", lineChart("Growth", axis{log: true}, axis{log: true}, []series{{name: "a < b", points: []point{{1e3, 2}, {1e6, 40}}, dots: true}}))
	all := []growth{{op: &operator{name: "join on <"}, sizes: []int64{1e3, 1e4}, costs: []growthCost{{micros: sample{2, 3}, reads: 7, output: 1.5}, {micros: sample{4}, reads: 0}}}}
	r.picture("panels.svg", growthChart(all))
	r.file("growth.md", growthTable(all, []int64{1e3, 1e4, 1e5}))
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{"![throughput](throughput.svg)", "**load**: a snapshot", "| snapshot | 20.0 rows/s | 10.0 – 30.0 | note |", "**growth**: sizes", "| one | 1.50 µs |  |  |", "![growth](growth.svg)"} {
		i := strings.Index(string(text), want)
		if i <= at {
			t.Errorf("%q is missing or out of order in\n%s", want, text)
		}
		at = i
	}
	for _, name := range []string{"growth.svg", "panels.svg", "throughput.svg"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, name, string(data))
	}
}

// TestGrowthTable has a cell for each size, empty where it was too slow to be measured.
func TestGrowthTable(t *testing.T) {
	all := []growth{{op: &operator{name: "lag()"}, sizes: []int64{1e3, 1e4}, costs: []growthCost{{micros: sample{2, 3}, reads: 7, output: 1.5}, {micros: sample{4}, reads: 9, output: 2}}}}
	want := "| lag() | 2.50 | 4.00 | | 7.00 | 9.00 | | 2.00 |\n"
	if got := growthTable(all, []int64{1e3, 1e4, 1e5}); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant it to end with\n%s", got, want)
	}
}

// wellFormed says of a picture that it is XML and that no place in it is missing.
func wellFormed(t *testing.T, name, data string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(data)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, data)
		}
	}
	for _, bad := range []string{"NaN", "Inf"} {
		if strings.Contains(data, bad) {
			t.Errorf("%s has a place that is %s", name, bad)
		}
	}
}

func TestCharts(t *testing.T) {
	one := series{name: "one value", points: []point{{1000, 5}}}
	flat := series{name: "flat", points: []point{{1, 0}, {10, 0}}}
	for name, data := range map[string][]byte{
		"empty":    lineChart("t", axis{}, axis{}, nil),
		"no point": lineChart("t", axis{log: true}, axis{}, []series{{name: "x"}}),
		"one":      lineChart("t", axis{log: true}, axis{log: true}, []series{one}),
		"flat":     lineChart("t", axis{log: true}, axis{}, []series{flat}),
		"no bars":  barChart("t", nil),
		"one bar":  barChart("t", []pair{{"a & b", "rows/s", sample{5}, sample{2}}}),
	} {
		wellFormed(t, name, string(data))
	}
}

func TestAxis(t *testing.T) {
	a := axis{log: true, from: 0, to: 300}
	a.fit([]float64{1000, 20, 999_999})
	if a.min != 10 || a.max != 1e6 {
		t.Errorf("the axis goes from %g to %g", a.min, a.max)
	}
	if got := a.at(1000); math.Abs(got-120) > 1e-6 {
		t.Errorf("1000 is at %g", got)
	}
	if got := len(a.ticks()); got != 6 {
		t.Errorf("%d ticks", got)
	}
}

func TestDistribution(t *testing.T) {
	var s sample
	for i := range 1001 {
		s.add(float64(i))
	}
	d := distribution(s)
	if last := d[len(d)-1]; last != (point{1000, 100}) {
		t.Errorf("the worst is %+v", last)
	}
	if d[50] != (point{500, 50}) || d[0].x <= 0 {
		t.Errorf("the median is %+v, the least %+v", d[50], d[0])
	}
	if distribution(nil) != nil {
		t.Error("nothing has a distribution")
	}
}
