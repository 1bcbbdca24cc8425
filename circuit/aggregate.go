package circuit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// aggregate groups rows and aggregates each group. A step touches only the
// groups in its delta: each one's state is read once, the row it made is taken
// back and the new one given.
//
// State, under the node's prefix:
//
//	'g' group            → number of rows, group columns, linear accumulators
//	'v' group, columns   → weight (with Variants)
//	'a' aggregate, group → weight, by order and arguments, of a Fold;
//	                       by distinct key and arguments, of a distinct one
//
// For an accumulator A the group's value is A(I(s)), and A being linear,
// A(I(s)) = A(z⁻¹I(s)) + A(s): the state is the first term.
type aggregate struct {
	spec   AggSpec
	accs   []Accumulator // by aggregate; nil for a Fold
	zero   []byte        // the linear accumulators' states over nothing
	direct []int         // linear aggregates that are not distinct
	traced []*tracedAgg  // by aggregate; nil for the direct ones

	groups   map[string]int32 // by key, into touched
	keys     slab
	touched  []touched
	rows     Batch   // the step's rows, chained by group
	next     []int32 // next row of the group, -1 at the end
	variants delta
	rep      repr
	early    map[string]*early // groups evaluated before the step's end
	memo     memo              // group → its state

	cur      cursor // of the groups' states, where many are read; else it is not open
	key      []byte
	at       []byte // where the state of the group in hand lies
	args     []values.Datum
	old, now []values.Datum
	value    []byte // a group's encoded state, read
	encoded  []byte // … and to be written
	stored   []values.Datum
}

// early is the state of a group in the middle of a step. It is written at the end.
type early struct {
	state  []byte
	gone   bool // it has none
	before bool // it has one in the store
}

// touched is a group with rows in the step's delta.
type touched struct {
	key         string
	first, last int32 // of its rows; -1 for none
}

func newAggregate(spec AggSpec) (*aggregate, error) {
	o := &aggregate{spec: spec, groups: map[string]int32{}}
	if err := spec.check(); err != nil {
		return o, err
	}
	o.accs = make([]Accumulator, len(spec.Aggregates))
	o.traced = make([]*tracedAgg, len(spec.Aggregates))
	width := 0
	for i := range spec.Aggregates {
		a := &spec.Aggregates[i]
		width = max(width, a.Width)
		if a.Linear != nil {
			o.accs[i] = a.Linear()
			o.accs[i].Reset()
			o.zero = o.accs[i].AppendState(o.zero)
		}
		if a.Linear != nil && a.Distinct == nil {
			o.direct = append(o.direct, i)
		} else {
			o.traced[i] = newTracedAgg(a)
		}
	}
	o.args = make([]values.Datum, width)
	o.old = make([]values.Datum, spec.GroupWidth+len(spec.Aggregates))
	o.now = make([]values.Datum, spec.GroupWidth+len(spec.Aggregates))
	return o, nil
}

func (*aggregate) kind() string { return "aggregate" }
func (*aggregate) keepsState()  {}

// start makes the one row of a global aggregate, whether or not there is input.
func (o *aggregate) start(*step, *node) error {
	if o.spec.Global {
		o.touch(nil)
	}
	return nil
}

// touch finds or makes the group of a key.
func (o *aggregate) touch(key []byte) int32 {
	if g, ok := o.groups[string(key)]; ok {
		return g
	}
	g := int32(len(o.touched))
	stable := o.keys.add(key)
	o.groups[stable] = g
	o.touched = append(o.touched, touched{key: stable, first: -1, last: -1})
	return g
}

func (o *aggregate) push(s *step, n *node, _ int, in *Batch) error {
	o.rows.Width = in.Width
	for i, w := range in.W {
		row := in.Row(i)
		if o.spec.Key != nil {
			key, ok := o.spec.Key(o.key[:0], row)
			if o.key = key; !ok {
				continue
			}
		}
		g := &o.touched[o.touch(o.key)]
		r := int32(o.rows.Len())
		o.rows.Append(row, w)
		o.next = append(o.next, -1)
		if g.last >= 0 {
			o.next[g.last] = r
		} else {
			g.first = r
		}
		g.last = r
		if err := o.trace(row, w); err != nil {
			return err
		}
	}
	if len(o.rows.Data) >= pendingDatums && len(o.direct) == len(o.accs) && !o.spec.Variants {
		return o.evaluateEarly(s, n)
	}
	return nil
}

