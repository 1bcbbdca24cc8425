package plan

import (
	"cmp"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/compile"
)

// manyPartners is how many times larger a table is than another one of which each row is likely to be
// joined with too many of its rows to come last.
const manyPartners = 100

// LoadOrder is the order in which a snapshot's tables are best loaded, as indexes of Sources, of which sizes
// are the sizes in any unit.
//
// A join looks for partners of what comes later in what is there already. So the large tables come first, while there is
// nothing to look into, and few rows are left to be looked for: those of the smaller tables, each of which finds all its
// partners in one place.
//
// Two kinds of tables come before larger ones nevertheless. Of a very small one, each row would be joined with so
// many that are there that one step holds too much. And where rows without a partner are kept, those that may be
// partners come before them: else they would be given as of no partner, taken back and given again.
func (p *Program) LoadOrder(sizes []int64) []int {
	rest := make([]int, len(p.Sources))
	var largest int64
	for i := range rest {
		rest[i] = i
		largest = max(largest, sizes[i])
	}
	small := func(t int) bool { return sizes[t] < largest/manyPartners }
	slices.SortStableFunc(rest, func(a, b int) int {
		switch {
		case small(a) && small(b):
			return cmp.Compare(sizes[a], sizes[b])
		case small(a):
			return -1
		case small(b):
			return 1
		}
		return cmp.Compare(sizes[b], sizes[a])
	})
	partners := p.partners()
	order := make([]int, 0, len(rest))
	for len(rest) > 0 {
		next := max(0, slices.IndexFunc(rest, func(t int) bool {
			return small(t) || !slices.ContainsFunc(rest, func(before int) bool { return partners[t][before] && !partners[before][t] })
		})) // the first one, if they wait for each other
		order = append(order, rest[next])
		rest = slices.Delete(rest, next, next+1)
	}
	return order
}

// SmallFirst is the order of the tables in which a row is hardly ever joined with many that are there: it costs more, but
// whatever the data, a step of few rows is a small one.
func (p *Program) SmallFirst(sizes []int64) []int {
	order := make([]int, len(p.Sources))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[a], sizes[b]) })
	return order
}

// partners says of each table which others may have partners for its rows, where rows that have none count.
func (p *Program) partners() []map[int]bool {
	partners := make([]map[int]bool, len(p.Sources))
	for i := range partners {
		partners[i] = map[int]bool{}
	}
	pairs := func(kept, sought algebra.Node) {
		for _, of := range p.tables(sought) {
			for _, t := range p.tables(kept) {
				partners[t][of] = true
			}
		}
	}
	for _, v := range p.Views {
		algebra.Walk(v.Plan, func(n algebra.Node) {
			switch n := n.(type) {
			case *algebra.OuterJoin:
				if n.Kind == algebra.LeftJoin || n.Kind == algebra.AntiJoin {
					pairs(n.L, n.R)
				}
			case *algebra.AsOf:
				pairs(n.L, n.R)
			}
		})
	}
	return partners
}

// tables are the sources that a node reads.
func (p *Program) tables(n algebra.Node) (tables []int) {
	algebra.Walk(n, func(n algebra.Node) {
		if scan, ok := n.(*algebra.Scan); ok {
			i := slices.IndexFunc(p.Sources, func(s compile.Source) bool { return s.Table.OID == scan.Table.OID })
			if i >= 0 && !slices.Contains(tables, i) {
				tables = append(tables, i)
			}
		}
	})
	return tables
}
