package compile

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// known is what is carried to a row: what functions of a window have to know of the rows
// before it, or of those behind. Each of its fields is kept only if one of them needs it.
type known struct {
	rows, groups int64
	// By function:
	values   []values.Datum // of the outermost row, or of the nearest; nil without one
	accs     []agg.Accumulator
	extremes [][]values.Datum // arguments of the value that the aggregate shows
	nths     []nth
	faults   []values.Datum // the first of an aggregate's arguments that failed
}

// nth is how many of the first n rows there are, and the value of the last of these when they are
// all there.
type nth struct {
	rows  int64
	value values.Datum
}

// need is a field of known.
type need int

const (
	needsRows need = 1 << iota
	needsGroups
	needsValue
	needsAcc
	needsExtreme
	needsNth
)

// needsOf is what a function has to know of the rows before, or of those behind.
func needsOf(f algebra.WindowFunc) need {
	switch {
	case f.Agg != nil && f.Agg.Impl.Linear != nil:
		return needsAcc
	case f.Agg != nil:
		return needsExtreme
	case f.Name == "dense_rank()":
		return needsGroups
	case f.Name == firstValue, f.Name == lastValue:
		return needsValue
	case f.Name == nthValue:
		return needsNth
	}
	return needsRows
}

// carrying says what a window carries in one direction: which fields of known, and of
// those that there are by function, for which functions.
type carrying struct {
	funcs                        []algebra.WindowFunc
	held                         []int // columns whose errors are values
	fields                       need
	values, accs, extremes, nths []int
	faults                       []int
}

func newCarrying(funcs []algebra.WindowFunc, which, held []int) *carrying {
	c := &carrying{funcs: funcs, held: held}
	for _, i := range which {
		if funcs[i].Agg != nil && canFail(funcs[i], held) {
			c.faults = append(c.faults, i)
		}
		need := needsOf(funcs[i])
		c.fields |= need
		if need&needsValue != 0 {
			c.values = append(c.values, i)
		}
		if need&needsAcc != 0 {
			c.accs = append(c.accs, i)
		}
		if need&needsExtreme != 0 {
			c.extremes = append(c.extremes, i)
		}
		if need&needsNth != 0 {
			c.nths = append(c.nths, i)
		}
	}
	return c
}

// carry is how the circuit carries it on, or back.
func (c *carrying) carry(back bool) circuit.CarryFunc {
	return func(dst, src []byte, unit [][]values.Datum) ([]byte, error) {
		var k known
		if err := k.load(src, c); err != nil {
			return nil, err
		}
		k.pass(unit, c, back)
		return k.append(dst, c), nil
	}
}

var errKnown = errors.New("damaged state of a window")

// load reads what append wrote; nothing is what there is at the partition's end.
func (k *known) load(src []byte, c *carrying) error {
	ends := len(src) == 0
	if len(c.accs) > 0 {
		k.accs = make([]agg.Accumulator, len(c.funcs))
	}
	for _, i := range c.accs {
		k.accs[i] = c.funcs[i].Agg.Impl.Linear()
		k.accs[i].Reset()
	}
	if len(c.extremes) > 0 {
		k.extremes = make([][]values.Datum, len(c.funcs))
	}
	if len(c.nths) > 0 {
		k.nths = make([]nth, len(c.funcs))
	}
	if len(c.faults) > 0 {
		k.faults = make([]values.Datum, len(c.funcs))
	}
	if ends {
		return nil
	}
	number := func() uint64 {
		v, n := binary.Uvarint(src)
		if n <= 0 {
			src = nil
			return math.MaxUint64
		}
		src = src[n:]
		return v
	}
	row := func() ([]values.Datum, error) {
		size := number()
		if size > uint64(len(src)) {
			return nil, errKnown
		}
		row, err := values.DecodeRow(src[:size], nil)
		src = src[size:]
		return row, err
	}
	if c.fields&needsRows != 0 {
		k.rows = int64(number())
	}
	if c.fields&needsGroups != 0 {
		k.groups = int64(number())
	}
	var err error
	for _, i := range c.accs {
		if src, err = k.accs[i].LoadState(src); err != nil {
			return err
		}
	}
	for _, i := range c.extremes {
		if k.extremes[i], err = row(); err != nil {
			return err
		}
	}
	for _, i := range c.nths {
		k.nths[i].rows = int64(number())
		of, err := row()
		if err != nil || len(of) != 1 {
			return errors.Join(errKnown, err)
		}
		k.nths[i].value = of[0]
	}
	for _, i := range c.faults {
		of, err := row()
		if err != nil || len(of) != 1 {
			return errors.Join(errKnown, err)
		}
		k.faults[i] = of[0]
	}
	if len(c.values) == 0 {
		return nil
	}
	k.values = make([]values.Datum, len(c.funcs))
	shown, err := row()
	if err != nil || len(shown) != len(c.values) {
		return errors.Join(errKnown, err)
	}
	for at, i := range c.values {
		k.values[i] = shown[at]
	}
	return nil
}

