package compile

import (
	"bytes"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// aggregates computes an aggregate over each row's frame.
func (p *partition) aggregates(nth int, f algebra.WindowFunc) []values.Datum {
	out := p.answers(nth, f)
	if canFail(f, p.held) {
		p.fail(nth, f, out)
	}
	return out
}

// answers are what the aggregate is of the arguments that did not fail.
func (p *partition) answers(nth int, f algebra.WindowFunc) []values.Datum {
	switch impl := f.Agg.Impl; {
	case impl.Linear != nil:
		return p.sliding(nth, f)
	case impl.Extreme != agg.NoExtreme:
		return p.extremes(nth, f)
	}
	out := make([]values.Datum, len(p.rows))
	read := newReader(f)
	for i := range out {
		var l argList
		p.visible(i).each(func(from, to int) {
			for _, row := range p.rows[from:to] {
				if read.load(row) {
					l.entries = append(l.entries, slices.Clone(read.args))
				}
			}
		})
		out[i] = f.Agg.Impl.Fold(&l)
	}
	return out
}

// sliding computes an aggregate that subtracts: rows that enter the frame are added, rows
// that leave are taken away.
func (p *partition) sliding(nth int, f algebra.WindowFunc) []values.Datum {
	out := make([]values.Datum, len(p.rows))
	read := newReader(f)
	acc := p.begin(nth, f)
	add := func(from, to int, w int64) {
		for r := from; r < to; r++ {
			if read.load(p.rows[r]) {
				acc.Add(read.args, w)
			}
		}
	}
	at, end := 0, 0 // acc holds the rows [at, end)
	for i := range out {
		from, to := p.span(i)
		if from >= end || to <= at {
			add(at, end, -1)
			at, end = from, from
		}
		if from < at {
			add(from, at, 1)
		} else {
			add(at, from, -1)
		}
		if to > end {
			add(end, to, 1)
		} else {
			add(to, end, -1)
		}
		at, end = from, to
		xf, xt, except := p.excluded(i)
		xf, xt = max(xf, from), min(xt, to)
		outside := func(w int64) {
			for r := xf; r < xt; r++ {
				if r != except {
					add(r, r+1, w)
				}
			}
		}
		outside(-1)
		out[i] = acc.Result()
		outside(1)
	}
	return out
}

// begin returns the accumulator of an aggregate as it is without the rows at hand: what
// its frames have of those before, or of those behind.
func (p *partition) begin(nth int, f algebra.WindowFunc) agg.Accumulator {
	for _, k := range []*known{&p.past, &p.future} {
		if k.accs != nil && k.accs[nth] != nil {
			return k.accs[nth]
		}
	}
	acc := f.Agg.Impl.Linear()
	acc.Reset()
	return acc
}

// extremes computes an aggregate that shows one of a frame's values, in a tournament: of
// any rows side by side, the first or the last is found in a few comparisons.
func (p *partition) extremes(nth int, f algebra.WindowFunc) []values.Datum {
	out := make([]values.Datum, len(p.rows))
	t := tournament{impl: f.Agg.Impl, size: len(p.rows)}
	t.rounds = make([]contender, 2*t.size)
	read := newReader(f)
	for i, row := range p.rows {
		if read.load(row) {
			t.rounds[t.size+i] = newContender(t.impl, slices.Clone(read.args))
		}
	}
	for i := t.size - 1; i > 0; i-- {
		t.rounds[i] = t.winner(t.rounds[2*i], t.rounds[2*i+1])
	}
	var outside contender // of the rows that are not at hand
	for _, k := range []*known{&p.past, &p.future} {
		if k.extremes != nil && k.extremes[nth] != nil {
			outside = t.winner(outside, newContender(t.impl, k.extremes[nth]))
		}
	}
	for i := range out {
		best := outside
		p.visible(i).each(func(from, to int) { best = t.winner(best, t.among(from, to)) })
		if best.args != nil {
			out[i] = best.args[0]
		}
	}
	return out
}

// contender is the arguments of an aggregate that shows one of its values, and how they
// sort; no arguments if there are none.
type contender struct {
	key  []byte
	args []values.Datum
}

func newContender(impl *agg.Aggregate, args []values.Datum) contender {
	return contender{values.AppendRow(impl.OrderKey(nil, args), args), args}
}

// better is that of two contenders which the aggregate shows.
func better(impl *agg.Aggregate, a, b contender) contender {
	if a.args == nil || b.args != nil && (bytes.Compare(b.key, a.key) < 0) == (impl.Extreme == agg.First) {
		return b
	}
	return a
}

// tournament has contenders at the places [size, 2 size), and at each place i above the
// better one of those at 2i and 2i+1.
type tournament struct {
	impl   *agg.Aggregate
	size   int
	rounds []contender
}

func (t *tournament) winner(a, b contender) contender { return better(t.impl, a, b) }

// among is the winner of the contenders [from, to).
func (t *tournament) among(from, to int) (best contender) {
	for from, to = from+t.size, to+t.size; from < to; from, to = from/2, to/2 {
		if from%2 == 1 {
			best = t.winner(best, t.rounds[from])
			from++
		}
		if to%2 == 1 {
			to--
			best = t.winner(best, t.rounds[to])
		}
	}
	return best
}

// argList is a frame's arguments as an ordered aggregate walks them.
type argList struct {
	entries [][]values.Datum
	at      int
}

func (l *argList) move(to int) bool {
	l.at = to
	return to >= 0 && to < len(l.entries)
}

// First implements agg.Entries, as do the others.
func (l *argList) First() bool { return l.move(0) }

// Last is the last entry.
func (l *argList) Last() bool { return l.move(len(l.entries) - 1) }

// Next is the next entry.
func (l *argList) Next() bool { return l.move(l.at + 1) }

// Prev is the one before.
func (l *argList) Prev() bool { return l.move(l.at - 1) }

// Args are the entry's arguments.
func (l *argList) Args() []values.Datum { return l.entries[l.at] }

// Weight is one: copies are entries of their own.
func (l *argList) Weight() int64 { return 1 }

var _ agg.Entries = (*argList)(nil)
