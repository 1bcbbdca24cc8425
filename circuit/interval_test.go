package circuit_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// spread is the key of a column, with distances of all sizes between the small numbers
// that tests are made of. NULLs meet nothing.
func spread(column int) circuit.BoundFunc {
	return func(dst []byte, row []datum) ([]byte, circuit.Meets) {
		if row[column].IsNull() {
			return dst, circuit.MeetsNothing
		}
		x := row[column].Int64()
		return values.AppendKeyInt(dst, x*x*x*1001), circuit.MeetsByKey
	}
}

// fails is spread of a column that could not be computed where it is a certain number.
func fails(column int, at int64) circuit.BoundFunc {
	of := spread(column)
	return func(dst []byte, row []datum) ([]byte, circuit.Meets) {
		if !row[column].IsNull() && row[column].Int64() == at {
			return dst, circuit.MeetsAll
		}
		return of(dst, row)
	}
}

// unless is a comparison that is true, too, where a left column is one number or a right
// one is another.
func unless(is func(a, b int64) bool, left, right int64) func(a, b int64) bool {
	return func(a, b int64) bool { return a == left || b == right || is(a, b) }
}

// meet gives a pair if all comparisons of a left column with a right one are true.
func meet(comparisons ...comparison) circuit.JoinFunc {
	return func(l, r []datum, out *batch, w int64) {
		for _, c := range comparisons {
			a, b := l[c.left], r[c.right]
			if a.IsNull() || b.IsNull() || !c.is(a.Int64(), b.Int64()) {
				return
			}
		}
		out.Append(slices.Concat(l, r), w)
	}
}

type comparison struct {
	left, right int
	is          func(a, b int64) bool
}

func less(a, b int64) bool       { return a < b }
func most(a, b int64) bool       { return a <= b }
func least(a, b int64) bool      { return a >= b }
func greater(a, b int64) bool    { return a > b }
func the(a, b int64) bool        { return a == b }
func never(_, _ int64) bool      { return false }
func everything(_, _ int64) bool { return true }

// intervals is a query by an interval join of streams of three columns; of the second
// one with itself if self. The index of the second stream is that of another join, too, of its rows with
// themselves.
func intervals(name string, l, r circuit.Interval, self bool, comparisons ...comparison) query {
	f := meet(comparisons...)
	// Rows whose intervals are the same meet, unless they have none.
	own := []comparison{{0, 0, the}, {1, 1, the}, {2, 2, the}}
	q := query{name: name, inputs: []int{3, 3}, width: 6}
	if self {
		q.inputs = q.inputs[:1]
	}
	last := len(q.inputs) - 1
	q.build = func(b *circuit.Builder, in []circuit.Stream) circuit.Stream {
		left, right := b.IntervalIndex(in[0], "left", l), b.IntervalIndex(in[last], "right", r)
		return b.Sum(b.IntervalJoin(left, right, 6, name, f), b.IntervalJoin(right, right, 6, name+", right", meet(own...)))
	}
	q.naive = func(in []*batch) *batch {
		all := func(dst []byte, _ []datum) ([]byte, bool) { return dst, true }
		out := naiveJoin(in[0], in[last], all, all, f, 6)
		out.AddAll(naiveJoin(in[last], in[last], all, all, meet(own...), 6))
		return out
	}
	return q
}

