// Package explain shows the circuits of views, as text and as drawings.
//
// It knows the nodes of the algebra and what each of them keeps. It must not know how
// they come from a query, or how they are compiled.
package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// box is one operator of a view, as it is shown: what it does, what it keeps
// between transactions, what of it Postgres evaluates, who else uses it.
type box struct {
	title  string
	lines  []string
	inputs []int
}

// Formats are the formats that View writes.
var Formats = []string{"text", "dot", "mermaid", "svg"}

// View shows the circuit of a view in one of Formats. The others are the views of
// the same program, with which parts may be shared.
func View(o *plan.Output, others []*plan.Output, format string) (string, error) {
	e := &explainer{prints: algebra.NewFingerprints(), keys: algebra.Keyring{}, at: map[string]int{}, users: map[string][]string{}}
	for _, v := range others {
		if v.Name != o.Name {
			e.use(v.Plan, v.Name)
		}
	}
	top := e.node(o.Plan)
	e.boxes = append(e.boxes, outputBox(o, top))
	switch format {
	case "text":
		return e.text(), nil
	case "dot":
		return e.dot(), nil
	case "mermaid":
		return e.mermaid(), nil
	case "svg":
		return drawSVG(e.boxes), nil
	}
	return "", fmt.Errorf("explain view %s: unknown format %q, expected one of %s", o.Name, format, strings.Join(Formats, ", "))
}

type explainer struct {
	prints *algebra.Fingerprints
	keys   algebra.Keyring
	boxes  []box               // inputs first, the view last
	at     map[string]int      // fingerprint → box
	users  map[string][]string // fingerprint → other views
	loops  int                 // recursions met so far
}

func (e *explainer) use(n algebra.Node, view string) {
	algebra.Walk(n, func(n algebra.Node) {
		id := e.prints.Of(n)
		if !slices.Contains(e.users[id], view) {
			e.users[id] = append(e.users[id], view)
		}
	})
}

func outputBox(o *plan.Output, top int) box {
	b := box{title: "View " + o.Name, inputs: []int{top}}
	for _, c := range o.Columns {
		b.lines = append(b.lines, c.Name+" "+c.Type.SQL)
	}
	switch {
	case o.Key == nil:
		b.lines = append(b.lines, "no key: a multiset")
	case len(o.Key) == 0:
		b.lines = append(b.lines, "one row at most")
	default:
		var names []string
		for _, k := range o.Key {
			names = append(names, o.Columns[k].Name)
		}
		b.lines = append(b.lines, "key: "+strings.Join(names, ", "))
	}
	return b
}

func (e *explainer) node(n algebra.Node) int {
	id := e.prints.Of(n)
	if i, ok := e.at[id]; ok {
		return i
	}
	b := box{}
	below := n
	if r, ok := n.(*algebra.Recursive); ok {
		e.loops++
		below, _ = r.Bind(strconv.Itoa(e.loops))
		b.lines = append(b.lines, fmt.Sprint("loop ", e.loops))
	}
	for _, c := range below.Children() {
		b.inputs = append(b.inputs, e.node(c))
	}
	e.describeNode(&b, n)
	if _, scan := n.(*algebra.Scan); !scan && len(e.users[id]) > 0 {
		b.lines = append(b.lines, "shared with: "+strings.Join(e.users[id], ", "))
	}
	e.boxes = append(e.boxes, b)
	e.at[id] = len(e.boxes) - 1
	return len(e.boxes) - 1
}

func names(cols []algebra.Column) func(i int) string {
	return func(i int) string {
		if i < 0 || i >= len(cols) {
			return ""
		}
		return cols[i].Name
	}
}

func showAll(es []expr.Expr, cols []algebra.Column) string {
	out := make([]string, len(es))
	for i, x := range es {
		out[i] = expr.Show(x, names(cols))
	}
	return strings.Join(out, ", ")
}

