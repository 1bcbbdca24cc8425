package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Pictures are SVG written by hand, with colours that can be told apart by readers
// who see red and green alike, and whose text follows the reader's light or dark theme.

// palette begins with Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), without
// those that vanish on white or on black.
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d3b", "#7570b3", "#b2182b", "#66a61e", "#e7298a", "#808080"}

const plotStyle = `<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.small { font-size: 10px }
.title { font-weight: 600; font-size: 14px }
.grid { stroke: #8888; stroke-width: .5 }
.whisker { stroke: #24292f; stroke-width: 1.2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .whisker { stroke: #e6edf3 } }
</style>
`

// svg is a picture under construction.
type svg struct {
	b             strings.Builder
	width, height int
}

func newSVG(width, height int, title string) *svg {
	s := &svg{width: width, height: height}
	fmt.Fprintf(&s.b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n%s",
		width, height, width, height, html.EscapeString(title), plotStyle)
	s.text(12, 22, "start", "title", title)
	return s
}

func (s *svg) text(x, y float64, anchor, class, text string) {
	fmt.Fprintf(&s.b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", x, y, anchor, class, html.EscapeString(text))
}

func (s *svg) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&s.b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class)
}

func (s *svg) rect(x, y, w, h float64, fill string) {
	fmt.Fprintf(&s.b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, w, h, fill)
}

func (s *svg) end() []byte {
	s.b.WriteString("</svg>\n")
	return []byte(s.b.String())
}

// point is a place in a chart, in the units of its axes.
type point struct{ x, y float64 }

// series is one line of a chart.
type series struct {
	name   string
	points []point
	dots   bool // mark each point
}

// axis maps values to pixels; log10 if logarithmic.
type axis struct {
	label    string
	log      bool
	min, max float64
	from, to float64 // pixels
}

// fit widens the axis to the values; a logarithmic one to whole decades.
func (a *axis) fit(values []float64) {
	a.min, a.max = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		a.min, a.max = min(a.min, v), max(a.max, v)
	}
	if a.log {
		a.min = math.Pow(10, math.Floor(math.Log10(a.min)+1e-9))
		a.max = max(math.Pow(10, math.Ceil(math.Log10(a.max)-1e-9)), 10*a.min)
		return
	}
	a.min = min(a.min, 0)
	if a.max <= a.min {
		a.max = a.min + 1
	}
}

func (a *axis) at(v float64) float64 {
	low, high := a.min, a.max
	if a.log {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(max(v, a.min))
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// ticks are the decades, or five steps.
func (a *axis) ticks() []float64 {
	var out []float64
	if a.log {
		for v := a.min; v <= a.max*1.001; v *= 10 {
			out = append(out, v)
		}
		return out
	}
	for i := range 6 {
		out = append(out, a.min+(a.max-a.min)*float64(i)/5)
	}
	return out
}

// lineChart draws the series with their names in a column beside them. All values of
// a logarithmic axis are positive.
func lineChart(title string, x, y axis, all []series) []byte {
	const left, top, right, bottom = 62, 56, 230, 48
	height := max(400, 80+20*len(all))
	s := newSVG(800, height, title)
	var xs, ys []float64
	for _, l := range all {
		for _, p := range l.points {
			xs, ys = append(xs, p.x), append(ys, p.y)
		}
	}
	if len(xs) == 0 {
		return s.end()
	}
	x.fit(xs)
	y.fit(ys)
	x.from, x.to = left, float64(s.width-right)
	y.from, y.to = float64(s.height-bottom), top
	for _, v := range x.ticks() {
		s.line(x.at(v), y.from, x.at(v), y.to, "grid")
		s.text(x.at(v), y.from+17, "middle", "", short(v))
	}
	for _, v := range y.ticks() {
		s.line(x.from, y.at(v), x.to, y.at(v), "grid")
		s.text(x.from-6, y.at(v)+4, "end", "", short(v))
	}
	s.text((x.from+x.to)/2, y.from+36, "middle", "", x.label)
	s.text(12, top-14, "start", "", y.label)
	for i, l := range all {
		colour := palette[i%len(palette)]
		dash := ""
		if i >= len(palette) {
			dash = ` stroke-dasharray="5 3"`
		}
		var path strings.Builder
		for _, p := range l.points {
			fmt.Fprintf(&path, "%.1f,%.1f ", x.at(p.x), y.at(p.y))
		}
		fmt.Fprintf(&s.b, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"%s/>\n", strings.TrimSpace(path.String()), colour, dash)
		if l.dots {
			for _, p := range l.points {
				fmt.Fprintf(&s.b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x.at(p.x), y.at(p.y), colour)
			}
		}
		at := float64(top + 12 + 20*i)
		fmt.Fprintf(&s.b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"3\"%s/>\n", x.to+14, at-4, x.to+34, at-4, colour, dash)
		s.text(x.to+40, at, "start", "", l.name)
	}
	return s.end()
}

// short writes a value at an axis: 1,000,000 is 1M.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return trimmed(v/1e6) + "M"
	case v >= 1e3:
		return trimmed(v/1e3) + "k"
	default:
		return trimmed(v)
	}
}

