package circuit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/state"
)

// RankFunc ranks values among one another: of two of them the lesser has the
// lesser number, and equal ones have the same.
type RankFunc func(ctx context.Context, values []string) ([]int, error)

// Ranking is the dictionary of an order that only a RankFunc knows. It gives
// values labels, which sort by their bytes as the values do; equal values have
// one label. A label is given when a value is first seen, by searching its place
// among those that were seen before, and never changes nor goes: what a row's
// deletion gets is what its insertion got. So labels depend on the order in
// which values came, but how they sort does not.
//
// It is not an operator on streams, but a function that operators of the circuit
// call, with a memory in the state. Entries are written with the step that uses
// them.
type Ranking struct{ op *ranking }

// Ranking adds a dictionary to the circuit. The label says which order it is.
func (b *Builder) Ranking(label string, rank RankFunc) *Ranking {
	op := &ranking{rank: rank}
	op.n = b.nodes[b.add(op, label, 0)]
	return &Ranking{op}
}

// Labels gives each value's label. It is to be called by the circuit's operators
// during a step.
func (r *Ranking) Labels(ctx context.Context, values []string) ([]string, error) {
	out := make([]string, len(values))
	waiting := map[string][]int{}
	var unknown []string
	for i, v := range values {
		if at, ok := waiting[v]; ok {
			waiting[v] = append(at, i)
			continue
		}
		label, ok, err := r.op.label(v)
		if err != nil {
			return nil, err
		}
		if ok {
			out[i] = label
			continue
		}
		waiting[v] = []int{i}
		unknown = append(unknown, v)
	}
	for len(unknown) > 0 {
		n, size := 0, 0
		for n < len(unknown) && n < maxNewcomers && (n == 0 || size < maxAsked) {
			size += len(unknown[n])
			n++
		}
		labels, err := r.op.place(ctx, unknown[:n])
		if err != nil {
			return nil, err
		}
		for k, label := range labels {
			for _, i := range waiting[unknown[k]] {
				out[i] = label
			}
		}
		unknown = unknown[n:]
	}
	return out, nil
}

const (
	// fenceEvery is the number of entries that one fence stands for, when made;
	// it is made anew when they are twice as many.
	fenceEvery = 32
	// maxNewcomers and maxAsked bound the values, and their bytes, that are
	// placed at a time.
	maxNewcomers = 8192
	maxAsked     = 4 << 20
	// pivots is how many values newcomers are compared with at once, at least.
	pivots = 256
	// maxRecent is how many recent labels are remembered, to know a run by.
	maxRecent = 1024
)

// ErrOrderChanged: values do not sort as they did when they were given labels. The
// state is to be made anew.
var ErrOrderChanged = errors.New("values sort otherwise than they did")

// ranking is a Ranking's place in the circuit. Its state is
//
//	prefix 'v' value → label
//	prefix 'l' label → value, the first of equal ones
//
// and in memory, of every so many entries of the second in order, the first.
type ranking struct {
	rank   RankFunc
	n      *node
	s      *step // the present one
	fences []labelled
	read   bool   // fences are those of the state
	wrote  bool   // in the present step
	last   []byte // a key that the last step which wrote, wrote
	key    []byte
	// recent are the labels that were given last: a value beside one of them goes
	// on a run.
	recent map[string]bool
	turns  []string // of recent, by age, from next on
	next   int
}

func (*ranking) kind() string                         { return "ranking" }
func (*ranking) keepsState()                          {}
func (*ranking) push(*step, *node, int, *Batch) error { return nil }

func (o *ranking) reset() { o.fences, o.read, o.last = nil, false, nil }

// begin enters a step. What the last one wrote may have been given up since.
func (o *ranking) begin(s *step) error {
	o.s, o.wrote = s, false
	if o.last == nil {
		return nil
	}
	_, ok, err := s.store.Get(nil, o.last)
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	if !ok {
		o.reset()
	}
	o.last = nil
	return nil
}

func (o *ranking) reads() reader {
	if o.wrote {
		return o.s.overlay()
	}
	return o.s.store
}

func (o *ranking) valueKey(v string) []byte {
	o.key = append(append(append(o.key[:0], o.n.prefix...), 'v'), v...)
	return o.key
}

func (o *ranking) labelKey(label string) []byte {
	o.key = append(append(append(o.key[:0], o.n.prefix...), 'l'), label...)
	return o.key
}

func (o *ranking) label(v string) (string, bool, error) {
	o.n.stats.KeysRead++
	label, ok, err := o.reads().Get(nil, o.valueKey(v))
	if err != nil {
		return "", false, fmt.Errorf("read state: %w", err)
	}
	return string(label), ok, nil
}

func (o *ranking) write(key []byte, value string) {
	o.wrote = true
	o.n.stats.KeysWritten++
	o.n.stats.BytesWritten += int64(len(key) + len(value))
	o.s.overlay().Set(key, []byte(value))
}

// labelled is a value with its label.
type labelled struct{ label, value string }

