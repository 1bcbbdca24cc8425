package main

import (
	"cmp"
	"fmt"
	"html"
	"os"
	"slices"
	"strings"
)

const (
	flameWidth = 1200
	flameRow   = 17
	// flameLeast is the least part of the time that is drawn.
	flameLeast = 0.004
)

// flameFile draws the flame graph of a profile.
func flameFile(title, profile, picture string) error {
	root, err := readProfile(profile)
	if err != nil {
		return err
	}
	return os.WriteFile(picture, flameGraph(title, root), 0o644)
}

// flameGraph draws calls as boxes upon their callers, as wide as their part of the CPU
// time: Gregg, "The Flame Graph", Communications of the ACM 59(6), 2016. Siblings
// are in the order of their names, so that two pictures can be compared. The colour is
// that of the package.
func flameGraph(title string, root *call) []byte {
	depth := 0
	var deepest func(c *call, at int)
	deepest = func(c *call, at int) {
		if float64(c.nanos) < flameLeast*float64(root.nanos) {
			return
		}
		depth = max(depth, at)
		for _, k := range c.calls {
			deepest(k, at+1)
		}
	}
	deepest(root, 0)
	s := newSVG(flameWidth, 56+flameRow*(depth+1), fmt.Sprintf("%s: %.1f s of CPU time", title, float64(root.nanos)/1e9))
	if root.nanos == 0 {
		return s.end()
	}
	scale := float64(flameWidth-16) / float64(root.nanos)
	var draw func(c *call, x float64, level int)
	draw = func(c *call, x float64, level int) {
		width := float64(c.nanos) * scale
		if float64(c.nanos) < flameLeast*float64(root.nanos) {
			return
		}
		y := s.height - 12 - flameRow*(level+1)
		name := shortName(c.name)
		fmt.Fprintf(&s.b, "<g><title>%s: %.1f %%</title><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" rx=\"1\"/>", html.EscapeString(c.name),
			100*float64(c.nanos)/float64(root.nanos), x, y, max(width-0.5, 0.5), flameRow-1, flameColour(c.name))
		if fits := int(width-6) / 6; fits >= 4 {
			if len(name) > fits {
				name = name[:fits-1] + "…"
			}
			fmt.Fprintf(&s.b, "<text x=\"%.1f\" y=\"%d\" style=\"font-size:10px;font-family:monospace;fill:#111\">%s</text>", x+3, y+12, html.EscapeString(name))
		}
		s.b.WriteString("</g>\n")
		calls := slices.Clone(c.calls)
		slices.SortFunc(calls, func(a, b *call) int { return cmp.Compare(a.name, b.name) })
		for _, k := range calls {
			draw(k, x, level+1)
			x += float64(k.nanos) * scale
		}
	}
	draw(root, 8, 0)
	return s.end()
}

// flameColours are of packages, by what their names begin with.
var flameColours = []struct{ prefix, colour string }{
	{"github.com/stepping-cdc/stepping-cdc/circuit", "#8ecae6"},
	{"github.com/stepping-cdc/stepping-cdc/state", "#a7c957"},
	{"github.com/stepping-cdc/stepping-cdc/sink", "#f4a261"},
	{"github.com/stepping-cdc/stepping-cdc/decode", "#e9c46a"},
	{"github.com/stepping-cdc/stepping-cdc/replication", "#e9c46a"},
	{"github.com/stepping-cdc/stepping-cdc/plan", "#cdb4db"},
	{"github.com/stepping-cdc/stepping-cdc/values", "#cdb4db"},
	{"github.com/stepping-cdc/", "#ffc8dd"},
	{"github.com/cockroachdb/", "#84a98c"},
	{"github.com/jackc/", "#f2b880"},
	{"runtime", "#cccccc"},
}

func flameColour(name string) string {
	for _, c := range flameColours {
		if strings.HasPrefix(name, c.prefix) {
			return c.colour
		}
	}
	return "#dddddd"
}
