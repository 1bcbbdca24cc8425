package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// views checks the list of views.
func (r *reporter) views(f *file) []View {
	if f.broken {
		return nil
	}
	if len(f.views) == 0 {
		p := Problem{Key: "views", Message: "there is no view", Remedy: "add one: a list element with a name and a query"}
		if f.place != nil {
			p.Line, p.Column = f.place.Line, f.place.Column
		}
		r.add(p)
		return nil
	}
	views := make([]View, 0, len(f.views))
	lines := map[string]int{}
	for _, n := range f.views {
		v := View{Indexes: n.indexes, Line: n.node.Line, Column: n.node.Column, text: n.text}
		if n.node.Kind != yaml.MappingNode {
			if isNull(n.node) {
				r.add(at(n.node, n.key, "the view is empty", "give it a name and a query"))
			}
			continue
		}
		v.Name = r.viewName(n, lines)
		v.Query, v.From = r.viewText(n)
		r.indexes(n)
		views = append(views, v)
	}
	return views
}

func (r *reporter) viewName(n viewNode, lines map[string]int) string {
	if n.name == nil {
		if !r.reportedAt(n.key + ".name") {
			r.add(at(n.node, n.key, "the view has no name", "add name: …, the name of its output table"))
		}
		return ""
	}
	name, key := n.name.Value, n.key+".name"
	if message, remedy := badIdentifier(name); message != "" {
		r.add(at(n.name, key, message, remedy))
	}
	if line := lines[name]; line > 0 {
		r.add(at(n.name, key, fmt.Sprintf("another view is called %q, in line %d", shorten(name), line), "rename one of them"))
	} else {
		lines[name] = n.name.Line
	}
	return name
}

func (r *reporter) viewText(n viewNode) (query, from string) {
	switch {
	case n.query != nil && n.from != nil:
		r.add(at(n.from, n.key, "the view has both a query and a from", "keep query for a query of its own, from to adopt an existing view"))
	case n.query == nil && n.from == nil:
		if !r.reportedAt(n.key+".query") && !r.reportedAt(n.key+".from") {
			r.add(at(n.node, n.key, "the view has neither a query nor a from", "add query: SELECT …, or from: schema.view to adopt an existing view"))
		}
	case n.query != nil:
		// A closing semicolon is habit, and would end the statement the query becomes part of.
		query = strings.TrimRight(n.query.Value, "; \t\r\n")
		r.sqlText(n.query, n.key+".query", query, "write the SELECT whose result is to be kept")
	default:
		from = strings.TrimSpace(n.from.Value)
		r.sqlText(n.from, n.key+".from", from, "name an existing view or materialized view, like public.stock_view")
	}
	return query, from
}

func (r *reporter) sqlText(n *yaml.Node, key, text, remedy string) {
	switch {
	case strings.TrimSpace(text) == "":
		r.add(at(n, key, "must not be empty", remedy))
	case strings.ContainsRune(text, 0):
		r.add(at(n, key, "contains a NUL character", "remove it"))
	}
}

func (r *reporter) indexes(n viewNode) {
	seen := map[string]bool{}
	for i, columns := range n.indexes {
		place, key := n.indexPlaces[i], fmt.Sprintf("%s.indexes[%d]", n.key, i)
		if len(place.Content) == 0 {
			r.add(at(place, key, "the index has no column", "list its columns, like [region, revenue]"))
			continue
		}
		inIndex := map[string]bool{}
		for j, c := range columns {
			if message, remedy := badIdentifier(c); message != "" {
				r.add(at(place, fmt.Sprintf("%s[%d]", key, j), message, remedy))
			} else if inIndex[c] {
				r.add(at(place, key, fmt.Sprintf("column %q is there twice", shorten(c)), "keep one"))
			}
			inIndex[c] = true
		}
		whole := strings.Join(columns, "\x00")
		if seen[whole] {
			r.add(at(place, key, "the same index is there twice", "keep one"))
		}
		seen[whole] = true
	}
}

// reportedAt tells whether something is known to be wrong with a key, so that
// a value of the wrong kind is not also called missing.
func (r *reporter) reportedAt(key string) bool { return r.keys[key] }
