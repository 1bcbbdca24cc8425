package explain

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

// Measures of the drawing, in pixels.
const (
	svgChar    = 7  // width of a character
	svgLine    = 16 // height of a line
	svgPad     = 10
	svgGapX    = 30
	svgGapY    = 50
	svgMaxText = 60 // characters a line
)

type placed struct {
	title string
	lines []string
	x, y  int
	w, h  int
	layer int
}

// drawSVG lays boxes out in layers, tables at the top and the view at the
// bottom: a box stands below all its inputs, and within its layer near them.
func drawSVG(boxes []box) string {
	at := make([]placed, len(boxes))
	var layers [][]int
	for i, b := range boxes { // inputs come first
		p := &at[i]
		p.title = clip(b.title)
		for _, l := range b.lines {
			p.lines = append(p.lines, wrap(l)...)
		}
		width := utf8.RuneCountInString(p.title)
		for _, l := range p.lines {
			width = max(width, utf8.RuneCountInString(l))
		}
		p.w, p.h = width*svgChar+2*svgPad, (len(p.lines)+1)*svgLine+2*svgPad
		for _, in := range b.inputs {
			p.layer = max(p.layer, at[in].layer+1)
		}
		for len(layers) <= p.layer {
			layers = append(layers, nil)
		}
		layers[p.layer] = append(layers[p.layer], i)
	}
	total, y := 0, svgPad
	for _, layer := range layers {
		slices.SortStableFunc(layer, func(a, b int) int { return cmp.Compare(center(boxes[a], at), center(boxes[b], at)) })
		x, height := svgPad, 0
		for _, i := range layer {
			at[i].x, at[i].y = x, y
			x += at[i].w + svgGapX
			height = max(height, at[i].h)
		}
		total = max(total, x)
		y += height + svgGapY
	}
	for _, layer := range layers { // in the middle
		last := at[layer[len(layer)-1]]
		shift := (total - svgGapX - last.x - last.w) / 2
		for _, i := range layer {
			at[i].x += shift
		}
	}
	return writeSVG(boxes, at, total-svgGapX+svgPad, y-svgGapY+svgPad)
}

func center(b box, at []placed) int {
	if len(b.inputs) == 0 {
		return 0
	}
	sum := 0
	for _, in := range b.inputs {
		sum += at[in].x + at[in].w/2
	}
	return sum / len(b.inputs)
}

func writeSVG(boxes []box, at []placed, width, height int) string {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="ui-monospace, monospace" font-size="11">`+"\n", width, height, width, height)
	out.WriteString(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>` + "\n")
	for i, b := range boxes {
		for k, in := range b.inputs {
			from, to := at[in], at[i]
			x1, y1 := from.x+from.w/2, from.y+from.h
			x2, y2 := to.x+to.w*(k+1)/(len(b.inputs)+1), to.y
			mid := (y1 + y2) / 2
			fmt.Fprintf(&out, `<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="#555" marker-end="url(#arrow)"/>`+"\n", x1, y1, x1, mid, x2, mid, x2, y2)
		}
	}
	for _, p := range at {
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="#fff" stroke="#333"/>`+"\n", p.x, p.y, p.w, p.h)
		fmt.Fprintf(&out, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", p.x+svgPad, p.y+svgPad+svgLine-4, html.EscapeString(p.title))
		for k, l := range p.lines {
			fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text>`+"\n", p.x+svgPad, p.y+svgPad+(k+2)*svgLine-4, html.EscapeString(l))
		}
	}
	out.WriteString("</svg>\n")
	return out.String()
}

func clip(s string) string {
	if r := []rune(s); len(r) > svgMaxText {
		return string(r[:svgMaxText-1]) + "…"
	}
	return s
}

// wrap breaks a line at spaces, indenting what follows.
func wrap(s string) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > svgMaxText {
			out = append(out, clip(line))
			line = "  " + word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, clip(line))
}
