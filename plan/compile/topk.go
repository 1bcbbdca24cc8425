package compile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// topK compiles ORDER BY … LIMIT and DISTINCT ON: an ordered aggregate whose value
// is the list of the partition's first rows, and an operator that spreads the
// list out again. A change costs a search and the rows of the list, whatever the
// size of the partition.
func (c *compiler) topK(n *algebra.TopK, id string) *compiled {
	cols := n.Cols()
	in := c.exact(c.clean(c.node(n.In), cols))
	order := algebra.OrderKey(cols, n.Order)
	// What OFFSET alone leaves is all rows but the first: those are listed, as they
	// are few, and taken out.
	rest := n.Limit == algebra.NoLimit && n.Numbers == nil
	if rest {
		n = &algebra.TopK{In: n.In, Partition: n.Partition, Order: n.Order, Limit: n.Offset}
	}
	s := c.listed(in, n, cols, n.Partition, len(cols), order, func(e circuit.Entries) values.Datum { return firstRows(e, n, order) })
	if rest {
		s = c.b.Sum(in.stream, c.b.Neg(s))
	}
	return &compiled{stream: s, width: len(cols), id: id, at: algebra.FirstN(len(cols)), errs: in.errs, held: in.held}
}

// listed makes a list of rows of each partition's rows, in order, and spreads the
// lists out again, as rows of the given width.
func (c *compiler) listed(in *compiled, n algebra.Node, cols []algebra.Column, partition []int, width int,
	order func(dst []byte, row []values.Datum) []byte, list func(circuit.Entries) values.Datum,
) circuit.Stream {
	spec := circuit.AggSpec{
		Key: func(dst []byte, row []values.Datum) ([]byte, bool) {
			for _, p := range partition {
				dst = values.AppendKey(dst, cols[p].Type, row[p])
			}
			return dst, true
		},
		Aggregates: []circuit.Aggregate{{
			Width: len(cols),
			Args:  func(row, dst []values.Datum) bool { copy(dst, row); return true },
			Order: order,
			Fold:  list,
		}},
	}
	lists := c.b.Aggregate(in.stream, n.Label()+", listed", spec)
	return c.b.Map(lists, width, n.Label()+", spread", spread)
}

// firstRows lists the rows that a TopK keeps of one partition: for each, the
// number of copies, the length of its encoding, and the encoding.
func firstRows(e circuit.Entries, n *algebra.TopK, order func([]byte, []values.Datum) []byte) values.Datum {
	var list, row, last, key []byte
	limit, skip := n.Limit, n.Offset
	ok := e.First()
	if ok && n.Numbers != nil {
		limit, skip = numbers(e.Args(), n.Numbers)
	}
	left := limit
	for ; ok; ok = e.Next() {
		w := e.Weight()
		if skip >= w {
			skip -= w
			continue
		}
		w -= skip
		skip = 0
		if limit != algebra.NoLimit {
			tied := false
			if n.Ties {
				key = order(key[:0], e.Args())
				tied = left == 0 && limit > 0 && bytes.Equal(key, last)
			}
			if left == 0 && !tied {
				break
			}
			if n.Ties {
				// Copies of a row are ties of one another.
				last = append(last[:0], key...)
				left = max(0, left-w)
			} else {
				w = min(w, left)
				left -= w
			}
		}
		row = values.AppendRow(row[:0], e.Args())
		list = binary.AppendUvarint(list, uint64(w))
		list = binary.AppendUvarint(list, uint64(len(row)))
		list = append(list, row...)
	}
	return values.String(string(list))
}

// numbers reads a limit and an offset from a row.
func numbers(row []values.Datum, at *algebra.Numbers) (limit, offset int64) {
	limit = algebra.NoLimit
	if v := row[at.Limit]; !v.IsNull() {
		limit = v.Int64()
	}
	if v := row[at.Offset]; !v.IsNull() {
		offset = v.Int64()
	}
	return limit, offset
}

// spread turns lists of rows into the rows.
func spread(_ context.Context, in, out *circuit.Batch) error {
	var row []values.Datum
	for i := range in.Len() {
		list := []byte(in.Row(i)[0].Str())
		for len(list) > 0 {
			w, a := binary.Uvarint(list)
			size, b := binary.Uvarint(list[max(a, 0):])
			if a <= 0 || b <= 0 || uint64(len(list)-a-b) < size {
				return fmt.Errorf("list of rows is damaged")
			}
			var err error
			if row, err = values.DecodeRow(list[a+b:a+b+int(size)], row[:0]); err != nil {
				return fmt.Errorf("list of rows: %w", err)
			}
			out.Append(row, int64(w)*in.W[i])
			list = list[a+b+int(size):]
		}
	}
	return nil
}
