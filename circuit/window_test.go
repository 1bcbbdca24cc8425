package circuit_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// The windows put into the queries: rows of two columns, in one partition or in that
// of NULLs and another, ordered by the second column. A row becomes itself and a text
// that shows everything it may see, so that a neighbour looked at too late, too early or
// not at all is a difference.
func init() {
	for _, peers := range []bool{false, true} {
		for _, units := range []bool{false, true} {
			for _, reach := range [][2]int{{0, 0}, {1, 0}, {0, 2}, {2, 1}} {
				for _, carry := range []bool{false, true} {
					queries = append(queries, windowQuery(peers, units, reach[0], reach[1], carry))
				}
			}
		}
	}
}

func windowQuery(peers, units bool, before, after int, carry bool) query {
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
	if carry {
		// The number of rows, and of units at odd places.
		spec.Carry = func(dst, before []byte, unit [][]datum) ([]byte, error) {
			rows, n := carriedTo(before)
			return binary.AppendUvarint(binary.AppendUvarint(dst, rows+uint64(len(unit))), (n+1)%2), nil
		}
	}
	spec.Results = func(known []byte, rows [][]datum, from, to int, out *batch) error {
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
			saw := fmt.Sprint(i - first)
			for _, row := range rows[first:last] {
				saw += " | " + showRow(row)
			}
			if carry {
				n, odd := carriedTo(known)
				at := i
				if peers {
					at = starts[group[i]]
				}
				saw += fmt.Sprint(" at ", n+uint64(at), " odd ", (odd+uint64(group[i]))%2)
			}
			out.Append(append(slices.Clone(rows[i]), values.String(saw)), 1)
		}
		return nil
	}
	name := fmt.Sprintf("window of %d before and %d after, peers %v, units %v, carry %v", before, after, peers, units, carry)
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
				must(spec.Results(nil, rows, 0, len(rows), out))
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
