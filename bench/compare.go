package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// significant is the probability below which a difference counts as one.
const significant = 0.05

// compareFiles sets two files of results beside each other.
func compareFiles(to io.Writer, older, newer string) error {
	var sides [2][]figure
	for i, path := range []string{older, newer} {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		sides[i], err = readFigures(f)
		_ = f.Close() // it was only read
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	compare(to, sides[0], sides[1])
	return nil
}

// compare prints the figures that both have, in the order of the newer, with their
// medians, half the range of the rounds in percent, the change, and how likely it is by chance.
// A change that may well be chance is shown as ~, as benchstat does.
func compare(to io.Writer, older, newer []figure) {
	key := func(f *figure) [3]string { return [3]string{f.section, f.what, f.unit} }
	before := map[[3]string]*figure{}
	for i := range older {
		before[key(&older[i])] = &older[i]
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	section, few, missing, changed, judged := "", false, 0, 0, 0
	for i := range newer {
		b := &newer[i]
		a := before[key(b)]
		if a == nil {
			missing++
			continue
		}
		delete(before, key(b))
		if b.section != section {
			section = b.section
			fmt.Fprintf(w, "%s\tunit\told\tnew\tchange\t\n", section)
		}
		p := mannWhitney(a.runs, b.runs)
		// The least p of these many rounds: all of one side below all of the other.
		low, high := make(sample, len(a.runs)), make(sample, len(b.runs))
		for j := range high {
			high[j] = 1
		}
		possible := mannWhitney(low, high) < significant
		few = few || !possible
		if possible {
			judged++
		}
		change := "~"
		if p < significant && a.runs.median() != 0 {
			changed++
			change = fmt.Sprintf("%+.1f%%", 100*(b.runs.median()/a.runs.median()-1))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t(p=%.3f n=%d+%d)\n", b.what, b.unit, spread(a.runs), spread(b.runs), change, p, len(a.runs), len(b.runs))
	}
	// What cannot be printed is seen by who reads it.
	_ = w.Flush()
	if few {
		fmt.Fprintf(to, "\nToo few rounds to tell any change from chance at p < %g, for some figures or all: four on each side are the least (-rounds).\n", significant)
	}
	if judged > 0 {
		fmt.Fprintf(to, "\n%d of %d figures changed; about %s of them would by chance alone, if nothing had (p < %g each).\n", changed, judged, number(significant*float64(judged)), significant)
	}
	if missing+len(before) > 0 {
		fmt.Fprintf(to, "\n%d figures are only in the older file, %d only in the newer.\n", len(before), missing)
	}
}

// spread is a median with half the range of the rounds around it.
func spread(s sample) string {
	m := s.median()
	if len(s) < 2 || m == 0 {
		return number(m)
	}
	return fmt.Sprintf("%s ± %.0f%%", number(m), 50*(s.quantile(1)-s.quantile(0))/m)
}
