// Package tpch makes data, changes and views in the shape of the TPC-H benchmark.
//
// It has the eight tables of the specification with its keys, value ranges and
// dependencies between columns (https://www.tpc.org/tpch/, clause 4.2), changes in
// the manner of its refresh functions (clause 2.5), its 22 queries, and four of them as
// views rather than reports: no ORDER BY, no LIMIT. Constants stand in place of
// substitution parameters. It is not dbgen: texts are drawn from another pool and
// the generator of random numbers is another one, so that figures can be compared
// with each other but not with published TPC-H results.
//
// Every row is a function of the seed, its table and its number, so that any
// part of the data can be made again alone. The package knows tables and rows,
// and how to get them into Postgres; it must not know what follows them.
package tpch
