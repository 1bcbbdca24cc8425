package compile

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// An argument of a window's function that failed is an error of the rows that ask for it. What shows the
// argument of a row shows its error as well; an aggregate fails if a row in its frame does.

// canFail says whether an argument of a function, or its FILTER, is of the columns whose errors are values.
func canFail(f algebra.WindowFunc, held []int) bool {
	return slices.ContainsFunc(held, func(c int) bool { return c == f.Filter || slices.Contains(f.Args, c) })
}

// faultOf is the error with which an aggregate fails that sees a row; NULL if there is none.
func faultOf(f algebra.WindowFunc, row []values.Datum) values.Datum {
	if f.Filter >= 0 && !row[f.Filter].IsTrue() {
		if v := row[f.Filter]; v.IsErr() {
			return v
		}
		return values.Null
	}
	for _, a := range f.Args {
		if row[a].IsErr() {
			return row[a]
		}
	}
	return values.Null
}

// firstFault is that of the first row that has one.
func firstFault(f algebra.WindowFunc, rows [][]values.Datum) values.Datum {
	for _, row := range rows {
		if v := faultOf(f, row); v.IsErr() {
			return v
		}
	}
	return values.Null
}

// fail puts errors in the place of an aggregate's results over frames in which a row failed.
func (p *partition) fail(nth int, f algebra.WindowFunc, results []values.Datum) {
	faults, next := make([]values.Datum, len(p.rows)), make([]int, len(p.rows)) // next: of each row, the first from it on that failed
	last := len(p.rows)
	for i := len(p.rows) - 1; i >= 0; i-- {
		if faults[i] = faultOf(f, p.rows[i]); faults[i].IsErr() {
			last = i
		}
		next[i] = last
	}
	outside := func(k *known) values.Datum {
		if k.faults == nil {
			return values.Null
		}
		return k.faults[nth]
	}
	before, behind := outside(&p.past), outside(&p.future)
	for i := range results {
		found := before
		p.visible(i).each(func(from, to int) {
			if !found.IsErr() && next[from] < to {
				found = faults[next[from]]
			}
		})
		if !found.IsErr() {
			found = behind
		}
		if found.IsErr() {
			results[i] = found
		}
	}
}
