package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// growthChart draws a small panel for each operator, all with the same logarithmic
// axes: what is flat in it costs the same however much there is.
func growthChart(all []growth) []byte {
	const columns, width, height, left, top, gap = 6, 128, 92, 44, 84, 40
	rows := (len(all) + columns - 1) / columns
	s := newSVG(left+columns*(width+16)+8, top+rows*(height+gap), "A change of one row, by the rows that are there")
	lines := []struct {
		name, colour string
		of           func(*growthCost) float64
	}{
		{"µs", palette[0], func(c *growthCost) float64 { return c.micros.median() }},
		{"keys read", palette[1], func(c *growthCost) float64 { return c.reads }},
		{"rows of the output", palette[2], func(c *growthCost) float64 { return c.output }},
	}
	for i, l := range lines {
		at := float64(12 + 110*i)
		fmt.Fprintf(&s.b, "<line x1=\"%.0f\" y1=\"42\" x2=\"%.0f\" y2=\"42\" stroke=\"%s\" stroke-width=\"3\"/>\n", at, at+20, l.colour)
		s.text(at+26, 46, "start", "", l.name)
	}
	x, y := axis{log: true}, axis{log: true}
	var xs, ys []float64
	for _, g := range all {
		for i, c := range g.costs {
			xs = append(xs, float64(g.sizes[i]))
			for _, l := range lines {
				ys = append(ys, max(l.of(&c), 1))
			}
		}
	}
	if len(xs) == 0 {
		return s.end()
	}
	x.fit(xs)
	y.fit(ys)
	for i, g := range all {
		x.from = float64(left + i%columns*(width+16))
		x.to = x.from + width
		y.to = float64(top + i/columns*(height+gap))
		y.from = y.to + height
		s.text(x.from, y.to-6, "start", "small", g.op.name)
		for _, v := range y.ticks() {
			s.line(x.from, y.at(v), x.to, y.at(v), "grid")
			if i%columns == 0 && int(math.Round(math.Log10(v)))%2 == 0 {
				s.text(x.from-5, y.at(v)+4, "end", "small", short(v))
			}
		}
		for _, v := range x.ticks() {
			s.line(x.at(v), y.from, x.at(v), y.to, "grid")
			anchor := map[float64]string{x.min: "start", x.max: "end"}[v]
			if anchor != "" && i+columns >= len(all) {
				s.text(x.at(v), y.from+13, anchor, "small", short(v))
			}
		}
		for _, l := range lines {
			var path strings.Builder
			for k, c := range g.costs {
				px, py := x.at(float64(g.sizes[k])), y.at(max(l.of(&c), 1))
				fmt.Fprintf(&path, "%.1f,%.1f ", px, py)
				fmt.Fprintf(&s.b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"%s\"><title>%s</title></circle>\n", px, py, l.colour,
					html.EscapeString(fmt.Sprintf("%s, %s: %s %s", g.op.name, sized(g.sizes[k]), number(l.of(&c)), l.name)))
			}
			fmt.Fprintf(&s.b, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"/>\n", strings.TrimSpace(path.String()), l.colour)
		}
	}
	return s.end()
}
