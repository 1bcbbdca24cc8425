package turn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// What Next says beside times.
const (
	// Always: it may have another value at any time. It is an error now, and nothing is
	// known of how those move.
	Always = math.MinInt64
	// Never: it keeps its value for as long as there are clocks.
	Never = math.MaxInt64
)

// lastDay is in the year 11000, in days since 2000. Out there the clock does not go.
const lastDay = 3_290_000

// Finder finds the next turn of one row after another.
type Finder struct {
	at     int // of the time in a row
	probe  expr.Eval
	breaks []finderBreak
	unit   int64 // of the time, in microseconds
	active []expr.Eval
	row    []values.Datum
}

type finderBreak struct {
	probe, when expr.Eval
	slack       int64
}

// Finder compiles a turn whose parts read the time from a column.
func (t *Turn) Finder(at int) *Finder {
	f := &Finder{at: at, probe: expr.Compile(t.probe), unit: 1}
	if t.Leaf.Type().Kind == values.KindDate {
		f.unit = microsPerDay
	}
	for _, b := range t.breaks {
		c := finderBreak{probe: expr.Compile(b.probe), slack: b.slack/f.unit + 1}
		if b.when != nil {
			c.when = expr.Compile(b.when)
		}
		f.breaks = append(f.breaks, c)
	}
	return f
}

// ask evaluates the probe, or another one, at a time.
func (f *Finder) ask(probe expr.Eval, t int64) values.Datum {
	f.row[f.at] = values.Int(t)
	return probe(f.row)
}

// Next is the first time after that in the row at which the value is another one. It is
// a function of the row and of the time which says the same at each time before that.
func (f *Finder) Next(row []values.Datum) int64 {
	f.row = row
	now := row[f.at]
	defer func() { row[f.at] = now }()
	v := f.probe(row)
	switch {
	case v.IsErr():
		return Always
	case v.IsNull(): // of functions that are NULL if an argument is, and no time is one
		return Never
	}
	from, slack := now.Int64(), f.prepare()
	if slack == 0 {
		_, at, turned := f.bracket(v, from, 1)
		if !turned {
			return Never
		}
		return at
	}
	// It may be on its way to and fro.
	if f.ask(f.probe, from-slack) != v {
		settled := from + slack
		if at, turned := f.along(v, from, settled); turned {
			return at
		}
		from = settled
	}
	// Later than that, to have the value at a time is to have had it all along until the
	// slack before.
	had, until, turned := f.bracket(v, from, max(microsPerHour/f.unit, 1))
	if !turned {
		return Never
	}
	at, _ := f.along(v, max(from, had-slack), until)
	return at
}

// prepare finds the breaks that matter to the row, and the slack that they come to.
func (f *Finder) prepare() (slack int64) {
	f.active = f.active[:0]
	for _, b := range f.breaks {
		if b.when != nil && !b.when(f.row).IsTrue() {
			continue
		}
		f.active = append(f.active, b.probe)
		slack += b.slack
	}
	return slack
}

// bracket finds two times, not farther from each other than it is told, at the earlier one of
// which the probe is v, and at the later one not.
func (f *Finder) bracket(v values.Datum, from, apart int64) (had, turned int64, ok bool) {
	last := lastDay * microsPerDay / f.unit
	for step := max(microsPerHour/f.unit, 1); ; step *= 4 {
		if from >= last {
			return 0, 0, false
		}
		turned = min(from+step, last)
		if f.ask(f.probe, turned) != v {
			break
		}
		from = turned
	}
	had, turned = f.narrow(f.probe, v, from, turned, apart)
	return had, turned, true
}

// narrow halves the distance of two times, at the earlier one of which a probe is v, and at
// the later one not, until it is small enough.
func (f *Finder) narrow(probe expr.Eval, v values.Datum, had, turned, apart int64) (int64, int64) {
	for turned-had > apart {
		if mid := had + (turned-had)/2; f.ask(probe, mid) == v {
			had = mid
		} else {
			turned = mid
		}
	}
	return had, turned
}

// along looks for the first time at which the probe is not v, from one time to another and from break
// to break.
func (f *Finder) along(v values.Datum, from, until int64) (at int64, ok bool) {
	for from <= until {
		if f.ask(f.probe, from) != v {
			return from, true
		}
		end := until + 1
		for _, b := range f.active {
			end = f.change(b, from, end)
		}
		if f.ask(f.probe, end-1) != v {
			_, at = f.narrow(f.probe, v, from, end-1, 1)
			return at, true
		}
		from = end
	}
	return until, false
}

// change is the first time before end at which a probe that moves in one direction from
// a time on has another value than then; end if there is none.
func (f *Finder) change(probe expr.Eval, from, end int64) int64 {
	v := f.ask(probe, from)
	for step := max(microsPerHour/f.unit, 1); from < end-1; step *= 4 {
		to := min(from+step, end-1)
		if f.ask(probe, to) != v {
			_, at := f.narrow(probe, v, from, to, 1)
			return at
		}
		from = to
	}
	return end
}