// newcomer is a value without a label: it belongs before list[hi] and after what
// is before list[lo], or is equal to list[lo].
type newcomer struct {
	value  string
	rank   int // among the newcomers
	list   []labelled
	lo, hi int
	equal  bool
	label  string
}

// place gives labels to values that have none.
func (o *ranking) place(ctx context.Context, unknown []string) ([]string, error) {
	if err := o.readFences(); err != nil {
		return nil, err
	}
	all := make([]*newcomer, len(unknown))
	for i, v := range unknown {
		all[i] = &newcomer{value: v, list: o.fences, hi: len(o.fences)}
	}
	if err := o.search(ctx, all, true); err != nil {
		return nil, err
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *newcomer) int { return a.rank - b.rank })

	// Those behind one fence are searched for among its entries.
	var buckets []*bucket
	for _, n := range sorted {
		if n.equal {
			n.label = n.list[n.lo].label
			continue
		}
		at := max(0, n.lo-1)
		if len(buckets) == 0 || buckets[len(buckets)-1].at != at {
			buckets = append(buckets, &bucket{at: at})
		}
		b := buckets[len(buckets)-1]
		b.first = append(b.first, n.lo == 0)
		b.new = append(b.new, n)
	}
	if err := o.load(buckets); err != nil {
		return nil, err
	}
	var inside []*newcomer
	for _, b := range buckets {
		for i, n := range b.new {
			n.list, n.lo, n.hi = b.entries, 0, 0
			if !b.first[i] {
				n.lo, n.hi = 1, len(b.entries)
				inside = append(inside, n)
			}
		}
	}
	if err := o.search(ctx, inside, false); err != nil {
		return nil, err
	}
	for _, b := range buckets {
		end := ""
		if b.at+1 < len(o.fences) {
			end = o.fences[b.at+1].label
		}
		o.insert(b, end)
	}
	o.refence(buckets)
	labels := make([]string, len(all))
	for i, n := range all {
		labels[i] = n.label
		o.write(o.valueKey(n.value), n.label)
	}
	o.last = slices.Clone(o.key)
	return labels, nil
}

// search narrows the newcomers' places down to nothing: each round compares those
// that are left with values spread over the places where they may belong. With
// among, the first round ranks them among one another, too.
func (o *ranking) search(ctx context.Context, all []*newcomer, among bool) error {
	for round := 0; ; round++ {
		var left []*newcomer
		for _, n := range all {
			if n.lo < n.hi && !n.equal || among && round == 0 {
				left = append(left, n)
			}
		}
		if len(left) == 0 {
			return nil
		}
		if err := o.narrow(ctx, left, among && round == 0); err != nil {
			return err
		}
	}
}

// stretch is where some newcomers may belong.
type stretch struct {
	list   *labelled // the first of the list, which tells lists apart
	lo, hi int
}

// narrow does one round of a search.
func (o *ranking) narrow(ctx context.Context, left []*newcomer, among bool) error {
	stretchOf := func(n *newcomer) stretch {
		if n.lo == n.hi {
			return stretch{}
		}
		return stretch{&n.list[0], n.lo, n.hi}
	}
	chosen := map[stretch][]int{} // pivots' indexes in their lists
	lists := map[stretch][]labelled{}
	var order []stretch
	asked, bytes := make([]string, 0, len(left)+pivots), 0
	for _, n := range left {
		asked = append(asked, n.value)
		bytes += len(n.value)
		if sp := stretchOf(n); sp.list != nil && chosen[sp] == nil {
			chosen[sp], lists[sp] = []int{}, n.list
			order = append(order, sp)
		}
	}
	each := 1
	if len(order) > 0 {
		each = max(each, max(pivots, 2*len(left))/len(order))
	}
	first := map[stretch]int{} // where a stretch's pivots are in asked
	for _, sp := range order {
		k := pivotsOf(sp.hi-sp.lo, each)
		if bytes > maxAsked {
			k = 1
		}
		first[sp] = len(asked)
		for i := range k {
			at := sp.lo + (2*i+1)*(sp.hi-sp.lo)/(2*k)
			chosen[sp] = append(chosen[sp], at)
			asked = append(asked, lists[sp][at].value)
			bytes += len(lists[sp][at].value)
		}
	}
	ranks, err := o.rank(ctx, asked)
	if err != nil {
		return err
	}
	if len(ranks) != len(asked) {
		return fmt.Errorf("%d ranks for %d values", len(ranks), len(asked))
	}
	for _, sp := range order {
		for i := first[sp] + 1; i < first[sp]+len(chosen[sp]); i++ {
			if ranks[i-1] >= ranks[i] {
				return ErrOrderChanged
			}
		}
	}
	for i, n := range left {
		if among {
			n.rank = ranks[i]
		}
		sp := stretchOf(n)
		if sp.list == nil {
			continue
		}
		of := ranks[first[sp] : first[sp]+len(chosen[sp])]
		k := sort.SearchInts(of, ranks[i])
		if k < len(of) && of[k] == ranks[i] {
			n.lo, n.equal = chosen[sp][k], true
			continue
		}
		if k > 0 {
			n.lo = chosen[sp][k-1] + 1
		}
		if k < len(of) {
			n.hi = chosen[sp][k]
		}
	}
	return nil
}