func (k *known) append(dst []byte, c *carrying) []byte {
	if c.fields&needsRows != 0 {
		dst = binary.AppendUvarint(dst, uint64(k.rows))
	}
	if c.fields&needsGroups != 0 {
		dst = binary.AppendUvarint(dst, uint64(k.groups))
	}
	for _, i := range c.accs {
		dst = k.accs[i].AppendState(dst)
	}
	var enc []byte
	row := func(row []values.Datum) {
		enc = values.AppendRow(enc[:0], row)
		dst = append(binary.AppendUvarint(dst, uint64(len(enc))), enc...)
	}
	for _, i := range c.extremes {
		row(k.extremes[i])
	}
	for _, i := range c.nths {
		dst = binary.AppendUvarint(dst, uint64(k.nths[i].rows))
		row([]values.Datum{k.nths[i].value})
	}
	for _, i := range c.faults {
		row(k.faults[i : i+1])
	}
	if len(c.values) > 0 {
		shown := make([]values.Datum, len(c.values))
		for at, i := range c.values {
			shown[at] = k.values[i]
		}
		row(shown)
	}
	return dst
}

// pass goes past the rows of a unit: of a peer group, if any function asks for groups.
func (k *known) pass(unit [][]values.Datum, c *carrying, back bool) {
	k.rows += int64(len(unit))
	k.groups++
	for _, i := range c.accs {
		read := newReader(c.funcs[i])
		for _, row := range unit {
			if read.load(row) {
				k.accs[i].Add(read.args, 1)
			}
		}
	}
	for _, i := range c.extremes {
		read, impl := newReader(c.funcs[i]), c.funcs[i].Agg.Impl
		var best contender
		if k.extremes[i] != nil {
			best = newContender(impl, k.extremes[i])
		}
		for _, row := range unit {
			if read.load(row) {
				best = better(impl, best, newContender(impl, slices.Clone(read.args)))
			}
		}
		k.extremes[i] = best.args
	}
	for _, i := range c.nths {
		f, n := c.funcs[i], &k.nths[i]
		if more := f.By - n.rows; more > 0 && more <= int64(len(unit)) {
			n.value = unit[more-1][f.Args[0]]
		}
		n.rows = min(n.rows+int64(len(unit)), f.By)
	}
	for _, i := range c.faults {
		if found := firstFault(c.funcs[i], unit); found.IsErr() && (back || !k.faults[i].IsErr()) {
			k.faults[i] = found
		}
	}
	if len(c.values) == 0 {
		return
	}
	begins := k.values == nil
	if begins {
		k.values = make([]values.Datum, len(c.funcs))
	}
	outermost, nearest, ofNearest := unit[0], unit[len(unit)-1], lastValue
	if back {
		outermost, nearest, ofNearest = nearest, outermost, firstValue
	}
	for _, i := range c.values {
		switch f := c.funcs[i]; {
		case f.Name == ofNearest:
			k.values[i] = nearest[f.Args[0]]
		case begins:
			k.values[i] = outermost[f.Args[0]]
		}
	}
}

// reader takes the arguments of an aggregate from rows.
type reader struct {
	f    algebra.WindowFunc
	args []values.Datum
}

func newReader(f algebra.WindowFunc) reader { return reader{f, make([]values.Datum, len(f.Args))} }

// load reads a row's arguments, and says whether the aggregate sees the row, and none of them failed.
func (r reader) load(row []values.Datum) bool {
	if r.f.Filter >= 0 && !row[r.f.Filter].IsTrue() {
		return false
	}
	for j, a := range r.f.Args {
		r.args[j] = row[a]
		if r.args[j].IsErr() || r.f.Agg.Impl.SkipNull && r.args[j].IsNull() {
			return false
		}
	}
	return true
}
