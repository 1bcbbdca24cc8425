package tpch

import (
	_ "embed"
	"strings"
)

//go:embed queries.sql
var queries string

// Queries are all 22 queries as they are asked, with ORDER BY and LIMIT.
func Queries() []View {
	var out []View
	for _, part := range strings.Split(queries, "-- name: ")[1:] {
		name, query, _ := strings.Cut(part, "\n")
		out = append(out, View{Name: name, Query: query})
	}
	return out
}