// pendingDatums is how much of its rows an aggregate holds back before it evaluates what
// it has: 4 MiB. (One with traces reads them as they were before the step, so it has
// to wait for the end, and gathers.)
const pendingDatums = 1 << 17

// evaluateEarly treats the rows so far as a step of their own: a delta may be
// cut anywhere. The states it leads to are kept at hand until the step's end, since the
// step's batch cannot be read.
func (o *aggregate) evaluateEarly(s *step, n *node) error {
	if o.early == nil {
		o.early = map[string]*early{}
	}
	o.sortTouched()
	if err := o.evaluate(s, n); err != nil {
		return err
	}
	o.forgetRows()
	return nil
}

// trace gathers what a row, in the group of o.key, changes in the traces.
func (o *aggregate) trace(row []values.Datum, w int64) error {
	if o.spec.Variants {
		off := len(o.variants.arena)
		o.variants.arena = append(o.variants.arena, o.key...)
		key := len(o.variants.arena)
		columns := o.now[:o.spec.GroupWidth]
		o.spec.Group(row, columns)
		o.variants.arena = values.AppendRow(o.variants.arena, columns)
		if err := o.variants.seal(off, key, key, w); err != nil {
			return err
		}
	}
	for i, t := range o.traced {
		if t == nil {
			continue
		}
		args := o.args[:o.spec.Aggregates[i].Width]
		if t.a.Args != nil && !t.a.Args(row, args) {
			continue
		}
		if err := t.add(o.key, args, w); err != nil {
			return err
		}
	}
	return nil
}

func (o *aggregate) idle() bool { return len(o.touched) == 0 && o.early == nil }

func (o *aggregate) finish(s *step, n *node) (err error) {
	if len(o.touched) == 0 {
		o.writeEarly(s, n)
		o.reset()
		return n.out.flush(s)
	}
	o.sortTouched()
	if o.spec.Variants {
		o.variants.consolidate()
		o.rep.cur.open(s, n, variantPrefix(n))
	}
	for i, t := range o.traced {
		if t != nil {
			t.open(s, n, tracePrefix(n, i))
		}
	}
	err = o.evaluate(s, n)
	err = o.rep.cur.close(err)
	for _, t := range o.traced {
		if t != nil {
			err = t.close(err)
		}
	}
	if err != nil {
		return err
	}
	o.writeEarly(s, n)
	if o.spec.Variants {
		o.variants.write(s, n, variantPrefix(n))
	}
	for i, t := range o.traced {
		if t != nil {
			t.delta.write(s, n, tracePrefix(n, i))
		}
	}
	o.reset()
	return n.out.flush(s)
}

// sortTouched orders the touched groups by key, for reading forward.
func (o *aggregate) sortTouched() {
	slices.SortFunc(o.touched, func(a, b touched) int { return strings.Compare(a.key, b.key) })
}

func variantPrefix(n *node) []byte { return append(slices.Clone(n.prefix), 'v') }

func tracePrefix(n *node, agg int) []byte {
	return binary.AppendUvarint(append(slices.Clone(n.prefix), 'a'), uint64(agg))
}

// forgetRows drops the rows gathered, once they are evaluated.
func (o *aggregate) forgetRows() {
	clear(o.groups)
	o.keys.empty()
	o.touched = o.touched[:0]
	o.rows.Reset()
	o.next = o.next[:0]
}

func (o *aggregate) reset() {
	o.forgetRows()
	o.early = nil
	o.variants.empty()
	for _, t := range o.traced {
		if t != nil {
			t.delta.empty()
			t.done = 0
		}
	}
}

// manyGroups is from how many touched groups on their states are read with a cursor,
// which finds those that are near, and that there are none, without a search for each.
const manyGroups = 32

// evaluate replaces the rows of the touched groups, in the order of their keys.
func (o *aggregate) evaluate(s *step, n *node) error {
	o.at = append(append(o.at[:0], n.prefix...), 'g')
	if len(o.touched) >= manyGroups {
		o.cur.open(s, n, o.at)
	}
	return o.cur.close(o.evaluateAll(s, n))
}

