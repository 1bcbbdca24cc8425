package circuit

import (
	"context"
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Stream is a stream of Z-sets inside a circuit being built: one delta a step.
type Stream struct{ id int }

// Indexed is a stream arranged by a key: its integral is kept in the store,
// ordered by that key, for every operator that wants to look into the past.
type Indexed struct {
	id      int
	columns []int // nil: all
}

// Only is the arrangement for a join that looks at these columns alone. What no join
// over it looks at is not kept: it is NULL in the rows that joins are given.
func (ix Indexed) Only(columns ...int) Indexed {
	return Indexed{ix.id, append([]int{}, columns...)}
}

// BatchFunc computes a lifted linear operator: it appends to out what the rows
// of in become, with the weights of in times whatever it likes. It must not
// look at in as a whole (a batch is cut anywhere) nor keep or change it. out
// comes empty.
type BatchFunc func(ctx context.Context, in *Batch, out *Batch) error

// BatchFunc2 is a BatchFunc with two outputs, for instance the good rows and
// those whose evaluation failed.
type BatchFunc2 func(ctx context.Context, in *Batch, a, b *Batch) error

// KeyFunc appends the key of a row to dst. Rows with equal keys meet. No key of
// one operator may be a proper prefix of another (values.AppendKey writes such
// keys). ok false says that the row meets nothing, like a NULL in an equality,
// and is not to be kept.
type KeyFunc func(dst []byte, row []values.Datum) (key []byte, ok bool)

// JoinFunc appends to out what the pair of rows l and r becomes, none, one or
// several rows, each with weight w (times what it likes). l and r are good
// during the call only; their Datums may be copied.
type JoinFunc func(l, r []values.Datum, out *Batch, w int64)

// Builder puts a circuit together, operator by operator: each method adds a
// node and returns its output. Mistakes are remembered and reported by Build.
//
// Labels tell people, and Build, what an operator computes: the state of a
// circuit is only reopened by one of the same shape and the same labels, so a
// label must change whenever the function beside it does.
//
// Functions given to one operator are called one at a time, those of different operators
// perhaps at the same time (Parts.Workers): they must not change anything in common.
type Builder struct {
	nodes []*node
	names map[string]bool // of sources and outputs
	alone bool
	err   error
}

// NewBuilder makes an empty circuit.
func NewBuilder() *Builder { return &Builder{names: map[string]bool{}} }

// Alone says that functions of different operators must not be called at the same time either: one
// goroutine evaluates the circuit.
func (b *Builder) Alone() { b.alone = true }

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// add appends a node reading the given ones and returns its number.
func (b *Builder) add(op operator, label string, width int, inputs ...int) int {
	id := len(b.nodes)
	n := &node{id: id, op: op, label: label, width: width, inputs: inputs}
	n.finish, _ = op.(finisher)
	n.out.init(n, width)
	for port, in := range inputs {
		if in < 0 || in >= id {
			b.fail("%s %q: input %d is not of this circuit", op.kind(), label, port)
			continue
		}
		from := b.nodes[in]
		from.out.to = append(from.out.to, edge{n, port})
	}
	b.nodes = append(b.nodes, n)
	return id
}

func (b *Builder) width(s Stream) int {
	if s.id < 0 || s.id >= len(b.nodes) {
		return 0
	}
	return b.nodes[s.id].width
}

// Source adds an input of the circuit: Step feeds it by name.
func (b *Builder) Source(name string, width int) Stream {
	b.unique("source", name)
	return Stream{b.add(&source{name: name}, name, width)}
}

// Constant adds a stream that carries the given rows at the circuit's first
// step and nothing ever after.
func (b *Builder) Constant(rows *Batch, label string) Stream {
	return Stream{b.add(&constant{rows: rows}, label, rows.Width)}
}

// Map adds a lifted linear operator: filter, projection, expansion.
func (b *Builder) Map(in Stream, width int, label string, f BatchFunc) Stream {
	return Stream{b.add(&mapper{f: f}, label, width, in.id)}
}

// Map2 adds a lifted linear operator with two outputs.
func (b *Builder) Map2(in Stream, widthA, widthB int, label string, f BatchFunc2) (Stream, Stream) {
	op := &mapper2{f: f}
	first := b.add(op, label, widthA, in.id)
	second := b.add(&secondOutput{}, label, widthB)
	// Named as an input for people to see; the first node feeds it directly.
	b.nodes[second].inputs = []int{first}
	op.second = b.nodes[second]
	return Stream{first}, Stream{second}
}

// Sum adds the Z-set sum of streams of one width: UNION ALL.
func (b *Builder) Sum(in ...Stream) Stream {
	if len(in) == 0 {
		b.fail("sum of no streams")
		return Stream{-1}
	}
	ids := make([]int, len(in))
	for i, s := range in {
		ids[i] = s.id
		if b.width(s) != b.width(in[0]) {
			b.fail("sum of streams %d and %d columns wide", b.width(in[0]), b.width(s))
		}
	}
	return Stream{b.add(&sum{}, "", b.width(in[0]), ids...)}
}

// Neg adds the negation of a stream: every weight with the other sign.
func (b *Builder) Neg(in Stream) Stream {
	return Stream{b.add(&neg{}, "", b.width(in), in.id)}
}

// Index arranges a stream by a key. All joins over the same stream and key
// should share one.
func (b *Builder) Index(in Stream, label string, key KeyFunc) Indexed {
	return Indexed{id: b.add(&index{key: key, width: b.width(in)}, label, b.width(in), in.id)}
}

// Join adds the bilinear join of two arranged streams: all pairs of rows with
// equal keys. The two may be the same.
func (b *Builder) Join(l, r Indexed, width int, label string, f JoinFunc) Stream {
	id := b.add(&join{f: f}, label, width, l.id, r.id)
	if b.err == nil {
		op := b.nodes[id].op.(*join)
		var okL, okR bool
		op.leftN, op.rightN = b.nodes[l.id], b.nodes[r.id]
		op.left, okL = op.leftN.op.(*index)
		op.right, okR = op.rightN.op.(*index)
		if !okL || !okR {
			b.fail("join %q: input is not an index", label)
			return Stream{id}
		}
		op.left.kept.want(l.columns)
		op.right.kept.want(r.columns)
	}
	return Stream{id}
}

// Intervals is a stream arranged by the intervals that its rows stand for.
type Intervals struct {
	id       int
	columns  []int // nil: all
	bounding []int
}

// Only is as that of Indexed.
func (ix Intervals) Only(columns ...int) Intervals {
	ix.columns = append([]int{}, columns...)
	return ix
}

// Bounding says of which columns f looks at nothing but the side of a bound on which the other row lies: two rows that
// differ in these alone make the same of any other row, unless it lies at one of their bounds or
// one of them does not meet it. So when such a column changes, only what lies between the old bounds
// and the new ones is looked at.
func (ix Intervals) Bounding(columns ...int) Intervals {
	ix.bounding = columns
	return ix
}

// fixed is the columns that f looks at in other ways; nil if it does in all.
func (ix Intervals) fixed(width int) *kept {
	if len(ix.bounding) == 0 {
		return nil
	}
	k := &kept{}
	for c := range width {
		if (ix.columns == nil || slices.Contains(ix.columns, c)) && !slices.Contains(ix.bounding, c) {
			k.columns = append(k.columns, c)
		}
	}
	return k
}

// IntervalIndex arranges a stream by intervals. All joins over the same stream and
// intervals should share one.
func (b *Builder) IntervalIndex(in Stream, label string, spec Interval) Intervals {
	if spec.Point && spec.From == nil {
		b.fail("interval index %q: a point without a key", label)
	}
	return Intervals{id: b.add(&intervalIndex{spec: spec, width: b.width(in)}, label, b.width(in), in.id)}
}

// IntervalJoin joins rows whose intervals meet: f is given each such pair, and may be
// given others, so it tests what it wants, bounds included or not. The two streams may be the same.
func (b *Builder) IntervalJoin(l, r Intervals, width int, label string, f JoinFunc) Stream {
	op := &intervalJoin{f: f}
	id := b.add(op, label, width, l.id, r.id)
	if b.err == nil {
		var okL, okR bool
		op.leftN, op.rightN = b.nodes[l.id], b.nodes[r.id]
		op.left, okL = op.leftN.op.(*intervalIndex)
		op.right, okR = op.rightN.op.(*intervalIndex)
		if !okL || !okR {
			b.fail("interval join %q: input is not an index by intervals", label)
			return Stream{id}
		}
		op.left.kept.want(l.columns)
		op.right.kept.want(r.columns)
		op.left.ordered = op.left.ordered || !op.right.spec.Point
		op.right.ordered = op.right.ordered || !op.left.spec.Point
		op.fixed = [2]*kept{l.fixed(op.left.width), r.fixed(op.right.width)}
	}
	return Stream{id}
}

// Distinct adds set semantics: of the rows with one key that are present (their
// weight is positive), the one with the least encoding (values.AppendRow),
// once. A nil key takes rows as equal when their encodings are.
func (b *Builder) Distinct(in Stream, label string, key KeyFunc) Stream {
	return Stream{b.add(&distinct{key: key}, label, b.width(in), in.id)}
}

// Aggregate adds grouping and aggregation. Its rows are the group's columns
// followed by one column for each aggregate.
func (b *Builder) Aggregate(in Stream, label string, spec AggSpec) Stream {
	op, err := newAggregate(spec)
	if err != nil {
		b.fail("aggregate %q: %w", label, err)
	}
	return Stream{b.add(op, label, spec.GroupWidth+len(spec.Aggregates), in.id)}
}

// RecursionSpec says how a recursion ends.
type RecursionSpec struct {
	// Key, if set, is what makes rows the same: of equal ones only that of the
	// least iteration is taken (UNION). Without it every copy is (UNION ALL). It
	// must not look at the last column.
	Key KeyFunc
	// Limit is the number of iterations, from 0, whose rows are taken. What
	// comes later is overdue.
	Limit int64
	// MaxRows bounds what a recursion that multiplies its rows can take of
	// memory: a step in which more of them change at once fails.
	MaxRows int
	// MaxBytes bounds what the rows that change in one step take, of all iterations: rows that
	// grow from iteration to iteration may be few.
	MaxBytes int64
}

// Recursion begins a loop. Its first output is the working table: rows that end
// with the number of the iteration in which they arise, an integer. Close gives
// it the stream of what the table should hold: rows of iteration 0, and those
// that follow from the working table's, of the next iteration each.
//
// The second output is the rows that are not taken because there is no end to
// them: beyond the limit of iterations, or of more than MaxCopies copies.
func (b *Builder) Recursion(width int, label string, spec RecursionSpec) (work, overdue Stream) {
	if width < 1 || spec.Limit < 1 || spec.MaxRows < 1 || spec.MaxBytes < 1 {
		b.fail("recursion %q: of %d columns, %d iterations, %d rows and %d bytes", label, width, spec.Limit, spec.MaxRows, spec.MaxBytes)
	}
	op := &recursion{spec: spec, width: width}
	first := b.add(op, label, width)
	second := b.add(&secondOutput{}, label, width)
	b.nodes[second].inputs = []int{first}
	op.overdue = b.nodes[second]
	op.reset()
	return Stream{first}, Stream{second}
}

// Close ends a loop.
func (b *Builder) Close(work, in Stream) {
	if b.width(work) != b.width(in) || in.id <= work.id {
		b.fail("recursion of %d columns closed by a stream of %d", b.width(work), b.width(in))
		return
	}
	n := b.nodes[work.id]
	if _, ok := n.op.(*recursion); !ok || len(n.inputs) > 0 {
		b.fail("%s %q is not a recursion to be closed", n.op.kind(), n.label)
		return
	}
	n.inputs = []int{in.id}
	from := b.nodes[in.id]
	from.out.to = append(from.out.to, edge{n, 0})
}

// Output names a stream as an output of the circuit: Step returns its delta.
func (b *Builder) Output(name string, in Stream) {
	b.unique("output", name)
	b.add(&output{name: name}, name, b.width(in), in.id)
}

// Errors is Output under another name: for the Z-set of rows that could not be
// computed.
func (b *Builder) Errors(name string, in Stream) { b.Output(name, in) }

func (b *Builder) unique(what, name string) {
	if b.names[what+" "+name] {
		b.fail("two %ss named %q", what, name)
	}
	b.names[what+" "+name] = true
}