// pivotsOf is how many of n values to compare with, at most so many a round: no
// more than needed for the number of rounds.
func pivotsOf(n, most int) int {
	rounds := 1.0
	for math.Pow(float64(most+1), rounds) < float64(n+1) {
		rounds++
	}
	return max(1, min(most, n, int(math.Ceil(math.Pow(float64(n+1), 1/rounds)))-1))
}

// bucket is a fence's entries, and the newcomers that belong among them.
type bucket struct {
	at      int
	new     []*newcomer
	first   []bool // the newcomer is before the first fence
	entries []labelled
}

// load reads the entries of buckets, which are in order.
func (o *ranking) load(buckets []*bucket) error {
	if len(o.fences) == 0 || len(buckets) == 0 {
		return nil
	}
	lower := slices.Clone(o.labelKey(""))
	it := o.reads().NewIter(lower, state.PrefixEnd(lower))
	err := func() error {
		for _, b := range buckets {
			end := ""
			if b.at+1 < len(o.fences) {
				end = o.fences[b.at+1].label
			}
			for it.SeekGE(o.labelKey(o.fences[b.at].label)); it.Valid(); it.Next() {
				e := labelled{string(it.Key()[len(lower):]), string(it.Value())}
				if end != "" && e.label >= end {
					break
				}
				o.n.stats.KeysRead++
				b.entries = append(b.entries, e)
			}
			if len(b.entries) == 0 || b.entries[0].label != o.fences[b.at].label {
				return fmt.Errorf("%w: a label is gone", state.ErrCorrupt)
			}
		}
		return it.Error()
	}()
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	return nil
}

// insert gives labels to the newcomers of a bucket, which are in order, and puts
// them among its entries; end is the label behind it.
func (o *ranking) insert(b *bucket, end string) {
	var merged []labelled
	from := 0
	for i := 0; i < len(b.new); {
		n := b.new[i]
		if n.equal {
			n.label = b.entries[n.lo].label
			i++
			continue
		}
		// All that belong into one gap, equal ones once.
		j, classes := i, 0
		for ; j < len(b.new) && !b.new[j].equal && b.new[j].lo == n.lo; j++ {
			if j == i || b.new[j].rank != b.new[j-1].rank {
				classes++
			}
		}
		merged = append(merged, b.entries[from:n.lo]...)
		from = n.lo
		lo, hi := "", end
		if n.lo > 0 {
			lo = b.entries[n.lo-1].label
		}
		if n.lo < len(b.entries) {
			hi = b.entries[n.lo].label
		}
		how := evenly
		switch {
		case o.recent[lo]:
			how = afterBefore
		case o.recent[hi]:
			how = beforeAfter
		}
		labels := between(lo, hi, classes, how)
		o.remember(labels[0])
		o.remember(labels[classes-1])
		for class := -1; i < j; i++ {
			m := b.new[i]
			if class < 0 || m.rank != b.new[i-1].rank {
				class++
				merged = append(merged, labelled{labels[class], m.value})
				o.write(o.labelKey(labels[class]), m.value)
			}
			m.label = labels[class]
		}
	}
	b.entries = append(merged, b.entries[from:]...)
}

func (o *ranking) remember(label string) {
	if o.recent == nil {
		o.recent, o.turns = map[string]bool{}, make([]string, maxRecent)
	}
	if o.recent[label] {
		return
	}
	delete(o.recent, o.turns[o.next])
	o.turns[o.next], o.recent[label] = label, true
	o.next = (o.next + 1) % maxRecent
}

// refence brings the fences up to date with buckets that were added to.
func (o *ranking) refence(buckets []*bucket) {
	var out []labelled
	from := 0
	for _, b := range buckets {
		if len(o.fences) > 0 {
			if len(b.entries) <= 2*fenceEvery {
				o.fences[b.at] = b.entries[0]
				continue
			}
			out = append(out, o.fences[from:b.at]...)
			from = b.at + 1
		}
		for i := 0; i < len(b.entries); i += fenceEvery {
			out = append(out, b.entries[i])
		}
	}
	if out != nil {
		o.fences = append(out, o.fences[from:]...)
	}
}

// readFences learns the fences from the state.
func (o *ranking) readFences() error {
	if o.read {
		return nil
	}
	lower := slices.Clone(o.labelKey(""))
	it := o.reads().NewIter(lower, state.PrefixEnd(lower))
	o.fences = nil
	count := 0
	for ok := it.First(); ok; ok = it.Next() {
		if count%fenceEvery == 0 {
			o.fences = append(o.fences, labelled{string(it.Key()[len(lower):]), string(it.Value())})
		}
		count++
	}
	err := it.Error()
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	o.read = true
	return nil
}