// describeNode says what an operator does and keeps.
func (e *explainer) describeNode(b *box, n algebra.Node) {
	state := func(format string, args ...any) { b.lines = append(b.lines, "keeps "+fmt.Sprintf(format, args...)) }
	switch n := n.(type) {
	case *algebra.Scan:
		b.title = "Table " + n.Table.SQL()
		for _, a := range n.Attrs {
			b.lines = append(b.lines, n.Table.Columns[a].Name+" "+n.Table.Columns[a].Type.SQL)
		}
	case *algebra.Values:
		b.title = fmt.Sprintf("Values, %d rows", len(n.Rows))
	case *algebra.Filter:
		b.title = "Filter"
		for _, c := range n.Conds {
			b.lines = append(b.lines, expr.Show(c, names(n.In.Cols())))
		}
	case *algebra.Project:
		b.title = "Project"
		for i, x := range n.Exprs {
			line := expr.Show(x, names(n.In.Cols()))
			if n.Names[i] != line {
				line += " AS " + n.Names[i]
			}
			b.lines = append(b.lines, line)
			if expr.IsLabel(x) {
				state("the place of all values ever seen")
			}
		}
	case *algebra.EquiJoin:
		if m, ok := n.R.(*algebra.Moment); ok && len(n.RKeys) == 0 {
			b.title = "With the clock"
			b.lines = append(b.lines, "whenever one of "+columnNames(m.Cols())+" changes, computes all rows anew")
			state("its rows")
			return
		}
		l, r := e.describeJoin(b, "Join", n.L, n.R, n.LKeys, n.RKeys, n.Conds)
		state("the left side by (%s), the right side by (%s)", l, r)
	case *algebra.AsOf:
		l, r := e.describeJoin(b, "Join with the nearest", n.L, n.R, n.LKeys, n.RKeys, nil)
		at, of := expr.Show(n.RAt, names(n.R.Cols())), expr.Show(n.LAt, names(n.L.Cols()))
		which, op := "the first", ">"
		if n.Back {
			which, op = "the last", "<"
		}
		if !n.Strict {
			op += "="
		}
		b.lines = append(b.lines, fmt.Sprintf("%s of those with %s %s %s", which, at, op, of))
		state("the left side by (%s), the right side by (%s)", joined(l, of), joined(r, at))
	case *algebra.OuterJoin:
		l, r, rest := algebra.Equalities(n.Conds, len(n.L.Cols()))
		left, right := e.describeJoin(b, string(n.Kind), n.L, n.R, l, r, rest)
		state("the left side by (%s), the right side by (%s), and which keys have partners", left, right)
	case *algebra.Aggregate:
		describeAggregate(b, n)
	case *algebra.Shared:
		b.title = "Shared by the grouping sets"
	case *algebra.Recursive:
		b.title = "Recursion"
		if n.All {
			b.title = "Recursion with copies"
		}
		b.lines = append(b.lines, fmt.Sprintf("until an iteration makes nothing new, %d at most", n.Limit))
		state("each row with the iterations in which it arises")
	case *algebra.WorkTable:
		b.title = "Rows of the iteration before"
		b.lines = append(b.lines, "of loop "+n.Loop)
	case *algebra.Distinct:
		b.title = "Distinct"
		state("each row and how many copies there are")
	case *algebra.UnionAll:
		b.title = "Union all"
	case *algebra.Once:
		b.title = "Errors of what is computed once"
	case *algebra.Moment:
		b.title = "Clock"
		for _, c := range n.Cols() {
			b.lines = append(b.lines, c.Name)
		}
	case *algebra.Against:
		b.title = "Compare with the clock"
		for _, c := range n.Cols()[len(n.In.Cols()):] {
			b.lines = append(b.lines, c.Name)
		}
		b.lines = append(b.lines, "as time passes, visits the rows whose answer changes")
		state("its rows by (%s)", expr.Show(n.Key, names(n.In.Cols())))
	case *algebra.Turning:
		b.title = "Turn with the clock"
		for _, e := range n.Exprs {
			b.lines = append(b.lines, expr.Show(e, names(n.In.Cols())))
		}
		b.lines = append(b.lines, "as time passes, visits the rows whose answer changes")
		state("its rows by when that will be")
	case *algebra.Repeat:
		b.title = "Repeat"
		b.lines = append(b.lines, expr.Show(n.Count, names(n.In.Cols()))+" times")
	default:
		b.title = n.Label()
	}
}

