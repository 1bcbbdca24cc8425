package circuit_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/state"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// sight is what the rows of a window see.
type sight struct {
	peers, units  bool
	before, after int
	// How far they see by the value of the second column; -1: not at all.
	lower, higher  int64
	carry, carryOn bool // from before, from behind
}

// The windows put into the queries: rows of two columns, in one partition or in that
// of NULLs and another, ordered by the second column. A row becomes itself and a text
// that shows everything it may see, so that a neighbour looked at too late, too early or
// not at all is a difference.
func init() {
	reaches := []sight{{}, {before: 1}, {after: 2}, {before: 2, after: 1}}
	for i := range reaches {
		reaches[i].lower, reaches[i].higher = -1, -1
	}
	reaches = append(reaches, sight{lower: 2, higher: -1}, sight{lower: -1, higher: 1}, sight{before: 1, lower: 1, higher: 2})
	for _, s := range reaches {
		for bits := range 1 << 4 {
			s.peers, s.units, s.carry, s.carryOn = bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0
			if s.units && s.before+s.after == 0 {
				continue // nothing is counted
			}
			queries = append(queries, windowQuery(s))
		}
	}
}

func windowQuery(sees sight) query {
	peers, units, before, after := sees.peers, sees.units, sees.before, sees.after
	order := orderBy(1)
	spec := circuit.WindowSpec{
		Key: func(dst []byte, row []datum) ([]byte, bool) {
			if row[0].IsNull() {
				return append(dst, 1), true
			}
			return append(dst, 2), true
		},
		Order: order, Peers: peers, Before: before, After: after, Units: units,
	}
	unitOf := func(row []datum) []byte {
		if peers {
			return order(nil, row)
		}
		return values.AppendRow(order(nil, row), row)
	}
	// The number of rows, and of units at odd places; from behind, the least of column
	// 0, which is soon as it was.
	count := func(dst, before []byte, unit [][]datum) ([]byte, error) {
		rows, n := carriedTo(before)
		return binary.AppendUvarint(binary.AppendUvarint(dst, rows+uint64(len(unit))), (n+1)%2), nil
	}
	least := func(dst, behind []byte, unit [][]datum) ([]byte, error) {
		for _, row := range unit {
			if key := values.AppendRow(nil, row[:1]); len(behind) == 0 || bytes.Compare(key, behind) < 0 {
				behind = key
			}
		}
		return append(dst, behind...), nil
	}
	if sees.carry {
		spec.Carry = count
	}
	if sees.carryOn {
		spec.CarryBack = least
	}
	within := func(by, lower, higher int64) bool { return by >= -lower && by <= higher }
	near := func(lower, higher int64) func(row, other []datum) bool {
		return func(row, other []datum) bool {
			return !row[1].IsNull() && !other[1].IsNull() && within(other[1].Int64()-row[1].Int64(), lower, higher)
		}
	}
	if sees.lower >= 0 {
		spec.SeesBack = near(sees.lower, 0)
	}
	if sees.higher >= 0 {
		spec.SeesAhead = near(0, sees.higher)
	}
	spec.Results = func(known, rest []byte, rows [][]datum, from, to int, out *batch) error {
		var group, starts []int
		for i, row := range rows {
			if i == 0 || !bytes.Equal(unitOf(row), unitOf(rows[i-1])) {
				starts = append(starts, i)
			}
			group = append(group, len(starts)-1)
		}
		starts = append(starts, len(rows))
		for i := from; i < to; i++ {
			first, last := i-before, i+after+1
			if units {
				first, last = starts[max(0, group[i]-before)], starts[min(len(starts)-1, group[i]+after+1)]
			}
			first, last = max(0, first), min(len(rows), last)
			if peers {
				first, last = min(first, starts[group[i]]), max(last, starts[group[i]+1])
			}
			for sees.lower >= 0 && first > 0 && spec.SeesBack(rows[i], rows[first-1]) {
				first--
			}
			for sees.higher >= 0 && last < len(rows) && spec.SeesAhead(rows[i], rows[last]) {
				last++
			}
			saw := fmt.Sprint(i - first)
			for _, row := range rows[first:last] {
				saw += " | " + showRow(row)
			}
			if sees.carry {
				n, odd := carriedTo(known)
				at := i
				if peers {
					at = starts[group[i]]
				}
				saw += fmt.Sprint(" at ", n+uint64(at), " odd ", (odd+uint64(group[i]))%2)
			}
			if sees.carryOn {
				low, err := least(nil, rest, rows[starts[group[i]]:])
				must(err)
				saw += fmt.Sprintf(" least %x", low)
			}
			out.Append(append(slices.Clone(rows[i]), values.String(saw)), 1)
		}
		return nil
	}
	name := fmt.Sprintf("window that sees %+v", sees)
	return query{
		name: name, inputs: []int{2}, width: 3,
		build: func(b *circuit.Builder, in []circuit.Stream) circuit.Stream { return b.Window(in[0], 3, name, spec) },
		naive: func(in []*batch) *batch {
			out := circuit.NewBatch(3, 0)
			for _, g := range groupsBy(in[0], spec.Key) {
				type sorted struct {
					key []byte
					row []datum
				}
				var all []sorted
				for i, row := range g.rows {
					for range max(0, g.w[i]) {
						all = append(all, sorted{values.AppendRow(order(nil, row), row), row})
					}
				}
				slices.SortStableFunc(all, func(a, b sorted) int { return bytes.Compare(a.key, b.key) })
				var rows [][]datum
				for _, s := range all {
					rows = append(rows, s.row)
				}
				must(spec.Results(nil, nil, rows, 0, len(rows), out))
			}
			must(out.Consolidate())
			return out
		},
	}
}

func carriedTo(carry []byte) (rows, odd uint64) {
	rows, k := binary.Uvarint(carry)
	if k > 0 {
		odd, _ = binary.Uvarint(carry[k:])
	}
	return rows, odd
}

// TestWindowGivenUp: of a step that is given up while the rows of a partition are handed on,
// nothing is left for the next one.
func TestWindowGivenUp(t *testing.T) {
	q := windowQuery(sight{before: 1, lower: -1, higher: -1})
	store := state.NewMemory(state.Options{})
	c := q.circuit(t, store)
	rows := func(from, by int64) *batch {
		b := circuit.NewBatch(2, 0)
		for k := range int64(3000) {
			b.Append([]datum{values.Int(1), values.Int(from + by*k)}, 1)
		}
		return b
	}
	all, shown := rows(0, 10), circuit.NewBatch(3, 0)
	shown.AddAll(step(t, c, store, delta{all}, q.width))

	// Each row makes a stretch of its own, and there are more than are handed on at once.
	enough, calls := errors.New("enough"), 0
	given := store.NewBatch()
	_, err := c.StepInParts(t.Context(), map[string]*batch{"in0": rows(5, 20)}, given, circuit.Parts{Passed: func(int) error {
		if calls++; calls == 2 {
			return enough
		}
		return nil
	}})
	if !errors.Is(err, enough) {
		t.Fatalf("the step was not given up: %v", err)
	}
	given.Reset()

	for _, next := range []*batch{rows(7, 40), rows(5, 20)} {
		all.AddAll(next)
		shown.AddAll(step(t, c, store, delta{next}, q.width))
		must(all.Consolidate())
		if got, want := show(shown), show(q.naive([]*batch{all})); got != want {
			t.Fatalf("what is shown is not what there is (%d rows and %d)", strings.Count(got, "\n"), strings.Count(want, "\n"))
		}
	}
}