func init() {
	point, bounds := circuit.Interval{From: spread(0), Point: true}, circuit.Interval{From: spread(1), To: spread(2)}
	grouped := func(i circuit.Interval) circuit.Interval {
		i.Group = keyOf(true, 0)
		return i
	}
	queries = append(queries,
		intervals("key < key", point, circuit.Interval{To: spread(0)}, false, comparison{0, 0, less}),
		intervals("key >= key", circuit.Interval{To: spread(1)}, point, false, comparison{1, 0, least}),
		intervals("key BETWEEN keys", point, bounds, false, comparison{0, 1, least}, comparison{0, 2, most}),
		intervals("keys around key", bounds, point, false, comparison{1, 0, most}, comparison{2, 0, least}),
		intervals("overlap", bounds, bounds, false, comparison{1, 2, less}, comparison{2, 1, greater}),
		intervals("overlap within groups", grouped(bounds), grouped(bounds), false, comparison{0, 0, the}, comparison{1, 2, most}, comparison{2, 1, least}),
		intervals("overlap of open ends", circuit.Interval{From: spread(1)}, circuit.Interval{To: spread(2)}, false, comparison{1, 2, most}),
		intervals("no ends", circuit.Interval{}, bounds, false, comparison{0, 1, everything}, comparison{0, 2, everything}, comparison{1, 1, everything}),
		intervals("overlap with itself", bounds, bounds, true, comparison{1, 2, most}, comparison{2, 1, least}),
		intervals("key BETWEEN keys, some fail", circuit.Interval{From: fails(0, 1), Point: true, Fails: true}, circuit.Interval{From: spread(1), To: fails(2, 2), Fails: true}, false,
			comparison{0, 1, unless(least, 1, 9)}, comparison{0, 2, unless(most, 1, 2)}),
		intervals("overlap, some fail", circuit.Interval{From: fails(1, 1), To: spread(2), Fails: true}, circuit.Interval{From: fails(1, 0), To: spread(2), Fails: true}, false,
			comparison{1, 1, unless(never, 1, 0)}, comparison{2, 2, everything}),
		intervals("overlap of open ends, some fail", circuit.Interval{From: fails(1, 1), Fails: true}, circuit.Interval{To: fails(2, 0), Fails: true}, false, comparison{1, 2, unless(most, 1, 0)}),
		intervals("key BETWEEN keys of itself", point, bounds, true, comparison{0, 1, least}, comparison{0, 2, most}),
	)
}

// plain is the key of a column.
func plain(column int) circuit.BoundFunc {
	return func(dst []byte, row []datum) ([]byte, circuit.Meets) {
		return values.AppendKeyInt(dst, row[column].Int64()), circuit.MeetsByKey
	}
}

// keysRead feeds the deltas to an interval join of streams of two columns, and counts what the last one reads.
func keysRead(t *testing.T, l, r circuit.Interval, history ...delta) int64 {
	t.Helper()
	store := state.NewMemory(state.Options{})
	b := circuit.NewBuilder()
	f := func(l, r []datum, out *batch, w int64) { out.Append(slices.Concat(l, r), w) }
	b.Output("out", b.IntervalJoin(b.IntervalIndex(b.Source("in0", 2), "", l), b.IntervalIndex(b.Source("in1", 2), "", r), 4, "", f))
	circ, err := b.Build(store, []byte("q"))
	if err != nil {
		t.Fatal(err)
	}
	read := func() (sum int64) {
		for _, n := range circ.Nodes() {
			sum += n.Stats.KeysRead
		}
		return sum
	}
	var before int64
	for _, d := range history {
		before = read()
		if step(t, circ, store, d, 4).Len() == 0 && &d[0] == &history[len(history)-1][0] {
			t.Error("no rows meet")
		}
	}
	return read() - before
}

// stretches are n rows of two columns that lie one behind the other.
func stretches(n int64) *batch {
	rows := circuit.NewBatch(2, int(n))
	for i := range n {
		rows.Append([]datum{values.Int(20 * i), values.Int(20*i + 15)}, 1)
	}
	return rows
}