func (o *aggregate) evaluateAll(s *step, n *node) error {
	variant := 0
	base := len(o.at)
	for i := range o.touched {
		g := &o.touched[i]
		o.key = append(o.key[:0], g.key...)
		o.at = append(o.at[:base], g.key...)
		found, err := o.read(s, n, g.key)
		if err != nil {
			return fmt.Errorf("read group: %w", err)
		}
		count, err := o.load(found)
		if err != nil {
			return fmt.Errorf("read group: %w", err)
		}
		had := count > 0 || o.spec.Global && found
		for r := g.first; r >= 0; r = o.next[r] {
			count += o.rows.W[r]
		}
		has := count > 0 || o.spec.Global
		if o.spec.Variants {
			lo := variant
			if lo < o.variants.len() && string(o.variants.key(lo)) == g.key {
				variant = o.variants.groupEnd(lo)
			}
			if err := o.columnsByVariant(lo, variant); err != nil {
				return err
			}
		} else if o.spec.GroupWidth > 0 {
			o.columns(g)
		}
		if err := o.results(g, had, has); err != nil {
			return err
		}
		o.store(s, n, g.key, count, found)
		if had && has && slices.Equal(o.old, o.now) {
			continue
		}
		if had {
			n.out.batch.Append(o.old, -1)
		}
		if has {
			n.out.batch.Append(o.now, 1)
		}
		if err := n.out.flushFull(s); err != nil {
			return err
		}
	}
	return nil
}

// read fetches the state of the group in hand into value.
func (o *aggregate) read(s *step, n *node, group string) (found bool, err error) {
	if e := o.early[group]; e != nil {
		o.value = append(o.value[:0], e.state...)
		return !e.gone, nil
	}
	if state, ok := o.memo.get(o.key); ok {
		o.value = append(o.value[:0], state...)
		return true, nil
	}
	if o.cur.it == nil {
		n.stats.KeysRead++
		o.value, found, err = s.reads(n).Get(o.value[:0], o.at)
		return found, err
	}
	o.cur.seek(o.key)
	if found = o.cur.under(o.key); found {
		o.value = append(o.value[:0], o.cur.value()...)
	}
	return found, nil
}

var errGroup = errors.New("damaged group")

// load decodes value: the number of rows, the group's columns into stored, the
// accumulators.
func (o *aggregate) load(found bool) (count int64, err error) {
	o.stored = o.stored[:0]
	if !found {
		for _, acc := range o.accs {
			if acc != nil {
				acc.Reset()
			}
		}
		return 0, nil
	}
	count, k := binary.Varint(o.value)
	if k <= 0 {
		return 0, errGroup
	}
	rest := o.value[k:]
	if o.spec.GroupWidth > 0 && !o.spec.Variants {
		size, k := binary.Uvarint(rest)
		if k <= 0 || size > uint64(len(rest)-k) {
			return 0, errGroup
		}
		if o.stored, err = values.DecodeRow(rest[k:k+int(size)], o.stored); err != nil {
			return 0, err
		}
		if len(o.stored) != o.spec.GroupWidth {
			return 0, errGroup
		}
		rest = rest[k+int(size):]
	}
	for _, acc := range o.accs {
		if acc == nil {
			continue
		}
		if rest, err = acc.LoadState(rest); err != nil {
			return 0, err
		}
	}
	if len(rest) != 0 {
		return 0, errGroup
	}
	return count, nil
}

// store writes the state of the group in hand, or removes it when it is that of a group that
// never was.
func (o *aggregate) store(s *step, n *node, group string, count int64, found bool) {
	b := o.encoded[:0]
	for _, acc := range o.accs {
		if acc != nil {
			b = acc.AppendState(b)
		}
	}
	o.encoded = b
	if count == 0 && !o.spec.Global && string(b) == string(o.zero) {
		switch {
		case o.early != nil:
			o.keep(group, nil, found)
		case found:
			o.remove(s, n, o.key)
		}
		return
	}
	states := len(b)
	b = binary.AppendVarint(b, count)
	if o.spec.GroupWidth > 0 && !o.spec.Variants {
		size := len(b)
		b = values.AppendRow(b, o.stored)
		row := len(b) - size
		// The length goes before the row; it is known only now.
		b = binary.AppendUvarint(b, uint64(row))
		length := len(b) - size - row
		rotate(b[size:], length)
	}
	// The states come last.
	rotate(b, len(b)-states)
	o.encoded = b
	if o.early != nil {
		o.keep(group, b, found)
		return
	}
	o.set(s, n, o.key, b, found)
}

