package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// report gathers the figures.
type report struct {
	machine machine
	command string
	data    string
	took    time.Duration
	rows    []figure
	now     figure // section and title of what comes next
	images  []image
	files   []image // texts beside the report
	pairs   []pair  // throughputs beside their references
}

// image is a picture that stands below the figures of its section.
type image struct {
	section, file string
	data          []byte
}

// picture keeps a picture for the report.
func (r *report) picture(file string, data []byte) {
	r.images = append(r.images, image{r.now.section, file, data})
}

// file keeps a text that is written beside the report.
func (r *report) file(name, text string) {
	r.files = append(r.files, image{r.now.section, name, []byte(text)})
}

// versus notes that two throughputs belong together, for a picture of all of them.
func (r *report) versus(name, unit string, ours, reference sample) {
	if len(ours) > 0 && len(reference) > 0 {
		r.pairs = append(r.pairs, pair{r.now.section + ", " + name, unit, ours, reference})
	}
}

// figure is one line of the report.
type figure struct {
	section, title string
	what           string
	runs           sample
	unit           string
	note           string
}

func (r *report) section(name, title string) { r.now = figure{section: name, title: title} }

// add notes a figure; several runs become a median with its range.
func (r *report) add(what, unit string, runs sample, note string) {
	if len(runs) == 0 {
		return
	}
	f := r.now
	f.what, f.unit, f.runs, f.note = what, unit, runs, note
	r.rows = append(r.rows, f)
}

func (r *report) one(what, unit string, v float64, note string) { r.add(what, unit, sample{v}, note) }

// number writes three significant digits, or all before the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 10_000:
		s := strconv.FormatFloat(v, 'f', 0, 64)
		var b strings.Builder
		for i, c := range s {
			if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
				b.WriteByte(',')
			}
			b.WriteRune(c)
		}
		return b.String()
	case a >= 100 || a == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}

// span is the range of the runs, "" for one.
func (f figure) span() string {
	if len(f.runs) < 2 {
		return ""
	}
	return number(f.runs.quantile(0)) + " – " + number(f.runs.quantile(1))
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n%s\nload average before %s, after %s; %s in all\n", r.machine, r.data, r.machine.before, r.machine.after, r.took.Round(time.Second))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for _, f := range r.rows {
		if f.section != section {
			section = f.section
			fmt.Fprintf(t, "\t\t\t\n%s: %s\t\t\t\n", strings.ToUpper(f.section), f.title)
		}
		fmt.Fprintf(t, "  %s\t%s %s\t%s\t%s\n", f.what, number(f.runs.median()), f.unit, f.span(), f.note)
	}
	// A terminal that is gone is no reason to lose the files.
	_ = t.Flush()
}

// write leaves the figures as results.csv and results.md, and the pictures beside them.
func (r *report) write(dir string) error {
	if len(r.pairs) > 0 {
		r.images = append(r.images, image{"", "throughput.svg", barChart("Throughput, ours and the reference's", r.pairs)})
	}
	for _, i := range append(r.files, r.images...) {
		if err := os.WriteFile(filepath.Join(dir, i.file), i.data, 0o644); err != nil {
			return err
		}
	}
	return errors.Join(r.writeCSV(filepath.Join(dir, "results.csv")), os.WriteFile(filepath.Join(dir, "results.md"), []byte(r.markdown()), 0o644))
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "`%s` on %s.\n%s Load average before %s, after %s; %s in all.\n", r.command, r.machine, r.data,
		r.machine.before, r.machine.after, r.took.Round(time.Second))
	r.show(&b, "")
	for i, f := range r.rows {
		if i == 0 || f.section != r.rows[i-1].section {
			fmt.Fprintf(&b, "\n**%s**: %s\n\n| figure | median | range of the rounds | |\n|---|--:|--:|---|\n", f.section, f.title)
		}
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s |\n", f.what, number(f.runs.median()), f.unit, f.span(), f.note)
		if i == len(r.rows)-1 || f.section != r.rows[i+1].section {
			r.show(&b, f.section)
		}
	}
	return b.String()
}

// show places the pictures of a section.
func (r *report) show(b *strings.Builder, section string) {
	for _, i := range r.images {
		if i.section == section {
			fmt.Fprintf(b, "\n![%s](%s)\n", strings.TrimSuffix(i.file, ".svg"), i.file)
		}
	}
}
