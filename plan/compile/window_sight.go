package compile

import (
	"encoding/binary"
	"errors"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// sighted compiles functions over windows that do not see their whole partition: a
// change costs a search, and the rows that see it.
func (c *compiler) sighted(in *compiled, n *algebra.Window, sight algebra.Sight) circuit.Stream {
	cols := n.In.Cols()
	order := algebra.OrderKey(cols, n.Order)
	all := newCarrying(n, sight)
	spec := circuit.WindowSpec{
		Key: func(dst []byte, row []values.Datum) ([]byte, bool) {
			for _, p := range n.Partition {
				dst = values.AppendKey(dst, cols[p].Type, row[p])
			}
			return dst, true
		},
		Order: order, Peers: sight.Peers,
		Before: sight.Before, After: sight.After, Units: sight.Groups,
		Results: func(carry []byte, stretch [][]values.Datum, from, to int, out *circuit.Batch) error {
			p := &partition{rows: stretch}
			if err := p.past.load(carry, all); err != nil {
				return err
			}
			p.groups(order)
			results := p.all(n)
			for i := from; i < to; i++ {
				row := append(out.Grow(1)[:0], stretch[i]...)
				for _, res := range results {
					row = append(row, res[i])
				}
			}
			return nil
		},
	}
	if len(sight.Carried) > 0 {
		spec.Carry = func(dst, before []byte, unit [][]values.Datum) ([]byte, error) {
			var p past
			if err := p.load(before, all); err != nil {
				return nil, err
			}
			p.pass(unit, all)
			return p.append(dst, all), nil
		}
	}
	return c.b.Window(in.stream, len(cols)+len(n.Funcs), n.Label(), spec)
}

// past is what is carried to a row: what the Carried functions of a window have to
// know of the rows before. Each of its fields is kept only if one of them needs it.
type past struct {
	rows, groups int64
	values       []values.Datum    // of first_value, by function; nil before there are rows
	accs         []agg.Accumulator // by function
}

const (
	needsRows = 1 << iota
	needsGroups
	needsAcc
	needsValue
)

// needs is which field of past a function reads.
func needs(f algebra.WindowFunc) int {
	switch {
	case f.Agg != nil:
		return needsAcc
	case f.Name == "dense_rank()":
		return needsGroups
	case f.Name == "row_number()", f.Name == "rank()":
		return needsRows
	}
	return needsValue
}

// carrying says what a window carries: which fields, and the numbers of its functions
// with accumulators and of those with values.
type carrying struct {
	funcs        []algebra.WindowFunc
	fields       int
	accs, firsts []int
}

func newCarrying(n *algebra.Window, sight algebra.Sight) *carrying {
	c := &carrying{funcs: n.Funcs}
	for _, i := range sight.Carried {
		need := needs(n.Funcs[i])
		c.fields |= need
		switch need {
		case needsAcc:
			c.accs = append(c.accs, i)
		case needsValue:
			c.firsts = append(c.firsts, i)
		}
	}
	return c
}

var errPast = errors.New("damaged state of a window")

// load reads what append wrote; nothing is what there is at the beginning.
func (p *past) load(src []byte, c *carrying) error {
	begins := len(src) == 0
	if len(c.accs) > 0 {
		p.accs = make([]agg.Accumulator, len(c.funcs))
	}
	for _, at := range []struct {
		field int
		to    *int64
	}{{needsRows, &p.rows}, {needsGroups, &p.groups}} {
		if c.fields&at.field == 0 || begins {
			continue
		}
		v, k := binary.Uvarint(src)
		if k <= 0 {
			return errPast
		}
		*at.to, src = int64(v), src[k:]
	}
	for _, i := range c.accs {
		p.accs[i] = c.funcs[i].Agg.Impl.Linear()
		if p.accs[i].Reset(); begins {
			continue
		}
		var err error
		if src, err = p.accs[i].LoadState(src); err != nil {
			return err
		}
	}
	if len(c.firsts) == 0 || begins {
		return nil
	}
	row, err := values.DecodeRow(src, nil)
	if err != nil || len(row) != len(c.firsts) {
		return errors.Join(errPast, err)
	}
	p.values = make([]values.Datum, len(c.funcs))
	for at, i := range c.firsts {
		p.values[i] = row[at]
	}
	return nil
}

func (p *past) append(dst []byte, c *carrying) []byte {
	if c.fields&needsRows != 0 {
		dst = binary.AppendUvarint(dst, uint64(p.rows))
	}
	if c.fields&needsGroups != 0 {
		dst = binary.AppendUvarint(dst, uint64(p.groups))
	}
	for _, i := range c.accs {
		dst = p.accs[i].AppendState(dst)
	}
	if len(c.firsts) == 0 {
		return dst
	}
	row := make([]values.Datum, len(c.firsts))
	for at, i := range c.firsts {
		row[at] = p.values[i]
	}
	return values.AppendRow(dst, row)
}

// pass goes past the rows of a unit: of a peer group, if any function asks for groups.
func (p *past) pass(unit [][]values.Datum, c *carrying) {
	p.rows += int64(len(unit))
	p.groups++
	for _, i := range c.accs {
		read := newReader(c.funcs[i])
		for _, row := range unit {
			if read.load(row) {
				p.accs[i].Add(read.args, 1)
			}
		}
	}
	if len(c.firsts) == 0 || p.values != nil {
		return
	}
	p.values = make([]values.Datum, len(c.funcs))
	for _, i := range c.firsts {
		p.values[i] = unit[0][c.funcs[i].Args[0]]
	}
}

// begin returns the accumulator of an aggregate as it is before the partition's rows at
// hand.
func (p *past) begin(i int, f algebra.WindowFunc) agg.Accumulator {
	if p.accs != nil && p.accs[i] != nil {
		return p.accs[i]
	}
	acc := f.Agg.Impl.Linear()
	acc.Reset()
	return acc
}

// reader takes the arguments of an aggregate from rows.
type reader struct {
	f    algebra.WindowFunc
	args []values.Datum
}

func newReader(f algebra.WindowFunc) reader { return reader{f, make([]values.Datum, len(f.Args))} }

// load reads a row's arguments, and says whether the aggregate sees the row.
func (r reader) load(row []values.Datum) bool {
	if r.f.Filter >= 0 && !row[r.f.Filter].IsTrue() {
		return false
	}
	for j, a := range r.f.Args {
		r.args[j] = row[a]
		if r.f.Agg.Impl.SkipNull && r.args[j].IsNull() {
			return false
		}
	}
	return true
}

// groups finds the peer groups of the rows.
func (p *partition) groups(order func([]byte, []values.Datum) []byte) {
	var last, key []byte
	for i, row := range p.rows {
		// Copies are one slice.
		if i == 0 || len(row) == 0 || &row[0] != &p.rows[i-1][0] {
			key = order(key[:0], row)
		}
		if i == 0 || string(key) != string(last) {
			p.starts = append(p.starts, i)
			last = append(last[:0], key...)
		}
		p.group = append(p.group, len(p.starts)-1)
	}
	p.starts = append(p.starts, len(p.rows))
}