// set and remove write the group that lies at o.at. Before is whether it had a state before the step.
func (o *aggregate) set(s *step, n *node, group, state []byte, before bool) {
	o.memo.set(group, state, before)
	n.stats.KeysWritten++
	n.stats.BytesWritten += int64(len(o.at) + len(state))
	s.writes(n).Set(o.at, state)
}

func (o *aggregate) remove(s *step, n *node, group []byte) {
	o.memo.remove(group)
	n.stats.KeysWritten++
	s.writes(n).Delete(o.at)
}

// keep has a group's state, nil if it is gone, at hand until the step's end. Found is whether it had
// one.
func (o *aggregate) keep(group string, state []byte, found bool) {
	e := o.early[group]
	if e == nil {
		e = &early{before: found}
		o.early[strings.Clone(group)] = e
	}
	e.state, e.gone = append(e.state[:0], state...), state == nil
}

// writeEarly writes what is at hand.
func (o *aggregate) writeEarly(s *step, n *node) {
	o.at = append(append(o.at[:0], n.prefix...), 'g')
	base := len(o.at)
	for _, group := range slices.Sorted(maps.Keys(o.early)) {
		o.at = append(o.at[:base], group...)
		switch e := o.early[group]; {
		case !e.gone:
			o.set(s, n, o.at[base:], e.state, e.before)
		case e.before:
			o.remove(s, n, o.at[base:])
		}
	}
}

// rotate brings the last k bytes to the front.
func rotate(b []byte, k int) {
	slices.Reverse(b)
	slices.Reverse(b[:k])
	slices.Reverse(b[k:])
}

// columns sets the group's columns in old and now: they are the key's.
func (o *aggregate) columns(g *touched) {
	if len(o.stored) == 0 {
		o.stored = append(o.stored, o.now[:o.spec.GroupWidth]...)
		o.spec.Group(o.rows.Row(int(g.first)), o.stored)
	}
	copy(o.old, o.stored)
	copy(o.now, o.stored)
}

// columnsByVariant sets the group's columns in old and now by what is present.
func (o *aggregate) columnsByVariant(lo, hi int) error {
	if _, err := o.rep.find(o.key, len(o.key), &o.variants, lo, hi); err != nil {
		return err
	}
	if o.rep.had {
		copy(o.old, o.rep.old)
	}
	if o.rep.has {
		copy(o.now, o.rep.now)
	}
	return nil
}

// results computes the aggregates before and after the step, and leaves the
// accumulators as they are after it.
func (o *aggregate) results(g *touched, had, has bool) error {
	oldCols, newCols := o.old[o.spec.GroupWidth:], o.now[o.spec.GroupWidth:]
	if had {
		for i, acc := range o.accs {
			if acc != nil {
				oldCols[i] = acc.Result()
			}
		}
	}
	for r := g.first; r >= 0 && len(o.direct) > 0; r = o.next[r] {
		row, w := o.rows.Row(int(r)), o.rows.W[r]
		for _, i := range o.direct {
			a := &o.spec.Aggregates[i]
			args := o.args[:a.Width]
			if a.Args == nil || a.Args(row, args) {
				o.accs[i].Add(args, w)
			}
		}
	}
	for i, t := range o.traced {
		if t == nil {
			continue
		}
		lo, hi := t.group(o.key)
		var err error
		if acc := o.accs[i]; acc != nil {
			err = t.distinct(acc, lo, hi)
		} else {
			err = t.fold(o.key, lo, hi, had, has, &oldCols[i], &newCols[i])
		}
		if err != nil {
			return err
		}
	}
	if has {
		for i, acc := range o.accs {
			if acc != nil {
				newCols[i] = acc.Result()
			}
		}
	}
	return nil
}