// TestIntervalJoinReads counts what a change reads: not more where there are more rows.
func TestIntervalJoinReads(t *testing.T) {
	point, bounds := circuit.Interval{From: plain(0), Point: true}, circuit.Interval{From: plain(0), To: plain(1)}
	inOne := func(i circuit.Interval) circuit.Interval {
		i.Group = func(dst []byte, _ []datum) ([]byte, bool) { return append(dst, 1), true }
		return i
	}
	none := circuit.NewBatch(2, 0)
	for _, c := range []struct {
		name        string
		left, right circuit.Interval
		low         bool // few rows are below the ones that come
	}{
		{"points in bounds", point, bounds, false}, {"bounds around points", bounds, point, false}, {"overlap", bounds, bounds, false},
		// Beside a key that all rows have, the few that are below.
		{"key >= key within a group", inOne(point), inOne(circuit.Interval{From: plain(0)}), true},
		{"keys <= key within a group", inOne(circuit.Interval{To: plain(0)}), inOne(point), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			reads := func(n int64) (sum int64) {
				there := delta{none, stretches(n)}
				r := rand.New(rand.NewPCG(1, 2))
				const changes = 20
				for range changes {
					at := 20*r.Int64N(n-1) + 5 + r.Int64N(10)
					if c.low {
						at = r.Int64N(100)
					}
					row := circuit.NewBatch(2, 1)
					row.Append([]datum{values.Int(at), values.Int(at + 15)}, 1)
					sum += keysRead(t, c.left, c.right, there, delta{row, none})
				}
				return sum / changes
			}
			few, many := reads(1_000), reads(16_000)
			// Four more levels of the tree, of which each is sought, and perhaps again by the other bound.
			if few == 0 || many > few+3*4 {
				t.Errorf("a change reads %d keys over 1,000 rows, %d over 16,000", few, many)
			}
			if c.low && many > 10 {
				t.Errorf("a change that meets at most five rows reads %d keys", many)
			}
		})
	}
}

// TestIntervalJoinReadsInBulk: many rows at once read the levels of the tree in order, and less for each than one alone;
// and rows that come on both sides find each other without reading.
func TestIntervalJoinReadsInBulk(t *testing.T) {
	point, bounds := circuit.Interval{From: plain(0), Point: true}, circuit.Interval{From: plain(0), To: plain(1)}
	none := circuit.NewBatch(2, 0)
	const n = 16_000
	one := circuit.NewBatch(2, 1)
	one.Append([]datum{values.Int(10 * n), values.Int(10*n + 15)}, 1)
	for _, c := range []struct {
		name        string
		left, right circuit.Interval
	}{{"points in bounds", point, bounds}, {"bounds around points", bounds, point}, {"overlap", bounds, bounds}} {
		t.Run(c.name, func(t *testing.T) {
			alone := keysRead(t, c.left, c.right, delta{none, stretches(n)}, delta{one, none})
			inBulk := keysRead(t, c.left, c.right, delta{none, stretches(n)}, delta{stretches(n), none})
			if alone < 2 || inBulk > n*(alone+1)/2 {
				t.Errorf("one row reads %d keys, %d rows %d", alone, n, inBulk)
			}
			if both := keysRead(t, c.left, c.right, delta{stretches(n), stretches(n)}); both > 10 {
				t.Errorf("rows on both sides at once read %d keys", both)
			}
			t.Logf("one row reads %d keys, %d rows %d", alone, n, inBulk)
		})
	}
}

// TestIntervalJoinReadsFewGroups: rows of many groups, of which few have any on the other side, cost a few
// reads for each of those, whether or not bounds may fail.
func TestIntervalJoinReadsFewGroups(t *testing.T) {
	const n, few = 16_000, 20
	grouped := func(i circuit.Interval, may bool) circuit.Interval {
		i.Group, i.Fails = keyOf(false, 0), may
		return i
	}
	rows := func(n, apart int64) *batch {
		b := circuit.NewBatch(2, int(n))
		for i := range n {
			b.Append([]datum{values.Int(i * apart), values.Int(5)}, 1)
		}
		return b
	}
	none := circuit.NewBatch(2, 0)
	for _, c := range []struct {
		name        string
		left, right circuit.Interval
	}{
		{"points below a bound", circuit.Interval{From: plain(1), Point: true}, circuit.Interval{To: plain(1)}},
		{"points above a bound", circuit.Interval{From: plain(1), Point: true}, circuit.Interval{From: plain(1)}},
		{"bounds above points", circuit.Interval{To: plain(1)}, circuit.Interval{From: plain(1), Point: true}},
		{"overlap", circuit.Interval{From: plain(1), To: plain(1)}, circuit.Interval{From: plain(1), To: plain(1)}},
	} {
		for _, may := range []bool{false, true} {
			got := keysRead(t, grouped(c.left, may), grouped(c.right, may), delta{none, rows(few, n/few)}, delta{rows(n, 1), none})
			if got > 20*few+n/100 {
				t.Errorf("%s, bounds may fail: %v: %d rows read %d keys where %d groups have rows", c.name, may, n, got, few)
			}
		}
	}
}