// joined is a list with one more element.
func joined(list, last string) string {
	if list == "" {
		return last
	}
	return list + ", " + last
}

func columnNames(cols []algebra.Column) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Name
	}
	return strings.Join(out, ", ")
}

// describeJoin returns what either side is kept by.
func (e *explainer) describeJoin(b *box, title string, ln, rn algebra.Node, lkeys, rkeys, conds []expr.Expr) (left, right string) {
	b.title = title
	l, r := ln.Cols(), rn.Cols()
	left, right = showAll(lkeys, l), showAll(rkeys, r)
	for i := range lkeys {
		b.lines = append(b.lines, "on "+expr.Show(lkeys[i], names(l))+" = "+expr.Show(rkeys[i], names(r)))
	}
	switch m, ok := algebra.Intervals(conds, len(l), e.keys.Unique(ln, lkeys) && e.keys.Unique(rn, rkeys)); {
	case ok:
		b.lines = append(b.lines, "partners are found by their order")
		left, right = join(left, showInterval(m.L, l)), join(right, showInterval(m.R, r))
	case len(lkeys) == 0:
		b.lines = append(b.lines, "every pair: a change of one row visits all rows of the other side")
	}
	both := append(append([]algebra.Column{}, l...), r...)
	for _, c := range conds {
		b.lines = append(b.lines, "if "+expr.Show(c, names(both)))
	}
	return left, right
}

func join(keys, more string) string {
	if keys == "" {
		return more
	}
	return keys + ", " + more
}

// showInterval shows what rows of a side are kept in the order of.
func showInterval(i algebra.Interval, cols []algebra.Column) string {
	switch {
	case i.Point():
		return expr.Show(i.From, names(cols))
	case i.From == nil:
		return "… to " + expr.Show(i.To, names(cols))
	case i.To == nil:
		return expr.Show(i.From, names(cols)) + " to …"
	}
	return expr.Show(i.From, names(cols)) + " to " + expr.Show(i.To, names(cols))
}

func describeAggregate(b *box, n *algebra.Aggregate) {
	cols := n.In.Cols()
	b.title = "Aggregate"
	if len(n.Group) > 0 {
		read, _ := withoutLabels(n.Group)
		b.lines = append(b.lines, "by "+showAll(read, cols))
	}
	linear := false
	for _, a := range n.Aggs {
		name, _, _ := strings.Cut(a.Name, "(")
		read, order := withoutLabels(a.Args)
		args := showAll(read, cols)
		if len(a.Args) == 0 {
			args = "*"
		}
		if a.Distinct {
			args = "DISTINCT " + args
		}
		if len(a.Sort) > 0 {
			args += " ORDER BY " + showKeys(a, cols)
		}
		line := name + "(" + args + ")"
		if a.Filter != nil {
			line += " filter " + expr.Show(a.Filter, names(cols))
		}
		switch {
		case a.Impl == nil:
			line += " — in Postgres, over all rows of a group whenever one of them changes; keeps all rows' values"
		case a.Impl.Fold != nil:
			line += " — keeps all values, in " + order
		case a.Distinct:
			line += " — keeps the distinct values"
		default:
			linear = true
		}
		b.lines = append(b.lines, line)
	}
	kept := "keeps a count for each group"
	if linear {
		kept = "keeps a running state for each group"
	}
	if n.Global {
		kept = strings.Replace(kept, "each group", "the one group", 1)
	}
	for _, g := range n.Group {
		if !values.IdentityIsEquality(g.Type()) {
			kept += ", and the values that are equal yet not shown alike"
			break
		}
	}
	if read, order := withoutLabels(n.Group); len(read) < len(n.Group) {
		kept += "; tells them apart by " + order
	}
	b.lines = append(b.lines, kept)
}