func trimmed(v float64) string { return fmt.Sprintf("%.4g", v) }

// pair is a throughput of ours beside its reference, in the same unit.
type pair struct {
	name, unit      string
	ours, reference sample
}

// barChart draws each pair as two bars in parts of the reference's median, with a
// whisker from the lowest to the highest run.
func barChart(title string, pairs []pair) []byte {
	const left, top, row, right = 300, 56, 46, 110
	s := newSVG(800, top+row*len(pairs)+16, title)
	s.rect(left, 32, 12, 12, palette[0])
	s.text(left+18, 42, "start", "", "ours")
	s.rect(left+70, 32, 12, 12, palette[5])
	s.text(left+88, 42, "start", "", "reference; whiskers: lowest and highest round")
	longest := 1.0
	for _, p := range pairs {
		longest = max(longest, p.ours.quantile(1)/p.reference.median(), p.reference.quantile(1)/p.reference.median())
	}
	scale := float64(s.width-left-right) / longest
	for i, p := range pairs {
		y := float64(top + row*i)
		s.text(left-8, y+22, "end", "", p.name)
		base := p.reference.median()
		for j, runs := range []sample{p.ours, p.reference} {
			colour, at := palette[0], y+4
			if j == 1 {
				colour, at = palette[5], y+20
			}
			s.rect(left, at, scale*runs.median()/base, 13, colour)
			low, high := left+scale*runs.quantile(0)/base, left+scale*runs.quantile(1)/base
			s.line(low, at+6.5, high, at+6.5, "whisker")
			s.line(low, at+3, low, at+10, "whisker")
			s.line(high, at+3, high, at+10, "whisker")
			s.text(max(high, left+scale*runs.median()/base)+6, at+11, "start", "", number(runs.median())+" "+p.unit)
		}
	}
	fmt.Fprintf(&s.b, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" class=\"whisker\" stroke-dasharray=\"2 3\"/>\n", left+scale, top-4, left+scale, top+row*len(pairs))
	return s.end()
}

// distribution is the part of the values, in percent, that are at most each of a
// hundred or so quantiles, denser towards the end.
func distribution(values sample) []point {
	if len(values) == 0 {
		return nil
	}
	var out []point
	for _, q := range quantiles {
		// A clock that stands still for a moment must not leave a logarithmic axis.
		out = append(out, point{max(values.quantile(q), 0.01), 100 * q})
	}
	return out
}

var quantiles = func() []float64 {
	var out []float64
	for i := range 99 {
		out = append(out, float64(i)/100)
	}
	return append(out, 0.985, 0.99, 0.995, 0.999, 1)
}()
