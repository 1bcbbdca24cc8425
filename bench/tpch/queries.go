package tpch

import (
	_ "embed"
	"strings"
)

//go:embed queries.sql
var queries string

// Queries are all 22 queries as they are asked, with ORDER BY and LIMIT, and with the
// validation parameters of the specification (clause 2.4).
func Queries() []View { return parse(queries) }

// Dense are the queries with parameters that many more rows meet. Some of the
// validation parameters choose one row of a thousand: of small data none, and of a
// change hardly ever one.
func Dense() []View { return parse(strings.NewReplacer(dense...).Replace(queries)) }

// dense are conditions with validation parameters, each before what Dense has in its place.
var dense = []string{
	"p_size = 15", "p_size < 25",
	"p_type = 'ECONOMY ANODIZED STEEL'", "p_type LIKE '%STEEL'",
	"p_name LIKE '%green%'", "p_name LIKE '%e%'",
	"p_brand = 'Brand#23' AND p_container = 'MED BOX'", "p_size < 30",
	"0.2 * avg(l_quantity)", "0.6 * avg(l_quantity)",
	"sum(l_quantity) > 300", "sum(l_quantity) > 200",
	"p_brand = 'Brand#12' AND ", "",
	"p_brand = 'Brand#23' AND ", "",
	"p_brand = 'Brand#34' AND ", "",
	"p_size BETWEEN 1 AND 5 AND l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON'", "p_size BETWEEN 1 AND 15",
	"p_size BETWEEN 1 AND 10 AND l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON'", "p_size BETWEEN 1 AND 20",
	"p_size BETWEEN 1 AND 15 AND l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON'", "p_size BETWEEN 1 AND 25",
	"p_name LIKE 'forest%'", "p_size > 10",
	"interval '1' year))", "interval '3' year))",
	"n_name = 'CANADA'", "n_regionkey < 3",
	"n_name = 'SAUDI ARABIA'", "n_regionkey < 3",
	"substring(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17')", "substring(c_phone FROM 1 FOR 1) IN ('1', '2', '3')",
}

func parse(queries string) []View {
	var out []View
	for _, part := range strings.Split(queries, "-- name: ")[1:] {
		name, query, _ := strings.Cut(part, "\n")
		out = append(out, View{Name: name, Query: query})
	}
	return out
}