// withoutLabels leaves out what is there to sort by alone, and says by which order.
func withoutLabels(args []expr.Expr) (read []expr.Expr, order string) {
	order = "order"
	for _, a := range args {
		if r, ok := a.(*expr.Remote); ok && expr.IsLabel(a) {
			order = "the order of " + r.Rank.Name + ", and the place in it of all values ever seen"
			continue
		}
		read = append(read, a)
	}
	return read, order
}

// showKeys writes ORDER BY of an aggregate.
func showKeys(a algebra.Agg, cols []algebra.Column) string {
	out := make([]string, len(a.Sort))
	for i, k := range a.Sort {
		by := a.Args[k.Col]
		if expr.IsLabel(by) {
			by = by.Children()[0]
		}
		out[i] = expr.Show(by, names(cols))
		if k.Desc {
			out[i] += " DESC"
		}
		if k.NullsFirst != k.Desc {
			out[i] += map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[k.NullsFirst]
		}
	}
	return strings.Join(out, ", ")
}

// text writes the view as a tree, from the result to the tables.
func (e *explainer) text() string {
	var out strings.Builder
	seen := map[int]bool{}
	var write func(i int, first, rest string)
	write = func(i int, first, rest string) {
		b := e.boxes[i]
		if seen[i] {
			fmt.Fprintf(&out, "%s%s (as above, #%d)\n", first, b.title, i+1)
			return
		}
		seen[i] = true
		fmt.Fprintf(&out, "%s%s  #%d\n", first, b.title, i+1)
		bar := "   "
		if len(b.inputs) > 0 {
			bar = "│  "
		}
		for _, l := range b.lines {
			fmt.Fprintf(&out, "%s%s%s\n", rest, bar, l)
		}
		for k, in := range b.inputs {
			if k == len(b.inputs)-1 {
				write(in, rest+"└─ ", rest+"   ")
			} else {
				write(in, rest+"├─ ", rest+"│  ")
			}
		}
	}
	write(len(e.boxes)-1, "", "")
	return out.String()
}

// dot writes Graphviz' language.
func (e *explainer) dot() string {
	var out strings.Builder
	out.WriteString("digraph view {\n  rankdir=BT;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n")
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")
	for i, b := range e.boxes {
		fmt.Fprintf(&out, "  n%d [label=\"%s\\n", i+1, escape.Replace(b.title))
		for _, l := range b.lines {
			out.WriteString(escape.Replace(l) + `\l`)
		}
		out.WriteString("\"];\n")
	}
	for i, b := range e.boxes {
		for _, in := range b.inputs {
			fmt.Fprintf(&out, "  n%d -> n%d;\n", in+1, i+1)
		}
	}
	out.WriteString("}\n")
	return out.String()
}

// mermaid writes Mermaid's flow charts.
func (e *explainer) mermaid() string {
	var out strings.Builder
	out.WriteString("flowchart BT\n")
	escape := strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;", "\n", " ", "#", "&num;", "`", "&#96;")
	for i, b := range e.boxes {
		lines := []string{"<b>" + escape.Replace(b.title) + "</b>"}
		for _, l := range b.lines {
			lines = append(lines, escape.Replace(l))
		}
		fmt.Fprintf(&out, "  n%d[\"%s\"]\n", i+1, strings.Join(lines, "<br>"))
	}
	for i, b := range e.boxes {
		for _, in := range b.inputs {
			fmt.Fprintf(&out, "  n%d --> n%d\n", in+1, i+1)
		}
	}
	return out.String()
}
